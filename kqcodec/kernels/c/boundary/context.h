/* The boundary of the coder `context`. */
#ifndef KQ_BOUNDARY_CONTEXT_H
#define KQ_BOUNDARY_CONTEXT_H

#include "boundary/buffers.h"
#include "context/context.h"
#include "context/tree.h"

static kq_logistic context_tables; /* filled when the module is made */

PyDoc_STRVAR(tree_order_doc, "tree_order(colors, order)");
static PyObject *py_tree_order(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*w*", &b[0], &b[1]))
        return NULL;
    size_t k = items(&b[1], sizeof(uint16_t));
    if (!right_k(k) || !holds(&b[1], k, sizeof(uint16_t)) || !holds(&b[0], k, 3))
        return released(b, 2, refuse("tree_order: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS enough = kq_tree_order(b[0].buf, k, b[1].buf);
    Py_END_ALLOW_THREADS return released(b, 2, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

/* Fills `tile` from the buffers of order, colours (none, if that is empty) and labels, whose
 * width is given; 0 if they don't fit, or the order isn't one of entries. */
static int tile_fits(kq_tile *tile, const Py_buffer *order, const Py_buffer *colors,
                     const Py_buffer *labels, int itemsize, Py_ssize_t width, int setting)
{
    size_t k = items(order, sizeof(uint16_t)), size = (size_t)(itemsize == 2 ? 2 : 1);
    if (!right_k(k) || k < 2 || !holds(order, k, sizeof(uint16_t)) ||
        (colors->len && !holds(colors, k, 3)) || (itemsize != 1 && itemsize != 2) || width < 1 ||
        labels->len < 1 ||
        !holds(labels, items(labels, size) / (size_t)width * (size_t)width, size))
        return 0;
    if (setting < 0 || !KQ_SETTING_VALID(setting))
        return 0;
    tile->order = order->buf;
    size_t highest = 0; /* without a way out of the loop, so that it is vectorised */
    for (size_t i = 0; i < k; i++)
        highest = tile->order[i] > highest ? tile->order[i] : highest;
    if (highest >= k)
        return 0;
    tile->colors = colors->len ? colors->buf : NULL;
    tile->k = (uint32_t)k;
    tile->setting = setting;
    tile->width = (size_t)width;
    tile->height = items(labels, size) / (size_t)width;
    tile->wide = itemsize == 2;
    /* Places in the tile are counted in 32 bits. */
    return (tile->height + KQ_ABOVE) < UINT32_MAX / (tile->width + 2 * KQ_MARGIN);
}

/* Whether every label is below k. */
static int labels_fit(const kq_tile *tile, const void *labels)
{
    for (size_t i = 0; i < tile->width * tile->height; i++)
        if (kq_label_get(labels, i, tile->wide) >= tile->k)
            return 0;
    return 1;
}

PyDoc_STRVAR(context_encode_doc,
             "context_encode(labels, itemsize, width, order, colors, setting, out) -> size, -1 if "
             "out is too small");
static PyObject *py_context_encode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, setting, done = 0;
    Py_ssize_t width;
    size_t size = 0;
    kq_tile tile;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iny*y*iw*", &b[0], &itemsize, &width, &b[1], &b[2], &setting,
                          &b[3]))
        return NULL;
    if (!tile_fits(&tile, &b[1], &b[2], &b[0], itemsize, width, setting) ||
        !labels_fit(&tile, b[0].buf))
        return released(b, 4, refuse("context_encode: sizes don't fit, or a label is K or more"));
    Py_BEGIN_ALLOW_THREADS done =
        kq_context_encode(&context_tables, &tile, b[0].buf, b[3].buf, (size_t)b[3].len, &size);
    Py_END_ALLOW_THREADS if (done < 0) return released(b, 4, PyErr_NoMemory());
    return released(b, 4, PyLong_FromSsize_t(done ? (Py_ssize_t)size : -1));
}

PyDoc_STRVAR(context_decode_doc,
             "context_decode(payload, itemsize, width, order, colors, setting, out) -> bool");
static PyObject *py_context_decode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, setting, valid = 0;
    Py_ssize_t width;
    kq_tile tile;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iny*y*iw*", &b[0], &itemsize, &width, &b[1], &b[2], &setting,
                          &b[3]))
        return NULL;
    if (!tile_fits(&tile, &b[1], &b[2], &b[3], itemsize, width, setting))
        return released(b, 4, refuse("context_decode: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS valid =
        kq_context_decode(&context_tables, &tile, b[0].buf, (size_t)b[0].len, b[3].buf);
    Py_END_ALLOW_THREADS return released(b, 4,
                                         valid < 0 ? PyErr_NoMemory() : PyBool_FromLong(valid));
}

#define KQ_CONTEXT_METHODS \
    {"tree_order", py_tree_order, METH_VARARGS, tree_order_doc}, \
        {"context_encode", py_context_encode, METH_VARARGS, context_encode_doc}, \
        {"context_decode", py_context_decode, METH_VARARGS, context_decode_doc},

#endif
