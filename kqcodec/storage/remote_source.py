"""Files behind a URL, through fsspec: few requests, large ones, and all of one version.

A request costs a journey to the server and back, so a region takes at most three for
what precedes the tiles (the file's first bytes, its directory, and what of palette and
sections the first bytes didn't hold) and one for each run of adjacent tiles. What is
expected to be read is announced beforehand (``Source.expect``), and some runs are asked for
at once, so that their journeys cost the time of one; what wasn't announced is read ahead.

HTTP is spoken directly over fsspec's session, so that each answer can be looked at: is it
the range that was asked for, of the same version as the one before? Other file systems are
asked for the object's state before and after.
"""

from __future__ import annotations

import contextlib
import importlib
import struct
from typing import TYPE_CHECKING, Any

from kqcodec.errors import FormatError
from kqcodec.format.container import record_size
from kqcodec.format.header import HEADER_SIZE, Header
from kqcodec.format.source import FileSource, Source
from kqcodec.storage.file_ranges import FileParts
from kqcodec.storage.ranges import (
    FIRST_BYTES,
    NoRangesError,
    Parts,
    translated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from typing_extensions import Buffer

    from kqcodec.format.source import OpenFile

# What is read ahead where nothing was announced, doubled each time.
_AHEAD, _MOST_AHEAD = 1 << 18, 1 << 23
# Nothing that a header claims makes a request larger than this.
_MOST_AT_ONCE = 1 << 28
# Runs that are asked for at once, and their bytes but for the first's: what waits is held.
_TOGETHER, _MOST_WAITING = 8, 1 << 24


class RemoteSource(Source):
    """Bytes of an object, fetched in ranges; see the module."""

    size: int

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.size = parts.find_size()
        self._front = parts.get(0, min(FIRST_BYTES, self.size))
        # (where it begins, bytes): what is kept, and with it the latest.
        self._kept = [(0, memoryview(self._front))]
        self._latest = [self._kept[0]]
        self._runs: Sequence[tuple[int, int]] = ()
        self._ahead = _AHEAD
        self.position = 0

    def read_up_to(self, count: int) -> Buffer:
        """See ``Source``."""
        found = []
        stop = min(self.position + count, self.size)
        while self.position < stop:
            start, span = self._held(self.position) or self._fetch(self.position, stop)
            found.append(span[self.position - start : stop - start])
            self.position += found[-1].nbytes
        return found[0] if len(found) == 1 else b"".join(found)

    def seek(self, position: int) -> None:
        """See ``Source``."""
        self.position = position

    def expect(self, runs: Sequence[tuple[int, int]]) -> None:
        """See ``Source``."""
        self._runs = runs

    def expect_front(self) -> None:
        """See ``Source``. The directory tells where the tiles begin, and so how long all
        that precedes them is. Nothing of it is checked here: the reader will do that."""
        try:
            header = Header.from_bytes(self._front[:HEADER_SIZE])
        except FormatError:
            return
        held = len(self._front)
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
        """See ``Source``."""
        self._parts.check_unchanged()

    def _held(self, position: int) -> tuple[int, memoryview] | None:
        for start, span in (*self._kept, *self._latest):
            if start <= position < start + span.nbytes:
                return start, span
        return None

    def _fetch(self, position: int, stop: int) -> tuple[int, memoryview]:
        """Bytes from there to ``stop`` at least, and what the plan says to fetch along."""
        planned = [end for begin, end in self._runs if begin <= position < end]
        if not planned:
            planned = [position + self._ahead]
            self._ahead = min(2 * self._ahead, _MOST_AHEAD)
        stop = min(max(stop, *planned), self.size)
        spans = [(position, stop), *self._next_runs(stop)]
        found = self._parts.get_all(spans)
        self._latest = [
            (start, memoryview(data)) for (start, _), data in zip(spans, found, strict=True)
        ]
        return self._latest[0]

    def _next_runs(self, position: int) -> Iterator[tuple[int, int]]:
        """Those from there on that are worth asking for along."""
        waiting = 0
        runs = [run for run in self._runs if run[0] >= position][: _TOGETHER - 1]
        for start, stop in runs:
            waiting += stop - start
            if waiting > _MOST_WAITING or stop > self.size or self._held(start) is not None:
                return
            yield start, stop


@contextlib.contextmanager
def open_remote(source: str | OpenFile) -> Iterator[Source]:
    """A source over a URL or what ``fsspec.open`` returns.

    Raises:
        ImportError: fsspec, or what it needs for such URLs, isn't installed.
        OSError: it can't be opened; or, at the end, it has changed meanwhile.
    """
    parts = parts_of(source)
    try:
        try:
            yield _source_over(parts)
        except FormatError:
            parts.check_unchanged()  # parts of two versions look like damage
            raise
        parts.check_unchanged()
    finally:
        parts.close()


def _source_over(parts: Parts) -> Source:
    try:
        return RemoteSource(parts)
    except NoRangesError as exc:
        stream = FileSource(parts.stream())
        stream.no_regions = str(exc)
        return stream


def parts_of(source: str | OpenFile) -> Parts:
    """The object behind a URL; see ``open_remote`` for what is raised."""
    if isinstance(source, str):
        name = source
        fs, path = file_system(source)
    else:
        fs, path, name = source.fs, source.path, source.path
    if is_http(fs):
        from kqcodec.storage.http import HttpParts

        return HttpParts(fs, path)
    return FileParts(fs, path, name)


def is_http(fs: Any) -> bool:
    """Whether a file system of fsspec is that of web servers."""
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    return "http" in protocols or "https" in protocols


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system for a URL, and the path in it.

    Raises:
        ImportError: fsspec, or what it needs for such URLs, isn't installed.
        OSError: no such kind of URL is known; or it is the name of a member of an archive
            that can't be opened.
    """
    from kqcodec.storage import archives

    try:
        core = importlib.import_module("fsspec.core")
    except ImportError as exc:
        raise ImportError(f"{url} needs fsspec; pip install 'kqcodec[remote]' brings it") from exc
    if (place := archives.split(url)) is not None:
        kind, name, rest = place
        archive = archives.opened(kind, rest)
        archive.check(name, url)
        return archive.fs, name
    try:
        fs, path = translated(url, lambda: core.url_to_fs(url))
    except ImportError as exc:
        reason = str(exc).partition("\n")[0]
        raise ImportError(f"{url} needs a package that isn't installed: {reason}") from exc
    except ValueError as exc:
        raise OSError(f"{url}: {exc}") from exc
    return fs, path
