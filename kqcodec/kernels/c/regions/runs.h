/* Runs of equal labels in the rows of a tile, and which of them are one region (spec/kq.md,
 * section 18): labels that are equal and side by side, or one below the other.
 *
 * Union-find on runs instead of pixels, as in L. He, Y. Chao, K. Suzuki, "A run-based two-scan
 * labeling algorithm", IEEE Transactions on Image Processing 17 (2008): flat areas cost little.
 */
#ifndef KQ_REGIONS_RUNS_H
#define KQ_REGIONS_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

#define KQ_REGIONS_MOST_LABELS UINT32_MAX /* of a tile: places are counted in 32 bits */

/* A run ends before the place `end`, counted through the rows of the tile. `parent` is an
 * earlier run of the same region, or the run itself where it is the region's first. */
typedef struct {
    uint32_t end, parent;
} kq_row_run;

typedef struct {
    const void *labels;
    int size; /* bytes of a label: 1, 2 or 4 */
    size_t width, height;
} kq_map;

KQ_INLINE uint32_t kq_map_label(const void *labels, int size, size_t i)
{
    return size == 1   ? ((const uint8_t *)labels)[i]
           : size == 2 ? ((const uint16_t *)labels)[i]
                       : ((const uint32_t *)labels)[i];
}

/* The label at a place of a map of any size. */
static inline uint32_t kq_map_at(const kq_map *m, size_t i)
{
    return kq_map_label(m->labels, m->size, i);
}

KQ_INLINE size_t kq_runs_counted(const kq_map *m, int size)
{
    size_t count = m->height;
    for (size_t row = 0; row < m->height; row++) {
        uint32_t changes = 0;
        for (size_t i = row * m->width + 1; i < (row + 1) * m->width; i++)
            changes += kq_map_label(m->labels, size, i) != kq_map_label(m->labels, size, i - 1);
        count += changes;
    }
    return count;
}

/* How many runs a map has. */
static size_t kq_runs_count(const kq_map *m)
{
    return m->size == 1   ? kq_runs_counted(m, 1)
           : m->size == 2 ? kq_runs_counted(m, 2)
                          : kq_runs_counted(m, 4);
}

/* The first run of a region; the way there becomes shorter. */
static inline uint32_t kq_row_run_first(kq_row_run *runs, uint32_t run)
{
    while (runs[run].parent != run)
        run = runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

/* The place at or after `i`, before `end`, where labels cease to be as at `i`. */
KQ_INLINE size_t kq_row_run_end(const void *labels, int size, size_t i, size_t end)
{
    const uint32_t label = kq_map_label(labels, size, i);
    i++;
    if (size == 1) { /* eight at a time */
        const uint64_t wanted = label * UINT64_C(0x0101010101010101);
        for (uint64_t eight; i + 8 <= end; i += 8) {
            memcpy(&eight, (const uint8_t *)labels + i, 8);
            if (eight != wanted)
                break;
        }
    }
    while (i < end && kq_map_label(labels, size, i) == label)
        i++;
    return i;
}

KQ_INLINE int kq_runs_found(const kq_map *m, int size, kq_row_run *runs, size_t most)
{
    const size_t width = m->width, end = width * m->height;
    size_t n = 0, above = 0;
    for (size_t i = 0, row_end = width; i < end;
         row_end = i == row_end ? row_end + width : row_end) {
        const size_t j = kq_row_run_end(m->labels, size, i, row_end);
        uint32_t region = (uint32_t)n;
        if (n == most)
            return 0;
        if (i >= width) {
            const uint32_t label = kq_map_label(m->labels, size, i);
            while (runs[above].end <= i - width)
                above++;
            for (size_t a = above;; a++) {
                if (kq_map_label(m->labels, size, runs[a].end - 1) == label) {
                    const uint32_t first = kq_row_run_first(runs, (uint32_t)a);
                    if (region == n || first == region) {
                        region = first;
                    } else { /* the earlier one is the first of both */
                        const uint32_t later = first > region ? first : region;
                        region = first > region ? region : first;
                        runs[later].parent = region;
                    }
                }
                if (runs[a].end >= j - width)
                    break;
            }
        }
        runs[n].end = (uint32_t)j;
        runs[n++].parent = region;
        i = j;
    }
    return n == most;
}

/* Fills the runs of a map, `count` as counted; 0 if somebody has changed labels since. */
static int kq_runs_find(const kq_map *m, kq_row_run *runs, size_t count)
{
    return m->size == 1   ? kq_runs_found(m, 1, runs, count)
           : m->size == 2 ? kq_runs_found(m, 2, runs, count)
                          : kq_runs_found(m, 4, runs, count);
}

/* Gives each label of a run, from `start` on, a value. */
KQ_INLINE void kq_row_run_fill(void *labels, int size, size_t start, size_t end, uint32_t value)
{
    if (size == 1) {
        memset((uint8_t *)labels + start, (int)value, end - start);
        return;
    }
    for (size_t i = start; i < end; i++)
        if (size == 2)
            ((uint16_t *)labels)[i] = (uint16_t)value;
        else
            ((uint32_t *)labels)[i] = value;
}

#endif
