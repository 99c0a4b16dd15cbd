/* The search for a palette in the colours of strangers: kernels/c/search, context/tree.h and
 * the cells of pixels/colors.h. AVX2 and plain C agree, and by as much as is said to be gained
 * the cost falls. */
#include "fuzz.h"
#include "pixels/colors.h"
#include "search/variance_cuts.h"
#include "search/opaque_lloyd.h"
#include "search/merge_split.h"
#include "search/grid_descent.h"
#include "search/search_round.h"
#include "search/seeds.h"
#include "context/tree.h"

#define MOST_PAIRS 8
#define REACH 5

/* Colours and centres, and what belongs to which. */
typedef struct {
    size_t n, k;
    int16_t *points, *centers;
    int64_t *weights, *sums, *counts;
    uint16_t *labels;
    int32_t *distances;
} clusters;

static int within(const int16_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] < 0 || values[i] > KQ_TOP)
            return 0;
    return 1;
}

static int64_t cost_of(const clusters *c)
{
    int64_t cost = 0;
    for (size_t i = 0; i < c->n; i++) {
        const int16_t *center = c->centers + c->labels[i] * KQ_CHANNELS;
        DEMAND(c->labels[i] < c->k);
        DEMAND(c->distances[i] == kq_squared(c->points + i * KQ_CHANNELS, center));
        cost += c->weights[i] * c->distances[i];
    }
    return cost;
}

static void *twin(const void *from, size_t bytes)
{
    return memcpy(room(bytes), from, bytes);
}

static clusters twin_of(const clusters *c)
{
    clusters other = *c;
    other.centers = twin(c->centers, c->k * KQ_CHANNELS * sizeof *c->centers);
    other.sums = twin(c->sums, c->k * KQ_CHANNELS * sizeof *c->sums);
    other.counts = twin(c->counts, c->k * sizeof *c->counts);
    other.labels = twin(c->labels, c->n * sizeof *c->labels);
    other.distances = twin(c->distances, c->n * sizeof *c->distances);
    return other;
}

static void forget(clusters *c)
{
    free(c->centers);
    free(c->sums);
    free(c->counts);
    free(c->labels);
    free(c->distances);
}

static void same(const clusters *a, const clusters *b)
{
    DEMAND(!memcmp(a->centers, b->centers, a->k * KQ_CHANNELS * sizeof *a->centers));
    DEMAND(!memcmp(a->labels, b->labels, a->n * sizeof *a->labels));
    DEMAND(!memcmp(a->distances, b->distances, a->n * sizeof *a->distances));
    DEMAND(!memcmp(a->counts, b->counts, a->k * sizeof *a->counts));
}

static void nudged(const clusters *c, int32_t step)
{
    size_t reach = c->k - 1 < REACH ? c->k - 1 : REACH;
    uint16_t *neighbors = room(c->k * reach * sizeof *neighbors), near[REACH + 1];
    clusters after[2];
    for (size_t j = 0; j < c->k; j++) {
        size_t listed = 0, found = kq_near(c->centers, c->k, c->centers + j * KQ_CHANNELS, reach + 1, near);
        for (size_t r = 0; r < found && listed < reach; r++)
            if (near[r] != j)
                neighbors[j * reach + listed++] = near[r];
        DEMAND(listed == reach);
    }
    for (simd = 0; simd < 2; simd++) {
        uint8_t *active = room(c->k);
        memset(active, 1, c->k);
        after[simd] = twin_of(c);
        kq_nudging work = {.points = c->points, .weights = c->weights, .n = c->n, .k = c->k,
                           .reach = reach, .centers = after[simd].centers,
                           .labels = after[simd].labels, .distances = after[simd].distances,
                           .neighbors = neighbors, .active = active, .step = step};
        DEMAND(kq_nudge(&work));
        DEMAND(work.fall >= 0 && cost_of(c) - cost_of(&after[simd]) == work.fall);
        DEMAND(within(after[simd].centers, c->k * KQ_CHANNELS));
        free(active);
    }
    same(&after[0], &after[1]);
    forget(&after[0]);
    forget(&after[1]);
    free(neighbors);
}

static void moved(const clusters *c, fuzz_input *input)
{
    uint16_t pairs[2 * MOST_PAIRS];
    size_t count = 1 + next(input, 1) % MOST_PAIRS;
    double *gains = room(c->k * sizeof *gains);
    int16_t *halves = room(2 * c->k * KQ_CHANNELS * sizeof *halves);
    clusters after[2];
    for (size_t i = 0; i < 2 * count; i++)
        pairs[i] = (uint16_t)(next(input, 1) % c->k);
    DEMAND(kq_split_gains(c->points, c->weights, c->labels, c->n, gains, halves, c->k) == 1);
    DEMAND(within(halves, 2 * c->k * KQ_CHANNELS));
    for (size_t j = 0; j < c->k; j++)
        DEMAND(gains[j] >= 0);
    for (simd = 0; simd < 2; simd++) {
        uint8_t outcomes[MOST_PAIRS] = {0}, *touched = calloc(c->k, 1);
        after[simd] = twin_of(c);
        clusters *a = &after[simd];
        kq_clustering all = {c->points, c->weights, c->n, c->k, a->labels, a->distances,
                             a->centers, a->sums, a->counts};
        kq_round round = {pairs, count, halves, count % (KQ_MOST_REACH + 1), MOST_PAIRS, 4, 20, 8,
                          outcomes, touched};
        int64_t fall = kq_merge_and_split(&all, &round);
        DEMAND(fall >= 0 && cost_of(c) - cost_of(a) == fall);
        DEMAND(within(a->centers, c->k * KQ_CHANNELS));
        free(touched);
    }
    same(&after[0], &after[1]);
    forget(&after[0]);
    forget(&after[1]);
    free(gains);
    free(halves);
}

static void searched(const clusters *c, uint32_t state)
{
    clusters after[2];
    int64_t costs[2];
    for (simd = 0; c->k > 1 && simd < 2; simd++) {
        size_t tried, kept;
        int32_t *failed = calloc(c->k * c->k, sizeof *failed), *changed = calloc(c->k, sizeof *changed);
        after[simd] = twin_of(c);
        clusters *a = &after[simd];
        kq_clustering all = {c->points, c->weights, c->n, c->k, a->labels, NULL,
                             a->centers, a->sums, a->counts};
        kq_round round = {.reach = state % (KQ_MOST_REACH + 1), .trials = 1 + state % 9,
                          .iterations = 4, .relax = 20, .tolerance_bits = 8};
        kq_memory memory = {failed, changed, 1};
        DEMAND(kq_search_round(&all, &round, 1 + state % KQ_MOST_WIDTH, 0.1, &memory, &costs[simd],
                               &tried, &kept));
        DEMAND(kept <= tried && tried <= 1 + state % 9);
        for (size_t i = 0; i < c->n; i++)
            a->distances[i] = kq_squared(c->points + i * KQ_CHANNELS,
                                         a->centers + a->labels[i] * KQ_CHANNELS);
        DEMAND(cost_of(a) == costs[simd] && costs[simd] <= cost_of(c));
        free(failed);
        free(changed);
    }
    if (c->k > 1) {
        same(&after[0], &after[1]);
        forget(&after[0]);
        forget(&after[1]);
    }
}

static void settled(const clusters *c, uint32_t state)
{
    clusters after[2];
    for (simd = 0; simd < 2; simd++) {
        after[simd] = twin_of(c);
        kq_kinds all = {.points = c->points, .weights = c->weights, .n = c->n, .k = c->k,
                        .opaque_points = state % (c->n + 1), .opaque = 1 + state % c->k};
        all.movable = all.opaque + state % (c->k - all.opaque + 1);
        kq_choices now = {after[simd].centers, after[simd].labels, after[simd].distances, 0};
        int left = kq_settle_kinds(&all, &now, (int)(state % 20), 8);
        DEMAND(left >= 0 && left <= (int)(state % 20) && cost_of(&after[simd]) == now.cost);
        DEMAND(within(after[simd].centers, c->k * KQ_CHANNELS));
        for (size_t i = 0; i < all.opaque_points; i++)
            DEMAND(after[simd].labels[i] < all.opaque);
    }
    same(&after[0], &after[1]);
    forget(&after[0]);
    forget(&after[1]);
}

static void begun(const clusters *c, uint32_t state)
{
    int16_t *cut = room(c->k * KQ_CHANNELS * sizeof *cut);
    size_t count = kq_variance_cuts(c->points, c->weights, c->n, cut, c->k);
    DEMAND(count >= 1 && count <= c->k && count <= c->n && within(cut, count * KQ_CHANNELS));
    uint64_t *randoms = room(c->k * sizeof *randoms);
    uint32_t *chosen = room(c->k * sizeof *chosen);
    for (size_t j = 0; j < c->k; j++)
        randoms[j] = (uint64_t)mixed(&state) << 40 | mixed(&state);
    DEMAND(kq_plus_plus(c->points, c->weights, c->n, randoms, c->k, chosen));
    for (size_t j = 0; j < c->k; j++)
        DEMAND(chosen[j] < c->n);
    free(cut);
    free(randoms);
    free(chosen);
}

static void in_cells_and_trees(const clusters *c, uint32_t state)
{
    uint32_t *keys = room(c->n * sizeof *keys), *firsts = room(c->n * sizeof *firsts);
    int16_t *means = room(c->n * KQ_CHANNELS * sizeof *means);
    int64_t *totals = room(c->n * sizeof *totals), left = 0;
    for (size_t i = 0; i < c->n; i++) {
        keys[i] = mixed(&state);
        left += c->weights[i];
    }
    size_t cells = kq_merge_cells(c->points, c->weights, keys, c->n, state, means, totals, firsts);
    DEMAND(cells >= 1 && cells <= c->n && within(means, cells * KQ_CHANNELS));
    for (size_t i = 0; i < cells; i++)
        left -= totals[i];
    DEMAND(left == 0);
    uint8_t *colors = made_colors((uint32_t)c->k, state), *seen = calloc(c->k, 1);
    uint16_t *order = room(c->k * sizeof *order);
    DEMAND(kq_tree_order(colors, c->k, order));
    for (size_t i = 0; i < c->k; i++)
        DEMAND(order[i] < c->k && !seen[order[i]]++);
    free(keys);
    free(firsts);
    free(means);
    free(totals);
    free(colors);
    free(seen);
    free(order);
}

static void run(fuzz_input input)
{
    uint32_t shape = next(&input, 1), state = next(&input, 1), narrow = next(&input, 1) % 9;
    clusters c = {.n = 1 + next(&input, 1), .k = 1 + next(&input, 1) % 80};
    c.points = room(c.n * KQ_CHANNELS * sizeof *c.points);
    c.weights = room(c.n * sizeof *c.weights);
    c.centers = room(c.k * KQ_CHANNELS * sizeof *c.centers);
    c.sums = calloc(c.k * KQ_CHANNELS, sizeof *c.sums);
    c.counts = calloc(c.k, sizeof *c.counts);
    c.labels = calloc(c.n, sizeof *c.labels);
    c.distances = room(c.n * sizeof *c.distances);
    for (size_t i = 0; i < c.k * KQ_CHANNELS; i++)
        c.centers[i] = (int16_t)((input.left ? next(&input, 1) : mixed(&state) & 255) * 64 % (KQ_TOP + 1));
    for (size_t i = 0; i < c.n * KQ_CHANNELS; i++)
        c.points[i] = (int16_t)((input.left ? next(&input, 1) : mixed(&state) >> narrow & 255) * 64);
    for (size_t i = 0; i < c.n; i++)
        c.weights[i] = 1 + (shape & 16 ? (int64_t)mixed(&state) : 0);
    for (size_t i = 0; i < c.n * KQ_CHANNELS; i++)
        c.points[i] = c.points[i] > KQ_TOP ? KQ_TOP : c.points[i];
    kq_assignment work = {.points = c.points, .n = c.n, .labels = c.labels, .distances = c.distances};
    DEMAND(kq_assign(&work, c.centers, c.k));
    DEMAND(kq_accumulate(c.points, c.weights, c.labels, c.n, c.sums, c.counts, c.k));
    fuzz_input rest = {(const uint8_t *)c.centers, c.k};
    if (shape % 6 == 0)
        begun(&c, state);
    else if (shape % 6 == 1)
        nudged(&c, 1 + (int32_t)(shape >> 2));
    else if (shape % 6 == 2)
        moved(&c, &rest);
    else if (shape % 6 == 3)
        searched(&c, state);
    else if (shape % 6 == 4)
        settled(&c, state);
    else
        in_cells_and_trees(&c, state);
    forget(&c);
    free(c.points);
    free(c.weights);
}
