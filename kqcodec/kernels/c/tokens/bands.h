/* Tiles of plain tokens alone: three bands of rows, each with a stream of its own, decoded in
 * step, so that a processor has three labels to work at while each waits for the one before
 * it. What is known of a few hundred labels before they are decoded is put together ahead of
 * them, where a single address finds it for all bands. Included as view.h is. */

typedef struct {
    KQ_LABEL near[KQ_BANDS][KQ_STEPS][4]; /* NW, N, NE, NN */
    KQ_LABEL labels[KQ_BANDS][KQ_STEPS];  /* as they are decoded */
    uint8_t above[KQ_BANDS][KQ_STEPS];    /* bits 5 to 7 of twice the pattern */
} KQ_NAME(part);

typedef struct {
    size_t position;        /* in bits */
    uint32_t state, before; /* before: W, and above its bits WW */
} KQ_NAME(band);

/* Where the table of an escape between W and N begins. */
KQ_FUNCTION uint32_t KQ_NAME(escape_table)(const kq_tokens *t, KQ_LABEL w, KQ_LABEL n)
{
    const int low = sizeof(KQ_LABEL) > 1 ? t->low_bits : 0;
    return t->cells[t->cell_w[w >> low] + t->cell_n[n >> low]];
}

/* The next label of a band. Which tokens are escapes nobody can guess, so there is no branch,
 * but where labels have two bytes. */
KQ_FUNCTION void KQ_NAME(band_step)(KQ_NAME(band) *b, const kq_tokens *t, KQ_NAME(part) *part,
                                    int i, size_t x, const uint8_t *bytes)
{
    KQ_NAME(view) view;
    kq_bits stream = {bytes, b->position};
    uint64_t bits = kq_bits_ahead(&stream);
    const KQ_LABEL *near = part->near[i][x];
    KQ_NAME(look)(&view, b->before, near);
    const uint32_t context = t->contexts[KQ_NAME(beside)(&view) + part->above[i][x]];
    const uint32_t entry = t->states[context + b->state];
    const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, (KQ_LABEL)b->before, near[1]);
    const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
    b->state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
    bits >>= taken;
    const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE); /* else an escape */
    const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
    uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
    b->position += taken + (escape >> 8);
    if (sizeof(KQ_LABEL) > 1 && !neighbor) {
        bits >>= escape >> 8;
        label = label << t->low_bits | ((uint32_t)bits & ((1u << t->low_bits) - 1));
        b->position += (uint32_t)t->low_bits;
    }
    part->labels[i][x] = (KQ_LABEL)label;
    b->before = b->before << 8 * sizeof(KQ_LABEL) | label;
}

/* What is known of `count` labels from `at` on before they are decoded. */
KQ_FUNCTION void KQ_NAME(begin_part)(KQ_NAME(part) *part, int i, const KQ_LABEL *at, size_t stride,
                                     size_t count)
{
    const KQ_LABEL *above = at - stride, *above2 = above - stride;
    for (size_t x = 0; x < count; x++) {
        const KQ_LABEL nw = above[(ptrdiff_t)x - 1], n = above[x], ne = above[x + 1],
                       nn = above2[x];
        KQ_LABEL *near = part->near[i][x];
        near[0] = nw;
        near[1] = n;
        near[2] = ne;
        near[3] = nn;
        part->above[i][x] = (uint8_t)((nw == n) << 5 | (ne == n) << 6 | (nn == n) << 7);
    }
}

/* Decodes `rows` rows of three bands, or of the last one alone: `at` are the planes' places.
 * `end` is that of all streams: returns 0 where they end too early. */
KQ_FUNCTION int KQ_NAME(bands)(KQ_NAME(band) *bands, KQ_LABEL **at, const kq_tokens *t,
                               KQ_NAME(part) *part, size_t rows, size_t width, const uint8_t *bytes,
                               const uint8_t *end, int all)
{
    const size_t stride = width < 2 ? 2 : width, bits = 8 * (size_t)(end - bytes);
    KQ_NAME(band) a = bands[0], b = bands[1], c = bands[2];
    for (size_t y = 0; y < rows; y++)
        /* The first label goes ahead: it is NE of the last one. */
        for (size_t x = 0, count = 1; x < width; x += count, count = KQ_STEPS) {
            count = count < width - x ? count : width - x;
            if (a.position > bits || b.position > bits || c.position > bits)
                return 0;
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++)
                KQ_NAME(begin_part)(part, i, at[i], stride, count);
            for (size_t j = 0; j < count; j++) {
                if (all) {
                    KQ_NAME(band_step)(&a, t, part, 0, j, bytes);
                    KQ_NAME(band_step)(&b, t, part, 1, j, bytes);
                }
                KQ_NAME(band_step)(&c, t, part, 2, j, bytes);
            }
            for (int i = all ? 0 : KQ_BANDS - 1; i < KQ_BANDS; i++) {
                memcpy(at[i], part->labels[i], count * sizeof(KQ_LABEL));
                at[i] += count;
            }
        }
    bands[0] = a;
    bands[1] = b;
    bands[2] = c;
    return 1;
}
