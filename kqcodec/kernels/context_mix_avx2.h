/* One decision of the coder `context` for AVX2: context_mix.h, eight contexts at once.
 *
 * Included by context_steps.h for models whose number of contexts is divisible by 8.
 */

KQ_FUNCTION int KQ_NAME(mix)(const int32_t *weights, const int32_t *inputs, int count)
{
    __m256i sum = _mm256_setzero_si256();
    for (int i = 0; i < count; i += 8) {
        __m256i w = _mm256_loadu_si256((const __m256i *)(weights + i));
        __m256i x = _mm256_load_si256((const __m256i *)(inputs + i));
        sum = _mm256_add_epi32(sum, _mm256_srai_epi32(_mm256_mullo_epi32(w, x), 6));
    }
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return kq_clamp_logit(_mm_cvtsi128_si32(four) >> 10);
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const int32_t *inputs, int count, int32_t step)
{
    const __m256i by = _mm256_set1_epi32(step), half = _mm256_set1_epi32(8192);
    const __m256i most = _mm256_set1_epi32(131071), least = _mm256_set1_epi32(-131071);
    for (int i = 0; i < count; i += 8) {
        __m256i w = _mm256_loadu_si256((const __m256i *)(weights + i));
        __m256i x = _mm256_load_si256((const __m256i *)(inputs + i));
        x = _mm256_srai_epi32(_mm256_add_epi32(_mm256_mullo_epi32(x, by), half), 14);
        w = _mm256_max_epi32(_mm256_min_epi32(_mm256_add_epi32(w, x), most), least);
        _mm256_storeu_si256((__m256i *)(weights + i), w);
    }
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int contexts, uint32_t group, int set)
{
    const __m128i up = _mm_cvtsi32_si128(m->line_bits), down = _mm_cvtsi32_si128(32 - m->line_bits);
    const __m256i add = _mm256_set1_epi32((int)(group * KQ_MULTIPLIER));
    for (int i = 0; i < contexts; i += 8) {
        __m256i h = _mm256_load_si256((const __m256i *)(m->hashes + i));
        h = _mm256_add_epi32(h, add);
        h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 15));
        h = _mm256_mullo_epi32(h, _mm256_set1_epi32(0x2C1B3C6D));
        h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 12));
        __m256i table = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(i));
        __m256i line = _mm256_or_si256(_mm256_sll_epi32(table, up), _mm256_srl_epi32(h, down));
        line = _mm256_slli_epi32(line, 4);
        line = _mm256_or_si256(line, _mm256_and_si256(h, _mm256_set1_epi32(15)));
        __m256i check = _mm256_and_si256(_mm256_srli_epi32(h, 4), _mm256_set1_epi32(63));
        check = _mm256_max_epi32(check, _mm256_set1_epi32(1));
        check = _mm256_or_si256(_mm256_slli_epi32(check, 6), _mm256_set1_epi32((int)(KQ_HALF << 16 | 1)));
        _mm256_store_si256((__m256i *)(m->lines[set] + i), line);
        _mm256_store_si256((__m256i *)(m->fresh[set] + i), check);
    }
    for (int i = 0; i < contexts; i++)
        _mm_prefetch((const char *)(m->slots + m->lines[set][i]), _MM_HINT_T0);
}

typedef struct {
    __m256i at[KQ_MAX_CONTEXTS / 8], value[KQ_MAX_CONTEXTS / 8], n[KQ_MAX_CONTEXTS / 8];
    __m256i history[KQ_MAX_CONTEXTS / 8], chance[KQ_MAX_CONTEXTS / 8];
} KQ_NAME(sight);

/* table[n] of 16 numbers, for eight n at once. */
KQ_FUNCTION __m256i KQ_NAME(pick)(const int32_t *table, __m256i n)
{
    __m256i low = _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)table), n);
    __m256i high = _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)(table + 8)), n);
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high),
                                                _mm256_castsi256_ps(_mm256_slli_epi32(n, 28))));
}

KQ_FUNCTION __m256i KQ_NAME(stretch)(const kq_logistic *t, __m256i p)
{
    __m256i found = _mm256_i32gather_epi32((const int *)(const void *)t->stretch, _mm256_srli_epi32(p, 4), 2);
    return _mm256_srai_epi32(_mm256_slli_epi32(found, 16), 16);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int contexts, uint32_t node, int tree,
                              KQ_NAME(sight) *sight, int32_t *in)
{
    const kq_logistic *t = m->tables;
    for (int i = 0; i < contexts; i += 8) {
        __m256i at = _mm256_load_si256((const __m256i *)(m->lines[tree] + i));
        at = _mm256_xor_si256(at, _mm256_set1_epi32((int)node));
        __m256i value = _mm256_i32gather_epi32((const int *)m->slots, at, 4);
        __m256i fresh = _mm256_load_si256((const __m256i *)(m->fresh[tree] + i));
        __m256i other = _mm256_and_si256(_mm256_xor_si256(value, fresh), _mm256_set1_epi32(63 << 6));
        __m256i known = _mm256_cmpeq_epi32(other, _mm256_setzero_si256());
        value = _mm256_blendv_epi8(fresh, value, known);
        __m256i p = _mm256_srli_epi32(value, 16);
        __m256i n = _mm256_and_si256(_mm256_srli_epi32(value, 12), _mm256_set1_epi32(15));
        __m256i logit = _mm256_mullo_epi32(KQ_NAME(stretch)(t, p), KQ_NAME(pick)(kq_worths.logit, n));
        __m256i chance = _mm256_sub_epi32(_mm256_srli_epi32(p, 3), _mm256_set1_epi32(4096));
        chance = _mm256_mullo_epi32(chance, KQ_NAME(pick)(kq_worths.chance, n));
        __m256i bits = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 2);
        __m256i history = _mm256_or_si256(bits, _mm256_srli_epi32(n, 2));
        __m256i map = _mm256_add_epi32(_mm256_setr_epi32(0, 512, 1024, 1536, 2048, 2560, 3072, 3584),
                                       _mm256_set1_epi32((i * 2 + tree) * KQ_HISTORIES));
        history = _mm256_add_epi32(history, map);
        __m256i past = _mm256_i32gather_epi32((const int *)m->histories, history, 4);
        _mm256_store_si256((__m256i *)(in + i), _mm256_srai_epi32(logit, 8));
        _mm256_store_si256((__m256i *)(in + contexts + i), _mm256_srai_epi32(chance, 8));
        __m256i past_logit = _mm256_srai_epi32(_mm256_slli_epi32(past, 16), 16);
        _mm256_store_si256((__m256i *)(in + 2 * contexts + i), past_logit);
        sight->at[i / 8] = at;
        sight->value[i / 8] = value;
        sight->n[i / 8] = n;
        sight->history[i / 8] = history;
        sight->chance[i / 8] = _mm256_srli_epi32(past, 16);
    }
}

KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int contexts, const KQ_NAME(sight) *sight, int bit)
{
    const __m256i target = _mm256_set1_epi32(bit ? 65535 : 0), one = _mm256_set1_epi32(1);
    const __m256i bits = _mm256_set1_epi32(63), half = _mm256_set1_epi32(32);
    for (int i = 0; i < contexts; i += 8) {
        uint32_t at[8], values[8], places[8], chances[8];
        __m256i value = sight->value[i / 8], n = sight->n[i / 8];
        __m256i p = _mm256_srli_epi32(value, 16);
        __m256i step = _mm256_mullo_epi32(_mm256_sub_epi32(target, p), KQ_NAME(pick)(kq_worths.rate, n));
        p = _mm256_add_epi32(p, _mm256_srai_epi32(step, 15));
        __m256i masked = _mm256_and_si256(p, KQ_NAME(pick)(kq_worths.grow, n));
        __m256i grows = _mm256_cmpeq_epi32(masked, _mm256_setzero_si256());
        n = _mm256_min_epi32(_mm256_sub_epi32(n, grows), _mm256_set1_epi32(KQ_WORTH_MAX));
        __m256i history = _mm256_slli_epi32(_mm256_and_si256(value, bits), 1);
        history = _mm256_or_si256(history, _mm256_and_si256(target, one));
        __m256i longest = _mm256_cmpgt_epi32(history, bits);
        history = _mm256_and_si256(history, bits);
        history = _mm256_or_si256(history, _mm256_and_si256(longest, half));
        value = _mm256_and_si256(value, _mm256_set1_epi32(63 << 6));
        value = _mm256_or_si256(_mm256_or_si256(value, history), _mm256_slli_epi32(n, 12));
        value = _mm256_or_si256(value, _mm256_slli_epi32(p, 16));
        __m256i chance = sight->chance[i / 8];
        chance = _mm256_add_epi32(chance, _mm256_srai_epi32(_mm256_sub_epi32(target, chance), 6));
        __m256i logit = _mm256_and_si256(KQ_NAME(stretch)(m->tables, chance), _mm256_set1_epi32(65535));
        chance = _mm256_or_si256(_mm256_slli_epi32(chance, 16), logit);
        _mm256_storeu_si256((__m256i *)at, sight->at[i / 8]);
        _mm256_storeu_si256((__m256i *)values, value);
        _mm256_storeu_si256((__m256i *)places, sight->history[i / 8]);
        _mm256_storeu_si256((__m256i *)chances, chance);
        for (int j = 0; j < 8; j++) {
            m->slots[at[j]] = values[j];
            m->histories[places[j]] = chances[j];
        }
    }
}
