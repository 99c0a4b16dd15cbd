/* kernels/c/coding/packed.h: any bytes are labels, and the only ones of their bytes. */
#include "fuzz.h"
#include "coding/packed.h"

static void run(fuzz_input input)
{
    uint32_t shape = next(&input, 1);
    int wide = shape >> 7, bits = 1 + (int)(shape & (wide ? 15 : 7));
    uint32_t cut = next(&input, 1) & 7;
    size_t most = input.left * 8 / (size_t)bits, size;
    size_t count = most > cut ? most - cut : most; /* not only those that fill their bytes */
    uint8_t *payload = copied(&input, (count * (size_t)bits + 7) / 8, &size);
    void *labels = room(count << wide), *naive = room(count << wide);
    uint8_t *again = malloc(size);

    kq_unpack(payload, wide, count, bits, labels);
    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        for (size_t bit = i * (size_t)bits; bit < (i + 1) * (size_t)bits; bit++)
            value = value << 1 | (payload[bit / 8] >> (7 - bit % 8) & 1);
        kq_label_set(naive, i, wide, value);
    }
    DEMAND(memcmp(labels, naive, count << wide) == 0);

    kq_pack(labels, wide, count, bits, again);
    if (size) {
        size_t unused = 8 * size - count * (size_t)bits;
        payload[size - 1] &= (uint8_t)(0xFF << unused);
        DEMAND(memcmp(again, payload, size) == 0);
    }
    free(payload);
    free(labels);
    free(naive);
    free(again);
}
