/* Nearest centres: the assignment step of k-means, exact and pruned.
 *
 * Points and centres have four int16 channels in 0..16320, so squared distances
 * are below 2^31 and differences fit an int16. Points should come in Morton
 * order: then KQ_LANES neighbours in the list lie in a small box, as do
 * KQ_FANOUT neighbouring boxes, and so on up a tree. From its root down, a box
 * drops each centre i that a centre j beats everywhere in the box:
 *
 *     |p - j|^2 < |p - i|^2  for all p in [low, high]
 *     <=>  max over p of 2 p (i - j)  <  |i|^2 - |j|^2
 *     <=>  (low + high) v + (high - low) |v|  <  |i|^2 - |j|^2,   v = i - j
 *
 * with j the centre nearest to the middle of the box. A dozen of 256 centres
 * reach the leaves, where every point meets every one of them. What is dropped
 * can never be nearest, so the result is that of comparing all with all.
 */
#ifndef KQ_SEARCH_NEAREST_H
#define KQ_SEARCH_NEAREST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "search/filter.h"
#include "search/simd.h"

#define KQ_CHANNELS 4
#define KQ_LANES 64 /* points in a leaf */
#define KQ_FANOUT 8 /* boxes in a box */
#define KQ_MAX_LEVELS 12

typedef struct {
    int16_t low[KQ_CHANNELS], high[KQ_CHANNELS];
} kq_bounds;

typedef struct {
    kq_candidates *at[KQ_MAX_LEVELS + 1]; /* who reaches each level of the tree */
    kq_bounds *boxes[KQ_MAX_LEVELS];
    size_t box_count[KQ_MAX_LEVELS];
    int levels;
} kq_tree;

/* What to find and what to keep up to date: of n points (n x 4), labels and squared distances
 * (n), of the nearest centres and of the next. All but points and labels may be NULL; sums
 * need weights, counts, and labels that agree with them. */
typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n;
    uint16_t *labels, *second_labels;
    int32_t *distances, *second_distances;
    int64_t *sums, *counts; /* of the clusters, kept up to date with labels */
    size_t changed;
    int64_t cost;
    int avx2;
} kq_assignment;

static void kq_box_of_points(const int16_t *points, size_t count, kq_bounds *box)
{
    memcpy(box->low, points, sizeof box->low);
    memcpy(box->high, points, sizeof box->high);
    for (size_t i = 1; i < count; i++)
        for (int c = 0; c < KQ_CHANNELS; c++) {
            int16_t value = points[i * KQ_CHANNELS + (size_t)c];
            box->low[c] = value < box->low[c] ? value : box->low[c];
            box->high[c] = value > box->high[c] ? value : box->high[c];
        }
}

static void kq_box_of_boxes(const kq_bounds *boxes, size_t count, kq_bounds *box)
{
    *box = boxes[0];
    for (size_t i = 1; i < count; i++)
        for (int c = 0; c < KQ_CHANNELS; c++) {
            if (boxes[i].low[c] < box->low[c])
                box->low[c] = boxes[i].low[c];
            if (boxes[i].high[c] > box->high[c])
                box->high[c] = boxes[i].high[c];
        }
}

static void kq_tree_free(kq_tree *tree)
{
    for (int level = 0; level < KQ_MAX_LEVELS; level++) {
        KQ_FREE(tree->boxes[level]);
        kq_candidates_free(tree->at[level]);
    }
    kq_candidates_free(tree->at[KQ_MAX_LEVELS]);
}

/* Boxes of every level, and room for candidates; 0 where memory ran out. */
static int kq_tree_grow(kq_tree *tree, const int16_t *points, size_t n, size_t k)
{
    memset(tree, 0, sizeof *tree);
    size_t below = n, fanout = KQ_LANES;
    do {
        size_t count = (below + fanout - 1) / fanout;
        int level = tree->levels++;
        kq_bounds *boxes = tree->boxes[level] = KQ_MALLOC(count * sizeof *boxes);
        tree->at[level] = kq_candidates_new(k);
        if (!boxes || !tree->at[level])
            return 0;
        tree->box_count[level] = count;
        for (size_t i = 0; i < count; i++) {
            size_t first = i * fanout, some = below - first < fanout ? below - first : fanout;
            if (level == 0)
                kq_box_of_points(points + first * KQ_CHANNELS, some, boxes + i);
            else
                kq_box_of_boxes(tree->boxes[level - 1] + first, some, boxes + i);
        }
        below = count;
        fanout = KQ_FANOUT;
    } while (below > 1 && tree->levels < KQ_MAX_LEVELS);

    tree->at[tree->levels] = kq_candidates_new(k);
    return tree->at[tree->levels] != NULL;
}

/* Moves a point's weight from one cluster to another. */
static void kq_move(kq_assignment *work, size_t i, size_t from, size_t to)
{
    int64_t weight = work->weights[i];
    const int16_t *point = work->points + i * KQ_CHANNELS;
    work->counts[from] = kq_minus64(work->counts[from], weight);
    work->counts[to] = kq_plus64(work->counts[to], weight);
    for (size_t c = 0; c < KQ_CHANNELS; c++) {
        int64_t part = kq_times64(weight, point[c]);
        int64_t *left = work->sums + from * KQ_CHANNELS + c,
                *joined = work->sums + to * KQ_CHANNELS + c;
        *left = kq_minus64(*left, part);
        *joined = kq_plus64(*joined, part);
    }
}

/* Takes over the labels of some points; where they change, weights move. */
static void kq_relabel_leaf(kq_assignment *work, const kq_lanes *lanes, size_t first, size_t count)
{
    uint16_t *labels = work->labels + first, fresh[KQ_LANES];
    for (size_t i = 0; i < count; i++)
        fresh[i] = (uint16_t)lanes->label[i];
    if (work->sums) {
        const int64_t *weights = work->weights + first;
        int64_t cost = 0;
        for (size_t i = 0; i < count; i++)
            cost = kq_plus64(cost, kq_times64(weights[i], lanes->best[i]));
        work->cost = kq_plus64(work->cost, cost);
        /* Late in a search most leaves are as they were. */
        if (memcmp(labels, fresh, count * sizeof *labels) == 0)
            return;
        for (size_t i = 0; i < count; i++)
            if (labels[i] != fresh[i]) {
                kq_move(work, first + i, labels[i], fresh[i]);
                work->changed++;
            }
    }
    memcpy(labels, fresh, count * sizeof *labels);
}

/* Every point of a leaf against every candidate that reached it. */
static void kq_leaf(kq_assignment *work, const kq_candidates *candidates, size_t first)
{
    kq_lanes lanes;
    size_t count = work->n - first < KQ_LANES ? work->n - first : KQ_LANES;
    kq_lanes_load(&lanes, work->points + first * KQ_CHANNELS, count, work->avx2);
    if (work->second_labels)
        kq_lanes_nearest_two(&lanes, candidates, work->avx2);
    else
        kq_lanes_nearest(&lanes, candidates, work->avx2);
    kq_relabel_leaf(work, &lanes, first, count);
    if (work->distances)
        memcpy(work->distances + first, lanes.best, count * sizeof(int32_t));
    if (work->second_labels)
        for (size_t i = 0; i < count; i++) {
            work->second_labels[first + i] = (uint16_t)lanes.second_label[i];
            work->second_distances[first + i] = lanes.second[i];
        }
}

static void kq_descend(kq_assignment *work, const kq_tree *tree, int level, size_t node)
{
    const kq_candidates *candidates = tree->at[level + 1];
    const kq_bounds *box = tree->boxes[level] + node;
    kq_candidates *kept = tree->at[level];
    kq_filter(candidates, box->low, box->high, work->second_labels != NULL, work->avx2, kept);
    if (level == 0) {
        kq_leaf(work, kept, node * KQ_LANES);
        return;
    }
    size_t last = (node + 1) * KQ_FANOUT;
    if (last > tree->box_count[level - 1])
        last = tree->box_count[level - 1];
    for (size_t child = node * KQ_FANOUT; child < last; child++)
        kq_descend(work, tree, level - 1, child);
}

/* Fills what `work` asks for, for its points and k centres (k x 4, k <= 65536), with a tree of
 * these points that has room for k candidates. */
static void kq_assign_with(kq_assignment *work, kq_tree *tree, const int16_t *centers, size_t k)
{
    kq_candidates *all = tree->at[tree->levels];
    all->count = 0;
    for (size_t j = 0; j < k; j++)
        kq_candidates_add(all, centers + j * KQ_CHANNELS, (int32_t)j);
    kq_candidates_pad(all);
    work->avx2 = kq_has_avx2();
    for (size_t node = 0; node < tree->box_count[tree->levels - 1]; node++)
        kq_descend(work, tree, tree->levels - 1, node);
}

/* kq_assign_with, and a tree made for this once. Returns 0 without memory. */
static int kq_assign(kq_assignment *work, const int16_t *centers, size_t k)
{
    kq_tree tree;
    if (work->n == 0)
        return 1;
    int grown = kq_tree_grow(&tree, work->points, work->n, k);
    if (grown)
        kq_assign_with(work, &tree, centers, k);
    kq_tree_free(&tree);
    return grown;
}

#define KQ_TOP 16320 /* the highest coordinate */
#define KQ_RELAX_BITS 4
#define KQ_PLAIN (1 << KQ_RELAX_BITS) /* the step that goes just to the mean */

/* A centre's coordinate, moved towards the mean by `relax` sixteenths of the way:
 * beyond it, where that is more than KQ_PLAIN. */
static int16_t kq_relaxed(int16_t from, int64_t sum, int64_t count, int relax)
{
    int64_t mean = kq_mean(sum, count);
    int32_t step = (int32_t)(mean < 0 ? 0 : mean > KQ_TOP ? KQ_TOP : mean) - from;
    int32_t scaled = step * relax + KQ_PLAIN / 2;
    /* Rounds down, as a right shift does on most machines; C leaves that open. */
    int32_t moved = scaled >= 0 ? scaled / KQ_PLAIN : -((-scaled + KQ_PLAIN - 1) / KQ_PLAIN);
    int32_t to = from + moved;
    return (int16_t)(to < 0 ? 0 : to > KQ_TOP ? KQ_TOP : to);
}

/* Later falls of the cost together are taken to be at most so many times the
 * latest one: a trial that couldn't reach its goal so is given up. */
#define KQ_HOPE 4

static int kq_lloyd_with(kq_assignment *work, kq_tree *tree, int16_t *centers, size_t k,
                         int iterations, int relax, int tolerance_bits, int64_t goal,
                         int64_t *costs)
{
    for (int i = 0; i < iterations; i++) {
        work->changed = 0;
        work->cost = 0;
        kq_assign_with(work, tree, centers, k);
        costs[i] = work->cost;
        if (i == iterations - 1 || (i > 0 && work->changed == 0))
            return i + 1;
        if (i > 0) {
            int64_t fall = kq_minus64(costs[i - 1], costs[i]);
            if (fall < 0)
                relax = KQ_PLAIN;
            else if (fall <= costs[i] >> tolerance_bits)
                return i + 1;
            if (goal >= 0 && kq_minus64(costs[i], kq_times64(KQ_HOPE, fall)) > goal)
                return i + 1;
        }
        for (size_t j = 0; j < k; j++)
            for (size_t c = 0; c < KQ_CHANNELS && work->counts[j] > 0; c++) {
                size_t at = j * KQ_CHANNELS + c;
                centers[at] = kq_relaxed(centers[at], work->sums[at], work->counts[j], relax);
            }
    }
    return iterations;
}

/* Relaxed Lloyd iterations on the points of `work`, whose weights, labels, sums and counts are
 * given and agree; `centers`, k x 4, are moved. At most `iterations` (>= 1) times points are
 * assigned; in between, centres go `relax` / KQ_PLAIN of the way to their means. It ends
 * earlier when no label changes, when the cost c falls by at most c >> tolerance_bits, or,
 * for a `goal` of 0 or more, when that seems out of reach; -1 is none. Returns how many
 * assignments were made, 0 without memory; costs[i] is what the i-th found. */
static int kq_lloyd(kq_assignment *work, int16_t *centers, size_t k, int iterations, int relax,
                    int tolerance_bits, int64_t goal, int64_t *costs)
{
    kq_tree tree;
    int done = 0;
    if (kq_tree_grow(&tree, work->points, work->n, k))
        done =
            kq_lloyd_with(work, &tree, centers, k, iterations, relax, tolerance_bits, goal, costs);
    kq_tree_free(&tree);
    return done;
}

/* sums[labels[i]] += weights[i] * points[i] and counts[labels[i]] += weights[i], for n points
 * (n x 4), k sums (k x 4) and k counts. Returns 0, with some of it done, at a label that
 * isn't below k. */
static int kq_accumulate(const int16_t *points, const int64_t *weights, const uint16_t *labels,
                         size_t n, int64_t *sums, int64_t *counts, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        size_t label = labels[i];
        KQ_HIDE(label);
        if (label >= k)
            return 0;
        int64_t weight = weights[i], *sum = sums + label * KQ_CHANNELS;
        counts[label] = kq_plus64(counts[label], weight);
        for (size_t c = 0; c < KQ_CHANNELS; c++)
            sum[c] = kq_plus64(sum[c], kq_times64(weight, points[i * KQ_CHANNELS + c]));
    }
    return 1;
}

#endif
