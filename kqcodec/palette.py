"""From centres to the stored palette: rounded, without duplicates, in order.

The order is by luma, then by key, both ascending:

    luma = 299 * R + 587 * G + 114 * B        (ITU-R BT.601, times 1000)
    key  = R << 16 | G << 8 | B

so it depends on the colours alone, neighbours in the palette look alike, and
coders that see only index values profit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.histogram import colors_of_keys, keys_of_colors
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

LUMA = (299, 587, 114)

# Coordinates in k-means: 8-bit samples with six fractional bits.
FRACTION_BITS = 6


def ordered(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette in its stored order, each colour once: uint8, shape (K, 3)."""
    keys = np.unique(keys_of_colors(palette))
    colors = colors_of_keys(keys)
    luma = colors.astype(np.int32) @ np.array(LUMA, dtype=np.int32)
    # The keys ascend already, and a stable sort keeps them so where lumas tie.
    return colors[np.argsort(luma, kind="stable")]


def features(colors: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Points for k-means: int16, shape (N, 4), the fourth channel 0."""
    points = np.zeros((len(colors), 4), dtype=np.int16)
    points[:, :3] = colors.astype(np.int16) << FRACTION_BITS
    return points


def rounded(centers: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Centres as 8-bit colours, halves rounded up: uint8, shape (K, 3)."""
    half = 1 << (FRACTION_BITS - 1)
    return ((centers[:, :3].astype(np.int32) + half) >> FRACTION_BITS).astype(np.uint8)


def map_colors(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The nearest entry for each colour, the lowest of several: uint16, shape (N,)."""
    labels = np.empty(len(colors), dtype=np.uint16)
    distances = np.empty(len(colors), dtype=np.int32)
    kernels.nearest(features(colors), features(palette), labels, distances)
    return labels


def finished(
    colors: NDArray[np.uint8], palette: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The stored form of a palette for these colours, and each colour's label.

    Duplicates are merged, the rest is put in order, every colour is given to
    its nearest entry (the lowest of several), and unused entries are dropped.
    """
    stored = ordered(palette)
    labels = map_colors(colors, stored)
    used = np.bincount(labels, minlength=len(stored)) > 0
    # Labels keep their order, and no colour's nearest entry is dropped.
    renumber: NDArray[Any] = np.cumsum(used) - 1
    return stored[used], renumber[labels].astype(np.uint16)
