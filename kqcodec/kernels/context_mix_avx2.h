/* One decision of the coder `context` for AVX2: context_mix.h, eight lanes at once. */

/* See context_mix.h. Colours are 16 bits a channel, two or one in a vector. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (plane->k > KQ_GEOMETRY_MAX) {
        kq_predict_none(s);
        return;
    }
#define KQ_COLOR(feature) _mm_cvtsi32_si128((int)plane->colors[f[feature]])
    const __m128i w1 = KQ_COLOR(KQ_W), n1 = KQ_COLOR(KQ_N), nw1 = KQ_COLOR(KQ_NW), ne1 = KQ_COLOR(KQ_NE);
    const __m128i ww1 = KQ_COLOR(KQ_WW), nn1 = KQ_COLOR(KQ_NN);
    __m128i ones = _mm_unpacklo_epi64(_mm_unpacklo_epi32(w1, n1), _mm_unpacklo_epi32(n1, w1));
    __m128i others = _mm_unpacklo_epi64(_mm_unpacklo_epi32(nw1, nw1), _mm_unpacklo_epi32(ne1, ww1));
    __m128i apart = _mm_sad_epu8(ones, others);
    kq_set_activity(s, (uint32_t)(_mm_cvtsi128_si32(apart) + _mm_extract_epi16(apart, 4)));
    const __m128i w = _mm_cvtepu8_epi16(w1), n = _mm_cvtepu8_epi16(n1), nw = _mm_cvtepu8_epi16(nw1);
    const __m128i ne = _mm_cvtepu8_epi16(ne1), ww = _mm_cvtepu8_epi16(ww1), nn = _mm_cvtepu8_epi16(nn1);
    const __m128i both = _mm_add_epi16(w, n), corners = _mm_add_epi16(nw, ne);
    __m128i median = _mm_min_epi16(_mm_max_epi16(w, n), _mm_sub_epi16(both, nw));
    median = _mm_max_epi16(_mm_min_epi16(w, n), median);
    __m128i mean = _mm_add_epi16(_mm_add_epi16(both, both), _mm_sub_epi16(ne, nw));
    __m128i wide = _mm_add_epi16(_mm_sub_epi16(_mm_slli_epi16(both, 3), both), _mm_add_epi16(corners, corners));
    wide = _mm_add_epi16(_mm_sub_epi16(wide, _mm_add_epi16(ww, nn)), _mm_set1_epi16(8));
    mean = _mm_srai_epi16(mean, 2);
    wide = _mm_srai_epi16(wide, 4);
    __m128i slant = _mm_add_epi16(w, _mm_sub_epi16(ne, n));
    for (int more = 0; more <= all; more++) {
        __m128i colors = _mm_packus_epi16(_mm_unpacklo_epi64(median, mean), _mm_unpacklo_epi64(wide, slant));
        if (more) {
            __m128i along = _mm_sub_epi16(_mm_add_epi16(w, w), ww), down = _mm_sub_epi16(_mm_add_epi16(n, n), nn);
            __m128i rise = _mm_sub_epi16(_mm_add_epi16(n, ne), _mm_cvtepu8_epi16(KQ_COLOR(KQ_NNE)));
            colors = _mm_packus_epi16(_mm_unpacklo_epi64(along, down), rise);
        }
        /* The cells: five bits of each channel, the red ones above. */
        __m128i cells = _mm_and_si128(_mm_srli_epi16(colors, 3), _mm_set1_epi8(31));
        cells = _mm_maddubs_epi16(cells, _mm_set1_epi32(0x00010120)); /* 32 r + g, b */
        cells = _mm_madd_epi16(cells, _mm_set1_epi32(0x00010020));    /* 32 (32 r + g) + b */
        uint32_t *found = f + (more ? KQ_ALONG : KQ_MEDIAN);
        found[0] = kq_cell_entry(plane, (uint32_t)_mm_cvtsi128_si32(cells));
        found[1] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 1));
        found[2] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 2));
        if (all && !more)
            found[3] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 3));
    }
#undef KQ_COLOR
}

KQ_FUNCTION void KQ_NAME(split)(const int32_t *places, int32_t low, int32_t middle, int32_t high,
                                uint32_t *below, uint32_t *above)
{
    const __m256i p = _mm256_load_si256((const __m256i *)places);
    __m256i from = _mm256_cmpgt_epi32(p, _mm256_set1_epi32(low - 1));
    __m256i under = _mm256_cmpgt_epi32(_mm256_set1_epi32(middle), p);
    __m256i within = _mm256_cmpgt_epi32(_mm256_set1_epi32(high), p);
    *below = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_and_si256(from, under)));
    *above = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_andnot_si256(under, within)));
}

typedef struct {
    __m256i at[KQ_MAX_LANES / 8], value[KQ_MAX_LANES / 8], n[KQ_MAX_LANES / 8];
    __m256i history[KQ_MAX_LANES / 8], past[KQ_MAX_LANES / 8];
    __m256i in[KQ_MAX_INPUTS / 8];
} KQ_NAME(sight);

/* Two vectors at a time go as 16-bit numbers, of which pairs of products are added. */
KQ_FUNCTION int KQ_NAME(mix)(const int32_t *weights, const KQ_NAME(sight) *sight, int inputs)
{
    __m256i sum = _mm256_setzero_si256();
    for (int v = 0; v < inputs / 8; v += 2) {
        __m256i one = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        __m256i other = _mm256_load_si256((const __m256i *)(weights + 8 * v + 8));
        __m256i w = _mm256_packs_epi32(_mm256_srai_epi32(one, 15), _mm256_srai_epi32(other, 15));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w, _mm256_packs_epi32(sight->in[v], sight->in[v + 1])));
    }
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return kq_clamp_logit(_mm_cvtsi128_si32(four) >> 14);
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs, int step)
{
    const __m256i by = _mm256_set1_epi32(step & 65535); /* times the lower half, nothing times the upper */
    const __m256i most = _mm256_set1_epi32(KQ_WEIGHT_MAX), least = _mm256_set1_epi32(-KQ_WEIGHT_MAX);
    for (int v = 0; v < inputs / 8; v++) {
        __m256i w = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        w = _mm256_add_epi32(w, _mm256_madd_epi16(sight->in[v], by));
        w = _mm256_max_epi32(_mm256_min_epi32(w, most), least);
        _mm256_store_si256((__m256i *)(weights + 8 * v), w);
    }
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group, int set)
{
    const __m128i up = _mm_cvtsi32_si128(m->line_bits), down = _mm_cvtsi32_si128(32 - m->line_bits);
    const __m256i add = _mm256_set1_epi32((int)(group * KQ_MULTIPLIER));
    for (int i = 0; i < lanes; i += 8) {
        __m256i h = _mm256_load_si256((const __m256i *)(m->hashes + i));
        h = _mm256_add_epi32(h, add);
        h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 15));
        h = _mm256_mullo_epi32(h, _mm256_set1_epi32(0x2C1B3C6D));
        h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 12));
        __m256i table = _mm256_setr_epi32(i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 8 == lanes ? 0 : i + 7);
        __m256i line = _mm256_or_si256(_mm256_sll_epi32(table, up), _mm256_srl_epi32(h, down));
        line = _mm256_slli_epi32(line, 4);
        line = _mm256_or_si256(line, _mm256_and_si256(h, _mm256_set1_epi32(15)));
        __m256i check = _mm256_and_si256(_mm256_srli_epi32(h, 4), _mm256_set1_epi32(63));
        check = _mm256_max_epi32(check, _mm256_set1_epi32(1));
        check = _mm256_or_si256(_mm256_slli_epi32(check, 6), _mm256_set1_epi32((int)(KQ_HALF << 16 | 1)));
        _mm256_store_si256((__m256i *)(m->lines[set] + i), line);
        _mm256_store_si256((__m256i *)(m->fresh[set] + i), check);
    }
    for (int i = 0; i < lanes - 1; i++)
        _mm_prefetch((const char *)(m->slots + m->lines[set][i]), _MM_HINT_T0);
}

/* table[n], a byte, for eight n at once. Bytes whose number has the top bit set are 0. */
KQ_FUNCTION __m256i KQ_NAME(pick)(const uint8_t *table, __m256i n)
{
    const __m256i both = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table));
    return _mm256_shuffle_epi8(both, _mm256_or_si256(n, _mm256_set1_epi32((int)0x80808000)));
}

/* kq_logit of the upper 16 bits: 2p + 1 and 131071 - 2p as floats, which holds them
 * exactly, and the difference of their bits. */
KQ_FUNCTION __m256i KQ_NAME(logit)(__m256i value)
{
    __m256i x = _mm256_or_si256(_mm256_srli_epi32(value, 15), _mm256_set1_epi32(1));
    __m256i y = _mm256_sub_epi32(_mm256_set1_epi32(131072), x);
    x = _mm256_castps_si256(_mm256_cvtepi32_ps(x));
    y = _mm256_castps_si256(_mm256_cvtepi32_ps(y));
    return _mm256_srai_epi32(_mm256_sub_epi32(x, y), 16);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree, uint32_t match,
                                  KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes), vectors = lanes / 8;
    for (int v = 0; v < vectors; v++) {
        __m256i at = _mm256_load_si256((const __m256i *)(m->lines[tree] + 8 * v));
        at = _mm256_xor_si256(at, _mm256_set1_epi32((int)node));
        __m256i value = _mm256_i32gather_epi32((const int *)m->slots, at, 4);
        __m256i fresh = _mm256_load_si256((const __m256i *)(m->fresh[tree] + 8 * v));
        __m256i other = _mm256_and_si256(_mm256_xor_si256(value, fresh), _mm256_set1_epi32(63 << 6));
        __m256i known = _mm256_cmpeq_epi32(other, _mm256_setzero_si256());
        value = _mm256_blendv_epi8(fresh, value, known);
        if (v == vectors - 1)
            value = _mm256_blend_epi32(value, _mm256_set1_epi32((int)match), 128);
        __m256i n = _mm256_and_si256(_mm256_srli_epi32(value, 12), _mm256_set1_epi32(15));
        __m256i logit = _mm256_madd_epi16(KQ_NAME(logit)(value), KQ_NAME(pick)(kq_worths.logit, n));
        __m256i chance = _mm256_sub_epi32(_mm256_srli_epi32(value, 20), _mm256_set1_epi32(2048));
        chance = _mm256_madd_epi16(chance, KQ_NAME(pick)(kq_worths.chance, n));
        sight->in[v] = _mm256_srai_epi32(logit, 8);
        sight->in[vectors + v] = _mm256_srai_epi32(chance, KQ_CHANCE_SHIFT(lanes));
        sight->at[v] = at;
        sight->value[v] = value;
        sight->n[v] = n;
        if (histories) {
            __m256i bits = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 2);
            __m256i history = _mm256_or_si256(bits, _mm256_srli_epi32(n, 2));
            __m256i map = _mm256_add_epi32(_mm256_setr_epi32(0, 512, 1024, 1536, 2048, 2560, 3072, 3584),
                                           _mm256_set1_epi32((16 * v + tree) * KQ_HISTORIES));
            history = _mm256_add_epi32(history, map);
            __m256i past = _mm256_i32gather_epi32((const int *)m->histories, history, 4);
            __m256i said = KQ_NAME(logit)(past);
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
    const __m256i target = _mm256_set1_epi32(bit ? 65535 : 0), one = _mm256_set1_epi32(1);
    const __m256i bits = _mm256_set1_epi32(63), half = _mm256_set1_epi32(32);
    for (int v = 0; v < lanes / 8; v++) {
        uint32_t at[8], values[8], places[8], pasts[8];
        __m256i value = sight->value[v], n = sight->n[v], p = _mm256_srli_epi32(value, 16);
        __m256i error = _mm256_srai_epi32(_mm256_sub_epi32(target, p), 1);
        __m256i step = _mm256_madd_epi16(error, KQ_NAME(pick)(kq_worths.rate, n));
        p = _mm256_add_epi32(p, _mm256_srai_epi32(step, 7));
        __m256i masked = _mm256_and_si256(p, KQ_NAME(pick)(kq_worths.grow, n));
        __m256i grows = _mm256_cmpeq_epi32(masked, _mm256_setzero_si256());
        n = _mm256_min_epi32(_mm256_sub_epi32(n, grows), _mm256_set1_epi32(KQ_WORTH_MAX));
        __m256i kept = _mm256_and_si256(value, _mm256_set1_epi32(63 << 6));
        if (histories) {
            __m256i history = _mm256_slli_epi32(_mm256_and_si256(value, bits), 1);
            history = _mm256_or_si256(history, _mm256_and_si256(target, one));
            __m256i longest = _mm256_cmpgt_epi32(history, bits);
            history = _mm256_and_si256(history, bits);
            kept = _mm256_or_si256(kept, _mm256_or_si256(history, _mm256_and_si256(longest, half)));
            __m256i past = _mm256_srli_epi32(sight->past[v], 16);
            past = _mm256_add_epi32(past, _mm256_srai_epi32(_mm256_sub_epi32(target, past), 6));
            _mm256_storeu_si256((__m256i *)pasts, _mm256_slli_epi32(past, 16));
            _mm256_storeu_si256((__m256i *)places, sight->history[v]);
        }
        value = _mm256_or_si256(kept, _mm256_or_si256(_mm256_slli_epi32(n, 12), _mm256_slli_epi32(p, 16)));
        _mm256_storeu_si256((__m256i *)at, sight->at[v]);
        _mm256_storeu_si256((__m256i *)values, value);
        for (int j = 0; j < 8 && 8 * v + j < lanes - 1; j++) {
            m->slots[at[j]] = values[j];
            if (histories)
                m->histories[places[j]] = pasts[j];
        }
    }
}
