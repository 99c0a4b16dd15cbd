"""Rules 19.27 to 19.29 of kq.md: the labels of a tile from those in the frame before, by the coder
tokens.

A part of decode_chains.py. Written like the rest: from kq.md alone, in its order, each comment
that starts with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from decode_bits import Refused, Source, read_length
from decode_frame_blocks import BLOCK
from decode_labels import read_lists

# Labels of a rectangle of so many columns and rows, from a payload for so many labels and entries.
LabelsOf = Callable[[int, int, bytes, tuple[int, int]], list[int]]


class Move(NamedTuple):
    """From where labels come."""

    dx: int
    dy: int


class ChangedTile:
    """A tile and what it was in the frame before."""

    def __init__(self, name: str, size: tuple[int, int], before: list[int]) -> None:
        """Start with the labels of the frame before."""
        self.name = f"the payload of tile {name}"
        self.width, self.height = size
        self.before, self.labels = before, list(before)

    def decode(self, payload: bytes, k: int, labels_of: LabelsOf) -> list[int]:
        """Return the labels of this frame."""
        # 19.27: "m is 0 to 3."
        source = Source(payload, self.name)
        source.position = 1
        m = source.take(1, "19.27", "the number of moves")[0]
        if m > 3:
            raise Refused("19.27", f"{self.name} has {m} moves")
        moves = [self.read_move(source) for _ in range(m)]
        if m != 0:
            self.move_blocks(source, moves)

        # 19.29: "Then, if m is 0 or anything follows, comes a rectangle within the tile: the column
        # of its left and the row of its upper edge, its width and its height."
        if m == 0 or source.bytes_left():
            left, top, w, h = (read_length(source, "a rectangle", "19.29") for _ in range(4))
            if left + w >= self.width or top + h >= self.height:
                raise Refused("19.29", f"{self.name} has a rectangle that goes beyond the tile")
            rest = source.take(source.bytes_left(), "19.29", "the labels")
            if not rest:
                raise Refused("19.29", f"{self.name} has a rectangle, and no labels")

            # 19.29: "Its labels are the payload of a tile of a label map (18.8 to 18.11) with min(K
            # + 1, 65536) labels and K + 1 entries: 0 leaves what is there, in the frame before or
            # moved there, and i + 1 is the label i."
            size = w + 1, h + 1
            for i, label in enumerate(labels_of(min(k + 1, 65536), k + 1, rest, size)):
                if label:
                    at = (top + i // size[0]) * self.width + left + i % size[0]
                    self.labels[at] = label - 1
        return self.labels

    def read_move(self, source: Source) -> Move:
        """Read from where blocks come."""
        # 19.27: "a number v stands for v / 2 if it is even, and for −(v + 1) / 2 if it is odd."
        numbers = [read_length(source, "a move", "19.27") for _ in range(2)]
        dx, dy = (-(v + 1) // 2 if v % 2 else v // 2 for v in numbers)

        # 19.27: "a *move* has −w < dx < w and −h < dy < h, and not both are 0"
        if abs(dx) >= self.width or abs(dy) >= self.height or (dx, dy) == (0, 0):
            raise Refused("19.27", f"{self.name} has a move by {dx} columns and {dy} rows")
        return Move(dx, dy)

    def move_blocks(self, source: Source, moves: list[Move]) -> None:
        """Read which blocks have moved, and put their labels in their places."""
        # 19.28: "*Blocks* as in rule 19.17 that have moved stand in *runs* of one block or more, in
        # the order of the blocks, row by row."
        across, down = -(-self.width // BLOCK), -(-self.height // BLOCK)
        runs = 1 + read_length(source, "the number of runs", "19.28")
        if runs > across * down:
            raise Refused("19.28", f"{self.name} has {runs} runs of blocks, and fewer blocks")

        # 19.28: "The lists are a payload (18.7) of so many bytes as the length says, with a number
        # for each run in each list"
        length = read_length(source, "the runs", "19.28")
        payload = source.take(length, "19.28", "the runs")
        counts = [runs] * (3 if len(moves) > 1 else 2)
        gaps, lengths, *which = read_lists(payload, counts, f"the runs in {self.name}")
        block = 0
        for i, (gap, less) in enumerate(zip(gaps, lengths, strict=True)):
            # 19.28: "the number of its move, counted from 0 and less than m. A run doesn't go
            # beyond the last block."
            number = which[0][i] if which else 0
            first, block = block + gap, block + gap + less + 1
            if number >= len(moves) or block > across * down:
                raise Refused("19.28", f"{self.name} has a run of {less + 1} blocks, move {number}")
            for moved in range(first, block):
                self.move_block(*divmod(moved, across), moves[number])

    def move_block(self, y: int, x: int, move: Move) -> None:
        """Put the labels of a block in their places."""
        # 19.28: "The labels of a block that has moved are those dx columns to the right of it and
        # dy rows below it in the frame before, all of them within the tile."
        for row in range(BLOCK * y, min(BLOCK * y + BLOCK, self.height)):
            for column in range(BLOCK * x, min(BLOCK * x + BLOCK, self.width)):
                left, top = column + move.dx, row + move.dy
                if not (0 <= left < self.width and 0 <= top < self.height):
                    raise Refused("19.28", f"a block in {self.name} moves from outside")
                self.labels[row * self.width + column] = self.before[top * self.width + left]
