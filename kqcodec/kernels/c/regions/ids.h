/* The labels of regions, in order of first appearance (spec/kq.md, section 18): which is the next
 * new one, or one of those that were lately.
 */
#ifndef KQ_REGIONS_IDS_H
#define KQ_REGIONS_IDS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "coding/learning_bits.h"
#include "regions/runs.h"

#define KQ_ID_NONE UINT32_MAX
#define KQ_RECENT 64                           /* labels that are kept */
enum { KQ_ID_NEXT, KQ_ID_JUMP, KQ_ID_RECENT }; /* what a region's number says; more: another */
enum { KQ_NEAR_W, KQ_NEAR_N, KQ_NEAR_NW, KQ_NEAR_NE, KQ_NEAR };

typedef struct {
    kq_bit_coder *coder;
    uint32_t k;
    uint32_t next; /* one more than the last label that was told by itself */
    uint32_t count, recent[KQ_RECENT];
    kq_number_bits numbers[4], jumps; /* of numbers by whether NW and NE count */
} kq_ids;

static void kq_ids_init(kq_ids *s, kq_bit_coder *coder, uint32_t k)
{
    s->coder = coder;
    s->k = k;
    s->next = s->count = 0;
    for (int i = 0; i < 4; i++)
        kq_number_bits_init(s->numbers + i);
    kq_number_bits_init(&s->jumps);
}

/* Walks through those that a region's label may be, NW, NE and the recent ones, each once and
 * not W or N, up to the place `rank` or the label `id`. Returns where it ended and which label
 * that is; KQ_ID_NONE if there is none. */
static uint32_t kq_ids_walk(const kq_ids *s, const uint32_t near[KQ_NEAR], uint32_t rank,
                            uint32_t *id)
{
    const uint32_t w = near[KQ_NEAR_W], n = near[KQ_NEAR_N];
    uint32_t at = 0, nw = near[KQ_NEAR_NW], ne = near[KQ_NEAR_NE];
    for (uint32_t i = 0; i < s->count + 2; i++) {
        const uint32_t label = i == 0 ? nw : i == 1 ? ne : s->recent[i - 2];
        if (label == KQ_ID_NONE || label == w || label == n || (i > 0 && label == nw) ||
            (i > 1 && label == ne))
            continue;
        if (at == rank || label == *id) {
            *id = label;
            return at;
        }
        at++;
    }
    return KQ_ID_NONE;
}

/* A label becomes the most recent. */
static void kq_ids_keep(kq_ids *s, uint32_t id)
{
    uint32_t i = 0;
    while (i < s->count && s->recent[i] != id)
        i++;
    if (i == s->count && s->count < KQ_RECENT)
        s->count++;
    else if (i == s->count)
        i--;
    memmove(s->recent + 1, s->recent, i * sizeof *s->recent);
    s->recent[0] = id;
}

/* Which of NW and NE are neither W nor N. */
static int kq_ids_context(const uint32_t near[KQ_NEAR])
{
    int context = 0;
    for (int i = 0; i < 2; i++) {
        const uint32_t label = near[KQ_NEAR_NW + i];
        context |= (label != KQ_ID_NONE && label != near[KQ_NEAR_W] && label != near[KQ_NEAR_N])
                   << i;
    }
    return context;
}

/* The label of the next region; 0 if it is invalid. */
static int kq_ids_code(kq_ids *s, const uint32_t near[KQ_NEAR], uint32_t *id)
{
    uint64_t number = 0;
#ifndef KQ_DECODE_ONLY
    if (s->coder->encoder) {
        const uint32_t rank = kq_ids_walk(s, near, KQ_ID_NONE, id);
        number = rank != KQ_ID_NONE ? KQ_ID_RECENT + rank
                 : *id == s->next   ? KQ_ID_NEXT
                                    : KQ_ID_JUMP;
    }
#endif
    if (!kq_number_code(s->coder, s->numbers + kq_ids_context(near), 7, &number))
        return 0;
    if (number == KQ_ID_NEXT) {
        *id = s->next;
    } else if (number == KQ_ID_JUMP) {
        /* Forwards by one or more is even, backwards odd. */
        uint64_t jump =
            *id > s->next ? 2 * (uint64_t)(*id - s->next) - 2 : 2 * (uint64_t)(s->next - *id) - 1;
        if (!kq_number_code(s->coder, &s->jumps, 7, &jump) || jump > 2 * (uint64_t)UINT32_MAX)
            return 0;
        const int64_t far = (int64_t)(jump / 2) + 1;
        const int64_t label = jump & 1 ? s->next - far : s->next + far;
        if (label < 0 || label >= s->k)
            return 0;
        *id = (uint32_t)label;
    } else if (number - KQ_ID_RECENT >= KQ_RECENT + 2 || s->coder->decoder) {
        *id = KQ_ID_NONE;
        if (number - KQ_ID_RECENT >= KQ_RECENT + 2 ||
            kq_ids_walk(s, near, (uint32_t)number - KQ_ID_RECENT, id) == KQ_ID_NONE)
            return 0;
    }
    if (*id >= s->k)
        return 0;
    if (number < KQ_ID_RECENT)
        s->next = *id + 1;
    kq_ids_keep(s, *id);
    return 1;
}

/* Codes the label of each region; an encoder takes it from the map `m`. Each run's parent
 * becomes its label instead. Returns 0 if one is invalid. */
static int kq_regions_code(kq_ids *s, const kq_map *m, kq_row_run *runs, size_t count)
{
    const size_t width = m->width;
    size_t above = 0; /* the run of N */
    for (size_t i = 0; i < count; i++) {
        const size_t start = i ? runs[i - 1].end : 0, column = start % width;
        if (runs[i].parent != i) {
            runs[i].parent = runs[runs[i].parent].parent;
            continue;
        }
        uint32_t near[KQ_NEAR] = {KQ_ID_NONE, KQ_ID_NONE, KQ_ID_NONE, KQ_ID_NONE};
        if (column)
            near[KQ_NEAR_W] = runs[i - 1].parent;
        if (start >= width) {
            const size_t n = start - width;
            while (runs[above].end <= n)
                above++;
            near[KQ_NEAR_N] = runs[above].parent;
            if (column)
                near[KQ_NEAR_NW] =
                    runs[above && runs[above - 1].end == n ? above - 1 : above].parent;
            if (column + 1 < width)
                near[KQ_NEAR_NE] = runs[runs[above].end == n + 1 ? above + 1 : above].parent;
        }
        uint32_t id = s->coder->decoder ? KQ_ID_NONE : kq_map_at(m, start);
        if (!kq_ids_code(s, near, &id))
            return 0;
        runs[i].parent = id;
    }
    return 1;
}

/* Fills `out`, labels of `size` bytes, from a map of regions and the payload of their labels,
 * each less than k. Returns 1, 0 if the payload is invalid, -1 without memory. */
static int kq_regions_decode(const kq_map *colors, const uint8_t *payload, size_t bytes, uint32_t k,
                             void *out, int size)
{
    const size_t count = kq_runs_count(colors);
    kq_row_run *runs = (kq_row_run *)KQ_MALLOC(count * sizeof *runs);
    kq_range_decoder decoder;
    kq_bit_coder coder = {0};
    kq_ids ids;
    if (!runs)
        return -1;
    coder.decoder = &decoder;
    kq_range_decoder_init(&decoder, payload, bytes);
    kq_ids_init(&ids, &coder, k);
    const int valid = kq_runs_find(colors, runs, count) &&
                      kq_regions_code(&ids, colors, runs, count) &&
                      kq_range_decoder_valid(&decoder);
    for (size_t i = 0, start = 0; valid && i < count; start = runs[i++].end) {
        if (size == 1)
            kq_row_run_fill(out, 1, start, runs[i].end, runs[i].parent);
        else if (size == 2)
            kq_row_run_fill(out, 2, start, runs[i].end, runs[i].parent);
        else
            kq_row_run_fill(out, 4, start, runs[i].end, runs[i].parent);
    }
    KQ_FREE(runs);
    return valid;
}

#endif
