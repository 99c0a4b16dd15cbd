"""By how much parts of a frame have moved since the frame before; see protocol_frames.py."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels

_MOVES, _CANDIDATES, _LEAST = 3, 16, 4
_BLOCK = 16
_RIGHT, _DOWN = 0x9E3779B1, 0x85EBCA6B


def _square_hashes(labels: Labels) -> NDArray[np.uint32]:
    """The hash of the square that begins at each place, (height - 15, width - 15)."""
    height, width = (side - _BLOCK + 1 for side in labels.shape)
    rows = np.zeros((labels.shape[0], width), dtype=np.uint32)
    for x in range(_BLOCK):
        rows = rows * np.uint32(_RIGHT) + labels[:, x : x + width].astype(np.uint32)
    squares = np.zeros((height, width), dtype=np.uint32)
    for y in range(_BLOCK):
        squares = squares * np.uint32(_DOWN) + rows[y : y + height]
    return squares


def _square(labels: Labels, x: int, y: int) -> Labels:
    return labels[y : y + _BLOCK, x : x + _BLOCK]


def _voters(labels: Labels, before: Labels) -> list[tuple[int, int]]:
    """The (x, y) of the whole blocks that have changed and aren't of one label."""
    height, width = labels.shape
    blocks = [
        (x, y)
        for y in range(0, height - _BLOCK + 1, _BLOCK)
        for x in range(0, width - _BLOCK + 1, _BLOCK)
    ]
    return [
        (x, y)
        for x, y in blocks
        if (_square(labels, x, y) != _square(before, x, y)).any()
        and (_square(labels, x, y) != labels[y, x]).any()
    ]


def find_moves(labels: Labels, before: Labels) -> NDArray[np.int32]:
    voters = _voters(labels, before)
    if len(voters) < _LEAST:
        return np.empty((0, 2), dtype=np.int32)
    hashes, earlier = _square_hashes(labels), _square_hashes(before)
    values, firsts = np.unique(earlier, return_index=True)
    first = dict(zip(values.tolist(), firsts.tolist(), strict=True))
    votes: Counter[tuple[int, int]] = Counter()
    for x, y in voters:
        place = first.get(int(hashes[y, x]))
        if place is not None:
            row, column = divmod(place, earlier.shape[1])
            votes[column - x, row - y] += 1
    del votes[0, 0]
    explained = {
        move: {(x, y) for x, y in voters if _moved(labels, before, x, y, *move)}
        for move, _ in votes.most_common(_CANDIDATES)
    }
    moves: list[tuple[int, int]] = []
    while explained and len(moves) < _MOVES:
        best = max(explained, key=lambda move: len(explained[move]))
        blocks = explained[best]
        if len(blocks) < _LEAST:
            break
        moves.append(best)
        explained = {move: some - blocks for move, some in explained.items()}
    return np.array(moves, dtype=np.int32).reshape(-1, 2)


def _moved(labels: Labels, before: Labels, x: int, y: int, dx: int, dy: int) -> bool:
    """Whether the block at (x, y) is what was so far away in the frame before."""
    if x + dx < 0 or y + dy < 0:
        return False
    return np.array_equal(_square(labels, x, y), _square(before, x + dx, y + dy))
