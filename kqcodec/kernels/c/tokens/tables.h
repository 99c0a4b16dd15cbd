/* The walk through what stands ahead of the streams (spec/kq.md, section 17): see front.h. */
#ifndef KQ_TOKENS_TABLES_H
#define KQ_TOKENS_TABLES_H

#include "tokens/front.h"

/* The bits that numbers below `count` take. */
static int kq_front_width(uint32_t count)
{
    int bits = 0;
    while ((count - 1) >> bits)
        bits++;
    return bits;
}

/* --- tokens -------------------------------------------------------------------- */

/* Which table each context has. */
static int kq_front_map(kq_bit_coder *c, kq_front *f)
{
    kq_bit as_before[2], as_kind[2], table[KQ_TOKEN_TABLES];
    const int kinds = f->bands ? 1 : KQ_TOKEN_KINDS, bits = kq_front_width((uint32_t)f->tables);
    kq_bits_init(as_before, 2);
    kq_bits_init(as_kind, 2);
    kq_bits_init(table, KQ_TOKEN_TABLES);
    for (int kind = 0; kind < kinds; kind++) {
        uint8_t before = 0;
        int same = 0;
        for (int pattern = 0; pattern < KQ_PATTERNS; pattern++) {
            uint8_t *at = &f->map[kind][pattern];
            if (!kq_pattern_possible(pattern) || f->tables == 1) {
                *at = 0;
                continue;
            }
            if (kind) {
                const uint8_t last = f->map[kind - 1][pattern];
                if (kq_bit_code(c, as_kind + (kind > 1), *at == last)) {
                    before = *at = last;
                    continue;
                }
            }
            same = kq_bit_code(c, as_before + same, *at == before);
            if (!same)
                before = (uint8_t)kq_bit_tree(c, table, *at, bits);
            *at = before;
            if (before >= f->tables)
                return 0;
        }
    }
    return 1;
}

/* How many states a token has, at least one. */
static uint32_t kq_front_count(kq_bit_coder *c, kq_number_bits *bits, uint32_t count)
{
    uint64_t more = (uint64_t)count - 1;
    kq_number_code(c, bits, 4, &more); /* so it has at most 15 bits */
    return (uint32_t)more + 1;
}

/* How many states each token has in each table. */
static int kq_front_counts(kq_bit_coder *c, kq_front *f)
{
    kq_bit some[KQ_TOKENS];
    kq_number_bits numbers[KQ_TOKENS];
    const int tokens = f->bands ? KQ_TOKENS_PLAIN : KQ_TOKENS;
    kq_bits_init(some, KQ_TOKENS);
    for (int s = 0; s < tokens; s++)
        kq_number_bits_init(numbers + s);
    for (int t = 0; t < f->tables; t++) {
        uint32_t left = 1u << f->state_bits;
        for (int s = 0; s < KQ_TOKENS; s++) {
            uint32_t count = s < tokens ? f->counts[t][s] : 0;
            if (left == 0 || s >= tokens)
                count = 0;
            else if (s == tokens - 1)
                count = left;
            else if (kq_bit_code(c, some + s, count > 0))
                count = kq_front_count(c, numbers + s, count);
            else
                count = 0;
            if (count > left)
                return 0;
            left -= count;
            f->counts[t][s] = (uint16_t)count;
        }
    }
    return 1;
}

/* --- escapes ------------------------------------------------------------------- */

/* Where the intervals of W and of N begin, and which table each pair of them has. */
static int kq_front_cells(kq_bit_coder *c, kq_front *f)
{
    kq_bit begins[2][2], as_left, as_above, table[KQ_ESCAPE_TABLES];
    const int bits = kq_front_width((uint32_t)f->escape_tables);
    kq_bits_init(&begins[0][0], 4);
    kq_bits_init(&as_left, 1);
    kq_bits_init(&as_above, 1);
    kq_bits_init(table, KQ_ESCAPE_TABLES);
    for (int side = 0; side < 2; side++) {
        uint8_t *interval = f->interval[side];
        int begin = 0;
        interval[0] = 0;
        for (uint32_t i = 1; i < f->symbols; i++) {
            begin = kq_bit_code(c, &begins[side][begin], interval[i] != interval[i - 1]);
            interval[i] = (uint8_t)(interval[i - 1] + begin);
            if (interval[i] >= KQ_INTERVALS)
                return 0;
        }
        f->intervals[side] = interval[f->symbols - 1] + 1u;
    }
    for (uint32_t w = 0; w < f->intervals[0]; w++)
        for (uint32_t n = 0; n < f->intervals[1]; n++) {
            uint8_t *at = &f->cells[w][n];
            const uint8_t above = w ? f->cells[w - 1][n] : 0, left = n ? at[-1] : above;
            if (kq_bit_code(c, &as_left, *at == left))
                *at = left;
            else if (above != left && kq_bit_code(c, &as_above, *at == above))
                *at = above;
            else
                *at = (uint8_t)kq_bit_tree(c, table, *at, bits);
            if (*at >= f->escape_tables)
                return 0;
        }
    return 1;
}

/* The length of a code: whether it isn't 0, by bits[0], then what it is more than 1. */
static uint8_t kq_front_length(kq_bit_coder *c, kq_bit *bits, uint8_t length)
{
    if (!kq_bit_code(c, bits, length > 0))
        return 0;
    return (uint8_t)(1 + kq_bit_tree(c, bits, length - 1u, 4));
}

/* The lengths of the escapes' codes: each by that of the same symbol in the table before, and
 * those of the two symbols before. */
static void kq_front_lengths(kq_bit_coder *c, kq_front *f)
{
    static const uint8_t classes[17] = {0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};
    kq_bit bits[6][13][16];
    kq_bits_init(&bits[0][0][0], sizeof bits / sizeof(kq_bit));
    for (int t = 0; t < f->escape_tables; t++) {
        int last = 0, second = 0;
        for (uint32_t s = 0; s < f->symbols; s++) {
            uint8_t *at = &f->lengths[t][s];
            const int above = t ? classes[f->lengths[t - 1][s]] : 5;
            const int beside = last && second   ? (last + second + 1) >> 1
                               : last || second ? 1 + (last + second > 4)
                                                : 0;
            *at = kq_front_length(c, bits[above][beside], *at);
            second = last;
            last = *at > 10 ? 10 : *at;
        }
    }
}

/* The lengths of the codes of lengths and displacements. */
static int kq_front_values(kq_bit_coder *c, kq_front *f)
{
    for (int code = 0; code < KQ_VALUE_CODES; code++) {
        uint8_t *lengths = f->values[code];
        kq_bit bits[2][16];
        kq_bits_init(&bits[0][0], 32);
        uint32_t count = KQ_VALUES;
        while (count && lengths[count - 1] == 0)
            count--;
        count = kq_bits_even(c, count, 6);
        if (count > KQ_VALUES)
            return 0;
        for (uint32_t s = 0; s < KQ_VALUES; s++)
            lengths[s] = s < count ? kq_front_length(c, bits[s && lengths[s - 1]], lengths[s]) : 0;
    }
    return 1;
}

/* Codes all of it; f->symbols and f->bands are known. Returns 0 where what is decoded is
 * invalid; that codes are complete is for who uses them to check. */
static int kq_front_code(kq_bit_coder *c, kq_front *f)
{
    f->state_bits = KQ_LEAST_STATE_BITS +
                    (int)kq_bits_even(c, (uint32_t)(f->state_bits - KQ_LEAST_STATE_BITS), 2);
    f->tables = 1 + (int)kq_bits_even(c, (uint32_t)f->tables - 1, 5);
    if (!kq_front_map(c, f) || !kq_front_counts(c, f))
        return 0;
    f->escape_tables = (int)kq_bits_even(c, (uint32_t)f->escape_tables, 6);
    if ((uint32_t)f->escape_tables > kq_most_escape_tables(f))
        return 0;
    if (f->escape_tables == 0)
        for (int t = 0; t < f->tables; t++)
            if (f->counts[t][KQ_TOKEN_ESCAPE])
                return 0;
    if (f->escape_tables) {
        f->escape_bits = KQ_LEAST_ESCAPE_BITS +
                         (int)kq_bits_even(c, (uint32_t)(f->escape_bits - KQ_LEAST_ESCAPE_BITS), 3);
        if (f->escape_bits > KQ_MOST_ESCAPE_BITS)
            return 0;
        if (f->escape_tables > 1 && !kq_front_cells(c, f))
            return 0;
        kq_front_lengths(c, f);
    }
    return f->bands || kq_front_values(c, f);
}

#endif
