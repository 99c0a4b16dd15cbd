/* Error diffusion (Floyd & Steinberg 1976), one row to the right, the next to the
 * left, on points of four channels in 0..16320.
 *
 * Each point and its errors meet the centres on their own, so the tree of
 * search/nearest.h is of no use. Instead the first three channels are cut into 16 parts
 * each, and each of the 4,096 cells keeps the centres that may be nearest to some
 * point in it, found as there when the cell is first needed.
 */
#ifndef KQ_PIXELS_DIFFUSE_H
#define KQ_PIXELS_DIFFUSE_H

#include "search/nearest.h"

#define KQ_CELL_BITS 10 /* a cell is 1,024 wide */
#define KQ_CELLS (1u << 12)
#define KQ_UNIT_BITS 12 /* errors are in 4,096ths */
#define KQ_MOST_ERROR (1 << 27)

typedef struct {
    kq_candidates *all, *kept;
    kq_candidates *cells[KQ_CELLS];
    int avx2;
} kq_cells;

static void kq_cells_free(kq_cells *cells)
{
    for (size_t i = 0; i < KQ_CELLS; i++)
        kq_candidates_free(cells->cells[i]);
    kq_candidates_free(cells->all);
    kq_candidates_free(cells->kept);
    KQ_FREE(cells);
}

/* Cells without lists as yet; NULL where memory ran out. */
static kq_cells *kq_cells_new(const int16_t *centers, size_t k)
{
    kq_cells *cells = KQ_CALLOC(1, sizeof *cells);
    if (!cells)
        return NULL;
    cells->all = kq_candidates_new(k);
    cells->kept = kq_candidates_new(k);
    if (!cells->all || !cells->kept) {
        kq_cells_free(cells);
        return NULL;
    }
    for (size_t j = 0; j < k; j++)
        kq_candidates_add(cells->all, centers + j * KQ_CHANNELS, (int32_t)j);
    kq_candidates_pad(cells->all);
    cells->avx2 = kq_has_avx2();
    return cells;
}

/* The candidates of the cell with that place in its grid; NULL where memory ran out. */
static const kq_candidates *kq_cell_made(kq_cells *cells, size_t cell)
{
    int16_t low[KQ_CHANNELS] = {0}, high[KQ_CHANNELS];
    for (int c = 0; c < 3; c++) {
        low[c] = (int16_t)((cell >> (4 * c) & 15) << KQ_CELL_BITS);
        int last = low[c] + (1 << KQ_CELL_BITS) - 1;
        high[c] = (int16_t)(last < KQ_TOP ? last : KQ_TOP);
    }
    high[3] = KQ_TOP;
    kq_filter(cells->all, low, high, 0, cells->avx2, cells->kept);
    kq_candidates *list = kq_candidates_new(cells->kept->count);
    for (size_t i = 0; list && i < cells->kept->count; i++)
        kq_candidates_copy(list, cells->kept, i);
    cells->cells[cell] = list;
    return list;
}

/* The centre nearest to a place, the lowest of several; -1 where memory ran out. */
static int32_t kq_cells_nearest(kq_cells *cells, const int16_t *place)
{
    size_t cell = 0;
    for (int c = 0; c < 3; c++)
        cell |= (size_t)(place[c] >> KQ_CELL_BITS) << (4 * c);
    const kq_candidates *list = cells->cells[cell];
    if (!list && !(list = kq_cell_made(cells, cell)))
        return -1;
    int32_t rg, ba, lowest = INT32_MAX, nearest = -1;
    memcpy(&rg, place, 4);
    memcpy(&ba, place + 2, 4);
    for (size_t i = 0; i < list->count; i++) {
        int32_t distance =
            kq_plus32(kq_pair_squared(list->rg[i], rg), kq_pair_squared(list->ba[i], ba));
        if (distance < lowest) {
            lowest = distance;
            nearest = list->index[i];
        }
    }
    return nearest;
}

/* A point's channel and the errors passed on to it, rounded, within the range. */
static int16_t kq_with_error(int16_t from, int32_t error)
{
    int32_t sum = error + (1 << (KQ_UNIT_BITS - 1));
    /* Rounds down, as a right shift does on most machines; C leaves that open. */
    int32_t moved =
        sum >= 0 ? sum >> KQ_UNIT_BITS : -((-sum + (1 << KQ_UNIT_BITS) - 1) >> KQ_UNIT_BITS);
    int32_t to = from + moved;
    return (int16_t)(to < 0 ? 0 : to > KQ_TOP ? KQ_TOP : to);
}

/* One row, `ahead` 1 to the right or -1 to the left. passed[x + 1] has the errors
 * that reached point x from above, below[x + 1] gets those for the point beneath
 * it. Returns 0 where memory ran out. */
static int kq_diffuse_row(kq_cells *cells, const int16_t *points, const uint8_t *mask,
                          const int16_t *centers, size_t width, int strength, int ahead,
                          int32_t *passed, int32_t *below, uint16_t *labels)
{
    const ptrdiff_t step = ahead * KQ_CHANNELS;
    for (size_t i = 0; i < width; i++) {
        size_t x = ahead > 0 ? i : width - 1 - i;
        if (!mask[x])
            continue;
        int32_t *here = passed + (x + 1) * KQ_CHANNELS, *under = below + (x + 1) * KQ_CHANNELS;
        int16_t target[KQ_CHANNELS];
        for (int c = 0; c < KQ_CHANNELS; c++)
            target[c] = kq_with_error(points[x * KQ_CHANNELS + (size_t)c], here[c]);
        int32_t label = kq_cells_nearest(cells, target);
        if (label < 0)
            return 0;
        labels[x] = (uint16_t)label;
        const int16_t *center = centers + (size_t)label * KQ_CHANNELS;
        for (ptrdiff_t c = 0; c < KQ_CHANNELS; c++) {
            int32_t error = strength * (target[c] - center[c]);
            here[c + step] += 7 * error;
            under[c - step] += 3 * error;
            under[c] += 5 * error;
            under[c + step] += error;
        }
    }
    return 1;
}

/* Gives the points of some rows, height x width x 4, labels (height x width) with error
 * diffusion among k centres (k x 4). Where `mask` (height x width) is 0 the label stays, and
 * errors end. `errors`, (width + 2) x 4, are those passed on by the row above, in 4,096ths,
 * one place further right than their points, each at most KQ_MOST_ERROR; on return they are
 * for the row below. `strength`, 0..256, is the part of an error that is passed on;
 * `backwards` says whether the first row runs to the left. Returns 0 without memory. */
static int kq_diffuse(const int16_t *points, const uint8_t *mask, size_t height, size_t width,
                      const int16_t *centers, size_t k, int strength, int backwards,
                      int32_t *errors, uint16_t *labels)
{
    size_t row = (width + 2) * KQ_CHANNELS;
    int32_t *below = KQ_MALLOC(row * sizeof *below);
    kq_cells *cells = kq_cells_new(centers, k);
    int done = below && cells;
    for (size_t y = 0; done && y < height; y++) {
        memset(below, 0, row * sizeof *below);
        done =
            kq_diffuse_row(cells, points + y * width * KQ_CHANNELS, mask + y * width, centers,
                           width, strength, backwards ? -1 : 1, errors, below, labels + y * width);
        memcpy(errors, below, row * sizeof *below);
        backwards = !backwards;
    }
    if (cells)
        kq_cells_free(cells);
    KQ_FREE(below);
    return done;
}

#endif
