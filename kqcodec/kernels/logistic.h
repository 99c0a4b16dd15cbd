/* Logistic mixing of adaptive predictions (spec/kq.md, section 15), in whole numbers.
 *
 * A probability is 16 bits, 65536 being 1. Its logit ("stretched") is in steps of
 * 1/256: stretch(p) = 256·ln(p / (1 - p)), -2047..2047. Counters learn how often a
 * bit is 1 in a context; mixers learn how much each counter is to be trusted.
 * After Matt Mahoney's PAQ and lpaq: "Adaptive Weighing of Context Models for
 * Lossless Data Compression", Florida Tech. technical report CS-2005-16.
 */
#ifndef KQ_LOGISTIC_H
#define KQ_LOGISTIC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KQ_INLINE static inline __attribute__((always_inline))
#define KQ_LOGIT_MAX 2047
#define KQ_HISTORIES 256 /* places in a map of histories */
#define KQ_RATES 1024    /* steps after which a mixer's learning rate stays */
#define KQ_HALF 32768u

/* A slot, 32 bits: what a context has seen at one decision.
 *   31..16  p, the probability of a 1        15..12  n, how much that has seen
 *   11..6   check of the context             5..0    the last bits behind a leading 1
 */
#define KQ_SLOTS 16 /* a line of slots is one cache line */

typedef struct {
    int16_t stretch[4096 + 2]; /* by the upper 12 bits of p; read four bytes at a time */
    uint16_t squash[4096];    /* by logit + 2048 */
    uint32_t histories[KQ_HISTORIES]; /* what a map of histories begins with: p << 16 | logit */
    uint16_t flat[256];       /* 2^17 / (2n + 3) */
} kq_logistic;

/* The logistic function at multiples of 128 steps, of 65536. */
static const uint16_t kq_knots[33] = {
    22,    36,    60,    98,    162,   267,   439,   720,   1179,  1921,  3108,
    4971,  7812,  11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
    62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514};

/* By n, 0..14, what a counter that has seen so much is worth: its rate of learning,
 * 32768/(c + 1.6), where c, the bits that n stands for, is 0 1 2 3 4 6 8 12 16 24 32 48
 * 64 96 128; the bits of p that are 0 when n grows; and how much its logit and its
 * chance count, of 256. */
typedef struct {
    int32_t rate[16], grow[16], logit[16], chance[16];
} kq_worth;

#define KQ_WORTH_MAX 14
static const kq_worth kq_worths = {
    {20480, 12603, 9102, 7123, 5851, 4311, 3413, 2409, 1861, 1280, 975, 660, 499, 335, 252, 252},
    {0, 0, 0, 0, 4, 4, 12, 12, 28, 28, 60, 60, 124, 124, 0, 0},
    {0, 216, 233, 240, 244, 247, 249, 251, 252, 253, 254, 254, 255, 255, 255, 255},
    {0, 102, 146, 170, 186, 204, 215, 227, 234, 240, 244, 248, 250, 252, 253, 253},
};

static void kq_logistic_init(kq_logistic *t)
{
    for (int d = -2048; d < 2048; d++) {
        int x = d < -KQ_LOGIT_MAX ? -KQ_LOGIT_MAX : d;
        int i = (x + 2048) >> 7, w = (x + 2048) & 127;
        t->squash[d + 2048] = (uint16_t)((kq_knots[i] * (128 - w) + kq_knots[i + 1] * w + 64) >> 7);
    }
    /* The inverse: the greatest logit whose squash isn't above the middle of p's cell. */
    int d = -KQ_LOGIT_MAX;
    for (int i = 0; i < 4096; i++) {
        while (d < KQ_LOGIT_MAX && t->squash[d + 1 + 2048] <= 16 * i + 8)
            d++;
        t->stretch[i] = (int16_t)d;
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
        uint32_t p = 65535 * ones / (zeros + ones);
        t->histories[i] = p << 16 | (uint16_t)t->stretch[p >> 4];
    }
    for (uint32_t n = 0; n < 256; n++)
        t->flat[n] = (uint16_t)(131072 / (2 * n + 3));
}

KQ_INLINE int kq_stretch(const kq_logistic *t, uint32_t p)
{
    return t->stretch[p >> 4];
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

/* The same for an entry that holds its logit, too. */
KQ_INLINE uint32_t kq_history_learn(const kq_logistic *t, uint32_t entry, int bit)
{
    uint16_t p = (uint16_t)(entry >> 16);
    kq_map_learn(&p, bit);
    return (uint32_t)p << 16 | (uint16_t)t->stretch[p >> 4];
}

#endif
