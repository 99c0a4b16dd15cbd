/* Opens the frames of a file: checks them all and the directory behind them, and lists the payloads
 * of each tile (spec/kq.md, section 19).
 */
#ifndef KQ_FILE_FRAME_LIST_H
#define KQ_FILE_FRAME_LIST_H

#include "file/frames.h"

static void kq_frame_list_close(kq_frame_list *list)
{
    KQ_FREE(list->durations);
    KQ_FREE(list->payloads);
    KQ_FREE(list->starts);
    memset(list, 0, sizeof *list);
}

/* Checks all frames, and counts them and their payloads. */
static kq_result kq_check_frames(const kq_frame_list *list, kq_cursor *c, uint32_t most,
                                 uint32_t *frames, size_t *payloads)
{
    kq_frame_range range;
    kq_frame_head head = kq_no_head(list);
    kq_frame_range_init(&range, list->file);
    *payloads = 0;
    for (;; head.number++) {
        kq_result result = kq_read_head(list, &head, c);
        *frames = head.number;
        if (result != KQ_OK)
            return result;
        if (head.is_end || head.number == KQ_MOST_FRAMES)
            return head.is_end && head.number ? KQ_OK : KQ_INVALID;
        result = kq_check_payloads(list, &range, &head, c, payloads);
        if (result != KQ_OK)
            return result;
        if (head.number == most)
            return KQ_LIMIT;
    }
}

/* --- the directory ---------------------------------------------------------------- */

/* What decodes it, number by number. */
typedef struct {
    kq_range_decoder decoder;
    kq_bit_coder coder;
    kq_number_bits bits;
} kq_directory;

static int kq_directory_says(kq_directory *d, uint64_t number)
{
    uint64_t found = 0;
    return kq_number_code(&d->coder, &d->bits, KQ_NUMBER_TREE, &found) && found == number;
}

/* Compares the lists in a directory with the frames, which were checked. How long these last is
 * kept, and, behind the first of `starts`, how many payloads each tile has. */
static int kq_directory_agrees(kq_frame_list *list, uint32_t frames, const uint8_t *lists,
                               size_t size)
{
    kq_directory d;
    kq_cursor c = list->first;
    kq_frame_head head = kq_no_head(list);
    memset(&d, 0, sizeof d);
    kq_range_decoder_init(&d.decoder, lists, size);
    d.coder.decoder = &d.decoder;
    kq_number_bits_init(&d.bits);
    for (; head.number < frames; head.number++) {
        kq_read_head(list, &head, &c);
        kq_payloads p = kq_payloads_of(&head, &c, list->file->info.tiles);
        while (kq_payloads_next(&p))
            list->starts[p.tile + 1]++;
        c.at = p.at;
        if (!kq_directory_says(&d, c.at - head.start))
            return 0;
        list->durations[head.number] = head.duration;
    }
    kq_number_bits_init(&d.bits);
    for (uint32_t frame = 0; frame < frames; frame++)
        if (!kq_directory_says(&d, list->durations[frame]))
            return 0;
    return kq_range_decoder_valid(&d.decoder);
}

/* Lists the payloads, which are counted. */
static void kq_list_payloads(kq_frame_list *list, uint32_t frames)
{
    const uint32_t tiles = list->file->info.tiles;
    kq_cursor c = list->first;
    kq_frame_head head = kq_no_head(list);
    for (uint32_t tile = 0; tile < tiles; tile++)
        list->starts[tile + 1] += list->starts[tile];
    for (; head.number < frames; head.number++) {
        kq_read_head(list, &head, &c);
        kq_payloads p = kq_payloads_of(&head, &c, tiles);
        while (kq_payloads_next(&p)) {
            kq_frame_payload *payload = list->payloads + list->starts[p.tile]++;
            payload->at = p.at;
            payload->frame = head.number;
            payload->size = p.size;
        }
        c.at = p.at;
    }
    /* Each stands where its own payloads end by now, and the next one's begin. */
    memmove(list->starts + 1, list->starts, tiles * sizeof *list->starts);
    list->starts[0] = 0;
}

/* --- opening ---------------------------------------------------------------------- */

/* Opens the frames, the rest of a file, and counts them. The list, all zeros, is to be closed in
 * any case. */
static kq_result kq_frame_list_open(kq_frame_list *list, const kq_file *f, uint32_t *frames)
{
    size_t payloads;
    kq_cursor c = f->rest;
    list->file = f;
    list->first = c;
    const kq_result result = kq_check_frames(list, &c, f->limits.metadata, frames, &payloads);
    if (result != KQ_OK)
        return result;
    const uint8_t *lists = c.data + c.at, *tail = c.data + c.size - KQ_DIRECTORY_TAIL;
    const size_t left = c.size - c.at;
    if (left <= KQ_DIRECTORY_TAIL)
        return KQ_TRUNCATED;
    if (KQ_DIFFERS(kq_big32(tail + 8),
                   kq_seal(&f->sealer, "TDIR", 0, lists, left - KQ_CHECKSUM_SIZE)))
        return KQ_CHECKSUM;
    if (kq_big32(tail) != *frames || kq_big32(tail + 4) != left - KQ_DIRECTORY_TAIL)
        return KQ_INVALID;
    list->durations = (uint32_t *)KQ_CALLOC(*frames, sizeof *list->durations);
    if (payloads) { /* each tile has one; without any there may be more tiles than bytes */
        list->payloads = (kq_frame_payload *)KQ_CALLOC(payloads, sizeof *list->payloads);
        list->starts = (size_t *)KQ_CALLOC((size_t)f->info.tiles + 1, sizeof *list->starts);
    }
    if (!list->durations || (payloads && (!list->payloads || !list->starts)))
        return KQ_NO_MEMORY;
    if (!kq_directory_agrees(list, *frames, lists, left - KQ_DIRECTORY_TAIL))
        return KQ_INVALID;
    if (payloads)
        kq_list_payloads(list, *frames);
    return KQ_OK;
}

/* The payload of a tile that its labels in that frame come from: its last one in the frame or ahead
 * of it. There is one but for K = 1. */
static size_t kq_payload_at(const kq_frame_list *list, uint32_t tile, uint32_t frame)
{
    size_t low = list->starts[tile], high = list->starts[tile + 1];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (list->payloads[middle].frame <= frame)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
