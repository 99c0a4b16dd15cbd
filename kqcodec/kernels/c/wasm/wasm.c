/* kq.wasm: what JavaScript calls (kqcodec/portable/kq.mjs). An instance imports nothing, and holds
 * one file; tests/portable/make_wasm.py compiles it.
 */
#include "wasm/memory.h"

#define KQ_STATIC
#define KQ_DECODE_ONLY
#include "context/context.h"
#include "file/parts.h"
#include "pixels/paint.h"
/* The rest takes no time worth speaking of: it is small instead. */
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "file/file.h"

#define KQ_EXPORT(name) __attribute__((export_name("kq_" #name))) kq_export_##name
#define KQ_STEP_REFUSED 0x100
#define KQ_STRIP 16384 /* pixels */

static uint8_t *kq_input_bytes;
static kq_file *kq_input_file;
static kq_info kq_input_info;
static size_t kq_found_size; /* of the section that was asked for last */
static kq_box kq_tile_place;
static uint32_t kq_strip[KQ_STRIP];

/* Closes the file that was open; room for `size` bytes of another, 0 where there isn't any. */
uint8_t *KQ_EXPORT(input)(size_t size)
{
    kq_close(kq_input_file);
    KQ_FREE(kq_input_bytes);
    kq_input_file = NULL;
    return kq_input_bytes = KQ_MALLOC(size);
}

/* Of the `size` bytes that now stand there, the header alone. */
kq_result KQ_EXPORT(header_input)(size_t size)
{
    return kq_read_header(kq_input_bytes, size, &kq_input_info);
}

/* Opens the file that now stands there; the usual limit is 0 for `max_pixels`. */
kq_result KQ_EXPORT(open_input)(size_t size, uint32_t max_pixels)
{
    const kq_limits limits = {.pixels = max_pixels};
    const kq_result result = kq_open(kq_input_bytes, size, &limits, &kq_input_file);
    if (result == KQ_OK)
        kq_input_info = *kq_get_info(kq_input_file);
    return result;
}

/* What the last two read. */
const kq_info *KQ_EXPORT(info_at)(void)
{
    return &kq_input_info;
}

const uint8_t *KQ_EXPORT(palette_at)(void)
{
    return kq_palette(kq_input_file);
}

const uint64_t *KQ_EXPORT(ids_at)(void)
{
    return kq_id_table(kq_input_file);
}

int KQ_EXPORT(label_bytes_of)(void)
{
    return kq_label_bytes(kq_input_file);
}

/* A section by the four characters of its kind, the first the highest; 0 if there is none. */
const uint8_t *KQ_EXPORT(section_at)(uint32_t kind)
{
    const char name[4] = {(char)(kind >> 24), (char)(kind >> 16), (char)(kind >> 8), (char)kind};
    kq_found_size = 0;
    return kq_section(kq_input_file, name, &kq_found_size);
}

size_t KQ_EXPORT(section_size)(void)
{
    return kq_found_size;
}

uint32_t KQ_EXPORT(duration_of)(uint32_t frame)
{
    return kq_duration(kq_input_file, frame);
}

kq_result KQ_EXPORT(begin_tile)(uint32_t frame, uint32_t tile)
{
    return kq_begin(kq_input_file, frame, tile);
}

/* About a row, since engines go over to code that they optimized at the next call only. Returns 0
 * when all labels are there, 1 when there are more, and otherwise KQ_STEP_REFUSED and why. */
uint32_t KQ_EXPORT(step_tile)(void)
{
    int more;
    const kq_result result = kq_step(kq_input_file, &more);
    return result == KQ_OK ? (uint32_t)more : KQ_STEP_REFUSED + (uint32_t)result;
}

const void *KQ_EXPORT(tile_at)(void)
{
    return kq_tile_labels(kq_input_file, &kq_tile_place);
}

const kq_box *KQ_EXPORT(tile_box)(void)
{
    kq_tile_labels(kq_input_file, &kq_tile_place);
    return &kq_tile_place;
}
#pragma clang attribute pop

/* The colours, of four bytes, of at most KQ_STRIP labels of the tile, from the first-th on. */
const uint32_t *KQ_EXPORT(paint)(size_t first, size_t count)
{
    const uint8_t *colors = kq_palette(kq_input_file), *labels = kq_export_tile_at();
    const int bytes = kq_label_bytes(kq_input_file);
    labels += first * (size_t)bytes;
    if (bytes < 4)
        kq_paint(labels, bytes == 2, 1, count, colors, kq_input_info.entries, 4,
                 (uint8_t *)kq_strip, 0);
    else
        for (size_t i = 0; i < count; i++)
            memcpy(kq_strip + i, colors + 4 * (size_t)((const uint32_t *)labels)[i], 4);
    return kq_strip;
}
