"""The index of the test vectors, and what tests of them share."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

from places import VECTORS

from kqcodec import errors

if TYPE_CHECKING:
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


class Pipe(io.RawIOBase):
    """A file that can't seek and doesn't know its size."""

    def __init__(self, data: bytes) -> None:
        self.rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.rest.readinto(buffer)
