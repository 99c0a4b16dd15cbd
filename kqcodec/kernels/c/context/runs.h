/* Runs of the coder `context` (spec/kq.md, section 16): many labels that look sure, by one
 * decision. Included by context.h after steps.h's `simple`, once for plain C and once for AVX2.
 */

/* How many labels of a run of `most` are as they look: all, or where halving finds the first
 * that isn't. `whole` and `ends` are counters, `n` the answer where it is known. */
KQ_FUNCTION size_t KQ_NAME(run_length)(kq_context *m, uint32_t *whole, uint32_t *ends, size_t most,
                                       size_t n)
{
    if (KQ_NAME(simple)(m, whole, n == most))
        return most;
    size_t low = 0, high = most; /* the first is in low .. high - 1 */
    while (high - low > 1) {
        size_t half = low + (high - low) / 2;
        uint32_t row =
            kq_log((uint32_t)(high - low)) + (low == 0 ? 16 : 0) + (high == most ? 32 : 0);
        if (KQ_NAME(simple)(m, ends + row, n >= half))
            low = half;
        else
            high = half;
    }
    return low;
}

/* Codes the labels that are those of a match of some length, while the rows above are the same
 * in both places; of a long match one where they aren't, but not by the large model. Returns
 * how many there are, and in `most` how many there could have been. */
KQ_FUNCTION size_t KQ_NAME(matched_run)(kq_context *m, int lanes, uint16_t *at, size_t left,
                                        size_t *most)
{
    const uint16_t *z = m->plane.labels + m->match_at;
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const size_t apart = (size_t)(at - z);
    *most = KQ_NAME(alike_ahead)(at, z, stride, left < apart ? left : apart);
    uint32_t *whole;
    if (*most) {
        uint32_t length = kq_log(m->match_length / 8);
        whole = m->alike + (kq_log((uint32_t)*most) | (length < 7 ? length : 7) << 4);
    } else {
        const uint16_t *n = at - stride, *above = z - stride;
        if (KQ_HAS_HISTORIES(lanes) || m->match_length < KQ_LONG_MATCH)
            return 0;
        whole = m->unlike + ((uint32_t)(n[0] == above[0]) | (uint32_t)(n[-1] == above[-1]) << 1 |
                             (uint32_t)(n[1] == above[1]) << 2 | (uint32_t)(z[0] == at[-1]) << 3 |
                             (uint32_t)(z[0] == n[0]) << 4 | (uint32_t)(z[0] == n[1]) << 5 |
                             (uint32_t)(m->match_length >= 256) << 6);
        if (*whole < KQ_SURE)
            return 0;
        *most = 1;
    }
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == z[n])
        n++;
    n = KQ_NAME(run_length)(m, whole, m->ends[1], *most, n);
    if (m->decoder)
        memcpy(at, z, n * sizeof *at);
    for (size_t i = 0; i < n; i++)
        m->displaced[(size_t)(at - m->plane.labels) - m->row_at + i] = (uint32_t)apart;
    m->match_at += (ptrdiff_t)n;
    m->match_length += (uint32_t)n;
    return n;
}

/* Codes the labels that are w where the surroundings stay flat, which they are at the first. */
KQ_FUNCTION size_t KQ_NAME(flat_run)(kq_context *m, uint16_t *at, uint32_t w, size_t left,
                                     size_t *most)
{
    const ptrdiff_t stride = (ptrdiff_t)m->plane.stride;
    const uint16_t *right = at - stride + 1, *above = at - 2 * stride, *expected = above;
    if (m->match_length) {
        expected = m->plane.labels + m->match_at;
        const size_t apart = (size_t)(at - expected);
        left = left < apart ? left : apart;
    }
    *most = KQ_NAME(flat_ahead)(right, above, expected, w, left);
    uint32_t end = 0; /* what ends it */
    if (*most < left)
        end = (uint32_t)(right[*most] != w) | (uint32_t)(above[*most] != w) << 1;
    uint32_t held = m->match_length == 0   ? 0
                    : m->match_length < 16 ? 1
                    : m->match_length < 32 ? 2
                                           : 3;
    size_t n = 0;
    while (!m->decoder && n < *most && at[n] == w)
        n++;
    n = KQ_NAME(run_length)(m, m->flat + (kq_log((uint32_t)*most) | end << 4 | held << 6),
                            m->ends[0], *most, n);
    for (size_t i = 0; m->decoder && i < n; i++)
        at[i] = (uint16_t)w;
    if (m->match_length)
        m->match_at += (ptrdiff_t)n;
    return n;
}
