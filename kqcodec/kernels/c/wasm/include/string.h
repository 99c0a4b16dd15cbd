/* What the kernels need of string.h, where there is no C library: instructions. */
#ifndef KQ_WASM_INCLUDE_STRING_H
#define KQ_WASM_INCLUDE_STRING_H

#include <stddef.h>

#define memcpy(to, from, size) __builtin_memcpy(to, from, size)
#define memmove(to, from, size) __builtin_memmove(to, from, size)
#define memset(memory, byte, size) __builtin_memset(memory, byte, size)

static inline int memcmp(const void *one, const void *other, size_t size)
{
    const unsigned char *a = one, *b = other;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

#endif
