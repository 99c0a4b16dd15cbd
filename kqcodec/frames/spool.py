"""Frames that come but once, kept to be read again.

Of each frame the rectangle is kept that has changed, deflated: some 1 % of the samples of a
screen recording. It is in memory at first, and in a temporary file when it is more than that:

    ┌─────────┬────────┬─────────┬───────────┬──────────┬──────────┬──────────────────┐
    │ flag, 1 │ top, 4 │ left, 4 │ height, 4 │ width, 4 │ bytes, 8 │ deflated samples │
    └─────────┴────────┴─────────┴───────────┴──────────┴──────────┴──────────────────┘

A frame whose samples are of another kind than those before, or that has another palette, has
a flag alone, and then its arrays as NumPy writes them.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.format import read_array, write_array

from kqcodec.frames.changes import changed_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_IN_MEMORY = 1 << 26
_RECORD = struct.Struct("<BIIIIQ")
_CHANGED, _PIXELS, _LABELS = 0, 1, 2
_NOTHING = slice(0, 0)


class FrameSpool:
    """Keeps frames in their order; to be closed after use. One thread at a time may use it."""

    def __init__(self) -> None:
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
        self._file = cast("IO[bytes]", file)
        self._samples: NDArray[Any] | None = None
        self._palette: NDArray[np.uint8] | None = None

    def close(self) -> None:
        """Forget the frames."""
        self._file.close()

    def add(self, samples: NDArray[Any], palette: NDArray[np.uint8] | None) -> None:
        """Keep a frame's pixels, shape (H, W, C), or its labels, shape (H, W), and their palette.

        The arrays must stay as they are until the next frame is added.

        Raises:
            OSError: there is no room for it.
        """
        last, self._samples = self._samples, samples
        if last is None or not (_alike(last, samples) and _equal(self._palette, palette)):
            self._palette = palette
            self._write(_PIXELS if palette is None else _LABELS, (_NOTHING, _NOTHING), b"")
            for array in (samples, palette):
                if array is not None:
                    write_array(self._file, array, allow_pickle=False)
            return
        box = changed_box(last, samples) or (_NOTHING, _NOTHING)
        part = np.ascontiguousarray(samples[box])
        self._write(_CHANGED, box, zlib.compress(part, 1) if part.size else b"")

    def _write(self, flag: int, box: tuple[slice, slice], data: bytes) -> None:
        rows, columns = box
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        record = _RECORD.pack(flag, rows.start, columns.start, high, wide, len(data))
        self._file.write(record + data)

    def __iter__(self) -> Iterator[tuple[NDArray[Any], NDArray[np.uint8] | None]]:
        """The frames, whose arrays are read-only. Where nothing has changed it is the same one."""
        self._file.seek(0)
        samples: NDArray[Any] = np.empty(0)
        palette: NDArray[np.uint8] | None = None
        while record := self._file.read(_RECORD.size):
            flag, top, left, height, width, size = _RECORD.unpack(record)
            if flag != _CHANGED:
                samples = read_array(self._file, allow_pickle=False)
                palette = read_array(self._file, allow_pickle=False) if flag == _LABELS else None
            elif size:
                part = np.frombuffer(zlib.decompress(self._file.read(size)), samples.dtype)
                samples = samples.copy()
                box = samples[top : top + height, left : left + width]
                box[...] = part.reshape(box.shape)
            samples.flags.writeable = False
            yield samples, palette


def _alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _equal(one: NDArray[np.uint8] | None, other: NDArray[np.uint8] | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
