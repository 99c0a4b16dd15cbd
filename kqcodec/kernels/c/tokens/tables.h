/* The walk through what stands ahead of the streams (spec/kq.md, section 17): see front.h. */
#ifndef KQ_TOKENS_TABLES_H
#define KQ_TOKENS_TABLES_H

#include "tokens/front.h"

/* The bits of a number of 0 .. 65,534: how many bits it has, and the two highest of them. */
typedef struct {
    kq_front_bit size[16], first[16], second[16][2];
} kq_front_number_bits;

static uint32_t kq_front_number(kq_front_coder *c, kq_front_number_bits *b, uint32_t value)
{
    int size = 0;
    while (size < 15 && (value + 1) >> (size + 1))
        size++;
    size = (int)kq_front_tree(c, b->size, (uint32_t)size, 4);
    uint32_t found = 1;
    for (int i = size - 1; i >= 0; i--) {
        int bit = (value + 1) >> i & 1;
        if (i == size - 1)
            bit = kq_front_bit_code(c, b->first + size, bit);
        else if (i == size - 2)
            bit = kq_front_bit_code(c, &b->second[size][found & 1], bit);
        else
            bit = kq_front_coin(c, bit, 32768);
        found = found << 1 | (uint32_t)bit;
    }
    return found - 1;
}

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
static int kq_front_map(kq_front_coder *c, kq_front *f)
{
    kq_front_bit as_before[2], as_kind[2], table[KQ_TOKEN_TABLES];
    const int kinds = f->bands ? 1 : KQ_TOKEN_KINDS, bits = kq_front_width((uint32_t)f->tables);
    kq_front_bits_init(as_before, 2);
    kq_front_bits_init(as_kind, 2);
    kq_front_bits_init(table, KQ_TOKEN_TABLES);
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
                if (kq_front_bit_code(c, as_kind + (kind > 1), *at == last)) {
                    before = *at = last;
                    continue;
                }
            }
            same = kq_front_bit_code(c, as_before + same, *at == before);
            if (!same)
                before = (uint8_t)kq_front_tree(c, table, *at, bits);
            *at = before;
            if (before >= f->tables)
                return 0;
        }
    }
    return 1;
}

/* How many states each token has in each table. */
static int kq_front_counts(kq_front_coder *c, kq_front *f)
{
    kq_front_bit some[KQ_TOKENS];
    kq_front_number_bits numbers[KQ_TOKENS];
    const int tokens = f->bands ? KQ_TOKENS_PLAIN : KQ_TOKENS;
    kq_front_bits_init(some, KQ_TOKENS);
    for (int s = 0; s < tokens; s++)
        kq_front_bits_init(numbers[s].size, sizeof numbers[s] / sizeof numbers[s].size[0]);
    for (int t = 0; t < f->tables; t++) {
        uint32_t left = 1u << f->state_bits;
        for (int s = 0; s < KQ_TOKENS; s++) {
            uint32_t count = s < tokens ? f->counts[t][s] : 0;
            if (left == 0 || s >= tokens)
                count = 0;
            else if (s == tokens - 1)
                count = left;
            else if (kq_front_bit_code(c, some + s, count > 0))
                count = kq_front_number(c, numbers + s, count - 1) + 1;
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
static int kq_front_cells(kq_front_coder *c, kq_front *f)
{
    kq_front_bit begins[2][2], as_left, as_above, table[KQ_ESCAPE_TABLES];
    const int bits = kq_front_width((uint32_t)f->escape_tables);
    kq_front_bits_init(&begins[0][0], 4);
    kq_front_bits_init(&as_left, 1);
    kq_front_bits_init(&as_above, 1);
    kq_front_bits_init(table, KQ_ESCAPE_TABLES);
    for (int side = 0; side < 2; side++) {
        uint8_t *interval = f->interval[side];
        int begin = 0;
        interval[0] = 0;
        for (uint32_t i = 1; i < f->symbols; i++) {
            begin = kq_front_bit_code(c, &begins[side][begin], interval[i] != interval[i - 1]);
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
            if (kq_front_bit_code(c, &as_left, *at == left))
                *at = left;
            else if (above != left && kq_front_bit_code(c, &as_above, *at == above))
                *at = above;
            else
                *at = (uint8_t)kq_front_tree(c, table, *at, bits);
            if (*at >= f->escape_tables)
                return 0;
        }
    return 1;
}

/* The length of a code: whether it isn't 0, by bits[0], then what it is more than 1. */
static uint8_t kq_front_length(kq_front_coder *c, kq_front_bit *bits, uint8_t length)
{
    if (!kq_front_bit_code(c, bits, length > 0))
        return 0;
    return (uint8_t)(1 + kq_front_tree(c, bits, length - 1u, 4));
}

/* The lengths of the escapes' codes: each by that of the same symbol in the table before, and
 * those of the two symbols before. */
static void kq_front_lengths(kq_front_coder *c, kq_front *f)
{
    static const uint8_t classes[17] = {0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};
    kq_front_bit bits[6][13][16];
    kq_front_bits_init(&bits[0][0][0], sizeof bits / sizeof(kq_front_bit));
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
static int kq_front_values(kq_front_coder *c, kq_front *f)
{
    for (int code = 0; code < KQ_VALUE_CODES; code++) {
        uint8_t *lengths = f->values[code];
        kq_front_bit bits[2][16];
        kq_front_bits_init(&bits[0][0], 32);
        uint32_t count = KQ_VALUES;
        while (count && lengths[count - 1] == 0)
            count--;
        count = kq_front_even(c, count, 6);
        if (count > KQ_VALUES)
            return 0;
        for (uint32_t s = 0; s < KQ_VALUES; s++)
            lengths[s] = s < count ? kq_front_length(c, bits[s && lengths[s - 1]], lengths[s]) : 0;
    }
    return 1;
}

/* Codes all of it; f->symbols and f->bands are known. Returns 0 where what is decoded is
 * invalid; that codes are complete is for who uses them to check. */
static int kq_front_code(kq_front_coder *c, kq_front *f)
{
    f->state_bits = KQ_LEAST_STATE_BITS +
                    (int)kq_front_even(c, (uint32_t)(f->state_bits - KQ_LEAST_STATE_BITS), 2);
    f->tables = 1 + (int)kq_front_even(c, (uint32_t)f->tables - 1, 5);
    if (!kq_front_map(c, f) || !kq_front_counts(c, f))
        return 0;
    f->escape_tables = (int)kq_front_even(c, (uint32_t)f->escape_tables, 6);
    if ((uint32_t)f->escape_tables > kq_most_escape_tables(f))
        return 0;
    if (f->escape_tables == 0)
        for (int t = 0; t < f->tables; t++)
            if (f->counts[t][KQ_TOKEN_ESCAPE])
                return 0;
    if (f->escape_tables) {
        f->escape_bits =
            KQ_LEAST_ESCAPE_BITS +
            (int)kq_front_even(c, (uint32_t)(f->escape_bits - KQ_LEAST_ESCAPE_BITS), 3);
        if (f->escape_bits > KQ_MOST_ESCAPE_BITS)
            return 0;
        if (f->escape_tables > 1 && !kq_front_cells(c, f))
            return 0;
        kq_front_lengths(c, f);
    }
    return f->bands || kq_front_values(c, f);
}

#endif
