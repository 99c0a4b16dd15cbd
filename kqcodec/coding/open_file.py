"""A .kq file that is open: its state, and what precedes its tiles, read when it is asked for."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING

from kqcodec.coding.decoder import Opened
from kqcodec.errors import FormatError
from kqcodec.format.header import HEADER_SIZE
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.format.short_form import read_header
from kqcodec.storage.opening import let_go, open_source
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from kqcodec.format.header import Header
    from kqcodec.storage.opening import Readable


class OpenFile:
    """What ``kqcodec.coding.kq_file.KqFile`` has in common with its parts."""

    def __init__(
        self,
        source: Readable,
        *,
        threads: int | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> None:
        thread_count(threads)
        self._given, self._threads, self._max_pixels = source, threads, max_pixels
        self._limits = Limits.of(max_pixels)
        self._header: Header | None = None
        self._opened: Opened | None = None
        self._closed = False
        with contextlib.ExitStack() as stack:
            self._source = stack.enter_context(open_source(source))
            self._stack = stack.pop_all()
        # What is dropped lets go of its file.
        weakref.finalize(self, let_go, self._stack)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """With what has been read before, and nothing else."""
        size = "" if self._header is None else f" {self._header.width}x{self._header.height}"
        reader = None if self._opened is None else self._opened.frames
        known = None if reader is None else vars(reader).get("directory")
        frames = "" if known is None else f", {known.frames:,} frames"
        return f"<kqcodec.KqFile{size}{frames}, {'closed' if self._closed else 'open'}>"

    def close(self) -> None:
        """Close the file, where it was opened by name."""
        self._closed = True
        let_go(self._stack)

    @property
    def header(self) -> Header:
        """Size, K, coder and tiles. Nothing behind the header is read, but of a file in the
        short form all is."""
        if self._header is None:
            with self._reading():
                self._source.go_to(0)
                self._header = read_header(self._source)
        return self._header

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Around what reads: parts of two versions of a file look like damage, or like none."""
        self._check_open()
        try:
            yield
        except FormatError:
            self._source.check_unchanged()
            raise
        self._source.check_unchanged()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the .kq file is closed")

    def _front(self) -> Opened:
        """Header, palette and sections."""
        if self._opened is None:
            header = self.header
            with self._reading():
                self._source.go_to(HEADER_SIZE)
                self._opened = Opened.behind_header(self._source, header, self._limits)
        return self._opened

    @property
    def _by_tiles(self) -> Limits:
        return self._limits.by_tiles(self._source.size)

    def _whole(self, limits: Limits | None = None) -> Opened:
        """The file at its first tile, to be read to its end; with a look at whether it is
        within the limits before more than its header is read."""
        if limits is not None:
            limits.check_picture(self.header)
        opened = self._front()
        self._source.expect(())
        self._source.go_to(opened.first_record)
        return opened

    def _seekable(self) -> Opened:
        """The file, of which some tiles will be read."""
        if self._source.size is None:
            raise OSError(self._source.no_regions)
        if self._opened is None:
            self._source.expect_front()
        return self._front()
