"""The index of the test vectors, and what tests of them share."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from places import VECTORS

from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.coding.frames.reader import Canvas
from kqcodec.format.limits import Limits
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

ERRORS = {
    "signature": errors.SignatureError,
    "truncated": errors.TruncatedError,
    "checksum": errors.ChecksumError,
    "unsupported": errors.UnsupportedError,
    "invalid": errors.InvalidDataError,
    "limit": errors.LimitError,
}
INDEX = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))


def read(vector: dict[str, Any]) -> bytes:
    """The file."""
    return (VECTORS / str(vector["name"])).read_bytes()


def sha256(data: Any) -> str:
    """A hash as the index has it."""
    return hashlib.sha256(data).hexdigest()


def big_endian(ids: np.ndarray) -> bytes:
    """Ids as they count in the index."""
    return ids.astype(ids.dtype.newbyteorder(">")).tobytes()


def frames_of(source: Any, max_pixels: int | None = None) -> Iterator[tuple[np.ndarray, int]]:
    """The labels of each frame and its duration, as the package reads them one after the other."""
    with open_source(source) as opened_source:
        opened = Opened.from_source(opened_source, Limits.of(max_pixels))
        assert opened.frames is not None
        canvas = Canvas(opened.frames, None, None)
        for frame in opened.frames.in_order():
            canvas.take(frame)
            yield canvas.picture().copy(), frame.duration


class Pipe(io.RawIOBase):
    """A file that can't seek and doesn't know its size."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.rest.readinto(buffer)
