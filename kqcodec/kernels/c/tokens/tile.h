/* The labels of a tile: its planes are decoded, and copied out. Included as view.h is. */

/* A plane of labels stands behind two rows and eight labels, of the first place's entry. */
KQ_INLINE size_t KQ_NAME(margin)(size_t stride)
{
    return 2 * stride + 8;
}

static void KQ_NAME(begin_plane)(KQ_LABEL *plane, size_t stride, KQ_LABEL first)
{
    KQ_LABEL *at = plane - KQ_NAME(margin)(stride);
    while (at < plane)
        *at++ = first;
}

/* Copies labels out, those of two bytes from their places to entries. Returns 0 where there is
 * no such place. */
static int KQ_NAME(copy_out)(const kq_tokens_tile *tile, const KQ_LABEL *plane, size_t first,
                             size_t count)
{
    if (sizeof(KQ_LABEL) == 1) {
        memcpy((uint8_t *)tile->labels + first, plane, count);
        return 1;
    }
    uint16_t *out = (uint16_t *)tile->labels + first;
    for (size_t i = 0; i < count; i++) {
        if (plane[i] >= tile->k)
            return 0;
        out[i] = (uint16_t)kq_label_below(tile->k, tile->order, plane[i], 1);
    }
    return 1;
}

/* Decodes a tile of one stream. Returns 1, 0 if it is invalid, -1 without memory. */
KQ_FUNCTION int KQ_NAME(one_stream)(const kq_tokens *t, const kq_tokens_tile *tile,
                                    const uint8_t *const *streams)
{
    const size_t stride = tile->width < 2 ? 2 : tile->width, labels = tile->width * tile->height;
    const size_t margin = KQ_NAME(margin)(stride);
    KQ_LABEL *memory = (KQ_LABEL *)KQ_MALLOC((margin + labels + KQ_PLANE_SLACK) * sizeof *memory);
    uint32_t *kept = (uint32_t *)KQ_CALLOC((labels >> 3) + 1, sizeof *kept);
    int done = -1;
    if (memory && kept) {
        KQ_NAME(begin_plane)(memory + margin, stride, (KQ_LABEL)t->first);
        done = KQ_NAME(stream)(t, memory + margin, labels, tile->width, streams[0], streams[1],
                               kept) &&
               KQ_NAME(copy_out)(tile, memory + margin, 0, labels);
    }
    KQ_FREE(memory);
    KQ_FREE(kept);
    return done;
}

/* Decodes a tile of three bands, alike. */
KQ_FUNCTION int KQ_NAME(three_bands)(const kq_tokens *t, const kq_tokens_tile *tile,
                                     const uint8_t *const *streams)
{
    const size_t width = tile->width, stride = width < 2 ? 2 : width;
    const size_t rows = tile->height / KQ_BANDS, more = tile->height - KQ_BANDS * rows;
    const size_t margin = KQ_NAME(margin)(stride), size = margin + rows * width;
    KQ_LABEL *memory =
        (KQ_LABEL *)KQ_MALLOC((KQ_BANDS * size + more * width + KQ_PLANE_SLACK) * sizeof *memory);
    KQ_NAME(part) *part = (KQ_NAME(part) *)KQ_MALLOC(sizeof *part);
    KQ_NAME(band) bands[KQ_BANDS];
    KQ_LABEL *planes[KQ_BANDS], *at[KQ_BANDS];
    int done = -1;
    if (memory && part) {
        const uint8_t *bytes = streams[0], *end = streams[KQ_BANDS];
        for (size_t i = 0; i < KQ_BANDS; i++) {
            kq_bits stream = {bytes, 8 * (size_t)(streams[i] - bytes)};
            at[i] = planes[i] = memory + i * size + margin;
            KQ_NAME(begin_plane)(planes[i], stride, (KQ_LABEL)t->first);
            bands[i].before = t->first << 8 * sizeof(KQ_LABEL) | t->first;
            bands[i].state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
            bands[i].position = stream.position;
        }
        done = KQ_NAME(bands)(bands, at, t, part, rows, width, bytes, end, 1) &&
               KQ_NAME(bands)(bands, at, t, part, more, width, bytes, end, 0);
        for (size_t i = 0; i < KQ_BANDS && done; i++) {
            const kq_bits stream = {bytes, bands[i].position};
            done = bands[i].state == 0 && kq_bits_done(&stream, streams[i + 1]) &&
                   KQ_NAME(copy_out)(tile, planes[i], i * rows * width,
                                     (rows + (i == KQ_BANDS - 1 ? more : 0)) * width);
        }
    }
    KQ_FREE(memory);
    KQ_FREE(part);
    return done;
}

KQ_RUN static int KQ_NAME(tile)(const kq_tokens *t, const kq_tokens_tile *tile,
                                const uint8_t *const *streams)
{
    return t->front.bands ? KQ_NAME(three_bands)(t, tile, streams)
                          : KQ_NAME(one_stream)(t, tile, streams);
}
