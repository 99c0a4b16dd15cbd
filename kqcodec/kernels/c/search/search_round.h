/* A round of the local search from its beginning: what giving up and what cutting each
 * cluster would cost and gain, the pairs of both that promise most, and their trials.
 */
#ifndef KQ_SEARCH_SEARCH_ROUND_H
#define KQ_SEARCH_SEARCH_ROUND_H

#include "search/variance_cuts.h"
#include "search/merge_split.h"

#define KQ_MOST_WIDTH 64

/* What earlier rounds have found, by their numbers from 1 on. */
typedef struct {
    int32_t *failed;  /* the last in which each pair failed, (k, k) */
    int32_t *changed; /* the last in which each cluster changed */
    int32_t number;   /* of this round */
} kq_memory;

/* Estimates for each cluster, and of each point its choices. */
typedef struct {
    uint16_t *labels, *second_labels;
    int32_t *distances, *second_distances;
    int64_t *losses, *worst; /* by giving it up; the gains by cutting it, the highest least */
    double *gains;
    int16_t *halves;
    uint16_t *pairs;
    uint8_t *outcomes, *touched;
} kq_estimates;

static int kq_estimates_new(kq_estimates *e, size_t n, size_t k, size_t width)
{
    e->labels = KQ_MALLOC(n * sizeof *e->labels);
    e->second_labels = KQ_MALLOC(n * sizeof *e->second_labels);
    e->distances = KQ_MALLOC(n * sizeof *e->distances);
    e->second_distances = KQ_MALLOC(n * sizeof *e->second_distances);
    e->losses = KQ_CALLOC(k, sizeof *e->losses);
    e->worst = KQ_MALLOC(k * sizeof *e->worst);
    e->gains = KQ_MALLOC(k * sizeof *e->gains);
    e->halves = KQ_MALLOC(2 * k * KQ_CHANNELS * sizeof *e->halves);
    e->pairs = KQ_MALLOC(2 * width * width * sizeof *e->pairs);
    e->outcomes = KQ_CALLOC(width * width, 1);
    e->touched = KQ_CALLOC(k, 1);
    return e->labels && e->second_labels && e->distances && e->second_distances && e->losses &&
           e->worst && e->gains && e->halves && e->pairs && e->outcomes && e->touched;
}

static void kq_estimates_free(kq_estimates *e)
{
    KQ_FREE(e->labels);
    KQ_FREE(e->second_labels);
    KQ_FREE(e->distances);
    KQ_FREE(e->second_distances);
    KQ_FREE(e->losses);
    KQ_FREE(e->worst);
    KQ_FREE(e->gains);
    KQ_FREE(e->halves);
    KQ_FREE(e->pairs);
    KQ_FREE(e->outcomes);
    KQ_FREE(e->touched);
}

/* Assigns the points to the centres as they are, and fills in the losses and gains;
 * returns the cost, or -1 where memory ran out. */
static int64_t kq_estimate(kq_estimates *e, kq_clustering *all)
{
    kq_assignment work = {0};
    int64_t cost = 0;
    work.points = all->points;
    work.n = all->n;
    work.labels = e->labels;
    work.distances = e->distances;
    work.second_labels = e->second_labels;
    work.second_distances = e->second_distances;
    if (!kq_assign(&work, all->centers, all->k))
        return -1;
    work.weights = all->weights;
    work.sums = all->sums;
    work.counts = all->counts;
    for (size_t i = 0; i < all->n; i++) {
        size_t label = e->labels[i];
        if (label != all->labels[i])
            kq_move(&work, i, all->labels[i], label);
        int64_t weight = all->weights[i],
                more = kq_minus32(e->second_distances[i], e->distances[i]);
        cost = kq_plus64(cost, kq_times64(weight, e->distances[i]));
        e->losses[label] = kq_plus64(e->losses[label], kq_times64(weight, more));
    }
    memcpy(all->labels, e->labels, all->n * sizeof *all->labels);
    all->distances = e->distances;
    int done =
        kq_split_gains(all->points, all->weights, all->labels, all->n, e->gains, e->halves, all->k);
    return done == 1 ? cost & INT64_MAX : -1; /* it wraps where somebody changes the points */
}

/* The places of the least values, at most `width` of them, of equals the first first. */
static size_t kq_lowest(const int64_t *values, size_t k, size_t width, uint16_t *found)
{
    size_t count = 0;
    for (size_t j = 0; j < k; j++) {
        if (count == width && values[found[count - 1]] <= values[j])
            continue;
        size_t at = count < width ? count++ : width - 1;
        for (; at > 0 && values[found[at - 1]] > values[j]; at--)
            found[at] = found[at - 1];
        found[at] = (uint16_t)j;
    }
    return count;
}

/* Pairs the clusters that lose least with those that gain most, by falling ratio of gain
 * to loss, down to `least_ratio`, without those that are known to fail; returns how many. */
static size_t kq_promising(kq_estimates *e, size_t k, size_t width, double least_ratio,
                           const kq_memory *memory)
{
    uint16_t give_up[KQ_MOST_WIDTH], cut[KQ_MOST_WIDTH];
    size_t next[KQ_MOST_WIDTH] = {0}, count = 0;
    double ratios[KQ_MOST_WIDTH];
    for (size_t j = 0; j < k; j++) {
        int64_t bits = 0;
        if (e->gains[j] > 0) /* then its bits, as an integer, grow as it does */
            memcpy(&bits, &e->gains[j], sizeof bits);
        e->worst[j] = -bits;
    }
    size_t rows = kq_lowest(e->losses, k, width, give_up),
           columns = kq_lowest(e->worst, k, width, cut);
    while (columns > 0 && !(e->gains[cut[columns - 1]] > 0))
        columns--;
    for (size_t r = 0; r < rows && columns > 0; r++) {
        int64_t loss = e->losses[give_up[r]];
        ratios[r] = e->gains[cut[0]] / (double)(loss < 1 ? 1 : loss);
    }
    /* Each row's ratios fall already: the rows are merged. */
    while (columns > 0) {
        size_t best = rows;
        for (size_t r = 0; r < rows; r++)
            if (next[r] < columns && ratios[r] >= least_ratio &&
                (best == rows || ratios[r] > ratios[best]))
                best = r;
        if (best == rows)
            break;
        size_t i = give_up[best], j = cut[next[best]++];
        if (next[best] < columns) {
            int64_t loss = e->losses[i];
            ratios[best] = e->gains[cut[next[best]]] / (double)(loss < 1 ? 1 : loss);
        }
        int32_t since =
            memory->changed[i] > memory->changed[j] ? memory->changed[i] : memory->changed[j];
        if (i == j || memory->failed[i * k + j] > since)
            continue;
        e->pairs[2 * count] = (uint16_t)i;
        e->pairs[2 * count + 1] = (uint16_t)j;
        count++;
    }
    return count;
}

/* A whole round: assigns the points of `all` anew, chooses the pairs that promise most, and
 * tries them with kq_merge_and_split. `width` (1..KQ_MOST_WIDTH) clusters are candidates to be
 * given up and as many to be cut; pairs are tried down to a ratio of gain to loss of
 * `least_ratio` (over 0). Of `round`, reach, trials, iterations, relax and tolerance_bits are
 * given, the rest is filled in here, as are the distances of `all`, which end with this.
 * Returns 0 without memory, else 1 with the cost and how many pairs were tried and kept. */
static int kq_search_round(kq_clustering *all, kq_round *round, size_t width, double least_ratio,
                           const kq_memory *memory, int64_t *cost, size_t *tried, size_t *kept)
{
    kq_estimates e;
    int done = 0;
    *tried = *kept = 0;
    if (kq_estimates_new(&e, all->n, all->k, width) && (*cost = kq_estimate(&e, all)) >= 0) {
        round->pairs = e.pairs;
        round->count = kq_promising(&e, all->k, width, least_ratio, memory);
        round->halves = e.halves;
        round->outcomes = e.outcomes;
        round->touched = e.touched;
        int64_t fall = kq_merge_and_split(all, round);
        done = fall >= 0;
        *cost -= fall;
        for (size_t p = 0; p < round->count; p++) {
            *tried += e.outcomes[p] != KQ_UNTRIED;
            *kept += e.outcomes[p] == KQ_KEPT;
            if (e.outcomes[p] == KQ_FAILED)
                memory->failed[e.pairs[2 * p] * all->k + e.pairs[2 * p + 1]] = memory->number;
        }
        for (size_t j = 0; j < all->k; j++)
            if (e.touched[j])
                memory->changed[j] = memory->number;
    }
    all->distances = NULL;
    kq_estimates_free(&e);
    return done;
}

#endif
