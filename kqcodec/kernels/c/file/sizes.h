/* How many bytes labels take (spec/kq.md, sections 6 to 8). */
#ifndef KQ_FILE_SIZES_H
#define KQ_FILE_SIZES_H

#include "coding/dense.h"
#include "file/header.h"

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

#endif
