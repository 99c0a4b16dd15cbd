/* One decision of the coder `context`, in plain C (spec/kq.md, sections 15 and 16).
 *
 * Included by context.h before context_steps.h; context_mix_avx2.h is the same for AVX2.
 */

/* Colours predicted from the neighbours' colours, as the entries nearest to them:
 * the median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro 2000), means,
 * and lines continued. `all` of them, or the first three only. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (plane->k > KQ_GEOMETRY_MAX) {
        kq_predict_none(s);
        return;
    }
    const uint32_t *colors = plane->colors;
    int median[3], mean[3], wide[3], slant[3], along[3], down[3], rise[3], activity = 0;
    for (int c = 0; c < 3; c++) {
        int w = colors[f[KQ_W]] >> 8 * c & 255, n = colors[f[KQ_N]] >> 8 * c & 255;
        int nw = colors[f[KQ_NW]] >> 8 * c & 255, ne = colors[f[KQ_NE]] >> 8 * c & 255;
        int ww = colors[f[KQ_WW]] >> 8 * c & 255, nn = colors[f[KQ_NN]] >> 8 * c & 255;
        int nne = colors[f[KQ_NNE]] >> 8 * c & 255;
        int high = w > n ? w : n, low = w > n ? n : w;
        median[c] = nw >= high ? low : nw <= low ? high : w + n - nw;
        mean[c] = kq_byte((2 * (w + n) + ne - nw) >> 2);
        activity += kq_abs(w - nw) + kq_abs(n - nw) + kq_abs(n - ne) + kq_abs(w - ww);
        wide[c] = kq_byte((7 * (w + n) + 2 * (ne + nw) - ww - nn + 8) >> 4);
        slant[c] = kq_byte(w + ne - n);
        along[c] = kq_byte(2 * w - ww);
        down[c] = kq_byte(2 * n - nn);
        rise[c] = kq_byte(n + ne - nne);
    }
    f[KQ_MEDIAN] = kq_nearest_entry(plane, median);
    f[KQ_MEAN] = kq_nearest_entry(plane, mean);
    f[KQ_WIDE] = kq_nearest_entry(plane, wide);
    if (all) {
        f[KQ_SLANT] = kq_nearest_entry(plane, slant);
        f[KQ_ALONG] = kq_nearest_entry(plane, along);
        f[KQ_DOWN] = kq_nearest_entry(plane, down);
        f[KQ_RISE] = kq_nearest_entry(plane, rise);
    }
    kq_set_activity(s, (uint32_t)activity);
}

/* Which of eight places are in low..middle-1, a bit for each, and in middle..high-1. */
KQ_FUNCTION void KQ_NAME(split)(const int32_t *places, int32_t low, int32_t middle, int32_t high,
                                uint32_t *below, uint32_t *above)
{
    *below = *above = 0;
    for (int j = 0; j < 8; j++) {
        *below |= (uint32_t)(places[j] >= low && places[j] < middle) << j;
        *above |= (uint32_t)(places[j] >= middle && places[j] < high) << j;
    }
}

/* What the lanes say at a node, and their slots, for the learning to come. */
typedef struct {
    uint32_t at[KQ_MAX_LANES], value[KQ_MAX_LANES], history[KQ_MAX_LANES];
    int32_t in[KQ_MAX_INPUTS]; /* logits, chances, and of the model best what histories say */
} KQ_NAME(sight);

/* weights · inputs: a logit. Of a weight, 3.29, the upper 16 bits of 3.14 are taken. */
KQ_FUNCTION int KQ_NAME(mix)(const int32_t *weights, const KQ_NAME(sight) *sight, int inputs)
{
    uint32_t sum = 0;
    for (int i = 0; i < inputs; i++)
        sum += (uint32_t)((weights[i] >> 15) * sight->in[i]);
    return kq_clamp_logit((int32_t)sum >> 14);
}

/* weights += inputs · step, step being error · learning rate. */
KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs, int step)
{
    for (int i = 0; i < inputs; i++) {
        int32_t w = weights[i] + sight->in[i] * step;
        w = w > KQ_WEIGHT_MAX ? KQ_WEIGHT_MAX : w;
        weights[i] = w < -KQ_WEIGHT_MAX ? -KQ_WEIGHT_MAX : w;
    }
}

/* The lines of slots for a group of decisions. The last lane, the match's, has none: it
 * is given a place in the first table. */
KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group, int set)
{
    const int shift = 32 - m->line_bits;
    for (int i = 0; i < lanes; i++) {
        uint32_t h = kq_scramble(m->hashes[i] + group * KQ_MULTIPLIER), check = h >> 4 & 63;
        uint32_t table = i < lanes - 1 ? (uint32_t)i : 0;
        m->lines[set][i] = (table << m->line_bits | h >> shift) << 4 | (h & 15);
        m->fresh[set][i] = KQ_HALF << 16 | (check ? check : 1) << 6 | 1;
    }
}

/* `match`: the slot that stands for the match. */
KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree, uint32_t match,
                                  KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    for (int i = 0; i < lanes; i++) {
        sight->at[i] = m->lines[tree][i] ^ node;
        uint32_t value = m->slots[sight->at[i]];
        if ((value ^ m->fresh[tree][i]) & 63 << 6)
            value = m->fresh[tree][i];
        if (i == lanes - 1)
            value = match;
        sight->value[i] = value;
        uint32_t p = value >> 16, n = value >> 12 & 15;
        sight->in[i] = kq_logit(p) * kq_worths.logit[n] >> 8;
        sight->in[lanes + i] = ((int)(p >> 4) - 2048) * kq_worths.chance[n] >> KQ_CHANCE_SHIFT(lanes);
        if (histories) {
            sight->history[i] = (uint32_t)((i * 2 + tree) * KQ_HISTORIES) + ((value & 63) << 2 | n >> 2);
            sight->in[2 * lanes + i] = i < lanes - 1 ? kq_logit(m->histories[sight->history[i]] >> 16) : KQ_BIAS;
        }
    }
}

/* Counters and histories after the bit. */
KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    for (int i = 0; i < lanes - 1; i++) {
        uint32_t value = sight->value[i], n = value >> 12 & 15, kept = value & 63 << 6;
        int32_t p = (int32_t)(value >> 16);
        p += (((bit ? 65535 : 0) - p) >> 1) * kq_worths.rate[n] >> 7;
        n += (p & kq_worths.grow[n]) == 0 && n < KQ_WORTH_MAX;
        if (histories) {
            uint32_t history = (value & 63) << 1 | (uint32_t)bit;
            kept |= history >= 64 ? (history & 31) | 32 : history;
            uint16_t past = (uint16_t)(m->histories[sight->history[i]] >> 16);
            kq_map_learn(&past, bit);
            m->histories[sight->history[i]] = (uint32_t)past << 16;
        }
        m->slots[sight->at[i]] = (uint32_t)p << 16 | n << 12 | kept;
    }
}
