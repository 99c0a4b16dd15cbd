"""The streams of the coder `tokens` (spec/kq.md, rules 17.14 to 17.17): tokens as states of an
asymmetric numeral system, prefix codes, and bits as they are.

J. Duda, "Asymmetric numeral systems", arXiv:1311.2540, 2013; Yann Collet's tANS, FSE. A stream is
read forwards, and so written from its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitarray import bitarray
from bitarray.util import ba2int, int2ba, zeros

from kqcodec.kernels.reference.tokens_codes import (
    Code,
    InvalidTokensError,
    codes_of,
    states_of_tokens,
    tokens_of_states,
    value_extra,
    value_least,
    value_symbol,
)
from kqcodec.kernels.reference.tokens_front import (
    COPIES,
    KIND_AFTER,
    VALUE_BITS,
    Token,
    Value,
    low_bits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.kernels.reference.tokens_front import Front
    from kqcodec.kernels.reference.tokens_survey import Survey
    from kqcodec.kernels.reference.tokens_way import Step


class Tables:
    """The codes of a front.

    Raises:
        InvalidTokensError: One of them isn't complete.
    """

    def __init__(self, front: Front) -> None:
        self._front = front
        self.state_bits = front.state_bits
        self.counts = front.counts[: front.tables]
        lengths = front.lengths[: front.escape_tables]
        self.escapes = [codes_of(of_table, front.escape_bits) for of_table in lengths]
        self.values = [codes_of(of_code, VALUE_BITS) for of_code in front.values]

    def table(self, kind: int, pattern: int) -> int:
        """The table of a context."""
        return self._front.map[kind][pattern]

    def escape(self, w: int, n: int) -> int:
        """The table of an escape between the symbols of W and N."""
        of_w, of_n = self._front.intervals
        return self._front.cells[of_w[w]][of_n[n]]


# --- writing ---------------------------------------------------------------------------------


def _number(value: int, bits: int) -> bitarray:
    return int2ba(value, bits, endian="little") if bits else bitarray()


def _code(code: Code) -> bitarray:
    return int2ba(code.bits, code.length, endian="big") if code.length else bitarray()


def write_stream(tables: Tables, survey: Survey, steps: Sequence[Step]) -> bytes:
    """The stream of these tokens."""
    places = [states_of_tokens(counts, tables.state_bits) for counts in tables.counts]
    first = 1 << tables.state_bits
    state = first
    pieces = []  # from the last one on
    for step in reversed(steps):
        # Of x and the token's c states, c <= x < 2 c, the state gives away the lower bits.
        states = places[tables.table(step.kind, int(survey.pattern[step.place]))][step.token]
        count = state.bit_length() - len(states).bit_length()
        count -= state >> count < len(states)
        piece = _number(state & (1 << count) - 1, count)
        state = first + states[(state >> count) - len(states)]
        if step.token == Token.ESCAPE:
            at = step.place
            label, low = int(survey.labels[at]), survey.low
            table = tables.escape(int(survey.w[at]) >> low, int(survey.n[at]) >> low)
            piece += _code(tables.escapes[table][label >> low])
            piece += _number(label & (1 << low) - 1, low)
        for code, value in step.values(survey.width):
            symbol = value_symbol(value)
            piece += _code(tables.values[code][symbol])
            piece += _number(value - value_least(symbol), value_extra(symbol))
        pieces.append(piece)
    stream = bitarray(endian="little")
    stream += _number(state - first, tables.state_bits)
    for piece in reversed(pieces):
        stream += piece
    return stream.tobytes()


# --- reading ---------------------------------------------------------------------------------


def _demand(valid: bool) -> None:
    if not valid:
        raise InvalidTokensError


class _Bits:
    """The bits of a stream; reading past its end is invalid."""

    def __init__(self, data: bytes) -> None:
        self._bits = bitarray(endian="little")
        self._bits.frombytes(data)
        self._position = 0

    def number(self, count: int) -> int:
        start, self._position = self._position, self._position + count
        _demand(self._position <= len(self._bits))
        return ba2int(self._bits[start : self._position]) if count else 0

    def symbol(self, symbols: dict[Code, int]) -> int:
        bits = length = 0
        while (symbol := symbols.get(Code(bits, length))) is None:
            bits, length = bits << 1 | self.number(1), length + 1
        return symbol

    def done(self) -> bool:
        """Whether nothing but the zeros of a last byte is left."""
        left = self._bits[self._position :]
        return len(left) < 8 and left == zeros(len(left))


class _Labels:
    """The labels of a tile, or a band of one, as they are decoded."""

    def __init__(self, tables: Tables, data: bytes, k: int, width: int) -> None:
        self._tables, self._bits = tables, _Bits(data)
        self._k, self._low = k, low_bits(k)
        self._width, self._stride = width, max(width, 2)
        self._margin = 2 * self._stride
        self._labels = [0] * self._margin
        self._kept: dict[int, int] = {}  # displacements, by groups of eight labels
        self._last = 0
        self._escapes = [{c: s for s, c in codes.items()} for codes in tables.escapes]
        self._values = [{c: s for s, c in codes.items()} for codes in tables.values]

    def read(self, count: int) -> list[int]:
        """So many labels."""
        state_bits = self._tables.state_bits
        states = []
        for counts in self._tables.counts:
            next_x = list(counts)
            of_table = []
            for token in tokens_of_states(counts, state_bits):
                x = next_x[token]
                next_x[token] += 1
                bits = state_bits + 1 - x.bit_length()
                of_table.append((token, bits, (x << bits) - (1 << state_bits)))
            states.append(of_table)
        state, kind = self._bits.number(state_bits), 0
        end = self._margin + count
        while len(self._labels) < end:
            w, ww, nw, n, ne, nn = near = self._neighbors()
            pairs = (ww == w, nw == w, n == w, ne == w, nw == n, ne == n, nn == n)
            pattern = sum(equal << bit for bit, equal in enumerate(pairs))
            token, bits, base = states[self._tables.table(kind, pattern)][state]
            state = base + self._bits.number(bits)
            if token < Token.ESCAPE:
                self._labels.append(near[token])
            elif token == Token.ESCAPE:
                self._labels.append(self._escape(w, n))
            else:
                self._several(token, end - len(self._labels))
            kind = KIND_AFTER[token]
        _demand(state == 0 and self._bits.done())
        return self._labels[self._margin :]

    def _neighbors(self) -> list[int]:
        """In the order of their tokens."""
        s = self._stride
        return [self._labels[-distance] for distance in (1, 2, s + 1, s, s - 1, 2 * s)]

    def _escape(self, w: int, n: int) -> int:
        table = self._tables.escape(w >> self._low, n >> self._low)
        symbol = self._bits.symbol(self._escapes[table])
        label = symbol << self._low | self._bits.number(self._low)
        _demand(label < self._k)
        return label

    def _value(self, code: Value) -> int:
        symbol = self._bits.symbol(self._values[code])
        return value_least(symbol) + self._bits.number(value_extra(symbol))

    def _several(self, token: int, left: int) -> None:
        if token == Token.FLAT:
            label, most = self._labels[-1], min(left, self._stride - 1)
            _demand(self._labels[1 - self._stride] == label)
            while most and self._labels[1 - self._stride] == label:
                self._labels.append(label)
                most -= 1
            return
        place = len(self._labels) - self._margin
        code, distance = Value.COPY, 0
        if token == Token.RUN_W:
            code, distance = Value.RUN_W, 1
        elif token == Token.RUN_N:
            code, distance = Value.RUN_N, self._stride
        else:
            distance = self._displacement(token, place)
            _demand(1 <= distance <= place)
        length = self._value(code) + 1
        _demand(length <= left)
        for _ in range(length):
            self._labels.append(self._labels[-distance])
        if token in COPIES:
            self._last = distance
            groups = range(place >> 3, (place + length - 1 >> 3) + 1)
            self._kept |= dict.fromkeys(groups, distance)

    def _displacement(self, token: int, place: int) -> int:
        if token == Token.COPY:
            # Rows upwards, and columns: 0, -1, 1, -2, 2 .. to the left.
            rows = self._value(Value.ROWS)
            columns = self._value(Value.COLUMNS)
            return rows * self._width + (columns >> 1 ^ -(columns & 1))
        if token == Token.COPY_ABOVE and place >= self._stride:
            return self._kept.get((place - self._stride) >> 3, self._last)
        return self._last


def read_stream(tables: Tables, data: bytes, k: int, width: int, count: int) -> list[int]:
    """So many labels, as places.

    Raises:
        InvalidTokensError: The stream is none of theirs.
    """
    return _Labels(tables, data, k, width).read(count)
