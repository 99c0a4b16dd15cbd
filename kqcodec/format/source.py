"""Where a file's bytes come from: a buffer, a file on disk, a pipe, or a URL.

A read never allocates more than the source has proven to hold: a claim of
gigabytes in a file of forty bytes costs nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from kqcodec.errors import TruncatedError
from kqcodec.format.limits import input_too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Buffer

_STEP = 1 << 20
_LARGE_STEP = 1 << 24


class OpenFile(Protocol):
    """What ``fsspec.open`` returns: a URL with options, not open yet."""

    fs: Any
    path: str


class Source:
    """A file's bytes in order, with a way to jump where the medium has one.

    A subclass reads by ``_read`` and jumps by ``_seek``.

    Attributes:
        size: bytes in all, or None where only the end will tell.
        short_size: bytes of the short file that ``expand`` has replaced; None of others.
        position: bytes from the start to the next one read.
        no_regions: where there is no size, why a region can't be read.
        state: what tells a file on disk from what it was before; None of what isn't one.
    """

    state: tuple[int, ...] | None = None
    no_regions = "a region can only be read from a seekable file"
    size: int | None
    short_size: int | None = None
    position: int
    _long: memoryview | None = None

    def _read(self, count: int) -> Buffer:
        raise NotImplementedError

    def _seek(self, position: int) -> None:
        raise NotImplementedError

    @property
    def file_size(self) -> int | None:
        """Bytes that the file has where it is stored, or None where only the end will tell."""
        return self.size if self.short_size is None else self.short_size

    def expand(self, long: bytes) -> None:
        """Go on at the start of ``long``, the long form of a short file, all of which is read."""
        self._long, self.short_size, self.position = memoryview(long), self.position, 0
        if self.size is not None:  # a pipe stays one
            self.size = len(long)

    def read_up_to(self, count: int) -> Buffer:
        """The next ``count`` bytes, or all that are left."""
        if self._long is None:
            return self._read(count)
        found = self._long[self.position : self.position + count]
        self.position += found.nbytes
        return found

    def seek(self, position: int) -> None:
        """Jump; only where ``size`` is known."""
        if self._long is None:
            self._seek(position)
        self.position = position

    def rewind(self) -> None:
        """Put a file object back to where it stood at first; only where ``size`` is known."""
        self._seek(0)
        self.position = 0

    def go_to(self, position: int) -> None:
        """Stand there; OSError if that is elsewhere, and the medium only goes on."""
        if position == self.position:
            return
        if self.size is None:
            raise OSError(
                "a pipe can be read once, and this one has been; keep what you need, or read all "
                "of it into memory and open the bytes"
            )
        self.seek(position)

    def expect_front(self) -> None:
        """Prepare to read what precedes the tiles, and then some tiles, by the directory."""

    def expect(self, runs: Sequence[tuple[int, int]]) -> None:
        """Prepare to read these runs of bytes, (start, stop), and no others."""

    def check_unchanged(self) -> None:
        """Raise OSError where the source can tell that it has changed meanwhile."""

    def skip(self, count: int, part: str) -> None:
        """Pass over the next ``count`` bytes, of ``part`` of the file; TruncatedError if it ends
        before that."""
        for start in range(0, count, _STEP):
            self.read(min(_STEP, count - start), part)

    def read(self, count: int, part: str) -> Buffer:
        """The next ``count`` bytes, of ``part`` of the file; TruncatedError if it ends before
        that."""
        found = self.read_up_to(count)
        if memoryview(found).nbytes < count:
            raise ended_within(part)
        return found

    def read_byte(self, part: str) -> int:
        """The next byte, as ``read``."""
        (byte,) = bytes(self.read(1, part))
        return byte


def ended_within(part: str) -> TruncatedError:
    """The error that a file has no more bytes where there must be some."""
    return TruncatedError(f"the file ends within {part}")


def read_at_most(file: BinaryIO, most: int | None, name: str) -> bytes:
    """All that is left in a binary file, if that isn't more than ``most`` bytes; otherwise
    no more than one of them over is read, and LimitError raised; TypeError if it is open in text
    mode."""
    parts: list[bytes] = []
    step, count = _size_of(file) + 1, 0
    while most is None or count <= most:
        part = file.read(step if most is None else min(step, most + 1 - count))
        if not isinstance(part, (bytes, bytearray, memoryview)):
            raise TypeError(f"{name} must be opened in binary mode, 'rb'")
        if not part:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        parts.append(bytes(part))
        step, count = _LARGE_STEP, count + len(part)
    raise input_too_large(most)


def _size_of(file: BinaryIO) -> int:
    """Bytes of a file, where that is known, so that it can be read at once."""
    try:
        if isinstance(file, io.BytesIO):
            return file.getbuffer().nbytes
        return os.fstat(file.fileno()).st_size or _LARGE_STEP
    except (OSError, AttributeError, ValueError):  # none, or closed
        return _LARGE_STEP


class BufferSource(Source):
    """Bytes in memory, of which views are read, not copies. Of a small file, a chunk of an array,
    say, to read it is half of the work, so that what is read oftenest has a short way here."""

    size: int

    def __init__(self, data: Buffer, position: int = 0) -> None:
        self._view = memoryview(data).cast("B")
        self.position = position
        self.size = self._view.nbytes

    def _read(self, count: int) -> Buffer:
        found = self._view[self.position : self.position + count]
        self.position += found.nbytes
        return found

    def read(self, count: int, part: str) -> Buffer:
        """See ``Source``."""
        view = self._view if self._long is None else self._long
        start, end = self.position, self.position + count
        if end > self.size:
            raise ended_within(part)
        self.position = end
        return view[start:end]

    def read_byte(self, part: str) -> int:
        """See ``Source``."""
        view = self._view if self._long is None else self._long
        position = self.position
        if position >= self.size:
            raise ended_within(part)
        self.position = position + 1
        return view[position]

    def _seek(self, position: int) -> None:
        self.position = position


class FileSource(Source):
    """A binary file object, read from where it stands; seekable or not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.state = _state_of(file)
        self._start = 0
        self.size = None
        self.position = 0
        # Pipes, sockets and many a file-like object can't seek: then the size
        # stays unknown.
        with contextlib.suppress(OSError, AttributeError, io.UnsupportedOperation):
            if file.seekable():
                self._start = file.tell()
                self.size = file.seek(0, os.SEEK_END) - self._start
                file.seek(self._start)

    def _read(self, count: int) -> Buffer:
        found = bytearray()  # which grows in place: parts to join would take twice as much
        while count > len(found):
            part = self._file.read(min(count - len(found), _STEP))
            if not part:
                break
            self.position += len(part)
            if len(part) == count:
                return part
            found += part
        return found

    def _seek(self, position: int) -> None:
        self._file.seek(self._start + position)
        self.position = position

    def check_unchanged(self) -> None:
        """Raise OSError if a file on disk has another size or time than at first."""
        if self.state is not None and _state_of(self._file) != self.state:
            name = getattr(self._file, "name", "the file")
            raise OSError(f"{name} changed while it was being read; read it again")


def _state_of(file: BinaryIO) -> tuple[int, ...] | None:
    """(device, inode, size, time) of a file on disk; None of what isn't one."""
    try:
        found = os.fstat(file.fileno())
    except (OSError, AttributeError, ValueError, TypeError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
