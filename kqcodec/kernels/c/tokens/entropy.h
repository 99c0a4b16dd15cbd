/* What the encoder of `tokens` counts with: costs in whole numbers, prefix codes and states
 * from counts. The bytes it writes are the same on every machine, so nothing is a float. */
#ifndef KQ_TOKENS_ENTROPY_H
#define KQ_TOKENS_ENTROPY_H

#include <stdint.h>

#include "coding/logistic.h"
#include "tokens/state.h"

#ifndef KQ_DECODE_ONLY

#define KQ_BIT 256 /* costs of tokens are in 1/256 bit */

/* The binary logarithm of x >= 1 in 1/65536, less than 1/1000 off: a cubic polynomial between
 * powers of two, 0.4229 and 0.1592 being the best there are. It never falls, so that no share
 * of a whole costs less than nothing. */
static uint32_t kq_log2(uint64_t x)
{
    const uint32_t power = (x >> 32 ? 32 + kq_log((uint32_t)(x >> 32)) : kq_log((uint32_t)x)) - 1;
    const uint64_t t = (power > 16 ? x >> (power - 16) : x << (16 - power)) - 65536; /* 0 .. 1 */
    return (power << 16) + (uint32_t)(t + (t * (65536 - t) * (27713 - (t * 10435 >> 16)) >> 32));
}

/* n log2 n in 1/65536 bit. */
static uint64_t kq_self_information(uint64_t n)
{
    return n ? n * kq_log2(n) : 0;
}

/* Lengths of at most `most` bits for a prefix code by counts, after Huffman: where it has
 * longer ones, counts are halved and it is made again. `lengths` of symbols without a count
 * are 0; a single symbol's is 1. */
static void kq_code_lengths(const uint32_t *counts, uint32_t symbols, int most, uint8_t *lengths)
{
    uint64_t keys[KQ_SYMBOLS], weights[2 * KQ_SYMBOLS];
    uint16_t parents[2 * KQ_SYMBOLS];
    uint8_t depths[2 * KQ_SYMBOLS];
    memset(lengths, 0, symbols);
    for (int halvings = 0;; halvings++) {
        uint32_t n = 0;
        for (uint32_t s = 0; s < symbols; s++)
            if (counts[s]) {
                /* Each halving rounds up, as (count >> 1) + 1 does. */
                uint64_t count = counts[s];
                for (int i = 0; i < halvings; i++)
                    count = (count >> 1) + 1;
                uint64_t key = count << 16 | s;
                uint32_t at = n++;
                for (; at > 0 && keys[at - 1] > key; at--)
                    keys[at] = keys[at - 1];
                keys[at] = key;
            }
        if (n < 2) {
            if (n)
                lengths[keys[0] & 0xFFFF] = 1;
            return;
        }
        /* Leaves are 0 .. n - 1, ascending; nodes follow, which ascend as they are made. */
        uint32_t leaf = 0, node = n, made = n;
        for (uint32_t i = 0; i < n; i++)
            weights[i] = keys[i] >> 16;
        for (; made < 2 * n - 1; made++) {
            weights[made] = 0;
            for (int child = 0; child < 2; child++) {
                const int take_leaf = leaf < n && (node >= made || weights[leaf] <= weights[node]);
                const uint32_t least = take_leaf ? leaf++ : node++;
                weights[made] += weights[least];
                parents[least] = (uint16_t)made;
            }
        }
        int deepest = 0;
        depths[2 * n - 2] = 0;
        for (uint32_t i = 2 * n - 2; i-- > 0;) {
            depths[i] = (uint8_t)(depths[parents[i]] + 1);
            deepest = depths[i] > deepest ? depths[i] : deepest;
        }
        if (deepest <= most) {
            for (uint32_t i = 0; i < n; i++)
                lengths[keys[i] & 0xFFFF] = depths[i];
            return;
        }
    }
}

/* States for the tokens of a table, by their counts: each that occurs has one or more. What
 * rounding leaves goes where it costs least, or saves most. */
static void kq_share_states(const uint32_t *counts, int state_bits, uint16_t *states)
{
    const uint32_t all = 1u << state_bits;
    uint64_t total = 0;
    uint32_t given = 0;
    for (int s = 0; s < KQ_TOKENS; s++)
        total += counts[s];
    for (int s = 0; s < KQ_TOKENS; s++) {
        states[s] = 0;
        if (counts[s]) {
            states[s] = (uint16_t)((counts[s] * (uint64_t)all + total / 2) / total);
            states[s] = states[s] ? states[s] : 1;
        }
        given += states[s];
    }
    if (total == 0)
        given = states[0] = (uint16_t)all;
    while (given != all) {
        const int step = given > all ? -1 : 1;
        int best = -1;
        int64_t least = 0;
        for (int s = 0; s < KQ_TOKENS; s++) {
            if (states[s] == 0 || (step < 0 && states[s] == 1))
                continue;
            const int64_t cost =
                (int64_t)counts[s] * ((int64_t)kq_log2(states[s]) -
                                      (int64_t)kq_log2(states[s] + (uint64_t)(int64_t)step));
            if (best < 0 || cost < least) {
                least = cost;
                best = s;
            }
        }
        states[best] = (uint16_t)(states[best] + step);
        given += (uint32_t)step;
    }
}

#endif
#endif
