/* Counting colours, and giving pixels the labels of their colours.
 *
 * A colour's key is R << 16 | G << 8 | B.
 *
 * Pixels may be changed by somebody else meanwhile (an array mapped from a file, a buffer
 * that another thread fills): what one pass has found need not hold in the next. Results
 * are wrong then, but places are checked where they are used.
 */
#ifndef KQ_PIXELS_COLORS_H
#define KQ_PIXELS_COLORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wrapping.h"

#define KQ_HIGH_BITS 12 /* a key's upper half chooses a bucket, its lower half a counter */
#define KQ_BUCKETS (1u << KQ_HIGH_BITS)

static uint32_t kq_key(const uint8_t *pixel)
{
    return (uint32_t)pixel[0] << 16 | (uint32_t)pixel[1] << 8 | pixel[2];
}

/* The number of zeros below the lowest one. */
static uint32_t kq_lowest_bit(uint64_t word)
{
#if defined(KQ_TRAILING_ZEROS64)
    return KQ_TRAILING_ZEROS64(word);
#else
    uint32_t bit = 0;
    while (!(word >> bit & 1))
        bit++;
    return bit;
#endif
}

/* Writes the keys in one bucket, ascending, with their counts; returns how many
 * they are, at most `count`. `counter` is all 0 before and after. */
static size_t kq_count_bucket(const uint16_t *lower, size_t count, uint32_t upper,
                              uint32_t *counter, uint32_t *keys, int64_t *counts)
{
    uint64_t seen[KQ_BUCKETS / 64];
    size_t written = 0;
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < count; i++) {
        counter[lower[i]]++;
        seen[lower[i] >> 6] |= (uint64_t)1 << (lower[i] & 63);
    }
    for (uint32_t word = 0; word < KQ_BUCKETS / 64; word++)
        for (uint64_t left = seen[word]; left; left &= left - 1) {
            uint32_t low = word << 6 | kq_lowest_bit(left);
            keys[written] = upper << KQ_HIGH_BITS | low;
            counts[written++] = counter[low];
            counter[low] = 0;
        }
    return written;
}

/* The pixels are read at KQ_STREAMS places in turn, each with counters of its own:
 * neighbours share a bucket, and would wait for each other's counter. */
#define KQ_STREAMS 4

/* How many pixels of each stream go to each bucket; then, where they go. */
static void kq_bucket_starts(const uint8_t *pixels, size_t part, size_t n, uint32_t *starts)
{
    for (size_t i = 0; i < part; i++)
        for (size_t s = 0; s < KQ_STREAMS; s++)
            if (s * part + i < n)
                starts[(kq_key(pixels + 3 * (s * part + i)) >> KQ_HIGH_BITS) * KQ_STREAMS + s]++;
    uint32_t sum = 0;
    for (size_t b = 0; b < (size_t)KQ_BUCKETS * KQ_STREAMS; b++) {
        uint32_t count = starts[b];
        starts[b] = sum;
        sum += count;
    }
}

/* The different colours of n pixels, 1 <= n < 2^32, three bytes each: their keys, ascending,
 * in `keys`, and how often each occurs in `counts`, which both have room for n. Returns how
 * many there are, 0 without memory. */
static size_t kq_count_colors(const uint8_t *pixels, size_t n, uint32_t *keys, int64_t *counts)
{
    size_t written = 0, part = (n + KQ_STREAMS - 1) / KQ_STREAMS;
    uint16_t *lower = KQ_CALLOC(n, sizeof *lower);
    uint32_t *ends = KQ_CALLOC((size_t)KQ_BUCKETS * KQ_STREAMS, sizeof *ends);
    uint32_t *counter = KQ_CALLOC(KQ_BUCKETS, sizeof *counter);
    if (lower && ends && counter) {
        kq_bucket_starts(pixels, part, n, ends);
        for (size_t i = 0; i < part; i++)
            for (size_t s = 0; s < KQ_STREAMS; s++)
                if (s * part + i < n) {
                    uint32_t key = kq_key(pixels + 3 * (s * part + i));
                    size_t end = ends[(key >> KQ_HIGH_BITS) * KQ_STREAMS + s]++;
                    if (end < n) /* or the pixels aren't those that were counted */
                        lower[end] = (uint16_t)(key & (KQ_BUCKETS - 1));
                }
        size_t start = 0;
        for (uint32_t b = 0; b < KQ_BUCKETS; b++) {
            size_t end = ends[b * KQ_STREAMS + KQ_STREAMS - 1];
            end = end < n ? end : n;
            if (end <= start)
                continue;
            written += kq_count_bucket(lower + start, end - start, b, counter, keys + written,
                                       counts + written);
            start = end;
        }
    }
    KQ_FREE(lower);
    KQ_FREE(ends);
    KQ_FREE(counter);
    return written;
}

/* Adds two such results, of a and of b colours; `keys` and `counts` have room for a + b.
 * Returns how many colours there are together. */
static size_t kq_merge_colors(const uint32_t *keys_a, const int64_t *counts_a, size_t a,
                              const uint32_t *keys_b, const int64_t *counts_b, size_t b,
                              uint32_t *keys, int64_t *counts)
{
    size_t i = 0, j = 0, written = 0;
    while (i < a || j < b) {
        int from_a = j == b || (i < a && keys_a[i] <= keys_b[j]);
        int from_b = !from_a || (i < a && j < b && keys_a[i] == keys_b[j]); /* one at least */
        keys[written] = from_a ? keys_a[i] : keys_b[j];
        counts[written++] = (from_a ? counts_a[i] : 0) + (from_b ? counts_b[j] : 0);
        i += (size_t)from_a;
        j += (size_t)from_b;
    }
    return written;
}

/* The bits of eight-bit x spread to every third place. */
static uint32_t kq_spread(uint32_t x)
{
    x = (x | x << 8) & 0x00F00F;
    x = (x | x << 4) & 0x0C30C3;
    return (x | x << 2) & 0x249249;
}

/* The bits of the channels interleaved, red's above green's above blue's. */
static uint32_t kq_morton(uint32_t key)
{
    return kq_spread(key >> 16) << 2 | kq_spread(key >> 8 & 255) << 1 | kq_spread(key & 255);
}

/* Writes the indices of n >= 1 different keys, below 2^24, in Morton order to `order`, by a
 * radix sort of both halves of the code. Returns 0 without memory. */
static int kq_morton_order(const uint32_t *keys, size_t n, uint32_t *order)
{
    uint32_t *codes = KQ_MALLOC(n * sizeof *codes), *halfway = KQ_MALLOC(n * sizeof *halfway);
    size_t *low = KQ_CALLOC(KQ_BUCKETS + 1, sizeof *low),
           *high = KQ_CALLOC(KQ_BUCKETS + 1, sizeof *high);
    int enough = codes && halfway && low && high;
    if (enough) {
        for (size_t i = 0; i < n; i++) {
            codes[i] = kq_morton(keys[i]);
            low[(codes[i] & (KQ_BUCKETS - 1)) + 1]++;
            high[(codes[i] >> KQ_HIGH_BITS) + 1]++;
        }
        for (size_t b = 0; b < KQ_BUCKETS; b++) {
            low[b + 1] += low[b];
            high[b + 1] += high[b];
        }
        for (size_t i = 0; i < n; i++)
            halfway[low[codes[i] & (KQ_BUCKETS - 1)]++] = (uint32_t)i;
        for (size_t i = 0; i < n; i++)
            order[high[codes[halfway[i]] >> KQ_HIGH_BITS]++] = halfway[i];
    }
    KQ_FREE(codes);
    KQ_FREE(halfway);
    KQ_FREE(low);
    KQ_FREE(high);
    return enough;
}

/* Makes one point of each run of colours whose keys agree under `mask`: their mean, rounded,
 * in `means` (n x 4), the sum of their weights in `totals`, the first one's key in `firsts`.
 * `points` is n x 4; there is room for n results. Returns how many there are. */
static size_t kq_merge_cells(const int16_t *points, const int64_t *weights, const uint32_t *keys,
                             size_t n, uint32_t mask, int16_t *means, int64_t *totals,
                             uint32_t *firsts)
{
    size_t written = 0;
    for (size_t i = 0; i < n;) {
        int64_t sum[4] = {0, 0, 0, 0}, total = 0;
        uint32_t cell = keys[i] & mask;
        firsts[written] = keys[i];
        do {
            total = kq_plus64(total, weights[i]);
            for (size_t c = 0; c < 4; c++)
                sum[c] = kq_plus64(sum[c], kq_times64(weights[i], points[4 * i + c]));
            i++;
        } while (i < n && (keys[i] & mask) == cell);
        for (size_t c = 0; c < 4; c++)
            means[4 * written + c] = (int16_t)kq_mean(sum[c], total);
        totals[written++] = total;
    }
    return written;
}

/* table[keys[i]] = labels[i] for n keys; the table has 2^24 entries. `wide` says whether
 * labels and entries are uint16_t or uint8_t. */
static void kq_fill_table(const uint32_t *keys, const void *labels, int wide, size_t n, void *table)
{
    for (size_t i = 0; i < n; i++) {
        if (wide)
            ((uint16_t *)table)[keys[i] & 0xFFFFFF] = ((const uint16_t *)labels)[i];
        else
            ((uint8_t *)table)[keys[i] & 0xFFFFFF] = ((const uint8_t *)labels)[i];
    }
}

/* out[i] = table[key of pixel i] for n pixels of three bytes, with a table of 2^24 entries.
 * `wide` says whether entries and results are uint16_t or uint8_t. */
static void kq_look_up(const uint8_t *pixels, size_t n, const void *table, int wide, void *out)
{
    if (wide)
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)out)[i] = ((const uint16_t *)table)[kq_key(pixels + 3 * i)];
    else
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)out)[i] = ((const uint8_t *)table)[kq_key(pixels + 3 * i)];
}

#endif
