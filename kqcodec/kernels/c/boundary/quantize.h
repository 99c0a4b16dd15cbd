/* The boundary of the quantizer's kernels, a part of _kernels.c. */
#ifndef KQ_QUANTIZE_H
#define KQ_QUANTIZE_H

#include "search/nearest.h"
#include "search/variance_cuts.h"
#include "search/opaque_lloyd.h"
#include "search/merge_split.h"
#include "search/neighbors.h"
#include "search/grid_descent.h"
#include "search/search_round.h"
#include "search/seeds.h"

#define KQ_POINT_SIZE (KQ_CHANNELS * sizeof(int16_t))
#define KQ_BUFFERS 11

static PyObject *released(Py_buffer *buffers, int count, PyObject *result)
{
    for (int i = 0; i < count; i++)
        PyBuffer_Release(buffers + i);
    return result;
}

static size_t items(const Py_buffer *buffer, size_t size)
{
    return (size_t)buffer->len / size;
}

/* Whether a buffer holds just so many items. */
static int holds(const Py_buffer *buffer, size_t count, size_t size)
{
    return (size_t)buffer->len % size == 0 && items(buffer, size) == count;
}

static int right_k(size_t k)
{
    return k >= 1 && k <= 65536;
}

/* Whether coordinates are from 0 to KQ_TOP: tables have places for no others. */
static int coordinates(const int16_t *points, size_t count)
{
    uint16_t highest = 0; /* the negative ones are the highest */
    for (size_t i = 0; i < count; i++)
        highest = (uint16_t)points[i] > highest ? (uint16_t)points[i] : highest;
    return highest <= KQ_TOP;
}

static int in_range(const Py_buffer *points)
{
    return coordinates(points->buf, items(points, sizeof(int16_t)));
}

/* Whether these can be squared distances: steps are added to them. */
static int squares(const int32_t *distances, size_t count)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = (uint32_t)distances[i] > highest ? (uint32_t)distances[i] : highest;
    return highest <= (uint32_t)KQ_CHANNELS * KQ_TOP * KQ_TOP;
}

#define KQ_MOST_WEIGHT ((int64_t)1 << 49) /* times KQ_TOP it fits 63 bits */

/* Whether weights are positive, since they are divided by, and what they add up to isn't
 * too much to be multiplied. */
static int right_weights(const Py_buffer *weights)
{
    const int64_t *values = weights->buf;
    int64_t left = KQ_MOST_WEIGHT;
    for (size_t i = 0; i < items(weights, sizeof(int64_t)); i++) {
        if (values[i] <= 0 || values[i] > left)
            return 0;
        left -= values[i];
    }
    return 1;
}

PyDoc_STRVAR(nearest_doc, "nearest(points, centers, labels, distances)");
static PyObject *py_nearest(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_assignment work = {0};
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*", &b[0], &b[1], &b[2], &b[3]))
        return NULL;
    size_t k = items(&b[1], KQ_POINT_SIZE);
    work.n = items(&b[0], KQ_POINT_SIZE);
    if (!right_k(k) || !holds(&b[2], work.n, sizeof(uint16_t)) ||
        !holds(&b[3], work.n, sizeof(int32_t)) || !in_range(&b[0]) || !in_range(&b[1]))
        return released(b, 4, refuse("nearest: sizes don't fit, or a number is out of range"));
    work.points = b[0].buf;
    work.labels = b[2].buf;
    work.distances = b[3].buf;
    Py_BEGIN_ALLOW_THREADS
    enough = kq_assign(&work, b[1].buf, k);
    Py_END_ALLOW_THREADS
    return released(b, 4, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

PyDoc_STRVAR(nearest_two_doc,
             "nearest_two(points, centers, labels, distances, second_labels, second_distances)");
static PyObject *py_nearest_two(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_assignment work = {0};
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]))
        return NULL;
    size_t k = items(&b[1], KQ_POINT_SIZE);
    work.n = items(&b[0], KQ_POINT_SIZE);
    if (k < 2 || !right_k(k) || !holds(&b[2], work.n, sizeof(uint16_t)) ||
        !holds(&b[3], work.n, sizeof(int32_t)) || !holds(&b[4], work.n, sizeof(uint16_t)) ||
        !holds(&b[5], work.n, sizeof(int32_t)) || !in_range(&b[0]) || !in_range(&b[1]))
        return released(b, 6, refuse("nearest_two: sizes don't fit, or a number is out of range"));
    work.points = b[0].buf;
    work.labels = b[2].buf;
    work.distances = b[3].buf;
    work.second_labels = b[4].buf;
    work.second_distances = b[5].buf;
    Py_BEGIN_ALLOW_THREADS
    enough = kq_assign(&work, b[1].buf, k);
    Py_END_ALLOW_THREADS
    return released(b, 6, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

/* A copy of a buffer that nobody else can write to: of numbers that are places in tables
 * it doesn't help that they were looked at, where they can change afterwards. NULL
 * without memory. */
static void *own(const Py_buffer *buffer)
{
    void *copy = malloc((size_t)buffer->len + 1);
    return copy ? memcpy(copy, buffer->buf, (size_t)buffer->len) : NULL;
}

/* Writes such a copy back; it is free then. */
static void give_back(const Py_buffer *buffer, void *copy)
{
    memcpy(buffer->buf, copy, (size_t)buffer->len);
    free(copy);
}

static int labels_below(const uint16_t *labels, size_t n, size_t k)
{
    size_t highest = 0;
    for (size_t i = 0; i < n; i++)
        highest = labels[i] > highest ? labels[i] : highest;
    return highest < k;
}

PyDoc_STRVAR(reassign_doc,
             "reassign(points, weights, centers, labels, sums, counts) -> (changed, cost)");
static PyObject *py_reassign(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_assignment work = {0};
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*w*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]))
        return NULL;
    size_t k = items(&b[2], KQ_POINT_SIZE);
    work.n = items(&b[0], KQ_POINT_SIZE);
    work.labels = own(&b[3]);
    if (!work.labels)
        return released(b, 6, PyErr_NoMemory());
    if (!right_k(k) || !holds(&b[1], work.n, sizeof(int64_t)) ||
        !holds(&b[3], work.n, sizeof(uint16_t)) ||
        !holds(&b[4], k * KQ_CHANNELS, sizeof(int64_t)) || !holds(&b[5], k, sizeof(int64_t)) ||
        !labels_below(work.labels, work.n, k) || !in_range(&b[0]) || !in_range(&b[2]) ||
        !right_weights(&b[1])) {
        free(work.labels);
        return released(b, 6,
                        refuse("reassign: sizes don't fit, or a label or another number is out of range"));
    }
    work.points = b[0].buf;
    work.weights = b[1].buf;
    work.sums = b[4].buf;
    work.counts = b[5].buf;
    Py_BEGIN_ALLOW_THREADS
    enough = kq_assign(&work, b[2].buf, k);
    Py_END_ALLOW_THREADS
    give_back(&b[3], work.labels);
    if (!enough)
        return released(b, 6, PyErr_NoMemory());
    return released(b, 6, Py_BuildValue("nL", (Py_ssize_t)work.changed, (long long)work.cost));
}

static int right_steps(size_t iterations, int relax, int tolerance_bits)
{
    return iterations >= 1 && iterations <= 1000000 && relax >= 1 && relax <= 64 &&
           tolerance_bits >= 1 && tolerance_bits <= 62;
}

PyDoc_STRVAR(lloyd_doc, "lloyd(points, weights, centers, labels, sums, counts, relax, "
                        "tolerance_bits, costs) -> assignments");
static PyObject *py_lloyd(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_assignment work = {0};
    int relax, tolerance_bits, done = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*w*iiw*", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                          &relax, &tolerance_bits, &b[6]))
        return NULL;
    size_t k = items(&b[2], KQ_POINT_SIZE), iterations = items(&b[6], sizeof(int64_t));
    work.n = items(&b[0], KQ_POINT_SIZE);
    work.labels = own(&b[3]);
    if (!work.labels)
        return released(b, 7, PyErr_NoMemory());
    if (!right_k(k) || work.n < 1 || !holds(&b[1], work.n, sizeof(int64_t)) ||
        !holds(&b[3], work.n, sizeof(uint16_t)) ||
        !holds(&b[4], k * KQ_CHANNELS, sizeof(int64_t)) || !holds(&b[5], k, sizeof(int64_t)) ||
        !right_steps(iterations, relax, tolerance_bits) || !labels_below(work.labels, work.n, k) ||
        !in_range(&b[0]) || !in_range(&b[2]) || !right_weights(&b[1])) {
        free(work.labels);
        return released(b, 7,
                        refuse("lloyd: sizes don't fit, or a label or another number is out of range"));
    }
    work.points = b[0].buf;
    work.weights = b[1].buf;
    work.sums = b[4].buf;
    work.counts = b[5].buf;
    Py_BEGIN_ALLOW_THREADS
    done = kq_lloyd(&work, b[2].buf, k, (int)iterations, relax, tolerance_bits, -1,
                    b[6].buf);
    Py_END_ALLOW_THREADS
    give_back(&b[3], work.labels);
    return released(b, 7, done ? PyLong_FromLong(done) : PyErr_NoMemory());
}

PyDoc_STRVAR(merge_and_split_doc,
             "merge_and_split(points, weights, labels, distances, centers, sums, counts, pairs, "
             "halves, outcomes, touched, reach, trials, iterations, relax, tolerance_bits) -> fall");
static PyObject *py_merge_and_split(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_clustering all;
    kq_round round;
    int reach, trials;
    int64_t fall = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*w*w*y*y*w*w*iiiii", &b[0], &b[1], &b[2], &b[3], &b[4],
                          &b[5], &b[6], &b[7], &b[8], &b[9], &b[10], &reach, &trials,
                          &round.iterations, &round.relax, &round.tolerance_bits))
        return NULL;
    all.n = items(&b[0], KQ_POINT_SIZE);
    all.k = items(&b[4], KQ_POINT_SIZE);
    round.count = items(&b[7], 2 * sizeof(uint16_t));
    all.labels = own(&b[2]);
    uint16_t *pairs = own(&b[7]);
    if (!all.labels || !pairs) {
        free(all.labels);
        free(pairs);
        return released(b, 11, PyErr_NoMemory());
    }
    if (!right_k(all.k) || all.n < 1 || all.n >= UINT32_MAX ||
        !holds(&b[1], all.n, sizeof(int64_t)) || !holds(&b[2], all.n, sizeof(uint16_t)) ||
        !holds(&b[3], all.n, sizeof(int32_t)) ||
        !holds(&b[5], all.k * KQ_CHANNELS, sizeof(int64_t)) ||
        !holds(&b[6], all.k, sizeof(int64_t)) || !holds(&b[8], 2 * all.k, KQ_POINT_SIZE) ||
        !holds(&b[9], round.count, 1) || !holds(&b[10], all.k, 1) || reach < 0 ||
        reach > KQ_MOST_REACH || trials < 0 ||
        !right_steps((size_t)round.iterations, round.relax, round.tolerance_bits) ||
        !labels_below(all.labels, all.n, all.k) ||
        !labels_below(pairs, 2 * round.count, all.k) || !in_range(&b[0]) || !in_range(&b[4]) ||
        !in_range(&b[8]) || !right_weights(&b[1])) {
        free(all.labels);
        free(pairs);
        return released(b, 11,
                        refuse("merge_and_split: sizes don't fit, or a label or another number is out of range"));
    }
    all.points = b[0].buf;
    all.weights = b[1].buf;
    all.distances = b[3].buf;
    all.centers = b[4].buf;
    all.sums = b[5].buf;
    all.counts = b[6].buf;
    round.pairs = pairs;
    round.halves = b[8].buf;
    round.outcomes = b[9].buf;
    round.touched = b[10].buf;
    round.reach = (size_t)reach;
    round.trials = (size_t)trials;
    Py_BEGIN_ALLOW_THREADS
    fall = kq_merge_and_split(&all, &round);
    Py_END_ALLOW_THREADS
    give_back(&b[2], all.labels);
    free(pairs);
    return released(b, 11, fall < 0 ? PyErr_NoMemory() : PyLong_FromLongLong(fall));
}

PyDoc_STRVAR(search_round_doc,
             "search_round(points, weights, labels, centers, sums, counts, failed, changed, "
             "number, width, least_ratio, reach, trials, iterations, relax, tolerance_bits) "
             "-> (tried, kept, cost)");
static PyObject *py_search_round(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_clustering all;
    kq_round round;
    kq_memory memory;
    int number, width, reach, trials, done = 0;
    double least_ratio;
    int64_t cost = 0;
    size_t tried, kept;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*w*w*w*iidiiiii", &b[0], &b[1], &b[2], &b[3], &b[4],
                          &b[5], &b[6], &b[7], &number, &width, &least_ratio, &reach, &trials,
                          &round.iterations, &round.relax, &round.tolerance_bits))
        return NULL;
    all.n = items(&b[0], KQ_POINT_SIZE);
    all.k = items(&b[3], KQ_POINT_SIZE);
    all.labels = own(&b[2]);
    if (!all.labels)
        return released(b, 8, PyErr_NoMemory());
    if (all.k < 2 || !right_k(all.k) || all.n < 1 || all.n >= UINT32_MAX ||
        !holds(&b[1], all.n, sizeof(int64_t)) || !holds(&b[2], all.n, sizeof(uint16_t)) ||
        !holds(&b[4], all.k * KQ_CHANNELS, sizeof(int64_t)) ||
        !holds(&b[5], all.k, sizeof(int64_t)) || !holds(&b[6], all.k * all.k, sizeof(int32_t)) ||
        !holds(&b[7], all.k, sizeof(int32_t)) || width < 1 || width > KQ_MOST_WIDTH ||
        !(least_ratio > 0) || reach < 0 || reach > KQ_MOST_REACH || trials < 0 ||
        !right_steps((size_t)round.iterations, round.relax, round.tolerance_bits) ||
        !labels_below(all.labels, all.n, all.k) || !in_range(&b[0]) || !in_range(&b[3]) ||
        !right_weights(&b[1])) {
        free(all.labels);
        return released(b, 8,
                        refuse("search_round: sizes don't fit, or a label or another number is out of range"));
    }
    all.points = b[0].buf;
    all.weights = b[1].buf;
    all.centers = b[3].buf;
    all.sums = b[4].buf;
    all.counts = b[5].buf;
    memory.failed = b[6].buf;
    memory.changed = b[7].buf;
    memory.number = number;
    round.reach = (size_t)reach;
    round.trials = (size_t)trials;
    Py_BEGIN_ALLOW_THREADS
    done = kq_search_round(&all, &round, (size_t)width, least_ratio, &memory, &cost, &tried, &kept);
    Py_END_ALLOW_THREADS
    give_back(&b[2], all.labels);
    if (!done)
        return released(b, 8, PyErr_NoMemory());
    return released(
        b, 8, Py_BuildValue("nnL", (Py_ssize_t)tried, (Py_ssize_t)kept, (long long)cost));
}

PyDoc_STRVAR(settle_kinds_doc,
             "settle_kinds(points, weights, centers, labels, distances, opaque_points, opaque, "
             "movable, iterations, tolerance_bits) -> (left, cost)");
static PyObject *py_settle_kinds(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_kinds all;
    kq_choices now;
    Py_ssize_t opaque_points, opaque, movable;
    int iterations, tolerance_bits, left = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*nnnii", &b[0], &b[1], &b[2], &b[3], &b[4],
                          &opaque_points, &opaque, &movable, &iterations, &tolerance_bits))
        return NULL;
    all.n = items(&b[0], KQ_POINT_SIZE);
    all.k = items(&b[2], KQ_POINT_SIZE);
    if (!right_k(all.k) || all.n < 1 || !holds(&b[1], all.n, sizeof(int64_t)) ||
        !holds(&b[3], all.n, sizeof(uint16_t)) || !holds(&b[4], all.n, sizeof(int32_t)) ||
        opaque_points < 0 || (size_t)opaque_points > all.n || opaque < (opaque_points > 0) ||
        opaque > movable || (size_t)movable > all.k || iterations < 0 || tolerance_bits < 0 ||
        tolerance_bits > 62 || !in_range(&b[0]) || !in_range(&b[2]) || !right_weights(&b[1]))
        return released(b, 5, refuse("settle_kinds: sizes don't fit, or a number is out of range"));
    all.points = b[0].buf;
    all.weights = b[1].buf;
    now.centers = b[2].buf;
    now.labels = b[3].buf;
    now.distances = b[4].buf;
    all.opaque_points = (size_t)opaque_points;
    all.opaque = (size_t)opaque;
    all.movable = (size_t)movable;
    Py_BEGIN_ALLOW_THREADS
    left = kq_settle_kinds(&all, &now, iterations, tolerance_bits);
    Py_END_ALLOW_THREADS
    if (left < 0)
        return released(b, 5, PyErr_NoMemory());
    return released(b, 5, Py_BuildValue("iL", left, (long long)now.cost));
}

PyDoc_STRVAR(near_doc, "near(centers, some, count, found)");
static PyObject *py_near(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int count;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*iw*", &b[0], &b[1], &count, &b[2]))
        return NULL;
    size_t k = items(&b[0], KQ_POINT_SIZE), some = items(&b[1], KQ_POINT_SIZE);
    if (!right_k(k) || count < 1 || count > KQ_MOST_NEAR || (size_t)count > k ||
        !holds(&b[2], some * (size_t)count, sizeof(uint16_t)) || !in_range(&b[0]) ||
        !in_range(&b[1]))
        return released(b, 3, refuse("near: sizes don't fit, or a number is out of range"));
    Py_BEGIN_ALLOW_THREADS
    for (size_t i = 0; i < some; i++)
        kq_near(b[0].buf, k, (const int16_t *)b[1].buf + i * KQ_CHANNELS, (size_t)count,
                (uint16_t *)b[2].buf + i * (size_t)count);
    Py_END_ALLOW_THREADS
    return released(b, 3, Py_BuildValue(""));
}

PyDoc_STRVAR(nudge_doc, "nudge(points, weights, centers, labels, distances, neighbors, active, "
                        "step) -> (moved, fall)");
static PyObject *py_nudge(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    kq_nudging work = {0};
    int step, sane = 0, enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*w*w*y*w*i", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &b[6],
                          &step))
        return NULL;
    work.n = items(&b[0], KQ_POINT_SIZE);
    work.k = items(&b[2], KQ_POINT_SIZE);
    work.reach = work.k ? items(&b[5], sizeof(uint16_t)) / work.k : 0;
    int16_t *points = own(&b[0]);
    uint16_t *neighbors = own(&b[5]);
    work.centers = own(&b[2]);
    work.labels = own(&b[3]);
    work.distances = own(&b[4]);
    int copied = points && neighbors && work.centers && work.labels && work.distances;
    sane = copied && right_k(work.k) && work.n >= 1 && work.n < UINT32_MAX && step >= 1 &&
           step <= 64 && holds(&b[1], work.n, sizeof(int64_t)) &&
           holds(&b[3], work.n, sizeof(uint16_t)) && holds(&b[4], work.n, sizeof(int32_t)) &&
           holds(&b[5], work.k * work.reach, sizeof(uint16_t)) && holds(&b[6], work.k, 1) &&
           labels_below(work.labels, work.n, work.k) &&
           labels_below(neighbors, work.k * work.reach, work.k) &&
           coordinates(points, work.n * KQ_CHANNELS) &&
           coordinates(work.centers, work.k * KQ_CHANNELS) &&
           squares(work.distances, work.n) && right_weights(&b[1]);
    if (sane) {
        work.points = points;
        work.weights = b[1].buf;
        work.neighbors = neighbors;
        work.active = b[6].buf;
        work.step = step;
        Py_BEGIN_ALLOW_THREADS
        enough = kq_nudge(&work);
        Py_END_ALLOW_THREADS
        memcpy(b[2].buf, work.centers, (size_t)b[2].len);
        memcpy(b[3].buf, work.labels, (size_t)b[3].len);
        memcpy(b[4].buf, work.distances, (size_t)b[4].len);
    }
    free(points);
    free(neighbors);
    free(work.centers);
    free(work.labels);
    free(work.distances);
    if (copied && !sane)
        return released(b, 7,
                        refuse("nudge: sizes don't fit, or a label or another number is out of range"));
    if (!enough)
        return released(b, 7, PyErr_NoMemory());
    return released(b, 7, Py_BuildValue("nL", (Py_ssize_t)work.moved, (long long)work.fall));
}

PyDoc_STRVAR(accumulate_doc, "accumulate(points, weights, labels, sums, counts)");
static PyObject *py_accumulate(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int fits;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4]))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE), k = items(&b[4], sizeof(int64_t));
    fits = holds(&b[1], n, sizeof(int64_t)) && holds(&b[2], n, sizeof(uint16_t)) &&
           holds(&b[3], k * KQ_CHANNELS, sizeof(int64_t)) && in_range(&b[0]);
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        fits = kq_accumulate(b[0].buf, b[1].buf, b[2].buf, n, b[3].buf, b[4].buf, k);
        Py_END_ALLOW_THREADS
    }
    if (!fits)
        refuse("accumulate: sizes don't fit, or a label or another number is out of range");
    return released(b, 5, fits ? Py_BuildValue("") : NULL);
}

PyDoc_STRVAR(variance_cuts_doc, "variance_cuts(points, weights, centers) -> count");
static PyObject *py_variance_cuts(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    size_t count = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*", &b[0], &b[1], &b[2]))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE), k = items(&b[2], KQ_POINT_SIZE);
    if (n < 1 || !right_k(k) || !holds(&b[1], n, sizeof(int64_t)) || !in_range(&b[0]) ||
        !right_weights(&b[1]))
        return released(b, 3, refuse("variance_cuts: sizes don't fit, or a number is out of range"));
    Py_BEGIN_ALLOW_THREADS
    count = kq_variance_cuts(b[0].buf, b[1].buf, n, b[2].buf, k);
    Py_END_ALLOW_THREADS
    return released(b, 3, count ? PyLong_FromSize_t(count) : PyErr_NoMemory());
}

PyDoc_STRVAR(split_gains_doc, "split_gains(points, weights, labels, gains, halves)");
static PyObject *py_split_gains(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int done = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4]))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE), k = items(&b[3], sizeof(double));
    uint16_t *labels = own(&b[2]);
    if (!labels)
        return released(b, 5, PyErr_NoMemory());
    if (n >= 1 && holds(&b[1], n, sizeof(int64_t)) && holds(&b[2], n, sizeof(uint16_t)) &&
        holds(&b[4], 2 * k, KQ_POINT_SIZE) && in_range(&b[0]) && right_weights(&b[1])) {
        Py_BEGIN_ALLOW_THREADS
        done = kq_split_gains(b[0].buf, b[1].buf, labels, n, b[3].buf, b[4].buf, k);
        Py_END_ALLOW_THREADS
    }
    free(labels);
    if (done < 0)
        return released(b, 5,
                        refuse("split_gains: sizes don't fit, or a label or another number is out of range"));
    return released(b, 5, done ? Py_BuildValue("") : PyErr_NoMemory());
}

PyDoc_STRVAR(plus_plus_doc, "plus_plus(points, weights, randoms, chosen)");
static PyObject *py_plus_plus(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*w*", &b[0], &b[1], &b[2], &b[3]))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE), k = items(&b[2], sizeof(uint64_t));
    if (n < 1 || n >= UINT32_MAX || !holds(&b[1], n, sizeof(int64_t)) ||
        !holds(&b[3], k, sizeof(uint32_t)) || !in_range(&b[0]) || !right_weights(&b[1]))
        return released(b, 4, refuse("plus_plus: sizes don't fit, or a number is out of range"));
    Py_BEGIN_ALLOW_THREADS
    enough = kq_plus_plus(b[0].buf, b[1].buf, n, b[2].buf, k, b[3].buf);
    Py_END_ALLOW_THREADS
    return released(b, 4, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

#define KQ_QUANTIZE_METHODS                                            \
    {"nearest", py_nearest, METH_VARARGS, nearest_doc},                \
    {"nearest_two", py_nearest_two, METH_VARARGS, nearest_two_doc},    \
    {"reassign", py_reassign, METH_VARARGS, reassign_doc},             \
    {"lloyd", py_lloyd, METH_VARARGS, lloyd_doc},                      \
    {"merge_and_split", py_merge_and_split, METH_VARARGS, merge_and_split_doc}, \
    {"search_round", py_search_round, METH_VARARGS, search_round_doc}, \
    {"settle_kinds", py_settle_kinds, METH_VARARGS, settle_kinds_doc}, \
    {"near", py_near, METH_VARARGS, near_doc},                         \
    {"nudge", py_nudge, METH_VARARGS, nudge_doc},                      \
    {"accumulate", py_accumulate, METH_VARARGS, accumulate_doc},       \
    {"plus_plus", py_plus_plus, METH_VARARGS, plus_plus_doc},          \
    {"variance_cuts", py_variance_cuts, METH_VARARGS, variance_cuts_doc}, \
    {"split_gains", py_split_gains, METH_VARARGS, split_gains_doc},

#endif
