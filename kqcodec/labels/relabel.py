"""Other ids for the labels of a label map, by rewriting its table alone.

Tiles hold entries of the table, and their checksums are bound to the header and to their
place. So another table is all that it takes: every tile keeps its bytes, none is decoded, and
of two ids that become one their entries stay apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.frames.writer import sealed_frames
from kqcodec.coding.id_table import DTYPES
from kqcodec.coding.meaning import KIND, Meaning
from kqcodec.errors import ArgumentError, LabelsError
from kqcodec.format.container import pack_length
from kqcodec.format.integers import whole_number
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.format.short_form import shorten
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import DTypeLike

    from kqcodec.coding.frames.reader import FrameReader
    from kqcodec.coding.id_table import Ids, IdTable
    from kqcodec.coding.meaning import AttributeColumn
    from kqcodec.format.container import Section
    from kqcodec.storage.opening import Readable

    # The new id of an old one; None for what no longer means anything.
    Change = Callable[[int], int | None]

_Value = TypeVar("_Value")


def remap_labels(
    source: Readable,
    mapping: Mapping[int, int],
    *,
    dtype: DTypeLike | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> bytes:
    """A label map with other ids; no tile is decoded, and an index stays right.

    Names, colours, nodata and so on go along with their ids. Where several ids become one, it
    keeps what is said of the id that was called so before, or else of the least of them.

        >>> import numpy as np, kqcodec
        >>> data = kqcodec.encode_labels(np.array([[3, 4, 5, 9]]))
        >>> data = kqcodec.remap_labels(data, {4: 3, 5: 3, 9: -1})
        >>> kqcodec.decode_labels(data)
        array([[ 3,  3,  3, -1]])

    Args:
        source: a path, a URL, the file's bytes, or a binary file object.
        mapping: by ids the new ones, all at once, so that {1: 2, 2: 1} exchanges two. Others
            stay; ids that aren't in the file do no harm.
        dtype: of the new array, bool or an integer one of 8 to 64 bits; None for the old one.
        max_pixels: as for ``kqcodec.read``, but of it only the limits on metadata count.

    Raises:
        FormatError: the file is damaged, foreign or over a limit.
        LabelsError: it is a picture, and no label map.
        OSError: the file can't be read.
        TypeError, ValueError: a wrong argument; the dtype can't hold an id.
    """
    return _relabeled(source, remapping(mapping), dtype, max_pixels)


def renumber_labels(
    source: Readable,
    *,
    first: int = 0,
    dtype: DTypeLike | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> bytes:
    """A label map whose ids are numbered from ``first`` on, in their old order.

    Arguments and errors are otherwise those of ``remap_labels``. What is said of ids that the
    label map doesn't have is dropped.
    """
    return _relabeled(source, renumbering(first), dtype, max_pixels)


def remapping(mapping: Mapping[int, int]) -> Callable[[IdTable], Change]:
    """What ``relabeled_parts`` needs for ``remap_labels``; TypeError if it isn't by ids."""
    if not isinstance(mapping, Mapping):
        raise TypeError(f"mapping must be new ids by old ones, not {type(mapping).__name__}")
    checked = {
        whole_number(old, "an id"): whole_number(new, "a new id") for old, new in mapping.items()
    }
    return lambda _: lambda old: checked.get(old, old)


def renumbering(first: int) -> Callable[[IdTable], Change]:
    """What ``relabeled_parts`` needs for ``renumber_labels``."""
    start = whole_number(first, "first")

    def change_of(table: IdTable) -> Change:
        return dict(zip(table.distinct.tolist(), count(start))).get

    return change_of


def relabeled_parts(
    opened: Opened, change_of: Callable[[IdTable], Change], dtype: DTypeLike | None
) -> Iterator[bytes]:
    """The parts of the file with new ids, of a source that stands at its first tile. Each tile's
    checksum is checked on the way; errors are those of ``remap_labels``."""
    if opened.table is None:
        raise LabelsError("the file is a picture with a palette, and no label map")
    change = change_of(opened.table)
    distinct = _new_ids(opened.table, change, dtype)
    places = opened.table.places
    table = opened.table.with_ids(distinct if places is None else distinct[places])
    payload = table.to_payload()
    header, sealer = opened.header, opened.sealer
    front = header.to_bytes() + sealer.palette(b"", payload)
    if header.sections:
        front += sealer.sections(_with_meaning(opened, change))
    if opened.frames is not None:
        yield front
        yield from sealed_frames(header, _payloads(opened.frames))
        return
    records = opened.all_records()
    if header.grid.count == 1:
        (record,) = copied = list(records)
        sealer.check_tile(record)
        short = shorten(header, pack_length(len(payload)) + payload, record.payload)
        if short is not None:
            yield short
            return
        records = iter(copied)
    yield front
    lengths = []
    for record in records:
        sealer.check_tile(record)
        data = bytes(record.payload)
        lengths.append(len(data))
        yield sealer.tile(record.tile, data)
    yield sealer.directory(lengths)


def _payloads(frames: FrameReader) -> Iterator[tuple[list[bytes], int]]:
    """Those of all tiles of each slice, checked, and how long it lasts."""
    for frame in frames.in_order():
        payloads = [b""] * frames.header.grid.count
        for record in frame.records:
            frames.sealer.check_tile(record)
            payloads[record.tile] = bytes(record.payload)
        yield payloads, frame.duration


def _relabeled(
    source: Readable,
    change_of: Callable[[IdTable], Change],
    dtype: DTypeLike | None,
    max_pixels: int | None,
) -> bytes:
    with open_source(source) as opened_source:
        opened = Opened.of_any_size(opened_source, Limits.of(max_pixels))
        return b"".join(relabeled_parts(opened, change_of, dtype))


def _new_ids(table: IdTable, change: Change, dtype: DTypeLike | None) -> Ids:
    """The new id of each distinct one."""
    wanted = table.dtype if dtype is None else np.dtype(dtype).newbyteorder("=")
    if wanted not in DTYPES:
        raise TypeError(f"dtype must be bool or an integer one of 8 to 64 bits, not {wanted}")
    ids: list[Any] = [change(int(old)) for old in table.distinct.tolist()]
    least, most = (0, 1) if wanted == np.bool_ else (np.iinfo(wanted).min, np.iinfo(wanted).max)
    for wrong in (min(ids), max(ids)):
        if not least <= wrong <= most:
            raise ArgumentError(f"{wanted} doesn't hold the id {wrong}: choose another dtype")
    return np.array(ids, dtype=wanted)


def _with_meaning(opened: Opened, change: Change) -> list[Section]:
    """The file's sections, in that of meanings the new ids."""
    if opened.meaning.empty:  # or not as it must be
        return opened.sections
    section = _moved_meaning(opened.meaning, change).to_section()
    place = next(i for i, found in enumerate(opened.sections) if found.kind == KIND)
    return [*opened.sections[:place], section, *opened.sections[place + 1 :]]


def _moved_meaning(meaning: Meaning, change: Change) -> Meaning:
    """What new ids mean."""
    ignore = {change(old) for old in meaning.ignore}
    return replace(
        meaning,
        names=_moved(meaning.names, change),
        colors=_moved(meaning.colors, change),
        nodata=None if meaning.nodata is None else change(meaning.nodata),
        ignore=tuple(new for new in ignore if new is not None),
        attributes=_moved_rows(meaning.attributes, change),
    )


def _moved(values: Mapping[int, _Value], change: Change) -> dict[int, _Value]:
    """Values by new ids: that of the id which stays, or else of the least old one, counts."""
    found: dict[int, _Value] = {}
    for old in sorted(values, key=lambda old: (change(old) != old, old)):
        new = change(old)
        if new is not None:
            found.setdefault(new, values[old])
    return found


def _moved_rows(
    columns: tuple[AttributeColumn, ...], change: Change
) -> tuple[AttributeColumn, ...]:
    """The rows of an attribute table by new ids, numbers of pixels added up. A table without a
    column of ids stays as it is, since its rows are none's."""
    ids: Any = next(
        (each.values for each in columns if (each.usage, each.kind) == ("MinMax", "integer")), None
    )
    if ids is None:
        return columns
    row_of = {int(old): row for row, old in enumerate(ids)}
    rows = _moved(row_of, change)
    moved = []
    for column in columns:
        values: list[Any] = [column.values[row] for row in rows.values()]
        if column.values is ids:
            values = list(rows)
        elif column.usage == "PixelCount" and column.kind != "string":
            sums: dict[int | None, Any] = dict.fromkeys([*rows, None], 0)
            for old, row in row_of.items():
                sums[change(old)] += column.values[row]
            values = [sums[new] for new in rows]
        moved.append(replace(column, values=tuple(values)))
    return tuple(moved)
