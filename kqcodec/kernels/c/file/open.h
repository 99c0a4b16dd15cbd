/* Opening a file and closing it. */
#ifndef KQ_FILE_OPEN_H
#define KQ_FILE_OPEN_H

#include "file/frame_decode.h"
#include "file/records.h"
#include "file/sections.h"

KQ_API const char *kq_result_text(kq_result result)
{
    switch (result) {
    case KQ_OK:
        return "all is well";
    case KQ_SIGNATURE:
        return "this is not a .kq file";
    case KQ_TRUNCATED:
        return "the file ends before its contents do";
    case KQ_CHECKSUM:
        return "the file is damaged: a checksum doesn't match";
    case KQ_UNSUPPORTED:
        return "the file needs a newer version of the format";
    case KQ_INVALID:
        return "the file breaks a rule of the format";
    case KQ_LIMIT:
        return "the file is larger than the limits";
    case KQ_NO_MEMORY:
        return "there is too little memory";
    case KQ_ARGUMENT:
        return "there is no such frame, tile or box";
    }
    return "no result";
}

KQ_API kq_result kq_read_header(const void *data, size_t size, kq_info *info)
{
    kq_header header;
    const kq_result result = kq_header_read(&header, (const uint8_t *)data, size);
    *info = header.info;
    return result;
}

static uint64_t kq_limit_of(uint64_t given, uint64_t usual, uint64_t most)
{
    return given ? given : usual < most ? usual : most;
}

/* Who trusts a file of more pixels trusts it with the rest in proportion. */
static kq_limits kq_limits_of(const kq_limits *given)
{
    const uint64_t usual = (uint64_t)1 << 27, largest = (uint64_t)1 << 48;
    kq_limits limits = {0, 0, 0, 0, 0, 0};
    if (given)
        limits = *given;
    limits.pixels = limits.pixels ? limits.pixels : usual;
    uint64_t raised = limits.pixels > usual ? limits.pixels : usual;
    raised = raised < largest ? raised : largest;
    limits.tiles = (uint32_t)kq_limit_of(limits.tiles, raised / 128, UINT32_MAX);
    limits.metadata = (uint32_t)kq_limit_of(limits.metadata, raised / 8, UINT32_MAX);
    limits.tile = kq_limit_of(limits.tile, raised, UINT64_MAX);
    limits.work = kq_limit_of(limits.work, KQ_WORK_OF_A_LABEL * raised, UINT64_MAX);
    limits.chains = kq_limit_of(limits.chains, 16 * raised, UINT64_MAX);
    return limits;
}

static kq_result kq_check_limits(const kq_file *f)
{
    const kq_info *info = &f->info;
    const uint64_t tiles = (uint64_t)f->header.tiles_across * f->header.tiles_down;
    if ((uint64_t)info->width * info->height > f->limits.pixels || tiles > f->limits.tiles)
        return KQ_LIMIT;
    if (info->coder == KQ_CODER_CONTEXT &&
        ((uint64_t)info->tile_width + 2 * KQ_MARGIN) * ((uint64_t)info->tile_height + KQ_ABOVE) >
            f->limits.tile)
        return KQ_LIMIT;
    /* Of labels, or of pixels, there is an address for each. */
    return (uint64_t)info->width * info->height > SIZE_MAX / 16 ? KQ_LIMIT : KQ_OK;
}

/* The tiles of a still, and that the work of all is within the limit. */
static kq_result kq_still_open(kq_file *f)
{
    const kq_info *info = &f->info;
    uint64_t work = 0;
    kq_result result = kq_records_read(f);
    for (uint32_t i = 0; result == KQ_OK && i < info->tiles; i++) {
        const kq_box box = kq_header_box(&f->header, i);
        work += kq_work_of_tile(info->coder, info->label_map, info->colors, f->tiles[i], box.width,
                                box.height);
        if (work > f->limits.work)
            result = KQ_LIMIT;
    }
    return result;
}

static kq_result kq_open_parts(kq_file *f)
{
    kq_info *info = &f->info;
    kq_span frames = {NULL, 0};
    kq_result result = kq_check_limits(f);
    if (result != KQ_OK)
        return result;
    if (!info->short_form)
        kq_sealer_init(&f->sealer, f->header.bytes);
    if (info->colors > 1)
        kq_dense_shape_init(&f->dense, info->colors);
    info->entries = info->colors;
    result = info->label_map ? kq_table_read(f) : kq_palette_read(f);
    if (result == KQ_OK)
        result = kq_sections_read(f, &frames);
    if (result != KQ_OK)
        return result;
    if (info->label_map && (info->shape == KQ_VOLUME) != (frames.bytes != NULL))
        return KQ_INVALID;
    result = frames.bytes ? kq_frames_open(f, frames) : kq_still_open(f);
    if (result == KQ_OK && !info->label_map)
        result = kq_palette_order(f);
    return result;
}

KQ_API void kq_close(kq_file *file)
{
    if (!file)
        return;
    kq_frames_close(file);
    if (file->job)
        kq_job_close(file->job);
    KQ_FREE(file->job);
    KQ_FREE(file->stored);
    KQ_FREE(file->order);
    KQ_FREE(file->ids);
    KQ_FREE(file->colors);
    KQ_FREE(file->logistic);
    KQ_FREE(file->tiles);
    KQ_FREE(file);
}

KQ_API kq_result kq_open(const void *data, size_t size, const kq_limits *limits, kq_file **file)
{
    kq_header header;
    if (!file || (!data && size))
        return KQ_ARGUMENT;
    *file = NULL;
    kq_result result = kq_header_read(&header, (const uint8_t *)data, size);
    if (result != KQ_OK)
        return result;
    kq_file *f = (kq_file *)KQ_CALLOC(1, sizeof *f);
    if (!f)
        return KQ_NO_MEMORY;
    f->header = header;
    f->info = header.info;
    f->rest = header.rest;
    f->limits = kq_limits_of(limits);
    f->job = (struct kq_tile_job *)KQ_CALLOC(1, sizeof *f->job);
    result = f->job ? kq_open_parts(f) : KQ_NO_MEMORY;
    if (result == KQ_OK)
        *file = f;
    else
        kq_close(f);
    return result;
}

#endif
