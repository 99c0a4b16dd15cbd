"""fsspec's file systems by URL, and remote files as sources of bytes.

An archive that lies elsewhere is read as other remote files are, range by range, each answer
checked.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any

from kqcodec.errors import FormatError
from kqcodec.format.source import FileSource
from kqcodec.storage.archives import Archive
from kqcodec.storage.ranges import FsspecRangeReader, NoRangesError, with_os_errors
from kqcodec.storage.remote_source import RemoteSource
from kqcodec.storage.urls import is_url, split_member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from kqcodec.format.source import OpenFile, Source
    from kqcodec.storage.ranges import RangeReader

# Archives that stay open, each with the list of its members.
_MOST_OPEN = 8


@contextlib.contextmanager
def open_remote(source: str | OpenFile) -> Iterator[Source]:
    """A source over a URL or what ``fsspec.open`` returns.

    Raises:
        ImportError: fsspec, or what it needs for such URLs, isn't installed.
        OSError: it can't be opened; or, at the end, it has changed meanwhile.
    """
    reader = _range_reader(source)
    try:
        try:
            yield _source_over(reader)
        except FormatError:
            reader.check_unchanged()  # ranges of two versions look like damage
            raise
        reader.check_unchanged()
    finally:
        reader.close()


def _source_over(reader: RangeReader) -> Source:
    try:
        return RemoteSource(reader)
    except NoRangesError as exc:
        stream = FileSource(reader.stream())
        stream.no_regions = str(exc)
        return stream


def _range_reader(source: str | OpenFile) -> RangeReader:
    if isinstance(source, str):
        (fs, path), name = file_system(source), source
    else:
        fs, path, name = source.fs, source.path, source.path
    if is_http(fs):
        from kqcodec.storage.http import HttpRangeReader

        return HttpRangeReader(fs, path)
    return FsspecRangeReader(fs, path, name)


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
    try:
        core = importlib.import_module("fsspec.core")
    except ImportError as exc:
        raise ImportError(f"{url} needs fsspec; pip install 'kqcodec[remote]' brings it") from exc
    if (member := split_member(url)) is not None:
        kind, name, place = member
        archive = open_archive(kind, place)
        archive.check(name, url)
        return archive.fs, name
    try:
        fs, path = with_os_errors(url, lambda: core.url_to_fs(url))
    except ImportError as exc:
        reason = str(exc).partition("\n")[0]
        raise ImportError(f"{url} needs a package that isn't installed: {reason}") from exc
    except ValueError as exc:
        raise OSError(f"{url}: {exc}") from exc
    return fs, path


def open_archive(kind: str, place: str) -> Archive:
    """The "zip" or "tar" file of that path or URL, kept open for the thread that asked; OSError
    or ImportError if it can't be read, or isn't such an archive."""
    version: object = None
    if not is_url(place):
        status = os.stat(place)
        version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    # A tar file is read by one thread at a time.
    return _archive(kind, place, version, threading.get_ident())


@functools.lru_cache(_MOST_OPEN)
def _archive(kind: str, place: str, _version: object, _thread: int) -> Archive:
    make = importlib.import_module("fsspec").get_filesystem_class(kind)
    file: Any
    if is_url(place):
        file = io.BufferedReader(_RemoteArchive(_range_reader(place), place))
    else:
        file = open(place, "rb")  # noqa: SIM115 - as long as the file system is there
    try:
        fs = with_os_errors(place, lambda: make(file, skip_instance_cache=True))
        archive = Archive(fs)
    except BaseException:
        file.close()
        raise
    weakref.finalize(fs, file.close)
    return archive


class _RemoteArchive(io.RawIOBase):
    """A remote archive as a file that can seek."""

    def __init__(self, reader: RangeReader, name: str) -> None:
        super().__init__()
        self._reader, self._source = reader, RemoteSource(reader)
        self.original = name  # by whose end fsspec knows a compressed tar file

    def readable(self) -> bool:
        """True: it is open for reading."""
        return True

    def seekable(self) -> bool:
        """True: ranges may be read in any order."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to ``offset`` from the start (0), from here (1) or from the end (2)."""
        start = (0, self._source.position, self._source.size)[whence]
        self._source.seek(max(start + offset, 0))
        return self._source.position

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer's front with the next bytes; 0 at the end."""
        view = memoryview(buffer)
        try:
            found = memoryview(self._source.read_up_to(view.nbytes))
        except OSError:
            _archive.cache_clear()  # to be opened anew: it may be another one meanwhile
            raise
        view[: found.nbytes] = found
        return found.nbytes

    def close(self) -> None:
        """Close the remote file."""
        if not self.closed:
            self._reader.close()
        super().close()
