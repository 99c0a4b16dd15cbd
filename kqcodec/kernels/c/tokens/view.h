/* A label's neighbours, for labels of one byte and of two, on any machine. Included with
 *   KQ_NAME(name)   the names of these functions
 *   KQ_LABEL        the type of labels
 */

/* By the tokens' numbers. */
typedef struct {
    KQ_LABEL labels[8];
} KQ_NAME(view);

/* `before` is W, and above its bits WW; `near` are NW, N, NE and NN. */
KQ_INLINE void KQ_NAME(look)(KQ_NAME(view) *v, uint32_t before, const KQ_LABEL *near)
{
    v->labels[KQ_TOKEN_W] = (KQ_LABEL)before;
    v->labels[KQ_TOKEN_WW] = (KQ_LABEL)(before >> 8 * sizeof(KQ_LABEL));
    memcpy(v->labels + KQ_TOKEN_NW, near, 4 * sizeof *near);
    v->labels[KQ_TOKEN_ESCAPE] = 0;
}

/* Bits 0 to 4 of twice the pattern (front.h) and 1: those that compare with W. */
KQ_INLINE uint32_t KQ_NAME(beside)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, w = l[KQ_TOKEN_W];
    return 1u | (uint32_t)(l[KQ_TOKEN_WW] == w) << 1 | (uint32_t)(l[KQ_TOKEN_NW] == w) << 2 |
           (uint32_t)(l[KQ_TOKEN_N] == w) << 3 | (uint32_t)(l[KQ_TOKEN_NE] == w) << 4;
}

/* All of it. */
KQ_INLINE uint32_t KQ_NAME(pattern)(const KQ_NAME(view) *v)
{
    const KQ_LABEL *l = v->labels, n = l[KQ_TOKEN_N];
    return KQ_NAME(beside)(v) | (uint32_t)(l[KQ_TOKEN_NW] == n) << 5 |
           (uint32_t)(l[KQ_TOKEN_NE] == n) << 6 | (uint32_t)(l[KQ_TOKEN_NN] == n) << 7;
}

/* The label of the neighbour of that token times eight; 0 for an escape. */
KQ_INLINE uint32_t KQ_NAME(neighbor)(const KQ_NAME(view) *v, uint32_t token8)
{
    return v->labels[token8 >> 3 & 7];
}

/* How many labels from `above` on are `label`, at most `most`; writes as many at `out`. */
KQ_INLINE size_t KQ_NAME(flat)(const KQ_LABEL *above, KQ_LABEL *out, KQ_LABEL label, size_t most)
{
    size_t length = 0;
    while (length < most && above[length] == label)
        out[length++] = label;
    return length;
}
