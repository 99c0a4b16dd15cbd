"""The kernels of frames in C; see compiled.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes

_MOVES = 3  # at most


def find_moves(labels: Labels, before: Labels) -> NDArray[np.int32]:
    now, earlier = (np.ascontiguousarray(some, np.uint16) for some in (labels, before))
    moves = np.empty((_MOVES, 2), dtype=np.int32)
    return moves[: _kernels.find_moves(now, earlier, now.shape[1], moves)]


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
