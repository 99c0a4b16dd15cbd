/* A label that is coded from the frame before (spec/kq.md, section 19): what stood at its place
 * and around it, on all sides, is known; and of this frame what is before it and, in blocks that
 * stayed or moved, behind it. Included by context.h after steps.h, once for plain C and once for
 * AVX2.
 */

/* Which of eight neighbours are as in the frame before: W, N, NW, NE, WW, NN, NEE, NWW. */
KQ_FUNCTION uint32_t KQ_NAME(same_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *pn = p - stride;
    return (uint32_t)(at[-1] == p[-1]) | (uint32_t)(n[0] == pn[0]) << 1 |
           (uint32_t)(n[-1] == pn[-1]) << 2 | (uint32_t)(n[1] == pn[1]) << 3 |
           (uint32_t)(at[-2] == p[-2]) << 4 | (uint32_t)(n[-stride] == pn[-stride]) << 5 |
           (uint32_t)(n[2] == pn[2]) << 6 | (uint32_t)(n[-2] == pn[-2]) << 7;
}

/* Of the label that stood here, which of those around it are equal, 16 pairs. */
KQ_FUNCTION uint32_t KQ_NAME(equal_before)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *n = at - stride, *s = at + stride;
    const uint32_t was = at[0], e = at[1], w = at[-1];
    return (uint32_t)(was == w) | (uint32_t)(was == n[0]) << 1 | (uint32_t)(was == n[-1]) << 2 |
           (uint32_t)(was == n[1]) << 3 | (uint32_t)(was == e) << 4 | (uint32_t)(was == s[0]) << 5 |
           (uint32_t)(was == s[1]) << 6 | (uint32_t)(was == s[-1]) << 7 |
           (uint32_t)(e == s[0]) << 8 | (uint32_t)(was == p[-1]) << 9 |
           (uint32_t)(was == p[-stride]) << 10 | (uint32_t)(w == s[-1]) << 11 |
           (uint32_t)(n[1] == e) << 12 | (uint32_t)(e == w) << 13 | (uint32_t)(s[0] == w) << 14 |
           (uint32_t)(s[0] == n[0]) << 15;
}

/* Of labels without colours, what is farther from the one that stood here: 12 pairs more. */
KQ_FUNCTION uint32_t KQ_NAME(equal_farther)(const uint16_t *at, const uint16_t *p, ptrdiff_t stride)
{
    const uint16_t *s = at + stride, *ss = s + stride;
    const uint32_t was = at[0], ee = at[2], w = at[-1];
    return (uint32_t)(was == ee) | (uint32_t)(was == ss[0]) << 1 | (uint32_t)(ee == w) << 2 |
           (uint32_t)(ee == at[2 - stride]) << 3 | (uint32_t)(at[1] == ee) << 4 |
           (uint32_t)(s[0] == ss[0]) << 5 | (uint32_t)(p[-1] == w) << 6 |
           (uint32_t)(was == ss[1]) << 7 | (uint32_t)(was == ss[-1]) << 8 |
           (uint32_t)(was == s[2]) << 9 | (uint32_t)(was == s[-2]) << 10 |
           (uint32_t)(was == at[3]) << 11;
}

/* The label that stood here, is asked for by a counter alone where all around looks unchanged;
 * returns whether it stayed. */
KQ_FUNCTION int KQ_NAME(ask_still)(kq_context *m, size_t at, uint32_t same, int bit)
{
    kq_sequence *s = m->sequence;
    const uint16_t *here = m->plane.labels + at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *n = here - stride, *below = here + stride;
    const uint32_t was = here[0], age = kq_log(s->age[at]);
    uint32_t equal = (uint32_t)(was == here[-1]) | (uint32_t)(was == n[0]) << 1 |
                     (uint32_t)(was == here[1]) << 2 | (uint32_t)(was == below[0]) << 3 |
                     (uint32_t)(was == below[1]) << 4 | (uint32_t)(was == n[1]) << 5 |
                     (uint32_t)(was == below[-1]) << 6;
    equal |= (same >> 6) << 7 | age << 9 | (uint32_t)(m->match_length > 15) << 12 |
             (uint32_t)(m->match_length > 0) << 13;
    return KQ_NAME(simple)(m, s->still + equal, bit);
}

/* Looks for a match, where there is none: by the displacement that was right in this column, and
 * where the same surroundings were last, in this frame or the one before. */
KQ_FUNCTION void KQ_NAME(match_later)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return;
    const uint32_t *f = m->around.feature;
    const ptrdiff_t size = (ptrdiff_t)m->sequence->size, stride = (ptrdiff_t)m->plane.stride;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = kq_frame_behind(m, at), displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at && displaced >= KQ_ABOVE * stride - size &&
            displaced < size - KQ_MARGIN && KQ_NAME(same_around)(&m->plane, displaced, f, 7)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && *place != at) {
            ptrdiff_t z = (ptrdiff_t)*place;
            if (!KQ_NAME(same_around)(&m->plane, z, f, 7))
                z -= size;
            if (KQ_NAME(same_around)(&m->plane, z, f, 7)) {
                m->match_at = z;
                m->match_length = 1;
            }
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

/* The contexts of a label and what is around it in both frames, and its marks. */
KQ_FUNCTION void KQ_NAME(contexts_later)(kq_context *m, size_t at, uint32_t same)
{
    const kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *here = m->plane.labels + at, *p = here - s->size;
    uint32_t *h = m->hashes;
    KQ_NAME(view) view;
    KQ_NAME(look)(&view, here, stride);
    KQ_NAME(neighbours)(&view);
    KQ_NAME(survey)(&view, &m->around);
    KQ_NAME(predict)(&m->plane, &m->around, 0);
    const uint32_t hash =
        KQ_NAME(hash)(&view, &m->around, &m->plane, KQ_LATER_SHARED + 1, m->place_bits, h);
    KQ_NAME(match_later)(m, at, hash);
    const uint32_t equal = KQ_NAME(equal_before)(here, p, stride);
#define KQ_AROUND(kind) ((m->around.feature[kind] + 1) * kq_multipliers[kind])
    const uint32_t was = KQ_TERM(KQ_P, (uint32_t)here[0]),
                   right = KQ_TERM(KQ_PE, (uint32_t)here[1]), w = KQ_AROUND(KQ_W),
                   n = KQ_AROUND(KQ_N);
    h[7] = KQ_TERM(KQ_SAME_EQUAL, same | equal << 8);
    h[8] = KQ_TERM(KQ_Q, (uint32_t)s->replaced[at]) + was + w;
    h[9] = n + was + right;
    h[10] = w + n + KQ_AROUND(KQ_NW) + was + right + KQ_TERM(KQ_PS, (uint32_t)here[stride]);
    h[11] = KQ_AROUND(KQ_EQUAL22) + KQ_TERM(KQ_SAME, same << 4 | (equal & 3) | (equal >> 2 & 12));
    h[12] = KQ_TERM(KQ_MATCHED, (uint32_t)(m->expected + 1)) + was;
    h[13] = KQ_AROUND(KQ_MEDIAN) + was;
    h[14] = m->plane.colorless ? KQ_TERM(KQ_FARTHER, KQ_NAME(equal_farther)(here, p, stride)) +
                                     KQ_TERM(KQ_SAME_EQUAL, equal)
                               : n + KQ_AROUND(KQ_NN) + KQ_AROUND(KQ_NNN);
    h[15] = 0;
#undef KQ_AROUND
    m->marks[1] = (same & 15) | (equal & 3) << 4;
    m->marks[0] = m->marks[1] | (m->around.equal >> 7 & 3) << 6;
    m->marks[2] = (equal >> 4 & 63) | kq_log(s->age[at]) << 6;
}

/* The label at a place, from the frame before; `known` is what it is known not to be, -1 for
 * nothing. */
KQ_FUNCTION uint32_t KQ_NAME(label_later)(kq_context *m, int lanes, int sets, size_t at,
                                          uint32_t same, uint32_t label, int32_t known)
{
    KQ_NAME(contexts_later)(m, at, same);
    if (known >= 0 && m->expected == known)
        m->expected = -1;
    uint32_t *f = m->around.feature;
    const int32_t was = m->plane.labels[at], w = (int32_t)f[KQ_W];
    const int was_first = (same & 3) == 3; /* W and N are what they were */
    const int32_t names[7] = {was_first ? was : w, was_first ? w : was, (int32_t)f[KQ_N],
                              (int32_t)f[KQ_NE],   (int32_t)f[KQ_NEE],  (int32_t)f[KQ_NW],
                              (int32_t)f[KQ_WW]};
    const int candidates = m->plane.colorless ? 7 : 2;
    const uint32_t most = m->plane.colorless ? KQ_MOST_NAMES : 2;
    int32_t refused[KQ_MOST_NAMES] = {known, -1, -1};
    uint32_t count = known >= 0, lines = 0; /* of which group lines are looked up, 0 for none */
    for (int i = 0; i < candidates && count < most && count + 1 < m->plane.k; i++) {
        if (names[i] == refused[0] || names[i] == refused[1])
            continue;
        /* 0 what was here, 1 W, 2 another */
        const uint32_t kind = i > 1 ? 2 : (uint32_t)(i == was_first), group = kind == 1 ? 1 : 2;
        if (lines != group)
            KQ_NAME(lines)(m, lanes, group);
        lines = group;
        if (KQ_NAME(ask)(m, lanes, sets, label, (uint32_t)names[i], kind == 2 ? count : 0, kind))
            return (uint32_t)names[i];
        refused[count++] = names[i];
    }
    if (lines != 1)
        KQ_NAME(lines)(m, lanes, 1);
    f[KQ_MEAN] = (uint32_t)was; /* in its place */
    return KQ_NAME(search)(m, lanes, sets, label, refused);
}

/* The labels of a row from column `from` to `to`; `truth` has the row's labels, where they are
 * known. */
KQ_FUNCTION void KQ_NAME(run_later)(kq_context *m, int lanes, int sets, size_t row, size_t from,
                                    size_t to, const uint16_t *truth)
{
    kq_sequence *s = m->sequence;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    uint16_t *labels = m->plane.labels;
    KQ_NAME(match_begin_row)(m, row); /* as if one began here */
    for (size_t x = from; x < to; x++) {
        const size_t at = row + x;
        uint16_t *here = labels + at;
        const uint32_t label = truth ? truth[x] : 0;
        const uint32_t same = KQ_NAME(same_before)(here, here - s->size, stride);
        int32_t known = -1;
        if ((same & 63) == 63 && (m->match_length == 0 || labels[m->match_at] == here[0])) {
            if (KQ_NAME(ask_still)(m, at, same, label == here[0])) {
                m->match_at += m->match_length != 0;
                continue;
            }
            known = here[0];
        }
        const uint32_t found = KQ_NAME(label_later)(m, lanes, sets, at, same, label, known);
        KQ_NAME(match_follow)(m, at, found);
        *here = (uint16_t)found;
    }
}

/* --- blocks ------------------------------------------------------------------ */

/* A byte by counters of its own. */
KQ_FUNCTION uint32_t KQ_NAME(byte)(kq_context *m, uint32_t *counters, uint32_t value)
{
    uint32_t node = 1;
    for (int i = 7; i >= 0; i--)
        node = node << 1 | (uint32_t)KQ_NAME(simple)(m, counters + node, value >> i & 1);
    return node & 255;
}

KQ_FUNCTION int32_t KQ_NAME(signed_number)(kq_context *m, uint32_t (*counters)[256], int32_t value)
{
    uint32_t number = (uint32_t)(value + 32768);
    uint32_t high = KQ_NAME(byte)(m, counters[0], number >> 8 & 255);
    uint32_t low = KQ_NAME(byte)(m, counters[1], number & 255);
    return (int32_t)(high << 8 | low) - 32768;
}

/* Where blocks come from. */
KQ_FUNCTION void KQ_NAME(moves)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    int count = 0;
    while (count < KQ_MOST_MOVES && KQ_NAME(simple)(m, s->more + count, count < s->move_count)) {
        kq_frame_move *move = s->moves + count++;
        move->from = (int)KQ_NAME(byte)(m, s->numbers[0], (uint32_t)move->from);
        move->dx = KQ_NAME(signed_number)(m, s->numbers + 1, move->dx);
        move->dy = KQ_NAME(signed_number)(m, s->numbers + 3, move->dy);
    }
    s->move_count = count;
}

/* Which blocks changed, row by row, and how. */
KQ_FUNCTION void KQ_NAME(blocks)(kq_context *m)
{
    kq_sequence *s = m->sequence;
    const size_t wide = s->blocks_wide, high = s->blocks_high;
    int above = 0; /* whether the row above has changed blocks */
    for (size_t y = 0; y < high; y++) {
        uint8_t *row = s->blocks + y * wide;
        const uint8_t *last = s->last_blocks + y * wide, *up = row - wide;
        int any = 0, was = 0, will = 0;
        for (size_t x = 0; x < wide; x++) {
            any |= row[x] != 0;
            was |= last[x] != 0;
            will |= y + 1 < high && last[x + wide] != 0;
        }
        any = KQ_NAME(simple)(m, s->rows + (was | above << 1 | will << 2), any);
        for (size_t x = 0; x < wide; x++) {
            if (!any) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            const int w = x > 0, e = x + 1 < wide, n = y > 0;
            const uint32_t around =
                (uint32_t)(w && row[x - 1]) | (uint32_t)(n && up[x]) << 1 |
                (uint32_t)(n && e && up[x + 1]) << 2 | (uint32_t)(n && w && up[x - 1]) << 3 |
                (uint32_t)(last[x] != 0) << 4 | (uint32_t)(e && last[x + 1]) << 5 |
                (uint32_t)(y + 1 < high && last[x + wide]) << 6 |
                (uint32_t)(x > 1 && row[x - 2]) << 7 | (uint32_t)(w && last[x - 1]) << 8 |
                (uint32_t)above << 9;
            const int is = row[x];
            if (!KQ_NAME(simple)(m, s->changed + around, is != 0)) {
                row[x] = KQ_UNCHANGED;
                continue;
            }
            int found = KQ_CODED;
            for (int v = 0; v < s->move_count && found == KQ_CODED; v++) {
                const int by = KQ_MOVED + v;
                const uint32_t number = (uint32_t)(w && row[x - 1] == by) |
                                        (uint32_t)(n && up[x] == by) << 1 |
                                        (uint32_t)(w && row[x - 1] == KQ_CODED) << 2 |
                                        (uint32_t)(n && up[x] == KQ_CODED) << 3;
                if (KQ_NAME(simple)(m, s->moved + (number * KQ_MOST_MOVES + (uint32_t)v), is == by))
                    found = by;
            }
            row[x] = (uint8_t)found;
        }
        above = any;
    }
}

/* Begins with a frame that is told from the frame before: which blocks changed, and those that
 * moved. Returns the labels that are coded, and a sixteenth of those that moved; -1 if a block
 * would come from outside. */
KQ_FUNCTION long long KQ_NAME(frame)(kq_context *m)
{
    KQ_NAME(moves)(m);
    KQ_NAME(blocks)(m);
    const long long moved = kq_move_blocks(m);
    return moved < 0 ? -1 : kq_coded_labels(m) + moved / 16;
}

/* The coded labels of some rows, from `from` to before `to`; `truth`, where it is known, has the
 * labels of all, their rows as far from each other as the plane's. */
KQ_FUNCTION void KQ_NAME(rows_later)(kq_context *m, int lanes, int sets, const uint16_t *truth,
                                     size_t from, size_t to)
{
    const kq_sequence *s = m->sequence;
    for (size_t y = from; y < to; y++) {
        const uint8_t *blocks = s->blocks + y / KQ_FRAME_BLOCK * s->blocks_wide;
        const size_t row = (y + KQ_ABOVE) * m->plane.stride + KQ_MARGIN;
        int any = 0;
        for (size_t b = 0; b < s->blocks_wide; b++) {
            if (blocks[b] != KQ_CODED)
                continue;
            const size_t first = b;
            while (b + 1 < s->blocks_wide && blocks[b + 1] == KQ_CODED)
                b++;
            KQ_NAME(run_later)(m, lanes, sets, row, first * KQ_FRAME_BLOCK,
                               kq_smaller((b + 1) * KQ_FRAME_BLOCK, m->plane.width),
                               truth ? truth + y * m->plane.stride : NULL);
            any = 1;
        }
        if (any)
            kq_frame_margins(m, y);
#ifndef KQ_DECODE_ONLY
        if (m->encoder && kq_range_full(m->encoder))
            return;
#endif
    }
}
