"""Frames from files: one after the other as they come, or some by the directory; and the tiles
that each changes.

Who wants a frame decodes from the key frame before it on. The work of that is limited as it grows,
since nothing ahead tells how many frames there are: what the limit allows, and some for each byte
that was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.coding.frames.directory import (
    FrameDirectory,
    FrameList,
    read_directory,
    wrong_directory,
    wrong_end,
)
from kqcodec.coding.work import Budget, work_of
from kqcodec.errors import InvalidDataError
from kqcodec.format import sizes
from kqcodec.format.container import Record, Sealer, read_u32
from kqcodec.format.header import CHECKSUM_SIZE
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import check_limit, memory_for
from kqcodec.format.sequence import MAX_FRAMES, FrameTiming, read_head, timing_of
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from kqcodec.coding.frames.chains import Chains
    from kqcodec.coding.frames.tile_chain import TileChain
    from kqcodec.coding.id_table import IdTable
    from kqcodec.format.container import Section
    from kqcodec.format.header import Header
    from kqcodec.format.labels import Labels
    from kqcodec.format.limits import Limits
    from kqcodec.format.source import Source

# Frames are asked of a server in pieces of about so many bytes.
_PIECE = 1 << 22


def checked_timing(
    sections: Sequence[Section], header: Header, table: IdTable | None
) -> FrameTiming | None:
    """How the frames of a file with these sections follow each other, and with that table if it
    is a label map; None if it is a still."""
    timing = timing_of(sections)
    if timing is not None and sizes.predictable(header.coder) and timing.key_distance != 1:
        raise InvalidDataError(
            f"a key distance of {timing.key_distance} by {header.coder} (rule 19.2)"
        )
    if table is not None and (table.shape == "volume") != (timing is not None):
        raise InvalidDataError("label maps have frames if they are volumes alone (rule 18.3)")
    return timing


class Frame(NamedTuple):
    """A frame as read.

    Attributes:
        number: from 0 on.
        duration: in units.
        size: bytes of its head and tiles.
        records: the tiles that it changes, ascending, or those of them that were asked for.
    """

    number: int
    duration: int
    size: int
    records: list[Record]


@dataclass(frozen=True, eq=False)
class FrameReader:
    """The frames of a file.

    Attributes:
        source: the file, whose frames begin at ``first``.
        header, sealer, timing, limits: the file's.
        entries: how many labels there may be.
        chains: what decodes its tiles.
        first: where the head of frame 0 begins.
    """

    source: Source
    header: Header
    sealer: Sealer
    timing: FrameTiming
    limits: Limits
    entries: int
    chains: Chains
    first: int

    @cached_property
    def _header_bytes(self) -> bytes:
        return self.header.to_bytes()

    @cached_property
    def directory(self) -> FrameDirectory:
        """Where frames are, of a file that can seek."""
        return read_directory(self.source, self.sealer, self.first, self.limits)

    def in_order(self) -> Iterator[Frame]:
        """All frames, of a source that stands at the first, then the directory's check."""
        done, before = FrameList(), 1
        while (frame := self._read(len(done), before)) is not None:
            done.add(frame.size, frame.duration)
            self.limits.check_frames(len(done))
            before = frame.duration
            end = self.source.position
            yield frame
            del frame  # whose payloads make room for the next
            self.source.go_to(end)  # who draws them may read elsewhere meanwhile
        if not len(done):
            raise InvalidDataError("a sequence without a frame (rule 19.9)")
        directory = done.to_bytes(self.sealer)
        found = bytes(self.source.read_up_to(len(directory) + 1))
        if found != directory:
            raise wrong_end(found, len(directory), self.sealer)

    def expect(self, start: int, stop: int) -> None:
        """Prepare to read the frames from ``start`` to ``stop`` - 1."""
        self.source.expect(_pieces(self.directory.starts[start : stop + 1].tolist()))

    def between(
        self, start: int, stop: int, tiles: Container[int] | None = None
    ) -> Iterator[Frame]:
        """The frames from ``start`` to ``stop`` - 1, of which the file has so many, found by its
        directory; of ``tiles`` alone, if they are given."""
        directory = self.directory
        starts = directory.starts
        for number in range(start, stop):
            self.source.seek(int(starts[number]))
            before = int(directory.durations[number - 1]) if number else 1
            frame = self._read(number, before, tiles)
            told = int(starts[number + 1] - starts[number]), int(directory.durations[number])
            if frame is None or (frame.size, frame.duration) != told:
                raise wrong_directory()
            yield frame

    def first_records(self, tiles: Container[int] | None = None) -> Iterator[Record]:
        """The records of the first frame, of a source that stands at it; of ``tiles`` alone, if
        they are given."""
        frame = self._read(0, 1, tiles)
        if frame is None:
            raise InvalidDataError("a sequence without a frame (rule 19.9)")
        if self.header.k > 1:
            yield from frame.records
            return
        for tile in range(self.header.grid.count):
            if tiles is None or tile in tiles:
                yield Record(tile, b"", self.sealer.tile_checksum(tile, b""))

    def _read(self, number: int, before: int, tiles: Container[int] | None = None) -> Frame | None:
        """The frame that the source stands at, the one before it having lasted ``before``; None
        at the end of the frames. ``tiles`` are the only ones to be read, if they are given, of a
        file that can seek."""
        source, start = self.source, self.source.position
        self.limits.check_tiles(self.header)
        head = read_head(source, self._header_bytes, number, self.header.grid.count)
        if head is None:
            return None
        if number == MAX_FRAMES:
            raise InvalidDataError(f"a sequence of over {MAX_FRAMES:,} frames (rule 19.9)")
        if head.duration == before:
            raise InvalidDataError(f"frame {number} repeats the duration before it (rule 19.5)")
        records = []
        if head.lengths is None:
            if self._must_change(number):
                raise InvalidDataError(f"frame {number} doesn't code its tiles (rule 19.6)")
        else:
            self._check_lengths(number, head.lengths)
            for tile, length in enumerate(head.lengths):
                part = f"tile {tile} of frame {number}"
                if length and (tiles is None or tile in tiles):
                    payload = source.read(length, part)
                    records.append(Record(tile, payload, read_u32(source, part), number))
                elif length:
                    source.seek(source.position + length + CHECKSUM_SIZE)
        duration = before if head.duration is None else head.duration
        return Frame(number, duration, source.position - start, records)

    def _must_change(self, number: int) -> bool:
        """Whether a frame has a payload for each tile."""
        if self.header.k == 1:
            return False
        return self.timing.is_key(number) or sizes.predictable(self.header.coder)

    def _check_lengths(self, number: int, lengths: Sequence[int]) -> None:
        """Raise InvalidDataError if a payload can't have so many bytes."""
        header, must_change = self.header, self._must_change(number)
        for tile, length in enumerate(lengths):
            labels = header.grid.box(tile).pixels
            least, most = sizes.payload_range(
                header.coder, labels, header.k, header.label_map, frames=True
            )
            if not max(least, int(must_change)) <= length <= most:
                raise InvalidDataError(
                    f"tile {tile} of frame {number} can't take {length:,} bytes (rule 19.8)"
                )


class Canvas:
    """The tiles of a sequence, or some of them, as they are after each frame.

    Args:
        reader: of the file.
        wanted: the tiles; None for all.
        threads: how many decode tiles of a frame.

    Attributes:
        tiles: the labels of each tile, which the next frame changes in place.
        changed: by tile, the frame that changed it last.
        budget: of the work; who starts to read anew may have another.
    """

    def __init__(
        self, reader: FrameReader, wanted: Iterable[int] | None, threads: int | None
    ) -> None:
        grid = reader.header.grid
        reader.limits.check_tiles(reader.header)
        boxes = {tile: grid.box(tile) for tile in (wanted or range(grid.count))}
        pixels = sum(box.pixels for box in boxes.values())
        check_limit(pixels, reader.limits.pixels, f"the tiles of a frame with their {pixels:,}")
        self._reader = reader
        self._threads = thread_count(threads)
        self._dtype = label_dtype(reader.entries)
        self._chains: dict[int, TileChain] = {}
        self._next = 0
        self._picture: Labels | None = None
        self.budget = Budget(reader.limits)
        self.changed = dict.fromkeys(boxes, 0)
        with memory_for(reader.header):  # zeros, the labels of a picture in one colour
            self.tiles: dict[int, Labels] = {
                tile: np.zeros((box.height, box.width), dtype=self._dtype)
                for tile, box in boxes.items()
            }

    def take(self, frame: Frame) -> None:
        """Decode the next frame, or any key frame.

        Raises:
            ChecksumError, InvalidDataError: a tile is damaged, and the canvas can't be used
                any more.
            LimitError: it takes too much work.
        """
        reader = self._reader
        records = [record for record in frame.records if record.tile in self.tiles]
        if records and reader.timing.is_key(frame.number):
            self._chains = {tile: reader.chains.begin(tile) for tile in self.tiles}
        self.budget.allow(frame.size)
        self.budget.spend(sum(work_of(reader.header, record) for record in records))
        # Whoever looks at what has changed may copy it.
        self.budget.copy(sum(self.tiles[record.tile].size for record in records))

        def decode(record: Record) -> int:
            reader.sealer.check_tile(record)
            return self._chains[record.tile].decode(record.payload, self.tiles[record.tile])

        threads = max(1, min(self._threads, len(records)))
        for pixels in ordered_map(decode, records, threads):
            self.budget.spend_pixels(pixels, reader.header.k)
        self._next = frame.number + 1
        self.changed.update({record.tile: frame.number for record in records})
        if records:
            self._picture = None

    def show(self, number: int) -> int:
        """Decode up to that frame, by the directory: from the one that was shown last on, or from
        a key frame. Returns the frame's duration."""
        reader = self._reader
        start = reader.timing.key_of(number)
        if start < self._next <= number + 1:
            start = self._next
        for frame in reader.between(start, number + 1, self.tiles):
            self.take(frame)
        return int(reader.directory.durations[number])

    def picture(self) -> Labels:
        """The labels of all of the picture, of a canvas of all tiles, read-only; while nothing
        changes the same array."""
        if self._picture is None:
            header = self._reader.header
            self.budget.copy(header.pixels)
            with memory_for(header):
                self._picture = np.empty((header.height, header.width), dtype=self._dtype)
            for tile, part in self.tiles.items():
                self._picture[header.grid.box(tile).slices] = part
            self._picture.flags.writeable = False
        return self._picture


def _pieces(starts: Sequence[int]) -> list[tuple[int, int]]:
    """Frames that begin at these places, and end at the last, in runs of some."""
    pieces: list[tuple[int, int]] = []
    for start, stop in pairwise(starts):
        if pieces and stop - pieces[-1][0] <= _PIECE:
            pieces[-1] = (pieces[-1][0], stop)
        else:
            pieces.append((start, stop))
    return pieces
