/* Few colours for the regions of a label map, so that neighbours differ (spec/kq.md, section 18),
 * and their labels apart.
 */
#ifndef KQ_REGIONS_COLORING_H
#define KQ_REGIONS_COLORING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "regions/ids.h"

#define KQ_REGION_COLORS 8                    /* at most; of a region that has none yet */
#define KQ_REGIONS_MOST_RUNS (UINT32_MAX / 8) /* so that their neighbours can be counted */

/* Regions and which of them touch: those of region i are neighbors[places[i]] to
 * neighbors[ends[i] - 1], ascending. */
typedef struct {
    size_t count;
    const uint32_t *places, *ends, *neighbors;
} kq_region_graph;

#define KQ_REGION_NONE UINT32_MAX

/* Regions that have some number of neighbours left, in the order in which they came to it. */
typedef struct {
    uint32_t *degree, *next, *before; /* by region */
    uint32_t *first, *last;           /* by degree */
} kq_region_queues;

static void kq_region_leave(kq_region_queues *q, uint32_t i)
{
    const uint32_t next = q->next[i], before = q->before[i];
    *(before == KQ_REGION_NONE ? &q->first[q->degree[i]] : &q->next[before]) = next;
    *(next == KQ_REGION_NONE ? &q->last[q->degree[i]] : &q->before[next]) = before;
}

static void kq_region_enter(kq_region_queues *q, uint32_t i, uint32_t degree)
{
    const uint32_t before = q->last[degree];
    q->degree[i] = degree;
    q->before[i] = before;
    q->next[i] = KQ_REGION_NONE;
    *(before == KQ_REGION_NONE ? &q->first[degree] : &q->next[before]) = i;
    q->last[degree] = i;
}

/* The smallest last: from the end on, the region with the fewest neighbours left. In a plane
 * these are at most five, so that six colours are enough. After D. Matula, L. Beck, "Smallest-last
 * ordering and clustering and graph coloring algorithms", Journal of the ACM 30 (1983). `room` is
 * for five times as many numbers as there are regions. */
static void kq_regions_order(const kq_region_graph *g, uint32_t *room, uint32_t *order)
{
    const size_t n = g->count;
    kq_region_queues q = {room, room + n, room + 2 * n, room + 3 * n, room + 4 * n};
    uint32_t fewest = 0;
    for (size_t i = 0; i < n; i++)
        q.first[i] = q.last[i] = KQ_REGION_NONE;
    for (size_t i = 0; i < n; i++)
        kq_region_enter(&q, (uint32_t)i, g->ends[i] - g->places[i]);
    for (size_t left = n; left-- > 0;) {
        while (q.first[fewest] == KQ_REGION_NONE)
            fewest++;
        const uint32_t i = order[left] = q.first[fewest];
        kq_region_leave(&q, i);
        q.degree[i] = KQ_REGION_NONE;
        for (uint32_t j = g->places[i]; j < g->ends[i]; j++) {
            const uint32_t other = g->neighbors[j], degree = q.degree[other];
            if (degree == KQ_REGION_NONE)
                continue;
            kq_region_leave(&q, other);
            kq_region_enter(&q, other, degree - 1);
            fewest = degree - 1 < fewest ? degree - 1 : fewest;
        }
    }
}

/* The colours of regions: in that order each gets the lowest that no neighbour has. Returns how
 * many there are. */
static int kq_regions_color(const kq_region_graph *g, const uint32_t *order, uint8_t *color)
{
    int colors = 1;
    memset(color, KQ_REGION_COLORS, g->count);
    for (size_t at = 0; at < g->count; at++) {
        const uint32_t i = order[at];
        uint32_t taken = 0;
        uint8_t found = 0;
        for (uint32_t j = g->places[i]; j < g->ends[i]; j++)
            taken |= 1u << color[g->neighbors[j]];
        while (taken >> found & 1)
            found++;
        color[i] = found;
        colors = found >= colors ? found + 1 : colors;
    }
    return colors;
}

/* Calls for each pair of runs that touch: `pair` gets the regions of both, one way and back. */
#define KQ_EACH_TOUCH(runs, count, width, pair) \
    for (size_t i_ = 0, above_ = 0, start_ = 0; i_ < (count); start_ = (runs)[i_++].end) { \
        if (start_ % (width)) \
            pair((runs)[i_].parent, (runs)[i_ - 1].parent); \
        if (start_ < (width)) \
            continue; \
        while ((runs)[above_].end <= start_ - (width)) \
            above_++; \
        for (size_t a_ = above_;; a_++) { \
            if ((runs)[a_].parent != (runs)[i_].parent) \
                pair((runs)[i_].parent, (runs)[a_].parent); \
            if ((runs)[a_].end >= (runs)[i_].end - (width)) \
                break; \
        } \
    }

#define KQ_TOUCH_COUNT(x, y) (places[x]++, places[y]++)
#define KQ_TOUCH_KEEP(x, y) (neighbors[--places[x]] = (y), neighbors[--places[y]] = (x))

/* The neighbours of each region once and ascending, from lists in any order, with some more than
 * once: those of region i end at places[i + 1]. */
static void kq_regions_sort(const uint32_t *places, const uint32_t *neighbors, size_t regions,
                            uint32_t *ends, uint32_t *sorted)
{
    memcpy(ends, places, regions * sizeof *ends);
    for (uint32_t i = 0; i < regions; i++)
        for (uint32_t j = places[i]; j < places[i + 1]; j++) {
            const uint32_t other = neighbors[j], end = ends[other];
            if (end == places[other] || sorted[end - 1] != i)
                sorted[ends[other]++] = i;
        }
}

/* Colours the regions of a map whose labels are less than k: fills `colors`, and `out` with the
 * payload of their labels. Returns how many colours there are and the payload's size; 0 if that
 * needs more bytes, -1 without memory. */
static int kq_regions_encode(const kq_map *m, uint32_t k, uint8_t *colors, uint8_t *out,
                             size_t capacity, size_t *size)
{
    const size_t count = kq_runs_count(m);
    size_t regions = 0, touches = 0;
    int found = -1;
    uint32_t *places = NULL, *neighbors = NULL, *room = NULL;
    uint8_t *color = NULL;
    kq_row_run *runs = KQ_MALLOC(2 * count * sizeof *runs), *numbered = runs + count;
    if (!runs)
        goto done;
    found = 0;
    if (count > KQ_REGIONS_MOST_RUNS || !kq_runs_find(m, runs, count))
        goto done;
    for (size_t i = 0; i < count; i++) {
        numbered[i].end = runs[i].end;
        numbered[i].parent =
            runs[i].parent == i ? (uint32_t)regions++ : numbered[runs[i].parent].parent;
    }
    found = -1;
    places = KQ_CALLOC(regions + 1, sizeof *places);
    color = KQ_MALLOC(regions);
    if (!places || !color)
        goto done;
    KQ_EACH_TOUCH(numbered, count, m->width, KQ_TOUCH_COUNT)
    for (size_t i = 0; i <= regions; i++)
        places[i] = (uint32_t)(touches += places[i]);
    neighbors = KQ_MALLOC((touches + 1) * sizeof *neighbors);
    room = KQ_MALLOC((touches + 7 * regions) * sizeof *room);
    if (!neighbors || !room)
        goto done;
    KQ_EACH_TOUCH(numbered, count, m->width, KQ_TOUCH_KEEP)
    uint32_t *ends = room, *order = ends + regions, *sorted = order + regions;
    kq_regions_sort(places, neighbors, regions, ends, sorted);
    const kq_region_graph graph = {regions, places, ends, sorted};
    kq_regions_order(&graph, sorted + touches, order);
    found = kq_regions_color(&graph, order, color);
    if (found > 0) {
        kq_range_encoder encoder;
        kq_bit_coder coder = {&encoder, NULL};
        kq_ids state;
        for (size_t i = 0, start = 0; i < count; start = runs[i++].end)
            kq_row_run_fill(colors, 1, start, runs[i].end, color[numbered[i].parent]);
        kq_range_encoder_init(&encoder, out, capacity);
        kq_ids_init(&state, &coder, k);
        if (!kq_regions_code(&state, m, runs, count) || !kq_range_finish(&encoder, size))
            found = 0;
    }
done:
    KQ_FREE(runs);
    KQ_FREE(places);
    KQ_FREE(neighbors);
    KQ_FREE(room);
    KQ_FREE(color);
    return found;
}

#endif
