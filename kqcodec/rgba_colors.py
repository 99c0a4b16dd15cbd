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

FIRST_OPAQUE = 0xFF000000
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


def opaque_from(colors: Histogram) -> int:
    """The place of the first opaque colour of a histogram with alpha."""
    return int(np.searchsorted(colors.keys, np.uint32(FIRST_OPAQUE)))


def map_rgba(
    pixels: NDArray[np.uint8], colors: Histogram, labels: NDArray[Any], threads: int = 1
) -> NDArray[Any]:
    """Each pixel's label, shape (H, W), from those of the colours of its histogram."""
    first = opaque_from(colors)
    table = np.empty(KEYS, dtype=labels.dtype)
    # The upper byte of an opaque key is alpha, and the rest is its place.
    opaque_keys = colors.keys[first:] & np.uint32(KEYS - 1)
    kernels.fill_table(opaque_keys, labels[first:], table)
    other_keys, other_labels = colors.keys[:first], labels[:first]
    flat = pixels.reshape(-1, 4)
    out = np.empty(len(flat), dtype=labels.dtype)

    def look_up(start: int) -> None:
        part, found = flat[start : start + _PART], out[start : start + _PART]
        is_opaque = part[:, 3] == _OPAQUE_ALPHA
        some = np.empty(np.count_nonzero(is_opaque), dtype=labels.dtype)
        kernels.look_up(part[is_opaque, :3], table, some)
        found[is_opaque] = some
        others = part[~is_opaque]
        keys = keys_of_colors(others)
        keys[others[:, 3] == 0] = _TRANSPARENT
        found[~is_opaque] = other_labels[np.searchsorted(other_keys, keys)]

    starts = range(0, len(flat), _PART)
    for _ in ordered_map(look_up, starts, min(threads, len(starts))):
        pass
    return out.reshape(pixels.shape[:2])
