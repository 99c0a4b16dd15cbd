/* Python's buffers, and whether what they hold is what a kernel takes. */
#ifndef KQ_BOUNDARY_BUFFERS_H
#define KQ_BOUNDARY_BUFFERS_H

#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "search/nearest.h"

/* Raises a ValueError; returns what a function then returns. */
static PyObject *refuse(const char *why)
{
    PyErr_SetString(PyExc_ValueError, why);
    return NULL;
}

#define KQ_POINT_SIZE (KQ_CHANNELS * sizeof(int16_t))
#define KQ_BUFFERS 11 /* at most, of a function */

/* Releases a function's buffers; returns its result. */
static PyObject *released(Py_buffer *buffers, int count, PyObject *result)
{
    for (int i = 0; i < count; i++)
        PyBuffer_Release(buffers + i);
    return result;
}

/* How many items of a size a buffer has. */
static size_t items(const Py_buffer *buffer, size_t size)
{
    return (size_t)buffer->len / size;
}

/* Whether a buffer holds just so many items. */
static int holds(const Py_buffer *buffer, size_t count, size_t size)
{
    return (size_t)buffer->len % size == 0 && items(buffer, size) == count;
}

static int right_k(size_t k)
{
    return k >= 1 && k <= 65536;
}

/* Whether coordinates are from 0 to KQ_TOP: tables have places for no others. */
static int coordinates(const int16_t *points, size_t count)
{
    uint16_t highest = 0; /* the negative ones are the highest */
    for (size_t i = 0; i < count; i++)
        highest = (uint16_t)points[i] > highest ? (uint16_t)points[i] : highest;
    return highest <= KQ_TOP;
}

static int in_range(const Py_buffer *points)
{
    return coordinates(points->buf, items(points, sizeof(int16_t)));
}

/* Whether these can be squared distances: steps are added to them. */
static int squares(const int32_t *distances, size_t count)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < count; i++)
        highest = (uint32_t)distances[i] > highest ? (uint32_t)distances[i] : highest;
    return highest <= (uint32_t)KQ_CHANNELS * KQ_TOP * KQ_TOP;
}

#define KQ_MOST_WEIGHT ((int64_t)1 << 49) /* times KQ_TOP it fits 63 bits */

/* Whether weights are positive, since they are divided by, and what they add up to isn't
 * too much to be multiplied. */
static int right_weights(const Py_buffer *weights)
{
    const int64_t *values = weights->buf;
    int64_t left = KQ_MOST_WEIGHT;
    for (size_t i = 0; i < items(weights, sizeof(int64_t)); i++) {
        int64_t value = values[i];
        KQ_HIDE(value); /* read once: somebody may change it */
        if (value <= 0 || value > left)
            return 0;
        left -= value;
    }
    return 1;
}

/* A copy of a buffer that nobody else can write to: of numbers that are places in tables
 * it doesn't help that they were looked at, where they can change afterwards. NULL
 * without memory. */
static void *own(const Py_buffer *buffer)
{
    void *copy = malloc((size_t)buffer->len + 1);
    return copy ? memcpy(copy, buffer->buf, (size_t)buffer->len) : NULL;
}

/* Writes such a copy back; it is free then. */
static void give_back(const Py_buffer *buffer, void *copy)
{
    memcpy(buffer->buf, copy, (size_t)buffer->len);
    free(copy);
}

/* Whether all labels are below k. */
static int labels_below(const uint16_t *labels, size_t n, size_t k)
{
    size_t highest = 0;
    for (size_t i = 0; i < n; i++)
        highest = labels[i] > highest ? labels[i] : highest;
    return highest < k;
}

#endif
