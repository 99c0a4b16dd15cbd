"""Fewer colours that stand for many, where a picture has millions: the search for a palette
is then on the means of small cells, which bounds its memory and its time.

A cell is the colours that agree in all but the lowest bits of each channel; its mean,
rounded, is one of its own colours or between them, so that cells stay apart. With
alpha, opaque colours share cells with opaque ones only, and what is fully transparent
stays alone. Each colour gets its nearest entry all the same.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import KEYS, Histogram, colors_of_keys, keys_of_colors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Counted = tuple[NDArray[np.uint32], NDArray[np.int64]]

# The search takes some 50 bytes for each colour.
MOST_SEARCHED = 1 << 22
# Cells of 2 x 2 x 2 opaque colours are at most 2^21.
_MOST_CELLS = 1 << 21


def coarse_histogram(colors: Histogram) -> Histogram:
    """The histogram itself, or, where it has over ``MOST_SEARCHED`` colours, one of
    their cells."""
    if len(colors) <= MOST_SEARCHED:
        return colors
    hidden, translucent, opaque = colors.by_opacity
    keys = colors.keys[opaque] & np.uint32(KEYS - 1)
    cells = Histogram(*_cells(keys, colors.counts[opaque], 3))
    if colors.channels == 3:
        return cells
    some = _cells(colors.keys[translucent], colors.counts[translucent], 4)
    return colors.part(hidden) + Histogram(*some, channels=4) + cells


def _cells(keys: NDArray[np.uint32], counts: NDArray[np.int64], channels: int) -> Counted:
    """The keys and counts of cells, the smallest that aren't too many."""
    bits = 1
    while len(keys) > _MOST_CELLS:
        parts = list(_slabs(keys, counts, channels, bits))
        keys, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
        bits += 1
    return keys, counts


def _slabs(
    keys: NDArray[np.uint32], counts: NDArray[np.int64], channels: int, bits: int
) -> Iterator[Counted]:
    """The cells whose keys begin alike, which are neighbours in the list."""
    highest = np.uint32(8 * (channels - 1) + bits)
    starts = np.arange(1 << (8 - bits), dtype=np.uint32) << highest
    cuts = [*np.searchsorted(keys, starts).tolist(), len(keys)]
    low = np.uint32((1 << bits) - 1) * np.uint32(0x01010101)
    for start, stop in pairwise(cuts):
        if start == stop:
            continue
        some, weights = keys[start:stop], counts[start:stop]
        cells, inverse = np.unique(some & ~low, return_inverse=True)
        totals = np.zeros(len(cells), dtype=np.int64)
        np.add.at(totals, inverse, weights)
        means = np.empty((len(cells), channels), dtype=np.uint8)
        samples = colors_of_keys(some, channels)
        for channel in range(channels):
            sums = np.zeros(len(cells), dtype=np.int64)
            np.add.at(sums, inverse, weights * samples[:, channel])
            means[:, channel] = (sums + totals // 2) // totals
        found = keys_of_colors(means)
        order = np.argsort(found)
        yield found[order], totals[order]
