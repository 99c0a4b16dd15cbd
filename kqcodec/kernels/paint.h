/* Labels to colours: out[top + y, left + x] = palette[labels[y, x]]. */
#ifndef KQ_PAINT_H
#define KQ_PAINT_H

#include "packed.h"

/* Three channels, the usual case. Four bytes are copied for every pixel but the
 * last of a row, where the fourth is overwritten by the next pixel: one load and
 * one store instead of three. The palette's last entry has no fourth byte to
 * load, so its pixels are copied from a padded twin. */
static inline void kq_paint_row3(const void *labels, size_t start, int wide, size_t width,
                                 const uint8_t *palette, uint32_t last, const uint8_t *padded,
                                 uint8_t *pixel)
{
    for (size_t x = 0; x + 1 < width; x++, pixel += 3) {
        uint32_t label = kq_label_get(labels, start + x, wide);
        memcpy(pixel, label == last ? padded : palette + 3 * (size_t)label, 4);
    }
    memcpy(pixel, palette + 3 * (size_t)kq_label_get(labels, start + width - 1, wide), 3);
}

static inline void kq_paint_row(const void *labels, size_t start, int wide, size_t width,
                                const uint8_t *palette, size_t channels, uint8_t *pixel)
{
    for (size_t x = 0; x < width; x++) {
        const uint8_t *color = palette + channels * kq_label_get(labels, start + x, wide);
        for (size_t c = 0; c < channels; c++)
            *pixel++ = color[c];
    }
}

/* Four channels: one load and one store a pixel. */
static inline void kq_paint_row4(const void *labels, size_t start, int wide, size_t width,
                                 const uint8_t *palette, uint8_t *pixel)
{
    for (size_t x = 0; x < width; x++, pixel += 4)
        memcpy(pixel, palette + 4 * (size_t)kq_label_get(labels, start + x, wide), 4);
}

/* `out` points at the first pixel to paint; its rows are `stride` bytes apart.
 * Every label must be below k: the caller has checked. */
static void kq_paint(const void *labels, int wide, size_t height, size_t width,
                     const uint8_t *palette, size_t k, size_t channels, uint8_t *out,
                     size_t stride)
{
    uint8_t padded[4] = {0};
    if (channels == 3)
        memcpy(padded, palette + 3 * (k - 1), 3);
    for (size_t y = 0; y < height; y++) {
        uint8_t *row = out + y * stride;
        if (channels == 4)
            kq_paint_row4(labels, y * width, wide, width, palette, row);
        else if (channels != 3)
            kq_paint_row(labels, y * width, wide, width, palette, channels, row);
        else if (wide)
            kq_paint_row3(labels, y * width, 1, width, palette, (uint32_t)k - 1, padded, row);
        else
            kq_paint_row3(labels, y * width, 0, width, palette, (uint32_t)k - 1, padded, row);
    }
}

#endif
