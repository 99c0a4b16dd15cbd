/* kq.h - reads .kq pictures: palette images, animations and label maps. Format 1.0. MIT licence,
 * see the end of this file.
 *
 * In one source file, C99 or C++11:
 *
 *     #define KQ_IMPLEMENTATION
 *     #include "kq.h"
 *
 * and in all that use it just the second line. A picture from memory to RGBA:
 *
 *     uint32_t width, height;
 *     kq_result result;
 *     uint8_t *pixels = kq_load(data, size, 4, &width, &height, &result);
 *     if (!pixels)
 *         fprintf(stderr, "%s\n", kq_result_text(result));
 *     kq_free(pixels);
 *
 * kq_open is for all else: palettes, labels, ids, frames, parts of a picture, step by step. Have it
 * compiled with -O3, which decodes faster than -O2 by a quarter.
 *
 * Defined before KQ_IMPLEMENTATION's #include:
 *
 *     KQ_STATIC       functions are static: everything in one source file
 *     KQ_API          what stands before public functions, such as a visibility
 *     KQ_MALLOC(n), KQ_FREE(p), and if it is better than those and memset KQ_CALLOC(count, n)
 *                     memory from elsewhere, aligned as malloc's; all three are the C library's
 *     KQ_NO_SIMD      plain C only: SSE2 and AVX2 are used where the processor has them
 *
 * Bytes may come from anybody: all lengths and checksums are looked at before memory of the
 * picture's size is asked for, and what decoding may take is limited (kq_limits). What is wrong
 * with a file kq_result says; a picture is read whole and right, or not at all. A file is for one
 * thread at a time, several files are for several threads; nothing is global. No library is needed
 * but <string.h> and, without KQ_MALLOC, <stdlib.h>; nothing is read from disk.
 *
 * It reads every file of format 1.x. This file is made from kqcodec's C sources: change those.
 */
#ifndef KQ_H
#define KQ_H

#include <stddef.h>
#include <stdint.h>

/* ---- file/api.h ---- */
/* kq.h: decodes .kq files, pictures of few colours, label maps and sequences of either. */

#ifndef KQ_API
#ifdef KQ_STATIC
#define KQ_API static inline
#else
#define KQ_API extern
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Why a file is refused, by the kinds of spec/vectors/README.md; the last two are the caller's. */
typedef enum {
    KQ_OK,
    KQ_SIGNATURE,   /* not a .kq file */
    KQ_TRUNCATED,   /* it ends before its contents do */
    KQ_CHECKSUM,    /* bytes were changed */
    KQ_UNSUPPORTED, /* it needs a version, coder or section that isn't known */
    KQ_INVALID,     /* its checksums match, but a rule of the format is broken */
    KQ_LIMIT,       /* it is larger than the limits */
    KQ_NO_MEMORY,
    KQ_ARGUMENT /* a frame, tile or box that isn't there, a stride shorter than a row */
} kq_result;

/* What a file may ask for. A member that is 0 is the number behind it, and larger in proportion
 * where `pixels` is larger. */
typedef struct {
    uint64_t pixels;   /* of a picture or frame: 2^27 */
    uint32_t tiles;    /* of a picture or frame: 2^20 */
    uint32_t metadata; /* bytes of all sections, entries of a table of ids, frames: 2^24 each */
    uint64_t tile;     /* labels of a tile by the coder context, with its margins: 2^27 */
    uint64_t work;     /* steps, about a nanosecond each, to decode all: 600 * 2^27 */
    uint64_t chains;   /* bytes that are kept from frame to frame: 2^31 */
} kq_limits;

/* What a file is. */
typedef struct {
    uint32_t width, height;
    uint32_t colors; /* K: entries of the palette; of a label map labels of a tile */
    uint32_t tile_width, tile_height, tiles;
    int32_t coder;      /* 0 packed, 1 dense, 2 context, 3 tokens */
    int32_t alpha;      /* whether the palette has alpha */
    int32_t short_form; /* whether the file is in the short form */
    int32_t label_map;  /* whether it has ids in place of a palette */
    int32_t dtype;      /* of ids: 0 bool, 1 int8, 2 uint8, 3 int16 ... 7 int64, 8 uint64 */
    int32_t shape;      /* of ids: 0 (height, width), 1 (height, width, 1), 2 (frames, ...) */
    uint32_t entries;   /* of the table of ids, or the palette: how many labels there are */
    uint32_t ids;       /* how many different ids */
    uint32_t frames;    /* 0 for a still */
    int32_t axis;       /* of frames: 0 time, 1 depth */
    uint32_t key_distance, plays;
    uint32_t unit_numerator, unit_denominator; /* of seconds, or of metres in depth */
} kq_info;

typedef struct {
    uint32_t x, y, width, height;
} kq_box;

typedef struct kq_file kq_file;

/* A result in a few words. */
KQ_API const char *kq_result_text(kq_result result);

/* What the first 20 bytes say, or a whole file in the short form; of what stands behind them all
 * is 0. */
KQ_API kq_result kq_read_header(const void *data, size_t size, kq_info *info);

/* Opens a file of `size` bytes, which stay where they are, unchanged, until it is closed. All of
 * it is checked, checksums included, before anything of the picture's size is allocated; tiles may
 * still turn out to be invalid when they are decoded. `limits` may be NULL. */
KQ_API kq_result kq_open(const void *data, size_t size, const kq_limits *limits, kq_file **file);
KQ_API void kq_close(kq_file *file);
KQ_API const kq_info *kq_get_info(const kq_file *file);

/* The colours of labels, `entries` times red, green, blue and alpha. Those of a label map are by
 * PASCAL VOC's rule. NULL without memory. */
KQ_API const uint8_t *kq_palette(kq_file *file);
/* From now on labels have these colours. */
KQ_API kq_result kq_set_palette(kq_file *file, const uint8_t *rgba);
/* The id of each label, `entries` of them, signed ones as two's complement; NULL of pictures. */
KQ_API const uint64_t *kq_id_table(const kq_file *file);
/* The data of the first section of that kind, such as "icc "; NULL if there is none. */
KQ_API const uint8_t *kq_section(const kq_file *file, const char *kind, size_t *size);
/* How long a frame lasts, in units; 0 of a still. */
KQ_API uint32_t kq_duration(const kq_file *file, uint32_t frame);

/* Decode a box of a frame, all of it where `box` is NULL; the frame of a still is 0. Rows are
 * `stride` bytes apart. Labels are uint8_t, uint16_t or uint32_t, as kq_label_bytes says; ids are
 * of the file's dtype; pixels have 3 or 4 channels. */
KQ_API int kq_label_bytes(const kq_file *file);
KQ_API kq_result kq_read_labels(kq_file *file, uint32_t frame, const kq_box *box, void *labels,
                                size_t stride);
KQ_API kq_result kq_read_ids(kq_file *file, uint32_t frame, const kq_box *box, void *ids,
                             size_t stride);
KQ_API kq_result kq_read_pixels(kq_file *file, uint32_t frame, const kq_box *box, int channels,
                                uint8_t *pixels, size_t stride);

/* All at once: the pixels of a picture, or of the first frame, to be freed with kq_free; NULL if
 * there are none, and `result` says why. It may be NULL, as may where width and height go. */
KQ_API uint8_t *kq_load(const void *data, size_t size, int channels, uint32_t *width,
                        uint32_t *height, kq_result *result);
KQ_API void kq_free(void *pixels);

/* Step by step, to show progress or to stop: kq_begin, then kq_step until `more` is 0, then the
 * tile's labels are there, row by row, until the next kq_begin. */
KQ_API kq_result kq_begin(kq_file *file, uint32_t frame, uint32_t tile);
KQ_API kq_result kq_step(kq_file *file, int *more);
KQ_API const void *kq_tile_labels(const kq_file *file, kq_box *box);
/* Paints them; `pixels` is where the picture's upper left one goes. */
KQ_API kq_result kq_paint_tile(kq_file *file, int channels, uint8_t *pixels, size_t stride);

#ifdef __cplusplus
}
#endif

#endif

#if defined(KQ_IMPLEMENTATION) && !defined(KQ_IMPLEMENTED)
#define KQ_IMPLEMENTED

/* windows.h has macros of these names. */
#if defined(_WIN32)
#pragma push_macro("near")
#pragma push_macro("far")
#pragma push_macro("small")
#undef near
#undef far
#undef small
#endif

#include <string.h>

/* ---- compiler.h ---- */
/* What compilers spell differently, or lack: everything in the kernels that isn't C99, and where
 * they get memory from.
 *
 * A compiler that isn't known here gets the plain C of every kernel, with the same results.
 */

/* Memory, from somewhere else where KQ_MALLOC(bytes) and KQ_FREE(pointer) are defined, and
 * perhaps KQ_CALLOC(count, size). It is aligned as malloc's. */
#if !defined(KQ_MALLOC)
#include <stdlib.h>
#define KQ_MALLOC(bytes) malloc(bytes)
#define KQ_CALLOC(count, size) calloc(count, size)
#define KQ_FREE(pointer) free(pointer)
#elif !defined(KQ_CALLOC)
#define KQ_CALLOC(count, size) kq_calloc(count, size)
static inline void *kq_calloc(size_t count, size_t size)
{
    void *zeros = size && count > SIZE_MAX / size ? NULL : KQ_MALLOC(count * size);
    return zeros ? memset(zeros, 0, count * size) : NULL;
}
#endif

/* Instructions: KQ_SSE2 where the compiler may use them anyway, KQ_AVX2 where it can compile
 * single functions for them, to be called where KQ_CPU_HAS("avx2"). With KQ_NO_SIMD there is
 * neither. gcc's _mm256_blendv_epi8 does something else with an unsigned char, and on Windows
 * gcc's stack isn't aligned as vectors need it. */
#if !defined(KQ_NO_SIMD) && (defined(__SSE2__) || defined(_M_X64))
#include <immintrin.h>
#define KQ_SSE2 1
#if defined(__GNUC__) && (defined(__clang__) || (!defined(__CHAR_UNSIGNED__) && !defined(_WIN32)))
#define KQ_AVX2 1
#define KQ_CPU_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#define KQ_PREFETCH(address) _mm_prefetch((const char *)(address), _MM_HINT_T0)
#endif
#endif

/* KQ_SIMD128: WebAssembly's vectors, where the module is compiled for them. */
#if defined(__wasm_simd128__) && !defined(KQ_NO_SIMD)
#include <wasm_simd128.h>
#define KQ_SIMD128 1
#endif

/* KQ_TARGET("avx2") before a function: compiled for such processors. KQ_ALIGNED(32) before a
 * declaration: at such an address. KQ_INLINE: a function that is part of its callers, so that
 * what is constant in a call is constant in it. */
#if defined(__GNUC__)
#define KQ_TARGET(features) __attribute__((target(features)))
#define KQ_ALIGNED(bytes) __attribute__((aligned(bytes)))
#define KQ_INLINE static inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define KQ_TARGET(features)
#define KQ_ALIGNED(bytes) __declspec(align(bytes))
#define KQ_INLINE static __forceinline
#else
#define KQ_TARGET(features)
#define KQ_ALIGNED(bytes)
#define KQ_INLINE static inline
#endif

/* The first address for vectors in memory that is KQ_ALIGNING bytes larger than what is to lie
 * there. */
#define KQ_ALIGNING 63
#define KQ_ALIGNED_AT(memory) \
    ((void *)(((uintptr_t)(memory) + KQ_ALIGNING) & ~(uintptr_t)KQ_ALIGNING))

/* KQ_HIDE: the compiler knows nothing of a variable's value from here on. So it doesn't read
 * again what it has read, and doesn't turn a branch into arithmetic. KQ_IN_MEMORY: the
 * same of an array, which is in memory then and not in a register. */
#if defined(__GNUC__)
#define KQ_HIDE(value) __asm__("" : "+r"(value))
#define KQ_IN_MEMORY(array) __asm__("" : "+m"(array))
#define KQ_BOTH_IN_MEMORY(one, other) __asm__("" : "+m"(one), "+m"(other))
#else
#define KQ_HIDE(value) (void)(value)
#define KQ_IN_MEMORY(array) (void)(array)
#define KQ_BOTH_IN_MEMORY(one, other) (void)(one), (void)(other)
#endif

/* Zeros above the highest 1 of 32 bits and below the lowest of 32 and 64; there must be a 1.
 * Not defined where the compiler has nothing for it. */
#if defined(__GNUC__)
#define KQ_LEADING_ZEROS(x) ((uint32_t)__builtin_clz(x))
#define KQ_TRAILING_ZEROS(x) ((uint32_t)__builtin_ctz(x))
#define KQ_TRAILING_ZEROS64(x) ((uint32_t)__builtin_ctzll(x))
#elif defined(_MSC_VER)
#include <intrin.h>
#define KQ_LEADING_ZEROS(x) kq_leading_zeros(x)
static __forceinline uint32_t kq_leading_zeros(uint32_t x)
{
    unsigned long highest;
    _BitScanReverse(&highest, x);
    return 31 - highest;
}
#endif
/* ---- coding/range_coder.h ---- */
/* The binary arithmetic coder (spec/kq.md, section 13): bits with given
 * probabilities to bytes and back, in 32-bit whole numbers.
 *
 * A carryless range coder as in Matt Mahoney's lpaq: the numbers x1..x2 are those
 * that the bits so far allow; each bit cuts the interval in proportion to its
 * probability, and bytes on which both ends agree leave at the top.
 */

/* The last number of the interval's lower part, which is that of bit 1. As p is
 * 1..65535, both parts hold a number wherever the interval holds two. */
static inline uint32_t kq_range_cut(uint32_t x1, uint32_t x2, uint32_t p)
{
    return x1 + (uint32_t)(((uint64_t)(x2 - x1) * p) >> 16);
}

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
/* ---- coding/learning_bits.h ---- */
/* Bits that learn how likely they are, and numbers made of them (spec/kq.md, rules 17.6 and
 * 17.9): what stands ahead of tokens, and lists of numbers.
 *
 * One function for each both encodes and decodes, so that the two can't differ.
 */

/* Encodes where there is an encoder, else decodes. */
typedef struct {
    kq_range_decoder *decoder;
} kq_bit_coder;

/* How likely a bit is 1, of 65536, and how often it was seen. */
typedef struct {
    uint16_t p, seen;
} kq_bit;

static inline void kq_bits_init(kq_bit *bits, size_t count)
{
    static const kq_bit even = {32768, 0};
    for (size_t i = 0; i < count; i++)
        bits[i] = even;
}

static inline int kq_coin(kq_bit_coder *c, int bit, uint32_t p)
{
    (void)bit;
    return kq_range_decode(c->decoder, p);
}

/* A bit that learns: by 2 / (2 n + 3) of its error, n being how often it was seen. */
static inline int kq_bit_code(kq_bit_coder *c, kq_bit *b, int bit)
{
    static const uint16_t rates[32] = {43690, 26214, 18724, 14563, 11915, 10082, 8738, 7710,
                                       6898,  6241,  5698,  5242,  4854,  4519,  4228, 3971,
                                       3744,  3542,  3360,  3196,  3048,  2912,  2788, 2674,
                                       2570,  2473,  2383,  2299,  2221,  2148,  2080, 2016};
    bit = kq_coin(c, bit, b->p);
    const int32_t aim = bit ? 65504 : 32;
    b->p = (uint16_t)(b->p + ((aim - b->p) * (int64_t)rates[b->seen] >> 16));
    b->seen = (uint16_t)(b->seen + (b->seen < 31));
    return bit;
}

/* A number of `bits` bits, the highest first, as likely as any other. */
static inline uint32_t kq_bits_even(kq_bit_coder *c, uint32_t value, int bits)
{
    uint32_t found = 0;
    while (bits-- > 0)
        found = found << 1 | (uint32_t)kq_coin(c, value >> bits & 1, 32768);
    return found;
}

/* A number of `bits` bits; each bit learns by those before it. `at` has 1 << bits places. */
static inline uint32_t kq_bit_tree(kq_bit_coder *c, kq_bit *at, uint32_t value, int bits)
{
    uint32_t node = 1;
    for (int bit = bits - 1; bit >= 0; bit--)
        node = node << 1 | (uint32_t)kq_bit_code(c, at + node, value >> bit & 1);
    return node - (1u << bits);
}

#define KQ_NUMBER_MOST_BITS 64

/* The bits of a number: how many bits it has, and the two highest of them. */
typedef struct {
    kq_bit size[128], first[KQ_NUMBER_MOST_BITS + 1], second[KQ_NUMBER_MOST_BITS + 1][2];
} kq_number_bits;

static inline void kq_number_bits_init(kq_number_bits *b)
{
    kq_bits_init(b->size, sizeof *b / sizeof(kq_bit));
}

/* The highest bit of value + 1 that is 1: how many bits follow it. */
static inline uint32_t kq_number_size(uint64_t value)
{
    uint32_t size = 0;
    if (value == UINT64_MAX)
        return KQ_NUMBER_MOST_BITS;
    while (size < KQ_NUMBER_MOST_BITS - 1 && (value + 1) >> (size + 1))
        size++;
    return size;
}

/* A number of 64 bits: how many bits follow the highest of one more, by a tree of `tree` bits,
 * at most 7, and those. Returns 0 where it has more than 64 bits. */
static int kq_number_code(kq_bit_coder *c, kq_number_bits *b, int tree, uint64_t *value)
{
    const uint64_t more = *value + 1;
    const uint32_t size = kq_bit_tree(c, b->size, kq_number_size(*value), tree);
    uint64_t found = 1; /* of 2^64 and more the bits below */
    if (size > KQ_NUMBER_MOST_BITS)
        return 0;
    for (uint32_t left = size; left-- > 0;) {
        int bit = more >> left & 1;
        if (left + 1 == size)
            bit = kq_bit_code(c, b->first + size, bit);
        else if (left + 2 == size)
            bit = kq_bit_code(c, &b->second[size][found & 1], bit);
        else
            bit = kq_coin(c, bit, 32768);
        found = found << 1 | (uint32_t)bit;
    }
    *value = found - 1;
    return size < KQ_NUMBER_MOST_BITS || found == 0;
}
/* ---- coding/numbers.h ---- */
/* Lists of numbers (spec/kq.md, section 18): in a payload of the range coder, each number by bits
 * that learn with its list.
 */

#define KQ_NUMBER_TREE 7 /* bits: 0 .. 64 */

/* Codes lists, one after the other; list i has counts[i] numbers. Returns 0 where one is invalid.
 */
static int kq_numbers_code(kq_bit_coder *c, const uint64_t *counts, size_t lists, uint64_t *numbers)
{
    for (size_t i = 0; i < lists; i++) {
        kq_number_bits bits;
        kq_number_bits_init(&bits);
        for (uint64_t n = counts[i]; n > 0; n--)
            if (!kq_number_code(c, &bits, KQ_NUMBER_TREE, numbers++))
                return 0;
    }
    return 1;
}

/* Fills `numbers` from a payload, which of no numbers is empty; returns 0 if it is invalid. */
static int kq_numbers_decode(const uint8_t *payload, size_t size, const uint64_t *counts,
                             size_t lists, uint64_t *numbers)
{
    kq_range_decoder decoder;
    kq_bit_coder coder = {0};
    coder.decoder = &decoder;
    kq_range_decoder_init(&decoder, payload, size);
    uint64_t left = 0;
    for (size_t i = 0; i < lists; i++)
        left |= counts[i];
    if (left == 0)
        return size == 0;
    return kq_numbers_code(&coder, counts, lists, numbers) && kq_range_decoder_valid(&decoder);
}
/* ---- coding/palette_coder.h ---- */
/* Palettes by arithmetic coding (spec/kq.md, section 14).
 *
 * Each value is coded as eight bits, the highest first, under a mixture of guesses. A guess
 * gives each of the values 0..255 a mass; its weight follows, by Bayes' rule, from how well it
 * has guessed so far. No array of masses is made: a bit needs of each guess only the mass of
 * all values under one x, a short sum. Time is linear in K, whatever the bytes.
 */

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
    (void)bit;
    return kq_range_decode(&c->decoder, p);
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
/* ---- context/tree.h ---- */
/* The tree of colours (spec/kq.md, section 16): the palette, halved again and again
 * along its widest channel, as Heckbert's median cut does ("Color image quantization
 * for frame buffer display", SIGGRAPH 1982), so that a subtree is a region of colour.
 */

/* Sinks the key at a place of a heap to where none below it is larger. */
static inline void kq_tree_sink(uint64_t *keys, size_t at, size_t count)
{
    const uint64_t key = keys[at];
    for (size_t below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && keys[below + 1] > keys[below])
            below++;
        if (keys[below] <= key)
            break;
        keys[at] = keys[below];
    }
    keys[at] = key;
}

/* Sorts keys, ascending. Heapsort (J. W. J. Williams, Communications of the ACM 7, 1964): no
 * memory, and no palette that makes it slow; twice as fast as the C library's qsort. */
static void kq_tree_sort_keys(uint64_t *keys, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        kq_tree_sink(keys, i, count);
    while (count-- > 1) {
        const uint64_t most = keys[0];
        keys[0] = keys[count];
        keys[count] = most;
        kq_tree_sink(keys, 0, count);
    }
}

/* The channel of the widest range, ranges counting 3, 4 and 2. */
static int kq_tree_channel(const uint8_t *colors, const uint64_t *keys, size_t count)
{
    static const int channels[3] = {1, 0, 2}, weights[3] = {4, 3, 2};
    int widest = -1, found = 1;
    for (int j = 0; j < 3; j++) {
        int least = 255, most = 0;
        for (size_t i = 0; i < count; i++) {
            int value = colors[3 * (keys[i] & 65535) + (size_t)channels[j]];
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
        if ((most - least) * weights[j] > widest) {
            widest = (most - least) * weights[j];
            found = channels[j];
        }
    }
    return found;
}

/* Sorts keys, whose lower 16 bits are entries, into the order of the tree. */
static void kq_tree_sort(const uint8_t *colors, uint64_t *keys, size_t count)
{
    while (count > 1) {
        size_t channel = (size_t)kq_tree_channel(colors, keys, count), half = (count + 1) / 2;
        for (size_t i = 0; i < count; i++) {
            uint64_t entry = keys[i] & 65535;
            const uint8_t *c = colors + 3 * entry;
            keys[i] = (uint64_t)c[channel] << 32 | (uint64_t)(c[0] + c[1] + c[2]) << 16 | entry;
        }
        kq_tree_sort_keys(keys, count);
        kq_tree_sort(colors, keys + half, count - half);
        count = half;
    }
}

/* Writes the entries of a palette, k x 3 bytes, 1 <= k <= 65536, in the order of the tree's
 * leaves: order[place] = entry. Returns 0 without memory. */
static int kq_tree_order(const uint8_t *colors, size_t k, uint16_t *order)
{
    uint64_t *keys = (uint64_t *)KQ_MALLOC(k * sizeof *keys);
    if (!keys)
        return 0;
    for (size_t i = 0; i < k; i++)
        keys[i] = i;
    kq_tree_sort(colors, keys, k);
    for (size_t i = 0; i < k; i++)
        order[i] = (uint16_t)keys[i];
    KQ_FREE(keys);
    return 1;
}
/* ---- coding/logistic.h ---- */
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
/* ---- coding/packed.h ---- */
/* Fixed-width labels as one string of bits, most significant bit first
 * (spec/kq.md, section 7).
 *
 * Labels are unsigned, `wide` says whether they are 16-bit (in the machine's
 * byte order) or 8-bit.
 */

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

/* ---- coding/dense.h ---- */
/* Labels as the digits of whole numbers, mixed radix (spec/kq.md, section 8).
 *
 * A block of n labels is the number sum(label[i] * K**(n-1-i)), written in a
 * fixed count of bits, most significant first. Labels are first joined into
 * digits to base K**g < 2**31, so that a step of the long multiplication or
 * division serves g labels at once.
 */

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

/* ---- file/parts.h ---- */
/* The parts of a file (spec/kq.md, sections 3 and 6): bytes that are read one after the other, and
 * their checksums.
 */

#define KQ_HEADER_SIZE 20
#define KQ_CHECKSUM_SIZE 4

#define KQ_DIFFERS(found, expected) ((found) != (expected))

/* Where the next byte is read; `at` is at most `size`. */
typedef struct {
    const uint8_t *data;
    size_t size, at;
} kq_cursor;

typedef struct {
    const uint8_t *bytes;
    size_t size;
} kq_span;

static uint32_t kq_big32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t kq_big16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* So many bytes, NULL if there aren't. */
static const uint8_t *kq_take(kq_cursor *c, size_t size)
{
    if (c->size - c->at < size)
        return NULL;
    c->at += size;
    return c->data + c->at - size;
}

/* A length of at most so many bytes (rule 6.4). */
static kq_result kq_take_length(kq_cursor *c, int most, uint32_t *length)
{
    uint64_t value = 0;
    for (int i = 0; i < most; i++) {
        const uint8_t *byte = kq_take(c, 1);
        if (!byte)
            return KQ_TRUNCATED;
        if (i == 0 && *byte == 0x80)
            return KQ_INVALID;
        value = value << 7 | (*byte & 127);
        if (*byte < 128) {
            *length = (uint32_t)value;
            return value > UINT32_MAX ? KQ_INVALID : KQ_OK;
        }
    }
    return KQ_INVALID;
}

/* Rule 2.8. */
static uint32_t kq_crc16(const uint8_t *bytes, size_t size, uint32_t crc)
{
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return crc & 0xFFFF;
}

/* What a byte makes of a CRC-32 (rule 3.1), of which it is the lowest by now. */
static uint32_t kq_crc32_byte(uint32_t crc)
{
    for (int bit = 0; bit < 8; bit++)
        crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    return crc;
}

/* The CRC-32s of the parts of one file (rule 3.2). */
typedef struct {
    uint32_t table[8][256]; /* of a byte, and of one with up to seven behind it */
    uint32_t header;        /* of the header, which all begin with */
} kq_sealer;

static uint32_t kq_crc32(const kq_sealer *s, const uint8_t *bytes, size_t size, uint32_t crc)
{
    /* Eight bytes at a time: M. E. Kounavis, F. L. Berry, "Novel Table Lookup-Based Algorithms for
     * High-Performance CRC Generation", IEEE Transactions on Computers 57 (2008). */
    for (; size >= 8; bytes += 8, size -= 8) {
        crc ^= (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 |
               bytes[0];
        crc = s->table[7][crc & 255] ^ s->table[6][crc >> 8 & 255] ^ s->table[5][crc >> 16 & 255] ^
              s->table[4][crc >> 24] ^ s->table[3][bytes[4]] ^ s->table[2][bytes[5]] ^
              s->table[1][bytes[6]] ^ s->table[0][bytes[7]];
    }
    while (size-- > 0)
        crc = s->table[0][(crc ^ *bytes++) & 255] ^ crc >> 8;
    return crc;
}

static void kq_sealer_init(kq_sealer *s, const uint8_t *header)
{
    for (uint32_t i = 0; i < 256; i++)
        s->table[0][i] = kq_crc32_byte(i);
    for (int more = 1; more < 8; more++)
        for (uint32_t i = 0; i < 256; i++) {
            const uint32_t crc = s->table[more - 1][i];
            s->table[more][i] = s->table[0][crc & 255] ^ crc >> 8;
        }
    s->header = kq_crc32(s, header, KQ_HEADER_SIZE, UINT32_MAX);
}

/* That of a part; a kind has four characters. */
static uint32_t kq_seal(const kq_sealer *s, const char *kind, uint64_t ordinal, const uint8_t *body,
                        size_t size)
{
    uint8_t head[12];
    memcpy(head, kind, 4);
    for (int i = 0; i < 8; i++)
        head[4 + i] = (uint8_t)(ordinal >> (56 - 8 * i));
    return ~kq_crc32(s, body, size, kq_crc32(s, head, sizeof head, s->header));
}

/* Reads the CRC-32 behind a part and compares it. */
static kq_result kq_check_seal(const kq_sealer *s, kq_cursor *c, const char *kind, uint64_t ordinal,
                               const uint8_t *body, size_t size)
{
    const uint8_t *seal = kq_take(c, KQ_CHECKSUM_SIZE);
    if (!seal)
        return KQ_TRUNCATED;
    return KQ_DIFFERS(kq_big32(seal), kq_seal(s, kind, ordinal, body, size)) ? KQ_CHECKSUM : KQ_OK;
}
/* ---- file/header.h ---- */
/* The start of a file: its header, or what stands for it in the short form (spec/kq.md, sections 2
 * and 12).
 */

enum { KQ_CODER_PACKED, KQ_CODER_DENSE, KQ_CODER_CONTEXT, KQ_CODER_TOKENS, KQ_CODERS };
enum { KQ_FLAG_ALPHA = 1, KQ_FLAG_CODED = 2, KQ_FLAG_SECTIONS = 4, KQ_FLAG_LABELS = 8 };
#define KQ_MAJOR 1
#define KQ_MOST_TILE_LABELS ((uint32_t)1 << 26)
#define KQ_MOST_SHORT 4096 /* bytes of a file in the short form */

/* A header, and where the bytes behind it stand. */
typedef struct {
    kq_info info;
    uint8_t bytes[KQ_HEADER_SIZE];
    int flags;
    uint32_t tiles_across, tiles_down;
    kq_cursor rest; /* in the short form without the checksum of all */
} kq_header;

static uint32_t kq_least32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* What the 20 bytes say, behind the signature. */
static kq_result kq_header_parse(kq_header *h)
{
    kq_info *info = &h->info;
    const uint8_t *bytes = h->bytes;
    if (KQ_DIFFERS(kq_crc16(bytes, 18, 0xFFFF), kq_big16(bytes + 18)))
        return KQ_CHECKSUM;
    h->flags = bytes[6] & 31;
    info->coder = bytes[6] >> 5;
    if (bytes[5] >> 4 != KQ_MAJOR || info->coder >= KQ_CODERS || h->flags & 16)
        return KQ_UNSUPPORTED;
    info->label_map = (h->flags & KQ_FLAG_LABELS) != 0;
    info->alpha = h->flags & KQ_FLAG_ALPHA;
    if ((info->label_map && h->flags & (KQ_FLAG_ALPHA | KQ_FLAG_CODED)) ||
        (h->flags & KQ_FLAG_CODED && info->coder < KQ_CODER_CONTEXT))
        return KQ_INVALID;
    info->width = kq_big32(bytes + 8);
    info->height = kq_big32(bytes + 12);
    info->colors = kq_big16(bytes + 16) + 1;
    if (!info->width || !info->height)
        return KQ_INVALID;
    const int x = bytes[7] >> 4, y = bytes[7] & 15;
    info->tile_width = x ? kq_least32(info->width, (uint32_t)1 << (x + 3)) : info->width;
    info->tile_height = y ? kq_least32(info->height, (uint32_t)1 << (y + 3)) : info->height;
    if ((uint64_t)info->tile_width * info->tile_height > KQ_MOST_TILE_LABELS)
        return KQ_INVALID;
    h->tiles_across = (info->width - 1) / info->tile_width + 1;
    h->tiles_down = (info->height - 1) / info->tile_height + 1;
    const uint64_t tiles = (uint64_t)h->tiles_across * h->tiles_down;
    info->tiles = tiles > UINT32_MAX ? UINT32_MAX : (uint32_t)tiles;
    return KQ_OK;
}

/* The header that a file in the short form would have. */
static kq_result kq_header_expand(kq_header *h, const uint8_t *data, size_t size)
{
    uint32_t sides[3];
    kq_result result;
    if (size > KQ_MOST_SHORT)
        return KQ_INVALID;
    /* A checksum of all that is there, which needs no table. */
    uint32_t crc = UINT32_MAX;
    const size_t body = size < KQ_CHECKSUM_SIZE ? 0 : size - KQ_CHECKSUM_SIZE;
    for (size_t i = 0; i < body; i++)
        crc = kq_crc32_byte(crc ^ data[i]);
    if (body < 2 || KQ_DIFFERS(~crc, kq_big32(data + body)))
        return KQ_CHECKSUM;
    kq_cursor c = {data, body, 2};
    const uint8_t *coder_and_flags = kq_take(&c, 1);
    if (!coder_and_flags)
        return KQ_TRUNCATED;
    for (int i = 0; i < 3; i++)
        if ((result = kq_take_length(&c, 4, sides + i)) != KQ_OK)
            return result;
    if (sides[2] > 65535)
        return KQ_INVALID;
    uint8_t *bytes = h->bytes;
    bytes[5] = KQ_MAJOR << 4;
    bytes[6] = *coder_and_flags;
    bytes[7] = 0;
    for (int i = 0; i < 4; i++) {
        bytes[8 + i] = (uint8_t)((sides[0] + 1) >> (24 - 8 * i));
        bytes[12 + i] = (uint8_t)((sides[1] + 1) >> (24 - 8 * i));
    }
    bytes[16] = (uint8_t)(sides[2] >> 8);
    bytes[17] = (uint8_t)sides[2];
    const uint32_t crc16 = kq_crc16(bytes, 18, 0xFFFF);
    bytes[18] = (uint8_t)(crc16 >> 8);
    bytes[19] = (uint8_t)crc16;
    if ((result = kq_header_parse(h)) != KQ_OK)
        return result;
    h->info.short_form = 1;
    h->rest = c;
    if (h->info.coder < KQ_CODER_CONTEXT || h->flags & KQ_FLAG_SECTIONS)
        return KQ_INVALID;
    /* Palette and payload are all there is. */
    uint32_t length = (h->info.alpha ? 4 : 3) * h->info.colors;
    if (h->flags & (KQ_FLAG_CODED | KQ_FLAG_LABELS) &&
        (result = kq_take_length(&c, 4, &length)) != KQ_OK)
        return result;
    if (!kq_take(&c, length))
        return KQ_TRUNCATED;
    if ((result = kq_take_length(&c, 4, &length)) != KQ_OK)
        return result;
    if (!kq_take(&c, length))
        return KQ_TRUNCATED;
    return c.at == c.size ? KQ_OK : KQ_INVALID;
}

static kq_result kq_header_read(kq_header *h, const uint8_t *data, size_t size)
{
    static const uint8_t signature[5] = {0xCB, 0x51, 0x0D, 0x0A, 0x0A}, brief[2] = {0xCB, 0x6B};
    memset(h, 0, sizeof *h);
    memcpy(h->bytes, signature, sizeof signature);
    if (size >= 2 && !memcmp(data, brief, 2))
        return kq_header_expand(h, data, size);
    if (!size || memcmp(data, signature, size < 5 ? size : 5) != 0)
        return KQ_SIGNATURE;
    if (size < KQ_HEADER_SIZE)
        return KQ_TRUNCATED;
    memcpy(h->bytes, data, KQ_HEADER_SIZE);
    h->rest.data = data;
    h->rest.size = size;
    h->rest.at = KQ_HEADER_SIZE;
    return kq_header_parse(h);
}

/* The box of a tile. */
static kq_box kq_header_box(const kq_header *h, uint32_t tile)
{
    kq_box box;
    box.x = tile % h->tiles_across * h->info.tile_width;
    box.y = tile / h->tiles_across * h->info.tile_height;
    box.width = kq_least32(h->info.tile_width, h->info.width - box.x);
    box.height = kq_least32(h->info.tile_height, h->info.height - box.y);
    return box;
}
/* ---- file/sizes.h ---- */
/* How many bytes labels take (spec/kq.md, sections 6 to 8). */

#define KQ_DENSE_MOST_BLOCK 224 /* labels */
#define KQ_OWN_LIST 16          /* bytes that a label map's payload may have more, */
#define KQ_OWN_LISTED 6         /* and for each of its labels (rule 18.6) */

/* How the coder dense cuts labels into blocks (rule 8.2), K >= 2. */
typedef struct {
    uint32_t k, block;
    uint16_t bits[KQ_DENSE_MOST_BLOCK + 1]; /* of so many labels, up to a block */
} kq_dense_shape;

/* ceil(log2 x) of a number in 32-bit words, least significant first. */
static uint32_t kq_words_bits(const uint32_t *words, size_t used)
{
    uint32_t bits = 32 * (uint32_t)(used - 1), below = 0;
    for (uint32_t top = words[used - 1]; top > 1; top >>= 1) {
        below |= top & 1;
        bits++;
    }
    for (size_t i = 0; i + 1 < used; i++)
        below |= words[i];
    return bits + (below != 0);
}

static void kq_dense_shape_init(kq_dense_shape *shape, uint32_t k)
{
    /* With b bits, K^n is power: the least n with 3000 (2^b - power) <= b power, which is
     * 3000 * 2^b <= (b + 3000) power. */
    uint32_t power[KQ_DENSE_MAX_WORDS + 3] = {1}, left[KQ_DENSE_MAX_WORDS + 3],
                                        right[KQ_DENSE_MAX_WORDS + 3];
    const size_t words = KQ_DENSE_MAX_WORDS + 3;
    size_t used = 1;
    shape->k = k;
    shape->bits[0] = 0;
    for (shape->block = 1;; shape->block++) {
        used = kq_multiply_add(power, used, k, 0);
        const uint32_t bits = kq_words_bits(power, used);
        shape->bits[shape->block] = (uint16_t)bits;
        memset(left, 0, sizeof left);
        left[bits / 32] = (uint32_t)1 << bits % 32;
        kq_multiply_add(left, bits / 32 + 1, 3000, 0);
        memcpy(right, power, sizeof right);
        kq_multiply_add(right, used, bits + 3000, 0);
        size_t i = words - 1;
        while (i > 0 && left[i] == right[i])
            i--;
        if (left[i] <= right[i] || shape->block == KQ_DENSE_MOST_BLOCK)
            return;
    }
}

static uint64_t kq_dense_bits(const kq_dense_shape *shape, uint64_t labels)
{
    return labels / shape->block * shape->bits[shape->block] + shape->bits[labels % shape->block];
}

/* ceil(log2 K). */
static int kq_label_bits(uint32_t k)
{
    int bits = 0;
    while (((uint32_t)1 << bits) < k)
        bits++;
    return bits;
}

/* The least and the most bytes that the payload of so many labels of a still may have (rules 6.6
 * and 18.6). */
static void kq_payload_range(const kq_info *info, const kq_dense_shape *shape, uint64_t labels,
                             uint64_t *least, uint64_t *most)
{
    const uint32_t k = info->colors;
    *least = *most = 0;
    if (k == 1)
        return;
    const uint64_t dense = (kq_dense_bits(shape, labels) + 7) / 8;
    if (info->coder == KQ_CODER_PACKED)
        *least = *most = (labels * (uint64_t)kq_label_bits(k) + 7) / 8;
    else if (info->coder == KQ_CODER_DENSE)
        *least = *most = dense;
    else {
        *least = 1;
        *most = 1 + dense;
        if (info->label_map)
            *most += KQ_OWN_LIST + KQ_OWN_LISTED * (labels < k ? labels : k);
    }
}

/* Whether the last byte of so many bits is filled with zeros (rule 6.7). */
static int kq_padded(const uint8_t *bytes, uint64_t bits)
{
    const uint32_t over = (uint32_t)(8 - bits % 8) % 8;
    return !over || !(bytes[bits / 8] & ((1u << over) - 1));
}
/* ---- file/state.h ---- */
/* An open file. */

struct kq_tile_job;
struct kq_frames;

struct kq_file {
    kq_info info;
    kq_limits limits; /* none of them 0 */
    kq_header header;
    kq_sealer sealer;
    kq_cursor rest;  /* where the next part begins */
    size_t sections; /* where they begin */
    /* The palette: as it is stored, its colours first, and its entries in the order of the tree;
     * NULL of label maps. */
    uint8_t *stored;
    uint16_t *order;
    uint64_t *ids;         /* of each label; NULL of pictures */
    uint8_t *colors;       /* red, green, blue and alpha of each label, made when they are wanted */
    kq_dense_shape dense;  /* of K; k is 0 where nothing needs it */
    kq_logistic *logistic; /* of the coder context, made when it is needed */
    kq_span *tiles;        /* the payloads of a still */
    struct kq_tile_job *job;
    struct kq_frames *frames; /* NULL of a still */
    uint32_t tile;            /* that was begun */
};

static int kq_label_size(uint32_t labels)
{
    return labels <= 256 ? 1 : labels <= 65536 ? 2 : 4;
}

/* Compares the CRC-32 behind a part; in the short form there is but one, compared already. */
static kq_result kq_check_part(kq_file *f, const char *kind, uint32_t ordinal, const uint8_t *body,
                               size_t size)
{
    return f->info.short_form ? KQ_OK
                              : kq_check_seal(&f->sealer, &f->rest, kind, ordinal, body, size);
}
/* ---- file/palette.h ---- */
/* What stands behind the header: a palette, or a label map's table of ids (spec/kq.md, sections 4,
 * 14 and 18).
 */

enum { KQ_BOOL, KQ_INT8, KQ_UINT8, KQ_INT16, KQ_UINT16, KQ_INT32, KQ_UINT32, KQ_INT64, KQ_UINT64 };
enum { KQ_PLANE, KQ_COLUMN, KQ_VOLUME };
#define KQ_TABLE_MAPPED 32 /* of the first byte of a table of ids */
#define KQ_MOST_FRAMES ((uint64_t)INT32_MAX)

static int kq_id_bytes(int dtype)
{
    return dtype == KQ_BOOL ? 1 : 1 << (dtype - 1) / 2;
}

static kq_result kq_palette_read(kq_file *f)
{
    const size_t k = f->info.colors, plain = (f->info.alpha ? 4 : 3) * k;
    const size_t start = f->rest.at;
    kq_result result;
    uint32_t length;
    f->stored = (uint8_t *)KQ_MALLOC(4 * k);
    if (!f->stored)
        return KQ_NO_MEMORY;
    if (!(f->header.flags & KQ_FLAG_CODED)) {
        const uint8_t *colors = kq_take(&f->rest, plain);
        if (!colors)
            return KQ_TRUNCATED;
        memcpy(f->stored, colors, plain);
        return kq_check_part(f, "PLTE", 0, colors, plain);
    }
    if ((result = kq_take_length(&f->rest, 4, &length)) != KQ_OK)
        return result;
    if (f->rest.at - start + length >= plain)
        return KQ_INVALID;
    const uint8_t *payload = kq_take(&f->rest, length);
    if (!payload)
        return KQ_TRUNCATED;
    result = kq_check_part(f, "PLTE", 0, f->rest.data + start, f->rest.at - start);
    if (result != KQ_OK)
        return result;
    const int valid = kq_palette_decode(payload, length, k, f->info.alpha ? 4 : 3, f->stored);
    return valid < 0 ? KQ_NO_MEMORY : valid ? KQ_OK : KQ_INVALID;
}

/* The entries in the order of the tree, which only context and tokens need. */
static kq_result kq_palette_order(kq_file *f)
{
    if (f->info.coder < KQ_CODER_CONTEXT || f->info.colors == 1)
        return KQ_OK;
    f->order = (uint16_t *)KQ_MALLOC(f->info.colors * sizeof *f->order);
    return f->order && kq_tree_order(f->stored, f->info.colors, f->order) ? KQ_OK : KQ_NO_MEMORY;
}

/* From the differences of ids to the ids; 0 if one isn't of the dtype. */
static int kq_ids_add_up(uint64_t *ids, size_t count, int dtype)
{
    const int is_signed = dtype != KQ_BOOL && dtype % 2 == 1, bits = 8 * kq_id_bytes(dtype);
    const uint64_t most = dtype == KQ_BOOL ? 1 : UINT64_MAX >> (64 - bits);
    /* The sign's bit turned round, so that signed numbers ascend, too; then from the least up. */
    const uint64_t half = is_signed ? (uint64_t)1 << (bits - 1) : 0;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            const uint64_t size = is_signed ? ids[0] >> 1 : ids[0];
            if (is_signed ? size >= half : size > most)
                return 0;
            at = is_signed ? (ids[0] & 1 ? half - 1 - size : half + size) : size;
        } else {
            if (ids[i] >= most - at)
                return 0;
            at += ids[i] + 1;
        }
        ids[i] = at - half;
    }
    return 1;
}

/* The lists of a table, behind its numbers. */
static kq_result kq_ids_read(kq_file *f, kq_cursor *c, int mapped)
{
    const size_t distinct = f->info.ids, entries = f->info.entries;
    const uint64_t counts[2] = {distinct, entries};
    const uint64_t bytes = (counts[0] + counts[1]) * sizeof(uint64_t);
    uint64_t *numbers = bytes > SIZE_MAX / 2 ? NULL : (uint64_t *)KQ_MALLOC((size_t)bytes);
    f->ids = numbers;
    if (!numbers)
        return KQ_NO_MEMORY;
    if (!kq_numbers_decode(c->data + c->at, c->size - c->at, counts, mapped ? 2 : 1, numbers))
        return KQ_INVALID;
    for (size_t i = 0; mapped && i < entries; i++)
        if (numbers[distinct + i] >= distinct)
            return KQ_INVALID;
    if (!kq_ids_add_up(numbers, distinct, f->info.dtype))
        return KQ_INVALID;
    if (!mapped)
        return KQ_OK;
    f->ids = (uint64_t *)KQ_MALLOC(entries * sizeof *numbers);
    for (size_t i = 0; f->ids && i < entries; i++)
        f->ids[i] = numbers[numbers[distinct + i]];
    KQ_FREE(numbers);
    return f->ids ? KQ_OK : KQ_NO_MEMORY;
}

static kq_result kq_table_read(kq_file *f)
{
    kq_info *info = &f->info;
    const uint64_t pixels = (uint64_t)info->width * info->height;
    const size_t start = f->rest.at;
    uint32_t length, distinct, entries;
    kq_result result = kq_take_length(&f->rest, 4, &length);
    if (result != KQ_OK)
        return result;
    if (f->rest.at == f->rest.size)
        return KQ_TRUNCATED;
    const uint8_t kind = f->rest.data[f->rest.at];
    /* Lists have fewer than 2^28 entries anyway, so of frames one pixel is enough. */
    const int is_volume = kind & 0x40 && !(kind & 0x90);
    const uint64_t most = is_volume || pixels > KQ_MOST_FRAMES ? KQ_MOST_FRAMES : pixels;
    if (length < 3 || length > 32 + 20 * most)
        return KQ_INVALID;
    const uint8_t *payload = kq_take(&f->rest, length);
    if (!payload)
        return KQ_TRUNCATED;
    result = kq_check_part(f, "IDS ", 0, f->rest.data + start, f->rest.at - start);
    if (result != KQ_OK)
        return result;
    kq_cursor c = {payload, length, 1};
    if ((kind & 15) > KQ_UINT64 || kind & 0x80 || (kind & 0x50) == 0x50)
        return KQ_INVALID;
    if (kq_take_length(&c, 4, &distinct) != KQ_OK)
        return KQ_INVALID;
    entries = distinct;
    if (kind & KQ_TABLE_MAPPED && kq_take_length(&c, 4, &entries) != KQ_OK)
        return KQ_INVALID;
    distinct++;
    entries++;
    if (distinct > entries || entries > most || entries < info->colors ||
        (info->coder < KQ_CODER_CONTEXT && entries != info->colors))
        return KQ_INVALID;
    if (entries > f->limits.metadata)
        return KQ_LIMIT;
    info->shape = kind & 16 ? KQ_COLUMN : kind & 64 ? KQ_VOLUME : KQ_PLANE;
    info->dtype = kind & 15;
    info->ids = distinct;
    info->entries = entries;
    return kq_ids_read(f, &c, kind & KQ_TABLE_MAPPED);
}

/* Red, green, blue and alpha of each label; of a label map by rule 18.24. */
static int kq_colors_make(kq_file *f)
{
    const size_t entries = f->info.entries;
    if (!f->colors)
        f->colors = (uint8_t *)KQ_MALLOC(4 * entries);
    for (size_t i = 0; f->colors && i < entries; i++) {
        uint8_t *color = f->colors + 4 * i;
        if (f->ids) {
            memset(color, 0, 3);
            for (int bit = 0; bit < 24; bit++)
                color[bit % 3] |= (uint8_t)((f->ids[i] >> bit & 1) << (7 - bit / 3));
        } else {
            memcpy(color, f->stored + 3 * i, 3);
        }
        color[3] = f->info.alpha ? f->stored[3 * entries + i] : 255;
    }
    return f->colors != NULL;
}
/* ---- file/frames.h ---- */
/* The frames of a file (spec/kq.md, section 19): how they follow each other, their heads, and where
 * the payloads of each tile are. All of it is checked when a file is opened, and what is kept of it
 * grows with the bytes of the file alone.
 */

#define KQ_TIMING_SIZE 20
#define KQ_DIRECTORY_TAIL 12 /* bytes: how many frames, how many bytes, and a CRC-32 */
#define KQ_CHAINED_MORE 64   /* bytes that a payload may have more than in a still */
/* The flags of a head. */
enum { KQ_IS_FRAME = 1, KQ_HAS_DURATION = 2, KQ_IS_UNCHANGED = 4, KQ_HEAD_FLAGS = 7 };

/* A payload of a tile. */
typedef struct {
    size_t at;
    uint32_t frame, size;
} kq_frame_payload;

/* The frames of a file, which `info` counts. */
typedef struct {
    const kq_file *file;
    kq_cursor first;            /* at the head of frame 0 */
    uint32_t *durations;        /* of each */
    kq_frame_payload *payloads; /* those of tile 0 frame by frame, then those of tile 1 ... */
    size_t *starts;             /* of each tile's, and where the last one's end; NULL for K = 1 */
} kq_frame_list;

/* What the section FRAM says. */
static kq_result kq_read_timing(kq_info *info, const uint8_t *data, size_t size)
{
    if (size != KQ_TIMING_SIZE || kq_big32(data) & 0xFEFFFFFFu)
        return KQ_INVALID;
    info->axis = data[0];
    info->key_distance = kq_big32(data + 4);
    info->plays = kq_big32(data + 8);
    info->unit_numerator = kq_big32(data + 12);
    info->unit_denominator = kq_big32(data + 16);
    return info->unit_denominator == 0 || (info->axis == 0 && info->unit_numerator == 0) ||
                   (info->coder < KQ_CODER_CONTEXT && info->key_distance != 1)
               ? KQ_INVALID
               : KQ_OK;
}

/* Whether a frame needs no other. */
static int kq_is_key_frame(const kq_info *info, uint32_t frame)
{
    return info->key_distance ? frame % info->key_distance == 0 : frame == 0;
}

/* --- heads ------------------------------------------------------------------------ */

typedef struct {
    uint32_t number, duration;
    int is_end, is_unchanged;
    size_t start;      /* where the head begins, */
    kq_cursor lengths; /* and the lengths in it */
} kq_frame_head;

/* The flags of a head and what they announce, of which the CRC-16 isn't compared yet; the frame
 * before lasted `head->duration`. */
static kq_result kq_parse_head(kq_frame_head *head, kq_cursor *c, uint32_t tiles)
{
    kq_result result;
    uint32_t any = 0, length;
    const uint8_t *byte = kq_take(c, 1), flags = byte ? *byte : 0;
    if (!byte)
        return KQ_TRUNCATED;
    head->is_end = flags == 0;
    head->is_unchanged = (flags & KQ_IS_UNCHANGED) != 0;
    if (flags && (!(flags & KQ_IS_FRAME) || flags > KQ_HEAD_FLAGS))
        return KQ_INVALID;
    if (flags & KQ_HAS_DURATION) {
        /* One that is written differs from the one before; that is told last. */
        if ((result = kq_take_length(c, 5, &head->duration)) != KQ_OK)
            return result;
        if (head->duration == 0)
            return KQ_INVALID;
    }
    head->lengths = *c;
    if (head->is_end || head->is_unchanged)
        return KQ_OK;
    for (uint32_t tile = 0; tile < tiles; tile++) {
        if ((result = kq_take_length(c, 4, &length)) != KQ_OK)
            return result;
        any |= length;
    }
    return any ? KQ_OK : KQ_INVALID;
}

/* Reads the next head; of the first one number and duration are that of the frame before, 0 and
 * 1. */
static kq_result kq_read_head(const kq_frame_list *list, kq_frame_head *head, kq_cursor *c)
{
    const uint32_t before = head->duration;
    uint8_t number[8] = {0};
    head->start = c->at;
    const kq_result result = kq_parse_head(head, c, list->file->info.tiles);
    if (result != KQ_OK)
        return result;
    for (int i = 0; i < 4; i++)
        number[4 + i] = (uint8_t)(head->number >> (24 - 8 * i));
    uint32_t crc = kq_crc16(list->file->header.bytes, KQ_HEADER_SIZE, 0xFFFF);
    crc = kq_crc16(number, sizeof number, crc);
    crc = kq_crc16(c->data + head->start, c->at - head->start, crc);
    const uint8_t *stored = kq_take(c, 2);
    if (!stored)
        return KQ_TRUNCATED;
    if (KQ_DIFFERS(crc, kq_big16(stored)))
        return KQ_CHECKSUM;
    const int has_duration = c->data[head->start] & KQ_HAS_DURATION;
    return has_duration && head->duration == before ? KQ_INVALID : KQ_OK;
}

/* The head ahead of the first. */
static kq_frame_head kq_no_head(const kq_frame_list *list)
{
    kq_frame_head head;
    memset(&head, 0, sizeof head);
    head.duration = 1;
    head.lengths = list->first;
    return head;
}

/* --- payloads --------------------------------------------------------------------- */

/* The payloads of a frame, one after the other. */
typedef struct {
    kq_cursor lengths;
    uint32_t next, tiles; /* the tile whose length comes next, and how many there are */
    uint32_t tile, size;
    size_t at;
} kq_payloads;

/* Begins with those behind a head, where the cursor stands. */
static kq_payloads kq_payloads_of(const kq_frame_head *head, const kq_cursor *c, uint32_t tiles)
{
    kq_payloads p;
    p.lengths = head->lengths;
    p.next = head->is_unchanged ? tiles : 0;
    p.tiles = tiles;
    p.tile = p.size = 0;
    p.at = c->at;
    return p;
}

/* Goes on to the next one; returns 0 if there is none, `at` being where they end. */
static int kq_payloads_next(kq_payloads *p)
{
    p->at += p->size ? (size_t)p->size + KQ_CHECKSUM_SIZE : 0;
    p->size = 0;
    while (!p->size && p->next < p->tiles) {
        p->tile = p->next++;
        kq_take_length(&p->lengths, 4, &p->size);
    }
    return p->size != 0;
}

/* Tiles are of up to four sizes: cut at the right, below, both or neither. */
static uint32_t kq_size_of_tile(const kq_header *h, uint32_t tile)
{
    const uint32_t last_column = tile % h->tiles_across == h->tiles_across - 1;
    const uint32_t last_row = tile / h->tiles_across == h->tiles_down - 1;
    return last_column | last_row << 1;
}

typedef struct {
    uint64_t least[4], most[4]; /* bytes of a payload, by the size of its tile */
} kq_frame_range;

static void kq_frame_range_init(kq_frame_range *range, const kq_file *f)
{
    const kq_header *h = &f->header;
    const kq_info *info = &f->info;
    const uint32_t corners[4] = {0, h->tiles_across - 1, info->tiles - h->tiles_across,
                                 info->tiles - 1};
    for (int i = 0; i < 4; i++) {
        const kq_box box = kq_header_box(h, corners[i]);
        const uint64_t labels = (uint64_t)box.width * box.height;
        uint64_t *least = range->least + kq_size_of_tile(h, corners[i]);
        uint64_t *most = range->most + kq_size_of_tile(h, corners[i]);
        kq_payload_range(info, &f->dense, labels, least, most);
        if (info->colors == 1 || info->coder < KQ_CODER_CONTEXT)
            continue;
        *least = 0;
        *most += KQ_CHAINED_MORE;
        if (info->label_map && info->colors > labels) /* a list has those of later frames, too */
            *most += KQ_OWN_LISTED * (info->colors - labels);
    }
}

/* Checks the lengths of a frame's payloads, and compares their CRC-32s. The cursor stands behind
 * the head, and goes on to behind the payloads, which are counted. */
static kq_result kq_check_payloads(const kq_frame_list *list, const kq_frame_range *range,
                                   const kq_frame_head *head, kq_cursor *c, size_t *count)
{
    const kq_info *info = &list->file->info;
    const int must_change =
        info->colors > 1 && (info->coder < KQ_CODER_CONTEXT || kq_is_key_frame(info, head->number));
    kq_payloads p = kq_payloads_of(head, c, info->tiles);
    if (head->is_unchanged)
        return must_change ? KQ_INVALID : KQ_OK;
    for (uint32_t tile = 0; tile < info->tiles; tile++) {
        const uint32_t size = kq_size_of_tile(&list->file->header, tile);
        uint32_t length = 0;
        kq_take_length(&p.lengths, 4, &length);
        if (length < range->least[size] || length > range->most[size] || (!length && must_change))
            return KQ_INVALID;
    }
    p = kq_payloads_of(head, c, info->tiles);
    while (kq_payloads_next(&p)) {
        const uint64_t ordinal = (uint64_t)head->number * info->tiles + p.tile;
        const uint8_t *payload = kq_take(c, p.size);
        const kq_result result =
            payload ? kq_check_seal(&list->file->sealer, c, "TILE", ordinal, payload, p.size)
                    : KQ_TRUNCATED;
        if (result != KQ_OK)
            return result;
        ++*count;
    }
    return KQ_OK;
}
/* ---- file/frame_list.h ---- */
/* Opens the frames of a file: checks them all and the directory behind them, and lists the payloads
 * of each tile (spec/kq.md, section 19).
 */

static void kq_frame_list_close(kq_frame_list *list)
{
    KQ_FREE(list->durations);
    KQ_FREE(list->payloads);
    KQ_FREE(list->starts);
    memset(list, 0, sizeof *list);
}

/* Checks all frames, and counts them and their payloads. */
static kq_result kq_check_frames(const kq_frame_list *list, kq_cursor *c, uint32_t most,
                                 uint32_t *frames, size_t *payloads)
{
    kq_frame_range range;
    kq_frame_head head = kq_no_head(list);
    kq_frame_range_init(&range, list->file);
    *payloads = 0;
    for (;; head.number++) {
        kq_result result = kq_read_head(list, &head, c);
        *frames = head.number;
        if (result != KQ_OK)
            return result;
        if (head.is_end || head.number == KQ_MOST_FRAMES)
            return head.is_end && head.number ? KQ_OK : KQ_INVALID;
        result = kq_check_payloads(list, &range, &head, c, payloads);
        if (result != KQ_OK)
            return result;
        if (head.number == most)
            return KQ_LIMIT;
    }
}

/* --- the directory ---------------------------------------------------------------- */

/* What decodes it, number by number. */
typedef struct {
    kq_range_decoder decoder;
    kq_bit_coder coder;
    kq_number_bits bits;
} kq_directory;

static int kq_directory_says(kq_directory *d, uint64_t number)
{
    uint64_t found = 0;
    return kq_number_code(&d->coder, &d->bits, KQ_NUMBER_TREE, &found) && found == number;
}

/* Compares the lists in a directory with the frames, which were checked. How long these last is
 * kept, and, behind the first of `starts`, how many payloads each tile has. */
static int kq_directory_agrees(kq_frame_list *list, uint32_t frames, const uint8_t *lists,
                               size_t size)
{
    kq_directory d;
    kq_cursor c = list->first;
    kq_frame_head head = kq_no_head(list);
    memset(&d, 0, sizeof d);
    kq_range_decoder_init(&d.decoder, lists, size);
    d.coder.decoder = &d.decoder;
    kq_number_bits_init(&d.bits);
    for (; head.number < frames; head.number++) {
        kq_read_head(list, &head, &c);
        kq_payloads p = kq_payloads_of(&head, &c, list->file->info.tiles);
        while (kq_payloads_next(&p))
            list->starts[p.tile + 1]++;
        c.at = p.at;
        if (!kq_directory_says(&d, c.at - head.start))
            return 0;
        list->durations[head.number] = head.duration;
    }
    kq_number_bits_init(&d.bits);
    for (uint32_t frame = 0; frame < frames; frame++)
        if (!kq_directory_says(&d, list->durations[frame]))
            return 0;
    return kq_range_decoder_valid(&d.decoder);
}

/* Lists the payloads, which are counted. */
static void kq_list_payloads(kq_frame_list *list, uint32_t frames)
{
    const uint32_t tiles = list->file->info.tiles;
    kq_cursor c = list->first;
    kq_frame_head head = kq_no_head(list);
    for (uint32_t tile = 0; tile < tiles; tile++)
        list->starts[tile + 1] += list->starts[tile];
    for (; head.number < frames; head.number++) {
        kq_read_head(list, &head, &c);
        kq_payloads p = kq_payloads_of(&head, &c, tiles);
        while (kq_payloads_next(&p)) {
            kq_frame_payload *payload = list->payloads + list->starts[p.tile]++;
            payload->at = p.at;
            payload->frame = head.number;
            payload->size = p.size;
        }
        c.at = p.at;
    }
    /* Each stands where its own payloads end by now, and the next one's begin. */
    memmove(list->starts + 1, list->starts, tiles * sizeof *list->starts);
    list->starts[0] = 0;
}

/* --- opening ---------------------------------------------------------------------- */

/* Opens the frames, the rest of a file, and counts them. The list, all zeros, is to be closed in
 * any case. */
static kq_result kq_frame_list_open(kq_frame_list *list, const kq_file *f, uint32_t *frames)
{
    size_t payloads;
    kq_cursor c = f->rest;
    list->file = f;
    list->first = c;
    const kq_result result = kq_check_frames(list, &c, f->limits.metadata, frames, &payloads);
    if (result != KQ_OK)
        return result;
    const uint8_t *lists = c.data + c.at, *tail = c.data + c.size - KQ_DIRECTORY_TAIL;
    const size_t left = c.size - c.at;
    if (left <= KQ_DIRECTORY_TAIL)
        return KQ_TRUNCATED;
    if (KQ_DIFFERS(kq_big32(tail + 8),
                   kq_seal(&f->sealer, "TDIR", 0, lists, left - KQ_CHECKSUM_SIZE)))
        return KQ_CHECKSUM;
    if (kq_big32(tail) != *frames || kq_big32(tail + 4) != left - KQ_DIRECTORY_TAIL)
        return KQ_INVALID;
    list->durations = (uint32_t *)KQ_CALLOC(*frames, sizeof *list->durations);
    if (payloads) { /* each tile has one; without any there may be more tiles than bytes */
        list->payloads = (kq_frame_payload *)KQ_CALLOC(payloads, sizeof *list->payloads);
        list->starts = (size_t *)KQ_CALLOC((size_t)f->info.tiles + 1, sizeof *list->starts);
    }
    if (!list->durations || (payloads && (!list->payloads || !list->starts)))
        return KQ_NO_MEMORY;
    if (!kq_directory_agrees(list, *frames, lists, left - KQ_DIRECTORY_TAIL))
        return KQ_INVALID;
    if (payloads)
        kq_list_payloads(list, *frames);
    return KQ_OK;
}

/* The payload of a tile that its labels in that frame come from: its last one in the frame or ahead
 * of it. There is one but for K = 1. */
static size_t kq_payload_at(const kq_frame_list *list, uint32_t tile, uint32_t frame)
{
    size_t low = list->starts[tile], high = list->starts[tile + 1];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (list->payloads[middle].frame <= frame)
            low = middle;
        else
            high = middle;
    }
    return low;
}
/* ---- frames/sequence.h ---- */
/* What the coder `context` keeps of a sequence of frames, to code one from the frame before
 * (spec/kq.md, section 19): the labels that stood there, and what it has learned of where
 * frames change.
 */

#define KQ_FRAME_BLOCK 16    /* labels, the side of a block that is unchanged, moved or coded */
#define KQ_MOST_MOVES 3      /* of a frame */
#define KQ_MOVE_MOST 32767   /* labels, across or down */
#define KQ_EARLIER_FRAMES 16 /* that a move may come from, besides the frame before */
#define KQ_EARLIER_LABELS 24 /* log2 of how many labels these may have together */
#define KQ_STILL_BITS 14     /* of the counters of labels that look unchanged */
#define KQ_OLDEST 127        /* changes that a label has outlived: it is not counted on */
#define KQ_QUARTER_BEGIN ((1u << 20) << 10 | 1)

/* How a block comes to be. */
enum { KQ_UNCHANGED, KQ_CODED, KQ_MOVED };

typedef struct {
    int from; /* the frame: 0 the one before, 1 the one before that */
    int32_t dx, dy;
} kq_frame_move;

typedef struct {
    size_t size;        /* labels of a plane with its margins; the frame before stands so
                           far ahead of the frame */
    uint16_t *labels;   /* both planes, and behind them a row */
    uint16_t *replaced; /* what stood at each place before it changed last */
    uint8_t *age;       /* how many changes nearby it has outlived since */
    uint16_t *earlier[KQ_EARLIER_FRAMES]; /* planes, the latest first */
    int earlier_most, earlier_count;
    uint8_t *blocks, *last_blocks; /* row by row: KQ_UNCHANGED, KQ_CODED, or KQ_MOVED + a move */
    size_t blocks_wide, blocks_high;
    kq_frame_move moves[KQ_MOST_MOVES];
    int move_count;
    /* counters */
    uint32_t still[1 << KQ_STILL_BITS]; /* of labels that look unchanged */
    uint32_t rows[8], changed[1 << 10]; /* of rows of blocks, and of blocks */
    uint32_t moved[16 * KQ_MOST_MOVES], more[KQ_MOST_MOVES];
    uint32_t numbers[5][256]; /* of a move, byte by byte */
} kq_sequence;
/* ---- regions/runs.h ---- */
/* Runs of equal labels in the rows of a tile, and which of them are one region (spec/kq.md,
 * section 18): labels that are equal and side by side, or one below the other.
 *
 * Union-find on runs instead of pixels, as in L. He, Y. Chao, K. Suzuki, "A run-based two-scan
 * labeling algorithm", IEEE Transactions on Image Processing 17 (2008): flat areas cost little.
 */

#define KQ_REGIONS_MOST_LABELS UINT32_MAX /* of a tile: places are counted in 32 bits */

/* A run ends before the place `end`, counted through the rows of the tile. `parent` is an
 * earlier run of the same region, or the run itself where it is the region's first. */
typedef struct {
    uint32_t end, parent;
} kq_row_run;

typedef struct {
    const void *labels;
    int size; /* bytes of a label: 1, 2 or 4 */
    size_t width, height;
} kq_map;

KQ_INLINE uint32_t kq_map_label(const void *labels, int size, size_t i)
{
    return size == 1   ? ((const uint8_t *)labels)[i]
           : size == 2 ? ((const uint16_t *)labels)[i]
                       : ((const uint32_t *)labels)[i];
}

/* The label at a place of a map of any size. */
static inline uint32_t kq_map_at(const kq_map *m, size_t i)
{
    return kq_map_label(m->labels, m->size, i);
}

KQ_INLINE size_t kq_runs_counted(const kq_map *m, int size)
{
    size_t count = m->height;
    for (size_t row = 0; row < m->height; row++) {
        uint32_t changes = 0;
        for (size_t i = row * m->width + 1; i < (row + 1) * m->width; i++)
            changes += kq_map_label(m->labels, size, i) != kq_map_label(m->labels, size, i - 1);
        count += changes;
    }
    return count;
}

/* How many runs a map has. */
static size_t kq_runs_count(const kq_map *m)
{
    return m->size == 1   ? kq_runs_counted(m, 1)
           : m->size == 2 ? kq_runs_counted(m, 2)
                          : kq_runs_counted(m, 4);
}

/* The first run of a region; the way there becomes shorter. */
static inline uint32_t kq_row_run_first(kq_row_run *runs, uint32_t run)
{
    while (runs[run].parent != run)
        run = runs[run].parent = runs[runs[run].parent].parent;
    return run;
}

/* The place at or after `i`, before `end`, where labels cease to be as at `i`. */
KQ_INLINE size_t kq_row_run_end(const void *labels, int size, size_t i, size_t end)
{
    const uint32_t label = kq_map_label(labels, size, i);
    i++;
    if (size == 1) { /* eight at a time */
        const uint64_t wanted = label * UINT64_C(0x0101010101010101);
        for (uint64_t eight; i + 8 <= end; i += 8) {
            memcpy(&eight, (const uint8_t *)labels + i, 8);
            if (eight != wanted)
                break;
        }
    }
    while (i < end && kq_map_label(labels, size, i) == label)
        i++;
    return i;
}

KQ_INLINE int kq_runs_found(const kq_map *m, int size, kq_row_run *runs, size_t most)
{
    const size_t width = m->width, end = width * m->height;
    size_t n = 0, above = 0;
    for (size_t i = 0, row_end = width; i < end;
         row_end = i == row_end ? row_end + width : row_end) {
        const size_t j = kq_row_run_end(m->labels, size, i, row_end);
        uint32_t region = (uint32_t)n;
        if (n == most)
            return 0;
        if (i >= width) {
            const uint32_t label = kq_map_label(m->labels, size, i);
            while (runs[above].end <= i - width)
                above++;
            for (size_t a = above;; a++) {
                if (kq_map_label(m->labels, size, runs[a].end - 1) == label) {
                    const uint32_t first = kq_row_run_first(runs, (uint32_t)a);
                    if (region == n || first == region) {
                        region = first;
                    } else { /* the earlier one is the first of both */
                        const uint32_t later = first > region ? first : region;
                        region = first > region ? region : first;
                        runs[later].parent = region;
                    }
                }
                if (runs[a].end >= j - width)
                    break;
            }
        }
        runs[n].end = (uint32_t)j;
        runs[n++].parent = region;
        i = j;
    }
    return n == most;
}

/* Fills the runs of a map, `count` as counted; 0 if somebody has changed labels since. */
static int kq_runs_find(const kq_map *m, kq_row_run *runs, size_t count)
{
    return m->size == 1   ? kq_runs_found(m, 1, runs, count)
           : m->size == 2 ? kq_runs_found(m, 2, runs, count)
                          : kq_runs_found(m, 4, runs, count);
}

/* Gives each label of a run, from `start` on, a value. */
KQ_INLINE void kq_row_run_fill(void *labels, int size, size_t start, size_t end, uint32_t value)
{
    if (size == 1) {
        memset((uint8_t *)labels + start, (int)value, end - start);
        return;
    }
    for (size_t i = start; i < end; i++)
        if (size == 2)
            ((uint16_t *)labels)[i] = (uint16_t)value;
        else
            ((uint32_t *)labels)[i] = value;
}
/* ---- tokens/front.h ---- */
/* What stands ahead of the streams of the coder `tokens` (spec/kq.md, section 17): which
 * table each context has, the tables, and the codes of escapes, lengths and displacements.
 *
 * One function walks through all of it and both encodes and decodes, bit by bit through the
 * range coder, so that the two can't differ.
 */

/* A token says what the next label is, or the next few. The first six say that it is that of
 * a neighbour; a neighbour's number is also its place in the decoder's word of candidates. */
enum {
    KQ_TOKEN_W,
    KQ_TOKEN_WW,
    KQ_TOKEN_NW,
    KQ_TOKEN_N,
    KQ_TOKEN_NE,
    KQ_TOKEN_NN,
    KQ_TOKEN_ESCAPE,     /* none of these: the label follows */
    KQ_TOKEN_RUN_W,      /* the length follows: as many times W */
    KQ_TOKEN_RUN_N,      /* the length follows: a copy of what is above */
    KQ_TOKEN_COPY_ABOVE, /* the length follows: a copy with the displacement kept above */
    KQ_TOKEN_COPY_LAST,  /* the length follows: with the last one */
    KQ_TOKEN_COPY,       /* displacement and length follow */
    KQ_TOKEN_FLAT,       /* W, as long as NE is */
    KQ_TOKENS
};
#define KQ_TOKENS_PLAIN (KQ_TOKEN_ESCAPE + 1) /* the tokens of one label */

/* What was before a token: a plain one or flat, a run of W, one of N, a copy. */
#define KQ_TOKEN_KINDS 4
#define KQ_PATTERNS 128
#define KQ_TOKEN_TABLES 32
#define KQ_ESCAPE_TABLES 32
#define KQ_ESCAPE_TABLE_LABELS 512 /* a tile has no more such tables than 1 and 1 for so many */
#define KQ_INTERVALS 32
#define KQ_SYMBOLS 256 /* of escapes */
#define KQ_LEAST_STATE_BITS 5
#define KQ_MOST_STATE_BITS 8
#define KQ_LEAST_ESCAPE_BITS 4
#define KQ_MOST_ESCAPE_BITS 10
#define KQ_VALUES 48 /* symbols of lengths and displacements */
#define KQ_VALUE_BITS 9
enum {
    KQ_VALUE_RUN_W,
    KQ_VALUE_RUN_N,
    KQ_VALUE_COPY,
    KQ_VALUE_ROWS,
    KQ_VALUE_COLUMNS,
    KQ_VALUE_CODES
};

typedef struct {
    size_t labels;    /* of the tile */
    uint32_t symbols; /* of escapes: a label's place in the order, without the lowest bits */
    int bands;        /* whether there are streams of bands: of plain tokens alone */
    int state_bits, tables;
    uint8_t map[KQ_TOKEN_KINDS][KQ_PATTERNS];    /* context to table */
    uint16_t counts[KQ_TOKEN_TABLES][KQ_TOKENS]; /* of states, 1 << state_bits in each table */
    int escape_bits, escape_tables;              /* the latter 0 where no token is an escape */
    uint32_t intervals[2];                       /* of W and N */
    uint8_t interval[2][KQ_SYMBOLS];
    uint8_t cells[KQ_INTERVALS][KQ_INTERVALS]; /* W's and N's interval to table */
    uint8_t lengths[KQ_ESCAPE_TABLES][KQ_SYMBOLS];
    uint8_t values[KQ_VALUE_CODES][KQ_VALUES]; /* lengths of codes */
} kq_front;

/* The most tables of escapes, so that the work to read them is in proportion to the tile. */
static inline uint32_t kq_most_escape_tables(const kq_front *f)
{
    const size_t most = 1 + f->labels / KQ_ESCAPE_TABLE_LABELS;
    return most < KQ_ESCAPE_TABLES ? (uint32_t)most : KQ_ESCAPE_TABLES;
}

/* The pattern of a label's neighbours: bits 0 to 6 are WW = W, NW = W, N = W, NE = W, NW = N,
 * NE = N and NN = N. Of three labels not just two pairs can be equal. */
static inline int kq_pattern_possible(int pattern)
{
    static const uint8_t pairs[2][3] = {{1, 2, 4}, {2, 3, 5}};
    for (int i = 0; i < 2; i++)
        if ((pattern >> pairs[i][0] & 1) + (pattern >> pairs[i][1] & 1) +
                (pattern >> pairs[i][2] & 1) ==
            2)
            return 0;
    return 1;
}
#define KQ_PATTERN_FLAT 12 /* the bits N = W and NE = W */
/* ---- tokens/codes.h ---- */
/* Prefix codes and the bits of a stream (spec/kq.md, section 17). */

/* The codes of symbols by their lengths, as everywhere: shorter ones first, then by symbol.
 * They are written from their highest bit, and the bits of a stream begin with the lowest, so
 * codes stand there turned round. A single symbol, and the symbol 0 where there is none, take
 * no bits. */
typedef struct {
    uint16_t code; /* turned round */
    uint8_t length;
} kq_code;

/* Returns 0 unless the code is complete: what it isn't, a decoder refuses. */
static int kq_codes_of(const uint8_t *lengths, uint32_t symbols, int most, kq_code *codes)
{
    uint32_t count[17] = {0}, next[17] = {0}, used = 0, total = 0, last = 0;
    for (uint32_t s = 0; s < symbols; s++) {
        if (lengths[s] > most)
            return 0;
        count[lengths[s]]++;
        if (lengths[s]) {
            total++;
            last = s;
        }
        codes[s].code = codes[s].length = 0;
    }
    if (total < 2)
        return total == 0 || lengths[last] == 1;
    for (int length = 1; length <= most; length++) {
        next[length] = used;
        used = (used + count[length]) << 1;
    }
    if (used != 2u << most)
        return 0;
    for (uint32_t s = 0; s < symbols; s++) {
        uint32_t code = lengths[s] ? next[lengths[s]]++ : 0, turned = 0;
        for (int i = 0; i < lengths[s]; i++)
            turned = turned << 1 | (code >> i & 1);
        codes[s].code = (uint16_t)turned;
        codes[s].length = lengths[s];
    }
    return 1;
}

/* The table by which a code is decoded: by the next `most` bits, length << 8 | symbol, or what
 * `names` has for it. */
static int kq_code_table(const uint8_t *lengths, uint32_t symbols, int most, const uint8_t *names,
                         uint16_t *table)
{
    kq_code codes[KQ_SYMBOLS];
    uint32_t only = 0;
    if (!kq_codes_of(lengths, symbols, most, codes))
        return 0;
    for (uint32_t s = 0; s < symbols; s++) {
        if (lengths[s] == 0)
            continue;
        only = s;
        const uint16_t entry = (uint16_t)((uint32_t)codes[s].length << 8 | (names ? names[s] : s));
        if (codes[s].length)
            for (uint32_t at = codes[s].code; at < 1u << most; at += 1u << codes[s].length)
                table[at] = entry;
    }
    if (codes[only].length == 0)
        for (uint32_t at = 0; at < 1u << most; at++)
            table[at] = names ? names[only] : (uint16_t)only;
    return 1;
}

/* --- lengths and displacements ---------------------------------------------------- */

/* Of a value's symbol the bits that follow it, and the least value: two symbols an octave. */
static inline int kq_value_extra(uint32_t symbol)
{
    return symbol < 4 ? 0 : (int)(symbol >> 1) - 1;
}
static inline uint32_t kq_value_least(uint32_t symbol)
{
    return symbol < 4 ? symbol : (2 | (symbol & 1)) << kq_value_extra(symbol);
}
/* ---- tokens/tables.h ---- */
/* The walk through what stands ahead of the streams (spec/kq.md, section 17): see front.h. */

/* The bits that numbers below `count` take. */
static int kq_front_width(uint32_t count)
{
    int bits = 0;
    while ((count - 1) >> bits)
        bits++;
    return bits;
}

/* --- tokens -------------------------------------------------------------------- */

/* Which table each context has. */
static int kq_front_map(kq_bit_coder *c, kq_front *f)
{
    kq_bit as_before[2], as_kind[2], table[KQ_TOKEN_TABLES];
    const int kinds = f->bands ? 1 : KQ_TOKEN_KINDS, bits = kq_front_width((uint32_t)f->tables);
    kq_bits_init(as_before, 2);
    kq_bits_init(as_kind, 2);
    kq_bits_init(table, KQ_TOKEN_TABLES);
    for (int kind = 0; kind < kinds; kind++) {
        uint8_t before = 0;
        int same = 0;
        for (int pattern = 0; pattern < KQ_PATTERNS; pattern++) {
            uint8_t *at = &f->map[kind][pattern];
            if (!kq_pattern_possible(pattern) || f->tables == 1) {
                *at = 0;
                continue;
            }
            if (kind) {
                const uint8_t last = f->map[kind - 1][pattern];
                if (kq_bit_code(c, as_kind + (kind > 1), *at == last)) {
                    before = *at = last;
                    continue;
                }
            }
            same = kq_bit_code(c, as_before + same, *at == before);
            if (!same)
                before = (uint8_t)kq_bit_tree(c, table, *at, bits);
            *at = before;
            if (before >= f->tables)
                return 0;
        }
    }
    return 1;
}

/* How many states a token has, at least one. */
static uint32_t kq_front_count(kq_bit_coder *c, kq_number_bits *bits, uint32_t count)
{
    uint64_t more = (uint64_t)count - 1;
    kq_number_code(c, bits, 4, &more); /* so it has at most 15 bits */
    return (uint32_t)more + 1;
}

/* How many states each token has in each table. */
static int kq_front_counts(kq_bit_coder *c, kq_front *f)
{
    kq_bit some[KQ_TOKENS];
    kq_number_bits numbers[KQ_TOKENS];
    const int tokens = f->bands ? KQ_TOKENS_PLAIN : KQ_TOKENS;
    kq_bits_init(some, KQ_TOKENS);
    for (int s = 0; s < tokens; s++)
        kq_number_bits_init(numbers + s);
    for (int t = 0; t < f->tables; t++) {
        uint32_t left = 1u << f->state_bits;
        for (int s = 0; s < KQ_TOKENS; s++) {
            uint32_t count = s < tokens ? f->counts[t][s] : 0;
            if (left == 0 || s >= tokens)
                count = 0;
            else if (s == tokens - 1)
                count = left;
            else if (kq_bit_code(c, some + s, count > 0))
                count = kq_front_count(c, numbers + s, count);
            else
                count = 0;
            if (count > left)
                return 0;
            left -= count;
            f->counts[t][s] = (uint16_t)count;
        }
    }
    return 1;
}

/* --- escapes ------------------------------------------------------------------- */

/* Where the intervals of W and of N begin, and which table each pair of them has. */
static int kq_front_cells(kq_bit_coder *c, kq_front *f)
{
    kq_bit begins[2][2], as_left, as_above, table[KQ_ESCAPE_TABLES];
    const int bits = kq_front_width((uint32_t)f->escape_tables);
    kq_bits_init(&begins[0][0], 4);
    kq_bits_init(&as_left, 1);
    kq_bits_init(&as_above, 1);
    kq_bits_init(table, KQ_ESCAPE_TABLES);
    for (int side = 0; side < 2; side++) {
        uint8_t *interval = f->interval[side];
        int begin = 0;
        interval[0] = 0;
        for (uint32_t i = 1; i < f->symbols; i++) {
            begin = kq_bit_code(c, &begins[side][begin], interval[i] != interval[i - 1]);
            interval[i] = (uint8_t)(interval[i - 1] + begin);
            if (interval[i] >= KQ_INTERVALS)
                return 0;
        }
        f->intervals[side] = interval[f->symbols - 1] + 1u;
    }
    for (uint32_t w = 0; w < f->intervals[0]; w++)
        for (uint32_t n = 0; n < f->intervals[1]; n++) {
            uint8_t *at = &f->cells[w][n];
            const uint8_t above = w ? f->cells[w - 1][n] : 0, left = n ? at[-1] : above;
            if (kq_bit_code(c, &as_left, *at == left))
                *at = left;
            else if (above != left && kq_bit_code(c, &as_above, *at == above))
                *at = above;
            else
                *at = (uint8_t)kq_bit_tree(c, table, *at, bits);
            if (*at >= f->escape_tables)
                return 0;
        }
    return 1;
}

/* The length of a code: whether it isn't 0, by bits[0], then what it is more than 1. */
static uint8_t kq_front_length(kq_bit_coder *c, kq_bit *bits, uint8_t length)
{
    if (!kq_bit_code(c, bits, length > 0))
        return 0;
    return (uint8_t)(1 + kq_bit_tree(c, bits, length - 1u, 4));
}

/* The lengths of the escapes' codes: each by that of the same symbol in the table before, and
 * those of the two symbols before. */
static void kq_front_lengths(kq_bit_coder *c, kq_front *f)
{
    static const uint8_t classes[17] = {0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4};
    kq_bit bits[6][13][16];
    kq_bits_init(&bits[0][0][0], sizeof bits / sizeof(kq_bit));
    for (int t = 0; t < f->escape_tables; t++) {
        int last = 0, second = 0;
        for (uint32_t s = 0; s < f->symbols; s++) {
            uint8_t *at = &f->lengths[t][s];
            const int above = t ? classes[f->lengths[t - 1][s]] : 5;
            const int beside = last && second   ? (last + second + 1) >> 1
                               : last || second ? 1 + (last + second > 4)
                                                : 0;
            *at = kq_front_length(c, bits[above][beside], *at);
            second = last;
            last = *at > 10 ? 10 : *at;
        }
    }
}

/* The lengths of the codes of lengths and displacements. */
static int kq_front_values(kq_bit_coder *c, kq_front *f)
{
    for (int code = 0; code < KQ_VALUE_CODES; code++) {
        uint8_t *lengths = f->values[code];
        kq_bit bits[2][16];
        kq_bits_init(&bits[0][0], 32);
        uint32_t count = KQ_VALUES;
        while (count && lengths[count - 1] == 0)
            count--;
        count = kq_bits_even(c, count, 6);
        if (count > KQ_VALUES)
            return 0;
        for (uint32_t s = 0; s < KQ_VALUES; s++)
            lengths[s] = s < count ? kq_front_length(c, bits[s && lengths[s - 1]], lengths[s]) : 0;
    }
    return 1;
}

/* Codes all of it; f->symbols and f->bands are known. Returns 0 where what is decoded is
 * invalid; that codes are complete is for who uses them to check. */
static int kq_front_code(kq_bit_coder *c, kq_front *f)
{
    f->state_bits = KQ_LEAST_STATE_BITS +
                    (int)kq_bits_even(c, (uint32_t)(f->state_bits - KQ_LEAST_STATE_BITS), 2);
    f->tables = 1 + (int)kq_bits_even(c, (uint32_t)f->tables - 1, 5);
    if (!kq_front_map(c, f) || !kq_front_counts(c, f))
        return 0;
    f->escape_tables = (int)kq_bits_even(c, (uint32_t)f->escape_tables, 6);
    if ((uint32_t)f->escape_tables > kq_most_escape_tables(f))
        return 0;
    if (f->escape_tables == 0)
        for (int t = 0; t < f->tables; t++)
            if (f->counts[t][KQ_TOKEN_ESCAPE])
                return 0;
    if (f->escape_tables) {
        f->escape_bits = KQ_LEAST_ESCAPE_BITS +
                         (int)kq_bits_even(c, (uint32_t)(f->escape_bits - KQ_LEAST_ESCAPE_BITS), 3);
        if (f->escape_bits > KQ_MOST_ESCAPE_BITS)
            return 0;
        if (f->escape_tables > 1 && !kq_front_cells(c, f))
            return 0;
        kq_front_lengths(c, f);
    }
    return f->bands || kq_front_values(c, f);
}
/* ---- tokens/state.h ---- */
/* What decoding a tile by the coder `tokens` works with: the tables ready for use, and the
 * reader of a stream. */

#define KQ_BANDS 3
#define KQ_STREAM_SLACK 2048 /* zeros behind the streams, so that they are checked now and then */
#define KQ_STEPS 512         /* labels between checks: at most 26 bits each */
#define KQ_PLANE_SLACK 32    /* labels behind a plane that may be written to */

typedef struct {
    kq_front front;
    uint32_t k, first; /* first: the label of the first place, or that place */
    int low_bits;      /* of an escape, that stand behind its code as they are */
    uint32_t escape_mask;
    /* By the state in its table: base << 16 | bits << 8 | 8 * token. */
    uint32_t states[KQ_TOKEN_TABLES << KQ_MOST_STATE_BITS];
    /* Where the table of a context begins in states: by kind, and 2 * pattern + 1. */
    uint16_t contexts[KQ_TOKEN_KINDS * 2 * KQ_PATTERNS];
    /* By the next bits: length << 8 | label, or the symbol of labels of two bytes. */
    uint16_t escapes[KQ_ESCAPE_TABLES << KQ_MOST_ESCAPE_BITS];
    /* Where the escapes' table begins: cells[cell_w[W] + cell_n[N]], W and N being labels, or
     * symbols of them. */
    uint16_t cell_w[KQ_SYMBOLS], cell_n[KQ_SYMBOLS];
    uint16_t cells[KQ_INTERVALS * KQ_INTERVALS];
    uint16_t values[KQ_VALUE_CODES][1 << KQ_VALUE_BITS];
} kq_tokens;

/* Eight bytes, the first the least significant: a single load, where the machine has it so. */
KQ_INLINE uint64_t kq_load64(const uint8_t *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24 |
           (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

/* The bits of streams, from the lowest of the first byte on; 57 or more are there to see. */
typedef struct {
    const uint8_t *bytes;
    size_t position; /* in bits */
} kq_bits;

KQ_INLINE uint64_t kq_bits_ahead(const kq_bits *b)
{
    return kq_load64(b->bytes + (b->position >> 3)) >> (b->position & 7);
}

KQ_INLINE uint32_t kq_bits_take(kq_bits *b, uint32_t count)
{
    const uint32_t value = (uint32_t)kq_bits_ahead(b) & ((1u << count) - 1);
    b->position += count;
    return value;
}

/* Whether the bits taken are all of a stream that ends before `end`, up to zeros in its last
 * byte. */
static int kq_bits_done(const kq_bits *b, const uint8_t *end)
{
    const size_t all = 8 * (size_t)(end - b->bytes);
    return b->position <= all && all - b->position < 8 && end[-1] >> (8 - (all - b->position)) == 0;
}

static uint32_t kq_value_take(kq_bits *b, const uint16_t *table)
{
    const uint32_t entry = table[kq_bits_ahead(b) & ((1u << KQ_VALUE_BITS) - 1)];
    b->position += entry >> 8;
    return kq_value_least(entry & 255) + kq_bits_take(b, (uint32_t)kq_value_extra(entry & 255));
}

/* The order in which the states of a table go to the tokens: Yann Collet's, of FSE. */
static void kq_spread_states(const uint16_t *counts, int state_bits, uint8_t *token_of)
{
    const uint32_t states = 1u << state_bits, step = (states >> 1) + (states >> 3) + 3;
    uint32_t at = 0;
    for (int token = 0; token < KQ_TOKENS; token++)
        for (uint32_t i = 0; i < counts[token]; i++) {
            token_of[at] = (uint8_t)token;
            at = (at + step) & (states - 1);
        }
}

/* Makes the tables ready, from the front. `order` are the entries of labels of a byte by their
 * places, NULL where labels have two bytes and are places. Returns 0 if a code is invalid. */
static int kq_tokens_prepare(kq_tokens *t, const uint8_t *order)
{
    const kq_front *f = &t->front;
    const int bits = f->state_bits;
    for (int table = 0; table < f->tables; table++) {
        uint8_t token_of[1 << KQ_MOST_STATE_BITS];
        uint32_t next[KQ_TOKENS];
        kq_spread_states(f->counts[table], bits, token_of);
        for (int token = 0; token < KQ_TOKENS; token++)
            next[token] = f->counts[table][token];
        for (uint32_t state = 0; state < 1u << bits; state++) {
            const uint32_t x = next[token_of[state]]++, less = (uint32_t)bits + 1 - kq_log(x);
            t->states[(uint32_t)table << bits | state] =
                ((x << less) - (1u << bits)) << 16 | less << 8 | 8u * token_of[state];
        }
    }
    for (int kind = 0; kind < (f->bands ? 1 : KQ_TOKEN_KINDS); kind++)
        for (int i = 0; i < 2 * KQ_PATTERNS; i++)
            t->contexts[kind * 2 * KQ_PATTERNS + i] = (uint16_t)(f->map[kind][i >> 1] << bits);

    t->escape_mask = (1u << f->escape_bits) - 1;
    t->escapes[0] = 0; /* which is looked at, and not used, where there are no tables */
    for (int table = 0; table < f->escape_tables; table++) {
        uint16_t *at = t->escapes + ((size_t)table << f->escape_bits);
        if (!kq_code_table(f->lengths[table], f->symbols, f->escape_bits, order, at))
            return 0;
    }
    for (uint32_t s = 0; s < f->symbols; s++) {
        const uint32_t label = order ? order[s] : s;
        t->cell_w[label] = (uint16_t)(f->interval[0][s] * KQ_INTERVALS);
        t->cell_n[label] = f->interval[1][s];
    }
    for (uint32_t w = 0; w <= f->interval[0][f->symbols - 1]; w++)
        for (uint32_t n = 0; n <= f->interval[1][f->symbols - 1]; n++)
            t->cells[w * KQ_INTERVALS + n] = (uint16_t)(f->cells[w][n] << f->escape_bits);
    for (int code = 0; code < KQ_VALUE_CODES && !f->bands; code++)
        if (!kq_code_table(f->values[code], KQ_VALUES, KQ_VALUE_BITS, NULL, t->values[code]))
            return 0;
    return 1;
}
/* ---- tokens/decode.h ---- */
/* The coder `tokens`: labels as tokens, coded by tables that stand ahead of them (spec/kq.md,
 * section 17), for who wants them back quickly.
 *
 * Which neighbour a label is equal to, if any, is what an asymmetric numeral system codes by a
 * table for the context (J. Duda, "Asymmetric numeral systems", arXiv:1311.2540, 2013; Yann
 * Collet's tANS, FSE); other labels have prefix codes. Where a tile repeats itself, runs and
 * copies are tokens, too, as in LZ77.
 */

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
/* ---- tokens/view_simd128.h ---- */
/* What view.h has, for labels of one byte, by WebAssembly's SIMD: the candidates are a word, as
 * in view_avx2.h. */

typedef struct {
    uint64_t word; /* W, WW, NW, N, NE, NN, from the lowest byte on; 0 for an escape */
} KQ_NAME(view);

KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    uint32_t above;
    memcpy(&above, near, sizeof above);
    v->word = (before & 0xFFFF) | (uint64_t)above << 16;
}

/* Which bytes are `label`, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(same)(const KQ_NAME(view) *v, uint64_t label)
{
    const v128_t all = wasm_i64x2_splat((int64_t)v->word);
    return wasm_i8x16_bitmask(wasm_i8x16_eq(all, wasm_i8x16_splat((int8_t)label)));
}

KQ_FUNCTION uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    return KQ_NAME(same)(v, v->word) & 31;
}

KQ_FUNCTION uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const uint32_t same = KQ_NAME(same)(v, v->word >> 8 * KQ_TOKEN_N);
    return KQ_NAME(beside)(v) | (same & 4) << 3 | (same & 48) << 2;
}

KQ_FUNCTION uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return (uint32_t)(v->word >> (token8 & 63)) & 255;
}

KQ_FUNCTION size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    const v128_t value = wasm_i8x16_splat((int8_t)label);
    for (size_t length = 0; length < most; length += 16) {
        const uint32_t same =
            wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(above + length), value));
        wasm_v128_store(out + length, value);
        if (same != 0xFFFF) {
            length += KQ_TRAILING_ZEROS(~same);
            return length < most ? length : most;
        }
    }
    return most;
}
#else
/* ---- tokens/view.h ---- */
/* A label's neighbours, for labels of one byte and of two, on any machine. Included with
 *   KQ_NAME(name)   the names of these functions
 *   KQ_LABEL        the type of labels
 */

/* By the tokens' numbers. */
typedef struct {
    KQ_LABEL labels[8];
} KQ_NAME(view);

/* `before` is W, and above its bits WW; `near` are NW, N, NE and NN. */
KQ_INLINE void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    v->labels[KQ_TOKEN_W] = (KQ_LABEL)before;
    v->labels[KQ_TOKEN_WW] = (KQ_LABEL)(before >> 8 * sizeof(KQ_LABEL));
    memcpy(v->labels + KQ_TOKEN_NW, near, 4 * sizeof *near);
    v->labels[KQ_TOKEN_ESCAPE] = 0;
}

/* Bits 0 to 4 of twice the pattern (front.h) and 1: those that compare with W. */
KQ_INLINE uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, w = l[KQ_TOKEN_W];
    return 1u | (uint32_t)(l[KQ_TOKEN_WW] == w) << 1 | (uint32_t)(l[KQ_TOKEN_NW] == w) << 2 |
           (uint32_t)(l[KQ_TOKEN_N] == w) << 3 | (uint32_t)(l[KQ_TOKEN_NE] == w) << 4;
}

/* All of it. */
KQ_INLINE uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, n = l[KQ_TOKEN_N];
    return KQ_NAME(beside)(v) | (uint32_t)(l[KQ_TOKEN_NW] == n) << 5 |
           (uint32_t)(l[KQ_TOKEN_NE] == n) << 6 | (uint32_t)(l[KQ_TOKEN_NN] == n) << 7;
}

/* The label of the neighbour of that token times eight; 0 for an escape. */
KQ_INLINE uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return v->labels[token8 >> 3 & 7];
}

/* How many labels from `above` on are `label`, at most `most`; writes as many at `out`. */
KQ_INLINE size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    size_t length = 0;
    while (length < most && above[length] == label)
        out[length++] = label;
    return length;
}
#endif

/* ---- tokens/bands.h ---- */
/* Tiles of plain tokens alone: three bands of rows, each with a stream of its own, decoded in
 * step, so that a processor has three labels to work at while each waits for the one before
 * it. What is known of a few hundred labels before they are decoded is put together ahead of
 * them, where a single address finds it for all bands. Included as view.h is. */

typedef struct {
    KQ_LABEL near[KQ_BANDS][KQ_STEPS][4]; /* NW, N, NE, NN */
    KQ_LABEL labels[KQ_BANDS][KQ_STEPS];  /* as they are decoded */
    uint8_t above[KQ_BANDS][KQ_STEPS];    /* bits 5 to 7 of twice the pattern */
} KQ_NAME(part);

typedef struct {
    size_t position;        /* in bits */
    uint32_t state, before; /* before: W, and above its bits WW */
} KQ_NAME(band);

/* Where the table of an escape between W and N begins. */
KQ_FUNCTION uint32_t KQ_NAME(escape_table)(const kq_tokens *t, KQ_LABEL w, KQ_LABEL n)
{
    const int low = sizeof(KQ_LABEL) > 1 ? t->low_bits : 0;
    return t->cells[t->cell_w[w >> low] + t->cell_n[n >> low]];
}

/* The next label of a band. Which tokens are escapes nobody can guess, so there is no branch,
 * but where labels have two bytes. */
KQ_FUNCTION void KQ_NAME(band_step)(KQ_NAME(band) *b, const kq_tokens *t, KQ_NAME(part) *part,
                                    int i, size_t x, const uint8_t *bytes)
{
    KQ_NAME(view) view;
    kq_bits stream = {bytes, b->position};
    uint64_t bits = kq_bits_ahead(&stream);
    const KQ_LABEL *near = part->near[i][x];
    KQ_NAME(look)(&view, b->before, near);
    const uint32_t context = t->contexts[KQ_NAME(beside)(&view) + part->above[i][x]];
    const uint32_t entry = t->states[context + b->state];
    const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, (KQ_LABEL)b->before, near[1]);
    const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
    b->state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
    bits >>= taken;
    const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE); /* else an escape */
    const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
    uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
    b->position += taken + (escape >> 8);
    if (sizeof(KQ_LABEL) > 1 && !neighbor) {
        bits >>= escape >> 8;
        label = label << t->low_bits | ((uint32_t)bits & ((1u << t->low_bits) - 1));
        b->position += (uint32_t)t->low_bits;
    }
    part->labels[i][x] = (KQ_LABEL)label;
    b->before = b->before << 8 * sizeof(KQ_LABEL) | label;
}

/* What is known of `count` labels from `at` on before they are decoded. */
KQ_FUNCTION void KQ_NAME(begin_part)(KQ_NAME(part) *part, int i, const KQ_LABEL *at, size_t stride,
                                     size_t count)
{
    const KQ_LABEL *above = at - stride, *above2 = above - stride;
    for (size_t x = 0; x < count; x++) {
        const KQ_LABEL nw = above[(ptrdiff_t)x - 1], n = above[x], ne = above[x + 1],
                       nn = above2[x];
        KQ_LABEL *near = part->near[i][x];
        near[0] = nw;
        near[1] = n;
        near[2] = ne;
        near[3] = nn;
        part->above[i][x] = (uint8_t)((nw == n) << 5 | (ne == n) << 6 | (nn == n) << 7);
    }
}

/* Decodes `rows` rows of three bands, or of the last one alone: `at` are the planes' places.
 * `end` is that of all streams: returns 0 where they end too early. */
KQ_FUNCTION int KQ_NAME(bands)(KQ_NAME(band) *bands, KQ_LABEL **at, const kq_tokens *t,
                               KQ_NAME(part) *part, size_t rows, size_t width, const uint8_t *bytes,
                               const uint8_t *end, int all)
{
    const size_t stride = width < 2 ? 2 : width, bits = 8 * (size_t)(end - bytes);
    KQ_NAME(band) a = bands[0], b = bands[1], c = bands[2];
    for (size_t y = 0; y < rows; y++)
        /* The first label goes ahead: it is NE of the last one. */
        for (size_t x = 0, count = 1; x < width; x += count, count = KQ_STEPS) {
            count = count < width - x ? count : width - x;
            if (a.position > bits || b.position > bits || c.position > bits)
                return 0;
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++)
                KQ_NAME(begin_part)(part, i, at[i], stride, count);
            for (size_t j = 0; j < count; j++) {
                if (all) {
                    KQ_NAME(band_step)(&a, t, part, 0, j, bytes);
                    KQ_NAME(band_step)(&b, t, part, 1, j, bytes);
                }
                KQ_NAME(band_step)(&c, t, part, 2, j, bytes);
            }
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++) {
                memcpy(at[i], part->labels[i], count * sizeof(KQ_LABEL));
                at[i] += count;
            }
        }
    bands[0] = a;
    bands[1] = b;
    bands[2] = c;
    return 1;
}
/* ---- tokens/stream.h ---- */
/* Tiles of one stream, with runs and copies. Included as view.h is. */

/* Copies `count` labels that stand `distance` before `to`, in order, so that a copy may
 * repeat what it has just written; up to 31 more may be written. */
KQ_FUNCTION void KQ_NAME(copy)(KQ_LABEL *to, size_t distance, size_t count)
{
    enum { STEP = 32 / sizeof(KQ_LABEL) };
    if (distance < STEP) {
        for (size_t i = 0; i < count; i++)
            to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
        return;
    }
    for (size_t i = 0; i < count; i += STEP)
        memcpy(to + i, to + i - distance, 32);
}

/* Decodes the labels of a plane from a stream; `kept` are zeros, one for eight labels. Returns
 * 0 unless the stream, from `in` to `end`, is valid. */
KQ_FUNCTION int KQ_NAME(stream)(const kq_tokens *t, KQ_LABEL *plane, size_t labels, size_t width,
                                const uint8_t *in, const uint8_t *end, uint32_t *kept)
{
    const size_t stride = width < 2 ? 2 : width;
    const uint16_t *contexts = t->contexts;
    KQ_LABEL *at = plane, *const stop = plane + labels;
    uint32_t before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    uint64_t last = 0; /* displacement */
    const size_t all = 8 * (size_t)(end - in);
    kq_bits stream = {in, 0};
    uint32_t state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
    while (at < stop) {
        const KQ_LABEL w = (KQ_LABEL)before, *above = at - stride;
        const KQ_LABEL near[4] = {above[-1], above[0], above[1], at[-(ptrdiff_t)(2 * stride)]};
        KQ_NAME(view) view;
        KQ_NAME(look)(&view, before, near);
        uint64_t bits = kq_bits_ahead(&stream);
        const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, w, near[1]);
        const uint32_t entry = t->states[contexts[KQ_NAME(pattern)(&view)] + state];
        const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
        state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
        bits >>= taken;
        stream.position += taken;
        contexts = t->contexts;
        if (stream.position > all)
            return 0;
        if (token8 <= 8 * KQ_TOKEN_ESCAPE) {
            const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
            const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
            uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
            stream.position += escape >> 8;
            if (sizeof(KQ_LABEL) > 1 && !neighbor)
                label = label << t->low_bits | kq_bits_take(&stream, (uint32_t)t->low_bits);
            *at++ = (KQ_LABEL)label;
            before = before << 8 * sizeof(KQ_LABEL) | label;
            continue;
        }
        const size_t left = (size_t)(stop - at), place = (size_t)(at - plane);
        size_t length;
        if (token8 == 8 * KQ_TOKEN_FLAT) {
            length = KQ_NAME(flat)(at - stride + 1, at, w, left < stride - 1 ? left : stride - 1);
            if (length == 0)
                return 0;
            at += length;
        } else {
            size_t distance = stride, code = KQ_VALUE_COPY;
            if (token8 == 8 * KQ_TOKEN_RUN_W) {
                code = KQ_VALUE_RUN_W;
                distance = 1;
            } else if (token8 == 8 * KQ_TOKEN_RUN_N) {
                code = KQ_VALUE_RUN_N;
            } else {
                if (token8 == 8 * KQ_TOKEN_COPY) {
                    /* Rows upwards, and columns: 0, -1, 1, -2, 2 .. to the left. */
                    const uint64_t rows = kq_value_take(&stream, t->values[KQ_VALUE_ROWS]);
                    const uint64_t columns = kq_value_take(&stream, t->values[KQ_VALUE_COLUMNS]);
                    last = rows * width + (columns >> 1 ^ (0 - (columns & 1)));
                } else if (token8 == 8 * KQ_TOKEN_COPY_ABOVE && place >= stride &&
                           kept[(place - stride) >> 3]) {
                    last = kept[(place - stride) >> 3];
                }
                if (last == 0 || last > place)
                    return 0;
                distance = (size_t)last;
            }
            length = (size_t)kq_value_take(&stream, t->values[code]) + 1;
            if (length > left || stream.position > all)
                return 0;
            KQ_NAME(copy)(at, distance, length);
            at += length;
            if (code == KQ_VALUE_COPY)
                for (size_t i = place >> 3; i <= (place + length - 1) >> 3; i++)
                    kept[i] = (uint32_t)distance;
            contexts = t->contexts + 2 * KQ_PATTERNS * (code + 1);
        }
        before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    }
    return state == 0 && kq_bits_done(&stream, end);
}
/* ---- tokens/tile.h ---- */
/* The labels of a tile: its planes are decoded, and copied out. Included as view.h is. */

/* A plane of labels stands behind two rows and eight labels, of the first place's entry. */
KQ_INLINE size_t KQ_NAME(margin)(size_t stride)
{
    return 2 * stride + 8;
}

static void KQ_NAME(begin_plane)(KQ_LABEL *plane, size_t stride, KQ_LABEL first)
{
    KQ_LABEL *at = plane - KQ_NAME(margin)(stride);
    while (at < plane)
        *at++ = first;
}

/* Copies labels out, those of two bytes from their places to entries. Returns 0 where there is
 * no such place. */
static int KQ_NAME(copy_out)(const kq_tokens_tile *tile, const KQ_LABEL *plane, size_t first,
                             size_t count)
{
    if (sizeof(KQ_LABEL) == 1) {
        memcpy((uint8_t *)tile->labels + first, plane, count);
        return 1;
    }
    uint16_t *out = (uint16_t *)tile->labels + first;
    for (size_t i = 0; i < count; i++) {
        if (plane[i] >= tile->k)
            return 0;
        out[i] = (uint16_t)kq_label_below(tile->k, tile->order, plane[i], 1);
    }
    return 1;
}

/* Decodes a tile of one stream. Returns 1, 0 if it is invalid, -1 without memory. */
KQ_FUNCTION int KQ_NAME(one_stream)(const kq_tokens *t, const kq_tokens_tile *tile,
                                    const uint8_t *const *streams)
{
    const size_t stride = tile->width < 2 ? 2 : tile->width, labels = tile->width * tile->height;
    const size_t margin = KQ_NAME(margin)(stride);
    KQ_LABEL *memory = (KQ_LABEL *)KQ_MALLOC((margin + labels + KQ_PLANE_SLACK) * sizeof *memory);
    uint32_t *kept = (uint32_t *)KQ_CALLOC((labels >> 3) + 1, sizeof *kept);
    int done = -1;
    if (memory && kept) {
        KQ_NAME(begin_plane)(memory + margin, stride, (KQ_LABEL)t->first);
        done = KQ_NAME(stream)(t, memory + margin, labels, tile->width, streams[0], streams[1],
                               kept) &&
               KQ_NAME(copy_out)(tile, memory + margin, 0, labels);
    }
    KQ_FREE(memory);
    KQ_FREE(kept);
    return done;
}

/* Decodes a tile of three bands, alike. */
KQ_FUNCTION int KQ_NAME(three_bands)(const kq_tokens *t, const kq_tokens_tile *tile,
                                     const uint8_t *const *streams)
{
    const size_t width = tile->width, stride = width < 2 ? 2 : width;
    const size_t rows = tile->height / KQ_BANDS, more = tile->height - KQ_BANDS * rows;
    const size_t margin = KQ_NAME(margin)(stride), size = margin + rows * width;
    KQ_LABEL *memory =
        (KQ_LABEL *)KQ_MALLOC((KQ_BANDS * size + more * width + KQ_PLANE_SLACK) * sizeof *memory);
    KQ_NAME(part) *part = (KQ_NAME(part) *)KQ_MALLOC(sizeof *part);
    KQ_NAME(band) bands[KQ_BANDS];
    KQ_LABEL *planes[KQ_BANDS], *at[KQ_BANDS];
    int done = -1;
    if (memory && part) {
        const uint8_t *bytes = streams[0], *end = streams[KQ_BANDS];
        for (size_t i = 0; i < KQ_BANDS; i++) {
            kq_bits stream = {bytes, 8 * (size_t)(streams[i] - bytes)};
            at[i] = planes[i] = memory + i * size + margin;
            KQ_NAME(begin_plane)(planes[i], stride, (KQ_LABEL)t->first);
            bands[i].before = t->first << 8 * sizeof(KQ_LABEL) | t->first;
            bands[i].state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
            bands[i].position = stream.position;
        }
        done = KQ_NAME(bands)(bands, at, t, part, rows, width, bytes, end, 1) &&
               KQ_NAME(bands)(bands, at, t, part, more, width, bytes, end, 0);
        for (size_t i = 0; i < KQ_BANDS && done; i++) {
            const kq_bits stream = {bytes, bands[i].position};
            done = bands[i].state == 0 && kq_bits_done(&stream, streams[i + 1]) &&
                   KQ_NAME(copy_out)(tile, planes[i], i * rows * width,
                                     (rows + (i == KQ_BANDS - 1 ? more : 0)) * width);
        }
    }
    KQ_FREE(memory);
    KQ_FREE(part);
    return done;
}

KQ_RUN static int KQ_NAME(tile)(const kq_tokens *t, const kq_tokens_tile *tile,
                                const uint8_t *const *streams)
{
    return t->front.bands ? KQ_NAME(three_bands)(t, tile, streams)
                          : KQ_NAME(one_stream)(t, tile, streams);
}
#undef KQ_NAME
#undef KQ_LABEL

#define KQ_NAME(name) kq_tokens16_##name
#define KQ_LABEL uint16_t
/* ---- tokens/view.h, again ---- */

typedef struct {
    KQ_LABEL labels[8];
} KQ_NAME(view);

KQ_INLINE void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    v->labels[KQ_TOKEN_W] = (KQ_LABEL)before;
    v->labels[KQ_TOKEN_WW] = (KQ_LABEL)(before >> 8 * sizeof(KQ_LABEL));
    memcpy(v->labels + KQ_TOKEN_NW, near, 4 * sizeof *near);
    v->labels[KQ_TOKEN_ESCAPE] = 0;
}

KQ_INLINE uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, w = l[KQ_TOKEN_W];
    return 1u | (uint32_t)(l[KQ_TOKEN_WW] == w) << 1 | (uint32_t)(l[KQ_TOKEN_NW] == w) << 2 |
           (uint32_t)(l[KQ_TOKEN_N] == w) << 3 | (uint32_t)(l[KQ_TOKEN_NE] == w) << 4;
}

KQ_INLINE uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, n = l[KQ_TOKEN_N];
    return KQ_NAME(beside)(v) | (uint32_t)(l[KQ_TOKEN_NW] == n) << 5 |
           (uint32_t)(l[KQ_TOKEN_NE] == n) << 6 | (uint32_t)(l[KQ_TOKEN_NN] == n) << 7;
}

KQ_INLINE uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return v->labels[token8 >> 3 & 7];
}

KQ_INLINE size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    size_t length = 0;
    while (length < most && above[length] == label)
        out[length++] = label;
    return length;
}

/* ---- tokens/bands.h, again ---- */

typedef struct {
    KQ_LABEL near[KQ_BANDS][KQ_STEPS][4];
    KQ_LABEL labels[KQ_BANDS][KQ_STEPS];
    uint8_t above[KQ_BANDS][KQ_STEPS];
} KQ_NAME(part);

typedef struct {
    size_t position;
    uint32_t state, before;
} KQ_NAME(band);

KQ_FUNCTION uint32_t KQ_NAME(escape_table)(const kq_tokens *t, KQ_LABEL w, KQ_LABEL n)
{
    const int low = sizeof(KQ_LABEL) > 1 ? t->low_bits : 0;
    return t->cells[t->cell_w[w >> low] + t->cell_n[n >> low]];
}

KQ_FUNCTION void KQ_NAME(band_step)(KQ_NAME(band) *b, const kq_tokens *t, KQ_NAME(part) *part,
                                    int i, size_t x, const uint8_t *bytes)
{
    KQ_NAME(view) view;
    kq_bits stream = {bytes, b->position};
    uint64_t bits = kq_bits_ahead(&stream);
    const KQ_LABEL *near = part->near[i][x];
    KQ_NAME(look)(&view, b->before, near);
    const uint32_t context = t->contexts[KQ_NAME(beside)(&view) + part->above[i][x]];
    const uint32_t entry = t->states[context + b->state];
    const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, (KQ_LABEL)b->before, near[1]);
    const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
    b->state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
    bits >>= taken;
    const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
    const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
    uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
    b->position += taken + (escape >> 8);
    if (sizeof(KQ_LABEL) > 1 && !neighbor) {
        bits >>= escape >> 8;
        label = label << t->low_bits | ((uint32_t)bits & ((1u << t->low_bits) - 1));
        b->position += (uint32_t)t->low_bits;
    }
    part->labels[i][x] = (KQ_LABEL)label;
    b->before = b->before << 8 * sizeof(KQ_LABEL) | label;
}

KQ_FUNCTION void KQ_NAME(begin_part)(KQ_NAME(part) *part, int i, const KQ_LABEL *at, size_t stride,
                                     size_t count)
{
    const KQ_LABEL *above = at - stride, *above2 = above - stride;
    for (size_t x = 0; x < count; x++) {
        const KQ_LABEL nw = above[(ptrdiff_t)x - 1], n = above[x], ne = above[x + 1],
                       nn = above2[x];
        KQ_LABEL *near = part->near[i][x];
        near[0] = nw;
        near[1] = n;
        near[2] = ne;
        near[3] = nn;
        part->above[i][x] = (uint8_t)((nw == n) << 5 | (ne == n) << 6 | (nn == n) << 7);
    }
}

KQ_FUNCTION int KQ_NAME(bands)(KQ_NAME(band) *bands, KQ_LABEL **at, const kq_tokens *t,
                               KQ_NAME(part) *part, size_t rows, size_t width, const uint8_t *bytes,
                               const uint8_t *end, int all)
{
    const size_t stride = width < 2 ? 2 : width, bits = 8 * (size_t)(end - bytes);
    KQ_NAME(band) a = bands[0], b = bands[1], c = bands[2];
    for (size_t y = 0; y < rows; y++)

        for (size_t x = 0, count = 1; x < width; x += count, count = KQ_STEPS) {
            count = count < width - x ? count : width - x;
            if (a.position > bits || b.position > bits || c.position > bits)
                return 0;
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++)
                KQ_NAME(begin_part)(part, i, at[i], stride, count);
            for (size_t j = 0; j < count; j++) {
                if (all) {
                    KQ_NAME(band_step)(&a, t, part, 0, j, bytes);
                    KQ_NAME(band_step)(&b, t, part, 1, j, bytes);
                }
                KQ_NAME(band_step)(&c, t, part, 2, j, bytes);
            }
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++) {
                memcpy(at[i], part->labels[i], count * sizeof(KQ_LABEL));
                at[i] += count;
            }
        }
    bands[0] = a;
    bands[1] = b;
    bands[2] = c;
    return 1;
}
/* ---- tokens/stream.h, again ---- */

KQ_FUNCTION void KQ_NAME(copy)(KQ_LABEL *to, size_t distance, size_t count)
{
    enum { STEP = 32 / sizeof(KQ_LABEL) };
    if (distance < STEP) {
        for (size_t i = 0; i < count; i++)
            to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
        return;
    }
    for (size_t i = 0; i < count; i += STEP)
        memcpy(to + i, to + i - distance, 32);
}

KQ_FUNCTION int KQ_NAME(stream)(const kq_tokens *t, KQ_LABEL *plane, size_t labels, size_t width,
                                const uint8_t *in, const uint8_t *end, uint32_t *kept)
{
    const size_t stride = width < 2 ? 2 : width;
    const uint16_t *contexts = t->contexts;
    KQ_LABEL *at = plane, *const stop = plane + labels;
    uint32_t before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    uint64_t last = 0;
    const size_t all = 8 * (size_t)(end - in);
    kq_bits stream = {in, 0};
    uint32_t state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
    while (at < stop) {
        const KQ_LABEL w = (KQ_LABEL)before, *above = at - stride;
        const KQ_LABEL near[4] = {above[-1], above[0], above[1], at[-(ptrdiff_t)(2 * stride)]};
        KQ_NAME(view) view;
        KQ_NAME(look)(&view, before, near);
        uint64_t bits = kq_bits_ahead(&stream);
        const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, w, near[1]);
        const uint32_t entry = t->states[contexts[KQ_NAME(pattern)(&view)] + state];
        const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
        state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
        bits >>= taken;
        stream.position += taken;
        contexts = t->contexts;
        if (stream.position > all)
            return 0;
        if (token8 <= 8 * KQ_TOKEN_ESCAPE) {
            const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
            const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
            uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
            stream.position += escape >> 8;
            if (sizeof(KQ_LABEL) > 1 && !neighbor)
                label = label << t->low_bits | kq_bits_take(&stream, (uint32_t)t->low_bits);
            *at++ = (KQ_LABEL)label;
            before = before << 8 * sizeof(KQ_LABEL) | label;
            continue;
        }
        const size_t left = (size_t)(stop - at), place = (size_t)(at - plane);
        size_t length;
        if (token8 == 8 * KQ_TOKEN_FLAT) {
            length = KQ_NAME(flat)(at - stride + 1, at, w, left < stride - 1 ? left : stride - 1);
            if (length == 0)
                return 0;
            at += length;
        } else {
            size_t distance = stride, code = KQ_VALUE_COPY;
            if (token8 == 8 * KQ_TOKEN_RUN_W) {
                code = KQ_VALUE_RUN_W;
                distance = 1;
            } else if (token8 == 8 * KQ_TOKEN_RUN_N) {
                code = KQ_VALUE_RUN_N;
            } else {
                if (token8 == 8 * KQ_TOKEN_COPY) {

                    const uint64_t rows = kq_value_take(&stream, t->values[KQ_VALUE_ROWS]);
                    const uint64_t columns = kq_value_take(&stream, t->values[KQ_VALUE_COLUMNS]);
                    last = rows * width + (columns >> 1 ^ (0 - (columns & 1)));
                } else if (token8 == 8 * KQ_TOKEN_COPY_ABOVE && place >= stride &&
                           kept[(place - stride) >> 3]) {
                    last = kept[(place - stride) >> 3];
                }
                if (last == 0 || last > place)
                    return 0;
                distance = (size_t)last;
            }
            length = (size_t)kq_value_take(&stream, t->values[code]) + 1;
            if (length > left || stream.position > all)
                return 0;
            KQ_NAME(copy)(at, distance, length);
            at += length;
            if (code == KQ_VALUE_COPY)
                for (size_t i = place >> 3; i <= (place + length - 1) >> 3; i++)
                    kept[i] = (uint32_t)distance;
            contexts = t->contexts + 2 * KQ_PATTERNS * (code + 1);
        }
        before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    }
    return state == 0 && kq_bits_done(&stream, end);
}
/* ---- tokens/tile.h, again ---- */

KQ_INLINE size_t KQ_NAME(margin)(size_t stride)
{
    return 2 * stride + 8;
}

static void KQ_NAME(begin_plane)(KQ_LABEL *plane, size_t stride, KQ_LABEL first)
{
    KQ_LABEL *at = plane - KQ_NAME(margin)(stride);
    while (at < plane)
        *at++ = first;
}

static int KQ_NAME(copy_out)(const kq_tokens_tile *tile, const KQ_LABEL *plane, size_t first,
                             size_t count)
{
    if (sizeof(KQ_LABEL) == 1) {
        memcpy((uint8_t *)tile->labels + first, plane, count);
        return 1;
    }
    uint16_t *out = (uint16_t *)tile->labels + first;
    for (size_t i = 0; i < count; i++) {
        if (plane[i] >= tile->k)
            return 0;
        out[i] = (uint16_t)kq_label_below(tile->k, tile->order, plane[i], 1);
    }
    return 1;
}

KQ_FUNCTION int KQ_NAME(one_stream)(const kq_tokens *t, const kq_tokens_tile *tile,
                                    const uint8_t *const *streams)
{
    const size_t stride = tile->width < 2 ? 2 : tile->width, labels = tile->width * tile->height;
    const size_t margin = KQ_NAME(margin)(stride);
    KQ_LABEL *memory = (KQ_LABEL *)KQ_MALLOC((margin + labels + KQ_PLANE_SLACK) * sizeof *memory);
    uint32_t *kept = (uint32_t *)KQ_CALLOC((labels >> 3) + 1, sizeof *kept);
    int done = -1;
    if (memory && kept) {
        KQ_NAME(begin_plane)(memory + margin, stride, (KQ_LABEL)t->first);
        done = KQ_NAME(stream)(t, memory + margin, labels, tile->width, streams[0], streams[1],
                               kept) &&
               KQ_NAME(copy_out)(tile, memory + margin, 0, labels);
    }
    KQ_FREE(memory);
    KQ_FREE(kept);
    return done;
}

KQ_FUNCTION int KQ_NAME(three_bands)(const kq_tokens *t, const kq_tokens_tile *tile,
                                     const uint8_t *const *streams)
{
    const size_t width = tile->width, stride = width < 2 ? 2 : width;
    const size_t rows = tile->height / KQ_BANDS, more = tile->height - KQ_BANDS * rows;
    const size_t margin = KQ_NAME(margin)(stride), size = margin + rows * width;
    KQ_LABEL *memory =
        (KQ_LABEL *)KQ_MALLOC((KQ_BANDS * size + more * width + KQ_PLANE_SLACK) * sizeof *memory);
    KQ_NAME(part) *part = (KQ_NAME(part) *)KQ_MALLOC(sizeof *part);
    KQ_NAME(band) bands[KQ_BANDS];
    KQ_LABEL *planes[KQ_BANDS], *at[KQ_BANDS];
    int done = -1;
    if (memory && part) {
        const uint8_t *bytes = streams[0], *end = streams[KQ_BANDS];
        for (size_t i = 0; i < KQ_BANDS; i++) {
            kq_bits stream = {bytes, 8 * (size_t)(streams[i] - bytes)};
            at[i] = planes[i] = memory + i * size + margin;
            KQ_NAME(begin_plane)(planes[i], stride, (KQ_LABEL)t->first);
            bands[i].before = t->first << 8 * sizeof(KQ_LABEL) | t->first;
            bands[i].state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
            bands[i].position = stream.position;
        }
        done = KQ_NAME(bands)(bands, at, t, part, rows, width, bytes, end, 1) &&
               KQ_NAME(bands)(bands, at, t, part, more, width, bytes, end, 0);
        for (size_t i = 0; i < KQ_BANDS && done; i++) {
            const kq_bits stream = {bytes, bands[i].position};
            done = bands[i].state == 0 && kq_bits_done(&stream, streams[i + 1]) &&
                   KQ_NAME(copy_out)(tile, planes[i], i * rows * width,
                                     (rows + (i == KQ_BANDS - 1 ? more : 0)) * width);
        }
    }
    KQ_FREE(memory);
    KQ_FREE(part);
    return done;
}

KQ_RUN static int KQ_NAME(tile)(const kq_tokens *t, const kq_tokens_tile *tile,
                                const uint8_t *const *streams)
{
    return t->front.bands ? KQ_NAME(three_bands)(t, tile, streams)
                          : KQ_NAME(one_stream)(t, tile, streams);
}
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
/* ---- tokens/view_avx2.h ---- */
/* What view.h has, for labels of one byte, by AVX2: the candidates are a word, which is
 * compared with its own bytes, and of which a token picks one by a shift. */

typedef struct {
    uint64_t word; /* W, WW, NW, N, NE, NN, from the lowest byte on; 0 for an escape */
} KQ_NAME(view);

KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    uint32_t above;
    memcpy(&above, near, sizeof above);
    v->word = (before & 0xFFFF) | (uint64_t)above << 16;
}

KQ_FUNCTION uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const __m128i all = _mm_cvtsi64_si128((long long)v->word);
    const __m128i w = _mm_shuffle_epi8(all, _mm_setzero_si128());
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(all, w)) & 31;
}

KQ_FUNCTION uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const __m128i all = _mm_cvtsi64_si128((long long)v->word);
    const __m128i n = _mm_shuffle_epi8(all, _mm_set1_epi8(KQ_TOKEN_N));
    const uint32_t same = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(all, n));
    return KQ_NAME(beside)(v) | (same & 4) << 3 | (same & 48) << 2;
}

KQ_FUNCTION uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return (uint32_t)(v->word >> (token8 & 63)) & 255;
}

KQ_FUNCTION size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    const __m256i value = _mm256_set1_epi8((char)label);
    for (size_t length = 0; length < most; length += 32) {
        const __m256i same = _mm256_cmpeq_epi8(
            _mm256_loadu_si256((const __m256i *)(const void *)(above + length)), value);
        _mm256_storeu_si256((__m256i *)(void *)(out + length), value);
        const uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            length += KQ_TRAILING_ZEROS(other);
            return length < most ? length : most;
        }
    }
    return most;
}

/* ---- tokens/bands.h, again ---- */

typedef struct {
    KQ_LABEL near[KQ_BANDS][KQ_STEPS][4];
    KQ_LABEL labels[KQ_BANDS][KQ_STEPS];
    uint8_t above[KQ_BANDS][KQ_STEPS];
} KQ_NAME(part);

typedef struct {
    size_t position;
    uint32_t state, before;
} KQ_NAME(band);

KQ_FUNCTION uint32_t KQ_NAME(escape_table)(const kq_tokens *t, KQ_LABEL w, KQ_LABEL n)
{
    const int low = sizeof(KQ_LABEL) > 1 ? t->low_bits : 0;
    return t->cells[t->cell_w[w >> low] + t->cell_n[n >> low]];
}

KQ_FUNCTION void KQ_NAME(band_step)(KQ_NAME(band) *b, const kq_tokens *t, KQ_NAME(part) *part,
                                    int i, size_t x, const uint8_t *bytes)
{
    KQ_NAME(view) view;
    kq_bits stream = {bytes, b->position};
    uint64_t bits = kq_bits_ahead(&stream);
    const KQ_LABEL *near = part->near[i][x];
    KQ_NAME(look)(&view, b->before, near);
    const uint32_t context = t->contexts[KQ_NAME(beside)(&view) + part->above[i][x]];
    const uint32_t entry = t->states[context + b->state];
    const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, (KQ_LABEL)b->before, near[1]);
    const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
    b->state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
    bits >>= taken;
    const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
    const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
    uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
    b->position += taken + (escape >> 8);
    if (sizeof(KQ_LABEL) > 1 && !neighbor) {
        bits >>= escape >> 8;
        label = label << t->low_bits | ((uint32_t)bits & ((1u << t->low_bits) - 1));
        b->position += (uint32_t)t->low_bits;
    }
    part->labels[i][x] = (KQ_LABEL)label;
    b->before = b->before << 8 * sizeof(KQ_LABEL) | label;
}

KQ_FUNCTION void KQ_NAME(begin_part)(KQ_NAME(part) *part, int i, const KQ_LABEL *at, size_t stride,
                                     size_t count)
{
    const KQ_LABEL *above = at - stride, *above2 = above - stride;
    for (size_t x = 0; x < count; x++) {
        const KQ_LABEL nw = above[(ptrdiff_t)x - 1], n = above[x], ne = above[x + 1],
                       nn = above2[x];
        KQ_LABEL *near = part->near[i][x];
        near[0] = nw;
        near[1] = n;
        near[2] = ne;
        near[3] = nn;
        part->above[i][x] = (uint8_t)((nw == n) << 5 | (ne == n) << 6 | (nn == n) << 7);
    }
}

KQ_FUNCTION int KQ_NAME(bands)(KQ_NAME(band) *bands, KQ_LABEL **at, const kq_tokens *t,
                               KQ_NAME(part) *part, size_t rows, size_t width, const uint8_t *bytes,
                               const uint8_t *end, int all)
{
    const size_t stride = width < 2 ? 2 : width, bits = 8 * (size_t)(end - bytes);
    KQ_NAME(band) a = bands[0], b = bands[1], c = bands[2];
    for (size_t y = 0; y < rows; y++)

        for (size_t x = 0, count = 1; x < width; x += count, count = KQ_STEPS) {
            count = count < width - x ? count : width - x;
            if (a.position > bits || b.position > bits || c.position > bits)
                return 0;
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++)
                KQ_NAME(begin_part)(part, i, at[i], stride, count);
            for (size_t j = 0; j < count; j++) {
                if (all) {
                    KQ_NAME(band_step)(&a, t, part, 0, j, bytes);
                    KQ_NAME(band_step)(&b, t, part, 1, j, bytes);
                }
                KQ_NAME(band_step)(&c, t, part, 2, j, bytes);
            }
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++) {
                memcpy(at[i], part->labels[i], count * sizeof(KQ_LABEL));
                at[i] += count;
            }
        }
    bands[0] = a;
    bands[1] = b;
    bands[2] = c;
    return 1;
}
/* ---- tokens/stream.h, again ---- */

KQ_FUNCTION void KQ_NAME(copy)(KQ_LABEL *to, size_t distance, size_t count)
{
    enum { STEP = 32 / sizeof(KQ_LABEL) };
    if (distance < STEP) {
        for (size_t i = 0; i < count; i++)
            to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
        return;
    }
    for (size_t i = 0; i < count; i += STEP)
        memcpy(to + i, to + i - distance, 32);
}

KQ_FUNCTION int KQ_NAME(stream)(const kq_tokens *t, KQ_LABEL *plane, size_t labels, size_t width,
                                const uint8_t *in, const uint8_t *end, uint32_t *kept)
{
    const size_t stride = width < 2 ? 2 : width;
    const uint16_t *contexts = t->contexts;
    KQ_LABEL *at = plane, *const stop = plane + labels;
    uint32_t before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    uint64_t last = 0;
    const size_t all = 8 * (size_t)(end - in);
    kq_bits stream = {in, 0};
    uint32_t state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
    while (at < stop) {
        const KQ_LABEL w = (KQ_LABEL)before, *above = at - stride;
        const KQ_LABEL near[4] = {above[-1], above[0], above[1], at[-(ptrdiff_t)(2 * stride)]};
        KQ_NAME(view) view;
        KQ_NAME(look)(&view, before, near);
        uint64_t bits = kq_bits_ahead(&stream);
        const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, w, near[1]);
        const uint32_t entry = t->states[contexts[KQ_NAME(pattern)(&view)] + state];
        const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
        state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
        bits >>= taken;
        stream.position += taken;
        contexts = t->contexts;
        if (stream.position > all)
            return 0;
        if (token8 <= 8 * KQ_TOKEN_ESCAPE) {
            const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
            const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
            uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
            stream.position += escape >> 8;
            if (sizeof(KQ_LABEL) > 1 && !neighbor)
                label = label << t->low_bits | kq_bits_take(&stream, (uint32_t)t->low_bits);
            *at++ = (KQ_LABEL)label;
            before = before << 8 * sizeof(KQ_LABEL) | label;
            continue;
        }
        const size_t left = (size_t)(stop - at), place = (size_t)(at - plane);
        size_t length;
        if (token8 == 8 * KQ_TOKEN_FLAT) {
            length = KQ_NAME(flat)(at - stride + 1, at, w, left < stride - 1 ? left : stride - 1);
            if (length == 0)
                return 0;
            at += length;
        } else {
            size_t distance = stride, code = KQ_VALUE_COPY;
            if (token8 == 8 * KQ_TOKEN_RUN_W) {
                code = KQ_VALUE_RUN_W;
                distance = 1;
            } else if (token8 == 8 * KQ_TOKEN_RUN_N) {
                code = KQ_VALUE_RUN_N;
            } else {
                if (token8 == 8 * KQ_TOKEN_COPY) {

                    const uint64_t rows = kq_value_take(&stream, t->values[KQ_VALUE_ROWS]);
                    const uint64_t columns = kq_value_take(&stream, t->values[KQ_VALUE_COLUMNS]);
                    last = rows * width + (columns >> 1 ^ (0 - (columns & 1)));
                } else if (token8 == 8 * KQ_TOKEN_COPY_ABOVE && place >= stride &&
                           kept[(place - stride) >> 3]) {
                    last = kept[(place - stride) >> 3];
                }
                if (last == 0 || last > place)
                    return 0;
                distance = (size_t)last;
            }
            length = (size_t)kq_value_take(&stream, t->values[code]) + 1;
            if (length > left || stream.position > all)
                return 0;
            KQ_NAME(copy)(at, distance, length);
            at += length;
            if (code == KQ_VALUE_COPY)
                for (size_t i = place >> 3; i <= (place + length - 1) >> 3; i++)
                    kept[i] = (uint32_t)distance;
            contexts = t->contexts + 2 * KQ_PATTERNS * (code + 1);
        }
        before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    }
    return state == 0 && kq_bits_done(&stream, end);
}
/* ---- tokens/tile.h, again ---- */

KQ_INLINE size_t KQ_NAME(margin)(size_t stride)
{
    return 2 * stride + 8;
}

static void KQ_NAME(begin_plane)(KQ_LABEL *plane, size_t stride, KQ_LABEL first)
{
    KQ_LABEL *at = plane - KQ_NAME(margin)(stride);
    while (at < plane)
        *at++ = first;
}

static int KQ_NAME(copy_out)(const kq_tokens_tile *tile, const KQ_LABEL *plane, size_t first,
                             size_t count)
{
    if (sizeof(KQ_LABEL) == 1) {
        memcpy((uint8_t *)tile->labels + first, plane, count);
        return 1;
    }
    uint16_t *out = (uint16_t *)tile->labels + first;
    for (size_t i = 0; i < count; i++) {
        if (plane[i] >= tile->k)
            return 0;
        out[i] = (uint16_t)kq_label_below(tile->k, tile->order, plane[i], 1);
    }
    return 1;
}

KQ_FUNCTION int KQ_NAME(one_stream)(const kq_tokens *t, const kq_tokens_tile *tile,
                                    const uint8_t *const *streams)
{
    const size_t stride = tile->width < 2 ? 2 : tile->width, labels = tile->width * tile->height;
    const size_t margin = KQ_NAME(margin)(stride);
    KQ_LABEL *memory = (KQ_LABEL *)KQ_MALLOC((margin + labels + KQ_PLANE_SLACK) * sizeof *memory);
    uint32_t *kept = (uint32_t *)KQ_CALLOC((labels >> 3) + 1, sizeof *kept);
    int done = -1;
    if (memory && kept) {
        KQ_NAME(begin_plane)(memory + margin, stride, (KQ_LABEL)t->first);
        done = KQ_NAME(stream)(t, memory + margin, labels, tile->width, streams[0], streams[1],
                               kept) &&
               KQ_NAME(copy_out)(tile, memory + margin, 0, labels);
    }
    KQ_FREE(memory);
    KQ_FREE(kept);
    return done;
}

KQ_FUNCTION int KQ_NAME(three_bands)(const kq_tokens *t, const kq_tokens_tile *tile,
                                     const uint8_t *const *streams)
{
    const size_t width = tile->width, stride = width < 2 ? 2 : width;
    const size_t rows = tile->height / KQ_BANDS, more = tile->height - KQ_BANDS * rows;
    const size_t margin = KQ_NAME(margin)(stride), size = margin + rows * width;
    KQ_LABEL *memory =
        (KQ_LABEL *)KQ_MALLOC((KQ_BANDS * size + more * width + KQ_PLANE_SLACK) * sizeof *memory);
    KQ_NAME(part) *part = (KQ_NAME(part) *)KQ_MALLOC(sizeof *part);
    KQ_NAME(band) bands[KQ_BANDS];
    KQ_LABEL *planes[KQ_BANDS], *at[KQ_BANDS];
    int done = -1;
    if (memory && part) {
        const uint8_t *bytes = streams[0], *end = streams[KQ_BANDS];
        for (size_t i = 0; i < KQ_BANDS; i++) {
            kq_bits stream = {bytes, 8 * (size_t)(streams[i] - bytes)};
            at[i] = planes[i] = memory + i * size + margin;
            KQ_NAME(begin_plane)(planes[i], stride, (KQ_LABEL)t->first);
            bands[i].before = t->first << 8 * sizeof(KQ_LABEL) | t->first;
            bands[i].state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
            bands[i].position = stream.position;
        }
        done = KQ_NAME(bands)(bands, at, t, part, rows, width, bytes, end, 1) &&
               KQ_NAME(bands)(bands, at, t, part, more, width, bytes, end, 0);
        for (size_t i = 0; i < KQ_BANDS && done; i++) {
            const kq_bits stream = {bytes, bands[i].position};
            done = bands[i].state == 0 && kq_bits_done(&stream, streams[i + 1]) &&
                   KQ_NAME(copy_out)(tile, planes[i], i * rows * width,
                                     (rows + (i == KQ_BANDS - 1 ? more : 0)) * width);
        }
    }
    KQ_FREE(memory);
    KQ_FREE(part);
    return done;
}

KQ_RUN static int KQ_NAME(tile)(const kq_tokens *t, const kq_tokens_tile *tile,
                                const uint8_t *const *streams)
{
    return t->front.bands ? KQ_NAME(three_bands)(t, tile, streams)
                          : KQ_NAME(one_stream)(t, tile, streams);
}
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
/* ---- file/frame_parts.h ---- */
/* A tile that is told from the frame before, by the coder `tokens` (spec/kq.md, section 19):
 * blocks that have moved, and a rectangle in which some labels are others.
 */

#define KQ_FROM_BEFORE 7 /* the first byte of such payloads */

typedef struct {
    kq_frame_move moves[KQ_MOST_MOVES]; /* from the frame before */
    size_t move_count;
    size_t runs; /* of blocks that have moved; 0 without moves */
    kq_span lists;
    size_t left, top, width, height; /* of the rectangle; 0 without one */
    kq_span rest;                    /* the payload of its labels */
} kq_frame_parts;

/* So many numbers, each written as a length is. Returns 0 if they aren't there. */
static int kq_frame_numbers(const uint8_t **at, const uint8_t *end, size_t *numbers, int count)
{
    for (int i = 0; i < count; i++)
        if (!kq_tokens_length(at, end, numbers + i))
            return 0;
    return 1;
}

/* 0, -1, 1, -2 … of 0, 1, 2, 3 … */
static int32_t kq_frame_signed(size_t number)
{
    return number & 1 ? -(int32_t)(number / 2) - 1 : (int32_t)(number / 2);
}

static size_t kq_blocks_of(size_t side)
{
    return (side + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
}

/* By how much blocks have moved, and the payload of which. Returns 0 if that can't be. */
static int kq_frame_moves(kq_frame_parts *parts, size_t width, size_t height, const uint8_t **at,
                          const uint8_t *end)
{
    size_t numbers[2];
    for (size_t i = 0; i < parts->move_count; i++) {
        kq_frame_move *move = parts->moves + i;
        if (!kq_frame_numbers(at, end, numbers, 2))
            return 0;
        move->dx = kq_frame_signed(numbers[0]);
        move->dy = kq_frame_signed(numbers[1]);
        if (move->dx <= -(int64_t)width || move->dx >= (int64_t)width ||
            move->dy <= -(int64_t)height || move->dy >= (int64_t)height ||
            (move->dx == 0 && move->dy == 0))
            return 0;
    }
    if (!kq_frame_numbers(at, end, numbers, 2) || numbers[1] > (size_t)(end - *at) ||
        numbers[0] >= kq_blocks_of(width) * kq_blocks_of(height))
        return 0;
    parts->runs = numbers[0] + 1;
    parts->lists.bytes = *at;
    parts->lists.size = numbers[1];
    *at += numbers[1];
    return 1;
}

/* What a payload says that begins with KQ_FROM_BEFORE, of a tile of that size. Returns 0 if it
 * can't be. */
static int kq_frame_parts_read(kq_frame_parts *parts, size_t width, size_t height, kq_span payload)
{
    const uint8_t *at = payload.bytes + 2, *const end = payload.bytes + payload.size;
    size_t box[4];
    memset(parts, 0, sizeof *parts);
    if (payload.size < 2 || payload.bytes[1] > KQ_MOST_MOVES)
        return 0;
    parts->move_count = payload.bytes[1];
    if (parts->move_count && !kq_frame_moves(parts, width, height, &at, end))
        return 0;
    if (parts->move_count && at == end)
        return 1;
    if (!kq_frame_numbers(&at, end, box, 4) || at == end || box[0] + box[2] >= width ||
        box[1] + box[3] >= height)
        return 0;
    parts->left = box[0];
    parts->top = box[1];
    parts->width = box[2] + 1;
    parts->height = box[3] + 1;
    parts->rest.bytes = at;
    parts->rest.size = (size_t)(end - at);
    return 1;
}

/* The labels of a tile, of so many bytes each. */
typedef struct {
    uint8_t *labels;
    size_t width, height, bytes;
} kq_moved_tile;

/* Copies blocks, from one to before another, from where `move` says in `before`. Returns 0 if one
 * would come from outside. */
static int kq_frame_move_run(const kq_moved_tile *tile, const uint8_t *before, size_t first,
                             size_t end, kq_frame_move move)
{
    const size_t across = kq_blocks_of(tile->width), stride = tile->width * tile->bytes;
    for (size_t i = first; i < end; i++) {
        const size_t x = i % across * KQ_FRAME_BLOCK, y = i / across * KQ_FRAME_BLOCK;
        const size_t right = x + KQ_FRAME_BLOCK, lower = y + KQ_FRAME_BLOCK;
        const size_t wide = (right < tile->width ? right : tile->width) - x;
        const size_t high = (lower < tile->height ? lower : tile->height) - y;
        const int64_t from_x = (int64_t)x + move.dx, from_y = (int64_t)y + move.dy;
        if (from_x < 0 || from_y < 0 || from_x + (int64_t)wide > (int64_t)tile->width ||
            from_y + (int64_t)high > (int64_t)tile->height)
            return 0;
        for (size_t row = 0; row < high; row++)
            memcpy(tile->labels + (y + row) * stride + x * tile->bytes,
                   before + ((size_t)from_y + row) * stride + (size_t)from_x * tile->bytes,
                   wide * tile->bytes);
    }
    return 1;
}

/* The same of all runs, whose `numbers` are lists one behind the other. */
static int kq_frame_move_runs(const kq_frame_parts *parts, const kq_moved_tile *tile,
                              const uint8_t *before, const uint64_t *numbers)
{
    const uint64_t *gaps = numbers, *lengths = gaps + parts->runs, *which = lengths + parts->runs;
    const uint64_t blocks = kq_blocks_of(tile->width) * kq_blocks_of(tile->height);
    uint64_t at = 0;
    for (size_t i = 0; i < parts->runs; i++) {
        const uint64_t move = parts->move_count > 1 ? which[i] : 0;
        if (move >= parts->move_count || gaps[i] >= blocks - at ||
            lengths[i] >= blocks - at - gaps[i])
            return 0;
        at += gaps[i];
        if (!kq_frame_move_run(tile, before, (size_t)at, (size_t)(at + lengths[i] + 1),
                               parts->moves[move]))
            return 0;
        at += lengths[i] + 1;
    }
    return 1;
}

/* Fills the blocks of a tile that have moved. Returns 1, 0 if the payload is invalid, -1 without
 * memory. */
static int kq_frame_parts_move(const kq_frame_parts *parts, const kq_moved_tile *tile)
{
    const size_t size = tile->width * tile->height * tile->bytes;
    const size_t lists = parts->move_count > 1 ? 3 : 2;
    const uint64_t counts[3] = {parts->runs, parts->runs, parts->runs};
    if (parts->move_count == 0)
        return 1;
    uint64_t *numbers = (uint64_t *)KQ_MALLOC(parts->runs * lists * sizeof *numbers);
    uint8_t *before = (uint8_t *)KQ_MALLOC(size);
    int done = -1;
    if (numbers && before) {
        memcpy(before, tile->labels, size);
        done = kq_numbers_decode(parts->lists.bytes, parts->lists.size, counts, lists, numbers) &&
               kq_frame_move_runs(parts, tile, before, numbers);
    }
    KQ_FREE(numbers);
    KQ_FREE(before);
    return done;
}

/* Puts the labels of the rectangle in their places: each one more, in so many bytes, 0 where there
 * is none. */
static void kq_frame_parts_fill(const kq_frame_parts *parts, const kq_moved_tile *tile,
                                const void *labels, size_t bytes)
{
    for (size_t y = 0; y < parts->height; y++) {
        const size_t to = (parts->top + y) * tile->width + parts->left, from = y * parts->width;
        for (size_t x = 0; x < parts->width; x++) {
            const uint32_t more = kq_map_label(labels, (int)bytes, from + x);
            if (more)
                kq_label_set(tile->labels, to + x, tile->bytes == 2, more - 1);
        }
    }
}
/* ---- context/model.h ---- */
/* What the coder `context` knows before it codes a label (spec/kq.md, section 16):
 * the labels around it, colours predicted from theirs, and the contexts that are
 * sums of hashed features.
 *
 * Labels are places here: indices into the palette in the order of the tree, in
 * which neighbours have similar colours.
 */

#define KQ_MARGIN 8          /* labels kept free on both sides of a row */
#define KQ_ABOVE 3           /* rows kept free above the first */
#define KQ_BEFORE 3          /* labels compared in the rows above a run, before it */
#define KQ_BEHIND 4          /* and behind it */
#define KQ_READ_BEHIND 32    /* labels that vectors may read behind the last row */
#define KQ_COLOR_CELLS 32768 /* of the colour cube, 8 x 8 x 8 colours each */
#define KQ_GEOMETRY_MAX 4096 /* a palette larger than this predicts no colours */
#define KQ_BLOCK 16          /* entries that share a box of colours */
#define KQ_BLOCKS (KQ_GEOMETRY_MAX / KQ_BLOCK)

#define KQ_MAX_LANES 32 /* a context each, and the match in the last */
#define KQ_MAX_INPUTS (3 * KQ_MAX_LANES)
#define KQ_UNKNOWN 0xFFFF

/* The kinds of features, each with a multiplier of its own: an odd number's powers. */
/* clang-format off */
enum {
    KQ_W, KQ_N, KQ_NW, KQ_NE, KQ_WW, KQ_NN, KQ_NWW, KQ_NEE, KQ_NNW, KQ_NNE, KQ_WWW, KQ_NNN,
    KQ_NEIGHBOURS,
    KQ_MEDIAN = KQ_NEIGHBOURS, /* entries nearest to predicted colours */
    KQ_MEAN, KQ_WIDE, KQ_SLANT, KQ_ALONG, KQ_DOWN, KQ_RISE,
    KQ_EQUAL10, KQ_EQUAL22,
    KQ_FEATURES,
    KQ_ALL_FEATURES = 24 /* padding */
};
/* clang-format on */

typedef struct {
    size_t width, height, stride;
    uint16_t *labels; /* (height + KQ_ABOVE) rows of stride */
    uint32_t k;
    int colorless;    /* whether there is no palette: contexts are others then */
    uint32_t *colors; /* k, in the order of the tree, a byte a channel, red lowest; or NULL */
    uint16_t *cells;  /* nearest entries to the middles of cells, or KQ_UNKNOWN */
    uint8_t least[KQ_BLOCKS][3], most[KQ_BLOCKS][3]; /* of the colours of each block */
} kq_plane;

typedef struct {
    KQ_ALIGNED(32) uint32_t feature[KQ_ALL_FEATURES];
    uint32_t equal; /* which neighbours are equal, a bit for each pair */
} kq_surroundings;

/* The boxes of the blocks: neighbours in the order of the tree have similar colours. */
static void kq_find_boxes(kq_plane *plane)
{
    for (uint32_t i = 0; i < plane->k; i++)
        for (int c = 0; c < 3; c++) {
            uint8_t value = (uint8_t)(plane->colors[i] >> 8 * c);
            uint8_t *least = &plane->least[i / KQ_BLOCK][c], *most = &plane->most[i / KQ_BLOCK][c];
            if (i % KQ_BLOCK == 0)
                *least = *most = value;
            *least = value < *least ? value : *least;
            *most = value > *most ? value : *most;
        }
}

/* Squared, channels counting 3, 4 and 2. */
static inline int32_t kq_color_distance(int red, int green, int blue)
{
    return 3 * red * red + 4 * green * green + 2 * blue * blue;
}

/* How far a value is outside the range. */
static inline int kq_outside_range(int value, int least, int most)
{
    return value < least ? least - value : value > most ? value - most : 0;
}

/* The least of `least` and what the entries of a block have: 20 bits of their distance to a
 * colour, and below it the entry, so that the first of equal ones is the least. */
static uint32_t kq_nearest_of_block(const kq_plane *plane, uint32_t block, const int *color,
                                    uint32_t least)
{
    uint32_t end = (block + 1) * KQ_BLOCK < plane->k ? (block + 1) * KQ_BLOCK : plane->k;
    for (uint32_t i = block * KQ_BLOCK; i < end; i++) {
        uint32_t c = plane->colors[i];
        int32_t distance = kq_color_distance(
            (int)(c & 255) - color[0], (int)(c >> 8 & 255) - color[1], (int)(c >> 16) - color[2]);
        uint32_t found = (uint32_t)distance << 12 | i;
        least = found < least ? found : least;
    }
    return least;
}

/* Finds the entry nearest to the middle of a cell: 5 bits of each channel, red above; of
 * several the first. A block whose box is farther than the nearest of the nearest box is left out:
 * without that, small tiles of a large palette would take most of their time here. */
static uint32_t kq_fill_cell(const kq_plane *plane, uint32_t cell)
{
    const int middle[3] = {(int)(cell >> 10 << 3 | 4), (int)((cell >> 5 & 31) << 3 | 4),
                           (int)((cell & 31) << 3 | 4)};
    const uint32_t blocks = (plane->k + KQ_BLOCK - 1) / KQ_BLOCK;
    int32_t bounds[KQ_BLOCKS];
    uint32_t nearest = 0;
    for (uint32_t b = 0; b < blocks; b++) {
        const uint8_t *low = plane->least[b], *high = plane->most[b];
        bounds[b] = kq_color_distance(kq_outside_range(middle[0], low[0], high[0]),
                                      kq_outside_range(middle[1], low[1], high[1]),
                                      kq_outside_range(middle[2], low[2], high[2]));
        if (bounds[b] < bounds[nearest])
            nearest = b;
    }
    uint32_t least = kq_nearest_of_block(plane, nearest, middle, UINT32_MAX);
    for (uint32_t b = 0; b < blocks; b++)
        if (b != nearest && (uint32_t)bounds[b] <= least >> 12)
            least = kq_nearest_of_block(plane, b, middle, least);
    plane->cells[cell] = (uint16_t)(least & 4095);
    return least & 4095;
}

KQ_INLINE uint32_t kq_cell_entry(const kq_plane *plane, uint32_t cell)
{
    uint32_t entry = plane->cells[cell];
    return entry != KQ_UNKNOWN ? entry : kq_fill_cell(plane, cell);
}

/* The entry for a colour: that of its cell. */
KQ_INLINE uint32_t kq_nearest_entry(const kq_plane *plane, const int *color)
{
    return kq_cell_entry(plane,
                         (uint32_t)(color[0] >> 3 << 10 | color[1] >> 3 << 5 | color[2] >> 3));
}

KQ_INLINE int kq_byte(int x)
{
    return x < 0 ? 0 : x > 255 ? 255 : x;
}

/* The labels around `at`, and which are equal. */
KQ_INLINE void kq_survey(const uint16_t *at, ptrdiff_t stride, kq_surroundings *s)
{
    uint32_t *f = s->feature;
    const uint16_t *n = at - stride, *nn = n - stride, *nnn = nn - stride;
    f[KQ_W] = at[-1], f[KQ_WW] = at[-2], f[KQ_WWW] = at[-3];
    f[KQ_N] = n[0], f[KQ_NW] = n[-1], f[KQ_NE] = n[1], f[KQ_NWW] = n[-2], f[KQ_NEE] = n[2];
    f[KQ_NN] = nn[0], f[KQ_NNW] = nn[-1], f[KQ_NNE] = nn[1], f[KQ_NNN] = nnn[0];
    s->equal = (uint32_t)(f[KQ_W] == f[KQ_N]) | (uint32_t)(f[KQ_W] == f[KQ_NW]) << 1 |
               (uint32_t)(f[KQ_N] == f[KQ_NW]) << 2 | (uint32_t)(f[KQ_N] == f[KQ_NE]) << 3 |
               (uint32_t)(f[KQ_W] == f[KQ_WW]) << 4 | (uint32_t)(f[KQ_N] == f[KQ_NN]) << 5 |
               (uint32_t)(f[KQ_W] == f[KQ_NE]) << 6 | (uint32_t)(f[KQ_WW] == f[KQ_NW]) << 7 |
               (uint32_t)(f[KQ_NN] == f[KQ_NE]) << 8 | (uint32_t)(f[KQ_NW] == f[KQ_NE]) << 9 |
               (uint32_t)(f[KQ_NW] == f[KQ_NWW]) << 10 | (uint32_t)(f[KQ_NE] == f[KQ_NEE]) << 11 |
               (uint32_t)(f[KQ_NN] == f[KQ_NNE]) << 12 | (uint32_t)(f[KQ_NN] == f[KQ_NNW]) << 13 |
               (uint32_t)(f[KQ_NW] == f[KQ_NNW]) << 14 | (uint32_t)(f[KQ_NE] == f[KQ_NNE]) << 15 |
               (uint32_t)(f[KQ_WW] == f[KQ_WWW]) << 16 | (uint32_t)(f[KQ_NN] == f[KQ_NNN]) << 17 |
               (uint32_t)(f[KQ_WW] == f[KQ_NWW]) << 18 | (uint32_t)(nn[1] == nn[2]) << 19 |
               (uint32_t)(nn[-1] == nn[-2]) << 20 | (uint32_t)(n[2] == nn[2]) << 21;
    f[KQ_EQUAL10] = s->equal & 1023;
    f[KQ_EQUAL22] = s->equal;
}

/* No colours, or too many to predict any from: the label on the left stands for all; where there
 * is no palette, two that say more stand for the first two. */
KQ_INLINE void kq_predict_none(const kq_plane *plane, kq_surroundings *s)
{
    for (int i = KQ_MEDIAN; i <= KQ_RISE; i++)
        s->feature[i] = s->feature[KQ_W];
    if (plane->colorless) {
        s->feature[KQ_MEDIAN] = s->feature[KQ_NE];
        s->feature[KQ_MEAN] = s->feature[KQ_NEE];
    }
}

#define KQ_MULTIPLIER 0x9E3779B1u
#define KQ_GROUP_MULTIPLIER 0xC9E50421u /* its power after those of the features */

KQ_INLINE uint32_t kq_scramble(uint32_t h)
{
    h ^= h >> 15;
    h *= 0x2C1B3C6Du;
    return h ^ h >> 12;
}

/* KQ_MULTIPLIER to the powers 1, 2, ..: one for each feature. */
static KQ_ALIGNED(32) const uint32_t kq_multipliers[KQ_ALL_FEATURES] = {
    0x9E3779B1u, 0xFFE6CC61u, 0xCC042811u, 0x1F76BCC1u, 0x8BC6BA71u, 0x5ECD5121u,
    0x6364B0D1u, 0x4B180981u, 0xF0D38B31u, 0xA49465E1u, 0xB018C991u, 0x448FE641u,
    0x0149EBF1u, 0x43680AA1u, 0x6E8C7251u, 0x5E8A5301u, 0x3215DCB1u, 0x9E743F61u,
    0xFC2BAB11u, 0x3CB34FC1u, 0xF9235D71u, 0xC9E50421u, 0x176273D1u, 0x93B6DC81u,
};

/* Of more entries than these, labels say so much by themselves that the small model
 * looks at W alone instead of three labels above each other. */
#define KQ_FEW 64

/* The hashes of the contexts, sums of features' terms; for the lane behind them 0. Where
 * there is a match, `matched`, the small model looks at all twelve neighbours instead of
 * a predicted colour; where there is no palette too, and at NEE in two places: labels that are
 * names say most where a new one begins. Returns the match's, the sum of eleven neighbours. */
KQ_INLINE uint32_t kq_hash_contexts(const kq_surroundings *s, const kq_plane *plane, int lanes,
                                    int matched, uint32_t *hashes)
{
    KQ_ALIGNED(32) uint32_t t[KQ_ALL_FEATURES];
    for (int j = 0; j < KQ_FEATURES; j++)
        t[j] = (s->feature[j] + 1) * kq_multipliers[j];
    const uint32_t w = t[KQ_W], n = t[KQ_N], nw = t[KQ_NW], ne = t[KQ_NE], ww = t[KQ_WW],
                   nn = t[KQ_NN];
    const uint32_t six = w + n + nw + ne + ww + nn, nine = six + t[KQ_NWW] + t[KQ_NEE] + t[KQ_NNE];
    const uint32_t eleven = nine + t[KQ_NNW] + t[KQ_WWW], twelve = eleven + t[KQ_NNN];
    const int small = lanes < KQ_MAX_LANES;
    const int names = small && plane->colorless;
    const uint32_t first[7] = {w + (names ? t[KQ_NEE] : ww),
                               t[KQ_EQUAL22],
                               names || (small && matched) ? twelve : t[KQ_MEDIAN],
                               w + n + ne,
                               n,
                               names                        ? t[KQ_NEE]
                               : small && plane->k > KQ_FEW ? w
                                                            : n + nn + t[KQ_NNN],
                               w + n + nw};
    memcpy(hashes, first, sizeof first);
    if (!small) {
        const uint32_t more[24] = {
            t[KQ_WIDE] + t[KQ_MEAN],
            w,
            t[KQ_EQUAL10],
            t[KQ_SLANT] + t[KQ_ALONG],
            w + ww + t[KQ_WWW],
            twelve,
            t[KQ_RISE] + w,
            n + nn,
            n + ne + nn + t[KQ_NNE],
            w + ne,
            t[KQ_MEDIAN] + n,
            w + n,
            six,
            t[KQ_EQUAL10] + w,
            t[KQ_DOWN] + w,
            nine,
            t[KQ_MEAN] + w,
            nw,
            ne,
            n + nw + ne,
            t[KQ_WIDE] + t[KQ_MEDIAN],
            t[KQ_EQUAL22] + w,
            ww + nn,
            t[KQ_ALONG] + t[KQ_DOWN],
        };
        memcpy(hashes + 7, more, sizeof more);
    }
    hashes[lanes - 1] = 0;
    return eleven;
}
/* ---- context/state.h ---- */
/* What the coder `context` has learned, and what it knows of the label at hand: the sizes of
 * its tables and the model's state. All of it begins anew with each tile.
 */

#define KQ_DEPTHS 16                                                /* of the tree */
#define KQ_SLOT_BITS 17                                             /* of the largest tables */
#define KQ_MATCH_ROWS 8                                             /* by how long it has held */
#define KQ_COUNTER_BEGIN (((4u << 20) - (4u << 20) / 64) << 10 | 2) /* 63/64, n = 2 */
#define KQ_HALF_BEGIN ((2u << 20) << 10 | 2)                        /* 1/2, n = 2 */
#define KQ_SURE (((4u << 20) - (4u << 20) / 16) << 10)              /* 15/16 */
#define KQ_MATCH_BEGIN 50000
#define KQ_RUN_MOST 256  /* labels: to look ahead takes little time, whatever follows */
#define KQ_LONG_MATCH 32 /* held so long, it is asked for where the rows above differ */
#define KQ_MOST_NAMES 3  /* labels asked about by name */

/* Rows of weights, set by set: those of each question, then those of the tree. */
#define KQ_MAX_SETS 3
#define KQ_TREE_ROWS0 (KQ_MOST_NAMES * 3 * 128)
#define KQ_TREE_ROWS1 (KQ_MOST_NAMES * 256)
#define KQ_TREE_ROWS2 (KQ_MOST_NAMES * 512)
#define KQ_ROWS0 (KQ_TREE_ROWS0 + KQ_DEPTHS * 81) /* equal neighbours; guesses */
#define KQ_ROWS1 (KQ_TREE_ROWS1 + 256)            /* the label asked about; the path */
#define KQ_ROWS2 \
    (KQ_TREE_ROWS2 + KQ_DEPTHS * 64) /* more equal neighbours; the label on the left \
                                      */
#define KQ_ROWS (KQ_ROWS0 + KQ_ROWS1 + KQ_ROWS2)
/* The final mixer: its rows, and the largest weight, so that sums fit into 32 bits. */
#define KQ_FINAL_ROWS (2 * KQ_MATCH_ROWS)
#define KQ_FINAL_MOST (1 << 18)

/* The models: how many lanes and sets of weights, and how long a match must have held before
 * a run of it is asked for. */
typedef struct {
    int lanes, sets, run_match;
} kq_context_shape;

enum { KQ_DENSE, KQ_SMALL, KQ_LARGE, KQ_LATER, KQ_MODELS };
#define KQ_SHAPE_SMALL 8, 2, 8
#define KQ_SHAPE_LARGE 32, 3, 32
#define KQ_LATER_LANES 16 /* of labels coded from the frame before, which has no runs */
#define KQ_LATER_SETS 3
static const kq_context_shape kq_context_shapes[KQ_MODELS] = {
    {0, 0, 0}, {KQ_SHAPE_SMALL}, {KQ_SHAPE_LARGE}, {KQ_LATER_LANES, KQ_LATER_SETS, 0}};

#define KQ_IS_LATER(lanes) ((lanes) == KQ_LATER_LANES)

/* The large model has histories beside counters, and counts chances half. */
#define KQ_HAS_HISTORIES(lanes) ((lanes) == KQ_MAX_LANES)
#define KQ_INPUTS(lanes) ((lanes) * (KQ_HAS_HISTORIES(lanes) ? 3 : 2))
#define KQ_CHANCE_SHIFT(lanes) (KQ_HAS_HISTORIES(lanes) ? 8 : 7)
/* Of the large model, contexts from 11 on share tables, two and two: 21 in all. */
#define KQ_TABLE(i) ((i) < 11 ? (i) : 11 + ((i)-11) / 2)
#define KQ_TABLES(lanes) (KQ_TABLE((lanes)-2) + 1)
#define KQ_BIAS 256 /* an input that is always the same, in place of the match's history */

/* Vectors of one number each, for AVX2: here they are operands in memory, where the
 * compiler would make them anew for each decision. */
/* clang-format off */
enum {
    KQ_V_CHECK, KQ_V_ONE, KQ_V_N, KQ_V_PICK, KQ_V_TWO, KQ_V_CENTRE, KQ_V_MOST, KQ_V_LEAST,
    KQ_V_STOP, KQ_V_BIT,
    KQ_VECTORS
};
/* clang-format on */
static const uint32_t kq_vector_numbers[KQ_VECTORS] = {
    63 << 6, 1, 15, 0x80808000, 1 << 17, 0u - 2048, KQ_LOGIT_MAX, 0u - KQ_LOGIT_MAX, 128, 65535,
};

typedef struct {
    kq_plane plane;
    kq_sequence *sequence; /* of a frame that is coded from the one before */
    const kq_logistic *tables;
    const kq_context_shape *shape;
    int asks;                     /* whether labels are asked about by name first */
    int line_bits;                /* of a context's table */
    void *memory;                 /* of the tables up to `places`, and the plane's cells */
    uint32_t *slots;              /* tables x lines x 16, aligned */
    uint32_t *histories;          /* of the large model, lanes x 2 x KQ_HISTORIES: p << 16 */
    int32_t *weights;             /* KQ_ROWS x inputs, aligned: those that were used */
    int32_t first[KQ_MAX_INPUTS]; /* what a row begins with */
    uint16_t seen[KQ_ROWS];       /* how often a row was used, up to KQ_RATES - 1 */
    uint32_t rates[KQ_RATES];     /* the rate, and how often it was used then << 16 */
    /* counters, p in 22 bits and n in 10: of whole runs, and of where they end */
    uint32_t flat[256], alike[128], unlike[128], ends[2][64];
    uint32_t *places;                 /* where surroundings were seen last, by hash */
    int place_bits;                   /* 0: no match model */
    uint32_t *displaced;              /* by column: how far away the last right match was */
    uint16_t match[2][KQ_MATCH_ROWS]; /* how often the match is right: question, tree */
    int32_t final[KQ_FINAL_ROWS][KQ_MAX_SETS]; /* weights, 65536 being 1 */
    /* this pixel's */
    kq_surroundings around;
    size_t row_at;      /* in plane.labels */
    ptrdiff_t match_at; /* there, or ahead of it in the frame before */
    uint32_t match_length;
    int expected;                /* the matched label, -1 for none, or if it was refused */
    uint32_t marks[KQ_MAX_SETS]; /* of its surroundings and the frame before's, for rows */
    KQ_ALIGNED(32) uint32_t hashes[KQ_MAX_LANES];
    KQ_ALIGNED(32) uint32_t lines[KQ_MAX_LANES];   /* where node 0 is */
    KQ_ALIGNED(32) uint32_t fresh[KQ_MAX_LANES];   /* an unused slot there */
    KQ_ALIGNED(32) int32_t vectors[KQ_VECTORS][8]; /* numbers, eight times each */
    /* the coder: one of the two */
    kq_range_decoder *decoder;
} kq_context;
/* ---- frames/planes.h ---- */
/* The planes of a sequence (spec/kq.md, section 19): blocks that stay or come from elsewhere, and
 * what is kept of a frame for those that follow.
 */

/* Features of the frame before, and what each is multiplied by: powers that follow on those of
 * still pictures. */
enum {
    KQ_P,
    KQ_PE,
    KQ_PS,
    KQ_Q,
    KQ_SAME,
    KQ_SAME_EQUAL,
    KQ_MATCHED,
    KQ_FARTHER,
    KQ_LATER_FEATURES
};
static const uint32_t kq_later_multipliers[KQ_LATER_FEATURES] = {
    0x8D5E6E31u, 0x4AE658E1u, 0x9F9CCC91u, 0xE940F941u,
    0xA6B30EF1u, 0xD7A43DA1u, 0x5546B551u, 0x53FDA601u,
};
/* A feature's part in a hash. */
#define KQ_TERM(kind, value) (((value) + 1) * kq_later_multipliers[kind])
#define KQ_LATER_SHARED 7 /* contexts, which are those of the small model */

static size_t kq_smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* After labels of a row have changed: the margins at its right and, of the row below, at its
 * left, are always the last label of the row, and the first label of the row above. */
static void kq_frame_margins(kq_context *m, size_t y)
{
    uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN;
    uint16_t *below = row + m->plane.stride;
    for (size_t i = 0; i < KQ_MARGIN; i++) {
        row[m->plane.width + i] = row[m->plane.width - 1];
        if (y + 1 < m->plane.height)
            below[(ptrdiff_t)i - KQ_MARGIN] = row[0];
    }
}

/* How far away the last right match was in the column of a label: from -S to 2 S, S being the
 * labels of a plane, so that 32 bits tell it even where S is over 2^30. */
static ptrdiff_t kq_frame_behind(const kq_context *m, size_t at)
{
    const uint32_t behind = m->displaced[at - m->row_at];
    return (ptrdiff_t)(behind > 2 * (uint64_t)m->sequence->size
                           ? (int64_t)behind - (INT64_C(1) << 32)
                           : (int64_t)behind);
}

/* The labels of a block: from the first, so many rows and columns. */
typedef struct {
    size_t at, x, y, width, height;
} kq_block;

static kq_block kq_block_at(const kq_context *m, size_t index)
{
    const kq_sequence *s = m->sequence;
    kq_block block;
    block.x = index % s->blocks_wide * KQ_FRAME_BLOCK;
    block.y = index / s->blocks_wide * KQ_FRAME_BLOCK;
    block.width = kq_smaller(KQ_FRAME_BLOCK, m->plane.width - block.x);
    block.height = kq_smaller(KQ_FRAME_BLOCK, m->plane.height - block.y);
    block.at = (block.y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN + block.x;
    return block;
}

/* Where a block comes from by a move, NULL if that is outside of the frame. */
static const uint16_t *kq_moved_from(const kq_context *m, const kq_block *block,
                                     const kq_frame_move *move)
{
    const kq_sequence *s = m->sequence;
    const ptrdiff_t x = (ptrdiff_t)block->x + move->dx, y = (ptrdiff_t)block->y + move->dy;
    if (move->from > s->earlier_count || x < 0 || y < 0 ||
        (size_t)x + block->width > m->plane.width || (size_t)y + block->height > m->plane.height)
        return NULL;
    const uint16_t *plane = move->from ? s->earlier[move->from - 1] : m->plane.labels - s->size;
    return plane + (ptrdiff_t)block->at + move->dy * (ptrdiff_t)m->plane.stride + move->dx;
}

/* Whether a row of blocks has changed ones. */
static int kq_blocks_changed(const kq_sequence *s, size_t row)
{
    for (size_t x = 0; x < s->blocks_wide; x++)
        if (s->blocks[row * s->blocks_wide + x])
            return 1;
    return 0;
}

/* Fills the blocks that come from elsewhere; returns how many labels they have, -1 if one would
 * come from outside. */
static long long kq_move_blocks(kq_context *m)
{
    const kq_sequence *s = m->sequence;
    long long moved = 0;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        if (s->blocks[i] < KQ_MOVED)
            continue;
        const kq_block block = kq_block_at(m, i);
        const uint16_t *from = kq_moved_from(m, &block, &s->moves[s->blocks[i] - KQ_MOVED]);
        if (!from)
            return -1;
        for (size_t y = 0; y < block.height; y++)
            memcpy(m->plane.labels + block.at + y * m->plane.stride, from + y * m->plane.stride,
                   block.width * sizeof *from);
        moved += (long long)(block.width * block.height);
    }
    for (size_t y = 0; moved && y < m->plane.height; y++)
        if (kq_blocks_changed(s, y / KQ_FRAME_BLOCK))
            kq_frame_margins(m, y);
    return moved;
}

/* How many labels the blocks have that are coded. */
static long long kq_coded_labels(const kq_context *m)
{
    const kq_sequence *s = m->sequence;
    long long coded = 0;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        const kq_block block = kq_block_at(m, i);
        coded += s->blocks[i] == KQ_CODED ? (long long)(block.width * block.height) : 0;
    }
    return coded;
}

/* After a frame: it becomes the one before, and that an earlier one. */
static void kq_end_frame(kq_context *m)
{
    kq_sequence *s = m->sequence;
    const uint16_t *last = m->plane.labels - s->size;
    for (size_t i = 0; i < s->blocks_wide * s->blocks_high; i++) {
        if (!s->blocks[i])
            continue;
        const kq_block block = kq_block_at(m, i);
        for (size_t y = 0; y < block.height; y++)
            for (size_t x = 0, at = block.at + y * m->plane.stride; x < block.width; x++, at++) {
                const int changed = m->plane.labels[at] != last[at];
                s->replaced[at] = changed ? last[at] : s->replaced[at];
                s->age[at] = (uint8_t)(changed ? 0 : s->age[at] + (s->age[at] < KQ_OLDEST));
            }
    }
    if (s->earlier_most) {
        const int count = s->earlier_count + (s->earlier_count < s->earlier_most);
        uint16_t *oldest = s->earlier[count - 1];
        memmove(s->earlier + 1, s->earlier, (size_t)(count - 1) * sizeof *s->earlier);
        s->earlier[0] = oldest;
        s->earlier_count = count;
        memcpy(oldest, last, s->size * sizeof *oldest);
    }
    for (size_t y = 0; y < s->blocks_high; y++)
        if (kq_blocks_changed(s, y)) {
            /* With the margins of the row below, which are this row's. */
            const size_t first = (y * KQ_FRAME_BLOCK + KQ_ABOVE) * m->plane.stride,
                         rows =
                             kq_smaller(KQ_FRAME_BLOCK + 1, m->plane.height - y * KQ_FRAME_BLOCK);
            memcpy(m->plane.labels - s->size + first, m->plane.labels + first,
                   rows * m->plane.stride * sizeof *last);
        }
    memcpy(s->last_blocks, s->blocks, s->blocks_wide * s->blocks_high);
}
/* ---- context/context.h ---- */
/* The coder `context`: labels as binary decisions, each predicted by mixing what many
 * contexts have seen (spec/kq.md, section 16).
 *
 * A label is first asked for by name: is it the one on the left? Where there is no palette, two
 * more of those around it are asked for. If it is none of them, it is found in the tree, a
 * binary search in the palette. In flat surroundings, and where labels repeat
 * what stands elsewhere, one cheap question is asked of many.
 */

/* Of a weight, 3.29, the upper 16 bits of 3.14. */
KQ_INLINE int32_t kq_weight(int32_t weight)
{
    weight >>= 15;
    return weight > 32767 ? 32767 : weight < -32768 ? -32768 : weight;
}

/* Of the final mixer, -4 to 4. */
KQ_INLINE int32_t kq_final_weight(int32_t weight)
{
    return weight > KQ_FINAL_MOST    ? KQ_FINAL_MOST
           : weight < -KQ_FINAL_MOST ? -KQ_FINAL_MOST
                                     : weight;
}

#define KQ_FUNCTION KQ_INLINE
#define KQ_NAME(name) kq_plain_##name
#if defined(KQ_SIMD128) /* no machine that runs this lacks it */
/* ---- context/view_simd128.h ---- */
/* What stands around a label, for WebAssembly's SIMD (spec/kq.md, section 16): view.h, all
 * neighbours at once.
 */

/* The rows above a label, from 3 before it to 4 behind it. What is on the left stands in
 * scalars: it was written only now, and a vector read over it would wait. */
typedef struct {
    v128_t above, second, third;
    uint32_t w, ww, www;
    v128_t near; /* features in their order: KQ_W .. KQ_NEE */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1], view->ww = at[-2], view->www = at[-3];
    view->above = wasm_v128_load(at - stride - 3);
    view->second = wasm_v128_load(at - 2 * stride - 3);
    view->third = wasm_v128_load(at - 3 * stride - 3);
}

/* Of sixteen comparisons of labels those that hold, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(mask)(v128_t low, v128_t high)
{
    return (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(low, high));
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    if (view->ww != view->w)
        return 0;
    const v128_t w = wasm_i16x8_splat((int16_t)view->w);
    const uint32_t equal =
        KQ_NAME(mask)(wasm_i16x8_eq(view->above, w), wasm_i16x8_eq(view->second, w));
    return (~equal & 0x81C) == 0; /* NW, N, NE; NN */
}

/* Which of eight labels are equal. */
KQ_FUNCTION v128_t KQ_NAME(same)(const uint16_t *a, const uint16_t *b)
{
    return wasm_i16x8_eq(wasm_v128_load(a), wasm_v128_load(b));
}

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    const v128_t all = wasm_i16x8_splat((int16_t)w);
    size_t n = 0;
    for (; n < most; n += 16) {
        v128_t same[2];
        for (int i = 0; i < 2; i++) {
            const size_t at = n + 8 * (size_t)i;
            same[i] = wasm_i16x8_eq(wasm_v128_load(a + at), all);
            same[i] = wasm_v128_and(same[i], wasm_i16x8_eq(wasm_v128_load(b + at), all));
            same[i] = wasm_v128_and(same[i], wasm_i16x8_eq(wasm_v128_load(c + at), all));
        }
        const uint32_t other = KQ_NAME(mask)(same[0], same[1]) ^ 0xFFFF;
        if (other) {
            n += KQ_TRAILING_ZEROS(other);
            break;
        }
    }
    return n < most ? n : most;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    for (; n < most; n += 16) {
        const v128_t low = wasm_v128_and(KQ_NAME(same)(a + n, c + n),
                                         KQ_NAME(same)(a - stride + n, c - stride + n));
        const v128_t high = wasm_v128_and(KQ_NAME(same)(a + n + 8, c + n + 8),
                                          KQ_NAME(same)(a - stride + n + 8, c - stride + n + 8));
        const uint32_t other = KQ_NAME(mask)(low, high) ^ 0xFFFF;
        if (other) {
            n += KQ_TRAILING_ZEROS(other);
            break;
        }
    }
    n = n < most ? n : most;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* The eight nearest. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    const v128_t near = wasm_i16x8_shuffle(view->above, view->second, 0, 3, 2, 4, 0, 8 + 3, 1, 5);
    view->near = wasm_i16x8_replace_lane(wasm_i16x8_replace_lane(near, 0, (int16_t)view->w), 4,
                                         (int16_t)view->ww);
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(const KQ_NAME(view) *view, kq_surroundings *s)
{
    enum { W, N, NW, NE, WW, NN, NWW, NEE, NNW, NNE, WWW, NNN, NN2, NN_2 };
    const v128_t near = view->near;
    v128_t far = wasm_i16x8_shuffle(view->second, view->third, 2, 4, 0, 8 + 3, 5, 1, 0, 0);
    far = wasm_i16x8_replace_lane(far, WWW - NNW, (int16_t)view->www);
    wasm_v128_store(s->feature, wasm_u32x4_extend_low_u16x8(near));
    wasm_v128_store(s->feature + 4, wasm_u32x4_extend_high_u16x8(near));
    wasm_v128_store(s->feature + 8, wasm_u32x4_extend_low_u16x8(far));
    const v128_t a = wasm_i16x8_eq(wasm_i16x8_shuffle(near, near, W, W, N, N, W, N, W, WW),
                                   wasm_i16x8_shuffle(near, near, N, NW, NW, NE, WW, NN, NE, NW));
    const v128_t b =
        wasm_i16x8_eq(wasm_i16x8_shuffle(near, near, NN, NW, NW, NE, NN, NN, NW, NE),
                      wasm_i16x8_shuffle(near, far, NE, NE, NWW, NEE, NNE, NNW, NNW, NNE));
    const v128_t c =
        wasm_i16x8_eq(wasm_i16x8_shuffle(near, far, WW, NN, WW, NNE, NNW, NEE, W, W),
                      wasm_i16x8_shuffle(near, far, WWW, NNN, NWW, NN2, NN_2, NN2, W, W));
    s->equal = KQ_NAME(mask)(a, b) | (KQ_NAME(mask)(c, c) & 63) << 16;
    s->feature[KQ_EQUAL10] = s->equal & 1023;
    s->feature[KQ_EQUAL22] = s->equal;
}

KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    (void)view;
    return kq_hash_contexts(s, plane, lanes, matched, hashes);
}

/* The colours that view.h predicts. Colours are 16 bits a channel, two or one in a vector. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
#define KQ_COLOR(feature) \
    wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(plane->colors + f[feature]))
    const v128_t w = KQ_COLOR(KQ_W), n = KQ_COLOR(KQ_N), nw = KQ_COLOR(KQ_NW), ne = KQ_COLOR(KQ_NE),
                 ww = KQ_COLOR(KQ_WW), nn = KQ_COLOR(KQ_NN);
    const v128_t both = wasm_i16x8_add(w, n), corners = wasm_i16x8_add(nw, ne);
    v128_t median = wasm_i16x8_min(wasm_i16x8_max(w, n), wasm_i16x8_sub(both, nw));
    median = wasm_i16x8_max(wasm_i16x8_min(w, n), median);
    v128_t mean = wasm_i16x8_add(wasm_i16x8_add(both, both), wasm_i16x8_sub(ne, nw));
    v128_t wide = wasm_i16x8_add(wasm_i16x8_sub(wasm_i16x8_shl(both, 3), both),
                                 wasm_i16x8_add(corners, corners));
    wide = wasm_i16x8_add(wasm_i16x8_sub(wide, wasm_i16x8_add(ww, nn)), wasm_i16x8_splat(8));
    mean = wasm_i16x8_shr(mean, 2);
    wide = wasm_i16x8_shr(wide, 4);
    const v128_t slant = wasm_i16x8_add(w, wasm_i16x8_sub(ne, n));
    for (int more = 0; more <= all; more++) {
        v128_t colors = wasm_u8x16_narrow_i16x8(wasm_i64x2_shuffle(median, mean, 0, 2),
                                                wasm_i64x2_shuffle(wide, slant, 0, 2));
        if (more) {
            const v128_t along = wasm_i16x8_sub(wasm_i16x8_add(w, w), ww),
                         down = wasm_i16x8_sub(wasm_i16x8_add(n, n), nn),
                         rise = wasm_i16x8_sub(wasm_i16x8_add(n, ne), KQ_COLOR(KQ_NNE));
            colors = wasm_u8x16_narrow_i16x8(wasm_i64x2_shuffle(along, down, 0, 2), rise);
        }
        /* The cells: five bits of each channel, the red ones above. */
        const v128_t red = wasm_i32x4_shl(wasm_v128_and(colors, wasm_i32x4_splat(0xF8)), 7),
                     green = wasm_v128_and(wasm_u32x4_shr(colors, 6), wasm_i32x4_splat(31 << 5)),
                     blue = wasm_v128_and(wasm_u32x4_shr(colors, 19), wasm_i32x4_splat(31));
        const v128_t cells = wasm_v128_or(wasm_v128_or(red, green), blue);
        uint32_t *found = f + (more ? KQ_ALONG : KQ_MEDIAN);
        found[0] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 0));
        found[1] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 1));
        if (all) /* the small model needs no more */
            found[2] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 2));
        if (all && !more)
            found[3] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 3));
    }
#undef KQ_COLOR
}
/* ---- context/match.h ---- */
/* The match of the coder `context` (spec/kq.md, section 16): it supposes that the labels
 * go on as they went on elsewhere. After lpaq's match model, in two dimensions: besides the
 * place where the same surroundings were last, it tries the displacement that was right in
 * the same column, since repeated pictures go on downwards, too. Included by context.h after
 * view.h, once for plain C and once for AVX2.
 */
/* Of the `count` neighbours that a place has in common with the present one: N, NE, NN,
 * then W, NW, WW and NEE. */
KQ_FUNCTION int KQ_NAME(same_around)(const kq_plane *plane, ptrdiff_t place, const uint32_t *f,
                                     int count)
{
    const uint16_t *z = plane->labels + place, *n = z - plane->stride;
    if (n[0] != f[KQ_N] || n[1] != f[KQ_NE] || *(n - plane->stride) != f[KQ_NN])
        return 0;
    return count == 3 ||
           (z[-1] == f[KQ_W] && n[-1] == f[KQ_NW] && z[-2] == f[KQ_WW] && n[2] == f[KQ_NEE]);
}

/* At the first label of a row, there is none. */
KQ_FUNCTION void KQ_NAME(match_begin_row)(kq_context *m, size_t at)
{
    m->match_length = 0;
    m->match_at = 0;
    m->row_at = at;
}

/* Looks for a match, where there is none, and says what is expected; `hash` is that of
 * eleven neighbours. */
KQ_FUNCTION void KQ_NAME(match_find)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return; /* this tile does without */
    const uint32_t *f = m->around.feature;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = (ptrdiff_t)m->displaced[at - m->row_at],
                        displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at && /* which was wrong only now */
            KQ_NAME(same_around)(&m->plane, displaced, f, 3)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && KQ_NAME(same_around)(&m->plane, (ptrdiff_t)*place, f, 7)) {
            m->match_at = (ptrdiff_t)*place;
            m->match_length = 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

/* After a label is known that wasn't one of a run. */
KQ_FUNCTION void KQ_NAME(match_follow)(kq_context *m, size_t at, uint32_t label)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at] != label)
        m->match_length = 0;
    else {
        m->match_length++;
        m->displaced[at - m->row_at] = (uint32_t)((ptrdiff_t)at - m->match_at);
    }
    m->match_at++;
}

/* How long the match has held, as a number below KQ_MATCH_ROWS. */
KQ_FUNCTION uint32_t KQ_NAME(match_number)(const kq_context *m)
{
    uint32_t bits = kq_log(m->match_length);
    return bits < KQ_MATCH_ROWS ? bits : KQ_MATCH_ROWS - 1;
}
/* ---- context/mix_simd128.h ---- */
/* One decision of the coder `context` for WebAssembly's SIMD: mix.h, four lanes at once.
 *
 * Pointers have 32 bits here: a line of slots is an address, to which a node is added by
 * an exclusive or, since lines begin at multiples of their size.
 */

typedef struct {
    v128_t low, high;
} KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    return (KQ_NAME(places)){wasm_i32x4_make(a, b, c, d), wasm_i32x4_make(e, f, g, h)};
}

KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    const v128_t all = wasm_i32x4_splat(middle);
    return (uint32_t)wasm_i32x4_bitmask(wasm_i32x4_lt(places->low, all)) |
           (uint32_t)wasm_i32x4_bitmask(wasm_i32x4_lt(places->high, all)) << 4;
}

#define KQ_V(name) wasm_v128_load(m->vectors[KQ_V_##name])

typedef struct {
    uint32_t node; /* four times */
    v128_t value[KQ_MAX_LANES / 4], n[KQ_MAX_LANES / 4];
    v128_t history[KQ_MAX_LANES / 4], past[KQ_MAX_LANES / 4];
    v128_t in[KQ_MAX_INPUTS / 4];
} KQ_NAME(sight);

/* Two vectors at a time go as 16-bit numbers, of which pairs of products are added. */
KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    v128_t sums[KQ_MAX_SETS];
    (void)m;
    for (int v = 0; v < inputs / 4; v += 2) {
        const v128_t in = wasm_i16x8_narrow_i32x4(sight->in[v], sight->in[v + 1]);
        for (int s = 0; s < sets; s++) {
            const v128_t one = wasm_v128_load(weights[s] + 4 * v),
                         other = wasm_v128_load(weights[s] + 4 * v + 4);
            const v128_t w =
                wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(one, 15), wasm_i32x4_shr(other, 15));
            const v128_t part = wasm_i32x4_dot_i16x8(w, in);
            sums[s] = v ? wasm_i32x4_add(sums[s], part) : part;
        }
    }
    for (int s = 0; s < sets; s++) {
        v128_t sum = wasm_i32x4_add(sums[s], wasm_i32x4_shuffle(sums[s], sums[s], 2, 3, 0, 1));
        sum = wasm_i32x4_add(sum, wasm_i32x4_shuffle(sum, sum, 1, 0, 3, 2));
        logits[s] = kq_clamp_logit(wasm_i32x4_extract_lane(sum, 0) >> 14);
    }
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    const v128_t by = wasm_i32x4_splat(step & 65535); /* times lower halves, nothing times upper */
    for (int v = 0; v < inputs / 4; v++) {
        const v128_t w = wasm_v128_load(weights + 4 * v);
        wasm_v128_store(weights + 4 * v, wasm_i32x4_add(w, wasm_i32x4_dot_i16x8(sight->in[v], by)));
    }
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    const v128_t by = wasm_i32x4_splat((int32_t)(group * KQ_GROUP_MULTIPLIER)),
                 slots = wasm_i32x4_splat((int32_t)(uintptr_t)m->slots);
    for (int i = 0; i < lanes; i += 4) {
        v128_t h = wasm_i32x4_add(wasm_v128_load(m->hashes + i), by);
        h = wasm_v128_xor(h, wasm_u32x4_shr(h, 15));
        h = wasm_i32x4_mul(h, wasm_i32x4_splat(0x2C1B3C6D));
        h = wasm_v128_xor(h, wasm_u32x4_shr(h, 12));
        const v128_t table = wasm_i32x4_make(KQ_TABLE(i), KQ_TABLE(i + 1), KQ_TABLE(i + 2),
                                             i + 4 == lanes ? 0 : KQ_TABLE(i + 3));
        v128_t line = wasm_v128_or(wasm_i32x4_shl(table, (uint32_t)m->line_bits),
                                   wasm_u32x4_shr(h, (uint32_t)(32 - m->line_bits)));
        line = wasm_v128_or(wasm_i32x4_shl(line, 4), wasm_v128_and(h, KQ_V(N)));
        v128_t check = wasm_v128_and(wasm_i32x4_shl(h, 2), KQ_V(CHECK));
        check = wasm_i32x4_max(check, wasm_i32x4_splat(1 << 6));
        wasm_v128_store(m->lines + i, wasm_i32x4_add(slots, wasm_i32x4_shl(line, 2)));
        wasm_v128_store(m->fresh + i,
                        wasm_v128_or(check, wasm_i32x4_splat((int32_t)(KQ_HALF << 16 | 1))));
    }
}

/* There is no instruction for it. */
KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    (void)m, (void)lanes, (void)group;
}

/* The slot of a lane. */
KQ_FUNCTION uint32_t *KQ_NAME(slot)(const kq_context *m, int lane, const KQ_NAME(sight) *sight)
{
    return (uint32_t *)(uintptr_t)(m->lines[lane] ^ sight->node);
}

/* kq_logit of the upper 16 bits: 2p + 1 and 131071 - 2p as floats, which holds them
 * exactly, and the difference of their bits. */
KQ_FUNCTION v128_t KQ_NAME(logit)(const kq_context *m, v128_t value)
{
    const v128_t x = wasm_v128_or(wasm_u32x4_shr(value, 15), KQ_V(ONE)),
                 y = wasm_i32x4_sub(KQ_V(TWO), x);
    return wasm_i32x4_shr(wasm_i32x4_sub(wasm_f32x4_convert_i32x4(x), wasm_f32x4_convert_i32x4(y)),
                          16);
}

/* table[n], a byte, for four n at once. Bytes whose number has the top bit set are 0. */
KQ_FUNCTION v128_t KQ_NAME(pick)(const uint8_t *table, v128_t n)
{
    return wasm_i8x16_swizzle(wasm_v128_load(table), n);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes), vectors = lanes / 4;
    sight->node = node * sizeof *m->slots;
    for (int v = 0; v < vectors; v++) { /* all loads first: of large tables they take long */
        v128_t value = wasm_v128_load32_zero(KQ_NAME(slot)(m, 4 * v, sight));
        value = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 1, sight), value, 1);
        value = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 2, sight), value, 2);
        sight->value[v] = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 3, sight), value, 3);
    }
    for (int v = 0; v < vectors; v++) {
        const int last = v == vectors - 1;
        v128_t value = sight->value[v];
        const v128_t fresh = wasm_v128_load(m->fresh + 4 * v);
        const v128_t other = wasm_v128_and(wasm_v128_xor(value, fresh), KQ_V(CHECK));
        const v128_t known = wasm_i32x4_eq(other, wasm_i32x4_splat(0));
        value = wasm_v128_bitselect(value, fresh, known);
        if (last)
            value = wasm_i32x4_replace_lane(value, 3, (int32_t)match);
        v128_t n = wasm_v128_and(wasm_u32x4_shr(value, 12), KQ_V(N));
        n = wasm_v128_or(n, KQ_V(PICK));
        const v128_t logit =
            wasm_i32x4_dot_i16x8(KQ_NAME(logit)(m, value), KQ_NAME(pick)(kq_worths.logit, n));
        v128_t chance = wasm_i32x4_add(wasm_u32x4_shr(value, 20), KQ_V(CENTRE));
        chance = wasm_i32x4_dot_i16x8(chance, KQ_NAME(pick)(kq_worths.chance, n));
        sight->in[v] = wasm_i32x4_shr(logit, 8);
        sight->in[vectors + v] = wasm_i32x4_shr(chance, KQ_CHANCE_SHIFT(lanes));
        sight->value[v] = value;
        sight->n[v] = n;
        if (histories) {
            const uint32_t *maps = m->histories;
            const v128_t bits = wasm_i32x4_shl(wasm_v128_and(value, wasm_i32x4_splat(63)), 2);
            v128_t at = wasm_v128_and(wasm_u32x4_shr(value, 14), wasm_i32x4_splat(3));
            at = wasm_i32x4_add(wasm_v128_or(bits, at), wasm_i32x4_make(0, 512, 1024, 1536));
            at = wasm_i32x4_add(at, wasm_i32x4_splat((8 * v + tree) * KQ_HISTORIES));
            v128_t past = wasm_v128_load32_zero(maps + wasm_i32x4_extract_lane(at, 0));
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 1), past, 1);
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 2), past, 2);
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 3), past, 3);
            v128_t said = KQ_NAME(logit)(m, past);
            if (last)
                said = wasm_i32x4_replace_lane(said, 3, KQ_BIAS);
            sight->in[2 * vectors + v] = said;
            sight->history[v] = at;
            sight->past[v] = past;
        }
    }
}

KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    const v128_t target = wasm_i32x4_splat(bit ? 65535 : 0);
    for (int v = 0; v < lanes / 4; v++) {
        const int last = v == lanes / 4 - 1;
        v128_t value = sight->value[v], n = sight->n[v], p = wasm_u32x4_shr(value, 16);
        const v128_t error = wasm_i32x4_shr(wasm_i32x4_sub(target, p), 1);
        const v128_t step =
            wasm_i32x4_shr(wasm_i32x4_dot_i16x8(error, KQ_NAME(pick)(kq_worths.rate, n)), 7);
        value = wasm_i32x4_add(value, wasm_i32x4_shl(step, 16));
        /* Bit 7 is set for the largest n, which doesn't grow: that of `grow` is. */
        v128_t masked = wasm_v128_or(wasm_u32x4_shr(value, 16), KQ_V(STOP));
        masked = wasm_v128_and(masked, KQ_NAME(pick)(kq_worths.grow, n));
        const v128_t grows = wasm_i32x4_eq(masked, wasm_i32x4_splat(0));
        value = wasm_i32x4_sub(value, wasm_i32x4_shl(grows, 12));
        if (histories) {
            const v128_t six = wasm_i32x4_splat(63);
            v128_t history = wasm_i32x4_shl(wasm_v128_and(value, six), 1);
            history = wasm_v128_or(history, wasm_v128_and(target, wasm_i32x4_splat(1)));
            const v128_t longest = wasm_v128_and(wasm_i32x4_gt(history, six), wasm_i32x4_splat(32));
            history = wasm_v128_or(wasm_v128_and(history, six), longest);
            value = wasm_v128_or(wasm_v128_andnot(value, six), history);
            v128_t past = wasm_u32x4_shr(sight->past[v], 16);
            past = wasm_i32x4_add(past, wasm_i32x4_shr(wasm_i32x4_sub(target, past), 6));
            past = wasm_i32x4_shl(past, 16);
            uint32_t *maps = m->histories;
            const v128_t at = sight->history[v];
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 0), past, 0);
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 1), past, 1);
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 2), past, 2);
            if (!last)
                wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 3), past, 3);
        }
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v, sight), value, 0);
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 1, sight), value, 1);
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 2, sight), value, 2);
        if (!last)
            wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 3, sight), value, 3);
    }
}
#else
/* ---- context/view.h ---- */
/* What stands around a label, in plain C (spec/kq.md, section 16).
 *
 * Included by context.h before mix.h; view_avx2.h does the same by AVX2.
 */

typedef struct {
    const uint16_t *at;
    ptrdiff_t stride;
    uint32_t w; /* on the left */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1];
    view->at = at;
    view->stride = stride;
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    const uint16_t *at = view->at, *n = at - view->stride;
    uint32_t w = view->w;
    return at[-2] == w && n[-1] == w && n[0] == w && n[1] == w && n[-view->stride] == w;
}

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    size_t n = 0;
    while (n < most && a[n] == w && b[n] == w && c[n] == w)
        n++;
    return n;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    while (n < most && a[n] == c[n] && a[(ptrdiff_t)n - stride] == c[(ptrdiff_t)n - stride])
        n++;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* Makes ready what follows, which in plain C needs nothing. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    (void)view;
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(const KQ_NAME(view) *view, kq_surroundings *s)
{
    kq_survey(view->at, view->stride, s);
}

KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    (void)view;
    return kq_hash_contexts(s, plane, lanes, matched, hashes);
}

/* Colours predicted from the neighbours' colours, as the entries nearest to them:
 * the median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro 2000), means,
 * and lines continued. `all` of them, or the first two only. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
    const uint32_t *colors = plane->colors;
    int median[3], mean[3], wide[3], slant[3], along[3], down[3], rise[3];
    for (int c = 0; c < 3; c++) {
        int w = colors[f[KQ_W]] >> 8 * c & 255, n = colors[f[KQ_N]] >> 8 * c & 255;
        int nw = colors[f[KQ_NW]] >> 8 * c & 255, ne = colors[f[KQ_NE]] >> 8 * c & 255;
        int ww = colors[f[KQ_WW]] >> 8 * c & 255, nn = colors[f[KQ_NN]] >> 8 * c & 255;
        int nne = colors[f[KQ_NNE]] >> 8 * c & 255;
        int high = w > n ? w : n, low = w > n ? n : w;
        median[c] = nw >= high ? low : nw <= low ? high : w + n - nw;
        mean[c] = kq_byte((2 * (w + n) + ne - nw) >> 2);
        wide[c] = kq_byte((7 * (w + n) + 2 * (ne + nw) - ww - nn + 8) >> 4);
        slant[c] = kq_byte(w + ne - n);
        along[c] = kq_byte(2 * w - ww);
        down[c] = kq_byte(2 * n - nn);
        rise[c] = kq_byte(n + ne - nne);
    }
    f[KQ_MEDIAN] = kq_nearest_entry(plane, median);
    f[KQ_MEAN] = kq_nearest_entry(plane, mean);
    if (all) {
        f[KQ_WIDE] = kq_nearest_entry(plane, wide);
        f[KQ_SLANT] = kq_nearest_entry(plane, slant);
        f[KQ_ALONG] = kq_nearest_entry(plane, along);
        f[KQ_DOWN] = kq_nearest_entry(plane, down);
        f[KQ_RISE] = kq_nearest_entry(plane, rise);
    }
}
/* ---- context/match.h, again ---- */

KQ_FUNCTION int KQ_NAME(same_around)(const kq_plane *plane, ptrdiff_t place, const uint32_t *f,
                                     int count)
{
    const uint16_t *z = plane->labels + place, *n = z - plane->stride;
    if (n[0] != f[KQ_N] || n[1] != f[KQ_NE] || *(n - plane->stride) != f[KQ_NN])
        return 0;
    return count == 3 ||
           (z[-1] == f[KQ_W] && n[-1] == f[KQ_NW] && z[-2] == f[KQ_WW] && n[2] == f[KQ_NEE]);
}

KQ_FUNCTION void KQ_NAME(match_begin_row)(kq_context *m, size_t at)
{
    m->match_length = 0;
    m->match_at = 0;
    m->row_at = at;
}

KQ_FUNCTION void KQ_NAME(match_find)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return;
    const uint32_t *f = m->around.feature;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = (ptrdiff_t)m->displaced[at - m->row_at],
                        displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at &&
            KQ_NAME(same_around)(&m->plane, displaced, f, 3)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && KQ_NAME(same_around)(&m->plane, (ptrdiff_t)*place, f, 7)) {
            m->match_at = (ptrdiff_t)*place;
            m->match_length = 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

KQ_FUNCTION void KQ_NAME(match_follow)(kq_context *m, size_t at, uint32_t label)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at] != label)
        m->match_length = 0;
    else {
        m->match_length++;
        m->displaced[at - m->row_at] = (uint32_t)((ptrdiff_t)at - m->match_at);
    }
    m->match_at++;
}

KQ_FUNCTION uint32_t KQ_NAME(match_number)(const kq_context *m)
{
    uint32_t bits = kq_log(m->match_length);
    return bits < KQ_MATCH_ROWS ? bits : KQ_MATCH_ROWS - 1;
}
/* ---- context/mix.h ---- */
/* One decision of the coder `context`, in plain C (spec/kq.md, sections 15 and 16).
 *
 * Included by context.h before steps.h; mix_avx2.h does the same by AVX2.
 */

typedef struct {
    int32_t of[8];
} KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    const KQ_NAME(places) places = {{a, b, c, d, e, f, g, h}};
    return places;
}

/* Which of the eight are before the middle, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    uint32_t before = 0;
    for (int j = 0; j < 8; j++)
        before |= (uint32_t)(places->of[j] < middle) << j;
    return before;
}

/* What the lanes say at a node, and their slots, for the learning to come. */
typedef struct {
    uint32_t at[KQ_MAX_LANES], value[KQ_MAX_LANES], history[KQ_MAX_LANES];
    int32_t in[KQ_MAX_INPUTS]; /* logits, chances, and of the large model what histories say */
} KQ_NAME(sight);

/* Logits, weights · inputs. */
KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    (void)m;
    for (int s = 0; s < sets; s++) {
        uint32_t sum = 0;
        for (int i = 0; i < inputs; i++)
            sum += (uint32_t)(kq_weight(weights[s][i]) * sight->in[i]);
        logits[s] = kq_clamp_logit((int32_t)sum >> 14);
    }
}

/* weights += inputs · step, step being error · learning rate; modulo 2^32. */
KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    for (int i = 0; i < inputs; i++)
        weights[i] = (int32_t)((uint32_t)weights[i] + (uint32_t)(sight->in[i] * step));
}

/* The lines of slots for a group of decisions. The last lane, the match's, has none: it
 * is given a place in the first table. */
KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    const int shift = 32 - m->line_bits;
    for (int i = 0; i < lanes; i++) {
        uint32_t h = kq_scramble(m->hashes[i] + group * KQ_GROUP_MULTIPLIER), check = h >> 4 & 63;
        uint32_t table = i < lanes - 1 ? (uint32_t)KQ_TABLE(i) : 0,
                 line = table << m->line_bits | h >> shift;
        m->lines[i] = line << 4 | (h & 15);
        m->fresh[i] = KQ_HALF << 16 | (check ? check : 1) << 6 | 1;
    }
}

/* Has the lines of a group that may follow brought nearer: where the compiler can tell
 * the processor to. */
KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    (void)m, (void)lanes, (void)group;
}

/* `match`: the slot that stands for the match. */
KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    for (int i = 0; i < lanes; i++) {
        sight->at[i] = m->lines[i] ^ node;
        uint32_t value = m->slots[sight->at[i]];
        if ((value ^ m->fresh[i]) & 63 << 6)
            value = m->fresh[i];
        if (i == lanes - 1)
            value = match;
        sight->value[i] = value;
        uint32_t p = value >> 16, n = value >> 12 & 15;
        sight->in[i] = kq_logit(p) * kq_worths.logit[n] >> 8;
        sight->in[lanes + i] =
            ((int)(p >> 4) - 2048) * kq_worths.chance[n] >> KQ_CHANCE_SHIFT(lanes);
        if (histories) {
            sight->history[i] =
                (uint32_t)((i * 2 + tree) * KQ_HISTORIES) + ((value & 63) << 2 | n >> 2);
            sight->in[2 * lanes + i] =
                i < lanes - 1 ? kq_logit(m->histories[sight->history[i]] >> 16) : KQ_BIAS;
        }
    }
}

/* Counters and histories after the bit. */
KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    for (int i = 0; i < lanes - 1; i++) {
        uint32_t value = sight->value[i], n = value >> 12 & 15, kept = value & 63 << 6;
        int32_t p = (int32_t)(value >> 16);
        p += (((bit ? 65535 : 0) - p) >> 1) * kq_worths.rate[n] >> 7;
        n += (p & kq_worths.grow[n]) == 0 && n < KQ_WORTH_MAX;
        if (histories) {
            uint32_t history = (value & 63) << 1 | (uint32_t)bit;
            kept |= history >= 64 ? (history & 31) | 32 : history;
            uint16_t past = (uint16_t)(m->histories[sight->history[i]] >> 16);
            kq_map_learn(&past, bit);
            m->histories[sight->history[i]] = (uint32_t)past << 16;
        }
        m->slots[sight->at[i]] = (uint32_t)p << 16 | n << 12 | kept;
    }
}
#endif
/* ---- context/steps.h ---- */
/* The steps of the coder `context`, included by context.h once for plain C and once
 * for AVX2: KQ_NAME gives the functions their names, KQ_FUNCTION their attributes.
 */

KQ_FUNCTION int KQ_NAME(bit)(kq_context *m, int bit, uint32_t p)
{
    (void)bit;
    return kq_range_decode(m->decoder, p);
}

/* One decision. `node` is its number in its group, `tree` whether it is one of the
 * tree's, `rows` the row of weights for each set, `agrees` what the match says: the
 * bit, or -1 for nothing; `held` is the number of its length. */
KQ_FUNCTION int KQ_NAME(decide)(kq_context *m, int lanes, int sets, int bit, uint32_t node,
                                int tree, const uint32_t *rows, int agrees, uint32_t held)
{
    const uint16_t *squash = m->tables->squash + 2048;
    const int inputs = KQ_INPUTS(lanes);
    int32_t *weights[KQ_MAX_SETS];
    KQ_NAME(sight) sight;
    uint16_t *match = &m->match[tree][held];
    uint32_t said = agrees < 0
                        ? KQ_HALF << 16
                        : (uint32_t)(agrees ? *match : 65535 - *match) << 16 | KQ_MATCH_WORTH << 12;
    KQ_NAME(look_up)(m, lanes, node, tree, said, &sight);
    int logits[KQ_MAX_SETS];
    int32_t sum = 0, *final = m->final[(uint32_t)tree * KQ_MATCH_ROWS + held];
    for (int s = 0; s < sets; s++) {
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
        if (m->seen[rows[s]] == 0) /* small tiles use few rows */
            memcpy(weights[s], m->first, (size_t)inputs * sizeof *m->first);
    }
    KQ_NAME(mix)(m, weights, sets, &sight, inputs, logits);
    for (int s = 0; s < sets; s++)
        sum += final[s] * logits[s];
    uint32_t p = squash[kq_clamp_logit(sum >> 16)];
    bit = KQ_NAME(bit)(m, bit, p);
    int error = ((bit << 16) - (int)p) >> 2;
    for (int s = 0; s < sets; s++) {
        uint16_t *seen = &m->seen[rows[s]];
        uint32_t rate = m->rates[*seen];
        int step = (((bit << 16) - squash[logits[s]]) >> 1) * (int)(rate & 65535) >> 14;
        *seen = (uint16_t)(rate >> 16);
        KQ_NAME(mix_learn)(weights[s], &sight, inputs, step);
        final[s] = kq_final_weight(final[s] + (error * logits[s] >> 14));
    }
    KQ_NAME(learn)(m, lanes, &sight, bit);
    if (agrees >= 0)
        kq_map_learn(match, agrees == bit);
    return bit;
}

/* One decision by a counter alone: p in 22 bits, n in 10. */
KQ_FUNCTION int KQ_NAME(simple)(kq_context *m, uint32_t *counter, int bit)
{
    int32_t p = (int32_t)(*counter >> 10), n = (int32_t)(*counter & 1023);
    uint32_t chance = (uint32_t)p >> 6;
    bit = KQ_NAME(bit)(m, bit, chance < 1 ? 1 : chance);
    p += (int32_t)(((bit ? (1 << 22) - 1 : 0) - p) * (int64_t)m->tables->flat[n] >> 16);
    *counter = (uint32_t)p << 10 | (uint32_t)(n < 255 ? n + 1 : 255);
    return bit;
}

/* ---- context/runs.h ---- */
/* Runs of the coder `context` (spec/kq.md, section 16): many labels that look sure, by one
 * decision. Included by context.h after steps.h's `simple`, once for plain C and once for AVX2.
 */

/* How many labels of a run of `most` are as they look: all, or where halving finds the first
 * that isn't. `whole` and `ends` are counters, `n` the answer where it is known. */
KQ_FUNCTION size_t KQ_NAME(run_length)(kq_context *m, uint32_t *whole, uint32_t *ends, size_t most,
                                       size_t n)
{
    if (KQ_NAME(simple)(m, whole, n == most))
        return most;
    size_t low = 0, high = most; /* the first is in low .. high - 1 */
    while (high - low > 1) {
        size_t half = low + (high - low) / 2;
        uint32_t row =
            kq_log((uint32_t)(high - low)) + (low == 0 ? 16 : 0) + (high == most ? 32 : 0);
        if (KQ_NAME(simple)(m, ends + row, n >= half))
            low = half;
        else
            high = half;
    }
    return low;
}

/* Codes the labels that are those of a match of some length, while the rows above are the same
 * in both places; of a long match one where they aren't, but not by the large model. Returns
 * how many there are, and in `most` how many there could have been. */
KQ_FUNCTION size_t KQ_NAME(matched_run)(kq_context *m, int lanes, uint16_t *at, size_t left,
                                        size_t *most)
{
    const uint16_t *z = m->plane.labels + m->match_at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const size_t apart = (size_t)(at - z);
    *most = KQ_NAME(alike_ahead)(at, z, stride, left < apart ? left : apart);
    uint32_t *whole;
    if (*most) {
        uint32_t length = kq_log(m->match_length / 8);
        whole = m->alike + (kq_log((uint32_t)*most) | (length < 7 ? length : 7) << 4);
    } else {
        const uint16_t *n = at - stride, *above = z - stride;
        if (KQ_HAS_HISTORIES(lanes) || m->match_length < KQ_LONG_MATCH)
            return 0;
        whole = m->unlike + ((uint32_t)(n[0] == above[0]) | (uint32_t)(n[-1] == above[-1]) << 1 |
                             (uint32_t)(n[1] == above[1]) << 2 | (uint32_t)(z[0] == at[-1]) << 3 |
                             (uint32_t)(z[0] == n[0]) << 4 | (uint32_t)(z[0] == n[1]) << 5 |
                             (uint32_t)(m->match_length >= 256) << 6);
        if (*whole < KQ_SURE)
            return 0;
        *most = 1;
    }
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == z[n])
        n++;
    n = KQ_NAME(run_length)(m, whole, m->ends[1], *most, n);
    if (m->decoder)
        memcpy(at, z, n * sizeof *at);
    for (size_t i = 0; i < n; i++)
        m->displaced[(size_t)(at - m->plane.labels) - m->row_at + i] = (uint32_t)apart;
    m->match_at += (ptrdiff_t)n;
    m->match_length += (uint32_t)n;
    return n;
}

/* Codes the labels that are w where the surroundings stay flat, which they are at the first. */
KQ_FUNCTION size_t KQ_NAME(flat_run)(kq_context *m, uint16_t *at, uint32_t w, size_t left,
                                     size_t *most)
{
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *right = at - stride + 1, *above = at - 2 * stride, *expected = above;
    if (m->match_length) {
        expected = m->plane.labels + m->match_at;
        const size_t apart = (size_t)(at - expected);
        left = left < apart ? left : apart;
    }
    *most = KQ_NAME(flat_ahead)(right, above, expected, w, left);
    uint32_t end = 0; /* what ends it */
    if (*most < left)
        end = (uint32_t)(right[*most] != w) | (uint32_t)(above[*most] != w) << 1;
    uint32_t held = m->match_length == 0   ? 0
                    : m->match_length < 16 ? 1
                    : m->match_length < 32 ? 2
                                           : 3;
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == w)
        n++;
    n = KQ_NAME(run_length)(m, m->flat + (kq_log((uint32_t)*most) | end << 4 | held << 6),
                            m->ends[0], *most, n);
    for (size_t i = 0; m->decoder && i < n; i++)
        at[i] = (uint16_t)w;
    if (m->match_length)
        m->match_at += (ptrdiff_t)n;
    return n;
}

/* How many of the refused labels are among these, bits of `before`'s eight. */
KQ_FUNCTION uint32_t KQ_NAME(refusals)(uint32_t places)
{
    return (places >> 5 & 1) + (places >> 6 & 1) + (places >> 7 & 1);
}

/* The label, when it is none of the `refused`, -1 for none: a search in the tree. */
KQ_FUNCTION uint32_t KQ_NAME(search)(kq_context *m, int lanes, int sets, uint32_t label,
                                     const int32_t *refused)
{
    const uint32_t *f = m->around.feature;
    uint32_t low = 0, high = m->plane.k, path = 1, held = KQ_NAME(match_number)(m);
    const KQ_NAME(places) places =
        KQ_NAME(gather)((int32_t)f[KQ_MEDIAN], (int32_t)f[KQ_MEAN], (int32_t)f[KQ_W],
                        (int32_t)f[KQ_N], m->expected, refused[0], refused[1], refused[2]);
    uint32_t within =
        ~KQ_NAME(before)(&places, 0); /* of the eight, those that are in low..high-1 */
    uint32_t node = 1, level = 0;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, under = KQ_NAME(before)(&places, (int32_t)middle);
        uint32_t below = within & under, above = within & ~under;
        if (node >= 16) {
            KQ_NAME(lines)(m, lanes, path);
            node = 1;
        }
        if (node >= 8 && high - low > 2) { /* the next group is one of two */
            KQ_NAME(fetch)(m, lanes, path << 1);
            KQ_NAME(fetch)(m, lanes, path << 1 | 1);
        }
        int bit = label >= middle;
        if ((below & 0xE0) && KQ_NAME(refusals)(below) == middle - low) {
            bit = 1; /* nothing is left below */
        } else if ((above & 0xE0) && KQ_NAME(refusals)(above) == high - middle) {
            bit = 0;
        } else {
            uint32_t halves = m->tables->halves[(below & 15) | (above & 15) << 4];
            uint32_t rows[KQ_MAX_SETS] = {
                KQ_TREE_ROWS0 + level * 81 + halves,
                KQ_ROWS0 + KQ_TREE_ROWS1 + (path < 256 ? path : level),
                KQ_ROWS0 + KQ_ROWS1 + KQ_TREE_ROWS2 +
                    (KQ_IS_LATER(lanes) ? level * 64 + m->marks[1] : f[KQ_W] & 255),
            };
            int agrees = within & 16 ? !(under & 16) : -1;
            bit = KQ_NAME(decide)(m, lanes, sets, bit, node, 1, rows, agrees, held);
        }
        if (bit) {
            low = middle;
            within = above;
        } else {
            high = middle;
            within = below;
        }
        path = path << 1 | (uint32_t)bit;
        node = node << 1 | (uint32_t)bit;
        level += level < KQ_DEPTHS - 1;
    }
    return low;
}

/* Whether a label is the one of that name. `node` is the question's number in its group, `kind`
 * and the marks, of the label and of its surroundings, say which rows it has. */
KQ_FUNCTION int KQ_NAME(ask)(kq_context *m, int lanes, int sets, uint32_t label, uint32_t name,
                             uint32_t node, uint32_t kind)
{
    const int agrees = m->expected < 0 ? -1 : m->expected == (int)name;
    const uint32_t rows[KQ_MAX_SETS] = {
        (kind * 3 + (uint32_t)(agrees + 1)) * 128 + (m->around.equal & 127),
        KQ_ROWS0 + kind * 256 + (KQ_IS_LATER(lanes) ? m->marks[0] : name & 255),
        KQ_ROWS0 + KQ_ROWS1 + kind * 512 +
            (KQ_IS_LATER(lanes) ? m->marks[2] : m->around.equal >> 7 & 63),
    };
    int is = KQ_NAME(decide)(m, lanes, sets, label == name, node, 0, rows, agrees,
                             KQ_NAME(match_number)(m));
    if (agrees == 1 && !is)
        m->expected = -1;
    return is;
}

/* Where there is no palette, no label is near another one in the tree: so two more around it are
 * asked about, of those that aren't `refused`. Returns the one that it is, -1 for none. */
KQ_FUNCTION int KQ_NAME(ask_more)(kq_context *m, int lanes, int sets, uint32_t label,
                                  int32_t *refused)
{
    static const uint8_t names[5] = {KQ_N, KQ_NE, KQ_NEE, KQ_NW, KQ_WW};
    uint32_t count = 1;
    /* Of the last two labels one is left when the other is refused. */
    for (int i = 0; i < 5 && count < KQ_MOST_NAMES && count + 1 < m->plane.k; i++) {
        const int32_t name = (int32_t)m->around.feature[names[i]];
        if (name == refused[0] || name == refused[1])
            continue;
        if (count == 1)
            KQ_NAME(lines)(m, lanes, 2);
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)name, count, count))
            return name;
        refused[count++] = name;
    }
    if (count > 1)
        KQ_NAME(lines)(m, lanes, 1);
    return -1;
}

/* A label in surroundings that aren't flat. */
KQ_FUNCTION uint32_t KQ_NAME(label)(kq_context *m, int lanes, int sets, KQ_NAME(view) *view,
                                    const uint16_t *at, uint32_t label)
{
    const uint32_t *f = m->around.feature;
    KQ_NAME(neighbours)(view);
    KQ_NAME(survey)(view, &m->around);
    const int histories = KQ_HAS_HISTORIES(lanes),
              later = !histories && (m->place_bits || m->plane.colorless);
    if (!later) /* hashes are of predicted entries, too */
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    uint32_t hash = KQ_NAME(hash)(view, &m->around, &m->plane, lanes, m->place_bits, m->hashes);
    KQ_NAME(match_find)(m, (size_t)(at - m->plane.labels), hash);
    KQ_NAME(lines)(m, lanes, 1);
    int32_t refused[KQ_MOST_NAMES] = {-1, -1, -1};
    if (m->asks) {
        if (KQ_NAME(ask)(m, lanes, sets, label, f[KQ_W], 0, 0))
            return f[KQ_W];
        refused[0] = (int32_t)f[KQ_W];
        const int found =
            m->plane.colorless ? KQ_NAME(ask_more)(m, lanes, sets, label, refused) : -1;
        if (found >= 0)
            return (uint32_t)found;
    }
    if (later)
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

/* The labels of some rows of a tile, which follow those that are known, left to right, by a model
 * of that shape, whose numbers are constants here, so that the loops unroll. */
KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, int sets, uint32_t run_match, size_t from,
                              size_t to)
{
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = from; y < to; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        uint16_t *end = row + m->plane.width, *at = row;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        KQ_NAME(match_begin_row)(m, (size_t)(row - labels));
        while (at < end) {
            size_t left = (size_t)(end - at), most = 0, n = 0;
            left = left < KQ_RUN_MOST ? left : KQ_RUN_MOST;
            if (m->match_length >= run_match)
                n = KQ_NAME(matched_run)(m, lanes, at, left, &most);
            KQ_NAME(view) view;
            if (most == 0) {
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
                uint32_t w = view.w;
                if (KQ_NAME(is_flat)(&view) && (m->match_length == 0 || labels[m->match_at] == w))
                    n = KQ_NAME(flat_run)(m, at, w, left, &most);
            }
            at += n;
            if (most && n == most)
                continue;
            if (most)
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
            *at = (uint16_t)KQ_NAME(label)(m, lanes, sets, &view, at, *at);
            KQ_NAME(match_follow)(m, (size_t)(at - labels), *at);
            at++;
        }
        for (int i = 0; i < KQ_MARGIN; i++)
            end[i] = end[-1];
    }
}
/* ---- frames/later.h ---- */
/* A label that is coded from the frame before (spec/kq.md, section 19): what stood at its place
 * and around it, on all sides, is known; and of this frame what is before it and, in blocks that
 * stayed or moved, behind it. Included by context.h after steps.h, once for plain C and once for
 * AVX2.
 */

/* Which of eight neighbours are as in the frame before: W, N, NW, NE, WW, NN, NEE, NWW. */
KQ_FUNCTION uint32_t KQ_NAME(same_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *pn = p - stride;
    return (uint32_t)(at[-1] == p[-1]) | (uint32_t)(n[0] == pn[0]) << 1 |
           (uint32_t)(n[-1] == pn[-1]) << 2 | (uint32_t)(n[1] == pn[1]) << 3 |
           (uint32_t)(at[-2] == p[-2]) << 4 | (uint32_t)(n[-stride] == pn[-stride]) << 5 |
           (uint32_t)(n[2] == pn[2]) << 6 | (uint32_t)(n[-2] == pn[-2]) << 7;
}

/* Of the label that stood here, which of those around it are equal, 16 pairs. */
KQ_FUNCTION uint32_t KQ_NAME(equal_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *s = at + stride;
    const uint32_t was = at[0], e = at[1], w = at[-1];
    return (uint32_t)(was == w) | (uint32_t)(was == n[0]) << 1 | (uint32_t)(was == n[-1]) << 2 |
           (uint32_t)(was == n[1]) << 3 | (uint32_t)(was == e) << 4 | (uint32_t)(was == s[0]) << 5 |
           (uint32_t)(was == s[1]) << 6 | (uint32_t)(was == s[-1]) << 7 |
           (uint32_t)(e == s[0]) << 8 | (uint32_t)(was == p[-1]) << 9 |
           (uint32_t)(was == p[-stride]) << 10 | (uint32_t)(w == s[-1]) << 11 |
           (uint32_t)(n[1] == e) << 12 | (uint32_t)(e == w) << 13 | (uint32_t)(s[0] == w) << 14 |
           (uint32_t)(s[0] == n[0]) << 15;
}

/* Of labels without colours, what is farther from the one that stood here: 12 pairs more. */
KQ_FUNCTION uint32_t KQ_NAME(equal_farther)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *s = at + stride, *ss = s + stride;
    const uint32_t was = at[0], ee = at[2], w = at[-1];
    return (uint32_t)(was == ee) | (uint32_t)(was == ss[0]) << 1 | (uint32_t)(ee == w) << 2 |
           (uint32_t)(ee == at[2 - stride]) << 3 | (uint32_t)(at[1] == ee) << 4 |
           (uint32_t)(s[0] == ss[0]) << 5 | (uint32_t)(p[-1] == w) << 6 |
           (uint32_t)(was == ss[1]) << 7 | (uint32_t)(was == ss[-1]) << 8 |
           (uint32_t)(was == s[2]) << 9 | (uint32_t)(was == s[-2]) << 10 |
           (uint32_t)(was == at[3]) << 11;
}

/* The label that stood here, is asked for by a counter alone where all around looks unchanged;
 * returns whether it stayed. */
KQ_FUNCTION int KQ_NAME(ask_still)(kq_context *m, size_t at, uint32_t same, int bit)
{
    kq_sequence *s = m->sequence;
    const uint16_t *here = m->plane.labels + at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *n = here - stride, *below = here + stride;
    const uint32_t was = here[0], age = kq_log(s->age[at]);
    uint32_t equal = (uint32_t)(was == here[-1]) | (uint32_t)(was == n[0]) << 1 |
                     (uint32_t)(was == here[1]) << 2 | (uint32_t)(was == below[0]) << 3 |
                     (uint32_t)(was == below[1]) << 4 | (uint32_t)(was == n[1]) << 5 |
                     (uint32_t)(was == below[-1]) << 6;
    equal |= (same >> 6) << 7 | age << 9 | (uint32_t)(m->match_length > 15) << 12 |
             (uint32_t)(m->match_length > 0) << 13;
    return KQ_NAME(simple)(m, s->still + equal, bit);
}

/* Looks for a match, where there is none: by the displacement that was right in this column, and
 * where the same surroundings were last, in this frame or the one before. */
KQ_FUNCTION void KQ_NAME(match_later)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return;
    const uint32_t *f = m->around.feature;
    const ptrdiff_t size = (ptrdiff_t)m->sequence->size, stride = (ptrdiff_t)m->plane.stride;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = kq_frame_behind(m, at), displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at && displaced >= KQ_ABOVE * stride - size &&
            displaced < size - KQ_MARGIN && KQ_NAME(same_around)(&m->plane, displaced, f, 7)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && *place != at) {
            ptrdiff_t z = (ptrdiff_t)*place;
            if (!KQ_NAME(same_around)(&m->plane, z, f, 7))
                z -= size;
            if (KQ_NAME(same_around)(&m->plane, z, f, 7)) {
                m->match_at = z;
                m->match_length = 1;
            }
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

/* The contexts of a label and what is around it in both frames, and its marks. */
KQ_FUNCTION void KQ_NAME(contexts_later)(kq_context *m, size_t at, uint32_t same)
{
    const kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *here = m->plane.labels + at, *p = here - s->size;
    uint32_t *h = m->hashes;
    KQ_NAME(view) view;
    KQ_NAME(look)(&view, here, stride);
    KQ_NAME(neighbours)(&view);
    KQ_NAME(survey)(&view, &m->around);
    KQ_NAME(predict)(&m->plane, &m->around, 0);
    const uint32_t hash =
        KQ_NAME(hash)(&view, &m->around, &m->plane, KQ_LATER_SHARED + 1, m->place_bits, h);
    KQ_NAME(match_later)(m, at, hash);
    const uint32_t equal = KQ_NAME(equal_before)(here, p, stride);
#define KQ_AROUND(kind) ((m->around.feature[kind] + 1) * kq_multipliers[kind])
    const uint32_t was = KQ_TERM(KQ_P, (uint32_t)here[0]),
                   right = KQ_TERM(KQ_PE, (uint32_t)here[1]), w = KQ_AROUND(KQ_W),
                   n = KQ_AROUND(KQ_N);
    h[7] = KQ_TERM(KQ_SAME_EQUAL, same | equal << 8);
    h[8] = KQ_TERM(KQ_Q, (uint32_t)s->replaced[at]) + was + w;
    h[9] = n + was + right;
    h[10] = w + n + KQ_AROUND(KQ_NW) + was + right + KQ_TERM(KQ_PS, (uint32_t)here[stride]);
    h[11] = KQ_AROUND(KQ_EQUAL22) + KQ_TERM(KQ_SAME, same << 4 | (equal & 3) | (equal >> 2 & 12));
    h[12] = KQ_TERM(KQ_MATCHED, (uint32_t)(m->expected + 1)) + was;
    h[13] = KQ_AROUND(KQ_MEDIAN) + was;
    h[14] = m->plane.colorless ? KQ_TERM(KQ_FARTHER, KQ_NAME(equal_farther)(here, p, stride)) +
                                     KQ_TERM(KQ_SAME_EQUAL, equal)
                               : n + KQ_AROUND(KQ_NN) + KQ_AROUND(KQ_NNN);
    h[15] = 0;
#undef KQ_AROUND
    m->marks[1] = (same & 15) | (equal & 3) << 4;
    m->marks[0] = m->marks[1] | (m->around.equal >> 7 & 3) << 6;
    m->marks[2] = (equal >> 4 & 63) | kq_log(s->age[at]) << 6;
}

/* The label at a place, from the frame before; `known` is what it is known not to be, -1 for
 * nothing. */
KQ_FUNCTION uint32_t KQ_NAME(label_later)(kq_context *m, int lanes, int sets, size_t at,
                                          uint32_t same, uint32_t label, int32_t known)
{
    KQ_NAME(contexts_later)(m, at, same);
    if (known >= 0 && m->expected == known)
        m->expected = -1;
    uint32_t *f = m->around.feature;
    const int32_t was = m->plane.labels[at], w = (int32_t)f[KQ_W];
    const int was_first = (same & 3) == 3; /* W and N are what they were */
    const int32_t names[7] = {was_first ? was : w, was_first ? w : was, (int32_t)f[KQ_N],
                              (int32_t)f[KQ_NE],   (int32_t)f[KQ_NEE],  (int32_t)f[KQ_NW],
                              (int32_t)f[KQ_WW]};
    const int candidates = m->plane.colorless ? 7 : 2;
    const uint32_t most = m->plane.colorless ? KQ_MOST_NAMES : 2;
    int32_t refused[KQ_MOST_NAMES] = {known, -1, -1};
    uint32_t count = known >= 0, lines = 0; /* of which group lines are looked up, 0 for none */
    for (int i = 0; i < candidates && count < most && count + 1 < m->plane.k; i++) {
        if (names[i] == refused[0] || names[i] == refused[1])
            continue;
        /* 0 what was here, 1 W, 2 another */
        const uint32_t kind = i > 1 ? 2 : (uint32_t)(i == was_first), group = kind == 1 ? 1 : 2;
        if (lines != group)
            KQ_NAME(lines)(m, lanes, group);
        lines = group;
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)names[i], kind == 2 ? count : 0, kind))
            return (uint32_t)names[i];
        refused[count++] = names[i];
    }
    if (lines != 1)
        KQ_NAME(lines)(m, lanes, 1);
    f[KQ_MEAN] = (uint32_t)was; /* in its place */
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

/* The labels of a row from column `from` to `to`; `truth` has the row's labels, where they are
 * known. */
KQ_FUNCTION void KQ_NAME(run_later)(kq_context *m, int lanes, int sets, size_t row, size_t from,
                                    size_t to, const uint16_t *truth)
{
    kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    uint16_t *labels = m->plane.labels;
    KQ_NAME(match_begin_row)(m, row); /* as if one began here */
    for (size_t x = from; x < to; x++) {
        const size_t at = row + x;
        uint16_t *here = labels + at;
        const uint32_t label = truth ? truth[x] : 0;
        const uint32_t same = KQ_NAME(same_before)(here, here - s->size, stride);
        int32_t known = -1;
        if ((same & 63) == 63 && (m->match_length == 0 || labels[m->match_at] == here[0])) {
            if (KQ_NAME(ask_still)(m, at, same, label == here[0])) {
                m->match_at += m->match_length != 0;
                continue;
            }
            known = here[0];
        }
        const uint32_t found = KQ_NAME(label_later)(m, lanes, sets, at, same, label, known);
        KQ_NAME(match_follow)(m, at, found);
        *here = (uint16_t)found;
    }
}

/* --- blocks ------------------------------------------------------------------ */

/* A byte by counters of its own. */
KQ_FUNCTION uint32_t KQ_NAME(byte)(kq_context *m, uint32_t *counters, uint32_t value)
{
    uint32_t node = 1;
    for (int i = 7; i >= 0; i--)
        node = node << 1 | (uint32_t)KQ_NAME(simple)(m, counters + node, value >> i & 1);
    return node & 255;
}

KQ_FUNCTION int32_t KQ_NAME(signed_number)(kq_context *m, uint32_t (*counters)[256], int32_t value)
{
    uint32_t number = (uint32_t)(value + 32768);
    uint32_t high = KQ_NAME(byte)(m, counters[0], number >> 8 & 255);
    uint32_t low = KQ_NAME(byte)(m, counters[1], number & 255);
    return (int32_t)(high << 8 | low) - 32768;
}

/* Where blocks come from. */
KQ_FUNCTION void KQ_NAME(moves)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    int count = 0;
    while (count < KQ_MOST_MOVES && KQ_NAME(simple)(m, s->more + count, count < s->move_count)) {
        kq_frame_move *move = s->moves + count++;
        move->from = (int)KQ_NAME(byte)(m, s->numbers[0], (uint32_t)move->from);
        move->dx = KQ_NAME(signed_number)(m, s->numbers + 1, move->dx);
        move->dy = KQ_NAME(signed_number)(m, s->numbers + 3, move->dy);
    }
    s->move_count = count;
}

/* Which blocks changed, row by row, and how. */
KQ_FUNCTION void KQ_NAME(blocks)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    const size_t wide = s->blocks_wide, high = s->blocks_high;
    int above = 0; /* whether the row above has changed blocks */
    for (size_t y = 0; y < high; y++) {
        uint8_t *row = s->blocks + y * wide;
        const uint8_t *last = s->last_blocks + y * wide, *up = row - wide;
        int any = 0, was = 0, will = 0;
        for (size_t x = 0; x < wide; x++) {
            any |= row[x] != 0;
            was |= last[x] != 0;
            will |= y + 1 < high && last[x + wide] != 0;
        }
        any = KQ_NAME(simple)(m, s->rows + (was | above << 1 | will << 2), any);
        for (size_t x = 0; x < wide; x++) {
            if (!any) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            const int w = x > 0, e = x + 1 < wide, n = y > 0;
            const uint32_t around =
                (uint32_t)(w && row[x - 1]) | (uint32_t)(n && up[x]) << 1 |
                (uint32_t)(n && e && up[x + 1]) << 2 | (uint32_t)(n && w && up[x - 1]) << 3 |
                (uint32_t)(last[x] != 0) << 4 | (uint32_t)(e && last[x + 1]) << 5 |
                (uint32_t)(y + 1 < high && last[x + wide]) << 6 |
                (uint32_t)(x > 1 && row[x - 2]) << 7 | (uint32_t)(w && last[x - 1]) << 8 |
                (uint32_t)above << 9;
            const int is = row[x];
            if (!KQ_NAME(simple)(m, s->changed + around, is != 0)) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            int found = KQ_CODED;
            for (int v = 0; v < s->move_count && found == KQ_CODED; v++) {
                const int by = KQ_MOVED + v;
                const uint32_t number = (uint32_t)(w && row[x - 1] == by) |
                                        (uint32_t)(n && up[x] == by) << 1 |
                                        (uint32_t)(w && row[x - 1] == KQ_CODED) << 2 |
                                        (uint32_t)(n && up[x] == KQ_CODED) << 3;
                if (KQ_NAME(simple)(m, s->moved + (number * KQ_MOST_MOVES + (uint32_t)v), is == by))
                    found = by;
            }
            row[x] = (uint8_t)found;
        }
        above = any;
    }
}

/* Begins with a frame that is told from the frame before: which blocks changed, and those that
 * moved. Returns the labels that are coded, and a sixteenth of those that moved; -1 if a block
 * would come from outside. */
KQ_FUNCTION long long KQ_NAME(frame)(kq_context *m)
{
    KQ_NAME(moves)(m);
    KQ_NAME(blocks)(m);
    const long long moved = kq_move_blocks(m);
    return moved < 0 ? -1 : kq_coded_labels(m) + moved / 16;
}

/* The coded labels of some rows, from `from` to before `to`; `truth`, where it is known, has the
 * labels of all, their rows as far from each other as the plane's. */
KQ_FUNCTION void KQ_NAME(rows_later)(kq_context *m, int lanes, int sets, const uint16_t *truth,
                                     size_t from, size_t to)
{
    const kq_sequence *s = m->sequence;
    for (size_t y = from; y < to; y++) {
        const uint8_t *blocks = s->blocks + y / KQ_FRAME_BLOCK * s->blocks_wide;
        const size_t row = (y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN;
        int any = 0;
        for (size_t b = 0; b < s->blocks_wide; b++) {
            if (blocks[b] != KQ_CODED)
                continue;
            const size_t first = b;
            while (b + 1 < s->blocks_wide && blocks[b + 1] == KQ_CODED)
                b++;
            KQ_NAME(run_later)(m, lanes, sets, row, first * KQ_FRAME_BLOCK,
                               kq_smaller((b + 1) * KQ_FRAME_BLOCK, m->plane.width),
                               truth ? truth + y * m->plane.stride : NULL);
            any = 1;
        }
        if (any)
            kq_frame_margins(m, y);
    }
}
static void kq_plain_small(kq_context *m, size_t from, size_t to)
{
    kq_plain_run(m, KQ_SHAPE_SMALL, from, to);
}
static void kq_plain_large(kq_context *m, size_t from, size_t to)
{
    kq_plain_run(m, KQ_SHAPE_LARGE, from, to);
}
static void kq_plain_later(kq_context *m, const uint16_t *truth, size_t from, size_t to)
{
    kq_plain_rows_later(m, KQ_LATER_LANES, KQ_LATER_SETS, truth, from, to);
}
#undef KQ_FUNCTION
#undef KQ_NAME

#if defined(KQ_AVX2) && defined(__x86_64__)
#define KQ_CONTEXT_AVX2 KQ_TARGET("avx2,bmi,bmi2")
#define KQ_FUNCTION KQ_CONTEXT_AVX2 KQ_INLINE
#define KQ_NAME(name) kq_avx2_##name
/* ---- context/view_avx2.h ---- */
/* What stands around a label, for AVX2 (spec/kq.md, section 16): view.h, all
 * neighbours at once.
 */

#define KQ_TWO(i) ((i) < 0 ? -1 : 2 * (i)), ((i) < 0 ? -1 : 2 * (i) + 1)
#define KQ_LABELS(a, b, c, d, e, f, g, h) \
    _mm_setr_epi8(KQ_TWO(a), KQ_TWO(b), KQ_TWO(c), KQ_TWO(d), KQ_TWO(e), KQ_TWO(f), KQ_TWO(g), \
                  KQ_TWO(h))

/* The rows above a label, from 3 before it to 4 behind it. What is on the left stands in
 * scalars: it was written only now, and a vector read over it would wait. */
typedef struct {
    __m128i above, second, third;
    uint32_t w, ww, www;
    __m128i near, far; /* features in their order: KQ_W .. KQ_NEE; KQ_NNW .. KQ_NNN, and two more */
    __m256i terms;     /* of the near ones, in hashes */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1], view->ww = at[-2], view->www = at[-3];
    view->above = _mm_loadu_si128((const __m128i *)(at - stride - 3));
    view->second = _mm_loadu_si128((const __m128i *)(at - 2 * stride - 3));
    view->third = _mm_loadu_si128((const __m128i *)(at - 3 * stride - 3));
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    if (view->ww != view->w)
        return 0;
    const __m128i w = _mm_set1_epi16((short)view->w);
    __m128i equal =
        _mm_packs_epi16(_mm_cmpeq_epi16(view->above, w), _mm_cmpeq_epi16(view->second, w));
    return (~_mm_movemask_epi8(equal) & 0x81C) == 0; /* NW, N, NE; NN */
}

#define KQ_SAME(a, b) \
    _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(a)), \
                       _mm256_loadu_si256((const __m256i *)(b)))

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    const __m256i all = _mm256_set1_epi16((short)w);
    size_t n = 0;
    for (; n < most; n += 16) {
        __m256i same = _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(a + n)), all);
        same = _mm256_and_si256(
            same, _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(b + n)), all));
        same = _mm256_and_si256(
            same, _mm256_cmpeq_epi16(_mm256_loadu_si256((const __m256i *)(c + n)), all));
        uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            n += KQ_TRAILING_ZEROS(other) / 2;
            break;
        }
    }
    return n < most ? n : most;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    for (; n < most; n += 16) {
        __m256i same =
            _mm256_and_si256(KQ_SAME(a + n, c + n), KQ_SAME(a - stride + n, c - stride + n));
        uint32_t other = ~(uint32_t)_mm256_movemask_epi8(same);
        if (other) {
            n += KQ_TRAILING_ZEROS(other) / 2;
            break;
        }
    }
    n = n < most ? n : most;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* The eight nearest, and what they contribute to hashes. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    __m128i near = _mm_shuffle_epi8(view->above, KQ_LABELS(-1, 3, 2, 4, -1, -1, 1, 5));
    near = _mm_or_si128(near,
                        _mm_shuffle_epi8(view->second, KQ_LABELS(-1, -1, -1, -1, -1, 3, -1, -1)));
    view->near = _mm_insert_epi16(_mm_insert_epi16(near, (int)view->w, 0), (int)view->ww, 4);
    __m256i numbers = _mm256_add_epi32(_mm256_cvtepu16_epi32(view->near), _mm256_set1_epi32(1));
    view->terms = _mm256_mullo_epi32(numbers, _mm256_load_si256((const __m256i *)kq_multipliers));
}

/* The sum of the lanes. */
KQ_FUNCTION uint32_t KQ_NAME(sum)(__m128i four)
{
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(four);
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(KQ_NAME(view) *view, kq_surroundings *s)
{
    const __m128i near = view->near;
    __m128i far = _mm_shuffle_epi8(view->second, KQ_LABELS(2, 4, -1, -1, 5, 1, -1, -1));
    far =
        _mm_or_si128(far, _mm_shuffle_epi8(view->third, KQ_LABELS(-1, -1, -1, 3, -1, -1, -1, -1)));
    far = _mm_insert_epi16(far, (int)view->www, 2);
    view->far = far;
    _mm256_store_si256((__m256i *)s->feature, _mm256_cvtepu16_epi32(near));
    _mm_store_si128((__m128i *)(s->feature + 8), _mm_cvtepu16_epi32(far));
    enum { W, N, NW, NE, WW, NN, NWW, NEE, NNW = 0, NNE, WWW, NNN, NN2, NN_2 };
    __m128i a = _mm_cmpeq_epi16(_mm_shuffle_epi8(near, KQ_LABELS(W, W, N, N, W, N, W, WW)),
                                _mm_shuffle_epi8(near, KQ_LABELS(N, NW, NW, NE, WW, NN, NE, NW)));
    __m128i b = _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(NE, NE, NWW, NEE, -1, -1, -1, -1)),
                             _mm_shuffle_epi8(far, KQ_LABELS(-1, -1, -1, -1, NNE, NNW, NNW, NNE)));
    b = _mm_cmpeq_epi16(_mm_shuffle_epi8(near, KQ_LABELS(NN, NW, NW, NE, NN, NN, NW, NE)), b);
    __m128i c = _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(WW, NN, WW, -1, -1, NEE, -1, -1)),
                             _mm_shuffle_epi8(far, KQ_LABELS(-1, -1, -1, NNE, NNW, -1, -1, -1)));
    __m128i d =
        _mm_or_si128(_mm_shuffle_epi8(near, KQ_LABELS(-1, -1, NWW, -1, -1, -1, -1, -1)),
                     _mm_shuffle_epi8(far, KQ_LABELS(WWW, NNN, -1, NN2, NN_2, NN2, -1, -1)));
    c = _mm_cmpeq_epi16(c, d);
    uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
    uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(c, _mm_setzero_si128())) & 63;
    s->equal = low | high << 16;
    s->feature[KQ_EQUAL10] = s->equal & 1023;
    s->feature[KQ_EQUAL22] = s->equal;
}

/* kq_hash_contexts; of eight lanes as vectors. The match's hash only if there is one. */
KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    if (lanes == KQ_MAX_LANES)
        return kq_hash_contexts(s, plane, lanes, matched, hashes);
    const uint32_t *f = s->feature;
    __m128i far = _mm_add_epi32(_mm_cvtepu16_epi32(view->far), _mm_set1_epi32(1));
    far = _mm_mullo_epi32(far, _mm_load_si128((const __m128i *)(kq_multipliers + 8)));
    uint32_t equal = (f[KQ_EQUAL22] + 1) * kq_multipliers[KQ_EQUAL22];
    uint32_t eleven = 0, third = (f[KQ_MEDIAN] + 1) * kq_multipliers[KQ_MEDIAN];
    const int names = plane->colorless;
    if (matched || names) {
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(view->terms),
                                     _mm256_extracti128_si256(view->terms, 1));
        third = KQ_NAME(sum)(_mm_add_epi32(four, far));
        eleven = third - (uint32_t)_mm_extract_epi32(far, 3);
    }
    /* W+WW or W+NEE, -, -, W+N+NE, N, N+NN or W or NEE, W+N+NW, - */
    const __m256i terms = view->terms, none = _mm256_setzero_si256();
    const int few = !names && plane->k <= KQ_FEW;
    __m256i sum =
        _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(0, 0, 0, 0, 1, names ? 7 : few, 0, 0));
    __m256i second =
        _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(names ? 7 : 4, 0, 0, 1, 0, 5, 1, 0));
    __m256i other = _mm256_permutevar8x32_epi32(terms, _mm256_setr_epi32(0, 0, 0, 3, 0, 0, 2, 0));
    second = _mm256_and_si256(second, _mm256_setr_epi32(-1, 0, 0, -1, 0, -few, -1, 0));
    sum = _mm256_add_epi32(_mm256_blend_epi32(none, sum, 0x79), second);
    sum = _mm256_add_epi32(sum, _mm256_blend_epi32(none, other, 0x48));
    __m128i low =
        _mm_insert_epi32(_mm_insert_epi32(_mm_setzero_si128(), (int)equal, 1), (int)third, 2);
    __m128i high =
        _mm_and_si128(_mm_shuffle_epi32(far, 0x0C), _mm_setr_epi32(0, -few, 0, 0)); /* NNN second */
    sum = _mm256_add_epi32(sum, _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
    _mm256_store_si256((__m256i *)hashes, sum);
    return eleven;
}

/* The colours that view.h predicts. Colours are 16 bits a channel, two or one in a vector. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
#define KQ_COLOR(feature) _mm_cvtsi32_si128((int)plane->colors[f[feature]])
    const __m128i w1 = KQ_COLOR(KQ_W), n1 = KQ_COLOR(KQ_N), nw1 = KQ_COLOR(KQ_NW),
                  ne1 = KQ_COLOR(KQ_NE);
    const __m128i ww1 = KQ_COLOR(KQ_WW), nn1 = KQ_COLOR(KQ_NN);
    const __m128i w = _mm_cvtepu8_epi16(w1), n = _mm_cvtepu8_epi16(n1), nw = _mm_cvtepu8_epi16(nw1);
    const __m128i ne = _mm_cvtepu8_epi16(ne1), ww = _mm_cvtepu8_epi16(ww1),
                  nn = _mm_cvtepu8_epi16(nn1);
    const __m128i both = _mm_add_epi16(w, n), corners = _mm_add_epi16(nw, ne);
    __m128i median = _mm_min_epi16(_mm_max_epi16(w, n), _mm_sub_epi16(both, nw));
    median = _mm_max_epi16(_mm_min_epi16(w, n), median);
    __m128i mean = _mm_add_epi16(_mm_add_epi16(both, both), _mm_sub_epi16(ne, nw));
    __m128i wide = _mm_add_epi16(_mm_sub_epi16(_mm_slli_epi16(both, 3), both),
                                 _mm_add_epi16(corners, corners));
    wide = _mm_add_epi16(_mm_sub_epi16(wide, _mm_add_epi16(ww, nn)), _mm_set1_epi16(8));
    mean = _mm_srai_epi16(mean, 2);
    wide = _mm_srai_epi16(wide, 4);
    __m128i slant = _mm_add_epi16(w, _mm_sub_epi16(ne, n));
    for (int more = 0; more <= all; more++) {
        __m128i colors =
            _mm_packus_epi16(_mm_unpacklo_epi64(median, mean), _mm_unpacklo_epi64(wide, slant));
        if (more) {
            __m128i along = _mm_sub_epi16(_mm_add_epi16(w, w), ww),
                    down = _mm_sub_epi16(_mm_add_epi16(n, n), nn);
            __m128i rise = _mm_sub_epi16(_mm_add_epi16(n, ne), _mm_cvtepu8_epi16(KQ_COLOR(KQ_NNE)));
            colors = _mm_packus_epi16(_mm_unpacklo_epi64(along, down), rise);
        }
        /* The cells: five bits of each channel, the red ones above. */
        __m128i cells = _mm_and_si128(_mm_srli_epi16(colors, 3), _mm_set1_epi8(31));
        cells = _mm_maddubs_epi16(cells, _mm_set1_epi32(0x00010120)); /* 32 r + g, b */
        cells = _mm_madd_epi16(cells, _mm_set1_epi32(0x00010020));    /* 32 (32 r + g) + b */
        uint32_t *found = f + (more ? KQ_ALONG : KQ_MEDIAN);
        found[0] = kq_cell_entry(plane, (uint32_t)_mm_cvtsi128_si32(cells));
        found[1] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 1));
        if (all) /* the small model needs no more */
            found[2] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 2));
        if (all && !more)
            found[3] = kq_cell_entry(plane, (uint32_t)_mm_extract_epi32(cells, 3));
    }
#undef KQ_COLOR
}
/* ---- context/match.h, again ---- */

KQ_FUNCTION int KQ_NAME(same_around)(const kq_plane *plane, ptrdiff_t place, const uint32_t *f,
                                     int count)
{
    const uint16_t *z = plane->labels + place, *n = z - plane->stride;
    if (n[0] != f[KQ_N] || n[1] != f[KQ_NE] || *(n - plane->stride) != f[KQ_NN])
        return 0;
    return count == 3 ||
           (z[-1] == f[KQ_W] && n[-1] == f[KQ_NW] && z[-2] == f[KQ_WW] && n[2] == f[KQ_NEE]);
}

KQ_FUNCTION void KQ_NAME(match_begin_row)(kq_context *m, size_t at)
{
    m->match_length = 0;
    m->match_at = 0;
    m->row_at = at;
}

KQ_FUNCTION void KQ_NAME(match_find)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return;
    const uint32_t *f = m->around.feature;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = (ptrdiff_t)m->displaced[at - m->row_at],
                        displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at &&
            KQ_NAME(same_around)(&m->plane, displaced, f, 3)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && KQ_NAME(same_around)(&m->plane, (ptrdiff_t)*place, f, 7)) {
            m->match_at = (ptrdiff_t)*place;
            m->match_length = 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

KQ_FUNCTION void KQ_NAME(match_follow)(kq_context *m, size_t at, uint32_t label)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at] != label)
        m->match_length = 0;
    else {
        m->match_length++;
        m->displaced[at - m->row_at] = (uint32_t)((ptrdiff_t)at - m->match_at);
    }
    m->match_at++;
}

KQ_FUNCTION uint32_t KQ_NAME(match_number)(const kq_context *m)
{
    uint32_t bits = kq_log(m->match_length);
    return bits < KQ_MATCH_ROWS ? bits : KQ_MATCH_ROWS - 1;
}
/* ---- context/mix_avx2.h ---- */
/* One decision of the coder `context` for AVX2: mix.h, eight lanes at once. */

typedef __m256i KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    return _mm256_setr_epi32(a, b, c, d, e, f, g, h);
}

KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    __m256i before = _mm256_cmpgt_epi32(_mm256_set1_epi32(middle), *places);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(before));
}

#define KQ_V(name) _mm256_load_si256((const __m256i *)m->vectors[KQ_V_##name])

typedef struct {
    __m256i at[KQ_MAX_LANES / 8], value[KQ_MAX_LANES / 8], n[KQ_MAX_LANES / 8];
    __m256i history[KQ_MAX_LANES / 8], past[KQ_MAX_LANES / 8];
    __m256i in[KQ_MAX_INPUTS / 8];
} KQ_NAME(sight);

/* Two vectors at a time go as 16-bit numbers, of which pairs of products are added. */
KQ_FUNCTION __m256i KQ_NAME(products)(const int32_t *weights, const KQ_NAME(sight) *sight,
                                      int inputs)
{
    __m256i sum = _mm256_setzero_si256();
    for (int v = 0; v < inputs / 8; v += 2) {
        __m256i one = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        __m256i other = _mm256_load_si256((const __m256i *)(weights + 8 * v + 8));
        __m256i w = _mm256_packs_epi32(_mm256_srai_epi32(one, 15), _mm256_srai_epi32(other, 15));
        __m256i part = _mm256_madd_epi16(w, _mm256_packs_epi32(sight->in[v], sight->in[v + 1]));
        sum = v ? _mm256_add_epi32(sum, part) : part;
    }
    return sum;
}

KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    for (int s = 0; s < sets; s += 2) {
        __m256i one = KQ_NAME(products)(weights[s], sight, inputs), other = one;
        if (s + 1 < sets)
            other = KQ_NAME(products)(weights[s + 1], sight, inputs);
        __m256i pairs = _mm256_hadd_epi32(one, other);
        __m128i four =
            _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        four = _mm_srai_epi32(_mm_hadd_epi32(four, four), 14);
        four = _mm_min_epi32(four, _mm256_castsi256_si128(KQ_V(MOST)));
        four = _mm_max_epi32(four, _mm256_castsi256_si128(KQ_V(LEAST)));
        logits[s] = _mm_cvtsi128_si32(four);
        if (s + 1 < sets)
            logits[s + 1] = _mm_extract_epi32(four, 1);
    }
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    const __m256i by =
        _mm256_set1_epi32(step & 65535); /* times the lower half, nothing times the upper */
    for (int v = 0; v < inputs / 8; v++) {
        __m256i w = _mm256_load_si256((const __m256i *)(weights + 8 * v));
        w = _mm256_add_epi32(w, _mm256_madd_epi16(sight->in[v], by));
        _mm256_store_si256((__m256i *)(weights + 8 * v), w);
    }
}

/* The hashes of eight lanes for a group of decisions, and the numbers of their lines. */
KQ_FUNCTION __m256i KQ_NAME(line)(const kq_context *m, int lanes, int i, uint32_t group,
                                  __m256i *hash)
{
    __m256i h = _mm256_load_si256((const __m256i *)(m->hashes + i));
    h = _mm256_add_epi32(h, _mm256_set1_epi32((int)(group * KQ_GROUP_MULTIPLIER)));
    h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 15));
    h = _mm256_mullo_epi32(h, _mm256_set1_epi32(0x2C1B3C6D));
    h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 12));
    __m256i table = _mm256_setr_epi32(KQ_TABLE(i), KQ_TABLE(i + 1), KQ_TABLE(i + 2),
                                      KQ_TABLE(i + 3), KQ_TABLE(i + 4), KQ_TABLE(i + 5),
                                      KQ_TABLE(i + 6), i + 8 == lanes ? 0 : KQ_TABLE(i + 7));
    __m256i line = _mm256_or_si256(_mm256_sll_epi32(table, _mm_cvtsi32_si128(m->line_bits)),
                                   _mm256_srl_epi32(h, _mm_cvtsi32_si128(32 - m->line_bits)));
    *hash = h;
    return line;
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    for (int i = 0; i < lanes; i += 8) {
        __m256i h, line = KQ_NAME(line)(m, lanes, i, group, &h);
        line =
            _mm256_or_si256(_mm256_slli_epi32(line, 4), _mm256_and_si256(h, _mm256_set1_epi32(15)));
        __m256i check = _mm256_and_si256(_mm256_srli_epi32(h, 4), _mm256_set1_epi32(63));
        check = _mm256_max_epi32(check, _mm256_set1_epi32(1));
        check = _mm256_or_si256(_mm256_slli_epi32(check, 6),
                                _mm256_set1_epi32((int)(KQ_HALF << 16 | 1)));
        _mm256_store_si256((__m256i *)(m->lines + i), line);
        _mm256_store_si256((__m256i *)(m->fresh + i), check);
    }
    for (int i = 0; i < lanes - 1; i++)
        KQ_PREFETCH(m->slots + m->lines[i]);
}

KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    KQ_ALIGNED(32) uint32_t lines[KQ_MAX_LANES];
    for (int i = 0; i < lanes; i += 8) {
        __m256i h;
        __m256i line = KQ_NAME(line)(m, lanes, i, group, &h);
        _mm256_store_si256((__m256i *)(lines + i), _mm256_slli_epi32(line, 4));
    }
    for (int i = 0; i < lanes - 1; i++)
        KQ_PREFETCH(m->slots + lines[i]);
}

/* The slots of eight lanes. Eight loads are quicker than a gather instruction on many
 * processors, and never much slower. */
KQ_FUNCTION __m256i KQ_NAME(slots)(const kq_context *m, __m256i at, int last)
{
    const uint32_t *s = m->slots;
    KQ_ALIGNED(32) uint32_t i[8];
    _mm256_store_si256((__m256i *)i, at);
    KQ_IN_MEMORY(i); /* in memory: out of the vector, each would take two steps */
    return _mm256_setr_epi32((int)s[i[0]], (int)s[i[1]], (int)s[i[2]], (int)s[i[3]], (int)s[i[4]],
                             (int)s[i[5]], (int)s[i[6]], last ? 0 : (int)s[i[7]]);
}

/* kq_logit of the upper 16 bits: 2p + 1 and 131071 - 2p as floats, which holds them
 * exactly, and the difference of their bits. */
KQ_FUNCTION __m256i KQ_NAME(logit)(const kq_context *m, __m256i value)
{
    __m256i x = _mm256_or_si256(_mm256_srli_epi32(value, 15), KQ_V(ONE));
    __m256i y = _mm256_sub_epi32(KQ_V(TWO), x);
    x = _mm256_castps_si256(_mm256_cvtepi32_ps(x));
    y = _mm256_castps_si256(_mm256_cvtepi32_ps(y));
    return _mm256_srai_epi32(_mm256_sub_epi32(x, y), 16);
}

/* table[n], a byte, for eight n at once. Bytes whose number has the top bit set are 0. */
KQ_FUNCTION __m256i KQ_NAME(pick)(const uint8_t *table, __m256i n)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table)),
                               n);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes), vectors = lanes / 8;
    for (int v = 0; v < vectors; v++) {
        __m256i at = _mm256_load_si256((const __m256i *)(m->lines + 8 * v));
        at = _mm256_xor_si256(at, _mm256_set1_epi32((int)node));
        __m256i value = KQ_NAME(slots)(m, at, v == vectors - 1);
        __m256i fresh = _mm256_load_si256((const __m256i *)(m->fresh + 8 * v));
        __m256i other = _mm256_and_si256(_mm256_xor_si256(value, fresh), KQ_V(CHECK));
        __m256i known = _mm256_cmpeq_epi32(other, _mm256_setzero_si256());
        value = _mm256_blendv_epi8(fresh, value, known);
        if (v == vectors - 1)
            value = _mm256_blend_epi32(value, _mm256_set1_epi32((int)match), 128);
        __m256i n = _mm256_and_si256(_mm256_srli_epi32(value, 12), KQ_V(N));
        n = _mm256_or_si256(n, KQ_V(PICK));
        __m256i logit =
            _mm256_madd_epi16(KQ_NAME(logit)(m, value), KQ_NAME(pick)(kq_worths.logit, n));
        __m256i chance = _mm256_add_epi32(_mm256_srli_epi32(value, 20), KQ_V(CENTRE));
        chance = _mm256_madd_epi16(chance, KQ_NAME(pick)(kq_worths.chance, n));
        sight->in[v] = _mm256_srai_epi32(logit, 8);
        sight->in[vectors + v] = _mm256_srai_epi32(chance, KQ_CHANCE_SHIFT(lanes));
        sight->at[v] = at;
        sight->value[v] = value;
        sight->n[v] = n;
        if (histories) {
            __m256i bits = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 2);
            __m256i history = _mm256_and_si256(_mm256_srli_epi32(value, 14), _mm256_set1_epi32(3));
            history = _mm256_or_si256(bits, history);
            __m256i map =
                _mm256_add_epi32(_mm256_setr_epi32(0, 512, 1024, 1536, 2048, 2560, 3072, 3584),
                                 _mm256_set1_epi32((16 * v + tree) * KQ_HISTORIES));
            history = _mm256_add_epi32(history, map);
            __m256i past = _mm256_i32gather_epi32((const int *)m->histories, history, 4);
            __m256i said = KQ_NAME(logit)(m, past);
            if (v == vectors - 1)
                said = _mm256_blend_epi32(said, _mm256_set1_epi32(KQ_BIAS), 128);
            sight->in[2 * vectors + v] = said;
            sight->history[v] = history;
            sight->past[v] = past;
        }
    }
}

KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    const __m256i target = bit ? KQ_V(BIT) : _mm256_setzero_si256();
    for (int v = 0; v < lanes / 8; v++) {
        KQ_ALIGNED(32) uint32_t at[8], values[8];
        uint32_t places[8], pasts[8];
        __m256i value = sight->value[v], n = sight->n[v], p = _mm256_srli_epi32(value, 16);
        __m256i error = _mm256_srai_epi32(_mm256_sub_epi32(target, p), 1);
        __m256i step =
            _mm256_srai_epi32(_mm256_madd_epi16(error, KQ_NAME(pick)(kq_worths.rate, n)), 7);
        value = _mm256_add_epi32(value, _mm256_slli_epi32(step, 16));
        /* Bit 7 is set for the largest n, which doesn't grow: that of `grow` is. */
        __m256i masked = _mm256_or_si256(_mm256_srli_epi32(value, 16), KQ_V(STOP));
        masked = _mm256_and_si256(masked, KQ_NAME(pick)(kq_worths.grow, n));
        __m256i grows = _mm256_cmpeq_epi32(masked, _mm256_setzero_si256());
        value = _mm256_sub_epi32(value, _mm256_slli_epi32(grows, 12));
        if (histories) {
            __m256i history = _mm256_slli_epi32(_mm256_and_si256(value, _mm256_set1_epi32(63)), 1);
            value = _mm256_andnot_si256(_mm256_set1_epi32(63), value);
            history = _mm256_or_si256(history, _mm256_and_si256(target, _mm256_set1_epi32(1)));
            __m256i longest = _mm256_cmpgt_epi32(history, _mm256_set1_epi32(63));
            history = _mm256_and_si256(history, _mm256_set1_epi32(63));
            history = _mm256_or_si256(history, _mm256_and_si256(longest, _mm256_set1_epi32(32)));
            value = _mm256_or_si256(value, history);
            __m256i past = _mm256_srli_epi32(sight->past[v], 16);
            past = _mm256_add_epi32(past, _mm256_srai_epi32(_mm256_sub_epi32(target, past), 6));
            _mm256_storeu_si256((__m256i *)pasts, _mm256_slli_epi32(past, 16));
            _mm256_storeu_si256((__m256i *)places, sight->history[v]);
        }
        _mm256_store_si256((__m256i *)at, sight->at[v]);
        _mm256_store_si256((__m256i *)values, value);
        KQ_BOTH_IN_MEMORY(at, values);
        for (int j = 0; j < 8 && 8 * v + j < lanes - 1; j++) {
            m->slots[at[j]] = values[j];
            if (histories)
                m->histories[places[j]] = pasts[j];
        }
    }
}
/* ---- context/steps.h, again ---- */

KQ_FUNCTION int KQ_NAME(bit)(kq_context *m, int bit, uint32_t p)
{
    (void)bit;
    return kq_range_decode(m->decoder, p);
}

KQ_FUNCTION int KQ_NAME(decide)(kq_context *m, int lanes, int sets, int bit, uint32_t node,
                                int tree, const uint32_t *rows, int agrees, uint32_t held)
{
    const uint16_t *squash = m->tables->squash + 2048;
    const int inputs = KQ_INPUTS(lanes);
    int32_t *weights[KQ_MAX_SETS];
    KQ_NAME(sight) sight;
    uint16_t *match = &m->match[tree][held];
    uint32_t said = agrees < 0
                        ? KQ_HALF << 16
                        : (uint32_t)(agrees ? *match : 65535 - *match) << 16 | KQ_MATCH_WORTH << 12;
    KQ_NAME(look_up)(m, lanes, node, tree, said, &sight);
    int logits[KQ_MAX_SETS];
    int32_t sum = 0, *final = m->final[(uint32_t)tree * KQ_MATCH_ROWS + held];
    for (int s = 0; s < sets; s++) {
        weights[s] = m->weights + (size_t)rows[s] * (size_t)inputs;
        if (m->seen[rows[s]] == 0)
            memcpy(weights[s], m->first, (size_t)inputs * sizeof *m->first);
    }
    KQ_NAME(mix)(m, weights, sets, &sight, inputs, logits);
    for (int s = 0; s < sets; s++)
        sum += final[s] * logits[s];
    uint32_t p = squash[kq_clamp_logit(sum >> 16)];
    bit = KQ_NAME(bit)(m, bit, p);
    int error = ((bit << 16) - (int)p) >> 2;
    for (int s = 0; s < sets; s++) {
        uint16_t *seen = &m->seen[rows[s]];
        uint32_t rate = m->rates[*seen];
        int step = (((bit << 16) - squash[logits[s]]) >> 1) * (int)(rate & 65535) >> 14;
        *seen = (uint16_t)(rate >> 16);
        KQ_NAME(mix_learn)(weights[s], &sight, inputs, step);
        final[s] = kq_final_weight(final[s] + (error * logits[s] >> 14));
    }
    KQ_NAME(learn)(m, lanes, &sight, bit);
    if (agrees >= 0)
        kq_map_learn(match, agrees == bit);
    return bit;
}

KQ_FUNCTION int KQ_NAME(simple)(kq_context *m, uint32_t *counter, int bit)
{
    int32_t p = (int32_t)(*counter >> 10), n = (int32_t)(*counter & 1023);
    uint32_t chance = (uint32_t)p >> 6;
    bit = KQ_NAME(bit)(m, bit, chance < 1 ? 1 : chance);
    p += (int32_t)(((bit ? (1 << 22) - 1 : 0) - p) * (int64_t)m->tables->flat[n] >> 16);
    *counter = (uint32_t)p << 10 | (uint32_t)(n < 255 ? n + 1 : 255);
    return bit;
}

/* ---- context/runs.h, again ---- */

KQ_FUNCTION size_t KQ_NAME(run_length)(kq_context *m, uint32_t *whole, uint32_t *ends, size_t most,
                                       size_t n)
{
    if (KQ_NAME(simple)(m, whole, n == most))
        return most;
    size_t low = 0, high = most;
    while (high - low > 1) {
        size_t half = low + (high - low) / 2;
        uint32_t row =
            kq_log((uint32_t)(high - low)) + (low == 0 ? 16 : 0) + (high == most ? 32 : 0);
        if (KQ_NAME(simple)(m, ends + row, n >= half))
            low = half;
        else
            high = half;
    }
    return low;
}

KQ_FUNCTION size_t KQ_NAME(matched_run)(kq_context *m, int lanes, uint16_t *at, size_t left,
                                        size_t *most)
{
    const uint16_t *z = m->plane.labels + m->match_at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const size_t apart = (size_t)(at - z);
    *most = KQ_NAME(alike_ahead)(at, z, stride, left < apart ? left : apart);
    uint32_t *whole;
    if (*most) {
        uint32_t length = kq_log(m->match_length / 8);
        whole = m->alike + (kq_log((uint32_t)*most) | (length < 7 ? length : 7) << 4);
    } else {
        const uint16_t *n = at - stride, *above = z - stride;
        if (KQ_HAS_HISTORIES(lanes) || m->match_length < KQ_LONG_MATCH)
            return 0;
        whole = m->unlike + ((uint32_t)(n[0] == above[0]) | (uint32_t)(n[-1] == above[-1]) << 1 |
                             (uint32_t)(n[1] == above[1]) << 2 | (uint32_t)(z[0] == at[-1]) << 3 |
                             (uint32_t)(z[0] == n[0]) << 4 | (uint32_t)(z[0] == n[1]) << 5 |
                             (uint32_t)(m->match_length >= 256) << 6);
        if (*whole < KQ_SURE)
            return 0;
        *most = 1;
    }
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == z[n])
        n++;
    n = KQ_NAME(run_length)(m, whole, m->ends[1], *most, n);
    if (m->decoder)
        memcpy(at, z, n * sizeof *at);
    for (size_t i = 0; i < n; i++)
        m->displaced[(size_t)(at - m->plane.labels) - m->row_at + i] = (uint32_t)apart;
    m->match_at += (ptrdiff_t)n;
    m->match_length += (uint32_t)n;
    return n;
}

KQ_FUNCTION size_t KQ_NAME(flat_run)(kq_context *m, uint16_t *at, uint32_t w, size_t left,
                                     size_t *most)
{
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *right = at - stride + 1, *above = at - 2 * stride, *expected = above;
    if (m->match_length) {
        expected = m->plane.labels + m->match_at;
        const size_t apart = (size_t)(at - expected);
        left = left < apart ? left : apart;
    }
    *most = KQ_NAME(flat_ahead)(right, above, expected, w, left);
    uint32_t end = 0;
    if (*most < left)
        end = (uint32_t)(right[*most] != w) | (uint32_t)(above[*most] != w) << 1;
    uint32_t held = m->match_length == 0   ? 0
                    : m->match_length < 16 ? 1
                    : m->match_length < 32 ? 2
                                           : 3;
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == w)
        n++;
    n = KQ_NAME(run_length)(m, m->flat + (kq_log((uint32_t)*most) | end << 4 | held << 6),
                            m->ends[0], *most, n);
    for (size_t i = 0; m->decoder && i < n; i++)
        at[i] = (uint16_t)w;
    if (m->match_length)
        m->match_at += (ptrdiff_t)n;
    return n;
}

KQ_FUNCTION uint32_t KQ_NAME(refusals)(uint32_t places)
{
    return (places >> 5 & 1) + (places >> 6 & 1) + (places >> 7 & 1);
}

KQ_FUNCTION uint32_t KQ_NAME(search)(kq_context *m, int lanes, int sets, uint32_t label,
                                     const int32_t *refused)
{
    const uint32_t *f = m->around.feature;
    uint32_t low = 0, high = m->plane.k, path = 1, held = KQ_NAME(match_number)(m);
    const KQ_NAME(places) places =
        KQ_NAME(gather)((int32_t)f[KQ_MEDIAN], (int32_t)f[KQ_MEAN], (int32_t)f[KQ_W],
                        (int32_t)f[KQ_N], m->expected, refused[0], refused[1], refused[2]);
    uint32_t within =
        ~KQ_NAME(before)(&places, 0);
    uint32_t node = 1, level = 0;
    while (high - low > 1) {
        uint32_t middle = (low + high + 1) / 2, under = KQ_NAME(before)(&places, (int32_t)middle);
        uint32_t below = within & under, above = within & ~under;
        if (node >= 16) {
            KQ_NAME(lines)(m, lanes, path);
            node = 1;
        }
        if (node >= 8 && high - low > 2) {
            KQ_NAME(fetch)(m, lanes, path << 1);
            KQ_NAME(fetch)(m, lanes, path << 1 | 1);
        }
        int bit = label >= middle;
        if ((below & 0xE0) && KQ_NAME(refusals)(below) == middle - low) {
            bit = 1;
        } else if ((above & 0xE0) && KQ_NAME(refusals)(above) == high - middle) {
            bit = 0;
        } else {
            uint32_t halves = m->tables->halves[(below & 15) | (above & 15) << 4];
            uint32_t rows[KQ_MAX_SETS] = {
                KQ_TREE_ROWS0 + level * 81 + halves,
                KQ_ROWS0 + KQ_TREE_ROWS1 + (path < 256 ? path : level),
                KQ_ROWS0 + KQ_ROWS1 + KQ_TREE_ROWS2 +
                    (KQ_IS_LATER(lanes) ? level * 64 + m->marks[1] : f[KQ_W] & 255),
            };
            int agrees = within & 16 ? !(under & 16) : -1;
            bit = KQ_NAME(decide)(m, lanes, sets, bit, node, 1, rows, agrees, held);
        }
        if (bit) {
            low = middle;
            within = above;
        } else {
            high = middle;
            within = below;
        }
        path = path << 1 | (uint32_t)bit;
        node = node << 1 | (uint32_t)bit;
        level += level < KQ_DEPTHS - 1;
    }
    return low;
}

KQ_FUNCTION int KQ_NAME(ask)(kq_context *m, int lanes, int sets, uint32_t label, uint32_t name,
                             uint32_t node, uint32_t kind)
{
    const int agrees = m->expected < 0 ? -1 : m->expected == (int)name;
    const uint32_t rows[KQ_MAX_SETS] = {
        (kind * 3 + (uint32_t)(agrees + 1)) * 128 + (m->around.equal & 127),
        KQ_ROWS0 + kind * 256 + (KQ_IS_LATER(lanes) ? m->marks[0] : name & 255),
        KQ_ROWS0 + KQ_ROWS1 + kind * 512 +
            (KQ_IS_LATER(lanes) ? m->marks[2] : m->around.equal >> 7 & 63),
    };
    int is = KQ_NAME(decide)(m, lanes, sets, label == name, node, 0, rows, agrees,
                             KQ_NAME(match_number)(m));
    if (agrees == 1 && !is)
        m->expected = -1;
    return is;
}

KQ_FUNCTION int KQ_NAME(ask_more)(kq_context *m, int lanes, int sets, uint32_t label,
                                  int32_t *refused)
{
    static const uint8_t names[5] = {KQ_N, KQ_NE, KQ_NEE, KQ_NW, KQ_WW};
    uint32_t count = 1;

    for (int i = 0; i < 5 && count < KQ_MOST_NAMES && count + 1 < m->plane.k; i++) {
        const int32_t name = (int32_t)m->around.feature[names[i]];
        if (name == refused[0] || name == refused[1])
            continue;
        if (count == 1)
            KQ_NAME(lines)(m, lanes, 2);
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)name, count, count))
            return name;
        refused[count++] = name;
    }
    if (count > 1)
        KQ_NAME(lines)(m, lanes, 1);
    return -1;
}

KQ_FUNCTION uint32_t KQ_NAME(label)(kq_context *m, int lanes, int sets, KQ_NAME(view) *view,
                                    const uint16_t *at, uint32_t label)
{
    const uint32_t *f = m->around.feature;
    KQ_NAME(neighbours)(view);
    KQ_NAME(survey)(view, &m->around);
    const int histories = KQ_HAS_HISTORIES(lanes),
              later = !histories && (m->place_bits || m->plane.colorless);
    if (!later)
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    uint32_t hash = KQ_NAME(hash)(view, &m->around, &m->plane, lanes, m->place_bits, m->hashes);
    KQ_NAME(match_find)(m, (size_t)(at - m->plane.labels), hash);
    KQ_NAME(lines)(m, lanes, 1);
    int32_t refused[KQ_MOST_NAMES] = {-1, -1, -1};
    if (m->asks) {
        if (KQ_NAME(ask)(m, lanes, sets, label, f[KQ_W], 0, 0))
            return f[KQ_W];
        refused[0] = (int32_t)f[KQ_W];
        const int found =
            m->plane.colorless ? KQ_NAME(ask_more)(m, lanes, sets, label, refused) : -1;
        if (found >= 0)
            return (uint32_t)found;
    }
    if (later)
        KQ_NAME(predict)(&m->plane, &m->around, histories);
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

KQ_FUNCTION void KQ_NAME(run)(kq_context *m, int lanes, int sets, uint32_t run_match, size_t from,
                              size_t to)
{
    const size_t stride = m->plane.stride;
    const uint16_t *labels = m->plane.labels;
    for (size_t y = from; y < to; y++) {
        uint16_t *row = m->plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN;
        uint16_t *end = row + m->plane.width, *at = row;
        for (int i = 1; i <= KQ_MARGIN; i++)
            row[-i] = row[-(ptrdiff_t)stride];
        KQ_NAME(match_begin_row)(m, (size_t)(row - labels));
        while (at < end) {
            size_t left = (size_t)(end - at), most = 0, n = 0;
            left = left < KQ_RUN_MOST ? left : KQ_RUN_MOST;
            if (m->match_length >= run_match)
                n = KQ_NAME(matched_run)(m, lanes, at, left, &most);
            KQ_NAME(view) view;
            if (most == 0) {
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
                uint32_t w = view.w;
                if (KQ_NAME(is_flat)(&view) && (m->match_length == 0 || labels[m->match_at] == w))
                    n = KQ_NAME(flat_run)(m, at, w, left, &most);
            }
            at += n;
            if (most && n == most)
                continue;
            if (most)
                KQ_NAME(look)(&view, at, (ptrdiff_t)stride);
            *at = (uint16_t)KQ_NAME(label)(m, lanes, sets, &view, at, *at);
            KQ_NAME(match_follow)(m, (size_t)(at - labels), *at);
            at++;
        }
        for (int i = 0; i < KQ_MARGIN; i++)
            end[i] = end[-1];
    }
}
/* ---- frames/later.h, again ---- */

KQ_FUNCTION uint32_t KQ_NAME(same_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *pn = p - stride;
    return (uint32_t)(at[-1] == p[-1]) | (uint32_t)(n[0] == pn[0]) << 1 |
           (uint32_t)(n[-1] == pn[-1]) << 2 | (uint32_t)(n[1] == pn[1]) << 3 |
           (uint32_t)(at[-2] == p[-2]) << 4 | (uint32_t)(n[-stride] == pn[-stride]) << 5 |
           (uint32_t)(n[2] == pn[2]) << 6 | (uint32_t)(n[-2] == pn[-2]) << 7;
}

KQ_FUNCTION uint32_t KQ_NAME(equal_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *s = at + stride;
    const uint32_t was = at[0], e = at[1], w = at[-1];
    return (uint32_t)(was == w) | (uint32_t)(was == n[0]) << 1 | (uint32_t)(was == n[-1]) << 2 |
           (uint32_t)(was == n[1]) << 3 | (uint32_t)(was == e) << 4 | (uint32_t)(was == s[0]) << 5 |
           (uint32_t)(was == s[1]) << 6 | (uint32_t)(was == s[-1]) << 7 |
           (uint32_t)(e == s[0]) << 8 | (uint32_t)(was == p[-1]) << 9 |
           (uint32_t)(was == p[-stride]) << 10 | (uint32_t)(w == s[-1]) << 11 |
           (uint32_t)(n[1] == e) << 12 | (uint32_t)(e == w) << 13 | (uint32_t)(s[0] == w) << 14 |
           (uint32_t)(s[0] == n[0]) << 15;
}

KQ_FUNCTION uint32_t KQ_NAME(equal_farther)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *s = at + stride, *ss = s + stride;
    const uint32_t was = at[0], ee = at[2], w = at[-1];
    return (uint32_t)(was == ee) | (uint32_t)(was == ss[0]) << 1 | (uint32_t)(ee == w) << 2 |
           (uint32_t)(ee == at[2 - stride]) << 3 | (uint32_t)(at[1] == ee) << 4 |
           (uint32_t)(s[0] == ss[0]) << 5 | (uint32_t)(p[-1] == w) << 6 |
           (uint32_t)(was == ss[1]) << 7 | (uint32_t)(was == ss[-1]) << 8 |
           (uint32_t)(was == s[2]) << 9 | (uint32_t)(was == s[-2]) << 10 |
           (uint32_t)(was == at[3]) << 11;
}

KQ_FUNCTION int KQ_NAME(ask_still)(kq_context *m, size_t at, uint32_t same, int bit)
{
    kq_sequence *s = m->sequence;
    const uint16_t *here = m->plane.labels + at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *n = here - stride, *below = here + stride;
    const uint32_t was = here[0], age = kq_log(s->age[at]);
    uint32_t equal = (uint32_t)(was == here[-1]) | (uint32_t)(was == n[0]) << 1 |
                     (uint32_t)(was == here[1]) << 2 | (uint32_t)(was == below[0]) << 3 |
                     (uint32_t)(was == below[1]) << 4 | (uint32_t)(was == n[1]) << 5 |
                     (uint32_t)(was == below[-1]) << 6;
    equal |= (same >> 6) << 7 | age << 9 | (uint32_t)(m->match_length > 15) << 12 |
             (uint32_t)(m->match_length > 0) << 13;
    return KQ_NAME(simple)(m, s->still + equal, bit);
}

KQ_FUNCTION void KQ_NAME(match_later)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return;
    const uint32_t *f = m->around.feature;
    const ptrdiff_t size = (ptrdiff_t)m->sequence->size, stride = (ptrdiff_t)m->plane.stride;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = kq_frame_behind(m, at), displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at && displaced >= KQ_ABOVE * stride - size &&
            displaced < size - KQ_MARGIN && KQ_NAME(same_around)(&m->plane, displaced, f, 7)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && *place != at) {
            ptrdiff_t z = (ptrdiff_t)*place;
            if (!KQ_NAME(same_around)(&m->plane, z, f, 7))
                z -= size;
            if (KQ_NAME(same_around)(&m->plane, z, f, 7)) {
                m->match_at = z;
                m->match_length = 1;
            }
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

KQ_FUNCTION void KQ_NAME(contexts_later)(kq_context *m, size_t at, uint32_t same)
{
    const kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *here = m->plane.labels + at, *p = here - s->size;
    uint32_t *h = m->hashes;
    KQ_NAME(view) view;
    KQ_NAME(look)(&view, here, stride);
    KQ_NAME(neighbours)(&view);
    KQ_NAME(survey)(&view, &m->around);
    KQ_NAME(predict)(&m->plane, &m->around, 0);
    const uint32_t hash =
        KQ_NAME(hash)(&view, &m->around, &m->plane, KQ_LATER_SHARED + 1, m->place_bits, h);
    KQ_NAME(match_later)(m, at, hash);
    const uint32_t equal = KQ_NAME(equal_before)(here, p, stride);
#define KQ_AROUND(kind) ((m->around.feature[kind] + 1) * kq_multipliers[kind])
    const uint32_t was = KQ_TERM(KQ_P, (uint32_t)here[0]),
                   right = KQ_TERM(KQ_PE, (uint32_t)here[1]), w = KQ_AROUND(KQ_W),
                   n = KQ_AROUND(KQ_N);
    h[7] = KQ_TERM(KQ_SAME_EQUAL, same | equal << 8);
    h[8] = KQ_TERM(KQ_Q, (uint32_t)s->replaced[at]) + was + w;
    h[9] = n + was + right;
    h[10] = w + n + KQ_AROUND(KQ_NW) + was + right + KQ_TERM(KQ_PS, (uint32_t)here[stride]);
    h[11] = KQ_AROUND(KQ_EQUAL22) + KQ_TERM(KQ_SAME, same << 4 | (equal & 3) | (equal >> 2 & 12));
    h[12] = KQ_TERM(KQ_MATCHED, (uint32_t)(m->expected + 1)) + was;
    h[13] = KQ_AROUND(KQ_MEDIAN) + was;
    h[14] = m->plane.colorless ? KQ_TERM(KQ_FARTHER, KQ_NAME(equal_farther)(here, p, stride)) +
                                     KQ_TERM(KQ_SAME_EQUAL, equal)
                               : n + KQ_AROUND(KQ_NN) + KQ_AROUND(KQ_NNN);
    h[15] = 0;
#undef KQ_AROUND
    m->marks[1] = (same & 15) | (equal & 3) << 4;
    m->marks[0] = m->marks[1] | (m->around.equal >> 7 & 3) << 6;
    m->marks[2] = (equal >> 4 & 63) | kq_log(s->age[at]) << 6;
}

KQ_FUNCTION uint32_t KQ_NAME(label_later)(kq_context *m, int lanes, int sets, size_t at,
                                          uint32_t same, uint32_t label, int32_t known)
{
    KQ_NAME(contexts_later)(m, at, same);
    if (known >= 0 && m->expected == known)
        m->expected = -1;
    uint32_t *f = m->around.feature;
    const int32_t was = m->plane.labels[at], w = (int32_t)f[KQ_W];
    const int was_first = (same & 3) == 3;
    const int32_t names[7] = {was_first ? was : w, was_first ? w : was, (int32_t)f[KQ_N],
                              (int32_t)f[KQ_NE],   (int32_t)f[KQ_NEE],  (int32_t)f[KQ_NW],
                              (int32_t)f[KQ_WW]};
    const int candidates = m->plane.colorless ? 7 : 2;
    const uint32_t most = m->plane.colorless ? KQ_MOST_NAMES : 2;
    int32_t refused[KQ_MOST_NAMES] = {known, -1, -1};
    uint32_t count = known >= 0, lines = 0;
    for (int i = 0; i < candidates && count < most && count + 1 < m->plane.k; i++) {
        if (names[i] == refused[0] || names[i] == refused[1])
            continue;

        const uint32_t kind = i > 1 ? 2 : (uint32_t)(i == was_first), group = kind == 1 ? 1 : 2;
        if (lines != group)
            KQ_NAME(lines)(m, lanes, group);
        lines = group;
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)names[i], kind == 2 ? count : 0, kind))
            return (uint32_t)names[i];
        refused[count++] = names[i];
    }
    if (lines != 1)
        KQ_NAME(lines)(m, lanes, 1);
    f[KQ_MEAN] = (uint32_t)was;
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

KQ_FUNCTION void KQ_NAME(run_later)(kq_context *m, int lanes, int sets, size_t row, size_t from,
                                    size_t to, const uint16_t *truth)
{
    kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    uint16_t *labels = m->plane.labels;
    KQ_NAME(match_begin_row)(m, row);
    for (size_t x = from; x < to; x++) {
        const size_t at = row + x;
        uint16_t *here = labels + at;
        const uint32_t label = truth ? truth[x] : 0;
        const uint32_t same = KQ_NAME(same_before)(here, here - s->size, stride);
        int32_t known = -1;
        if ((same & 63) == 63 && (m->match_length == 0 || labels[m->match_at] == here[0])) {
            if (KQ_NAME(ask_still)(m, at, same, label == here[0])) {
                m->match_at += m->match_length != 0;
                continue;
            }
            known = here[0];
        }
        const uint32_t found = KQ_NAME(label_later)(m, lanes, sets, at, same, label, known);
        KQ_NAME(match_follow)(m, at, found);
        *here = (uint16_t)found;
    }
}

KQ_FUNCTION uint32_t KQ_NAME(byte)(kq_context *m, uint32_t *counters, uint32_t value)
{
    uint32_t node = 1;
    for (int i = 7; i >= 0; i--)
        node = node << 1 | (uint32_t)KQ_NAME(simple)(m, counters + node, value >> i & 1);
    return node & 255;
}

KQ_FUNCTION int32_t KQ_NAME(signed_number)(kq_context *m, uint32_t (*counters)[256], int32_t value)
{
    uint32_t number = (uint32_t)(value + 32768);
    uint32_t high = KQ_NAME(byte)(m, counters[0], number >> 8 & 255);
    uint32_t low = KQ_NAME(byte)(m, counters[1], number & 255);
    return (int32_t)(high << 8 | low) - 32768;
}

KQ_FUNCTION void KQ_NAME(moves)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    int count = 0;
    while (count < KQ_MOST_MOVES && KQ_NAME(simple)(m, s->more + count, count < s->move_count)) {
        kq_frame_move *move = s->moves + count++;
        move->from = (int)KQ_NAME(byte)(m, s->numbers[0], (uint32_t)move->from);
        move->dx = KQ_NAME(signed_number)(m, s->numbers + 1, move->dx);
        move->dy = KQ_NAME(signed_number)(m, s->numbers + 3, move->dy);
    }
    s->move_count = count;
}

KQ_FUNCTION void KQ_NAME(blocks)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    const size_t wide = s->blocks_wide, high = s->blocks_high;
    int above = 0;
    for (size_t y = 0; y < high; y++) {
        uint8_t *row = s->blocks + y * wide;
        const uint8_t *last = s->last_blocks + y * wide, *up = row - wide;
        int any = 0, was = 0, will = 0;
        for (size_t x = 0; x < wide; x++) {
            any |= row[x] != 0;
            was |= last[x] != 0;
            will |= y + 1 < high && last[x + wide] != 0;
        }
        any = KQ_NAME(simple)(m, s->rows + (was | above << 1 | will << 2), any);
        for (size_t x = 0; x < wide; x++) {
            if (!any) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            const int w = x > 0, e = x + 1 < wide, n = y > 0;
            const uint32_t around =
                (uint32_t)(w && row[x - 1]) | (uint32_t)(n && up[x]) << 1 |
                (uint32_t)(n && e && up[x + 1]) << 2 | (uint32_t)(n && w && up[x - 1]) << 3 |
                (uint32_t)(last[x] != 0) << 4 | (uint32_t)(e && last[x + 1]) << 5 |
                (uint32_t)(y + 1 < high && last[x + wide]) << 6 |
                (uint32_t)(x > 1 && row[x - 2]) << 7 | (uint32_t)(w && last[x - 1]) << 8 |
                (uint32_t)above << 9;
            const int is = row[x];
            if (!KQ_NAME(simple)(m, s->changed + around, is != 0)) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            int found = KQ_CODED;
            for (int v = 0; v < s->move_count && found == KQ_CODED; v++) {
                const int by = KQ_MOVED + v;
                const uint32_t number = (uint32_t)(w && row[x - 1] == by) |
                                        (uint32_t)(n && up[x] == by) << 1 |
                                        (uint32_t)(w && row[x - 1] == KQ_CODED) << 2 |
                                        (uint32_t)(n && up[x] == KQ_CODED) << 3;
                if (KQ_NAME(simple)(m, s->moved + (number * KQ_MOST_MOVES + (uint32_t)v), is == by))
                    found = by;
            }
            row[x] = (uint8_t)found;
        }
        above = any;
    }
}

KQ_FUNCTION long long KQ_NAME(frame)(kq_context *m)
{
    KQ_NAME(moves)(m);
    KQ_NAME(blocks)(m);
    const long long moved = kq_move_blocks(m);
    return moved < 0 ? -1 : kq_coded_labels(m) + moved / 16;
}

KQ_FUNCTION void KQ_NAME(rows_later)(kq_context *m, int lanes, int sets, const uint16_t *truth,
                                     size_t from, size_t to)
{
    const kq_sequence *s = m->sequence;
    for (size_t y = from; y < to; y++) {
        const uint8_t *blocks = s->blocks + y / KQ_FRAME_BLOCK * s->blocks_wide;
        const size_t row = (y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN;
        int any = 0;
        for (size_t b = 0; b < s->blocks_wide; b++) {
            if (blocks[b] != KQ_CODED)
                continue;
            const size_t first = b;
            while (b + 1 < s->blocks_wide && blocks[b + 1] == KQ_CODED)
                b++;
            KQ_NAME(run_later)(m, lanes, sets, row, first * KQ_FRAME_BLOCK,
                               kq_smaller((b + 1) * KQ_FRAME_BLOCK, m->plane.width),
                               truth ? truth + y * m->plane.stride : NULL);
            any = 1;
        }
        if (any)
            kq_frame_margins(m, y);
    }
}
KQ_CONTEXT_AVX2 static void kq_avx2_small(kq_context *m, size_t from, size_t to)
{
    kq_avx2_run(m, KQ_SHAPE_SMALL, from, to);
}
KQ_CONTEXT_AVX2 static void kq_avx2_large(kq_context *m, size_t from, size_t to)
{
    kq_avx2_run(m, KQ_SHAPE_LARGE, from, to);
}
KQ_CONTEXT_AVX2 static void kq_avx2_later(kq_context *m, const uint16_t *truth, size_t from,
                                          size_t to)
{
    kq_avx2_rows_later(m, KQ_LATER_LANES, KQ_LATER_SETS, truth, from, to);
}
#undef KQ_FUNCTION
#undef KQ_NAME

static int kq_context_has_avx2(void)
{
    return KQ_CPU_HAS("avx2") && KQ_CPU_HAS("bmi2");
}
#endif

/* The labels of some rows, which follow those that are known. */
static void kq_context_rows(kq_context *m, size_t from, size_t to)
{
    typedef void coded_rows(kq_context *, size_t, size_t);
    static coded_rows *const plain[KQ_LATER] = {NULL, kq_plain_small, kq_plain_large};
    ptrdiff_t model = m->shape - kq_context_shapes;
#if defined(KQ_CONTEXT_AVX2)
    static coded_rows *const avx2[KQ_LATER] = {NULL, kq_avx2_small, kq_avx2_large};
    if (kq_context_has_avx2()) {
        avx2[model](m, from, to);
        return;
    }
#endif
    plain[model](m, from, to);
}

/* Rows of a frame from the frame before, see frames/later.h; kq_plain_frame begins it. */
static void kq_context_later(kq_context *m, const uint16_t *truth, size_t from, size_t to)
{
#if defined(KQ_CONTEXT_AVX2)
    if (kq_context_has_avx2()) {
        kq_avx2_later(m, truth, from, to);
        return;
    }
#endif
    kq_plain_later(m, truth, from, to);
}

/* --- beginning and end ---------------------------------------------------- */

static int kq_least(int a, int b)
{
    return a < b ? a : b;
}

/* The bits of a setting: the first byte of a payload. */
#define KQ_SETTING_MODEL(setting) ((setting) >> 6 & 3)
#define KQ_SETTING_ASKS(setting) ((setting) >> 4 & 1)
#define KQ_SETTING_MATCH(setting) ((setting) >> 3 & 1)
#define KQ_SETTING_RATE(setting) ((setting)&7)
#define KQ_SETTING_VALID(setting) ((setting) >= 0x40 && (setting) < 0xC0 && !((setting)&0x20))

static const uint16_t kq_first_rates[8] = {115, 162, 230, 325, 459, 650, 918, 1260};

static void kq_context_begin(kq_context *m)
{
    const int lanes = m->shape->lanes;
    for (int i = 0; i < lanes - 1; i++) {
        m->first[i] = 805306368 / (lanes - 1); /* 1.5 for the logits, together */
        if (KQ_HAS_HISTORIES(lanes))
            m->first[2 * lanes + i] = 322122547 / (lanes - 1); /* 0.6 for the histories */
    }
    m->first[lanes - 1] = 161061274; /* 0.3 for the match */
    if (KQ_HAS_HISTORIES(lanes))
        for (int map = 0; map < 2 * lanes; map++)
            memcpy(m->histories + map * KQ_HISTORIES, m->tables->histories,
                   sizeof m->tables->histories);
    for (int i = 0; i < KQ_FINAL_ROWS * KQ_MAX_SETS; i++)
        m->final[i / KQ_MAX_SETS][i % KQ_MAX_SETS] = 65536 / m->shape->sets;
}

static void kq_context_close(kq_context *m)
{
    KQ_FREE(m->memory);
    KQ_FREE(m->displaced);
    KQ_FREE(m->plane.colors);
    KQ_FREE(m->plane.labels);
}

typedef struct {
    const uint16_t *order; /* k: place to entry */
    const uint8_t *colors; /* k x 3, by entry; NULL for none */
    uint32_t k;
    int setting;
    size_t width, height;
    int wide; /* labels of two bytes */
} kq_tile;

/* A model for a tile, k >= 2; `colors`, NULL for none, are in the order of the tree. That of a
 * sequence, of whose tables the largest have 2^slot_bits slots, otherwise 0, has no labels of its
 * own; `shared`, if it isn't NULL, is another one of the same sequence, whose tables it has, too.
 * Returns 0 without memory, and has none then. */
static int kq_context_open(kq_context *m, const kq_logistic *tables, const kq_tile *tile,
                           const uint8_t *colors, int slot_bits, const kq_context *shared)
{
    const int setting = tile->setting;
    const size_t width = tile->width, height = tile->height;
    const uint32_t k = tile->k;
    memset(m, 0, sizeof *m);
    m->tables = tables;
    m->shape = kq_context_shapes + KQ_SETTING_MODEL(setting);
    m->asks = KQ_SETTING_ASKS(setting);
    m->plane.width = width;
    m->plane.height = height;
    m->plane.stride = width + 2 * KQ_MARGIN;
    m->plane.k = k;
    m->plane.colorless = !tile->colors;
    int size = 0; /* ceil(log2 of the labels) */
    while ((size_t)1 << size < width * height)
        size++;
    const int bits = slot_bits ? kq_least(size + 4, slot_bits) : kq_least(size + 2, KQ_SLOT_BITS);
    m->line_bits = (bits < 8 ? 8 : bits) - 4;
    m->place_bits = KQ_SETTING_MATCH(setting) ? kq_least(size < 8 ? 8 : size, 16) : 0;
    m->expected = -1;

    const size_t lanes = (size_t)m->shape->lanes, inputs = KQ_INPUTS(lanes);
    const int table_lanes = slot_bits ? KQ_LATER_LANES : m->shape->lanes;
    const size_t slots = shared ? 0 : (size_t)KQ_TABLES(table_lanes) * KQ_SLOTS << m->line_bits;
    const size_t weights = KQ_ROWS * inputs, places = shared ? 0 : (size_t)1 << m->place_bits;
    const size_t histories = KQ_HAS_HISTORIES(lanes) ? lanes * 2 * KQ_HISTORIES : 0;
    const size_t cells = colors && !shared ? KQ_COLOR_CELLS : 0;
    const size_t bytes = KQ_ALIGNING + (weights + slots + places + histories) * 4 + cells * 2;
    /* Of a sequence's tables a short one uses little: zeros that are there when they are needed. */
    m->memory = slot_bits ? KQ_CALLOC(bytes, 1) : KQ_MALLOC(bytes);
    const size_t labels = (height + KQ_ABOVE) * m->plane.stride + KQ_READ_BEHIND;
    if (!shared) {
        m->displaced = (uint32_t *)KQ_CALLOC(width, sizeof *m->displaced);
        m->plane.colors = colors ? (uint32_t *)KQ_MALLOC(k * sizeof *m->plane.colors) : NULL;
        m->plane.labels = slot_bits ? NULL : (uint16_t *)KQ_CALLOC(labels, sizeof *m->plane.labels);
    }
    if (!m->memory || (!shared && (!m->displaced || (colors && !m->plane.colors))) ||
        (!slot_bits && !m->plane.labels)) {
        kq_context_close(m);
        memset(m, 0, sizeof *m);
        return 0;
    }
    m->weights = (int32_t *)KQ_ALIGNED_AT(m->memory);
    m->slots = (uint32_t *)(m->weights + weights);
    m->places = m->slots + slots;
    if (!slot_bits)
        memset(m->slots, 0, (slots + places) * sizeof *m->slots);
    m->histories = m->places + places;
    m->plane.cells = (uint16_t *)(m->histories + histories);
    for (uint32_t i = 0; i < k && m->plane.colors; i++)
        m->plane.colors[i] =
            colors[3 * i] | (uint32_t)colors[3 * i + 1] << 8 | (uint32_t)colors[3 * i + 2] << 16;
    if (m->plane.colors)
        kq_find_boxes(&m->plane);
    memset(m->plane.cells, 0xFF, cells * sizeof *m->plane.cells);
    if (shared) {
        m->plane = shared->plane;
        m->slots = shared->slots;
        m->places = shared->places;
        m->displaced = shared->displaced;
    }
    for (size_t i = 0; i < 256; i++)
        m->flat[i] = m->alike[i / 2] = m->unlike[i / 2] = KQ_COUNTER_BEGIN;
    for (size_t i = 0; i < 128; i++)
        m->ends[i / 64][i % 64] = KQ_HALF_BEGIN;
    for (size_t i = 0; i < 2 * KQ_MATCH_ROWS; i++)
        m->match[i / KQ_MATCH_ROWS][i % KQ_MATCH_ROWS] = KQ_MATCH_BEGIN;
    const uint32_t rate = kq_first_rates[KQ_SETTING_RATE(setting)];
    for (uint32_t i = 0; i < KQ_RATES; i++)
        m->rates[i] = (rate + 240 * rate / (20 + i)) | (i < KQ_RATES - 1 ? i + 1 : i) << 16;
    for (int i = 0; i < KQ_VECTORS * 8; i++)
        m->vectors[i / 8][i % 8] = (int32_t)kq_vector_numbers[i / 8];
    kq_context_begin(m);
    return 1;
}

/* --- labels to bytes and back ---------------------------------------------- */

/* The entry with that place; some entry, where the order is changed by somebody else. */
static inline uint32_t kq_tile_entry(const kq_tile *tile, size_t place)
{
    return kq_label_below(tile->k, tile->order, place, 1);
}

/* Whether the model looks at colours: a file may have many small tiles, and the largest
 * palettes would be most of their work. */
static int kq_tile_has_colors(const kq_tile *tile)
{
    return tile->colors && tile->k <= KQ_GEOMETRY_MAX;
}

/* The entries of a row of places, from the label of that number on. */
static void kq_tile_store(const kq_tile *tile, const uint16_t *row, size_t first, void *labels)
{
    if (tile->colors != NULL) {
        for (size_t x = 0; x < tile->width; x++)
            kq_label_set(labels, first + x, tile->wide, kq_tile_entry(tile, row[x]));
    } else if (tile->wide) { /* without colours a place is its entry */
        memcpy((uint16_t *)labels + first, row, tile->width * sizeof *row);
    } else {
        for (size_t x = 0; x < tile->width; x++)
            ((uint8_t *)labels)[first + x] = (uint8_t)row[x];
    }
}

/* The colours in the order of the tree, where the model looks at them, otherwise NULL. Returns
 * 0 without memory. */
static int kq_tile_colors(const kq_tile *tile, uint8_t **colors)
{
    *colors = kq_tile_has_colors(tile) ? (uint8_t *)KQ_MALLOC(3 * (size_t)tile->k) : NULL;
    for (size_t place = 0; *colors && place < tile->k; place++)
        memcpy(*colors + 3 * place, tile->colors + 3 * (size_t)kq_tile_entry(tile, place), 3);
    return *colors || !kq_tile_has_colors(tile);
}

/* A tile that is being decoded, some rows at a time. */
typedef struct {
    kq_context model;
    kq_range_decoder decoder;
    kq_tile tile;
    size_t row; /* the next one */
} kq_context_tile;

/* Begins with a payload of `size` bytes; returns 0 without memory. */
static int kq_context_tile_open(kq_context_tile *t, const kq_logistic *tables, const kq_tile *tile,
                                const uint8_t *payload, size_t size)
{
    uint8_t *colors;
    const int opened =
        kq_tile_colors(tile, &colors) && kq_context_open(&t->model, tables, tile, colors, 0, NULL);
    KQ_FREE(colors);
    if (!opened)
        return 0;
    kq_range_decoder_init(&t->decoder, payload, size);
    t->model.decoder = &t->decoder;
    t->tile = *tile;
    t->row = 0;
    return 1;
}

/* Fills the next rows of `labels`, tile->wide saying how wide these are, at most so many. */
static void kq_context_tile_rows(kq_context_tile *t, size_t rows, void *labels)
{
    const size_t left = t->tile.height - t->row, end = t->row + (rows < left ? rows : left);
    kq_context_rows(&t->model, t->row, end);
    for (; t->row < end; t->row++) {
        const kq_plane *plane = &t->model.plane;
        const uint16_t *row = plane->labels + (t->row + KQ_ABOVE) * plane->stride + KQ_MARGIN;
        kq_tile_store(&t->tile, row, t->row * t->tile.width, labels);
    }
}

/* Fills the labels of a tile from a payload of `size` bytes. Returns 1, 0 if the payload is
 * invalid, -1 without memory. */
static inline int kq_context_decode(const kq_logistic *tables, const kq_tile *tile,
                                    const uint8_t *payload, size_t size, void *labels)
{
    kq_context_tile decoded;
    if (!kq_context_tile_open(&decoded, tables, tile, payload, size))
        return -1;
    kq_context_tile_rows(&decoded, tile->height, labels);
    kq_context_close(&decoded.model);
    return kq_range_decoder_valid(&decoded.decoder);
}
/* ---- file/tile_parts.h ---- */
/* What a tile's payload says of itself ahead of its labels (spec/kq.md, sections 16 and 18): a list
 * of its own entries, regions, cells.
 */

enum { KQ_FIRST_DENSE, KQ_FIRST_ENLARGED, KQ_FIRST_LIST = 4, KQ_FIRST_REGIONS };
#define KQ_MOST_COLORS 8   /* of regions */
#define KQ_ENLARGED_HEAD 5 /* bytes */

typedef struct {
    uint32_t listed; /* entries of the tile's own list, 0 if it has none */
    uint32_t colors; /* of regions, 0 if there are none */
    kq_span list, ids, rest;
    uint32_t k; /* of what the rest codes */
    /* Cells, and what the first have lost; 1 x 1 if the tile isn't enlarged. */
    uint32_t across, down, column, row, width, height;
} kq_tile_parts;

static kq_result kq_take_span(kq_cursor *c, kq_span *span)
{
    uint32_t length;
    if (kq_take_length(c, 4, &length) != KQ_OK)
        return KQ_INVALID;
    span->size = length;
    span->bytes = kq_take(c, length);
    return span->bytes ? KQ_OK : KQ_INVALID;
}

/* A list and regions, of a label map; `most` says how many entries a list may have, 0 for none. */
static kq_result kq_parts_of_labels(kq_tile_parts *p, uint32_t k, uint64_t most)
{
    kq_cursor c = {p->rest.bytes, p->rest.size, 0};
    if (most && c.size && c.data[0] == KQ_FIRST_LIST) {
        c.at++;
        if (kq_take_length(&c, 4, &p->listed) != KQ_OK || p->listed >= most)
            return KQ_INVALID;
        k = ++p->listed;
        if (kq_take_span(&c, &p->list) != KQ_OK)
            return KQ_INVALID;
    }
    if (k > 1 && c.at < c.size && c.data[c.at] == KQ_FIRST_REGIONS) {
        c.at++;
        const uint8_t *colors = kq_take(&c, 1);
        if (!colors || *colors >= KQ_MOST_COLORS)
            return KQ_INVALID;
        k = p->colors = *colors + 1;
        if (kq_take_span(&c, &p->ids) != KQ_OK)
            return KQ_INVALID;
    }
    p->rest.bytes = c.data + c.at;
    p->rest.size = c.size - c.at;
    p->k = k;
    return c.at < c.size && (c.data[c.at] == KQ_FIRST_LIST || c.data[c.at] == KQ_FIRST_REGIONS)
               ? KQ_INVALID
               : KQ_OK;
}

/* Cells, by the coder context. */
static kq_result kq_parts_of_cells(kq_tile_parts *p)
{
    const uint8_t *head = p->rest.bytes;
    if (p->rest.size < KQ_ENLARGED_HEAD)
        return KQ_INVALID;
    p->across = head[1] + 1u;
    p->column = head[2];
    p->down = head[3] + 1u;
    p->row = head[4];
    if (p->column >= p->across || p->row >= p->down || p->across * p->down == 1)
        return KQ_INVALID;
    p->width = (p->width - 1 + p->column) / p->across + 1;
    p->height = (p->height - 1 + p->row) / p->down + 1;
    p->rest.bytes += KQ_ENLARGED_HEAD;
    p->rest.size -= KQ_ENLARGED_HEAD;
    return p->rest.size && p->rest.bytes[0] == KQ_FIRST_ENLARGED ? KQ_INVALID : KQ_OK;
}

/* The parts of a payload, for width x height labels below k, but for cells; `label_map` says
 * whether there may be regions, and `most` how long a list may be, 0 for none. */
static kq_result kq_parts_find(kq_tile_parts *p, kq_span payload, uint32_t k, int label_map,
                               uint64_t most, uint32_t width, uint32_t height)
{
    memset(p, 0, sizeof *p);
    p->rest = payload;
    p->k = k;
    p->width = width;
    p->height = height;
    p->across = p->down = 1;
    return label_map && k > 1 ? kq_parts_of_labels(p, k, most) : KQ_OK;
}

/* Whether what is left begins with cells. */
static int kq_parts_enlarged(const kq_tile_parts *p, int coder)
{
    return coder == KQ_CODER_CONTEXT && p->k > 1 && p->rest.size &&
           p->rest.bytes[0] == KQ_FIRST_ENLARGED;
}
/* ---- regions/ids.h ---- */
/* The labels of regions, in order of first appearance (spec/kq.md, section 18): which is the next
 * new one, or one of those that were lately.
 */

#define KQ_ID_NONE UINT32_MAX
#define KQ_RECENT 64                           /* labels that are kept */
enum { KQ_ID_NEXT, KQ_ID_JUMP, KQ_ID_RECENT }; /* what a region's number says; more: another */
enum { KQ_NEAR_W, KQ_NEAR_N, KQ_NEAR_NW, KQ_NEAR_NE, KQ_NEAR };

typedef struct {
    kq_bit_coder *coder;
    uint32_t k;
    uint32_t next; /* one more than the last label that was told by itself */
    uint32_t count, recent[KQ_RECENT];
    kq_number_bits numbers[4], jumps; /* of numbers by whether NW and NE count */
} kq_ids;

static void kq_ids_init(kq_ids *s, kq_bit_coder *coder, uint32_t k)
{
    s->coder = coder;
    s->k = k;
    s->next = s->count = 0;
    for (int i = 0; i < 4; i++)
        kq_number_bits_init(s->numbers + i);
    kq_number_bits_init(&s->jumps);
}

/* Walks through those that a region's label may be, NW, NE and the recent ones, each once and
 * not W or N, up to the place `rank` or the label `id`. Returns where it ended and which label
 * that is; KQ_ID_NONE if there is none. */
static uint32_t kq_ids_walk(const kq_ids *s, const uint32_t near[KQ_NEAR], uint32_t rank,
                            uint32_t *id)
{
    const uint32_t w = near[KQ_NEAR_W], n = near[KQ_NEAR_N];
    uint32_t at = 0, nw = near[KQ_NEAR_NW], ne = near[KQ_NEAR_NE];
    for (uint32_t i = 0; i < s->count + 2; i++) {
        const uint32_t label = i == 0 ? nw : i == 1 ? ne : s->recent[i - 2];
        if (label == KQ_ID_NONE || label == w || label == n || (i > 0 && label == nw) ||
            (i > 1 && label == ne))
            continue;
        if (at == rank || label == *id) {
            *id = label;
            return at;
        }
        at++;
    }
    return KQ_ID_NONE;
}

/* A label becomes the most recent. */
static void kq_ids_keep(kq_ids *s, uint32_t id)
{
    uint32_t i = 0;
    while (i < s->count && s->recent[i] != id)
        i++;
    if (i == s->count && s->count < KQ_RECENT)
        s->count++;
    else if (i == s->count)
        i--;
    memmove(s->recent + 1, s->recent, i * sizeof *s->recent);
    s->recent[0] = id;
}

/* Which of NW and NE are neither W nor N. */
static int kq_ids_context(const uint32_t near[KQ_NEAR])
{
    int context = 0;
    for (int i = 0; i < 2; i++) {
        const uint32_t label = near[KQ_NEAR_NW + i];
        context |= (label != KQ_ID_NONE && label != near[KQ_NEAR_W] && label != near[KQ_NEAR_N])
                   << i;
    }
    return context;
}

/* The label of the next region; 0 if it is invalid. */
static int kq_ids_code(kq_ids *s, const uint32_t near[KQ_NEAR], uint32_t *id)
{
    uint64_t number = 0;
    if (!kq_number_code(s->coder, s->numbers + kq_ids_context(near), 7, &number))
        return 0;
    if (number == KQ_ID_NEXT) {
        *id = s->next;
    } else if (number == KQ_ID_JUMP) {
        /* Forwards by one or more is even, backwards odd. */
        uint64_t jump =
            *id > s->next ? 2 * (uint64_t)(*id - s->next) - 2 : 2 * (uint64_t)(s->next - *id) - 1;
        if (!kq_number_code(s->coder, &s->jumps, 7, &jump) || jump > 2 * (uint64_t)UINT32_MAX)
            return 0;
        const int64_t far = (int64_t)(jump / 2) + 1;
        const int64_t label = jump & 1 ? s->next - far : s->next + far;
        if (label < 0 || label >= s->k)
            return 0;
        *id = (uint32_t)label;
    } else if (number - KQ_ID_RECENT >= KQ_RECENT + 2 || s->coder->decoder) {
        *id = KQ_ID_NONE;
        if (number - KQ_ID_RECENT >= KQ_RECENT + 2 ||
            kq_ids_walk(s, near, (uint32_t)number - KQ_ID_RECENT, id) == KQ_ID_NONE)
            return 0;
    }
    if (*id >= s->k)
        return 0;
    if (number < KQ_ID_RECENT)
        s->next = *id + 1;
    kq_ids_keep(s, *id);
    return 1;
}

/* Codes the label of each region; an encoder takes it from the map `m`. Each run's parent
 * becomes its label instead. Returns 0 if one is invalid. */
static int kq_regions_code(kq_ids *s, const kq_map *m, kq_row_run *runs, size_t count)
{
    const size_t width = m->width;
    size_t above = 0; /* the run of N */
    for (size_t i = 0; i < count; i++) {
        const size_t start = i ? runs[i - 1].end : 0, column = start % width;
        if (runs[i].parent != i) {
            runs[i].parent = runs[runs[i].parent].parent;
            continue;
        }
        uint32_t near[KQ_NEAR] = {KQ_ID_NONE, KQ_ID_NONE, KQ_ID_NONE, KQ_ID_NONE};
        if (column)
            near[KQ_NEAR_W] = runs[i - 1].parent;
        if (start >= width) {
            const size_t n = start - width;
            while (runs[above].end <= n)
                above++;
            near[KQ_NEAR_N] = runs[above].parent;
            if (column)
                near[KQ_NEAR_NW] =
                    runs[above && runs[above - 1].end == n ? above - 1 : above].parent;
            if (column + 1 < width)
                near[KQ_NEAR_NE] = runs[runs[above].end == n + 1 ? above + 1 : above].parent;
        }
        uint32_t id = s->coder->decoder ? KQ_ID_NONE : kq_map_at(m, start);
        if (!kq_ids_code(s, near, &id))
            return 0;
        runs[i].parent = id;
    }
    return 1;
}

/* Fills `out`, labels of `size` bytes, from a map of regions and the payload of their labels,
 * each less than k. Returns 1, 0 if the payload is invalid, -1 without memory. */
static int kq_regions_decode(const kq_map *colors, const uint8_t *payload, size_t bytes, uint32_t k,
                             void *out, int size)
{
    const size_t count = kq_runs_count(colors);
    kq_row_run *runs = (kq_row_run *)KQ_MALLOC(count * sizeof *runs);
    kq_range_decoder decoder;
    kq_bit_coder coder = {0};
    kq_ids ids;
    if (!runs)
        return -1;
    coder.decoder = &decoder;
    kq_range_decoder_init(&decoder, payload, bytes);
    kq_ids_init(&ids, &coder, k);
    const int valid = kq_runs_find(colors, runs, count) &&
                      kq_regions_code(&ids, colors, runs, count) &&
                      kq_range_decoder_valid(&decoder);
    for (size_t i = 0, start = 0; valid && i < count; start = runs[i++].end) {
        if (size == 1)
            kq_row_run_fill(out, 1, start, runs[i].end, runs[i].parent);
        else if (size == 2)
            kq_row_run_fill(out, 2, start, runs[i].end, runs[i].parent);
        else
            kq_row_run_fill(out, 4, start, runs[i].end, runs[i].parent);
    }
    KQ_FREE(runs);
    return valid;
}
/* ---- file/tile.h ---- */
/* The labels of a tile from its payload, in steps of about a row (spec/kq.md, sections 7, 8, 16, 17
 * and 18).
 */

#define KQ_STEP_LABELS 2048 /* about so many in a step, where the coder has steps */

/* A payload, and what is to be made of it. */
typedef struct {
    kq_span payload;
    uint32_t width, height;
    uint32_t k;       /* labels are below it */
    int label_map;    /* whether there are no colours, and may be regions */
    uint64_t listed;  /* entries that a list of the tile's own may have at most, 0 for none */
    uint32_t entries; /* that such a list has its entries of */
    int label_bytes;  /* of each label in the end: 1, 2 or 4 */
} kq_tile_task;

struct kq_tile_job {
    kq_context_tile *context; /* while rows are decoded by it; at an address for vectors */
    void *context_memory;
    kq_tile_task task;
    kq_tile_parts parts;
    kq_dense_shape dense; /* of parts.k */
    uint64_t *list;       /* the tile's own entries */
    uint8_t *coded;       /* what the coder tells: labels, cells, or colours of regions */
    int coded_bytes;      /* 1 or 2 */
    uint8_t *labels;      /* the result */
    int more;
};

static void kq_job_end_context(struct kq_tile_job *job)
{
    if (job->context)
        kq_context_close(&job->context->model);
    KQ_FREE(job->context_memory);
    job->context = NULL;
    job->context_memory = NULL;
}

static void kq_job_close(struct kq_tile_job *job)
{
    kq_job_end_context(job);
    KQ_FREE(job->list);
    if (job->coded != job->labels)
        KQ_FREE(job->coded);
    KQ_FREE(job->labels);
    job->list = NULL;
    job->coded = job->labels = NULL;
    job->more = 0;
}

/* A tile's own list: so many entries, ascending. */
static kq_result kq_list_read(kq_span payload, uint32_t listed, uint64_t entries, uint64_t *list)
{
    const uint64_t count = listed;
    if (!kq_numbers_decode(payload.bytes, payload.size, &count, 1, list))
        return KQ_INVALID;
    uint64_t next = 0; /* one more than the entry before */
    for (uint32_t i = 0; i < listed; i++) {
        if (list[i] >= entries - next)
            return KQ_INVALID;
        next += list[i] + 1;
        list[i] = next - 1;
    }
    return KQ_OK;
}

static kq_result kq_job_list(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    job->list = (uint64_t *)KQ_MALLOC(p->listed * sizeof *job->list);
    return job->list ? kq_list_read(p->list, p->listed, job->task.entries, job->list)
                     : KQ_NO_MEMORY;
}

/* The payload of the coder dense, of the labels that are coded. */
static kq_result kq_job_dense(struct kq_tile_job *job, kq_span payload)
{
    const kq_dense_shape *s = &job->dense;
    const size_t labels = (size_t)job->parts.width * job->parts.height;
    const uint64_t bits = kq_dense_bits(s, labels);
    if (payload.size != (bits + 7) / 8 || !kq_padded(payload.bytes, bits))
        return KQ_INVALID;
    if (s->block == 1) { /* K is a power of two */
        kq_unpack(payload.bytes, job->coded_bytes == 2, labels, s->bits[1], job->coded);
        return KQ_OK;
    }
    return kq_dense_decode(payload.bytes, job->coded_bytes == 2, labels, job->parts.k, s->block,
                           s->bits[s->block], s->bits[labels % s->block], job->coded)
               ? KQ_OK
               : KQ_INVALID;
}

static kq_result kq_job_packed(struct kq_tile_job *job)
{
    const kq_span payload = job->parts.rest;
    const size_t labels = (size_t)job->parts.width * job->parts.height;
    const int bits = kq_label_bits(job->parts.k), wide = job->coded_bytes == 2;
    if (!kq_padded(payload.bytes, labels * (uint64_t)bits))
        return KQ_INVALID;
    kq_unpack(payload.bytes, wide, labels, bits, job->coded);
    uint32_t most = 0;
    for (size_t i = 0; i < labels && job->parts.k >> bits == 0; i++) {
        const uint32_t label = kq_label_get(job->coded, i, wide);
        most = label > most ? label : most;
    }
    return most < job->parts.k ? KQ_OK : KQ_INVALID;
}

/* The order of labels in the tree: that of the palette, or as they are. */
static uint16_t *kq_job_plain_order(uint32_t k)
{
    uint16_t *order = (uint16_t *)KQ_MALLOC(k * sizeof *order);
    for (uint32_t i = 0; order && i < k; i++)
        order[i] = (uint16_t)i;
    return order;
}

static kq_result kq_job_tokens(struct kq_tile_job *job, const kq_file *f)
{
    const kq_tile_parts *p = &job->parts;
    uint16_t *plain = job->task.label_map ? kq_job_plain_order(p->k) : NULL;
    if (job->task.label_map && !plain)
        return KQ_NO_MEMORY;
    kq_tokens_tile tile;
    tile.order = plain ? plain : f->order;
    tile.k = p->k;
    tile.width = p->width;
    tile.height = p->height;
    tile.wide = job->coded_bytes == 2;
    tile.labels = job->coded;
    const int done = kq_tokens_decode(&tile, p->rest.bytes, p->rest.size);
    KQ_FREE(plain);
    return done < 0 ? KQ_NO_MEMORY : done ? KQ_OK : KQ_INVALID;
}

/* What the coder context needs of all tiles; 0 without memory. */
static int kq_logistic_make(kq_file *f)
{
    if (!f->logistic) {
        f->logistic = (kq_logistic *)KQ_MALLOC(sizeof *f->logistic);
        if (f->logistic)
            kq_logistic_init(f->logistic);
    }
    return f->logistic != NULL;
}

/* Room for what decodes rows by the coder context. */
static kq_result kq_job_begin_context(struct kq_tile_job *job, kq_file *f)
{
    const kq_tile_parts *p = &job->parts;
    const kq_span payload = p->rest;
    const int settings = payload.bytes[0];
    if (!KQ_SETTING_VALID(settings))
        return KQ_INVALID;
    job->context_memory = KQ_MALLOC(sizeof *job->context + KQ_ALIGNING);
    if (!job->context_memory || !kq_logistic_make(f))
        return KQ_NO_MEMORY;
    kq_context_tile *context = (kq_context_tile *)KQ_ALIGNED_AT(job->context_memory);
    kq_tile tile;
    tile.order = f->order;
    tile.colors = job->task.label_map ? NULL : f->stored;
    tile.k = p->k;
    tile.setting = settings;
    tile.width = p->width;
    tile.height = p->height;
    tile.wide = job->coded_bytes == 2;
    if (!kq_context_tile_open(context, f->logistic, &tile, payload.bytes + 1, payload.size - 1))
        return KQ_NO_MEMORY;
    job->context = context;
    job->more = 1;
    return KQ_OK;
}

static void kq_put_label(uint8_t *labels, int bytes, size_t i, uint32_t label)
{
    if (bytes == 4)
        ((uint32_t *)labels)[i] = label;
    else
        kq_label_set(labels, i, bytes == 2, label);
}

/* Each cell becomes so many labels. */
static kq_result kq_job_enlarge(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    const uint32_t width = job->task.width, height = job->task.height;
    const size_t bytes = (size_t)job->coded_bytes;
    const int wide = bytes == 2;
    uint8_t *labels = (uint8_t *)KQ_MALLOC((size_t)width * height * bytes);
    if (!labels)
        return KQ_NO_MEMORY;
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *row = labels + (size_t)y * width * bytes;
        const size_t cells = (size_t)((y + p->row) / p->down) * p->width;
        if (y && (y + p->row) % p->down) {
            memcpy(row, row - width * bytes, width * bytes);
            continue;
        }
        for (uint32_t x = 0; x < width; x++)
            kq_label_set(row, x, wide,
                         kq_label_get(job->coded, cells + (x + p->column) / p->across, wide));
    }
    KQ_FREE(job->coded);
    job->coded = labels;
    return KQ_OK;
}

/* From the colours of regions to labels, which are below k. */
static kq_result kq_job_color(struct kq_tile_job *job, uint32_t k)
{
    const size_t labels = (size_t)job->task.width * job->task.height;
    const int bytes = kq_label_size(k);
    kq_map map;
    map.labels = job->coded;
    map.size = 1;
    map.width = job->task.width;
    map.height = job->task.height;
    uint8_t *out = (uint8_t *)KQ_MALLOC(labels * (size_t)bytes);
    if (!out)
        return KQ_NO_MEMORY;
    const kq_span ids = job->parts.ids;
    const int done = kq_regions_decode(&map, ids.bytes, ids.size, k, out, bytes);
    KQ_FREE(job->coded);
    job->coded = out;
    job->coded_bytes = bytes;
    return done < 0 ? KQ_NO_MEMORY : done ? KQ_OK : KQ_INVALID;
}

/* From labels of one or two bytes to wider ones, or to the entries of a list, if there is one. */
static void kq_translate(const uint8_t *from, int from_bytes, const uint64_t *list, uint8_t *to,
                         int to_bytes, size_t labels)
{
    for (size_t i = 0; i < labels; i++) {
        const uint32_t label = kq_label_get(from, i, from_bytes == 2);
        kq_put_label(to, to_bytes, i, list ? (uint32_t)list[label] : label);
    }
}

/* From what was coded to the tile's labels. */
static kq_result kq_job_finish(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    const size_t labels = (size_t)job->task.width * job->task.height;
    const int bytes = job->task.label_bytes;
    kq_result result = KQ_OK;
    if (p->across * p->down > 1)
        result = kq_job_enlarge(job);
    if (result == KQ_OK && p->colors)
        result = kq_job_color(job, p->listed ? p->listed : job->task.k);
    if (result != KQ_OK)
        return result;
    if (!p->listed && job->coded_bytes == bytes) {
        job->labels = job->coded;
        return KQ_OK;
    }
    job->labels = (uint8_t *)KQ_MALLOC(labels * (size_t)bytes);
    if (!job->labels)
        return KQ_NO_MEMORY;
    kq_translate(job->coded, job->coded_bytes, job->list, job->labels, bytes, labels);
    return KQ_OK;
}

/* Whether the rest of a payload has as many bytes as it may (rules 6.6, 16.24 and 18.9); packed and
 * dense have exactly so many. */
static int kq_job_fits(const struct kq_tile_job *job, int coder)
{
    const uint64_t labels = (uint64_t)job->parts.width * job->parts.height;
    const size_t size = job->parts.rest.size;
    if (job->parts.k == 1)
        return size == 0;
    if (coder == KQ_CODER_PACKED)
        return size == (labels * (uint64_t)kq_label_bits(job->parts.k) + 7) / 8;
    const uint64_t dense = (kq_dense_bits(&job->dense, labels) + 7) / 8;
    return coder == KQ_CODER_DENSE ? size == dense : size && size <= 1 + dense;
}

/* Begins to decode a tile; kq_job_step goes on while job->more. */
static kq_result kq_job_begin(struct kq_tile_job *job, kq_file *f, const kq_tile_task *task)
{
    kq_tile_parts *p = &job->parts;
    const int coder = f->info.coder;
    kq_job_close(job);
    job->task = *task;
    kq_result result =
        kq_parts_find(p, task->payload, task->k, task->label_map && coder >= KQ_CODER_CONTEXT,
                      task->listed, task->width, task->height);
    if (result != KQ_OK)
        return result;
    if (p->k > 1 && job->dense.k != p->k) {
        if (f->dense.k == p->k)
            job->dense = f->dense;
        else
            kq_dense_shape_init(&job->dense, p->k);
    }
    if (!kq_job_fits(job, coder))
        return KQ_INVALID;
    if (kq_parts_enlarged(p, coder) && (kq_parts_of_cells(p) != KQ_OK || !kq_job_fits(job, coder)))
        return KQ_INVALID;
    if (p->listed && (result = kq_job_list(job)) != KQ_OK)
        return result;
    job->coded_bytes = kq_label_size(p->k);
    const size_t labels = (size_t)p->width * p->height, bytes = labels * (size_t)job->coded_bytes;
    job->coded = (uint8_t *)KQ_MALLOC(bytes);
    if (!job->coded)
        return KQ_NO_MEMORY;
    if (p->k == 1)
        memset(job->coded, 0, bytes);
    else if (coder == KQ_CODER_PACKED)
        result = kq_job_packed(job);
    else if (coder == KQ_CODER_DENSE)
        result = kq_job_dense(job, p->rest);
    else if (p->rest.bytes[0] == KQ_FIRST_DENSE) {
        const kq_span rest = {p->rest.bytes + 1, p->rest.size - 1};
        result = kq_job_dense(job, rest);
    } else
        result = coder == KQ_CODER_TOKENS ? kq_job_tokens(job, f) : kq_job_begin_context(job, f);
    return result != KQ_OK || job->more ? result : kq_job_finish(job);
}

static kq_result kq_job_step(struct kq_tile_job *job)
{
    kq_context_tile *context = job->context;
    const size_t rows = 1 + KQ_STEP_LABELS / job->parts.width;
    kq_context_tile_rows(context, rows, job->coded);
    if (context->row < job->parts.height)
        return KQ_OK;
    const int valid = kq_range_decoder_valid(&context->decoder);
    kq_job_end_context(job);
    job->more = 0;
    return valid ? kq_job_finish(job) : KQ_INVALID;
}
/* ---- frames/chain.h ---- */
/* A tile of a sequence, frame after frame, by the coder `context` (spec/kq.md, section 19).
 *
 * The first frame is coded as a still picture is, by the small model; those that follow from the
 * frame before, by a model of sixteen lanes that goes on learning from frame to frame. The two
 * share their tables, so that a key frame teaches what comes after it.
 */

#define KQ_CHAIN_LABELS ((ptrdiff_t)1 << 26) /* at most, of a tile */
#define KQ_BELOW 2                           /* rows kept free below the last */
/* The setting of a chain: as that of a tile, but for the two bits that name the model there: they
 * say how large tables are. */
#define KQ_CHAIN_SETTING(setting, model) ((model) << 6 | ((setting)&0x3F))
#define KQ_CHAIN_SLOT_BITS(setting) (14 + 2 * KQ_SETTING_MODEL(setting))

typedef struct {
    kq_tile tile;
    const kq_logistic *tables;
    kq_sequence sequence;
    kq_context first, later;  /* models; their planes, slots and matches are the sequence's */
    kq_range_decoder decoder; /* of the frame that is read */
    int begun;                /* there is a frame before */
    void *memory;             /* of the planes */
    uint16_t *order, *places;
    uint8_t *colors; /* of entries; NULL for none */
} kq_chain;

static void kq_chain_close_models(kq_chain *c)
{
    KQ_FREE(c->later.memory); /* which has nothing else of its own */
    memset(&c->later, 0, sizeof c->later);
    c->first.plane.labels = NULL;
    kq_context_close(&c->first);
    memset(&c->first, 0, sizeof c->first);
}

static void kq_chain_close(kq_chain *c)
{
    kq_chain_close_models(c);
    for (int i = 0; i < KQ_EARLIER_FRAMES; i++)
        KQ_FREE(c->sequence.earlier[i]);
    KQ_FREE(c->memory);
    KQ_FREE(c->order);
    KQ_FREE(c->places);
    KQ_FREE(c->colors);
    memset(c, 0, sizeof *c);
}

static void kq_counters_begin(uint32_t *counters, size_t count, uint32_t with)
{
    for (size_t i = 0; i < count; i++)
        counters[i] = with;
}

/* Forgets everything but the labels of the frame. Returns 0 without memory. */
static int kq_chain_forget(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    const int slot_bits = KQ_CHAIN_SLOT_BITS(c->tile.setting);
    kq_tile tile = c->tile;
    uint8_t *colors;
    int opened = 0;
    kq_chain_close_models(c);
    if (kq_tile_colors(&tile, &colors)) {
        tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_SMALL);
        opened = kq_context_open(&c->first, c->tables, &tile, colors, slot_bits, NULL);
        tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_LATER);
        opened =
            opened && kq_context_open(&c->later, c->tables, &tile, colors, slot_bits, &c->first);
    }
    KQ_FREE(colors);
    if (!opened)
        return 0;
    c->first.plane.labels = c->later.plane.labels = s->labels + s->size;
    c->later.sequence = s;
    memset(s->replaced, 0, s->size * sizeof *s->replaced);
    memset(s->age, 0, s->size);
    memset(s->last_blocks, 0, s->blocks_wide * s->blocks_high);
    s->earlier_count = 0;
    kq_counters_begin(s->still, (size_t)1 << KQ_STILL_BITS, KQ_COUNTER_BEGIN);
    kq_counters_begin(s->rows, 8, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->changed, 1 << 10, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->moved, 16 * KQ_MOST_MOVES, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->more, KQ_MOST_MOVES, KQ_HALF_BEGIN);
    for (size_t i = 0; i < 5; i++)
        kq_counters_begin(s->numbers[i], 256, KQ_HALF_BEGIN);
    return 1;
}

/* The planes of a sequence, filled with 0, and the frames ahead of the one before. Returns 0
 * without memory. */
static int kq_chain_planes(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    const size_t stride = c->tile.width + 2 * KQ_MARGIN, blocks = s->blocks_wide * s->blocks_high;
    const size_t planes = 2 * s->size + KQ_BELOW * stride + KQ_READ_BEHIND;
    size_t cells = planes + s->size;
    if (s->size > SIZE_MAX / 16) /* all of these together have fewer bytes for each */
        return 0;
    c->memory = KQ_CALLOC(cells * sizeof *s->labels + s->size + 2 * blocks, 1);
    if (!c->memory)
        return 0;
    s->labels = (uint16_t *)c->memory;
    s->replaced = s->labels + planes;
    s->age = (uint8_t *)(s->labels + cells);
    s->blocks = s->age + s->size;
    s->last_blocks = s->blocks + blocks;
    for (int i = 0; i < s->earlier_most; i++)
        if (!(s->earlier[i] = (uint16_t *)KQ_MALLOC(s->size * sizeof *s->earlier[i])))
            return 0;
    return 1;
}

/* Copies of a tile's order and colours, which may be changed by somebody else, and the place of
 * each entry. Returns 0 without memory. */
static int kq_chain_palette(kq_chain *c, const kq_tile *tile)
{
    const size_t k = tile->k;
    c->order = (uint16_t *)KQ_MALLOC(k * sizeof *c->order);
    c->places = (uint16_t *)KQ_CALLOC(k, sizeof *c->places);
    c->colors = tile->colors ? (uint8_t *)KQ_MALLOC(3 * k) : NULL;
    if (!c->order || !c->places || (tile->colors && !c->colors))
        return 0;
    for (uint32_t place = 0; place < k; place++) {
        const uint32_t entry = kq_tile_entry(tile, place);
        c->order[place] = (uint16_t)entry;
        c->places[entry] = (uint16_t)place;
    }
    if (c->colors)
        memcpy(c->colors, tile->colors, 3 * k);
    c->tile.order = c->order;
    c->tile.colors = c->colors;
    return 1;
}

/* How many frames ahead of the one before are kept of a tile of so many labels. */
static int kq_earlier_frames(size_t labels)
{
    const size_t most = ((size_t)1 << KQ_EARLIER_LABELS) / labels;
    return most < KQ_EARLIER_FRAMES ? (int)most : KQ_EARLIER_FRAMES;
}

/* A chain for a tile of at most KQ_CHAIN_LABELS, k >= 2. Returns 0 without memory. */
static int kq_chain_open(kq_chain *c, const kq_logistic *tables, const kq_tile *tile)
{
    memset(c, 0, sizeof *c);
    kq_sequence *s = &c->sequence;
    c->tile = *tile;
    c->tables = tables;
    s->size = (tile->height + KQ_ABOVE) * (tile->width + 2 * KQ_MARGIN);
    s->blocks_wide = (tile->width + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    s->blocks_high = (tile->height + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    s->earlier_most = kq_earlier_frames(tile->width * tile->height);
    if (kq_chain_planes(c) && kq_chain_palette(c, tile) && kq_chain_forget(c))
        return 1;
    kq_chain_close(c);
    return 0;
}

/* The first label of the frame; the next row's is a stride further. */
static uint16_t *kq_chain_labels(const kq_chain *c)
{
    return c->first.plane.labels + KQ_ABOVE * c->first.plane.stride + KQ_MARGIN;
}

/* Puts a frame's labels, as places, into rows that are a stride apart. */
static void kq_chain_take(const kq_chain *c, const void *labels, uint16_t *rows)
{
    const size_t width = c->tile.width;
    for (size_t y = 0; y < c->tile.height; y++, rows += c->first.plane.stride)
        for (size_t x = 0; x < width; x++)
            rows[x] = c->places[kq_label_below(c->tile.k, labels, y * width + x, c->tile.wide)];
}

/* After a frame that was coded by itself. */
static void kq_chain_key(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    memset(kq_chain_labels(c) - KQ_MARGIN, 0, KQ_MARGIN * sizeof(uint16_t));
    for (size_t y = 0; y < c->tile.height; y++)
        kq_frame_margins(&c->later, y);
    memcpy(s->labels, s->labels + s->size, s->size * sizeof *s->labels);
    memcpy(s->replaced, s->labels, s->size * sizeof *s->labels);
    c->begun = 1;
}

/* Begins with a frame that something else has coded; 0 without memory. */
static int kq_chain_begin(kq_chain *c, const void *labels)
{
    if (c->begun && !kq_chain_forget(c))
        return 0;
    kq_chain_take(c, labels, kq_chain_labels(c));
    kq_chain_key(c);
    return 1;
}

/* Begins with the next frame. Returns its work: the labels that are coded, and a sixteenth of those
 * moved; -1 if a block would come from outside. */
static long long kq_chain_frame(kq_chain *c)
{
    return c->begun ? kq_plain_frame(&c->later) : (long long)(c->tile.width * c->tile.height);
}

/* Rows of a frame, whose labels are `truth`, or in the plane if it is the first one, where they are
 * known. */
static void kq_chain_rows(kq_chain *c, const uint16_t *truth, size_t from, size_t to)
{
    if (c->begun)
        kq_context_later(&c->later, truth, from, to);
    else
        kq_context_rows(&c->first, from, to);
}

/* After all of its rows it becomes the one before. */
static void kq_chain_keep(kq_chain *c)
{
    if (c->begun)
        kq_end_frame(&c->later);
    else
        kq_chain_key(c);
}

/* Begins to read the next frame: as kq_chain_frame. Its rows are read one after the other by
 * kq_chain_rows. */
static long long kq_chain_open_frame(kq_chain *c, const uint8_t *payload, size_t size)
{
    kq_range_decoder_init(&c->decoder, payload, size);
    c->first.decoder = c->later.decoder = &c->decoder;
    return kq_chain_frame(c);
}

/* Puts a frame that was read into `labels`, which have the frame before; returns 0 if its payload
 * is invalid. */
static int kq_chain_close_frame(kq_chain *c, void *labels)
{
    const int first = !c->begun;
    if (!kq_range_decoder_valid(&c->decoder))
        return 0;
    kq_chain_keep(c);
    const uint16_t *row = kq_chain_labels(c);
    for (size_t y = 0; y < c->tile.height; y++, row += c->first.plane.stride)
        if (first || kq_blocks_changed(&c->sequence, y / KQ_FRAME_BLOCK))
            kq_tile_store(&c->tile, row, y * c->tile.width, labels);
    return 1;
}

/* Reads the next frame into `labels`, which have the frame before. Returns its work, or -1 if the
 * payload is invalid. */
static inline long long kq_chain_decode(kq_chain *c, const uint8_t *payload, size_t size,
                                        void *labels)
{
    const long long work = kq_chain_open_frame(c, payload, size);
    if (work >= 0)
        kq_chain_rows(c, NULL, 0, c->tile.height);
    return work >= 0 && kq_chain_close_frame(c, labels) ? work : -1;
}
/* ---- file/frame_tiles.h ---- */
/* What is kept of the tiles of a sequence, by the coders context and tokens: the labels of the
 * frame that each stands at, and what was learned on the way there (spec/kq.md, section 19).
 */

#define KQ_CHAINED 6 /* the first byte of such payloads, by context; by tokens KQ_FROM_BEFORE */

typedef struct {
    size_t done;     /* one more than the payload that made its labels; 0: it has none */
    uint8_t *labels; /* as wide as the file's */
    /* The tile's own list, NULL if it has none, and below what labels are that payloads tell. */
    uint64_t *list;
    uint32_t k;
    uint8_t *places; /* these labels, where they aren't the file's: of a list, or of fewer bytes */
    int follows;     /* its labels are those of a frame of the same chain */
    kq_chain *chain; /* at an address for vectors */
    void *chain_memory;
    uint64_t chain_bytes;
} kq_frame_tile;

/* What is being done with a payload. */
enum { KQ_DO_NOTHING, KQ_DO_LABELS, KQ_DO_ROWS, KQ_DO_RECTANGLE };

struct kq_frames {
    kq_frame_list list;
    kq_frame_tile *tiles; /* all of them, when they are needed */
    uint64_t chains;      /* bytes that all of their chains have */
    /* What was asked for last; the work since frames weren't asked for in their order, tile by
     * tile, and the bytes read for it. */
    uint32_t frame, tile;
    uint64_t work, read;
    /* Of the tile that was begun: the payload that is decoded, and the last one to be. */
    size_t next, last;
    int doing;
    uint32_t row;
    kq_frame_parts parts;
};

static void kq_frame_tile_unlearn(kq_file *f, kq_frame_tile *t)
{
    if (t->chain)
        kq_chain_close(t->chain);
    KQ_FREE(t->chain_memory);
    f->frames->chains -= t->chain_bytes;
    t->chain = NULL;
    t->chain_memory = NULL;
    t->chain_bytes = 0;
}

/* Ahead of a payload that begins a chain. */
static void kq_frame_tile_reset(kq_file *f, kq_frame_tile *t)
{
    kq_frame_tile_unlearn(f, t);
    KQ_FREE(t->list);
    KQ_FREE(t->places);
    t->list = NULL;
    t->places = NULL;
    t->k = f->info.colors;
    t->follows = 0;
}

/* The labels that payloads tell, and how many bytes each has. */
static uint8_t *kq_frame_tile_told(const kq_frame_tile *t)
{
    return t->places ? t->places : t->labels;
}

static int kq_frame_tile_bytes(const kq_file *f, const kq_frame_tile *t)
{
    return t->places ? kq_label_size(t->k) : kq_label_bytes(f);
}

/* Room for the labels of a tile, of so many; 0 without memory. */
static int kq_frame_tile_room(const kq_file *f, kq_frame_tile *t, size_t labels)
{
    const int bytes = kq_label_bytes(f);
    if (!t->labels)
        t->labels = (uint8_t *)KQ_CALLOC(labels, (size_t)bytes);
    if (!t->places && (t->list || bytes == 4))
        t->places = (uint8_t *)KQ_CALLOC(labels, (size_t)kq_label_size(t->k));
    return t->labels && (t->places || (!t->list && bytes < 4));
}

/* From what payloads tell to the labels of the file. */
static void kq_frame_tile_translate(const kq_file *f, kq_frame_tile *t, size_t labels)
{
    if (t->places)
        kq_translate(t->places, kq_label_size(t->k), t->list, t->labels, kq_label_bytes(f), labels);
}

/* --- chains by the coder context ---------------------------------------------------- */

/* Bytes that a chain takes at most. */
static uint64_t kq_chain_workspace(int settings, uint64_t width, uint64_t height)
{
    const uint64_t labels = width * height,
                   cells = (width + 2 * KQ_MARGIN) * (height + KQ_ABOVE + KQ_BELOW);
    int bits = 4;
    while ((uint64_t)1 << (bits - 4) < labels)
        bits++;
    bits = kq_least(bits, KQ_CHAIN_SLOT_BITS(settings));
    return ((uint64_t)64 << bits) + (9 + 2 * (uint64_t)kq_earlier_frames((size_t)labels)) * cells +
           3000000;
}

/* A chain with these settings, for labels below t->k; it goes on from those there are if it
 * follows. */
static kq_result kq_frame_tile_learn(kq_file *f, kq_frame_tile *t, const kq_box *box, int settings)
{
    const uint64_t bytes = kq_chain_workspace(settings, box->width, box->height);
    if (bytes > f->limits.chains - f->frames->chains)
        return KQ_LIMIT;
    uint16_t *plain = f->info.label_map ? kq_job_plain_order(t->k) : NULL;
    t->chain_memory = KQ_MALLOC(sizeof *t->chain + KQ_ALIGNING);
    kq_chain *chain = (kq_chain *)KQ_ALIGNED_AT(t->chain_memory);
    kq_tile tile;
    tile.order = plain ? plain : f->order;
    tile.colors = f->info.label_map ? NULL : f->stored;
    tile.k = t->k;
    tile.setting = settings;
    tile.width = box->width;
    tile.height = box->height;
    tile.wide = kq_frame_tile_bytes(f, t) == 2;
    const int opened = t->chain_memory && tile.order && kq_logistic_make(f) &&
                       kq_chain_open(chain, f->logistic, &tile);
    KQ_FREE(plain);
    if (opened) {
        t->chain = chain;
        t->chain_bytes = bytes;
        f->frames->chains += bytes;
        if (!t->follows || kq_chain_begin(chain, kq_frame_tile_told(t)))
            return KQ_OK;
    }
    kq_frame_tile_unlearn(f, t);
    return KQ_NO_MEMORY;
}
/* ---- file/work.h ---- */
/* How much work it is to decode a tile, foretold from its size and the first bytes of its payload.
 * A step is about a nanosecond; kqcodec/coding/work.py says how that was measured.
 */

#define KQ_WORK_PLAIN 5    /* of a label */
#define KQ_WORK_TOKEN 50   /* of one by tokens */
#define KQ_WORK_SMALL 60   /* of one by context, for each bit of K */
#define KQ_WORK_LARGE 400  /* by the large model */
#define KQ_WORK_REGION 400 /* each label may be one */
#define KQ_WORK_LISTED 500 /* of an entry of an own list */
#define KQ_WORK_TILE 100000
#define KQ_WORK_OF_A_LABEL 600 /* that each may take, by default */

/* That of one label; `first` is the first byte of the payload. */
static uint64_t kq_work_of_label(int coder, uint32_t k, uint8_t first)
{
    const int model = first >> 6;
    if (coder == KQ_CODER_TOKENS)
        return KQ_WORK_TOKEN;
    if (coder != KQ_CODER_CONTEXT || model == 0 || model == 3)
        return KQ_WORK_PLAIN;
    const uint64_t steps =
        (model == 1 ? KQ_WORK_SMALL : KQ_WORK_LARGE) * (uint64_t)kq_label_bits(k);
    return steps > KQ_WORK_PLAIN ? steps : KQ_WORK_PLAIN;
}

/* That of a payload by itself. */
static uint64_t kq_work_of_tile(int coder, int label_map, uint32_t k, kq_span payload,
                                uint32_t width, uint32_t height)
{
    kq_tile_parts p;
    uint64_t labels = (uint64_t)width * height, steps = KQ_WORK_TILE;
    const uint64_t most = k < labels ? k : labels;
    if (coder < KQ_CODER_CONTEXT || !payload.size)
        return labels * KQ_WORK_PLAIN;
    if (kq_parts_find(&p, payload, k, label_map, most, width, height) != KQ_OK)
        return steps;
    if (p.listed || p.colors)
        steps += p.listed * (uint64_t)KQ_WORK_LISTED + labels * KQ_WORK_PLAIN;
    if (p.colors)
        steps += labels * KQ_WORK_REGION;
    if (kq_parts_enlarged(&p, coder)) {
        if (kq_parts_of_cells(&p) != KQ_OK)
            return steps;
        steps += labels * KQ_WORK_PLAIN;
        labels = (uint64_t)p.width * p.height;
    }
    return p.rest.size ? steps + labels * kq_work_of_label(coder, p.k, p.rest.bytes[0]) : steps;
}
/* ---- file/frame_decode.h ---- */
/* Goes on from frame to frame: decodes the payloads of a tile that lie between, one after the other
 * in steps of about a row (spec/kq.md, section 19).
 */

/* --- work ------------------------------------------------------------------------- */

#define KQ_WORK_COPY 2          /* of a label that is copied from frame to frame */
#define KQ_WORK_CHAINED 100     /* of one that is coded from the frame before, */
#define KQ_WORK_CHAINED_BIT 200 /* and for each bit of K */
#define KQ_FREE_LABELS 4096     /* whose work isn't counted, for each byte that was read */
#define KQ_MOST_LABELS 65536    /* that a tile is coded with */
#define KQ_COPIED 16            /* labels that are copied in the time of one */

/* Counts work; KQ_LIMIT if there isn't so much left. */
static kq_result kq_frames_spend(kq_file *f, uint64_t steps)
{
    struct kq_frames *frames = f->frames;
    frames->work += steps;
    return frames->work > f->limits.work && frames->work - f->limits.work >
                                                frames->read * KQ_FREE_LABELS * KQ_WORK_OF_A_LABEL
               ? KQ_LIMIT
               : KQ_OK;
}

static kq_result kq_frames_spend_labels(kq_file *f, uint64_t labels)
{
    const uint64_t bits = (uint64_t)kq_label_bits(f->info.colors);
    return kq_frames_spend(f, labels * (KQ_WORK_CHAINED + KQ_WORK_CHAINED_BIT * bits));
}

/* What a payload behind a list is foretold to take, of labels below k. */
static uint64_t kq_frame_work(const kq_file *f, const kq_box *box, uint32_t k, kq_span payload)
{
    const int coder = f->info.coder;
    const uint64_t labels = (uint64_t)box->width * box->height;
    kq_frame_parts parts;
    if (coder != KQ_CODER_TOKENS || !payload.size || payload.bytes[0] != KQ_FROM_BEFORE)
        return kq_work_of_tile(coder, f->info.label_map, k, payload, box->width, box->height);
    if (!kq_frame_parts_read(&parts, box->width, box->height, payload))
        return KQ_WORK_TILE;
    const uint64_t inside = (uint64_t)parts.width * parts.height;
    uint64_t steps = KQ_WORK_TILE + parts.runs * (uint64_t)KQ_WORK_LISTED;
    steps += ((parts.move_count ? labels : 0) + inside) * KQ_WORK_PLAIN;
    if (!inside)
        return steps;
    return steps + kq_work_of_tile(coder, 1, k + 1, parts.rest, (uint32_t)parts.width,
                                   (uint32_t)parts.height);
}

/* --- payloads --------------------------------------------------------------------- */

static kq_box kq_frames_box(const kq_file *f)
{
    return kq_header_box(&f->header, f->tile);
}

/* The first byte of chained payloads. */
static uint8_t kq_frame_chained(const kq_file *f)
{
    return f->info.coder == KQ_CODER_CONTEXT ? KQ_CHAINED : KQ_FROM_BEFORE;
}

/* Whether a payload needs no other. */
static int kq_frame_begins_chain(const kq_file *f, const kq_frame_payload *payload)
{
    return kq_is_key_frame(&f->info, payload->frame) ||
           f->frames->list.first.data[payload->at] != kq_frame_chained(f);
}

/* A list of the tile's own, ahead of what becomes the payload. */
static kq_result kq_frame_own_list(kq_file *f, kq_frame_tile *t, kq_span *payload)
{
    kq_cursor c = {payload->bytes, payload->size, 1};
    kq_span numbers;
    uint32_t last;
    if (kq_take_length(&c, 4, &last) != KQ_OK || last >= f->info.colors ||
        kq_take_span(&c, &numbers) != KQ_OK)
        return KQ_INVALID;
    t->list = (uint64_t *)KQ_MALLOC(((size_t)last + 1) * sizeof *t->list);
    if (!t->list)
        return KQ_NO_MEMORY;
    t->k = last + 1;
    payload->bytes = c.data + c.at;
    payload->size = c.size - c.at;
    return kq_list_read(numbers, t->k, f->info.entries, t->list);
}

/* What is told by itself, or within a rectangle. */
static kq_result kq_frame_begin_labels(kq_file *f, const kq_tile_task *task, int doing)
{
    f->frames->doing = doing;
    return kq_job_begin(f->job, f, task);
}

/* A payload that is chained by context. */
static kq_result kq_frame_begin_rows(kq_file *f, kq_frame_tile *t, kq_span payload)
{
    const kq_box box = kq_frames_box(f);
    const uint64_t labels = (uint64_t)box.width * box.height;
    size_t head = 1;
    if (!t->chain) {
        const int settings = payload.size > head ? payload.bytes[head++] : 0;
        if (settings < 0x40 || settings & 0x20)
            return KQ_INVALID;
        const kq_result result = kq_frame_tile_learn(f, t, &box, settings);
        if (result != KQ_OK)
            return result;
    }
    const long long work = kq_chain_open_frame(t->chain, payload.bytes + head, payload.size - head);
    if (work < 0)
        return KQ_INVALID;
    f->frames->doing = KQ_DO_ROWS;
    f->frames->row = 0;
    return kq_frames_spend_labels(f, (uint64_t)work + (t->places ? labels / KQ_COPIED : 0));
}

/* One that is chained by tokens. */
static kq_result kq_frame_begin_changes(kq_file *f, kq_frame_tile *t, kq_span payload)
{
    const kq_box box = kq_frames_box(f);
    kq_frame_parts *parts = &f->frames->parts;
    kq_tile_task task;
    if (!kq_frame_parts_read(parts, box.width, box.height, payload))
        return KQ_INVALID;
    const kq_moved_tile tile = {kq_frame_tile_told(t), box.width, box.height,
                                (size_t)kq_frame_tile_bytes(f, t)};
    const int done = kq_frame_parts_move(parts, &tile);
    if (done != 1)
        return done < 0 ? KQ_NO_MEMORY : KQ_INVALID;
    const uint64_t labels = (uint64_t)parts->width * parts->height;
    f->frames->doing = KQ_DO_RECTANGLE;
    if (!labels)
        return KQ_OK;
    task.payload = parts->rest;
    task.width = (uint32_t)parts->width;
    task.height = (uint32_t)parts->height;
    task.k = kq_least32(t->k + 1, KQ_MOST_LABELS);
    task.label_map = 1;
    task.listed = task.k < labels ? task.k : labels;
    task.entries = t->k + 1;
    task.label_bytes = kq_label_size(task.entries);
    return kq_frame_begin_labels(f, &task, KQ_DO_RECTANGLE);
}

/* The labels of a payload that needs no other, each below k. */
static kq_tile_task kq_frame_task(const kq_file *f, kq_span payload, uint32_t k, int label_bytes)
{
    const kq_box box = kq_frames_box(f);
    kq_tile_task task;
    task.payload = payload;
    task.width = box.width;
    task.height = box.height;
    task.k = k;
    task.label_map = f->info.label_map;
    task.listed = 0;
    task.entries = k;
    task.label_bytes = label_bytes;
    return task;
}

/* Begins with the next payload of the tile. */
static kq_result kq_frame_begin_payload(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    const kq_frame_payload *next = frames->list.payloads + frames->next;
    kq_frame_tile *t = frames->tiles + f->tile;
    const kq_box box = kq_frames_box(f);
    const size_t labels = (size_t)box.width * box.height;
    kq_span payload = {frames->list.first.data + next->at, next->size};
    kq_result result = KQ_OK;
    frames->read += (uint64_t)next->size + KQ_CHECKSUM_SIZE + 1;
    t->done = 0;
    if (kq_frame_begins_chain(f, next))
        kq_frame_tile_reset(f, t);
    if (f->info.label_map && payload.bytes[0] == KQ_FIRST_LIST)
        result = kq_frame_own_list(f, t, &payload);
    if (result == KQ_OK)
        result = kq_frames_spend(f, labels * KQ_WORK_COPY + kq_frame_work(f, &box, t->k, payload));
    if (result == KQ_OK && t->list)
        result = kq_frames_spend(f, t->k * (uint64_t)KQ_WORK_LISTED + labels * KQ_WORK_PLAIN);
    if (result != KQ_OK)
        return result;
    if (!kq_frame_tile_room(f, t, labels))
        return KQ_NO_MEMORY;
    if (t->k > 1 && payload.size && payload.bytes[0] == kq_frame_chained(f)) {
        if (f->info.coder == KQ_CODER_CONTEXT)
            return kq_frame_begin_rows(f, t, payload);
        if (t->follows)
            return kq_frame_begin_changes(f, t, payload);
    }
    const kq_tile_task task = kq_frame_task(f, payload, t->k, kq_frame_tile_bytes(f, t));
    return kq_frame_begin_labels(f, &task, KQ_DO_LABELS);
}

/* The labels of a job, which doesn't have them any more. */
static uint8_t *kq_job_take(struct kq_tile_job *job)
{
    uint8_t *labels = job->labels;
    if (job->coded == labels)
        job->coded = NULL;
    job->labels = NULL;
    return labels;
}

/* When all of a payload is decoded. */
static kq_result kq_frame_finish_payload(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    kq_frame_tile *t = frames->tiles + f->tile;
    const kq_box box = kq_frames_box(f);
    const kq_moved_tile tile = {kq_frame_tile_told(t), box.width, box.height,
                                (size_t)kq_frame_tile_bytes(f, t)};
    if (frames->doing == KQ_DO_ROWS && !kq_chain_close_frame(t->chain, tile.labels))
        return KQ_INVALID;
    if (frames->doing == KQ_DO_RECTANGLE && frames->parts.width)
        kq_frame_parts_fill(&frames->parts, &tile, f->job->labels,
                            (size_t)f->job->task.label_bytes);
    if (frames->doing == KQ_DO_LABELS) {
        uint8_t **told = t->places ? &t->places : &t->labels;
        KQ_FREE(*told);
        *told = kq_job_take(f->job);
    }
    kq_job_close(f->job);
    kq_frame_tile_translate(f, t, (size_t)box.width * box.height);
    t->follows = 1;
    t->done = ++frames->next;
    frames->doing = KQ_DO_NOTHING;
    return KQ_OK;
}

/* --- frames ----------------------------------------------------------------------- */

/* Whether tiles are told from the frame before; otherwise each payload is by itself. */
static int kq_frames_chained(const kq_file *f)
{
    return f->frames && f->info.coder >= KQ_CODER_CONTEXT && f->info.colors > 1;
}

/* The payload of a frame that needs no other. */
static kq_span kq_frame_span(const kq_file *f, uint32_t frame, uint32_t tile)
{
    const kq_frame_list *list = &f->frames->list;
    kq_span span = {NULL, 0};
    if (list->payloads) {
        const kq_frame_payload *payload = list->payloads + kq_payload_at(list, tile, frame);
        span.bytes = list->first.data + payload->at;
        span.size = payload->size;
    }
    return span;
}

/* Begins to decode the tile f->tile of a frame. */
static kq_result kq_frames_begin(kq_file *f, uint32_t frame)
{
    struct kq_frames *frames = f->frames;
    if (!frames->tiles)
        frames->tiles = (kq_frame_tile *)KQ_CALLOC(f->info.tiles, sizeof *frames->tiles);
    if (!frames->tiles)
        return KQ_NO_MEMORY;
    if (frame < frames->frame || (frame == frames->frame && f->tile <= frames->tile))
        frames->work = frames->read = 0;
    frames->frame = frame;
    frames->tile = f->tile;
    frames->doing = KQ_DO_NOTHING;
    kq_job_close(f->job);
    const size_t done = frames->tiles[f->tile].done;
    size_t next = frames->last = kq_payload_at(&frames->list, f->tile, frame);
    if (done == next + 1)
        return KQ_OK;
    while (next != done && !kq_frame_begins_chain(f, frames->list.payloads + next))
        next--;
    frames->next = next;
    const kq_result result = kq_frame_begin_payload(f);
    frames->doing = result == KQ_OK ? frames->doing : KQ_DO_NOTHING;
    return result;
}

static kq_result kq_frames_step(kq_file *f, int *more)
{
    struct kq_frames *frames = f->frames;
    const kq_box box = kq_frames_box(f);
    kq_result result = KQ_OK;
    if (frames->doing == KQ_DO_ROWS) {
        const uint32_t rows = 1 + KQ_STEP_LABELS / box.width;
        const uint32_t end = kq_least32(frames->row + rows, box.height);
        kq_chain_rows(frames->tiles[f->tile].chain, NULL, frames->row, end);
        frames->row = end;
    } else if (f->job->more)
        result = kq_job_step(f->job);
    *more = frames->doing == KQ_DO_ROWS ? frames->row < box.height : f->job->more;
    if (result == KQ_OK && !*more && frames->doing != KQ_DO_NOTHING) {
        result = kq_frame_finish_payload(f);
        if (result == KQ_OK && frames->next <= frames->last)
            result = kq_frame_begin_payload(f);
        *more = frames->doing != KQ_DO_NOTHING;
    }
    if (result != KQ_OK) {
        frames->doing = KQ_DO_NOTHING;
        *more = 0;
    }
    return result;
}

/* The labels of the tile, NULL while it isn't decoded. */
static const uint8_t *kq_frames_labels(const kq_file *f)
{
    const struct kq_frames *frames = f->frames;
    const kq_frame_tile *t = frames->tiles ? frames->tiles + f->tile : NULL;
    return t && t->done == frames->last + 1 ? t->labels : NULL;
}

/* --- opening ---------------------------------------------------------------------- */

/* Opens the frames of a file, of which `timing` is the section FRAM. */
static kq_result kq_frames_open(kq_file *f, kq_span timing)
{
    const kq_result result = kq_read_timing(&f->info, timing.bytes, timing.size);
    if (result != KQ_OK)
        return result;
    f->frames = (struct kq_frames *)KQ_CALLOC(1, sizeof *f->frames);
    return f->frames ? kq_frame_list_open(&f->frames->list, f, &f->info.frames) : KQ_NO_MEMORY;
}

static void kq_frames_close(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    for (uint32_t tile = 0; frames && frames->tiles && tile < f->info.tiles; tile++) {
        kq_frame_tile_reset(f, frames->tiles + tile);
        KQ_FREE(frames->tiles[tile].labels);
    }
    if (frames) {
        KQ_FREE(frames->tiles);
        kq_frame_list_close(&frames->list);
    }
    KQ_FREE(frames);
    f->frames = NULL;
}
/* ---- file/records.h ---- */
/* The tiles of a still: where their payloads are (spec/kq.md, section 6). */

#define KQ_LEAST_RECORD (1 + KQ_CHECKSUM_SIZE)

/* Finds and checks all of them, and what follows. */
static kq_result kq_records_read(kq_file *f)
{
    kq_cursor *c = &f->rest;
    const uint32_t tiles = f->info.tiles;
    const int directory = tiles > 1;
    kq_result result;
    if (!f->info.short_form && (c->size - c->at) / KQ_LEAST_RECORD < tiles)
        return KQ_TRUNCATED;
    f->tiles = (kq_span *)KQ_MALLOC(tiles * sizeof *f->tiles);
    if (!f->tiles)
        return KQ_NO_MEMORY;
    for (uint32_t i = 0; i < tiles; i++) {
        const kq_box box = kq_header_box(&f->header, i);
        uint64_t least, most;
        uint32_t length;
        kq_payload_range(&f->info, &f->dense, (uint64_t)box.width * box.height, &least, &most);
        if ((result = kq_take_length(c, 4, &length)) != KQ_OK)
            return result;
        if (length < least || length > most)
            return KQ_INVALID;
        f->tiles[i].size = length;
        f->tiles[i].bytes = kq_take(c, length);
        if (!f->tiles[i].bytes)
            return KQ_TRUNCATED;
        if ((result = kq_check_part(f, "TILE", i, f->tiles[i].bytes, length)) != KQ_OK)
            return result;
    }
    if (directory) {
        const uint8_t *lengths = kq_take(c, 4 * (size_t)tiles);
        if (!lengths)
            return KQ_TRUNCATED;
        if ((result = kq_check_seal(&f->sealer, c, "TDIR", 0, lengths, 4 * (size_t)tiles)) != KQ_OK)
            return result;
        for (uint32_t i = 0; i < tiles; i++)
            if (kq_big32(lengths + 4 * (size_t)i) != f->tiles[i].size)
                return KQ_INVALID;
    }
    return c->at == c->size ? KQ_OK : KQ_INVALID;
}
/* ---- file/sections.h ---- */
/* Extension sections (spec/kq.md, section 5). */

#define KQ_SECTION_HEAD 10
#define KQ_MOST_SECTIONS 254

static int kq_is_letter(uint8_t c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static int kq_is_kind(const uint8_t *kind)
{
    for (int i = 1; i < 4; i++)
        if (!kq_is_letter(kind[i]) && kind[i] != ' ' && (kind[i] < '0' || kind[i] > '9'))
            return 0;
    return kq_is_letter(kind[0]);
}

/* Checks all sections. Of a sequence `frames` becomes the data of its section, and stays what it is
 * otherwise. */
static kq_result kq_sections_read(kq_file *f, kq_span *frames)
{
    kq_cursor *c = &f->rest;
    uint64_t total = 0;
    f->sections = c->at;
    for (uint32_t i = 0; f->header.flags & KQ_FLAG_SECTIONS; i++) {
        const uint8_t *head = kq_take(c, KQ_SECTION_HEAD);
        if (!head)
            return KQ_TRUNCATED;
        if (KQ_DIFFERS(kq_crc16(head, 8, 0xFFFF), kq_big16(head + 8)))
            return KQ_CHECKSUM;
        const uint32_t length = kq_big32(head + 4);
        const int end = !memcmp(head, "END ", 4);
        if (!kq_is_kind(head) || length >> 28 || (end && length) || (!end && i == KQ_MOST_SECTIONS))
            return KQ_INVALID;
        const uint8_t *data = kq_take(c, length);
        if (!data)
            return KQ_TRUNCATED;
        if ((total += length) > f->limits.metadata)
            return KQ_LIMIT;
        const kq_result result = kq_check_seal(&f->sealer, c, (const char *)head, i, data, length);
        if (result != KQ_OK)
            return result;
        if (end)
            break;
        if (head[0] & 32)
            continue;
        if (memcmp(head, "FRAM", 4) != 0)
            return KQ_UNSUPPORTED;
        if (i)
            return KQ_INVALID;
        frames->bytes = data;
        frames->size = length;
    }
    return KQ_OK;
}

/* The data of the first section of a kind, of those that were checked; NULL if there is none. */
static const uint8_t *kq_section_find(const kq_file *f, const char *kind, size_t *size)
{
    size_t at = f->sections;
    while (f->header.flags & KQ_FLAG_SECTIONS && at < f->rest.at) {
        const uint8_t *head = f->header.rest.data + at;
        if (!memcmp(head, "END ", 4))
            break;
        *size = kq_big32(head + 4);
        if (!memcmp(head, kind, 4))
            return head + KQ_SECTION_HEAD;
        at += KQ_SECTION_HEAD + *size + KQ_CHECKSUM_SIZE;
    }
    *size = 0;
    return NULL;
}
/* ---- file/open.h ---- */
/* Opening a file and closing it. */

KQ_API const char *kq_result_text(kq_result result)
{
    switch (result) {
    case KQ_OK:
        return "all is well";
    case KQ_SIGNATURE:
        return "this is not a .kq file";
    case KQ_TRUNCATED:
        return "the file ends before its contents do";
    case KQ_CHECKSUM:
        return "the file is damaged: a checksum doesn't match";
    case KQ_UNSUPPORTED:
        return "the file needs a newer version of the format";
    case KQ_INVALID:
        return "the file breaks a rule of the format";
    case KQ_LIMIT:
        return "the file is larger than the limits";
    case KQ_NO_MEMORY:
        return "there is too little memory";
    case KQ_ARGUMENT:
        return "there is no such frame, tile or box";
    }
    return "no result";
}

KQ_API kq_result kq_read_header(const void *data, size_t size, kq_info *info)
{
    kq_header header;
    const kq_result result = kq_header_read(&header, (const uint8_t *)data, size);
    *info = header.info;
    return result;
}

static uint64_t kq_limit_of(uint64_t given, uint64_t usual, uint64_t most)
{
    return given ? given : usual < most ? usual : most;
}

/* Who trusts a file of more pixels trusts it with the rest in proportion. */
static kq_limits kq_limits_of(const kq_limits *given)
{
    const uint64_t usual = (uint64_t)1 << 27, largest = (uint64_t)1 << 48;
    kq_limits limits = {0, 0, 0, 0, 0, 0};
    if (given)
        limits = *given;
    limits.pixels = limits.pixels ? limits.pixels : usual;
    uint64_t raised = limits.pixels > usual ? limits.pixels : usual;
    raised = raised < largest ? raised : largest;
    limits.tiles = (uint32_t)kq_limit_of(limits.tiles, raised / 128, UINT32_MAX);
    limits.metadata = (uint32_t)kq_limit_of(limits.metadata, raised / 8, UINT32_MAX);
    limits.tile = kq_limit_of(limits.tile, raised, UINT64_MAX);
    limits.work = kq_limit_of(limits.work, KQ_WORK_OF_A_LABEL * raised, UINT64_MAX);
    limits.chains = kq_limit_of(limits.chains, 16 * raised, UINT64_MAX);
    return limits;
}

static kq_result kq_check_limits(const kq_file *f)
{
    const kq_info *info = &f->info;
    const uint64_t tiles = (uint64_t)f->header.tiles_across * f->header.tiles_down;
    if ((uint64_t)info->width * info->height > f->limits.pixels || tiles > f->limits.tiles)
        return KQ_LIMIT;
    if (info->coder == KQ_CODER_CONTEXT &&
        ((uint64_t)info->tile_width + 2 * KQ_MARGIN) * ((uint64_t)info->tile_height + KQ_ABOVE) >
            f->limits.tile)
        return KQ_LIMIT;
    /* Of labels, or of pixels, there is an address for each. */
    return (uint64_t)info->width * info->height > SIZE_MAX / 16 ? KQ_LIMIT : KQ_OK;
}

/* The tiles of a still, and that the work of all is within the limit. */
static kq_result kq_still_open(kq_file *f)
{
    const kq_info *info = &f->info;
    uint64_t work = 0;
    kq_result result = kq_records_read(f);
    for (uint32_t i = 0; result == KQ_OK && i < info->tiles; i++) {
        const kq_box box = kq_header_box(&f->header, i);
        work += kq_work_of_tile(info->coder, info->label_map, info->colors, f->tiles[i], box.width,
                                box.height);
        if (work > f->limits.work)
            result = KQ_LIMIT;
    }
    return result;
}

static kq_result kq_open_parts(kq_file *f)
{
    kq_info *info = &f->info;
    kq_span frames = {NULL, 0};
    kq_result result = kq_check_limits(f);
    if (result != KQ_OK)
        return result;
    if (!info->short_form)
        kq_sealer_init(&f->sealer, f->header.bytes);
    if (info->colors > 1)
        kq_dense_shape_init(&f->dense, info->colors);
    info->entries = info->colors;
    result = info->label_map ? kq_table_read(f) : kq_palette_read(f);
    if (result == KQ_OK)
        result = kq_sections_read(f, &frames);
    if (result != KQ_OK)
        return result;
    if (info->label_map && (info->shape == KQ_VOLUME) != (frames.bytes != NULL))
        return KQ_INVALID;
    result = frames.bytes ? kq_frames_open(f, frames) : kq_still_open(f);
    if (result == KQ_OK && !info->label_map)
        result = kq_palette_order(f);
    return result;
}

KQ_API void kq_close(kq_file *file)
{
    if (!file)
        return;
    kq_frames_close(file);
    if (file->job)
        kq_job_close(file->job);
    KQ_FREE(file->job);
    KQ_FREE(file->stored);
    KQ_FREE(file->order);
    KQ_FREE(file->ids);
    KQ_FREE(file->colors);
    KQ_FREE(file->logistic);
    KQ_FREE(file->tiles);
    KQ_FREE(file);
}

KQ_API kq_result kq_open(const void *data, size_t size, const kq_limits *limits, kq_file **file)
{
    kq_header header;
    if (!file || (!data && size))
        return KQ_ARGUMENT;
    *file = NULL;
    kq_result result = kq_header_read(&header, (const uint8_t *)data, size);
    if (result != KQ_OK)
        return result;
    kq_file *f = (kq_file *)KQ_CALLOC(1, sizeof *f);
    if (!f)
        return KQ_NO_MEMORY;
    f->header = header;
    f->info = header.info;
    f->rest = header.rest;
    f->limits = kq_limits_of(limits);
    f->job = (struct kq_tile_job *)KQ_CALLOC(1, sizeof *f->job);
    result = f->job ? kq_open_parts(f) : KQ_NO_MEMORY;
    if (result == KQ_OK)
        *file = f;
    else
        kq_close(f);
    return result;
}
/* ---- file/read.h ---- */
/* Labels, ids and pixels of an open file. */

KQ_API const kq_info *kq_get_info(const kq_file *file)
{
    return &file->info;
}

KQ_API const uint8_t *kq_palette(kq_file *file)
{
    return file->colors || kq_colors_make(file) ? file->colors : NULL;
}

KQ_API kq_result kq_set_palette(kq_file *file, const uint8_t *rgba)
{
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    memmove(file->colors, rgba, 4 * (size_t)file->info.entries); /* it may be kq_palette's */
    return KQ_OK;
}

KQ_API const uint64_t *kq_id_table(const kq_file *file)
{
    return file->ids;
}

KQ_API const uint8_t *kq_section(const kq_file *file, const char *kind, size_t *size)
{
    return kq_section_find(file, kind, size);
}

KQ_API uint32_t kq_duration(const kq_file *file, uint32_t frame)
{
    return frame < file->info.frames ? file->frames->list.durations[frame] : 0;
}

KQ_API int kq_label_bytes(const kq_file *file)
{
    return kq_label_size(file->info.entries);
}

static uint32_t kq_frame_count(const kq_file *f)
{
    return f->frames ? f->info.frames : 1;
}

/* --- a tile at a time ------------------------------------------------------- */

KQ_API kq_result kq_begin(kq_file *file, uint32_t frame, uint32_t tile)
{
    kq_tile_task task;
    if (tile >= file->info.tiles || frame >= kq_frame_count(file))
        return KQ_ARGUMENT;
    const kq_box box = kq_header_box(&file->header, tile);
    const uint64_t labels = (uint64_t)box.width * box.height;
    file->tile = tile;
    if (kq_frames_chained(file))
        return kq_frames_begin(file, frame);
    task.payload = file->frames ? kq_frame_span(file, frame, tile) : file->tiles[tile];
    task.width = box.width;
    task.height = box.height;
    task.k = file->info.colors;
    task.label_map = file->info.label_map;
    task.listed = task.k < labels ? task.k : labels;
    task.entries = file->info.entries;
    task.label_bytes = kq_label_bytes(file);
    return kq_job_begin(file->job, file, &task);
}

KQ_API kq_result kq_step(kq_file *file, int *more)
{
    if (kq_frames_chained(file))
        return kq_frames_step(file, more);
    const kq_result result = file->job->more ? kq_job_step(file->job) : KQ_OK;
    *more = result == KQ_OK && file->job->more;
    return result;
}

KQ_API const void *kq_tile_labels(const kq_file *file, kq_box *box)
{
    *box = kq_header_box(&file->header, file->tile);
    if (kq_frames_chained(file))
        return kq_frames_labels(file);
    return file->job->more ? NULL : file->job->labels;
}

/* Four bytes are copied for each pixel, but for the last: in three channels the next one's come
 * over the fourth. */
KQ_INLINE void kq_paint_as(const uint8_t *colors, const uint8_t *labels, int bytes, size_t count,
                           size_t channels, uint8_t *pixels)
{
    for (size_t i = 0; i + 1 < count; i++, pixels += channels)
        memcpy(pixels, colors + 4 * (size_t)kq_map_label(labels, bytes, i), 4);
    memcpy(pixels, colors + 4 * (size_t)kq_map_label(labels, bytes, count - 1), channels);
}

/* Red, green, blue and perhaps alpha of so many labels, at least one. */
static void kq_paint_labels(const kq_file *f, const uint8_t *labels, size_t count, int channels,
                            uint8_t *pixels)
{
    const int bytes = kq_label_bytes(f);
    if (channels == 3 && bytes == 1)
        kq_paint_as(f->colors, labels, 1, count, 3, pixels);
    else if (channels == 3)
        kq_paint_as(f->colors, labels, bytes, count, 3, pixels);
    else if (bytes == 1)
        kq_paint_as(f->colors, labels, 1, count, 4, pixels);
    else
        kq_paint_as(f->colors, labels, bytes, count, 4, pixels);
}

KQ_API kq_result kq_paint_tile(kq_file *file, int channels, uint8_t *pixels, size_t stride)
{
    kq_box box;
    const uint8_t *labels = (const uint8_t *)kq_tile_labels(file, &box);
    const size_t row = (size_t)box.width * (size_t)kq_label_bytes(file);
    if (!labels || (channels != 3 && channels != 4))
        return KQ_ARGUMENT;
    if (file->info.height > 1 && stride < (size_t)file->info.width * (size_t)channels)
        return KQ_ARGUMENT;
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    pixels += box.y * stride + (size_t)box.x * (size_t)channels;
    for (uint32_t y = 0; y < box.height; y++)
        kq_paint_labels(file, labels + y * row, box.width, channels, pixels + y * stride);
    return KQ_OK;
}

/* --- boxes ------------------------------------------------------------------ */

enum { KQ_AS_LABELS, KQ_AS_IDS, KQ_AS_PIXELS };

/* What is to be read, and where it goes. */
typedef struct {
    kq_box box;
    int what;
    size_t item; /* bytes of a label, id or pixel */
    uint8_t *out;
    size_t stride;
} kq_reading;

/* Ids of so many labels, in the file's dtype. */
static void kq_ids_of_labels(const kq_file *f, const uint8_t *labels, size_t count, uint8_t *ids)
{
    const int bytes = kq_label_bytes(f), size = kq_id_bytes(f->info.dtype);
    for (size_t i = 0; i < count; i++) {
        const uint64_t id = f->ids[kq_map_label(labels, bytes, i)];
        const uint32_t id32 = (uint32_t)id;
        const uint16_t id16 = (uint16_t)id;
        if (size == 1)
            ids[i] = (uint8_t)id;
        else if (size == 2) /* rows may begin anywhere */
            memcpy(ids + 2 * i, &id16, 2);
        else if (size == 4)
            memcpy(ids + 4 * i, &id32, 4);
        else
            memcpy(ids + 8 * i, &id, 8);
    }
}

/* The part of a tile, which is decoded, that is in the box. */
static void kq_read_tile(const kq_file *f, const kq_reading *reading)
{
    kq_box tile;
    const kq_box *box = &reading->box;
    const uint8_t *labels = (const uint8_t *)kq_tile_labels(f, &tile);
    const size_t bytes = (size_t)kq_label_bytes(f);
    const uint32_t left = tile.x > box->x ? tile.x : box->x,
                   top = tile.y > box->y ? tile.y : box->y,
                   right = kq_least32(tile.x + tile.width, box->x + box->width),
                   bottom = kq_least32(tile.y + tile.height, box->y + box->height);
    const size_t count = right - left;
    for (uint32_t y = top; y < bottom; y++) {
        const uint8_t *from =
            labels + ((size_t)(y - tile.y) * tile.width + (left - tile.x)) * bytes;
        uint8_t *to =
            reading->out + (y - box->y) * reading->stride + (left - box->x) * reading->item;
        if (reading->what == KQ_AS_LABELS)
            memcpy(to, from, count * bytes);
        else if (reading->what == KQ_AS_IDS)
            kq_ids_of_labels(f, from, count, to);
        else
            kq_paint_labels(f, from, count, (int)reading->item, to);
    }
}

static kq_result kq_read_box(kq_file *f, uint32_t frame, const kq_box *box, kq_reading *reading)
{
    const kq_info *info = &f->info;
    const kq_box all = {0, 0, info->width, info->height};
    reading->box = box ? *box : all;
    box = &reading->box;
    if (box->x > info->width || box->width > info->width - box->x || box->y > info->height ||
        box->height > info->height - box->y || frame >= kq_frame_count(f))
        return KQ_ARGUMENT;
    if (box->height > 1 && reading->stride < box->width * reading->item)
        return KQ_ARGUMENT;
    if (!box->width || !box->height)
        return KQ_OK;
    const uint32_t across = f->header.tiles_across;
    for (uint32_t row = box->y / info->tile_height;
         row <= (box->y + box->height - 1) / info->tile_height; row++)
        for (uint32_t column = box->x / info->tile_width;
             column <= (box->x + box->width - 1) / info->tile_width; column++) {
            int more = 1;
            kq_result result = kq_begin(f, frame, row * across + column);
            while (result == KQ_OK && more)
                result = kq_step(f, &more);
            if (result != KQ_OK)
                return result;
            kq_read_tile(f, reading);
        }
    return KQ_OK;
}

KQ_API kq_result kq_read_labels(kq_file *file, uint32_t frame, const kq_box *box, void *labels,
                                size_t stride)
{
    kq_reading reading;
    reading.what = KQ_AS_LABELS;
    reading.item = (size_t)kq_label_bytes(file);
    reading.out = (uint8_t *)labels;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API kq_result kq_read_ids(kq_file *file, uint32_t frame, const kq_box *box, void *ids,
                             size_t stride)
{
    kq_reading reading;
    if (!file->ids)
        return KQ_ARGUMENT;
    reading.what = KQ_AS_IDS;
    reading.item = (size_t)kq_id_bytes(file->info.dtype);
    reading.out = (uint8_t *)ids;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API kq_result kq_read_pixels(kq_file *file, uint32_t frame, const kq_box *box, int channels,
                                uint8_t *pixels, size_t stride)
{
    kq_reading reading;
    if (channels != 3 && channels != 4)
        return KQ_ARGUMENT;
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    reading.what = KQ_AS_PIXELS;
    reading.item = (size_t)channels;
    reading.out = pixels;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API uint8_t *kq_load(const void *data, size_t size, int channels, uint32_t *width,
                        uint32_t *height, kq_result *result)
{
    kq_file *file;
    uint8_t *pixels = NULL;
    kq_result done =
        channels == 3 || channels == 4 ? kq_open(data, size, NULL, &file) : KQ_ARGUMENT;
    if (done == KQ_OK) {
        const size_t stride = (size_t)file->info.width * (size_t)channels;
        pixels = (uint8_t *)KQ_MALLOC(stride * file->info.height);
        done = pixels ? kq_read_pixels(file, 0, NULL, channels, pixels, stride) : KQ_NO_MEMORY;
        if (width)
            *width = file->info.width;
        if (height)
            *height = file->info.height;
        kq_close(file);
    }
    if (done != KQ_OK) {
        KQ_FREE(pixels);
        pixels = NULL;
    }
    if (result)
        *result = done;
    return pixels;
}

KQ_API void kq_free(void *pixels)
{
    KQ_FREE(pixels);
}
/* ---- file/file.h ---- */
/* The decoder of whole files, which kq.h is made of. */


#if defined(_WIN32)
#pragma pop_macro("near")
#pragma pop_macro("far")
#pragma pop_macro("small")
#endif

#endif

/*
MIT License

Copyright (c) 2026 The kqcodec authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
