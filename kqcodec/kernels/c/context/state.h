/* What the coder `context` has learned, and what it knows of the label at hand: the sizes of
 * its tables and the model's state. All of it begins anew with each tile.
 */
#ifndef KQ_CONTEXT_STATE_H
#define KQ_CONTEXT_STATE_H

#include "coding/range_coder.h"
#include "context/model.h"

#define KQ_KINDS 4       /* of questions: W, N, a predicted entry second, and third */
#define KQ_DEPTHS 16     /* of the tree */
#define KQ_MATCH_ROWS 16 /* by how long it has held */
#define KQ_COUNTER_BEGIN (((4u << 20) - (4u << 20) / 64) << 10 | 2) /* 63/64, n = 2 */
#define KQ_HALF_BEGIN ((2u << 20) << 10 | 2)                        /* 1/2, n = 2 */
#define KQ_SURE ((4u << 20) - (4u << 20) / 16) << 10                /* 15/16 */
#define KQ_MATCH_BEGIN 50000
#define KQ_RUN_MOST 256  /* labels: to look ahead takes little time, whatever follows */
#define KQ_LONG_MATCH 32 /* held so long, it is asked for where the rows above differ */

/* Rows of weights, set by set: those of questions, then those of the tree. */
#define KQ_ROWS0 (KQ_KINDS * 384 + KQ_DEPTHS * 81)          /* equal neighbours; guesses */
#define KQ_ROWS1 (KQ_KINDS * 64 + 256)                      /* more equal neighbours; the path */
#define KQ_ROWS2 512                                        /* the label on the left */
#define KQ_ROWS3 (KQ_KINDS * 8 + KQ_DEPTHS * 8)             /* activity */
#define KQ_ROWS4 (KQ_KINDS * KQ_MATCH_ROWS + KQ_DEPTHS * 9) /* how long the match has held */
#define KQ_ROWS (KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2 + KQ_ROWS3 + KQ_ROWS4)

/* The models: how many lanes and sets of weights, the largest table of slots, and how long a
 * match must have held before a run of it is asked for. */
typedef struct {
    int lanes, sets, slot_bits, run_match;
} kq_context_shape;

enum { KQ_DENSE, KQ_FAST, KQ_DEFAULT, KQ_BEST, KQ_MODELS };
#define KQ_SHAPE_FAST 8, 1, 16, 8
#define KQ_SHAPE_DEFAULT 8, 2, 16, 8
#define KQ_SHAPE_BEST 32, 5, 17, 32
static const kq_context_shape kq_context_shapes[KQ_MODELS] = {
    {0, 0, 0, 0}, {KQ_SHAPE_FAST}, {KQ_SHAPE_DEFAULT}, {KQ_SHAPE_BEST}};

/* The model best has histories beside counters, counts chances half, and refines. */
#define KQ_HAS_HISTORIES(lanes) ((lanes) == KQ_MAX_LANES)
#define KQ_INPUTS(lanes) ((lanes) * (KQ_HAS_HISTORIES(lanes) ? 3 : 2))
#define KQ_CHANCE_SHIFT(lanes) (KQ_HAS_HISTORIES(lanes) ? 8 : 7)
/* Of the model best, contexts from 11 on share tables, two and two: 21 in all. */
#define KQ_TABLE(i) ((i) < 11 ? (i) : 11 + ((i)-11) / 2)
#define KQ_TABLES(lanes) (KQ_TABLE((lanes)-2) + 1)
/* Lines of questions, which are three at most, stand behind those of the tree, as many. */
#define KQ_QUESTION_SLOTS 4
#define KQ_BIAS 256 /* an input that is always the same, in place of the match's history */

/* Vectors of one number each, for AVX2: here they are operands in memory, where the
 * compiler would make them anew for each decision. */
/* clang-format off */
enum {
    KQ_V_CHECK, KQ_V_ONE, KQ_V_N, KQ_V_PICK, KQ_V_TWO, KQ_V_CENTRE, KQ_V_MOST, KQ_V_LEAST,
    KQ_V_STOP, KQ_V_BIT,
    KQ_VECTORS
};
/* clang-format on */
static const uint32_t kq_vector_numbers[KQ_VECTORS] = {
    63 << 6, 1, 15, 0x80808000, 1 << 17, 0u - 2048, KQ_LOGIT_MAX, 0u - KQ_LOGIT_MAX, 128, 65535,
};

typedef struct {
    kq_plane plane;
    const kq_logistic *tables;
    const kq_context_shape *shape;
    int questions;   /* at most, 1..3 */
    int line_bits;   /* of a context's table: lines of the tree, and as many of questions */
    uint32_t *slots; /* tables x lines x 16, then tables x lines x 4, aligned in `memory` */
    void *memory;
    uint32_t *histories; /* of the model best, lanes x 2 x KQ_HISTORIES: p << 16 */
    int32_t *weights;    /* KQ_ROWS x inputs, aligned in `weight_memory`: those that were used */
    void *weight_memory;
    int32_t first[KQ_MAX_INPUTS]; /* what a row begins with */
    uint16_t *seen;               /* KQ_ROWS: how often a row was used, up to KQ_RATES - 1 */
    uint32_t *rates;              /* KQ_RATES: the rate, and how often it was used then << 16 */
    uint16_t *refined;            /* of the model best: 2 x 2^refine_bits x KQ_KNOTS */
    int refine_bits;
    /* counters, p in 22 bits and n in 10: of whole runs, and of where they end */
    uint32_t flat[256], alike[128], unlike[128], ends[2][64];
    uint32_t *places;                 /* where surroundings were seen last, by hash */
    int place_bits;                   /* 0: no match model */
    uint16_t match[2][KQ_MATCH_ROWS]; /* how often the match is right: questions, tree */
    /* this pixel's */
    kq_surroundings around;
    size_t match_at; /* in plane.labels */
    uint32_t match_length;
    int expected; /* the matched label, -1 for none */
    KQ_ALIGNED(32) uint32_t hashes[KQ_MAX_LANES];
    KQ_ALIGNED(32) uint32_t lines[2][KQ_MAX_LANES]; /* where node 0 is */
    KQ_ALIGNED(32) uint32_t fresh[2][KQ_MAX_LANES]; /* an unused slot there */
    KQ_ALIGNED(32) int32_t vectors[KQ_VECTORS][8];  /* numbers, eight times each */
    /* the coder: one of the two */
#ifndef KQ_DECODE_ONLY
    kq_range_encoder *encoder;
#endif
    kq_range_decoder *decoder;
} kq_context;

#endif
