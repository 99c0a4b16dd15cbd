/* kernels/c/regions: whatever the map of colours and the payload, the labels of
 * regions are refused, or below K and one a region; labels come back from
 * colours, of which neighbours differ, and a payload of their own. */
#include "fuzz.h"
#include "regions/coloring.h"

#define MOST_LABELS 600
#define MOST_SIZES 3

/* Labels that are one in a region stay so, and no two regions that touch are
 * mixed up. */
static void one_a_region(const kq_map *colors, const kq_map *labels) {
  const size_t width = colors->width;
  for (size_t i = 0; i < width * colors->height; i++) {
    if (i % width && kq_map_at(colors, i) == kq_map_at(colors, i - 1))
      DEMAND(kq_map_at(labels, i) == kq_map_at(labels, i - 1));
    if (i >= width && kq_map_at(colors, i) == kq_map_at(colors, i - width))
      DEMAND(kq_map_at(labels, i) == kq_map_at(labels, i - width));
  }
}

static void comes_back(const kq_map *labels, uint32_t k) {
  const size_t count = labels->width * labels->height,
               capacity = 20 * count + 16;
  const size_t bytes = count * (size_t)labels->size;
  size_t size = 0, less = 0;
  uint8_t *colors = room(count), *payload = room(capacity);
  void *found = room(bytes);
  const int many =
      kq_regions_encode(labels, k, colors, payload, capacity, &size);
  DEMAND(many >= 1 && many <= 6 && size <= capacity);
  const kq_map map = {colors, 1, labels->width, labels->height};
  one_a_region(labels, &map);
  one_a_region(&map, labels);
  for (size_t i = 0; i < count; i++)
    DEMAND(colors[i] < many);
  uint8_t *exact = room(size);
  if (size)
    memcpy(exact, payload, size);
  DEMAND(kq_regions_decode(&map, exact, size, k, found, labels->size) == 1);
  DEMAND(memcmp(found, labels->labels, bytes) == 0);
  if (size) {
    uint8_t *small = room(size - 1);
    DEMAND(kq_regions_encode(labels, k, colors, small, size - 1, &less) == 0);
    free(small);
  }
  free(exact);
  free(colors);
  free(payload);
  free(found);
}

static void fill(void *labels, int size, size_t i, uint32_t value) {
  kq_row_run_fill(labels, size, i, i + 1, value);
}

static void run(fuzz_input input) {
  static const int sizes[MOST_SIZES] = {1, 2, 4};
  static const uint32_t large[4] = {65536, 65537, 1u << 24, UINT32_MAX};
  const uint32_t kind = next(&input, 1);
  const int size = sizes[(kind & 3) % MOST_SIZES];
  size_t width = next_side(&input), height = next_side(&input), bytes;
  if (width * height > MOST_LABELS)
    height = MOST_LABELS / width;
  const size_t count = width * height;
  uint32_t k = size == 4 && kind & 4 ? large[next(&input, 1) % 4]
                                     : next_k(&input),
           state;
  k = size == 1 && k > 256 ? 256 : k;
  void *found = room(count * (size_t)size);
  const kq_map labels = {found, size, width, height};
  memset(found, 0xA5, count * (size_t)size);
  state = next(&input, 2);
  const uint32_t noise = next(&input, 1), few = 1 + next(&input, 1) % 12;

  /* Noise, or what is to the left or above with as much noise as the input
   * says. */
  uint32_t *made = room(count * sizeof *made);
  for (size_t i = 0; i < count; i++) {
    const uint32_t draw = mixed(&state), drawn = mixed(&state);
    made[i] = drawn;
    if (draw % 256 >= noise && i > 0)
      made[i] = draw & 256 && i >= width ? made[i - width] : made[i - 1];
  }
  if (kind & 8) {
    for (size_t i = 0; i < count; i++)
      fill(found, size, i,
           (kind & 16 ? made[i] % few * (k / few) : made[i]) % k);
    comes_back(&labels, k);
  } else {
    uint8_t *colors = room(count), *payload = copied(&input, SIZE_MAX, &bytes);
    for (size_t i = 0; i < count; i++)
      colors[i] =
          (uint8_t)(kind & 32 && bytes ? payload[i % bytes] : made[i] % few);
    const kq_map map = {colors, 1, width, height};
    const int valid = kq_regions_decode(&map, payload, bytes, k, found, size);
    DEMAND(valid == 0 || valid == 1);
    if (valid) {
      one_a_region(&map, &labels);
      for (size_t i = 0; i < count; i++)
        DEMAND(kq_map_at(&labels, i) < k);
      comes_back(&labels, k);
    }
    free(colors);
    free(payload);
  }
  free(made);
  free(found);
}
