"""Volumes of labels from files: the ids of all slices, or those of a box in some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.frames.reader import Canvas, FrameReader
from kqcodec.format.integers import whole_number
from kqcodec.format.labels import checked_out
from kqcodec.format.limits import check_limit, memory_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.id_table import Ids
    from kqcodec.format.grid import Box
    from kqcodec.format.integers import whole_number
from kqcodec.format.labels import Labels


def whole_volume(opened: Opened, out: Ids | None, threads: int | None) -> Ids:
    """The ids of all of a volume, of a source that stands at its first frame; in ``out``, of their
    shape and dtype, if it is given."""
    table, whole = opened.id_table, opened.header.grid.whole
    placing = _Placing(opened, whole, table.values_of)
    if opened.source.size is not None:
        depth = _reader(opened).directory.frames
        opened.source.go_to(opened.first_record)
        found = _array(opened, (depth, whole.height, whole.width), table.dtype, out)
        slices = [*found]
    else:  # whose end alone tells how many there are
        found, slices = None, []
    for number, canvas in each_frame(opened, threads):
        if number == len(slices):
            _check_pixels(opened, number + 1, whole.height, whole.width)
            with memory_for(opened.header):
                slices.append(np.empty((whole.height, whole.width), dtype=table.dtype))
        placing.place(canvas, number, slices[number], slices[number - 1] if number else None)
    if found is None:
        found = _array(opened, (len(slices), whole.height, whole.width), table.dtype, out)
        np.stack(slices, out=found)
    return found


def values_in_volume(opened: Opened, region: Box, out: Ids | None, threads: int | None) -> Ids:
    """The ids of a box in all slices of a volume, of a file that can seek; in ``out`` if it is
    given."""
    table = opened.id_table
    slices = range(_reader(opened).directory.frames)
    return _filled(_Placing(opened, region, table.values_of), slices, table.dtype, out, threads)


def slice_of(opened: Opened, region: Box, frame: int, out: Ids | None, threads: int | None) -> Ids:
    """The ids of a box in one slice, negative from the end, of a file that can seek; in ``out``,
    shape (h, w), if it is given. IndexError if there is no such slice."""
    table, depth = opened.id_table, _reader(opened).directory.frames
    number = whole_number(frame, "frame")
    if not -depth <= number < depth:
        raise IndexError(f"slice {number} of a volume of {depth:,}")
    if out is not None:
        out = checked_out(out, (region.height, region.width), table.dtype)[np.newaxis]
    slices = range(number % depth, number % depth + 1)
    placing = _Placing(opened, region, table.values_of)
    found: Ids = _filled(placing, slices, table.dtype, out, threads)[0]
    return found


def mask_in_volume(
    opened: Opened, region: Box, wanted: NDArray[np.bool_], threads: int | None
) -> NDArray[np.bool_]:
    """Where in a box of all slices one of the wanted entries is, of a file that can seek."""

    def convert(labels: Labels, inside: NDArray[np.bool_]) -> None:
        inside[...] = wanted[labels]

    placing = _Placing(opened, region, convert)
    depth, dtype = _reader(opened).directory.frames, np.dtype(np.bool_)
    if not wanted.any():
        mask = _array(opened, (depth, region.height, region.width), dtype, None)
        mask.fill(False)
        return mask
    return _filled(placing, range(depth), dtype, None, threads)


def each_frame(opened: Opened, threads: int | None) -> Iterator[tuple[int, Canvas]]:
    """The number of each frame, and all tiles as they are then, of a source that stands at the
    first one."""
    canvas = Canvas(_reader(opened), None, threads)
    for frame in _reader(opened).in_order():
        canvas.take(frame)
        yield frame.number, canvas


@dataclass(frozen=True)
class _Placing:
    """How tiles come into arrays of a region.

    Attributes:
        opened, region: the file, and a box in it.
        convert: puts what is made of labels, shape (h, w), into an array of that shape.
    """

    opened: Opened
    region: Box
    convert: Callable[[Labels, Any], object]

    def place(
        self, canvas: Canvas, number: int, inside: NDArray[Any], before: NDArray[Any] | None
    ) -> None:
        """Fill ``inside`` with the region of the frame of that number, which the canvas shows;
        ``before`` has that of the frame before, if there is one."""
        region = self.region
        for tile, labels in canvas.tiles.items():
            box = self.opened.header.grid.box(tile)
            common = box.intersection(region)
            to = common.moved(-region.left, -region.upper).slices
            if before is not None and canvas.changed[tile] < number:
                inside[to] = before[to]
            else:
                self.convert(labels[common.moved(-box.left, -box.upper).slices], inside[to])


def _filled(
    placing: _Placing,
    frames: range,
    dtype: np.dtype[Any],
    out: NDArray[Any] | None,
    threads: int | None,
) -> NDArray[Any]:
    opened, region = placing.opened, placing.region
    reader, grid = _reader(opened), opened.header.grid
    covered = grid.covered(region).pixels
    check_limit(covered, opened.limits.pixels, f"the tiles of that region with their {covered:,}")
    found = _array(opened, (len(frames), region.height, region.width), dtype, out)
    canvas = Canvas(reader, grid.touched(region), threads)
    reader.expect(reader.timing.key_of(frames.start), frames.stop)
    for place, number in enumerate(frames):
        canvas.show(number)
        placing.place(canvas, number, found[place], found[place - 1] if place else None)
    return found


def _reader(opened: Opened) -> FrameReader:
    assert opened.frames is not None  # noqa: S101 - a volume has frames
    return opened.frames


def _array(
    opened: Opened, shape: tuple[int, int, int], dtype: np.dtype[Any], out: NDArray[Any] | None
) -> NDArray[Any]:
    """``out``, checked, or a new array, within the limits."""
    _check_pixels(opened, *shape)
    if out is not None:
        return checked_out(out, shape, dtype)
    with memory_for(opened.header):
        return np.empty(shape, dtype=dtype)


def _check_pixels(opened: Opened, depth: int, height: int, width: int) -> None:
    """Raise LimitError if so many slices have too many to be held together."""
    size = f"{depth:,} slices of {width} x {height}"
    check_limit(depth * height * width, opened.limits.pixels, size, "part")
