"""Label maps as files: arrays of ids to bytes, and back; volumes are in
``kqcodec.coding.frames.label_volumes`` and ``kqcodec.coding.volumes``.

The ids become entries of a table (``kqcodec.coding.id_table``) tile by tile, so that no second
array of the size of the first is held.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import decode_records
from kqcodec.coding.frames.label_volumes import encoded_volume
from kqcodec.coding.id_table import IdTable
from kqcodec.coding.label_index import IndexBuilder
from kqcodec.coding.layout import Layout
from kqcodec.coding.regions import records_of
from kqcodec.coding.volumes import values_in_volume, whole_volume
from kqcodec.errors import ArgumentError
from kqcodec.format.grid import Grid
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import checked_out
from kqcodec.format.limits import memory_for
from kqcodec.format.sequence import DEFAULT_KEY_DISTANCE, FrameTiming
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.label_index import LabelIndex
    from kqcodec.coding.meaning import Meaning
    from kqcodec.coding.options import CodingOptions
    from kqcodec.format import container
    from kqcodec.format.container import Section
    from kqcodec.format.grid import Box

# Slices of which nobody knows the distance.
SLICES = FrameTiming("depth", DEFAULT_KEY_DISTANCE, unit=Fraction(0))
# Tiles of so many pixels have no more different ids than K may be.
_SAFE_SIDE = 256


def encoded_labels(
    values: Ids,
    options: CodingOptions,
    sections: Sequence[Section] = (),
    *,
    index: bool = False,
    timing: FrameTiming = SLICES,
) -> Iterator[bytes]:
    """The parts of the file of a checked array of ids, whose slices ``timing`` is about where it is
    a volume; what it raises is raised at once.

    Raises:
        ValueError: there is no such file.
    """
    table = IdTable.of(values)
    if table.shape == "volume":
        if index:
            raise ArgumentError("a volume has no index: each of its slices would be a picture's")
        _, options = _most_in_a_tile(table, values, options)
        return encoded_volume(table, values, timing, options, sections)
    plane = values[:, :, 0] if table.shape == "column" else values
    height, width = plane.shape
    k, options = _most_in_a_tile(table, [plane], options)
    if index:
        sections = [*sections, _index_of(table, plane, options).to_section(_grid(plane, options))]
    layout = Layout.of_labels(table, k, width, height, options, sections=sections)

    def payload(tile: int) -> bytes:
        return layout.payload(table.entries_of(plane[layout.grid.box(tile).slices]))

    count = layout.grid.count
    return layout.parts(
        ordered_map(payload, range(count), min(thread_count(options.threads), count))
    )


def _most_in_a_tile(
    table: IdTable, planes: Sequence[Ids] | Ids, options: CodingOptions
) -> tuple[int, CodingOptions]:
    """K of a picture or of slices, and with more ids than K may be, options whose tiles have no
    more."""
    if table.entries <= MAX_COLORS:
        return table.entries, options
    if not options.codes_palettes:
        raise ArgumentError(
            f"the coder {options.coder} holds up to {MAX_COLORS:,} different ids, and there are "
            f"{table.entries:,}; context and tokens hold more"
        )
    chosen = options.tile is None
    while True:
        grid = _grid(planes[0], options)
        wide, high = grid.tile_width, grid.tile_height
        places = [grid.box(tile).slices for tile in range(grid.count)]
        most = max(len(np.unique(plane[place])) for plane in planes for place in places)
        if most <= MAX_COLORS:
            return most, options
        if not chosen:
            raise ArgumentError(
                f"a tile of {wide} x {high} pixels has {most:,} different ids, over "
                f"{MAX_COLORS:,} (rule 18.6)",
                "smaller tiles",
            )
        side = max(1 << (max(wide, high) - 1).bit_length() - 1, _SAFE_SIDE)
        options = options.with_tile(side)


def _grid(plane: Ids, options: CodingOptions) -> Grid:
    """The tiles that the array is cut into."""
    height, width = plane.shape
    x, y = options.tile_exponents(width, height)
    return Grid(width, height, 1 << x if x else width, 1 << y if y else height)


def _index_of(table: IdTable, plane: Ids, options: CodingOptions) -> LabelIndex:
    grid = _grid(plane, options)
    builder = IndexBuilder(table.entries, grid)
    for tile in range(grid.count):
        builder.add(tile, table.entries_of(plane[grid.box(tile).slices]))
    return builder.finish()


def values_of(opened: Opened, out: Ids | None, threads: int | None) -> Ids:
    """The ids of all of a label map, of a source that stands at its first tile, in ``out`` if it
    is given."""
    if opened.id_table.shape == "volume":
        return whole_volume(opened, out, threads)
    header = opened.header
    whole = header.grid.whole
    return _placed(opened, opened.records(), whole, out, threads)


def values_in(opened: Opened, region: Box, out: Ids | None, threads: int | None) -> Ids:
    """The ids of a box that lies in the label map, of a file that can seek."""
    if opened.id_table.shape == "volume":
        return values_in_volume(opened, region, out, threads)
    return _placed(opened, records_of(opened, region), region, out, threads)


def scaled_values(
    opened: Opened, times: int, box: Sequence[int] | None, out: Ids | None, threads: int | None
) -> Ids:
    """The ids in the middle of squares of pixels, as ``KqFile.scaled`` takes them, in ``out`` if
    it is given."""
    from kqcodec.coding.downscale import nearest_of

    table = opened.id_table
    entries = nearest_of(opened, times, box=box, threads=threads)
    if table.shape == "column":
        entries = entries[:, :, np.newaxis]
    if out is not None:
        checked_out(out, entries.shape, table.dtype)
    return table.values_of(entries, out)


def painted(values: Ids, meaning: Meaning) -> NDArray[np.uint8]:
    """The colours of ids: shape (H, W, 3), or (H, W, 4) if one that is given has alpha."""
    table = IdTable.of(values)
    entries = table.entries_of(values.reshape(values.shape[:2]))
    return meaning.color_of(table.ids).take(entries, axis=0)


def _placed(
    opened: Opened,
    records: Iterator[container.Record],
    region: Box,
    out: Ids | None,
    threads: int | None,
) -> Ids:
    table = opened.id_table
    column = table.shape == "column"
    shape = (region.height, region.width, 1) if column else (region.height, region.width)
    if out is None:
        with memory_for(opened.header):
            out = np.empty(shape, dtype=table.dtype)
    else:
        checked_out(out, shape, table.dtype)
    plane = out[:, :, 0] if column else out
    # Where entries are their own ids, tiles are decoded into their place.
    at_once = (
        table.dtype == opened.label_dtype
        and table.places is None
        and int(table.distinct[-1]) == table.entries - 1
    )

    def place(record: container.Record) -> None:
        box = opened.header.grid.box(record.tile)
        common = box.intersection(region)
        inside = plane[common.moved(-region.left, -region.upper).slices]
        if at_once and common == box and inside.flags.c_contiguous:
            opened.decode_into(record, inside)
            return
        entries = opened.decode_tile(record)[1]
        table.values_of(entries[common.moved(-box.left, -box.upper).slices], inside)

    decode_records(opened, records, place, threads, plane.nbytes)
    return out
