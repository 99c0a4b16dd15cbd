/* kernels/c/context/context.h and tree.h: any payload gives labels below K, the same ones by AVX2
 * and by plain C; they come back from a payload of their own, in all settings. */
#include "fuzz.h"
#include "context/context.h"
#include "context/tree.h"

#define MOST_LABELS 320
#define QUICKLY_SORTED 5000 /* colours; more are put in the order of the tree now and then */

static kq_logistic tables;

/* The settings of a byte, or those nearest to it that mean something. */
static int valid_setting(uint32_t byte)
{
    return (byte & 0x80 ? KQ_LARGE : KQ_SMALL) << 6 | (int)(byte & 0x1F);
}

static void below_k(const kq_tile *tile, const void *labels)
{
    for (size_t i = 0; i < tile->width * tile->height; i++)
        DEMAND(kq_label_get(labels, i, tile->wide) < tile->k);
}

/* Labels through the encoder and back; `room` is what it may write. */
static void comes_back(const kq_tile *tile, const void *labels, size_t capacity)
{
    size_t bytes = (tile->width * tile->height) << tile->wide, size = 0, other = 0;
    uint8_t *payload = malloc(capacity), *plain = malloc(capacity);
    void *found = room(bytes);
    simd = 1;
    int fits = kq_context_encode(&tables, tile, labels, payload, capacity, &size);
    simd = 0;
    DEMAND(kq_context_encode(&tables, tile, labels, plain, capacity, &other) == fits);
    if (fits) {
        DEMAND(fits == 1 && size <= capacity && other == size);
        DEMAND(memcmp(payload, plain, size) == 0);
        uint8_t *exact = malloc(size);
        if (size)
            memcpy(exact, payload, size);
        simd = (int)(size & 1);
        DEMAND(kq_context_decode(&tables, tile, exact, size, found) == 1);
        DEMAND(memcmp(found, labels, bytes) == 0);
        free(exact);
    }
    free(payload);
    free(plain);
    free(found);
}

static void run(fuzz_input input)
{
    if (tables.flat[0] == 0)
        kq_logistic_init(&tables);
    int setting = valid_setting(next(&input, 1));
    uint32_t k = next_k(&input);
    size_t width = next_side(&input), height = next_side(&input), size;
    if (width * height > MOST_LABELS)
        height = MOST_LABELS / width;
    uint32_t drawn = next(&input, 1), kind = next(&input, 1);
    uint8_t *colors;
    if (drawn == 0 && k <= 300) { /* the palette stands in the input */
        colors = room(3 * (size_t)k);
        for (size_t i = 0; i < 3 * (size_t)k; i++)
            colors[i] = (uint8_t)next(&input, 1);
    } else {
        colors = made_colors(k, drawn);
    }
    uint16_t *order = room(k * sizeof *order);
    uint8_t *seen = calloc(k, 1);
    if (k <= QUICKLY_SORTED || drawn == 1)
        DEMAND(kq_tree_order(colors, k, order));
    else
        for (uint32_t i = 0; i < k; i++)
            order[i] = (uint16_t)(i ^ (k % 2 == 0 && drawn & 1));
    for (uint32_t i = 0; i < k; i++) {
        DEMAND(order[i] < k && !seen[order[i]]);
        seen[order[i]] = 1;
    }
    const uint8_t *seen_colors = drawn == 3 ? NULL : colors; /* label maps have none */
    kq_tile tile = {order, seen_colors, k, setting, width, height, k > 256};
    size_t labels = width * height, bytes = labels << tile.wide;
    uint8_t *payload = copied(&input, SIZE_MAX, &size);
    void *found = room(bytes), *plain = room(bytes);

    simd = 1;
    int valid = kq_context_decode(&tables, &tile, payload, size, found);
    simd = 0;
    DEMAND(valid == 0 || valid == 1);
    DEMAND(kq_context_decode(&tables, &tile, payload, size, plain) == valid);
    DEMAND(memcmp(found, plain, bytes) == 0);
    below_k(&tile, found);
    if ((kind & 7) == 1) /* those that it decodes to are labels like others */
        comes_back(&tile, found, kind & 8 ? kind : 4 * bytes + 16);
    if ((kind & 7) == 2) { /* so are the bytes themselves */
        for (size_t i = 0; i < labels; i++)
            kq_label_set(plain, i, tile.wide, size ? payload[i % size] * (1 + (kind >> 4)) % k : 0);
        comes_back(&tile, plain, 4 * bytes + 16);
    }
    free(colors);
    free(order);
    free(seen);
    free(payload);
    free(found);
    free(plain);
}
