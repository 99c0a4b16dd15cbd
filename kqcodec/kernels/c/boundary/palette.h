/* The boundary of the kernels that code palettes. */
#ifndef KQ_BOUNDARY_PALETTE_H
#define KQ_BOUNDARY_PALETTE_H

#include "boundary/buffers.h"
#include "coding/palette_coder.h"

/* How many channels a plain palette of k entries has: 3, 4, or 0 if it isn't one. */
static int palette_channels(const Py_buffer *plain, Py_ssize_t k)
{
    if (k < 1 || !right_k((size_t)k))
        return 0;
    return holds(plain, (size_t)k, 3) ? 3 : holds(plain, (size_t)k, 4) ? 4 : 0;
}

PyDoc_STRVAR(encode_palette_doc,
             "encode_palette(plain, k, ascending, out) -> size, -1 if out is too small");
static PyObject *py_encode_palette(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    Py_ssize_t k;
    int ascending, done = 0;
    size_t size = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*npw*", &b[0], &k, &ascending, &b[1]))
        return NULL;
    int channels = palette_channels(&b[0], k);
    if (!channels)
        return released(b, 2, refuse("encode_palette: not a palette"));
    Py_BEGIN_ALLOW_THREADS done = kq_palette_encode(b[0].buf, (size_t)k, channels, ascending,
                                                    b[1].buf, (size_t)b[1].len, &size);
    Py_END_ALLOW_THREADS if (done < 0) return released(b, 2, PyErr_NoMemory());
    return released(b, 2, PyLong_FromSsize_t(done ? (Py_ssize_t)size : -1));
}

PyDoc_STRVAR(decode_palette_doc, "decode_palette(payload, k, out) -> bool");
static PyObject *py_decode_palette(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    Py_ssize_t k;
    int valid = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*nw*", &b[0], &k, &b[1]))
        return NULL;
    int channels = palette_channels(&b[1], k);
    if (!channels)
        return released(b, 2, refuse("decode_palette: not a palette"));
    Py_BEGIN_ALLOW_THREADS valid =
        kq_palette_decode(b[0].buf, (size_t)b[0].len, (size_t)k, channels, b[1].buf);
    Py_END_ALLOW_THREADS return released(b, 2,
                                         valid < 0 ? PyErr_NoMemory() : PyBool_FromLong(valid));
}

#define KQ_PALETTE_METHODS \
    {"encode_palette", py_encode_palette, METH_VARARGS, encode_palette_doc}, \
        {"decode_palette", py_decode_palette, METH_VARARGS, decode_palette_doc},

#endif
