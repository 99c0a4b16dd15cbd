/* One decision of the coder `context` for AVX2: mix.h, eight lanes at once. */

typedef __m256i KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    return _mm256_setr_epi32(a, b, c, d, e, f, g, h);
}

KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32(middle), *places);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(before));
}

#define KQ_V(name) _mm256_load_si256((const __m256i *)m->vectors[KQ_V_##name])

typedef struct {
    __m256i at[KQ_MAX_LANES / 8], value[KQ_MAX_LANES / 8], n[KQ_MAX_LANES / 8];
    __m256i history[KQ_MAX_LANES / 8], past[KQ_MAX_LANES / 8];
    __m256i in[KQ_MAX_INPUTS / 8];
} KQ_NAME(sight);

/* Two vectors at a time go as 16-bit numbers, of which pairs of products are added. */
KQ_FUNCTION __m256i KQ_NAME(products)(const int32_t *weights, const KQ_NAME(sight) *sight,
                                      int inputs)
{
    __m256i sum = _mm256_setzero_si256();
    for (int v = 0; v < inputs / 8; v += 2) {
        __m256i one = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        __m256i other = _mm256_load_si256((const __m256i *)(weights + 8 * v + 8));
        __m256i w = _mm256_packs_epi32(_mm256_srai_epi32(one, 15), _mm256_srai_epi32(other, 15));
        __m256i part = _mm256_madd_epi16(w, _mm256_packs_epi32(sight->in[v], sight->in[v + 1]));
        sum = v ? _mm256_add_epi32(sum, part) : part;
    }
    return sum;
}

KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    for (int s = 0; s < sets; s += 2) {
        __m256i one = KQ_NAME(products)(weights[s], sight, inputs), other = one;
        if (s + 1 < sets)
            other = KQ_NAME(products)(weights[s + 1], sight, inputs);
        __m256i pairs = _mm256_hadd_epi32(one, other);
        __m128i four =
            _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        four = _mm_srai_epi32(_mm_hadd_epi32(four, four), 14);
        four = _mm_min_epi32(four, _mm256_castsi256_si128(KQ_V(MOST)));
        four = _mm_max_epi32(four, _mm256_castsi256_si128(KQ_V(LEAST)));
        logits[s] = _mm_cvtsi128_si32(four);
        if (s + 1 < sets)
            logits[s + 1] = _mm_extract_epi32(four, 1);
    }
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    const __m256i by =
        _mm256_set1_epi32(step & 65535); /* times the lower half, nothing times the upper */
    for (int v = 0; v < inputs / 8; v++) {
        __m256i w = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        w = _mm256_add_epi32(w, _mm256_madd_epi16(sight->in[v], by));
        _mm256_store_si256((__m256i *)(weights + 8 * v), w);
    }
}

/* The hashes of eight lanes for a group of decisions, and the numbers of their lines. */
KQ_FUNCTION __m256i KQ_NAME(line)(const kq_context *m, int lanes, int i, uint32_t group,
                                  __m256i *hash)
{
    __m256i h = _mm256_load_si256((const __m256i *)(m->hashes + i));
    h = _mm256_add_epi32(h, _mm256_set1_epi32((int)(group * KQ_GROUP_MULTIPLIER)));
    h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 15));
    h = _mm256_mullo_epi32(h, _mm256_set1_epi32(0x2C1B3C6D));
    h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 12));
    __m256i table = _mm256_setr_epi32(KQ_TABLE(i), KQ_TABLE(i + 1), KQ_TABLE(i + 2),
                                      KQ_TABLE(i + 3), KQ_TABLE(i + 4), KQ_TABLE(i + 5),
                                      KQ_TABLE(i + 6), i + 8 == lanes ? 0 : KQ_TABLE(i + 7));
    __m256i line = _mm256_or_si256(_mm256_sll_epi32(table, _mm_cvtsi32_si128(m->line_bits)),
                                   _mm256_srl_epi32(h, _mm_cvtsi32_si128(32 - m->line_bits)));
    *hash = h;
    return line;
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    for (int i = 0; i < lanes; i += 8) {
        __m256i h, line = KQ_NAME(line)(m, lanes, i, group, &h);
        line =
            _mm256_or_si256(_mm256_slli_epi32(line, 4), _mm256_and_si256(h, _mm256_set1_epi32(15)));
        __m256i check = _mm256_and_si256(_mm256_srli_epi32(h, 4), _mm256_set1_epi32(63));
        check = _mm256_max_epi32(check, _mm256_set1_epi32(1));
        check = _mm256_or_si256(_mm256_slli_epi32(check, 6),
                                _mm256_set1_epi32((int)(KQ_HALF << 16 | 1)));
        _mm256_store_si256((__m256i *)(m->lines + i), line);
        _mm256_store_si256((__m256i *)(m->fresh + i), check);
    }
    for (int i = 0; i < lanes - 1; i++)
        KQ_PREFETCH(m->slots + m->lines[i]);
}

KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    KQ_ALIGNED(32) uint32_t lines[KQ_MAX_LANES];
    for (int i = 0; i < lanes; i += 8) {
        __m256i h;
        __m256i line = KQ_NAME(line)(m, lanes, i, group, &h);
        _mm256_store_si256((__m256i *)(lines + i), _mm256_slli_epi32(line, 4));
    }
    for (int i = 0; i < lanes - 1; i++)
        KQ_PREFETCH(m->slots + lines[i]);
}

/* The slots of eight lanes. Eight loads are quicker than a gather instruction on many
 * processors, and never much slower. */
KQ_FUNCTION __m256i KQ_NAME(slots)(const kq_context *m, __m256i at, int last)
{
    const uint32_t *s = m->slots;
    KQ_ALIGNED(32) uint32_t i[8];
    _mm256_store_si256((__m256i *)i, at);
    KQ_IN_MEMORY(i); /* in memory: out of the vector, each would take two steps */
    return _mm256_setr_epi32((int)s[i[0]], (int)s[i[1]], (int)s[i[2]], (int)s[i[3]], (int)s[i[4]],
                             (int)s[i[5]], (int)s[i[6]], last ? 0 : (int)s[i[7]]);
}

/* kq_logit of the upper 16 bits: 2p + 1 and 131071 - 2p as floats, which holds them
 * exactly, and the difference of their bits. */
KQ_FUNCTION __m256i KQ_NAME(logit)(const kq_context *m, __m256i value)
{
    __m256i x = _mm256_or_si256(_mm256_srli_epi32(value, 15), KQ_V(ONE));
    __m256i y = _mm256_sub_epi32(KQ_V(TWO), x);
    x = _mm256_castps_si256(_mm256_cvtepi32_ps(x));
    y = _mm256_castps_si256(_mm256_cvtepi32_ps(y));
    return _mm256_srai_epi32(_mm256_sub_epi32(x, y), 16);
}

/* table[n], a byte, for eight n at once. Bytes whose number has the top bit set are 0. */
KQ_FUNCTION __m256i KQ_NAME(pick)(const uint8_t *table, __m256i n)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table)),
                               n);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes), vectors = lanes / 8;
    for (int v = 0; v < vectors; v++) {
        __m256i at = _mm256_load_si256((const __m256i *)(m->lines + 8 * v));
        at = _mm256_xor_si256(at, _mm256_set1_epi32((int)node));
        __m256i value = KQ_NAME(slots)(m, at, v == vectors - 1);
        __m256i fresh = _mm256_load_si256((const __m256i *)(m->fresh + 8 * v));
        __m256i other = _mm256_and_si256(_mm256_xor_si256(value, fresh), KQ_V(CHECK));
        __m256i known = _mm256_cmpeq_epi32(other, _mm256_setzero_si256());
        value = _mm256_blendv_epi8(fresh, value, known);
        if (v == vectors - 1)
            value = _mm256_blend_epi32(value, _mm256_set1_epi32((int)match), 128);
        __m256i n = _mm256_and_si256(_mm256_srli_epi32(value, 12), KQ_V(N));
        n = _mm256_or_si256(n, KQ_V(PICK));
        __m256i logit =
            _mm256_madd_epi16(KQ_NAME(logit)(m, value), KQ_NAME(pick)(kq_worths.logit, n));
        __m256i chance = _mm256_add_epi32(_mm256_srli_epi32(value, 20), KQ_V(CENTRE));
        chance = _mm256_madd_epi16(chance, KQ_NAME(pick)(kq_worths.chance, n));
        sight->in[v] = _mm256_srai_epi32(logit, 8);
        sight->in[vectors + v] = _mm256_srai_epi32(chance, KQ_CHANCE_SHIFT(lanes));
        sight->at[v] = at;
        sight->value[v] = value;
        sight->n[v] = n;
        if (histories) {
            __m256i bits = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 2);
            __m256i history = _mm256_and_si256(_mm256_srli_epi32(value, 14), _mm256_set1_epi32(3));
            history = _mm256_or_si256(bits, history);
            __m256i map =
                _mm256_add_epi32(_mm256_setr_epi32(0, 512, 1024, 1536, 2048, 2560, 3072, 3584),
                                 _mm256_set1_epi32((16 * v + tree) * KQ_HISTORIES));
            history = _mm256_add_epi32(history, map);
            __m256i past = _mm256_i32gather_epi32((const int *)m->histories, history, 4);
            __m256i said = KQ_NAME(logit)(m, past);
            if (v == vectors - 1)
                said = _mm256_blend_epi32(said, _mm256_set1_epi32(KQ_BIAS), 128);
            sight->in[2 * vectors + v] = said;
            sight->history[v] = history;
            sight->past[v] = past;
        }
    }
}

KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    const __m256i target = bit ? KQ_V(BIT) : _mm256_setzero_si256();
    for (int v = 0; v < lanes / 8; v++) {
        KQ_ALIGNED(32) uint32_t at[8], values[8];
        uint32_t places[8], pasts[8];
        __m256i value = sight->value[v], n = sight->n[v], p = _mm256_srli_epi32(value, 16);
        __m256i error = _mm256_srai_epi32(_mm256_sub_epi32(target, p), 1);
        __m256i step =
            _mm256_srai_epi32(_mm256_madd_epi16(error, KQ_NAME(pick)(kq_worths.rate, n)), 7);
        value = _mm256_add_epi32(value, _mm256_slli_epi32(step, 16));
        /* Bit 7 is set for the largest n, which doesn't grow: that of `grow` is. */
        __m256i masked = _mm256_or_si256(_mm256_srli_epi32(value, 16), KQ_V(STOP));
        masked = _mm256_and_si256(masked, KQ_NAME(pick)(kq_worths.grow, n));
        __m256i grows = _mm256_cmpeq_epi32(masked, _mm256_setzero_si256());
        value = _mm256_sub_epi32(value, _mm256_slli_epi32(grows, 12));
        if (histories) {
            __m256i history = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 1);
            value = _mm256_andnot_si256(_mm256_set1_epi32(63), value);
            history = _mm256_or_si256(history, _mm256_and_si256(target, _mm256_set1_epi32(1)));
            __m256i longest = _mm256_cmpgt_epi32(history, _mm256_set1_epi32(63));
            history = _mm256_and_si256(history, _mm256_set1_epi32(63));
            history = _mm256_or_si256(history, _mm256_and_si256(longest, _mm256_set1_epi32(32)));
            value = _mm256_or_si256(value, history);
            __m256i past = _mm256_srli_epi32(sight->past[v], 16);
            past = _mm256_add_epi32(past, _mm256_srai_epi32(_mm256_sub_epi32(target, past), 6));
            _mm256_storeu_si256((__m256i *)pasts, _mm256_slli_epi32(past, 16));
            _mm256_storeu_si256((__m256i *)places, sight->history[v]);
        }
        _mm256_store_si256((__m256i *)at, sight->at[v]);
        _mm256_store_si256((__m256i *)values, value);
        KQ_BOTH_IN_MEMORY(at, values);
        for (int j = 0; j < 8 && 8 * v + j < lanes - 1; j++) {
            m->slots[at[j]] = values[j];
            if (histories)
                m->histories[places[j]] = pasts[j];
        }
    }
}
