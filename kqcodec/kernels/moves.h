/* One trial of the local search: a few clusters start again from fresh centres,
 * and keep what they find only where that costs less.
 */
#ifndef KQ_MOVES_H
#define KQ_MOVES_H

#include "cluster.h"

/* The whole clustering: labels, distances, sums and counts go with the centres. */
typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n, k;
    uint16_t *labels;
    int32_t *distances;
    int16_t *centers;
    int64_t *sums, *counts;
} kq_clustering;

/* The clusters to start again, ascending, and where: `count` of each. */
typedef struct {
    const uint16_t *clusters;
    int16_t *fresh;
    size_t count;
    int iterations, relax, tolerance_bits;
} kq_trial;

typedef struct {
    int32_t *place; /* of each cluster of the whole, or -1 */
    uint32_t *which;
    int16_t *points;
    int64_t *weights, *sums, *counts, *costs;
    uint16_t *labels;
} kq_excerpt;

static int kq_excerpt_new(kq_excerpt *excerpt, const kq_clustering *all, const kq_trial *trial,
                          size_t n)
{
    excerpt->which = malloc((n + 1) * sizeof *excerpt->which);
    excerpt->points = malloc((n + 1) * KQ_CHANNELS * sizeof *excerpt->points);
    excerpt->weights = malloc((n + 1) * sizeof *excerpt->weights);
    excerpt->labels = malloc((n + 1) * sizeof *excerpt->labels);
    excerpt->sums = malloc(trial->count * KQ_CHANNELS * sizeof *excerpt->sums);
    excerpt->counts = malloc(trial->count * sizeof *excerpt->counts);
    excerpt->costs = malloc((size_t)trial->iterations * sizeof *excerpt->costs);
    if (!excerpt->which || !excerpt->points || !excerpt->weights || !excerpt->labels ||
        !excerpt->sums || !excerpt->counts || !excerpt->costs)
        return 0;
    for (size_t r = 0; r < trial->count; r++) {
        size_t j = trial->clusters[r];
        memcpy(excerpt->sums + r * KQ_CHANNELS, all->sums + j * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int64_t));
        excerpt->counts[r] = all->counts[j];
    }
    return 1;
}

static void kq_excerpt_free(kq_excerpt *excerpt)
{
    free(excerpt->place);
    free(excerpt->which);
    free(excerpt->points);
    free(excerpt->weights);
    free(excerpt->labels);
    free(excerpt->sums);
    free(excerpt->counts);
    free(excerpt->costs);
}

/* Copies the clusters' points out; returns what they cost as they are. */
static int64_t kq_excerpt_fill(kq_excerpt *excerpt, const kq_clustering *all)
{
    int64_t cost = 0;
    size_t written = 0;
    for (size_t i = 0; i < all->n; i++) {
        int32_t place = excerpt->place[all->labels[i]];
        if (place < 0)
            continue;
        excerpt->which[written] = (uint32_t)i;
        memcpy(excerpt->points + written * KQ_CHANNELS, all->points + i * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int16_t));
        excerpt->weights[written] = all->weights[i];
        excerpt->labels[written++] = (uint16_t)place;
        cost += all->weights[i] * all->distances[i];
    }
    return cost;
}

static void kq_excerpt_keep(const kq_excerpt *excerpt, size_t n, kq_clustering *all,
                            const kq_trial *trial)
{
    for (size_t r = 0; r < trial->count; r++) {
        size_t j = trial->clusters[r];
        memcpy(all->centers + j * KQ_CHANNELS, trial->fresh + r * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int16_t));
        memcpy(all->sums + j * KQ_CHANNELS, excerpt->sums + r * KQ_CHANNELS,
               KQ_CHANNELS * sizeof(int64_t));
        all->counts[j] = excerpt->counts[r];
    }
    for (size_t i = 0; i < n; i++) {
        size_t r = excerpt->labels[i];
        const int16_t *point = excerpt->points + i * KQ_CHANNELS;
        int32_t distance = 0;
        for (size_t c = 0; c < KQ_CHANNELS; c++) {
            int32_t d = point[c] - trial->fresh[r * KQ_CHANNELS + c];
            distance += d * d;
        }
        all->labels[excerpt->which[i]] = trial->clusters[r];
        all->distances[excerpt->which[i]] = distance;
    }
}

/* Returns by how much the cost fell, 0 where the trial was given up, or -1
 * where memory ran out. */
static int64_t kq_relocate(kq_clustering *all, kq_trial *trial)
{
    kq_excerpt excerpt;
    int64_t fall = -1;
    size_t n = 0;
    memset(&excerpt, 0, sizeof excerpt);
    excerpt.place = malloc(all->k * sizeof *excerpt.place);
    if (excerpt.place) {
        for (size_t j = 0; j < all->k; j++)
            excerpt.place[j] = -1;
        for (size_t r = 0; r < trial->count; r++)
            excerpt.place[trial->clusters[r]] = (int32_t)r;
        for (size_t i = 0; i < all->n; i++)
            n += excerpt.place[all->labels[i]] >= 0;
    }
    if (excerpt.place && n == 0) {
        fall = 0;
    } else if (excerpt.place && kq_excerpt_new(&excerpt, all, trial, n)) {
        kq_assignment work = {0};
        int64_t before = kq_excerpt_fill(&excerpt, all);
        work.points = excerpt.points;
        work.weights = excerpt.weights;
        work.n = n;
        work.labels = excerpt.labels;
        work.sums = excerpt.sums;
        work.counts = excerpt.counts;
        int done = kq_lloyd(&work, trial->fresh, trial->count, trial->iterations, trial->relax,
                            trial->tolerance_bits, before, excerpt.costs);
        if (done) {
            fall = before - excerpt.costs[done - 1];
            if (fall > 0)
                kq_excerpt_keep(&excerpt, n, all, trial);
            else
                fall = 0;
        }
    }
    kq_excerpt_free(&excerpt);
    return fall;
}

#endif
