/* A tile of a sequence, frame after frame, by the coder `context` (spec/kq.md, section 19).
 *
 * The first frame is coded as a still picture is, by the small model; those that follow from the
 * frame before, by a model of sixteen lanes that goes on learning from frame to frame. The two
 * share their tables, so that a key frame teaches what comes after it.
 */
#ifndef KQ_FRAMES_CHAIN_H
#define KQ_FRAMES_CHAIN_H

#include "context/context.h"
#ifndef KQ_DECODE_ONLY
#include "frames/moves.h"
#endif

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
    kq_context first, later;  /* models; their planes, slots and matches are the sequence's */
    kq_range_decoder decoder; /* of the frame that is read */
    int begun;                /* there is a frame before */
    void *memory;             /* of the planes */
    uint16_t *order, *places;
    uint8_t *colors; /* of entries; NULL for none */
#ifndef KQ_DECODE_ONLY
    uint16_t *truth; /* a frame's labels, as places, rows as in a plane but for the margins above */
#endif
} kq_chain;

static void kq_chain_close_models(kq_chain *c)
{
    KQ_FREE(c->later.memory); /* which has nothing else of its own */
    memset(&c->later, 0, sizeof c->later);
    c->first.plane.labels = NULL;
    kq_context_close(&c->first);
    memset(&c->first, 0, sizeof c->first);
}

static void kq_chain_close(kq_chain *c)
{
    kq_chain_close_models(c);
    for (int i = 0; i < KQ_EARLIER_FRAMES; i++)
        KQ_FREE(c->sequence.earlier[i]);
    KQ_FREE(c->memory);
    KQ_FREE(c->order);
    KQ_FREE(c->places);
    KQ_FREE(c->colors);
    memset(c, 0, sizeof *c);
}

static void kq_counters_begin(uint32_t *counters, size_t count, uint32_t with)
{
    for (size_t i = 0; i < count; i++)
        counters[i] = with;
}

/* Forgets everything but the labels of the frame. Returns 0 without memory. */
static int kq_chain_forget(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    const int slot_bits = KQ_CHAIN_SLOT_BITS(c->tile.setting);
    kq_tile tile = c->tile;
    uint8_t *colors;
    int opened = 0;
    kq_chain_close_models(c);
    if (kq_tile_colors(&tile, &colors)) {
        tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_SMALL);
        opened = kq_context_open(&c->first, c->tables, &tile, colors, slot_bits, NULL);
        tile.setting = KQ_CHAIN_SETTING(c->tile.setting, KQ_LATER);
        opened =
            opened && kq_context_open(&c->later, c->tables, &tile, colors, slot_bits, &c->first);
    }
    KQ_FREE(colors);
    if (!opened)
        return 0;
    c->first.plane.labels = c->later.plane.labels = s->labels + s->size;
    c->later.sequence = s;
    memset(s->replaced, 0, s->size * sizeof *s->replaced);
    memset(s->age, 0, s->size);
    memset(s->last_blocks, 0, s->blocks_wide * s->blocks_high);
    s->earlier_count = 0;
    kq_counters_begin(s->still, (size_t)1 << KQ_STILL_BITS, KQ_COUNTER_BEGIN);
    kq_counters_begin(s->rows, 8, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->changed, 1 << 10, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->moved, 16 * KQ_MOST_MOVES, KQ_QUARTER_BEGIN);
    kq_counters_begin(s->more, KQ_MOST_MOVES, KQ_HALF_BEGIN);
    for (size_t i = 0; i < 5; i++)
        kq_counters_begin(s->numbers[i], 256, KQ_HALF_BEGIN);
    return 1;
}

/* The planes of a sequence, filled with 0, and the frames ahead of the one before. Returns 0
 * without memory. */
static int kq_chain_planes(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    const size_t stride = c->tile.width + 2 * KQ_MARGIN, blocks = s->blocks_wide * s->blocks_high;
    const size_t planes = 2 * s->size + KQ_BELOW * stride + KQ_READ_BEHIND;
    size_t cells = planes + s->size;
#ifndef KQ_DECODE_ONLY
    cells += s->size;
#endif
    if (s->size > SIZE_MAX / 16) /* all of these together have fewer bytes for each */
        return 0;
    c->memory = KQ_CALLOC(cells * sizeof *s->labels + s->size + 2 * blocks, 1);
    if (!c->memory)
        return 0;
    s->labels = (uint16_t *)c->memory;
    s->replaced = s->labels + planes;
    s->age = (uint8_t *)(s->labels + cells);
    s->blocks = s->age + s->size;
    s->last_blocks = s->blocks + blocks;
#ifndef KQ_DECODE_ONLY
    c->truth = s->replaced + s->size;
#endif
    for (int i = 0; i < s->earlier_most; i++)
        if (!(s->earlier[i] = (uint16_t *)KQ_MALLOC(s->size * sizeof *s->earlier[i])))
            return 0;
    return 1;
}

/* Copies of a tile's order and colours, which may be changed by somebody else, and the place of
 * each entry. Returns 0 without memory. */
static int kq_chain_palette(kq_chain *c, const kq_tile *tile)
{
    const size_t k = tile->k;
    c->order = (uint16_t *)KQ_MALLOC(k * sizeof *c->order);
    c->places = (uint16_t *)KQ_CALLOC(k, sizeof *c->places);
    c->colors = tile->colors ? (uint8_t *)KQ_MALLOC(3 * k) : NULL;
    if (!c->order || !c->places || (tile->colors && !c->colors))
        return 0;
    for (uint32_t place = 0; place < k; place++) {
        const uint32_t entry = kq_tile_entry(tile, place);
        c->order[place] = (uint16_t)entry;
        c->places[entry] = (uint16_t)place;
    }
    if (c->colors)
        memcpy(c->colors, tile->colors, 3 * k);
    c->tile.order = c->order;
    c->tile.colors = c->colors;
    return 1;
}

/* How many frames ahead of the one before are kept of a tile of so many labels. */
static int kq_earlier_frames(size_t labels)
{
    const size_t most = ((size_t)1 << KQ_EARLIER_LABELS) / labels;
    return most < KQ_EARLIER_FRAMES ? (int)most : KQ_EARLIER_FRAMES;
}

/* A chain for a tile of at most KQ_CHAIN_LABELS, k >= 2. Returns 0 without memory. */
static int kq_chain_open(kq_chain *c, const kq_logistic *tables, const kq_tile *tile)
{
    memset(c, 0, sizeof *c);
    kq_sequence *s = &c->sequence;
    c->tile = *tile;
    c->tables = tables;
    s->size = (tile->height + KQ_ABOVE) * (tile->width + 2 * KQ_MARGIN);
    s->blocks_wide = (tile->width + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    s->blocks_high = (tile->height + KQ_FRAME_BLOCK - 1) / KQ_FRAME_BLOCK;
    s->earlier_most = kq_earlier_frames(tile->width * tile->height);
    if (kq_chain_planes(c) && kq_chain_palette(c, tile) && kq_chain_forget(c))
        return 1;
    kq_chain_close(c);
    return 0;
}

/* The first label of the frame; the next row's is a stride further. */
static uint16_t *kq_chain_labels(const kq_chain *c)
{
    return c->first.plane.labels + KQ_ABOVE * c->first.plane.stride + KQ_MARGIN;
}

/* Puts a frame's labels, as places, into rows that are a stride apart. */
static void kq_chain_take(const kq_chain *c, const void *labels, uint16_t *rows)
{
    const size_t width = c->tile.width;
    for (size_t y = 0; y < c->tile.height; y++, rows += c->first.plane.stride)
        for (size_t x = 0; x < width; x++)
            rows[x] = c->places[kq_label_below(c->tile.k, labels, y * width + x, c->tile.wide)];
}

/* After a frame that was coded by itself. */
static void kq_chain_key(kq_chain *c)
{
    kq_sequence *s = &c->sequence;
    memset(kq_chain_labels(c) - KQ_MARGIN, 0, KQ_MARGIN * sizeof(uint16_t));
    for (size_t y = 0; y < c->tile.height; y++)
        kq_frame_margins(&c->later, y);
    memcpy(s->labels, s->labels + s->size, s->size * sizeof *s->labels);
    memcpy(s->replaced, s->labels, s->size * sizeof *s->labels);
    c->begun = 1;
}

/* Begins with a frame that something else has coded; 0 without memory. */
static int kq_chain_begin(kq_chain *c, const void *labels)
{
    if (c->begun && !kq_chain_forget(c))
        return 0;
    kq_chain_take(c, labels, kq_chain_labels(c));
    kq_chain_key(c);
    return 1;
}

/* Begins with the next frame. Returns its work: the labels that are coded, and a sixteenth of those
 * moved; -1 if a block would come from outside. */
static long long kq_chain_frame(kq_chain *c)
{
    return c->begun ? kq_plain_frame(&c->later) : (long long)(c->tile.width * c->tile.height);
}

/* Rows of a frame, whose labels are `truth`, or in the plane if it is the first one, where they are
 * known. */
static void kq_chain_rows(kq_chain *c, const uint16_t *truth, size_t from, size_t to)
{
    if (c->begun)
        kq_context_later(&c->later, truth, from, to);
    else
        kq_context_rows(&c->first, from, to);
}

/* After all of its rows it becomes the one before. */
static void kq_chain_keep(kq_chain *c)
{
    if (c->begun)
        kq_end_frame(&c->later);
    else
        kq_chain_key(c);
}

#ifndef KQ_DECODE_ONLY
/* Whether the labels of a block are the same in two planes, from its first one in each. */
static int kq_same_block(const uint16_t *a, const uint16_t *b, size_t stride, const kq_block *block)
{
    for (size_t y = 0; y < block->height; y++)
        if (memcmp(a + y * stride, b + y * stride, block->width * sizeof *a) != 0)
            return 0;
    return 1;
}

/* Whether a block of the frame to be coded is just what a move brings there. */
static int kq_chain_explains(const kq_chain *c, const kq_frame_move *move, size_t index)
{
    const size_t stride = c->later.plane.stride;
    const kq_block block = kq_block_at(&c->later, index);
    const uint16_t *from = kq_moved_from(&c->later, &block, move);
    return from && kq_same_block(c->truth + block.y * stride + block.x, from, stride, &block);
}

#define KQ_FRAME_CANDIDATES (KQ_MOST_MOVES + KQ_EARLIER_FRAMES)

/* Moves that may explain blocks: from the frame before, and from the same place in earlier ones.
 * Returns how many there are, -1 without memory. */
static int kq_chain_candidates(const kq_chain *c, kq_frame_move *candidates)
{
    kq_shift moves[KQ_MOST_MOVES];
    const int moved = kq_find_moves(c->truth, kq_chain_labels(c), c->later.plane.stride,
                                    c->tile.width, c->tile.height, moves);
    if (moved < 0)
        return -1;
    int count = 0;
    for (int i = 0; i < moved; i++)
        if (moves[i].dx >= -KQ_MOVE_MOST && moves[i].dx <= KQ_MOVE_MOST &&
            moves[i].dy >= -KQ_MOVE_MOST && moves[i].dy <= KQ_MOVE_MOST)
            candidates[count++] = (kq_frame_move){0, moves[i].dx, moves[i].dy};
    for (int from = 1; from <= c->sequence.earlier_count; from++)
        candidates[count++] = (kq_frame_move){from, 0, 0};
    return count;
}

/* Which blocks of the frame changed, and which of these a move explains: of the candidates the one
 * that explains most, the first of several, as long as that are KQ_MOVE_BLOCKS. Returns 0 without
 * memory. */
static int kq_chain_blocks(kq_chain *c)
{
    static const kq_frame_move nowhere = {0, 0, 0};
    kq_frame_move candidates[KQ_FRAME_CANDIDATES];
    kq_sequence *s = &c->sequence;
    const size_t blocks = s->blocks_wide * s->blocks_high;
    size_t changed = 0;
    s->move_count = 0;
    for (size_t i = 0; i < blocks; i++) {
        s->blocks[i] = kq_chain_explains(c, &nowhere, i) ? KQ_UNCHANGED : KQ_CODED;
        changed += s->blocks[i] == KQ_CODED;
    }
    const int count = changed ? kq_chain_candidates(c, candidates) : 0;
    while (count > 0 && s->move_count < KQ_MOST_MOVES) {
        size_t most = 0;
        int best = 0;
        for (int candidate = 0; candidate < count; candidate++) {
            size_t explained = 0;
            for (size_t i = 0; i < blocks; i++)
                explained +=
                    s->blocks[i] == KQ_CODED && kq_chain_explains(c, candidates + candidate, i);
            if (explained > most) {
                most = explained;
                best = candidate;
            }
        }
        if (most < KQ_MOVE_BLOCKS)
            break;
        for (size_t i = 0; i < blocks; i++)
            if (s->blocks[i] == KQ_CODED && kq_chain_explains(c, candidates + best, i))
                s->blocks[i] = (uint8_t)(KQ_MOVED + s->move_count);
        s->moves[s->move_count++] = candidates[best];
    }
    return count >= 0;
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
    kq_chain_take(c, labels, c->begun ? c->truth : kq_chain_labels(c));
    if (c->begun && !kq_chain_blocks(c))
        return -1;
    kq_chain_frame(c);
    kq_chain_rows(c, c->truth, 0, c->tile.height);
    kq_chain_keep(c);
    return !kq_range_full(&encoder) && kq_range_finish(&encoder, size);
}
#endif

/* Begins to read the next frame: as kq_chain_frame. Its rows are read one after the other by
 * kq_chain_rows. */
static long long kq_chain_open_frame(kq_chain *c, const uint8_t *payload, size_t size)
{
    kq_range_decoder_init(&c->decoder, payload, size);
    c->first.decoder = c->later.decoder = &c->decoder;
#ifndef KQ_DECODE_ONLY
    c->first.encoder = c->later.encoder = NULL;
#endif
    return kq_chain_frame(c);
}

/* Puts a frame that was read into `labels`, which have the frame before; returns 0 if its payload
 * is invalid. */
static int kq_chain_close_frame(kq_chain *c, void *labels)
{
    const int first = !c->begun;
    if (!kq_range_decoder_valid(&c->decoder))
        return 0;
    kq_chain_keep(c);
    const uint16_t *row = kq_chain_labels(c);
    for (size_t y = 0; y < c->tile.height; y++, row += c->first.plane.stride)
        if (first || kq_blocks_changed(&c->sequence, y / KQ_FRAME_BLOCK))
            kq_tile_store(&c->tile, row, y * c->tile.width, labels);
    return 1;
}

/* Reads the next frame into `labels`, which have the frame before. Returns its work, or -1 if the
 * payload is invalid. */
static inline long long kq_chain_decode(kq_chain *c, const uint8_t *payload, size_t size,
                                        void *labels)
{
    const long long work = kq_chain_open_frame(c, payload, size);
    if (work >= 0)
        kq_chain_rows(c, NULL, 0, c->tile.height);
    return work >= 0 && kq_chain_close_frame(c, labels) ? work : -1;
}

#endif
