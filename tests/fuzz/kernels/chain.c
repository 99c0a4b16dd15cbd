/* kernels/c/frames/chain.h: any payloads give labels below K, the same ones by AVX2 and by plain C,
 * frame after frame; frames come back from payloads of their own; and where memory ends, a chain
 * is closed without a trace. */
#include "fuzz.h"

static int left = -1; /* times that memory is given, -1 for always */
static int is_given(void)
{
    if (left > 0)
        left--;
    return left != 0;
}
#undef malloc
#undef calloc
#define malloc(bytes) (is_given() ? fuzz_malloc(bytes) : NULL)
#define calloc(count, size) (is_given() ? fuzz_calloc(count, size) : NULL)

#include "frames/chain.h"
#include "context/tree.h"

#define MOST_LABELS 900
#define MOST_FRAMES 20 /* more than are kept */

static kq_logistic tables;
static kq_chain chains[4]; /* aligned, as malloc wouldn't have them */

/* Two chains, of which the second one is in plain C. */
typedef struct {
    kq_chain *chains[2];
    void *labels[2]; /* of the frame */
    size_t bytes;
} pair;

static pair opened_pair(const kq_tile *tile, kq_chain *two)
{
    pair p;
    p.bytes = (tile->width * tile->height) << tile->wide;
    for (int i = 0; i < 2; i++) {
        p.chains[i] = two + i;
        DEMAND(kq_chain_open(p.chains[i], &tables, tile) == 1);
        p.labels[i] = room(p.bytes);
        memset(p.labels[i], 0, p.bytes);
    }
    return p;
}

static void close_pair(pair *p)
{
    for (int i = 0; i < 2; i++) {
        kq_chain_close(p->chains[i]);
        free(p->labels[i]);
    }
}

static void begin_pair(pair *p)
{
    for (int i = 0; i < 2; i++)
        DEMAND(kq_chain_begin(p->chains[i], p->labels[i]) == 1);
}

/* Decodes a payload twice; whether it is valid. */
static int decoded(pair *p, const kq_tile *tile, const uint8_t *payload, size_t size)
{
    long long work[2];
    for (int i = 0; i < 2; i++) {
        simd = i == 0;
        work[i] = kq_chain_decode(p->chains[i], payload, size, p->labels[i]);
    }
    DEMAND(work[0] == work[1]);
    DEMAND(work[0] <= (long long)(tile->width * tile->height));
    if (work[0] < 0)
        return 0;
    DEMAND(memcmp(p->labels[0], p->labels[1], p->bytes) == 0);
    for (size_t i = 0; i < tile->width * tile->height; i++)
        DEMAND(kq_label_get(p->labels[0], i, tile->wide) < tile->k);
    return 1;
}

/* Payloads that stand in the input, each behind its length. */
static void decode_any(fuzz_input *input, const kq_tile *tile)
{
    pair p = opened_pair(tile, chains);
    int valid = 1;
    for (int frame = 0; valid && input->left && frame < MOST_FRAMES; frame++) {
        const uint32_t length = next(input, 1);
        size_t size;
        if (length == 255) {
            begin_pair(&p);
            continue;
        }
        uint8_t *payload = copied(input, length, &size);
        input->at += size;
        input->left -= size;
        /* Nearly none ends as it must, and the frame is there all the same: so go on, from what is
         * right then. */
        if (!decoded(&p, tile, payload, size))
            for (int i = 0; i < 2; i++) {
                uint16_t *row = kq_chain_labels(p.chains[i]);
                const size_t stride = p.chains[i]->first.plane.stride;
                valid &= p.chains[i]->begun;
                for (size_t y = 0; y < tile->height; y++, row += stride)
                    kq_tile_store(&p.chains[i]->tile, row, y * tile->width, p.labels[i]);
            }
        free(payload);
    }
    close_pair(&p);
}

/* The next frame: part of the one before is painted, moved, sprinkled, or what it was once. */
static void change(fuzz_input *input, const kq_tile *tile, void *labels, const void *first)
{
    const size_t count = tile->width * tile->height;
    const uint32_t how = next(input, 1), k = tile->k;
    const size_t from = next(input, 2) % count, to = next(input, 2) % count;
    const size_t most = count - (from > to ? from : to), wide = (size_t)1 << tile->wide;
    uint32_t state = how * 77 + (uint32_t)from;
    if (how & 4) {
        memmove((uint8_t *)labels + to * wide, (uint8_t *)labels + from * wide, most * wide);
    } else if (how & 2) {
        for (size_t i = to; i < count; i += 1 + how / 4)
            kq_label_set(labels, i, tile->wide, mixed(&state) % k);
    } else if (how & 1) {
        memcpy(labels, first, count * wide);
    } else {
        for (size_t i = to; i < to + most; i++)
            kq_label_set(labels, i, tile->wide, how % k);
    }
}

/* Frames through the encoder and back. */
static void comes_back(fuzz_input *input, const kq_tile *tile)
{
    pair made = opened_pair(tile, chains), read = opened_pair(tile, chains + 2);
    const size_t capacity = 4 * made.bytes + 64 + next(input, 1);
    uint8_t *payloads[2] = {room(capacity), room(capacity)};
    void *labels = room(made.bytes), *first = room(made.bytes);
    memset(labels, 0, made.bytes);
    memset(first, 0, made.bytes);
    for (int frame = 0; frame < MOST_FRAMES && (input->left || frame < 2); frame++) {
        size_t sizes[2] = {0, 0};
        int done[2];
        change(input, tile, labels, first);
        if (frame == 1)
            memcpy(first, labels, made.bytes);
        for (int i = 0; i < 2; i++) {
            simd = i == 0;
            done[i] = kq_chain_encode(made.chains[i], labels, payloads[i], capacity, sizes + i);
        }
        DEMAND(done[0] == done[1] && done[0] >= 0);
        if (!done[0])
            break;
        DEMAND(sizes[0] == sizes[1] && sizes[0] <= capacity);
        DEMAND(memcmp(payloads[0], payloads[1], sizes[0]) == 0);
        DEMAND(decoded(&read, tile, payloads[0], sizes[0]));
        DEMAND(memcmp(read.labels[0], labels, made.bytes) == 0);
    }
    close_pair(&made);
    close_pair(&read);
    free(payloads[0]);
    free(payloads[1]);
    free(labels);
    free(first);
}

/* Two frames with so much memory. */
static void runs_out(fuzz_input *input, const kq_tile *tile)
{
    const size_t bytes = (tile->width * tile->height) << tile->wide, capacity = 4 * bytes + 64;
    uint8_t *payload = room(capacity);
    void *labels = room(bytes);
    memset(labels, 0, bytes);
    kq_chain *chain = chains;
    left = (int)(next(input, 1) % 48);
    if (kq_chain_open(chain, &tables, tile)) {
        size_t size;
        int done = kq_chain_encode(chain, labels, payload, capacity, &size);
        change(input, tile, labels, labels);
        if (done == 1)
            done = kq_chain_encode(chain, labels, payload, capacity, &size);
        if (done == 1)
            kq_chain_begin(chain, labels);
    }
    kq_chain_close(chain);
    left = -1;
    free(payload);
    free(labels);
}

static void run(fuzz_input input)
{
    if (tables.flat[0] == 0) {
        kq_logistic_init(&tables);
        DEMAND(kq_earlier_frames(1 << 20) == KQ_EARLIER_FRAMES);
        DEMAND(kq_earlier_frames((1 << 20) + 1) == KQ_EARLIER_FRAMES - 1);
        DEMAND(kq_earlier_frames(1 << 24) == 1 && kq_earlier_frames((1 << 24) + 1) == 0);
    }
    const uint32_t byte = next(&input, 1), kind = next(&input, 1);
    const int setting = (int)(byte & 0x1F) | (byte & 0x80 ? 2 : 1) << 6;
    const uint32_t k = next_k(&input);
    size_t width = next_side(&input), height = next_side(&input);
    if (width * height > MOST_LABELS)
        height = MOST_LABELS / width;
    uint8_t *colors = kind & 0x80 ? NULL : made_colors(k, kind);
    uint16_t *order = room(k * sizeof *order);
    for (uint32_t i = 0; i < k; i++)
        order[i] = (uint16_t)(i ^ (k % 2 == 0 && colors));
    const kq_tile tile = {order, colors, k, setting, width, height, k > 256};
    if ((kind >> 4 & 7) == 7)
        runs_out(&input, &tile);
    else if (kind >> 4 & 1)
        comes_back(&input, &tile);
    else
        decode_any(&input, &tile);
    free(colors);
    free(order);
}
