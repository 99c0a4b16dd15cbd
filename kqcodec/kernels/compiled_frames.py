"""The kernels of frames in C; see compiled.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels

_MOVES = 3  # at most


def find_moves(labels: Labels, before: Labels) -> NDArray[np.int32]:
    now, earlier = (np.ascontiguousarray(some, np.uint16) for some in (labels, before))
    moves = np.empty((_MOVES, 2), dtype=np.int32)
    return moves[: _kernels.find_moves(now, earlier, now.shape[1], moves)]
