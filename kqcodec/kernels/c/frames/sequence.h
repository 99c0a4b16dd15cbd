/* What the coder `context` keeps of a sequence of frames, to code one from the frame before
 * (spec/kq.md, section 19): the labels that stood there, and what it has learned of where
 * frames change.
 */
#ifndef KQ_FRAMES_SEQUENCE_H
#define KQ_FRAMES_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

#define KQ_FRAME_BLOCK 16    /* labels, the side of a block that is unchanged, moved or coded */
#define KQ_MOST_MOVES 3      /* of a frame */
#define KQ_MOVE_MOST 32767   /* labels, across or down */
#define KQ_EARLIER_FRAMES 16 /* that a move may come from, besides the frame before */
#define KQ_EARLIER_LABELS 24 /* log2 of how many labels these may have together */
#define KQ_STILL_BITS 14     /* of the counters of labels that look unchanged */
#define KQ_OLDEST 127        /* changes that a label has outlived: it is not counted on */
#define KQ_QUARTER_BEGIN ((1u << 20) << 10 | 1)

/* How a block comes to be. */
enum { KQ_UNCHANGED, KQ_CODED, KQ_MOVED };

typedef struct {
    int from; /* the frame: 0 the one before, 1 the one before that */
    int32_t dx, dy;
} kq_frame_move;

typedef struct {
    size_t size;        /* labels of a plane with its margins; the frame before stands so
                           far ahead of the frame */
    uint16_t *labels;   /* both planes, and behind them a row */
    uint16_t *replaced; /* what stood at each place before it changed last */
    uint8_t *age;       /* how many changes nearby it has outlived since */
    uint16_t *earlier[KQ_EARLIER_FRAMES]; /* planes, the latest first */
    int earlier_most, earlier_count;
    uint8_t *blocks, *last_blocks; /* row by row: KQ_UNCHANGED, KQ_CODED, or KQ_MOVED + a move */
    size_t blocks_wide, blocks_high;
    kq_frame_move moves[KQ_MOST_MOVES];
    int move_count;
    /* counters */
    uint32_t still[1 << KQ_STILL_BITS]; /* of labels that look unchanged */
    uint32_t rows[8], changed[1 << 10]; /* of rows of blocks, and of blocks */
    uint32_t moved[16 * KQ_MOST_MOVES], more[KQ_MOST_MOVES];
    uint32_t numbers[5][256]; /* of a move, byte by byte */
} kq_sequence;

#endif
