/* The tiles of a still: where their payloads are (spec/kq.md, section 6). */
#ifndef KQ_FILE_RECORDS_H
#define KQ_FILE_RECORDS_H

#include "file/state.h"

#define KQ_LEAST_RECORD (1 + KQ_CHECKSUM_SIZE)

/* Finds and checks all of them, and what follows. */
static kq_result kq_records_read(kq_file *f)
{
    kq_cursor *c = &f->rest;
    const uint32_t tiles = f->info.tiles;
    const int directory = tiles > 1;
    kq_result result;
    if (!f->info.short_form && (c->size - c->at) / KQ_LEAST_RECORD < tiles)
        return KQ_TRUNCATED;
    f->tiles = (kq_span *)KQ_MALLOC(tiles * sizeof *f->tiles);
    if (!f->tiles)
        return KQ_NO_MEMORY;
    for (uint32_t i = 0; i < tiles; i++) {
        const kq_box box = kq_header_box(&f->header, i);
        uint64_t least, most;
        uint32_t length;
        kq_payload_range(&f->info, &f->dense, (uint64_t)box.width * box.height, &least, &most);
        if ((result = kq_take_length(c, 4, &length)) != KQ_OK)
            return result;
        if (length < least || length > most)
            return KQ_INVALID;
        f->tiles[i].size = length;
        f->tiles[i].bytes = kq_take(c, length);
        if (!f->tiles[i].bytes)
            return KQ_TRUNCATED;
        if ((result = kq_check_part(f, "TILE", i, f->tiles[i].bytes, length)) != KQ_OK)
            return result;
    }
    if (directory) {
        const uint8_t *lengths = kq_take(c, 4 * (size_t)tiles);
        if (!lengths)
            return KQ_TRUNCATED;
        if ((result = kq_check_seal(&f->sealer, c, "TDIR", 0, lengths, 4 * (size_t)tiles)) != KQ_OK)
            return result;
        for (uint32_t i = 0; i < tiles; i++)
            if (kq_big32(lengths + 4 * (size_t)i) != f->tiles[i].size)
                return KQ_INVALID;
    }
    return c->at == c->size ? KQ_OK : KQ_INVALID;
}

#endif
