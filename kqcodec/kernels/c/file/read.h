/* Labels, ids and pixels of an open file. */
#ifndef KQ_FILE_READ_H
#define KQ_FILE_READ_H

#include "file/open.h"

KQ_API const kq_info *kq_get_info(const kq_file *file)
{
    return &file->info;
}

KQ_API const uint8_t *kq_palette(kq_file *file)
{
    return file->colors || kq_colors_make(file) ? file->colors : NULL;
}

KQ_API kq_result kq_set_palette(kq_file *file, const uint8_t *rgba)
{
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    memmove(file->colors, rgba, 4 * (size_t)file->info.entries); /* it may be kq_palette's */
    return KQ_OK;
}

KQ_API const uint64_t *kq_id_table(const kq_file *file)
{
    return file->ids;
}

KQ_API const uint8_t *kq_section(const kq_file *file, const char *kind, size_t *size)
{
    return kq_section_find(file, kind, size);
}

KQ_API uint32_t kq_duration(const kq_file *file, uint32_t frame)
{
    return frame < file->info.frames ? file->frames->list.durations[frame] : 0;
}

KQ_API int kq_label_bytes(const kq_file *file)
{
    return kq_label_size(file->info.entries);
}

static uint32_t kq_frame_count(const kq_file *f)
{
    return f->frames ? f->info.frames : 1;
}

/* --- a tile at a time ------------------------------------------------------- */

KQ_API kq_result kq_begin(kq_file *file, uint32_t frame, uint32_t tile)
{
    kq_tile_task task;
    if (tile >= file->info.tiles || frame >= kq_frame_count(file))
        return KQ_ARGUMENT;
    const kq_box box = kq_header_box(&file->header, tile);
    const uint64_t labels = (uint64_t)box.width * box.height;
    file->tile = tile;
    if (kq_frames_chained(file))
        return kq_frames_begin(file, frame);
    task.payload = file->frames ? kq_frame_span(file, frame, tile) : file->tiles[tile];
    task.width = box.width;
    task.height = box.height;
    task.k = file->info.colors;
    task.label_map = file->info.label_map;
    task.listed = task.k < labels ? task.k : labels;
    task.entries = file->info.entries;
    task.label_bytes = kq_label_bytes(file);
    return kq_job_begin(file->job, file, &task);
}

KQ_API kq_result kq_step(kq_file *file, int *more)
{
    if (kq_frames_chained(file))
        return kq_frames_step(file, more);
    const kq_result result = file->job->more ? kq_job_step(file->job) : KQ_OK;
    *more = result == KQ_OK && file->job->more;
    return result;
}

KQ_API const void *kq_tile_labels(const kq_file *file, kq_box *box)
{
    *box = kq_header_box(&file->header, file->tile);
    if (kq_frames_chained(file))
        return kq_frames_labels(file);
    return file->job->more ? NULL : file->job->labels;
}

/* Four bytes are copied for each pixel, but for the last: in three channels the next one's come
 * over the fourth. */
KQ_INLINE void kq_paint_as(const uint8_t *colors, const uint8_t *labels, int bytes, size_t count,
                           size_t channels, uint8_t *pixels)
{
    for (size_t i = 0; i + 1 < count; i++, pixels += channels)
        memcpy(pixels, colors + 4 * (size_t)kq_map_label(labels, bytes, i), 4);
    memcpy(pixels, colors + 4 * (size_t)kq_map_label(labels, bytes, count - 1), channels);
}

/* Red, green, blue and perhaps alpha of so many labels, at least one. */
static void kq_paint_labels(const kq_file *f, const uint8_t *labels, size_t count, int channels,
                            uint8_t *pixels)
{
    const int bytes = kq_label_bytes(f);
    if (channels == 3 && bytes == 1)
        kq_paint_as(f->colors, labels, 1, count, 3, pixels);
    else if (channels == 3)
        kq_paint_as(f->colors, labels, bytes, count, 3, pixels);
    else if (bytes == 1)
        kq_paint_as(f->colors, labels, 1, count, 4, pixels);
    else
        kq_paint_as(f->colors, labels, bytes, count, 4, pixels);
}

KQ_API kq_result kq_paint_tile(kq_file *file, int channels, uint8_t *pixels, size_t stride)
{
    kq_box box;
    const uint8_t *labels = (const uint8_t *)kq_tile_labels(file, &box);
    const size_t row = (size_t)box.width * (size_t)kq_label_bytes(file);
    if (!labels || (channels != 3 && channels != 4))
        return KQ_ARGUMENT;
    if (file->info.height > 1 && stride < (size_t)file->info.width * (size_t)channels)
        return KQ_ARGUMENT;
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    pixels += box.y * stride + (size_t)box.x * (size_t)channels;
    for (uint32_t y = 0; y < box.height; y++)
        kq_paint_labels(file, labels + y * row, box.width, channels, pixels + y * stride);
    return KQ_OK;
}

/* --- boxes ------------------------------------------------------------------ */

enum { KQ_AS_LABELS, KQ_AS_IDS, KQ_AS_PIXELS };

/* What is to be read, and where it goes. */
typedef struct {
    kq_box box;
    int what;
    size_t item; /* bytes of a label, id or pixel */
    uint8_t *out;
    size_t stride;
} kq_reading;

/* Ids of so many labels, in the file's dtype. */
static void kq_ids_of_labels(const kq_file *f, const uint8_t *labels, size_t count, uint8_t *ids)
{
    const int bytes = kq_label_bytes(f), size = kq_id_bytes(f->info.dtype);
    for (size_t i = 0; i < count; i++) {
        const uint64_t id = f->ids[kq_map_label(labels, bytes, i)];
        const uint32_t id32 = (uint32_t)id;
        const uint16_t id16 = (uint16_t)id;
        if (size == 1)
            ids[i] = (uint8_t)id;
        else if (size == 2) /* rows may begin anywhere */
            memcpy(ids + 2 * i, &id16, 2);
        else if (size == 4)
            memcpy(ids + 4 * i, &id32, 4);
        else
            memcpy(ids + 8 * i, &id, 8);
    }
}

/* The part of a tile, which is decoded, that is in the box. */
static void kq_read_tile(const kq_file *f, const kq_reading *reading)
{
    kq_box tile;
    const kq_box *box = &reading->box;
    const uint8_t *labels = (const uint8_t *)kq_tile_labels(f, &tile);
    const size_t bytes = (size_t)kq_label_bytes(f);
    const uint32_t left = tile.x > box->x ? tile.x : box->x,
                   top = tile.y > box->y ? tile.y : box->y,
                   right = kq_least32(tile.x + tile.width, box->x + box->width),
                   bottom = kq_least32(tile.y + tile.height, box->y + box->height);
    const size_t count = right - left;
    for (uint32_t y = top; y < bottom; y++) {
        const uint8_t *from =
            labels + ((size_t)(y - tile.y) * tile.width + (left - tile.x)) * bytes;
        uint8_t *to =
            reading->out + (y - box->y) * reading->stride + (left - box->x) * reading->item;
        if (reading->what == KQ_AS_LABELS)
            memcpy(to, from, count * bytes);
        else if (reading->what == KQ_AS_IDS)
            kq_ids_of_labels(f, from, count, to);
        else
            kq_paint_labels(f, from, count, (int)reading->item, to);
    }
}

static kq_result kq_read_box(kq_file *f, uint32_t frame, const kq_box *box, kq_reading *reading)
{
    const kq_info *info = &f->info;
    const kq_box all = {0, 0, info->width, info->height};
    reading->box = box ? *box : all;
    box = &reading->box;
    if (box->x > info->width || box->width > info->width - box->x || box->y > info->height ||
        box->height > info->height - box->y || frame >= kq_frame_count(f))
        return KQ_ARGUMENT;
    if (box->height > 1 && reading->stride < box->width * reading->item)
        return KQ_ARGUMENT;
    if (!box->width || !box->height)
        return KQ_OK;
    const uint32_t across = f->header.tiles_across;
    for (uint32_t row = box->y / info->tile_height;
         row <= (box->y + box->height - 1) / info->tile_height; row++)
        for (uint32_t column = box->x / info->tile_width;
             column <= (box->x + box->width - 1) / info->tile_width; column++) {
            int more = 1;
            kq_result result = kq_begin(f, frame, row * across + column);
            while (result == KQ_OK && more)
                result = kq_step(f, &more);
            if (result != KQ_OK)
                return result;
            kq_read_tile(f, reading);
        }
    return KQ_OK;
}

KQ_API kq_result kq_read_labels(kq_file *file, uint32_t frame, const kq_box *box, void *labels,
                                size_t stride)
{
    kq_reading reading;
    reading.what = KQ_AS_LABELS;
    reading.item = (size_t)kq_label_bytes(file);
    reading.out = (uint8_t *)labels;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API kq_result kq_read_ids(kq_file *file, uint32_t frame, const kq_box *box, void *ids,
                             size_t stride)
{
    kq_reading reading;
    if (!file->ids)
        return KQ_ARGUMENT;
    reading.what = KQ_AS_IDS;
    reading.item = (size_t)kq_id_bytes(file->info.dtype);
    reading.out = (uint8_t *)ids;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API kq_result kq_read_pixels(kq_file *file, uint32_t frame, const kq_box *box, int channels,
                                uint8_t *pixels, size_t stride)
{
    kq_reading reading;
    if (channels != 3 && channels != 4)
        return KQ_ARGUMENT;
    if (!kq_palette(file))
        return KQ_NO_MEMORY;
    reading.what = KQ_AS_PIXELS;
    reading.item = (size_t)channels;
    reading.out = pixels;
    reading.stride = stride;
    return kq_read_box(file, frame, box, &reading);
}

KQ_API uint8_t *kq_load(const void *data, size_t size, int channels, uint32_t *width,
                        uint32_t *height, kq_result *result)
{
    kq_file *file;
    uint8_t *pixels = NULL;
    kq_result done =
        channels == 3 || channels == 4 ? kq_open(data, size, NULL, &file) : KQ_ARGUMENT;
    if (done == KQ_OK) {
        const size_t stride = (size_t)file->info.width * (size_t)channels;
        pixels = (uint8_t *)KQ_MALLOC(stride * file->info.height);
        done = pixels ? kq_read_pixels(file, 0, NULL, channels, pixels, stride) : KQ_NO_MEMORY;
        if (width)
            *width = file->info.width;
        if (height)
            *height = file->info.height;
        kq_close(file);
    }
    if (done != KQ_OK) {
        KQ_FREE(pixels);
        pixels = NULL;
    }
    if (result)
        *result = done;
    return pixels;
}

KQ_API void kq_free(void *pixels)
{
    KQ_FREE(pixels);
}

#endif
