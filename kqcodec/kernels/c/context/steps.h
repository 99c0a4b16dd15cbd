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
    for (int s = 0; s < sets; s++)
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
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
            m->match_length = 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? labels[m->match_at] : -1;
}

/* After a label is known. */
KQ_FUNCTION void KQ_NAME(follow)(kq_context *m, uint32_t label, uint32_t step)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at++] != label)
        m->match_length = 0;
    else
        m->match_length += step;
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

/* Whether the label is that of flat surroundings, w; `same` says how far they go. */
KQ_FUNCTION int KQ_NAME(flat)(kq_context *m, uint32_t w, uint32_t same, int bit)
{
    uint32_t held = m->match_length == 0   ? 0
                    : m->match_length < 16 ? 1
                    : m->match_length < 32 ? 2
                                           : 3;
    return KQ_NAME(simple)(m,
                           m->flat + (kq_scramble((same | held << 9 | w << 11) * KQ_MULTIPLIER) >>
                                      (32 - KQ_FLAT_BITS)),
                           bit);
}

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

/* The memory of what followed the six nearest neighbours. */
KQ_FUNCTION uint32_t *KQ_NAME(habit)(kq_context *m, const KQ_NAME(view) *view)
{
    uint32_t hash = kq_scramble(KQ_NAME(habit_sum)(view));
    uint32_t *habit = m->habits + (hash >> (32 - m->habit_bits));
    if ((*habit >> 8 & 255) != (hash & 255))
        *habit = (hash & 255) << 8;
    return habit;
}

/* What the habit is after a label that it wasn't asked about, or that it missed. */
KQ_FUNCTION uint32_t KQ_NAME(habit_after)(uint32_t habit, uint32_t label)
{
    uint32_t count = habit & 255;
    if (habit >> 16 == label)
        return habit + (count < 255);
    return count > 3 ? habit - count : label << 16 | (habit & 0xFF00) | 1;
}

/* All labels of a tile, top to bottom and left to right, by a model of that shape, whose
 * numbers are constants here, so that the loops unroll. `strict`: how often a habit must
 * have held before it is asked alone; 0 for never. */
KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, int sets, int slot_bits, uint32_t strict)
{
    (void)slot_bits; /* the tables are there already */
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = 0; y < m->plane.height; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        m->match_length = 0;
        KQ_NAME(view) view;
        view.w = row[-2], view.ww = row[-3];
        for (uint16_t *at = row; at < row + m->plane.width; at++) {
            KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
            uint32_t w = view.w, label = at[0], *habit = NULL, same;
            int alone = m->match_length == 0;
            if (KQ_NAME(is_flat)(&view, &same) && (alone || labels[m->match_at] == w) &&
                KQ_NAME(flat)(m, w, same, label == w)) {
                *at = (uint16_t)w;
                KQ_NAME(follow)(m, w, 0);
                continue;
            }
            KQ_NAME(neighbours)(&view);
            if (strict) {
                habit = KQ_NAME(habit)(m, &view);
                uint32_t count = *habit & 255, usual = *habit >> 16;
                uint32_t *counter =
                    m->habitual + 2 * (count < 31 ? count : 31) + (m->match_length > 8);
                if (count >= strict && (alone || labels[m->match_at] == usual) &&
                    KQ_NAME(simple)(m, counter, label == usual)) {
                    *at = (uint16_t)usual;
                    *habit += count < 255;
                    KQ_NAME(follow)(m, usual, 0);
                    continue;
                }
            }
            label = KQ_NAME(label)(m, lanes, sets, &view, at, label);
            if (habit)
                *habit = KQ_NAME(habit_after)(*habit, label);
            *at = (uint16_t)label;
            KQ_NAME(follow)(m, label, 1);
        }
        for (int i = 0; i < KQ_MARGIN; i++)
            row[m->plane.width + (size_t)i] = row[m->plane.width - 1];
#ifndef KQ_DECODE_ONLY
        if (m->encoder && kq_range_full(m->encoder))
            return;
#endif
    }
}
