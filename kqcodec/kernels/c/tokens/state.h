/* What decoding a tile by the coder `tokens` works with: the tables ready for use, and the
 * reader of a stream. */
#ifndef KQ_TOKENS_STATE_H
#define KQ_TOKENS_STATE_H

#include "coding/logistic.h"
#include "tokens/codes.h"
#include "tokens/tables.h"

#define KQ_BANDS 3
#define KQ_STREAM_SLACK 2048 /* zeros behind the streams, so that they are checked now and then */
#define KQ_STEPS 512         /* labels between checks: at most 26 bits each */
#define KQ_PLANE_SLACK 32    /* labels behind a plane that may be written to */

typedef struct {
    kq_front front;
    uint32_t k, first; /* first: the label of the first place, or that place */
    int low_bits;      /* of an escape, that stand behind its code as they are */
    uint32_t escape_mask;
    /* By the state in its table: base << 16 | bits << 8 | 8 * token. */
    uint32_t states[KQ_TOKEN_TABLES << KQ_MOST_STATE_BITS];
    /* Where the table of a context begins in states: by kind, and 2 * pattern + 1. */
    uint16_t contexts[KQ_TOKEN_KINDS * 2 * KQ_PATTERNS];
    /* By the next bits: length << 8 | label, or the symbol of labels of two bytes. */
    uint16_t escapes[KQ_ESCAPE_TABLES << KQ_MOST_ESCAPE_BITS];
    /* Where the escapes' table begins: cells[cell_w[W] + cell_n[N]], W and N being labels, or
     * symbols of them. */
    uint16_t cell_w[KQ_SYMBOLS], cell_n[KQ_SYMBOLS];
    uint16_t cells[KQ_INTERVALS * KQ_INTERVALS];
    uint16_t values[KQ_VALUE_CODES][1 << KQ_VALUE_BITS];
} kq_tokens;

/* Eight bytes, the first the least significant: a single load, where the machine has it so. */
KQ_INLINE uint64_t kq_load64(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

/* The bits of streams, from the lowest of the first byte on; 57 or more are there to see. */
typedef struct {
    const uint8_t *bytes;
    size_t position; /* in bits */
} kq_bits;

KQ_INLINE uint64_t kq_bits_ahead(const kq_bits *b)
{
    return kq_load64(b->bytes + (b->position >> 3)) >> (b->position & 7);
}

KQ_INLINE uint32_t kq_bits_take(kq_bits *b, uint32_t count)
{
    const uint32_t value = (uint32_t)kq_bits_ahead(b) & ((1u << count) - 1);
    b->position += count;
    return value;
}

/* Whether the bits taken are all of a stream that ends before `end`, up to zeros in its last
 * byte. */
static int kq_bits_done(const kq_bits *b, const uint8_t *end)
{
    const size_t all = 8 * (size_t)(end - b->bytes);
    return b->position <= all && all - b->position < 8 && end[-1] >> (8 - (all - b->position)) == 0;
}

static uint32_t kq_value_take(kq_bits *b, const uint16_t *table)
{
    const uint32_t entry = table[kq_bits_ahead(b) & ((1u << KQ_VALUE_BITS) - 1)];
    b->position += entry >> 8;
    return kq_value_least(entry & 255) + kq_bits_take(b, (uint32_t)kq_value_extra(entry & 255));
}

/* The order in which the states of a table go to the tokens: Yann Collet's, of FSE. */
static void kq_spread_states(const uint16_t *counts, int state_bits, uint8_t *token_of)
{
    const uint32_t states = 1u << state_bits, step = (states >> 1) + (states >> 3) + 3;
    uint32_t at = 0;
    for (int token = 0; token < KQ_TOKENS; token++)
        for (uint32_t i = 0; i < counts[token]; i++) {
            token_of[at] = (uint8_t)token;
            at = (at + step) & (states - 1);
        }
}

/* Makes the tables ready, from the front. `order` are the entries of labels of a byte by their
 * places, NULL where labels have two bytes and are places. Returns 0 if a code is invalid. */
static int kq_tokens_prepare(kq_tokens *t, const uint8_t *order)
{
    const kq_front *f = &t->front;
    const int bits = f->state_bits;
    for (int table = 0; table < f->tables; table++) {
        uint8_t token_of[1 << KQ_MOST_STATE_BITS];
        uint32_t next[KQ_TOKENS];
        kq_spread_states(f->counts[table], bits, token_of);
        for (int token = 0; token < KQ_TOKENS; token++)
            next[token] = f->counts[table][token];
        for (uint32_t state = 0; state < 1u << bits; state++) {
            const uint32_t x = next[token_of[state]]++, less = (uint32_t)bits + 1 - kq_log(x);
            t->states[(uint32_t)table << bits | state] =
                ((x << less) - (1u << bits)) << 16 | less << 8 | 8u * token_of[state];
        }
    }
    for (int kind = 0; kind < (f->bands ? 1 : KQ_TOKEN_KINDS); kind++)
        for (int i = 0; i < 2 * KQ_PATTERNS; i++)
            t->contexts[kind * 2 * KQ_PATTERNS + i] = (uint16_t)(f->map[kind][i >> 1] << bits);

    t->escape_mask = (1u << f->escape_bits) - 1;
    t->escapes[0] = 0; /* which is looked at, and not used, where there are no tables */
    for (int table = 0; table < f->escape_tables; table++) {
        uint16_t *at = t->escapes + ((size_t)table << f->escape_bits);
        if (!kq_code_table(f->lengths[table], f->symbols, f->escape_bits, order, at))
            return 0;
    }
    for (uint32_t s = 0; s < f->symbols; s++) {
        const uint32_t label = order ? order[s] : s;
        t->cell_w[label] = (uint16_t)(f->interval[0][s] * KQ_INTERVALS);
        t->cell_n[label] = f->interval[1][s];
    }
    for (uint32_t w = 0; w <= f->interval[0][f->symbols - 1]; w++)
        for (uint32_t n = 0; n <= f->interval[1][f->symbols - 1]; n++)
            t->cells[w * KQ_INTERVALS + n] = (uint16_t)(f->cells[w][n] << f->escape_bits);
    for (int code = 0; code < KQ_VALUE_CODES && !f->bands; code++)
        if (!kq_code_table(f->values[code], KQ_VALUES, KQ_VALUE_BITS, NULL, t->values[code]))
            return 0;
    return 1;
}

#endif
