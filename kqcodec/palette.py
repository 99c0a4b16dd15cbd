"""The stored palette: without duplicates, in order, every entry used.

The order is by luma, then by key, both ascending:

    luma = 299 * R + 587 * G + 114 * B        (ITU-R BT.601, times 1000)
    key  = R << 16 | G << 8 | B

so it depends on the colours alone, neighbours in the palette look alike, and
coders that see only index values profit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kqcodec.coarse import in_morton_order
from kqcodec.histogram import colors_of_keys, keys_of_colors
from kqcodec.kernels import kernels
from kqcodec.metrics import squared_to_entries
from kqcodec.spaces import FRACTION_BITS, SPACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.coarse import WeightedPoints
    from kqcodec.histogram import Histogram
    from kqcodec.spaces import Space

    SortedPoints: TypeAlias = tuple[WeightedPoints, NDArray[np.uint32]]

# Colours worked on at a time, where there may be millions.
PART = 1 << 20

LUMA = (299, 587, 114)


def ordered(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette in its stored order, each colour once: uint8, shape (K, 3)."""
    keys = np.unique(keys_of_colors(palette))
    colors = colors_of_keys(keys)
    # The keys ascend already, and a stable sort keeps them so where lumas tie.
    return colors[np.argsort(lumas(colors), kind="stable")]


def lumas(colors: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The lumas of colours of shape (K, 3), times 1000: int32, shape (K,)."""
    return colors.astype(np.int32) @ np.array(LUMA, dtype=np.int32)


def is_among(palette: NDArray[np.uint8], some: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which entries, of shape (K, 3) or (K, 4), are one of some opaque colours, shape
    (P, 3): bool, shape (K,)."""
    found = np.isin(keys_of_colors(palette[:, :3]), keys_of_colors(some))
    return found if palette.shape[1] == 3 else found & (palette[:, 3] == 255)


def assigned(
    colors: Histogram,
    palette: NDArray[np.uint8],
    space: Space = SPACES["rgb"],
    points: SortedPoints | None = None,
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Each colour's nearest entry, the lowest of several, of a palette that stays as it
    is, and its squared distance in the space. ``points`` is as for ``finished``."""
    labels = np.empty(len(colors), dtype=np.uint16)
    distances_there = np.empty(len(colors), dtype=np.int32)
    centers = space.points(palette)
    for start in range(0, len(colors), len(colors) if points is not None else PART):
        part = slice(start, start + PART) if points is None else slice(None)
        data, order = points or in_morton_order(colors.part(part), space)
        nearest = np.empty(len(data), dtype=np.uint16)
        distances = np.empty(len(data), dtype=np.int32)
        kernels.nearest(data.points, centers, nearest, distances)
        labels[part][order], distances_there[part][order] = nearest, distances
    return labels, distances_there


def used_entries(labels: NDArray[np.uint16], k: int) -> NDArray[np.bool_]:
    """Which of k entries any label names: bool, shape (k,)."""
    used = np.zeros(k, dtype=np.bool_)
    for start in range(0, len(labels), PART):
        used[labels[start : start + PART]] = True
    return used


def renumbered(labels: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    """``numbers[labels]``, without the wide indices that NumPy makes of all at a time."""
    found = np.empty(labels.shape, dtype=numbers.dtype)
    for start in range(0, len(labels), PART):
        found[start : start + PART] = numbers[labels[start : start + PART]]
    return found


def finished(
    colors: Histogram,
    palette: NDArray[np.uint8],
    space: Space = SPACES["rgb"],
    points: SortedPoints | None = None,
    kept: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.int32]]:
    """The stored form of a palette for these colours, each colour's label, and its
    squared RGB distance.

    Duplicates are merged, the rest is put in order, every colour is given to
    its nearest entry (the lowest of several), and unused entries are dropped,
    but for the colours ``kept``, shape (P, 3).
    ``points``, where they are at hand, are the colours in Morton order, in
    which the search prunes best.
    """
    stored = ordered(palette)
    nearest, distances = assigned(colors, stored, space, points)
    used = used_entries(nearest, len(stored))
    if kept is not None:
        used |= is_among(stored, kept)
    # Labels keep their order, and no colour's nearest entry is dropped.
    renumber: NDArray[np.uint16] = (np.cumsum(used) - 1).astype(np.uint16)
    labels = renumbered(nearest, renumber)
    if space.name == "rgb":
        squared = np.right_shift(distances, 2 * FRACTION_BITS, out=distances)
    else:
        squared = squared_to_entries(colors, stored[used], labels)
    return stored[used], labels, squared
