"""Ranges of a remote file: asked for again where a connection fails, and all of one version."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar

from kqcodec.errors import KqError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


# The first request: all of a small file, and the palette of a large one.
FIRST_BYTES = 1 << 16


_PAUSES = (0.2, 1.0)  # before the second and the third attempt


# What file systems call an object's version, or its time.
_MARKS: tuple[str, ...] = (
    *("ETag", "etag", "md5Hash", "generation", "VersionId", "CRC"),
    *("mtime", "modified", "created", "date_time"),
    *("LastModified", "last_modified", "modificationTime"),
)


_Result = TypeVar("_Result")


class Parts(Protocol):
    """An object that gives ranges of its bytes."""

    def find_size(self) -> int:
        """Its bytes.

        Raises:
            OSError: it can't be read.
            NoRangesError: it can, but only as a stream.
        """

    def get(self, start: int, stop: int) -> bytes:
        """Those bytes, exactly.

        Raises:
            OSError: they can't be had, or the object has changed.
        """

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The same for several (start, stop), at once where that can be."""

    def stream(self) -> BinaryIO:
        """All of it, where there are no ranges."""

    def check_unchanged(self) -> None:
        """Raise OSError if the object isn't what it was when first looked at."""

    def close(self) -> None:
        """Let go of it."""


class NoRangesError(OSError):
    """A server sends whole files only."""


def translated(name: str, action: Callable[[], _Result]) -> _Result:
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


def persistently(action: Callable[[], _Result]) -> _Result:
    """What the action returns, tried three times where the connection fails."""
    for pause in _PAUSES:
        try:
            return action()
        except (ConnectionError, TimeoutError):
            time.sleep(pause)
    return action()


def changed(name: str) -> OSError:
    """The object is another one than at the start."""
    return OSError(f"{name} changed while it was being read; read it again")


@dataclass(frozen=True)
class State:
    """What tells two versions of an object apart, as far as its file system says."""

    size: int | None
    marks: tuple[str, ...]

    @classmethod
    def of(cls, info: dict[str, Any]) -> State:
        """From ``info`` of fsspec, whose file systems name things each in its way."""
        return cls(info.get("size"), tuple(f"{n}={info[n]}" for n in _MARKS if n in info))
