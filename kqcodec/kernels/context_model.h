/* What the coder `context` knows before it codes a label (spec/kq.md, section 16):
 * the labels around it, colours predicted from theirs, and the contexts that are
 * sums of hashed features.
 *
 * Labels are places here: indices into the palette in the order of the tree, in
 * which neighbours have similar colours.
 */
#ifndef KQ_CONTEXT_MODEL_H
#define KQ_CONTEXT_MODEL_H

#include <stdlib.h>

#include "logistic.h"

#define KQ_MARGIN 8   /* labels kept free on both sides of a row */
#define KQ_ABOVE 3    /* rows kept free above the first */
#define KQ_COLOR_CELLS 32768 /* of the colour cube, 8 x 8 x 8 colours each */
#define KQ_GEOMETRY_MAX 4096 /* a palette larger than this predicts no colours */
#define KQ_BLOCK 16          /* entries that share a box of colours */
#define KQ_BLOCKS (KQ_GEOMETRY_MAX / KQ_BLOCK)

#define KQ_MAX_CONTEXTS 24
#define KQ_MAX_INPUTS 80 /* 3 a context, 2 of the match, 1 constant, padding */
#define KQ_MAX_SETS 5
#define KQ_UNKNOWN 0xFFFF

/* The kinds of features, each with a multiplier of its own: an odd number's powers. */
enum {
    KQ_W, KQ_N, KQ_NW, KQ_NE, KQ_WW, KQ_NN, KQ_NWW, KQ_NEE, KQ_NNW, KQ_NNE, KQ_WWW, KQ_NNN,
    KQ_NEIGHBOURS,
    KQ_MEDIAN = KQ_NEIGHBOURS, /* entries nearest to predicted colours */
    KQ_MEAN, KQ_WIDE, KQ_SLANT, KQ_ALONG, KQ_DOWN, KQ_RISE,
    KQ_ACTIVITY, KQ_EQUAL10, KQ_EQUAL22,
    KQ_FEATURES
};

typedef struct {
    size_t width, height, stride;
    uint16_t *labels;       /* (height + KQ_ABOVE) rows of stride */
    uint32_t k;
    const uint8_t *colors;  /* k x 3, in the order of the tree */
    uint16_t *cells;        /* nearest entries to the middles of cells, or KQ_UNKNOWN */
    uint8_t least[KQ_BLOCKS][3], most[KQ_BLOCKS][3]; /* of the colours of each block */
} kq_plane;

typedef struct {
    uint32_t feature[KQ_FEATURES];
    uint32_t equal;    /* which neighbours are equal, a bit for each pair */
    uint32_t activity; /* 0..7 */
} kq_surroundings;

/* The boxes of the blocks: neighbours in the order of the tree have similar colours. */
static void kq_find_boxes(kq_plane *plane)
{
    for (uint32_t i = 0; i < plane->k && plane->k <= KQ_GEOMETRY_MAX; i++)
        for (int c = 0; c < 3; c++) {
            uint8_t value = plane->colors[3 * i + (uint32_t)c];
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

/* The entry of the block nearest to the colour, if it is nearer than `least`, which
 * then is its distance; otherwise `best`. */
static uint32_t kq_nearest_of_block(const kq_plane *plane, uint32_t block, const int *color,
                                    int32_t *least, uint32_t best)
{
    uint32_t end = (block + 1) * KQ_BLOCK < plane->k ? (block + 1) * KQ_BLOCK : plane->k;
    for (uint32_t i = block * KQ_BLOCK; i < end; i++) {
        const uint8_t *c = plane->colors + 3 * i;
        int32_t distance = kq_color_distance(c[0] - color[0], c[1] - color[1], c[2] - color[2]);
        if (distance < *least) {
            *least = distance;
            best = i;
        }
    }
    return best;
}

/* The entry nearest to the middle of the cell that holds a colour; of several the
 * first. A block whose box is farther than the nearest of the nearest box is left out:
 * without that, small tiles of a large palette would take most of their time here. */
static uint32_t kq_nearest_entry(const kq_plane *plane, const int *color)
{
    size_t cell = (size_t)(color[0] >> 3 << 10 | color[1] >> 3 << 5 | color[2] >> 3);
    if (plane->cells[cell] != KQ_UNKNOWN)
        return plane->cells[cell];
    /* The lower three bits set, then the cell's middle. */
    const int middle[3] = {(color[0] | 7) - 3, (color[1] | 7) - 3, (color[2] | 7) - 3};
    const uint32_t blocks = (plane->k + KQ_BLOCK - 1) / KQ_BLOCK;
    int32_t bounds[KQ_BLOCKS], least = INT32_MAX;
    uint32_t nearest = 0, best = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const uint8_t *low = plane->least[b], *high = plane->most[b];
        bounds[b] = kq_color_distance(kq_outside_range(middle[0], low[0], high[0]),
                                      kq_outside_range(middle[1], low[1], high[1]),
                                      kq_outside_range(middle[2], low[2], high[2]));
        if (bounds[b] < bounds[nearest])
            nearest = b;
    }
    kq_nearest_of_block(plane, nearest, middle, &least, 0);
    least++; /* the first of equal ones may be in a block ahead */
    for (uint32_t b = 0; b < blocks; b++)
        if (bounds[b] < least)
            best = kq_nearest_of_block(plane, b, middle, &least, best);
    plane->cells[cell] = (uint16_t)best;
    return best;
}

KQ_INLINE int kq_byte(int x)
{
    return x < 0 ? 0 : x > 255 ? 255 : x;
}

KQ_INLINE int kq_abs(int x)
{
    return x < 0 ? -x : x;
}

/* The bits that x takes. */
KQ_INLINE uint32_t kq_log(uint32_t x)
{
    uint32_t bits = 0;
    for (; x; x >>= 1)
        bits++;
    return bits;
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

/* Colours predicted from the neighbours' colours, as the entries nearest to them:
 * the median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro 2000), means,
 * and lines continued. `all` of them, or the first three only. */
KQ_INLINE void kq_predict(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (plane->k > KQ_GEOMETRY_MAX) {
        for (int i = KQ_MEDIAN; i <= KQ_RISE; i++)
            f[i] = f[KQ_W];
        s->activity = f[KQ_ACTIVITY] = 0;
        return;
    }
    const uint8_t *colors = plane->colors;
    const uint8_t *w = colors + 3 * f[KQ_W], *n = colors + 3 * f[KQ_N];
    const uint8_t *nw = colors + 3 * f[KQ_NW], *ne = colors + 3 * f[KQ_NE];
    const uint8_t *ww = colors + 3 * f[KQ_WW], *nn = colors + 3 * f[KQ_NN];
    const uint8_t *nne = colors + 3 * f[KQ_NNE];
    int median[3], mean[3], wide[3], slant[3], along[3], down[3], rise[3], activity = 0;
    for (int c = 0; c < 3; c++) {
        int high = w[c] > n[c] ? w[c] : n[c], low = w[c] > n[c] ? n[c] : w[c];
        median[c] = nw[c] >= high ? low : nw[c] <= low ? high : w[c] + n[c] - nw[c];
        mean[c] = kq_byte((2 * (w[c] + n[c]) + ne[c] - nw[c]) >> 2);
        activity += kq_abs(w[c] - nw[c]) + kq_abs(n[c] - nw[c]) + kq_abs(n[c] - ne[c]) +
                    kq_abs(w[c] - ww[c]);
        wide[c] = kq_byte((7 * (w[c] + n[c]) + 2 * (ne[c] + nw[c]) - ww[c] - nn[c] + 8) >> 4);
        if (all) {
            slant[c] = kq_byte(w[c] + ne[c] - n[c]);
            along[c] = kq_byte(2 * w[c] - ww[c]);
            down[c] = kq_byte(2 * n[c] - nn[c]);
            rise[c] = kq_byte(n[c] + ne[c] - nne[c]);
        }
    }
    f[KQ_MEDIAN] = kq_nearest_entry(plane, median);
    f[KQ_MEAN] = kq_nearest_entry(plane, mean);
    f[KQ_WIDE] = kq_nearest_entry(plane, wide);
    if (all) {
        f[KQ_SLANT] = kq_nearest_entry(plane, slant);
        f[KQ_ALONG] = kq_nearest_entry(plane, along);
        f[KQ_DOWN] = kq_nearest_entry(plane, down);
        f[KQ_RISE] = kq_nearest_entry(plane, rise);
    }
    uint32_t log = kq_log((uint32_t)activity >> 3);
    s->activity = f[KQ_ACTIVITY] = log > 7 ? 7 : log;
}

#define KQ_BIT(feature) (1u << (feature))
/* The contexts, each a set of features; a model has the first so many. */
static const uint32_t kq_context_features[KQ_MAX_CONTEXTS] = {
    KQ_BIT(KQ_W) | KQ_BIT(KQ_WW),
    KQ_BIT(KQ_EQUAL22),
    KQ_BIT(KQ_MEDIAN) | KQ_BIT(KQ_ACTIVITY),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N) | KQ_BIT(KQ_NE),
    KQ_BIT(KQ_N),
    KQ_BIT(KQ_N) | KQ_BIT(KQ_NN) | KQ_BIT(KQ_NNN),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N) | KQ_BIT(KQ_NW),
    KQ_BIT(KQ_WIDE) | KQ_BIT(KQ_ACTIVITY) | KQ_BIT(KQ_MEAN),
    /* of the model best alone, from here */
    KQ_BIT(KQ_W),
    KQ_BIT(KQ_EQUAL10) | KQ_BIT(KQ_ACTIVITY),
    KQ_BIT(KQ_SLANT) | KQ_BIT(KQ_ALONG),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_WW) | KQ_BIT(KQ_WWW),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N) | KQ_BIT(KQ_NW) | KQ_BIT(KQ_NE) | KQ_BIT(KQ_WW) |
        KQ_BIT(KQ_NN) | KQ_BIT(KQ_NWW) | KQ_BIT(KQ_NEE) | KQ_BIT(KQ_NNW) | KQ_BIT(KQ_NNE) |
        KQ_BIT(KQ_WWW) | KQ_BIT(KQ_NNN),
    KQ_BIT(KQ_RISE) | KQ_BIT(KQ_W),
    KQ_BIT(KQ_N) | KQ_BIT(KQ_NN),
    KQ_BIT(KQ_N) | KQ_BIT(KQ_NE) | KQ_BIT(KQ_NN) | KQ_BIT(KQ_NNE),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_NE),
    KQ_BIT(KQ_MEDIAN) | KQ_BIT(KQ_N),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N) | KQ_BIT(KQ_NW) | KQ_BIT(KQ_NE) | KQ_BIT(KQ_WW) |
        KQ_BIT(KQ_NN),
    KQ_BIT(KQ_EQUAL10) | KQ_BIT(KQ_W),
    KQ_BIT(KQ_DOWN) | KQ_BIT(KQ_W),
    KQ_BIT(KQ_W) | KQ_BIT(KQ_N) | KQ_BIT(KQ_NW) | KQ_BIT(KQ_NE) | KQ_BIT(KQ_WW) |
        KQ_BIT(KQ_NN) | KQ_BIT(KQ_NWW) | KQ_BIT(KQ_NEE) | KQ_BIT(KQ_NNE),
    KQ_BIT(KQ_MEAN) | KQ_BIT(KQ_W),
};

#define KQ_MULTIPLIER 0x9E3779B1u

KQ_INLINE uint32_t kq_scramble(uint32_t h)
{
    h ^= h >> 15;
    h *= 0x2C1B3C6Du;
    return h ^ h >> 12;
}

/* The hashes of the first `count` contexts. */
KQ_INLINE void kq_hash_contexts(const kq_surroundings *s, int count, uint32_t *hashes)
{
    uint32_t terms[KQ_FEATURES], multiplier = 1;
    for (int j = 0; j < KQ_FEATURES; j++) {
        multiplier *= KQ_MULTIPLIER;
        terms[j] = (s->feature[j] + 1) * multiplier;
    }
#pragma GCC unroll 24
    for (int i = 0; i < count; i++) {
        uint32_t sum = 0;
#pragma GCC unroll 22
        for (int j = 0; j < KQ_FEATURES; j++)
            if (kq_context_features[i] >> j & 1)
                sum += terms[j];
        hashes[i] = sum;
    }
}

#endif
