"""Ranges of a file over HTTP, each answer checked: its range, its length, its version.

RFC 9110, sections 13 (conditional requests) and 14 (ranges). The session is fsspec's, with
whatever headers, proxies and credentials the user has configured for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from kqcodec.parallel import ordered_map
from kqcodec.remote import FIRST_BYTES, NoRangesError, changed, persistently

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_SILENCE = 60  # seconds without a byte until a connection counts as lost
_MISSING, _FORBIDDEN = (404, 410), (401, 403, 407)
_PRECONDITION_FAILED, _PARTIAL, _UNSATISFIABLE = 412, 206, 416


@dataclass(frozen=True)
class _Answer:
    """What a server said to a request for a range.

    Attributes:
        total: the bytes of the file.
        version: its ETag, or else its time.
        etag: the ETag, where it is one that a later request can insist on.
        data: the bytes of the range.
    """

    total: int
    version: str | None
    etag: str | None
    data: bytes


class HttpParts:
    """See ``kqcodec.remote.Parts``; the first request brings bytes, and the size."""

    def __init__(self, fs: Any, url: str) -> None:
        self._fs, self._url = fs, url
        self._version: str | None = None
        self._etag: str | None = None
        self._size = 0
        self._first = b""
        self._stream: _Stream | None = None

    def find_size(self) -> int:
        """See ``Parts``."""
        first = persistently(lambda: self._ask(0, FIRST_BYTES))
        self._first = first.data
        self._version, self._etag = first.version, first.etag
        self._size = first.total
        return self._size

    def stream(self) -> BinaryIO:
        """See ``Parts``."""
        self._stream = _Stream(self._fs, self._url)
        return cast("BinaryIO", self._stream)

    def get(self, start: int, stop: int) -> bytes:
        """See ``Parts``."""
        if stop <= len(self._first):
            return self._first[start:stop]
        answer = persistently(lambda: self._ask(start, stop))
        if (answer.total, answer.version) != (self._size, self._version):
            raise changed(self._url)
        return answer.data

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """See ``Parts``."""
        return list(ordered_map(lambda span: self.get(*span), spans, len(spans)))

    def check_unchanged(self) -> None:
        """See ``Parts``: each answer has been checked."""

    def close(self) -> None:
        """See ``Parts``: the session is fsspec's."""
        if self._stream is not None:
            self._stream.close()

    def _ask(self, start: int, stop: int) -> _Answer:
        """One request.

        Raises:
            ConnectionError, TimeoutError: which may go better another time.
            OSError: which won't.
        """
        sync = importlib.import_module("fsspec.asyn").sync
        with _translated(self._url):
            answer: _Answer = sync(self._fs.loop, self._exchange, start, stop)
        return answer

    async def _exchange(self, start: int, stop: int) -> _Answer:
        client = importlib.import_module("aiohttp")
        # However long it takes, but not without a sign of life.
        timeout = client.ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)
        options = {"timeout": timeout, **self._fs.kwargs}
        headers = {
            **options.pop("headers", {}),
            "Range": f"bytes={start}-{stop - 1}",
            "Accept-Encoding": "identity",  # offsets are those of the file
        }
        if self._etag is not None:
            headers["If-Match"] = self._etag
        session = await self._fs.set_session()
        async with session.get(self._fs.encode_url(self._url), headers=headers, **options) as r:
            self._check_status(r, start)
            if r.status == _UNSATISFIABLE:  # an empty file has no ranges; what comes is a page
                return _Answer(0, None, None, b"")
            total, first, last = self._range_of(r, start, stop)
            data = await r.read()
        if len(data) != last - first:
            raise ConnectionResetError(
                f"{self._url}: of {last - first:,} bytes only {len(data):,} came"
            )
        etag = r.headers.get("ETag")
        version = etag or r.headers.get("Last-Modified")
        # A weak one promises no equality byte for byte, and If-Match never matches it.
        return _Answer(total, version, None if etag and etag.startswith("W/") else etag, data)

    def _check_status(self, answer: Any, start: int) -> None:
        status = answer.status
        if status in _MISSING:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", self._url)
        if status in _FORBIDDEN:
            raise PermissionError(errno.EACCES, "the server refuses access", self._url)
        if status == _PRECONDITION_FAILED or (status == _UNSATISFIABLE and start > 0):
            raise changed(self._url)
        if status >= 400 and status != _UNSATISFIABLE:
            sentence = f"{self._url}: the server answers {status} {answer.reason}"
            # Overload and the like may pass.
            raise ConnectionError(sentence) if status in (429, 500, 502, 503) else OSError(sentence)

    def _range_of(self, answer: Any, start: int, stop: int) -> tuple[int, int, int]:
        """Bytes of the file, and the first and the last but one of the answer's."""
        said = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != _PARTIAL:
            length = answer.headers.get("Content-Length")
            if start == 0 and length is not None and int(length) <= stop:
                return int(length), 0, int(length)  # the file is no longer than the range
            raise NoRangesError(
                f"{self._url}: the server sends whole files only, no ranges; download it, and "
                "read the copy"
            )
        if said is None or said[1] is None or said[3] == "*":
            raise OSError(f"{self._url}: the server doesn't say which range it sends")
        first, last, total = int(said[1]), int(said[2]) + 1, int(said[3])
        if first != start or not last == min(stop, total):
            raise OSError(f"{self._url}: the server sends another range than was asked for")
        return total, first, last


class _Stream(io.RawIOBase):
    """A file that a server sends in one go."""

    def __init__(self, fs: Any, url: str) -> None:
        super().__init__()
        self._fs, self._url = fs, url
        self._file: Any = None

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most so many; none at the end."""
        with _translated(self._url):
            if self._file is None:
                self._file = self._fs.open(self._url, block_size=0)
            return bytes(self._file.read(size))

    def close(self) -> None:
        """Hang up."""
        if self._file is not None:
            self._file.close()
        super().close()


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn aiohttp's exceptions into the system's."""
    client = importlib.import_module("aiohttp")
    try:
        yield
    except client.ClientPayloadError as exc:
        raise ConnectionResetError(
            f"{url}: the connection was lost in the middle of an answer"
        ) from exc
    except (asyncio.TimeoutError, client.ServerTimeoutError) as exc:
        raise TimeoutError(f"{url}: the server doesn't answer") from exc
    except client.ClientConnectionError as exc:
        raise ConnectionError(f"{url}: there is no connection: {exc}") from exc
    except (client.ClientError, ValueError) as exc:
        raise OSError(f"{url}: {type(exc).__name__}: {exc}") from exc
