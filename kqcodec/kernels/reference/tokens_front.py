"""What stands ahead of the streams of the coder `tokens` (spec/kq.md, rules 17.6 to 17.12): which
table each context has, the tables, and the codes of escapes, lengths and displacements.

One walk through all of it both encodes and decodes, so that the two can't differ.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from kqcodec.kernels.reference.learning_bits import LearningBits
from kqcodec.kernels.reference.tokens_codes import InvalidTokensError

if TYPE_CHECKING:
    from kqcodec.kernels.reference.logistic import Code as CodeBit


class Token(IntEnum):
    """What the next label is, or the next few."""

    W = 0
    WW = 1
    NW = 2
    N = 3
    NE = 4
    NN = 5
    ESCAPE = 6  # none of these: the label follows
    RUN_W = 7  # the length follows: as many times W
    RUN_N = 8  # the length follows: a copy of what is above
    COPY_ABOVE = 9  # the length follows: a copy with the displacement kept above
    COPY_LAST = 10  # the length follows: with the last one
    COPY = 11  # displacement and length follow
    FLAT = 12  # W, as long as NE is


class Value(IntEnum):
    """What has a code of values."""

    RUN_W = 0
    RUN_N = 1
    COPY = 2
    ROWS = 3
    COLUMNS = 4


TOKENS = len(Token)
PLAIN = Token.ESCAPE + 1  # the tokens of one label
COPIES = (Token.COPY_ABOVE, Token.COPY_LAST, Token.COPY)
# The kind of a token is what was before it: a plain one or flat, a run of W, one of N, a copy.
KINDS = 4
KIND_AFTER = [0] * PLAIN + [1, 2, 3, 3, 3, 0]
PATTERNS = 128
TABLES = 32  # of tokens, of escapes
INTERVALS = 32
VALUES = 48  # symbols of lengths and displacements
VALUE_BITS = 9
MOST_ESCAPE_BITS = 10
ESCAPE_TABLE_LABELS = 512  # there is one table of escapes, and one more for so many labels


def possible(pattern: int) -> bool:
    """Whether neighbours can have this pattern: of three labels not just two pairs are equal."""
    bits = [pattern >> bit & 1 for bit in range(7)]
    return bits[1] + bits[2] + bits[4] != 2 and bits[2] + bits[3] + bits[5] != 2


def low_bits(k: int) -> int:
    """The bits of escapes that stand as they are; the upper ones, 256 at most, have codes."""
    return max((k - 1).bit_length() - 8, 0)


class Front:
    """The tables, empty at first; a decoder fills them, an encoder has filled them."""

    def __init__(self, labels: int, k: int, bands: bool) -> None:
        self.symbols = (k - 1 >> low_bits(k)) + 1
        self.bands = bands
        self.most_escape_tables = min(1 + labels // ESCAPE_TABLE_LABELS, TABLES)
        self.state_bits, self.tables = 5, 1
        self.map = [[0] * PATTERNS for _ in range(KINDS)]  # context to table
        self.counts = [[0] * TOKENS for _ in range(TABLES)]  # of states
        self.escape_bits, self.escape_tables = 4, 0
        self.intervals = [[0] * self.symbols for _ in "WN"]  # by symbol
        self.cells = [[0] * INTERVALS for _ in range(INTERVALS)]  # W's and N's interval to table
        self.lengths = [[0] * self.symbols for _ in range(TABLES)]  # of the codes of escapes
        self.values = [[0] * VALUES for _ in Value]  # lengths of the codes of values

    def code(self, code_bit: CodeBit) -> None:
        """All of it, by a range coder's ``code_bit(bit, p)``.

        Raises:
            InvalidTokensError: What is decoded can't be. That codes are complete is for who uses
                them to check.
        """
        walk = _Walk(code_bit)
        self.state_bits = 5 + walk.even(self.state_bits - 5, 2)
        self.tables = 1 + walk.even(self.tables - 1, 5)
        if self.tables > 1:
            self._code_map(walk)
        self._code_counts(walk)
        self.escape_tables = walk.even(self.escape_tables, 6)
        _demand(self.escape_tables <= self.most_escape_tables)
        if self.escape_tables:
            self.escape_bits = 4 + walk.even(self.escape_bits - 4, 3)
            _demand(self.escape_bits <= MOST_ESCAPE_BITS)
            if self.escape_tables > 1:
                for side in (0, 1):
                    self._code_intervals(walk, side)
                self._code_cells(walk)
            self._code_lengths(walk)
        else:
            _demand(not any(counts[Token.ESCAPE] for counts in self.counts))
        if not self.bands:
            self._code_values(walk)

    def _code_map(self, walk: _Walk) -> None:
        bits = (self.tables - 1).bit_length()
        for kind in range(1 if self.bands else KINDS):
            tables = self.map[kind]
            before, same = 0, 0
            for pattern in filter(possible, range(PATTERNS)):
                last = self.map[kind - 1][pattern]
                if kind and walk.bit(tables[pattern] == last, "as the kind before", kind > 1):
                    before = last
                else:
                    same = walk.bit(tables[pattern] == before, "as before", same)
                    if not same:
                        before = walk.tree(tables[pattern], bits, "table")
                _demand(before < self.tables)
                tables[pattern] = before

    def _code_counts(self, walk: _Walk) -> None:
        tokens = PLAIN if self.bands else TOKENS
        for counts in self.counts[: self.tables]:
            left = 1 << self.state_bits
            for token in range(tokens):
                if token == tokens - 1:
                    counts[token] = left
                elif left and walk.bit(counts[token] > 0, "states", token):
                    counts[token] = walk.number(counts[token] - 1, 4, token) + 1
                left -= counts[token]
                _demand(left >= 0)

    def _code_intervals(self, walk: _Walk, side: int) -> None:
        interval = self.intervals[side]
        begins = 0
        for symbol in range(1, self.symbols):
            begins = walk.bit(interval[symbol] > interval[symbol - 1], "interval", side, begins)
            interval[symbol] = interval[symbol - 1] + begins
            _demand(interval[symbol] < INTERVALS)

    def _code_cells(self, walk: _Walk) -> None:
        bits = (self.escape_tables - 1).bit_length()
        for w in range(self.intervals[0][-1] + 1):
            row = self.cells[w]
            for n in range(self.intervals[1][-1] + 1):
                above = self.cells[w - 1][n] if w else 0
                left = row[n - 1] if n else above
                if walk.bit(row[n] == left, "as left"):
                    row[n] = left
                elif above != left and walk.bit(row[n] == above, "as above"):
                    row[n] = above
                else:
                    row[n] = walk.tree(row[n], bits, "cell")
                _demand(row[n] < self.escape_tables)

    def _code_lengths(self, walk: _Walk) -> None:
        """Each by that of the same symbol in the table before, and those of the two symbols
        before."""
        for table, lengths in enumerate(self.lengths[: self.escape_tables]):
            last = second = 0
            for symbol in range(self.symbols):
                above = 5
                if table:
                    length = self.lengths[table - 1][symbol]
                    above = sum(length >= least for least in (1, 5, 7, 9))
                beside = 0
                if last and second:
                    beside = (last + second + 1) >> 1
                elif last or second:
                    beside = 2 if last + second > 4 else 1
                lengths[symbol] = walk.length(lengths[symbol], "escape", above, beside)
                last, second = min(lengths[symbol], 10), last

    def _code_values(self, walk: _Walk) -> None:
        for code, lengths in enumerate(self.values):
            count = max((s + 1 for s, length in enumerate(lengths) if length), default=0)
            count = walk.even(count, 6)
            _demand(count <= VALUES)
            before = 0
            for symbol in range(count):
                before = walk.length(lengths[symbol], "value", code, before > 0)
                lengths[symbol] = before


def _demand(valid: bool) -> None:
    if not valid:
        raise InvalidTokensError


class _Walk(LearningBits):
    def length(self, length: int, *name: object) -> int:
        """The length of a code: whether it isn't 0, then what it is more than 1."""
        if not self.bit(length > 0, *name):
            return 0
        return 1 + self.tree(length - 1, 4, *name, "more")
