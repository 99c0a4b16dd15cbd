/* What the kernels need of stdlib.h where there is no C library: libc.h has it. */
#ifndef KQ_WASM_STDLIB_H
#define KQ_WASM_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *memory);
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
