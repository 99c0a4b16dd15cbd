/* Fixed-width labels as one string of bits, most significant bit first
 * (spec/kq.md, section 7).
 *
 * Labels are unsigned, `wide` says whether they are 16-bit (in the machine's
 * byte order) or 8-bit.
 */
#ifndef KQ_CODING_PACKED_H
#define KQ_CODING_PACKED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

static inline uint32_t kq_label_get(const void *labels, size_t i, int wide)
{
    return wide ? ((const uint16_t *)labels)[i] : ((const uint8_t *)labels)[i];
}

/* The same where somebody else may write to the labels meanwhile, so that it isn't enough
 * to have looked at them before: below k, whatever stands there. */
static inline uint32_t kq_label_below(uint32_t k, const void *labels, size_t i, int wide)
{
    uint32_t label = kq_label_get(labels, i, wide);
    KQ_HIDE(label);
    return label < k ? label : k - 1;
}

static inline void kq_label_set(void *labels, size_t i, int wide, uint32_t value)
{
    if (wide)
        ((uint16_t *)labels)[i] = (uint16_t)value;
    else
        ((uint8_t *)labels)[i] = (uint8_t)value;
}

/* Eight labels of `bits` bits fill exactly `bits` bytes: loops go by such
 * groups, and a last partial group is padded with zero bits. */
static inline void kq_unpack_loop(const uint8_t *in, int wide, size_t count, int bits, void *labels)
{
    const uint32_t mask = (1u << bits) - 1;
    uint64_t held = 0;
    int fill = 0;
    for (size_t i = 0; i < count; i++) {
        while (fill < bits) {
            held = held << 8 | *in++;
            fill += 8;
        }
        fill -= bits;
        kq_label_set(labels, i, wide, (uint32_t)(held >> fill) & mask);
    }
}

/* Reads `count` labels of `bits` bits (1..16, or 1..8 if !wide) each from `in`, which holds
 * ceil(count * bits / 8) bytes, into `labels`. */
static void kq_unpack(const uint8_t *in, int wide, size_t count, int bits, void *labels)
{
    if (bits == 8 && !wide) {
        memcpy(labels, in, count);
        return;
    }
    /* A constant width lets the compiler unroll the loop. */
#define KQ_WIDTH(B) \
    if (bits == B) { \
        kq_unpack_loop(in, wide, count, B, labels); \
        return; \
    }
    KQ_WIDTH(1)
    KQ_WIDTH(2)
    KQ_WIDTH(3)
    KQ_WIDTH(4)
    KQ_WIDTH(5)
    KQ_WIDTH(6)
    KQ_WIDTH(7)
#undef KQ_WIDTH
    kq_unpack_loop(in, wide, count, bits, labels);
}

#ifndef KQ_DECODE_ONLY
static inline void kq_pack_loop(const void *labels, int wide, size_t count, int bits, uint8_t *out)
{
    uint64_t held = 0; /* the low `fill` bits are still to be written */
    int fill = 0;
    for (size_t i = 0; i < count; i++) {
        held = held << bits | kq_label_get(labels, i, wide);
        fill += bits;
        while (fill >= 8) {
            fill -= 8;
            *out++ = (uint8_t)(held >> fill);
        }
    }
    if (fill > 0)
        *out = (uint8_t)(held << (8 - fill));
}

/* Writes `count` labels, each below 2^bits, to `out`, which has room for
 * ceil(count * bits / 8) bytes; bits is 1..16, or 1..8 if !wide. */
static void kq_pack(const void *labels, int wide, size_t count, int bits, uint8_t *out)
{
    if (bits == 8 && !wide) {
        memcpy(out, labels, count);
        return;
    }
    /* A constant width lets the compiler unroll the loop. */
#define KQ_WIDTH(B) \
    if (bits == B) { \
        kq_pack_loop(labels, wide, count, B, out); \
        return; \
    }
    KQ_WIDTH(1)
    KQ_WIDTH(2)
    KQ_WIDTH(3)
    KQ_WIDTH(4)
    KQ_WIDTH(5)
    KQ_WIDTH(6)
    KQ_WIDTH(7)
#undef KQ_WIDTH
    kq_pack_loop(labels, wide, count, bits, out);
}
#endif

#endif
