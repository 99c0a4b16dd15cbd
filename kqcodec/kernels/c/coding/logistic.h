/* Logistic mixing of adaptive predictions (spec/kq.md, section 15), in whole numbers.
 *
 * A probability is 16 bits, 65536 being 1. Its logit is in steps of 1/128 of a power of
 * two: about 128·log2(p / (1 - p)), the logarithms by straight lines between powers of two
 * (J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE
 * Transactions on Electronic Computers, 1962). Counters learn how often a
 * bit is 1 in a context; mixers learn how much each counter is to be trusted.
 * After Matt Mahoney's PAQ and lpaq: "Adaptive Weighing of Context Models for
 * Lossless Data Compression", Florida Tech. technical report CS-2005-16.
 */
#ifndef KQ_CODING_LOGISTIC_H
#define KQ_CODING_LOGISTIC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "compiler.h"

#define KQ_LOGIT_MAX 2047
#define KQ_HISTORIES 256  /* places in a map of histories */
#define KQ_MATCH_WORTH 15 /* the n of the match's probability, which no counter has */
#define KQ_RATES 1024     /* steps after which a mixer's learning rate stays */
#define KQ_HALF 32768u

/* A slot, 32 bits: what a context has seen at one decision.
 *   31..16  p, the probability of a 1        15..12  n, how much that has seen
 *   11..6   check of the context             5..0    the last bits behind a leading 1
 */
#define KQ_SLOTS 16 /* a line of slots is one cache line */

typedef struct {
    uint16_t squash[4096];            /* by logit + 2048 */
    uint32_t histories[KQ_HISTORIES]; /* what a map of histories begins with: p << 16 */
    uint16_t flat[256];               /* 2^17 / (2n + 3) */
    uint8_t halves[256];              /* four bits below and four above: four ternary digits */
} kq_logistic;

/* By n, what a counter that has seen so much is worth: its rate of learning, of 256; the
 * bits of p that are 0 when n grows; and how much its logit and its chance count, of
 * 256. n = 0 .. 14 stands for 0 1 2 3 4 6 8 12 16 24 32 48 64 96 128 bits seen. */
typedef struct {
    uint8_t rate[16], grow[16], logit[16], chance[16];
} kq_worth;

#define KQ_WORTH_MAX 14
static KQ_ALIGNED(16) const kq_worth kq_worths = {
    {160, 98, 71, 56, 46, 34, 27, 19, 15, 10, 8, 5, 4, 3, 2, 4},
    {0, 0, 0, 0, 4, 4, 12, 12, 28, 28, 60, 60, 124, 124, 128, 128},
    {0, 216, 233, 240, 244, 247, 249, 251, 252, 253, 254, 254, 255, 255, 255, 255},
    {0, 102, 146, 170, 186, 204, 215, 227, 234, 240, 244, 248, 250, 252, 253, 253},
};

/* The bits that x takes. */
KQ_INLINE uint32_t kq_log(uint32_t x)
{
#if defined(KQ_LEADING_ZEROS)
    return x ? 32 - KQ_LEADING_ZEROS(x) : 0;
#else
    uint32_t bits = 0;
    for (; x; x >>= 1)
        bits++;
    return bits;
#endif
}

/* The binary logarithm of 1 <= x < 2^24 in steps of 2^-23, linear between powers of two:
 * the bits of x as a single-precision float, less its bias. */
KQ_INLINE int32_t kq_logarithm(uint32_t x)
{
    uint32_t power = kq_log(x) - 1;
    return (int32_t)(power << 23 | (x ^ 1u << power) << (23 - power));
}

/* The logit of p, -2176 .. 2175. */
KQ_INLINE int kq_logit(uint32_t p)
{
    return (kq_logarithm(2 * p + 1) - kq_logarithm(131071 - 2 * p)) >> 16;
}

/* Fills the tables that all models share; it takes a moment, so do it once. */
static void kq_logistic_init(kq_logistic *t)
{
    /* The inverse of the logit: the least p whose logit isn't below. */
    uint32_t least = 0;
    for (int d = -2048; d < 2048; d++) {
        while (least < 65535 && kq_logit(least) < d)
            least++;
        t->squash[d + 2048] = (uint16_t)(least < 16 ? 16 : least > 65520 ? 65520 : least);
    }
    /* A history of bits suggests p: each bit counts 64, older ones 9/10 of the next. */
    for (int i = 0; i < KQ_HISTORIES; i++) {
        int history = i >> 2, bits = 0;
        uint32_t zeros = 26, ones = 26;
        while (history >> (bits + 1))
            bits++;
        for (int b = bits - 1; b >= 0; b--) {
            zeros = zeros * 58 >> 6;
            ones = ones * 58 >> 6;
            if (history >> b & 1)
                ones += 64;
            else
                zeros += 64;
        }
        t->histories[i] = 65535 * ones / (zeros + ones) << 16;
    }
    for (uint32_t n = 0; n < 256; n++)
        t->flat[n] = (uint16_t)(131072 / (2 * n + 3));
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t digits = 0;
        for (int j = 0; j < 4; j++)
            digits = 3 * digits + ((i >> j & 1) ? 1 : (i >> (4 + j) & 1) ? 2 : 0);
        t->halves[i] = (uint8_t)digits;
    }
}

KQ_INLINE int kq_clamp_logit(int x)
{
    return x > KQ_LOGIT_MAX ? KQ_LOGIT_MAX : x < -KQ_LOGIT_MAX ? -KQ_LOGIT_MAX : x;
}

/* A probability in a map learns by 1/64 of its error. */
KQ_INLINE void kq_map_learn(uint16_t *p, int bit)
{
    *p = (uint16_t)(*p + (((bit ? 65535 : 0) - (int)*p) >> 6));
}

#endif
