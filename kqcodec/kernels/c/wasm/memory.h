/* Memory, where there is no C library: WebAssembly has but an instruction for more pages.
 *
 * Pieces lie one behind the other from __heap_base on. Those that are free are a list in the
 * order of their addresses, of which the first that is large enough is taken; neighbours in it
 * become one (Knuth, "The Art of Computer Programming", volume 1, section 2.5). All pieces are
 * 64 bytes or a multiple, and begin 16 bytes before a multiple of 64, so that what is handed out
 * begins where a cache line does.
 */
#ifndef KQ_WASM_MEMORY_H
#define KQ_WASM_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KQ_MALLOC(size) kq_memory_take(size)
#define KQ_CALLOC(count, size) kq_memory_zeros(count, size)
#define KQ_FREE(memory) kq_memory_free(memory)

#define KQ_MEMORY_LINE ((size_t)64)
#define KQ_MEMORY_PAGE ((size_t)65536)

typedef struct kq_piece {
    size_t size; /* with this head, in bytes */
    struct kq_piece *next;
    size_t padding[2];
} kq_piece;

extern unsigned char __heap_base;
static kq_piece *kq_free_pieces;
static uintptr_t kq_pieces_end; /* 0 before there are any */
static uintptr_t kq_clean;      /* from here on, free pieces but for their heads are zeros */

static size_t kq_round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static kq_piece *kq_piece_behind(kq_piece *piece)
{
    return (kq_piece *)((uintptr_t)piece + piece->size);
}

/* Makes one of two free pieces that touch, and zeros of the second head; returns whether they
 * do. */
static int kq_pieces_join(kq_piece *piece, kq_piece *next)
{
    if (!next || kq_piece_behind(piece) != next)
        return 0;
    piece->size += next->size;
    piece->next = next->next;
    memset(next, 0, sizeof *next);
    return 1;
}

static void kq_memory_free(void *memory)
{
    if (!memory)
        return;
    kq_piece *piece = (kq_piece *)memory - 1, *before = NULL, *next = kq_free_pieces;
    for (; next && next < piece; next = next->next)
        before = next;
    piece->next = next;
    kq_pieces_join(piece, next);
    if (!before)
        kq_free_pieces = piece;
    else if (!kq_pieces_join(before, piece))
        before->next = piece;
}

static uint64_t kq_memory_top(void)
{
    return (uint64_t)__builtin_wasm_memory_size(0) * KQ_MEMORY_PAGE;
}

/* Has a free piece of `size` bytes or more at the end. Returns 0 if there is no more memory. */
static int kq_memory_grow(size_t size)
{
    if (!kq_pieces_end) {
        const uintptr_t first = (uintptr_t)&__heap_base + sizeof(kq_piece);
        kq_pieces_end = kq_clean = kq_round_up(first, KQ_MEMORY_LINE) - sizeof(kq_piece);
    }
    const uint64_t top = kq_memory_top(), wanted = (uint64_t)kq_pieces_end + size;
    if (wanted > top) {
        const uint64_t pages = (wanted - top + KQ_MEMORY_PAGE - 1) / KQ_MEMORY_PAGE;
        if (__builtin_wasm_memory_grow(0, (size_t)pages) == SIZE_MAX)
            return 0;
    }
    kq_piece *piece = (kq_piece *)kq_pieces_end;
    piece->size = (size_t)((kq_memory_top() - kq_pieces_end) / KQ_MEMORY_LINE * KQ_MEMORY_LINE);
    kq_pieces_end += piece->size;
    kq_memory_free(piece + 1);
    return 1;
}

static void *kq_memory_take(size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = kq_round_up(size + sizeof(kq_piece), KQ_MEMORY_LINE);
    do {
        for (kq_piece **at = &kq_free_pieces; *at; at = &(*at)->next) {
            kq_piece *piece = *at;
            if (piece->size < size)
                continue;
            *at = piece->next;
            if (piece->size > size) {
                kq_piece *rest = (kq_piece *)((uintptr_t)piece + size);
                rest->size = piece->size - size;
                rest->next = piece->next;
                *at = rest;
                piece->size = size;
            }
            const uintptr_t end = (uintptr_t)kq_piece_behind(piece);
            kq_clean = end > kq_clean ? end : kq_clean;
            return piece + 1;
        }
    } while (kq_memory_grow(size));
    return NULL;
}

/* New memory is zeros already: of tables of which little is used, no more than that is ever
 * touched. */
static void *kq_memory_zeros(size_t count, size_t size)
{
    const uintptr_t clean = kq_clean;
    if (size && count > SIZE_MAX / size)
        return NULL;
    uint8_t *memory = kq_memory_take(count * size);
    if (memory && (uintptr_t)memory < clean) {
        const size_t used = clean - (uintptr_t)memory;
        memset(memory, 0, used < count * size ? used : count * size);
    }
    return memory;
}

#endif
