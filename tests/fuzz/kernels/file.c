/* kernels/c/file: any bytes, whose checksums all match here, are refused, or are the same picture
 * however they are read: at once and in boxes, forwards and backwards, step by step, by AVX2 and
 * by plain C. */
#define KQ_FUZZ
#include "fuzz.h"
#include "file/file.h"

static const kq_limits limits = {1 << 14, 64, 1 << 12, 1 << 16, (uint64_t)1 << 26, 1 << 26};

static uint32_t frames_of(const kq_file *file)
{
    return kq_get_info(file)->frames ? kq_get_info(file)->frames : 1;
}

/* The labels of a box of a frame, and of a label map its ids behind them. */
static uint8_t *read_box(kq_file *file, uint32_t frame, const kq_box *box, kq_result *result,
                         size_t *bytes)
{
    static const uint8_t id_bytes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8};
    const kq_info *info = kq_get_info(file);
    const size_t label = (size_t)kq_label_bytes(file);
    const size_t item = info->label_map ? id_bytes[info->dtype] : 0;
    const size_t width = box ? box->width : info->width, height = box ? box->height : info->height;
    const size_t ids = (width * height * label + 7) / 8 * 8; /* at an address for any type */
    uint8_t *out = room(*bytes = ids + width * height * item);
    memset(out, 0, *bytes);
    *result = kq_read_labels(file, frame, box, out, width * label);
    if (*result == KQ_OK && item)
        *result = kq_read_ids(file, frame, box, out + ids, width * item);
    return out;
}

/* All frames that can be read, in order, and why the next one can't. */
static uint8_t *read_all(kq_file *file, kq_result *result, size_t *bytes, uint32_t *frames)
{
    uint8_t *all = NULL;
    size_t size;
    *bytes = 0;
    for (*frames = 0; *frames < frames_of(file); ++*frames) {
        uint8_t *one = read_box(file, *frames, NULL, result, &size);
        if (*result == KQ_OK && !all)
            all = room(size * frames_of(file));
        if (*result == KQ_OK)
            memcpy(all + *bytes, one, size);
        free(one);
        if (*result != KQ_OK)
            break;
        *bytes += size;
    }
    return all;
}

/* The frame of a sound file, or what could be read of another, in a box and step by step. */
static void look(kq_file *file, uint32_t frame, const uint8_t *all, size_t frame_bytes,
                 uint32_t choice)
{
    const kq_info *info = kq_get_info(file);
    const size_t label = (size_t)kq_label_bytes(file), row = info->width * label;
    kq_box box = {choice % info->width, choice / 7 % info->height, 0, 0};
    box.width = 1 + choice / 3 % (info->width - box.x);
    box.height = 1 + choice / 5 % (info->height - box.y);
    kq_result result;
    size_t bytes;
    uint8_t *part = read_box(file, frame, &box, &result, &bytes);
    DEMAND(result == KQ_OK);
    for (size_t y = 0; y < box.height; y++)
        DEMAND(memcmp(part + y * box.width * label,
                      all + frame * frame_bytes + (box.y + y) * row + box.x * label,
                      box.width * label) == 0);
    free(part);
    const uint32_t tile = choice % info->tiles;
    int more = 1;
    DEMAND(kq_begin(file, frame, tile) == KQ_OK);
    while (more)
        DEMAND(kq_step(file, &more) == KQ_OK);
    const uint8_t *labels = kq_tile_labels(file, &box);
    for (size_t y = 0; y < box.height; y++)
        DEMAND(memcmp(labels + y * box.width * label,
                      all + frame * frame_bytes + (box.y + y) * row + box.x * label,
                      box.width * label) == 0);
    uint8_t *pixels = room((size_t)info->width * info->height * 4);
    DEMAND(kq_paint_tile(file, 4, pixels, (size_t)info->width * 4) == KQ_OK);
    free(pixels);
}

static void run(fuzz_input input)
{
    kq_file *file, *other;
    kq_result result, again;
    size_t size, bytes, other_bytes, sections;
    uint32_t frames, other_frames, choice = 0;
    uint8_t *data = copied(&input, SIZE_MAX, &size);
    for (size_t i = 0; i < size; i++)
        choice = choice * 31 + data[i];
    simd = 1;
    if (kq_open(data, size, &limits, &file) == KQ_OK) {
        kq_section(file, "icc ", &sections);
        uint8_t *all = read_all(file, &result, &bytes, &frames);
        simd = 0;
        DEMAND(kq_open(data, size, &limits, &other) == KQ_OK);
        uint8_t *plain = read_all(other, &again, &other_bytes, &other_frames);
        DEMAND(again == result && other_frames == frames && other_bytes == bytes);
        DEMAND(bytes == 0 || memcmp(all, plain, bytes) == 0);
        simd = 1;
        if (result == KQ_OK)
            for (uint32_t i = 0; i < 3; i++, choice = choice * 69069 + 1)
                look(choice & 1 << 20 ? other : file, (choice >> 8) % frames, all, bytes / frames,
                     choice >> 4);
        free(all);
        free(plain);
        kq_close(other);
        kq_close(file);
    }
    free(data);
}
