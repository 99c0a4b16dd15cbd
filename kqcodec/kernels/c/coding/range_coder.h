/* The binary arithmetic coder (spec/kq.md, section 13): bits with given
 * probabilities to bytes and back, in 32-bit whole numbers.
 *
 * A carryless range coder as in Matt Mahoney's lpaq: the numbers x1..x2 are those
 * that the bits so far allow; each bit cuts the interval in proportion to its
 * probability, and bytes on which both ends agree leave at the top.
 */
#ifndef KQ_CODING_RANGE_CODER_H
#define KQ_CODING_RANGE_CODER_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/* The last number of the interval's lower part, which is that of bit 1. As p is
 * 1..65535, both parts hold a number wherever the interval holds two. */
static inline uint32_t kq_range_cut(uint32_t x1, uint32_t x2, uint32_t p)
{
    return x1 + (uint32_t)(((uint64_t)(x2 - x1) * p) >> 16);
}

#ifndef KQ_DECODE_ONLY
typedef struct {
    uint32_t x1, x2;
    uint8_t *out;
    size_t size, capacity; /* bytes so far, those beyond the capacity included */
    uint8_t lost;          /* nonzero: a byte that isn't zero went beyond it */
} kq_range_encoder;

/* Begins to write at `out`, which has room for `capacity` bytes. */
static inline void kq_range_encoder_init(kq_range_encoder *e, uint8_t *out, size_t capacity)
{
    e->x1 = 0;
    e->x2 = UINT32_MAX;
    e->out = out;
    e->size = 0;
    e->capacity = capacity;
    e->lost = 0;
}

static inline void kq_range_put(kq_range_encoder *e, uint8_t byte)
{
    if (e->size < e->capacity)
        e->out[e->size] = byte;
    else
        e->lost |= byte;
    e->size++;
}

/* Encodes a bit; `p` / 65536 is the probability of a 1, and p is 1..65535. */
static inline void kq_range_encode(kq_range_encoder *e, int bit, uint32_t p)
{
    uint32_t cut = kq_range_cut(e->x1, e->x2, p);
    if (bit)
        e->x2 = cut;
    else
        e->x1 = cut + 1;
    while ((e->x1 ^ e->x2) < 1u << 24) {
        kq_range_put(e, (uint8_t)(e->x2 >> 24));
        e->x1 <<= 8;
        e->x2 = e->x2 << 8 | 255;
    }
}

/* Whether it is already sure that the bytes don't fit, so that the rest needn't
 * be coded. */
static inline int kq_range_full(const kq_range_encoder *e)
{
    return e->lost != 0;
}

/* Writes what tells x1..x2 from all other numbers, without the zeros at the end.
 * Returns 1 and the count of bytes in `size`, or 0 if they don't fit. */
static inline int kq_range_finish(kq_range_encoder *e, size_t *size)
{
    int bytes = 0;
    uint64_t value = 0;
    for (; bytes <= 4; bytes++) {
        uint64_t unit = (uint64_t)1 << (32 - 8 * bytes);
        value = ((uint64_t)e->x1 + unit - 1) / unit * unit;
        if (value <= e->x2)
            break; /* at the latest with four bytes, when value is x1 */
    }
    for (int i = 0; i < bytes; i++)
        kq_range_put(e, (uint8_t)(value >> (24 - 8 * i)));
    if (e->lost)
        return 0;
    *size = e->size < e->capacity ? e->size : e->capacity;
    while (*size > 0 && e->out[*size - 1] == 0)
        --*size;
    return 1;
}
#endif

typedef struct {
    uint32_t x1, x2, x;
    const uint8_t *in;
    size_t size, position; /* bytes taken, the zeros beyond the end included */
} kq_range_decoder;

static inline uint8_t kq_range_take(kq_range_decoder *d)
{
    size_t position = d->position++;
    return position < d->size ? d->in[position] : 0;
}

/* Begins to read a payload of `size` bytes at `in`; zeros are taken to follow it. */
static inline void kq_range_decoder_init(kq_range_decoder *d, const uint8_t *in, size_t size)
{
    d->x1 = 0;
    d->x2 = UINT32_MAX;
    d->x = 0;
    d->in = in;
    d->size = size;
    d->position = 0;
    for (int i = 0; i < 4; i++)
        d->x = d->x << 8 | kq_range_take(d);
}

/* The next bit, whose probability of being a 1 is `p` / 65536; p is 1..65535. It is hidden so
 * that the branch stays a branch: what follows a bit begins on a guess then, long before the
 * bit is known, where it would wait for it. */
static inline int kq_range_decode(kq_range_decoder *d, uint32_t p)
{
    uint32_t cut = kq_range_cut(d->x1, d->x2, p);
    int bit;
    if (d->x <= cut) {
        d->x2 = cut;
        bit = 1;
        KQ_HIDE(bit);
    } else {
        d->x1 = cut + 1;
        bit = 0;
        KQ_HIDE(bit);
    }
    while ((d->x1 ^ d->x2) < 1u << 24) {
        d->x1 <<= 8;
        d->x2 = d->x2 << 8 | 255;
        d->x = d->x << 8 | kq_range_take(d);
    }
    return bit;
}

/* After the last bit: whether the bytes may be those of a coder (rule 13.5). */
static inline int kq_range_decoder_valid(const kq_range_decoder *d)
{
    return d->size <= d->position && (d->size == 0 || d->in[d->size - 1] != 0);
}

#endif
