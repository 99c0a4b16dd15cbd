/* What stands around a label, for WebAssembly's SIMD (spec/kq.md, section 16): view.h, all
 * neighbours at once.
 */

/* The rows above a label, from 3 before it to 4 behind it. What is on the left stands in
 * scalars: it was written only now, and a vector read over it would wait. */
typedef struct {
    v128_t above, second, third;
    uint32_t w, ww, www;
    v128_t near; /* features in their order: KQ_W .. KQ_NEE */
} KQ_NAME(view);

/* Goes to a label. */
KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *view, const uint16_t *at, ptrdiff_t stride)
{
    view->w = at[-1], view->ww = at[-2], view->www = at[-3];
    view->above = wasm_v128_load(at - stride - 3);
    view->second = wasm_v128_load(at - 2 * stride - 3);
    view->third = wasm_v128_load(at - 3 * stride - 3);
}

/* Of sixteen comparisons of labels those that hold, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(mask)(v128_t low, v128_t high)
{
    return (uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(low, high));
}

/* Whether the surroundings are flat. */
KQ_FUNCTION int KQ_NAME(is_flat)(const KQ_NAME(view) *view)
{
    if (view->ww != view->w)
        return 0;
    const v128_t w = wasm_i16x8_splat((int16_t)view->w);
    const uint32_t equal =
        KQ_NAME(mask)(wasm_i16x8_eq(view->above, w), wasm_i16x8_eq(view->second, w));
    return (~equal & 0x81C) == 0; /* NW, N, NE; NN */
}

/* Which of eight labels are equal. */
KQ_FUNCTION v128_t KQ_NAME(same)(const uint16_t *a, const uint16_t *b)
{
    return wasm_i16x8_eq(wasm_v128_load(a), wasm_v128_load(b));
}

/* How many labels, up to `most`, begin three rows that are all w. */
KQ_FUNCTION size_t KQ_NAME(flat_ahead)(const uint16_t *a, const uint16_t *b, const uint16_t *c,
                                       uint32_t w, size_t most)
{
    const v128_t all = wasm_i16x8_splat((int16_t)w);
    size_t n = 0;
    for (; n < most; n += 16) {
        v128_t same[2];
        for (int i = 0; i < 2; i++) {
            const size_t at = n + 8 * (size_t)i;
            same[i] = wasm_i16x8_eq(wasm_v128_load(a + at), all);
            same[i] = wasm_v128_and(same[i], wasm_i16x8_eq(wasm_v128_load(b + at), all));
            same[i] = wasm_v128_and(same[i], wasm_i16x8_eq(wasm_v128_load(c + at), all));
        }
        const uint32_t other = KQ_NAME(mask)(same[0], same[1]) ^ 0xFFFF;
        if (other) {
            n += KQ_TRAILING_ZEROS(other);
            break;
        }
    }
    return n < most ? n : most;
}

/* How many labels ahead, up to `most`, have rows above them that are those at z: two, from
 * KQ_BEFORE before a label to KQ_BEHIND behind it. */
KQ_FUNCTION size_t KQ_NAME(alike_ahead)(const uint16_t *at, const uint16_t *z, ptrdiff_t stride,
                                        size_t most)
{
    const uint16_t *a = at - stride - KQ_BEFORE, *c = z - stride - KQ_BEFORE;
    size_t n = 0;
    most += KQ_BEFORE + KQ_BEHIND;
    for (; n < most; n += 16) {
        const v128_t low = wasm_v128_and(KQ_NAME(same)(a + n, c + n),
                                         KQ_NAME(same)(a - stride + n, c - stride + n));
        const v128_t high = wasm_v128_and(KQ_NAME(same)(a + n + 8, c + n + 8),
                                          KQ_NAME(same)(a - stride + n + 8, c - stride + n + 8));
        const uint32_t other = KQ_NAME(mask)(low, high) ^ 0xFFFF;
        if (other) {
            n += KQ_TRAILING_ZEROS(other);
            break;
        }
    }
    n = n < most ? n : most;
    return n > KQ_BEFORE + KQ_BEHIND ? n - KQ_BEFORE - KQ_BEHIND : 0;
}

/* The eight nearest. */
KQ_FUNCTION void KQ_NAME(neighbours)(KQ_NAME(view) *view)
{
    const v128_t near = wasm_i16x8_shuffle(view->above, view->second, 0, 3, 2, 4, 0, 8 + 3, 1, 5);
    view->near = wasm_i16x8_replace_lane(wasm_i16x8_replace_lane(near, 0, (int16_t)view->w), 4,
                                         (int16_t)view->ww);
}

/* The features that are labels, and which of them are equal. */
KQ_FUNCTION void KQ_NAME(survey)(const KQ_NAME(view) *view, kq_surroundings *s)
{
    enum { W, N, NW, NE, WW, NN, NWW, NEE, NNW, NNE, WWW, NNN, NN2, NN_2 };
    const v128_t near = view->near;
    v128_t far = wasm_i16x8_shuffle(view->second, view->third, 2, 4, 0, 8 + 3, 5, 1, 0, 0);
    far = wasm_i16x8_replace_lane(far, WWW - NNW, (int16_t)view->www);
    wasm_v128_store(s->feature, wasm_u32x4_extend_low_u16x8(near));
    wasm_v128_store(s->feature + 4, wasm_u32x4_extend_high_u16x8(near));
    wasm_v128_store(s->feature + 8, wasm_u32x4_extend_low_u16x8(far));
    const v128_t a = wasm_i16x8_eq(wasm_i16x8_shuffle(near, near, W, W, N, N, W, N, W, WW),
                                   wasm_i16x8_shuffle(near, near, N, NW, NW, NE, WW, NN, NE, NW));
    const v128_t b =
        wasm_i16x8_eq(wasm_i16x8_shuffle(near, near, NN, NW, NW, NE, NN, NN, NW, NE),
                      wasm_i16x8_shuffle(near, far, NE, NE, NWW, NEE, NNE, NNW, NNW, NNE));
    const v128_t c =
        wasm_i16x8_eq(wasm_i16x8_shuffle(near, far, WW, NN, WW, NNE, NNW, NEE, W, W),
                      wasm_i16x8_shuffle(near, far, WWW, NNN, NWW, NN2, NN_2, NN2, W, W));
    s->equal = KQ_NAME(mask)(a, b) | (KQ_NAME(mask)(c, c) & 63) << 16;
    s->feature[KQ_EQUAL10] = s->equal & 1023;
    s->feature[KQ_EQUAL22] = s->equal;
}

KQ_FUNCTION uint32_t KQ_NAME(hash)(const KQ_NAME(view) *view, const kq_surroundings *s,
                                   const kq_plane *plane, int lanes, int matched, uint32_t *hashes)
{
    (void)view;
    return kq_hash_contexts(s, plane, lanes, matched, hashes);
}

/* The colours that view.h predicts. Colours are 16 bits a channel, two or one in a vector. */
KQ_FUNCTION void KQ_NAME(predict)(const kq_plane *plane, kq_surroundings *s, int all)
{
    uint32_t *f = s->feature;
    if (!plane->colors) {
        kq_predict_none(plane, s);
        return;
    }
#define KQ_COLOR(feature) \
    wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(plane->colors + f[feature]))
    const v128_t w = KQ_COLOR(KQ_W), n = KQ_COLOR(KQ_N), nw = KQ_COLOR(KQ_NW), ne = KQ_COLOR(KQ_NE),
                 ww = KQ_COLOR(KQ_WW), nn = KQ_COLOR(KQ_NN);
    const v128_t both = wasm_i16x8_add(w, n), corners = wasm_i16x8_add(nw, ne);
    v128_t median = wasm_i16x8_min(wasm_i16x8_max(w, n), wasm_i16x8_sub(both, nw));
    median = wasm_i16x8_max(wasm_i16x8_min(w, n), median);
    v128_t mean = wasm_i16x8_add(wasm_i16x8_add(both, both), wasm_i16x8_sub(ne, nw));
    v128_t wide = wasm_i16x8_add(wasm_i16x8_sub(wasm_i16x8_shl(both, 3), both),
                                 wasm_i16x8_add(corners, corners));
    wide = wasm_i16x8_add(wasm_i16x8_sub(wide, wasm_i16x8_add(ww, nn)), wasm_i16x8_splat(8));
    mean = wasm_i16x8_shr(mean, 2);
    wide = wasm_i16x8_shr(wide, 4);
    const v128_t slant = wasm_i16x8_add(w, wasm_i16x8_sub(ne, n));
    for (int more = 0; more <= all; more++) {
        v128_t colors = wasm_u8x16_narrow_i16x8(wasm_i64x2_shuffle(median, mean, 0, 2),
                                                wasm_i64x2_shuffle(wide, slant, 0, 2));
        if (more) {
            const v128_t along = wasm_i16x8_sub(wasm_i16x8_add(w, w), ww),
                         down = wasm_i16x8_sub(wasm_i16x8_add(n, n), nn),
                         rise = wasm_i16x8_sub(wasm_i16x8_add(n, ne), KQ_COLOR(KQ_NNE));
            colors = wasm_u8x16_narrow_i16x8(wasm_i64x2_shuffle(along, down, 0, 2), rise);
        }
        /* The cells: five bits of each channel, the red ones above. */
        const v128_t red = wasm_i32x4_shl(wasm_v128_and(colors, wasm_i32x4_splat(0xF8)), 7),
                     green = wasm_v128_and(wasm_u32x4_shr(colors, 6), wasm_i32x4_splat(31 << 5)),
                     blue = wasm_v128_and(wasm_u32x4_shr(colors, 19), wasm_i32x4_splat(31));
        const v128_t cells = wasm_v128_or(wasm_v128_or(red, green), blue);
        uint32_t *found = f + (more ? KQ_ALONG : KQ_MEDIAN);
        found[0] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 0));
        found[1] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 1));
        if (all) /* the small model needs no more */
            found[2] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 2));
        if (all && !more)
            found[3] = kq_cell_entry(plane, (uint32_t)wasm_i32x4_extract_lane(cells, 3));
    }
#undef KQ_COLOR
}
