/* The planes of a sequence (spec/kq.md, section 19): blocks that stay or come from elsewhere, and
 * what is kept of a frame for those that follow.
 */
#ifndef KQ_FRAMES_PLANES_H
#define KQ_FRAMES_PLANES_H

#include <string.h>

#include "context/state.h"

/* Features of the frame before, and what each is multiplied by: powers that follow on those of
 * still pictures. */
enum {
    KQ_P,
    KQ_PE,
    KQ_PS,
    KQ_Q,
    KQ_SAME,
    KQ_SAME_EQUAL,
    KQ_MATCHED,
    KQ_FARTHER,
    KQ_LATER_FEATURES
};
static const uint32_t kq_later_multipliers[KQ_LATER_FEATURES] = {
    0x8D5E6E31u, 0x4AE658E1u, 0x9F9CCC91u, 0xE940F941u,
    0xA6B30EF1u, 0xD7A43DA1u, 0x5546B551u, 0x53FDA601u,
};
/* A feature's part in a hash. */
#define KQ_TERM(kind, value) (((value) + 1) * kq_later_multipliers[kind])
#define KQ_LATER_SHARED 7 /* contexts, which are those of the small model */

static size_t kq_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* After labels of a row have changed: the margins at its right and, of the row below, at its
 * left, are always the last label of the row, and the first label of the row above. */
static void kq_frame_margins(kq_context *m, size_t y)
{
    uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN;
    uint16_t *below = row + m->plane.stride;
    for (size_t i = 0; i < KQ_MARGIN; i++) {
        row[m->plane.width + i] = row[m->plane.width - 1];
        if (y + 1 < m->plane.height)
            below[(ptrdiff_t)i - KQ_MARGIN] = row[0];
    }
}

/* How far away the last right match was in the column of a label: from -S to 2 S, S being the
 * labels of a plane, so that 32 bits tell it even where S is over 2^30. */
static ptrdiff_t kq_frame_behind(const kq_context *m, size_t at)
{
    const uint32_t behind = m->displaced[at - m->row_at];
    return (ptrdiff_t)(behind > 2 * (uint64_t)m->sequence->size
                           ? (int64_t)behind - (INT64_C(1) << 32)
                           : (int64_t)behind);
}

/* The labels of a block: from the first, so many rows and columns. */
typedef struct {
    size_t at, x, y, width, height;
} kq_block;

static kq_block kq_block_at(const kq_context *m, size_t index)
{
    const kq_sequence *s = m->sequence;
    kq_block block;
    block.x = index % s->blocks_wide * KQ_FRAME_BLOCK;
    block.y = index / s->blocks_wide * KQ_FRAME_BLOCK;
    block.width = kq_smaller(KQ_FRAME_BLOCK, m->plane.width - block.x);
    block.height = kq_smaller(KQ_FRAME_BLOCK, m->plane.height - block.y);
    block.at = (block.y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN + block.x;
    return block;
}

/* Where a block comes from by a move, NULL if that is outside of the frame. */
static const uint16_t *kq_moved_from(const kq_context *m, const kq_block *block,
                                     const kq_frame_move *move)
{
    const kq_sequence *s = m->sequence;
    const ptrdiff_t x = (ptrdiff_t)block->x + move->dx, y = (ptrdiff_t)block->y + move->dy;
    if (move->from > s->earlier_count || x < 0 || y < 0 ||
        (size_t)x + block->width > m->plane.width || (size_t)y + block->height > m->plane.height)
        return NULL;
    const uint16_t *plane = move->from ? s->earlier[move->from - 1] : m->plane.labels - s->size;
    return plane + (ptrdiff_t)block->at + move->dy * (ptrdiff_t)m->plane.stride + move->dx;
}

/* Whether a row of blocks has changed ones. */
static int kq_blocks_changed(const kq_sequence *s, size_t row)
{
    for (size_t x = 0; x < s->blocks_wide; x++)
        if (s->blocks[row * s->blocks_wide + x])
            return 1;
    return 0;
}

/* Fills the blocks that come from elsewhere; returns how many labels they have, -1 if one would
 * come from outside. */
static long long kq_move_blocks(kq_context *m)
{
    const kq_sequence *s = m->sequence;
    long long moved = 0;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        if (s->blocks[i] < KQ_MOVED)
            continue;
        const kq_block block = kq_block_at(m, i);
        const uint16_t *from = kq_moved_from(m, &block, &s->moves[s->blocks[i] - KQ_MOVED]);
        if (!from)
            return -1;
        for (size_t y = 0; y < block.height; y++)
            memcpy(m->plane.labels + block.at + y * m->plane.stride, from + y * m->plane.stride,
                   block.width * sizeof *from);
        moved += (long long)(block.width * block.height);
    }
    for (size_t y = 0; moved && y < m->plane.height; y++)
        if (kq_blocks_changed(s, y / KQ_FRAME_BLOCK))
            kq_frame_margins(m, y);
    return moved;
}

/* How many labels the blocks have that are coded. */
static long long kq_coded_labels(const kq_context *m)
{
    const kq_sequence *s = m->sequence;
    long long coded = 0;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        const kq_block block = kq_block_at(m, i);
        coded += s->blocks[i] == KQ_CODED ? (long long)(block.width * block.height) : 0;
    }
    return coded;
}

/* After a frame: it becomes the one before, and that an earlier one. */
static void kq_end_frame(kq_context *m)
{
    kq_sequence *s = m->sequence;
    const uint16_t *last = m->plane.labels - s->size;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        if (!s->blocks[i])
            continue;
        const kq_block block = kq_block_at(m, i);
        for (size_t y = 0; y < block.height; y++)
            for (size_t x = 0, at = block.at + y * m->plane.stride; x < block.width; x++, at++) {
                const int changed = m->plane.labels[at] != last[at];
                s->replaced[at] = changed ? last[at] : s->replaced[at];
                s->age[at] = (uint8_t)(changed ? 0 : s->age[at] + (s->age[at] < KQ_OLDEST));
            }
    }
    if (s->earlier_most) {
        const int count = s->earlier_count + (s->earlier_count < s->earlier_most);
        uint16_t *oldest = s->earlier[count - 1];
        memmove(s->earlier + 1, s->earlier, (size_t)(count - 1) * sizeof *s->earlier);
        s->earlier[0] = oldest;
        s->earlier_count = count;
        memcpy(oldest, last, s->size * sizeof *oldest);
    }
    for (size_t y = 0; y < s->blocks_high; y++)
        if (kq_blocks_changed(s, y)) {
            /* With the margins of the row below, which are this row's. */
            const size_t first = (y * KQ_FRAME_BLOCK + KQ_ABOVE) * m->plane.stride,
                         rows =
                             kq_smaller(KQ_FRAME_BLOCK + 1, m->plane.height - y * KQ_FRAME_BLOCK);
            memcpy(m->plane.labels - s->size + first, m->plane.labels + first,
                   rows * m->plane.stride * sizeof *last);
        }
    memcpy(s->last_blocks, s->blocks, s->blocks_wide * s->blocks_high);
}

#endif
