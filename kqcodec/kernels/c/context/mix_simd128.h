/* One decision of the coder `context` for WebAssembly's SIMD: mix.h, four lanes at once.
 *
 * Pointers have 32 bits here: a line of slots is an address, to which a node is added by
 * an exclusive or, since lines begin at multiples of their size.
 */

typedef struct {
    v128_t low, high;
} KQ_NAME(places);

KQ_FUNCTION KQ_NAME(places) KQ_NAME(gather)(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e,
                                            int32_t f, int32_t g, int32_t h)
{
    return (KQ_NAME(places)){wasm_i32x4_make(a, b, c, d), wasm_i32x4_make(e, f, g, h)};
}

KQ_FUNCTION uint32_t KQ_NAME(before)(const KQ_NAME(places) *places, int32_t middle)
{
    const v128_t all = wasm_i32x4_splat(middle);
    return (uint32_t)wasm_i32x4_bitmask(wasm_i32x4_lt(places->low, all)) |
           (uint32_t)wasm_i32x4_bitmask(wasm_i32x4_lt(places->high, all)) << 4;
}

#define KQ_V(name) wasm_v128_load(m->vectors[KQ_V_##name])

typedef struct {
    uint32_t node; /* four times */
    v128_t value[KQ_MAX_LANES / 4], n[KQ_MAX_LANES / 4];
    v128_t history[KQ_MAX_LANES / 4], past[KQ_MAX_LANES / 4];
    v128_t in[KQ_MAX_INPUTS / 4];
} KQ_NAME(sight);

/* Two vectors at a time go as 16-bit numbers, of which pairs of products are added. */
KQ_FUNCTION void KQ_NAME(mix)(const kq_context *m, int32_t *const *weights, int sets,
                              const KQ_NAME(sight) *sight, int inputs, int *logits)
{
    v128_t sums[KQ_MAX_SETS];
    (void)m;
    for (int v = 0; v < inputs / 4; v += 2) {
        const v128_t in = wasm_i16x8_narrow_i32x4(sight->in[v], sight->in[v + 1]);
        for (int s = 0; s < sets; s++) {
            const v128_t one = wasm_v128_load(weights[s] + 4 * v),
                         other = wasm_v128_load(weights[s] + 4 * v + 4);
            const v128_t w =
                wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(one, 15), wasm_i32x4_shr(other, 15));
            const v128_t part = wasm_i32x4_dot_i16x8(w, in);
            sums[s] = v ? wasm_i32x4_add(sums[s], part) : part;
        }
    }
    for (int s = 0; s < sets; s++) {
        v128_t sum = wasm_i32x4_add(sums[s], wasm_i32x4_shuffle(sums[s], sums[s], 2, 3, 0, 1));
        sum = wasm_i32x4_add(sum, wasm_i32x4_shuffle(sum, sum, 1, 0, 3, 2));
        logits[s] = kq_clamp_logit(wasm_i32x4_extract_lane(sum, 0) >> 14);
    }
}

KQ_FUNCTION void KQ_NAME(mix_learn)(int32_t *weights, const KQ_NAME(sight) *sight, int inputs,
                                    int step)
{
    const v128_t by = wasm_i32x4_splat(step & 65535); /* times lower halves, nothing times upper */
    for (int v = 0; v < inputs / 4; v++) {
        const v128_t w = wasm_v128_load(weights + 4 * v);
        wasm_v128_store(weights + 4 * v, wasm_i32x4_add(w, wasm_i32x4_dot_i16x8(sight->in[v], by)));
    }
}

KQ_FUNCTION void KQ_NAME(lines)(kq_context *m, int lanes, uint32_t group)
{
    const v128_t by = wasm_i32x4_splat((int32_t)(group * KQ_GROUP_MULTIPLIER)),
                 slots = wasm_i32x4_splat((int32_t)(uintptr_t)m->slots);
    for (int i = 0; i < lanes; i += 4) {
        v128_t h = wasm_i32x4_add(wasm_v128_load(m->hashes + i), by);
        h = wasm_v128_xor(h, wasm_u32x4_shr(h, 15));
        h = wasm_i32x4_mul(h, wasm_i32x4_splat(0x2C1B3C6D));
        h = wasm_v128_xor(h, wasm_u32x4_shr(h, 12));
        const v128_t table = wasm_i32x4_make(KQ_TABLE(i), KQ_TABLE(i + 1), KQ_TABLE(i + 2),
                                             i + 4 == lanes ? 0 : KQ_TABLE(i + 3));
        v128_t line = wasm_v128_or(wasm_i32x4_shl(table, (uint32_t)m->line_bits),
                                   wasm_u32x4_shr(h, (uint32_t)(32 - m->line_bits)));
        line = wasm_v128_or(wasm_i32x4_shl(line, 4), wasm_v128_and(h, KQ_V(N)));
        v128_t check = wasm_v128_and(wasm_i32x4_shl(h, 2), KQ_V(CHECK));
        check = wasm_i32x4_max(check, wasm_i32x4_splat(1 << 6));
        wasm_v128_store(m->lines + i, wasm_i32x4_add(slots, wasm_i32x4_shl(line, 2)));
        wasm_v128_store(m->fresh + i,
                        wasm_v128_or(check, wasm_i32x4_splat((int32_t)(KQ_HALF << 16 | 1))));
    }
}

/* There is no instruction for it. */
KQ_FUNCTION void KQ_NAME(fetch)(const kq_context *m, int lanes, uint32_t group)
{
    (void)m, (void)lanes, (void)group;
}

/* The slot of a lane. */
KQ_FUNCTION uint32_t *KQ_NAME(slot)(const kq_context *m, int lane, const KQ_NAME(sight) *sight)
{
    return (uint32_t *)(uintptr_t)(m->lines[lane] ^ sight->node);
}

/* kq_logit of the upper 16 bits: 2p + 1 and 131071 - 2p as floats, which holds them
 * exactly, and the difference of their bits. */
KQ_FUNCTION v128_t KQ_NAME(logit)(const kq_context *m, v128_t value)
{
    const v128_t x = wasm_v128_or(wasm_u32x4_shr(value, 15), KQ_V(ONE)),
                 y = wasm_i32x4_sub(KQ_V(TWO), x);
    return wasm_i32x4_shr(wasm_i32x4_sub(wasm_f32x4_convert_i32x4(x), wasm_f32x4_convert_i32x4(y)),
                          16);
}

/* table[n], a byte, for four n at once. Bytes whose number has the top bit set are 0. */
KQ_FUNCTION v128_t KQ_NAME(pick)(const uint8_t *table, v128_t n)
{
    return wasm_i8x16_swizzle(wasm_v128_load(table), n);
}

KQ_FUNCTION void KQ_NAME(look_up)(const kq_context *m, int lanes, uint32_t node, int tree,
                                  uint32_t match, KQ_NAME(sight) *sight)
{
    const int histories = KQ_HAS_HISTORIES(lanes), vectors = lanes / 4;
    sight->node = node * sizeof *m->slots;
    for (int v = 0; v < vectors; v++) { /* all loads first: of large tables they take long */
        v128_t value = wasm_v128_load32_zero(KQ_NAME(slot)(m, 4 * v, sight));
        value = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 1, sight), value, 1);
        value = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 2, sight), value, 2);
        sight->value[v] = wasm_v128_load32_lane(KQ_NAME(slot)(m, 4 * v + 3, sight), value, 3);
    }
    for (int v = 0; v < vectors; v++) {
        const int last = v == vectors - 1;
        v128_t value = sight->value[v];
        const v128_t fresh = wasm_v128_load(m->fresh + 4 * v);
        const v128_t other = wasm_v128_and(wasm_v128_xor(value, fresh), KQ_V(CHECK));
        const v128_t known = wasm_i32x4_eq(other, wasm_i32x4_splat(0));
        value = wasm_v128_bitselect(value, fresh, known);
        if (last)
            value = wasm_i32x4_replace_lane(value, 3, (int32_t)match);
        v128_t n = wasm_v128_and(wasm_u32x4_shr(value, 12), KQ_V(N));
        n = wasm_v128_or(n, KQ_V(PICK));
        const v128_t logit =
            wasm_i32x4_dot_i16x8(KQ_NAME(logit)(m, value), KQ_NAME(pick)(kq_worths.logit, n));
        v128_t chance = wasm_i32x4_add(wasm_u32x4_shr(value, 20), KQ_V(CENTRE));
        chance = wasm_i32x4_dot_i16x8(chance, KQ_NAME(pick)(kq_worths.chance, n));
        sight->in[v] = wasm_i32x4_shr(logit, 8);
        sight->in[vectors + v] = wasm_i32x4_shr(chance, KQ_CHANCE_SHIFT(lanes));
        sight->value[v] = value;
        sight->n[v] = n;
        if (histories) {
            const uint32_t *maps = m->histories;
            const v128_t bits = wasm_i32x4_shl(wasm_v128_and(value, wasm_i32x4_splat(63)), 2);
            v128_t at = wasm_v128_and(wasm_u32x4_shr(value, 14), wasm_i32x4_splat(3));
            at = wasm_i32x4_add(wasm_v128_or(bits, at), wasm_i32x4_make(0, 512, 1024, 1536));
            at = wasm_i32x4_add(at, wasm_i32x4_splat((8 * v + tree) * KQ_HISTORIES));
            v128_t past = wasm_v128_load32_zero(maps + wasm_i32x4_extract_lane(at, 0));
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 1), past, 1);
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 2), past, 2);
            past = wasm_v128_load32_lane(maps + wasm_i32x4_extract_lane(at, 3), past, 3);
            v128_t said = KQ_NAME(logit)(m, past);
            if (last)
                said = wasm_i32x4_replace_lane(said, 3, KQ_BIAS);
            sight->in[2 * vectors + v] = said;
            sight->history[v] = at;
            sight->past[v] = past;
        }
    }
}

KQ_FUNCTION void KQ_NAME(learn)(kq_context *m, int lanes, const KQ_NAME(sight) *sight, int bit)
{
    const int histories = KQ_HAS_HISTORIES(lanes);
    const v128_t target = wasm_i32x4_splat(bit ? 65535 : 0);
    for (int v = 0; v < lanes / 4; v++) {
        const int last = v == lanes / 4 - 1;
        v128_t value = sight->value[v], n = sight->n[v], p = wasm_u32x4_shr(value, 16);
        const v128_t error = wasm_i32x4_shr(wasm_i32x4_sub(target, p), 1);
        const v128_t step =
            wasm_i32x4_shr(wasm_i32x4_dot_i16x8(error, KQ_NAME(pick)(kq_worths.rate, n)), 7);
        value = wasm_i32x4_add(value, wasm_i32x4_shl(step, 16));
        /* Bit 7 is set for the largest n, which doesn't grow: that of `grow` is. */
        v128_t masked = wasm_v128_or(wasm_u32x4_shr(value, 16), KQ_V(STOP));
        masked = wasm_v128_and(masked, KQ_NAME(pick)(kq_worths.grow, n));
        const v128_t grows = wasm_i32x4_eq(masked, wasm_i32x4_splat(0));
        value = wasm_i32x4_sub(value, wasm_i32x4_shl(grows, 12));
        if (histories) {
            const v128_t six = wasm_i32x4_splat(63);
            v128_t history = wasm_i32x4_shl(wasm_v128_and(value, six), 1);
            history = wasm_v128_or(history, wasm_v128_and(target, wasm_i32x4_splat(1)));
            const v128_t longest = wasm_v128_and(wasm_i32x4_gt(history, six), wasm_i32x4_splat(32));
            history = wasm_v128_or(wasm_v128_and(history, six), longest);
            value = wasm_v128_or(wasm_v128_andnot(value, six), history);
            v128_t past = wasm_u32x4_shr(sight->past[v], 16);
            past = wasm_i32x4_add(past, wasm_i32x4_shr(wasm_i32x4_sub(target, past), 6));
            past = wasm_i32x4_shl(past, 16);
            uint32_t *maps = m->histories;
            const v128_t at = sight->history[v];
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 0), past, 0);
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 1), past, 1);
            wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 2), past, 2);
            if (!last)
                wasm_v128_store32_lane(maps + wasm_i32x4_extract_lane(at, 3), past, 3);
        }
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v, sight), value, 0);
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 1, sight), value, 1);
        wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 2, sight), value, 2);
        if (!last)
            wasm_v128_store32_lane(KQ_NAME(slot)(m, 4 * v + 3, sight), value, 3);
    }
}
