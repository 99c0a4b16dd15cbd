/* Lloyd's algorithm where opaque points choose among opaque centres alone, whose alpha is
 * fixed, and the others among all.
 */
#ifndef KQ_SEARCH_OPAQUE_LLOYD_H
#define KQ_SEARCH_OPAQUE_LLOYD_H

#include "search/nearest.h"

#define KQ_ALPHA 3 /* the channel */

/* Points and centres, opaque ones first; centres from `movable` on stay where they are. */
typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n, opaque_points, k, opaque, movable;
    kq_tree trees[2]; /* of the points of either kind, where there are any */
} kq_kinds;

/* The centres and what they have at one time. */
typedef struct {
    int16_t *centers;
    uint16_t *labels;
    int32_t *distances;
    int64_t cost;
} kq_choices;

/* Each point's nearest centre of those that are open to it. */
static void kq_choose(kq_kinds *all, kq_choices *now)
{
    for (int other = 0; other < 2; other++) {
        size_t first = other ? all->opaque_points : 0;
        kq_assignment work = {0};
        work.n = other ? all->n - first : all->opaque_points;
        if (work.n == 0)
            continue;
        work.points = all->points + first * KQ_CHANNELS;
        work.labels = now->labels + first;
        work.distances = now->distances + first;
        kq_assign_with(&work, &all->trees[other], now->centers, other ? all->k : all->opaque);
    }
    now->cost = 0;
    for (size_t i = 0; i < all->n; i++)
        now->cost = kq_plus64(now->cost, kq_times64(all->weights[i], now->distances[i]));
}

/* Moves centres to the means of what has chosen them; returns 0, and moves none, where
 * nothing has chosen one that may move. */
static int kq_follow(const kq_kinds *all, const kq_choices *now, int16_t *centers, int64_t *sums,
                     int64_t *counts)
{
    memset(sums, 0, all->k * KQ_CHANNELS * sizeof *sums);
    memset(counts, 0, all->k * sizeof *counts);
    kq_accumulate(all->points, all->weights, now->labels, all->n, sums, counts, all->k);
    for (size_t j = 0; j < all->movable; j++)
        if (counts[j] == 0)
            return 0;
    memcpy(centers, now->centers, all->k * KQ_CHANNELS * sizeof *centers);
    for (size_t j = 0; j < all->movable; j++)
        for (size_t c = 0; c < KQ_CHANNELS; c++) {
            size_t at = j * KQ_CHANNELS + c;
            if (j >= all->opaque || c != KQ_ALPHA)
                centers[at] = (int16_t)kq_mean(sums[at], counts[j]);
        }
    return 1;
}

static void kq_take_over(const kq_kinds *all, const kq_choices *from, kq_choices *to)
{
    memcpy(to->centers, from->centers, all->k * KQ_CHANNELS * sizeof *to->centers);
    memcpy(to->labels, from->labels, all->n * sizeof *to->labels);
    memcpy(to->distances, from->distances, all->n * sizeof *to->distances);
    to->cost = from->cost;
}

/* The iterations; returns how many of them are left where nothing has chosen a centre that
 * may move, else 0. */
static int kq_settle_kinds_with(kq_kinds *all, kq_choices *now, kq_choices *next, int iterations,
                                int tolerance_bits, int64_t *sums, int64_t *counts)
{
    kq_choose(all, now);
    for (; iterations > 0; iterations--) {
        if (!kq_follow(all, now, next->centers, sums, counts))
            return iterations;
        kq_choose(all, next);
        int64_t fall = kq_minus64(now->cost, next->cost);
        if (fall <= 0)
            return 0;
        kq_take_over(all, next, now);
        if (fall <= now->cost >> tolerance_bits)
            return 0;
    }
    return 0;
}

/* At most so many iterations from the centres of `now`, whose labels, distances and cost are
 * filled in, until the cost c falls by at most c >> tolerance_bits. The trees of `all` are
 * made here. Returns how many iterations are left where nothing has chosen a centre that may
 * move, else 0; -1 without memory. */
static int kq_settle_kinds(kq_kinds *all, kq_choices *now, int iterations, int tolerance_bits)
{
    int left = -1;
    size_t size = all->k * KQ_CHANNELS, others = all->n - all->opaque_points;
    kq_choices next;
    int64_t *sums = KQ_MALLOC(size * sizeof *sums), *counts = KQ_MALLOC(all->k * sizeof *counts);
    next.centers = KQ_MALLOC(size * sizeof *next.centers);
    next.labels = KQ_MALLOC(all->n * sizeof *next.labels);
    next.distances = KQ_MALLOC(all->n * sizeof *next.distances);
    memset(all->trees, 0, sizeof all->trees);
    if (sums && counts && next.centers && next.labels && next.distances &&
        (all->opaque_points == 0 ||
         kq_tree_grow(&all->trees[0], all->points, all->opaque_points, all->opaque)) &&
        (others == 0 || kq_tree_grow(&all->trees[1], all->points + all->opaque_points * KQ_CHANNELS,
                                     others, all->k)))
        left = kq_settle_kinds_with(all, now, &next, iterations, tolerance_bits, sums, counts);
    kq_tree_free(&all->trees[0]);
    kq_tree_free(&all->trees[1]);
    KQ_FREE(sums);
    KQ_FREE(counts);
    KQ_FREE(next.centers);
    KQ_FREE(next.labels);
    KQ_FREE(next.distances);
    return left;
}

#endif
