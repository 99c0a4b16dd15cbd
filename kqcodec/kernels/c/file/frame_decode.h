/* Goes on from frame to frame: decodes the payloads of a tile that lie between, one after the other
 * in steps of about a row (spec/kq.md, section 19).
 */
#ifndef KQ_FILE_FRAME_DECODE_H
#define KQ_FILE_FRAME_DECODE_H

#include "file/frame_tiles.h"
#include "file/work.h"

/* --- work ------------------------------------------------------------------------- */

#define KQ_WORK_COPY 2          /* of a label that is copied from frame to frame */
#define KQ_WORK_CHAINED 100     /* of one that is coded from the frame before, */
#define KQ_WORK_CHAINED_BIT 200 /* and for each bit of K */
#define KQ_FREE_LABELS 4096     /* whose work isn't counted, for each byte that was read */
#define KQ_MOST_LABELS 65536    /* that a tile is coded with */
#define KQ_COPIED 16            /* labels that are copied in the time of one */

/* Counts work; KQ_LIMIT if there isn't so much left. */
static kq_result kq_frames_spend(kq_file *f, uint64_t steps)
{
    struct kq_frames *frames = f->frames;
    frames->work += steps;
    return frames->work > f->limits.work && frames->work - f->limits.work >
                                                frames->read * KQ_FREE_LABELS * KQ_WORK_OF_A_LABEL
               ? KQ_LIMIT
               : KQ_OK;
}

static kq_result kq_frames_spend_labels(kq_file *f, uint64_t labels)
{
    const uint64_t bits = (uint64_t)kq_label_bits(f->info.colors);
    return kq_frames_spend(f, labels * (KQ_WORK_CHAINED + KQ_WORK_CHAINED_BIT * bits));
}

/* What a payload behind a list is foretold to take, of labels below k. */
static uint64_t kq_frame_work(const kq_file *f, const kq_box *box, uint32_t k, kq_span payload)
{
    const int coder = f->info.coder;
    const uint64_t labels = (uint64_t)box->width * box->height;
    kq_frame_parts parts;
    if (coder != KQ_CODER_TOKENS || !payload.size || payload.bytes[0] != KQ_FROM_BEFORE)
        return kq_work_of_tile(coder, f->info.label_map, k, payload, box->width, box->height);
    if (!kq_frame_parts_read(&parts, box->width, box->height, payload))
        return KQ_WORK_TILE;
    const uint64_t inside = (uint64_t)parts.width * parts.height;
    uint64_t steps = KQ_WORK_TILE + parts.runs * (uint64_t)KQ_WORK_LISTED;
    steps += ((parts.move_count ? labels : 0) + inside) * KQ_WORK_PLAIN;
    if (!inside)
        return steps;
    return steps + kq_work_of_tile(coder, 1, k + 1, parts.rest, (uint32_t)parts.width,
                                   (uint32_t)parts.height);
}

/* --- payloads --------------------------------------------------------------------- */

static kq_box kq_frames_box(const kq_file *f)
{
    return kq_header_box(&f->header, f->tile);
}

/* The first byte of chained payloads. */
static uint8_t kq_frame_chained(const kq_file *f)
{
    return f->info.coder == KQ_CODER_CONTEXT ? KQ_CHAINED : KQ_FROM_BEFORE;
}

/* Whether a payload needs no other. */
static int kq_frame_begins_chain(const kq_file *f, const kq_frame_payload *payload)
{
    return kq_is_key_frame(&f->info, payload->frame) ||
           f->frames->list.first.data[payload->at] != kq_frame_chained(f);
}

/* A list of the tile's own, ahead of what becomes the payload. */
static kq_result kq_frame_own_list(kq_file *f, kq_frame_tile *t, kq_span *payload)
{
    kq_cursor c = {payload->bytes, payload->size, 1};
    kq_span numbers;
    uint32_t last;
    if (kq_take_length(&c, 4, &last) != KQ_OK || last >= f->info.colors ||
        kq_take_span(&c, &numbers) != KQ_OK)
        return KQ_INVALID;
    t->list = (uint64_t *)KQ_MALLOC(((size_t)last + 1) * sizeof *t->list);
    if (!t->list)
        return KQ_NO_MEMORY;
    t->k = last + 1;
    payload->bytes = c.data + c.at;
    payload->size = c.size - c.at;
    return kq_list_read(numbers, t->k, f->info.entries, t->list);
}

/* What is told by itself, or within a rectangle. */
static kq_result kq_frame_begin_labels(kq_file *f, const kq_tile_task *task, int doing)
{
    f->frames->doing = doing;
    return kq_job_begin(f->job, f, task);
}

/* A payload that is chained by context. */
static kq_result kq_frame_begin_rows(kq_file *f, kq_frame_tile *t, kq_span payload)
{
    const kq_box box = kq_frames_box(f);
    const uint64_t labels = (uint64_t)box.width * box.height;
    size_t head = 1;
    if (!t->chain) {
        const int settings = payload.size > head ? payload.bytes[head++] : 0;
        if (settings < 0x40 || settings & 0x20)
            return KQ_INVALID;
        const kq_result result = kq_frame_tile_learn(f, t, &box, settings);
        if (result != KQ_OK)
            return result;
    }
    const long long work = kq_chain_open_frame(t->chain, payload.bytes + head, payload.size - head);
    if (work < 0)
        return KQ_INVALID;
    f->frames->doing = KQ_DO_ROWS;
    f->frames->row = 0;
    return kq_frames_spend_labels(f, (uint64_t)work + (t->places ? labels / KQ_COPIED : 0));
}

/* One that is chained by tokens. */
static kq_result kq_frame_begin_changes(kq_file *f, kq_frame_tile *t, kq_span payload)
{
    const kq_box box = kq_frames_box(f);
    kq_frame_parts *parts = &f->frames->parts;
    kq_tile_task task;
    if (!kq_frame_parts_read(parts, box.width, box.height, payload))
        return KQ_INVALID;
    const kq_moved_tile tile = {kq_frame_tile_told(t), box.width, box.height,
                                (size_t)kq_frame_tile_bytes(f, t)};
    const int done = kq_frame_parts_move(parts, &tile);
    if (done != 1)
        return done < 0 ? KQ_NO_MEMORY : KQ_INVALID;
    const uint64_t labels = (uint64_t)parts->width * parts->height;
    f->frames->doing = KQ_DO_RECTANGLE;
    if (!labels)
        return KQ_OK;
    task.payload = parts->rest;
    task.width = (uint32_t)parts->width;
    task.height = (uint32_t)parts->height;
    task.k = kq_least32(t->k + 1, KQ_MOST_LABELS);
    task.label_map = 1;
    task.listed = task.k < labels ? task.k : labels;
    task.entries = t->k + 1;
    task.label_bytes = kq_label_size(task.entries);
    return kq_frame_begin_labels(f, &task, KQ_DO_RECTANGLE);
}

/* The labels of a payload that needs no other, each below k. */
static kq_tile_task kq_frame_task(const kq_file *f, kq_span payload, uint32_t k, int label_bytes)
{
    const kq_box box = kq_frames_box(f);
    kq_tile_task task;
    task.payload = payload;
    task.width = box.width;
    task.height = box.height;
    task.k = k;
    task.label_map = f->info.label_map;
    task.listed = 0;
    task.entries = k;
    task.label_bytes = label_bytes;
    return task;
}

/* Begins with the next payload of the tile. */
static kq_result kq_frame_begin_payload(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    const kq_frame_payload *next = frames->list.payloads + frames->next;
    kq_frame_tile *t = frames->tiles + f->tile;
    const kq_box box = kq_frames_box(f);
    const size_t labels = (size_t)box.width * box.height;
    kq_span payload = {frames->list.first.data + next->at, next->size};
    kq_result result = KQ_OK;
    frames->read += (uint64_t)next->size + KQ_CHECKSUM_SIZE + 1;
    t->done = 0;
    if (kq_frame_begins_chain(f, next))
        kq_frame_tile_reset(f, t);
    if (f->info.label_map && payload.bytes[0] == KQ_FIRST_LIST)
        result = kq_frame_own_list(f, t, &payload);
    if (result == KQ_OK)
        result = kq_frames_spend(f, labels * KQ_WORK_COPY + kq_frame_work(f, &box, t->k, payload));
    if (result == KQ_OK && t->list)
        result = kq_frames_spend(f, t->k * (uint64_t)KQ_WORK_LISTED + labels * KQ_WORK_PLAIN);
    if (result != KQ_OK)
        return result;
    if (!kq_frame_tile_room(f, t, labels))
        return KQ_NO_MEMORY;
    if (t->k > 1 && payload.size && payload.bytes[0] == kq_frame_chained(f)) {
        if (f->info.coder == KQ_CODER_CONTEXT)
            return kq_frame_begin_rows(f, t, payload);
        if (t->follows)
            return kq_frame_begin_changes(f, t, payload);
    }
    const kq_tile_task task = kq_frame_task(f, payload, t->k, kq_frame_tile_bytes(f, t));
    return kq_frame_begin_labels(f, &task, KQ_DO_LABELS);
}

/* The labels of a job, which doesn't have them any more. */
static uint8_t *kq_job_take(struct kq_tile_job *job)
{
    uint8_t *labels = job->labels;
    if (job->coded == labels)
        job->coded = NULL;
    job->labels = NULL;
    return labels;
}

/* When all of a payload is decoded. */
static kq_result kq_frame_finish_payload(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    kq_frame_tile *t = frames->tiles + f->tile;
    const kq_box box = kq_frames_box(f);
    const kq_moved_tile tile = {kq_frame_tile_told(t), box.width, box.height,
                                (size_t)kq_frame_tile_bytes(f, t)};
    if (frames->doing == KQ_DO_ROWS && !kq_chain_close_frame(t->chain, tile.labels))
        return KQ_INVALID;
    if (frames->doing == KQ_DO_RECTANGLE && frames->parts.width)
        kq_frame_parts_fill(&frames->parts, &tile, f->job->labels,
                            (size_t)f->job->task.label_bytes);
    if (frames->doing == KQ_DO_LABELS) {
        uint8_t **told = t->places ? &t->places : &t->labels;
        KQ_FREE(*told);
        *told = kq_job_take(f->job);
    }
    kq_job_close(f->job);
    kq_frame_tile_translate(f, t, (size_t)box.width * box.height);
    t->follows = 1;
    t->done = ++frames->next;
    frames->doing = KQ_DO_NOTHING;
    return KQ_OK;
}

/* --- frames ----------------------------------------------------------------------- */

/* Whether tiles are told from the frame before; otherwise each payload is by itself. */
static int kq_frames_chained(const kq_file *f)
{
    return f->frames && f->info.coder >= KQ_CODER_CONTEXT && f->info.colors > 1;
}

/* The payload of a frame that needs no other. */
static kq_span kq_frame_span(const kq_file *f, uint32_t frame, uint32_t tile)
{
    const kq_frame_list *list = &f->frames->list;
    kq_span span = {NULL, 0};
    if (list->payloads) {
        const kq_frame_payload *payload = list->payloads + kq_payload_at(list, tile, frame);
        span.bytes = list->first.data + payload->at;
        span.size = payload->size;
    }
    return span;
}

/* Begins to decode the tile f->tile of a frame. */
static kq_result kq_frames_begin(kq_file *f, uint32_t frame)
{
    struct kq_frames *frames = f->frames;
    if (!frames->tiles)
        frames->tiles = (kq_frame_tile *)KQ_CALLOC(f->info.tiles, sizeof *frames->tiles);
    if (!frames->tiles)
        return KQ_NO_MEMORY;
    if (frame < frames->frame || (frame == frames->frame && f->tile <= frames->tile))
        frames->work = frames->read = 0;
    frames->frame = frame;
    frames->tile = f->tile;
    frames->doing = KQ_DO_NOTHING;
    kq_job_close(f->job);
    const size_t done = frames->tiles[f->tile].done;
    size_t next = frames->last = kq_payload_at(&frames->list, f->tile, frame);
    if (done == next + 1)
        return KQ_OK;
    while (next != done && !kq_frame_begins_chain(f, frames->list.payloads + next))
        next--;
    frames->next = next;
    const kq_result result = kq_frame_begin_payload(f);
    frames->doing = result == KQ_OK ? frames->doing : KQ_DO_NOTHING;
    return result;
}

static kq_result kq_frames_step(kq_file *f, int *more)
{
    struct kq_frames *frames = f->frames;
    const kq_box box = kq_frames_box(f);
    kq_result result = KQ_OK;
    if (frames->doing == KQ_DO_ROWS) {
        const uint32_t rows = 1 + KQ_STEP_LABELS / box.width;
        const uint32_t end = kq_least32(frames->row + rows, box.height);
        kq_chain_rows(frames->tiles[f->tile].chain, NULL, frames->row, end);
        frames->row = end;
    } else if (f->job->more)
        result = kq_job_step(f->job);
    *more = frames->doing == KQ_DO_ROWS ? frames->row < box.height : f->job->more;
    if (result == KQ_OK && !*more && frames->doing != KQ_DO_NOTHING) {
        result = kq_frame_finish_payload(f);
        if (result == KQ_OK && frames->next <= frames->last)
            result = kq_frame_begin_payload(f);
        *more = frames->doing != KQ_DO_NOTHING;
    }
    if (result != KQ_OK) {
        frames->doing = KQ_DO_NOTHING;
        *more = 0;
    }
    return result;
}

/* The labels of the tile, NULL while it isn't decoded. */
static const uint8_t *kq_frames_labels(const kq_file *f)
{
    const struct kq_frames *frames = f->frames;
    const kq_frame_tile *t = frames->tiles ? frames->tiles + f->tile : NULL;
    return t && t->done == frames->last + 1 ? t->labels : NULL;
}

/* --- opening ---------------------------------------------------------------------- */

/* Opens the frames of a file, of which `timing` is the section FRAM. */
static kq_result kq_frames_open(kq_file *f, kq_span timing)
{
    const kq_result result = kq_read_timing(&f->info, timing.bytes, timing.size);
    if (result != KQ_OK)
        return result;
    f->frames = (struct kq_frames *)KQ_CALLOC(1, sizeof *f->frames);
    return f->frames ? kq_frame_list_open(&f->frames->list, f, &f->info.frames) : KQ_NO_MEMORY;
}

static void kq_frames_close(kq_file *f)
{
    struct kq_frames *frames = f->frames;
    for (uint32_t tile = 0; frames && frames->tiles && tile < f->info.tiles; tile++) {
        kq_frame_tile_reset(f, frames->tiles + tile);
        KQ_FREE(frames->tiles[tile].labels);
    }
    if (frames) {
        KQ_FREE(frames->tiles);
        kq_frame_list_close(&frames->list);
    }
    KQ_FREE(frames);
    f->frames = NULL;
}

#endif
