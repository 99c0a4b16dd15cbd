/* The coder `context`: labels as binary decisions, each predicted by mixing what many
 * contexts have seen (spec/kq.md, section 16).
 *
 * A label is first asked for by name: is it the one on the left? above? the one
 * nearest to the predicted colour? If none fits, it is found in the tree, a binary
 * search in the palette. In flat surroundings there is one cheap question.
 */
#ifndef KQ_CONTEXT_H
#define KQ_CONTEXT_H

#include "context_model.h"
#include "range_coder.h"

#define KQ_KINDS 4       /* of questions: W, N, a predicted entry second, and third */
#define KQ_DEPTHS 16     /* of the tree */
#define KQ_FLAT_BITS 14
#define KQ_MATCH_ROWS 16 /* by how long it has held */

/* Rows of weights, set by set: those of questions, then those of the tree. */
#define KQ_ROWS0 (KQ_KINDS * 128 + KQ_DEPTHS * 9)
#define KQ_ROWS1 (KQ_KINDS * 8 + KQ_DEPTHS * 8)
#define KQ_ROWS2 (KQ_KINDS * 64 + 256)
#define KQ_ROWS3 (KQ_KINDS * KQ_MATCH_ROWS + KQ_DEPTHS * 9)
#define KQ_ROWS4 512
#define KQ_ROWS (KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2 + KQ_ROWS3 + KQ_ROWS4)

typedef struct {
    int contexts, sets, slot_bits_max;
} kq_context_shape;

static const kq_context_shape kq_context_shapes[4] = {{0, 0, 0}, {8, 1, 16}, {8, 3, 17}, {24, 5, 18}};

typedef struct {
    kq_plane plane;
    const kq_logistic *tables;
    int questions;           /* at most, 1..3 */
    int line_bits;           /* of a context's table: lines of 16 slots */
    uint32_t *slots;         /* contexts x lines x 16 */
    uint32_t *histories;     /* contexts x 2 x KQ_HISTORIES: p << 16 | its logit */
    int32_t *weights;        /* KQ_ROWS x inputs */
    uint16_t *seen;          /* KQ_ROWS: how often a row was used, up to KQ_RATES - 1 */
    uint16_t *rates;         /* KQ_RATES */
    uint32_t *swift;
    uint32_t *flat;          /* 2^KQ_FLAT_BITS counters: p in 22 bits, n in 10 */
    uint32_t *places;        /* where surroundings were seen last, by hash */
    int place_bits;
    uint16_t match[2][KQ_MATCH_ROWS]; /* how often the match is right: questions, tree */
    /* this pixel's */
    kq_surroundings around;
    size_t match_at;         /* in plane.labels; 0 for none */
    uint32_t match_length;
    int expected;            /* the matched label, -1 for none */
    uint32_t hashes[KQ_MAX_CONTEXTS] __attribute__((aligned(32)));
    uint32_t lines[KQ_MAX_CONTEXTS] __attribute__((aligned(32))); /* in slots: a line, and where its node 0 is */
    uint32_t fresh[KQ_MAX_CONTEXTS] __attribute__((aligned(32))); /* the slots' beginning, with the context's check */
    /* the coder: one of the two */
    kq_range_encoder *encoder;
    kq_range_decoder *decoder;
} kq_context;

#define KQ_STEP KQ_INLINE
#define KQ_NAME(name) kq_plain_##name
#include "context_mix.h"
#include "context_steps.h"
static void kq_context_fast(kq_context *m) { kq_plain_run(m, 8, 1); }
static void kq_context_default(kq_context *m) { kq_plain_run(m, 8, 3); }
static void kq_context_best(kq_context *m) { kq_plain_run(m, 24, 5); }
#undef KQ_STEP
#undef KQ_NAME

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define KQ_CONTEXT_AVX2 1
#define KQ_STEP static inline __attribute__((always_inline, target("avx2")))
#define KQ_NAME(name) kq_avx2_##name
#include "context_mix_avx2.h"
#include "context_steps.h"
__attribute__((target("avx2"))) static void kq_context_fast_avx2(kq_context *m) { kq_avx2_run(m, 8, 1); }
__attribute__((target("avx2"))) static void kq_context_default_avx2(kq_context *m) { kq_avx2_run(m, 8, 3); }
__attribute__((target("avx2"))) static void kq_context_best_avx2(kq_context *m) { kq_avx2_run(m, 24, 5); }
#undef KQ_STEP
#undef KQ_NAME
#endif

#endif
