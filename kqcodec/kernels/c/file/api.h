/* kq.h: decodes .kq files, pictures of few colours, label maps and sequences of either. */
#ifndef KQ_FILE_API_H
#define KQ_FILE_API_H

#include <stddef.h>
#include <stdint.h>

#ifndef KQ_API
#ifdef KQ_STATIC
#define KQ_API static inline
#else
#define KQ_API extern
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Why a file is refused, by the kinds of spec/vectors/README.md; the last two are the caller's. */
typedef enum {
    KQ_OK,
    KQ_SIGNATURE,   /* not a .kq file */
    KQ_TRUNCATED,   /* it ends before its contents do */
    KQ_CHECKSUM,    /* bytes were changed */
    KQ_UNSUPPORTED, /* it needs a version, coder or section that isn't known */
    KQ_INVALID,     /* its checksums match, but a rule of the format is broken */
    KQ_LIMIT,       /* it is larger than the limits */
    KQ_NO_MEMORY,
    KQ_ARGUMENT /* a frame, tile or box that isn't there, a stride shorter than a row */
} kq_result;

/* What a file may ask for. A member that is 0 is the number behind it, and larger in proportion
 * where `pixels` is larger. */
typedef struct {
    uint64_t pixels;   /* of a picture or frame: 2^27 */
    uint32_t tiles;    /* of a picture or frame: 2^20 */
    uint32_t metadata; /* bytes of all sections, entries of a table of ids, frames: 2^24 each */
    uint64_t tile;     /* labels of a tile by the coder context, with its margins: 2^27 */
    uint64_t work;     /* steps, about a nanosecond each, to decode all: 600 * 2^27 */
    uint64_t chains;   /* bytes that are kept from frame to frame: 2^31 */
} kq_limits;

/* What a file is. */
typedef struct {
    uint32_t width, height;
    uint32_t colors; /* K: entries of the palette; of a label map labels of a tile */
    uint32_t tile_width, tile_height, tiles;
    int32_t coder;      /* 0 packed, 1 dense, 2 context, 3 tokens */
    int32_t alpha;      /* whether the palette has alpha */
    int32_t short_form; /* whether the file is in the short form */
    int32_t label_map;  /* whether it has ids in place of a palette */
    int32_t dtype;      /* of ids: 0 bool, 1 int8, 2 uint8, 3 int16 ... 7 int64, 8 uint64 */
    int32_t shape;      /* of ids: 0 (height, width), 1 (height, width, 1), 2 (frames, ...) */
    uint32_t entries;   /* of the table of ids, or the palette: how many labels there are */
    uint32_t ids;       /* how many different ids */
    uint32_t frames;    /* 0 for a still */
    int32_t axis;       /* of frames: 0 time, 1 depth */
    uint32_t key_distance, plays;
    uint32_t unit_numerator, unit_denominator; /* of seconds, or of metres in depth */
} kq_info;

typedef struct {
    uint32_t x, y, width, height;
} kq_box;

typedef struct kq_file kq_file;

/* A result in a few words. */
KQ_API const char *kq_result_text(kq_result result);

/* What the first 20 bytes say, or a whole file in the short form; of what stands behind them all
 * is 0. */
KQ_API kq_result kq_read_header(const void *data, size_t size, kq_info *info);

/* Opens a file of `size` bytes, which stay where they are, unchanged, until it is closed. All of
 * it is checked, checksums included, before anything of the picture's size is allocated; tiles may
 * still turn out to be invalid when they are decoded. `limits` may be NULL. */
KQ_API kq_result kq_open(const void *data, size_t size, const kq_limits *limits, kq_file **file);
KQ_API void kq_close(kq_file *file);
KQ_API const kq_info *kq_get_info(const kq_file *file);

/* The colours of labels, `entries` times red, green, blue and alpha. Those of a label map are by
 * PASCAL VOC's rule. NULL without memory. */
KQ_API const uint8_t *kq_palette(kq_file *file);
/* From now on labels have these colours. */
KQ_API kq_result kq_set_palette(kq_file *file, const uint8_t *rgba);
/* The id of each label, `entries` of them, signed ones as two's complement; NULL of pictures. */
KQ_API const uint64_t *kq_id_table(const kq_file *file);
/* The data of the first section of that kind, such as "icc "; NULL if there is none. */
KQ_API const uint8_t *kq_section(const kq_file *file, const char *kind, size_t *size);
/* How long a frame lasts, in units; 0 of a still. */
KQ_API uint32_t kq_duration(const kq_file *file, uint32_t frame);

/* Decode a box of a frame, all of it where `box` is NULL; the frame of a still is 0. Rows are
 * `stride` bytes apart. Labels are uint8_t, uint16_t or uint32_t, as kq_label_bytes says; ids are
 * of the file's dtype; pixels have 3 or 4 channels. */
KQ_API int kq_label_bytes(const kq_file *file);
KQ_API kq_result kq_read_labels(kq_file *file, uint32_t frame, const kq_box *box, void *labels,
                                size_t stride);
KQ_API kq_result kq_read_ids(kq_file *file, uint32_t frame, const kq_box *box, void *ids,
                             size_t stride);
KQ_API kq_result kq_read_pixels(kq_file *file, uint32_t frame, const kq_box *box, int channels,
                                uint8_t *pixels, size_t stride);

/* All at once: the pixels of a picture, or of the first frame, to be freed with kq_free; NULL if
 * there are none, and `result` says why. It may be NULL, as may where width and height go. */
KQ_API uint8_t *kq_load(const void *data, size_t size, int channels, uint32_t *width,
                        uint32_t *height, kq_result *result);
KQ_API void kq_free(void *pixels);

/* Step by step, to show progress or to stop: kq_begin, then kq_step until `more` is 0, then the
 * tile's labels are there, row by row, until the next kq_begin. */
KQ_API kq_result kq_begin(kq_file *file, uint32_t frame, uint32_t tile);
KQ_API kq_result kq_step(kq_file *file, int *more);
KQ_API const void *kq_tile_labels(const kq_file *file, kq_box *box);
/* Paints them; `pixels` is where the picture's upper left one goes. */
KQ_API kq_result kq_paint_tile(kq_file *file, int channels, uint8_t *pixels, size_t stride);

#ifdef __cplusplus
}
#endif

#endif
