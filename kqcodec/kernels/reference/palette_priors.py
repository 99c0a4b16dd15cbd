"""The weights that a palette's guesses start with, in 1/2048 (spec/kq.md, rule 14.9):
what they come to on the palettes of many pictures.
"""

from __future__ import annotations

Weights = tuple[int, ...]

# Green is the first channel, which no other one is ahead of.
GREEN_ASCENDING: Weights = (124, 650, 848, 162, 47, 99, 114, 4)
GREEN_KEPT: Weights = (13, 287, 742, 291, 156, 158, 157, 176, 68)

# Where a channel ahead differs from that of the entry before, and where none does.
RED: tuple[Weights, Weights] = (
    (66, 12, 89, 42, 31, 26, 4, 342, 229, 434, 595, 18, 160),
    (23, 4, 102, 63, 9, 39, 63, 386, 331, 288, 478, 96, 166),
)
BLUE: tuple[Weights, Weights] = (
    (53, 20, 52, 4, 21, 194, 14, 4, 22, 14, 30, 13, 289, 322, 548, 319, 32, 97),
    (39, 4, 48, 6, 29, 215, 48, 14, 62, 48, 14, 48, 337, 122, 171, 274, 20, 549),
)
ALPHA: tuple[Weights, Weights] = (
    (1156, 215, 51, 112, 26, 194, 39, 72, 183),
    (563, 226, 76, 252, 167, 113, 57, 86, 508),
)
