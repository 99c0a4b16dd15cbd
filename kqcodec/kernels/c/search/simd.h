/* The inner loop of the nearest-centre search, for AVX2 (found at run time), SSE2
 * (every x86-64) and plain C, all with the same integers.
 *
 * A vector of four int16 is kept as two int32 that hold two channels each,
 * `rg` and `ba`: one multiply-add of 16-bit pairs gives x*x + y*y.
 */
#ifndef KQ_SEARCH_SIMD_H
#define KQ_SEARCH_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "wrapping.h"

#define KQ_TARGET_AVX2 KQ_TARGET("avx2")

#define KQ_POINTS 64 /* points compared at a time; KQ_LANES of nearest.h */
#define KQ_STEP 8    /* candidates filtered at a time */

static int kq_has_avx2(void)
{
#if defined(KQ_AVX2)
    return KQ_CPU_HAS("avx2");
#else
    return 0;
#endif
}

/* Centres still in the running, ascending by index, in parallel arrays padded
 * to a multiple of KQ_STEP with copies of the last. */
typedef struct {
    size_t count;
    int32_t *rg, *ba, *norm, *index;
} kq_candidates;

static kq_candidates *kq_candidates_new(size_t capacity)
{
    size_t room = capacity + KQ_STEP;
    kq_candidates *list = KQ_MALLOC(sizeof *list + 4 * room * sizeof(int32_t));
    if (list) {
        list->count = 0;
        list->rg = (int32_t *)(list + 1);
        list->ba = list->rg + room;
        list->norm = list->ba + room;
        list->index = list->norm + room;
    }
    return list;
}

static void kq_candidates_free(kq_candidates *list)
{
    KQ_FREE(list);
}

static void kq_candidates_add(kq_candidates *list, const int16_t *center, int32_t index)
{
    int32_t norm = 0;
    for (int c = 0; c < 4; c++)
        norm = kq_plus32(norm, (int32_t)center[c] * center[c]);
    memcpy(list->rg + list->count, center, 4);
    memcpy(list->ba + list->count, center + 2, 4);
    list->norm[list->count] = norm;
    list->index[list->count++] = index;
}

static void kq_candidates_copy(kq_candidates *to, const kq_candidates *from, size_t at)
{
    to->rg[to->count] = from->rg[at];
    to->ba[to->count] = from->ba[at];
    to->norm[to->count] = from->norm[at];
    to->index[to->count++] = from->index[at];
}

static void kq_candidates_pad(kq_candidates *list)
{
    size_t count = list->count;
    while (list->count % KQ_STEP)
        kq_candidates_copy(list, list, count - 1);
    list->count = count;
}

/* (x.low - y.low)^2 + (x.high - y.high)^2 of packed pairs. */
static inline int32_t kq_pair_squared(int32_t x, int32_t y)
{
    int16_t a[2], b[2];
    memcpy(a, &x, 4);
    memcpy(b, &y, 4);
    int32_t d0 = a[0] - b[0], d1 = a[1] - b[1];
    return kq_plus32(kq_times32(d0, d0), kq_times32(d1, d1));
}

/* x.low * y.low + x.high * y.high */
static inline int32_t kq_pair_dot(int32_t x, int32_t y)
{
    int16_t a[2], b[2];
    memcpy(a, &x, 4);
    memcpy(b, &y, 4);
    return kq_plus32((int32_t)a[0] * b[0], (int32_t)a[1] * b[1]);
}

/* x - y and |x - y|, pair by pair. */
static inline void kq_pair_difference(int32_t x, int32_t y, int32_t *difference, int32_t *size)
{
    int16_t a[2], b[2], d[2], s[2];
    memcpy(a, &x, 4);
    memcpy(b, &y, 4);
    for (int c = 0; c < 2; c++) {
        d[c] = (int16_t)(a[c] - b[c]);
        s[c] = (int16_t)(d[c] < 0 ? -d[c] : d[c]);
    }
    memcpy(difference, d, 4);
    memcpy(size, s, 4);
}

/* --- points against candidates -------------------------------------------- */

typedef struct {
    int32_t rg[KQ_POINTS], ba[KQ_POINTS];
    int32_t label[KQ_POINTS], best[KQ_POINTS];          /* the centre, its squared distance */
    int32_t second_label[KQ_POINTS], second[KQ_POINTS]; /* filled by nearest_two */
} kq_lanes;

#if defined(KQ_AVX2)
KQ_TARGET_AVX2 static void kq_lanes_load_avx2(kq_lanes *lanes, const int16_t *points)
{
    for (int i = 0; i < KQ_POINTS; i += 8) {
        __m256 a = _mm256_loadu_ps((const float *)(const void *)(points + 4 * i));
        __m256 b = _mm256_loadu_ps((const float *)(const void *)(points + 4 * i + 16));
        /* Every other pair, of points 0 1 4 5 2 3 6 7; then in order. */
        __m256i rg = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88));
        __m256i ba = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD));
        _mm256_storeu_si256((__m256i *)(lanes->rg + i), _mm256_permute4x64_epi64(rg, 0xD8));
        _mm256_storeu_si256((__m256i *)(lanes->ba + i), _mm256_permute4x64_epi64(ba, 0xD8));
    }
}
#endif

/* Places beyond `count` get the first point, so that none is left undefined. */
static void kq_lanes_load(kq_lanes *lanes, const int16_t *points, size_t count, int avx2)
{
#if defined(KQ_AVX2)
    if (avx2 && count == KQ_POINTS) {
        kq_lanes_load_avx2(lanes, points);
        return;
    }
#endif
    (void)avx2;
    for (size_t i = 0; i < KQ_POINTS; i++) {
        const int16_t *point = points + 4 * (i < count ? i : 0);
        memcpy(lanes->rg + i, point, 4);
        memcpy(lanes->ba + i, point + 2, 4);
    }
}

#if defined(KQ_AVX2)
KQ_TARGET_AVX2 static void kq_lanes_nearest_avx2(kq_lanes *lanes, const kq_candidates *candidates)
{
    for (int i = 0; i < KQ_POINTS; i += 16) {
        __m256i rg0 = _mm256_loadu_si256((const __m256i *)(lanes->rg + i));
        __m256i ba0 = _mm256_loadu_si256((const __m256i *)(lanes->ba + i));
        __m256i rg1 = _mm256_loadu_si256((const __m256i *)(lanes->rg + i + 8));
        __m256i ba1 = _mm256_loadu_si256((const __m256i *)(lanes->ba + i + 8));
        __m256i best0 = _mm256_set1_epi32(INT32_MAX), best1 = best0;
        __m256i label0 = _mm256_setzero_si256(), label1 = label0;
        for (size_t j = 0; j < candidates->count; j++) {
            __m256i rg = _mm256_set1_epi32(candidates->rg[j]);
            __m256i ba = _mm256_set1_epi32(candidates->ba[j]);
            __m256i place = _mm256_set1_epi32(candidates->index[j]);
            __m256i x0 = _mm256_sub_epi16(rg0, rg), y0 = _mm256_sub_epi16(ba0, ba);
            __m256i x1 = _mm256_sub_epi16(rg1, rg), y1 = _mm256_sub_epi16(ba1, ba);
            __m256i d0 = _mm256_add_epi32(_mm256_madd_epi16(x0, x0), _mm256_madd_epi16(y0, y0));
            __m256i d1 = _mm256_add_epi32(_mm256_madd_epi16(x1, x1), _mm256_madd_epi16(y1, y1));
            label0 = _mm256_blendv_epi8(label0, place, _mm256_cmpgt_epi32(best0, d0));
            label1 = _mm256_blendv_epi8(label1, place, _mm256_cmpgt_epi32(best1, d1));
            best0 = _mm256_min_epi32(best0, d0);
            best1 = _mm256_min_epi32(best1, d1);
        }
        _mm256_storeu_si256((__m256i *)(lanes->label + i), label0);
        _mm256_storeu_si256((__m256i *)(lanes->label + i + 8), label1);
        _mm256_storeu_si256((__m256i *)(lanes->best + i), best0);
        _mm256_storeu_si256((__m256i *)(lanes->best + i + 8), best1);
    }
}
#endif

#if defined(KQ_SSE2)
static void kq_lanes_nearest_base(kq_lanes *lanes, const kq_candidates *candidates)
{
    for (int i = 0; i < KQ_POINTS; i += 4) {
        __m128i rg0 = _mm_loadu_si128((const __m128i *)(lanes->rg + i));
        __m128i ba0 = _mm_loadu_si128((const __m128i *)(lanes->ba + i));
        __m128i best = _mm_set1_epi32(INT32_MAX), label = _mm_setzero_si128();
        for (size_t j = 0; j < candidates->count; j++) {
            __m128i x = _mm_sub_epi16(rg0, _mm_set1_epi32(candidates->rg[j]));
            __m128i y = _mm_sub_epi16(ba0, _mm_set1_epi32(candidates->ba[j]));
            __m128i d = _mm_add_epi32(_mm_madd_epi16(x, x), _mm_madd_epi16(y, y));
            __m128i less = _mm_cmpgt_epi32(best, d);
            best = _mm_or_si128(_mm_and_si128(less, d), _mm_andnot_si128(less, best));
            label = _mm_or_si128(_mm_and_si128(less, _mm_set1_epi32(candidates->index[j])),
                                 _mm_andnot_si128(less, label));
        }
        _mm_storeu_si128((__m128i *)(lanes->label + i), label);
        _mm_storeu_si128((__m128i *)(lanes->best + i), best);
    }
}
#else
static void kq_lanes_nearest_base(kq_lanes *lanes, const kq_candidates *candidates)
{
    for (int i = 0; i < KQ_POINTS; i++) {
        lanes->best[i] = INT32_MAX;
        lanes->label[i] = 0;
    }
    for (size_t j = 0; j < candidates->count; j++) {
        int32_t rg = candidates->rg[j], ba = candidates->ba[j], index = candidates->index[j];
        for (int i = 0; i < KQ_POINTS; i++) {
            int32_t d =
                kq_plus32(kq_pair_squared(lanes->rg[i], rg), kq_pair_squared(lanes->ba[i], ba));
            lanes->label[i] = d < lanes->best[i] ? index : lanes->label[i];
            lanes->best[i] = d < lanes->best[i] ? d : lanes->best[i];
        }
    }
}
#endif

static void kq_lanes_nearest(kq_lanes *lanes, const kq_candidates *candidates, int avx2)
{
#if defined(KQ_AVX2)
    if (avx2) {
        kq_lanes_nearest_avx2(lanes, candidates);
        return;
    }
#endif
    (void)avx2;
    kq_lanes_nearest_base(lanes, candidates);
}

#if defined(KQ_AVX2)
KQ_TARGET_AVX2 static void kq_lanes_two_avx2(kq_lanes *lanes, const kq_candidates *candidates)
{
    for (int i = 0; i < KQ_POINTS; i += 8) {
        __m256i rg0 = _mm256_loadu_si256((const __m256i *)(lanes->rg + i));
        __m256i ba0 = _mm256_loadu_si256((const __m256i *)(lanes->ba + i));
        __m256i best = _mm256_set1_epi32(INT32_MAX), second = best;
        __m256i label = _mm256_setzero_si256(), next = label;
        for (size_t j = 0; j < candidates->count; j++) {
            __m256i place = _mm256_set1_epi32(candidates->index[j]);
            __m256i x = _mm256_sub_epi16(rg0, _mm256_set1_epi32(candidates->rg[j]));
            __m256i y = _mm256_sub_epi16(ba0, _mm256_set1_epi32(candidates->ba[j]));
            __m256i d = _mm256_add_epi32(_mm256_madd_epi16(x, x), _mm256_madd_epi16(y, y));
            __m256i less = _mm256_cmpgt_epi32(best, d), between = _mm256_cmpgt_epi32(second, d);
            next = _mm256_blendv_epi8(_mm256_blendv_epi8(next, place, between), label, less);
            second = _mm256_min_epi32(second, _mm256_max_epi32(best, d));
            label = _mm256_blendv_epi8(label, place, less);
            best = _mm256_min_epi32(best, d);
        }
        _mm256_storeu_si256((__m256i *)(lanes->label + i), label);
        _mm256_storeu_si256((__m256i *)(lanes->best + i), best);
        _mm256_storeu_si256((__m256i *)(lanes->second_label + i), next);
        _mm256_storeu_si256((__m256i *)(lanes->second + i), second);
    }
}
#endif

/* The nearest and the next: of equal distances the lower place comes first. */
static void kq_lanes_nearest_two(kq_lanes *lanes, const kq_candidates *candidates, int avx2)
{
#if defined(KQ_AVX2)
    if (avx2) {
        kq_lanes_two_avx2(lanes, candidates);
        return;
    }
#endif
    (void)avx2;
    for (int i = 0; i < KQ_POINTS; i++) {
        lanes->best[i] = lanes->second[i] = INT32_MAX;
        lanes->label[i] = lanes->second_label[i] = 0;
    }
    for (size_t j = 0; j < candidates->count; j++) {
        int32_t rg = candidates->rg[j], ba = candidates->ba[j], place = candidates->index[j];
        for (int i = 0; i < KQ_POINTS; i++) {
            int32_t d =
                kq_plus32(kq_pair_squared(lanes->rg[i], rg), kq_pair_squared(lanes->ba[i], ba));
            int32_t best = lanes->best[i], second = lanes->second[i];
            int32_t was = lanes->label[i], next = lanes->second_label[i];
            lanes->second_label[i] = d < best ? was : d < second ? place : next;
            lanes->second[i] = d < best ? best : d < second ? d : second;
            lanes->label[i] = d < best ? place : was;
            lanes->best[i] = d < best ? d : best;
        }
    }
}

#endif
