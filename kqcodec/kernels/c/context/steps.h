/* The steps of the coder `context`, included by context.h once for plain C and once
 * for AVX2: KQ_NAME gives the functions their names, KQ_FUNCTION their attributes.
 */

KQ_FUNCTION int KQ_NAME(bit)(kq_context *m, int bit, uint32_t p)
{
#ifdef KQ_DECODE_ONLY
    (void)bit;
    return kq_range_decode(m->decoder, p);
#else
    if (m->decoder)
        return kq_range_decode(m->decoder, p);
    kq_range_encode(m->encoder, bit, p);
    return bit;
#endif
}

/* One decision. `node` is its number in its group, `tree` whether it is one of the
 * tree's, `rows` the row of weights for each set, `agrees` what the match says: the
 * bit, or -1 for nothing. */
KQ_FUNCTION int KQ_NAME(decide)(kq_context *m, int lanes, int sets, int bit, uint32_t node,
                                int tree, const uint32_t *rows, int agrees, int held)
{
    const uint16_t *squash = m->tables->squash + 2048;
    const int refined = KQ_HAS_HISTORIES(lanes),
              inputs = KQ_INPUTS(lanes); /* the model best alone */
    int32_t *weights[KQ_MAX_SETS];
    KQ_NAME(sight) sight;
    uint16_t *match = &m->match[tree][held];
    uint32_t said = agrees < 0
                        ? KQ_HALF << 16
                        : (uint32_t)(agrees ? *match : 65535 - *match) << 16 | KQ_MATCH_WORTH << 12;
    KQ_NAME(look_up)(m, lanes, node, tree, said, &sight);
    int sum = 0, p[KQ_MAX_SETS], logits[KQ_MAX_SETS];
    for (int s = 0; s < sets; s++) {
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
        if (m->seen[rows[s]] == 0) /* small tiles use few rows */
            memcpy(weights[s], m->first, (size_t)inputs * sizeof *m->first);
    }
    KQ_NAME(mix)(m, weights, sets, &sight, inputs, logits);
    for (int s = 0; s < sets; s++) {
        p[s] = squash[logits[s]];
        sum += logits[s];
    }
    uint32_t chance_of_1 = squash[sum / sets];
    kq_refiner refiner;
    if (refined)
        chance_of_1 = kq_refine(m, tree, node, sum / sets, chance_of_1, &refiner);
    bit = KQ_NAME(bit)(m, bit, chance_of_1);
    if (refined)
        kq_refine_learn(&refiner, bit);
    for (int s = 0; s < sets; s++) {
        uint16_t *seen = &m->seen[rows[s]];
        uint32_t rate = m->rates[*seen];
        int step = (((bit << 16) - p[s]) >> 1) * (int)(rate & 65535) >> 14;
        *seen = (uint16_t)(rate >> 16);
        KQ_NAME(mix_learn)(weights[s], &sight, inputs, step);
    }
    KQ_NAME(learn)(m, lanes, &sight, bit);
    if (agrees >= 0)
        kq_map_learn(match, agrees == bit);
    return bit;
}

/* Where the match model stands: it follows the place where the same eleven neighbours
 * were seen last, by their hash; seven of them are compared. */
KQ_FUNCTION void KQ_NAME(match)(kq_context *m, size_t at, uint32_t hash)
{
    const uint16_t *labels = m->plane.labels;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint32_t *f = m->around.feature;
    if (m->place_bits == 0)
        return; /* this tile does without */
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0 && *place) {
        const uint16_t *z = labels + *place, *n = z - stride;
        if (z[-1] == f[KQ_W] && z[-2] == f[KQ_WW] && n[0] == f[KQ_N] && n[-1] == f[KQ_NW] &&
            n[1] == f[KQ_NE] && n[2] == f[KQ_NEE] && n[-stride] == f[KQ_NN]) {
            m->match_at = *place;
            const uint16_t *here = labels + at;
            int alike = z[-3] == here[-3] && KQ_NAME(alike_ahead)(here, z, stride, 1);
            m->match_length = alike ? 4 : 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? labels[m->match_at] : -1;
}

/* After a label is known. */
KQ_FUNCTION void KQ_NAME(follow)(kq_context *m, uint32_t label)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at++] != label)
        m->match_length = 0;
    else
        m->match_length++;
}

/* 0..15 for none, 1 .. 8, and longer ones in steps. */
KQ_FUNCTION int KQ_NAME(held)(const kq_context *m)
{
    uint32_t length = m->match_length;
    return (int)(length <= 8    ? length
                 : length < 12  ? 9
                 : length < 16  ? 10
                 : length < 24  ? 11
                 : length < 32  ? 12
                 : length < 64  ? 13
                 : length < 256 ? 14
                                : 15);
}

/* One decision by a counter alone: p in 22 bits, n in 10. */
KQ_FUNCTION int KQ_NAME(simple)(kq_context *m, uint32_t *counter, int bit)
{
    int32_t p = (int32_t)(*counter >> 10), n = (int32_t)(*counter & 1023);
    uint32_t chance = (uint32_t)p >> 6;
    bit = KQ_NAME(bit)(m, bit, chance < 1 ? 1 : chance);
    p += (int32_t)(((bit ? (1 << 22) - 1 : 0) - p) * (int64_t)m->tables->flat[n] >> 16);
    *counter = (uint32_t)p << 10 | (uint32_t)(n < 255 ? n + 1 : 255);
    return bit;
}

#include "context/runs.h"

/* The label, when it is none of the `count` in `refused`: a search in the tree. */
KQ_FUNCTION uint32_t KQ_NAME(search)(kq_context *m, int lanes, int sets, uint32_t label,
                                     const uint32_t *refused, int count)
{
    const uint32_t *f = m->around.feature;
    uint32_t low = 0, high = m->plane.k, path = 1;
    int held = KQ_NAME(held)(m), expected = m->expected;
    for (int j = 0; j < count; j++)
        if (expected == (int)refused[j])
            expected = -1;
    const KQ_NAME(places) places =
        KQ_NAME(gather)((int32_t)f[KQ_MEDIAN], (int32_t)f[KQ_MEAN], (int32_t)f[KQ_W],
                        (int32_t)f[KQ_N], expected, (int32_t)refused[0],
                        count > 1 ? (int32_t)refused[1] : -1, count > 2 ? (int32_t)refused[2] : -1);
    uint32_t within =
        ~KQ_NAME(before)(&places, 0); /* of the eight, those that are in low..high-1 */
    uint32_t node = 1, level = 0;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, under = KQ_NAME(before)(&places, (int32_t)middle);
        uint32_t below = within & under, above = within & ~under;
        if (node >= 16) {
            KQ_NAME(lines)(m, lanes, path, 1);
            node = 1;
        }
        if (node >= 8 && high - low > 2) { /* the next group is one of two */
            KQ_NAME(fetch)(m, lanes, path << 1);
            KQ_NAME(fetch)(m, lanes, path << 1 | 1);
        }
        int bit = label >= middle;
        if (high - low <= 6 && kq_three_bits[below >> 5 & 7] == middle - low) {
            bit = 1; /* nothing is left below */
        } else if (high - low <= 6 && kq_three_bits[above >> 5 & 7] == high - middle) {
            bit = 0;
        } else {
            uint32_t halves = m->tables->halves[(below & 15) | (above & 15) << 4];
            uint32_t rows[KQ_MAX_SETS] = {
                KQ_KINDS * 384 + level * 81 + halves,
                KQ_ROWS0 + KQ_KINDS * 64 + (path < 256 ? path : level),
                KQ_ROWS0 + KQ_ROWS1 + 256 + (f[KQ_W] & 255),
                KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2 + KQ_KINDS * 8 + level * 8 + m->around.activity,
                KQ_ROWS - KQ_ROWS4 + KQ_KINDS * KQ_MATCH_ROWS + level * 9 + halves / 9,
            };
            int agrees = within & 16 ? !(under & 16) : -1;
            bit = KQ_NAME(decide)(m, lanes, sets, bit, node, 1, rows, agrees, held);
        }
        if (bit) {
            low = middle;
            within = above;
        } else {
            high = middle;
            within = below;
        }
        path = path << 1 | (uint32_t)bit;
        node = node << 1 | (uint32_t)bit;
        level += level < KQ_DEPTHS - 1;
    }
    return low;
}

KQ_FUNCTION int KQ_NAME(add)(uint32_t *candidates, int count, uint32_t label)
{
    for (int j = 0; j < count; j++)
        if (candidates[j] == label)
            return count;
    candidates[count] = label;
    return count + 1;
}

/* A label in surroundings that aren't flat. */
KQ_FUNCTION uint32_t KQ_NAME(label)(kq_context *m, int lanes, int sets, KQ_NAME(view) *view,
                                    const uint16_t *at, uint32_t label)
{
    const uint32_t *f = m->around.feature;
    KQ_NAME(neighbours)(view);
    KQ_NAME(survey)(view, &m->around);
    KQ_NAME(predict)(&m->plane, &m->around, KQ_HAS_HISTORIES(lanes));
    uint32_t hash = KQ_NAME(hash)(view, &m->around, m->plane.k, lanes, m->place_bits, m->hashes);
    KQ_NAME(match)(m, (size_t)(at - m->plane.labels), hash);
    KQ_NAME(lines)(m, lanes, 0, 0);
    KQ_NAME(lines)(m, lanes, 1, 1);
    uint32_t candidates[6];
    int count = KQ_NAME(add)(candidates, 0, f[KQ_W]);
    count = KQ_NAME(add)(candidates, count, f[KQ_N]);
    int second = count == 2 ? 1 : 2;
    count = KQ_NAME(add)(candidates, count, f[KQ_MEDIAN]);
    count = KQ_NAME(add)(candidates, count, f[KQ_NE]);
    count = KQ_NAME(add)(candidates, count, f[KQ_MEAN]);
    count = count < m->questions ? count : m->questions;
    count = count < (int)m->plane.k - 1 ? count : (int)m->plane.k - 1;
    int held = KQ_NAME(held)(m), expected = m->expected;
    for (int j = 0; j < count; j++) {
        int kind = j == 0 ? 0 : j == 1 ? second : 3;
        int agrees = expected < 0 ? -1 : expected == (int)candidates[j];
        uint32_t rows[KQ_MAX_SETS] = {
            (uint32_t)(kind * 3 + agrees + 1) * 128 + (m->around.equal & 127),
            KQ_ROWS0 + (uint32_t)kind * 64 + (m->around.equal >> 7 & 63),
            KQ_ROWS0 + KQ_ROWS1 + (f[KQ_W] & 255),
            KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2 + (uint32_t)kind * 8 + m->around.activity,
            KQ_ROWS - KQ_ROWS4 + (uint32_t)kind * KQ_MATCH_ROWS +
                (m->place_bits ? (uint32_t)held : f[KQ_N] & 15),
        };
        if (KQ_NAME(decide)(m, lanes, sets, label == candidates[j], (uint32_t)j + 1, 0, rows,
                            agrees, held))
            return candidates[j];
        if (agrees == 1)
            expected = -1;
    }
    return KQ_NAME(search)(m, lanes, sets, label, candidates, count);
}

/* All labels of a tile, top to bottom and left to right, by a model of that shape, whose
 * numbers are constants here, so that the loops unroll. */
KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, int sets, int slot_bits, uint32_t run_match)
{
    (void)slot_bits; /* the tables are there already */
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = 0; y < m->plane.height; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        uint16_t *end = row + m->plane.width, *at = row;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        m->match_length = 0;
        while (at < end) {
            size_t left = (size_t)(end - at), most = 0, n = 0;
            left = left < KQ_RUN_MOST ? left : KQ_RUN_MOST;
            if (m->match_length >= run_match)
                n = KQ_NAME(matched_run)(m, lanes, at, left, &most);
            KQ_NAME(view) view;
            if (most == 0) {
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
                uint32_t w = view.w;
                if (KQ_NAME(is_flat)(&view) && (m->match_length == 0 || labels[m->match_at] == w))
                    n = KQ_NAME(flat_run)(m, at, w, left, &most);
            }
            at += n;
            if (most && n == most)
                continue;
            if (most)
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
            *at = (uint16_t)KQ_NAME(label)(m, lanes, sets, &view, at, *at);
            KQ_NAME(follow)(m, *at);
            at++;
        }
        for (int i = 0; i < KQ_MARGIN; i++)
            end[i] = end[-1];
#ifndef KQ_DECODE_ONLY
        if (m->encoder && kq_range_full(m->encoder))
            return;
#endif
    }
}
