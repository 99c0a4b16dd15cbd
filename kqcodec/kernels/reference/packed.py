"""Fixed-width labels as one string of bits, most significant bit first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels


def pack(labels: Labels, bits: int) -> bytes:
    flat = labels.reshape(-1)
    shifts = np.arange(bits - 1, -1, -1, dtype=flat.dtype)
    return np.packbits((flat[:, None] >> shifts) & 1).tobytes()


def unpack(payload: Buffer, bits: int, out: Labels) -> None:
    string = np.unpackbits(np.frombuffer(payload, dtype=np.uint8), count=out.size * bits)
    weights = (1 << np.arange(bits - 1, -1, -1)).astype(out.dtype)
    columns: NDArray[np.uint8] = string.reshape(out.size, bits)
    np.sum(columns * weights, axis=1, dtype=out.dtype, out=out.reshape(-1))
