/* What the coder `context` has learned, and what it knows of the label at hand: the sizes of
 * its tables and the model's state. All of it begins anew with each tile.
 */
#ifndef KQ_CONTEXT_STATE_H
#define KQ_CONTEXT_STATE_H

#include "coding/range_coder.h"
#include "context/model.h"
#include "frames/sequence.h"

#define KQ_DEPTHS 16                                                /* of the tree */
#define KQ_SLOT_BITS 17                                             /* of the largest tables */
#define KQ_MATCH_ROWS 8                                             /* by how long it has held */
#define KQ_COUNTER_BEGIN (((4u << 20) - (4u << 20) / 64) << 10 | 2) /* 63/64, n = 2 */
#define KQ_HALF_BEGIN ((2u << 20) << 10 | 2)                        /* 1/2, n = 2 */
#define KQ_SURE (((4u << 20) - (4u << 20) / 16) << 10)              /* 15/16 */
#define KQ_MATCH_BEGIN 50000
#define KQ_RUN_MOST 256  /* labels: to look ahead takes little time, whatever follows */
#define KQ_LONG_MATCH 32 /* held so long, it is asked for where the rows above differ */
#define KQ_MOST_NAMES 3  /* labels asked about by name */

/* Rows of weights, set by set: those of each question, then those of the tree. */
#define KQ_MAX_SETS 3
#define KQ_TREE_ROWS0 (KQ_MOST_NAMES * 3 * 128)
#define KQ_TREE_ROWS1 (KQ_MOST_NAMES * 256)
#define KQ_TREE_ROWS2 (KQ_MOST_NAMES * 512)
#define KQ_ROWS0 (KQ_TREE_ROWS0 + KQ_DEPTHS * 81) /* equal neighbours; guesses */
#define KQ_ROWS1 (KQ_TREE_ROWS1 + 256)            /* the label asked about; the path */
#define KQ_ROWS2 \
    (KQ_TREE_ROWS2 + KQ_DEPTHS * 64) /* more equal neighbours; the label on the left \
                                      */
#define KQ_ROWS (KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2)
/* The final mixer: its rows, and the largest weight, so that sums fit into 32 bits. */
#define KQ_FINAL_ROWS (2 * KQ_MATCH_ROWS)
#define KQ_FINAL_MOST (1 << 18)

/* The models: how many lanes and sets of weights, and how long a match must have held before
 * a run of it is asked for. */
typedef struct {
    int lanes, sets, run_match;
} kq_context_shape;

enum { KQ_DENSE, KQ_SMALL, KQ_LARGE, KQ_LATER, KQ_MODELS };
#define KQ_SHAPE_SMALL 8, 2, 8
#define KQ_SHAPE_LARGE 32, 3, 32
#define KQ_LATER_LANES 16 /* of labels coded from the frame before, which has no runs */
#define KQ_LATER_SETS 3
static const kq_context_shape kq_context_shapes[KQ_MODELS] = {
    {0, 0, 0}, {KQ_SHAPE_SMALL}, {KQ_SHAPE_LARGE}, {KQ_LATER_LANES, KQ_LATER_SETS, 0}};

#define KQ_IS_LATER(lanes) ((lanes) == KQ_LATER_LANES)

/* The large model has histories beside counters, and counts chances half. */
#define KQ_HAS_HISTORIES(lanes) ((lanes) == KQ_MAX_LANES)
#define KQ_INPUTS(lanes) ((lanes) * (KQ_HAS_HISTORIES(lanes) ? 3 : 2))
#define KQ_CHANCE_SHIFT(lanes) (KQ_HAS_HISTORIES(lanes) ? 8 : 7)
/* Of the large model, contexts from 11 on share tables, two and two: 21 in all. */
#define KQ_TABLE(i) ((i) < 11 ? (i) : 11 + ((i)-11) / 2)
#define KQ_TABLES(lanes) (KQ_TABLE((lanes)-2) + 1)
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
    kq_sequence *sequence; /* of a frame that is coded from the one before */
    const kq_logistic *tables;
    const kq_context_shape *shape;
    int asks;                     /* whether labels are asked about by name first */
    int line_bits;                /* of a context's table */
    void *memory;                 /* of the tables up to `places`, and the plane's cells */
    uint32_t *slots;              /* tables x lines x 16, aligned */
    uint32_t *histories;          /* of the large model, lanes x 2 x KQ_HISTORIES: p << 16 */
    int32_t *weights;             /* KQ_ROWS x inputs, aligned: those that were used */
    int32_t first[KQ_MAX_INPUTS]; /* what a row begins with */
    uint16_t seen[KQ_ROWS];       /* how often a row was used, up to KQ_RATES - 1 */
    uint32_t rates[KQ_RATES];     /* the rate, and how often it was used then << 16 */
    /* counters, p in 22 bits and n in 10: of whole runs, and of where they end */
    uint32_t flat[256], alike[128], unlike[128], ends[2][64];
    uint32_t *places;                 /* where surroundings were seen last, by hash */
    int place_bits;                   /* 0: no match model */
    uint32_t *displaced;              /* by column: how far away the last right match was */
    uint16_t match[2][KQ_MATCH_ROWS]; /* how often the match is right: question, tree */
    int32_t final[KQ_FINAL_ROWS][KQ_MAX_SETS]; /* weights, 65536 being 1 */
    /* this pixel's */
    kq_surroundings around;
    size_t row_at;      /* in plane.labels */
    ptrdiff_t match_at; /* there, or ahead of it in the frame before */
    uint32_t match_length;
    int expected;                /* the matched label, -1 for none, or if it was refused */
    uint32_t marks[KQ_MAX_SETS]; /* of its surroundings and the frame before's, for rows */
    KQ_ALIGNED(32) uint32_t hashes[KQ_MAX_LANES];
    KQ_ALIGNED(32) uint32_t lines[KQ_MAX_LANES];   /* where node 0 is */
    KQ_ALIGNED(32) uint32_t fresh[KQ_MAX_LANES];   /* an unused slot there */
    KQ_ALIGNED(32) int32_t vectors[KQ_VECTORS][8]; /* numbers, eight times each */
    /* the coder: one of the two */
#ifndef KQ_DECODE_ONLY
    kq_range_encoder *encoder;
#endif
    kq_range_decoder *decoder;
} kq_context;

#endif
