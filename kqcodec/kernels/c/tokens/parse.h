/* A tile in the making: what the encoder knows of each label before it chooses tokens, and what
 * it takes them to cost at first. */
#ifndef KQ_TOKENS_PARSE_H
#define KQ_TOKENS_PARSE_H

#include "tokens/escapes.h"

#ifndef KQ_DECODE_ONLY

#define KQ_LONGEST 65535u      /* run or copy that the encoder makes */
#define KQ_FARTHEST (1u << 22) /* displacement */
#define KQ_COPY_LEAST 6        /* labels that a copy is looked up by */
#define KQ_CHAIN 8             /* places looked at */
#define KQ_HASH_BITS 15
#define KQ_PLAIN_MORE (6 * KQ_BIT / 16) /* what a plain token costs besides its bits: time */
#define KQ_NEVER (30 * KQ_BIT)

typedef struct {
    uint32_t place, distance;
    uint16_t length;
    uint8_t token, kind;
} kq_token;

/* A tile in the making. Costs are in 1/256 bit and wrap, only differences are looked at. */
typedef struct {
    kq_front front;
    uint32_t k;
    int low_bits;
    size_t width, stride, labels;
    uint16_t *memory, *plane; /* labels as places */
    uint8_t *pattern, *plain; /* of each label: its pattern, and its plain token */
    uint8_t *escape_bits;     /* what the code of an escape takes here */
    uint16_t *run_w, *run_n;  /* how many labels from here on are W, or N */
    uint16_t *copy_length;    /* of the best copy; 0 for none */
    uint32_t *copy_distance;
    uint32_t *plain_cost;             /* of all labels before this one, as plain tokens */
    uint32_t (*best)[KQ_TOKEN_KINDS]; /* from here to the end, by what is before */
    uint32_t *kept;                   /* displacements, as a decoder keeps them */
    kq_token *tokens;
    size_t token_count;
    kq_escape *escapes;
    size_t escape_count;
    uint32_t counts[KQ_CONTEXTS][KQ_TOKENS];
    uint32_t costs[KQ_PATTERNS][KQ_TOKENS][KQ_TOKEN_KINDS];
    uint32_t value_counts[KQ_VALUE_CODES][KQ_VALUES];
    uint32_t value_costs[KQ_VALUE_CODES][KQ_VALUES];
    uint32_t displacement_cost; /* about */
    uint32_t small[KQ_SMALL_COUNTS];
} kq_parse;

static uint32_t kq_value_symbol(uint32_t value)
{
    if (value < 4)
        return value;
    const uint32_t power = kq_log(value) - 1;
    return 2 * power + (value >> (power - 1) & 1);
}

static uint32_t kq_value_cost(const kq_parse *p, int code, uint32_t value)
{
    return p->value_costs[code][kq_value_symbol(value)];
}

/* Rows upwards, and the columns besides, of a displacement. */
static void kq_displacement(uint32_t distance, size_t width, uint32_t *rows, uint32_t *columns)
{
    *rows = (uint32_t)((distance + width / 2) / width);
    const int64_t across = (int64_t)distance - (int64_t)(*rows * (uint64_t)width);
    *columns = (uint32_t)(across < 0 ? -2 * across - 1 : 2 * across);
}

/* How many labels a flat token stands for here, 0 if there can't be one or it is no gain: as many
 * as NE's are W, less than a row; all of them must be W. */
static uint32_t kq_flat_length(const kq_parse *p, size_t i)
{
    if ((p->pattern[i] & KQ_PATTERN_FLAT) != KQ_PATTERN_FLAT || i < p->stride)
        return 0;
    const size_t run = p->run_w[i - p->stride + 1], row = p->stride - 1, left = p->labels - i;
    size_t length = run < row ? run : row;
    length = length < left ? length : left;
    return run < KQ_LONGEST && length > 1 && p->run_w[i] >= length ? (uint32_t)length : 0;
}

/* --- what is known before costs are -------------------------------------------------- */

static int kq_plain_token(const uint16_t *at, size_t stride)
{
    const uint16_t label = *at, *above = at - stride;
    return label == at[-1]                         ? KQ_TOKEN_W
           : label == above[0]                     ? KQ_TOKEN_N
           : label == above[1]                     ? KQ_TOKEN_NE
           : label == above[-1]                    ? KQ_TOKEN_NW
           : label == at[-2]                       ? KQ_TOKEN_WW
           : label == at[-(ptrdiff_t)(2 * stride)] ? KQ_TOKEN_NN
                                                   : KQ_TOKEN_ESCAPE;
}

static int kq_pattern_at(const uint16_t *at, size_t stride)
{
    const uint16_t *above = at - stride, w = at[-1], n = above[0];
    return (at[-2] == w) | (above[-1] == w) << 1 | (n == w) << 2 | (above[1] == w) << 3 |
           (above[-1] == n) << 4 | (above[1] == n) << 5 | (at[-(ptrdiff_t)(2 * stride)] == n) << 6;
}

/* Looks at each label's surroundings. */
static void kq_survey_tile(kq_parse *p)
{
    uint32_t run_w = 0, run_n = 0;
    for (size_t i = p->labels; i-- > 0;) {
        const uint16_t *at = p->plane + i;
        run_w = at[0] != at[-1] ? 0 : run_w < KQ_LONGEST ? run_w + 1 : run_w;
        run_n = at[0] != at[-(ptrdiff_t)p->stride] ? 0 : run_n < KQ_LONGEST ? run_n + 1 : run_n;
        p->run_w[i] = (uint16_t)run_w;
        p->run_n[i] = (uint16_t)run_n;
        p->pattern[i] = (uint8_t)kq_pattern_at(at, p->stride);
        p->plain[i] = (uint8_t)kq_plain_token(at, p->stride);
        p->counts[p->pattern[i]][p->plain[i]]++;
    }
}

/* Costs to begin with: those of plain tokens alone, guesses for the others. */
static void kq_first_costs(kq_parse *p)
{
    const uint32_t log_k = kq_log2(p->k) >> 8;
    for (int x = 0; x < KQ_PATTERNS; x++) {
        uint64_t total = 7;
        for (int s = 0; s < KQ_TOKENS_PLAIN; s++)
            total += (uint64_t)10 * p->counts[x][s];
        for (int s = 0; s < KQ_TOKENS; s++) {
            uint32_t cost = 6 * KQ_BIT;
            if (s < KQ_TOKENS_PLAIN)
                cost = (kq_log2(total) - kq_log2((uint64_t)10 * p->counts[x][s] + 1)) / 256 +
                       KQ_PLAIN_MORE + (x == KQ_PATTERNS - 1) * KQ_BIT;
            if (s == KQ_TOKEN_ESCAPE)
                cost += p->k <= 2 ? KQ_BIT / 2 : log_k * 3 / 4;
            if (s == KQ_TOKEN_FLAT)
                cost = (x & KQ_PATTERN_FLAT) == KQ_PATTERN_FLAT ? 77 : KQ_NEVER;
            for (int kind = 0; kind < KQ_TOKEN_KINDS; kind++)
                p->costs[x][s][kind] = cost;
        }
    }
    for (int code = 0; code < KQ_VALUE_CODES; code++)
        for (uint32_t s = 0; s < KQ_VALUES; s++)
            p->value_costs[code][s] = 2 * KQ_BIT +
                                      (s < 4 ? (s > 0) * KQ_BIT / 2 : (s / 2) * KQ_BIT / 2) +
                                      (uint32_t)kq_value_extra(s) * KQ_BIT;
    p->displacement_cost = 14 * KQ_BIT + kq_log2(p->stride) * 7 / 2560;
    uint32_t cost = 0;
    for (size_t i = 0; i < p->labels; i++) {
        p->plain_cost[i] = cost;
        cost += p->costs[p->pattern[i]][p->plain[i]][0];
    }
    p->plain_cost[p->labels] = cost;
}

#endif
#endif
