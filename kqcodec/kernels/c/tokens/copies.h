/* Copies that the encoder of `tokens` may make: at each place the one that saves most. */
#ifndef KQ_TOKENS_COPIES_H
#define KQ_TOKENS_COPIES_H

#include "tokens/parse.h"

#ifndef KQ_DECODE_ONLY

static uint32_t kq_copy_hash(const uint16_t *at)
{
    uint32_t hash = 0;
    for (int i = 0; i < KQ_COPY_LEAST; i++)
        hash = hash * 0x2C1B3C6Du + at[i];
    return (hash * 0x9E3779B1u) >> (32 - KQ_HASH_BITS);
}

static uint32_t kq_same(const uint16_t *a, const uint16_t *b, size_t most)
{
    size_t length = 0;
    for (; length + 4 <= most && memcmp(a + length, b + length, 8) == 0; length += 4)
        ;
    while (length < most && a[length] == b[length])
        length++;
    return (uint32_t)length;
}

/* The best copy so far, at one place. */
typedef struct {
    uint32_t distance, length;
    int32_t saves; /* against plain tokens */
} kq_copy_found;

static void kq_try_copy(const kq_parse *p, size_t i, uint32_t distance, uint32_t least,
                        uint32_t cost, kq_copy_found *best)
{
    const uint16_t *at = p->plane + i;
    if (distance == 0 || distance > i ||
        at[best->length] != at[(ptrdiff_t)best->length - (ptrdiff_t)distance])
        return;
    const size_t left = p->labels - i, most = left < KQ_LONGEST ? left : KQ_LONGEST;
    const uint32_t length = kq_same(at, at - distance, most);
    const int32_t saves = (int32_t)(p->plain_cost[i + length] - p->plain_cost[i] - cost);
    if (length >= least && saves > best->saves)
        *best = (kq_copy_found){distance, length, saves};
}

/* Finds at each place the copy that saves most: first with the displacements of the copies on
 * the left and above, then where the same six labels were before. Where nothing is found
 * for long, fewer places are looked at. Returns 0 without memory. */
static int kq_find_copies(kq_parse *p)
{
    uint32_t *head = KQ_MALLOC(sizeof *head << KQ_HASH_BITS);
    uint32_t *chain = (uint32_t *)p->best; /* which isn't in use yet */
    uint32_t missed = 0;
    size_t next = 0;
    if (!head)
        return 0;
    memset(head, 0xFF, sizeof *head << KQ_HASH_BITS);
    memset(p->copy_length, 0, p->labels * sizeof *p->copy_length);
    memset(p->copy_distance, 0, p->labels * sizeof *p->copy_distance);
    for (size_t i = 0; i + 8 < p->labels; i++) {
        if (p->run_w[i] >= 16 || p->run_n[i] >= 16)
            continue;
        const uint32_t hash = kq_copy_hash(p->plane + i);
        const uint32_t left = i ? p->copy_distance[i - 1] : 0;
        const uint32_t above = i >= p->stride ? p->copy_distance[i - p->stride] : 0;
        kq_copy_found best = {0, 0, 0};
        if (left && p->copy_length[i - 1] >= 96) {
            best = (kq_copy_found){left, p->copy_length[i - 1] - 1u, 0};
        } else {
            kq_try_copy(p, i, left, 4, 8 * KQ_BIT, &best);
            if (above != left)
                kq_try_copy(p, i, above, 4, 8 * KQ_BIT, &best);
            if (best.length < 32 && (i >= next || best.length)) {
                uint32_t from = head[hash];
                for (int n = 0; n < KQ_CHAIN && from != UINT32_MAX && i - from <= KQ_FARTHEST &&
                                best.length < 256;
                     n++, from = chain[from])
                    kq_try_copy(p, i, (uint32_t)(i - from), KQ_COPY_LEAST,
                                p->displacement_cost + 8 * KQ_BIT, &best);
                if (best.length == 0)
                    next = i + 1 + (++missed >> 7);
                else
                    missed = missed > 16 ? missed - 16 : 0;
            }
        }
        p->copy_distance[i] = best.length ? best.distance : 0;
        p->copy_length[i] = (uint16_t)best.length;
        chain[i] = head[hash];
        head[hash] = (uint32_t)i;
    }
    KQ_FREE(head);
    return 1;
}

#endif
#endif
