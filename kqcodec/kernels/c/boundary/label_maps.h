/* The boundary of label maps: lists of numbers, and regions. */
#ifndef KQ_BOUNDARY_LABEL_MAPS_H
#define KQ_BOUNDARY_LABEL_MAPS_H

#include "boundary/buffers.h"
#include "coding/numbers.h"

/* Whether lists of so many numbers are just those of the buffer. `counts` is a copy. */
static int counts_fit(const uint64_t *counts, size_t lists, const Py_buffer *numbers)
{
    uint64_t left = items(numbers, sizeof(uint64_t));
    for (size_t i = 0; i < lists; i++) {
        if (counts[i] > left)
            return 0;
        left -= counts[i];
    }
    return left == 0 && numbers->len % (Py_ssize_t)sizeof(uint64_t) == 0;
}

PyDoc_STRVAR(numbers_encode_doc, "numbers_encode(counts, numbers, out) -> size");
static PyObject *py_numbers_encode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    size_t size = 0;
    int fits = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*", &b[0], &b[1], &b[2]))
        return NULL;
    const size_t lists = items(&b[0], sizeof(uint64_t));
    uint64_t *counts = own(&b[0]), *numbers = own(&b[1]);
    if (!counts || !numbers) {
        free(counts);
        free(numbers);
        return released(b, 3, PyErr_NoMemory());
    }
    const int sane = counts_fit(counts, lists, &b[1]);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS fits =
            kq_numbers_encode(counts, lists, numbers, b[2].buf, (size_t)b[2].len, &size);
        Py_END_ALLOW_THREADS
    }
    free(counts);
    free(numbers);
    if (!fits)
        return released(b, 3, refuse("numbers_encode: sizes don't fit"));
    return released(b, 3, PyLong_FromSize_t(size));
}

PyDoc_STRVAR(numbers_decode_doc, "numbers_decode(payload, counts, numbers) -> bool");
static PyObject *py_numbers_decode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int valid = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*", &b[0], &b[1], &b[2]))
        return NULL;
    const size_t lists = items(&b[1], sizeof(uint64_t));
    uint64_t *counts = own(&b[1]);
    if (!counts)
        return released(b, 3, PyErr_NoMemory());
    const int sane = counts_fit(counts, lists, &b[2]);
    if (sane) {
        Py_BEGIN_ALLOW_THREADS valid =
            kq_numbers_decode(b[0].buf, (size_t)b[0].len, counts, lists, b[2].buf);
        Py_END_ALLOW_THREADS
    }
    free(counts);
    if (!sane)
        return released(b, 3, refuse("numbers_decode: sizes don't fit"));
    return released(b, 3, PyBool_FromLong(valid));
}

#define KQ_LABEL_MAPS_METHODS \
    {"numbers_encode", py_numbers_encode, METH_VARARGS, numbers_encode_doc}, \
        {"numbers_decode", py_numbers_decode, METH_VARARGS, numbers_decode_doc},

#endif
