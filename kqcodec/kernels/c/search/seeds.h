/* First centres by k-means++: points drawn with probability proportional to their
 * weight times the squared distance to the nearest point drawn before.
 *
 * Points should come in Morton order: then runs of KQ_LANES lie in small boxes,
 * and a new centre that is farther from a box than all its points are from
 * theirs changes nothing there.
 */
#ifndef KQ_SEARCH_SEEDS_H
#define KQ_SEARCH_SEEDS_H

#include "search/neighbors.h"

#define KQ_SQUARE_SHIFT 12 /* whole 8-bit steps, squared */

typedef struct {
    kq_bounds box;
    int32_t farthest;     /* of its points' distances */
    int64_t weight, odds; /* their sums */
} kq_run;

/* (a * b) >> 64 */
static uint64_t kq_high_product(uint64_t a, uint64_t b)
{
    uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    return a1 * b1 + (middle >> 32) + (((middle & UINT32_MAX) + a0 * b1) >> 32);
}

/* The squared distance of a place to a box. */
static int32_t kq_outside(const kq_bounds *box, const int16_t *place)
{
    int32_t sum = 0;
    for (int c = 0; c < KQ_CHANNELS; c++) {
        int32_t under = box->low[c] - place[c], over = place[c] - box->high[c];
        int32_t d = under > 0 ? under : over > 0 ? over : 0;
        sum = kq_plus32(sum, kq_times32(d, d));
    }
    return sum;
}

typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n, runs;
    int32_t *distances;
    kq_run *run;
} kq_seeding;

static size_t kq_run_end(const kq_seeding *work, size_t r)
{
    return (r + 1) * KQ_LANES < work->n ? (r + 1) * KQ_LANES : work->n;
}

static void kq_seed(kq_seeding *work, const int16_t *center)
{
    for (size_t r = 0; r < work->runs; r++) {
        kq_run *run = work->run + r;
        if (kq_outside(&run->box, center) >> KQ_SQUARE_SHIFT >= run->farthest)
            continue;
        run->farthest = 0;
        run->odds = 0;
        for (size_t i = r * KQ_LANES, end = kq_run_end(work, r); i < end; i++) {
            int32_t d = kq_squared(work->points + i * KQ_CHANNELS, center) >> KQ_SQUARE_SHIFT;
            if (d > work->distances[i])
                d = work->distances[i];
            work->distances[i] = d;
            run->farthest = d > run->farthest ? d : run->farthest;
            run->odds = kq_plus64(run->odds, kq_times64(work->weights[i], d));
        }
    }
}

/* The point that a random number stands for: by odds, or where all are 0, by
 * weight. */
static uint32_t kq_draw(const kq_seeding *work, uint64_t random)
{
    int64_t total = 0;
    for (size_t r = 0; r < work->runs; r++)
        total = kq_plus64(total, work->run[r].odds);
    int by_weight = total == 0;
    for (size_t r = 0; by_weight && r < work->runs; r++)
        total = kq_plus64(total, work->run[r].weight);
    int64_t left = (int64_t)kq_high_product(random, (uint64_t)total);
    size_t r = 0;
    for (; r + 1 < work->runs; r++) {
        int64_t here = by_weight ? work->run[r].weight : work->run[r].odds;
        if (left < here)
            break;
        left = kq_minus64(left, here);
    }
    size_t i = r * KQ_LANES;
    for (size_t end = kq_run_end(work, r); i + 1 < end; i++) {
        left = kq_minus64(left, kq_times64(work->weights[i], by_weight ? 1 : work->distances[i]));
        if (left < 0)
            break;
    }
    return (uint32_t)i;
}

/* k-means++: writes to `chosen` the index of one of n points (n x 4, 1 <= n < 2^32 - 1) for
 * each of k random numbers, drawn with odds of weight times squared distance to the nearest
 * that was drawn before. Returns 0 without memory. */
static int kq_plus_plus(const int16_t *points, const int64_t *weights, size_t n,
                        const uint64_t *randoms, size_t k, uint32_t *chosen)
{
    kq_seeding work = {points, weights, n, (n + KQ_LANES - 1) / KQ_LANES, NULL, NULL};
    work.distances = KQ_MALLOC(n * sizeof *work.distances);
    work.run = KQ_MALLOC(work.runs * sizeof *work.run);
    int enough = work.distances && work.run;
    if (enough) {
        for (size_t r = 0; r < work.runs; r++) {
            kq_run *run = work.run + r;
            size_t first = r * KQ_LANES, end = kq_run_end(&work, r);
            kq_box_of_points(points + first * KQ_CHANNELS, end - first, &run->box);
            run->farthest = INT32_MAX;
            run->weight = run->odds = 0;
            for (size_t i = first; i < end; i++) {
                run->weight = kq_plus64(run->weight, weights[i]);
                work.distances[i] = INT32_MAX;
            }
        }
        for (size_t j = 0; j < k; j++) {
            chosen[j] = kq_draw(&work, randoms[j]);
            kq_seed(&work, points + chosen[j] * KQ_CHANNELS);
        }
    }
    KQ_FREE(work.distances);
    KQ_FREE(work.run);
    return enough;
}

#endif
