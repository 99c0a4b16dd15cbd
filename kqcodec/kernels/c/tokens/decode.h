/* The coder `tokens`: labels as tokens, coded by tables that stand ahead of them (spec/kq.md,
 * section 17), for who wants them back quickly.
 *
 * Which neighbour a label is equal to, if any, is what an asymmetric numeral system codes by a
 * table for the context (J. Duda, "Asymmetric numeral systems", arXiv:1311.2540, 2013; Yann
 * Collet's tANS, FSE); other labels have prefix codes. Where a tile repeats itself, runs and
 * copies are tokens, too, as in LZ77.
 */
#ifndef KQ_TOKENS_DECODE_H
#define KQ_TOKENS_DECODE_H

#include "coding/packed.h"
#include "tokens/state.h"

/* The first byte of a payload: how the rest is to be read. */
enum { KQ_TOKENS_STREAM = 1, KQ_TOKENS_BANDS = 2 };

#define KQ_TOKENS_MOST_LABELS ((size_t)1 << 26) /* of a tile */

typedef struct {
    const uint16_t *order; /* k: place to entry */
    uint32_t k;            /* 2 .. 65536 */
    size_t width, height;
    int wide; /* labels of two bytes, as they must be for k > 256 */
    void *labels;
} kq_tokens_tile;

#define KQ_FUNCTION KQ_INLINE
#define KQ_RUN
#define KQ_NAME(name) kq_tokens8_##name
#define KQ_LABEL uint8_t
#if defined(KQ_SIMD128)
#include "tokens/view_simd128.h"
#else
#include "tokens/view.h"
#endif

#include "tokens/bands.h"
#include "tokens/stream.h"
#include "tokens/tile.h"
#undef KQ_NAME
#undef KQ_LABEL

#define KQ_NAME(name) kq_tokens16_##name
#define KQ_LABEL uint16_t
#include "tokens/view.h"

#include "tokens/bands.h"
#include "tokens/stream.h"
#include "tokens/tile.h"
#undef KQ_NAME
#undef KQ_LABEL
#undef KQ_FUNCTION
#undef KQ_RUN

#if defined(KQ_AVX2) && defined(__x86_64__)
#define KQ_TOKENS_AVX2 KQ_TARGET("avx2,bmi,bmi2")
#define KQ_FUNCTION KQ_TOKENS_AVX2 KQ_INLINE
#define KQ_RUN KQ_TOKENS_AVX2
#define KQ_NAME(name) kq_tokens_avx2_##name
#define KQ_LABEL uint8_t
#include "tokens/view_avx2.h"

#include "tokens/bands.h"
#include "tokens/stream.h"
#include "tokens/tile.h"
#undef KQ_NAME
#undef KQ_LABEL
#undef KQ_FUNCTION
#undef KQ_RUN
#endif

/* The bits of escapes that stand as they are: their upper bits, 256 at most, have codes. */
static int kq_tokens_low_bits(uint32_t k)
{
    int bits = 0;
    while ((k - 1) >> bits >= KQ_SYMBOLS)
        bits++;
    return bits;
}

/* A length as rule 6.4 has them, at *at, which moves behind it. Returns 0 if there is none. */
static int kq_tokens_length(const uint8_t **at, const uint8_t *end, size_t *length)
{
    *length = 0;
    for (int i = 0; i < 4 && *at < end; i++) {
        const uint8_t byte = *(*at)++;
        if (i == 0 && byte == 0x80)
            return 0;
        *length = *length << 7 | (byte & 127);
        if (byte < 128)
            return 1;
    }
    return 0;
}

/* Decodes what stands ahead of the streams; they begin behind it. Returns 0 if it is invalid. */
static int kq_tokens_open(kq_tokens *t, const kq_tokens_tile *tile, const uint8_t **at,
                          const uint8_t *end)
{
    size_t length;
    memset(&t->front, 0, sizeof t->front);
    t->k = tile->k;
    t->low_bits = tile->wide ? kq_tokens_low_bits(tile->k) : 0;
    t->front.labels = tile->width * tile->height;
    t->front.symbols = ((tile->k - 1) >> t->low_bits) + 1;
    if (*at == end || (**at != KQ_TOKENS_STREAM && **at != KQ_TOKENS_BANDS))
        return 0;
    t->front.bands = *(*at)++ == KQ_TOKENS_BANDS;
    if (!kq_tokens_length(at, end, &length) || length > (size_t)(end - *at))
        return 0;
    kq_range_decoder decoder;
    kq_range_decoder_init(&decoder, *at, length);
    kq_bit_coder coder = {0};
    coder.decoder = &decoder;
    *at += length;
    if (!kq_front_code(&coder, &t->front) || !kq_range_decoder_valid(&decoder))
        return 0;
    uint8_t entries[KQ_SYMBOLS];
    for (uint32_t place = 0; !tile->wide && place < tile->k; place++)
        entries[place] = (uint8_t)kq_label_below(tile->k, tile->order, place, 1);
    t->first = tile->wide ? 0 : entries[0];
    return kq_tokens_prepare(t, tile->wide ? NULL : entries);
}

/* Fills the labels of a tile from a payload of `size` bytes. Returns 1, 0 if the payload is
 * invalid (the labels may hold anything then), -1 without memory. */
static int kq_tokens_decode(const kq_tokens_tile *tile, const uint8_t *payload, size_t size)
{
    const uint8_t *at = payload, *const end = payload + size;
    kq_tokens *t = (kq_tokens *)KQ_MALLOC(sizeof *t);
    uint8_t *memory = (uint8_t *)KQ_MALLOC(size + KQ_STREAM_SLACK);
    int done = t && memory ? 0 : -1;
    if (done == 0 && kq_tokens_open(t, tile, &at, end)) {
        const uint8_t *streams[KQ_BANDS + 1];
        const int count = t->front.bands ? KQ_BANDS : 1;
        size_t lengths[KQ_BANDS], left;
        int valid = 1;
        for (int i = 0; i + 1 < count && valid; i++)
            valid = kq_tokens_length(&at, end, lengths + i);
        left = (size_t)(end - at);
        /* The streams are copied, so that zeros follow, and nobody changes them. */
        memcpy(memory, at, left);
        memset(memory + left, 0, KQ_STREAM_SLACK);
        streams[0] = memory;
        for (int i = 0; i < count && valid; i++) {
            const size_t length = i + 1 < count ? lengths[i] : left;
            valid = length > 0 && length <= left;
            left -= valid ? length : 0;
            streams[i + 1] = streams[i] + length;
        }
        if (valid) {
#if defined(KQ_TOKENS_AVX2)
            if (!tile->wide && KQ_CPU_HAS("avx2") && KQ_CPU_HAS("bmi2"))
                done = kq_tokens_avx2_tile(t, tile, streams);
            else
#endif
                done = tile->wide ? kq_tokens16_tile(t, tile, streams)
                                  : kq_tokens8_tile(t, tile, streams);
        }
    }
    KQ_FREE(t);
    KQ_FREE(memory);
    return done;
}

#endif
