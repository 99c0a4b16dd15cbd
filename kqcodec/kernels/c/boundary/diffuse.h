/* The boundary of the dithering kernel. */
#ifndef KQ_BOUNDARY_DIFFUSE_H
#define KQ_BOUNDARY_DIFFUSE_H

#include "boundary/buffers.h"
#include "pixels/diffuse.h"

/* Whether sums of the errors with those of a row stay within 32 bits. */
static int moderate(const int32_t *errors, size_t count)
{
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        if (errors[i] > most)
            most = errors[i];
        else if (errors[i] < -most)
            most = errors[i] == INT32_MIN ? INT32_MAX : -errors[i];
    }
    return most <= KQ_MOST_ERROR;
}

PyDoc_STRVAR(diffuse_doc,
             "diffuse(points, mask, width, centers, errors, labels, strength, backwards)");
static PyObject *py_diffuse(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    Py_ssize_t width;
    int strength, backwards, enough = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*ny*w*w*ii", &b[0], &b[1], &width, &b[2], &b[3], &b[4],
                          &strength, &backwards))
        return NULL;
    size_t n = items(&b[0], KQ_POINT_SIZE), k = items(&b[2], KQ_POINT_SIZE);
    int32_t *errors = own(&b[3]);
    if (!errors)
        return released(b, 5, PyErr_NoMemory());
    if (!right_k(k) || width < 1 || n % (size_t)width || !holds(&b[0], n, KQ_POINT_SIZE) ||
        !holds(&b[1], n, 1) || !holds(&b[3], ((size_t)width + 2) * KQ_CHANNELS, sizeof(int32_t)) ||
        !holds(&b[4], n, sizeof(uint16_t)) || strength < 0 || strength > 256 || !in_range(&b[0]) ||
        !in_range(&b[2]) || !moderate(errors, items(&b[3], sizeof(int32_t)))) {
        free(errors);
        return released(b, 5, refuse("diffuse: sizes don't fit, or a number is too large"));
    }
    Py_BEGIN_ALLOW_THREADS enough = kq_diffuse(b[0].buf, b[1].buf, n / (size_t)width, (size_t)width,
                                               b[2].buf, k, strength, backwards, errors, b[4].buf);
    Py_END_ALLOW_THREADS give_back(&b[3], errors);
    return released(b, 5, enough ? Py_BuildValue("") : PyErr_NoMemory());
}

#define KQ_DIFFUSE_METHODS {"diffuse", py_diffuse, METH_VARARGS, diffuse_doc},

#endif
