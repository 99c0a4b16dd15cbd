/* Which tokens a tile becomes, in one stream: a way of least cost through it, by dynamic
 * programming from the end, among plain tokens, runs, flat stretches, and one copy at each
 * place. It is gone twice, the second time by what the first one costs.
 */
#ifndef KQ_TOKENS_WAY_H
#define KQ_TOKENS_WAY_H

#include "tokens/copies.h"

#ifndef KQ_DECODE_ONLY

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
    uint32_t last = 0, tried[2] = {0};
    size_t until[2] = {0}; /* where the copy with the displacement tried last ends */
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
            if (near[n] != tried[n] || i >= until[n]) {
                const size_t left = p->labels - i;
                tried[n] = near[n];
                until[n] = i + kq_same(at, at - near[n], left < KQ_LONGEST ? left : KQ_LONGEST);
            }
            const uint32_t length = (uint32_t)(until[n] - i);
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
