/* A tile of a sequence, frame after frame, by the coder `context` (spec/kq.md, section 19).
 *
 * The first frame is coded as a still picture is, by the small model; those that follow from the
 * frame before, by a model of sixteen lanes that goes on learning from frame to frame. The two
 * share their tables, so that a key frame teaches what comes after it.
 */
#ifndef KQ_FRAMES_CHAIN_H
#define KQ_FRAMES_CHAIN_H

#include "context/context.h"
#include "frames/moves.h"

#define KQ_CHAIN_LABELS ((ptrdiff_t)1 << 26) /* at most, of a tile */
#define KQ_BELOW 2                           /* rows kept free below the last */
/* The setting of a chain: as that of a tile, but for the two bits that name the model there: they
 * say how large tables are. */
#define KQ_CHAIN_SETTING(setting, model) ((model) << 6 | ((setting)&0x3F))
#define KQ_CHAIN_SLOT_BITS(setting) (14 + 2 * KQ_SETTING_MODEL(setting))

typedef struct {
    kq_tile tile;
    const kq_logistic *tables;
    kq_sequence sequence;
    kq_context first, later; /* models; their planes, slots and matches are the sequence's */
    int frames;              /* since the chain began, up to 2 */
    void *memory;
    uint16_t *order, *places;
    uint8_t *colors; /* of entries; NULL for none */
#ifndef KQ_DECODE_ONLY
    uint16_t *truth; /* a frame's labels, as places */
#endif
} kq_chain;

static void kq_chain_close_models(kq_chain *c)
{
    free(c->later.memory); /* which has nothing else of its own */
    memset(&c->later, 0, sizeof c->later);
    c->first.plane.labels = NULL;
    kq_context_close(&c->first);
    memset(&c->first, 0, sizeof c->first);
}

static void kq_chain_close(kq_chain *c)
{
    kq_chain_close_models(c);
    for (int i = 0; i < KQ_EARLIER_FRAMES; i++)
        free(c->sequence.earlier[i]);
    free(c->memory);
    free(c->order);
    free(c->places);
    free(c->colors);
    memset(c, 0, sizeof *c);
}

/* Forgets everything but the labels of the frame. */
static int kq_chain_forget(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    uint8_t *colors;
    kq_chain_close_models(c);
    kq_tile tile = c->tile;
    tile.slot_bits = KQ_CHAIN_SLOT_BITS(c->tile.setting);
    tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_SMALL);
    int opened = 0;
    if (kq_tile_colors(&tile, &colors)) {
        opened = kq_context_open(&c->first, c->tables, &tile, colors, NULL);
        tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_LATER);
        opened = opened && kq_context_open(&c->later, c->tables, &tile, colors, &c->first);
    }
    free(colors);
    if (!opened)
        return 0;
    c->first.plane.labels = c->later.plane.labels = s->labels + s->size;
    c->later.sequence = s;
    memset(s->replaced, 0, s->size * sizeof *s->replaced);
    memset(s->age, 0, s->size);
    memset(s->last_blocks, 0, s->blocks_wide * s->blocks_high);
    s->earlier_count = 0;
    for (size_t i = 0; i < sizeof s->still / sizeof *s->still; i++)
        s->still[i] = KQ_COUNTER_BEGIN;
    for (size_t i = 0; i < sizeof s->rows / sizeof *s->rows; i++)
        s->rows[i] = KQ_QUARTER_BEGIN;
    for (size_t i = 0; i < sizeof s->changed / sizeof *s->changed; i++)
        s->changed[i] = KQ_QUARTER_BEGIN;
    for (size_t i = 0; i < sizeof s->moved / sizeof *s->moved; i++)
        s->moved[i] = KQ_QUARTER_BEGIN;
    for (size_t i = 0; i < KQ_MOST_MOVES; i++)
        s->more[i] = KQ_HALF_BEGIN;
    for (size_t i = 0; i < 5 * 256; i++)
        s->numbers[i / 256][i % 256] = KQ_HALF_BEGIN;
    return 1;
}

/* A chain for a tile, of which order and colours are copied, k >= 2. Returns 0 without memory. */
static int kq_chain_open(kq_chain *c, const kq_logistic *tables, const kq_tile *tile)
{
    memset(c, 0, sizeof *c);
    kq_sequence *s = &c->sequence;
    c->tile = *tile;
    c->tables = tables;
    const size_t k = tile->k, stride = tile->width + 2 * KQ_MARGIN,
                 labels = tile->width * tile->height;
    s->size = (tile->height + KQ_ABOVE) * stride;
    s->blocks_wide = (tile->width + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    s->blocks_high = (tile->height + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    while (s->earlier_most < KQ_EARLIER_FRAMES &&
           (size_t)(s->earlier_most + 1) * labels <= (size_t)1 << KQ_EARLIER_LABELS)
        s->earlier_most++;
    const size_t blocks = s->blocks_wide * s->blocks_high;
    const size_t planes = 2 * s->size + KQ_BELOW * stride + KQ_READ_BEHIND;
    c->memory = calloc((planes + 2 * s->size) * 2 + s->size + 2 * blocks, 1);
    c->order = malloc(k * sizeof *c->order);
    c->places = malloc(k * sizeof *c->places);
    c->colors = tile->colors ? malloc(3 * k) : NULL;
    int enough = c->memory && c->order && c->places && (c->colors || !tile->colors);
    for (int i = 0; i < s->earlier_most && enough; i++) {
        s->earlier[i] = malloc(s->size * sizeof *s->earlier[i]);
        enough = s->earlier[i] != NULL;
    }
    if (enough) {
        s->labels = c->memory;
        s->replaced = s->labels + planes;
        c->truth = s->replaced + s->size;
        s->age = (uint8_t *)(c->truth + s->size);
        s->blocks = s->age + s->size;
        s->last_blocks = s->blocks + blocks;
        for (uint32_t place = 0; place < k; place++) {
            c->order[place] = (uint16_t)kq_tile_entry(tile, place);
            c->places[place] = 0;
        }
        for (uint32_t place = 0; place < k; place++)
            c->places[c->order[place]] = (uint16_t)place;
        if (c->colors)
            memcpy(c->colors, tile->colors, 3 * k);
        c->tile.order = c->order;
        c->tile.colors = c->colors;
        enough = kq_chain_forget(c);
    }
    if (!enough)
        kq_chain_close(c);
    return enough;
}

/* The frame's labels as places. */
static void kq_chain_take(kq_chain *c, const void *labels)
{
    const size_t width = c->tile.width, stride = c->first.plane.stride;
    for (size_t y = 0; y < c->tile.height; y++)
        for (size_t x = 0; x < width; x++)
            c->truth[y * stride + x] =
                c->places[kq_label_below(c->tile.k, labels, y * width + x, c->tile.wide)];
}

/* `truth` into the plane. */
static void kq_chain_fill(kq_chain *c)
{
    const size_t width = c->tile.width, stride = c->first.plane.stride;
    for (size_t y = 0; y < c->tile.height; y++)
        memcpy(c->first.plane.labels + (y + KQ_ABOVE) * stride + KQ_MARGIN, c->truth + y * stride,
               width * sizeof *c->truth);
}

/* After a frame that was coded by itself. */
static void kq_chain_key(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    for (size_t i = 0; i < KQ_MARGIN; i++)
        (c->first.plane.labels + KQ_ABOVE * c->first.plane.stride)[i] = 0;
    for (size_t y = 0; y < c->tile.height; y++)
        kq_frame_margins(&c->later, y);
    memcpy(s->labels, s->labels + s->size, s->size * sizeof *s->labels);
    memcpy(s->replaced, s->labels, s->size * sizeof *s->labels);
    c->frames = 1;
}

/* Begins with a frame that something else has coded; 0 without memory. */
static int kq_chain_begin(kq_chain *c, const void *labels)
{
    if (!kq_chain_forget(c))
        return 0;
    kq_chain_take(c, labels);
    kq_chain_fill(c);
    kq_chain_key(c);
    return 1;
}

static long long kq_chain_code(kq_chain *c, const uint16_t *truth)
{
    long long work;
    if (c->frames == 0) {
        kq_context_code(&c->first);
        kq_chain_key(c);
        return (long long)(c->tile.width * c->tile.height);
    }
    work = kq_context_later(&c->later, truth);
    if (work >= 0)
        kq_end_frame(&c->later);
    return work;
}

#ifndef KQ_DECODE_ONLY
/* Which blocks of the frame changed, and which of them are somewhere in earlier frames. Returns 0
 * without memory. */
static int kq_chain_blocks(kq_chain *c)
{
    kq_context *m = &c->later;
    kq_sequence *s = &c->sequence;
    const size_t blocks = s->blocks_wide * s->blocks_high;
    const size_t width = c->tile.width, stride = m->plane.stride;
    size_t changed = 0;
    s->move_count = 0;
#define KQ_TRUTH(block) (c->truth + (block).y * stride + (block).x)
    for (size_t i = 0; i < blocks; i++) {
        const kq_block block = kq_block_at(m, i);
        s->blocks[i] = !kq_same_block(KQ_TRUTH(block), m->plane.labels + block.at, stride, &block);
        changed += s->blocks[i];
    }
    if (!changed)
        return 1;
    kq_frame_move found[KQ_MOST_MOVES + KQ_EARLIER_FRAMES];
    kq_shift moves[KQ_MOST_MOVES];
    const uint16_t *labels = m->plane.labels + KQ_ABOVE * stride + KQ_MARGIN;
    int count = 0, moved = kq_find_moves(c->truth, labels, stride, width, c->tile.height, moves);
    if (moved < 0)
        return 0;
    for (int i = 0; i < moved; i++)
        if (moves[i].dx >= -KQ_MOVE_MOST && moves[i].dx <= KQ_MOVE_MOST &&
            moves[i].dy >= -KQ_MOVE_MOST && moves[i].dy <= KQ_MOVE_MOST)
            found[count++] = (kq_frame_move){0, moves[i].dx, moves[i].dy};
    for (int from = 1; from <= s->earlier_count; from++)
        found[count++] = (kq_frame_move){from, 0, 0};
    while (s->move_count < KQ_MOST_MOVES) {
        size_t most = 3;
        int best = -1;
        for (int i = 0; i < count; i++) {
            size_t votes = 0;
            for (size_t b = 0; b < blocks; b++) {
                if (s->blocks[b] != KQ_CODED)
                    continue;
                const kq_block block = kq_block_at(m, b);
                const uint16_t *from = kq_moved_from(m, &block, found + i);
                votes += from && kq_same_block(KQ_TRUTH(block), from, stride, &block);
            }
            if (votes > most) {
                most = votes;
                best = i;
            }
        }
        if (best < 0)
            break;
        for (size_t b = 0; b < blocks; b++) {
            const kq_block block = kq_block_at(m, b);
            const uint16_t *from = kq_moved_from(m, &block, found + best);
            if (s->blocks[b] == KQ_CODED && from &&
                kq_same_block(KQ_TRUTH(block), from, stride, &block))
                s->blocks[b] = (uint8_t)(KQ_MOVED + s->move_count);
        }
        s->moves[s->move_count++] = found[best];
    }
#undef KQ_TRUTH
    return 1;
}

/* Writes the payload of the next frame to `out`. Returns 1 and the payload's size, 0 if that is
 * over `capacity`, -1 without memory: the chain has then to be closed. */
static int kq_chain_encode(kq_chain *c, const void *labels, uint8_t *out, size_t capacity,
                           size_t *size)
{
    kq_range_encoder encoder;
    kq_range_encoder_init(&encoder, out, capacity);
    c->first.encoder = c->later.encoder = &encoder;
    c->first.decoder = c->later.decoder = NULL;
    kq_chain_take(c, labels);
    if (c->frames == 0)
        kq_chain_fill(c);
    else if (!kq_chain_blocks(c))
        return -1;
    kq_chain_code(c, c->truth);
    return !kq_range_full(&encoder) && kq_range_finish(&encoder, size);
}
#endif

/* Reads the next frame into `labels`, which have the frame before; returns the labels coded, and
 * a sixteenth of those moved, or -1 if the payload is invalid. */
static long long kq_chain_decode(kq_chain *c, const uint8_t *payload, size_t size, void *labels)
{
    kq_range_decoder decoder;
    const int first = c->frames == 0;
    kq_range_decoder_init(&decoder, payload, size);
    c->first.decoder = c->later.decoder = &decoder;
#ifndef KQ_DECODE_ONLY
    c->first.encoder = c->later.encoder = NULL;
#endif
    const long long work = kq_chain_code(c, NULL);
    if (work < 0 || !kq_range_decoder_valid(&decoder))
        return -1;
    for (size_t y = 0; y < c->tile.height; y++)
        if (first || kq_blocks_changed(&c->sequence, y / KQ_FRAME_BLOCK))
            kq_tile_store(&c->tile,
                          c->first.plane.labels + (y + KQ_ABOVE) * c->first.plane.stride +
                              KQ_MARGIN,
                          y * c->tile.width, labels);
    return work;
}

#endif
