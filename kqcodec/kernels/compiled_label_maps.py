"""The kernels of label maps in C; see compiled.py."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

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
    ends = list(accumulate(counts))
    return [numbers[end - count : end] for end, count in zip(ends, counts, strict=True)]


def regions_encode(
    labels: NDArray[np.unsignedinteger[Any]], k: int, capacity: int
) -> tuple[int, NDArray[np.uint8], bytes] | None:
    labels = np.ascontiguousarray(labels)
    colors = np.empty(labels.shape, dtype=np.uint8)
    out = bytearray(capacity)
    width = labels.shape[1]
    count, size = _kernels.regions_encode(labels, labels.itemsize, width, k, colors, out)
    return (count, colors, bytes(out[:size])) if count else None


def regions_decode(
    payload: Buffer, colors: NDArray[np.uint8], k: int, out: NDArray[np.unsignedinteger[Any]]
) -> bool:
    done: bool = _kernels.regions_decode(payload, colors, colors.shape[1], k, out.itemsize, out)
    return done
