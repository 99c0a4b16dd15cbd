/* Palettes by arithmetic coding (spec/kq.md, section 14).
 *
 * Each value is coded as eight bits, the highest first, under a mixture of guesses. A guess
 * gives each of the values 0..255 a mass; its weight follows, by Bayes' rule, from how well it
 * has guessed so far. No array of masses is made: a bit needs of each guess only the mass of
 * all values under one x, a short sum. Time is linear in K, whatever the bytes.
 */
#ifndef KQ_CODING_PALETTE_CODER_H
#define KQ_CODING_PALETTE_CODER_H

#include <string.h>

#include "coding/range_coder.h"

#define KQ_PALETTE_GUESSES 6
#define KQ_PALETTE_RECENT 16 /* entries that guesses look back at */
#define KQ_PALETTE_WINDOW 32 /* those of which the nearest are sought */
#define KQ_PALETTE_NEAREST 4
#define KQ_PALETTE_LATEST 4
#define KQ_PALETTE_BLACK 2  /* entries, opaque black, that stand ahead of the first */
#define KQ_PALETTE_NONE 255 /* where a row of exact numbers has no more: not under any value */

/* What the guesses of a value are made of. The masses under x of guess 0 and 1 are those of
 * `left`, or of `numbers`; of guess 2, of `step`; of 3 and 4, of `exact`; 5 is even. */
typedef struct {
    int lowest;              /* the value is at least this */
    int gaps;                /* whether there is `left`: what remains of 65536 behind d values is */
    uint32_t left[2][2][17]; /* left[i][0][d % 16] * left[i][1][d / 16] / 65536 */
    int numbers[KQ_PALETTE_RECENT], count;
    uint32_t shares[KQ_PALETTE_RECENT]; /* of each number */
    int step;
    uint8_t exact[3][KQ_PALETTE_RECENT]; /* rows: guess 3 has the first, guess 4 all */
    uint32_t first, all;                 /* how many numbers these are */
} kq_palette_guesses;

typedef struct {
#ifndef KQ_DECODE_ONLY
    kq_range_encoder *encoder; /* NULL where a palette is decoded */
#endif
    kq_range_decoder decoder;
    int channels, ascending;
    uint32_t weights[4][2][KQ_PALETTE_GUESSES];
    /* around[256 + d]: the mass of all values under d around the number 0, sharply in the
     * lower half and widely in the upper one. */
    uint64_t around[513];
    uint8_t *entries[4]; /* green, red, blue, alpha of the entry at hand; behind the others */
    int seen;            /* how many others there are, at most WINDOW */
    kq_palette_guesses guesses;
} kq_palette_coder;

static inline int kq_palette_clamp(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* Begins, with room for the values of WINDOW + k entries of four channels. */
static void kq_palette_init(kq_palette_coder *c, int channels, uint8_t *values, size_t k)
{
    static const uint32_t widths[4] = {0, 1, 2, 4};
    uint32_t parts[4] = {16384, 5461, 2341, 529}; /* a quarter of 65536 each, on both sides */
    uint64_t masses[257];                         /* by distance; that of 256 doesn't occur */
    memset(c, 0, sizeof *c);
    c->channels = channels;
    for (int d = 0; d <= 256; d++) {
        uint64_t wide = parts[2] + parts[3];
        masses[d] = (parts[0] + parts[1] + wide) | 2 * wide << 32;
        for (int i = 0; i < 4; i++)
            parts[i] = parts[i] * ((1u << widths[i]) - 1) >> widths[i];
    }
    for (int d = -256; d < 256; d++)
        c->around[257 + d] = c->around[256 + d] + masses[d < 0 ? -d : d];
    for (int channel = 0; channel < 4; channel++) {
        for (int i = 0; i < KQ_PALETTE_GUESSES; i++)
            c->weights[channel][0][i] = c->weights[channel][1][i] = 65536 / KQ_PALETTE_GUESSES;
        c->entries[channel] = values + (size_t)channel * (KQ_PALETTE_WINDOW + k);
        memset(c->entries[channel], channel == 3 ? 255 : 0, KQ_PALETTE_WINDOW);
        c->entries[channel] += KQ_PALETTE_WINDOW;
    }
    c->seen = KQ_PALETTE_BLACK;
}

/* Guesses of the next of `n` ascending values that are spread at random up to 255, as far
 * apart as they are evenly, and 3/8 of that. */
static void kq_palette_guess_gaps(kq_palette_guesses *g, size_t n)
{
    uint64_t span = (uint64_t)(256 - g->lowest);
    uint64_t ratios[2] = {(3 * span << 16) / (3 * span + 8 * (uint64_t)n),
                          (span << 16) / (span + n)};
    g->gaps = 1;
    for (int i = 0; i < 2; i++) {
        uint64_t ratio = ratios[i];
        for (int row = 0; row < 2; row++) {
            uint32_t *left = g->left[i][row];
            left[0] = 1u << 16;
            for (int d = 1; d <= 16; d++)
                left[d] = (uint32_t)(left[d - 1] * ratio >> 16);
            ratio = left[16];
        }
    }
}

/* One of the numbers near which the value may be. */
static inline void kq_palette_number(kq_palette_guesses *g, int number, uint32_t share)
{
    g->numbers[g->count] = kq_palette_clamp(number);
    g->shares[g->count++] = share;
}

/* How far in hue each of the last 32 entries is, the latest last, with its age in the lower
 * five bits; 65535 where there is none. */
static void kq_palette_distances(const kq_palette_coder *c, int green, int red,
                                 uint16_t distances[KQ_PALETTE_WINDOW])
{
    const uint8_t *greens = c->entries[0] - KQ_PALETTE_WINDOW;
    const uint8_t *reds = c->entries[1] - KQ_PALETTE_WINDOW;
    for (int i = 0; i < KQ_PALETTE_WINDOW; i++) {
        int16_t hue = (int16_t)(reds[i] - greens[i] - (red - green));
        int16_t off = (int16_t)(greens[i] - green);
        hue = (int16_t)(hue < 0 ? -hue : hue);
        off = (int16_t)(off < 0 ? -off : off);
        distances[i] = (uint16_t)((2 * hue + off) << 5 | (KQ_PALETTE_WINDOW - 1 - i));
    }
    for (int i = 0; i < KQ_PALETTE_WINDOW - c->seen; i++)
        distances[i] = UINT16_MAX;
}

/* Blue lies off green as in the entries of the nearest hue. */
static void kq_palette_guess_nearest(kq_palette_coder *c, int green, int red)
{
    uint16_t distances[KQ_PALETTE_WINDOW];
    kq_palette_distances(c, green, red, distances);
    for (int n = 0; n < KQ_PALETTE_NEAREST && n < c->seen; n++) {
        uint16_t least = UINT16_MAX;
        for (int i = 0; i < KQ_PALETTE_WINDOW; i++)
            least = distances[i] < least ? distances[i] : least;
        int place = -1 - (least & 31);
        uint32_t far = 16 + (uint32_t)(least >> 5);
        distances[KQ_PALETTE_WINDOW + place] = UINT16_MAX;
        kq_palette_number(&c->guesses, green + c->entries[2][place] - c->entries[0][place],
                          1 + (1u << 24) / (far * far * far));
    }
}

/* Fills a row with what a channel was in the last entries, the latest last; or with how far
 * it was off another channel, if that isn't negative, from `base` on. */
static void kq_palette_exactly(kq_palette_coder *c, int row, int channel, int other, int base)
{
    static const uint8_t zeros[KQ_PALETTE_RECENT] = {0};
    const uint8_t *values = c->entries[channel] - KQ_PALETTE_RECENT;
    const uint8_t *others = other < 0 ? zeros : c->entries[other] - KQ_PALETTE_RECENT;
    uint8_t *exact = c->guesses.exact[row];
    for (int i = 0; i < KQ_PALETTE_RECENT; i++)
        exact[i] = (uint8_t)kq_palette_clamp(base + values[i] - others[i]);
    for (int i = 0; i < KQ_PALETTE_RECENT - c->seen; i++)
        exact[i] = KQ_PALETTE_NONE;
}

/* How many of the exact numbers are under x, 0..256: of the first row, and of all. */
static inline void kq_palette_under(const kq_palette_guesses *g, int x, uint32_t under[2])
{
    under[0] = g->first;
    under[1] = g->all;
    if (x > 255)
        return;
#ifdef KQ_SSE2
    const __m128i all = _mm_set1_epi8((char)x), one = _mm_set1_epi8(1);
    __m128i rows[3]; /* 1 where a number is under x */
    for (int row = 0; row < 3; row++) {
        __m128i numbers = _mm_loadu_si128((const __m128i *)g->exact[row]);
        rows[row] = _mm_min_epu8(_mm_subs_epu8(all, numbers), one);
    }
    __m128i first = _mm_sad_epu8(rows[0], _mm_setzero_si128());
    __m128i rest = _mm_sad_epu8(_mm_add_epi8(rows[1], rows[2]), _mm_setzero_si128());
    under[0] = (uint32_t)(_mm_cvtsi128_si32(first) + _mm_extract_epi16(first, 4));
    under[1] = under[0] + (uint32_t)(_mm_cvtsi128_si32(rest) + _mm_extract_epi16(rest, 4));
#else
    under[0] = 0;
    for (int i = 0; i < KQ_PALETTE_RECENT; i++)
        under[0] += g->exact[0][i] < x;
    under[1] = under[0];
    for (int i = 0; i < KQ_PALETTE_RECENT; i++)
        under[1] += (uint32_t)(g->exact[1][i] < x) + (uint32_t)(g->exact[2][i] < x);
#endif
}

/* Gathers what the guesses of a channel are made of, with n entries to come, this included. */
static void kq_palette_guess(kq_palette_coder *c, int channel, const int *entry, size_t n)
{
    kq_palette_guesses *g = &c->guesses;
    int recent = c->seen < KQ_PALETTE_RECENT ? c->seen : KQ_PALETTE_RECENT;
    int green = entry[0], red = entry[1];
    const uint8_t *numbers = NULL; /* the row of them, if there is one */
    const uint8_t *values = c->entries[channel];
    g->gaps = g->count = 0;
    g->first = channel % 3 ? (uint32_t)recent : 1;
    g->all = channel == 0 ? 2 : g->first + (uint32_t)(channel == 2 ? 2 * recent : recent);
    memset(g->exact, KQ_PALETTE_NONE, sizeof g->exact);
    g->step = 2 * values[-1] - values[-2];
    switch (channel) {
    case 0:
        if (c->ascending)
            kq_palette_guess_gaps(g, n);
        g->exact[0][0] = (uint8_t)kq_palette_clamp(g->step);
        g->exact[1][0] = values[-1];
        for (int i = 0; i < KQ_PALETTE_LATEST && i < recent && !g->gaps; i++)
            kq_palette_number(g, values[-1 - i], i < 3 ? 4u >> i : 1);
        break;
    case 1:
        g->step = green + values[-1] - c->entries[0][-1];
        kq_palette_exactly(c, 0, 1, 0, green);
        numbers = g->exact[0];
        kq_palette_exactly(c, 1, 1, -1, 0);
        break;
    case 2:
        g->step = red + values[-1] - c->entries[1][-1];
        kq_palette_exactly(c, 0, 2, 0, green);
        kq_palette_exactly(c, 1, 2, 1, red);
        kq_palette_exactly(c, 2, 2, -1, 0);
        kq_palette_guess_nearest(c, green, red);
        break;
    default:
        g->exact[0][0] = 255;
        kq_palette_exactly(c, 1, 3, -1, 0);
        numbers = g->exact[1];
    }
    g->step = kq_palette_clamp(g->step);
    for (int i = 1; i <= recent && numbers; i++)
        kq_palette_number(g, numbers[KQ_PALETTE_RECENT - i], 1);
}

/* How much a mass of 1 counts in each guess: 2^40 over the mass of all values. */
static void kq_palette_units(const kq_palette_guesses *g, uint64_t *units)
{
    const uint64_t one = (uint64_t)1 << 40;
    uint32_t shares = g->gaps ? 1 : 0;
    for (int i = 0; i < g->count; i++)
        shares += g->shares[i];
    units[0] = units[1] = (one >> 16) / shares;
    units[2] = one >> 16;
    units[3] = one / g->first;
    units[4] = one / g->all;
    units[5] = one >> 8;
}

/* Fills `sums` with the masses of all values under x, guess by guess; returns them mixed by
 * `scales`. */
KQ_INLINE uint64_t kq_palette_sums(const kq_palette_coder *c, const uint64_t *scales, int x,
                                   uint32_t *sums)
{
    const kq_palette_guesses *g = &c->guesses;
    uint64_t around = 0, mixed = 0;
    if (g->count == KQ_PALETTE_RECENT) /* the usual case: a share of 1 each */
        for (int i = 0; i < KQ_PALETTE_RECENT; i++)
            around += c->around[256 + x - g->numbers[i]];
    else
        for (int i = 0; i < g->count; i++)
            around += g->shares[i] * c->around[256 + x - g->numbers[i]];
    sums[0] = (uint32_t)around;
    sums[1] = (uint32_t)(around >> 32);
    if (g->gaps) {
        int d = x - g->lowest;
        for (int i = 0; i < 2; i++) {
            uint64_t left = (uint64_t)g->left[i][0][d & 15] * g->left[i][1][d >> 4] >> 16;
            sums[i] = (1u << 16) - (uint32_t)left;
        }
    }
    sums[2] = (uint32_t)c->around[256 + x - g->step];
    kq_palette_under(g, x, sums + 3);
    sums[5] = (uint32_t)x;
    for (int i = 0; i < KQ_PALETTE_GUESSES; i++)
        mixed += scales[i] * sums[i];
    return mixed;
}

KQ_INLINE int kq_palette_bit(kq_palette_coder *c, int bit, uint32_t p)
{
#ifdef KQ_DECODE_ONLY
    (void)bit;
    return kq_range_decode(&c->decoder, p);
#else
    if (!c->encoder)
        return kq_range_decode(&c->decoder, p);
    kq_range_encode(c->encoder, bit, p);
    return bit;
#endif
}

/* Codes a value by the guesses at hand. */
static int kq_palette_value(kq_palette_coder *c, uint32_t *weights, int value)
{
    int start = 0, lowest = c->guesses.lowest;
    uint64_t scales[KQ_PALETTE_GUESSES], shares[KQ_PALETTE_GUESSES], total = 0;
    uint32_t sums[KQ_PALETTE_GUESSES], next[KQ_PALETTE_GUESSES];
    kq_palette_units(&c->guesses, scales);
    for (int i = 0; i < KQ_PALETTE_GUESSES; i++)
        scales[i] *= weights[i];
    uint64_t below = kq_palette_sums(c, scales, lowest, sums);
    uint64_t above = kq_palette_sums(c, scales, 256, sums);
    for (int bit = 7; bit >= 0; bit--) {
        int middle = start + (1 << bit);
        if (lowest >= middle) { /* nothing in the lower half is allowed */
            start = middle;
            continue;
        }
        uint64_t cut = kq_palette_sums(c, scales, middle, sums);
        uint64_t p = (above - cut) >> 24 << 16;
        p /= (above - below) >> 24; /* over 0, as the guess that is even has a part in it */
        if (kq_palette_bit(c, value >> bit & 1, p < 1 ? 1 : p > 65535 ? 65535 : (uint32_t)p)) {
            start = middle;
            below = cut;
        } else {
            above = cut;
        }
    }
    kq_palette_sums(c, scales, start, sums);
    kq_palette_sums(c, scales, start + 1, next);
    for (int i = 0; i < KQ_PALETTE_GUESSES; i++) {
        shares[i] = scales[i] * (next[i] - sums[i]) >> 24;
        total += shares[i];
    }
    uint64_t kept = ((uint64_t)63488 << 32) / total;
    for (int i = 0; i < KQ_PALETTE_GUESSES; i++)
        weights[i] = (uint32_t)(shares[i] * kept >> 32) + 2048 / KQ_PALETTE_GUESSES;
    return start;
}

/* Codes an entry (green, red, blue, alpha), the first of n to come; where it is decoded,
 * `entry` becomes its values. */
static void kq_palette_entry(kq_palette_coder *c, int first, size_t n, int *entry)
{
    int same = 1;
    for (int channel = 0; channel < c->channels; channel++) {
        int last = c->entries[channel][-1];
        c->guesses.lowest = c->ascending && !first && same ? last : 0;
        kq_palette_guess(c, channel, entry, n);
        entry[channel] = kq_palette_value(c, c->weights[channel][same], entry[channel]);
        same = same && entry[channel] == last;
    }
    for (int channel = 0; channel < 4; channel++)
        *c->entries[channel]++ = (uint8_t)entry[channel];
    if (c->seen < KQ_PALETTE_WINDOW)
        c->seen++;
}

/* Where a plain palette of `k` entries has a channel of entry `i`: red, green and blue
 * of each entry, then the alpha of each. */
static inline size_t kq_palette_place(size_t k, size_t i, int channel)
{
    static const size_t place[3] = {1, 0, 2};
    return channel == 3 ? 3 * k + i : 3 * i + place[channel];
}

#ifndef KQ_DECODE_ONLY
/* Writes the payload of a plain palette of k entries (1..65536) of 3 or 4 channels to `out`.
 * `ascending`: the entries ascend by green, red, blue and alpha. Returns 1 and the payload's
 * size, 0 if that is over `capacity`, -1 without memory. */
static int kq_palette_encode(const uint8_t *palette, size_t k, int channels, int ascending,
                             uint8_t *out, size_t capacity, size_t *size)
{
    kq_range_encoder encoder;
    kq_palette_coder *c = (kq_palette_coder *)KQ_MALLOC(sizeof *c + 4 * (KQ_PALETTE_WINDOW + k));
    if (!c)
        return -1;
    kq_range_encoder_init(&encoder, out, capacity);
    kq_palette_init(c, channels, (uint8_t *)(c + 1), k);
    c->ascending = ascending;
    c->encoder = &encoder;
    kq_palette_bit(c, ascending, 1u << 15);
    for (size_t i = 0; i < k && !kq_range_full(&encoder); i++) {
        int entry[4] = {0};
        for (int j = 0; j < channels; j++)
            entry[j] = palette[kq_palette_place(k, i, j)];
        kq_palette_entry(c, i == 0, k - i, entry);
    }
    KQ_FREE(c);
    return kq_range_finish(&encoder, size);
}
#endif

/* Fills `palette`, k x channels bytes, with the plain palette of a payload of `size` bytes.
 * Returns 1, 0 if the payload is invalid, -1 without memory. */
static int kq_palette_decode(const uint8_t *payload, size_t size, size_t k, int channels,
                             uint8_t *palette)
{
    kq_palette_coder *c = (kq_palette_coder *)KQ_MALLOC(sizeof *c + 4 * (KQ_PALETTE_WINDOW + k));
    if (!c)
        return -1;
    kq_palette_init(c, channels, (uint8_t *)(c + 1), k);
    kq_range_decoder_init(&c->decoder, payload, size);
    c->ascending = kq_palette_bit(c, 0, 1u << 15);
    for (size_t i = 0; i < k; i++) {
        int entry[4] = {0};
        kq_palette_entry(c, i == 0, k - i, entry);
        for (int j = 0; j < channels; j++)
            palette[kq_palette_place(k, i, j)] = (uint8_t)entry[j];
    }
    int valid = kq_range_decoder_valid(&c->decoder);
    KQ_FREE(c);
    return valid;
}

#endif
