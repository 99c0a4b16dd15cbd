/* kernels/c/coding/numbers.h: any payload is refused or gives lists of numbers,
 * the same whatever stood in their place before; lists come back from a payload
 * of their own. */
#include "coding/numbers.h"
#include "fuzz.h"

#define MOST_LISTS 6
#define MOST_NUMBERS 300

/* Numbers of every size, mostly small. */
static uint64_t next_number(fuzz_input *input) {
  const uint32_t kind = next(input, 1);
  if (kind < 128)
    return kind;
  const uint64_t wide = (uint64_t)next(input, 4) << 32 | next(input, 4);
  return kind == 255 ? UINT64_MAX - (wide & 3) : wide >> (kind & 63);
}

static void comes_back(const uint64_t *counts, size_t lists, uint64_t *numbers,
                       size_t count) {
  const size_t bytes = count * sizeof *numbers, capacity = 10 * count + 16;
  size_t size = 0, less = 0;
  uint8_t *payload = room(capacity);
  uint64_t *found = room(bytes);
  DEMAND(kq_numbers_encode(counts, lists, numbers, payload, capacity, &size) ==
         1);
  DEMAND(size <= capacity);
  uint8_t *exact = room(size);
  if (size)
    memcpy(exact, payload, size);
  memset(found, 0xA5, bytes);
  DEMAND(kq_numbers_decode(exact, count ? size : 0, counts, lists, found) == 1);
  DEMAND(memcmp(found, numbers, bytes) == 0);
  if (count &&
      size) { /* a byte less doesn't hold it */
    uint8_t *small = room(size - 1);
    DEMAND(kq_numbers_encode(counts, lists, numbers, small, size - 1, &less) ==
           0);
    free(small);
  }
  free(exact);
  free(payload);
  free(found);
}

static void run(fuzz_input input) {
  const size_t lists = next(&input, 1) % (MOST_LISTS + 1);
  const uint32_t kind = next(&input, 1);
  uint64_t counts[MOST_LISTS];
  size_t count = 0, size;
  for (size_t i = 0; i < lists; i++)
    count += counts[i] = next(&input, 2) % (MOST_NUMBERS / MOST_LISTS);
  uint64_t *numbers = room(count * sizeof *numbers),
           *others = room(count * sizeof *others);
  if (kind & 1) {
    for (size_t i = 0; i < count; i++)
      numbers[i] = next_number(&input);
    comes_back(counts, lists, numbers, count);
  } else {
    uint8_t *payload = copied(&input, SIZE_MAX, &size);
    memset(numbers, 0, count * sizeof *numbers);
    memset(others, 0xA5, count * sizeof *others);
    const int valid = kq_numbers_decode(payload, size, counts, lists, numbers);
    DEMAND(valid == 0 || valid == 1);
    DEMAND(kq_numbers_decode(payload, size, counts, lists, others) == valid);
    if (count == 0)
      DEMAND(valid == (size == 0));
    if (valid) {
      DEMAND(memcmp(numbers, others, count * sizeof *numbers) == 0);
      comes_back(counts, lists, numbers, count);
    }
    free(payload);
  }
  free(numbers);
  free(others);
}
