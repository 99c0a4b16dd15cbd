"""Raw pixels from a pipe: no header, rows from the top, samples side by side."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from kqcodec.errors import ImageError
from kqcodec.format.header import MAX_SIDE
from kqcodec.format.integers import whole_number
from kqcodec.images.blocks.base import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.format.grid import Box

# Samples of a pixel, by the name of the layout.
RAW_FORMATS = {"rgb": 3, "rgba": 4, "grey": 1}
_STEP = 1 << 20


class RawPixels(Blocks):
    """8-bit samples, read from where a binary file stands.

    Args:
        file: open for reading in binary; a pipe, or a file that can seek, which is then
            read twice.
        width, height: of the picture.
        layout: "rgb", "rgba" or "grey".

    Raises:
        TypeError, ValueError: a wrong size or layout.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, file: BinaryIO, width: int, height: int, layout: str = "rgb") -> None:
        if layout not in RAW_FORMATS:
            raise ValueError(f"layout must be one of {', '.join(RAW_FORMATS)}, not {layout!r}")
        name = getattr(file, "name", None)
        self.name = name if isinstance(name, str) else "the raw pixels"
        self.width = whole_number(width, "width", 1, MAX_SIDE)
        self.height = whole_number(height, "height", 1, MAX_SIDE)
        self.samples = RAW_FORMATS[layout]
        self._file = file
        self._lock = threading.Lock()
        self._position = self._start = 0
        self.rereadable = _can_seek(file)
        if self.rereadable:
            self._start = file.tell()

    def read(self, box: Box) -> NDArray[Any]:
        """The samples of a rectangle; EOFError if the file ends before them."""
        block = np.empty((box.height, box.width, self.samples), dtype=np.uint8)
        with self._lock:
            if box.width == self.width or box.height == 1:
                self._fill(block, box.upper, box.left)
            else:
                for row, samples in enumerate(block, box.upper):
                    self._fill(samples, row, box.left)
        return block

    def _fill(self, samples: NDArray[np.uint8], row: int, column: int) -> None:
        start = (row * self.width + column) * self.samples
        if start != self._position:
            self._file.seek(self._start + start)
        self._position = start + _read_into(samples, self._file)
        if self._position < start + samples.size:
            raise EOFError(
                f"they end after {self._position:,} of "
                f"{self.width * self.height * self.samples:,} bytes"
            )

    def check_end(self) -> None:
        """Raise ImageError unless the file ends where the picture does."""
        if self._file.read(1):
            raise ImageError(
                f"{self.name} goes on behind {self.width:,} x {self.height:,} pixels; "
                "check their size and layout"
            )


class RawFrames:
    """Frames of 8-bit samples, one after the other, read once from where a binary file stands to
    its end: an iterator of arrays of shape (H, W, 3), (H, W, 4) or, of grey ones, (H, W).

    Args:
        file, width, height, layout: as for ``RawPixels``, the size being a frame's.

    Attributes:
        whole: how many frames were read.
        cut: bytes of the next one, in which the file has ended; 0 where it hasn't.

    Raises:
        ImageError: there isn't one whole frame.
        TypeError, ValueError: a wrong size or layout.
    """

    def __init__(self, file: BinaryIO, width: int, height: int, layout: str = "rgb") -> None:
        like = RawPixels(file, width, height, layout)
        self.name, self._file = like.name, file
        self._shape = (like.height, like.width, like.samples)
        self.whole = self.cut = 0

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return self

    def __next__(self) -> NDArray[np.uint8]:
        frame = np.empty(self._shape, dtype=np.uint8)
        done = _read_into(frame, self._file)
        if done == frame.size:
            self.whole += 1
            return frame if frame.shape[2] > 1 else frame[:, :, 0]
        if self.whole == 0:
            raise ImageError(
                f"{self.name} ends after {done:,} of the {frame.size:,} bytes of a frame; check "
                "its size and layout"
            )
        self.cut = self.cut or done
        raise StopIteration


def _read_into(samples: NDArray[np.uint8], file: BinaryIO) -> int:
    """Fill an array from a file: how many bytes of it, fewer where the file ends."""
    view, done = memoryview(samples).cast("B"), 0
    while done < len(view) and (part := file.read(min(_STEP, len(view) - done))):
        view[done : done + len(part)] = part
        done += len(part)
    return done


def _can_seek(file: BinaryIO) -> bool:
    try:
        return file.seekable()
    except (OSError, AttributeError, io.UnsupportedOperation):
        return False
