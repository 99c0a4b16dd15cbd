/* One decision of the coder `context`, in plain C (spec/kq.md, section 16).
 *
 * Included by context_steps.h; context_mix_avx2.h is the same for AVX2.
 */

/* weights · inputs: a logit. Weights are 16.16 and within ±2, so that 128 products
 * of 12 bits, each taken >> 6, stay within 32 bits. */
KQ_FUNCTION int KQ_NAME(mix)(const int32_t *weights, const int32_t *inputs, int count)
{
    int32_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += weights[i] * inputs[i] >> 6;
    return kq_clamp_logit(sum >> 10);
}

/* weights += inputs · step, step being error · learning rate. */
KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const int32_t *inputs, int count, int32_t step)
{
    for (int i = 0; i < count; i++) {
        int32_t w = weights[i] + ((inputs[i] * step + 8192) >> 14);
        w = w > 131071 ? 131071 : w;
        weights[i] = w < -131071 ? -131071 : w;
    }
}

/* The lines of slots for a group of decisions. */
KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int contexts, uint32_t group, int set)
{
    const int shift = 32 - m->line_bits;
    for (int i = 0; i < contexts; i++) {
        uint32_t h = kq_scramble(m->hashes[i] + group * KQ_MULTIPLIER), check = h >> 4 & 63;
        m->lines[set][i] = ((uint32_t)i << m->line_bits | h >> shift) << 4 | (h & 15);
        m->fresh[set][i] = KQ_HALF << 16 | (check ? check : 1) << 6 | 1;
    }
}

/* What the contexts say at a node, and its slots, for the learning to come. */
typedef struct {
    uint32_t at[KQ_MAX_CONTEXTS], value[KQ_MAX_CONTEXTS], history[KQ_MAX_CONTEXTS];
} KQ_NAME(sight);

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int contexts, uint32_t node, int tree,
                              KQ_NAME(sight) *sight, int32_t *in)
{
    const kq_logistic *t = m->tables;
    for (int i = 0; i < contexts; i++) {
        sight->at[i] = m->lines[tree][i] ^ node;
        uint32_t value = m->slots[sight->at[i]];
        if ((value ^ m->fresh[tree][i]) & 63 << 6)
            value = m->fresh[tree][i];
        sight->value[i] = value;
        uint32_t p = value >> 16, n = value >> 12 & 15;
        in[i] = kq_stretch(t, p) * kq_worths.logit[n] >> 8;
        in[contexts + i] = ((int)(p >> 3) - 4096) * kq_worths.chance[n] >> 8;
        sight->history[i] = (uint32_t)((i * 2 + tree) * KQ_HISTORIES) + ((value & 63) << 2 | n >> 2);
        in[2 * contexts + i] = (int16_t)m->histories[sight->history[i]];
    }
}

/* Counters and histories after the bit. */
KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int contexts, const KQ_NAME(sight) *sight, int bit)
{
    for (int i = 0; i < contexts; i++) {
        uint32_t value = sight->value[i], n = value >> 12 & 15;
        uint32_t history = (value & 63) << 1 | (uint32_t)bit;
        int32_t p = (int32_t)(value >> 16);
        p += ((bit ? 65535 : 0) - p) * kq_worths.rate[n] >> 15;
        n += (p & kq_worths.grow[n]) == 0 && n < KQ_WORTH_MAX;
        history = history >= 64 ? (history & 31) | 32 : history;
        m->slots[sight->at[i]] = (uint32_t)p << 16 | n << 12 | (value & 63 << 6) | history;
        m->histories[sight->history[i]] = kq_history_learn(m->tables, m->histories[sight->history[i]], bit);
    }
}
