"""The kernels of label maps in C; see compiled.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

# 7 + 2 bits that learn, of 11 bits at most each, and 62 others.
_NUMBER_BYTES = 21


def numbers_encode(lists: Sequence[NDArray[np.uint64]]) -> bytes:
    counts = np.array([len(numbers) for numbers in lists], dtype=np.uint64)
    numbers = np.concatenate([np.empty(0, np.uint64), *lists]).astype(np.uint64, copy=False)
    out = bytearray(_NUMBER_BYTES * numbers.size + 8)
    return bytes(out[: _kernels.numbers_encode(counts, numbers, out)])


def numbers_decode(payload: Buffer, counts: Sequence[int]) -> list[NDArray[np.uint64]] | None:
    numbers = np.empty(sum(counts), dtype=np.uint64)
    if not _kernels.numbers_decode(payload, np.array(counts, dtype=np.uint64), numbers):
        return None
    return np.split(numbers, np.cumsum(counts)[:-1]) if counts else []
