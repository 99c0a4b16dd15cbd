/* The coder `context`: labels as binary decisions, each predicted by mixing what many
 * contexts have seen (spec/kq.md, section 16).
 *
 * A label is first asked for by name: is it the one on the left? Where there is no palette, two
 * more of those around it are asked for. If it is none of them, it is found in the tree, a
 * binary search in the palette. In flat surroundings, and where labels repeat
 * what stands elsewhere, one cheap question is asked of many.
 */
#ifndef KQ_CONTEXT_CONTEXT_H
#define KQ_CONTEXT_CONTEXT_H

#include "coding/packed.h"
#include "coding/range_coder.h"
#include "context/state.h"
#include "frames/planes.h"

/* Of a weight, 3.29, the upper 16 bits of 3.14. */
KQ_INLINE int32_t kq_weight(int32_t weight)
{
    weight >>= 15;
    return weight > 32767 ? 32767 : weight < -32768 ? -32768 : weight;
}

/* Of the final mixer, -4 to 4. */
KQ_INLINE int32_t kq_final_weight(int32_t weight)
{
    return weight > KQ_FINAL_MOST    ? KQ_FINAL_MOST
           : weight < -KQ_FINAL_MOST ? -KQ_FINAL_MOST
                                     : weight;
}

#define KQ_FUNCTION KQ_INLINE
#define KQ_NAME(name) kq_plain_##name
#if defined(KQ_SIMD128) /* no machine that runs this lacks it */
#include "context/view_simd128.h"
#include "context/match.h"
#include "context/mix_simd128.h"
#else
#include "context/view.h"
#include "context/match.h"
#include "context/mix.h"
#endif
#include "context/steps.h"
#include "frames/later.h"
static void kq_plain_small(kq_context *m, size_t from, size_t to)
{
    kq_plain_run(m, KQ_SHAPE_SMALL, from, to);
}
static void kq_plain_large(kq_context *m, size_t from, size_t to)
{
    kq_plain_run(m, KQ_SHAPE_LARGE, from, to);
}
static void kq_plain_later(kq_context *m, const uint16_t *truth, size_t from, size_t to)
{
    kq_plain_rows_later(m, KQ_LATER_LANES, KQ_LATER_SETS, truth, from, to);
}
#undef KQ_FUNCTION
#undef KQ_NAME

#if defined(KQ_AVX2) && defined(__x86_64__)
#define KQ_CONTEXT_AVX2 KQ_TARGET("avx2,bmi,bmi2")
#define KQ_FUNCTION KQ_CONTEXT_AVX2 KQ_INLINE
#define KQ_NAME(name) kq_avx2_##name
#include "context/view_avx2.h"
#include "context/match.h"
#include "context/mix_avx2.h"
#include "context/steps.h"
#include "frames/later.h"
KQ_CONTEXT_AVX2 static void kq_avx2_small(kq_context *m, size_t from, size_t to)
{
    kq_avx2_run(m, KQ_SHAPE_SMALL, from, to);
}
KQ_CONTEXT_AVX2 static void kq_avx2_large(kq_context *m, size_t from, size_t to)
{
    kq_avx2_run(m, KQ_SHAPE_LARGE, from, to);
}
KQ_CONTEXT_AVX2 static void kq_avx2_later(kq_context *m, const uint16_t *truth, size_t from,
                                          size_t to)
{
    kq_avx2_rows_later(m, KQ_LATER_LANES, KQ_LATER_SETS, truth, from, to);
}
#undef KQ_FUNCTION
#undef KQ_NAME

static int kq_context_has_avx2(void)
{
    return KQ_CPU_HAS("avx2") && KQ_CPU_HAS("bmi2");
}
#endif

/* The labels of some rows, which follow those that are known. */
static void kq_context_rows(kq_context *m, size_t from, size_t to)
{
    typedef void coded_rows(kq_context *, size_t, size_t);
    static coded_rows *const plain[KQ_LATER] = {NULL, kq_plain_small, kq_plain_large};
    ptrdiff_t model = m->shape - kq_context_shapes;
#if defined(KQ_CONTEXT_AVX2)
    static coded_rows *const avx2[KQ_LATER] = {NULL, kq_avx2_small, kq_avx2_large};
    if (kq_context_has_avx2()) {
        avx2[model](m, from, to);
        return;
    }
#endif
    plain[model](m, from, to);
}

/* Rows of a frame from the frame before, see frames/later.h; kq_plain_frame begins it. */
static void kq_context_later(kq_context *m, const uint16_t *truth, size_t from, size_t to)
{
#if defined(KQ_CONTEXT_AVX2)
    if (kq_context_has_avx2()) {
        kq_avx2_later(m, truth, from, to);
        return;
    }
#endif
    kq_plain_later(m, truth, from, to);
}

/* --- beginning and end ---------------------------------------------------- */

static int kq_least(int a, int b)
{
    return a < b ? a : b;
}

/* The bits of a setting: the first byte of a payload. */
#define KQ_SETTING_MODEL(setting) ((setting) >> 6 & 3)
#define KQ_SETTING_ASKS(setting) ((setting) >> 4 & 1)
#define KQ_SETTING_MATCH(setting) ((setting) >> 3 & 1)
#define KQ_SETTING_RATE(setting) ((setting)&7)
#define KQ_SETTING_VALID(setting) ((setting) >= 0x40 && (setting) < 0xC0 && !((setting)&0x20))

static const uint16_t kq_first_rates[8] = {115, 162, 230, 325, 459, 650, 918, 1260};

static void kq_context_begin(kq_context *m)
{
    const int lanes = m->shape->lanes;
    for (int i = 0; i < lanes - 1; i++) {
        m->first[i] = 805306368 / (lanes - 1); /* 1.5 for the logits, together */
        if (KQ_HAS_HISTORIES(lanes))
            m->first[2 * lanes + i] = 322122547 / (lanes - 1); /* 0.6 for the histories */
    }
    m->first[lanes - 1] = 161061274; /* 0.3 for the match */
    if (KQ_HAS_HISTORIES(lanes))
        for (int map = 0; map < 2 * lanes; map++)
            memcpy(m->histories + map * KQ_HISTORIES, m->tables->histories,
                   sizeof m->tables->histories);
    for (int i = 0; i < KQ_FINAL_ROWS * KQ_MAX_SETS; i++)
        m->final[i / KQ_MAX_SETS][i % KQ_MAX_SETS] = 65536 / m->shape->sets;
}

static void kq_context_close(kq_context *m)
{
    KQ_FREE(m->memory);
    KQ_FREE(m->displaced);
    KQ_FREE(m->plane.colors);
    KQ_FREE(m->plane.labels);
}

typedef struct {
    const uint16_t *order; /* k: place to entry */
    const uint8_t *colors; /* k x 3, by entry; NULL for none */
    uint32_t k;
    int setting;
    size_t width, height;
    int wide; /* labels of two bytes */
} kq_tile;

/* A model for a tile, k >= 2; `colors`, NULL for none, are in the order of the tree. That of a
 * sequence, of whose tables the largest have 2^slot_bits slots, otherwise 0, has no labels of its
 * own; `shared`, if it isn't NULL, is another one of the same sequence, whose tables it has, too.
 * Returns 0 without memory, and has none then. */
static int kq_context_open(kq_context *m, const kq_logistic *tables, const kq_tile *tile,
                           const uint8_t *colors, int slot_bits, const kq_context *shared)
{
    const int setting = tile->setting;
    const size_t width = tile->width, height = tile->height;
    const uint32_t k = tile->k;
    memset(m, 0, sizeof *m);
    m->tables = tables;
    m->shape = kq_context_shapes + KQ_SETTING_MODEL(setting);
    m->asks = KQ_SETTING_ASKS(setting);
    m->plane.width = width;
    m->plane.height = height;
    m->plane.stride = width + 2 * KQ_MARGIN;
    m->plane.k = k;
    m->plane.colorless = !tile->colors;
    int size = 0; /* ceil(log2 of the labels) */
    while ((size_t)1 << size < width * height)
        size++;
    const int bits = slot_bits ? kq_least(size + 4, slot_bits) : kq_least(size + 2, KQ_SLOT_BITS);
    m->line_bits = (bits < 8 ? 8 : bits) - 4;
    m->place_bits = KQ_SETTING_MATCH(setting) ? kq_least(size < 8 ? 8 : size, 16) : 0;
    m->expected = -1;

    const size_t lanes = (size_t)m->shape->lanes, inputs = KQ_INPUTS(lanes);
    const int table_lanes = slot_bits ? KQ_LATER_LANES : m->shape->lanes;
    const size_t slots = shared ? 0 : (size_t)KQ_TABLES(table_lanes) * KQ_SLOTS << m->line_bits;
    const size_t weights = KQ_ROWS * inputs, places = shared ? 0 : (size_t)1 << m->place_bits;
    const size_t histories = KQ_HAS_HISTORIES(lanes) ? lanes * 2 * KQ_HISTORIES : 0;
    const size_t cells = colors && !shared ? KQ_COLOR_CELLS : 0;
    const size_t bytes = KQ_ALIGNING + (weights + slots + places + histories) * 4 + cells * 2;
    /* Of a sequence's tables a short one uses little: zeros that are there when they are needed. */
    m->memory = slot_bits ? KQ_CALLOC(bytes, 1) : KQ_MALLOC(bytes);
    const size_t labels = (height + KQ_ABOVE) * m->plane.stride + KQ_READ_BEHIND;
    if (!shared) {
        m->displaced = (uint32_t *)KQ_CALLOC(width, sizeof *m->displaced);
        m->plane.colors = colors ? (uint32_t *)KQ_MALLOC(k * sizeof *m->plane.colors) : NULL;
        m->plane.labels = slot_bits ? NULL : (uint16_t *)KQ_CALLOC(labels, sizeof *m->plane.labels);
    }
    if (!m->memory || (!shared && (!m->displaced || (colors && !m->plane.colors))) ||
        (!slot_bits && !m->plane.labels)) {
        kq_context_close(m);
        memset(m, 0, sizeof *m);
        return 0;
    }
    m->weights = (int32_t *)KQ_ALIGNED_AT(m->memory);
    m->slots = (uint32_t *)(m->weights + weights);
    m->places = m->slots + slots;
    if (!slot_bits)
        memset(m->slots, 0, (slots + places) * sizeof *m->slots);
    m->histories = m->places + places;
    m->plane.cells = (uint16_t *)(m->histories + histories);
    for (uint32_t i = 0; i < k && m->plane.colors; i++)
        m->plane.colors[i] =
            colors[3 * i] | (uint32_t)colors[3 * i + 1] << 8 | (uint32_t)colors[3 * i + 2] << 16;
    if (m->plane.colors)
        kq_find_boxes(&m->plane);
    memset(m->plane.cells, 0xFF, cells * sizeof *m->plane.cells);
    if (shared) {
        m->plane = shared->plane;
        m->slots = shared->slots;
        m->places = shared->places;
        m->displaced = shared->displaced;
    }
    for (size_t i = 0; i < 256; i++)
        m->flat[i] = m->alike[i / 2] = m->unlike[i / 2] = KQ_COUNTER_BEGIN;
    for (size_t i = 0; i < 128; i++)
        m->ends[i / 64][i % 64] = KQ_HALF_BEGIN;
    for (size_t i = 0; i < 2 * KQ_MATCH_ROWS; i++)
        m->match[i / KQ_MATCH_ROWS][i % KQ_MATCH_ROWS] = KQ_MATCH_BEGIN;
    const uint32_t rate = kq_first_rates[KQ_SETTING_RATE(setting)];
    for (uint32_t i = 0; i < KQ_RATES; i++)
        m->rates[i] = (rate + 240 * rate / (20 + i)) | (i < KQ_RATES - 1 ? i + 1 : i) << 16;
    for (int i = 0; i < KQ_VECTORS * 8; i++)
        m->vectors[i / 8][i % 8] = (int32_t)kq_vector_numbers[i / 8];
    kq_context_begin(m);
    return 1;
}

/* --- labels to bytes and back ---------------------------------------------- */

/* The entry with that place; some entry, where the order is changed by somebody else. */
static inline uint32_t kq_tile_entry(const kq_tile *tile, size_t place)
{
    return kq_label_below(tile->k, tile->order, place, 1);
}

/* Whether the model looks at colours: a file may have many small tiles, and the largest
 * palettes would be most of their work. */
static int kq_tile_has_colors(const kq_tile *tile)
{
    return tile->colors && tile->k <= KQ_GEOMETRY_MAX;
}

/* The entries of a row of places, from the label of that number on. */
static void kq_tile_store(const kq_tile *tile, const uint16_t *row, size_t first, void *labels)
{
    if (tile->colors != NULL) {
        for (size_t x = 0; x < tile->width; x++)
            kq_label_set(labels, first + x, tile->wide, kq_tile_entry(tile, row[x]));
    } else if (tile->wide) { /* without colours a place is its entry */
        memcpy((uint16_t *)labels + first, row, tile->width * sizeof *row);
    } else {
        for (size_t x = 0; x < tile->width; x++)
            ((uint8_t *)labels)[first + x] = (uint8_t)row[x];
    }
}

/* The colours in the order of the tree, where the model looks at them, otherwise NULL. Returns
 * 0 without memory. */
static int kq_tile_colors(const kq_tile *tile, uint8_t **colors)
{
    *colors = kq_tile_has_colors(tile) ? (uint8_t *)KQ_MALLOC(3 * (size_t)tile->k) : NULL;
    for (size_t place = 0; *colors && place < tile->k; place++)
        memcpy(*colors + 3 * place, tile->colors + 3 * (size_t)kq_tile_entry(tile, place), 3);
    return *colors || !kq_tile_has_colors(tile);
}

#ifndef KQ_DECODE_ONLY
/* The place of each entry. */
static uint16_t *kq_tile_places(const kq_tile *tile)
{
    uint16_t *places = KQ_CALLOC(tile->k, sizeof *places);
    for (uint32_t place = 0; places && place < tile->k; place++)
        places[kq_tile_entry(tile, place)] = (uint16_t)place;
    return places;
}

/* Writes the payload of a tile to `out`: labels[y * width + x] is below tile->k. `tables` are
 * those of kq_logistic_init. Returns 1 and the payload's size, 0 if that is over `capacity`,
 * -1 without memory. */
static int kq_context_encode(const kq_logistic *tables, const kq_tile *tile, const void *labels,
                             uint8_t *out, size_t capacity, size_t *size)
{
    kq_context model;
    kq_range_encoder encoder;
    uint16_t *places = kq_tile_places(tile);
    uint8_t *colors;
    int done = -1;
    if (kq_tile_colors(tile, &colors) && places &&
        kq_context_open(&model, tables, tile, colors, 0, NULL)) {
        for (size_t y = 0; y < tile->height; y++) {
            uint16_t *row = model.plane.labels + (y + KQ_ABOVE) * model.plane.stride + KQ_MARGIN;
            for (size_t x = 0; x < tile->width; x++)
                row[x] = places[kq_label_below(tile->k, labels, y * tile->width + x, tile->wide)];
        }
        kq_range_encoder_init(&encoder, out, capacity);
        model.encoder = &encoder;
        kq_context_rows(&model, 0, tile->height);
        done = !kq_range_full(&encoder) && kq_range_finish(&encoder, size);
        kq_context_close(&model);
    }
    KQ_FREE(places);
    KQ_FREE(colors);
    return done;
}
#endif

/* A tile that is being decoded, some rows at a time. */
typedef struct {
    kq_context model;
    kq_range_decoder decoder;
    kq_tile tile;
    size_t row; /* the next one */
} kq_context_tile;

/* Begins with a payload of `size` bytes; returns 0 without memory. */
static int kq_context_tile_open(kq_context_tile *t, const kq_logistic *tables, const kq_tile *tile,
                                const uint8_t *payload, size_t size)
{
    uint8_t *colors;
    const int opened =
        kq_tile_colors(tile, &colors) && kq_context_open(&t->model, tables, tile, colors, 0, NULL);
    KQ_FREE(colors);
    if (!opened)
        return 0;
    kq_range_decoder_init(&t->decoder, payload, size);
    t->model.decoder = &t->decoder;
    t->tile = *tile;
    t->row = 0;
    return 1;
}

/* Fills the next rows of `labels`, tile->wide saying how wide these are, at most so many. */
static void kq_context_tile_rows(kq_context_tile *t, size_t rows, void *labels)
{
    const size_t left = t->tile.height - t->row, end = t->row + (rows < left ? rows : left);
    kq_context_rows(&t->model, t->row, end);
    for (; t->row < end; t->row++) {
        const kq_plane *plane = &t->model.plane;
        const uint16_t *row = plane->labels + (t->row + KQ_ABOVE) * plane->stride + KQ_MARGIN;
        kq_tile_store(&t->tile, row, t->row * t->tile.width, labels);
    }
}

/* Fills the labels of a tile from a payload of `size` bytes. Returns 1, 0 if the payload is
 * invalid, -1 without memory. */
static inline int kq_context_decode(const kq_logistic *tables, const kq_tile *tile,
                                    const uint8_t *payload, size_t size, void *labels)
{
    kq_context_tile decoded;
    if (!kq_context_tile_open(&decoded, tables, tile, payload, size))
        return -1;
    kq_context_tile_rows(&decoded, tile->height, labels);
    kq_context_close(&decoded.model);
    return kq_range_decoder_valid(&decoded.decoder);
}

#endif
