/* The loops of k-means, on points of four int16 channels in 0..16320: a squared
 * distance is below 2^31, and a difference of coordinates fits an int16.
 */
#ifndef KQ_CLUSTER_H
#define KQ_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#define KQ_CHANNELS 4
#define KQ_LANES 64 /* points compared with one centre at a time */

/* The same function again for AVX2, chosen when the module is loaded, where
 * compiler and system can do that. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define KQ_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define KQ_CLONES
#endif

/* Of up to KQ_LANES points, channels apart, each one's nearest centre. */
KQ_CLONES static void kq_nearest_lanes(int16_t (*lanes)[KQ_LANES], const int16_t *centers, size_t k,
                                       int32_t *label, int32_t *best)
{
    for (int i = 0; i < KQ_LANES; i++) {
        label[i] = 0;
        best[i] = INT32_MAX;
    }
    for (size_t j = 0; j < k; j++) {
        const int16_t *center = centers + j * KQ_CHANNELS;
        for (int i = 0; i < KQ_LANES; i++) {
            int16_t d0 = (int16_t)(lanes[0][i] - center[0]);
            int16_t d1 = (int16_t)(lanes[1][i] - center[1]);
            int16_t d2 = (int16_t)(lanes[2][i] - center[2]);
            int16_t d3 = (int16_t)(lanes[3][i] - center[3]);
            int32_t d = (int32_t)d0 * d0 + (int32_t)d1 * d1 + (int32_t)d2 * d2 + (int32_t)d3 * d3;
            label[i] = d < best[i] ? (int32_t)j : label[i];
            best[i] = d < best[i] ? d : best[i];
        }
    }
}

/* labels[i] = argmin over j of |points[i] - centers[j]|^2, the lowest j of
 * several; distances[i] = that minimum. */
static void kq_nearest(const int16_t *points, size_t n, const int16_t *centers, size_t k,
                       uint16_t *labels, int32_t *distances)
{
    int16_t lanes[KQ_CHANNELS][KQ_LANES];
    int32_t label[KQ_LANES], best[KQ_LANES];

    for (size_t start = 0; start < n; start += KQ_LANES) {
        size_t count = n - start < KQ_LANES ? n - start : KQ_LANES;
        for (size_t i = 0; i < KQ_LANES; i++) {
            const int16_t *point = points + (start + (i < count ? i : 0)) * KQ_CHANNELS;
            for (int c = 0; c < KQ_CHANNELS; c++)
                lanes[c][i] = point[c];
        }
        kq_nearest_lanes(lanes, centers, k, label, best);
        for (size_t i = 0; i < count; i++) {
            labels[start + i] = (uint16_t)label[i];
            distances[start + i] = best[i];
        }
    }
}

/* sums[labels[i]] += weights[i] * points[i], counts[labels[i]] += weights[i];
 * returns 0 where a label isn't below k. */
static int kq_accumulate(const int16_t *points, const int64_t *weights, const uint16_t *labels,
                         size_t n, int64_t *sums, int64_t *counts, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        size_t label = labels[i];
        if (label >= k)
            return 0;
        counts[label] += weights[i];
        for (int c = 0; c < KQ_CHANNELS; c++)
            sums[label * KQ_CHANNELS + (size_t)c] += weights[i] * points[i * KQ_CHANNELS + (size_t)c];
    }
    return 1;
}

#endif
