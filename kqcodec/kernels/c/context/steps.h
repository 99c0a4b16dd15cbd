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
 * bit, or -1 for nothing; `held` is the number of its length. */
KQ_FUNCTION int KQ_NAME(decide)(kq_context *m, int lanes, int bit, uint32_t node, int tree,
                                const uint32_t *rows, int agrees, uint32_t held)
{
    const uint16_t *squash = m->tables->squash + 2048;
    const int inputs = KQ_INPUTS(lanes);
    int32_t *weights[KQ_SETS];
    KQ_NAME(sight) sight;
    uint16_t *match = &m->match[tree][held];
    uint32_t said = agrees < 0
                        ? KQ_HALF << 16
                        : (uint32_t)(agrees ? *match : 65535 - *match) << 16 | KQ_MATCH_WORTH << 12;
    KQ_NAME(look_up)(m, lanes, node, tree, said, &sight);
    int logits[KQ_SETS];
    int32_t sum = 0, *final = m->final[(uint32_t)tree * KQ_MATCH_ROWS + held];
    for (int s = 0; s < KQ_SETS; s++)
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
    KQ_NAME(mix)(m, weights, KQ_SETS, &sight, inputs, logits);
    for (int s = 0; s < KQ_SETS; s++)
        sum += final[s] * logits[s];
    uint32_t p = squash[kq_clamp_logit(sum >> 16)];
    bit = KQ_NAME(bit)(m, bit, p);
    int error = ((bit << 16) - (int)p) >> 2;
    for (int s = 0; s < KQ_SETS; s++) {
        uint16_t *seen = &m->seen[rows[s]];
        uint32_t rate = m->rates[*seen];
        int step = (((bit << 16) - squash[logits[s]]) >> 1) * (int)(rate & 65535) >> 14;
        *seen = (uint16_t)(rate >> 16);
        KQ_NAME(mix_learn)(weights[s], &sight, inputs, step);
        final[s] = kq_final_weight(final[s] + (error * logits[s] >> 14));
    }
    KQ_NAME(learn)(m, lanes, &sight, bit);
    if (agrees >= 0)
        kq_map_learn(match, agrees == bit);
    return bit;
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

/* The label, when it isn't `refused`, -1 for none: a search in the tree. */
KQ_FUNCTION uint32_t KQ_NAME(search)(kq_context *m, int lanes, uint32_t label, int refused)
{
    const uint32_t *f = m->around.feature;
    uint32_t low = 0, high = m->plane.k, path = 1, held = kq_match_number(m);
    const int expected = m->expected == refused ? -1 : m->expected;
    const KQ_NAME(places) places =
        KQ_NAME(gather)((int32_t)f[KQ_MEDIAN], (int32_t)f[KQ_MEAN], (int32_t)f[KQ_W],
                        (int32_t)f[KQ_N], expected, refused, -1, -1);
    uint32_t within =
        ~KQ_NAME(before)(&places, 0); /* of the eight, those that are in low..high-1 */
    uint32_t node = 1, level = 0;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, under = KQ_NAME(before)(&places, (int32_t)middle);
        uint32_t below = within & under, above = within & ~under;
        if (node >= 16) {
            KQ_NAME(lines)(m, lanes, path);
            node = 1;
        }
        if (node >= 8 && high - low > 2) { /* the next group is one of two */
            KQ_NAME(fetch)(m, lanes, path << 1);
            KQ_NAME(fetch)(m, lanes, path << 1 | 1);
        }
        int bit = label >= middle;
        if ((below & 32) && middle - low == 1) {
            bit = 1; /* nothing is left below */
        } else if ((above & 32) && high - middle == 1) {
            bit = 0;
        } else {
            uint32_t halves = m->tables->halves[(below & 15) | (above & 15) << 4];
            uint32_t rows[KQ_SETS] = {
                3 * 128 + level * 81 + halves,
                KQ_ROWS0 + 64 + (path < 256 ? path : level),
                KQ_ROWS0 + KQ_ROWS1 + 256 + (f[KQ_W] & 255),
            };
            int agrees = within & 16 ? !(under & 16) : -1;
            bit = KQ_NAME(decide)(m, lanes, bit, node, 1, rows, agrees, held);
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

/* A label in surroundings that aren't flat. */
KQ_FUNCTION uint32_t KQ_NAME(label)(kq_context *m, int lanes, KQ_NAME(view) *view,
                                    const uint16_t *at, uint32_t label)
{
    const uint32_t *f = m->around.feature;
    KQ_NAME(survey)(view, &m->around);
    KQ_NAME(predict)(&m->plane, &m->around, KQ_HAS_HISTORIES(lanes));
    uint32_t hash = KQ_NAME(hash)(view, &m->around, m->plane.k, lanes, m->place_bits, m->hashes);
    kq_match_find(m, (size_t)(at - m->plane.labels), hash);
    KQ_NAME(lines)(m, lanes, 1);
    if (!m->asks)
        return KQ_NAME(search)(m, lanes, label, -1);
    const int agrees = m->expected < 0 ? -1 : m->expected == (int)f[KQ_W];
    const uint32_t rows[KQ_SETS] = {
        (uint32_t)(agrees + 1) * 128 + (m->around.equal & 127),
        KQ_ROWS0 + (m->around.equal >> 7 & 63),
        KQ_ROWS0 + KQ_ROWS1 + (f[KQ_W] & 255),
    };
    if (KQ_NAME(decide)(m, lanes, label == f[KQ_W], 0, 0, rows, agrees, kq_match_number(m)))
        return f[KQ_W];
    return KQ_NAME(search)(m, lanes, label, (int)f[KQ_W]);
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
KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, uint32_t strict)
{
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = 0; y < m->plane.height; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        kq_match_begin_row(m, (size_t)(row - labels));
        KQ_NAME(view) view;
        view.w = row[-2], view.ww = row[-3];
        for (uint16_t *at = row; at < row + m->plane.width; at++) {
            KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
            uint32_t w = view.w, label = at[0], *habit = NULL, same;
            int alone = m->match_length == 0;
            if (KQ_NAME(is_flat)(&view, &same) && (alone || labels[m->match_at] == w) &&
                KQ_NAME(flat)(m, w, same, label == w)) {
                *at = (uint16_t)w;
                kq_match_follow(m, (size_t)(at - labels), w, 0);
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
                    kq_match_follow(m, (size_t)(at - labels), usual, 0);
                    continue;
                }
            }
            label = KQ_NAME(label)(m, lanes, &view, at, label);
            if (habit)
                *habit = KQ_NAME(habit_after)(*habit, label);
            *at = (uint16_t)label;
            kq_match_follow(m, (size_t)(at - labels), label, 1);
        }
        for (int i = 0; i < KQ_MARGIN; i++)
            row[m->plane.width + (size_t)i] = row[m->plane.width - 1];
#ifndef KQ_DECODE_ONLY
        if (m->encoder && kq_range_full(m->encoder))
            return;
#endif
    }
}
