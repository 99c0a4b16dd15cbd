/* One decision of the coder `context`, in plain C (spec/kq.md, sections 15 and 16).
 *
 * Included by context.h before steps.h; mix_avx2.h does the same by AVX2.
 */

typedef struct {
    int32_t of[8];
} KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    const KQ_NAME(places) places = {{a, b, c, d, e, f, g, h}};
    return places;
}

/* Which of the eight are before the middle, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    uint32_t before = 0;
    for (int j = 0; j < 8; j++)
        before |= (uint32_t)(places->of[j] < middle) << j;
    return before;
}

/* What the lanes say at a node, and their slots, for the learning to come. */
typedef struct {
    uint32_t at[KQ_MAX_LANES], value[KQ_MAX_LANES], history[KQ_MAX_LANES];
    int32_t in[KQ_MAX_INPUTS]; /* logits, chances, and of the large model what histories say */
} KQ_NAME(sight);

/* Logits, weights · inputs. */
KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    (void)m;
    for (int s = 0; s < sets; s++) {
        uint32_t sum = 0;
        for (int i = 0; i < inputs; i++)
            sum += (uint32_t)(kq_weight(weights[s][i]) * sight->in[i]);
        logits[s] = kq_clamp_logit((int32_t)sum >> 14);
    }
}

/* weights += inputs · step, step being error · learning rate; modulo 2^32. */
KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    for (int i = 0; i < inputs; i++)
        weights[i] = (int32_t)((uint32_t)weights[i] + (uint32_t)(sight->in[i] * step));
}

/* The lines of slots for a group of decisions. The last lane, the match's, has none: it
 * is given a place in the first table. */
KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    const int shift = 32 - m->line_bits;
    for (int i = 0; i < lanes; i++) {
        uint32_t h = kq_scramble(m->hashes[i] + group * KQ_GROUP_MULTIPLIER), check = h >> 4 & 63;
        uint32_t table = i < lanes - 1 ? (uint32_t)KQ_TABLE(i) : 0,
                 line = table << m->line_bits | h >> shift;
        m->lines[i] = line << 4 | (h & 15);
        m->fresh[i] = KQ_HALF << 16 | (check ? check : 1) << 6 | 1;
    }
}

/* Has the lines of a group that may follow brought nearer: where the compiler can tell
 * the processor to. */
KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    (void)m, (void)lanes, (void)group;
}

/* `match`: the slot that stands for the match. */
KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    for (int i = 0; i < lanes; i++) {
        sight->at[i] = m->lines[i] ^ node;
        uint32_t value = m->slots[sight->at[i]];
        if ((value ^ m->fresh[i]) & 63 << 6)
            value = m->fresh[i];
        if (i == lanes - 1)
            value = match;
        sight->value[i] = value;
        uint32_t p = value >> 16, n = value >> 12 & 15;
        sight->in[i] = kq_logit(p) * kq_worths.logit[n] >> 8;
        sight->in[lanes + i] =
            ((int)(p >> 4) - 2048) * kq_worths.chance[n] >> KQ_CHANCE_SHIFT(lanes);
        if (histories) {
            sight->history[i] =
                (uint32_t)((i * 2 + tree) * KQ_HISTORIES) + ((value & 63) << 2 | n >> 2);
            sight->in[2 * lanes + i] =
                i < lanes - 1 ? kq_logit(m->histories[sight->history[i]] >> 16) : KQ_BIAS;
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
