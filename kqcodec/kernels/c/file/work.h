/* How much work it is to decode a tile, foretold from its size and the first bytes of its payload.
 * A step is about a nanosecond; kqcodec/coding/work.py says how that was measured.
 */
#ifndef KQ_FILE_WORK_H
#define KQ_FILE_WORK_H

#include "file/tile_parts.h"

#define KQ_WORK_PLAIN 5    /* of a label */
#define KQ_WORK_TOKEN 50   /* of one by tokens */
#define KQ_WORK_SMALL 60   /* of one by context, for each bit of K */
#define KQ_WORK_LARGE 400  /* by the large model */
#define KQ_WORK_REGION 400 /* each label may be one */
#define KQ_WORK_LISTED 500 /* of an entry of an own list */
#define KQ_WORK_TILE 100000
#define KQ_WORK_OF_A_LABEL 600 /* that each may take, by default */

/* That of one label; `first` is the first byte of the payload. */
static uint64_t kq_work_of_label(int coder, uint32_t k, uint8_t first)
{
    const int model = first >> 6;
    if (coder == KQ_CODER_TOKENS)
        return KQ_WORK_TOKEN;
    if (coder != KQ_CODER_CONTEXT || model == 0 || model == 3)
        return KQ_WORK_PLAIN;
    const uint64_t steps =
        (model == 1 ? KQ_WORK_SMALL : KQ_WORK_LARGE) * (uint64_t)kq_label_bits(k);
    return steps > KQ_WORK_PLAIN ? steps : KQ_WORK_PLAIN;
}

/* That of a payload by itself. */
static uint64_t kq_work_of_tile(int coder, int label_map, uint32_t k, kq_span payload,
                                uint32_t width, uint32_t height)
{
    kq_tile_parts p;
    uint64_t labels = (uint64_t)width * height, steps = KQ_WORK_TILE;
    const uint64_t most = k < labels ? k : labels;
    if (coder < KQ_CODER_CONTEXT || !payload.size)
        return labels * KQ_WORK_PLAIN;
    if (kq_parts_find(&p, payload, k, label_map, most, width, height) != KQ_OK)
        return steps;
    if (p.listed || p.colors)
        steps += p.listed * (uint64_t)KQ_WORK_LISTED + labels * KQ_WORK_PLAIN;
    if (p.colors)
        steps += labels * KQ_WORK_REGION;
    if (kq_parts_enlarged(&p, coder)) {
        if (kq_parts_of_cells(&p) != KQ_OK)
            return steps;
        steps += labels * KQ_WORK_PLAIN;
        labels = (uint64_t)p.width * p.height;
    }
    return p.rest.size ? steps + labels * kq_work_of_label(coder, p.k, p.rest.bytes[0]) : steps;
}

#endif
