/* Tiles of plain tokens alone: three bands of rows, each with a stream of its own, decoded in
 * step, so that a processor has three labels to work at while each waits for the one before
 * it. Included as view.h is. */

typedef struct {
    kq_bits bits;
    uint32_t state, before; /* before: W, and above it WW */
    KQ_LABEL *row;
    uint8_t *above; /* of each label of the row, bits 5 to 7 of its pattern */
} KQ_NAME(band);

/* Where the table of an escape between W and N begins. */
KQ_FUNCTION uint32_t KQ_NAME(escape_table)(const kq_tokens *t, KQ_LABEL w, KQ_LABEL n)
{
    const int low = sizeof(KQ_LABEL) > 1 ? t->low_bits : 0;
    return t->cells[t->cell_w[w >> low] + t->cell_n[n >> low]];
}

/* The next label of a band. Which tokens are escapes nobody can guess, so there is no branch,
 * but where labels have two bytes. */
KQ_FUNCTION void KQ_NAME(band_step)(KQ_NAME(band) *b, const kq_tokens *t, size_t x, size_t stride)
{
    KQ_LABEL *at = b->row + x;
    KQ_NAME(view) view;
    KQ_NAME(look)(&view, at, stride, b->before);
    const uint32_t context = t->contexts[KQ_NAME(beside)(&view) + b->above[x]];
    const uint32_t entry = t->states[context + b->state];
    const uint16_t *escapes =
        t->escapes + KQ_NAME(escape_table)(t, (KQ_LABEL)b->before, at[-(ptrdiff_t)stride]);
    b->state = (entry >> 16) + kq_bits_take(&b->bits, entry >> 8 & 255);
    const uint32_t token8 = entry & 255, is_escape = token8 == 8 * KQ_TOKEN_ESCAPE;
    const uint32_t escape = escapes[b->bits.bits & t->escape_mask] & (0 - is_escape);
    kq_bits_take(&b->bits, escape >> 8);
    uint32_t label = is_escape ? escape & 255 : KQ_NAME(neighbor)(&view, token8);
    if (sizeof(KQ_LABEL) > 1 && is_escape)
        label = label << t->low_bits | kq_bits_take(&b->bits, (uint32_t)t->low_bits);
    *at = (KQ_LABEL)label;
    b->before = b->before << 8 * sizeof(KQ_LABEL) | label;
}

/* The patterns of a band's next row, as far as they are those of the rows above. */
KQ_FUNCTION void KQ_NAME(band_begin_row)(KQ_NAME(band) *b, size_t width, size_t stride)
{
    const KQ_LABEL *at = b->row;
    uint8_t *above = b->above;
    for (size_t x = 0; x < width; x++)
        above[x] = (uint8_t)KQ_NAME(above)(at + x, stride);
}

/* Decodes the labels from x to `end` of the rows of `count` bands. */
KQ_FUNCTION void KQ_NAME(bands_part)(KQ_NAME(band) *a, KQ_NAME(band) *b, KQ_NAME(band) *c,
                                     const kq_tokens *t, size_t x, size_t end, size_t stride,
                                     int all)
{
    for (; x < end; x++) {
        kq_bits_fill(&c->bits);
        if (all) {
            kq_bits_fill(&a->bits);
            kq_bits_fill(&b->bits);
            KQ_NAME(band_step)(a, t, x, stride);
            KQ_NAME(band_step)(b, t, x, stride);
        }
        KQ_NAME(band_step)(c, t, x, stride);
        if (++x == end) /* bits for two */
            break;
        if (all) {
            KQ_NAME(band_step)(a, t, x, stride);
            KQ_NAME(band_step)(b, t, x, stride);
        }
        KQ_NAME(band_step)(c, t, x, stride);
    }
}

/* Decodes `rows` rows of three bands, or of the last one alone. `end` is that of all streams:
 * returns 0 where they end too early. */
KQ_FUNCTION int KQ_NAME(bands)(KQ_NAME(band) *bands, const kq_tokens *t, size_t rows, size_t width,
                               const uint8_t *end, int all)
{
    const size_t stride = width < 2 ? 2 : width;
    KQ_NAME(band) a = bands[0], b = bands[1], c = bands[2];
    for (size_t y = 0; y < rows; y++) {
        if (all) {
            KQ_NAME(band_begin_row)(&a, width, stride);
            KQ_NAME(band_begin_row)(&b, width, stride);
        }
        KQ_NAME(band_begin_row)(&c, width, stride);
        for (size_t x = 0, stop = 1; x < width; x = stop, stop = x + KQ_STEPS) {
            stop = stop < width ? stop : width;
            if (kq_bits_beyond(&a.bits, end) || kq_bits_beyond(&b.bits, end) ||
                kq_bits_beyond(&c.bits, end))
                return 0;
            KQ_NAME(bands_part)(&a, &b, &c, t, x, stop, stride, all);
            if (x > 0)
                continue;
            /* NE of the last label is the first one of this row, which is known now. */
            if (all) {
                a.above[width - 1] = (uint8_t)KQ_NAME(above)(a.row + width - 1, stride);
                b.above[width - 1] = (uint8_t)KQ_NAME(above)(b.row + width - 1, stride);
            }
            c.above[width - 1] = (uint8_t)KQ_NAME(above)(c.row + width - 1, stride);
        }
        a.row += all ? width : 0;
        b.row += all ? width : 0;
        c.row += width;
    }
    bands[0] = a;
    bands[1] = b;
    bands[2] = c;
    return 1;
}
