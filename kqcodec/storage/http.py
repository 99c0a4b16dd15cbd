"""Files over HTTP, whole or in ranges, each answer checked: its range, its length, its
version, and that it ends.

RFC 9110, sections 13 (conditional requests) and 14 (ranges). The session is fsspec's, with
whatever headers, proxies and credentials the user has configured for it; where a server
may send them is decided here: a redirect to another host, port or scheme is refused, unless
fsspec was told ``allow_redirects``.

No answer is read further than one byte past what was asked for, and none may take for
ever: it has ``_PATIENCE`` seconds, and one more for each ``_SLOWEST`` bytes that come.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from kqcodec.storage.ranges import FIRST_BYTES, NoRangesError, changed_error, retried
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_SILENCE = 60.0  # seconds without a byte until a connection counts as lost
_PATIENCE = 120.0  # seconds for an answer, and one more for each of so many bytes:
_SLOWEST = 1024
_STEP = 1 << 16
_MISSING, _FORBIDDEN = (404, 410), (401, 403, 407)
_PASSING = (429, 500, 502, 503, 504)  # overload and the like may be over in a moment
_REDIRECTS, _MOST_REDIRECTS = (301, 302, 303, 307, 308), 10
_PRECONDITION_FAILED, _OK, _PARTIAL, _UNSATISFIABLE = 412, 200, 206, 416

_Result = TypeVar("_Result")


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


class HttpRangeReader:
    """A ``kqcodec.storage.ranges.RangeReader`` of a file on a web server, whose first request
    brings the file's first bytes along with its size."""

    def __init__(self, fs: Any, url: str) -> None:
        self._fs, self._url = fs, url
        self._version: str | None = None
        self._etag: str | None = None
        self._size = 0
        self._first = b""
        self._stream: HttpStream | None = None

    def find_size(self) -> int:
        """The file's bytes, by the first request; NoRangesError or OSError as it fails."""
        first = retried(lambda: self._ask(0, FIRST_BYTES))
        self._first = first.data
        self._version, self._etag = first.version, first.etag
        self._size = first.total
        return self._size

    def stream(self) -> BinaryIO:
        """The whole file, asked for with the first read."""
        self._stream = HttpStream(self._fs, self._url)
        return cast("BinaryIO", self._stream)

    def get(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` to ``stop``; OSError if they can't be read or have changed."""
        if stop <= len(self._first):
            return self._first[start:stop]
        answer = retried(lambda: self._ask(start, stop))
        if (answer.total, answer.version) != (self._size, self._version):
            raise changed_error(self._url)
        return answer.data

    def get_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of several spans, each by a request on a thread of its own."""
        return list(ordered_map(lambda span: self.get(*span), spans, len(spans)))

    def check_unchanged(self) -> None:
        """Do nothing: the version of each answer has been checked."""

    def close(self) -> None:
        """Close the stream, if there is one; the session is fsspec's."""
        if self._stream is not None:
            self._stream.close()

    def _ask(self, start: int, stop: int) -> _Answer:
        """The answer to one request for a range; errors are those of ``_run``."""
        return _run(self._fs, self._url, self._exchange, start, stop)

    async def _exchange(self, start: int, stop: int) -> _Answer:
        wanted = {"Range": f"bytes={start}-{stop - 1}"}
        if self._etag is not None:
            wanted["If-Match"] = self._etag
        async with await _begin(self._fs, self._url, wanted) as r:
            if r.status == _UNSATISFIABLE and start == 0:
                return _Answer(0, None, None, b"")  # an empty file has no ranges
            if r.status in (_PRECONDITION_FAILED, _UNSATISFIABLE):
                raise changed_error(self._url)
            _check_status(r, self._url)
            total, first, last = self._range_of(r, start, stop)
            data = await _Body(r, self._url).read_to(last - first + 1)
        if len(data) > last - first:
            raise OSError(f"{self._url}: the server sends more than the range that was asked for")
        if len(data) < last - first:
            raise ConnectionResetError(
                f"{self._url}: of {last - first:,} bytes only {len(data):,} came"
            )
        etag = r.headers.get("ETag")
        version = etag or r.headers.get("Last-Modified")
        # A weak one promises no equality byte for byte, and If-Match never matches it.
        return _Answer(total, version, None if etag and etag.startswith("W/") else etag, data)

    def _range_of(self, answer: Any, start: int, stop: int) -> tuple[int, int, int]:
        """(bytes of the file, start, stop) of the range that the answer says it holds."""
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


class HttpStream(io.RawIOBase):
    """A file that a server sends in one go, asked for with the first read; errors are those of
    ``_run``, as it is read."""

    def __init__(self, fs: Any, url: str) -> None:
        super().__init__()
        self._fs, self._url = fs, url
        self._answer: Any = None
        self._body: _Body | None = None

    def readable(self) -> bool:
        """True: it is open for reading."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, at most so many; none at the end."""
        if size is None or size < 0:
            return self.readall()
        return _run(self._fs, self._url, self._next, size)

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer's front with the next bytes; 0 at the end."""
        view = memoryview(buffer)
        part = self.read(view.nbytes)
        view[: len(part)] = part
        return len(part)

    async def _next(self, most: int) -> bytes:
        if self._body is None:
            self._answer = await _begin(self._fs, self._url, {})
            _check_status(self._answer, self._url)
            if self._answer.status != _OK:
                raise OSError(
                    f"{self._url}: the server answers {self._answer.status} where all of a file "
                    "was asked for"
                )
            self._body = _Body(self._answer, self._url)
        return await self._body.read(most)

    def close(self) -> None:
        """Close the connection."""
        if self._answer is not None:
            self._fs.loop.call_soon_threadsafe(self._answer.close)
            self._answer = None
        super().close()


def file_size(fs: Any, url: str) -> int | None:
    """The bytes of the file at that URL, 0 where the server doesn't tell; None where there is
    no file, and OSError if it can't be looked at."""

    async def ask() -> int:
        async with await _begin(fs, url, {}, "HEAD") as answer:
            _check_status(answer, url)
            return int(answer.headers.get("Content-Length", 0))

    try:
        return retried(lambda: _run(fs, url, ask))
    except FileNotFoundError:
        return None


def html_page(fs: Any, url: str, most: int) -> bytes | None:
    """The HTML page at that URL, or None where there is something else; OSError if it can't be
    read, or has more than ``most`` bytes."""

    async def ask() -> bytes | None:
        async with await _begin(fs, url, {}) as answer:
            _check_status(answer, url)
            # Without a type, a folder is what is called like one.
            kind = answer.headers.get("Content-Type", "text/html" if url.endswith("/") else "")
            if kind.partition(";")[0].strip().lower() != "text/html":
                return None
            return await _Body(answer, url).read_to(most + 1)

    found = retried(lambda: _run(fs, url, ask))
    if found is not None and len(found) > most:
        raise OSError(f"{url}: the page has more than {most:,} bytes, too many for a list of files")
    return found


# --- one exchange -----------------------------------------------------------------------


async def _begin(fs: Any, url: str, headers: Mapping[str, str], method: str = "GET") -> Any:
    """An answer whose head has come, to be closed; OSError for a redirect that isn't followed,
    or whatever aiohttp raises."""
    client = importlib.import_module("aiohttp")
    timeout = client.ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)
    options = {"timeout": timeout, **fs.kwargs}
    anywhere = options.pop("allow_redirects", False)
    # Offsets and lengths are those of the file, and what a few bytes unpack to is anybody's
    # guess.
    own = {**options.pop("headers", {}), "Accept-Encoding": "identity", **headers}
    options |= {"headers": own, "auto_decompress": False, "allow_redirects": anywhere}
    session = await fs.set_session()
    place = fs.encode_url(url)
    for _ in range(_MOST_REDIRECTS):
        request = session.request(method, place, **options)
        answer = await asyncio.wait_for(request, _PATIENCE)
        if answer.status not in _REDIRECTS or "Location" not in answer.headers:
            return answer
        answer.close()
        target = place.join(type(place)(answer.headers["Location"]))
        if not target.absolute or target.origin() != place.origin():
            raise OSError(
                f"{url}: the server redirects elsewhere, to {target}; give that address if you "
                "trust it, or allow all redirects: FSSPEC_HTTP='{\"allow_redirects\": true}'"
            )
        place = target
    raise OSError(f"{url}: the server redirects over and over")


def _check_status(answer: Any, url: str) -> None:
    """Raise OSError for an answer that isn't the file."""
    status = answer.status
    if status in _MISSING:
        raise FileNotFoundError(errno.ENOENT, "there is no such file", url)
    if status in _FORBIDDEN:
        raise PermissionError(errno.EACCES, "the server refuses access", url)
    if status not in (_OK, _PARTIAL):
        sentence = f"{url}: the server answers {status} {answer.reason}"
        raise ConnectionError(sentence) if status in _PASSING else OSError(sentence)
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("identity", ""):
        raise OSError(f"{url}: the server sends it compressed ({encoding}), unasked")


class _Body:
    """What follows the head of an answer; each byte that comes adds to its time."""

    def __init__(self, answer: Any, url: str) -> None:
        self._content, self._url = answer.content, url
        self._left = _PATIENCE

    async def read(self, most: int) -> bytes:
        """The next bytes, at most so many; none at the end. OSError if they come too slowly, or
        whatever aiohttp raises."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            part: bytes = await asyncio.wait_for(self._content.read(most), max(self._left, 0))
        except (asyncio.TimeoutError, TimeoutError) as exc:
            if clock() - begun < self._left:  # aiohttp's own: not a byte for too long
                raise
            raise OSError(
                f"{self._url}: the server sends less than {_SLOWEST:,} bytes a second"
            ) from exc
        self._left += len(part) / _SLOWEST - (clock() - begun)
        return part

    async def read_to(self, most: int) -> bytes:
        """All bytes up to the end, but at most so many."""
        found = bytearray()
        while len(found) < most and (part := await self.read(min(_STEP, most - len(found)))):
            found += part
        return bytes(found)


def _run(
    fs: Any, url: str, exchange: Callable[..., Coroutine[Any, Any, _Result]], *arguments: object
) -> _Result:
    """What the coroutine returns, run by the event loop of the file system.

    Raises:
        ConnectionError, TimeoutError: another attempt may succeed.
        OSError: another attempt would fail, too.
    """
    sync = importlib.import_module("fsspec.asyn").sync
    with _with_os_errors(url):
        result: _Result = sync(fs.loop, exchange, *arguments)
    return result


@contextlib.contextmanager
def _with_os_errors(url: str) -> Iterator[None]:
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
