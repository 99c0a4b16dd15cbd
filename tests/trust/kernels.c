/* Every kernel on the same made-up data, one line of a name and a digest each.
 *
 * Plain C, so that it runs where Python doesn't: other compilers, word sizes and
 * processors must print the same lines (tests/trust/same_bytes.py). With a number
 * as its argument it does everything on so many threads at once, each beginning at
 * another kernel, and fails if one of them finds another digest than the others: for
 * ThreadSanitizer, too.
 *
 *     cc -std=gnu99 -O2 -ffp-contract=off -I kqcodec/kernels/c tests/trust/kernels.c -lpthread
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "search/nearest.h"
#include "pixels/colors.h"
#include "context/context.h"
#include "coding/numbers.h"
#include "frames/chain.h"
#include "frames/moves.h"
#include "regions/coloring.h"
#include "tokens/encode.h"
#include "search/variance_cuts.h"
#include "coding/dense.h"
#include "pixels/diffuse.h"
#include "search/opaque_lloyd.h"
#include "search/merge_split.h"
#include "search/neighbors.h"
#include "search/grid_descent.h"
#include "coding/packed.h"
#include "pixels/paint.h"
#include "coding/palette_coder.h"
#include "coding/range_coder.h"
#include "search/search_round.h"
#include "search/seeds.h"
#include "context/tree.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void must(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static void *room(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    must(memory != NULL, "no memory");
    return memory;
}

/* --- digests and data ------------------------------------------------------- */

/* FNV-1a, of numbers as their bytes from the lowest up: the same for every byte order. */
static void add(uint64_t *digest, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *digest = (*digest ^ (value >> (8 * i) & 255)) * UINT64_C(0x100000001B3);
}

#define ADD_ARRAY(digest, array, count, size)                       \
    for (size_t add_i = 0; add_i < (size_t)(count); add_i++)        \
    add(digest, (uint64_t)(array)[add_i], size)

/* Weyl's sequence, scrambled: Steele, Lea and Flood's SplitMix64. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((draw(state) >> 32) * limit >> 32);
}

enum { FLAT, AREAS, TILED, GRADIENT, SPECKS, NOISE, KINDS };

/* Labels below k of a picture of some kind. */
static void draw_labels(int kind, uint32_t k, size_t width, size_t height, int wide, void *labels)
{
    uint64_t random = 1 + (uint64_t)kind;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            uint64_t area = 1000 * (y / 5) + (x + y / 3) / 7;
            uint32_t noise = below(&random, k), label = noise;
            if (kind == FLAT)
                label = k - 1;
            else if (kind == AREAS)
                label = below(&area, k);
            else if (kind == TILED)
                label = (uint32_t)(5 * (y % 4) + x % 5) % k;
            else if (kind == GRADIENT)
                label = (uint32_t)((x + y + (noise & 1)) * k / (width + height));
            else if (kind == SPECKS)
                label = below(&random, 32) ? k / 2 : noise;
            kq_label_set(labels, y * width + x, wide, label);
        }
}

static void draw_colors(uint32_t k, size_t channels, uint8_t *colors)
{
    uint64_t random = k;
    for (size_t i = 0; i < k * channels; i++)
        colors[i] = (uint8_t)below(&random, 256);
}

static const uint32_t some_k[] = {2, 3, 7, 16, 17, 100, 255, 256, 257, 1000, 4097, 65536};

/* --- labels to bytes --------------------------------------------------------- */

#define TILE_WIDTH 67
#define TILE_HEIGHT 41
#define TILE (TILE_WIDTH * TILE_HEIGHT)

static void of_packed(uint64_t *digest)
{
    uint16_t labels[TILE], back[TILE];
    uint8_t payload[2 * TILE];
    for (int wide = 0; wide < 2; wide++)
        for (int bits = 1; bits <= 8 << wide; bits++) {
            size_t size = ((size_t)TILE * (size_t)bits + 7) / 8;
            draw_labels(NOISE, 1u << bits, TILE_WIDTH, TILE_HEIGHT, wide, labels);
            kq_pack(labels, wide, TILE, bits, payload);
            kq_unpack(payload, wide, TILE, bits, back);
            must(memcmp(labels, back, TILE << wide) == 0, "unpack(pack) differs");
            ADD_ARRAY(digest, payload, size, 1);
        }
}

/* ceil(n log2 k), by whole numbers: the bits of k^n - 1. */
static int bits_of_power(uint32_t k, size_t n)
{
    uint32_t words[KQ_DENSE_MAX_WORDS + 2] = {1};
    size_t used = 1;
    for (size_t i = 0; i < n; i++)
        used = kq_multiply_add(words, used, k, 0);
    int bits = 0, single = 1;
    for (size_t i = 0; i < used; i++)
        for (int b = 0; b < 32; b++)
            if (words[i] >> b & 1) {
                single = bits == 0;
                bits = (int)(32 * i) + b + 1;
            }
    return single ? bits - 1 : bits;
}

static void of_dense(uint64_t *digest)
{
    /* K and its n of rule 8.2 */
    static const uint32_t shapes[][2] = {{2, 1},    {3, 41},   {7, 26},      {10, 31},
                                         {16, 1},   {17, 34},  {255, 178},   {256, 1},
                                         {257, 112}, {32769, 198}, {65535, 1}};
    uint16_t labels[TILE], back[TILE];
    uint8_t payload[2 * TILE + 8];
    for (size_t s = 0; s < COUNT(shapes); s++) {
        uint32_t k = shapes[s][0];
        size_t block = shapes[s][1], tail = TILE % block;
        int wide = k > 256, block_bits = bits_of_power(k, block);
        int tail_bits = tail ? bits_of_power(k, tail) : 0;
        size_t bits = TILE / block * (size_t)block_bits + (size_t)tail_bits;
        draw_labels(NOISE, k, TILE_WIDTH, TILE_HEIGHT, wide, labels);
        kq_dense_encode(labels, wide, TILE, k, block, block_bits, tail_bits, payload);
        must(kq_dense_decode(payload, wide, TILE, k, block, block_bits, tail_bits, back),
             "dense refuses its own");
        must(memcmp(labels, back, TILE << wide) == 0, "dense_decode(dense_encode) differs");
        ADD_ARRAY(digest, payload, (bits + 7) / 8, 1);
        memset(payload, 0xFF, (bits + 7) / 8); /* K^n and more, where there is such */
        add(digest, (uint64_t)kq_dense_decode(payload, wide, TILE, k, block, block_bits, tail_bits, back), 1);
    }
}

static void of_paint(uint64_t *digest)
{
    uint16_t labels[TILE];
    uint8_t colors[4 * 1000];
    size_t stride = 4 * TILE_WIDTH + 12, size = TILE_HEIGHT * stride;
    uint8_t *out = room(size, 1);
    for (size_t channels = 1; channels <= 4; channels++)
        for (int wide = 0; wide < 2; wide++) {
            uint32_t k = wide ? 1000 : 200;
            draw_colors(k, channels, colors);
            draw_labels(NOISE, k, TILE_WIDTH, TILE_HEIGHT, wide, labels);
            memset(out, 0, size);
            kq_paint(labels, wide, TILE_HEIGHT, TILE_WIDTH, colors, k, channels, out, stride);
            ADD_ARRAY(digest, out, size, 1);
        }
    free(out);
}

static void of_range_coder(uint64_t *digest)
{
    enum { BITS = 20000 };
    uint8_t *payload = room(BITS, 1), *bits = room(BITS, 1);
    uint16_t *chances = room(BITS, sizeof *chances);
    uint64_t random = 5;
    size_t size = 0;
    kq_range_encoder encoder;
    kq_range_decoder decoder;
    kq_range_encoder_init(&encoder, payload, BITS);
    for (size_t i = 0; i < BITS; i++) {
        /* all sizes, the least and the greatest among them */
        uint32_t shift = below(&random, 17);
        chances[i] = (uint16_t)(1 + (below(&random, 65535) >> shift));
        if (below(&random, 2))
            chances[i] = (uint16_t)(65536 - chances[i]);
        bits[i] = below(&random, 65536) < chances[i];
        kq_range_encode(&encoder, bits[i], chances[i]);
    }
    must(kq_range_finish(&encoder, &size), "the range coder needs more room");
    ADD_ARRAY(digest, payload, size, 1);
    kq_range_decoder_init(&decoder, payload, size);
    for (size_t i = 0; i < BITS; i++)
        must(kq_range_decode(&decoder, chances[i]) == bits[i], "the range coder differs");
    must(kq_range_decoder_valid(&decoder), "the range decoder refuses");
    free(payload);
    free(bits);
    free(chances);
}

static void of_palette(uint64_t *digest)
{
    static const uint32_t sizes[] = {1, 2, 5, 33, 300};
    uint8_t plain[4 * 300], back[4 * 300], payload[4000];
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int channels = 3; channels <= 4; channels++)
            for (int kind = 0; kind < 3; kind++) {
                uint32_t k = sizes[s];
                size_t size = 0, bytes = k * (size_t)channels;
                draw_colors(k, (size_t)channels, plain);
                for (size_t i = 0; kind && i < bytes; i++) { /* greys and a ramp, ascending */
                    size_t entry = i < 3 * k ? i / 3 : i - 3 * k;
                    int other = i < 3 * k && i % 3 != 1; /* than green, which counts first */
                    plain[i] = (uint8_t)(entry * 255 / k / (kind == 2 && other ? 2 : 1));
                }
                must(kq_palette_encode(plain, k, channels, kind > 0, payload, sizeof payload,
                                       &size) == 1, "no palette");
                must(kq_palette_decode(payload, size, k, channels, back) == 1, "not a palette");
                must(memcmp(plain, back, bytes) == 0, "the palette differs");
                ADD_ARRAY(digest, payload, size, 1);
            }
}

static void of_tree(uint64_t *digest)
{
    uint8_t *colors = room(65536, 3);
    uint16_t *order = room(65536, sizeof *order);
    for (size_t s = 0; s < COUNT(some_k); s++) {
        draw_colors(some_k[s], 3, colors);
        for (size_t i = 0; i < some_k[s] / 2; i++)
            colors[i] = (uint8_t)(colors[i] & 0xC0); /* ties */
        must(kq_tree_order(colors, some_k[s], order), "no memory");
        ADD_ARRAY(digest, order, some_k[s], 2);
    }
    free(colors);
    free(order);
}

static kq_logistic tables; /* filled by main */

/* One tile there and back; its payload goes into the digest. */
static void code_tile(uint64_t *digest, int setting, int kind, uint32_t k, uint8_t *colors,
                      uint16_t *order)
{
    uint16_t labels[TILE], back[TILE];
    uint8_t payload[4 * TILE];
    size_t size = 0;
    kq_tile tile = {order, colors, k, setting, TILE_WIDTH, TILE_HEIGHT, k > 256};
    draw_labels(kind, k, tile.width, tile.height, tile.wide, labels);
    must(kq_context_encode(&tables, &tile, labels, payload, sizeof payload, &size) == 1, "no tile");
    must(kq_context_decode(&tables, &tile, payload, size, back) == 1, "not a tile");
    must(memcmp(labels, back, TILE << tile.wide) == 0, "the tile differs");
    ADD_ARRAY(digest, payload, size, 1);
}

/* Every kind of picture with every K, and the question, matches and rates by turns. */
static void code_tiles(uint64_t *digest, int model)
{
    uint8_t *colors = room(65536, 3);
    uint16_t *order = room(65536, sizeof *order);
    for (size_t s = 0; s < COUNT(some_k); s++) {
        draw_colors(some_k[s], 3, colors);
        must(kq_tree_order(colors, some_k[s], order), "no memory");
        for (int kind = 0; kind < KINDS; kind++) {
            int turn = (int)s + kind, asks = turn % 3 != 0, match = turn % 4 != 0;
            int setting = model << 6 | asks << 4 | match << 3 | (5 * turn) % 8;
            code_tile(digest, setting, kind, some_k[s], colors, order);
        }
    }
    free(colors);
    free(order);
}

static void of_small(uint64_t *digest) { code_tiles(digest, KQ_SMALL); }
static void of_large(uint64_t *digest) { code_tiles(digest, KQ_LARGE); }

/* Every kind of picture with every K, and one that is large and noisy enough for bands. */
static void of_tokens(uint64_t *digest)
{
    enum { SIDE = 130, MOST = SIDE * SIDE };
    uint16_t *order = room(65536, sizeof *order), *labels = room(MOST, sizeof *labels);
    uint16_t *back = room(MOST, sizeof *back);
    uint8_t *payload = room(1, 1 << 20);
    for (size_t s = 0; s < COUNT(some_k); s++)
        for (int kind = 0; kind <= KINDS; kind++) {
            const uint32_t k = some_k[s];
            const int large = kind == KINDS, wide = k > 256;
            const size_t width = large ? SIDE : TILE_WIDTH, height = large ? SIDE : TILE_HEIGHT;
            uint64_t random = 5;
            size_t size = 0;
            for (uint32_t i = 0; i < k; i++)
                order[i] = (uint16_t)(k - 1 - i);
            kq_tokens_tile tile = {order, k, width, height, wide, labels};
            if (!large)
                draw_labels(kind, k, width, height, wide, labels);
            for (uint32_t i = 0, label = 0; large && i < MOST; i++) {
                label = (label + k + below(&random, 3) - 1) % k;
                kq_label_set(labels, i, wide, label);
            }
            must(kq_tokens_encode(&tile, payload, 1 << 20, &size) == 1, "no tile");
            tile.labels = back;
            must(kq_tokens_decode(&tile, payload, size) == 1, "not a tile");
            must(memcmp(labels, back, width * height << wide) == 0, "the tile differs");
            ADD_ARRAY(digest, payload, size, 1);
        }
    free(order);
    free(labels);
    free(back);
    free(payload);
}

static void of_numbers(uint64_t *digest)
{
    enum { MOST = 3000 };
    uint64_t *numbers = room(MOST, sizeof *numbers), *back = room(MOST, sizeof *back);
    const uint64_t counts[3] = {MOST / 3, 0, MOST - MOST / 3};
    uint8_t *payload = room(1, 1 << 20);
    uint64_t random = 11;
    size_t size = 0;
    for (size_t i = 0; i < MOST; i++)
        numbers[i] = i < MOST / 3 ? below(&random, 9)
                                  : ((uint64_t)below(&random, 1 << 30) << (i % 35)) | i;
    must(kq_numbers_encode(counts, 3, numbers, payload, 1 << 20, &size), "no lists");
    must(kq_numbers_decode(payload, size, counts, 3, back) == 1, "not lists");
    must(memcmp(numbers, back, MOST * sizeof *back) == 0, "the lists differ");
    ADD_ARRAY(digest, payload, size, 1);
    free(numbers);
    free(back);
    free(payload);
}

static void of_regions(uint64_t *digest)
{
    enum { SIDE = 90, MOST = SIDE * SIDE, AREAS = 400 };
    uint16_t *labels = room(MOST, sizeof *labels), *back = room(MOST, sizeof *back);
    uint8_t *colors = room(MOST, 1), *payload = room(1, 1 << 20);
    for (uint32_t step = 2; step < 8; step++) {
        const kq_map map = {labels, 2, SIDE, SIDE}, told = {colors, 1, SIDE, SIDE};
        size_t size = 0;
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++)
                labels[y * SIDE + x] =
                    (uint16_t)((y / step * 37 + (x + y / 3) / step * 11) % AREAS);
        const int found = kq_regions_encode(&map, AREAS, colors, payload, 1 << 20, &size);
        must(found > 0, "no regions");
        must(kq_regions_decode(&told, payload, size, AREAS, back, 2) == 1, "not regions");
        for (size_t i = 0; i < MOST; i++)
            must(back[i] == kq_map_at(&map, i), "the regions differ");
        ADD_ARRAY(digest, payload, size, 1);
        ADD_ARRAY(digest, colors, MOST, 1);
    }
    free(labels);
    free(back);
    free(colors);
    free(payload);
}

/* --- pixels to labels ---------------------------------------------------------- */

#define PIXELS 20000
#define CENTERS 100

/* Colours and how often each occurs, points in Morton order, and centres among them. */
typedef struct {
    uint8_t pixels[3 * PIXELS];
    uint32_t keys[PIXELS], order[PIXELS];
    int64_t counts[PIXELS], weights[PIXELS];
    int16_t points[4 * PIXELS];
    uint16_t labels[PIXELS], second_labels[PIXELS];
    int32_t distances[PIXELS], second_distances[PIXELS];
    int16_t centers[4 * CENTERS];
    int64_t sums[4 * CENTERS], totals[CENTERS];
    size_t n;
} picture;

static picture *draw_picture(void)
{
    picture *p = room(1, sizeof *p);
    uint64_t random = 11;
    for (uint32_t i = 0; i < PIXELS; i++) {
        uint32_t x = i % 200, y = i / 200, noise = below(&random, 24);
        uint8_t *pixel = p->pixels + 3 * i;
        pixel[0] = (uint8_t)(x + noise);
        pixel[1] = (uint8_t)(2 * y + noise / 2);
        pixel[2] = (uint8_t)(x * y / 100 + below(&random, 16));
    }
    p->n = kq_count_colors(p->pixels, PIXELS, p->keys, p->counts);
    must(p->n > CENTERS && kq_morton_order(p->keys, p->n, p->order), "no memory");
    for (size_t i = 0; i < p->n; i++) {
        uint32_t key = p->keys[p->order[i]];
        p->weights[i] = p->counts[p->order[i]];
        for (int c = 0; c < 3; c++)
            p->points[4 * i + (size_t)c] = (int16_t)((key >> (16 - 8 * c) & 255) * 64);
        p->points[4 * i + 3] = (int16_t)(key % 256 * 64); /* the fourth channel is used, too */
    }
    for (size_t j = 0; j < CENTERS; j++)
        memcpy(p->centers + 4 * j, p->points + 4 * (j * p->n / CENTERS), 4 * sizeof(int16_t));
    return p;
}

/* The books of the labels as they are. */
static void keep_books(picture *p)
{
    memset(p->sums, 0, sizeof p->sums);
    memset(p->totals, 0, sizeof p->totals);
    must(kq_accumulate(p->points, p->weights, p->labels, p->n, p->sums, p->totals, CENTERS),
         "a label is too large");
}

static kq_assignment assignment_of(picture *p)
{
    kq_assignment work = {0};
    work.points = p->points;
    work.weights = p->weights;
    work.n = p->n;
    work.labels = p->labels;
    work.distances = p->distances;
    return work;
}

/* Nearest centres, with the books. */
static void assign(picture *p)
{
    kq_assignment work = assignment_of(p);
    must(kq_assign(&work, p->centers, CENTERS), "no memory");
    keep_books(p);
}

static void add_clusters(uint64_t *digest, const picture *p)
{
    ADD_ARRAY(digest, p->labels, p->n, 2);
    ADD_ARRAY(digest, p->distances, p->n, 4);
    ADD_ARRAY(digest, p->centers, 4 * CENTERS, 2);
    ADD_ARRAY(digest, p->sums, 4 * CENTERS, 8);
    ADD_ARRAY(digest, p->totals, CENTERS, 8);
}

static void of_colors(uint64_t *digest)
{
    picture *p = draw_picture();
    uint32_t *keys = room(2 * PIXELS, sizeof *keys);
    int64_t *counts = room(2 * PIXELS, sizeof *counts);
    int16_t *means = room(4 * PIXELS, sizeof *means);
    ADD_ARRAY(digest, p->keys, p->n, 4);
    ADD_ARRAY(digest, p->counts, p->n, 8);
    ADD_ARRAY(digest, p->order, p->n, 4);
    size_t half = p->n / 2, third = p->n / 3;
    size_t merged = kq_merge_colors(p->keys, p->counts, half, p->keys + third, p->counts + third,
                                    p->n - third, keys, counts);
    ADD_ARRAY(digest, keys, merged, 4);
    ADD_ARRAY(digest, counts, merged, 8);
    uint32_t *ordered = room(PIXELS, sizeof *ordered);
    for (size_t i = 0; i < p->n; i++)
        ordered[i] = p->keys[p->order[i]];
    size_t cells = kq_merge_cells(p->points, p->weights, ordered, p->n, 0xF0F0F0, means, counts, keys);
    ADD_ARRAY(digest, means, 4 * cells, 2);
    ADD_ARRAY(digest, counts, cells, 8);
    ADD_ARRAY(digest, keys, cells, 4);
    free(keys);
    free(counts);
    free(means);
    free(ordered);
    free(p);
}

static void of_look_up(uint64_t *digest)
{
    picture *p = draw_picture();
    uint16_t *labels = room(PIXELS, sizeof *labels), *out = room(PIXELS, sizeof *out);
    for (int wide = 0; wide < 2; wide++) {
        void *table = room((size_t)1 << 24, (size_t)1 << wide);
        draw_labels(NOISE, wide ? 60000 : 256, p->n, 1, wide, labels);
        kq_fill_table(p->keys, labels, wide, p->n, table);
        kq_look_up(p->pixels, PIXELS, table, wide, out);
        for (size_t i = 0; i < PIXELS; i++)
            add(digest, kq_label_get(out, i, wide), 2);
        free(table);
    }
    free(labels);
    free(out);
    free(p);
}

static void of_nearest(uint64_t *digest)
{
    picture *p = draw_picture();
    uint16_t found[KQ_MOST_NEAR];
    kq_assignment work = assignment_of(p);
    must(kq_assign(&work, p->centers, CENTERS), "no memory");
    ADD_ARRAY(digest, p->labels, p->n, 2);
    ADD_ARRAY(digest, p->distances, p->n, 4);
    work.second_labels = p->second_labels;
    work.second_distances = p->second_distances;
    must(kq_assign(&work, p->centers, CENTERS), "no memory");
    ADD_ARRAY(digest, p->labels, p->n, 2);
    ADD_ARRAY(digest, p->distances, p->n, 4);
    ADD_ARRAY(digest, p->second_labels, p->n, 2);
    ADD_ARRAY(digest, p->second_distances, p->n, 4);
    for (size_t j = 0; j < CENTERS; j++) {
        size_t count = kq_near(p->centers, CENTERS, p->centers + 4 * j, 20, found);
        ADD_ARRAY(digest, found, count, 2);
    }
    free(p);
}

static void of_seeds(uint64_t *digest)
{
    picture *p = draw_picture();
    uint64_t randoms[CENTERS], random = 3;
    uint32_t chosen[CENTERS];
    for (size_t j = 0; j < CENTERS; j++)
        randoms[j] = draw(&random);
    must(kq_plus_plus(p->points, p->weights, p->n, randoms, CENTERS, chosen), "no memory");
    ADD_ARRAY(digest, chosen, CENTERS, 4);
    free(p);
}

static void add_doubles(uint64_t *digest, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, values + i, sizeof bits);
        add(digest, bits, 8);
    }
}

static void of_cuts(uint64_t *digest)
{
    picture *p = draw_picture();
    double gains[CENTERS];
    int16_t halves[8 * CENTERS];
    assign(p);
    must(kq_split_gains(p->points, p->weights, p->labels, p->n, gains, halves, CENTERS) == 1,
         "no memory");
    add_doubles(digest, gains, CENTERS);
    ADD_ARRAY(digest, halves, 8 * CENTERS, 2);
    for (size_t i = 0; i < p->n; i++) /* sums that no double holds exactly */
        p->weights[i] += p->weights[i] << (i % 38);
    for (int round = 0; round < 2; round++) {
        size_t count = kq_variance_cuts(p->points, p->weights, p->n, p->centers, CENTERS);
        must(count > 0, "no memory");
        ADD_ARRAY(digest, p->centers, 4 * count, 2);
        for (size_t i = 0; i < p->n; i++)
            p->weights[i] = 1 + (int64_t)i % 3;
    }
    free(p);
}

static void of_lloyd(uint64_t *digest)
{
    static const int relax[] = {16, 24, 29};
    for (size_t r = 0; r < COUNT(relax); r++) {
        picture *p = draw_picture();
        int64_t costs[30];
        kq_assignment work = assignment_of(p);
        assign(p);
        work.sums = p->sums;
        work.counts = p->totals;
        int done = kq_lloyd(&work, p->centers, CENTERS, 30, relax[r], 16, -1, costs);
        must(done > 1, "no memory");
        ADD_ARRAY(digest, costs, done, 8);
        add_clusters(digest, p);
        free(p);
    }
}

static void of_moves(uint64_t *digest)
{
    picture *p = draw_picture();
    double gains[CENTERS];
    int16_t halves[8 * CENTERS];
    uint16_t pairs[2 * CENTERS];
    uint8_t outcomes[CENTERS] = {0}, touched[CENTERS] = {0};
    assign(p);
    must(kq_split_gains(p->points, p->weights, p->labels, p->n, gains, halves, CENTERS) == 1,
         "no memory");
    for (uint16_t j = 0; j < CENTERS; j++) {
        pairs[2 * j] = j;
        pairs[2 * j + 1] = (uint16_t)((7 * j + 13) % CENTERS == j ? (j + 1) % CENTERS
                                                                : (7 * j + 13) % CENTERS);
    }
    kq_clustering all = {p->points, p->weights, p->n,    CENTERS,   p->labels,
                         p->distances, p->centers, p->sums, p->totals};
    kq_round round = {pairs, CENTERS, halves, 6, 60, 8, 24, 12, outcomes, touched};
    int64_t fall = kq_merge_and_split(&all, &round);
    must(fall >= 0, "no memory");
    add(digest, (uint64_t)fall, 8);
    ADD_ARRAY(digest, outcomes, CENTERS, 1);
    ADD_ARRAY(digest, touched, CENTERS, 1);
    add_clusters(digest, p);
    free(p);
}

static void of_round(uint64_t *digest)
{
    picture *p = draw_picture();
    int32_t *failed = room(CENTERS * CENTERS, sizeof *failed), *changed = room(CENTERS, sizeof *changed);
    kq_memory memory = {failed, changed, 0};
    memset(failed, 0, CENTERS * CENTERS * sizeof *failed);
    memset(changed, 0, CENTERS * sizeof *changed);
    assign(p);
    for (memory.number = 1; memory.number <= 5; memory.number++) {
        kq_clustering all = {p->points, p->weights, p->n,    CENTERS,   p->labels,
                             NULL,      p->centers, p->sums, p->totals};
        kq_round round = {NULL, 0, NULL, 9, 12, 6, 29, 12, NULL, NULL};
        int64_t cost;
        size_t tried, kept;
        must(kq_search_round(&all, &round, 32, 0.1, &memory, &cost, &tried, &kept), "no memory");
        add(digest, (uint64_t)cost, 8);
        add(digest, tried, 8);
        add(digest, kept, 8);
    }
    ADD_ARRAY(digest, failed, CENTERS * CENTERS, 4);
    ADD_ARRAY(digest, changed, CENTERS, 4);
    assign(p);
    add_clusters(digest, p);
    free(failed);
    free(changed);
    free(p);
}

static void of_kinds(uint64_t *digest)
{
    picture *p = draw_picture();
    for (size_t i = 0; i < p->n; i++)
        p->points[4 * i + 3] = i < p->n / 2 ? 16320 : (int16_t)(i * 97 % 16320);
    for (size_t j = 0; j < CENTERS; j++)
        p->centers[4 * j + 3] = j < CENTERS / 3 ? 16320 : (int16_t)(j * 1201 % 16320);
    for (int iterations = 0; iterations <= 20; iterations += 10) {
        kq_kinds all = {0};
        kq_choices now = {p->centers, p->labels, p->distances, 0};
        all.points = p->points;
        all.weights = p->weights;
        all.n = p->n;
        all.opaque_points = p->n / 2;
        all.k = CENTERS;
        all.opaque = CENTERS / 3;
        all.movable = CENTERS - 1;
        int left = kq_settle_kinds(&all, &now, iterations, 13);
        must(left >= 0, "no memory");
        add(digest, (uint64_t)left, 8);
        add(digest, (uint64_t)now.cost, 8);
    }
    keep_books(p);
    add_clusters(digest, p);
    free(p);
}

static void of_nudge(uint64_t *digest)
{
    enum { REACH = 12 };
    picture *p = draw_picture();
    uint16_t neighbors[CENTERS * REACH], found[REACH + 1];
    uint8_t active[CENTERS];
    for (size_t i = 0; i < p->n; i++)
        p->points[4 * i + 3] = 0; /* it moves in three channels */
    for (size_t j = 0; j < CENTERS; j++) {
        p->centers[4 * j + 3] = 0;
        for (size_t c = 0; c < 3; c++)
            p->centers[4 * j + c] = (int16_t)(p->centers[4 * j + c] / 64 * 64);
    }
    assign(p);
    memset(active, 1, sizeof active);
    for (int pass = 0; pass < 4; pass++) {
        for (size_t j = 0; j < CENTERS; j++) {
            size_t count = kq_near(p->centers, CENTERS, p->centers + 4 * j, REACH + 1, found), kept = 0;
            for (size_t r = 0; r < count; r++)
                if (found[r] != j && kept < REACH)
                    neighbors[j * REACH + kept++] = found[r];
        }
        kq_nudging work = {0};
        work.points = p->points;
        work.weights = p->weights;
        work.n = p->n;
        work.k = CENTERS;
        work.reach = REACH;
        work.centers = p->centers;
        work.labels = p->labels;
        work.distances = p->distances;
        work.neighbors = neighbors;
        work.active = active;
        work.step = 64;
        must(kq_nudge(&work), "no memory");
        add(digest, (uint64_t)work.fall, 8);
        add(digest, work.moved, 8);
    }
    keep_books(p);
    add_clusters(digest, p);
    free(p);
}

static void of_diffuse(uint64_t *digest)
{
    enum { WIDTH = 120 };
    picture *p = draw_picture();
    size_t height = p->n / WIDTH;
    uint8_t *mask = room(p->n, 1);
    int32_t *errors = room(4 * (WIDTH + 2), sizeof *errors);
    for (size_t i = 0; i < p->n; i++)
        mask[i] = i % 37 != 0;
    for (int strength = 100; strength <= 256; strength += 78) {
        memset(errors, 0, 4 * (WIDTH + 2) * sizeof *errors);
        must(kq_diffuse(p->points, mask, height, WIDTH, p->centers, CENTERS, strength,
                        strength & 1, errors, p->labels), "no memory");
        ADD_ARRAY(digest, p->labels, height * WIDTH, 2);
        ADD_ARRAY(digest, errors, 4 * (WIDTH + 2), 4);
    }
    free(mask);
    free(errors);
    free(p);
}

/* Frames of which two parts have moved, and one is another. */
static void of_frame_moves(uint64_t *digest)
{
    enum { WIDTH = 200, HEIGHT = 150, STRIDE = 210 };
    uint16_t *before = room(STRIDE * HEIGHT, sizeof *before);
    uint16_t *now = room(STRIDE * HEIGHT, sizeof *now);
    for (int kind = AREAS; kind <= NOISE; kind++)
        for (uint32_t by = 1; by < 40; by += 6) {
            kq_shift moves[KQ_MOST_MOVES];
            draw_labels(kind, 60000, STRIDE, HEIGHT, 1, before);
            memcpy(now, before, STRIDE * HEIGHT * sizeof *now);
            for (size_t y = 0; y < HEIGHT; y++)
                for (size_t x = 0; x + by < WIDTH; x++)
                    now[y * STRIDE + x] = y < 70    ? before[y * STRIDE + x + by]
                                          : y < 100 ? before[(y - by) * STRIDE + x]
                                                    : (uint16_t)(x ^ y);
            const int found = kq_find_moves(now, before, STRIDE, WIDTH, HEIGHT, moves);
            must(found >= 0, "no memory");
            for (int i = 0; i < found; i++) {
                add(digest, (uint32_t)moves[i].dx, 4);
                add(digest, (uint32_t)moves[i].dy, 4);
            }
            add(digest, (uint64_t)found, 1);
        }
    free(before);
    free(now);
}

/* A frame of some kind from the one before: it has moved, is painted over, sprinkled, what it was
 * two frames ago, or the same. */
static void draw_next(int turn, uint32_t k, const uint16_t *before, const uint16_t *last,
                      uint16_t *now)
{
    uint64_t random = (uint64_t)turn;
    for (size_t y = 0; y < TILE_HEIGHT; y++)
        for (size_t x = 0; x < TILE_WIDTH; x++) {
            const size_t i = y * TILE_WIDTH + x;
            const uint32_t noise = below(&random, k), inside = x > 20 && x < 50 && y > 10 && y < 30;
            uint32_t label = last[i];
            if (turn % 6 == 0 && x >= 3)
                label = last[i - 3];
            else if (turn % 6 == 1 && y + 2 < TILE_HEIGHT)
                label = last[i + 2 * TILE_WIDTH];
            else if (turn % 6 == 2 && inside)
                label = (last[i] + 1) % k;
            else if (turn % 6 == 3)
                label = below(&random, 40) ? label : noise;
            else if (turn % 6 == 4)
                label = before[i];
            now[i] = (uint16_t)label;
        }
}

/* Every kind of picture with every K, from frame to frame, with colours and without, and more
 * frames than are kept. */
static void of_chains(uint64_t *digest)
{
    enum { FRAMES = 22, MOST = 4 * TILE };
    uint8_t *colors = room(65536, 3), *payload = room(MOST, 1);
    uint16_t *order = room(65536, sizeof *order), *frames = room(FRAMES * TILE, sizeof *frames);
    uint16_t *back = room(TILE, sizeof *back);
    uint8_t *memory = room(2 * sizeof(kq_chain) + 63, 1);
    /* one that encodes, and one that decodes, where vectors may stand */
    kq_chain *pair = (kq_chain *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    for (size_t s = 0; s < COUNT(some_k); s++)
        for (int kind = 0; kind < KINDS; kind++) {
            const uint32_t k = some_k[s];
            const int turn = (int)s + kind, match = turn % 4 != 0, named = turn % 3 == 0;
            const int asks = turn % 5 != 0;
            const int setting = (1 + turn % 3) << 6 | asks << 4 | match << 3 | (5 * turn) % 8;
            const int count = kind == AREAS ? FRAMES : 7;
            kq_tile tile = {order, named ? NULL : colors, k, setting, TILE_WIDTH, TILE_HEIGHT, 1};
            draw_colors(k, 3, colors);
            must(kq_tree_order(colors, k, order), "no memory");
            for (uint32_t i = 0; i < k && named; i++)
                order[i] = (uint16_t)i;
            draw_labels(kind, k, TILE_WIDTH, TILE_HEIGHT, 1, frames);
            for (int i = 0; i < 2; i++)
                must(kq_chain_open(pair + i, &tables, &tile), "no memory");
            for (int i = 0; i < count; i++) {
                uint16_t *now = frames + i * TILE;
                size_t size = 0;
                if (i)
                    draw_next(turn + i, k, now - (i > 1 ? 2 : 1) * TILE, now - TILE, now);
                must(kq_chain_encode(pair, now, payload, MOST, &size) == 1, "no frame");
                const long long work = kq_chain_decode(pair + 1, payload, size, back);
                must(work >= 0, "not a frame");
                must(memcmp(now, back, TILE * sizeof *now) == 0, "the frame differs");
                ADD_ARRAY(digest, payload, size, 1);
                add(digest, (uint64_t)work, 8);
                for (int j = 0; j < 2 && i == 4 && turn % 2; j++) /* as behind a still */
                    must(kq_chain_begin(pair + j, now), "no memory");
            }
            for (int i = 0; i < 2; i++)
                kq_chain_close(pair + i);
        }
    free(memory);
    free(colors);
    free(payload);
    free(order);
    free(frames);
    free(back);
}

/* --- all of them ------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*of)(uint64_t *digest);
} kernels[] = {
    {"packed", of_packed},           {"dense", of_dense},     {"paint", of_paint},
    {"range-coder", of_range_coder}, {"palette", of_palette}, {"tree", of_tree},
    {"context-small", of_small},     {"context-large", of_large},
    {"colors", of_colors},           {"look-up", of_look_up},
    {"nearest", of_nearest},         {"seeds", of_seeds},     {"cuts", of_cuts},
    {"lloyd", of_lloyd},             {"moves", of_moves},     {"nudge", of_nudge},
    {"diffuse", of_diffuse},         {"round", of_round},     {"kinds", of_kinds},
    {"tokens", of_tokens},           {"numbers", of_numbers}, {"regions", of_regions},
    {"frame-moves", of_frame_moves}, {"frame-chain", of_chains},
};
#define KERNELS COUNT(kernels)

typedef struct {
    size_t first;
    uint64_t digests[KERNELS];
} run;

static void *run_all(void *argument)
{
    run *all = argument;
    for (size_t i = 0; i < KERNELS; i++) {
        size_t which = (all->first + i) % KERNELS;
        all->digests[which] = UINT64_C(0xCBF29CE484222325);
        kernels[which].of(all->digests + which);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    size_t threads = count > 1 ? strtoul(arguments[1], NULL, 10) : 1;
    must(threads >= 1 && threads <= 256, "usage: kernels [THREADS]");
    pthread_t *handles = room(threads, sizeof *handles);
    run *runs = room(threads, sizeof *runs);
    kq_logistic_init(&tables);
    for (size_t t = 0; t < threads; t++) {
        runs[t].first = 5 * t;
        must(pthread_create(handles + t, NULL, run_all, runs + t) == 0, "no thread");
    }
    for (size_t t = 0; t < threads; t++)
        must(pthread_join(handles[t], NULL) == 0, "no thread");
    for (size_t i = 0; i < KERNELS; i++) {
        for (size_t t = 1; t < threads; t++)
            must(runs[t].digests[i] == runs[0].digests[i], "threads differ");
        printf("%s %016" PRIx64 "\n", kernels[i].name, runs[0].digests[i]);
    }
    free(handles);
    free(runs);
    return 0;
}
