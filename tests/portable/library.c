/* kq.h as a library, for tests in Python: see tests/fuzz/kq_h.py. */
#define KQ_IMPLEMENTATION
#include "kq.h"

#include "files.h"

int decode_all(const uint8_t *data, size_t size, uint64_t max_pixels, uint8_t **out,
               size_t *bytes);
int decode_all(const uint8_t *data, size_t size, uint64_t max_pixels, uint8_t **out, size_t *bytes)
{
    kq_limits limits;
    memset(&limits, 0, sizeof limits);
    limits.pixels = max_pixels;
    return decode(data, size, &limits, out, bytes);
}
