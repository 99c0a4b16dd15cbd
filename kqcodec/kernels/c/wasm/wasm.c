/* kq.wasm: what JavaScript calls (kqcodec/portable/kq.mjs). An instance holds one file, and
 * imports nothing; tests/portable/make_wasm.py compiles it.
 */
#include "wasm/memory.h"

#define KQ_STATIC
#define KQ_DECODE_ONLY
#include "context/context.h"
#include "pixels/paint.h"
#include "tokens/decode.h"
/* What takes no time is small. */
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#include "file/file.h"

#define KQ_EXPORT(name) __attribute__((export_name("kq_" #name))) kq_export_##name
#define KQ_STEP_REFUSED 0x100 /* and the result below it */

static uint8_t *kq_file_bytes;
static kq_file *kq_the_file;
static uint8_t
    *kq_the_canvas; /* the picture's pixels, four bytes each; NULL before it is asked for */
static size_t kq_found_size; /* of the section that was asked for last */
static kq_box kq_the_box;    /* of the tile that was begun last */

void *KQ_EXPORT(alloc)(size_t size)
{
    return KQ_MALLOC(size);
}

void KQ_EXPORT(release)(void *memory)
{
    KQ_FREE(memory);
}

/* Closes the file that was open; room for `size` bytes of another, 0 where there isn't any. */
uint8_t *KQ_EXPORT(input)(size_t size)
{
    kq_close(kq_the_file);
    KQ_FREE(kq_the_canvas);
    KQ_FREE(kq_file_bytes);
    kq_the_file = NULL;
    kq_the_canvas = NULL;
    return kq_file_bytes = KQ_MALLOC(size);
}

/* Opens the file that now stands there. `max_pixels` may be 0 for the usual limit. */
kq_result KQ_EXPORT(open_input)(size_t size, uint32_t max_pixels)
{
    const kq_limits limits = {.pixels = max_pixels};
    return kq_open(kq_file_bytes, size, &limits, &kq_the_file);
}

const kq_info *KQ_EXPORT(info_at)(void)
{
    return kq_get_info(kq_the_file);
}

const uint8_t *KQ_EXPORT(palette_at)(void)
{
    return kq_palette(kq_the_file);
}

kq_result KQ_EXPORT(set_palette_at)(const uint8_t *rgba)
{
    return kq_set_palette(kq_the_file, rgba);
}

const uint64_t *KQ_EXPORT(ids_at)(void)
{
    return kq_id_table(kq_the_file);
}

int KQ_EXPORT(label_bytes_of)(void)
{
    return kq_label_bytes(kq_the_file);
}

/* A section by the four characters of its kind, the first the highest; 0 if there is none. */
const uint8_t *KQ_EXPORT(section_at)(uint32_t kind)
{
    const char name[4] = {(char)(kind >> 24), (char)(kind >> 16), (char)(kind >> 8), (char)kind};
    kq_found_size = 0;
    return kq_section(kq_the_file, name, &kq_found_size);
}

size_t KQ_EXPORT(section_size)(void)
{
    return kq_found_size;
}

uint32_t KQ_EXPORT(duration_of)(uint32_t frame)
{
    return kq_duration(kq_the_file, frame);
}

kq_result KQ_EXPORT(begin_tile)(uint32_t frame, uint32_t tile)
{
    return kq_begin(kq_the_file, frame, tile);
}

/* About a row: engines compile what runs long anew, but go over to it at the next call only.
 * Returns 0 when all labels are there, 1 when there are more, and otherwise why not. */
uint32_t KQ_EXPORT(step_tile)(void)
{
    int more;
    const kq_result result = kq_step(kq_the_file, &more);
    return result == KQ_OK ? (uint32_t)more : KQ_STEP_REFUSED + (uint32_t)result;
}

const void *KQ_EXPORT(tile_at)(void)
{
    return kq_tile_labels(kq_the_file, &kq_the_box);
}

const kq_box *KQ_EXPORT(tile_box)(void)
{
    kq_tile_labels(kq_the_file, &kq_the_box);
    return &kq_the_box;
}

/* Where the picture is painted, 0 without memory. */
uint8_t *KQ_EXPORT(canvas)(void)
{
    const kq_info *info = kq_get_info(kq_the_file);
    const uint64_t bytes = (uint64_t)info->width * info->height * 4;
    if (!kq_the_canvas && bytes <= SIZE_MAX)
        kq_the_canvas = KQ_CALLOC(1, (size_t)bytes);
    return kq_the_canvas;
}

/* Paints the tile's labels there. */
kq_result KQ_EXPORT(paint)(void)
{
    const size_t stride = (size_t)kq_get_info(kq_the_file)->width * 4;
    if (!kq_export_canvas())
        return KQ_NO_MEMORY;
    return kq_paint_tile(kq_the_file, 4, kq_the_canvas, stride);
}
#pragma clang attribute pop
