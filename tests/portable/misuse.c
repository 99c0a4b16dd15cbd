/* What callers of kq.h get wrong, with each file whose path stands on a line of
 * standard input: nothing is there yet, or not any more; arguments are outside;
 * rows begin at odd addresses; several files are open on the same bytes, in
 * several threads. Prints how many files it opened. */
#define KQ_IMPLEMENTATION
#include "kq.h"

#include <pthread.h>

#include "files.h"

/* Steps that nobody has begun, or that stopped midway. */
static void check_order(kq_file *file, uint8_t *pixels, size_t stride) {
  const uint32_t last_tile = kq_get_info(file)->tiles - 1;
  const uint32_t last_frame = frames_of(kq_get_info(file)) - 1;
  int more = 1;
  kq_box box;
  must(!kq_tile_labels(file, &box), "no labels before kq_begin");
  must(kq_paint_tile(file, 3, pixels, stride) == KQ_ARGUMENT,
       "nothing to paint before it");
  must(kq_step(file, &more) == KQ_OK && !more, "no steps before it");
  must(kq_begin(file, last_frame, last_tile + 1) == KQ_ARGUMENT,
       "there is the tile");
  must(kq_begin(file, last_frame + 1, last_tile) == KQ_ARGUMENT,
       "there is the frame");
  must(kq_begin(file, last_frame, last_tile) == KQ_OK,
       "the last tile of all begins");
  must(kq_step(file, &more) == KQ_OK, "it makes a step");
  if (more)
    must(!kq_tile_labels(file, &box) &&
             kq_paint_tile(file, 3, pixels, stride) == KQ_ARGUMENT,
         "no labels midway");
  must(kq_begin(file, 0, 0) == KQ_OK, "another tile begins midway");
  do
    must(kq_step(file, &more) == KQ_OK, "it goes on");
  while (more);
  must(kq_step(file, &more) == KQ_OK && !more, "a step too many does nothing");
  must(kq_tile_labels(file, &box) && box.x == 0 && box.y == 0,
       "the first tile's labels");
  must(kq_paint_tile(file, 2, pixels, stride) == KQ_ARGUMENT,
       "two channels aren't painted");
  must(kq_paint_tile(file, 3, pixels, stride) == KQ_OK, "three are");
}

static void check_arguments(kq_file *file, const uint8_t *data, size_t size) {
  const kq_info *info = kq_get_info(file);
  const size_t row = 4 * (size_t)info->width;
  const kq_box outside[] = {{info->width + 1, 0, 0, 0},
                            {0, info->height, 1, 1},
                            {1, 0, UINT32_MAX, 1},
                            {0, UINT32_MAX, 1, UINT32_MAX}};
  const kq_box none = {info->width, info->height, 0, 0};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
    must(kq_read_labels(file, 0, outside + i, NULL, row) == KQ_ARGUMENT,
         "boxes are inside");
  must(kq_read_pixels(file, 0, &none, 4, NULL, 0) == KQ_OK,
       "a box may have nothing in it");
  must(kq_read_pixels(file, frames_of(info), &none, 4, NULL, 0) == KQ_ARGUMENT,
       "but not of no frame");
  must(kq_read_pixels(file, 0, NULL, 1, NULL, row) == KQ_ARGUMENT,
       "one channel isn't read");
  if (info->height > 1)
    must(kq_read_pixels(file, 0, NULL, 4, NULL, row - 1) == KQ_ARGUMENT,
         "rows don't overlap");
  if (!info->label_map)
    must(kq_read_ids(file, 0, NULL, NULL, row) == KQ_ARGUMENT,
         "pictures have no ids");
  size_t found = 1;
  must(!kq_section(file, "zzzz", &found) && found == 0,
       "there is no such section");
  must(kq_duration(file, frames_of(info)) == 0,
       "a frame that isn't there takes no time");
  must(kq_set_palette(file, kq_palette(file)) == KQ_OK,
       "a palette may be its own");
  kq_result result = KQ_OK;
  must(!kq_load(data, size, 2, NULL, NULL, &result) && result == KQ_ARGUMENT,
       "three or four");
  uint8_t *pixels = kq_load(data, size, 3, NULL, NULL, NULL);
  must(pixels != NULL, "nobody must want to know the size");
  kq_free(pixels);
}

/* Rows begin at odd addresses, and the bytes of the file, too. */
static void check_alignment(const uint8_t *data, size_t size) {
  uint8_t *moved = (uint8_t *)malloc(size + 1);
  memcpy(moved + 1, data, size);
  kq_file *file;
  must(kq_open(moved + 1, size, NULL, &file) == KQ_OK,
       "a file may begin anywhere");
  const kq_info *info = kq_get_info(file);
  const size_t row = 1 + 8 * (size_t)info->width;
  uint8_t *even = (uint8_t *)malloc(row * info->height);
  uint8_t *odd = (uint8_t *)malloc(1 + row * info->height);
  for (int what = 0; what < 2; what++) {
    const size_t item = what ? item_bytes(info) : (size_t)kq_label_bytes(file);
    const size_t stride = item * info->width;
    if (what) {
      must(read_box(file, 0, NULL, even, stride) == KQ_OK, "it can be read");
      must(read_box(file, 0, NULL, odd + 1, row) == KQ_OK,
           "rows may begin anywhere");
    } else {
      must(kq_read_labels(file, 0, NULL, even, stride) == KQ_OK,
           "labels can be read");
      must(kq_read_labels(file, 0, NULL, odd + 1, row) == KQ_OK,
           "they may, too");
    }
    for (uint32_t y = 0; y < info->height; y++)
      must(memcmp(even + y * stride, odd + 1 + y * row, stride) == 0,
           "with the same in it");
  }
  kq_close(file);
  free(odd);
  free(even);
  free(moved);
}

/* Colours are of a file, not of its bytes. */
static void check_two(const uint8_t *data, size_t size) {
  kq_file *one, *two;
  must(kq_open(data, size, NULL, &one) == KQ_OK &&
           kq_open(data, size, NULL, &two) == KQ_OK,
       "two files of the same bytes");
  const uint32_t width = kq_get_info(one)->width,
                 height = kq_get_info(one)->height;
  const size_t stride = 4 * (size_t)width, bytes = stride * height;
  uint8_t *palette = (uint8_t *)malloc(4 * (size_t)kq_get_info(one)->entries);
  uint8_t *pixels = (uint8_t *)malloc(2 * bytes);
  memset(palette, 7, 4 * (size_t)kq_get_info(one)->entries);
  must(kq_set_palette(one, palette) == KQ_OK, "colours of one");
  must(kq_read_pixels(one, 0, NULL, 4, pixels, stride) == KQ_OK,
       "one can be read");
  for (size_t i = 0; i < bytes; i++)
    must(pixels[i] == 7, "in its colours");
  must(kq_read_pixels(two, 0, NULL, 4, pixels, stride) == KQ_OK,
       "the other one can be read");
  uint8_t *loaded = kq_load(data, size, 4, NULL, NULL, NULL);
  must(!memcmp(loaded, pixels, bytes), "in its own");
  kq_free(loaded);
  kq_close(one);
  kq_close(two);
  free(pixels);
  free(palette);
}

typedef struct {
  const uint8_t *data;
  size_t size, bytes;
  uint8_t *all;
} task;

static void *in_a_thread(void *argument) {
  task *one = (task *)argument;
  must(decode(one->data, one->size, NULL, &one->all, &one->bytes) == KQ_OK,
       "a thread reads it");
  return NULL;
}

static void check_threads(const uint8_t *data, size_t size) {
  task tasks[2] = {{data, size, 0, NULL}, {data, size, 0, NULL}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++)
    must(!pthread_create(threads + i, NULL, in_a_thread, tasks + i),
         "a thread begins");
  for (int i = 0; i < 2; i++)
    pthread_join(threads[i], NULL);
  must(!memcmp(tasks[0].all, tasks[1].all, tasks[0].bytes),
       "threads read the same");
  free(tasks[0].all);
  free(tasks[1].all);
}

int main(void) {
  int count = 0;
  size_t size;
  kq_file *file;
  kq_info info;
  must(kq_open(NULL, 0, NULL, &file) == KQ_SIGNATURE && !file,
       "nothing is not a file");
  must(kq_read_header(NULL, 0, &info) == KQ_SIGNATURE, "and has no header");
  kq_close(NULL);
  kq_free(NULL);
  for (uint8_t *data; (data = next_file(&size)); free(data)) {
    if (kq_open(data, size, NULL, &file) != KQ_OK)
      continue;
    count++;
    const size_t stride = 3 * (size_t)kq_get_info(file)->width;
    uint8_t *pixels = (uint8_t *)malloc(stride * kq_get_info(file)->height);
    check_order(file, pixels, stride);
    free(pixels);
    check_arguments(file, data, size);
    kq_close(file);
    check_alignment(data, size);
    check_two(data, size);
    check_threads(data, size);
  }
  printf("%d\n", count);
  return 0;
}
