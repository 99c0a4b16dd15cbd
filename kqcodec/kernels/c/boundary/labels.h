/* The boundary of labels: their bytes, and their colours. */
#ifndef KQ_BOUNDARY_LABELS_H
#define KQ_BOUNDARY_LABELS_H

#include "boundary/buffers.h"
#include "coding/dense.h"
#include "coding/packed.h"
#include "pixels/paint.h"

static size_t bytes_for(size_t bits)
{
    return (bits + 7) / 8;
}

PyDoc_STRVAR(pack_doc, "pack(labels, itemsize, bits, out)");
static PyObject *py_pack(PyObject *self, PyObject *args)
{
    Py_buffer labels, out;
    int itemsize, bits;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iiw*", &labels, &itemsize, &bits, &out))
        return NULL;
    int sane = (itemsize == 1 || itemsize == 2) && bits >= 1 && bits <= 8 * itemsize;
    size_t count = sane ? (size_t)labels.len / (size_t)itemsize : 0;
    sane = sane && (size_t)out.len == bytes_for(count * (size_t)bits);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_pack(labels.buf, itemsize == 2, count, bits, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&labels);
    PyBuffer_Release(&out);
    if (!sane)
        return refuse("pack: sizes don't fit");
    Py_RETURN_NONE;
}

PyDoc_STRVAR(unpack_doc, "unpack(payload, itemsize, bits, out)");
static PyObject *py_unpack(PyObject *self, PyObject *args)
{
    Py_buffer payload, out;
    int itemsize, bits;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iiw*", &payload, &itemsize, &bits, &out))
        return NULL;
    int sane = (itemsize == 1 || itemsize == 2) && bits >= 1 && bits <= 8 * itemsize;
    size_t count = sane ? (size_t)out.len / (size_t)itemsize : 0;
    sane = sane && (size_t)payload.len == bytes_for(count * (size_t)bits);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_unpack(payload.buf, itemsize == 2, count, bits, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&payload);
    PyBuffer_Release(&out);
    if (!sane)
        return refuse("unpack: sizes don't fit");
    Py_RETURN_NONE;
}

/* How a tile of `count` labels is cut into blocks; see kqcodec/format/sizes.py. */
typedef struct {
    unsigned int k;
    Py_ssize_t block;
    int block_bits, tail_bits;
} dense_shape;

/* Whether numbers below k^block have at most so many bits, or one more: the power is
 * rounded down on its way. */
static int power_fits(uint64_t k, size_t block, int bits)
{
    uint64_t power = 1; /* times 2^dropped */
    int dropped = 0;
    for (size_t i = 0; i < block && dropped <= bits; i++)
        for (power *= k; power >> 47; power >>= 1)
            dropped++;
    while (power >>= 1)
        dropped++;
    return dropped <= bits;
}

/* Whether the shape is one that the kernels can take, and fills `size` bytes. */
static int dense_fits(const dense_shape *shape, int itemsize, size_t count, size_t size)
{
    if (shape->k < 2 || shape->k > 65536 || (itemsize != 1 && itemsize != 2) || shape->block < 1)
        return 0;
    size_t block = (size_t)shape->block;
    size_t tail = count % block;
    if (shape->block_bits < 1 || shape->block_bits > KQ_DENSE_MAX_BITS || shape->tail_bits < 0 ||
        shape->tail_bits > shape->block_bits || (tail > 0) != (shape->tail_bits > 0))
        return 0;
    /* Each number must fit its words, of which there is one to spare. */
    if (!power_fits(shape->k, block, shape->block_bits))
        return 0;
    size_t bits = count / block * (size_t)shape->block_bits + (size_t)shape->tail_bits;
    return size == bytes_for(bits);
}

PyDoc_STRVAR(dense_encode_doc,
             "dense_encode(labels, itemsize, k, block, block_bits, tail_bits, out)");
static PyObject *py_dense_encode(PyObject *self, PyObject *args)
{
    Py_buffer labels, out;
    int itemsize;
    dense_shape shape;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iIniiw*", &labels, &itemsize, &shape.k, &shape.block,
                          &shape.block_bits, &shape.tail_bits, &out))
        return NULL;
    size_t count = itemsize > 0 ? (size_t)labels.len / (size_t)itemsize : 0;
    int sane = dense_fits(&shape, itemsize, count, (size_t)out.len);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_dense_encode(labels.buf, itemsize == 2, count, shape.k,
                                               (size_t)shape.block, shape.block_bits,
                                               shape.tail_bits, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&labels);
    PyBuffer_Release(&out);
    if (!sane)
        return refuse("dense_encode: sizes don't fit");
    Py_RETURN_NONE;
}

PyDoc_STRVAR(dense_decode_doc,
             "dense_decode(payload, itemsize, k, block, block_bits, tail_bits, out) -> bool");
static PyObject *py_dense_decode(PyObject *self, PyObject *args)
{
    Py_buffer payload, out;
    int itemsize, valid = 0;
    dense_shape shape;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iIniiw*", &payload, &itemsize, &shape.k, &shape.block,
                          &shape.block_bits, &shape.tail_bits, &out))
        return NULL;
    size_t count = itemsize > 0 ? (size_t)out.len / (size_t)itemsize : 0;
    int sane = dense_fits(&shape, itemsize, count, (size_t)payload.len);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS valid =
            kq_dense_decode(payload.buf, itemsize == 2, count, shape.k, (size_t)shape.block,
                            shape.block_bits, shape.tail_bits, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&payload);
    PyBuffer_Release(&out);
    if (!sane)
        return refuse("dense_decode: sizes don't fit");
    return PyBool_FromLong(valid);
}

PyDoc_STRVAR(paint_doc,
             "paint(labels, itemsize, height, width, palette, channels, out, offset, stride)");
static PyObject *py_paint(PyObject *self, PyObject *args)
{
    Py_buffer labels, palette, out;
    int itemsize;
    Py_ssize_t height, width, channels, offset, stride;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*inny*nw*nn", &labels, &itemsize, &height, &width, &palette,
                          &channels, &out, &offset, &stride))
        return NULL;
    int sane = (itemsize == 1 || itemsize == 2) && height > 0 && width > 0 && channels > 0 &&
               palette.len >= channels && palette.len % channels == 0 &&
               palette.len / channels <= 65536 && offset >= 0 && stride >= 0 &&
               labels.len / itemsize / width == height && width <= stride / channels &&
               offset <= out.len - width * channels &&
               height - 1 <= (out.len - width * channels - offset) / stride;
    if (sane) {
        Py_BEGIN_ALLOW_THREADS kq_paint(labels.buf, itemsize == 2, (size_t)height, (size_t)width,
                                        palette.buf, (size_t)palette.len / (size_t)channels,
                                        (size_t)channels, (uint8_t *)out.buf + offset,
                                        (size_t)stride);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&labels);
    PyBuffer_Release(&palette);
    PyBuffer_Release(&out);
    if (!sane)
        return refuse("paint: sizes don't fit");
    Py_RETURN_NONE;
}

#define KQ_LABELS_METHODS \
    {"pack", py_pack, METH_VARARGS, pack_doc}, {"unpack", py_unpack, METH_VARARGS, unpack_doc}, \
        {"dense_encode", py_dense_encode, METH_VARARGS, dense_encode_doc}, \
        {"dense_decode", py_dense_decode, METH_VARARGS, dense_decode_doc}, \
        {"paint", py_paint, METH_VARARGS, paint_doc},

#endif
