/* Which centres may be nearest to some point of a box: with AVX2 (found at run
 * time) and in plain C, with the same integers. How it is decided is told in
 * nearest.h.
 */
#ifndef KQ_SEARCH_FILTER_H
#define KQ_SEARCH_FILTER_H

#include "search/simd.h"

/* A box as the filter needs it: low + high and high - low, in pairs. */
typedef struct {
    int32_t sum_rg, sum_ba, size_rg, size_ba;
} kq_extent;

static void kq_extent_of(const int16_t *low, const int16_t *high, kq_extent *extent)
{
    int16_t sum[4], size[4];
    for (int c = 0; c < 4; c++) {
        sum[c] = (int16_t)(low[c] + high[c]);
        size[c] = (int16_t)(high[c] - low[c]);
    }
    memcpy(&extent->sum_rg, sum, 4);
    memcpy(&extent->sum_ba, sum + 2, 4);
    memcpy(&extent->size_rg, size, 4);
    memcpy(&extent->size_ba, size + 2, 4);
}

/* Whether candidate j beats candidate i at every point of the box. */
static int kq_beaten(const kq_candidates *list, size_t i, size_t j, const kq_extent *box)
{
    int32_t v_rg, v_ba, s_rg, s_ba;
    kq_pair_difference(list->rg[i], list->rg[j], &v_rg, &s_rg);
    kq_pair_difference(list->ba[i], list->ba[j], &v_ba, &s_ba);
    int32_t most = kq_plus32(kq_pair_dot(v_rg, box->sum_rg), kq_pair_dot(v_ba, box->sum_ba));
    most = kq_plus32(most, kq_pair_dot(s_rg, box->size_rg));
    most = kq_plus32(most, kq_pair_dot(s_ba, box->size_ba));
    return most < kq_minus32(list->norm[i], list->norm[j]);
}

/* The candidate nearest to the middle of the box, other than `but`:
 * |i|^2 - (low + high) i is its squared distance less a constant. */
static size_t kq_middle(const kq_candidates *list, const kq_extent *box, size_t but)
{
    size_t nearest = but == 0;
    int32_t lowest = INT32_MAX;
    for (size_t i = 0; i < list->count; i++) {
        int32_t score = kq_minus32(list->norm[i], kq_pair_dot(list->rg[i], box->sum_rg));
        score = kq_minus32(score, kq_pair_dot(list->ba[i], box->sum_ba));
        if (score < lowest && i != but) {
            lowest = score;
            nearest = i;
        }
    }
    return nearest;
}

#if defined(KQ_AVX2)
KQ_TARGET_AVX2 static size_t kq_middle_avx2(const kq_candidates *list, const kq_extent *box,
                                            size_t but)
{
    __m256i sum_rg = _mm256_set1_epi32(box->sum_rg), sum_ba = _mm256_set1_epi32(box->sum_ba);
    __m256i lowest = _mm256_set1_epi32(INT32_MAX), nearest = _mm256_set1_epi32(INT32_MAX);
    __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i not_this = _mm256_set1_epi32((int)but), end = _mm256_set1_epi32((int)list->count);
    for (size_t i = 0; i < list->count; i += KQ_STEP) {
        __m256i rg = _mm256_loadu_si256((const __m256i *)(list->rg + i));
        __m256i ba = _mm256_loadu_si256((const __m256i *)(list->ba + i));
        __m256i score = _mm256_loadu_si256((const __m256i *)(list->norm + i));
        score = _mm256_sub_epi32(score, _mm256_madd_epi16(rg, sum_rg));
        score = _mm256_sub_epi32(score, _mm256_madd_epi16(ba, sum_ba));
        __m256i allowed = _mm256_andnot_si256(_mm256_cmpeq_epi32(place, not_this),
                                              _mm256_cmpgt_epi32(end, place));
        __m256i less = _mm256_and_si256(allowed, _mm256_cmpgt_epi32(lowest, score));
        nearest = _mm256_blendv_epi8(nearest, place, less);
        lowest = _mm256_blendv_epi8(lowest, score, less);
        place = _mm256_add_epi32(place, _mm256_set1_epi32(KQ_STEP));
    }
    int32_t scores[KQ_STEP], places[KQ_STEP];
    _mm256_storeu_si256((__m256i *)scores, lowest);
    _mm256_storeu_si256((__m256i *)places, nearest);
    int best = 0;
    for (int lane = 1; lane < KQ_STEP; lane++)
        if (scores[lane] < scores[best])
            best = lane;
    /* Of coordinates out of range no score may be below INT32_MAX. */
    return (size_t)places[best] < list->count ? (size_t)places[best] : but == 0;
}

/* For the candidates from i on: a bit for each that j beats. */
KQ_TARGET_AVX2 static inline unsigned int kq_beaten_avx2(const kq_candidates *list, size_t i,
                                                         size_t j, const kq_extent *box)
{
    __m256i v_rg = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(list->rg + i)),
                                    _mm256_set1_epi32(list->rg[j]));
    __m256i v_ba = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(list->ba + i)),
                                    _mm256_set1_epi32(list->ba[j]));
    __m256i most = _mm256_add_epi32(_mm256_madd_epi16(v_rg, _mm256_set1_epi32(box->sum_rg)),
                                    _mm256_madd_epi16(v_ba, _mm256_set1_epi32(box->sum_ba)));
    most = _mm256_add_epi32(
        most, _mm256_madd_epi16(_mm256_abs_epi16(v_rg), _mm256_set1_epi32(box->size_rg)));
    most = _mm256_add_epi32(
        most, _mm256_madd_epi16(_mm256_abs_epi16(v_ba), _mm256_set1_epi32(box->size_ba)));
    __m256i norm = _mm256_loadu_si256((const __m256i *)(list->norm + i));
    __m256i beaten =
        _mm256_cmpgt_epi32(_mm256_sub_epi32(norm, _mm256_set1_epi32(list->norm[j])), most);
    return (unsigned int)_mm256_movemask_ps(_mm256_castsi256_ps(beaten));
}

KQ_TARGET_AVX2 static void kq_filter_avx2(const kq_candidates *list, const kq_extent *box, int two,
                                          kq_candidates *kept)
{
    size_t first = kq_middle_avx2(list, box, list->count);
    size_t next = two ? kq_middle_avx2(list, box, first) : first;
    for (size_t i = 0; i < list->count; i += KQ_STEP) {
        unsigned int mask = kq_beaten_avx2(list, i, first, box);
        if (two)
            mask &= kq_beaten_avx2(list, i, next, box);
        mask = ~mask & (list->count - i < KQ_STEP ? (1u << (list->count - i)) - 1 : 255u);
        for (; mask; mask &= mask - 1)
            kq_candidates_copy(kept, list, i + KQ_TRAILING_ZEROS(mask));
    }
}
#endif

/* The candidates that may be nearest (or, with `two`, next to nearest) to some
 * point of the box. */
static void kq_filter(const kq_candidates *list, const int16_t *low, const int16_t *high, int two,
                      int avx2, kq_candidates *kept)
{
    kq_extent box;
    kq_extent_of(low, high, &box);
    kept->count = 0;
#if defined(KQ_AVX2)
    if (avx2) {
        kq_filter_avx2(list, &box, two, kept);
        kq_candidates_pad(kept);
        return;
    }
#endif
    (void)avx2;
    size_t first = kq_middle(list, &box, list->count);
    size_t next = two ? kq_middle(list, &box, first) : first;
    for (size_t i = 0; i < list->count; i++)
        if (!kq_beaten(list, i, first, &box) || (two && !kq_beaten(list, i, next, &box)))
            kq_candidates_copy(kept, list, i);
    kq_candidates_pad(kept);
}

#endif
