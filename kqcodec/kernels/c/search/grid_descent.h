/* Descent on a grid: each centre tries the 26 places one step away, and takes
 * the one that lowers the cost the most, counting the points that it would win
 * and lose. Rounding the means to 8 bits would ignore those. Staying counts as
 * a move too: it lowers the cost where an earlier move left a member a nearer
 * neighbour.
 *
 * A point whose nearest centre can't change for any of the moves needs no look
 * at each: by d the vector of a move and v = point - centre,
 *
 *     |v - d|^2 = |v|^2 - 2 d v + |d|^2
 *
 * sums over such points from their number and the sum of their v.
 *
 * A neighbour's point needs no look either, where it is so near to its own centre
 * o that the one that moves, j, stays farther by the triangle's inequality:
 *
 *     |p - j'| >= |j - o| - |j' - j| - |p - o| >= |p - o|
 *     <=  2 |p - o| <= |j - o| - step * sqrt(3)
 */
#ifndef KQ_SEARCH_GRID_DESCENT_H
#define KQ_SEARCH_GRID_DESCENT_H

#include "search/neighbors.h"

#define KQ_MOVES 27 /* {-1, 0, 1}^3, numbered with the last channel fastest */
#define KQ_NOBODY UINT32_MAX

typedef struct {
    const int16_t *points;
    const int64_t *weights;
    size_t n, k, reach;
    int16_t *centers;
    uint16_t *labels;
    int32_t *distances;
    const uint16_t *neighbors; /* of each centre, `reach` others */
    uint8_t *active;
    int32_t step;
    uint32_t *first, *next, *previous; /* each cluster's points, a linked list */
    uint32_t *member;                  /* the points of one cluster ... */
    int32_t *rival_distance;           /* ... and who would have each without it */
    uint16_t *rival;
    kq_candidates *around; /* a cluster's neighbours ... */
    int32_t *far;          /* ... and what their points' distances exceed,
                            * where they may come */
    int avx2;
    int64_t fall;
    size_t moved;
} kq_nudging;

static void kq_link(kq_nudging *work, uint32_t i, size_t cluster)
{
    uint32_t head = work->first[cluster];
    work->next[i] = head;
    work->previous[i] = KQ_NOBODY;
    if (head != KQ_NOBODY)
        work->previous[head] = i;
    work->first[cluster] = i;
}

static void kq_unlink(kq_nudging *work, uint32_t i, size_t cluster)
{
    if (work->previous[i] == KQ_NOBODY)
        work->first[cluster] = work->next[i];
    else
        work->next[work->previous[i]] = work->next[i];
    if (work->next[i] != KQ_NOBODY)
        work->previous[work->next[i]] = work->previous[i];
}

static void kq_relabel(kq_nudging *work, uint32_t i, size_t to, int32_t distance)
{
    kq_unlink(work, i, work->labels[i]);
    work->labels[i] = (uint16_t)to;
    work->distances[i] = distance;
    kq_link(work, i, to);
}

/* change[m] += weight * (min(distance after move m, limit) - now) */
static void kq_weigh_moves(const int32_t *v, int32_t squared, int32_t step, int32_t limit,
                           int32_t now, int64_t weight, int64_t *change)
{
    int m = 0;
    int32_t unit = step * step;
    for (int x = -1; x <= 1; x++)
        for (int y = -1; y <= 1; y++) {
            int32_t xy = squared - 2 * step * (x * v[0] + y * v[1]) + unit * (x * x + y * y);
            for (int z = -1; z <= 1; z++, m++) {
                int32_t after = xy - 2 * step * z * v[2] + unit * z * z;
                int64_t more = (after < limit ? after : limit) - now;
                change[m] = kq_plus64(change[m], kq_times64(weight, more));
            }
        }
}

/* The largest integer whose square is at most x. */
static int32_t kq_root(int32_t x)
{
    int32_t root = 0;
    for (int32_t bit = 1 << 15; bit; bit >>= 1)
        if ((root + bit) <= 46340 && (root + bit) * (root + bit) <= x)
            root += bit;
    return root;
}

/* Who lives around cluster j, and how near to themselves their points are safe. */
static void kq_look_around(kq_nudging *work, size_t j)
{
    const int16_t *center = work->centers + j * KQ_CHANNELS;
    int32_t stride = kq_root(3 * work->step * work->step) + 1;
    work->around->count = 0;
    for (size_t r = 0; r < work->reach; r++) {
        uint16_t other = work->neighbors[j * work->reach + r];
        const int16_t *place = work->centers + (size_t)other * KQ_CHANNELS;
        int32_t gap = kq_root(kq_squared(place, center)) - stride;
        kq_candidates_add(work->around, place, other);
        work->far[r] = gap > 0 ? gap * gap / 4 : -1;
    }
    kq_candidates_pad(work->around);
}

/* Lists the members of cluster j, and who would have each without it; returns
 * their number. */
static size_t kq_list_rivals(kq_nudging *work, size_t j)
{
    kq_lanes lanes;
    size_t count = 0;
    for (uint32_t i = work->first[j]; i != KQ_NOBODY; i = work->next[i])
        work->member[count++] = i;
    for (size_t start = 0; start < count; start += KQ_POINTS) {
        size_t some = count - start < KQ_POINTS ? count - start : KQ_POINTS;
        for (size_t m = 0; m < KQ_POINTS; m++) {
            uint32_t i = work->member[start + (m < some ? m : 0)];
            memcpy(lanes.rg + m, work->points + (size_t)i * KQ_CHANNELS, 4);
            memcpy(lanes.ba + m, work->points + (size_t)i * KQ_CHANNELS + 2, 4);
        }
        kq_lanes_nearest(&lanes, work->around, work->avx2);
        memcpy(work->rival_distance + start, lanes.best, some * sizeof *lanes.best);
        for (size_t m = 0; m < some; m++)
            work->rival[start + m] = (uint16_t)lanes.label[m];
    }
    return count;
}

static void kq_weigh_members(const kq_nudging *work, size_t j, size_t count, int64_t *change)
{
    const int16_t *center = work->centers + j * KQ_CHANNELS;
    int64_t free_weight = 0, free_sum[3] = {0, 0, 0}, step = work->step;
    for (size_t m = 0; m < count; m++) {
        uint32_t i = work->member[m];
        const int16_t *point = work->points + (size_t)i * KQ_CHANNELS;
        int32_t limit = work->rival_distance[m], now = work->distances[i], v[3], highest = now;
        int64_t weight = work->weights[i];
        for (int c = 0; c < 3; c++) {
            v[c] = point[c] - center[c];
            highest += work->step * work->step + 2 * work->step * (v[c] < 0 ? -v[c] : v[c]);
        }
        if (highest <= limit) {
            free_weight = kq_plus64(free_weight, weight);
            for (int c = 0; c < 3; c++)
                free_sum[c] = kq_plus64(free_sum[c], kq_times64(weight, v[c]));
        } else {
            kq_weigh_moves(v, now, work->step, limit, now, weight, change);
        }
    }
    for (int m = 0; m < KQ_MOVES; m++) {
        int x = m / 9 - 1, y = m / 3 % 3 - 1, z = m % 3 - 1;
        int64_t along = kq_times64(x, free_sum[0]);
        along = kq_plus64(along, kq_times64(y, free_sum[1]));
        along = kq_plus64(along, kq_times64(z, free_sum[2]));
        int64_t longer = kq_times64(free_weight, step * step * (x * x + y * y + z * z));
        change[m] = kq_plus64(change[m], kq_minus64(longer, kq_times64(2 * step, along)));
    }
}

static void kq_weigh_others(const kq_nudging *work, size_t j, int64_t *change)
{
    const int16_t *center = work->centers + j * KQ_CHANNELS;
    int32_t step = work->step;
    for (size_t r = 0; r < work->reach; r++) {
        size_t other = work->neighbors[j * work->reach + r];
        for (uint32_t i = work->first[other]; i != KQ_NOBODY; i = work->next[i]) {
            int32_t now = work->distances[i], v[3];
            if (now <= work->far[r])
                continue;
            const int16_t *point = work->points + (size_t)i * KQ_CHANNELS;
            int32_t squared = kq_squared(point, center), lowest = squared;
            for (int c = 0; c < 3; c++) {
                v[c] = point[c] - center[c];
                int32_t nearer = 2 * step * (v[c] < 0 ? -v[c] : v[c]) - step * step;
                lowest -= nearer > 0 ? nearer : 0;
            }
            if (lowest < now)
                kq_weigh_moves(v, squared, step, now, now, work->weights[i], change);
        }
    }
}

/* The centre has moved: members leave for rivals that are nearer now, and
 * neighbours' points come. */
static void kq_settle(kq_nudging *work, size_t j, size_t count)
{
    const int16_t *center = work->centers + j * KQ_CHANNELS;
    for (size_t r = 0; r < work->reach; r++) {
        size_t other = work->neighbors[j * work->reach + r];
        for (uint32_t i = work->first[other], after; i != KQ_NOBODY; i = after) {
            after = work->next[i];
            if (work->distances[i] <= work->far[r])
                continue;
            int32_t distance = kq_squared(work->points + (size_t)i * KQ_CHANNELS, center);
            if (distance < work->distances[i])
                kq_relabel(work, i, j, distance);
        }
    }
    for (size_t m = 0; m < count; m++) {
        uint32_t i = work->member[m];
        int32_t distance = kq_squared(work->points + (size_t)i * KQ_CHANNELS, center);
        if (work->rival_distance[m] < distance)
            kq_relabel(work, i, work->rival[m], work->rival_distance[m]);
        else
            work->distances[i] = distance;
    }
}

/* Whether move m keeps a centre within the range of coordinates. */
static int kq_move_fits(const int16_t *center, int m, int32_t step)
{
    int32_t x = center[0] + step * (m / 9 - 1), y = center[1] + step * (m / 3 % 3 - 1);
    int32_t z = center[2] + step * (m % 3 - 1);
    return x >= 0 && x <= KQ_TOP && y >= 0 && y <= KQ_TOP && z >= 0 && z <= KQ_TOP;
}

static void kq_nudge_one(kq_nudging *work, size_t j, uint8_t *active)
{
    int64_t change[KQ_MOVES] = {0};
    int16_t *center = work->centers + j * KQ_CHANNELS;
    kq_look_around(work, j);
    size_t count = kq_list_rivals(work, j);
    kq_weigh_members(work, j, count, change);
    kq_weigh_others(work, j, change);
    int best = -1;
    for (int m = 0; m < KQ_MOVES; m++)
        if (kq_move_fits(center, m, work->step) && (best < 0 || change[m] < change[best]))
            best = m;
    if (change[best] >= 0)
        return;
    work->fall = kq_minus64(work->fall, change[best]);
    work->moved++;
    center[0] = (int16_t)(center[0] + work->step * (best / 9 - 1));
    center[1] = (int16_t)(center[1] + work->step * (best / 3 % 3 - 1));
    center[2] = (int16_t)(center[2] + work->step * (best % 3 - 1));
    kq_settle(work, j, count);
    active[j] = 1;
    for (size_t r = 0; r < work->reach; r++)
        active[work->neighbors[j * work->reach + r]] = 1;
}

/* Moves each active centre once, in order, by at most a step along each channel. Given are
 * points (n x 4), weights, centers (k x 4), labels, distances, neighbors (k x reach), active
 * (k) and step (1..64); the rest of `work` is 0. Afterwards `active` tells whose surroundings
 * changed, `moved` how many centres did, `fall` by how much the cost fell at least. Returns 0
 * without memory. */
static int kq_nudge(kq_nudging *work)
{
    size_t n = work->n;
    work->first = KQ_MALLOC(work->k * sizeof *work->first);
    work->next = KQ_MALLOC(n * sizeof *work->next);
    work->previous = KQ_MALLOC(n * sizeof *work->previous);
    work->member = KQ_MALLOC(n * sizeof *work->member);
    work->rival = KQ_MALLOC(n * sizeof *work->rival);
    work->rival_distance = KQ_MALLOC(n * sizeof *work->rival_distance);
    work->around = kq_candidates_new(work->reach);
    work->far = KQ_MALLOC((work->reach + 1) * sizeof *work->far);
    work->avx2 = kq_has_avx2();
    uint8_t *active = KQ_CALLOC(work->k, 1);
    int enough = work->first && work->next && work->previous && work->member && work->rival &&
                 work->rival_distance && work->around && work->far && active;
    if (enough) {
        for (size_t j = 0; j < work->k; j++)
            work->first[j] = KQ_NOBODY;
        for (size_t i = n; i-- > 0;)
            kq_link(work, (uint32_t)i, work->labels[i]);
        for (size_t j = 0; j < work->k; j++)
            if (work->active[j])
                kq_nudge_one(work, j, active);
        memcpy(work->active, active, work->k);
    }
    KQ_FREE(work->first);
    KQ_FREE(work->next);
    KQ_FREE(work->previous);
    KQ_FREE(work->member);
    KQ_FREE(work->rival);
    KQ_FREE(work->rival_distance);
    kq_candidates_free(work->around);
    KQ_FREE(work->far);
    KQ_FREE(active);
    return enough;
}

#endif
