"""Ranges of a remote file: asked for again where a connection fails, and all of one version.

What web servers send is checked answer by answer (``kqcodec.storage.http``). Other file
systems are asked for the file's version before and after, and read through their open files.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar, cast

from kqcodec.errors import KqError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# The first request: all of a small file, and the palette of a large one.
FIRST_BYTES = 1 << 16
_PAUSES = (0.2, 1.0)  # seconds before the second and the third attempt
# What file systems call a file's version, or its time.
_VERSION_KEYS = (
    *("ETag", "etag", "md5Hash", "generation", "VersionId", "CRC"),
    *("mtime", "modified", "created", "date_time"),
    *("LastModified", "last_modified", "modificationTime"),
)

_Result = TypeVar("_Result")


class NoRangesError(OSError):
    """A server sends whole files only."""


class RangeReader(Protocol):
    """Reads ranges of one remote file, all of the same version of it."""

    def find_size(self) -> int:
        """The file's bytes; OSError if it can't be read, NoRangesError if only as a stream."""

    def get(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``, exactly; OSError if they can't be read, or the
        file has changed."""

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of several spans (start, stop), asked for at once where that can be; errors
        are those of ``get``."""

    def stream(self) -> BinaryIO:
        """The whole file, to be read from front to end where there are no ranges."""

    def check_unchanged(self) -> None:
        """Raise OSError if the file isn't what it was when it was first looked at."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True)
class FileVersion:
    """What tells two versions of a file apart, as far as its file system says."""

    size: int | None
    marks: tuple[str, ...]

    @classmethod
    def of(cls, info: dict[str, Any]) -> FileVersion:
        """From ``info`` of fsspec, whose file systems name things each in its way."""
        return cls(info.get("size"), tuple(f"{n}={info[n]}" for n in _VERSION_KEYS if n in info))


class FsspecRangeReader:
    """A ``RangeReader`` on any file system of fsspec.

    Raises:
        OSError: there is no such file, or it can't be opened.
    """

    def __init__(self, fs: Any, path: str, name: str) -> None:
        self._fs, self._path, self._name = fs, path, name
        self._version = self._current_version()
        self._file = with_os_errors(name, lambda: fs.open(path, "rb", cache_type="none"))

    def find_size(self) -> int:
        """The file's bytes."""
        size = self._version.size
        return int(self._file.seek(0, 2)) if size is None else size

    def stream(self) -> BinaryIO:
        """The open file itself."""
        return cast("BinaryIO", self._file)

    def get(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``, exactly; OSError if they can't be read."""

        def get() -> bytes:
            self._file.seek(start)
            data = bytes(self._file.read(stop - start))
            if len(data) < stop - start:
                raise ConnectionError(
                    f"{self._name}: of {stop - start:,} bytes only {len(data):,} came"
                )
            return data

        try:
            return with_os_errors(self._name, lambda: retried(get)) if stop > start else b""
        except OSError as exc:
            if self._current_version() != self._version:  # s3fs has noticed it itself
                raise changed_error(self._name) from exc
            raise

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of several spans; ``check_unchanged`` tells whether they are of one
        version."""
        if len(spans) == 1:
            return [self.get(*spans[0])]
        starts, stops = map(list, zip(*spans, strict=True))

        def get() -> list[bytes]:
            paths = [self._path] * len(spans)
            return [bytes(data) for data in self._fs.cat_ranges(paths, starts, stops)]

        found = with_os_errors(self._name, lambda: retried(get))
        whole = all(
            len(data) == stop - start for data, (start, stop) in zip(found, spans, strict=True)
        )
        # One after the other is as good, and says what is the matter.
        return found if whole else [self.get(*span) for span in spans]

    def check_unchanged(self) -> None:
        """Raise OSError if the file system tells another version than at the start."""
        if self._current_version() != self._version:
            raise changed_error(self._name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _current_version(self) -> FileVersion:
        def look() -> FileVersion:
            self._fs.invalidate_cache(self._path)
            return FileVersion.of(self._fs.info(self._path))

        return with_os_errors(self._name, lambda: retried(look))


def with_os_errors(name: str, action: Callable[[], _Result]) -> _Result:
    """What the action returns, whatever kind of exception a file system's library has.

    Raises:
        OSError: it failed.
        ImportError, ValueError, KqError, KeyboardInterrupt: as they are.
    """
    try:
        return action()
    except (OSError, ImportError, ValueError, KqError):
        raise
    except Exception as exc:  # each library has exceptions of its own
        raise OSError(f"{name}: {type(exc).__name__}: {exc}") from exc


def retried(action: Callable[[], _Result]) -> _Result:
    """What the action returns, tried three times where the connection fails."""
    for pause in _PAUSES:
        try:
            return action()
        except (ConnectionError, TimeoutError):
            time.sleep(pause)
    return action()


def changed_error(name: str) -> OSError:
    """The error that a file became another version while it was read."""
    return OSError(f"{name} changed while it was being read; read it again")
