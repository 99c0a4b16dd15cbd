/* The decoders alone, without Python and without encoders, as a decoder in
 * another language would have them: see test_headers.py. */
#define KQ_DECODE_ONLY
#include "coding/dense.h"
#include "coding/packed.h"
#include "coding/palette_coder.h"
#include "context/context.h"
#include "context/tree.h"
#include "frames/chain.h"
#include "pixels/paint.h"
#include "regions/ids.h"
#include "tokens/decode.h"

int decode_packed(const uint8_t *payload, size_t count, int bits,
                  uint16_t *labels);
int decode_dense(const uint8_t *payload, size_t count, uint32_t k, size_t block,
                 int block_bits, int tail_bits, uint16_t *labels);
int decode_palette(const uint8_t *payload, size_t size, size_t k,
                   uint8_t *palette);
int decode_context(const uint8_t *payload, size_t size, int setting,
                   const uint8_t *palette, uint32_t k, size_t width,
                   size_t height, uint16_t *labels);
int decode_frames(const uint8_t *payloads, const size_t *sizes, size_t frames,
                  int begun, int setting, const uint8_t *palette, uint32_t k,
                  size_t width, size_t height, uint16_t *labels);
int decode_tokens(const uint8_t *payload, size_t size, const uint8_t *palette,
                  uint32_t k, size_t width, size_t height, uint16_t *labels);
int decode_regions(const uint8_t *payload, size_t size, const uint8_t *colors,
                   size_t width, size_t height, uint32_t k, uint32_t *labels);
void paint(const uint16_t *labels, size_t width, size_t height,
           const uint8_t *palette, size_t k, uint8_t *pixels);

int decode_packed(const uint8_t *payload, size_t count, int bits,
                  uint16_t *labels) {
  kq_unpack(payload, 1, count, bits, labels);
  return 1;
}

int decode_dense(const uint8_t *payload, size_t count, uint32_t k, size_t block,
                 int block_bits, int tail_bits, uint16_t *labels) {
  return kq_dense_decode(payload, 1, count, k, block, block_bits, tail_bits,
                         labels);
}

int decode_palette(const uint8_t *payload, size_t size, size_t k,
                   uint8_t *palette) {
  return kq_palette_decode(payload, size, k, 3, palette);
}

int decode_context(const uint8_t *payload, size_t size, int setting,
                   const uint8_t *palette, uint32_t k, size_t width,
                   size_t height, uint16_t *labels) {
  static kq_logistic tables;
  uint16_t *order = (uint16_t *)KQ_MALLOC(k * sizeof *order);
  int done = -1;
  kq_logistic_init(&tables);
  if (order && kq_tree_order(palette, k, order)) {
    kq_tile tile = {order, palette, k, setting, width, height, 1};
    done = kq_context_decode(&tables, &tile, payload, size, labels);
  }
  KQ_FREE(order);
  return done;
}

/* Frames one behind the other, of which the last one is left. If `begun`, the
 * labels are those of the frame ahead of them. */
int decode_frames(const uint8_t *payloads, const size_t *sizes, size_t frames,
                  int begun, int setting, const uint8_t *palette, uint32_t k,
                  size_t width, size_t height, uint16_t *labels) {
  static kq_logistic tables;
  static kq_chain chain;
  uint16_t *order = (uint16_t *)KQ_MALLOC(k * sizeof *order);
  int done = -1;
  kq_logistic_init(&tables);
  if (order && kq_tree_order(palette, k, order)) {
    kq_tile tile = {order, palette, k, setting, width, height, 1};
    done = kq_chain_open(&chain, &tables, &tile);
    if (done == 1 && begun)
      done = kq_chain_begin(&chain, labels) ? 1 : -1;
    for (size_t i = 0; i < frames && done == 1; payloads += sizes[i++])
      done = kq_chain_decode(&chain, payloads, sizes[i], labels) >= 0;
    kq_chain_close(&chain);
  }
  KQ_FREE(order);
  return done;
}

int decode_tokens(const uint8_t *payload, size_t size, const uint8_t *palette,
                  uint32_t k, size_t width, size_t height, uint16_t *labels) {
  uint16_t *order = (uint16_t *)KQ_MALLOC(k * sizeof *order);
  int done = -1;
  if (order && kq_tree_order(palette, k, order)) {
    kq_tokens_tile tile = {order, k, width, height, 1, labels};
    done = kq_tokens_decode(&tile, payload, size);
  }
  KQ_FREE(order);
  return done;
}

void paint(const uint16_t *labels, size_t width, size_t height,
           const uint8_t *palette, size_t k, uint8_t *pixels) {
  kq_paint(labels, 1, height, width, palette, k, 3, pixels, 3 * width);
}

int decode_regions(const uint8_t *payload, size_t size, const uint8_t *colors,
                   size_t width, size_t height, uint32_t k, uint32_t *labels) {
  const kq_map map = {colors, 1, width, height};
  return kq_regions_decode(&map, payload, size, k, labels, 4);
}
