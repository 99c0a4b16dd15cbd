/* The frames of a file (spec/kq.md, section 19): how they follow each other, their heads, and where
 * the payloads of each tile are. All of it is checked when a file is opened, and what is kept of it
 * grows with the bytes of the file alone.
 */
#ifndef KQ_FILE_FRAMES_H
#define KQ_FILE_FRAMES_H

#include "coding/numbers.h"
#include "file/palette.h"

#define KQ_TIMING_SIZE 20
#define KQ_DIRECTORY_TAIL 12 /* bytes: how many frames, how many bytes, and a CRC-32 */
#define KQ_CHAINED_MORE 64   /* bytes that a payload may have more than in a still */
/* The flags of a head. */
enum { KQ_IS_FRAME = 1, KQ_HAS_DURATION = 2, KQ_IS_UNCHANGED = 4, KQ_HEAD_FLAGS = 7 };

/* A payload of a tile. */
typedef struct {
    size_t at;
    uint32_t frame, size;
} kq_frame_payload;

/* The frames of a file, which `info` counts. */
typedef struct {
    const kq_file *file;
    kq_cursor first;            /* at the head of frame 0 */
    uint32_t *durations;        /* of each */
    kq_frame_payload *payloads; /* those of tile 0 frame by frame, then those of tile 1 ... */
    size_t *starts;             /* of each tile's, and where the last one's end; NULL for K = 1 */
} kq_frame_list;

/* What the section FRAM says. */
static kq_result kq_read_timing(kq_info *info, const uint8_t *data, size_t size)
{
    if (size != KQ_TIMING_SIZE || kq_big32(data) & 0xFEFFFFFFu)
        return KQ_INVALID;
    info->axis = data[0];
    info->key_distance = kq_big32(data + 4);
    info->plays = kq_big32(data + 8);
    info->unit_numerator = kq_big32(data + 12);
    info->unit_denominator = kq_big32(data + 16);
    return info->unit_denominator == 0 || (info->axis == 0 && info->unit_numerator == 0) ||
                   (info->coder < KQ_CODER_CONTEXT && info->key_distance != 1)
               ? KQ_INVALID
               : KQ_OK;
}

/* Whether a frame needs no other. */
static int kq_is_key_frame(const kq_info *info, uint32_t frame)
{
    return info->key_distance ? frame % info->key_distance == 0 : frame == 0;
}

/* --- heads ------------------------------------------------------------------------ */

typedef struct {
    uint32_t number, duration;
    int is_end, is_unchanged;
    size_t start;      /* where the head begins, */
    kq_cursor lengths; /* and the lengths in it */
} kq_frame_head;

/* The flags of a head and what they announce, of which the CRC-16 isn't compared yet; the frame
 * before lasted `head->duration`. */
static kq_result kq_parse_head(kq_frame_head *head, kq_cursor *c, uint32_t tiles)
{
    kq_result result;
    uint32_t any = 0, length;
    const uint8_t *byte = kq_take(c, 1), flags = byte ? *byte : 0;
    if (!byte)
        return KQ_TRUNCATED;
    head->is_end = flags == 0;
    head->is_unchanged = (flags & KQ_IS_UNCHANGED) != 0;
    if (flags && (!(flags & KQ_IS_FRAME) || flags > KQ_HEAD_FLAGS))
        return KQ_INVALID;
    if (flags & KQ_HAS_DURATION) {
        /* One that is written differs from the one before; that is told last. */
        if ((result = kq_take_length(c, 5, &head->duration)) != KQ_OK)
            return result;
        if (head->duration == 0)
            return KQ_INVALID;
    }
    head->lengths = *c;
    if (head->is_end || head->is_unchanged)
        return KQ_OK;
    for (uint32_t tile = 0; tile < tiles; tile++) {
        if ((result = kq_take_length(c, 4, &length)) != KQ_OK)
            return result;
        any |= length;
    }
    return any ? KQ_OK : KQ_INVALID;
}

/* Reads the next head; of the first one number and duration are that of the frame before, 0 and
 * 1. */
static kq_result kq_read_head(const kq_frame_list *list, kq_frame_head *head, kq_cursor *c)
{
    const uint32_t before = head->duration;
    uint8_t number[8] = {0};
    head->start = c->at;
    const kq_result result = kq_parse_head(head, c, list->file->info.tiles);
    if (result != KQ_OK)
        return result;
    for (int i = 0; i < 4; i++)
        number[4 + i] = (uint8_t)(head->number >> (24 - 8 * i));
    uint32_t crc = kq_crc16(list->file->header.bytes, KQ_HEADER_SIZE, 0xFFFF);
    crc = kq_crc16(number, sizeof number, crc);
    crc = kq_crc16(c->data + head->start, c->at - head->start, crc);
    const uint8_t *stored = kq_take(c, 2);
    if (!stored)
        return KQ_TRUNCATED;
    if (KQ_DIFFERS(crc, kq_big16(stored)))
        return KQ_CHECKSUM;
    const int has_duration = c->data[head->start] & KQ_HAS_DURATION;
    return has_duration && head->duration == before ? KQ_INVALID : KQ_OK;
}

/* The head ahead of the first. */
static kq_frame_head kq_no_head(const kq_frame_list *list)
{
    kq_frame_head head;
    memset(&head, 0, sizeof head);
    head.duration = 1;
    head.lengths = list->first;
    return head;
}

/* --- payloads --------------------------------------------------------------------- */

/* The payloads of a frame, one after the other. */
typedef struct {
    kq_cursor lengths;
    uint32_t next, tiles; /* the tile whose length comes next, and how many there are */
    uint32_t tile, size;
    size_t at;
} kq_payloads;

/* Begins with those behind a head, where the cursor stands. */
static kq_payloads kq_payloads_of(const kq_frame_head *head, const kq_cursor *c, uint32_t tiles)
{
    kq_payloads p;
    p.lengths = head->lengths;
    p.next = head->is_unchanged ? tiles : 0;
    p.tiles = tiles;
    p.tile = p.size = 0;
    p.at = c->at;
    return p;
}

/* Goes on to the next one; returns 0 if there is none, `at` being where they end. */
static int kq_payloads_next(kq_payloads *p)
{
    p->at += p->size ? (size_t)p->size + KQ_CHECKSUM_SIZE : 0;
    p->size = 0;
    while (!p->size && p->next < p->tiles) {
        p->tile = p->next++;
        kq_take_length(&p->lengths, 4, &p->size);
    }
    return p->size != 0;
}

/* Tiles are of up to four sizes: cut at the right, below, both or neither. */
static uint32_t kq_size_of_tile(const kq_header *h, uint32_t tile)
{
    const uint32_t last_column = tile % h->tiles_across == h->tiles_across - 1;
    const uint32_t last_row = tile / h->tiles_across == h->tiles_down - 1;
    return last_column | last_row << 1;
}

typedef struct {
    uint64_t least[4], most[4]; /* bytes of a payload, by the size of its tile */
} kq_frame_range;

static void kq_frame_range_init(kq_frame_range *range, const kq_file *f)
{
    const kq_header *h = &f->header;
    const kq_info *info = &f->info;
    const uint32_t corners[4] = {0, h->tiles_across - 1, info->tiles - h->tiles_across,
                                 info->tiles - 1};
    for (int i = 0; i < 4; i++) {
        const kq_box box = kq_header_box(h, corners[i]);
        const uint64_t labels = (uint64_t)box.width * box.height;
        uint64_t *least = range->least + kq_size_of_tile(h, corners[i]);
        uint64_t *most = range->most + kq_size_of_tile(h, corners[i]);
        kq_payload_range(info, &f->dense, labels, least, most);
        if (info->colors == 1 || info->coder < KQ_CODER_CONTEXT)
            continue;
        *least = 0;
        *most += KQ_CHAINED_MORE;
        if (info->label_map && info->colors > labels) /* a list has those of later frames, too */
            *most += KQ_OWN_LISTED * (info->colors - labels);
    }
}

/* Checks the lengths of a frame's payloads, and compares their CRC-32s. The cursor stands behind
 * the head, and goes on to behind the payloads, which are counted. */
static kq_result kq_check_payloads(const kq_frame_list *list, const kq_frame_range *range,
                                   const kq_frame_head *head, kq_cursor *c, size_t *count)
{
    const kq_info *info = &list->file->info;
    const int must_change =
        info->colors > 1 && (info->coder < KQ_CODER_CONTEXT || kq_is_key_frame(info, head->number));
    kq_payloads p = kq_payloads_of(head, c, info->tiles);
    if (head->is_unchanged)
        return must_change ? KQ_INVALID : KQ_OK;
    for (uint32_t tile = 0; tile < info->tiles; tile++) {
        const uint32_t size = kq_size_of_tile(&list->file->header, tile);
        uint32_t length = 0;
        kq_take_length(&p.lengths, 4, &length);
        if (length < range->least[size] || length > range->most[size] || (!length && must_change))
            return KQ_INVALID;
    }
    p = kq_payloads_of(head, c, info->tiles);
    while (kq_payloads_next(&p)) {
        const uint64_t ordinal = (uint64_t)head->number * info->tiles + p.tile;
        const uint8_t *payload = kq_take(c, p.size);
        const kq_result result =
            payload ? kq_check_seal(&list->file->sealer, c, "TILE", ordinal, payload, p.size)
                    : KQ_TRUNCATED;
        if (result != KQ_OK)
            return result;
        ++*count;
    }
    return KQ_OK;
}

#endif
