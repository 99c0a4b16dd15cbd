/* What stands ahead of the streams of the coder `tokens` (spec/kq.md, section 17): which
 * table each context has, the tables, and the codes of escapes, lengths and displacements.
 *
 * One function walks through all of it and both encodes and decodes, bit by bit through the
 * range coder, so that the two can't differ.
 */
#ifndef KQ_TOKENS_FRONT_H
#define KQ_TOKENS_FRONT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "coding/learning_bits.h"

/* A token says what the next label is, or the next few. The first six say that it is that of
 * a neighbour; a neighbour's number is also its place in the decoder's word of candidates. */
enum {
    KQ_TOKEN_W,
    KQ_TOKEN_WW,
    KQ_TOKEN_NW,
    KQ_TOKEN_N,
    KQ_TOKEN_NE,
    KQ_TOKEN_NN,
    KQ_TOKEN_ESCAPE,     /* none of these: the label follows */
    KQ_TOKEN_RUN_W,      /* the length follows: as many times W */
    KQ_TOKEN_RUN_N,      /* the length follows: a copy of what is above */
    KQ_TOKEN_COPY_ABOVE, /* the length follows: a copy with the displacement kept above */
    KQ_TOKEN_COPY_LAST,  /* the length follows: with the last one */
    KQ_TOKEN_COPY,       /* displacement and length follow */
    KQ_TOKEN_FLAT,       /* W, as long as NE is */
    KQ_TOKENS
};
#define KQ_TOKENS_PLAIN (KQ_TOKEN_ESCAPE + 1) /* the tokens of one label */

/* What was before a token: a plain one or flat, a run of W, one of N, a copy. */
#define KQ_TOKEN_KINDS 4
#define KQ_PATTERNS 128
#define KQ_TOKEN_TABLES 32
#define KQ_ESCAPE_TABLES 32
#define KQ_ESCAPE_TABLE_LABELS 512 /* a tile has no more such tables than 1 and 1 for so many */
#define KQ_INTERVALS 32
#define KQ_SYMBOLS 256 /* of escapes */
#define KQ_LEAST_STATE_BITS 5
#define KQ_MOST_STATE_BITS 8
#define KQ_LEAST_ESCAPE_BITS 4
#define KQ_MOST_ESCAPE_BITS 10
#define KQ_VALUES 48 /* symbols of lengths and displacements */
#define KQ_VALUE_BITS 9
enum {
    KQ_VALUE_RUN_W,
    KQ_VALUE_RUN_N,
    KQ_VALUE_COPY,
    KQ_VALUE_ROWS,
    KQ_VALUE_COLUMNS,
    KQ_VALUE_CODES
};

typedef struct {
    size_t labels;    /* of the tile */
    uint32_t symbols; /* of escapes: a label's place in the order, without the lowest bits */
    int bands;        /* whether there are streams of bands: of plain tokens alone */
    int state_bits, tables;
    uint8_t map[KQ_TOKEN_KINDS][KQ_PATTERNS];    /* context to table */
    uint16_t counts[KQ_TOKEN_TABLES][KQ_TOKENS]; /* of states, 1 << state_bits in each table */
    int escape_bits, escape_tables;              /* the latter 0 where no token is an escape */
    uint32_t intervals[2];                       /* of W and N */
    uint8_t interval[2][KQ_SYMBOLS];
    uint8_t cells[KQ_INTERVALS][KQ_INTERVALS]; /* W's and N's interval to table */
    uint8_t lengths[KQ_ESCAPE_TABLES][KQ_SYMBOLS];
    uint8_t values[KQ_VALUE_CODES][KQ_VALUES]; /* lengths of codes */
} kq_front;

/* The most tables of escapes, so that the work to read them is in proportion to the tile. */
static inline uint32_t kq_most_escape_tables(const kq_front *f)
{
    const size_t most = 1 + f->labels / KQ_ESCAPE_TABLE_LABELS;
    return most < KQ_ESCAPE_TABLES ? (uint32_t)most : KQ_ESCAPE_TABLES;
}

/* The pattern of a label's neighbours: bits 0 to 6 are WW = W, NW = W, N = W, NE = W, NW = N,
 * NE = N and NN = N. Of three labels not just two pairs can be equal. */
static inline int kq_pattern_possible(int pattern)
{
    static const uint8_t pairs[2][3] = {{1, 2, 4}, {2, 3, 5}};
    for (int i = 0; i < 2; i++)
        if ((pattern >> pairs[i][0] & 1) + (pattern >> pairs[i][1] & 1) +
                (pattern >> pairs[i][2] & 1) ==
            2)
            return 0;
    return 1;
}
#define KQ_PATTERN_FLAT 12 /* the bits N = W and NE = W */

#endif
