/* The boundary of the kernels for colours and pixels. */
#ifndef KQ_BOUNDARY_COLORS_H
#define KQ_BOUNDARY_COLORS_H

#include "boundary/buffers.h"
#include "pixels/colors.h"

PyDoc_STRVAR(count_colors_doc, "count_colors(pixels, keys, counts) -> count");
static PyObject *py_count_colors(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    size_t count = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*w*w*", &b[0], &b[1], &b[2]))
        return NULL;
    size_t n = items(&b[0], 3);
    if (n < 1 || n > UINT32_MAX || !holds(&b[1], n, sizeof(uint32_t)) ||
        !holds(&b[2], n, sizeof(int64_t)))
        return released(b, 3, refuse("count_colors: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS count = kq_count_colors(b[0].buf, n, b[1].buf, b[2].buf);
    Py_END_ALLOW_THREADS return released(b, 3, count ? PyLong_FromSize_t(count) : PyErr_NoMemory());
}

PyDoc_STRVAR(merge_colors_doc,
             "merge_colors(keys_a, counts_a, keys_b, counts_b, keys, counts) -> count");
static PyObject *py_merge_colors(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    size_t count = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*w*", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]))
        return NULL;
    size_t first = items(&b[0], sizeof(uint32_t)), second = items(&b[2], sizeof(uint32_t));
    if (!holds(&b[1], first, sizeof(int64_t)) || !holds(&b[3], second, sizeof(int64_t)) ||
        !holds(&b[4], first + second, sizeof(uint32_t)) ||
        !holds(&b[5], first + second, sizeof(int64_t)))
        return released(b, 6, refuse("merge_colors: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS count =
        kq_merge_colors(b[0].buf, b[1].buf, first, b[2].buf, b[3].buf, second, b[4].buf, b[5].buf);
    Py_END_ALLOW_THREADS return released(b, 6, PyLong_FromSize_t(count));
}

PyDoc_STRVAR(merge_cells_doc,
             "merge_cells(points, weights, keys, mask, means, totals, firsts) -> count");
static PyObject *py_merge_cells(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    unsigned int mask;
    size_t count = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*Iw*w*w*", &b[0], &b[1], &b[2], &mask, &b[3], &b[4], &b[5]))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE);
    int sane = holds(&b[1], n, sizeof(int64_t)) && holds(&b[2], n, sizeof(uint32_t)) &&
               holds(&b[3], n, KQ_POINT_SIZE) && holds(&b[4], n, sizeof(int64_t)) &&
               holds(&b[5], n, sizeof(uint32_t));
    sane = sane && in_range(&b[0]) && right_weights(&b[1]);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS count =
            kq_merge_cells(b[0].buf, b[1].buf, b[2].buf, n, mask, b[3].buf, b[4].buf, b[5].buf);
        Py_END_ALLOW_THREADS
    }
    if (!sane)
        refuse("merge_cells: sizes don't fit, or a number is out of range");
    return released(b, 6, sane ? PyLong_FromSize_t(count) : NULL);
}

PyDoc_STRVAR(morton_order_doc, "morton_order(keys, order)");
static PyObject *py_morton_order(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*w*", &b[0], &b[1]))
        return NULL;
    size_t n = items(&b[0], sizeof(uint32_t));
    if (n < 1 || !holds(&b[1], n, sizeof(uint32_t)))
        return released(b, 2, refuse("morton_order: sizes don't fit"));
    const uint32_t *keys = b[0].buf;
    for (size_t i = 0; i < n; i++)
        if (keys[i] >> 24)
            return released(b, 2, refuse("morton_order: a key has more than 24 bits"));
    Py_BEGIN_ALLOW_THREADS enough = kq_morton_order(keys, n, b[1].buf);
    Py_END_ALLOW_THREADS return released(b, 2, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

PyDoc_STRVAR(fill_table_doc, "fill_table(keys, labels, itemsize, table)");
static PyObject *py_fill_table(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*iw*", &b[0], &b[1], &itemsize, &b[2]))
        return NULL;
    size_t n = items(&b[0], sizeof(uint32_t));
    int sane = (itemsize == 1 || itemsize == 2) && holds(&b[1], n, (size_t)itemsize) &&
               holds(&b[2], (size_t)1 << 24, (size_t)itemsize);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_fill_table(b[0].buf, b[1].buf, itemsize == 2, n, b[2].buf);
        Py_END_ALLOW_THREADS
    }
    if (!sane)
        refuse("fill_table: sizes don't fit");
    return released(b, 3, sane ? Py_BuildValue("") : NULL);
}

PyDoc_STRVAR(look_up_doc, "look_up(pixels, table, itemsize, out)");
static PyObject *py_look_up(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*iw*", &b[0], &b[1], &itemsize, &b[2]))
        return NULL;
    size_t n = items(&b[0], 3);
    int sane = (itemsize == 1 || itemsize == 2) && holds(&b[2], n, (size_t)itemsize) &&
               holds(&b[1], (size_t)1 << 24, (size_t)itemsize);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_look_up(b[0].buf, n, b[1].buf, itemsize == 2, b[2].buf);
        Py_END_ALLOW_THREADS
    }
    if (!sane)
        refuse("look_up: sizes don't fit");
    return released(b, 3, sane ? Py_BuildValue("") : NULL);
}

#define KQ_COLORS_METHODS \
    {"count_colors", py_count_colors, METH_VARARGS, count_colors_doc}, \
        {"merge_colors", py_merge_colors, METH_VARARGS, merge_colors_doc}, \
        {"merge_cells", py_merge_cells, METH_VARARGS, merge_cells_doc}, \
        {"morton_order", py_morton_order, METH_VARARGS, morton_order_doc}, \
        {"fill_table", py_fill_table, METH_VARARGS, fill_table_doc}, \
        {"look_up", py_look_up, METH_VARARGS, look_up_doc},

#endif
