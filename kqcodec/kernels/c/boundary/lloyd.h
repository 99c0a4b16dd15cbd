/* The boundary of Lloyd's algorithm. */
#ifndef KQ_BOUNDARY_LLOYD_H
#define KQ_BOUNDARY_LLOYD_H

#include "boundary/buffers.h"
#include "search/nearest.h"
#include "search/opaque_lloyd.h"

/* Whether iterations may go on so long, and take such steps. */
static int right_steps(size_t iterations, int relax, int tolerance_bits)
{
    return iterations >= 1 && iterations <= 1000000 && relax >= 1 && relax <= 64 &&
           tolerance_bits >= 1 && tolerance_bits <= 62;
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
        return released(
            b, 6,
            refuse("reassign: sizes don't fit, or a label or another number is out of range"));
    }
    work.points = b[0].buf;
    work.weights = b[1].buf;
    work.sums = b[4].buf;
    work.counts = b[5].buf;
    Py_BEGIN_ALLOW_THREADS enough = kq_assign(&work, b[2].buf, k);
    Py_END_ALLOW_THREADS give_back(&b[3], work.labels);
    if (!enough)
        return released(b, 6, PyErr_NoMemory());
    return released(b, 6, Py_BuildValue("nL", (Py_ssize_t)work.changed, (long long)work.cost));
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
        return released(
            b, 7, refuse("lloyd: sizes don't fit, or a label or another number is out of range"));
    }
    work.points = b[0].buf;
    work.weights = b[1].buf;
    work.sums = b[4].buf;
    work.counts = b[5].buf;
    Py_BEGIN_ALLOW_THREADS done =
        kq_lloyd(&work, b[2].buf, k, (int)iterations, relax, tolerance_bits, -1, b[6].buf);
    Py_END_ALLOW_THREADS give_back(&b[3], work.labels);
    return released(b, 7, done ? PyLong_FromLong(done) : PyErr_NoMemory());
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
    Py_BEGIN_ALLOW_THREADS left = kq_settle_kinds(&all, &now, iterations, tolerance_bits);
    Py_END_ALLOW_THREADS if (left < 0) return released(b, 5, PyErr_NoMemory());
    return released(b, 5, Py_BuildValue("iL", left, (long long)now.cost));
}

#define KQ_LLOYD_METHODS \
    {"reassign", py_reassign, METH_VARARGS, reassign_doc}, \
        {"lloyd", py_lloyd, METH_VARARGS, lloyd_doc}, \
        {"settle_kinds", py_settle_kinds, METH_VARARGS, settle_kinds_doc},

#endif
