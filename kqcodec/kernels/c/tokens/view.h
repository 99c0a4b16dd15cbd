/* How a label's neighbours are looked at: included for labels of one byte and of two, with
 *   KQ_NAME(name)   the names of these functions
 *   KQ_LABEL        the type of labels
 */

/* 2 * pattern + 1 (front.h), and the label of a token for it. */
typedef struct {
    const KQ_LABEL *at;
    size_t stride;
} KQ_NAME(view);

/* `before` is W + 256 WW of labels of a byte: who has just written them has them at hand. */
KQ_INLINE void KQ_NAME(look)(KQ_NAME(view) *v, const KQ_LABEL *at, size_t stride, uint32_t before)
{
    (void)before;
    v->at = at;
    v->stride = stride;
}

/* Bits 0 to 4: those that compare with W. */
KQ_INLINE uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *at = v->at, *above = at - v->stride, w = at[-1];
    return 1u | (uint32_t)(at[-2] == w) << 1 | (uint32_t)(above[-1] == w) << 2 |
           (uint32_t)(above[0] == w) << 3 | (uint32_t)(above[1] == w) << 4;
}

/* Bits 5 to 7: those that compare with N. */
KQ_INLINE uint32_t KQ_NAME(above)(const KQ_LABEL *at, size_t stride)
{
    const KQ_LABEL *above = at - stride, n = above[0];
    return (uint32_t)(above[-1] == n) << 5 | (uint32_t)(above[1] == n) << 6 |
           (uint32_t)(at[-(ptrdiff_t)(2 * stride)] == n) << 7;
}

KQ_INLINE uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    return KQ_NAME(beside)(v) | KQ_NAME(above)(v->at, v->stride);
}

/* The label of the neighbour of that token times eight; any for an escape. */
KQ_INLINE uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    const ptrdiff_t stride = (ptrdiff_t)v->stride;
    const ptrdiff_t places[8] = {-1, -2, -stride - 1, -stride, -stride + 1, -2 * stride, -1, -1};
    return v->at[places[token8 >> 3]];
}

/* How many labels from `above` on are `label`, at most `most`; writes as many at `out`. */
KQ_INLINE size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    size_t length = 0;
    while (length < most && above[length] == label)
        out[length++] = label;
    return length;
}
