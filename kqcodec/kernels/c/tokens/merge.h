/* Contexts that share a table: pairs are merged as long as what that costs is less than a
 * table, cheapest first (agglomerative clustering by entropy). */
#ifndef KQ_TOKENS_MERGE_H
#define KQ_TOKENS_MERGE_H

#include "tokens/entropy.h"

#ifndef KQ_DECODE_ONLY

#define KQ_SMALL_COUNTS 1024 /* counts whose costs are looked up */

/* Groups of counts to be merged; `symbols` counts each. */
typedef struct {
    uint32_t *counts;
    uint32_t symbols, groups;
    int64_t symbol_cost, group_cost; /* of a table, in 1/65536 bit: for each symbol in it; itself */
    const uint32_t *small;           /* n log2 n of n below KQ_SMALL_COUNTS */
    uint16_t *group_of; /* what each group became part of; itself, where it is still there */
    int64_t *costs;     /* of each group by itself */
    int64_t *loss;      /* of merging it with the best of those before it */
    uint16_t *partner;  /* that one */
} kq_merging;

static int64_t kq_merged_cost(const kq_merging *m, uint32_t a, uint32_t b)
{
    const uint32_t *x = m->counts + (size_t)a * m->symbols, *y = m->counts + (size_t)b * m->symbols;
    const uint32_t keep = a != b;
    uint64_t total = 0, sum = 0, used = 0;
    for (uint32_t s = 0; s < m->symbols; s++) {
        const uint32_t count = x[s] + (keep ? y[s] : 0);
        total += count;
        used += count > 0;
        sum += count < KQ_SMALL_COUNTS ? m->small[count] : kq_self_information(count);
    }
    return (int64_t)(kq_self_information(total) - sum) + (int64_t)used * m->symbol_cost +
           m->group_cost;
}

static void kq_find_partner(kq_merging *m, uint32_t group)
{
    m->partner[group] = (uint16_t)group;
    for (uint32_t other = 0; other < group; other++)
        if (m->group_of[other] == other) {
            const int64_t loss =
                kq_merged_cost(m, group, other) - m->costs[group] - m->costs[other];
            if (m->partner[group] == group || loss < m->loss[group]) {
                m->loss[group] = loss;
                m->partner[group] = (uint16_t)other;
            }
        }
}

/* Merges until no merge saves anything and there are at most `most`; then group_of says for
 * each group which one it is part of. Groups without counts must not be there. */
static void kq_merge(kq_merging *m, uint32_t most)
{
    uint32_t left = m->groups;
    for (uint32_t i = 0; i < m->groups; i++) {
        m->group_of[i] = (uint16_t)i;
        m->costs[i] = kq_merged_cost(m, i, i);
    }
    for (uint32_t i = 0; i < m->groups; i++)
        kq_find_partner(m, i);
    while (left > 1) {
        uint32_t from = 0;
        for (uint32_t i = 1; i < m->groups; i++)
            if (m->group_of[i] == i && m->partner[i] != i &&
                (from == 0 || m->loss[i] < m->loss[from]))
                from = i;
        if (from == 0 || (m->loss[from] >= 0 && left <= most))
            break;
        const uint32_t into = m->partner[from];
        for (uint32_t s = 0; s < m->symbols; s++)
            m->counts[into * m->symbols + s] += m->counts[from * m->symbols + s];
        m->costs[into] += m->costs[from] + m->loss[from];
        for (uint32_t i = 0; i < m->groups; i++)
            if (m->group_of[i] == from)
                m->group_of[i] = (uint16_t)into;
        left--;
        for (uint32_t i = into; i < m->groups; i++) {
            if (m->group_of[i] != i)
                continue;
            if (i == into || m->partner[i] == from || m->partner[i] == into)
                kq_find_partner(m, i);
            else {
                const int64_t loss = kq_merged_cost(m, i, into) - m->costs[i] - m->costs[into];
                if (loss < m->loss[i]) {
                    m->loss[i] = loss;
                    m->partner[i] = (uint16_t)into;
                }
            }
        }
    }
}

/* Room for a merging; 0 without memory. */
static int kq_merging_open(kq_merging *m, uint32_t groups, uint32_t symbols, const uint32_t *small)
{
    memset(m, 0, sizeof *m);
    m->symbols = symbols;
    m->small = small;
    m->counts = KQ_CALLOC((size_t)groups * symbols, sizeof *m->counts);
    m->group_of = KQ_CALLOC(groups, sizeof *m->group_of);
    m->costs = KQ_CALLOC(groups, sizeof *m->costs);
    m->loss = KQ_CALLOC(groups, sizeof *m->loss);
    m->partner = KQ_CALLOC(groups, sizeof *m->partner);
    return m->counts && m->group_of && m->costs && m->loss && m->partner;
}

static void kq_merging_close(kq_merging *m)
{
    KQ_FREE(m->counts);
    KQ_FREE(m->group_of);
    KQ_FREE(m->costs);
    KQ_FREE(m->loss);
    KQ_FREE(m->partner);
}

/* --- tokens -------------------------------------------------------------------- */

#define KQ_CONTEXTS (KQ_TOKEN_KINDS * KQ_PATTERNS)

/* Which table each context of tokens has, and their states, from how often each token stood in
 * each context. A context without tokens has the table of the one before it. Returns 0 without
 * memory. */
static int kq_make_token_tables(kq_front *f, uint32_t (*counts)[KQ_TOKENS], const uint32_t *small)
{
    kq_merging m;
    uint16_t group_of[KQ_CONTEXTS], number[KQ_CONTEXTS];
    const int contexts = f->bands ? KQ_PATTERNS : KQ_CONTEXTS;
    const int done = kq_merging_open(&m, KQ_CONTEXTS, KQ_TOKENS, small);
    if (done) {
        m.group_cost = 80 << 16;
        for (int c = 0; c < contexts; c++) {
            uint32_t total = 0;
            for (int s = 0; s < KQ_TOKENS; s++)
                total += counts[c][s];
            group_of[c] = (uint16_t)(total ? m.groups : KQ_CONTEXTS);
            if (total)
                memcpy(m.counts + m.groups++ * KQ_TOKENS, counts[c], sizeof counts[c]);
        }
        kq_merge(&m, KQ_TOKEN_TABLES);
        f->tables = 0;
        for (uint32_t g = 0; g < m.groups; g++)
            if (m.group_of[g] == g) {
                number[g] = (uint16_t)f->tables;
                kq_share_states(m.counts + g * KQ_TOKENS, f->state_bits, f->counts[f->tables++]);
            }
        uint8_t before = 0;
        memset(f->map, 0, sizeof f->map);
        for (int c = 0; c < contexts; c++) {
            if (c % KQ_PATTERNS == 0)
                before = 0;
            if (group_of[c] < KQ_CONTEXTS)
                before = (uint8_t)number[m.group_of[group_of[c]]];
            if (kq_pattern_possible(c % KQ_PATTERNS))
                f->map[c / KQ_PATTERNS][c % KQ_PATTERNS] = before;
        }
    }
    kq_merging_close(&m);
    return done;
}

#endif
#endif
