/* kernels/c/coding/dense.h: what decodes encodes to the same bytes; labels are below K. */
#include "fuzz.h"
#include "coding/dense.h"

/* ceil(count * log2 k), exactly, and 0 of it if that is over the most. */
static int bits_of(uint32_t k, size_t count)
{
    uint32_t words[KQ_DENSE_MAX_WORDS + 2] = {1};
    size_t used = 1, ones = 0;
    for (size_t i = 0; i < count; i++) {
        used = kq_multiply_add(words, used, k, 0);
        if (used > KQ_DENSE_MAX_WORDS)
            return 0;
    }
    int bits = 32 * ((int)used - 1);
    for (uint32_t top = words[used - 1]; top; top >>= 1)
        bits++;
    for (size_t w = 0; w < used; w++)
        for (uint32_t word = words[w]; word; word &= word - 1)
            ones++;
    return ones == 1 ? bits - 1 : bits; /* a power of two itself is one number too many */
}

static void run(fuzz_input input)
{
    uint32_t k = next_k(&input);
    int wide = k > 256;
    size_t block = 1 + next(&input, 1) % 224, count = 1 + next(&input, 2) % 700;
    int block_bits = bits_of(k, block), tail_bits = bits_of(k, count % block);
    if (block_bits == 0)
        return; /* no block of that K has so many labels */
    if (count % block == 0)
        tail_bits = 0;
    size_t bits = count / block * (size_t)block_bits + (size_t)tail_bits;
    size_t size = (bits + 7) / 8, given;
    uint8_t *payload = calloc(size, 1), *start = copied(&input, size, &given);
    memcpy(payload, start, given);
    void *labels = room(count << wide);
    uint8_t *again = malloc(size);

    if (kq_dense_decode(payload, wide, count, k, block, block_bits, tail_bits, labels)) {
        for (size_t i = 0; i < count; i++)
            DEMAND(kq_label_get(labels, i, wide) < k);
        kq_dense_encode(labels, wide, count, k, block, block_bits, tail_bits, again);
        payload[size - 1] &= (uint8_t)(0xFF << (8 * size - bits));
        DEMAND(memcmp(again, payload, size) == 0);
    }
    /* Labels made from the same bytes come back. */
    void *made = room(count << wide);
    for (size_t i = 0; i < count; i++)
        kq_label_set(made, i, wide, (payload[i % size] * 257u + (uint32_t)i % 3) % k);
    kq_dense_encode(made, wide, count, k, block, block_bits, tail_bits, again);
    DEMAND(kq_dense_decode(again, wide, count, k, block, block_bits, tail_bits, labels));
    DEMAND(memcmp(labels, made, count << wide) == 0);
    free(payload);
    free(start);
    free(labels);
    free(again);
    free(made);
}
