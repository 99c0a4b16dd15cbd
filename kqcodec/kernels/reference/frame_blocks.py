"""Which blocks of a frame change, and where they come from (spec/kq.md, section 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from kqcodec.kernels.reference.context_model import MARGIN
from kqcodec.kernels.reference.moves import find_moves

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.kernels.reference.context_model import Plane

    Places = NDArray[np.uint16]

BLOCK = 16
_ABOVE = 3
_EARLIER, _EARLIER_LABELS = 16, 1 << 24
_MOST_MOVES, _MOVE_BLOCKS, _MOVE_MOST = 3, 4, 32767
_CODED, _MOVED = 1, 2  # otherwise 0, unchanged
_QUARTER, _HALF = (1 << 20) << 10 | 1, (2 << 20) << 10 | 2


class Move(NamedTuple):
    """Where a block comes from."""

    plane: int  # 0 the frame before, 1 the one before that
    dx: int
    dy: int


class LabelCoder(Protocol):
    """What codes the labels of a frame."""

    def learn(self, counters: list[int], place: int, bit: int) -> int:
        """One decision by a counter alone."""

    def code_labels(self, row: int, columns: range, truth: list[int] | None) -> None:
        """Labels of a row of the plane."""

    def update(self, place: int, last: int, now: int) -> None:
        """A label of a block that has changed is now another, or the same."""


class Blocks:
    """A frame from the frame before, block by block.

    Args:
        coder: codes labels and decisions.
        plane: whose ``labels`` are the frame before and, behind it, the frame.
    """

    def __init__(self, coder: LabelCoder, plane: Plane) -> None:
        self._coder, self._plane = coder, plane
        self._height, self._width, self._stride = plane.height, plane.width, plane.stride
        self._size = (plane.height + _ABOVE) * plane.stride
        self._most = min(_EARLIER, _EARLIER_LABELS // (plane.height * plane.width))
        self._earlier: list[Places] = []
        self._wide, self._high = -(-plane.width // BLOCK), -(-plane.height // BLOCK)
        self._last = [[0] * self._wide for _ in range(self._high)]
        self._rows = [_QUARTER] * 8
        self._changed = [_QUARTER] * 1024
        self._moved = [_QUARTER] * (16 * _MOST_MOVES)
        self._more = [_HALF] * _MOST_MOVES
        self._numbers = [[_HALF] * 256 for _ in range(5)]

    def begin(self, places: Places) -> None:
        """With a frame that was coded by itself."""
        for y, row in enumerate(places.tolist()):
            start = self._start(y)
            self._plane.labels[start : start + self._width] = row
        for y in range(self._height):
            self._set_margins(y)
        self._plane.labels[: self._size] = self._plane.labels[self._size : 2 * self._size]

    def places(self) -> Places:
        """The frame, (height, width)."""
        plane = self._plane.labels[self._size : 2 * self._size]
        padded = np.array(plane, dtype=np.uint16).reshape(-1, self._stride)
        return padded[_ABOVE:, MARGIN:-MARGIN]

    def _before(self) -> Places:
        padded = np.array(self._plane.labels[: self._size], dtype=np.uint16)
        return padded.reshape(-1, self._stride)[_ABOVE:, MARGIN:-MARGIN]

    def _start(self, y: int) -> int:
        return self._size + (y + _ABOVE) * self._stride + MARGIN

    def _set_margins(self, y: int) -> None:
        """To the right of a row, its last label; to the left of the one below, its first."""
        labels, start = self._plane.labels, self._start(y)
        end = start + self._width
        labels[end : end + MARGIN] = [labels[end - 1]] * MARGIN
        if y + 1 < self._height:
            below = start + self._stride
            labels[below - MARGIN : below] = [labels[start]] * MARGIN

    def code(self, truth: Places | None, full: Callable[[], bool]) -> int:
        """The next frame, which is ``truth`` if that is known. Returns the work, or -1 if a block
        would come from outside, or ``full`` says that there is no room."""
        before = self._before()
        found, kinds = self._choose(truth, before) if truth is not None else ([], None)
        moves = self._code_moves(found)
        blocks = self._code_blocks(kinds, len(moves))
        now, moved = before.copy(), 0
        for (y, x), kind in np.ndenumerate(np.array(blocks)):
            if kind >= _MOVED:
                source = self._source(before, moves[kind - _MOVED], x, y)
                if source is None:
                    return -1
                now[_block(x, y)] = source
                moved += source.size
        if moved:
            self._place_moved(now, blocks)
        coded = 0
        for y in range(self._height):
            row = self._start(y) - self._size
            known = None if truth is None else truth[y].tolist()
            runs = _runs(blocks[y // BLOCK])
            for first, end in runs:
                columns = range(first * BLOCK, min(end * BLOCK, self._width))
                self._coder.code_labels(row, columns, known)
                coded += len(columns)
            if runs:
                self._set_margins(y)
            if full():
                return -1
        self._end(before, blocks)
        return coded + moved // 16

    def _place_moved(self, now: Places, blocks: list[list[int]]) -> None:
        for y in range(self._height):
            row, start = blocks[y // BLOCK], self._start(y)
            if max(row) < _MOVED:
                continue
            labels = now[y].tolist()
            for x, kind in enumerate(row):
                if kind >= _MOVED:
                    part = slice(x * BLOCK, min((x + 1) * BLOCK, self._width))
                    self._plane.labels[start + part.start : start + part.stop] = labels[part]
            self._set_margins(y)

    def _source(self, before: Places, move: Move, x: int, y: int) -> Places | None:
        """The labels of a block by a move; None if they are outside."""
        if move.plane > len(self._earlier):
            return None
        plane = self._earlier[move.plane - 1] if move.plane else before
        left, top = x * BLOCK + move.dx, y * BLOCK + move.dy
        wide, high = min(BLOCK, self._width - x * BLOCK), min(BLOCK, self._height - y * BLOCK)
        if left < 0 or top < 0 or left + wide > self._width or top + high > self._height:
            return None
        return plane[top : top + high, left : left + wide]

    def _choose(self, truth: Places, before: Places) -> tuple[list[Move], list[list[int]]]:
        """Moves, and how each block comes to be."""
        changed = np.zeros((self._high, self._wide), dtype=np.int64)
        for y, x in np.ndindex(changed.shape):
            changed[y, x] = (truth[_block(x, y)] != before[_block(x, y)]).any()
        moves: list[Move] = []
        if not changed.any():
            return moves, changed.tolist()
        candidates = [
            Move(0, dx, dy)
            for dx, dy in find_moves(truth, before).tolist()
            if max(abs(dx), abs(dy)) <= _MOVE_MOST
        ]
        candidates += [Move(plane, 0, 0) for plane in range(1, len(self._earlier) + 1)]
        while len(moves) < _MOST_MOVES:
            explained = [self._explained(truth, before, changed, move) for move in candidates]
            votes = list(map(len, explained))
            most = max(votes, default=0)
            if most < _MOVE_BLOCKS:
                break
            best = votes.index(most)
            for place in explained[best]:
                changed[place] = _MOVED + len(moves)
            moves.append(candidates[best])
        return moves, changed.tolist()

    def _explained(
        self, truth: Places, before: Places, changed: NDArray[np.int64], move: Move
    ) -> list[tuple[int, ...]]:
        """The blocks, still to be coded, that a move explains."""
        found: list[tuple[int, ...]] = []
        for y, x in np.argwhere(changed == _CODED).tolist():
            source = self._source(before, move, x, y)
            if source is not None and np.array_equal(truth[_block(x, y)], source):
                found.append((y, x))
        return found

    def _code_moves(self, found: list[Move]) -> list[Move]:
        moves: list[Move] = []
        while len(moves) < _MOST_MOVES:
            if not self._coder.learn(self._more, len(moves), int(len(moves) < len(found))):
                break
            move = found[len(moves)] if found else Move(0, 0, 0)
            plane = self._code_byte(0, move.plane)
            dx, dy = self._code_signed(1, move.dx), self._code_signed(3, move.dy)
            moves.append(Move(plane, dx, dy))
        return moves

    def _code_byte(self, number: int, value: int) -> int:
        node = 1
        for bit in range(7, -1, -1):
            node = node << 1 | self._coder.learn(self._numbers[number], node, value >> bit & 1)
        return node & 255

    def _code_signed(self, number: int, value: int) -> int:
        high = self._code_byte(number, value + 32768 >> 8)
        return (high << 8 | self._code_byte(number + 1, value + 32768 & 255)) - 32768

    def _code_blocks(self, kinds: list[list[int]] | None, moves: int) -> list[list[int]]:
        """How each block comes to be, which is ``kinds`` if that is known."""
        learn, nothing = self._coder.learn, [0] * self._wide
        rows: list[list[int]] = []
        above = False
        for y in range(self._high):
            up, last = rows[-1] if rows else nothing, self._last[y]
            below = self._last[y + 1] if y + 1 < self._high else nothing
            known = kinds[y] if kinds else nothing
            context = any(last) | above << 1 | any(below) << 2
            above_was, above = above, bool(learn(self._rows, context, int(any(known))))
            row = [0] * self._wide
            rows.append(row)
            if not above:
                continue
            for x in range(self._wide):
                w, e = x > 0, x + 1 < self._wide
                flags = (
                    *(w and row[x - 1], up[x], e and up[x + 1], w and up[x - 1], last[x]),
                    *(e and last[x + 1], below[x], x > 1 and row[x - 2], w and last[x - 1]),
                    above_was,
                )
                around = sum(bool(flag) << bit for bit, flag in enumerate(flags))
                if not learn(self._changed, around, int(known[x] > 0)):
                    continue
                row[x] = _CODED
                for move in range(moves):
                    by = _MOVED + move
                    left = row[x - 1] if w else 0
                    equal = (left == by, up[x] == by, left == _CODED, up[x] == _CODED)
                    number = sum(flag << bit for bit, flag in enumerate(equal))
                    if learn(self._moved, number * _MOST_MOVES + move, int(known[x] == by)):
                        row[x] = by
                        break
        return rows

    def _end(self, before: Places, blocks: list[list[int]]) -> None:
        """The frame becomes the one before, and that an earlier one."""
        labels = self._plane.labels
        for y in range(self._height):
            start = self._start(y)
            for x in range(self._width):
                if blocks[y // BLOCK][x // BLOCK]:
                    at = start + x
                    self._coder.update(at - self._size, labels[at - self._size], labels[at])
        self._earlier = [before, *self._earlier][: self._most]
        labels[: self._size] = labels[self._size : 2 * self._size]
        self._last = blocks


def _block(x: int, y: int) -> tuple[slice, slice]:
    return slice(y * BLOCK, (y + 1) * BLOCK), slice(x * BLOCK, (x + 1) * BLOCK)


def _runs(row: list[int]) -> list[tuple[int, int]]:
    """From where to where blocks are coded."""
    edges = np.flatnonzero(np.diff([0, *(kind == _CODED for kind in row), 0])).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
