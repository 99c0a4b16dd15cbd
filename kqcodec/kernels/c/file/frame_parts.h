/* A tile that is told from the frame before, by the coder `tokens` (spec/kq.md, section 19):
 * blocks that have moved, and a rectangle in which some labels are others.
 */
#ifndef KQ_FILE_FRAME_PARTS_H
#define KQ_FILE_FRAME_PARTS_H

#include "coding/numbers.h"
#include "file/parts.h"
#include "frames/sequence.h"
#include "regions/runs.h"
#include "tokens/decode.h"

#define KQ_FROM_BEFORE 7 /* the first byte of such payloads */

typedef struct {
    kq_frame_move moves[KQ_MOST_MOVES]; /* from the frame before */
    size_t move_count;
    size_t runs; /* of blocks that have moved; 0 without moves */
    kq_span lists;
    size_t left, top, width, height; /* of the rectangle; 0 without one */
    kq_span rest;                    /* the payload of its labels */
} kq_frame_parts;

/* So many numbers, each written as a length is. Returns 0 if they aren't there. */
static int kq_frame_numbers(const uint8_t **at, const uint8_t *end, size_t *numbers, int count)
{
    for (int i = 0; i < count; i++)
        if (!kq_tokens_length(at, end, numbers + i))
            return 0;
    return 1;
}

/* 0, -1, 1, -2 … of 0, 1, 2, 3 … */
static int32_t kq_frame_signed(size_t number)
{
    return number & 1 ? -(int32_t)(number / 2) - 1 : (int32_t)(number / 2);
}

static size_t kq_blocks_of(size_t side)
{
    return (side + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
}

/* By how much blocks have moved, and the payload of which. Returns 0 if that can't be. */
static int kq_frame_moves(kq_frame_parts *parts, size_t width, size_t height, const uint8_t **at,
                          const uint8_t *end)
{
    size_t numbers[2];
    for (size_t i = 0; i < parts->move_count; i++) {
        kq_frame_move *move = parts->moves + i;
        if (!kq_frame_numbers(at, end, numbers, 2))
            return 0;
        move->dx = kq_frame_signed(numbers[0]);
        move->dy = kq_frame_signed(numbers[1]);
        if (move->dx <= -(int64_t)width || move->dx >= (int64_t)width ||
            move->dy <= -(int64_t)height || move->dy >= (int64_t)height ||
            (move->dx == 0 && move->dy == 0))
            return 0;
    }
    if (!kq_frame_numbers(at, end, numbers, 2) || numbers[1] > (size_t)(end - *at) ||
        numbers[0] >= kq_blocks_of(width) * kq_blocks_of(height))
        return 0;
    parts->runs = numbers[0] + 1;
    parts->lists.bytes = *at;
    parts->lists.size = numbers[1];
    *at += numbers[1];
    return 1;
}

/* What a payload says that begins with KQ_FROM_BEFORE, of a tile of that size. Returns 0 if it
 * can't be. */
static int kq_frame_parts_read(kq_frame_parts *parts, size_t width, size_t height, kq_span payload)
{
    const uint8_t *at = payload.bytes + 2, *const end = payload.bytes + payload.size;
    size_t box[4];
    memset(parts, 0, sizeof *parts);
    if (payload.size < 2 || payload.bytes[1] > KQ_MOST_MOVES)
        return 0;
    parts->move_count = payload.bytes[1];
    if (parts->move_count && !kq_frame_moves(parts, width, height, &at, end))
        return 0;
    if (parts->move_count && at == end)
        return 1;
    if (!kq_frame_numbers(&at, end, box, 4) || at == end || box[0] + box[2] >= width ||
        box[1] + box[3] >= height)
        return 0;
    parts->left = box[0];
    parts->top = box[1];
    parts->width = box[2] + 1;
    parts->height = box[3] + 1;
    parts->rest.bytes = at;
    parts->rest.size = (size_t)(end - at);
    return 1;
}

/* The labels of a tile, of so many bytes each. */
typedef struct {
    uint8_t *labels;
    size_t width, height, bytes;
} kq_moved_tile;

/* Copies blocks, from one to before another, from where `move` says in `before`. Returns 0 if one
 * would come from outside. */
static int kq_frame_move_run(const kq_moved_tile *tile, const uint8_t *before, size_t first,
                             size_t end, kq_frame_move move)
{
    const size_t across = kq_blocks_of(tile->width), stride = tile->width * tile->bytes;
    for (size_t i = first; i < end; i++) {
        const size_t x = i % across * KQ_FRAME_BLOCK, y = i / across * KQ_FRAME_BLOCK;
        const size_t right = x + KQ_FRAME_BLOCK, lower = y + KQ_FRAME_BLOCK;
        const size_t wide = (right < tile->width ? right : tile->width) - x;
        const size_t high = (lower < tile->height ? lower : tile->height) - y;
        const int64_t from_x = (int64_t)x + move.dx, from_y = (int64_t)y + move.dy;
        if (from_x < 0 || from_y < 0 || from_x + (int64_t)wide > (int64_t)tile->width ||
            from_y + (int64_t)high > (int64_t)tile->height)
            return 0;
        for (size_t row = 0; row < high; row++)
            memcpy(tile->labels + (y + row) * stride + x * tile->bytes,
                   before + ((size_t)from_y + row) * stride + (size_t)from_x * tile->bytes,
                   wide * tile->bytes);
    }
    return 1;
}

/* The same of all runs, whose `numbers` are lists one behind the other. */
static int kq_frame_move_runs(const kq_frame_parts *parts, const kq_moved_tile *tile,
                              const uint8_t *before, const uint64_t *numbers)
{
    const uint64_t *gaps = numbers, *lengths = gaps + parts->runs, *which = lengths + parts->runs;
    const uint64_t blocks = kq_blocks_of(tile->width) * kq_blocks_of(tile->height);
    uint64_t at = 0;
    for (size_t i = 0; i < parts->runs; i++) {
        const uint64_t move = parts->move_count > 1 ? which[i] : 0;
        if (move >= parts->move_count || gaps[i] >= blocks - at ||
            lengths[i] >= blocks - at - gaps[i])
            return 0;
        at += gaps[i];
        if (!kq_frame_move_run(tile, before, (size_t)at, (size_t)(at + lengths[i] + 1),
                               parts->moves[move]))
            return 0;
        at += lengths[i] + 1;
    }
    return 1;
}

/* Fills the blocks of a tile that have moved. Returns 1, 0 if the payload is invalid, -1 without
 * memory. */
static int kq_frame_parts_move(const kq_frame_parts *parts, const kq_moved_tile *tile)
{
    const size_t size = tile->width * tile->height * tile->bytes;
    const size_t lists = parts->move_count > 1 ? 3 : 2;
    const uint64_t counts[3] = {parts->runs, parts->runs, parts->runs};
    if (parts->move_count == 0)
        return 1;
    uint64_t *numbers = (uint64_t *)KQ_MALLOC(parts->runs * lists * sizeof *numbers);
    uint8_t *before = (uint8_t *)KQ_MALLOC(size);
    int done = -1;
    if (numbers && before) {
        memcpy(before, tile->labels, size);
        done = kq_numbers_decode(parts->lists.bytes, parts->lists.size, counts, lists, numbers) &&
               kq_frame_move_runs(parts, tile, before, numbers);
    }
    KQ_FREE(numbers);
    KQ_FREE(before);
    return done;
}

/* Puts the labels of the rectangle in their places: each one more, in so many bytes, 0 where there
 * is none. */
static void kq_frame_parts_fill(const kq_frame_parts *parts, const kq_moved_tile *tile,
                                const void *labels, size_t bytes)
{
    for (size_t y = 0; y < parts->height; y++) {
        const size_t to = (parts->top + y) * tile->width + parts->left, from = y * parts->width;
        for (size_t x = 0; x < parts->width; x++) {
            const uint32_t more = kq_map_label(labels, (int)bytes, from + x);
            if (more)
                kq_label_set(tile->labels, to + x, tile->bytes == 2, more - 1);
        }
    }
}

#endif
