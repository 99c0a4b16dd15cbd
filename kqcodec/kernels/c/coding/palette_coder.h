/* Palettes by arithmetic coding (spec/kq.md, section 14).
 *
 * Each value is coded as eight bits, the highest first, under a mixture of guesses.
 * A guess is a mass for each of the values 0..255, kept as running sums, so that the
 * mass of the values x..y-1 is sums[y] - sums[x]; its weight follows, by Bayes' rule,
 * from how well it has guessed so far. Time is linear in K, whatever the bytes.
 */
#ifndef KQ_CODING_PALETTE_CODER_H
#define KQ_CODING_PALETTE_CODER_H

#include <stdlib.h>
#include <string.h>

#include "coding/palette_priors.h"
#include "coding/range_coder.h"

#define KQ_PALETTE_WINDOW 32 /* entries that are looked back at */
#define KQ_PALETTE_BLACK 2   /* of them, opaque black, stand ahead of the first */
#define KQ_PALETTE_WIDTHS 6
#define KQ_PALETTE_FADING 3 /* widths over 0 of guesses among several */
#define KQ_PALETTE_OWN 8    /* guesses for whose sums a value needs room */

typedef struct {
#ifndef KQ_DECODE_ONLY
    kq_range_encoder *encoder; /* NULL where a palette is decoded */
#endif
    kq_range_decoder decoder;
    int channels, ascending;
    uint32_t weights[4][2][KQ_PALETTE_GUESSES];
    int history[KQ_PALETTE_WINDOW][4]; /* the latest first: green, red, blue, alpha */
    int seen;                          /* how many of them there are */
    /* near[k][256 + d]: the running sums of masses that decay on both sides of d = 0. */
    uint32_t near[KQ_PALETTE_WIDTHS][513];
    uint32_t even[257];
    uint32_t own[KQ_PALETTE_OWN][257];
    /* The guesses of the value at hand. */
    const uint32_t *guesses[KQ_PALETTE_GUESSES];
    int count, owned;
} kq_palette_coder;

static inline int kq_palette_clamp(int value)
{
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* The starting weights of a channel's guesses, in 1/2048. */
static const uint16_t *kq_palette_start(const kq_palette_coder *c, int channel, int same)
{
    int row = channel == 0 && !c->ascending ? KQ_PALETTE_KEPT : channel;
    return kq_palette_priors[row][same];
}

static void kq_palette_init(kq_palette_coder *c, int channels, int ascending)
{
    c->channels = channels;
    c->ascending = ascending;
    for (int k = 0; k < KQ_PALETTE_WIDTHS; k++) {
        uint32_t masses[257]; /* by distance; that of 256 doesn't occur */
        masses[0] = 1u << 16;
        for (int d = 1; d <= 256; d++)
            masses[d] = masses[d - 1] * ((1u << k) - 1) >> k;
        c->near[k][0] = 0;
        for (int d = -256; d < 256; d++)
            c->near[k][257 + d] = c->near[k][256 + d] + masses[d < 0 ? -d : d];
    }
    for (uint32_t v = 0; v <= 256; v++)
        c->even[v] = v;
    for (int channel = 0; channel < 4; channel++)
        for (int same = 0; same < 2; same++)
            for (int i = 0; i < KQ_PALETTE_GUESSES; i++)
                c->weights[channel][same][i] = 32u * kq_palette_start(c, channel, same)[i];
    memset(c->history, 0, sizeof c->history);
    for (int i = 0; i < KQ_PALETTE_BLACK; i++)
        c->history[i][3] = 255;
    c->seen = KQ_PALETTE_BLACK;
}

/* Guesses that the value is this one or, by each width, near it. */
static void kq_palette_near(kq_palette_coder *c, int value, int widths, const int *width)
{
    for (int i = 0; i < widths; i++)
        c->guesses[c->count++] = c->near[width[i]] + 256 - kq_palette_clamp(value);
}

/* What of a mass is left a step farther: held * (2^width - 1) >> width. */
static inline uint32_t kq_palette_fade(uint32_t held, int width)
{
    return held - ((held + (1u << width) - 1) >> width);
}

/* Guesses that the value is one of these: how much each of 256 weighs. */
static void kq_palette_exactly(kq_palette_coder *c, const int *values, const uint32_t *weights,
                               uint32_t *heaped)
{
    uint32_t *sums = c->own[c->owned++], sum = 0;
    memset(heaped, 0, 256 * sizeof *heaped);
    for (int i = 0; i < c->seen; i++)
        heaped[kq_palette_clamp(values[i])] += weights[i];
    for (int v = 0; v < 256; v++) {
        sums[v] = sum;
        sum += heaped[v];
    }
    sums[256] = sum;
    c->guesses[c->count++] = sums;
}

/* Guesses that the value is near one of those that weigh something, by each width. The
 * widths go side by side: each is a chain of operations that wait for each other. */
static inline void kq_palette_around(kq_palette_coder *c, const uint32_t *heaped, int widths,
                                     const int *width)
{
    uint32_t below[KQ_PALETTE_FADING][256];
    uint32_t held[KQ_PALETTE_FADING] = {0}, sum[KQ_PALETTE_FADING] = {0};
    uint32_t(*own)[257] = c->own + c->owned;
    for (int v = 0; v < 256; v++)
        for (int i = 0; i < widths; i++)
            below[i][v] = held[i] = heaped[v] + kq_palette_fade(held[i], width[i]);
    for (int i = 0; i < widths; i++)
        own[i][256] = held[i] = 0;
    /* Sums from above, taken off 0: their differences are those of sums from below. */
    for (int v = 255; v >= 0; v--)
        for (int i = 0; i < widths; i++) {
            uint32_t from_above = kq_palette_fade(held[i], width[i]);
            own[i][v] = sum[i] -= below[i][v] + from_above;
            held[i] = heaped[v] + from_above;
        }
    for (int i = 0; i < widths; i++)
        c->guesses[c->count++] = own[i];
    c->owned += widths;
}

static void kq_palette_around_two(kq_palette_coder *c, const uint32_t *heaped)
{
    static const int width[] = {2, 4};
    kq_palette_around(c, heaped, 2, width);
}

static void kq_palette_around_three(kq_palette_coder *c, const uint32_t *heaped)
{
    static const int width[] = {1, 2, 4};
    kq_palette_around(c, heaped, 3, width);
}

/* Guesses of the next of `left` + 1 ascending values that are spread at random up to
 * 255, and more or less densely to begin with. */
static void kq_palette_gaps(kq_palette_coder *c, int lowest, size_t left)
{
    for (int factor = 1; factor <= 16; factor *= 2) {
        uint64_t span = (uint64_t)(256 - lowest) * (uint64_t)factor;
        uint64_t ratio = (span << 16) / (span + 4 * ((uint64_t)left + 1));
        uint32_t *sums = c->own[c->owned++], mass = 1u << 16;
        for (int v = 0; v <= lowest; v++)
            sums[v] = 0;
        for (int v = lowest; v < 256; v++) {
            sums[v + 1] = sums[v] + mass;
            mass = (uint32_t)(mass * ratio >> 16);
        }
        c->guesses[c->count++] = sums;
    }
}

#define KQ_WIDTHS(...) \
    (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)), (const int[]) \
    { \
        __VA_ARGS__ \
    }

static void kq_palette_guess_green(kq_palette_coder *c, size_t left)
{
    int last = c->history[0][0], step = last - c->history[1][0];
    if (c->ascending) {
        kq_palette_gaps(c, last, left);
        kq_palette_near(c, last + step, KQ_WIDTHS(0, 1));
        return;
    }
    int values[KQ_PALETTE_WINDOW];
    uint32_t weights[KQ_PALETTE_WINDOW], heaped[256];
    for (int i = 0; i < c->seen; i++) {
        values[i] = c->history[i][0];
        weights[i] = (1u << 16) / (uint32_t)(8 + i);
    }
    kq_palette_near(c, last, KQ_WIDTHS(0, 2, 4));
    kq_palette_near(c, last + step, KQ_WIDTHS(0, 1));
    kq_palette_exactly(c, values, weights, heaped);
    kq_palette_around_two(c, heaped);
}

static void kq_palette_guess_red(kq_palette_coder *c, int green)
{
    const int *last = c->history[0];
    int differences[KQ_PALETTE_WINDOW], values[KQ_PALETTE_WINDOW];
    uint32_t weights[KQ_PALETTE_WINDOW], heaped[256];
    for (int i = 0; i < c->seen; i++) {
        const int *entry = c->history[i];
        values[i] = entry[1];
        differences[i] = green + entry[1] - entry[0];
        weights[i] = (1u << 16) / (uint32_t)(8 + i + abs(entry[0] - green));
    }
    kq_palette_near(c, green, KQ_WIDTHS(0, 2, 4));
    kq_palette_near(c, green + last[1] - last[0], KQ_WIDTHS(0, 1, 3));
    kq_palette_near(c, last[1], KQ_WIDTHS(0));
    kq_palette_exactly(c, differences, weights, heaped);
    kq_palette_around_three(c, heaped);
    kq_palette_exactly(c, values, weights, heaped);
}

static void kq_palette_guess_blue(kq_palette_coder *c, int green, int red)
{
    const int *last = c->history[0];
    int differences[KQ_PALETTE_WINDOW], values[KQ_PALETTE_WINDOW];
    uint32_t weights[KQ_PALETTE_WINDOW], heaped[256];
    for (int i = 0; i < c->seen; i++) {
        const int *entry = c->history[i];
        int chroma = abs((entry[1] - entry[0]) - (red - green));
        uint32_t distance = (uint32_t)(16 + 2 * chroma + abs(entry[0] - green)); /* <= 1291 */
        values[i] = entry[2];
        differences[i] = green + entry[2] - entry[0];
        weights[i] = 1 + (1u << 24) / (distance * distance * distance);
    }
    kq_palette_near(c, red, KQ_WIDTHS(0, 2));
    kq_palette_near(c, green, KQ_WIDTHS(0, 2, 4));
    kq_palette_near(c, 2 * green - red, KQ_WIDTHS(5));
    kq_palette_near(c, green + last[2] - last[0], KQ_WIDTHS(0, 1, 3));
    kq_palette_near(c, red + last[2] - last[1], KQ_WIDTHS(0, 1));
    kq_palette_near(c, last[2], KQ_WIDTHS(0));
    kq_palette_exactly(c, differences, weights, heaped);
    kq_palette_around_three(c, heaped);
    kq_palette_exactly(c, values, weights, heaped);
}

static void kq_palette_guess_alpha(kq_palette_coder *c, int green)
{
    int last = c->history[0][3], step = last - c->history[1][3];
    int values[KQ_PALETTE_WINDOW];
    uint32_t weights[KQ_PALETTE_WINDOW], heaped[256];
    for (int i = 0; i < c->seen; i++) {
        values[i] = c->history[i][3];
        weights[i] = (1u << 16) / (uint32_t)(8 + i + abs(c->history[i][0] - green));
    }
    kq_palette_near(c, 255, KQ_WIDTHS(0));
    kq_palette_near(c, last, KQ_WIDTHS(0, 2));
    kq_palette_near(c, last + step, KQ_WIDTHS(0, 1));
    kq_palette_exactly(c, values, weights, heaped);
    kq_palette_around_two(c, heaped);
}

static int kq_palette_bit(kq_palette_coder *c, int bit, uint32_t p)
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

/* The share of the values x..y-1 in 65,536, `whole` being (2^40 - 1) over the mass of
 * all values that are allowed. */
static inline uint64_t kq_palette_chance(const uint32_t *sums, int x, int y, uint64_t whole)
{
    return (sums[y] - sums[x]) * whole >> 24;
}

/* Codes a value of a channel, at least `lowest`, by the guesses at hand. */
static int kq_palette_value(kq_palette_coder *c, int channel, int same, int lowest, int value)
{
    uint32_t *weights = c->weights[channel][same];
    const uint16_t *start_weights = kq_palette_start(c, channel, same);
    uint64_t wholes[KQ_PALETTE_GUESSES], shares[KQ_PALETTE_GUESSES], total = 0;
    int start = 0;
    for (int i = 0; i < c->count; i++) {
        uint32_t mass = c->guesses[i][256] - c->guesses[i][lowest];
        wholes[i] = mass ? (((uint64_t)1 << 40) - 1) / mass : 0;
    }
    for (int bit = 7; bit >= 0; bit--) {
        int middle = start + (1 << bit), end = start + (2 << bit);
        if (lowest >= middle) { /* nothing in the lower half is allowed */
            start = middle;
            continue;
        }
        int below = start > lowest ? start : lowest;
        uint64_t upper = 0, both = 0;
        for (int i = 0; i < c->count; i++) {
            const uint32_t *sums = c->guesses[i];
            upper += weights[i] * kq_palette_chance(sums, middle, end, wholes[i]);
            both += weights[i] * kq_palette_chance(sums, below, end, wholes[i]);
        }
        uint64_t p = (upper << 16) / both; /* the guess `even` keeps both over 0 */
        if (kq_palette_bit(c, value >> bit & 1, p < 1 ? 1 : p > 65535 ? 65535 : (uint32_t)p))
            start = middle;
    }
    for (int i = 0; i < c->count; i++) {
        shares[i] = weights[i] * kq_palette_chance(c->guesses[i], start, start + 1, wholes[i]);
        total += shares[i];
    }
    for (int i = 0; i < c->count; i++)
        weights[i] = (uint32_t)(shares[i] * 63488 / total) + start_weights[i];
    return start;
}

/* Codes an entry (green, red, blue, alpha) with `left` to come behind it; where it is
 * decoded, `entry` becomes its values. */
static void kq_palette_entry(kq_palette_coder *c, size_t left, int *entry)
{
    int same = 1, bound = c->ascending && c->seen > KQ_PALETTE_BLACK;
    for (int channel = 0; channel < c->channels; channel++) {
        c->count = c->owned = 0;
        switch (channel) {
        case 0:
            kq_palette_guess_green(c, left);
            break;
        case 1:
            kq_palette_guess_red(c, entry[0]);
            break;
        case 2:
            kq_palette_guess_blue(c, entry[0], entry[1]);
            break;
        default:
            kq_palette_guess_alpha(c, entry[0]);
        }
        c->guesses[c->count++] = c->even;
        int last = c->history[0][channel];
        entry[channel] =
            kq_palette_value(c, channel, same, bound && same ? last : 0, entry[channel]);
        same = same && entry[channel] == last;
    }
    memmove(c->history[1], c->history[0], sizeof c->history - sizeof c->history[0]);
    memcpy(c->history[0], entry, sizeof c->history[0]);
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
    kq_palette_coder *c = malloc(sizeof *c);
    if (!c)
        return -1;
    kq_range_encoder_init(&encoder, out, capacity);
    c->encoder = &encoder;
    kq_palette_bit(c, ascending, 1u << 15);
    kq_palette_init(c, channels, ascending);
    for (size_t i = 0; i < k && !kq_range_full(&encoder); i++) {
        int entry[4] = {0};
        for (int j = 0; j < channels; j++)
            entry[j] = palette[kq_palette_place(k, i, j)];
        kq_palette_entry(c, k - 1 - i, entry);
    }
    free(c);
    return kq_range_finish(&encoder, size);
}
#endif

/* Fills `palette`, k x channels bytes, with the plain palette of a payload of `size` bytes.
 * Returns 1, 0 if the payload is invalid, -1 without memory. */
static int kq_palette_decode(const uint8_t *payload, size_t size, size_t k, int channels,
                             uint8_t *palette)
{
    kq_palette_coder *c = malloc(sizeof *c);
    if (!c)
        return -1;
#ifndef KQ_DECODE_ONLY
    c->encoder = NULL;
#endif
    kq_range_decoder_init(&c->decoder, payload, size);
    kq_palette_init(c, channels, kq_palette_bit(c, 0, 1u << 15));
    for (size_t i = 0; i < k; i++) {
        int entry[4] = {0};
        kq_palette_entry(c, k - 1 - i, entry);
        for (int j = 0; j < channels; j++)
            palette[kq_palette_place(k, i, j)] = (uint8_t)entry[j];
    }
    int valid = kq_range_decoder_valid(&c->decoder);
    free(c);
    return valid;
}

#endif
