"""Rules 19.17 to 19.19 of kq.md: which blocks of a tile have changed from the frame before.

A part of decode_frame_tile.py. Written like the rest: from kq.md alone, in its order, each
comment that starts with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from decode_header import Box
from decode_mixing import Counter, NextBit

BLOCK, MOST_MOVES = 16, 3
UNCHANGED, CODED, MOVED = 0, 1, 2  # and those above it are moves: MOVED + v


class Move(NamedTuple):
    """Where blocks come from."""

    r: int  # 0: from the frame before
    dx: int
    dy: int


class Counters(defaultdict[object, Counter]):
    """Counters of any names, which begin alike."""

    def __init__(self, p: int, n: int = 2) -> None:
        """Have them begin with these."""
        super().__init__()
        self.first = p, n

    def __missing__(self, name: object) -> Counter:
        """Begin one."""
        self[name] = counter = Counter(self.first[0])
        counter.n = self.first[1]
        return counter


class Blocks:
    """The blocks of a tile."""

    def __init__(self, width: int, height: int) -> None:
        """Start with blocks that are unchanged."""
        # 19.17: "The frame is cut into blocks of 16 × 16 labels from its upper left corner; at the
        # right and lower edge they may be narrower or lower."
        self.width, self.height = width, height
        self.across, self.down = -(-width // BLOCK), -(-height // BLOCK)
        self.blocks = self.no_blocks()
        self.moves: list[Move] = []

        # 19.18: "All these counters begin with p = 2^21."
        # 19.19: "All have counters that begin with p = 2^20 and n = 1."
        self.of_moves = Counters(2**21)
        self.of_blocks = Counters(2**20, 1)

    def read(self, next_bit: NextBit) -> None:
        """Decode the moves of a frame, and which blocks have changed."""
        # 19.17: "The payload tells first the moves there are (19.18), then which blocks are what
        # (19.19)"
        self.next_bit = next_bit
        self.moves = self.read_moves()
        last, self.blocks = self.blocks, self.no_blocks()
        self.read_blocks(last)

    def no_blocks(self) -> list[list[int]]:
        """Return rows of blocks that are all unchanged."""
        return [[UNCHANGED] * self.across for _ in range(self.down)]

    def read_moves(self) -> list[Move]:
        """Decode the moves that there are."""
        # 19.18: "As long as there are less than three, a bit asks whether there is another, by a
        # counter (15.11) for each number of those so far."
        moves: list[Move] = []
        while len(moves) < MOST_MOVES and self.of_moves[len(moves)].bit(self.next_bit):
            # 19.18: "r is a byte, dx + 32768 and dy + 32768 are two bytes each, the more
            # significant first."
            r, *four = (self.read_byte(i) for i in range(5))
            dx, dy = (256 * four[i] + four[i + 1] - 32768 for i in (0, 2))
            moves.append(Move(r, dx, dy))
        return moves

    def read_byte(self, i: int) -> int:
        """Decode byte i of a move."""
        # 19.18: "Each of the five bytes has eight bits, the most significant first, by counters of
        # its own, one for each combination of the bits ahead."
        node = 1
        for _ in range(8):
            node = 2 * node + self.of_moves["byte", i, node].bit(self.next_bit)
        return node - 256

    def read_blocks(self, last: list[list[int]]) -> None:
        """Decode which blocks have changed, and how."""

        def was(y: int, x: int) -> bool:
            """Return whether a block was changed last time; one outside wasn't."""
            return y < self.down and 0 <= x < self.across and last[y][x] != UNCHANGED

        def block(y: int, x: int) -> int:
            """Return what a block is that is known; one outside is unchanged."""
            return self.blocks[y][x] if y >= 0 and 0 <= x < self.across else UNCHANGED

        above = 0
        for y in range(self.down):
            # 19.19: "(1 if one of it was changed last time) + 2·(1 if the bit of the row above is
            # 1) + 4·(1 if one of the row below was last time)"
            of_row, below = (any(was(row, x) for x in range(self.across)) for row in (y, y + 1))
            number = of_row + 2 * above + 4 * below
            bit_above, above = above, self.of_blocks["row", number].bit(self.next_bit)
            for x in range(self.across if above else 0):
                # 19.19, its table
                bits = [block(y, x - 1), block(y - 1, x), block(y - 1, x + 1), block(y - 1, x - 1)]
                bits += [was(y, x), was(y, x + 1), was(y + 1, x), block(y, x - 2)]
                bits += [was(y, x - 1), bit_above]
                number = sum((bit != 0) << i for i, bit in enumerate(bits))
                if not self.of_blocks["changed", number].bit(self.next_bit):
                    continue

                # 19.19: "If it is, for each move, in order, a bit asks whether the block has moved
                # by it, until one is 1; if none is, it is coded."
                self.blocks[y][x] = CODED
                left, up = block(y, x - 1), block(y - 1, x)
                for v in range(len(self.moves)):
                    # 19.19: "a is (1 if the block to the left has moved by v) + 2·(1 if the one
                    # above has) + 4·(1 if the one to the left is coded) + 8·(1 if the one above
                    # is)."
                    by = MOVED + v
                    a = (left == by) + 2 * (up == by) + 4 * (left == CODED) + 8 * (up == CODED)
                    if self.of_blocks["moved", 3 * a + v].bit(self.next_bit):
                        self.blocks[y][x] = by
                        break

    def places_of(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, int]]:
        """Yield row and column of the blocks that are wanted."""
        for y, row in enumerate(self.blocks):
            yield from ((y, x) for x, block in enumerate(row) if wanted(block))

    def box(self, y: int, x: int) -> Box:
        """Return the columns and rows of a block."""
        left, top = BLOCK * x, BLOCK * y
        return Box(left, top, min(left + BLOCK, self.width), min(top + BLOCK, self.height))

    def stretches(self, row: int) -> Iterator[tuple[int, int]]:
        """Yield the first column of each stretch of a row, and the first behind it."""
        # 19.20: "Blocks that are coded and side by side are a *stretch* in each row."
        start = None
        for x, block in enumerate([*self.blocks[row // BLOCK], UNCHANGED]):
            if block == CODED and start is None:
                start = x
            elif block != CODED and start is not None:
                yield BLOCK * start, min(BLOCK * x, self.width)
                start = None
