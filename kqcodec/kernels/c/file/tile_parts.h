/* What a tile's payload says of itself ahead of its labels (spec/kq.md, sections 16 and 18): a list
 * of its own entries, regions, cells.
 */
#ifndef KQ_FILE_TILE_PARTS_H
#define KQ_FILE_TILE_PARTS_H

#include "file/sizes.h"

enum { KQ_FIRST_DENSE, KQ_FIRST_ENLARGED, KQ_FIRST_LIST = 4, KQ_FIRST_REGIONS };
#define KQ_MOST_COLORS 8   /* of regions */
#define KQ_ENLARGED_HEAD 5 /* bytes */

typedef struct {
    uint32_t listed; /* entries of the tile's own list, 0 if it has none */
    uint32_t colors; /* of regions, 0 if there are none */
    kq_span list, ids, rest;
    uint32_t k; /* of what the rest codes */
    /* Cells, and what the first have lost; 1 x 1 if the tile isn't enlarged. */
    uint32_t across, down, column, row, width, height;
} kq_tile_parts;

static kq_result kq_take_span(kq_cursor *c, kq_span *span)
{
    uint32_t length;
    if (kq_take_length(c, 4, &length) != KQ_OK)
        return KQ_INVALID;
    span->size = length;
    span->bytes = kq_take(c, length);
    return span->bytes ? KQ_OK : KQ_INVALID;
}

/* A list and regions, of a label map; `most` says how many entries a list may have, 0 for none. */
static kq_result kq_parts_of_labels(kq_tile_parts *p, uint32_t k, uint64_t most)
{
    kq_cursor c = {p->rest.bytes, p->rest.size, 0};
    if (most && c.size && c.data[0] == KQ_FIRST_LIST) {
        c.at++;
        if (kq_take_length(&c, 4, &p->listed) != KQ_OK || p->listed >= most)
            return KQ_INVALID;
        k = ++p->listed;
        if (kq_take_span(&c, &p->list) != KQ_OK)
            return KQ_INVALID;
    }
    if (k > 1 && c.at < c.size && c.data[c.at] == KQ_FIRST_REGIONS) {
        c.at++;
        const uint8_t *colors = kq_take(&c, 1);
        if (!colors || *colors >= KQ_MOST_COLORS)
            return KQ_INVALID;
        k = p->colors = *colors + 1;
        if (kq_take_span(&c, &p->ids) != KQ_OK)
            return KQ_INVALID;
    }
    p->rest.bytes = c.data + c.at;
    p->rest.size = c.size - c.at;
    p->k = k;
    return c.at < c.size && (c.data[c.at] == KQ_FIRST_LIST || c.data[c.at] == KQ_FIRST_REGIONS)
               ? KQ_INVALID
               : KQ_OK;
}

/* Cells, by the coder context. */
static kq_result kq_parts_of_cells(kq_tile_parts *p)
{
    const uint8_t *head = p->rest.bytes;
    if (p->rest.size < KQ_ENLARGED_HEAD)
        return KQ_INVALID;
    p->across = head[1] + 1u;
    p->column = head[2];
    p->down = head[3] + 1u;
    p->row = head[4];
    if (p->column >= p->across || p->row >= p->down || p->across * p->down == 1)
        return KQ_INVALID;
    p->width = (p->width - 1 + p->column) / p->across + 1;
    p->height = (p->height - 1 + p->row) / p->down + 1;
    p->rest.bytes += KQ_ENLARGED_HEAD;
    p->rest.size -= KQ_ENLARGED_HEAD;
    return p->rest.size && p->rest.bytes[0] == KQ_FIRST_ENLARGED ? KQ_INVALID : KQ_OK;
}

/* The parts of a payload, for width x height labels below k, but for cells; `label_map` says
 * whether there may be regions, and `most` how long a list may be, 0 for none. */
static kq_result kq_parts_find(kq_tile_parts *p, kq_span payload, uint32_t k, int label_map,
                               uint64_t most, uint32_t width, uint32_t height)
{
    memset(p, 0, sizeof *p);
    p->rest = payload;
    p->k = k;
    p->width = width;
    p->height = height;
    p->across = p->down = 1;
    return label_map && k > 1 ? kq_parts_of_labels(p, k, most) : KQ_OK;
}

/* Whether what is left begins with cells. */
static int kq_parts_enlarged(const kq_tile_parts *p, int coder)
{
    return coder == KQ_CODER_CONTEXT && p->k > 1 && p->rest.size &&
           p->rest.bytes[0] == KQ_FIRST_ENLARGED;
}

#endif
