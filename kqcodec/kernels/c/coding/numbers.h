/* Lists of numbers (spec/kq.md, section 18): in a payload of the range coder, each number by bits
 * that learn with its list.
 */
#ifndef KQ_CODING_NUMBERS_H
#define KQ_CODING_NUMBERS_H

#include <stddef.h>
#include <stdint.h>

#include "coding/learning_bits.h"

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

#ifndef KQ_DECODE_ONLY
/* The payload of lists; returns 1 and its size, or 0 if it doesn't fit. */
static int kq_numbers_encode(const uint64_t *counts, size_t lists, uint64_t *numbers, uint8_t *out,
                             size_t capacity, size_t *size)
{
    kq_range_encoder encoder;
    kq_bit_coder coder = {&encoder, NULL};
    kq_range_encoder_init(&encoder, out, capacity);
    kq_numbers_code(&coder, counts, lists, numbers);
    return kq_range_finish(&encoder, size);
}
#endif

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

#endif
