"""The coder `context` in C, a part of ``kqcodec.kernels.compiled``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels


def tree_order(colors: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """See the reference."""
    order = np.empty(len(colors), dtype=np.uint16)
    _kernels.tree_order(np.ascontiguousarray(colors), order)
    return order


def context_encode(
    labels: Labels,
    order: NDArray[np.uint16],
    colors: NDArray[np.uint8],
    setting: int,
    capacity: int,
) -> bytes | None:
    """See the reference."""
    labels = np.ascontiguousarray(labels)
    out = bytearray(capacity)
    size = _kernels.context_encode(
        labels,
        labels.itemsize,
        labels.shape[1],
        np.ascontiguousarray(order),
        np.ascontiguousarray(colors),
        setting,
        out,
    )
    return None if size < 0 else bytes(memoryview(out)[:size])


def context_decode(
    payload: Buffer,
    order: NDArray[np.uint16],
    colors: NDArray[np.uint8],
    setting: int,
    out: Labels,
) -> bool:
    """See the reference."""
    valid: bool = _kernels.context_decode(
        payload,
        out.itemsize,
        out.shape[1],
        np.ascontiguousarray(order),
        np.ascontiguousarray(colors),
        setting,
        out,
    )
    return valid
