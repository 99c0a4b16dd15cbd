"""Where a file's bytes come from: a buffer, a file on disk, or a pipe.

A read never allocates more than the source has proven to hold: a claim of
gigabytes in a file of forty bytes costs nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from kqcodec.errors import TruncatedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    # What the reading functions take: bytes and the like are a file's contents,
    # a string or PathLike is its name.
    Readable: TypeAlias = "str | os.PathLike[str] | Buffer | BinaryIO"

_STEP = 1 << 20


class Source:
    """Bytes in order, with a way to jump where the medium has one.

    Attributes:
        size: bytes in all, or None where only the end will tell.
        position: bytes from the start to the next one read.
    """

    size: int | None
    position: int

    def read_up_to(self, count: int) -> Buffer:
        """The next ``count`` bytes, or all that are left."""
        raise NotImplementedError

    def seek(self, position: int) -> None:
        """Jump; only where ``size`` is known."""
        raise NotImplementedError

    def read(self, count: int, part: str) -> Buffer:
        """The next ``count`` bytes, which belong to ``part`` of the file.

        Raises:
            TruncatedError: the file ends before that.
        """
        found = self.read_up_to(count)
        if memoryview(found).nbytes < count:
            raise TruncatedError(f"the file ends within {part}")
        return found


class BufferSource(Source):
    """Bytes in memory; what it returns are views, not copies."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data).cast("B")
        self.position = 0
        self.size = self._view.nbytes

    def read_up_to(self, count: int) -> Buffer:
        """See ``Source``."""
        found = self._view[self.position : self.position + count]
        self.position += found.nbytes
        return found

    def seek(self, position: int) -> None:
        """See ``Source``."""
        self.position = position


class FileSource(Source):
    """A binary file object, read from where it stands; seekable or not."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
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

    def read_up_to(self, count: int) -> Buffer:
        """See ``Source``."""
        parts = []
        while count > 0:
            part = self._file.read(min(count, _STEP))
            if not part:
                break
            parts.append(part)
            count -= len(part)
            self.position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def seek(self, position: int) -> None:
        """See ``Source``."""
        self._file.seek(self._start + position)
        self.position = position


@contextlib.contextmanager
def open_source(source: Readable) -> Iterator[Source]:
    """A source over a path, a buffer or a binary file object (left open).

    Raises:
        TypeError: none of these.
        OSError: the file can't be opened.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield FileSource(file)
    elif hasattr(source, "read"):
        yield FileSource(cast("BinaryIO", source))
    else:
        try:
            data = BufferSource(source)
        except TypeError as exc:
            raise TypeError(
                f"expected a path, bytes or a binary file object, not {type(source).__name__}"
            ) from exc
        yield data
