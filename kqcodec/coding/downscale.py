"""A picture made smaller as it is read, tile by tile: the whole of it is never there.

Squares of n x n pixels, those at the right and lower edge cut, become a pixel each:

    nearest   the pixel in the middle, so that labels stay labels
    mean      the mean of the samples, rounded; colours count by their alpha
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.decoder import Opened, decode_tiles
from kqcodec.coding.regions import checked_box, records_of
from kqcodec.format.grid import Box
from kqcodec.format.integers import whole_number
from kqcodec.format.limits import check_limit
from kqcodec.format.names import SCALING_METHODS, check_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from kqcodec.format.container import Record
    from kqcodec.format.grid import Grid
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import ScalingMethod
    from kqcodec.images.indexed_image import IndexedImage

MOST_TIMES = 4096
# Pixels summed at a time.
_PART = 1 << 20


def scaled_of(
    opened: Opened,
    times: int,
    *,
    method: ScalingMethod,
    box: Sequence[int] | None,
    threads: int | None,
) -> IndexedImage | NDArray[np.uint8]:
    """A picture, or a box of it, ``times`` times smaller in width and height: an indexed image
    by "nearest", uint8 of shape (H, W, 3) or (H, W, 4) by "mean". A source from which no box
    is read stands at the first tile. Errors are those of ``KqFile.scaled``."""
    check_name(method, SCALING_METHODS, "method")
    if method == "nearest":
        return opened.indexed(nearest_of(opened, times, box=box, threads=threads))
    times = whole_number(times, "times", 1, MOST_TIMES)
    opened, region, records = _asked(opened, times, box)
    means = _Means(region, times, opened.header.grid, opened.palette)
    decode_tiles(opened, records, means.place, threads)
    return means.pixels


def nearest_of(
    opened: Opened, times: int, *, box: Sequence[int] | None, threads: int | None
) -> Labels:
    """The labels in the middle of squares, of a label map their entries; as ``scaled_of``."""
    times = whole_number(times, "times", 1, MOST_TIMES)
    opened, region, records = _asked(opened, times, box)
    shape = -(-region.height // times), -(-region.width // times)
    picked = _Nearest(region, times, shape, opened.label_dtype)
    decode_tiles(opened, records, picked.place, threads)
    return picked.labels


def _asked(
    opened: Opened, times: int, box: Sequence[int] | None
) -> tuple[Opened, Box, Iterable[Record]]:
    """The file within the limits for its tiles, the region, and the records of its tiles."""
    limits, header, opened = opened.limits, opened.header, opened.by_tiles()
    records: Iterable[Record]
    if box is None:
        region = header.grid.whole
        records = opened.records()
    else:
        region = checked_box(box, header)
        records = records_of(opened, region)
    width, height = -(-region.width // times), -(-region.height // times)
    check_limit(width * height, limits.pixels, f"{width} x {height}")
    return opened, region, records


class _Nearest:
    """The pixels in the middle of squares, from tiles in any order."""

    def __init__(
        self, region: Box, times: int, shape: tuple[int, int], dtype: type[np.unsignedinteger[Any]]
    ) -> None:
        # Where a square is cut, the middle may be outside; then the last pixel counts.
        self._rows = _middles(region.upper, region.lower, times)
        self._columns = _middles(region.left, region.right, times)
        self.labels: Labels = np.empty(shape, dtype=dtype)

    def place(self, box: Box, tile: Labels) -> None:
        """Take what is wanted of a tile."""
        rows = slice(*np.searchsorted(self._rows, (box.upper, box.lower)))
        columns = slice(*np.searchsorted(self._columns, (box.left, box.right)))
        inside = np.ix_(self._rows[rows] - box.upper, self._columns[columns] - box.left)
        self.labels[rows, columns] = tile[inside]


def _middles(start: int, stop: int, times: int) -> NDArray[np.int64]:
    return np.minimum(np.arange(start, stop, times) + times // 2, stop - 1)


class _Means:
    """The means of squares, from tiles in any order.

    Squares that lie in one tile are done with it. Where squares cross the edges of
    tiles, sums wait for all of them.
    """

    def __init__(self, region: Box, times: int, grid: Grid, palette: NDArray[np.uint8]) -> None:
        self._region, self._times = region, times
        self._table = palette.astype(np.uint32)
        if palette.shape[1] == 4:
            self._table[:, :3] *= self._table[:, 3:]
        shape = (-(-region.height // times), -(-region.width // times), palette.shape[1])
        self._pixels = np.empty(shape, dtype=np.uint8)
        fits_x = grid.columns == 1 or grid.tile_width % times == region.left % times == 0
        fits_y = grid.rows == 1 or grid.tile_height % times == region.upper % times == 0
        self._lock = threading.Lock()
        self._sums = None if fits_x and fits_y else np.zeros(shape, dtype=np.uint64)

    def place(self, box: Box, tile: Labels) -> None:
        """Add a tile."""
        common = box.intersection(self._region)
        labels = tile[common.moved(-box.left, -box.upper).slices]
        at = common.moved(-self._region.left, -self._region.upper)
        squares = max(1, _PART // (at.width * self._times))  # one upon the other
        upper = at.upper
        while upper < at.lower:
            lower = min((upper // self._times + squares) * self._times, at.lower)
            part = labels[upper - at.upper : lower - at.upper]
            self._add(part, Box(at.left, upper, at.right, lower))
            upper = lower

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The result, when all tiles have come."""
        if self._sums is not None:
            height, width = self._pixels.shape[:2]
            for row in range(height):  # a row at a time, for its intermediate results
                squares = Box(0, row, width, row + 1)
                self._pixels[row : row + 1] = self._means(self._sums[squares.slices], squares)
        return self._pixels

    def _add(self, labels: Labels, at: Box) -> None:
        """Add the labels of a part of the region."""
        times = self._times
        left, right = at.left // times, -(-at.right // times)
        squares = Box(left, at.upper // times, right, -(-at.lower // times))
        rows = np.maximum(np.arange(squares.upper, squares.lower) * times - at.upper, 0)
        columns = np.maximum(np.arange(left, right) * times - at.left, 0)
        sums = np.empty((len(rows), len(columns), self._table.shape[1]), dtype=np.uint64)
        for channel in range(self._table.shape[1]):
            samples = self._table[:, channel].take(labels)
            across = np.add.reduceat(samples, columns, axis=1, dtype=np.uint64)
            sums[:, :, channel] = np.add.reduceat(across, rows, axis=0)
        if self._sums is None:
            self._pixels[squares.slices] = self._means(sums, squares)
            return
        with self._lock:
            self._sums[squares.slices] += sums

    def _means(self, sums: NDArray[np.uint64], squares: Box) -> NDArray[np.uint8]:
        high, wide = (
            np.minimum(np.arange(start + 1, stop + 1) * self._times, length)
            - np.arange(start, stop) * self._times
            for start, stop, length in (
                (squares.upper, squares.lower, self._region.height),
                (squares.left, squares.right, self._region.width),
            )
        )
        counts = (high[:, np.newaxis] * wide)[:, :, np.newaxis].astype(np.uint64)
        if sums.shape[2] == 3:
            return ((sums + counts // 2) // counts).astype(np.uint8)
        alpha = sums[:, :, 3:]
        weights = np.maximum(alpha, 1)
        colors = (sums[:, :, :3] + weights // 2) // weights
        return np.concatenate([colors, (alpha + counts // 2) // counts], axis=2).astype(np.uint8)
