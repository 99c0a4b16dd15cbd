/* The boundary of label maps: lists of numbers, and regions. */
#ifndef KQ_BOUNDARY_LABEL_MAPS_H
#define KQ_BOUNDARY_LABEL_MAPS_H

#include "boundary/buffers.h"
#include "coding/numbers.h"
#include "regions/coloring.h"

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

/* Whether a size is that of labels, and a buffer has rows of that width, as `map` then says. */
static int map_fits(kq_map *map, const Py_buffer *labels, int size, Py_ssize_t width)
{
    if ((size != 1 && size != 2 && size != 4) || width < 1 || labels->len < 1)
        return 0;
    const size_t count = items(labels, (size_t)size);
    map->labels = labels->buf;
    map->size = size;
    map->width = (size_t)width;
    map->height = count / (size_t)width;
    return holds(labels, map->width * map->height, (size_t)size) && count < KQ_REGIONS_MOST_LABELS;
}

PyDoc_STRVAR(regions_encode_doc,
             "regions_encode(labels, itemsize, width, k, colors, out) -> count, size");
static PyObject *py_regions_encode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, done = 0;
    unsigned int k;
    Py_ssize_t width;
    size_t size = 0;
    kq_map map;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*inIw*w*", &b[0], &itemsize, &width, &k, &b[1], &b[2]))
        return NULL;
    if (k < 1 || !map_fits(&map, &b[0], itemsize, width) ||
        !holds(&b[1], map.width * map.height, 1))
        return released(b, 3, refuse("regions_encode: sizes don't fit"));
    void *labels = own(&b[0]); /* labels are places in tables */
    size_t highest = 0;
    if (!labels)
        return released(b, 3, PyErr_NoMemory());
    map.labels = labels;
    for (size_t i = 0; i < map.width * map.height; i++) {
        const size_t label = kq_map_at(&map, i);
        highest = label > highest ? label : highest;
    }
    if (highest >= k) {
        free(labels);
        return released(b, 3, refuse("regions_encode: a label is K or more"));
    }
    Py_BEGIN_ALLOW_THREADS done =
        kq_regions_encode(&map, k, b[1].buf, b[2].buf, (size_t)b[2].len, &size);
    Py_END_ALLOW_THREADS free(labels);
    if (done < 0)
        return released(b, 3, PyErr_NoMemory());
    return released(b, 3, Py_BuildValue("in", done, (Py_ssize_t)size));
}

PyDoc_STRVAR(regions_decode_doc,
             "regions_decode(payload, colors, width, k, itemsize, out) -> bool");
static PyObject *py_regions_decode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int itemsize, valid = 0;
    unsigned int k;
    Py_ssize_t width;
    kq_map map, labels;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*nIiw*", &b[0], &b[1], &width, &k, &itemsize, &b[2]))
        return NULL;
    if (k < 1 || !map_fits(&map, &b[1], 1, width) || !map_fits(&labels, &b[2], itemsize, width) ||
        map.height != labels.height)
        return released(b, 3, refuse("regions_decode: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS valid =
        kq_regions_decode(&map, b[0].buf, (size_t)b[0].len, k, b[2].buf, itemsize);
    Py_END_ALLOW_THREADS return released(b, 3,
                                         valid < 0 ? PyErr_NoMemory() : PyBool_FromLong(valid));
}

#define KQ_LABEL_MAPS_METHODS \
    {"numbers_encode", py_numbers_encode, METH_VARARGS, numbers_encode_doc}, \
        {"numbers_decode", py_numbers_decode, METH_VARARGS, numbers_decode_doc}, \
        {"regions_encode", py_regions_encode, METH_VARARGS, regions_encode_doc}, \
        {"regions_decode", py_regions_decode, METH_VARARGS, regions_decode_doc},

#endif
