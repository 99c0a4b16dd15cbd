/* What is kept of the tiles of a sequence, by the coders context and tokens: the labels of the
 * frame that each stands at, and what was learned on the way there (spec/kq.md, section 19).
 */
#ifndef KQ_FILE_FRAME_TILES_H
#define KQ_FILE_FRAME_TILES_H

#include "file/frame_list.h"
#include "file/frame_parts.h"
#include "file/tile.h"
#include "frames/chain.h"

#define KQ_CHAINED 6 /* the first byte of such payloads, by context; by tokens KQ_FROM_BEFORE */

typedef struct {
    size_t done;     /* one more than the payload that made its labels; 0: it has none */
    uint8_t *labels; /* as wide as the file's */
    /* The tile's own list, NULL if it has none, and below what labels are that payloads tell. */
    uint64_t *list;
    uint32_t k;
    uint8_t *places; /* these labels, where they aren't the file's: of a list, or of fewer bytes */
    int follows;     /* its labels are those of a frame of the same chain */
    kq_chain *chain; /* at an address for vectors */
    void *chain_memory;
    uint64_t chain_bytes;
} kq_frame_tile;

/* What is being done with a payload. */
enum { KQ_DO_NOTHING, KQ_DO_LABELS, KQ_DO_ROWS, KQ_DO_RECTANGLE };

struct kq_frames {
    kq_frame_list list;
    kq_frame_tile *tiles; /* all of them, when they are needed */
    uint64_t chains;      /* bytes that all of their chains have */
    /* What was asked for last; the work since frames weren't asked for in their order, tile by
     * tile, and the bytes read for it. */
    uint32_t frame, tile;
    uint64_t work, read;
    /* Of the tile that was begun: the payload that is decoded, and the last one to be. */
    size_t next, last;
    int doing;
    uint32_t row;
    kq_frame_parts parts;
};

static void kq_frame_tile_unlearn(kq_file *f, kq_frame_tile *t)
{
    if (t->chain)
        kq_chain_close(t->chain);
    KQ_FREE(t->chain_memory);
    f->frames->chains -= t->chain_bytes;
    t->chain = NULL;
    t->chain_memory = NULL;
    t->chain_bytes = 0;
}

/* Ahead of a payload that begins a chain. */
static void kq_frame_tile_reset(kq_file *f, kq_frame_tile *t)
{
    kq_frame_tile_unlearn(f, t);
    KQ_FREE(t->list);
    KQ_FREE(t->places);
    t->list = NULL;
    t->places = NULL;
    t->k = f->info.colors;
    t->follows = 0;
}

/* The labels that payloads tell, and how many bytes each has. */
static uint8_t *kq_frame_tile_told(const kq_frame_tile *t)
{
    return t->places ? t->places : t->labels;
}

static int kq_frame_tile_bytes(const kq_file *f, const kq_frame_tile *t)
{
    return t->places ? kq_label_size(t->k) : kq_label_bytes(f);
}

/* Room for the labels of a tile, of so many; 0 without memory. */
static int kq_frame_tile_room(const kq_file *f, kq_frame_tile *t, size_t labels)
{
    const int bytes = kq_label_bytes(f);
    if (!t->labels)
        t->labels = (uint8_t *)KQ_CALLOC(labels, (size_t)bytes);
    if (!t->places && (t->list || bytes == 4))
        t->places = (uint8_t *)KQ_CALLOC(labels, (size_t)kq_label_size(t->k));
    return t->labels && (t->places || (!t->list && bytes < 4));
}

/* From what payloads tell to the labels of the file. */
static void kq_frame_tile_translate(const kq_file *f, kq_frame_tile *t, size_t labels)
{
    if (t->places)
        kq_translate(t->places, kq_label_size(t->k), t->list, t->labels, kq_label_bytes(f), labels);
}

/* --- chains by the coder context ---------------------------------------------------- */

/* Bytes that a chain takes at most. */
static uint64_t kq_chain_workspace(int settings, uint64_t width, uint64_t height)
{
    const uint64_t labels = width * height,
                   cells = (width + 2 * KQ_MARGIN) * (height + KQ_ABOVE + KQ_BELOW);
    int bits = 4;
    while ((uint64_t)1 << (bits - 4) < labels)
        bits++;
    bits = kq_least(bits, KQ_CHAIN_SLOT_BITS(settings));
    return ((uint64_t)64 << bits) + (9 + 2 * (uint64_t)kq_earlier_frames((size_t)labels)) * cells +
           3000000;
}

/* A chain with these settings, for labels below t->k; it goes on from those there are if it
 * follows. */
static kq_result kq_frame_tile_learn(kq_file *f, kq_frame_tile *t, const kq_box *box, int settings)
{
    const uint64_t bytes = kq_chain_workspace(settings, box->width, box->height);
    if (bytes > f->limits.chains - f->frames->chains)
        return KQ_LIMIT;
    uint16_t *plain = f->info.label_map ? kq_job_plain_order(t->k) : NULL;
    t->chain_memory = KQ_MALLOC(sizeof *t->chain + KQ_ALIGNING);
    kq_chain *chain = (kq_chain *)KQ_ALIGNED_AT(t->chain_memory);
    kq_tile tile;
    tile.order = plain ? plain : f->order;
    tile.colors = f->info.label_map ? NULL : f->stored;
    tile.k = t->k;
    tile.setting = settings;
    tile.width = box->width;
    tile.height = box->height;
    tile.wide = kq_frame_tile_bytes(f, t) == 2;
    const int opened = t->chain_memory && tile.order && kq_logistic_make(f) &&
                       kq_chain_open(chain, f->logistic, &tile);
    KQ_FREE(plain);
    if (opened) {
        t->chain = chain;
        t->chain_bytes = bytes;
        f->frames->chains += bytes;
        if (!t->follows || kq_chain_begin(chain, kq_frame_tile_told(t)))
            return KQ_OK;
    }
    kq_frame_tile_unlearn(f, t);
    return KQ_NO_MEMORY;
}

#endif
