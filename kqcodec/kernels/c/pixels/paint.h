/* Labels to colours: out[top + y, left + x] = palette[labels[y, x]]. Ids of label maps are
 * painted likewise, in bytes of theirs.
 */
#ifndef KQ_PIXELS_PAINT_H
#define KQ_PIXELS_PAINT_H

#include "coding/packed.h"

/* Three channels and labels of two bytes. Four bytes are copied for every pixel but
 * the last of a row, where the fourth is overwritten by the next pixel: one load and
 * one store instead of three. The palette's last entry has no fourth byte to load, so
 * its pixels are copied from a padded twin. */
static inline void kq_paint_row3(const void *labels, size_t start, size_t width,
                                 const uint8_t *palette, uint32_t k, const uint8_t *padded,
                                 uint8_t *pixel)
{
    const uint32_t last = k - 1;
    for (size_t x = 0; x + 1 < width; x++, pixel += 3) {
        uint32_t label = kq_label_get(labels, start + x, 1);
        KQ_HIDE(label);
        const uint8_t *color = palette + 3 * (size_t)label;
        if (label >= last)
            color = padded;
        memcpy(pixel, color, 4);
    }
    memcpy(pixel, palette + 3 * (size_t)kq_label_below(k, labels, start + width - 1, 1), 3);
}

static inline void kq_paint_row(const void *labels, size_t start, int wide, size_t width,
                                const uint8_t *palette, uint32_t k, size_t channels, uint8_t *pixel)
{
    for (size_t x = 0; x < width; x++) {
        const uint8_t *color = palette + channels * kq_label_below(k, labels, start + x, wide);
        for (size_t c = 0; c < channels; c++)
            *pixel++ = color[c];
    }
}

/* Four channels and labels of two bytes: one load and one store a pixel. */
static inline void kq_paint_row4(const void *labels, size_t start, size_t width,
                                 const uint8_t *palette, uint32_t k, uint8_t *pixel)
{
    for (size_t x = 0; x < width; x++, pixel += 4)
        memcpy(pixel, palette + 4 * (size_t)kq_label_below(k, labels, start + x, 1), 4);
}

#define KQ_BYTES 256 /* labels of a byte, and so many entries that none is outside them */

/* Three or four channels and labels of a byte: the palette has all entries, and a byte more. */
static inline void kq_paint_bytes(const uint8_t *labels, size_t width, const uint8_t *palette,
                                  size_t channels, uint8_t *pixel)
{
    size_t x = 0;
    /* Two at a time: the speed of a shorter loop depends on where the linker puts it. */
    for (; x + 2 < width; x += 2, pixel += 2 * channels) {
        memcpy(pixel, palette + channels * labels[x], 4);
        memcpy(pixel + channels, palette + channels * labels[x + 1], 4);
    }
    for (; x + 1 < width; x++, pixel += channels)
        memcpy(pixel, palette + channels * labels[x], 4);
    memcpy(pixel, palette + channels * labels[width - 1], channels);
}

/* One, two or eight bytes a pixel, copied at once; of labels of a byte as above. */
KQ_INLINE void kq_paint_items(const void *labels, size_t start, int wide, size_t width,
                              const uint8_t *palette, uint32_t k, size_t channels, uint8_t *pixel)
{
    const uint8_t *bytes = (const uint8_t *)labels + start;
    for (size_t x = 0; x < width; x++, pixel += channels) {
        const size_t label = wide ? kq_label_below(k, labels, start + x, 1) : bytes[x];
        memcpy(pixel, palette + channels * label, channels);
    }
}

/* Paints height x width labels, uint16_t if `wide`, else uint8_t, with a palette of `entries`
 * (1..65536) x `channels` bytes. `out` points at the first pixel to paint; its rows are
 * `stride` bytes apart. A label that isn't below `entries` is painted in any colour. */
static void kq_paint(const void *labels, int wide, size_t height, size_t width,
                     const uint8_t *palette, size_t entries, size_t channels, uint8_t *out,
                     size_t stride)
{
    const uint32_t k = (uint32_t)entries;
    const int usual = channels <= 4 || channels == 8;
    uint8_t padded[4] = {0}, all[8 * KQ_BYTES + 1] = {0};
    if (usual && !wide)
        memcpy(all, palette, (k < KQ_BYTES ? k : KQ_BYTES) * channels);
    const uint8_t *entry = wide ? palette : all;
    if (channels == 3)
        memcpy(padded, palette + 3 * (size_t)(k - 1), 3);
    for (size_t y = 0; y < height; y++) {
        const uint8_t *bytes = (const uint8_t *)labels + y * width;
        uint8_t *row = out + y * stride;
        if (!usual)
            kq_paint_row(labels, y * width, wide, width, palette, k, channels, row);
        else if (channels == 1)
            kq_paint_items(labels, y * width, wide, width, entry, k, 1, row);
        else if (channels == 2)
            kq_paint_items(labels, y * width, wide, width, entry, k, 2, row);
        else if (channels == 8)
            kq_paint_items(labels, y * width, wide, width, entry, k, 8, row);
        else if (!wide && channels == 3)
            kq_paint_bytes(bytes, width, all, 3, row);
        else if (!wide)
            kq_paint_bytes(bytes, width, all, 4, row);
        else if (channels == 3)
            kq_paint_row3(labels, y * width, width, palette, k, padded, row);
        else
            kq_paint_row4(labels, y * width, width, palette, k, row);
    }
}

#endif
