/* The tree of colours (spec/kq.md, section 16): the palette, halved again and again
 * along its widest channel, as Heckbert's median cut does ("Color image quantization
 * for frame buffer display", SIGGRAPH 1982), so that a subtree is a region of colour.
 */
#ifndef KQ_CONTEXT_TREE_H
#define KQ_CONTEXT_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/* Sinks the key at a place of a heap to where none below it is larger. */
static inline void kq_tree_sink(uint64_t *keys, size_t at, size_t count)
{
    const uint64_t key = keys[at];
    for (size_t below; (below = 2 * at + 1) < count; at = below) {
        if (below + 1 < count && keys[below + 1] > keys[below])
            below++;
        if (keys[below] <= key)
            break;
        keys[at] = keys[below];
    }
    keys[at] = key;
}

/* Sorts keys, ascending. Heapsort (J. W. J. Williams, Communications of the ACM 7, 1964): no
 * memory, and no palette that makes it slow; twice as fast as the C library's qsort. */
static void kq_tree_sort_keys(uint64_t *keys, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        kq_tree_sink(keys, i, count);
    while (count-- > 1) {
        const uint64_t most = keys[0];
        keys[0] = keys[count];
        keys[count] = most;
        kq_tree_sink(keys, 0, count);
    }
}

/* The channel of the widest range, ranges counting 3, 4 and 2. */
static int kq_tree_channel(const uint8_t *colors, const uint64_t *keys, size_t count)
{
    static const int channels[3] = {1, 0, 2}, weights[3] = {4, 3, 2};
    int widest = -1, found = 1;
    for (int j = 0; j < 3; j++) {
        int least = 255, most = 0;
        for (size_t i = 0; i < count; i++) {
            int value = colors[3 * (keys[i] & 65535) + (size_t)channels[j]];
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
        if ((most - least) * weights[j] > widest) {
            widest = (most - least) * weights[j];
            found = channels[j];
        }
    }
    return found;
}

/* Sorts keys, whose lower 16 bits are entries, into the order of the tree. */
static void kq_tree_sort(const uint8_t *colors, uint64_t *keys, size_t count)
{
    while (count > 1) {
        size_t channel = (size_t)kq_tree_channel(colors, keys, count), half = (count + 1) / 2;
        for (size_t i = 0; i < count; i++) {
            uint64_t entry = keys[i] & 65535;
            const uint8_t *c = colors + 3 * entry;
            keys[i] = (uint64_t)c[channel] << 32 | (uint64_t)(c[0] + c[1] + c[2]) << 16 | entry;
        }
        kq_tree_sort_keys(keys, count);
        kq_tree_sort(colors, keys + half, count - half);
        count = half;
    }
}

/* Writes the entries of a palette, k x 3 bytes, 1 <= k <= 65536, in the order of the tree's
 * leaves: order[place] = entry. Returns 0 without memory. */
static int kq_tree_order(const uint8_t *colors, size_t k, uint16_t *order)
{
    uint64_t *keys = (uint64_t *)KQ_MALLOC(k * sizeof *keys);
    if (!keys)
        return 0;
    for (size_t i = 0; i < k; i++)
        keys[i] = i;
    kq_tree_sort(colors, keys, k);
    for (size_t i = 0; i < k; i++)
        order[i] = (uint16_t)keys[i];
    KQ_FREE(keys);
    return 1;
}

#endif
