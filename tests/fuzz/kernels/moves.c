/* kernels/c/frames: whatever two frames are, the moves that are found are few, all different,
 * and each explains four blocks that have changed. */
#include "fuzz.h"
#include "frames/moves.h"

#define MOST_LABELS 20000

static void run(fuzz_input input) {
  size_t width = 1 + next(&input, 1), height = 1 + next(&input, 1);
  const size_t stride = width + next(&input, 1) % 4;
  if (width * height > MOST_LABELS)
    height = MOST_LABELS / width;
  const uint32_t few = 1 + next(&input, 1) % 9, cell = 1 + next(&input, 1) % 20;
  uint32_t state = next(&input, 2);
  uint16_t *before = room(stride * height * sizeof *before);
  uint16_t *now = room(stride * height * sizeof *now);
  for (size_t i = 0; i < stride * height; i++) {
    const size_t x = i % stride, y = i / stride;
    const int begins = x % cell == 0 && y % cell == 0;
    now[i] = before[i] = (uint16_t)(begins     ? mixed(&state) % few
                                    : x % cell ? before[i - 1]
                                               : before[i - stride]);
  }
  while (input.left) { /* something is copied, from anywhere to anywhere */
    const size_t from = next(&input, 2) % (stride * height),
                 to = next(&input, 2) % (stride * height);
    size_t most = stride * height - (from > to ? from : to);
    const size_t wanted = stride * next(&input, 1);
    most = wanted < most ? wanted : most;
    memcpy(now + to, before + from, most * sizeof *now);
  }
  kq_shift moves[KQ_MOST_MOVES];
  const int found = kq_find_moves(now, before, stride, width, height, moves);
  DEMAND(found >= 0 && found <= KQ_MOST_MOVES);
  const kq_frames frames = {now, before, stride, width, height};
  for (int i = 0; i < found; i++) {
    size_t explained = 0;
    DEMAND(moves[i].dx != 0 || moves[i].dy != 0);
    for (int j = 0; j < i; j++)
      DEMAND(moves[i].dx != moves[j].dx || moves[i].dy != moves[j].dy);
    for (size_t y = 0; y + KQ_FRAME_BLOCK <= height; y += KQ_FRAME_BLOCK)
      for (size_t x = 0; x + KQ_FRAME_BLOCK <= width; x += KQ_FRAME_BLOCK) {
        const kq_voter block = {(uint32_t)x, (uint32_t)y, 0, 0};
        explained += kq_block_moved(&frames, &block, moves[i]) &&
                     !kq_block_moved(&frames, &block, (kq_shift){0, 0});
      }
    DEMAND(explained >= KQ_MOVE_BLOCKS);
  }
  free(before);
  free(now);
}
