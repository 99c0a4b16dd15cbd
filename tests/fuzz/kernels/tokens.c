/* kernels/c/tokens: any payload is refused, or gives labels below K, the same ones by AVX2 and by
 * plain C, however it was damaged; labels come back from a payload of their own. */
#include "fuzz.h"
#include "tokens/encode.h"

#define MOST_LABELS 400
#define MANY_LABELS 17000
#define MOST_DAMAGES 8

/* Decodes by AVX2 and by plain C, from memory that ends where the payload does. */
static int decoded(const kq_tokens_tile *tile, const uint8_t *payload, size_t size)
{
    const size_t labels = tile->width * tile->height, bytes = labels << tile->wide;
    kq_tokens_tile plain = *tile;
    uint8_t *exact = room(size);
    if (size)
        memcpy(exact, payload, size);
    plain.labels = room(bytes);
    simd = 1;
    const int valid = kq_tokens_decode(tile, exact, size);
    simd = 0;
    DEMAND(valid == 0 || valid == 1);
    DEMAND(kq_tokens_decode(&plain, exact, size) == valid);
    if (valid) {
        DEMAND(memcmp(tile->labels, plain.labels, bytes) == 0);
        for (size_t i = 0; i < labels; i++)
            DEMAND(kq_label_get(tile->labels, i, tile->wide) < tile->k);
    }
    free(exact);
    free(plain.labels);
    return valid;
}

/* Labels of many kinds, from what is left of the input: its bytes again and again, or runs,
 * copies of what is above and of anywhere, and now and then another label. */
static void made_labels(const kq_tokens_tile *tile, fuzz_input *input, uint32_t kind)
{
    uint32_t state = next(input, 2);
    for (size_t i = 0; i < tile->width * tile->height; i++) {
        uint32_t draw = mixed(&state), label = mixed(&state) % tile->k;
        const uint32_t noise = kind >> 2 & 63;
        if (i > 0 && draw % 64 >= noise) {
            size_t back = (kind & 3) == 0                  ? 1
                          : (kind & 3) == 1 && i >= tile->width ? tile->width
                                                           : 1 + (state >> 9) % i;
            if ((kind & 3) == 2)
                back = i > 37 ? 37 : 1;
            label = kq_label_get(tile->labels, i - back, tile->wide);
        } else if (kind & 1 && input->left) {
            label = next(input, 1) % tile->k;
        }
        kq_label_set(tile->labels, i, tile->wide, label);
    }
}

static void run(fuzz_input input)
{
    const uint32_t kind = next(&input, 1), drawn = next(&input, 1), k = next_k(&input);
    size_t width = next_side(&input), height = next_side(&input), size = 0;
    const size_t most = drawn % 16 == 1 && k <= 256 ? MANY_LABELS : MOST_LABELS;
    if (most == MANY_LABELS) /* enough for bands */
        width *= 8, height *= 8;
    if (width * height > most)
        height = 1 + (most - width) / width;
    uint16_t *order = room(k * sizeof *order);
    for (uint32_t i = 0; i < k; i++)
        order[i] = (uint16_t)(i ^ (k % 2 == 0 && drawn & 8));
    kq_tokens_tile tile = {order, k, width, height, k > 256, NULL};
    const size_t bytes = (width * height) << tile.wide;
    tile.labels = room(bytes);

    if (drawn & 16) { /* the input is a payload */
        uint8_t *payload = copied(&input, SIZE_MAX, &size);
        decoded(&tile, payload, size);
        free(payload);
    } else {
        uint32_t damages = next(&input, 1) % (MOST_DAMAGES + 1), where[MOST_DAMAGES];
        uint8_t with[MOST_DAMAGES];
        for (uint32_t i = 0; i < damages; i++) {
            where[i] = next(&input, 2);
            with[i] = (uint8_t)next(&input, 1);
        }
        made_labels(&tile, &input, kind);
        void *labels = room(bytes);
        memcpy(labels, tile.labels, bytes);
        const size_t enough = 4 * bytes + 70000, tight = next(&input, 2) % 400;
        uint8_t *payload = room(enough), *small = room(tight);
        DEMAND(kq_tokens_encode(&tile, payload, enough, &size) == 1);
        size_t again = 0;
        if (kind & 64 && kq_tokens_encode(&tile, small, tight, &again) == 1)
            DEMAND(again == size && again <= tight && memcmp(small, payload, size) == 0);
        memset(tile.labels, 0, bytes);
        DEMAND(decoded(&tile, payload, size) == 1);
        DEMAND(memcmp(tile.labels, labels, bytes) == 0);
        for (uint32_t i = 0; i < damages && size; i++)
            payload[(i & 1 ? where[i] : where[i] % 64) % size] ^= with[i];
        if (damages) {
            decoded(&tile, payload, size - (damages == 1 && size > 1));
            payload[size] = kind & 1;
            decoded(&tile, payload, size + 1);
        }
        free(labels);
        free(payload);
        free(small);
    }
    free(tile.labels);
    free(order);
}
