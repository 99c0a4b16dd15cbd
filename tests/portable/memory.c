/* For each file whose path stands on a line of standard input: what kq.h takes of memory until it
 * is open, whether it gives all of it back, and what it does where there is none. Prints the kind
 * of refusal, the most bytes at once until then, and how many allocations there were. */
#include <stddef.h>

static void *counted_malloc(size_t bytes);
static void counted_free(void *pointer);
#define KQ_MALLOC(bytes) counted_malloc(bytes)
#define KQ_FREE(pointer) counted_free(pointer)
#define KQ_IMPLEMENTATION
#include "kq.h"

#include "files.h"

static size_t held, most, allocations, failing; /* bytes; the number of the one that fails */

static void *counted_malloc(size_t bytes)
{
    if (++allocations == failing)
        return NULL;
    max_align_t *block = (max_align_t *)malloc(sizeof *block + bytes);
    if (!block)
        return NULL;
    memcpy(block, &bytes, sizeof bytes);
    memset(block + 1, 0xA5, bytes); /* nobody may count on zeros */
    held += bytes;
    most = held > most ? held : most;
    return block + 1;
}

static void counted_free(void *pointer)
{
    if (!pointer)
        return;
    size_t bytes;
    max_align_t *block = (max_align_t *)pointer - 1;
    memcpy(&bytes, block, sizeof bytes);
    held -= bytes;
    free(block);
}

static kq_result decode_once(const uint8_t *data, size_t size, size_t fail)
{
    uint8_t *all;
    size_t bytes;
    failing = fail;
    allocations = held = most = 0;
    const kq_result result = decode(data, size, NULL, &all, &bytes);
    KQ_FREE(all);
    if (held) {
        fprintf(stderr, "not so: all memory is given back\n");
        exit(3);
    }
    return result;
}

int main(void)
{
    size_t size;
    uint8_t *data;
    for (; (data = next_file(&size)); free(data)) {
        kq_file *file;
        failing = allocations = held = most = 0;
        if (kq_open(data, size, NULL, &file) == KQ_OK)
            kq_close(file);
        const size_t to_open = most;
        const kq_result result = decode_once(data, size, 0);
        const size_t count = allocations;
        for (size_t i = 1; i <= count; i++)
            if (decode_once(data, size, i) != KQ_NO_MEMORY) {
                fprintf(stderr, "not so: without allocation %zu there is no memory\n", i);
                exit(3);
            }
        printf("%s %zu %zu\n", kinds[result], to_open, count);
    }
    return 0;
}
