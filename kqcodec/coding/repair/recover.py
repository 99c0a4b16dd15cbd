"""Damaged files: what of the picture is whole, and a clean file that holds it.

Tiles are independent (spec/kq.md, section 6), so that damage costs the tiles that it
touches and no others. Here the rest is decoded, and what is lost is told and filled;
``kqcodec.coding.repair.recovery`` writes the file anew.

The fill is an entry of the palette, since its entries are all the colours that a tile can
have. A colour that isn't among them is added, and then every tile is coded anew, without
loss: the size of a label depends on the number of entries. So it is with the ids of a label
map.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.frames.reader import checked_timing
from kqcodec.coding.repair import damaged_front
from kqcodec.coding.repair.colors import SavedColors
from kqcodec.coding.repair.damaged_front import Damage, Front
from kqcodec.coding.repair.ids import SavedIds
from kqcodec.coding.repair.recovery import Recovery, payload_of
from kqcodec.coding.repair.sequence import recover_frames
from kqcodec.coding.repair.tile_search import find_tiles
from kqcodec.coding.work import most_work, work_of
from kqcodec.errors import ChecksumError, FormatError, LimitError, TruncatedError
from kqcodec.format.container import Record, Sealer
from kqcodec.format.header import HEADER_SIZE, SHORT_SIGNATURE, Header
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits, memory_for
from kqcodec.format.short_form import MAX_SIZE, expand
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.coding.coders import Coder
    from kqcodec.coding.repair.colors import Fill, GivenPalette
    from kqcodec.coding.repair.tile_search import Places
    from kqcodec.format.labels import Labels
    from kqcodec.format.source import Source


class DamageWarning(UserWarning):
    """A part of the picture was damaged, and is filled."""


def recover(
    source: Source,
    *,
    fill: Fill | int | None,
    palette: GivenPalette | None,
    threads: int | None,
    limits: Limits,
) -> Recovery:
    """Save what is whole of a damaged file, all of which is read, from its beginning;
    ``KqFile.recover`` explains how, its arguments and its errors."""
    count = thread_count(threads)
    data = _contents(source, limits)
    short = None
    if data[: len(SHORT_SIGNATURE)] == SHORT_SIGNATURE:  # its one checksum is for all or nothing
        short = bytes(data[: MAX_SIZE + 1])
        data = memoryview(expand(short)[1])
    front = damaged_front.read_front(data, limits)
    kept: SavedColors | SavedIds
    if front.header.label_map:
        kept = SavedIds.of(front, fill)
    else:
        kept = SavedColors.of(front, fill, palette)
    front, header = kept.front, kept.front.header
    timing = checked_timing(front.sections, header, front.table)
    if timing is not None:
        return recover_frames(data, kept, timing, threads=count, limits=limits)
    with memory_for(header):  # untouched as yet, so that a claim costs nothing
        labels: Labels = np.empty((header.height, header.width), dtype=label_dtype(kept.entries))
    places = find_tiles(data, header, Sealer(header), front.first_record, front.search_from)
    if not places.found.any():
        raise _nothing_saved(front, data)
    _check_work(data, header, places, limits)
    refused = _decoded(data, header, places, kept.coder, labels, label=kept.entry, threads=count)
    lost = sorted({*np.flatnonzero(~places.found).tolist(), *refused})
    if len(lost) == header.grid.count:
        raise _nothing_saved(front, data)
    found = kept.filled(labels, [header.grid.box(tile) for tile in lost])
    found.labels.flags.writeable = False
    return Recovery(
        labels=found.labels,
        header=header,
        lost=tuple(lost),
        damages=(*front.damages, *_tile_damages(lost, refused, places, data, header)),
        fill=found.fill,
        fill_label=found.fill_label,
        coded_anew=found.coded_anew,
        _palette=found.palette,
        _front=front,
        _places=places,
        _data=data,
        _short=short,
    )


def _contents(source: Source, limits: Limits) -> memoryview:
    """The bytes of the file: as many as one within the limits can have, and some."""
    most = sys.maxsize if limits.pixels is None else 4 * max(limits.pixels, DEFAULT_MAX_PIXELS)
    size = source.size or None  # of a device it is 0, though it goes on for ever
    if size is not None and size <= most:
        return memoryview(source.read_up_to(size)).cast("B")
    parts: list[memoryview] = []
    while size is None and source.position <= most:
        part = memoryview(source.read_up_to(min(1 << 24, most + 1 - source.position)))
        if not part.nbytes:
            return memoryview(b"".join(parts))
        parts.append(part)
    raise LimitError(
        f"the file has more than {most:,} bytes, and so more than a picture within max_pixels; "
        "raise it (--max-pixels) if you trust the file"
    )


# --- tiles -------------------------------------------------------------------------


def _check_work(data: memoryview, header: Header, places: Places, limits: Limits) -> None:
    """Raise LimitError if decoding all that was found takes too much work."""
    if limits.work is None:
        return
    most = most_work(header, header.pixels, header.grid.count)
    if most > limits.work:
        found = np.flatnonzero(places.found).tolist()
        records = (Record(tile, payload_of(data, places, tile), 0) for tile in found)
        limits.check_work(sum(work_of(header, record) for record in records), most)


def _decoded(
    data: memoryview,
    header: Header,
    places: Places,
    coder: Coder,
    labels: Labels,
    *,
    label: int,
    threads: int,
) -> dict[int, str]:
    """Fill ``labels``; returns why tiles that were found are lost all the same."""
    labels.fill(label)
    grid = header.grid
    refused: dict[int, str] = {}

    def decode(tile: int) -> None:
        box = grid.box(tile)
        payload = payload_of(data, places, tile)
        part = np.empty((box.height, box.width), dtype=labels.dtype)
        try:
            coder.decode(payload, part)
        except FormatError as exc:
            refused[tile] = str(exc)
        else:
            labels[box.slices] = part

    found = np.flatnonzero(places.found).tolist()
    for _ in ordered_map(decode, found, min(threads, len(found))):
        pass
    return refused


def _tile_damages(
    lost: list[int], refused: dict[int, str], places: Places, data: memoryview, header: Header
) -> Iterator[Damage]:
    last_found = int(np.flatnonzero(places.found)[-1])
    cut = last_found < header.grid.count - 1 and not places.directory
    for tile in lost:
        reason = "its record is damaged"
        if tile in refused:
            reason = refused[tile]
        elif cut and tile > last_found:
            reason = "it is damaged or cut off"
        yield Damage(f"tile {tile}", reason)
    if not places.directory:
        yield Damage("directory", "it is damaged, and made anew from the tiles")
    if places.end < len(data):
        extra = len(data) - places.end
        yield Damage("end", f"{extra:,} byte{'s' * (extra > 1)} that don't belong to the file")


def _nothing_saved(front: Front, data: memoryview) -> FormatError:
    tiles = front.header.grid.count
    whole = "its only tile isn't whole" if tiles == 1 else f"none of its {tiles:,} tiles is whole"
    least = HEADER_SIZE + len(front.stored_palette)
    kind = TruncatedError if len(data) <= least else ChecksumError
    return kind(f"nothing of the picture can be saved: {whole}")
