"""Chains of frames in C; see compiled.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes


class _Chain:
    def __init__(
        self, order: NDArray[np.uint16], colors: Bytes, width: int, height: int, setting: int
    ) -> None:
        palette = (
            np.ascontiguousarray(order, dtype=np.uint16),
            np.ascontiguousarray(colors, dtype=np.uint8),
        )
        self._chain = _kernels.chain_open(*palette, width, height, setting)

    def begin(self, labels: Labels) -> None:
        labels = np.ascontiguousarray(labels)
        _kernels.chain_begin(self._chain, labels, labels.itemsize)

    def encode(self, labels: Labels, capacity: int) -> bytes | None:
        labels = np.ascontiguousarray(labels)
        out = bytearray(capacity)
        size = _kernels.chain_encode(self._chain, labels, labels.itemsize, out)
        return None if size < 0 else bytes(memoryview(out)[:size])

    def decode(self, payload: Buffer, out: Labels) -> int:
        return _kernels.chain_decode(self._chain, payload, out.itemsize, out)


frame_chain = _Chain
