/* What stands around a label, in plain C (spec/kq.md, section 16).
 *
 * Included by context.h before mix.h; view_avx2.h does the same by AVX2.
 */

typedef struct {
    const uint16_t *at;
    ptrdiff_t stride;
    uint32_t w; /* on the left */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1];
    view->at = at;
    view->stride = stride;
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    const uint16_t *at = view->at, *n = at - view->stride;
    uint32_t w = view->w;
    return at[-2] == w && n[-1] == w && n[0] == w && n[1] == w && n[-view->stride] == w;
}

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    size_t n = 0;
    while (n < most && a[n] == w && b[n] == w && c[n] == w)
        n++;
    return n;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    while (n < most && a[n] == c[n] && a[(ptrdiff_t)n - stride] == c[(ptrdiff_t)n - stride])
        n++;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* Makes ready what follows, which in plain C needs nothing. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    (void)view;
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(const KQ_NAME(view) *view, kq_surroundings *s)
{
    kq_survey(view->at, view->stride, s);
}

KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    (void)view;
    return kq_hash_contexts(s, plane, lanes, matched, hashes);
}

/* Colours predicted from the neighbours' colours, as the entries nearest to them:
 * the median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro 2000), means,
 * and lines continued. `all` of them, or the first two only. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
    const uint32_t *colors = plane->colors;
    int median[3], mean[3], wide[3], slant[3], along[3], down[3], rise[3];
    for (int c = 0; c < 3; c++) {
        int w = colors[f[KQ_W]] >> 8 * c & 255, n = colors[f[KQ_N]] >> 8 * c & 255;
        int nw = colors[f[KQ_NW]] >> 8 * c & 255, ne = colors[f[KQ_NE]] >> 8 * c & 255;
        int ww = colors[f[KQ_WW]] >> 8 * c & 255, nn = colors[f[KQ_NN]] >> 8 * c & 255;
        int nne = colors[f[KQ_NNE]] >> 8 * c & 255;
        int high = w > n ? w : n, low = w > n ? n : w;
        median[c] = nw >= high ? low : nw <= low ? high : w + n - nw;
        mean[c] = kq_byte((2 * (w + n) + ne - nw) >> 2);
        wide[c] = kq_byte((7 * (w + n) + 2 * (ne + nw) - ww - nn + 8) >> 4);
        slant[c] = kq_byte(w + ne - n);
        along[c] = kq_byte(2 * w - ww);
        down[c] = kq_byte(2 * n - nn);
        rise[c] = kq_byte(n + ne - nne);
    }
    f[KQ_MEDIAN] = kq_nearest_entry(plane, median);
    f[KQ_MEAN] = kq_nearest_entry(plane, mean);
    if (all) {
        f[KQ_WIDE] = kq_nearest_entry(plane, wide);
        f[KQ_SLANT] = kq_nearest_entry(plane, slant);
        f[KQ_ALONG] = kq_nearest_entry(plane, along);
        f[KQ_DOWN] = kq_nearest_entry(plane, down);
        f[KQ_RISE] = kq_nearest_entry(plane, rise);
    }
}
