/* The encoder's tables of escapes: which intervals of W and N there are, which table each pair
 * of them has, and the codes. */
#ifndef KQ_TOKENS_ESCAPES_H
#define KQ_TOKENS_ESCAPES_H

#include "tokens/merge.h"

#ifndef KQ_DECODE_ONLY

/* An escape: its symbol, and those of W and N. */
typedef struct {
    uint8_t w, n, symbol;
} kq_escape;

#define KQ_ESCAPE_CLASSES 64 /* of symbols, by which intervals are compared */
#define KQ_COARSE_W 12       /* intervals whose pairs are merged, before the finer ones choose */
#define KQ_COARSE_N 8
#define KQ_ESCAPE_CELLS (KQ_INTERVALS * KQ_INTERVALS)
#define KQ_ESCAPE_ROUNDS 3
#define KQ_LENGTH_BITS 4 /* of a table, for each symbol that occurs; some 0.4 for any other */

static uint32_t kq_whole_root(uint32_t square)
{
    uint32_t root = 0;
    while ((root + 1) * (root + 1) <= square)
        root++;
    return root;
}

static uint32_t kq_smallest(uint32_t a, uint32_t b, uint32_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

/* Cuts the symbols of a side, of W or of N, into at most `most` intervals: neighbouring ones
 * are merged whose escapes differ least. Returns how many there are, 0 without memory. */
static uint32_t kq_make_intervals(const kq_escape *escapes, size_t count, int side,
                                  uint32_t symbols, uint32_t most, uint8_t *interval,
                                  const uint32_t *small)
{
    kq_merging m;
    uint32_t intervals = 0, classes = symbols;
    int shift = 0;
    for (; classes > KQ_ESCAPE_CLASSES; classes = ((symbols - 1) >> shift) + 1)
        shift++;
    memset(interval, 0, symbols);
    if (most == 1)
        return 1;
    if (kq_merging_open(&m, symbols, classes, small)) {
        uint16_t next[KQ_SYMBOLS];
        for (size_t i = 0; i < count; i++)
            m.counts[(side ? escapes[i].n : escapes[i].w) * classes +
                     (escapes[i].symbol >> shift)]++;
        for (uint32_t i = 0; i < symbols; i++) {
            m.costs[i] = kq_merged_cost(&m, i, i);
            next[i] = (uint16_t)(i + 1);
            m.group_of[i] = (uint16_t)i;
        }
        for (uint32_t i = 0; i + 1 < symbols; i++)
            m.loss[i] = kq_merged_cost(&m, i, i + 1) - m.costs[i] - m.costs[i + 1];
        for (intervals = symbols; intervals > most; intervals--) {
            uint32_t best = 0, before = 0, ahead = 0;
            for (uint32_t i = 0; next[i] < symbols; before = i, i = next[i])
                if (i == 0 || m.loss[i] < m.loss[best]) {
                    best = i;
                    ahead = before;
                }
            const uint32_t gone = next[best];
            for (uint32_t s = 0; s < classes; s++)
                m.counts[best * classes + s] += m.counts[gone * classes + s];
            m.costs[best] += m.costs[gone] + m.loss[best];
            next[best] = next[gone];
            m.group_of[gone] = (uint16_t)best;
            if (next[best] < symbols)
                m.loss[best] =
                    kq_merged_cost(&m, best, next[best]) - m.costs[best] - m.costs[next[best]];
            if (best > 0)
                m.loss[ahead] = kq_merged_cost(&m, ahead, best) - m.costs[ahead] - m.costs[best];
        }
        interval[0] = 0;
        for (uint32_t i = 1; i < symbols; i++)
            interval[i] = (uint8_t)(interval[i - 1] + (m.group_of[i] == i));
    }
    kq_merging_close(&m);
    return intervals;
}

/* The cells choose again, in a few rounds, the table that codes them in the fewest bits
 * (Lloyd's algorithm). `counts` are those of the cells, `table` what each has; empty cells
 * have none, -1. `sums` are those of the tables. */
static void kq_choose_again(const uint16_t *counts, uint32_t cells, uint32_t symbols,
                            int16_t *table, uint32_t tables, uint32_t (*sums)[KQ_SYMBOLS])
{
    int16_t costs[KQ_ESCAPE_TABLES][KQ_SYMBOLS]; /* in 1/16 bit, 255 at most */
    for (int round = 0;; round++) {
        uint32_t totals[KQ_ESCAPE_TABLES] = {0};
        memset(sums, 0, tables * sizeof *sums);
        for (uint32_t cell = 0; cell < cells; cell++)
            for (uint32_t s = 0; s < symbols && table[cell] >= 0; s++) {
                sums[table[cell]][s] += counts[cell * symbols + s];
                totals[table[cell]] += counts[cell * symbols + s];
            }
        if (round == KQ_ESCAPE_ROUNDS)
            return;
        for (uint32_t t = 0; t < tables; t++)
            for (uint32_t s = 0; s < symbols; s++) {
                /* As if each symbol had been there a fifth more. */
                const uint32_t cost = (kq_log2((uint64_t)5 * totals[t] + symbols) -
                                       kq_log2((uint64_t)5 * sums[t][s] + 1)) >>
                                      12;
                costs[t][s] = (int16_t)(cost < 255 ? cost : 255);
            }
        for (uint32_t cell = 0; cell < cells; cell++) {
            int32_t least = INT32_MAX;
            for (uint32_t t = 0; t < tables && table[cell] >= 0; t++) {
                int32_t cost = 0;
                const int16_t *at = (const int16_t *)(const void *)(counts + cell * symbols);
                for (uint32_t s = 0; s < symbols; s++)
                    cost += at[s] * costs[t][s];
                if (totals[t] && cost < least) {
                    least = cost;
                    table[cell] = (int16_t)t;
                }
            }
        }
    }
}

/* Makes the tables of escapes, from all of a tile. Returns 0 without memory. */
static int kq_make_escape_tables(kq_front *f, const kq_escape *escapes, size_t count,
                                 const uint32_t *small)
{
    const uint32_t symbols = f->symbols, n = (uint32_t)count, root = kq_whole_root(n / 40);
    f->escape_bits = symbols <= 16 ? 7 : symbols <= 64 ? 9 : 10;
    f->escape_tables = 0;
    if (count == 0)
        return 1;
    uint32_t *w = &f->intervals[0], *v = &f->intervals[1];
    *w = kq_make_intervals(escapes, count, 0, symbols,
                           kq_smallest(n / 300 + 1, root + 3, KQ_INTERVALS), f->interval[0], small);
    *v = kq_make_intervals(escapes, count, 1, symbols,
                           kq_smallest(n / 600 + 1, root + 1, KQ_INTERVALS), f->interval[1], small);
    const uint32_t cells = *w * *v, wide = *w < KQ_COARSE_W ? *w : KQ_COARSE_W,
                   high = *v < KQ_COARSE_N ? *v : KQ_COARSE_N;
    kq_merging m;
    uint16_t *counts = KQ_CALLOC((size_t)KQ_ESCAPE_CELLS * symbols + 1, sizeof *counts);
    uint32_t(*sums)[KQ_SYMBOLS] = KQ_MALLOC(KQ_ESCAPE_TABLES * sizeof *sums);
    int16_t coarse[KQ_ESCAPE_CELLS], table[KQ_ESCAPE_CELLS];
    uint32_t totals[KQ_COARSE_W * KQ_COARSE_N] = {0}, tables = 0;
    const int done = kq_merging_open(&m, KQ_COARSE_W * KQ_COARSE_N, symbols, small) && counts &&
                     sums && *w && *v;
    if (done) {
        for (size_t i = 0; i < count; i++) {
            const kq_escape e = escapes[i];
            const uint32_t a = f->interval[0][e.w], b = f->interval[1][e.n];
            uint16_t *at = &counts[(a * *v + b) * symbols + e.symbol];
            *at = (uint16_t)(*at + (*at < 32767));
            totals[a * wide / *w * high + b * high / *v]++;
        }
        for (uint32_t i = 0; i < wide * high; i++)
            coarse[i] = totals[i] ? (int16_t)m.groups++ : -1;
        for (uint32_t cell = 0; cell < cells; cell++) {
            const int16_t group = coarse[cell / *v * wide / *w * high + cell % *v * high / *v];
            uint32_t total = 0;
            for (uint32_t s = 0; s < symbols && group >= 0; s++) {
                m.counts[(uint32_t)group * symbols + s] += counts[cell * symbols + s];
                total += counts[cell * symbols + s];
            }
            table[cell] = (int16_t)(total ? group : -1);
        }
        m.symbol_cost = KQ_LENGTH_BITS << 16;
        m.group_cost = (int64_t)symbols * 26214; /* 0.4 bit each */
        kq_merge(&m, kq_most_escape_tables(f));
        int16_t number[KQ_COARSE_W * KQ_COARSE_N];
        for (uint32_t g = 0; g < m.groups; g++)
            if (m.group_of[g] == g)
                number[g] = (int16_t)tables++;
        for (uint32_t cell = 0; cell < cells; cell++)
            if (table[cell] >= 0)
                table[cell] = number[m.group_of[table[cell]]];
        kq_choose_again(counts, cells, symbols, table, tables, sums);
        /* Tables are numbered as they occur; an empty cell has that of the one before it. */
        int16_t renumbered[KQ_ESCAPE_TABLES];
        memset(renumbered, 0xFF, sizeof renumbered);
        uint8_t before = 0;
        for (uint32_t cell = 0; cell < cells; cell++) {
            if (table[cell] >= 0 && renumbered[table[cell]] < 0) {
                kq_code_lengths(sums[table[cell]], symbols, f->escape_bits,
                                f->lengths[f->escape_tables]);
                renumbered[table[cell]] = (int16_t)f->escape_tables++;
            }
            if (table[cell] >= 0)
                before = (uint8_t)renumbered[table[cell]];
            f->cells[cell / *v][cell % *v] = before;
        }
        if (f->escape_tables == 1) {
            memset(f->interval, 0, sizeof f->interval);
            f->intervals[0] = f->intervals[1] = 1;
        }
    }
    kq_merging_close(&m);
    KQ_FREE(counts);
    KQ_FREE(sums);
    return done;
}

#endif
#endif
