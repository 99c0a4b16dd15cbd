"""Counting the colours of a picture with alpha, and giving its pixels their labels.

A table of all 2^32 keys would be too large, so the pixels are taken apart: the
opaque ones go the way of RGB, the fully transparent ones are one colour, and only
the rest, edges and shadows mostly, are sorted. Keys have alpha on top, so what is
transparent comes first in a histogram and what is opaque last:

    0 | 1 ... 0xFEFFFFFF | 0xFF000000 ... 0xFFFFFFFF
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.histogram import KEYS, Histogram, keys_of_colors
from kqcodec.kernels import kernels
from kqcodec.parallel import ordered_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST_VISIBLE, FIRST_OPAQUE = 0x01000000, 0xFF000000
_TRANSPARENT = 0
_OPAQUE_ALPHA = 255
# Pixels at a time.
_PART = 1 << 20


def rgba_histogram(pixels: NDArray[np.uint8], threads: int = 1) -> Histogram:
    """Counts the colours of uint8 pixels of shape (H, W, 4).

    Whatever is fully transparent counts as (0, 0, 0, 0).
    """
    flat = pixels.reshape(-1, 4)
    parts = [flat[start : start + _PART] for start in range(0, len(flat), _PART)]
    counted = ordered_map(_count, parts, min(threads, len(parts)))
    return functools.reduce(operator.add, counted)


def _count(pixels: NDArray[np.uint8]) -> Histogram:
    alpha = pixels[:, 3]
    is_opaque, is_hidden = alpha == _OPAQUE_ALPHA, alpha == 0
    hidden = int(np.count_nonzero(is_hidden))
    keys = [np.array([_TRANSPARENT] if hidden else [], dtype=np.uint32)]
    counts = [np.array([hidden] if hidden else [], dtype=np.int64)]
    some, some_counts = np.unique(
        keys_of_colors(pixels[~(is_opaque | is_hidden)]), return_counts=True
    )
    keys.append(some)
    counts.append(some_counts.astype(np.int64))
    if is_opaque.any():
        opaque, opaque_counts = kernels.count_colors(pixels[is_opaque, :3])
        keys.append(opaque | np.uint32(FIRST_OPAQUE))
        counts.append(opaque_counts)
    return Histogram(np.concatenate(keys), np.concatenate(counts), channels=4)


def opaque_histogram(colors: Histogram) -> Histogram:
    """A histogram without alpha as one with it."""
    if colors.channels == 4:
        return colors
    return Histogram(colors.keys | np.uint32(FIRST_OPAQUE), colors.counts, channels=4)


def opaque_from(keys: NDArray[np.uint32]) -> int:
    """The place of the first opaque colour among the keys of a histogram with alpha."""
    return int(np.searchsorted(keys, np.uint32(FIRST_OPAQUE)))


def without_alpha(colors: Histogram) -> Histogram:
    """A histogram with alpha all of whose colours are opaque as one without."""
    if colors.channels == 3 or int(colors.keys[0]) < FIRST_OPAQUE:
        return colors
    return Histogram(colors.keys & np.uint32(KEYS - 1), colors.counts)


class RgbaTable:
    """The labels of colours with alpha, to look up pixels in."""

    def __init__(self, keys: NDArray[np.uint32], labels: NDArray[Any]) -> None:
        first = opaque_from(keys)
        self._opaque = np.empty(KEYS, dtype=labels.dtype)
        # The upper byte of an opaque key is alpha, and the rest is its place.
        kernels.fill_table(keys[first:] & np.uint32(KEYS - 1), labels[first:], self._opaque)
        self._other_keys, self._other_labels = keys[:first], labels[:first]

    def look_up(self, pixels: NDArray[np.uint8], out: NDArray[Any]) -> None:
        """The label of each of some pixels of shape (N, 4), all of them among the keys."""
        is_opaque = pixels[:, 3] == _OPAQUE_ALPHA
        some = np.empty(np.count_nonzero(is_opaque), dtype=out.dtype)
        kernels.look_up(pixels[is_opaque, :3], self._opaque, some)
        out[is_opaque] = some
        others = pixels[~is_opaque]
        keys = keys_of_colors(others)
        keys[others[:, 3] == 0] = _TRANSPARENT
        out[~is_opaque] = self._other_labels[np.searchsorted(self._other_keys, keys)]
