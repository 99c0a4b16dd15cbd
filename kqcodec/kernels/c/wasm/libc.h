/* What stands in for a C library in WebAssembly: memory, and sorting.
 *
 * Blocks lie one behind the other from __heap_base on. Those that are free are a list in the
 * order of their addresses; neighbours in it become one (Knuth, "The Art of Computer
 * Programming", volume 1, section 2.5, "first fit"). All blocks are 64 bytes or a multiple, and
 * begin 16 bytes before a multiple of 64: what is handed out is where cache lines begin.
 */
#ifndef KQ_WASM_LIBC_H
#define KQ_WASM_LIBC_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KQ_WASM_LINE 64
#define KQ_WASM_PAGE 65536

typedef struct kq_wasm_block {
    size_t size; /* with this head, in bytes */
    struct kq_wasm_block *next;
    size_t padding[2];
} kq_wasm_block;

extern unsigned char __heap_base;
static kq_wasm_block *kq_wasm_free; /* the first free one */
static uintptr_t kq_wasm_end;       /* of all blocks; 0 before there are any */
static uintptr_t kq_wasm_clean;     /* from here on, free memory but for heads is zeros as yet */

static kq_wasm_block *kq_wasm_behind(kq_wasm_block *block)
{
    return (kq_wasm_block *)((uintptr_t)block + block->size);
}

/* Makes one of two free blocks that touch; returns whether they do. What was a head is zeros. */
static int kq_wasm_join(kq_wasm_block *block, kq_wasm_block *next)
{
    if (kq_wasm_behind(block) != next)
        return 0;
    block->size += next->size;
    block->next = next->next;
    memset(next, 0, sizeof *next);
    return 1;
}

void free(void *memory)
{
    if (!memory)
        return;
    kq_wasm_block *block = (kq_wasm_block *)memory - 1, *before = NULL, *next = kq_wasm_free;
    for (; next && next < block; next = next->next)
        before = next;
    block->next = next;
    if (next)
        kq_wasm_join(block, next);
    if (!before)
        kq_wasm_free = block;
    else if (!kq_wasm_join(before, block))
        before->next = block;
}

/* Makes a block of so many bytes, or more, behind all others, and sets it free, by which it
 * becomes part of a free one before it. Returns 0 where there is no more memory. */
static int kq_wasm_grow(size_t size)
{
    uintptr_t top = (uintptr_t)__builtin_wasm_memory_size(0) * KQ_WASM_PAGE;
    if (!kq_wasm_end) {
        const uintptr_t base = (uintptr_t)&__heap_base + sizeof(kq_wasm_block);
        kq_wasm_end = (base + KQ_WASM_LINE - 1) / KQ_WASM_LINE * KQ_WASM_LINE;
        kq_wasm_end -= sizeof(kq_wasm_block);
        kq_wasm_clean = kq_wasm_end;
    }
    size_t room = (top - kq_wasm_end) / KQ_WASM_LINE * KQ_WASM_LINE;
    if (room < size) {
        const size_t pages = (size - room + KQ_WASM_PAGE - 1) / KQ_WASM_PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1)
            return 0;
        room += pages * KQ_WASM_PAGE;
    }
    kq_wasm_block *block = (kq_wasm_block *)kq_wasm_end;
    kq_wasm_end += room;
    block->size = room;
    free(block + 1);
    return 1;
}

void *malloc(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + sizeof(kq_wasm_block) + KQ_WASM_LINE - 1) / KQ_WASM_LINE * KQ_WASM_LINE;
    do {
        kq_wasm_block **from = &kq_wasm_free, *block;
        for (; (block = *from); from = &block->next) {
            if (block->size < size)
                continue;
            *from = block->next;
            if (block->size > size) {
                kq_wasm_block *rest = (kq_wasm_block *)((uintptr_t)block + size);
                rest->size = block->size - size;
                rest->next = block->next;
                *from = rest;
                block->size = size;
            }
            if ((uintptr_t)kq_wasm_behind(block) > kq_wasm_clean)
                kq_wasm_clean = (uintptr_t)kq_wasm_behind(block);
            return block + 1;
        }
    } while (kq_wasm_grow(size));
    return NULL;
}

void *calloc(size_t count, size_t size)
{
    const uintptr_t clean = kq_wasm_clean;
    if (size && count > SIZE_MAX / size)
        return NULL;
    uint8_t *memory = malloc(count * size);
    if (memory && (uintptr_t)memory < clean) {
        const size_t used = clean - (uintptr_t)memory;
        memset(memory, 0, used < count * size ? used : count * size);
    }
    return memory;
}

/* Instructions of their own. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
    return __builtin_memmove(to, from, size);
}

void *memset(void *memory, int byte, size_t size)
{
    return __builtin_memset(memory, byte, size);
}

int memcmp(const void *one, const void *other, size_t size)
{
    const uint8_t *a = one, *b = other;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

#endif
