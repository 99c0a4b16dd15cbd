"""A remote file as a source of bytes: few requests, large ones, and all of one version.

A request costs a journey to the server and back, so a region takes at most three for
what precedes the tiles (the file's first bytes, its directory, and what of palette and
sections the first bytes didn't hold) and one for each run of adjacent tiles. What is
expected to be read is announced beforehand (``Source.expect``), and some runs are asked for
at once, so that their journeys cost the time of one; what wasn't announced is read ahead.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from kqcodec.errors import FormatError
from kqcodec.format.container import FRAMES_KIND, record_size
from kqcodec.format.header import HEADER_SIZE, Header
from kqcodec.format.source import Source
from kqcodec.storage.ranges import FIRST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Buffer

    from kqcodec.storage.ranges import RangeReader

# What a section of frames begins with, whatever it says.
_FRAMES = FRAMES_KIND + (20).to_bytes(4, "big")
# What is read ahead where nothing was announced, doubled each time.
_AHEAD, _MOST_AHEAD = 1 << 18, 1 << 23
# Nothing that a header claims makes a request larger than this.
_MOST_AT_ONCE = 1 << 28
# Runs that are asked for at once, and their bytes but for the first's: what waits is held.
_TOGETHER, _MOST_WAITING = 8, 1 << 24


class RemoteSource(Source):
    """The bytes of a remote file, fetched in ranges.

    Raises:
        OSError: the file can't be read.
        NoRangesError: it can, but not in ranges.
    """

    size: int

    def __init__(self, reader: RangeReader) -> None:
        self._reader = reader
        self.size = reader.find_size()
        self._front = reader.get(0, min(FIRST_BYTES, self.size))
        # (where it begins, bytes): what is kept, and with it the latest.
        self._kept = [(0, memoryview(self._front))]
        self._latest = [self._kept[0]]
        self._runs: Sequence[tuple[int, int]] = ()
        self._ahead = _AHEAD
        self.position = 0

    def _read(self, count: int) -> Buffer:
        found = []
        stop = min(self.position + count, self.size)
        while self.position < stop:
            start, span = self._held(self.position) or self._fetch(self.position, stop)
            found.append(span[self.position - start : stop - start])
            self.position += found[-1].nbytes
        return found[0] if len(found) == 1 else b"".join(found)

    def _seek(self, position: int) -> None:
        self.position = position

    def expect(self, runs: Sequence[tuple[int, int]]) -> None:
        """Plan requests for these runs of bytes, (start, stop); no others are read."""
        self._runs = runs

    def expect_front(self) -> None:
        """Fetch the directory, which tells where the tiles begin, and so how long all that
        precedes them is, and plan a request for that; of a sequence of frames the end, where
        theirs is. Nothing is checked here: whoever reads it will do that."""
        try:
            header = Header.from_bytes(self._front[:HEADER_SIZE])
        except FormatError:
            return
        held = len(self._front)
        if header.sections and _FRAMES in self._front:
            start = max(held, self.size - FIRST_BYTES)
            if start < self.size:
                self._kept.append(self._fetch(start, self.size))
            return
        stop = self.size  # a file of one tile ends with that
        if header.directory_size:
            all_held = not header.sections and HEADER_SIZE + header.palette_size < held
            if all_held or header.directory_size > self.size - held:
                return
            directory = self._fetch(self.size - header.directory_size, self.size)
            self._kept.append(directory)
            lengths = struct.unpack_from(f">{header.grid.count}I", directory[1])
            stop = directory[0] - sum(map(record_size, lengths))
        if held < stop <= self.size:
            self._runs = [(held, min(stop, held + _MOST_AT_ONCE))]

    def check_unchanged(self) -> None:
        """Raise OSError if the file has changed since the first request."""
        self._reader.check_unchanged()

    def _held(self, position: int) -> tuple[int, memoryview] | None:
        for start, span in (*self._kept, *self._latest):
            if start <= position < start + span.nbytes:
                return start, span
        return None

    def _fetch(self, position: int, stop: int) -> tuple[int, memoryview]:
        """(position, bytes): those up to ``stop`` at least, and up to the end of the planned
        run, or some ahead where none is planned. The next runs are asked for along."""
        planned = [end for begin, end in self._runs if begin <= position < end]
        if not planned:
            planned = [position + self._ahead]
            self._ahead = min(2 * self._ahead, _MOST_AHEAD)
        stop = min(max(stop, *planned), self.size)
        spans = [(position, stop), *self._next_runs(stop)]
        found = self._reader.get_all(spans)
        self._latest = [
            (start, memoryview(data)) for (start, _), data in zip(spans, found, strict=True)
        ]
        return self._latest[0]

    def _next_runs(self, position: int) -> Iterator[tuple[int, int]]:
        """The planned runs behind ``position`` that are asked for at the same time."""
        waiting = 0
        runs = [run for run in self._runs if run[0] >= position][: _TOGETHER - 1]
        for start, stop in runs:
            waiting += stop - start
            if waiting > _MOST_WAITING or stop > self.size or self._held(start) is not None:
                return
            yield start, stop
