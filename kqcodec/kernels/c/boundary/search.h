/* The boundary of the search for a better palette. */
#ifndef KQ_BOUNDARY_SEARCH_H
#define KQ_BOUNDARY_SEARCH_H

#include "boundary/lloyd.h"
#include "search/grid_descent.h"
#include "search/merge_split.h"
#include "search/search_round.h"

PyDoc_STRVAR(
    merge_and_split_doc,
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
        !labels_below(all.labels, all.n, all.k) || !labels_below(pairs, 2 * round.count, all.k) ||
        !in_range(&b[0]) || !in_range(&b[4]) || !in_range(&b[8]) || !right_weights(&b[1])) {
        free(all.labels);
        free(pairs);
        return released(
            b, 11,
            refuse(
                "merge_and_split: sizes don't fit, or a label or another number is out of range"));
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
    Py_BEGIN_ALLOW_THREADS fall = kq_merge_and_split(&all, &round);
    Py_END_ALLOW_THREADS give_back(&b[2], all.labels);
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
        return released(
            b, 8,
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
    Py_BEGIN_ALLOW_THREADS done =
        kq_search_round(&all, &round, (size_t)width, least_ratio, &memory, &cost, &tried, &kept);
    Py_END_ALLOW_THREADS give_back(&b[2], all.labels);
    if (!done)
        return released(b, 8, PyErr_NoMemory());
    return released(b, 8,
                    Py_BuildValue("nnL", (Py_ssize_t)tried, (Py_ssize_t)kept, (long long)cost));
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
           coordinates(work.centers, work.k * KQ_CHANNELS) && squares(work.distances, work.n) &&
           right_weights(&b[1]);
    if (sane) {
        work.points = points;
        work.weights = b[1].buf;
        work.neighbors = neighbors;
        work.active = b[6].buf;
        work.step = step;
        Py_BEGIN_ALLOW_THREADS enough = kq_nudge(&work);
        Py_END_ALLOW_THREADS memcpy(b[2].buf, work.centers, (size_t)b[2].len);
        memcpy(b[3].buf, work.labels, (size_t)b[3].len);
        memcpy(b[4].buf, work.distances, (size_t)b[4].len);
    }
    free(points);
    free(neighbors);
    free(work.centers);
    free(work.labels);
    free(work.distances);
    if (copied && !sane)
        return released(
            b, 7, refuse("nudge: sizes don't fit, or a label or another number is out of range"));
    if (!enough)
        return released(b, 7, PyErr_NoMemory());
    return released(b, 7, Py_BuildValue("nL", (Py_ssize_t)work.moved, (long long)work.fall));
}

#define KQ_SEARCH_METHODS \
    {"merge_and_split", py_merge_and_split, METH_VARARGS, merge_and_split_doc}, \
        {"search_round", py_search_round, METH_VARARGS, search_round_doc}, \
        {"nudge", py_nudge, METH_VARARGS, nudge_doc},

#endif
