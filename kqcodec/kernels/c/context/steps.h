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
KQ_FUNCTION int KQ_NAME(decide)(kq_context *m, int lanes, int sets, int bit, uint32_t node,
                                int tree, const uint32_t *rows, int agrees, uint32_t held)
{
    const uint16_t *squash = m->tables->squash + 2048;
    const int inputs = KQ_INPUTS(lanes);
    int32_t *weights[KQ_MAX_SETS];
    KQ_NAME(sight) sight;
    uint16_t *match = &m->match[tree][held];
    uint32_t said = agrees < 0
                        ? KQ_HALF << 16
                        : (uint32_t)(agrees ? *match : 65535 - *match) << 16 | KQ_MATCH_WORTH << 12;
    KQ_NAME(look_up)(m, lanes, node, tree, said, &sight);
    int logits[KQ_MAX_SETS];
    int32_t sum = 0, *final = m->final[(uint32_t)tree * KQ_MATCH_ROWS + held];
    for (int s = 0; s < sets; s++) {
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
        if (m->seen[rows[s]] == 0) /* small tiles use few rows */
            memcpy(weights[s], m->first, (size_t)inputs * sizeof *m->first);
    }
    KQ_NAME(mix)(m, weights, sets, &sight, inputs, logits);
    for (int s = 0; s < sets; s++)
        sum += final[s] * logits[s];
    uint32_t p = squash[kq_clamp_logit(sum >> 16)];
    bit = KQ_NAME(bit)(m, bit, p);
    int error = ((bit << 16) - (int)p) >> 2;
    for (int s = 0; s < sets; s++) {
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

#include "context/runs.h"

/* How many of the refused labels are among these, bits of `before`'s eight. */
KQ_FUNCTION uint32_t KQ_NAME(refusals)(uint32_t places)
{
    return (places >> 5 & 1) + (places >> 6 & 1) + (places >> 7 & 1);
}

/* The label, when it is none of the `refused`, -1 for none: a search in the tree. */
KQ_FUNCTION uint32_t KQ_NAME(search)(kq_context *m, int lanes, int sets, uint32_t label,
                                     const int32_t *refused)
{
    const uint32_t *f = m->around.feature;
    uint32_t low = 0, high = m->plane.k, path = 1, held = KQ_NAME(match_number)(m);
    const KQ_NAME(places) places =
        KQ_NAME(gather)((int32_t)f[KQ_MEDIAN], (int32_t)f[KQ_MEAN], (int32_t)f[KQ_W],
                        (int32_t)f[KQ_N], m->expected, refused[0], refused[1], refused[2]);
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
        if ((below & 0xE0) && KQ_NAME(refusals)(below) == middle - low) {
            bit = 1; /* nothing is left below */
        } else if ((above & 0xE0) && KQ_NAME(refusals)(above) == high - middle) {
            bit = 0;
        } else {
            uint32_t halves = m->tables->halves[(below & 15) | (above & 15) << 4];
            uint32_t rows[KQ_MAX_SETS] = {
                KQ_TREE_ROWS0 + level * 81 + halves,
                KQ_ROWS0 + KQ_TREE_ROWS1 + (path < 256 ? path : level),
                KQ_ROWS0 + KQ_ROWS1 + KQ_TREE_ROWS2 +
                    (KQ_IS_LATER(lanes) ? level * 64 + m->marks[1] : f[KQ_W] & 255),
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

/* Whether a label is the one of that name. `node` is the question's number in its group, `kind`
 * and the marks, of the label and of its surroundings, say which rows it has. */
KQ_FUNCTION int KQ_NAME(ask)(kq_context *m, int lanes, int sets, uint32_t label, uint32_t name,
                             uint32_t node, uint32_t kind)
{
    const int agrees = m->expected < 0 ? -1 : m->expected == (int)name;
    const uint32_t rows[KQ_MAX_SETS] = {
        (kind * 3 + (uint32_t)(agrees + 1)) * 128 + (m->around.equal & 127),
        KQ_ROWS0 + kind * 256 + (KQ_IS_LATER(lanes) ? m->marks[0] : name & 255),
        KQ_ROWS0 + KQ_ROWS1 + kind * 512 +
            (KQ_IS_LATER(lanes) ? m->marks[2] : m->around.equal >> 7 & 63),
    };
    int is = KQ_NAME(decide)(m, lanes, sets, label == name, node, 0, rows, agrees,
                             KQ_NAME(match_number)(m));
    if (agrees == 1 && !is)
        m->expected = -1;
    return is;
}

/* Where there is no palette, no label is near another one in the tree: so two more around it are
 * asked about, of those that aren't `refused`. Returns the one that it is, -1 for none. */
KQ_FUNCTION int KQ_NAME(ask_more)(kq_context *m, int lanes, int sets, uint32_t label,
                                  int32_t *refused)
{
    static const uint8_t names[5] = {KQ_N, KQ_NE, KQ_NEE, KQ_NW, KQ_WW};
    uint32_t count = 1;
    /* Of the last two labels one is left when the other is refused. */
    for (int i = 0; i < 5 && count < KQ_MOST_NAMES && count + 1 < m->plane.k; i++) {
        const int32_t name = (int32_t)m->around.feature[names[i]];
        if (name == refused[0] || name == refused[1])
            continue;
        if (count == 1)
            KQ_NAME(lines)(m, lanes, 2);
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)name, count, count))
            return name;
        refused[count++] = name;
    }
    if (count > 1)
        KQ_NAME(lines)(m, lanes, 1);
    return -1;
}

/* A label in surroundings that aren't flat. */
KQ_FUNCTION uint32_t KQ_NAME(label)(kq_context *m, int lanes, int sets, KQ_NAME(view) *view,
                                    const uint16_t *at, uint32_t label)
{
    const uint32_t *f = m->around.feature;
    KQ_NAME(neighbours)(view);
    KQ_NAME(survey)(view, &m->around);
    const int histories = KQ_HAS_HISTORIES(lanes),
              later = !histories && (m->place_bits || m->plane.colorless);
    if (!later) /* hashes are of predicted entries, too */
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    uint32_t hash = KQ_NAME(hash)(view, &m->around, &m->plane, lanes, m->place_bits, m->hashes);
    KQ_NAME(match_find)(m, (size_t)(at - m->plane.labels), hash);
    KQ_NAME(lines)(m, lanes, 1);
    int32_t refused[KQ_MOST_NAMES] = {-1, -1, -1};
    if (m->asks) {
        if (KQ_NAME(ask)(m, lanes, sets, label, f[KQ_W], 0, 0))
            return f[KQ_W];
        refused[0] = (int32_t)f[KQ_W];
        const int found =
            m->plane.colorless ? KQ_NAME(ask_more)(m, lanes, sets, label, refused) : -1;
        if (found >= 0)
            return (uint32_t)found;
    }
    if (later)
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

/* The labels of some rows of a tile, which follow those that are known, left to right, by a model
 * of that shape, whose numbers are constants here, so that the loops unroll. */
KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, int sets, uint32_t run_match, size_t from,
                              size_t to)
{
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = from; y < to; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        uint16_t *end = row + m->plane.width, *at = row;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        KQ_NAME(match_begin_row)(m, (size_t)(row - labels));
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
            KQ_NAME(match_follow)(m, (size_t)(at - labels), *at);
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
