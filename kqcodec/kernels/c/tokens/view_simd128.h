/* What view.h has, for labels of one byte, by WebAssembly's SIMD: the candidates are a word, as
 * in view_avx2.h. */

typedef struct {
    uint64_t word; /* W, WW, NW, N, NE, NN, from the lowest byte on; 0 for an escape */
} KQ_NAME(view);

KQ_FUNCTION void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    uint32_t above;
    memcpy(&above, near, sizeof above);
    v->word = (before & 0xFFFF) | (uint64_t)above << 16;
}

/* Which bytes are `label`, a bit for each. */
KQ_FUNCTION uint32_t KQ_NAME(same)(const KQ_NAME(view) *v, uint64_t label)
{
    const v128_t all = wasm_i64x2_splat((int64_t)v->word);
    return wasm_i8x16_bitmask(wasm_i8x16_eq(all, wasm_i8x16_splat((int8_t)label)));
}

KQ_FUNCTION uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    return KQ_NAME(same)(v, v->word) & 31;
}

KQ_FUNCTION uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const uint32_t same = KQ_NAME(same)(v, v->word >> 8 * KQ_TOKEN_N);
    return KQ_NAME(beside)(v) | (same & 4) << 3 | (same & 48) << 2;
}

KQ_FUNCTION uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return (uint32_t)(v->word >> (token8 & 63)) & 255;
}

KQ_FUNCTION size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    const v128_t value = wasm_i8x16_splat((int8_t)label);
    for (size_t length = 0; length < most; length += 16) {
        const uint32_t same =
            wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(above + length), value));
        wasm_v128_store(out + length, value);
        if (same != 0xFFFF) {
            length += KQ_TRAILING_ZEROS(~same);
            return length < most ? length : most;
        }
    }
    return most;
}
