/* Which tokens a tile becomes, in one stream: a way of least cost through it, by dynamic
 * programming from the end, among plain tokens, runs, flat stretches, and one copy at each
 * place, that which saves most.
 */
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
    uint32_t small[KQ_SMALL];
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

/* --- copies --------------------------------------------------------------------- */

static uint32_t kq_copy_hash(const uint16_t *at)
{
    uint32_t hash = 0;
    for (int i = 0; i < KQ_COPY_LEAST; i++)
        hash = hash * 0x2C1B3C6Du + at[i];
    return (hash * 0x9E3779B1u) >> (32 - KQ_HASH_BITS);
}

static uint32_t kq_same(const uint16_t *a, const uint16_t *b, size_t most)
{
    size_t length = 0;
    for (; length + 4 <= most && memcmp(a + length, b + length, 8) == 0; length += 4)
        ;
    while (length < most && a[length] == b[length])
        length++;
    return (uint32_t)length;
}

/* The best copy so far, at one place. */
typedef struct {
    uint32_t distance, length;
    int32_t saves; /* against plain tokens */
} kq_copy_found;

static void kq_try_copy(const kq_parse *p, size_t i, uint32_t distance, uint32_t least,
                        uint32_t cost, kq_copy_found *best)
{
    const uint16_t *at = p->plane + i;
    if (distance == 0 || distance > i ||
        at[best->length] != at[(ptrdiff_t)best->length - (ptrdiff_t)distance])
        return;
    const size_t left = p->labels - i, most = left < KQ_LONGEST ? left : KQ_LONGEST;
    const uint32_t length = kq_same(at, at - distance, most);
    const int32_t saves = (int32_t)(p->plain_cost[i + length] - p->plain_cost[i] - cost);
    if (length >= least && saves > best->saves)
        *best = (kq_copy_found){distance, length, saves};
}

/* Finds at each place the copy that saves most: first with the displacements of the copies on
 * the left and above, then where the same six labels were before. Where nothing is found
 * for long, fewer places are looked at. Returns 0 without memory. */
static int kq_find_copies(kq_parse *p)
{
    uint32_t *head = malloc(sizeof *head << KQ_HASH_BITS);
    uint32_t *chain = (uint32_t *)p->best; /* which isn't in use yet */
    uint32_t missed = 0;
    size_t next = 0;
    if (!head)
        return 0;
    memset(head, 0xFF, sizeof *head << KQ_HASH_BITS);
    memset(p->copy_length, 0, p->labels * sizeof *p->copy_length);
    memset(p->copy_distance, 0, p->labels * sizeof *p->copy_distance);
    for (size_t i = 0; i + 8 < p->labels; i++) {
        if (p->run_w[i] >= 16 || p->run_n[i] >= 16)
            continue;
        const uint32_t hash = kq_copy_hash(p->plane + i);
        const uint32_t left = i ? p->copy_distance[i - 1] : 0;
        const uint32_t above = i >= p->stride ? p->copy_distance[i - p->stride] : 0;
        kq_copy_found best = {0, 0, 0};
        if (left && p->copy_length[i - 1] >= 96) {
            best = (kq_copy_found){left, p->copy_length[i - 1] - 1u, 0};
        } else {
            kq_try_copy(p, i, left, 4, 8 * KQ_BIT, &best);
            if (above != left)
                kq_try_copy(p, i, above, 4, 8 * KQ_BIT, &best);
            if (best.length < 32 && (i >= next || best.length)) {
                uint32_t from = head[hash];
                for (int n = 0; n < KQ_CHAIN && from != UINT32_MAX && i - from <= KQ_FARTHEST &&
                                best.length < 256;
                     n++, from = chain[from])
                    kq_try_copy(p, i, (uint32_t)(i - from), KQ_COPY_LEAST,
                                p->displacement_cost + 8 * KQ_BIT, &best);
                if (best.length == 0)
                    next = i + 1 + (++missed >> 7);
                else
                    missed = missed > 16 ? missed - 16 : 0;
            }
        }
        p->copy_distance[i] = best.length ? best.distance : 0;
        p->copy_length[i] = (uint16_t)best.length;
        chain[i] = head[hash];
        head[hash] = (uint32_t)i;
    }
    free(head);
    return 1;
}

/* --- the way ----------------------------------------------------------------------- */

static int kq_cheaper(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

/* From each place to the end, by the kind of token before it, what it costs at least. */
static void kq_look_ahead(kq_parse *p)
{
    memset(p->best[p->labels], 0, sizeof *p->best);
    for (size_t i = p->labels; i-- > 0;) {
        const uint32_t(*costs)[KQ_TOKEN_KINDS] =
            (const uint32_t(*)[KQ_TOKEN_KINDS])p->costs[p->pattern[i]];
        const uint32_t *plain = costs[p->plain[i]];
        uint32_t *best = p->best[i];
        const uint32_t more = p->best[i + 1][0] + p->escape_bits[i] * KQ_BIT;
        for (int kind = 0; kind < KQ_TOKEN_KINDS; kind++)
            best[kind] = plain[kind] + more;
#define KQ_OR(token, then, cost) \
    do { \
        const uint32_t rest = (then) + (cost); \
        for (int kind = 0; kind < KQ_TOKEN_KINDS; kind++) { \
            const uint32_t other = costs[token][kind] + rest; \
            best[kind] = kq_cheaper(other, best[kind]) ? other : best[kind]; \
        } \
    } while (0)
        const uint32_t run_w = p->run_w[i], run_n = p->run_n[i], flat = kq_flat_length(p, i),
                       copy = p->copy_length[i];
        if (run_w > 1)
            KQ_OR(KQ_TOKEN_RUN_W, p->best[i + run_w][1],
                  kq_value_cost(p, KQ_VALUE_RUN_W, run_w - 1));
        if (run_n > 1)
            KQ_OR(KQ_TOKEN_RUN_N, p->best[i + run_n][2],
                  kq_value_cost(p, KQ_VALUE_RUN_N, run_n - 1));
        if (flat)
            KQ_OR(KQ_TOKEN_FLAT, p->best[i + flat][0], 0);
        if (copy) {
            const uint32_t cost = kq_value_cost(p, KQ_VALUE_COPY, copy - 1);
            if (i >= p->stride && p->copy_distance[i - p->stride] == p->copy_distance[i])
                KQ_OR(KQ_TOKEN_COPY_ABOVE, p->best[i + copy][3], cost);
            else
                KQ_OR(KQ_TOKEN_COPY, p->best[i + copy][3], cost + p->displacement_cost);
        }
#undef KQ_OR
    }
}

static void kq_count_value(kq_parse *p, int code, uint32_t value)
{
    p->value_counts[code][kq_value_symbol(value)]++;
}

/* Goes the cheapest way, from the beginning, and counts what there is. */
static void kq_go(kq_parse *p)
{
    const int low = p->low_bits;
    uint32_t last = 0;
    int kind = 0;
    memset(p->counts, 0, sizeof p->counts);
    memset(p->value_counts, 0, sizeof p->value_counts);
    memset(p->kept, 0, ((p->labels >> 3) + 1) * sizeof *p->kept);
    p->token_count = p->escape_count = 0;
    for (size_t i = 0; i < p->labels;) {
        const uint16_t *at = p->plane + i;
        const uint32_t(*costs)[KQ_TOKEN_KINDS] =
            (const uint32_t(*)[KQ_TOKEN_KINDS])p->costs[p->pattern[i]];
        kq_token t = {(uint32_t)i, 0, 1, p->plain[i], (uint8_t)kind};
        uint32_t best = costs[t.token][kind] + p->escape_bits[i] * KQ_BIT + p->best[i + 1][0];
#define KQ_OR(other, count, from, then, more) \
    do { \
        const uint32_t cost = costs[other][kind] + p->best[i + (count)][then] + (more); \
        if (kq_cheaper(cost, best)) { \
            best = cost; \
            t.token = (other); \
            t.length = (uint16_t)(count); \
            t.distance = (from); \
        } \
    } while (0)
        const uint32_t run_w = p->run_w[i], run_n = p->run_n[i], flat = kq_flat_length(p, i),
                       copy = p->copy_length[i];
        if (run_w > 1)
            KQ_OR(KQ_TOKEN_RUN_W, run_w, 0, 1, kq_value_cost(p, KQ_VALUE_RUN_W, run_w - 1));
        if (run_n > 1)
            KQ_OR(KQ_TOKEN_RUN_N, run_n, 0, 2, kq_value_cost(p, KQ_VALUE_RUN_N, run_n - 1));
        if (flat)
            KQ_OR(KQ_TOKEN_FLAT, flat, 0, 0, 0);
        const uint32_t kept = i >= p->stride ? p->kept[(i - p->stride) >> 3] : 0;
        const uint32_t near[2] = {kept ? kept : last, last};
        if (copy && p->copy_distance[i] != near[0] && p->copy_distance[i] != near[1])
            KQ_OR(KQ_TOKEN_COPY, copy, p->copy_distance[i], 3,
                  p->displacement_cost + kq_value_cost(p, KQ_VALUE_COPY, copy - 1));
        for (int n = 0; n < 2; n++) {
            if (near[n] == 0 || near[n] > i || (n && near[1] == near[0]) ||
                at[0] != at[-(ptrdiff_t)near[n]])
                continue;
            const size_t left = p->labels - i;
            const uint32_t length =
                kq_same(at, at - near[n], left < KQ_LONGEST ? left : KQ_LONGEST);
            if (length > 2)
                KQ_OR(KQ_TOKEN_COPY_ABOVE + n, length, near[n], 3,
                      kq_value_cost(p, KQ_VALUE_COPY, length - 1));
        }
#undef KQ_OR
        p->tokens[p->token_count++] = t;
        p->counts[kind * KQ_PATTERNS + p->pattern[i]][t.token]++;
        if (t.token == KQ_TOKEN_ESCAPE)
            p->escapes[p->escape_count++] =
                (kq_escape){(uint8_t)(at[-1] >> low), (uint8_t)(at[-(ptrdiff_t)p->stride] >> low),
                            (uint8_t)(at[0] >> low)};
        kind = 0;
        if (t.token == KQ_TOKEN_RUN_W || t.token == KQ_TOKEN_RUN_N) {
            kind = t.token == KQ_TOKEN_RUN_W ? 1 : 2;
            kq_count_value(p, kind - 1, t.length - 1u);
        } else if (t.token >= KQ_TOKEN_COPY_ABOVE && t.token <= KQ_TOKEN_COPY) {
            kind = 3;
            last = t.distance;
            kq_count_value(p, KQ_VALUE_COPY, t.length - 1u);
            for (size_t g = i >> 3; g <= (i + t.length - 1) >> 3; g++)
                p->kept[g] = last;
            if (t.token == KQ_TOKEN_COPY) {
                uint32_t rows, columns;
                kq_displacement(last, p->width, &rows, &columns);
                kq_count_value(p, KQ_VALUE_ROWS, rows);
                kq_count_value(p, KQ_VALUE_COLUMNS, columns);
            }
        }
        i += t.token == KQ_TOKEN_FLAT ? flat : t.length;
    }
}

/* The tables for what was counted; 0 without memory. */
static int kq_make_tables(kq_parse *p)
{
    for (int code = 0; code < KQ_VALUE_CODES; code++)
        kq_code_lengths(p->value_counts[code], KQ_VALUES, KQ_VALUE_BITS, p->front.values[code]);
    return kq_make_token_tables(&p->front, p->counts, p->small) &&
           kq_make_escape_tables(&p->front, p->escapes, p->escape_count, p->small);
}

/* What a symbol costs that was there so often of so many times, in 1/256 bit; each is taken to
 * have been there a tenth more. */
static uint32_t kq_cost_of(uint64_t count, uint64_t total, uint32_t symbols)
{
    return (kq_log2(10 * total + symbols) - kq_log2(10 * count + 1)) / 256;
}

/* Costs as they were on the first way, if each context had a table of its own. */
static void kq_second_costs(kq_parse *p)
{
    const int low = p->low_bits;
    for (int c = 0; c < KQ_CONTEXTS; c++) {
        uint64_t total = 0;
        for (int s = 0; s < KQ_TOKENS; s++)
            total += p->counts[c][s];
        for (int s = 0; s < KQ_TOKENS; s++)
            p->costs[c % KQ_PATTERNS][s][c / KQ_PATTERNS] =
                kq_cost_of(p->counts[c][s], total, KQ_TOKENS) +
                (s < KQ_TOKENS_PLAIN ? KQ_PLAIN_MORE : 0);
    }
    uint64_t sum = 0, copies = 0;
    for (int code = 0; code < KQ_VALUE_CODES; code++) {
        uint64_t total = 0;
        for (uint32_t s = 0; s < KQ_VALUES; s++)
            total += p->value_counts[code][s];
        for (uint32_t s = 0; s < KQ_VALUES; s++) {
            p->value_costs[code][s] = kq_cost_of(p->value_counts[code][s], total, KQ_VALUES) +
                                      (uint32_t)kq_value_extra(s) * KQ_BIT;
            if (code >= KQ_VALUE_ROWS)
                sum += (uint64_t)p->value_counts[code][s] * p->value_costs[code][s];
        }
        copies = code == KQ_VALUE_ROWS ? total : copies;
    }
    if (copies)
        p->displacement_cost = (uint32_t)(sum / copies);
    uint32_t counts[KQ_SYMBOLS] = {0};
    uint8_t bits[KQ_SYMBOLS];
    for (size_t i = 0; i < p->escape_count; i++)
        counts[p->escapes[i].symbol]++;
    for (uint32_t s = 0; s < p->front.symbols; s++)
        bits[s] =
            (uint8_t)((kq_cost_of(counts[s], p->escape_count, p->front.symbols) + KQ_BIT / 2) /
                          KQ_BIT +
                      (uint32_t)low);
    for (size_t i = 0; i < p->labels; i++)
        if (p->plain[i] == KQ_TOKEN_ESCAPE)
            p->escape_bits[i] = bits[p->plane[i] >> low];
}

/* Finds the tokens of a tile, on a second way by what the first one costs, and their tables.
 * Returns 0 without memory. */
static int kq_find_tokens(kq_parse *p)
{
    if (!kq_find_copies(p))
        return 0;
    memset(p->escape_bits, 0, p->labels);
    kq_look_ahead(p);
    kq_go(p);
    kq_second_costs(p);
    kq_look_ahead(p);
    kq_go(p);
    return kq_make_tables(p);
}

#endif
#endif
