/* By how much parts of a frame have moved since the frame before, as where text scrolls or a
 * window is dragged: for encoders. Decoders are told.
 *
 * The blocks of a frame that have changed are looked for everywhere in the frame before, by hashes
 * that roll over it from label to label and from row to row (R. Karp, M. Rabin, "Efficient
 * randomized pattern-matching algorithms", IBM Journal of Research and Development 31, 1987; in two
 * dimensions). Each block votes for how far away it is found first; of the displacements with most
 * votes it is looked up exactly which blocks they explain. Time grows with the labels; memory, with
 * the blocks, and sixteen rows.
 */
#ifndef KQ_FRAMES_MOVES_H
#define KQ_FRAMES_MOVES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "frames/sequence.h"

#define KQ_MOVE_BLOCKS 4        /* that a move explains, at least */
#define KQ_MOVE_CANDIDATES 16   /* displacements that are looked up */
#define KQ_MOVES_SIDE (1 << 24) /* labels, across or down, at most: they are counted in 32 bits */

/* A block at (x, y) is equal to what was at (x + dx, y + dy) in the frame before. */
typedef struct {
    int32_t dx, dy;
} kq_shift;

/* Two frames, the rows of both `stride` labels apart. */
typedef struct {
    const uint16_t *now, *before;
    size_t stride, width, height;
} kq_frames;

/* --- tables ------------------------------------------------------------------------ */

/* Different keys, numbered in the order in which they came. */
typedef struct {
    uint64_t *keys;
    uint32_t *slots; /* number + 1, or 0; twice as many as there can be keys, or more */
    size_t count;
    int bits;
} kq_key_table;

static void kq_keys_clear(kq_key_table *t)
{
    memset(t->slots, 0, sizeof *t->slots << t->bits);
    t->count = 0;
}

/* The slot of a key, in which it stands, or is to stand. */
static inline uint32_t *kq_key_slot(const kq_key_table *t, uint64_t key)
{
    const size_t mask = ((size_t)1 << t->bits) - 1;
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> (64 - t->bits));
    while (t->slots[at] && t->keys[t->slots[at] - 1] != key)
        at = (at + 1) & mask;
    return t->slots + at;
}

/* The number of a key, which may be new. */
static uint32_t kq_key_number(kq_key_table *t, uint64_t key)
{
    uint32_t *slot = kq_key_slot(t, key);
    if (!*slot) {
        t->keys[t->count] = key;
        *slot = (uint32_t)++t->count;
    }
    return *slot - 1;
}

/* --- blocks and their hashes --------------------------------------------------------- */

/* The hash of a square of labels is the sum of label(x, y) * R^(15 - x) * D^(15 - y). */
#define KQ_MOVE_RIGHT 0x9E3779B1u
#define KQ_MOVE_DOWN 0x85EBCA6Bu

static uint32_t kq_sixteenth_power(uint32_t number)
{
    for (int i = 0; i < 4; i++)
        number *= number;
    return number;
}

static uint32_t kq_block_hash(const uint16_t *block, size_t stride)
{
    uint32_t hash = 0;
    for (int y = 0; y < KQ_FRAME_BLOCK; y++, block += stride) {
        uint32_t row = 0;
        for (int x = 0; x < KQ_FRAME_BLOCK; x++)
            row = row * KQ_MOVE_RIGHT + block[x];
        hash = hash * KQ_MOVE_DOWN + row;
    }
    return hash;
}

static int kq_blocks_equal(const uint16_t *a, const uint16_t *b, size_t stride)
{
    for (int y = 0; y < KQ_FRAME_BLOCK; y++)
        if (memcmp(a + (size_t)y * stride, b + (size_t)y * stride, KQ_FRAME_BLOCK * sizeof *a) != 0)
            return 0;
    return 1;
}

/* Whether a block has other labels than its first. */
static int kq_block_varies(const uint16_t *block, size_t stride)
{
    for (int y = 0; y < KQ_FRAME_BLOCK; y++)
        for (int x = 0; x < KQ_FRAME_BLOCK; x++)
            if (block[(size_t)y * stride + (size_t)x] != block[0])
                return 1;
    return 0;
}

typedef struct {
    uint32_t x, y;
    uint32_t key;       /* the number of its hash */
    uint32_t explained; /* by which candidates, a bit each */
} kq_voter;

/* The whole blocks that have changed and aren't of one label. */
static size_t kq_voters(const kq_frames *f, kq_voter *voters)
{
    size_t count = 0;
    for (size_t y = 0; y + KQ_FRAME_BLOCK <= f->height; y += KQ_FRAME_BLOCK)
        for (size_t x = 0; x + KQ_FRAME_BLOCK <= f->width; x += KQ_FRAME_BLOCK) {
            const size_t at = y * f->stride + x;
            if (!kq_blocks_equal(f->now + at, f->before + at, f->stride) &&
                kq_block_varies(f->now + at, f->stride))
                voters[count++] = (kq_voter){(uint32_t)x, (uint32_t)y, 0, 0};
        }
    return count;
}

/* --- votes ---------------------------------------------------------------------------- */

#define KQ_NOWHERE UINT64_MAX

/* Where in the frame before, x and y in one number, each key of the table is found first. `rows`
 * are sixteen of zeros and one more. */
static void kq_find_keys(const kq_frames *f, const kq_key_table *t, uint32_t *rows, uint64_t *found)
{
    const uint32_t leaves_row = kq_sixteenth_power(KQ_MOVE_RIGHT);
    const uint32_t leaves_block = kq_sixteenth_power(KQ_MOVE_DOWN);
    const size_t places = f->width - KQ_FRAME_BLOCK + 1;
    uint32_t *blocks = rows + KQ_FRAME_BLOCK * places;
    for (size_t i = 0; i < t->count; i++)
        found[i] = KQ_NOWHERE;
    for (size_t y = 0; y < f->height; y++) {
        const uint16_t *labels = f->before + y * f->stride;
        uint32_t *row = rows + y % KQ_FRAME_BLOCK * places, hash = 0;
        for (size_t x = 0; x < KQ_FRAME_BLOCK; x++)
            hash = hash * KQ_MOVE_RIGHT + labels[x];
        for (size_t x = 0;; x++) {
            blocks[x] = blocks[x] * KQ_MOVE_DOWN + hash - leaves_block * row[x];
            row[x] = hash;
            if (x + 1 == places)
                break;
            hash = hash * KQ_MOVE_RIGHT + labels[x + KQ_FRAME_BLOCK] - leaves_row * labels[x];
        }
        for (size_t x = 0; y + 1 >= KQ_FRAME_BLOCK && x < places; x++) {
            const uint32_t number = *kq_key_slot(t, blocks[x]);
            if (number && found[number - 1] == KQ_NOWHERE)
                found[number - 1] = (uint64_t)x << 32 | (y + 1 - KQ_FRAME_BLOCK);
        }
    }
}

/* Fills `candidates` with the displacements that have most votes, of several that have as many
 * those that came first. Returns how many there are. `votes` are of the keys. */
static int kq_move_candidates(kq_key_table *t, const kq_voter *voters, size_t count,
                              const uint64_t *found, uint32_t *votes, kq_shift *candidates)
{
    int chosen = 0;
    kq_keys_clear(t);
    for (size_t i = 0; i < count; i++) {
        const uint64_t place = found[voters[i].key];
        const uint32_t dx = (uint32_t)(place >> 32) - voters[i].x;
        const uint32_t dy = (uint32_t)place - voters[i].y;
        if (place == KQ_NOWHERE || (dx == 0 && dy == 0))
            continue;
        const size_t before = t->count;
        const uint32_t number = kq_key_number(t, (uint64_t)dx << 32 | dy);
        votes[number] = (number < before ? votes[number] : 0) + 1;
    }
    while (chosen < KQ_MOVE_CANDIDATES && (size_t)chosen < t->count) {
        size_t best = 0;
        for (size_t i = 1; i < t->count; i++)
            best = votes[i] > votes[best] ? i : best;
        candidates[chosen++] =
            (kq_shift){(int32_t)(uint32_t)(t->keys[best] >> 32), (int32_t)(uint32_t)t->keys[best]};
        votes[best] = 0;
    }
    return chosen;
}

/* --- moves ----------------------------------------------------------------------------- */

/* Whether a block is just what was there in the frame before, all of it within the frame. */
static int kq_block_moved(const kq_frames *f, const kq_voter *block, kq_shift move)
{
    const int64_t x = (int64_t)block->x + move.dx, y = (int64_t)block->y + move.dy;
    if (x < 0 || y < 0 || x > (int64_t)f->width - KQ_FRAME_BLOCK ||
        y > (int64_t)f->height - KQ_FRAME_BLOCK)
        return 0;
    return kq_blocks_equal(f->now + (size_t)block->y * f->stride + block->x,
                           f->before + (size_t)y * f->stride + (size_t)x, f->stride);
}

/* Fills `moves` with those candidates that explain most blocks, one after the other. Returns how
 * many there are. */
static int kq_moves_of(const kq_frames *f, kq_voter *voters, size_t count,
                       const kq_shift *candidates, int chosen, kq_shift *moves)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < chosen; c++)
            voters[i].explained |= (uint32_t)kq_block_moved(f, voters + i, candidates[c]) << c;
    while (found < KQ_MOST_MOVES) {
        size_t most = 0, explained[KQ_MOVE_CANDIDATES] = {0};
        int best = 0;
        for (size_t i = 0; i < count; i++)
            for (int c = 0; c < chosen; c++)
                explained[c] += voters[i].explained >> c & 1;
        for (int c = 0; c < chosen; c++)
            if (explained[c] > most) {
                most = explained[c];
                best = c;
            }
        if (most < KQ_MOVE_BLOCKS)
            break;
        for (size_t i = 0; i < count; i++)
            if (voters[i].explained >> best & 1)
                voters[i].explained = 0;
        moves[found++] = candidates[best];
    }
    return found;
}

/* Fills `moves` with up to KQ_MOST_MOVES displacements, none of them (0, 0), that explain most of
 * the blocks that have changed, each at least KQ_MOVE_BLOCKS that the ones before don't. The sides
 * are at most KQ_MOVES_SIDE. Returns how many there are, or -1 without memory. */
static int kq_find_moves(const uint16_t *now, const uint16_t *before, size_t stride, size_t width,
                         size_t height, kq_shift *moves)
{
    const kq_frames f = {now, before, stride, width, height};
    const size_t most = (width / KQ_FRAME_BLOCK) * (height / KQ_FRAME_BLOCK);
    kq_key_table table = {NULL, NULL, 0, 4};
    kq_shift candidates[KQ_MOVE_CANDIDATES];
    uint64_t *found = NULL;
    uint32_t *rows = NULL, *votes = NULL;
    int count = most < KQ_MOVE_BLOCKS ? 0 : -1;
    kq_voter *voters = count < 0 ? KQ_MALLOC(most * sizeof *voters) : NULL;
    const size_t voting = voters ? kq_voters(&f, voters) : 0;
    if (!voters || voting < KQ_MOVE_BLOCKS) {
        KQ_FREE(voters);
        return voters ? 0 : count;
    }
    while ((size_t)1 << table.bits < 2 * voting)
        table.bits++;
    table.keys = KQ_MALLOC(voting * sizeof *table.keys);
    table.slots = KQ_MALLOC(sizeof *table.slots << table.bits);
    found = KQ_MALLOC(voting * sizeof *found);
    votes = KQ_MALLOC(voting * sizeof *votes);
    rows = KQ_CALLOC((KQ_FRAME_BLOCK + 1) * width, sizeof *rows);
    if (table.keys && table.slots && found && votes && rows) {
        kq_keys_clear(&table);
        for (size_t i = 0; i < voting; i++)
            voters[i].key = kq_key_number(
                &table, kq_block_hash(now + voters[i].y * stride + voters[i].x, stride));
        kq_find_keys(&f, &table, rows, found);
        const int chosen = kq_move_candidates(&table, voters, voting, found, votes, candidates);
        count = kq_moves_of(&f, voters, voting, candidates, chosen, moves);
    }
    KQ_FREE(voters);
    KQ_FREE(table.keys);
    KQ_FREE(table.slots);
    KQ_FREE(found);
    KQ_FREE(votes);
    KQ_FREE(rows);
    return count;
}

#endif
