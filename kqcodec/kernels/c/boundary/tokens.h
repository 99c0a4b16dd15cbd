/* The boundary of the coder `tokens`. */
#ifndef KQ_BOUNDARY_TOKENS_H
#define KQ_BOUNDARY_TOKENS_H

#include "boundary/buffers.h"
#include "tokens/encode.h"

/* Fills `tile` from the buffers of order and labels, whose width is given; 0 if they don't
 * fit. An order that isn't one of entries does no harm. */
static int tokens_fit(kq_tokens_tile *tile, const Py_buffer *order, const Py_buffer *labels,
                      int itemsize, Py_ssize_t width)
{
    size_t k = items(order, sizeof(uint16_t)), size = (size_t)(itemsize == 2 ? 2 : 1);
    if (!right_k(k) || k < 2 || !holds(order, k, sizeof(uint16_t)) ||
        (itemsize != 2 && (itemsize != 1 || k > 256)) || width < 1 || labels->len < 1 ||
        !holds(labels, items(labels, size) / (size_t)width * (size_t)width, size))
        return 0;
    tile->order = order->buf;
    tile->k = (uint32_t)k;
    tile->width = (size_t)width;
    tile->height = items(labels, size) / (size_t)width;
    tile->wide = itemsize == 2;
    tile->labels = labels->buf;
    return items(labels, size) <= KQ_TOKENS_MOST_LABELS;
}

PyDoc_STRVAR(tokens_encode_doc,
             "tokens_encode(labels, itemsize, width, order, out) -> size, -1 if out is too small");
static PyObject *py_tokens_encode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, done = 0, sane;
    Py_ssize_t width;
    size_t size = 0;
    kq_tokens_tile tile;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iny*w*", &b[0], &itemsize, &width, &b[1], &b[2]))
        return NULL;
    sane = tokens_fit(&tile, &b[1], &b[0], itemsize, width);
    for (size_t i = 0; sane && i < tile.width * tile.height; i++)
        sane = kq_label_get(b[0].buf, i, tile.wide) < tile.k;
    if (!sane)
        return released(b, 3, refuse("tokens_encode: sizes don't fit, or a label is K or more"));
    Py_BEGIN_ALLOW_THREADS done = kq_tokens_encode(&tile, b[2].buf, (size_t)b[2].len, &size);
    Py_END_ALLOW_THREADS if (done < 0) return released(b, 3, PyErr_NoMemory());
    return released(b, 3, PyLong_FromSsize_t(done ? (Py_ssize_t)size : -1));
}

PyDoc_STRVAR(tokens_decode_doc, "tokens_decode(payload, itemsize, width, order, out) -> bool");
static PyObject *py_tokens_decode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, valid = 0;
    Py_ssize_t width;
    kq_tokens_tile tile;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iny*w*", &b[0], &itemsize, &width, &b[1], &b[2]))
        return NULL;
    if (!tokens_fit(&tile, &b[1], &b[2], itemsize, width))
        return released(b, 3, refuse("tokens_decode: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS valid = kq_tokens_decode(&tile, b[0].buf, (size_t)b[0].len);
    Py_END_ALLOW_THREADS return released(b, 3,
                                         valid < 0 ? PyErr_NoMemory() : PyBool_FromLong(valid));
}

#define KQ_TOKENS_METHODS \
    {"tokens_encode", py_tokens_encode, METH_VARARGS, tokens_encode_doc}, \
        {"tokens_decode", py_tokens_decode, METH_VARARGS, tokens_decode_doc},

#endif
