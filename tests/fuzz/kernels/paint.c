/* kernels/c/pixels/paint.h: pixels go where they belong, and nowhere else. */
#include "fuzz.h"
#include "pixels/paint.h"

static void run(fuzz_input input)
{
    uint32_t shape = next(&input, 1);
    size_t width = next_side(&input), height = next_side(&input), channels = 1 + (shape & 7);
    size_t k = 1 + next(&input, 2) % 600, around = next(&input, 1) % 32;
    int wide = k > 256 || shape >> 7;
    size_t stride = width * channels + around, bytes = (height - 1) * stride + width * channels;
    uint8_t *palette = room(k * channels), *out = room(bytes);
    void *labels = room((width * height) << wide);
    uint32_t state = next(&input, 1);
    for (size_t i = 0; i < k * channels; i++)
        palette[i] = (uint8_t)mixed(&state);
    for (size_t i = 0; i < width * height; i++)
        kq_label_set(labels, i, wide, (input.left ? next(&input, 2) : mixed(&state)) % (uint32_t)k);
    memset(out, 0xA5, bytes);

    kq_paint(labels, wide, height, width, palette, k, channels, out, stride);
    for (size_t y = 0; y < height; y++) {
        for (size_t x = 0; x < width; x++) {
            uint32_t label = kq_label_get(labels, y * width + x, wide);
            DEMAND(memcmp(out + y * stride + x * channels, palette + label * channels, channels) == 0);
        }
        for (size_t i = y * stride + width * channels; i < (y + 1) * stride && i < bytes; i++)
            DEMAND(out[i] == 0xA5);
    }
    for (size_t i = 0; i < width * height; i += 3) /* changed after they were looked at */
        kq_label_set(labels, i, wide, 65535);
    kq_paint(labels, wide, height, width, palette, k, channels, out, stride);
    free(palette);
    free(out);
    free(labels);
}
