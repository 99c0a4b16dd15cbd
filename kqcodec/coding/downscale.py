"""A picture made smaller as it is read, tile by tile: the whole of it is never there.

Squares of n x n pixels, those at the right and lower edge cut, become a pixel each:

    nearest   the pixel in the middle, so that labels stay labels
    mean      the mean of the samples, rounded; colours count by their alpha
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from kqcodec.coding.decoder import Opened, checked_box, decode_tiles, records_of
from kqcodec.format.grid import Box
from kqcodec.format.integers import whole_number
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits, check_limit
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from kqcodec.format.container import Record
    from kqcodec.format.grid import Grid
    from kqcodec.format.labels import Labels
    from kqcodec.storage.opening import Readable

METHODS = ("nearest", "mean")
MOST_TIMES = 4096
# Pixels summed at a time.
_PART = 1 << 20


@overload
def read_scaled(
    source: Readable,
    times: int,
    *,
    method: Literal["nearest"],
    box: Sequence[int] | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> IndexedImage: ...


@overload
def read_scaled(
    source: Readable,
    times: int,
    *,
    method: Literal["mean"] = "mean",
    box: Sequence[int] | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> NDArray[np.uint8]: ...


def read_scaled(
    source: Readable,
    times: int,
    *,
    method: str = "mean",
    box: Sequence[int] | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> IndexedImage | NDArray[np.uint8]:
    """A picture, or a rectangle of it, ``times`` times smaller in width and height.

    Args:
        source: as for ``read``; with a ``box``, as for ``read_region``.
        times: 1 to 4096; sides are rounded up.
        method: "mean" for the means of squares, or "nearest" for the pixels in their
            middle, which keeps labels and palette.
        box: as for ``read_region``; None for all of the picture.
        threads: as for ``decode``.
        max_pixels: a limit on the pixels of the result, and on those of the tiles that
            are read, see ``kqcodec.format.limits``; None for none. By default the tiles may have
            more, 4,096 for each byte of the file, since they aren't held together.

    Returns:
        For "mean" uint8, shape (H, W, 3), or (H, W, 4) with alpha; for "nearest" an
        indexed image.

    Raises:
        FormatError, OSError: as for ``read`` and ``read_region``.
        TypeError, ValueError: a wrong argument.
    """
    found, _ = scaled(source, times, method=method, box=box, threads=threads, max_pixels=max_pixels)
    return found


def scaled(
    source: Readable,
    times: int,
    *,
    method: str,
    box: Sequence[int] | None,
    threads: int | None,
    max_pixels: int | None,
) -> tuple[IndexedImage | NDArray[np.uint8], Metadata]:
    """The same, with the metadata of the file."""
    times = _checked(times, method)
    limits = Limits.of(max_pixels)
    with open_source(source) as opened_source:
        if box is not None and opened_source.size is None:
            raise OSError(opened_source.no_regions)
        for_tiles = limits.by_tiles(opened_source.size)
        records: Iterable[Record]
        if box is None:
            opened = Opened.from_source(opened_source, for_tiles)
            region = Box(0, 0, opened.header.width, opened.header.height)
            records = opened.records()
        else:
            opened = Opened.of_any_size(opened_source, for_tiles)
            region = checked_box(box, opened.header)
            records = records_of(opened, region)
        header = opened.header
        width, height = -(-region.width // times), -(-region.height // times)
        check_limit(width * height, limits.pixels, f"{width} x {height}")
        metadata = Metadata.from_sections(opened.sections)
        if method == "nearest":
            picked = _Nearest(region, times, (height, width), label_dtype(header.k))
            decode_tiles(opened, records, picked.place, threads)
            picked.labels.flags.writeable = False
            found = IndexedImage(opened.palette, picked.labels, metadata=metadata)
            return found, metadata
        means = _Means(region, times, header.grid, opened.palette)
        decode_tiles(opened, records, means.place, threads)
        return means.pixels, metadata


def _checked(times: int, method: str) -> int:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    return whole_number(times, "times", 1, MOST_TIMES)


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
