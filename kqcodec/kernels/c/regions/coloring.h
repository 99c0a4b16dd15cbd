/* Few colours for the regions of a label map, so that neighbours differ (spec/kq.md, section 18),
 * and their labels apart.
 */
#ifndef KQ_REGIONS_COLORING_H
#define KQ_REGIONS_COLORING_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "regions/ids.h"

#define KQ_REGION_COLORS 8 /* at most */

/* The colours of a tile's regions, each the lowest that no neighbour has. `places[region]` to
 * `places[region + 1]` are its neighbours. Returns how many colours there are, or 0 if 8 weren't
 * enough. */
static int kq_regions_color(const uint32_t *places, const uint32_t *neighbors, size_t regions,
                            uint8_t *color)
{
    int colors = 1;
    memset(color, KQ_REGION_COLORS, regions);
    for (size_t i = 0; i < regions; i++) {
        uint32_t taken = 0;
        uint8_t found = 0;
        for (uint32_t j = places[i]; j < places[i + 1]; j++)
            taken |= 1u << color[neighbors[j]];
        while (taken >> found & 1)
            found++;
        if (found >= KQ_REGION_COLORS)
            return 0;
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

/* Colours the regions of a map whose labels are less than k: fills `colors`, and `out` with the
 * payload of their labels. Returns how many colours there are and the payload's size; 0 if that
 * needs more than 8 colours or more bytes, -1 without memory. */
static int kq_regions_encode(const kq_map *m, uint32_t k, uint8_t *colors, uint8_t *out,
                             size_t capacity, size_t *size)
{
    const size_t count = kq_runs_count(m);
    size_t regions = 0, touches = 0;
    int found = -1;
    uint32_t *places = NULL, *neighbors = NULL;
    uint8_t *color = NULL;
    kq_row_run *runs = malloc(2 * count * sizeof *runs), *numbered = runs + count;
    if (!runs)
        goto done;
    found = 0;
    if (!kq_runs_find(m, runs, count))
        goto done;
    for (size_t i = 0; i < count; i++) {
        numbered[i].end = runs[i].end;
        numbered[i].parent =
            runs[i].parent == i ? (uint32_t)regions++ : numbered[runs[i].parent].parent;
    }
    found = -1;
    places = calloc(regions + 1, sizeof *places);
    color = malloc(regions);
    if (!places || !color)
        goto done;
    KQ_EACH_TOUCH(numbered, count, m->width, KQ_TOUCH_COUNT)
    for (size_t i = 0; i <= regions; i++)
        places[i] = (uint32_t)(touches += places[i]);
    neighbors = malloc((touches + 1) * sizeof *neighbors);
    if (!neighbors)
        goto done;
    KQ_EACH_TOUCH(numbered, count, m->width, KQ_TOUCH_KEEP)
    found = kq_regions_color(places, neighbors, regions, color);
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
    free(runs);
    free(places);
    free(neighbors);
    free(color);
    return found;
}

#endif
