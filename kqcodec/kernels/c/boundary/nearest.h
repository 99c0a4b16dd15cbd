/* The boundary of the search for nearest centres. */
#ifndef KQ_BOUNDARY_NEAREST_H
#define KQ_BOUNDARY_NEAREST_H

#include "boundary/buffers.h"
#include "search/nearest.h"
#include "search/neighbors.h"

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
    Py_BEGIN_ALLOW_THREADS enough = kq_assign(&work, b[1].buf, k);
    Py_END_ALLOW_THREADS return released(b, 4, enough ? Py_BuildValue("") : PyErr_NoMemory());
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
    Py_BEGIN_ALLOW_THREADS enough = kq_assign(&work, b[1].buf, k);
    Py_END_ALLOW_THREADS return released(b, 6, enough ? Py_BuildValue("") : PyErr_NoMemory());
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
    Py_BEGIN_ALLOW_THREADS for (size_t i = 0; i < some; i++)
        kq_near(b[0].buf, k, (const int16_t *)b[1].buf + i * KQ_CHANNELS, (size_t)count,
                (uint16_t *)b[2].buf + i * (size_t)count);
    Py_END_ALLOW_THREADS return released(b, 3, Py_BuildValue(""));
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
        Py_BEGIN_ALLOW_THREADS fits =
            kq_accumulate(b[0].buf, b[1].buf, b[2].buf, n, b[3].buf, b[4].buf, k);
        Py_END_ALLOW_THREADS
    }
    if (!fits)
        refuse("accumulate: sizes don't fit, or a label or another number is out of range");
    return released(b, 5, fits ? Py_BuildValue("") : NULL);
}

#define KQ_NEAREST_METHODS \
    {"nearest", py_nearest, METH_VARARGS, nearest_doc}, \
        {"nearest_two", py_nearest_two, METH_VARARGS, nearest_two_doc}, \
        {"near", py_near, METH_VARARGS, near_doc}, \
        {"accumulate", py_accumulate, METH_VARARGS, accumulate_doc},

#endif
