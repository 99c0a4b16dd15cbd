/* Tiles of one stream, with runs and copies. Included as view.h is. */

/* Copies `count` labels that stand `distance` before `to`, in order, so that a copy may
 * repeat what it has just written; up to 31 more may be written. */
KQ_FUNCTION void KQ_NAME(copy)(KQ_LABEL *to, size_t distance, size_t count)
{
    enum { STEP = 32 / sizeof(KQ_LABEL) };
    if (distance < STEP) {
        for (size_t i = 0; i < count; i++)
            to[i] = to[(ptrdiff_t)i - (ptrdiff_t)distance];
        return;
    }
    for (size_t i = 0; i < count; i += STEP)
        memcpy(to + i, to + i - distance, 32);
}

/* Decodes the labels of a plane from a stream; `kept` are zeros, one for eight labels. Returns
 * 0 unless the stream, from `in` to `end`, is valid. */
KQ_FUNCTION int KQ_NAME(stream)(const kq_tokens *t, KQ_LABEL *plane, size_t labels, size_t width,
                                const uint8_t *in, const uint8_t *end, uint32_t *kept)
{
    const size_t stride = width < 2 ? 2 : width;
    const uint16_t *contexts = t->contexts;
    KQ_LABEL *at = plane, *const stop = plane + labels;
    uint32_t before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    uint64_t last = 0; /* displacement */
    const size_t all = 8 * (size_t)(end - in);
    kq_bits stream = {in, 0};
    uint32_t state = kq_bits_take(&stream, (uint32_t)t->front.state_bits);
    while (at < stop) {
        const KQ_LABEL w = (KQ_LABEL)before, *above = at - stride;
        const KQ_LABEL near[4] = {above[-1], above[0], above[1], at[-(ptrdiff_t)(2 * stride)]};
        KQ_NAME(view) view;
        KQ_NAME(look)(&view, before, near);
        uint64_t bits = kq_bits_ahead(&stream);
        const uint16_t *escapes = t->escapes + KQ_NAME(escape_table)(t, w, near[1]);
        const uint32_t entry = t->states[contexts[KQ_NAME(pattern)(&view)] + state];
        const uint32_t taken = entry >> 8 & 255, token8 = entry & 255;
        state = (entry >> 16) + ((uint32_t)bits & ((1u << taken) - 1));
        bits >>= taken;
        stream.position += taken;
        contexts = t->contexts;
        if (stream.position > all)
            return 0;
        if (token8 <= 8 * KQ_TOKEN_ESCAPE) {
            const uint32_t neighbor = 0 - (uint32_t)(token8 < 8 * KQ_TOKEN_ESCAPE);
            const uint32_t escape = escapes[bits & t->escape_mask] & ~neighbor;
            uint32_t label = KQ_NAME(neighbor)(&view, token8) | (escape & 255);
            stream.position += escape >> 8;
            if (sizeof(KQ_LABEL) > 1 && !neighbor)
                label = label << t->low_bits | kq_bits_take(&stream, (uint32_t)t->low_bits);
            *at++ = (KQ_LABEL)label;
            before = before << 8 * sizeof(KQ_LABEL) | label;
            continue;
        }
        const size_t left = (size_t)(stop - at), place = (size_t)(at - plane);
        size_t length;
        if (token8 == 8 * KQ_TOKEN_FLAT) {
            length = KQ_NAME(flat)(at - stride + 1, at, w, left < stride - 1 ? left : stride - 1);
            if (length == 0)
                return 0;
            at += length;
        } else {
            size_t distance = stride, code = KQ_VALUE_COPY;
            if (token8 == 8 * KQ_TOKEN_RUN_W) {
                code = KQ_VALUE_RUN_W;
                distance = 1;
            } else if (token8 == 8 * KQ_TOKEN_RUN_N) {
                code = KQ_VALUE_RUN_N;
            } else {
                if (token8 == 8 * KQ_TOKEN_COPY) {
                    /* Rows upwards, and columns: 0, -1, 1, -2, 2 .. to the left. */
                    const uint64_t rows = kq_value_take(&stream, t->values[KQ_VALUE_ROWS]);
                    const uint64_t columns = kq_value_take(&stream, t->values[KQ_VALUE_COLUMNS]);
                    last = rows * width + (columns >> 1 ^ (0 - (columns & 1)));
                } else if (token8 == 8 * KQ_TOKEN_COPY_ABOVE && place >= stride &&
                           kept[(place - stride) >> 3]) {
                    last = kept[(place - stride) >> 3];
                }
                if (last == 0 || last > place)
                    return 0;
                distance = (size_t)last;
            }
            length = (size_t)kq_value_take(&stream, t->values[code]) + 1;
            if (length > left || stream.position > all)
                return 0;
            KQ_NAME(copy)(at, distance, length);
            at += length;
            if (code == KQ_VALUE_COPY)
                for (size_t i = place >> 3; i <= (place + length - 1) >> 3; i++)
                    kept[i] = (uint32_t)distance;
            contexts = t->contexts + 2 * KQ_PATTERNS * (code + 1);
        }
        before = at[-1] | (uint32_t)at[-2] << 8 * sizeof(KQ_LABEL);
    }
    return state == 0 && kq_bits_done(&stream, end);
}
