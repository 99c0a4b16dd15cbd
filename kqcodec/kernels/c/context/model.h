/* What the coder `context` knows before it codes a label (spec/kq.md, section 16):
 * the labels around it, colours predicted from theirs, and the contexts that are
 * sums of hashed features.
 *
 * Labels are places here: indices into the palette in the order of the tree, in
 * which neighbours have similar colours.
 */
#ifndef KQ_CONTEXT_MODEL_H
#define KQ_CONTEXT_MODEL_H

#include "coding/logistic.h"

#define KQ_MARGIN 8          /* labels kept free on both sides of a row */
#define KQ_ABOVE 3           /* rows kept free above the first */
#define KQ_BEFORE 3          /* labels compared in the rows above a run, before it */
#define KQ_BEHIND 4          /* and behind it */
#define KQ_READ_BEHIND 32    /* labels that vectors may read behind the last row */
#define KQ_COLOR_CELLS 32768 /* of the colour cube, 8 x 8 x 8 colours each */
#define KQ_GEOMETRY_MAX 4096 /* a palette larger than this predicts no colours */
#define KQ_BLOCK 16          /* entries that share a box of colours */
#define KQ_BLOCKS (KQ_GEOMETRY_MAX / KQ_BLOCK)

#define KQ_MAX_LANES 32 /* a context each, and the match in the last */
#define KQ_MAX_INPUTS (3 * KQ_MAX_LANES)
#define KQ_UNKNOWN 0xFFFF

/* The kinds of features, each with a multiplier of its own: an odd number's powers. */
/* clang-format off */
enum {
    KQ_W, KQ_N, KQ_NW, KQ_NE, KQ_WW, KQ_NN, KQ_NWW, KQ_NEE, KQ_NNW, KQ_NNE, KQ_WWW, KQ_NNN,
    KQ_NEIGHBOURS,
    KQ_MEDIAN = KQ_NEIGHBOURS, /* entries nearest to predicted colours */
    KQ_MEAN, KQ_WIDE, KQ_SLANT, KQ_ALONG, KQ_DOWN, KQ_RISE,
    KQ_EQUAL10, KQ_EQUAL22,
    KQ_FEATURES,
    KQ_ALL_FEATURES = 24 /* padding */
};
/* clang-format on */

typedef struct {
    size_t width, height, stride;
    uint16_t *labels; /* (height + KQ_ABOVE) rows of stride */
    uint32_t k;
    int colorless;    /* whether there is no palette: contexts are others then */
    uint32_t *colors; /* k, in the order of the tree, a byte a channel, red lowest; or NULL */
    uint16_t *cells;  /* nearest entries to the middles of cells, or KQ_UNKNOWN */
    uint8_t least[KQ_BLOCKS][3], most[KQ_BLOCKS][3]; /* of the colours of each block */
} kq_plane;

typedef struct {
    KQ_ALIGNED(32) uint32_t feature[KQ_ALL_FEATURES];
    uint32_t equal; /* which neighbours are equal, a bit for each pair */
} kq_surroundings;

/* The boxes of the blocks: neighbours in the order of the tree have similar colours. */
static void kq_find_boxes(kq_plane *plane)
{
    for (uint32_t i = 0; i < plane->k; i++)
        for (int c = 0; c < 3; c++) {
            uint8_t value = (uint8_t)(plane->colors[i] >> 8 * c);
            uint8_t *least = &plane->least[i / KQ_BLOCK][c], *most = &plane->most[i / KQ_BLOCK][c];
            if (i % KQ_BLOCK == 0)
                *least = *most = value;
            *least = value < *least ? value : *least;
            *most = value > *most ? value : *most;
        }
}

/* Squared, channels counting 3, 4 and 2. */
static inline int32_t kq_color_distance(int red, int green, int blue)
{
    return 3 * red * red + 4 * green * green + 2 * blue * blue;
}

/* How far a value is outside the range. */
static inline int kq_outside_range(int value, int least, int most)
{
    return value < least ? least - value : value > most ? value - most : 0;
}

/* The least of `least` and what the entries of a block have: 20 bits of their distance to a
 * colour, and below it the entry, so that the first of equal ones is the least. */
static uint32_t kq_nearest_of_block(const kq_plane *plane, uint32_t block, const int *color,
                                    uint32_t least)
{
    uint32_t end = (block + 1) * KQ_BLOCK < plane->k ? (block + 1) * KQ_BLOCK : plane->k;
    for (uint32_t i = block * KQ_BLOCK; i < end; i++) {
        uint32_t c = plane->colors[i];
        int32_t distance = kq_color_distance(
            (int)(c & 255) - color[0], (int)(c >> 8 & 255) - color[1], (int)(c >> 16) - color[2]);
        uint32_t found = (uint32_t)distance << 12 | i;
        least = found < least ? found : least;
    }
    return least;
}

/* Finds the entry nearest to the middle of a cell: 5 bits of each channel, red above; of
 * several the first. A block whose box is farther than the nearest of the nearest box is left out:
 * without that, small tiles of a large palette would take most of their time here. */
static uint32_t kq_fill_cell(const kq_plane *plane, uint32_t cell)
{
    const int middle[3] = {(int)(cell >> 10 << 3 | 4), (int)((cell >> 5 & 31) << 3 | 4),
                           (int)((cell & 31) << 3 | 4)};
    const uint32_t blocks = (plane->k + KQ_BLOCK - 1) / KQ_BLOCK;
    int32_t bounds[KQ_BLOCKS];
    uint32_t nearest = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const uint8_t *low = plane->least[b], *high = plane->most[b];
        bounds[b] = kq_color_distance(kq_outside_range(middle[0], low[0], high[0]),
                                      kq_outside_range(middle[1], low[1], high[1]),
                                      kq_outside_range(middle[2], low[2], high[2]));
        if (bounds[b] < bounds[nearest])
            nearest = b;
    }
    uint32_t least = kq_nearest_of_block(plane, nearest, middle, UINT32_MAX);
    for (uint32_t b = 0; b < blocks; b++)
        if (b != nearest && (uint32_t)bounds[b] <= least >> 12)
            least = kq_nearest_of_block(plane, b, middle, least);
    plane->cells[cell] = (uint16_t)(least & 4095);
    return least & 4095;
}

KQ_INLINE uint32_t kq_cell_entry(const kq_plane *plane, uint32_t cell)
{
    uint32_t entry = plane->cells[cell];
    return entry != KQ_UNKNOWN ? entry : kq_fill_cell(plane, cell);
}

/* The entry for a colour: that of its cell. */
KQ_INLINE uint32_t kq_nearest_entry(const kq_plane *plane, const int *color)
{
    return kq_cell_entry(plane,
                         (uint32_t)(color[0] >> 3 << 10 | color[1] >> 3 << 5 | color[2] >> 3));
}

KQ_INLINE int kq_byte(int x)
{
    return x < 0 ? 0 : x > 255 ? 255 : x;
}

/* The labels around `at`, and which are equal. */
KQ_INLINE void kq_survey(const uint16_t *at, ptrdiff_t stride, kq_surroundings *s)
{
    uint32_t *f = s->feature;
    const uint16_t *n = at - stride, *nn = n - stride, *nnn = nn - stride;
    f[KQ_W] = at[-1], f[KQ_WW] = at[-2], f[KQ_WWW] = at[-3];
    f[KQ_N] = n[0], f[KQ_NW] = n[-1], f[KQ_NE] = n[1], f[KQ_NWW] = n[-2], f[KQ_NEE] = n[2];
    f[KQ_NN] = nn[0], f[KQ_NNW] = nn[-1], f[KQ_NNE] = nn[1], f[KQ_NNN] = nnn[0];
    s->equal = (uint32_t)(f[KQ_W] == f[KQ_N]) | (uint32_t)(f[KQ_W] == f[KQ_NW]) << 1 |
               (uint32_t)(f[KQ_N] == f[KQ_NW]) << 2 | (uint32_t)(f[KQ_N] == f[KQ_NE]) << 3 |
               (uint32_t)(f[KQ_W] == f[KQ_WW]) << 4 | (uint32_t)(f[KQ_N] == f[KQ_NN]) << 5 |
               (uint32_t)(f[KQ_W] == f[KQ_NE]) << 6 | (uint32_t)(f[KQ_WW] == f[KQ_NW]) << 7 |
               (uint32_t)(f[KQ_NN] == f[KQ_NE]) << 8 | (uint32_t)(f[KQ_NW] == f[KQ_NE]) << 9 |
               (uint32_t)(f[KQ_NW] == f[KQ_NWW]) << 10 | (uint32_t)(f[KQ_NE] == f[KQ_NEE]) << 11 |
               (uint32_t)(f[KQ_NN] == f[KQ_NNE]) << 12 | (uint32_t)(f[KQ_NN] == f[KQ_NNW]) << 13 |
               (uint32_t)(f[KQ_NW] == f[KQ_NNW]) << 14 | (uint32_t)(f[KQ_NE] == f[KQ_NNE]) << 15 |
               (uint32_t)(f[KQ_WW] == f[KQ_WWW]) << 16 | (uint32_t)(f[KQ_NN] == f[KQ_NNN]) << 17 |
               (uint32_t)(f[KQ_WW] == f[KQ_NWW]) << 18 | (uint32_t)(nn[1] == nn[2]) << 19 |
               (uint32_t)(nn[-1] == nn[-2]) << 20 | (uint32_t)(n[2] == nn[2]) << 21;
    f[KQ_EQUAL10] = s->equal & 1023;
    f[KQ_EQUAL22] = s->equal;
}

/* No colours, or too many to predict any from: the label on the left stands for all; where there
 * is no palette, two that say more stand for the first two. */
KQ_INLINE void kq_predict_none(const kq_plane *plane, kq_surroundings *s)
{
    for (int i = KQ_MEDIAN; i <= KQ_RISE; i++)
        s->feature[i] = s->feature[KQ_W];
    if (plane->colorless) {
        s->feature[KQ_MEDIAN] = s->feature[KQ_NE];
        s->feature[KQ_MEAN] = s->feature[KQ_NEE];
    }
}

#define KQ_MULTIPLIER 0x9E3779B1u
#define KQ_GROUP_MULTIPLIER 0xC9E50421u /* its power after those of the features */

KQ_INLINE uint32_t kq_scramble(uint32_t h)
{
    h ^= h >> 15;
    h *= 0x2C1B3C6Du;
    return h ^ h >> 12;
}

/* KQ_MULTIPLIER to the powers 1, 2, ..: one for each feature. */
static KQ_ALIGNED(32) const uint32_t kq_multipliers[KQ_ALL_FEATURES] = {
    0x9E3779B1u, 0xFFE6CC61u, 0xCC042811u, 0x1F76BCC1u, 0x8BC6BA71u, 0x5ECD5121u,
    0x6364B0D1u, 0x4B180981u, 0xF0D38B31u, 0xA49465E1u, 0xB018C991u, 0x448FE641u,
    0x0149EBF1u, 0x43680AA1u, 0x6E8C7251u, 0x5E8A5301u, 0x3215DCB1u, 0x9E743F61u,
    0xFC2BAB11u, 0x3CB34FC1u, 0xF9235D71u, 0xC9E50421u, 0x176273D1u, 0x93B6DC81u,
};

/* Of more entries than these, labels say so much by themselves that the small model
 * looks at W alone instead of three labels above each other. */
#define KQ_FEW 64

/* The hashes of the contexts, sums of features' terms; for the lane behind them 0. Where
 * there is a match, `matched`, the small model looks at all twelve neighbours instead of
 * a predicted colour; where there is no palette too, and at NEE in two places: labels that are
 * names say most where a new one begins. Returns the match's, the sum of eleven neighbours. */
KQ_INLINE uint32_t kq_hash_contexts(const kq_surroundings *s, const kq_plane *plane, int lanes,
                                    int matched, uint32_t *hashes)
{
    KQ_ALIGNED(32) uint32_t t[KQ_ALL_FEATURES];
    for (int j = 0; j < KQ_FEATURES; j++)
        t[j] = (s->feature[j] + 1) * kq_multipliers[j];
    const uint32_t w = t[KQ_W], n = t[KQ_N], nw = t[KQ_NW], ne = t[KQ_NE], ww = t[KQ_WW],
                   nn = t[KQ_NN];
    const uint32_t six = w + n + nw + ne + ww + nn, nine = six + t[KQ_NWW] + t[KQ_NEE] + t[KQ_NNE];
    const uint32_t eleven = nine + t[KQ_NNW] + t[KQ_WWW], twelve = eleven + t[KQ_NNN];
    const int small = lanes < KQ_MAX_LANES;
    const int names = small && plane->colorless;
    const uint32_t first[7] = {w + (names ? t[KQ_NEE] : ww),
                               t[KQ_EQUAL22],
                               names || (small && matched) ? twelve : t[KQ_MEDIAN],
                               w + n + ne,
                               n,
                               names                        ? t[KQ_NEE]
                               : small && plane->k > KQ_FEW ? w
                                                            : n + nn + t[KQ_NNN],
                               w + n + nw};
    memcpy(hashes, first, sizeof first);
    if (!small) {
        const uint32_t more[24] = {
            t[KQ_WIDE] + t[KQ_MEAN],
            w,
            t[KQ_EQUAL10],
            t[KQ_SLANT] + t[KQ_ALONG],
            w + ww + t[KQ_WWW],
            twelve,
            t[KQ_RISE] + w,
            n + nn,
            n + ne + nn + t[KQ_NNE],
            w + ne,
            t[KQ_MEDIAN] + n,
            w + n,
            six,
            t[KQ_EQUAL10] + w,
            t[KQ_DOWN] + w,
            nine,
            t[KQ_MEAN] + w,
            nw,
            ne,
            n + nw + ne,
            t[KQ_WIDE] + t[KQ_MEDIAN],
            t[KQ_EQUAL22] + w,
            ww + nn,
            t[KQ_ALONG] + t[KQ_DOWN],
        };
        memcpy(hashes + 7, more, sizeof more);
    }
    hashes[lanes - 1] = 0;
    return eleven;
}

#endif
