/* The boundary between Python and the kernels: limited API, buffers in, GIL
 * released. kqcodec/kernels/compiled.py has checked dtypes and shapes; what is
 * checked again here are the lengths that keep every access inside a buffer.
 */
#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#if PY_VERSION_HEX >= 0x030B0000
#define Py_LIMITED_API 0x030B0000
#endif
#endif
#include <Python.h>

#include "boundary/chains.h"
#include "boundary/colors.h"
#include "boundary/context.h"
#include "boundary/diffuse.h"
#include "boundary/frames.h"
#include "boundary/label_maps.h"
#include "boundary/labels.h"
#include "boundary/lloyd.h"
#include "boundary/nearest.h"
#include "boundary/palette.h"
#include "boundary/range_coder.h"
#include "boundary/search.h"
#include "boundary/seeds.h"
#include "boundary/tokens.h"

/* clang-format off */
static PyMethodDef methods[] = {
    KQ_CHAINS_METHODS
    KQ_COLORS_METHODS
    KQ_CONTEXT_METHODS
    KQ_DIFFUSE_METHODS
    KQ_FRAMES_METHODS
    KQ_LABELS_METHODS
    KQ_LABEL_MAPS_METHODS
    KQ_LLOYD_METHODS
    KQ_NEAREST_METHODS
    KQ_PALETTE_METHODS
    KQ_RANGE_CODER_METHODS
    KQ_SEARCH_METHODS
    KQ_SEEDS_METHODS
    KQ_TOKENS_METHODS
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernels",
    .m_doc = "The compiled kernels; see kqcodec.kernels.",
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__kernels(void)
{
    kq_logistic_init(&context_tables);
    return PyModuleDef_Init(&module);
}
