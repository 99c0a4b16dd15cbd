/* Sums, differences and products modulo 2^32 and 2^64. Numbers out of range come from no
 * caller of ours, but from arrays that somebody else changes after they were looked at
 * (what is mapped from a file, or filled by another thread), and in C a signed overflow is
 * undefined: with these the result is wrong, and nothing else.
 */
#ifndef KQ_WRAPPING_H
#define KQ_WRAPPING_H

#include <stdint.h>

#include "compiler.h"

static inline int32_t kq_plus32(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static inline int32_t kq_minus32(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static inline int32_t kq_times32(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

static inline int64_t kq_plus64(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static inline int64_t kq_minus64(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static inline int64_t kq_times64(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

/* sum / count, rounded; any number for a count that isn't positive. */
static inline int64_t kq_mean(int64_t sum, int64_t count)
{
    KQ_HIDE(count); /* it is read once: what is looked at is what is divided by */
    return count > 0 ? kq_plus64(sum, count / 2) / count : 0;
}

#endif
