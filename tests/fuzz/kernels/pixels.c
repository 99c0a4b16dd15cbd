/* What pixels of strangers meet on their way to a palette: kernels/c/pixels/colors.h and
 * diffuse.h, search/nearest.h with filter.h and simd.h. AVX2 and plain C agree, and both with
 * the plainest of loops. */
#include "fuzz.h"
#include "pixels/colors.h"
#include "pixels/diffuse.h"

static void counted(const uint8_t *pixels, size_t n)
{
    uint32_t *keys = room(n * sizeof *keys), *order = room(n * sizeof *order);
    int64_t *counts = room(n * sizeof *counts), total = 0;
    size_t found = kq_count_colors(pixels, n, keys, counts);
    DEMAND(found >= 1 && found <= n);
    for (size_t i = 0; i < found; i++) {
        DEMAND(counts[i] > 0 && (i == 0 || keys[i - 1] < keys[i]) && keys[i] < 1u << 24);
        total += counts[i];
    }
    DEMAND(total == (int64_t)n);
    uint32_t *both = room(2 * found * sizeof *both);
    int64_t *sums = room(2 * found * sizeof *sums);
    size_t half = found / 2;
    DEMAND(kq_merge_colors(keys, counts, half, keys, counts, found, both, sums) == found);
    for (size_t i = 0; i < found; i++)
        DEMAND(both[i] == keys[i] && sums[i] == counts[i] * (i < half ? 2 : 1));
    DEMAND(kq_morton_order(keys, found, order));
    for (size_t i = 0; i < found; i++)
        DEMAND(order[i] < found &&
               (i == 0 || kq_morton(keys[order[i - 1]]) < kq_morton(keys[order[i]])));
    free(keys);
    free(order);
    free(counts);
    free(both);
    free(sums);
}

static int16_t next_value(fuzz_input *input, uint32_t *state)
{
    uint32_t value = input->left > 1 ? next(input, 1) : mixed(state) & 255;
    return (int16_t)(value * 64 > KQ_TOP ? KQ_TOP : value * 64);
}

static void found_nearest(const int16_t *points, size_t n, const int16_t *centers, size_t k)
{
    uint16_t *labels[2], *second[2];
    int32_t *distances[2], *beyond[2];
    for (simd = 0; simd < 2; simd++) {
        labels[simd] = room(n * sizeof **labels);
        second[simd] = room(n * sizeof **second);
        distances[simd] = room(n * sizeof **distances);
        beyond[simd] = room(n * sizeof **beyond);
        kq_assignment work = {.points = points, .n = n, .labels = labels[simd],
                              .distances = distances[simd]};
        DEMAND(kq_assign(&work, centers, k));
        if (k > 1) {
            work.second_labels = second[simd];
            work.second_distances = beyond[simd];
            DEMAND(kq_assign(&work, centers, k));
        }
    }
    for (size_t i = 0; i < n; i++) {
        int32_t least = INT32_MAX;
        size_t best = 0;
        for (size_t j = 0; j < k; j++) {
            int32_t distance = 0;
            for (size_t c = 0; c < KQ_CHANNELS; c++) {
                int32_t d = points[i * KQ_CHANNELS + c] - centers[j * KQ_CHANNELS + c];
                distance += d * d;
            }
            if (distance < least) {
                least = distance;
                best = j;
            }
        }
        DEMAND(labels[0][i] == best && labels[1][i] == best);
        DEMAND(distances[0][i] == least && distances[1][i] == least);
        if (k > 1)
            DEMAND(second[0][i] == second[1][i] && beyond[0][i] == beyond[1][i] &&
                   second[0][i] != best && beyond[0][i] >= least);
    }
    for (int i = 0; i < 2; i++) {
        free(labels[i]);
        free(second[i]);
        free(distances[i]);
        free(beyond[i]);
    }
}

static void diffused(const int16_t *points, size_t width, size_t height, const int16_t *centers,
                     size_t k, uint32_t shape)
{
    size_t n = width * height, errors = (width + 2) * KQ_CHANNELS;
    uint16_t *labels[2];
    int32_t *passed[2];
    uint8_t *mask = room(n);
    for (size_t i = 0; i < n; i++)
        mask[i] = !(shape & 1) || i % 5;
    for (simd = 0; simd < 2; simd++) {
        labels[simd] = calloc(n, sizeof **labels);
        passed[simd] = room(errors * sizeof **passed);
        for (size_t i = 0; i < errors; i++)
            passed[simd][i] = shape & 2 ? (i & 1 ? KQ_MOST_ERROR : -KQ_MOST_ERROR) : 0;
        DEMAND(kq_diffuse(points, mask, height, width, centers, k, (int)(shape * 2 % 257),
                          shape >> 2 & 1, passed[simd], labels[simd]));
    }
    for (size_t i = 0; i < n; i++)
        DEMAND(labels[0][i] == labels[1][i] && labels[0][i] < k);
    DEMAND(memcmp(passed[0], passed[1], errors * sizeof **passed) == 0);
    for (int i = 0; i < 2; i++) {
        free(labels[i]);
        free(passed[i]);
    }
    free(mask);
}

static void run(fuzz_input input)
{
    uint32_t shape = next(&input, 1), state = next(&input, 1);
    size_t width = next_side(&input), height = next_side(&input), n = width * height;
    size_t k = 1 + next(&input, 1) % 80;
    uint8_t *pixels = room(3 * n);
    for (size_t i = 0; i < 3 * n; i++)
        pixels[i] = (uint8_t)(i < input.left ? input.at[i] : shape & 8 ? i : 7);
    int16_t *centers = room(k * KQ_CHANNELS * sizeof *centers);
    int16_t *points = room(n * KQ_CHANNELS * sizeof *points);
    for (size_t i = 0; i < k * KQ_CHANNELS; i++)
        centers[i] = next_value(&input, &state);
    for (size_t i = 0; i < n * KQ_CHANNELS; i++)
        points[i] = next_value(&input, &state);
    if (shape & 16)
        counted(pixels, n); /* its tables take longest */
    else if (shape & 32)
        diffused(points, width, height, centers, k, shape);
    else
        found_nearest(points, n, centers, k);
    free(pixels);
    free(centers);
    free(points);
}
