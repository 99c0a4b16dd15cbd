/* What the kernels need of string.h where there is no C library: libc.h has it. */
#ifndef KQ_WASM_STRING_H
#define KQ_WASM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *memory, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);

#endif
