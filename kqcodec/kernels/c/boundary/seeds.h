/* The boundary of palettes to begin with, and of cuts. */
#ifndef KQ_BOUNDARY_SEEDS_H
#define KQ_BOUNDARY_SEEDS_H

#include "boundary/buffers.h"
#include "search/seeds.h"
#include "search/variance_cuts.h"

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
    Py_BEGIN_ALLOW_THREADS enough = kq_plus_plus(b[0].buf, b[1].buf, n, b[2].buf, k, b[3].buf);
    Py_END_ALLOW_THREADS return released(b, 4, enough ? Py_BuildValue("") : PyErr_NoMemory());
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
        return released(b, 3,
                        refuse("variance_cuts: sizes don't fit, or a number is out of range"));
    Py_BEGIN_ALLOW_THREADS count = kq_variance_cuts(b[0].buf, b[1].buf, n, b[2].buf, k);
    Py_END_ALLOW_THREADS return released(b, 3, count ? PyLong_FromSize_t(count) : PyErr_NoMemory());
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
        Py_BEGIN_ALLOW_THREADS done =
            kq_split_gains(b[0].buf, b[1].buf, labels, n, b[3].buf, b[4].buf, k);
        Py_END_ALLOW_THREADS
    }
    free(labels);
    if (done < 0)
        return released(
            b, 5,
            refuse("split_gains: sizes don't fit, or a label or another number is out of range"));
    return released(b, 5, done ? Py_BuildValue("") : PyErr_NoMemory());
}

#define KQ_SEEDS_METHODS \
    {"plus_plus", py_plus_plus, METH_VARARGS, plus_plus_doc}, \
        {"variance_cuts", py_variance_cuts, METH_VARARGS, variance_cuts_doc}, \
        {"split_gains", py_split_gains, METH_VARARGS, split_gains_doc},

#endif
