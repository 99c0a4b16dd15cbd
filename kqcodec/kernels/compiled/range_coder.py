"""The arithmetic coder in C, by itself, a part of ``kqcodec.kernels.compiled``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer


def code_bits(
    bits: NDArray[np.uint8], probabilities: NDArray[np.uint16], capacity: int
) -> bytes | None:
    """See the reference."""
    out = bytearray(capacity)
    size = _kernels.code_bits(
        np.ascontiguousarray(bits, dtype=np.uint8),
        np.ascontiguousarray(probabilities, dtype=np.uint16),
        out,
    )
    return None if size < 0 else bytes(out[:size])


def decode_bits(payload: Buffer, probabilities: NDArray[np.uint16], out: NDArray[np.uint8]) -> bool:
    """See the reference."""
    if out.dtype != np.uint8:
        raise TypeError(f"the result must be uint8, not {out.dtype}")
    valid: bool = _kernels.decode_bits(
        payload, np.ascontiguousarray(probabilities, dtype=np.uint16), out
    )
    return valid
