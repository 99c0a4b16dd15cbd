"""Rectangles of a picture, from the tiles that they touch and no others.

The directory at the end of a file of several tiles tells where each tile's record begins, so
that the source must be one that can seek.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened, decode_records
from kqcodec.coding.work import within
from kqcodec.errors import ArgumentError
from kqcodec.format import container
from kqcodec.format.grid import Box
from kqcodec.format.header import CHECKSUM_SIZE, Header
from kqcodec.format.integers import shown, whole_number
from kqcodec.format.limits import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kqcodec.format.labels import Labels
    from kqcodec.images.indexed_image import IndexedImage


def region_of(opened: Opened, box: Sequence[int], threads: int | None) -> IndexedImage:
    """The pixels of a box; errors are those of ``KqFile.region``."""
    return opened.indexed(labels_in(opened, checked_box(box, opened.header), threads))


def labels_in(opened: Opened, region: Box, threads: int | None) -> Labels:
    """The labels of a box that lies in the picture; of a label map their entries."""
    records = records_of(opened, region)
    labels = opened.empty_labels(region.width, region.height)

    def place(record: container.Record) -> None:
        tile_box, tile = opened.decode_tile(record)
        common = tile_box.intersection(region)
        inside = tile[common.moved(-tile_box.left, -tile_box.upper).slices]
        labels[common.moved(-region.left, -region.upper).slices] = inside

    decode_records(opened, records, place, threads, labels.nbytes)
    return labels


def records_of(opened: Opened, region: Box) -> Iterator[container.Record]:
    """The records of the tiles that share pixels with a region, of a file that can seek;
    LimitError if these have too many pixels, or later, if they take too much work."""
    grid, limits = opened.header.grid, opened.limits
    pixels = grid.covered(region).pixels
    check_limit(pixels, limits.pixels, f"the tiles of that region with their {pixels:,}")
    touched = list(grid.touched(region))
    return within(limits, opened.header, _some_records(opened, touched), pixels, len(touched))


def records_at(opened: Opened, tiles: list[int]) -> Iterator[container.Record]:
    """The records of some tiles, ascending, of a file that can seek; LimitError as for
    ``records_of``."""
    header = opened.header
    pixels = sum(header.grid.box(tile).pixels for tile in tiles)
    check_limit(pixels, opened.limits.pixels, f"{len(tiles):,} tiles with their {pixels:,}")
    return within(opened.limits, header, _some_records(opened, tiles), pixels, len(tiles))


def _some_records(opened: Opened, touched: list[int]) -> Iterator[container.Record]:
    if opened.frames is not None:
        opened.source.seek(opened.first_record)
        yield from opened.frames.first_records(frozenset(touched))
        return
    if opened.header.grid.count == 1:
        opened.source.seek(opened.first_record)
        yield from opened.all_records()
        return
    starts = starts_of_records(opened)
    opened.source.expect([(starts[first], starts[last + 1]) for first, last in runs_of(touched)])
    for index in touched:
        opened.source.seek(starts[index])
        record = opened.read_record(index)
        if opened.source.position != starts[index + 1]:
            raise container.wrong_directory()
        yield record


def runs_of(tiles: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of consecutive numbers; they ascend."""
    runs: list[tuple[int, int]] = []
    for tile in tiles:
        if runs and tile == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], tile)
        else:
            runs.append((tile, tile))
    return runs


def starts_of_records(opened: Opened) -> array[int]:
    """Where each tile's record begins, by the directory, and where the last one ends."""
    grid = opened.header.grid
    assert opened.source.size is not None  # noqa: S101 - regions are of files that can seek
    end = opened.source.size - opened.header.directory_size
    if grid.count == 1:  # which has no directory
        return array("q", [opened.first_record, end])
    opened.source.seek(end)
    directory = container.read_directory(opened.source, opened.header, opened.sealer)
    lengths = np.frombuffer(directory, dtype=np.uint32).astype(np.int64)
    for kind in grid.by_size():
        least, most = opened.payload_range(kind.first)
        some = lengths.reshape(grid.rows, grid.columns)[kind.slices]
        if some.min() < least or some.max() > most:
            raise container.wrong_directory()
    # A record has one byte of length for each seven bits, its payload, and its checksum.
    for bits in (7, 14, 21):
        lengths += np.frombuffer(directory, dtype=np.uint32) >= 1 << bits
    lengths += 1 + CHECKSUM_SIZE
    lengths[0] += opened.first_record
    starts = array("q", [opened.first_record])
    starts.frombytes(np.cumsum(lengths, out=lengths).tobytes())
    if starts[-1] != end:
        raise container.wrong_directory()
    return starts


def checked_box(box: Sequence[int], header: Header) -> Box:
    """A box that lies in the picture, or TypeError or ValueError."""
    try:
        sides = [whole_number(side, "box") for side in box]
    except TypeError:
        sides = []
    if len(sides) != 4:
        raise TypeError(f"box must be four whole numbers, not {shown(box)}")
    region = Box(*sides)
    inside = 0 <= region.left < region.right <= header.width
    if not (inside and 0 <= region.upper < region.lower <= header.height):
        raise ArgumentError(
            f"box {shown(tuple(region))} is empty or not within the picture "
            f"of {header.width} x {header.height} pixels",
            "box",
        )
    return region
