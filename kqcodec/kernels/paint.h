/* Labels to colours: out[top + y, left + x] = palette[labels[y, x]]. */
#ifndef KQ_PAINT_H
#define KQ_PAINT_H

#include "packed.h"

/* `out` points at the first pixel to paint; its rows are `stride` bytes apart.
 * Every label must be below K: the caller has checked. */
static void kq_paint(const void *labels, int wide, size_t height, size_t width,
                     const uint8_t *palette, size_t channels, uint8_t *out, size_t stride)
{
    for (size_t y = 0; y < height; y++) {
        uint8_t *pixel = out + y * stride;
        for (size_t x = 0; x < width; x++) {
            const uint8_t *color = palette + channels * kq_label_get(labels, y * width + x, wide);
            for (size_t c = 0; c < channels; c++)
                *pixel++ = color[c];
        }
    }
}

#endif
