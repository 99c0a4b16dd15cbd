/* The few centres nearest to a place. */
#ifndef KQ_SEARCH_NEIGHBORS_H
#define KQ_SEARCH_NEIGHBORS_H

#include "search/nearest.h"

static int32_t kq_squared(const int16_t *a, const int16_t *b)
{
    int32_t sum = 0;
    for (int c = 0; c < KQ_CHANNELS; c++) {
        int32_t d = a[c] - b[c];
        sum = kq_plus32(sum, kq_times32(d, d));
    }
    return sum;
}

#define KQ_MOST_NEAR 64

/* Writes the `count` (1..KQ_MOST_NEAR) of k centres (k x 4) that are nearest to a place (4) to
 * `found`, the nearest first, of equals the lowest first. Returns how many there were: k, if
 * that is less than `count`. */
static size_t kq_near(const int16_t *centers, size_t k, const int16_t *place, size_t count,
                      uint16_t *found)
{
    int32_t distances[KQ_MOST_NEAR];
    size_t filled = 0;
    for (size_t j = 0; j < k; j++) {
        int32_t distance = kq_squared(centers + j * KQ_CHANNELS, place);
        if (filled == count && distance >= distances[count - 1])
            continue;
        size_t at = filled < count ? filled++ : count - 1;
        for (; at > 0 && distances[at - 1] > distance; at--) {
            distances[at] = distances[at - 1];
            found[at] = found[at - 1];
        }
        distances[at] = distance;
        found[at] = (uint16_t)j;
    }
    return filled;
}

#endif
