/* Labels as the digits of whole numbers, mixed radix (spec/kq.md, section 8).
 *
 * A block of n labels is the number sum(label[i] * K**(n-1-i)), written in a
 * fixed count of bits, most significant first. Labels are first joined into
 * digits to base K**g < 2**31, so that a step of the long multiplication or
 * division serves g labels at once.
 */
#ifndef KQ_CODING_DENSE_H
#define KQ_CODING_DENSE_H

#include "coding/packed.h"

/* The longest block there is: 2971 bits, at K = 32769. */
#define KQ_DENSE_MAX_BITS 2976
#define KQ_DENSE_MAX_WORDS (KQ_DENSE_MAX_BITS / 32)

typedef struct {
    uint32_t k;          /* 2..65536 */
    size_t group;        /* g: labels in a digit */
    uint32_t base;       /* k**g < 2**31, or k itself */
    uint64_t reciprocal; /* ceil(2**shift / k) */
    int shift;           /* 31 + ceil(log2 k): exact quotients below 2**31 */
} kq_radix;

static kq_radix kq_radix_of(uint32_t k)
{
    kq_radix radix = {k, 1, k, 0, 31};
    while ((uint64_t)radix.base * k < (uint64_t)1 << 31) {
        radix.base *= k;
        radix.group++;
    }
    while (((uint64_t)1 << (radix.shift - 31)) < k)
        radix.shift++;
    radix.reciprocal = (((uint64_t)1 << radix.shift) + k - 1) / k;
    return radix;
}

static uint32_t kq_power(uint32_t k, size_t exponent)
{
    uint32_t power = 1;
    while (exponent-- > 0)
        power *= k;
    return power;
}

/* words, least significant first: words = words * factor + addend */
static inline size_t kq_multiply_add(uint32_t *words, size_t used, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (size_t w = 0; w < used; w++) {
        carry += (uint64_t)words[w] * factor;
        words[w] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        words[used++] = (uint32_t)carry;
    return used;
}

/* A string of bits, most significant first, read up to 32 at once. */
typedef struct {
    const uint8_t *at;
    uint64_t held;
    int fill;
} kq_bit_reader;

static inline uint32_t kq_get_bits(kq_bit_reader *reader, int bits)
{
    while (reader->fill < bits) {
        reader->held = reader->held << 8 | *reader->at++;
        reader->fill += 8;
    }
    reader->fill -= bits;
    return (uint32_t)(reader->held >> reader->fill & (((uint64_t)1 << bits) - 1));
}

/* words, least significant first: words = words / divisor; returns the remainder */
static inline uint32_t kq_divide(uint32_t *words, size_t used, uint32_t divisor)
{
    uint64_t rest = 0;
    for (size_t w = used; w-- > 0;) {
        rest = rest << 32 | words[w];
        uint32_t quotient = (uint32_t)(rest / divisor);
        rest -= (uint64_t)quotient * divisor;
        words[w] = quotient;
    }
    return (uint32_t)rest;
}

/* Returns 0 if the block's number is K**count or more. */
static int kq_dense_get_block(const kq_radix *radix, kq_bit_reader *reader, int bits, void *labels,
                              int wide, size_t start, size_t count)
{
    uint32_t words[KQ_DENSE_MAX_WORDS + 1];
    size_t used = ((size_t)bits + 31) / 32;
    int top = bits - 32 * ((int)used - 1);
    for (size_t w = used; w-- > 0; top = 32)
        words[w] = kq_get_bits(reader, top);
    for (size_t end = count; end > 0;) {
        size_t group = end % radix->group; /* only the last digit is partial */
        uint32_t base = group == 0 ? radix->base : kq_power(radix->k, group);
        if (group == 0)
            group = radix->group;
        uint32_t digit = kq_divide(words, used, base);
        while (used > 0 && words[used - 1] == 0)
            used--;
        for (size_t i = end; i-- > end - group;) {
            uint32_t quotient = (uint32_t)(digit * radix->reciprocal >> radix->shift);
            kq_label_set(labels, start + i, wide, digit - quotient * radix->k);
            digit = quotient;
        }
        end -= group;
    }
    return used == 0;
}

/* Fills `count` labels below k, 2..65536, from `in`, whose size must be right: blocks of
 * `block` labels in `block_bits` bits each (at most KQ_DENSE_MAX_BITS), then the rest of the
 * labels in `tail_bits`, 0 if there is no rest. `wide` says whether labels are uint16_t or
 * uint8_t. Returns 1, or 0 at the first block whose number is out of range. */
static int kq_dense_decode(const uint8_t *in, int wide, size_t count, uint32_t k, size_t block,
                           int block_bits, int tail_bits, void *labels)
{
    const kq_radix radix = kq_radix_of(k);
    kq_bit_reader reader = {in, 0, 0};
    size_t start = 0;
    for (; count - start >= block; start += block)
        if (!kq_dense_get_block(&radix, &reader, block_bits, labels, wide, start, block))
            return 0;
    if (start < count)
        return kq_dense_get_block(&radix, &reader, tail_bits, labels, wide, start, count - start);
    return 1;
}

#ifndef KQ_DECODE_ONLY
/* A string of bits, most significant first, written up to 32 at once. */
typedef struct {
    uint8_t *at;
    uint64_t held;
    int fill;
} kq_bit_writer;

static inline void kq_put_bits(kq_bit_writer *writer, uint32_t value, int bits)
{
    writer->held = writer->held << bits | value;
    writer->fill += bits;
    while (writer->fill >= 8) {
        writer->fill -= 8;
        *writer->at++ = (uint8_t)(writer->held >> writer->fill);
    }
}

static void kq_dense_put_block(const kq_radix *radix, const void *labels, int wide, size_t start,
                               size_t count, int bits, kq_bit_writer *writer)
{
    uint32_t words[KQ_DENSE_MAX_WORDS + 1] = {0};
    const size_t width = ((size_t)bits + 31) / 32;
    size_t used = 0;
    for (size_t i = 0; i < count;) {
        size_t group = count - i < radix->group ? count - i : radix->group;
        uint32_t base = group == radix->group ? radix->base : kq_power(radix->k, group);
        uint32_t digit = 0;
        for (size_t g = 0; g < group; g++)
            digit = digit * radix->k + kq_label_below(radix->k, labels, start + i + g, wide);
        used = kq_multiply_add(words, used, base, digit);
        i += group;
    }
    int top = bits - 32 * ((int)width - 1);
    for (size_t w = width; w-- > 0; top = 32)
        kq_put_bits(writer, words[w], top);
}

/* Writes `count` labels, as kq_dense_decode reads them; `out` has room for all bits, the
 * last byte being padded with zero bits. Of a label that isn't below k the last is written. */
static void kq_dense_encode(const void *labels, int wide, size_t count, uint32_t k, size_t block,
                            int block_bits, int tail_bits, uint8_t *out)
{
    const kq_radix radix = kq_radix_of(k);
    kq_bit_writer writer = {out, 0, 0};
    size_t start = 0;
    for (; count - start >= block; start += block)
        kq_dense_put_block(&radix, labels, wide, start, block, block_bits, &writer);
    if (start < count)
        kq_dense_put_block(&radix, labels, wide, start, count - start, tail_bits, &writer);
    if (writer.fill > 0)
        *writer.at = (uint8_t)(writer.held << (8 - writer.fill));
}
#endif

#endif
