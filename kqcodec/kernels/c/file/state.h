/* An open file. */
#ifndef KQ_FILE_STATE_H
#define KQ_FILE_STATE_H

#include "coding/logistic.h"
#include "file/sizes.h"

struct kq_tile_job;
struct kq_frames;

struct kq_file {
    kq_info info;
    kq_limits limits; /* none of them 0 */
    kq_header header;
    kq_sealer sealer;
    kq_cursor rest;  /* where the next part begins */
    size_t sections; /* where they begin */
    /* The palette: as it is stored, its colours first, and its entries in the order of the tree;
     * NULL of label maps. */
    uint8_t *stored;
    uint16_t *order;
    uint64_t *ids;         /* of each label; NULL of pictures */
    uint8_t *colors;       /* red, green, blue and alpha of each label, made when they are wanted */
    kq_dense_shape dense;  /* of K; k is 0 where nothing needs it */
    kq_logistic *logistic; /* of the coder context, made when it is needed */
    kq_span *tiles;        /* the payloads of a still */
    struct kq_tile_job *job;
    struct kq_frames *frames; /* NULL of a still */
    uint32_t tile;            /* that was begun */
};

static int kq_label_size(uint32_t labels)
{
    return labels <= 256 ? 1 : labels <= 65536 ? 2 : 4;
}

/* Compares the CRC-32 behind a part; in the short form there is but one, compared already. */
static kq_result kq_check_part(kq_file *f, const char *kind, uint32_t ordinal, const uint8_t *body,
                               size_t size)
{
    return f->info.short_form ? KQ_OK
                              : kq_check_seal(&f->sealer, &f->rest, kind, ordinal, body, size);
}

#endif
