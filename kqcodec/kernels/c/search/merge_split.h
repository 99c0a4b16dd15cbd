/* A round of the local search: pairs of clusters are tried in turn. One is given
 * up, the other cut in two; both and the clusters around them start again, and
 * keep what they find only where that costs less.
 */
#ifndef KQ_SEARCH_MERGE_SPLIT_H
#define KQ_SEARCH_MERGE_SPLIT_H

#include "search/nearest.h"
#include "search/neighbors.h"

#define KQ_MOST_REACH 62
#define KQ_MOST_REGION (2 * (KQ_MOST_REACH + 2))

/* The whole clustering: points (n x 4), weights, labels and squared distances (n), centres
 * (k x 4), and the clusters' sums (k x 4) and counts (k), which go with the centres. */
typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n, k;
    uint16_t *labels;
    int32_t *distances;
    int16_t *centers;
    int64_t *sums, *counts;
} kq_clustering;

/* What became of a pair. */
enum { KQ_UNTRIED, KQ_FAILED, KQ_KEPT };

/* What a round tries, and how: `reach` clusters around each of a pair take part, in Lloyd
 * iterations as kq_lloyd has them. */
typedef struct {
    const uint16_t *pairs; /* `count` x 2: to give up, to cut */
    size_t count;
    const int16_t *halves; /* of each cluster of the whole, two centres */
    size_t reach, trials;
    int iterations, relax, tolerance_bits;
    uint8_t *outcomes; /* of each pair */
    uint8_t *touched;  /* clusters that a trial has changed */
} kq_round;

/* The points of some clusters, as a clustering of their own. */
typedef struct {
    uint16_t clusters[KQ_MOST_REGION]; /* ascending */
    size_t count, n;
    int16_t centers[KQ_MOST_REGION * KQ_CHANNELS];
    int64_t sums[KQ_MOST_REGION * KQ_CHANNELS], counts[KQ_MOST_REGION];
    uint32_t *which; /* place of each point in the whole */
    int16_t *points;
    int64_t *weights, *costs;
    uint16_t *labels;
} kq_region;

/* What a round works with. */
typedef struct {
    int16_t *before;   /* the centres as the round begins */
    uint32_t *members; /* the points, by cluster ... */
    size_t *starts;    /* ... where each one's begin, and the end */
    kq_region region;
} kq_scratch;

static int kq_scratch_new(kq_scratch *scratch, const kq_clustering *all, int iterations)
{
    kq_region *region = &scratch->region;
    memset(scratch, 0, sizeof *scratch);
    scratch->before = KQ_MALLOC(all->k * KQ_CHANNELS * sizeof *scratch->before);
    scratch->members = KQ_MALLOC(all->n * sizeof *scratch->members);
    scratch->starts = KQ_MALLOC((all->k + 2) * sizeof *scratch->starts);
    region->which = KQ_MALLOC(all->n * sizeof *region->which);
    region->points = KQ_MALLOC(all->n * KQ_CHANNELS * sizeof *region->points);
    region->weights = KQ_MALLOC(all->n * sizeof *region->weights);
    region->labels = KQ_MALLOC(all->n * sizeof *region->labels);
    region->costs = KQ_MALLOC((size_t)iterations * sizeof *region->costs);
    return scratch->before && scratch->members && scratch->starts && region->which &&
           region->points && region->weights && region->labels && region->costs;
}

static void kq_scratch_free(kq_scratch *scratch)
{
    KQ_FREE(scratch->before);
    KQ_FREE(scratch->members);
    KQ_FREE(scratch->starts);
    KQ_FREE(scratch->region.which);
    KQ_FREE(scratch->region.points);
    KQ_FREE(scratch->region.weights);
    KQ_FREE(scratch->region.labels);
    KQ_FREE(scratch->region.costs);
}

/* Lists the points by cluster, each cluster's in their order. */
static void kq_list_members(kq_scratch *scratch, const kq_clustering *all)
{
    size_t *next = scratch->starts + 1;
    memset(scratch->starts, 0, (all->k + 2) * sizeof *scratch->starts);
    for (size_t i = 0; i < all->n; i++)
        next[all->labels[i] + 1]++;
    for (size_t j = 0; j < all->k; j++)
        next[j + 1] += next[j];
    for (size_t i = 0; i < all->n; i++)
        scratch->members[next[all->labels[i]]++] = (uint32_t)i;
}

static void kq_region_add(kq_region *region, uint16_t cluster)
{
    size_t at = region->count;
    while (at > 0 && region->clusters[at - 1] > cluster)
        at--;
    if (at > 0 && region->clusters[at - 1] == cluster)
        return;
    memmove(region->clusters + at + 1, region->clusters + at,
            (region->count - at) * sizeof *region->clusters);
    region->clusters[at] = cluster;
    region->count++;
}

/* The clusters around i and j as the round began. */
static void kq_region_around(kq_scratch *scratch, size_t k, size_t reach, const uint16_t *pair)
{
    uint16_t around[KQ_MOST_REACH + 1];
    scratch->region.count = 0;
    for (int p = 0; p < 2; p++) {
        size_t found =
            kq_near(scratch->before, k, scratch->before + pair[p] * KQ_CHANNELS, reach + 1, around);
        kq_region_add(&scratch->region, pair[p]);
        for (size_t r = 0; r < found; r++)
            kq_region_add(&scratch->region, around[r]);
    }
}

/* Copies the region's points and books out, with two fresh centres for i and j;
 * returns what the points cost as they are. */
static int64_t kq_region_fill(kq_scratch *scratch, const kq_clustering *all, const uint16_t *pair,
                              const int16_t *halves)
{
    kq_region *region = &scratch->region;
    int64_t cost = 0;
    size_t n = 0;
    for (size_t r = 0; r < region->count; r++) {
        size_t j = region->clusters[r];
        const int16_t *center = j == pair[0]   ? halves
                                : j == pair[1] ? halves + KQ_CHANNELS
                                               : all->centers + j * KQ_CHANNELS;
        memcpy(region->centers + r * KQ_CHANNELS, center, KQ_CHANNELS * sizeof(int16_t));
        memcpy(region->sums + r * KQ_CHANNELS, all->sums + j * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int64_t));
        region->counts[r] = all->counts[j];
        for (size_t m = scratch->starts[j]; m < scratch->starts[j + 1]; m++, n++) {
            size_t i = scratch->members[m];
            region->which[n] = (uint32_t)i;
            memcpy(region->points + n * KQ_CHANNELS, all->points + i * KQ_CHANNELS,
                   KQ_CHANNELS * sizeof(int16_t));
            region->weights[n] = all->weights[i];
            region->labels[n] = (uint16_t)r;
            cost = kq_plus64(cost, kq_times64(all->weights[i], all->distances[i]));
        }
    }
    region->n = n;
    return cost;
}

static void kq_region_keep(const kq_region *region, kq_clustering *all)
{
    for (size_t r = 0; r < region->count; r++) {
        size_t j = region->clusters[r];
        memcpy(all->centers + j * KQ_CHANNELS, region->centers + r * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int16_t));
        memcpy(all->sums + j * KQ_CHANNELS, region->sums + r * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int64_t));
        all->counts[j] = region->counts[r];
    }
    for (size_t i = 0; i < region->n; i++) {
        size_t r = region->labels[i];
        all->labels[region->which[i]] = region->clusters[r];
        all->distances[region->which[i]] =
            kq_squared(region->points + i * KQ_CHANNELS, region->centers + r * KQ_CHANNELS);
    }
}

/* Returns by how much the cost fell, 0 where the trial was given up, or -1
 * where memory ran out. */
static int64_t kq_try_pair(kq_scratch *scratch, kq_clustering *all, const kq_round *round,
                           const uint16_t *pair)
{
    kq_region *region = &scratch->region;
    kq_assignment work = {0};
    kq_region_around(scratch, all->k, round->reach, pair);
    int64_t before = kq_region_fill(scratch, all, pair, round->halves + pair[1] * 2 * KQ_CHANNELS);
    if (region->n == 0)
        return 0;
    work.points = region->points;
    work.weights = region->weights;
    work.n = region->n;
    work.labels = region->labels;
    work.sums = region->sums;
    work.counts = region->counts;
    int done = kq_lloyd(&work, region->centers, region->count, round->iterations, round->relax,
                        round->tolerance_bits, before, region->costs);
    if (!done)
        return -1;
    int64_t fall = kq_minus64(before, region->costs[done - 1]);
    if (fall <= 0)
        return 0;
    kq_region_keep(region, all);
    kq_list_members(scratch, all);
    for (size_t r = 0; r < region->count; r++)
        round->touched[region->clusters[r]] = 1;
    return fall;
}

/* Tries the pairs of `round`, in order, at most round->trials: the first cluster of a pair is
 * given up, the second cut in two. Pairs with a touched cluster are passed over. Where a
 * trial lowers the cost, `all` follows. `outcomes` and `touched` are 0 at the beginning.
 * Returns by how much the cost fell in all, -1 without memory. */
static int64_t kq_merge_and_split(kq_clustering *all, const kq_round *round)
{
    kq_scratch scratch;
    int64_t falls = -1;
    if (kq_scratch_new(&scratch, all, round->iterations)) {
        size_t tried = 0;
        falls = 0;
        memcpy(scratch.before, all->centers, all->k * KQ_CHANNELS * sizeof(int16_t));
        kq_list_members(&scratch, all);
        for (size_t p = 0; p < round->count && tried < round->trials && falls >= 0; p++) {
            const uint16_t *pair = round->pairs + 2 * p;
            if (round->touched[pair[0]] || round->touched[pair[1]])
                continue;
            int64_t fall = kq_try_pair(&scratch, all, round, pair);
            round->outcomes[p] = fall > 0 ? KQ_KEPT : KQ_FAILED;
            /* A sum that wraps, of numbers that somebody changes, is no want of memory. */
            falls = fall < 0 ? -1 : kq_plus64(falls, fall) & INT64_MAX;
            tried++;
        }
    }
    kq_scratch_free(&scratch);
    return falls;
}

#endif
