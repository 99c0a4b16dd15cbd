/* What stands around a label, for AVX2 (spec/kq.md, section 16): view.h, all
 * neighbours at once.
 */

#define KQ_TWO(i) ((i) < 0 ? -1 : 2 * (i)), ((i) < 0 ? -1 : 2 * (i) + 1)
#define KQ_LABELS(a, b, c, d, e, f, g, h) \
    _mm_setr_epi8(KQ_TWO(a), KQ_TWO(b), KQ_TWO(c), KQ_TWO(d), KQ_TWO(e), KQ_TWO(f), KQ_TWO(g), \
                  KQ_TWO(h))

/* The rows above a label, from 3 before it to 4 behind it. What is on the left stands in
 * scalars: it was written only now, and a vector read over it would wait. */
typedef struct {
    __m128i above, second, third;
    uint32_t w, ww, www;
    __m128i near, far; /* features in their order: KQ_W .. KQ_NEE; KQ_NNW .. KQ_NNN, and two more */
    __m256i terms;     /* of the near ones, in hashes */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1], view->ww = at[-2], view->www = at[-3];
    view->above = _mm_loadu_si128((const __m128i *)(at - stride - 3));
    view->second = _mm_loadu_si128((const __m128i *)(at - 2 * stride - 3));
    view->third = _mm_loadu_si128((const __m128i *)(at - 3 * stride - 3));
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    if (view->ww != view->w)
        return 0;
    const __m128i w = _mm_set1_epi16((short)view->w);
    __m128i equal =
        _mm_packs_epi16(_mm_cmpeq_epi16(view->above, w), _mm_cmpeq_epi16(view->second, w));
    return (~_mm_movemask_epi8(equal) & 0x81C) == 0; /* NW, N, NE; NN */
}

#define KQ_SAME(a, b) \
    _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(a)), \
                       _mm256_loadu_si256((const __m256i *)(b)))

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    const __m256i all = _mm256_set1_epi16((short)w);
    size_t n = 0;
    for (; n < most; n += 16) {
        __m256i same = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(a + n)), all);
        same = _mm256_and_si256(
            same, _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(b + n)), all));
        same = _mm256_and_si256(
            same, _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(c + n)), all));
        uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            n += KQ_TRAILING_ZEROS(other) / 2;
            break;
        }
    }
    return n < most ? n : most;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    for (; n < most; n += 16) {
        __m256i same =
            _mm256_and_si256(KQ_SAME(a + n, c + n), KQ_SAME(a - stride + n, c - stride + n));
        uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            n += KQ_TRAILING_ZEROS(other) / 2;
            break;
        }
    }
    n = n < most ? n : most;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* The eight nearest, and what they contribute to hashes. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    __m128i near = _mm_shuffle_epi8(view->above, KQ_LABELS(-1, 3, 2, 4, -1, -1, 1, 5));
    near = _mm_or_si128(near,
                        _mm_shuffle_epi8(view->second, KQ_LABELS(-1, -1, -1, -1, -1, 3, -1, -1)));
    view->near = _mm_insert_epi16(_mm_insert_epi16(near, (int)view->w, 0), (int)view->ww, 4);
    __m256i numbers = _mm256_add_epi32(_mm256_cvtepu16_epi32(view->near), _mm256_set1_epi32(1));
    view->terms = _mm256_mullo_epi32(numbers, _mm256_load_si256((const __m256i *)kq_multipliers));
}

/* The sum of the lanes. */
KQ_FUNCTION uint32_t KQ_NAME(sum)(__m128i four)
{
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(KQ_NAME(view) *view, kq_surroundings *s)
{
    const __m128i near = view->near;
    __m128i far = _mm_shuffle_epi8(view->second, KQ_LABELS(2, 4, -1, -1, 5, 1, -1, -1));
    far =
        _mm_or_si128(far, _mm_shuffle_epi8(view->third, KQ_LABELS(-1, -1, -1, 3, -1, -1, -1, -1)));
    far = _mm_insert_epi16(far, (int)view->www, 2);
    view->far = far;
    _mm256_store_si256((__m256i *)s->feature, _mm256_cvtepu16_epi32(near));
    _mm_store_si128((__m128i *)(s->feature + 8), _mm_cvtepu16_epi32(far));
    enum { W, N, NW, NE, WW, NN, NWW, NEE, NNW = 0, NNE, WWW, NNN, NN2, NN_2 };
    __m128i a = _mm_cmpeq_epi16(_mm_shuffle_epi8(near, KQ_LABELS(W, W, N, N, W, N, W, WW)),
                                _mm_shuffle_epi8(near, KQ_LABELS(N, NW, NW, NE, WW, NN, NE, NW)));
    __m128i b = _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(NE, NE, NWW, NEE, -1, -1, -1, -1)),
                             _mm_shuffle_epi8(far, KQ_LABELS(-1, -1, -1, -1, NNE, NNW, NNW, NNE)));
    b = _mm_cmpeq_epi16(_mm_shuffle_epi8(near, KQ_LABELS(NN, NW, NW, NE, NN, NN, NW, NE)), b);
    __m128i c = _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(WW, NN, WW, -1, -1, NEE, -1, -1)),
                             _mm_shuffle_epi8(far, KQ_LABELS(-1, -1, -1, NNE, NNW, -1, -1, -1)));
    __m128i d =
        _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(-1, -1, NWW, -1, -1, -1, -1, -1)),
                     _mm_shuffle_epi8(far, KQ_LABELS(WWW, NNN, -1, NN2, NN_2, NN2, -1, -1)));
    c = _mm_cmpeq_epi16(c, d);
    uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
    uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(c, _mm_setzero_si128())) & 63;
    s->equal = low | high << 16;
    s->feature[KQ_EQUAL10] = s->equal & 1023;
    s->feature[KQ_EQUAL22] = s->equal;
}

/* kq_hash_contexts; of eight lanes as vectors. The match's hash only if there is one. */
KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    if (lanes == KQ_MAX_LANES)
        return kq_hash_contexts(s, plane, lanes, matched, hashes);
    const uint32_t *f = s->feature;
    __m128i far = _mm_add_epi32(_mm_cvtepu16_epi32(view->far), _mm_set1_epi32(1));
    far = _mm_mullo_epi32(far, _mm_load_si128((const __m128i *)(kq_multipliers + 8)));
    uint32_t equal = (f[KQ_EQUAL22] + 1) * kq_multipliers[KQ_EQUAL22];
    uint32_t eleven = 0, third = (f[KQ_MEDIAN] + 1) * kq_multipliers[KQ_MEDIAN];
    const int names = plane->colorless;
    if (matched || names) {
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(view->terms),
                                     _mm256_extracti128_si256(view->terms, 1));
        third = KQ_NAME(sum)(_mm_add_epi32(four, far));
        eleven = third - (uint32_t)_mm_extract_epi32(far, 3);
    }
    /* W+WW or W+NEE, -, -, W+N+NE, N, N+NN or W or NEE, W+N+NW, - */
    const __m256i terms = view->terms, none = _mm256_setzero_si256();
    const int few = !names && plane->k <= KQ_FEW;
    __m256i sum =
        _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(0, 0, 0, 0, 1, names ? 7 : few, 0, 0));
    __m256i second =
        _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(names ? 7 : 4, 0, 0, 1, 0, 5, 1, 0));
    __m256i other = _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(0, 0, 0, 3, 0, 0, 2, 0));
    second = _mm256_and_si256(second, _mm256_setr_epi32(-1, 0, 0, -1, 0, -few, -1, 0));
    sum = _mm256_add_epi32(_mm256_blend_epi32(none, sum, 0x79), second);
    sum = _mm256_add_epi32(sum, _mm256_blend_epi32(none, other, 0x48));
    __m128i low =
        _mm_insert_epi32(_mm_insert_epi32(_mm_setzero_si128(), (int)equal, 1), (int)third, 2);
    __m128i high =
        _mm_and_si128(_mm_shuffle_epi32(far, 0x0C), _mm_setr_epi32(0, -few, 0, 0)); /* NNN second */
    sum = _mm256_add_epi32(sum, _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
    _mm256_store_si256((__m256i *)hashes, sum);
    return eleven;
}

/* The colours that view.h predicts. Colours are 16 bits a channel, two or one in a vector. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
#define KQ_COLOR(feature) _mm_cvtsi32_si128((int)plane->colors[f[feature]])
    const __m128i w1 = KQ_COLOR(KQ_W), n1 = KQ_COLOR(KQ_N), nw1 = KQ_COLOR(KQ_NW),
                  ne1 = KQ_COLOR(KQ_NE);
    const __m128i ww1 = KQ_COLOR(KQ_WW), nn1 = KQ_COLOR(KQ_NN);
    const __m128i w = _mm_cvtepu8_epi16(w1), n = _mm_cvtepu8_epi16(n1), nw = _mm_cvtepu8_epi16(nw1);
    const __m128i ne = _mm_cvtepu8_epi16(ne1), ww = _mm_cvtepu8_epi16(ww1),
                  nn = _mm_cvtepu8_epi16(nn1);
    const __m128i both = _mm_add_epi16(w, n), corners = _mm_add_epi16(nw, ne);
    __m128i median = _mm_min_epi16(_mm_max_epi16(w, n), _mm_sub_epi16(both, nw));
    median = _mm_max_epi16(_mm_min_epi16(w, n), median);
    __m128i mean = _mm_add_epi16(_mm_add_epi16(both, both), _mm_sub_epi16(ne, nw));
    __m128i wide = _mm_add_epi16(_mm_sub_epi16(_mm_slli_epi16(both, 3), both),
                                 _mm_add_epi16(corners, corners));
    wide = _mm_add_epi16(_mm_sub_epi16(wide, _mm_add_epi16(ww, nn)), _mm_set1_epi16(8));
    mean = _mm_srai_epi16(mean, 2);
    wide = _mm_srai_epi16(wide, 4);
    __m128i slant = _mm_add_epi16(w, _mm_sub_epi16(ne, n));
    for (int more = 0; more <= all; more++) {
        __m128i colors =
            _mm_packus_epi16(_mm_unpacklo_epi64(median, mean), _mm_unpacklo_epi64(wide, slant));
        if (more) {
            __m128i along = _mm_sub_epi16(_mm_add_epi16(w, w), ww),
                    down = _mm_sub_epi16(_mm_add_epi16(n, n), nn);
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
        if (all) /* the small model needs no more */
            found[2] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 2));
        if (all && !more)
            found[3] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 3));
    }
#undef KQ_COLOR
}
