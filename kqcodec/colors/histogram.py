"""The colours of a picture and how often each occurs.

k-means on the unique colours, weighted by their counts, is k-means on the pixels, 3 to 1000 times
smaller. Histograms add up: tile by tile, machine by machine, in any order.

A colour's key is its bits, alpha highest where the colours have any:

    bit  31      24 23      16 15       8 7        0
        |  alpha   |   red    |  green   |   blue   |

So colours of one opacity stand together in a histogram with alpha; in one without, all
are opaque:

    hidden (fully transparent)    0, whatever its colour was
    translucent                   0x01000000 ... 0xFEFFFFFF
    opaque                        0xFF000000 ... 0xFFFFFFFF

A table of all 2^32 keys would be too large to count in, so only those that are neither
hidden nor opaque, edges and shadows mostly, are sorted.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.colors.values import OPAQUE_ALPHA
from kqcodec.kernels import kernels
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Keys of colours without alpha.
KEYS = 1 << 24
FIRST_VISIBLE, FIRST_OPAQUE = 0x01000000, 0xFF000000
# Pixels counted at a time, without alpha and with it: the scratch memory of a part is
# some 60 MB at most.
_PART, _ALPHA_PART = 1 << 22, 1 << 20


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
            return self.with_alpha() + other.with_alpha()
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

    @property
    def by_opacity(self) -> tuple[slice, slice, slice]:
        """Where the hidden colours are, of which there is at most one, where the translucent
        and where the opaque ones."""
        if self.channels == 3:
            return slice(0, 0), slice(0, 0), slice(0, len(self))
        bounds = np.array([FIRST_VISIBLE, FIRST_OPAQUE], dtype=np.uint32)
        hidden, opaque = np.searchsorted(self.keys, bounds).tolist()
        return slice(0, hidden), slice(hidden, opaque), slice(opaque, len(self))

    @property
    def hidden(self) -> int:
        """1 if any pixel is fully transparent, else 0."""
        return int(self.by_opacity[0].stop)

    @property
    def visible(self) -> Histogram:
        """The colours that aren't fully transparent."""
        return self.part(slice(self.hidden, None)) if self.hidden else self

    @property
    def least_entries(self) -> int:
        """The fewest entries of a palette for them: what is fully transparent and what
        isn't can't share one."""
        return 1 + (self.hidden and len(self) > 1)

    def part(self, which: slice | NDArray[np.bool_]) -> Histogram:
        """The histogram of some of its colours: a slice, or a mask of shape (N,)."""
        return Histogram(self.keys[which], self.counts[which], self.channels)

    def with_alpha(self) -> Histogram:
        """This histogram with alpha, its colours opaque where they had none."""
        if self.channels == 4:
            return self
        return Histogram(self.keys | np.uint32(FIRST_OPAQUE), self.counts, channels=4)

    def without_opaque_alpha(self) -> Histogram:
        """This histogram without alpha, where all its colours are opaque."""
        if self.channels == 3 or int(self.keys[0]) < FIRST_OPAQUE:
            return self
        return Histogram(self.keys & np.uint32(KEYS - 1), self.counts)

    def scaled_down(self, most: int) -> Histogram:
        """This histogram with counts that add up to at most ``most``, which is more than
        there are colours: halved as often as that takes, but never to 0."""
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
    """The colours of uint32 keys of shape (...): uint8, shape (..., channels)."""
    # As big-endian bytes a key is alpha or 0, red, green, blue.
    argb = keys.astype(">u4")[..., np.newaxis].view(np.uint8)
    return argb[..., 1:] if channels == 3 else argb[..., [1, 2, 3, 0]]


def histogram(pixels: NDArray[Any], threads: int = 1) -> Histogram:
    """Counts the colours of uint8 pixels of shape (H, W, C) or (N, C), C being 3, or 4 with
    alpha. Whatever is fully transparent counts as (0, 0, 0, 0).

    Raises:
        TypeError: the pixels aren't uint8.
        ValueError: another shape, or no pixels.
    """
    if pixels.dtype != np.uint8:
        raise TypeError(f"colours must be uint8, not {pixels.dtype}")
    if pixels.ndim not in (2, 3) or pixels.shape[-1] not in (3, 4) or 0 in pixels.shape:
        raise ValueError(
            f"colours must have shape (N, C) or (H, W, C), C being 3 or 4, not {pixels.shape}"
        )
    flat = pixels.reshape(-1, pixels.shape[-1])
    count, size = (_counted_alpha, _ALPHA_PART) if flat.shape[1] == 4 else (_counted, _PART)
    parts = [flat[start : start + size] for start in range(0, len(flat), size)]
    counted = ordered_map(count, parts, min(threads, len(parts)))
    return functools.reduce(operator.add, counted)


def _counted(pixels: NDArray[np.uint8]) -> Histogram:
    return Histogram(*kernels.count_colors(pixels))


def _counted_alpha(pixels: NDArray[np.uint8]) -> Histogram:
    alpha = pixels[:, 3]
    is_opaque, is_hidden = alpha == OPAQUE_ALPHA, alpha == 0
    hidden = int(np.count_nonzero(is_hidden))
    some, some_counts = np.unique(
        keys_of_colors(pixels[~(is_opaque | is_hidden)]), return_counts=True
    )
    keys = [np.zeros(min(hidden, 1), dtype=np.uint32), some]
    counts = [np.full(min(hidden, 1), hidden, dtype=np.int64), some_counts.astype(np.int64)]
    if is_opaque.any():
        opaque = _counted(pixels[is_opaque, :3]).with_alpha()
        keys.append(opaque.keys)
        counts.append(opaque.counts)
    return Histogram(np.concatenate(keys), np.concatenate(counts), channels=4)
