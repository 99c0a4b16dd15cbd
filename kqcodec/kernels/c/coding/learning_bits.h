/* Bits that learn how likely they are, and numbers made of them (spec/kq.md, rules 17.6 and
 * 17.9): what stands ahead of tokens, and lists of numbers.
 *
 * One function for each both encodes and decodes, so that the two can't differ.
 */
#ifndef KQ_CODING_LEARNING_BITS_H
#define KQ_CODING_LEARNING_BITS_H

#include <stddef.h>
#include <stdint.h>

#include "coding/range_coder.h"

/* Encodes where there is an encoder, else decodes. */
typedef struct {
#ifndef KQ_DECODE_ONLY
    kq_range_encoder *encoder;
#endif
    kq_range_decoder *decoder;
} kq_bit_coder;

/* How likely a bit is 1, of 65536, and how often it was seen. */
typedef struct {
    uint16_t p, seen;
} kq_bit;

static inline void kq_bits_init(kq_bit *bits, size_t count)
{
    static const kq_bit even = {32768, 0};
    for (size_t i = 0; i < count; i++)
        bits[i] = even;
}

static inline int kq_coin(kq_bit_coder *c, int bit, uint32_t p)
{
#ifndef KQ_DECODE_ONLY
    if (c->encoder) {
        kq_range_encode(c->encoder, bit, p);
        return bit;
    }
#endif
    (void)bit;
    return kq_range_decode(c->decoder, p);
}

/* A bit that learns: by 2 / (2 n + 3) of its error, n being how often it was seen. */
static inline int kq_bit_code(kq_bit_coder *c, kq_bit *b, int bit)
{
    static const uint16_t rates[32] = {43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710,
                                       6898,  6241,  5698,  5242,  4854,  4519,  4228, 3971,
                                       3744,  3542,  3360,  3196,  3048,  2912,  2788, 2674,
                                       2570,  2473,  2383,  2299,  2221,  2148,  2080, 2016};
    bit = kq_coin(c, bit, b->p);
    const int32_t aim = bit ? 65504 : 32;
    b->p = (uint16_t)(b->p + ((aim - b->p) * (int64_t)rates[b->seen] >> 16));
    b->seen = (uint16_t)(b->seen + (b->seen < 31));
    return bit;
}

/* A number of `bits` bits, the highest first, as likely as any other. */
static inline uint32_t kq_bits_even(kq_bit_coder *c, uint32_t value, int bits)
{
    uint32_t found = 0;
    while (bits-- > 0)
        found = found << 1 | (uint32_t)kq_coin(c, value >> bits & 1, 32768);
    return found;
}

/* A number of `bits` bits; each bit learns by those before it. `at` has 1 << bits places. */
static inline uint32_t kq_bit_tree(kq_bit_coder *c, kq_bit *at, uint32_t value, int bits)
{
    uint32_t node = 1;
    for (int bit = bits - 1; bit >= 0; bit--)
        node = node << 1 | (uint32_t)kq_bit_code(c, at + node, value >> bit & 1);
    return node - (1u << bits);
}

#define KQ_NUMBER_MOST_BITS 64

/* The bits of a number: how many bits it has, and the two highest of them. */
typedef struct {
    kq_bit size[128], first[KQ_NUMBER_MOST_BITS + 1], second[KQ_NUMBER_MOST_BITS + 1][2];
} kq_number_bits;

static inline void kq_number_bits_init(kq_number_bits *b)
{
    kq_bits_init(b->size, sizeof *b / sizeof(kq_bit));
}

/* The highest bit of value + 1 that is 1: how many bits follow it. */
static inline uint32_t kq_number_size(uint64_t value)
{
    uint32_t size = 0;
    if (value == UINT64_MAX)
        return KQ_NUMBER_MOST_BITS;
    while (size < KQ_NUMBER_MOST_BITS - 1 && (value + 1) >> (size + 1))
        size++;
    return size;
}

/* A number of 64 bits: how many bits follow the highest of one more, by a tree of `tree` bits,
 * at most 7, and those. Returns 0 where it has more than 64 bits. */
static int kq_number_code(kq_bit_coder *c, kq_number_bits *b, int tree, uint64_t *value)
{
    const uint64_t more = *value + 1;
    const uint32_t size = kq_bit_tree(c, b->size, kq_number_size(*value), tree);
    uint64_t found = 1; /* of 2^64 and more the bits below */
    if (size > KQ_NUMBER_MOST_BITS)
        return 0;
    for (uint32_t left = size; left-- > 0;) {
        int bit = more >> left & 1;
        if (left + 1 == size)
            bit = kq_bit_code(c, b->first + size, bit);
        else if (left + 2 == size)
            bit = kq_bit_code(c, &b->second[size][found & 1], bit);
        else
            bit = kq_coin(c, bit, 32768);
        found = found << 1 | (uint32_t)bit;
    }
    *value = found - 1;
    return size < KQ_NUMBER_MOST_BITS || found == 0;
}

#endif
