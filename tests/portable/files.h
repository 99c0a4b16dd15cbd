/* What the programs of these tests share: files, and one whole file decoded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As test_header.py names them. */
static const char *const kinds[] = {"ok",      "signature", "truncated", "checksum", "unsupported",
                                    "invalid", "limit",     "memory",    "argument"};

static inline void must(int so, const char *what)
{
    if (!so) {
        fprintf(stderr, "not so: %s\n", what);
        exit(3);
    }
}

/* The file of the next path on standard input; NULL where there is none. It is just so large that
 * a sanitizer sees what is read behind it. */
static uint8_t *next_file(size_t *size)
{
    char path[4096];
    if (!fgets(path, sizeof path, stdin))
        return NULL;
    path[strcspn(path, "\n")] = 0;
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END)) {
        perror(path);
        exit(2);
    }
    *size = (size_t)ftell(in);
    uint8_t *data = (uint8_t *)malloc(*size ? *size : 1);
    rewind(in);
    if (!data || fread(data, 1, *size, in) != *size)
        exit(2);
    fclose(in);
    return data;
}

static uint32_t frames_of(const kq_info *info)
{
    return info->frames ? info->frames : 1;
}

/* Bytes of a pixel, or of an id. */
static size_t item_bytes(const kq_info *info)
{
    static const uint8_t bytes[] = {1, 1, 1, 2, 2, 4, 4, 8, 8};
    return info->label_map ? bytes[info->dtype] : info->alpha ? 4 : 3;
}

/* The pixels of a box of a frame, or its ids. */
static kq_result read_box(kq_file *file, uint32_t frame, const kq_box *box, void *out,
                          size_t stride)
{
    const kq_info *info = kq_get_info(file);
    return info->label_map
               ? kq_read_ids(file, frame, box, out, stride)
               : kq_read_pixels(file, frame, box, (int)item_bytes(info), (uint8_t *)out, stride);
}

/* All frames one behind the other; *out is to be freed with KQ_FREE. */
static inline kq_result decode(const uint8_t *data, size_t size, const kq_limits *limits,
                               uint8_t **out, size_t *bytes)
{
    kq_file *file;
    kq_result result = kq_open(data, size, limits, &file);
    *out = NULL;
    if (result != KQ_OK)
        return result;
    const kq_info *info = kq_get_info(file);
    const size_t stride = info->width * item_bytes(info), frame_bytes = stride * info->height;
    *bytes = frame_bytes * frames_of(info);
    *out = (uint8_t *)KQ_MALLOC(*bytes);
    if (!*out)
        result = KQ_NO_MEMORY;
    for (uint32_t i = 0; i < frames_of(info) && result == KQ_OK; i++)
        result = read_box(file, i, NULL, *out + i * frame_bytes, stride);
    kq_close(file);
    if (result != KQ_OK) {
        KQ_FREE(*out);
        *out = NULL;
    }
    return result;
}
