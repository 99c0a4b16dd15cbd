/* The labels of a tile from its payload, in steps of about a row (spec/kq.md, sections 7, 8, 16, 17
 * and 18).
 */
#ifndef KQ_FILE_TILE_H
#define KQ_FILE_TILE_H

#include "context/context.h"
#include "file/palette.h"
#include "file/tile_parts.h"
#include "regions/ids.h"
#include "tokens/decode.h"

#define KQ_STEP_LABELS 2048 /* about so many in a step, where the coder has steps */

/* A payload, and what is to be made of it. */
typedef struct {
    kq_span payload;
    uint32_t width, height;
    uint32_t k;       /* labels are below it */
    int label_map;    /* whether there are no colours, and may be regions */
    uint64_t listed;  /* entries that a list of the tile's own may have at most, 0 for none */
    uint32_t entries; /* that such a list has its entries of */
    int label_bytes;  /* of each label in the end: 1, 2 or 4 */
} kq_tile_task;

struct kq_tile_job {
    kq_context_tile *context; /* while rows are decoded by it; at an address for vectors */
    void *context_memory;
    kq_tile_task task;
    kq_tile_parts parts;
    kq_dense_shape dense; /* of parts.k */
    uint64_t *list;       /* the tile's own entries */
    uint8_t *coded;       /* what the coder tells: labels, cells, or colours of regions */
    int coded_bytes;      /* 1 or 2 */
    uint8_t *labels;      /* the result */
    int more;
};

static void kq_job_end_context(struct kq_tile_job *job)
{
    if (job->context)
        kq_context_close(&job->context->model);
    KQ_FREE(job->context_memory);
    job->context = NULL;
    job->context_memory = NULL;
}

static void kq_job_close(struct kq_tile_job *job)
{
    kq_job_end_context(job);
    KQ_FREE(job->list);
    if (job->coded != job->labels)
        KQ_FREE(job->coded);
    KQ_FREE(job->labels);
    job->list = NULL;
    job->coded = job->labels = NULL;
    job->more = 0;
}

/* A tile's own list: so many entries, ascending. */
static kq_result kq_list_read(kq_span payload, uint32_t listed, uint64_t entries, uint64_t *list)
{
    const uint64_t count = listed;
    if (!kq_numbers_decode(payload.bytes, payload.size, &count, 1, list))
        return KQ_INVALID;
    uint64_t next = 0; /* one more than the entry before */
    for (uint32_t i = 0; i < listed; i++) {
        if (list[i] >= entries - next)
            return KQ_INVALID;
        next += list[i] + 1;
        list[i] = next - 1;
    }
    return KQ_OK;
}

static kq_result kq_job_list(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    job->list = (uint64_t *)KQ_MALLOC(p->listed * sizeof *job->list);
    return job->list ? kq_list_read(p->list, p->listed, job->task.entries, job->list)
                     : KQ_NO_MEMORY;
}

/* The payload of the coder dense, of the labels that are coded. */
static kq_result kq_job_dense(struct kq_tile_job *job, kq_span payload)
{
    const kq_dense_shape *s = &job->dense;
    const size_t labels = (size_t)job->parts.width * job->parts.height;
    const uint64_t bits = kq_dense_bits(s, labels);
    if (payload.size != (bits + 7) / 8 || !kq_padded(payload.bytes, bits))
        return KQ_INVALID;
    if (s->block == 1) { /* K is a power of two */
        kq_unpack(payload.bytes, job->coded_bytes == 2, labels, s->bits[1], job->coded);
        return KQ_OK;
    }
    return kq_dense_decode(payload.bytes, job->coded_bytes == 2, labels, job->parts.k, s->block,
                           s->bits[s->block], s->bits[labels % s->block], job->coded)
               ? KQ_OK
               : KQ_INVALID;
}

static kq_result kq_job_packed(struct kq_tile_job *job)
{
    const kq_span payload = job->parts.rest;
    const size_t labels = (size_t)job->parts.width * job->parts.height;
    const int bits = kq_label_bits(job->parts.k), wide = job->coded_bytes == 2;
    if (!kq_padded(payload.bytes, labels * (uint64_t)bits))
        return KQ_INVALID;
    kq_unpack(payload.bytes, wide, labels, bits, job->coded);
    uint32_t most = 0;
    for (size_t i = 0; i < labels && job->parts.k >> bits == 0; i++) {
        const uint32_t label = kq_label_get(job->coded, i, wide);
        most = label > most ? label : most;
    }
    return most < job->parts.k ? KQ_OK : KQ_INVALID;
}

/* The order of labels in the tree: that of the palette, or as they are. */
static uint16_t *kq_job_plain_order(uint32_t k)
{
    uint16_t *order = (uint16_t *)KQ_MALLOC(k * sizeof *order);
    for (uint32_t i = 0; order && i < k; i++)
        order[i] = (uint16_t)i;
    return order;
}

static kq_result kq_job_tokens(struct kq_tile_job *job, const kq_file *f)
{
    const kq_tile_parts *p = &job->parts;
    uint16_t *plain = job->task.label_map ? kq_job_plain_order(p->k) : NULL;
    if (job->task.label_map && !plain)
        return KQ_NO_MEMORY;
    kq_tokens_tile tile;
    tile.order = plain ? plain : f->order;
    tile.k = p->k;
    tile.width = p->width;
    tile.height = p->height;
    tile.wide = job->coded_bytes == 2;
    tile.labels = job->coded;
    const int done = kq_tokens_decode(&tile, p->rest.bytes, p->rest.size);
    KQ_FREE(plain);
    return done < 0 ? KQ_NO_MEMORY : done ? KQ_OK : KQ_INVALID;
}

/* What the coder context needs of all tiles; 0 without memory. */
static int kq_logistic_make(kq_file *f)
{
    if (!f->logistic) {
        f->logistic = (kq_logistic *)KQ_MALLOC(sizeof *f->logistic);
        if (f->logistic)
            kq_logistic_init(f->logistic);
    }
    return f->logistic != NULL;
}

/* Room for what decodes rows by the coder context. */
static kq_result kq_job_begin_context(struct kq_tile_job *job, kq_file *f)
{
    const kq_tile_parts *p = &job->parts;
    const kq_span payload = p->rest;
    const int settings = payload.bytes[0];
    if (!KQ_SETTING_VALID(settings))
        return KQ_INVALID;
    job->context_memory = KQ_MALLOC(sizeof *job->context + KQ_ALIGNING);
    if (!job->context_memory || !kq_logistic_make(f))
        return KQ_NO_MEMORY;
    kq_context_tile *context = (kq_context_tile *)KQ_ALIGNED_AT(job->context_memory);
    kq_tile tile;
    tile.order = f->order;
    tile.colors = job->task.label_map ? NULL : f->stored;
    tile.k = p->k;
    tile.setting = settings;
    tile.width = p->width;
    tile.height = p->height;
    tile.wide = job->coded_bytes == 2;
    if (!kq_context_tile_open(context, f->logistic, &tile, payload.bytes + 1, payload.size - 1))
        return KQ_NO_MEMORY;
    job->context = context;
    job->more = 1;
    return KQ_OK;
}

static void kq_put_label(uint8_t *labels, int bytes, size_t i, uint32_t label)
{
    if (bytes == 4)
        ((uint32_t *)labels)[i] = label;
    else
        kq_label_set(labels, i, bytes == 2, label);
}

/* Each cell becomes so many labels. */
static kq_result kq_job_enlarge(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    const uint32_t width = job->task.width, height = job->task.height;
    const size_t bytes = (size_t)job->coded_bytes;
    const int wide = bytes == 2;
    uint8_t *labels = (uint8_t *)KQ_MALLOC((size_t)width * height * bytes);
    if (!labels)
        return KQ_NO_MEMORY;
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *row = labels + (size_t)y * width * bytes;
        const size_t cells = (size_t)((y + p->row) / p->down) * p->width;
        if (y && (y + p->row) % p->down) {
            memcpy(row, row - width * bytes, width * bytes);
            continue;
        }
        for (uint32_t x = 0; x < width; x++)
            kq_label_set(row, x, wide,
                         kq_label_get(job->coded, cells + (x + p->column) / p->across, wide));
    }
    KQ_FREE(job->coded);
    job->coded = labels;
    return KQ_OK;
}

/* From the colours of regions to labels, which are below k. */
static kq_result kq_job_color(struct kq_tile_job *job, uint32_t k)
{
    const size_t labels = (size_t)job->task.width * job->task.height;
    const int bytes = kq_label_size(k);
    kq_map map;
    map.labels = job->coded;
    map.size = 1;
    map.width = job->task.width;
    map.height = job->task.height;
    uint8_t *out = (uint8_t *)KQ_MALLOC(labels * (size_t)bytes);
    if (!out)
        return KQ_NO_MEMORY;
    const kq_span ids = job->parts.ids;
    const int done = kq_regions_decode(&map, ids.bytes, ids.size, k, out, bytes);
    KQ_FREE(job->coded);
    job->coded = out;
    job->coded_bytes = bytes;
    return done < 0 ? KQ_NO_MEMORY : done ? KQ_OK : KQ_INVALID;
}

/* From labels of one or two bytes to wider ones, or to the entries of a list, if there is one. */
static void kq_translate(const uint8_t *from, int from_bytes, const uint64_t *list, uint8_t *to,
                         int to_bytes, size_t labels)
{
    for (size_t i = 0; i < labels; i++) {
        const uint32_t label = kq_label_get(from, i, from_bytes == 2);
        kq_put_label(to, to_bytes, i, list ? (uint32_t)list[label] : label);
    }
}

/* From what was coded to the tile's labels. */
static kq_result kq_job_finish(struct kq_tile_job *job)
{
    const kq_tile_parts *p = &job->parts;
    const size_t labels = (size_t)job->task.width * job->task.height;
    const int bytes = job->task.label_bytes;
    kq_result result = KQ_OK;
    if (p->across * p->down > 1)
        result = kq_job_enlarge(job);
    if (result == KQ_OK && p->colors)
        result = kq_job_color(job, p->listed ? p->listed : job->task.k);
    if (result != KQ_OK)
        return result;
    if (!p->listed && job->coded_bytes == bytes) {
        job->labels = job->coded;
        return KQ_OK;
    }
    job->labels = (uint8_t *)KQ_MALLOC(labels * (size_t)bytes);
    if (!job->labels)
        return KQ_NO_MEMORY;
    kq_translate(job->coded, job->coded_bytes, job->list, job->labels, bytes, labels);
    return KQ_OK;
}

/* Whether the rest of a payload has as many bytes as it may (rules 6.6, 16.24 and 18.9); packed and
 * dense have exactly so many. */
static int kq_job_fits(const struct kq_tile_job *job, int coder)
{
    const uint64_t labels = (uint64_t)job->parts.width * job->parts.height;
    const size_t size = job->parts.rest.size;
    if (job->parts.k == 1)
        return size == 0;
    if (coder == KQ_CODER_PACKED)
        return size == (labels * (uint64_t)kq_label_bits(job->parts.k) + 7) / 8;
    const uint64_t dense = (kq_dense_bits(&job->dense, labels) + 7) / 8;
    return coder == KQ_CODER_DENSE ? size == dense : size && size <= 1 + dense;
}

/* Begins to decode a tile; kq_job_step goes on while job->more. */
static kq_result kq_job_begin(struct kq_tile_job *job, kq_file *f, const kq_tile_task *task)
{
    kq_tile_parts *p = &job->parts;
    const int coder = f->info.coder;
    kq_job_close(job);
    job->task = *task;
    kq_result result =
        kq_parts_find(p, task->payload, task->k, task->label_map && coder >= KQ_CODER_CONTEXT,
                      task->listed, task->width, task->height);
    if (result != KQ_OK)
        return result;
    if (p->k > 1 && job->dense.k != p->k) {
        if (f->dense.k == p->k)
            job->dense = f->dense;
        else
            kq_dense_shape_init(&job->dense, p->k);
    }
    if (!kq_job_fits(job, coder))
        return KQ_INVALID;
    if (kq_parts_enlarged(p, coder) && (kq_parts_of_cells(p) != KQ_OK || !kq_job_fits(job, coder)))
        return KQ_INVALID;
    if (p->listed && (result = kq_job_list(job)) != KQ_OK)
        return result;
    job->coded_bytes = kq_label_size(p->k);
    const size_t labels = (size_t)p->width * p->height, bytes = labels * (size_t)job->coded_bytes;
    job->coded = (uint8_t *)KQ_MALLOC(bytes);
    if (!job->coded)
        return KQ_NO_MEMORY;
    if (p->k == 1)
        memset(job->coded, 0, bytes);
    else if (coder == KQ_CODER_PACKED)
        result = kq_job_packed(job);
    else if (coder == KQ_CODER_DENSE)
        result = kq_job_dense(job, p->rest);
    else if (p->rest.bytes[0] == KQ_FIRST_DENSE) {
        const kq_span rest = {p->rest.bytes + 1, p->rest.size - 1};
        result = kq_job_dense(job, rest);
    } else
        result = coder == KQ_CODER_TOKENS ? kq_job_tokens(job, f) : kq_job_begin_context(job, f);
    return result != KQ_OK || job->more ? result : kq_job_finish(job);
}

static kq_result kq_job_step(struct kq_tile_job *job)
{
    kq_context_tile *context = job->context;
    const size_t rows = 1 + KQ_STEP_LABELS / job->parts.width;
    kq_context_tile_rows(context, rows, job->coded);
    if (context->row < job->parts.height)
        return KQ_OK;
    const int valid = kq_range_decoder_valid(&context->decoder);
    kq_job_end_context(job);
    job->more = 0;
    return valid ? kq_job_finish(job) : KQ_INVALID;
}

#endif
