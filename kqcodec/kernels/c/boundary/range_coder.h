/* The boundary of the arithmetic coder by itself. The
 * kernels that code with it include coding/range_coder.h and need none of this. */
#ifndef KQ_BOUNDARY_RANGE_CODER_H
#define KQ_BOUNDARY_RANGE_CODER_H

#include "boundary/buffers.h"
#include "coding/range_coder.h"

/* Whether each is one that the coder can take. */
static int probabilities_fit(const uint16_t *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (p[i] == 0)
            return 0;
    return 1;
}

PyDoc_STRVAR(code_bits_doc, "code_bits(bits, probabilities, out) -> size, -1 if out is too small");
static PyObject *py_code_bits(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    size_t size = 0;
    int fits = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*", &b[0], &b[1], &b[2]))
        return NULL;
    size_t n = items(&b[0], 1);
    const uint8_t *bits = b[0].buf;
    const uint16_t *p = b[1].buf;
    if (!holds(&b[1], n, sizeof(uint16_t)) || !probabilities_fit(p, n))
        return released(b, 3, refuse("code_bits: sizes don't fit, or a probability is 0"));
    Py_BEGIN_ALLOW_THREADS kq_range_encoder encoder;
    kq_range_encoder_init(&encoder, b[2].buf, (size_t)b[2].len);
    for (size_t i = 0; i < n; i++)
        kq_range_encode(&encoder, bits[i] != 0, p[i]);
    fits = kq_range_finish(&encoder, &size);
    Py_END_ALLOW_THREADS return released(b, 3, PyLong_FromSsize_t(fits ? (Py_ssize_t)size : -1));
}

PyDoc_STRVAR(decode_bits_doc, "decode_bits(payload, probabilities, out) -> bool");
static PyObject *py_decode_bits(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int valid = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*w*", &b[0], &b[1], &b[2]))
        return NULL;
    size_t n = items(&b[2], 1);
    const uint16_t *p = b[1].buf;
    uint8_t *out = b[2].buf;
    if (!holds(&b[1], n, sizeof(uint16_t)) || !probabilities_fit(p, n))
        return released(b, 3, refuse("decode_bits: sizes don't fit, or a probability is 0"));
    Py_BEGIN_ALLOW_THREADS kq_range_decoder decoder;
    kq_range_decoder_init(&decoder, b[0].buf, (size_t)b[0].len);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)kq_range_decode(&decoder, p[i]);
    valid = kq_range_decoder_valid(&decoder);
    Py_END_ALLOW_THREADS return released(b, 3, PyBool_FromLong(valid));
}

#define KQ_RANGE_CODER_METHODS \
    {"code_bits", py_code_bits, METH_VARARGS, code_bits_doc}, \
        {"decode_bits", py_decode_bits, METH_VARARGS, decode_bits_doc},

#endif
