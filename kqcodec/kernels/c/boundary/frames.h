/* The boundary of frames. */
#ifndef KQ_BOUNDARY_FRAMES_H
#define KQ_BOUNDARY_FRAMES_H

#include "boundary/buffers.h"
#include "frames/moves.h"

PyDoc_STRVAR(find_moves_doc, "find_moves(labels, before, width, moves) -> count");
static PyObject *py_find_moves(PyObject *self, PyObject *args)
{
    Py_buffer b[KQ_BUFFERS];
    int found = 0;
    Py_ssize_t width;
    kq_shift moves[KQ_MOST_MOVES] = {{0, 0}};
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*nw*", &b[0], &b[1], &width, &b[2]))
        return NULL;
    const size_t count = items(&b[0], sizeof(uint16_t));
    if (width < 1 || width > KQ_MOVES_SIDE || count / (size_t)width > KQ_MOVES_SIDE ||
        !holds(&b[0], count / (size_t)width * (size_t)width, sizeof(uint16_t)) ||
        !holds(&b[1], count, sizeof(uint16_t)) || !holds(&b[2], KQ_MOST_MOVES, sizeof *moves))
        return released(b, 3, refuse("find_moves: sizes don't fit"));
    Py_BEGIN_ALLOW_THREADS found = kq_find_moves(b[0].buf, b[1].buf, (size_t)width, (size_t)width,
                                                 count / (size_t)width, moves);
    Py_END_ALLOW_THREADS if (found < 0) return released(b, 3, PyErr_NoMemory());
    memcpy(b[2].buf, moves, sizeof moves);
    return released(b, 3, PyLong_FromLong(found));
}

#define KQ_FRAMES_METHODS {"find_moves", py_find_moves, METH_VARARGS, find_moves_doc},

#endif
