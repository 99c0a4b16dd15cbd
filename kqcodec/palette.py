"""The stored palette: without duplicates, in order, every entry used.

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
from kqcodec.spaces import SPACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.histogram import Histogram
    from kqcodec.spaces import Space

LUMA = (299, 587, 114)


def ordered(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette in its stored order, each colour once: uint8, shape (K, 3)."""
    keys = np.unique(keys_of_colors(palette))
    colors = colors_of_keys(keys)
    luma = colors.astype(np.int32) @ np.array(LUMA, dtype=np.int32)
    # The keys ascend already, and a stable sort keeps them so where lumas tie.
    return colors[np.argsort(luma, kind="stable")]


def map_keys(
    keys: NDArray[np.uint32], palette: NDArray[np.uint8], space: Space = SPACES["rgb"]
) -> NDArray[np.uint16]:
    """The nearest entry for each of different colours, the lowest of several:
    uint16, shape (N,), in the keys' order."""
    # In Morton order the search prunes best.
    order = kernels.morton_order(keys)
    sorted_labels = np.empty(len(keys), dtype=np.uint16)
    distances = np.empty(len(keys), dtype=np.int32)
    points = space.points(colors_of_keys(keys[order]))
    kernels.nearest(points, space.points(palette), sorted_labels, distances)
    labels = np.empty_like(sorted_labels)
    labels[order] = sorted_labels
    return labels


def finished(
    colors: Histogram, palette: NDArray[np.uint8], space: Space = SPACES["rgb"]
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The stored form of a palette for these colours, and each colour's label.

    Duplicates are merged, the rest is put in order, every colour is given to
    its nearest entry (the lowest of several), and unused entries are dropped.
    """
    stored = ordered(palette)
    labels = map_keys(colors.keys, stored, space)
    used = np.bincount(labels, minlength=len(stored)) > 0
    # Labels keep their order, and no colour's nearest entry is dropped.
    renumber: NDArray[Any] = np.cumsum(used) - 1
    return stored[used], renumber[labels].astype(np.uint16)
