"""The colours of a picture and how often each occurs.

k-means on the unique colours, weighted by their counts, is k-means on the
pixels, 3 to 1000 times smaller. Histograms add up: tile by tile, machine by
machine, in any order.

A colour's key is its bits, alpha highest where the colours have any:

    bit  31      24 23      16 15       8 7        0
        |  alpha   |   red    |  green   |   blue   |

``kqcodec.rgba_colors`` counts the colours of pictures with alpha.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.kernels import kernels
from kqcodec.parallel import ordered_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEYS = 1 << 24
# Pixels counted at a time: the scratch memory of a part is some 60 MB at most.
_PART = 1 << 22


@dataclass(frozen=True, eq=False)
class Histogram:
    """Unique colours and their counts, sorted by key.

    Attributes:
        keys: uint32, shape (N,), strictly ascending, each below 2^24 for RGB.
        counts: int64, shape (N,), each at least 1.
        channels: of the colours, 3 or, with alpha, 4.
    """

    keys: NDArray[np.uint32]
    counts: NDArray[np.int64]
    channels: int = 3

    def __len__(self) -> int:
        return int(self.keys.shape[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        same = self.channels == other.channels and np.array_equal(self.keys, other.keys)
        return same and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # compared by value, and large

    def __add__(self, other: Histogram) -> Histogram:
        if self.channels != other.channels:
            raise ValueError("histograms with and without alpha don't add up")
        keys, counts = kernels.merge_colors(self.keys, self.counts, other.keys, other.counts)
        return Histogram(keys, counts, self.channels)

    @property
    def colors(self) -> NDArray[np.uint8]:
        """The unique colours: uint8, shape (N, 3), or (N, 4) with alpha."""
        return colors_of_keys(self.keys, self.channels)

    @property
    def pixels(self) -> int:
        """The sum of the counts."""
        return int(self.counts.sum())

    def part(self, which: slice) -> Histogram:
        """Some of its colours, neighbours in the list."""
        return Histogram(self.keys[which], self.counts[which], self.channels)

    def lightened(self, most: int) -> Histogram:
        """The same colours with counts that add up to at most so many, ``most`` being
        more than there are colours: halved as often as that takes, but never to 0."""
        counts = self.counts
        while int(counts.sum()) > most:
            counts = np.maximum(counts >> 1, 1)
        return self if counts is self.counts else Histogram(self.keys, counts, self.channels)


def keys_of_colors(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The keys of uint8 colours of shape (..., 3) or (..., 4): uint32, shape (...)."""
    has_alpha = colors.shape[-1] == 4
    keys = colors[..., 3].astype(np.uint32) if has_alpha else np.zeros(colors.shape[:-1], np.uint32)
    for channel in range(3):
        keys <<= np.uint32(8)
        keys |= colors[..., channel]
    return keys


def colors_of_keys(keys: NDArray[np.uint32], channels: int = 3) -> NDArray[np.uint8]:
    """The inverse of ``keys_of_colors``: uint8, shape (..., channels)."""
    # As big-endian bytes a key is alpha or 0, red, green, blue.
    argb = keys.astype(">u4")[..., np.newaxis].view(np.uint8)
    return argb[..., 1:] if channels == 3 else argb[..., [1, 2, 3, 0]]


def histogram(pixels: NDArray[Any], threads: int = 1) -> Histogram:
    """Counts the colours of uint8 pixels of shape (H, W, 3) or (N, 3).

    Raises:
        TypeError: the pixels aren't uint8.
        ValueError: another shape, or no pixels.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"colours must be uint8, not {pixels.dtype}")
    if pixels.ndim not in (2, 3) or pixels.shape[-1] != 3 or 0 in pixels.shape:
        raise ValueError(f"colours must have shape (N, 3) or (H, W, 3), not {pixels.shape}")
    flat = pixels.reshape(-1, 3)
    parts = [flat[start : start + _PART] for start in range(0, len(flat), _PART)]
    counted = ordered_map(kernels.count_colors, parts, min(threads, len(parts)))
    return functools.reduce(operator.add, (Histogram(*part) for part in counted))
