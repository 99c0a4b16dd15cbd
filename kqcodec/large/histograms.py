"""Visiting a picture's blocks on several threads, and counting their colours."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import histogram
from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.large.block_reader import BlockReader

# Pixels counted at a time: the scratch memory of a part is some 10 MB.
_PIXELS_AT_ONCE = 1 << 19


class SharedSum:
    """A sum of histograms that several threads add to."""

    def __init__(self) -> None:
        self._sum = HistogramSum()
        self._lock = threading.Lock()

    def add_pixels(self, pixels: NDArray[np.uint8]) -> None:
        """Count pixels of shape (h, w, 3) or (h, w, 4); ColorsError as ``HistogramSum.add``."""
        for colors in histograms(pixels):
            self.add(colors)

    def add(self, colors: Histogram) -> None:
        """Add a histogram; ColorsError as ``HistogramSum.add``."""
        with self._lock:
            self._sum.add(colors)

    def total(self) -> Histogram:
        """The sum so far."""
        return self._sum.total()


def histograms(pixels: NDArray[np.uint8]) -> Iterator[Histogram]:
    """Histograms that add up to that of pixels of shape (h, w, 3) or (h, w, 4)."""
    flat = pixels.reshape(-1, pixels.shape[2])
    for start in range(0, len(flat), _PIXELS_AT_ONCE):
        yield histogram(flat[start : start + _PIXELS_AT_ONCE])


def visit(
    reader: BlockReader,
    work: Callable[[int], object],
    threads: int,
    advance: Callable[[int], None],
) -> None:
    """Call ``work`` with the number of each block, on several threads; ``advance`` is told how
    many pixels each had."""
    count = reader.boxes.count
    for index, _ in enumerate(ordered_map(work, range(count), min(threads, count))):
        advance(reader.boxes.box(index).pixels)
