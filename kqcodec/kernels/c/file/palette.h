/* What stands behind the header: a palette, or a label map's table of ids (spec/kq.md, sections 4,
 * 14 and 18).
 */
#ifndef KQ_FILE_PALETTE_H
#define KQ_FILE_PALETTE_H

#include "coding/numbers.h"
#include "coding/palette_coder.h"
#include "context/tree.h"
#include "file/state.h"

enum { KQ_BOOL, KQ_INT8, KQ_UINT8, KQ_INT16, KQ_UINT16, KQ_INT32, KQ_UINT32, KQ_INT64, KQ_UINT64 };
enum { KQ_PLANE, KQ_COLUMN, KQ_VOLUME };
#define KQ_TABLE_MAPPED 32 /* of the first byte of a table of ids */
#define KQ_MOST_FRAMES ((uint64_t)INT32_MAX)

static int kq_id_bytes(int dtype)
{
    return dtype == KQ_BOOL ? 1 : 1 << (dtype - 1) / 2;
}

static kq_result kq_palette_read(kq_file *f)
{
    const size_t k = f->info.colors, plain = (f->info.alpha ? 4 : 3) * k;
    const size_t start = f->rest.at;
    kq_result result;
    uint32_t length;
    f->stored = (uint8_t *)KQ_MALLOC(4 * k);
    if (!f->stored)
        return KQ_NO_MEMORY;
    if (!(f->header.flags & KQ_FLAG_CODED)) {
        const uint8_t *colors = kq_take(&f->rest, plain);
        if (!colors)
            return KQ_TRUNCATED;
        memcpy(f->stored, colors, plain);
        return kq_check_part(f, "PLTE", 0, colors, plain);
    }
    if ((result = kq_take_length(&f->rest, 4, &length)) != KQ_OK)
        return result;
    if (f->rest.at - start + length >= plain)
        return KQ_INVALID;
    const uint8_t *payload = kq_take(&f->rest, length);
    if (!payload)
        return KQ_TRUNCATED;
    result = kq_check_part(f, "PLTE", 0, f->rest.data + start, f->rest.at - start);
    if (result != KQ_OK)
        return result;
    const int valid = kq_palette_decode(payload, length, k, f->info.alpha ? 4 : 3, f->stored);
    return valid < 0 ? KQ_NO_MEMORY : valid ? KQ_OK : KQ_INVALID;
}

/* The entries in the order of the tree, which only context and tokens need. */
static kq_result kq_palette_order(kq_file *f)
{
    if (f->info.coder < KQ_CODER_CONTEXT || f->info.colors == 1)
        return KQ_OK;
    f->order = (uint16_t *)KQ_MALLOC(f->info.colors * sizeof *f->order);
    return f->order && kq_tree_order(f->stored, f->info.colors, f->order) ? KQ_OK : KQ_NO_MEMORY;
}

/* From the differences of ids to the ids; 0 if one isn't of the dtype. */
static int kq_ids_add_up(uint64_t *ids, size_t count, int dtype)
{
    const int is_signed = dtype != KQ_BOOL && dtype % 2 == 1, bits = 8 * kq_id_bytes(dtype);
    const uint64_t most = dtype == KQ_BOOL ? 1 : UINT64_MAX >> (64 - bits);
    /* The sign's bit turned round, so that signed numbers ascend, too; then from the least up. */
    const uint64_t half = is_signed ? (uint64_t)1 << (bits - 1) : 0;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            const uint64_t size = is_signed ? ids[0] >> 1 : ids[0];
            if (is_signed ? size >= half : size > most)
                return 0;
            at = is_signed ? (ids[0] & 1 ? half - 1 - size : half + size) : size;
        } else {
            if (ids[i] >= most - at)
                return 0;
            at += ids[i] + 1;
        }
        ids[i] = at - half;
    }
    return 1;
}

/* The lists of a table, behind its numbers. */
static kq_result kq_ids_read(kq_file *f, kq_cursor *c, int mapped)
{
    const size_t distinct = f->info.ids, entries = f->info.entries;
    const uint64_t counts[2] = {distinct, entries};
    const uint64_t bytes = (counts[0] + counts[1]) * sizeof(uint64_t);
    uint64_t *numbers = bytes > SIZE_MAX / 2 ? NULL : (uint64_t *)KQ_MALLOC((size_t)bytes);
    f->ids = numbers;
    if (!numbers)
        return KQ_NO_MEMORY;
    if (!kq_numbers_decode(c->data + c->at, c->size - c->at, counts, mapped ? 2 : 1, numbers))
        return KQ_INVALID;
    for (size_t i = 0; mapped && i < entries; i++)
        if (numbers[distinct + i] >= distinct)
            return KQ_INVALID;
    if (!kq_ids_add_up(numbers, distinct, f->info.dtype))
        return KQ_INVALID;
    if (!mapped)
        return KQ_OK;
    f->ids = (uint64_t *)KQ_MALLOC(entries * sizeof *numbers);
    for (size_t i = 0; f->ids && i < entries; i++)
        f->ids[i] = numbers[numbers[distinct + i]];
    KQ_FREE(numbers);
    return f->ids ? KQ_OK : KQ_NO_MEMORY;
}

static kq_result kq_table_read(kq_file *f)
{
    kq_info *info = &f->info;
    const uint64_t pixels = (uint64_t)info->width * info->height;
    const size_t start = f->rest.at;
    uint32_t length, distinct, entries;
    kq_result result = kq_take_length(&f->rest, 4, &length);
    if (result != KQ_OK)
        return result;
    if (f->rest.at == f->rest.size)
        return KQ_TRUNCATED;
    const uint8_t kind = f->rest.data[f->rest.at];
    /* Lists have fewer than 2^28 entries anyway, so of frames one pixel is enough. */
    const int is_volume = kind & 0x40 && !(kind & 0x90);
    const uint64_t most = is_volume || pixels > KQ_MOST_FRAMES ? KQ_MOST_FRAMES : pixels;
    if (length < 3 || length > 32 + 20 * most)
        return KQ_INVALID;
    const uint8_t *payload = kq_take(&f->rest, length);
    if (!payload)
        return KQ_TRUNCATED;
    result = kq_check_part(f, "IDS ", 0, f->rest.data + start, f->rest.at - start);
    if (result != KQ_OK)
        return result;
    kq_cursor c = {payload, length, 1};
    if ((kind & 15) > KQ_UINT64 || kind & 0x80 || (kind & 0x50) == 0x50)
        return KQ_INVALID;
    if (kq_take_length(&c, 4, &distinct) != KQ_OK)
        return KQ_INVALID;
    entries = distinct;
    if (kind & KQ_TABLE_MAPPED && kq_take_length(&c, 4, &entries) != KQ_OK)
        return KQ_INVALID;
    distinct++;
    entries++;
    if (distinct > entries || entries > most || entries < info->colors ||
        (info->coder < KQ_CODER_CONTEXT && entries != info->colors))
        return KQ_INVALID;
    if (entries > f->limits.metadata)
        return KQ_LIMIT;
    info->shape = kind & 16 ? KQ_COLUMN : kind & 64 ? KQ_VOLUME : KQ_PLANE;
    info->dtype = kind & 15;
    info->ids = distinct;
    info->entries = entries;
    return kq_ids_read(f, &c, kind & KQ_TABLE_MAPPED);
}

/* Red, green, blue and alpha of each label; of a label map by rule 18.24. */
static int kq_colors_make(kq_file *f)
{
    const size_t entries = f->info.entries;
    if (!f->colors)
        f->colors = (uint8_t *)KQ_MALLOC(4 * entries);
    for (size_t i = 0; f->colors && i < entries; i++) {
        uint8_t *color = f->colors + 4 * i;
        if (f->ids) {
            memset(color, 0, 3);
            for (int bit = 0; bit < 24; bit++)
                color[bit % 3] |= (uint8_t)((f->ids[i] >> bit & 1) << (7 - bit / 3));
        } else {
            memcpy(color, f->stored + 3 * i, 3);
        }
        color[3] = f->info.alpha ? f->stored[3 * entries + i] : 255;
    }
    return f->colors != NULL;
}

#endif
