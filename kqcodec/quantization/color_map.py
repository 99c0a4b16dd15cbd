"""Colour maps: which palette entry each colour of a histogram has.

A histogram is enough to choose a palette and to give every colour its label. The
pixels then follow by looking up, block by block, in any order, on any machine:

    blocks ── histograms ── their sum ── ColorMap ── Labeler ── labels of each block
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import FIRST_VISIBLE, KEYS, keys_of_colors
from kqcodec.colors.values import OPAQUE_ALPHA
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels
from kqcodec.quantization.finished_palette import PART, renumbered
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.costs import Costs
    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.labels import Labels

# Pixels looked up at a time; fewer aren't worth a thread.
_PART = 1 << 20
# Samples of pictures whose labels are found sooner without a table.
_FEW_SAMPLES = 1 << 14


@dataclass(frozen=True, eq=False)
class ColorMap:
    """A palette, and each colour's label.

    Attributes:
        palette: uint8, shape (K, 3), or (K, 4) with alpha.
        colors: the histogram whose colours they are, with as many channels.
        labels: of each of its colours, shape (N,), uint8 where K is at most 256, else uint16.
        costs: of all its pixels.
    """

    palette: NDArray[np.uint8]
    colors: Histogram
    labels: Labels
    costs: Costs

    @classmethod
    def of(
        cls,
        palette: NDArray[np.uint8],
        colors: Histogram,
        labels: NDArray[np.uint16],
        costs: Costs,
    ) -> ColorMap:
        """The map of these, with labels as narrow as the palette allows."""
        return cls(palette, colors, labels.astype(label_dtype(len(palette)), copy=False), costs)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many pixels have each entry: int64, shape (K,)."""
        counts = np.zeros(len(self.palette), dtype=np.int64)
        for start in range(0, len(self.labels), PART):
            part = slice(start, start + PART)
            np.add.at(counts, self.labels[part], self.colors.counts[part])
        return counts

    def without_counts(self) -> ColorMap:
        """This map without the counts of its histogram, which a ``Labeler`` doesn't need: for
        sending to other processes."""
        return replace(self, colors=replace(self.colors, counts=self.colors.counts[:0]))

    def in_order(self, order: NDArray[np.intp]) -> ColorMap:
        """This map with the palette ``palette[order]``, and labels to match."""
        places = np.empty(len(order), dtype=self.labels.dtype)
        places[order] = np.arange(len(order), dtype=places.dtype)
        return replace(self, palette=self.palette[order], labels=renumbered(self.labels, places))


def labels_in(color_map: ColorMap, pixels: NDArray[np.uint8], threads: int = 1) -> Labels:
    """The labels, shape (H, W), of a picture's pixels, as ``Labeler.labels`` gives them. A few
    pixels are found by bisection: sooner than by a table, which has first to be filled."""
    if pixels.size > _FEW_SAMPLES:
        return Labeler(color_map).labels(pixels, threads)
    flat = pixels.reshape(-1, color_map.colors.channels)
    return color_map.labels[_places(color_map.colors.keys, flat)].reshape(pixels.shape[:2])


def _places(keys: NDArray[np.uint32], pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Where the colours of pixels of shape (N, 3) or (N, 4) are among the keys."""
    wanted = keys_of_colors(pixels)
    if pixels.shape[1] == 4:
        wanted[wanted < FIRST_VISIBLE] = 0
    return np.searchsorted(keys, wanted)


class Labeler:
    """Gives pixels the labels that a colour map says; several threads may use one.

    The table it looks them up in has an entry for each of 2^24 opaque colours, of
    which only those that occur are written and read, so that a small picture touches
    few of the table's pages. Other colours are found by bisection.
    """

    def __init__(self, color_map: ColorMap) -> None:
        colors, labels = color_map.colors, color_map.labels
        self.channels = colors.channels
        self.dtype = labels.dtype
        opaque = colors.by_opacity[2]
        self._table = np.empty(KEYS, dtype=self.dtype)
        # The upper byte of an opaque key is alpha, if any, and the rest is its place.
        kernels.fill_table(colors.keys[opaque] & np.uint32(KEYS - 1), labels[opaque], self._table)
        self._other_keys = colors.keys[: opaque.start]
        self._other_labels = labels[: opaque.start]

    def labels(self, pixels: NDArray[np.uint8], threads: int = 1) -> Labels:
        """The labels, shape (H, W), of C-contiguous pixels of shape (H, W, channels),
        all of whose colours the histogram has; those of others are undefined."""
        flat = pixels.reshape(-1, self.channels)
        out = np.empty(len(flat), dtype=self.dtype)

        def look_up(start: int) -> None:
            part, found = flat[start : start + _PART], out[start : start + _PART]
            if self.channels == 3:
                kernels.look_up(part, self._table, found)
                return
            is_opaque = part[:, 3] == OPAQUE_ALPHA
            opaque = np.empty(np.count_nonzero(is_opaque), dtype=self.dtype)
            kernels.look_up(part[is_opaque, :3], self._table, opaque)
            found[is_opaque] = opaque
            others = _places(self._other_keys, part[~is_opaque])
            found[~is_opaque] = self._other_labels[others]

        starts = range(0, len(flat), _PART)
        for _ in ordered_map(look_up, starts, min(threads, len(starts))):
            pass
        return out.reshape(pixels.shape[:2])
