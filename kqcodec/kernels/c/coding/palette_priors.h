/* The weights that a palette's guesses start with, in 1/2048 (spec/kq.md, rule 14.9):
 * what they come to on the palettes of many pictures. */
#ifndef KQ_CODING_PALETTE_PRIORS_H
#define KQ_CODING_PALETTE_PRIORS_H

#include <stdint.h>

#define KQ_PALETTE_GUESSES 18
#define KQ_PALETTE_KEPT 4 /* the row of green where the order is kept; else a channel's */

/* By row, and whether the channels ahead are all as in the entry before. */
static const uint16_t kq_palette_priors[5][2][KQ_PALETTE_GUESSES] = {
    /* green, ascending */
    {{0}, {124, 650, 848, 162, 47, 99, 114, 4}},
    /* red */
    {{66, 12, 89, 42, 31, 26, 4, 342, 229, 434, 595, 18, 160},
     {23, 4, 102, 63, 9, 39, 63, 386, 331, 288, 478, 96, 166}},
    /* blue */
    {{53, 20, 52, 4, 21, 194, 14, 4, 22, 14, 30, 13, 289, 322, 548, 319, 32, 97},
     {39, 4, 48, 6, 29, 215, 48, 14, 62, 48, 14, 48, 337, 122, 171, 274, 20, 549}},
    /* alpha */
    {{1156, 215, 51, 112, 26, 194, 39, 72, 183}, {563, 226, 76, 252, 167, 113, 57, 86, 508}},
    /* green, order kept */
    {{0}, {13, 287, 742, 291, 156, 158, 157, 176, 68}},
};

#endif
