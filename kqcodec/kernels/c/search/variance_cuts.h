/* Variance cuts: a set of weighted points is cut in two by a plane across one
 * axis, where that lowers the sum of squared distances to the means the most.
 *
 * With S the sum and n the weight of a part, a cut lowers it by
 *
 *     |S_left|^2 / n_left + |S_right|^2 / n_right - |S|^2 / n
 *
 * Sums are exact integers; the gain is double arithmetic in one fixed order, each
 * operation rounded by itself, so that every machine takes the same cuts. IEEE 754
 * fixes their results. What would break that is kept out: fused multiply-adds
 * (CMakeLists.txt), reassociation, and the longer registers of the x87.
 */
#ifndef KQ_SEARCH_VARIANCE_CUTS_H
#define KQ_SEARCH_VARIANCE_CUTS_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"
#include "wrapping.h"

#if defined(__FAST_MATH__)
#error "-ffast-math makes other palettes: build without it"
#endif
#if defined(__i386__) && defined(__GNUC__) && !defined(__SSE2_MATH__)
#if defined(__clang__) /* uses it where there is SSE2 */
#define KQ_DOUBLE KQ_TARGET("sse2")
#else
#define KQ_DOUBLE KQ_TARGET("sse2,fpmath=sse")
#endif
#elif FLT_EVAL_METHOD < 0 || FLT_EVAL_METHOD == 2 || FLT_EVAL_METHOD > 64
#error "double arithmetic isn't rounded to double here"
#else /* 1, 16, 32 and 64 are about shorter numbers */
#define KQ_DOUBLE
#endif

#define KQ_BIN_SHIFT 6 /* coordinates to bins: a bin is one step of an 8-bit sample */
#define KQ_BINS 256

typedef struct {
    int64_t sum[4], weight;
} kq_part;

typedef struct {
    double gain; /* 0 where there is nothing to cut */
    int axis;
    int bin; /* the last bin of the left part */
    kq_part left, whole;
} kq_cut;

static void kq_part_add(kq_part *part, const int16_t *point, int64_t weight)
{
    part->weight = kq_plus64(part->weight, weight);
    for (int c = 0; c < 4; c++)
        part->sum[c] = kq_plus64(part->sum[c], kq_times64(weight, point[c]));
}

KQ_DOUBLE static double kq_part_score(const kq_part *part)
{
    double s0 = (double)part->sum[0], s1 = (double)part->sum[1];
    double s2 = (double)part->sum[2], s3 = (double)part->sum[3];
    double square = s0 * s0;
    square += s1 * s1;
    square += s2 * s2;
    square += s3 * s3;
    return square / (double)part->weight;
}

static kq_part kq_part_minus(const kq_part *whole, const kq_part *left)
{
    kq_part right;
    right.weight = kq_minus64(whole->weight, left->weight);
    for (int c = 0; c < 4; c++)
        right.sum[c] = kq_minus64(whole->sum[c], left->sum[c]);
    return right;
}

static void kq_part_mean(const kq_part *part, int16_t *mean)
{
    for (int c = 0; c < 4; c++)
        mean[c] = (int16_t)kq_mean(part->sum[c], part->weight);
}

/* The best cut of the points that `order` lists: the first of equals, by axis,
 * then by bin. `bins` is scratch for KQ_BINS parts. */
KQ_DOUBLE static void kq_cut_best(const int16_t *points, const int64_t *weights,
                                  const uint32_t *order, size_t count, kq_part *bins, kq_cut *cut)
{
    int16_t low[4], high[4];
    memset(cut, 0, sizeof *cut);
    for (size_t i = 0; i < count; i++) {
        const int16_t *point = points + 4 * (size_t)order[i];
        kq_part_add(&cut->whole, point, weights[order[i]]);
        for (int c = 0; c < 4; c++) {
            int16_t value = point[c];
            KQ_HIDE(value); /* read once, or low could be above high */
            low[c] = i == 0 || value < low[c] ? value : low[c];
            high[c] = i == 0 || value > high[c] ? value : high[c];
        }
    }
    if (count < 2)
        return;
    double base = kq_part_score(&cut->whole);
    for (int axis = 0; axis < 4; axis++) {
        int first = low[axis] >> KQ_BIN_SHIFT, last = high[axis] >> KQ_BIN_SHIFT;
        if (first == last)
            continue;
        if (last - first >= KQ_BINS) /* somebody changes the points */
            last = first + KQ_BINS - 1;
        memset(bins, 0, (size_t)(last - first + 1) * sizeof *bins);
        for (size_t i = 0; i < count; i++) {
            const int16_t *point = points + 4 * (size_t)order[i];
            unsigned int bin = (unsigned int)((point[axis] >> KQ_BIN_SHIFT) - first);
            KQ_HIDE(bin);
            if (bin > (unsigned int)(last - first)) /* somebody changes the points */
                bin = 0;
            kq_part_add(bins + bin, point, weights[order[i]]);
        }
        kq_part left;
        memset(&left, 0, sizeof left);
        for (int bin = first; bin < last; bin++) {
            const kq_part *here = bins + (bin - first);
            if (here->weight == 0)
                continue;
            left.weight = kq_plus64(left.weight, here->weight);
            for (int c = 0; c < 4; c++)
                left.sum[c] = kq_plus64(left.sum[c], here->sum[c]);
            kq_part right = kq_part_minus(&cut->whole, &left);
            double gain = kq_part_score(&left) + kq_part_score(&right);
            gain -= base;
            if (gain > cut->gain) {
                cut->gain = gain;
                cut->axis = axis;
                cut->bin = bin;
                cut->left = left;
            }
        }
    }
}

/* Brings the points left of the cut to the front, and returns how many they are. */
static size_t kq_cut_partition(const int16_t *points, uint32_t *order, size_t count,
                               const kq_cut *cut)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t point = order[i];
        if (points[4 * (size_t)point + (size_t)cut->axis] >> KQ_BIN_SHIFT <= cut->bin) {
            order[i] = order[left];
            order[left++] = point;
        }
    }
    return left;
}

typedef struct {
    size_t start, count;
    kq_cut cut;
} kq_cell;

/* Whether cell a is to be cut before cell b: by gain, then by number. */
static int kq_cell_before(const kq_cell *cells, uint32_t a, uint32_t b)
{
    return cells[a].cut.gain > cells[b].cut.gain ||
           (cells[a].cut.gain == cells[b].cut.gain && a < b);
}

static void kq_heap_sink(const kq_cell *cells, uint32_t *heap, size_t size, size_t at)
{
    for (;;) {
        size_t best = at, child = 2 * at + 1;
        for (size_t i = child; i < child + 2 && i < size; i++)
            if (kq_cell_before(cells, heap[i], heap[best]))
                best = i;
        if (best == at)
            return;
        uint32_t swap = heap[at];
        heap[at] = heap[best];
        heap[best] = swap;
        at = best;
    }
}

static void kq_heap_rise(const kq_cell *cells, uint32_t *heap, size_t at)
{
    while (at > 0 && kq_cell_before(cells, heap[at], heap[(at - 1) / 2])) {
        uint32_t swap = heap[at];
        heap[at] = heap[(at - 1) / 2];
        heap[(at - 1) / 2] = swap;
        at = (at - 1) / 2;
    }
}

/* Cuts n >= 1 points (n x 4) into at most k cells: the cell of highest gain, again and again,
 * until there are k or nothing is left to cut. The left part of a cut keeps the cell's
 * number, the right one gets the next. Writes their means to `centers` (k x 4). Returns how
 * many there are, 0 without memory. */
static size_t kq_variance_cuts(const int16_t *points, const int64_t *weights, size_t n,
                               int16_t *centers, size_t k)
{
    size_t count = 0;
    uint32_t *order = KQ_MALLOC(n * sizeof *order), *heap = KQ_MALLOC(k * sizeof *heap);
    kq_cell *cells = KQ_MALLOC(k * sizeof *cells);
    kq_part *bins = KQ_MALLOC(KQ_BINS * sizeof *bins);
    if (order && heap && cells && bins) {
        for (size_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
        cells[0].start = 0;
        cells[0].count = n;
        kq_cut_best(points, weights, order, n, bins, &cells[0].cut);
        heap[0] = 0;
        count = 1;
        while (count < k && cells[heap[0]].cut.gain > 0) {
            kq_cell *cell = cells + heap[0], *other = cells + count;
            size_t left = kq_cut_partition(points, order + cell->start, cell->count, &cell->cut);
            other->start = cell->start + left;
            other->count = cell->count - left;
            cell->count = left;
            kq_cut_best(points, weights, order + cell->start, cell->count, bins, &cell->cut);
            kq_cut_best(points, weights, order + other->start, other->count, bins, &other->cut);
            kq_heap_sink(cells, heap, count, 0);
            heap[count] = (uint32_t)count;
            kq_heap_rise(cells, heap, count++);
        }
        for (size_t i = 0; i < count; i++)
            kq_part_mean(&cells[i].cut.whole, centers + 4 * i);
    }
    KQ_FREE(order);
    KQ_FREE(heap);
    KQ_FREE(cells);
    KQ_FREE(bins);
    return count;
}

/* The best cut of each of k clusters of n points (n x 4): its gain, and in `halves`
 * (k x 2 x 4) the means of both parts; zeros where there is nothing to cut. Returns 1, 0
 * without memory, -1 where a label isn't below k. */
static int kq_split_gains(const int16_t *points, const int64_t *weights, const uint16_t *labels,
                          size_t n, double *gains, int16_t *halves, size_t k)
{
    int result = 0;
    uint32_t *order = KQ_MALLOC(n * sizeof *order);
    size_t *ends = KQ_CALLOC(k + 1, sizeof *ends);
    kq_part *bins = KQ_MALLOC(KQ_BINS * sizeof *bins);
    if (order && ends && bins) {
        result = 1;
        for (size_t i = 0; i < n && result == 1; i++) {
            if (labels[i] >= k)
                result = -1;
            else
                ends[labels[i] + 1]++;
        }
        for (size_t j = 0; j < k; j++)
            ends[j + 1] += ends[j];
        for (size_t i = 0; i < n && result == 1; i++)
            order[ends[labels[i]]++] = (uint32_t)i;
        /* Now ends[j] is where cluster j ends, and cluster 0 starts at 0. */
        for (size_t j = 0; j < k && result == 1; j++) {
            kq_cut cut;
            size_t start = j == 0 ? 0 : ends[j - 1];
            kq_cut_best(points, weights, order + start, ends[j] - start, bins, &cut);
            gains[j] = cut.gain;
            memset(halves + 8 * j, 0, 8 * sizeof(int16_t));
            if (cut.gain > 0) {
                kq_part right = kq_part_minus(&cut.whole, &cut.left);
                kq_part_mean(&cut.left, halves + 8 * j);
                kq_part_mean(&right, halves + 8 * j + 4);
            }
        }
    }
    KQ_FREE(order);
    KQ_FREE(ends);
    KQ_FREE(bins);
    return result;
}

#endif
