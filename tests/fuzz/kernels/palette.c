/* kernels/c/coding/palette_coder.h: payloads decode, and palettes come back. */
#include "fuzz.h"
#include "coding/palette_coder.h"


static int ascends(const uint8_t *palette, size_t k, int channels)
{
    for (size_t i = 1; i < k; i++)
        for (int c = 0; c < channels; c++) {
            int one = palette[kq_palette_place(k, i - 1, c)], other = palette[kq_palette_place(k, i, c)];
            if (one > other)
                return 0;
            if (one < other)
                break;
        }
    return 1;
}

static void comes_back(const uint8_t *palette, size_t k, int channels, int ascending)
{
    size_t bytes = k * (size_t)channels, size = 0;
    uint8_t *payload = malloc(4 * bytes + 16), *found = malloc(bytes);
    DEMAND(kq_palette_encode(palette, k, channels, ascending, payload, 4 * bytes + 16, &size) == 1);
    uint8_t *exact = malloc(size);
    memcpy(exact, payload, size);
    DEMAND(kq_palette_decode(exact, size, k, channels, found) == 1);
    DEMAND(memcmp(found, palette, bytes) == 0);
    if (size && k <= 4) { /* a byte less doesn't hold it */
        size_t less = 0;
        uint8_t *small = malloc(size - 1);
        DEMAND(kq_palette_encode(palette, k, channels, ascending, small, size - 1, &less) == 0);
        free(small);
    }
    free(exact);
    free(payload);
    free(found);
}

static void run(fuzz_input input)
{
    uint32_t shape = next(&input, 2);
    int channels = 3 + (int)(shape >> 15);
    size_t k = 1 + (shape & 0x0F00 ? shape & 15 : shape & 255), size; /* mostly few */
    uint8_t *payload = copied(&input, SIZE_MAX, &size);
    uint8_t *palette = malloc(k * (size_t)channels);
    int valid = kq_palette_decode(payload, size, k, channels, palette);
    DEMAND(valid == 0 || valid == 1);
    int ascending = ascends(palette, k, channels);
    if (size == 0 || payload[0] < 128) /* the first bit is 1: it says so */
        DEMAND(ascending);
    if (valid || (shape >> 12 & 7) == 7)
        comes_back(palette, k, channels, ascending && (valid || shape & 1));
    free(payload);
    free(palette);
}
