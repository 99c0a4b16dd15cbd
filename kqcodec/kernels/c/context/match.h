/* The match of the coder `context` (spec/kq.md, section 16): it supposes that the labels
 * go on as they went on elsewhere. After lpaq's match model, in two dimensions: besides the
 * place where the same surroundings were last, it tries the displacement that was right in
 * the same column, since repeated pictures go on downwards, too. Included by context.h after
 * view.h, once for plain C and once for AVX2.
 */
/* Of the `count` neighbours that a place has in common with the present one: N, NE, NN,
 * then W, NW, WW and NEE. */
KQ_FUNCTION int KQ_NAME(same_around)(const kq_plane *plane, ptrdiff_t place, const uint32_t *f,
                                     int count)
{
    const uint16_t *z = plane->labels + place, *n = z - plane->stride;
    if (n[0] != f[KQ_N] || n[1] != f[KQ_NE] || *(n - plane->stride) != f[KQ_NN])
        return 0;
    return count == 3 ||
           (z[-1] == f[KQ_W] && n[-1] == f[KQ_NW] && z[-2] == f[KQ_WW] && n[2] == f[KQ_NEE]);
}

/* At the first label of a row, there is none. */
KQ_FUNCTION void KQ_NAME(match_begin_row)(kq_context *m, size_t at)
{
    m->match_length = 0;
    m->match_at = 0;
    m->row_at = at;
}

/* Looks for a match, where there is none, and says what is expected; `hash` is that of
 * eleven neighbours. */
KQ_FUNCTION void KQ_NAME(match_find)(kq_context *m, size_t at, uint32_t hash)
{
    if (m->place_bits == 0)
        return; /* this tile does without */
    const uint32_t *f = m->around.feature;
    uint32_t *place = m->places + (kq_scramble(hash) >> (32 - m->place_bits));
    if (m->match_length == 0) {
        const ptrdiff_t behind = (ptrdiff_t)m->displaced[at - m->row_at],
                        displaced = (ptrdiff_t)at - behind;
        if (behind && displaced != m->match_at && /* which was wrong only now */
            KQ_NAME(same_around)(&m->plane, displaced, f, 3)) {
            m->match_at = displaced;
            m->match_length = 1;
        } else if (*place && KQ_NAME(same_around)(&m->plane, (ptrdiff_t)*place, f, 7)) {
            m->match_at = (ptrdiff_t)*place;
            m->match_length = 1;
        }
    }
    *place = (uint32_t)at;
    m->expected = m->match_length ? m->plane.labels[m->match_at] : -1;
}

/* After a label is known that wasn't one of a run. */
KQ_FUNCTION void KQ_NAME(match_follow)(kq_context *m, size_t at, uint32_t label)
{
    if (m->match_length == 0)
        return;
    if (m->plane.labels[m->match_at] != label)
        m->match_length = 0;
    else {
        m->match_length++;
        m->displaced[at - m->row_at] = (uint32_t)((ptrdiff_t)at - m->match_at);
    }
    m->match_at++;
}

/* How long the match has held, as a number below KQ_MATCH_ROWS. */
KQ_FUNCTION uint32_t KQ_NAME(match_number)(const kq_context *m)
{
    uint32_t bits = kq_log(m->match_length);
    return bits < KQ_MATCH_ROWS ? bits : KQ_MATCH_ROWS - 1;
}
