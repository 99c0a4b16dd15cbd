"""Fewer points that stand for many: colours in Morton order, and merged by cells.

In Morton order (the bits of the channels interleaved) the colours of any cube of side 2^b, aligned
to its size, are neighbours in the list. So the boxes of the pruned search are tight, and merging
the colours of each cube into their weighted mean takes one pass. k-means on the means of small
cubes finds nearly the centres of k-means on the colours, for a fraction of the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import colors_of_keys
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.colors.spaces import Space

# Shifts and masks that spread the eight bits of a channel, three places between two of them.
_SPREAD = ((12, 0x000F000F), (6, 0x03030303), (3, 0x11111111))


@dataclass(frozen=True, eq=False)
class WeightedPoints:
    """Points for k-means.

    Attributes:
        points: int16, shape (N, 4), coordinates in 0..16320.
        weights: int64, shape (N,), each at least 1.
        keys: uint32, shape (N,), in Morton order: the colours, or of each cell the first one.
    """

    points: NDArray[np.int16]
    weights: NDArray[np.int64]
    keys: NDArray[np.uint32]

    def __len__(self) -> int:
        return int(self.points.shape[0])


def in_morton_order(colors: Histogram, space: Space) -> tuple[WeightedPoints, NDArray[np.uint32]]:
    """The colours of a histogram as points in Morton order, and their places in it."""
    order_of = _morton_order_4 if colors.channels == 4 else kernels.morton_order
    order: NDArray[np.uint32] = order_of(colors.keys)
    keys = colors.keys[order]
    points = space.points(colors_of_keys(keys, colors.channels))
    return WeightedPoints(points, colors.counts[order], keys), order


def _morton_order_4(keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """``kernels.morton_order`` for keys of four channels, alpha's bits above red's."""
    codes = np.zeros(len(keys), dtype=np.uint32)
    for channel in range(4):
        bits = keys >> np.uint32(8 * channel) & np.uint32(0xFF)
        for shift, mask in _SPREAD:
            bits |= bits << np.uint32(shift)
            bits &= np.uint32(mask)
        codes |= bits << np.uint32(channel)
    return np.argsort(codes, kind="stable").astype(np.uint32)


def cell_bits(fine: WeightedPoints, wanted: int) -> int:
    """The fewest upper bits of each channel that make at least ``wanted`` cells, or 8."""
    if len(fine) < wanted:
        return 8
    # The bits in which neighbours differ: of all cells of one size, a new one
    # begins where any of the upper bits does.
    differences = fine.keys[1:] ^ fine.keys[:-1]
    for bits in range(4, 8):
        if 1 + np.count_nonzero(differences & _mask(bits)) >= wanted:
            return bits
    return 8


def merged_cells(fine: WeightedPoints, bits: int) -> WeightedPoints:
    """One point for each cube of colours that agree in the upper ``bits`` of every
    channel: their mean, rounded, and the sum of their weights."""
    if bits == 8:
        return fine
    return WeightedPoints(
        *kernels.merge_cells(fine.points, fine.weights, fine.keys, int(_mask(bits)))
    )


def large_picture_factor(fine: WeightedPoints) -> int:
    """How many times as much to try for large pictures: counting and mapping their pixels
    takes so long that it hardly matters."""
    return max(1, min(3, len(fine) >> 18))


def _mask(bits: int) -> np.uint32:
    one = 0xFF & ~((1 << (8 - bits)) - 1)
    return np.uint32(one << 24 | one << 16 | one << 8 | one)
