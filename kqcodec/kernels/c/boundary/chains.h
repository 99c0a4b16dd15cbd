/* The boundary of chains: a tile of a sequence, frame after frame, as an object. */
#ifndef KQ_BOUNDARY_CHAINS_H
#define KQ_BOUNDARY_CHAINS_H

#include "boundary/context.h"
#include "frames/chain.h"

#define KQ_CHAIN_NAME "kqcodec.kernels.chain"

typedef struct {
    kq_chain chain;
    int busy;   /* in use by a thread, which has let go of the GIL */
    int broken; /* what it holds isn't a frame of the sequence any more */
    void *memory;
} kq_held_chain;

/* Zeros, at an address that suits vectors; NULL without memory. */
static kq_held_chain *chain_allocated(void)
{
    void *memory = calloc(1, sizeof(kq_held_chain) + KQ_ALIGNING);
    if (!memory)
        return NULL;
    kq_held_chain *held = KQ_ALIGNED_AT(memory);
    held->memory = memory;
    return held;
}

static void chain_destroy(PyObject *capsule)
{
    kq_held_chain *held = PyCapsule_GetPointer(capsule, KQ_CHAIN_NAME);
    if (held) {
        kq_chain_close(&held->chain);
        free(held->memory);
    }
}

/* The chain in a capsule, which is the caller's until it sets `busy` to 0, for labels of so many
 * bytes, which are below K if they are `read`; NULL with an exception. */
static kq_held_chain *chain_taken(PyObject *capsule, const Py_buffer *labels, int itemsize,
                                  int read)
{
    kq_held_chain *held = PyCapsule_GetPointer(capsule, KQ_CHAIN_NAME);
    if (!held)
        return NULL;
    if (held->busy || held->broken) {
        PyErr_SetString(PyExc_RuntimeError, held->busy ? "another thread uses this chain"
                                                       : "this chain has come to an end");
        return NULL;
    }
    if ((itemsize != 1 && itemsize != 2) || (itemsize == 1 && held->chain.tile.k > 256) ||
        !holds(labels, held->chain.tile.width * held->chain.tile.height, (size_t)itemsize))
        return (kq_held_chain *)refuse("chain: sizes don't fit");
    held->chain.tile.wide = itemsize == 2;
    if (read && !labels_fit(&held->chain.tile, labels->buf))
        return (kq_held_chain *)refuse("chain: a label is K or more");
    held->busy = 1;
    return held;
}

PyDoc_STRVAR(chain_open_doc, "chain_open(order, colors, width, height, setting) -> capsule");
static PyObject *py_chain_open(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    Py_ssize_t width, height;
    int setting, opened = 0;
    kq_tile tile;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*nni", &b[0], &b[1], &width, &height, &setting))
        return NULL;
    kq_held_chain *held = chain_allocated();
    /* A buffer for labels, of which only the size counts. */
    Py_buffer labels = b[0];
    const int fits = width >= 1 && height >= 1 && width <= KQ_CHAIN_LABELS / height;
    labels.len = fits ? width * height * 2 : 0;
    if (!fits ||
        !tile_fits(&tile, &b[0], &b[1], &labels, 2, width, KQ_CHAIN_SETTING(setting, KQ_SMALL)) ||
        setting < 0x40 || setting > 0xFF) {
        free(held ? held->memory : NULL);
        return released(b, 2, refuse("chain_open: sizes don't fit"));
    }
    tile.setting = setting;
    Py_BEGIN_ALLOW_THREADS opened = held && kq_chain_open(&held->chain, &context_tables, &tile);
    Py_END_ALLOW_THREADS PyObject *capsule = NULL;
    if (opened) {
        capsule = PyCapsule_New(held, KQ_CHAIN_NAME, chain_destroy);
        if (!capsule)
            kq_chain_close(&held->chain);
    } else {
        PyErr_NoMemory();
    }
    if (!capsule && held)
        free(held->memory);
    return released(b, 2, capsule);
}

PyDoc_STRVAR(chain_begin_doc, "chain_begin(chain, labels, itemsize)");
static PyObject *py_chain_begin(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    PyObject *capsule;
    int itemsize, done = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "Oy*i", &capsule, &b[0], &itemsize))
        return NULL;
    kq_held_chain *held = chain_taken(capsule, &b[0], itemsize, 1);
    if (!held)
        return released(b, 1, NULL);
    Py_BEGIN_ALLOW_THREADS done = kq_chain_begin(&held->chain, b[0].buf);
    Py_END_ALLOW_THREADS held->busy = 0;
    held->broken = !done;
    return released(b, 1, done ? Py_BuildValue("") : PyErr_NoMemory());
}

PyDoc_STRVAR(chain_encode_doc,
             "chain_encode(chain, labels, itemsize, out) -> size, -1 if out is too small");
static PyObject *py_chain_encode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    PyObject *capsule;
    int itemsize, done = 0;
    size_t size = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "Oy*iw*", &capsule, &b[0], &itemsize, &b[1]))
        return NULL;
    kq_held_chain *held = chain_taken(capsule, &b[0], itemsize, 1);
    if (!held)
        return released(b, 2, NULL);
    Py_BEGIN_ALLOW_THREADS done =
        kq_chain_encode(&held->chain, b[0].buf, b[1].buf, (size_t)b[1].len, &size);
    Py_END_ALLOW_THREADS held->busy = 0;
    held->broken = done != 1;
    if (done < 0)
        return released(b, 2, PyErr_NoMemory());
    return released(b, 2, PyLong_FromSsize_t(done ? (Py_ssize_t)size : -1));
}

PyDoc_STRVAR(chain_decode_doc, "chain_decode(chain, payload, itemsize, out) -> work, or -1");
static PyObject *py_chain_decode(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    PyObject *capsule;
    int itemsize;
    long long work = -1;
    (void)self;
    if (!PyArg_ParseTuple(args, "Oy*iw*", &capsule, &b[0], &itemsize, &b[1]))
        return NULL;
    kq_held_chain *held = chain_taken(capsule, &b[1], itemsize, 0);
    if (!held)
        return released(b, 2, NULL);
    Py_BEGIN_ALLOW_THREADS work =
        kq_chain_decode(&held->chain, b[0].buf, (size_t)b[0].len, b[1].buf);
    Py_END_ALLOW_THREADS held->busy = 0;
    held->broken = work < 0;
    return released(b, 2, PyLong_FromLongLong(work));
}

#define KQ_CHAINS_METHODS \
    {"chain_open", py_chain_open, METH_VARARGS, chain_open_doc}, \
        {"chain_begin", py_chain_begin, METH_VARARGS, chain_begin_doc}, \
        {"chain_encode", py_chain_encode, METH_VARARGS, chain_encode_doc}, \
        {"chain_decode", py_chain_decode, METH_VARARGS, chain_decode_doc},

#endif
