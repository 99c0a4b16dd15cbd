"""Section 17 of kq.md: the labels of a tile by the coder tokens.

The last part of decode.py, which itself takes a payload apart and checks the end of its
front. Written like the rest: from kq.md alone, in its order, each comment that starts with a
number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

# 17.5, its table: "| 0 to 5 | W, WW, NW, N, NE, NN |"
ESCAPE, RUN_W, RUN_N, COPY_ABOVE, COPY_LAST, COPY, FLAT = range(6, 13)

# 17.12: "There are five codes of values, each with 48 symbols: lengths of runs W, of runs N, of
# copies, rows, columns."
LENGTH_W, LENGTH_N, LENGTH_OF_COPY, ROWS, COLUMNS = range(5)
VALUES = 48

# By its length and its bits the symbol of each code.
Code = dict[tuple[int, int], int]


class Broken(Exception):  # noqa: N818 - decode.py makes Refused of it
    """What a payload breaks: a rule's number, and how, in words that follow "tile 3"."""

    def __init__(self, rule: str, how: str) -> None:
        """Keep both."""
        super().__init__(rule, how)
        self.rule = rule
        self.how = how


class State(NamedTuple):
    """A state of a table: its token, and what the next state is made of."""

    token: int
    bits: int
    base: int


class Front(NamedTuple):
    """The tables by which streams are decoded."""

    l: int  # noqa: E741 - the L of rule 17.7
    contexts: dict[tuple[int, int], int]  # kind and pattern: the number of a table
    tables: list[list[State]]
    intervals: tuple[list[int], list[int]]  # by the symbols of W, and of N
    pairs: dict[tuple[int, int], int]  # the intervals of W and N: the number of a code
    escapes: list[Code]
    values: list[Code]


# ── 17.6 to 17.13: the front ────────────────────────────────────────────────


class LearningBits:
    """The bits of a front, or of a list of numbers; one that learns has any name."""

    def __init__(self, next_bit: Callable[[int], int]) -> None:
        """Start with nothing learnt."""
        self.next_bit = next_bit
        self.learnt: dict[tuple[object, ...], tuple[int, int]] = {}

    def bit(self, *name: object) -> int:
        """Return the next bit, which is the one of this name that learns."""
        # 17.6: "A bit that learns has p and n; at the start 32768 and 0. It is coded with p, and
        # when the bit b is known,"
        p, n = self.learnt.get(name, (32768, 0))
        b = self.next_bit(p)

        # 17.6: "p = p + floor((a − p)·floor(131072 / (2·n + 3)) / 65536), a = 65504 if b is 1,
        # else 32"
        # 17.6: "and n grows by 1 if it is less than 31."
        a = 65504 if b else 32
        p += (a - p) * (131072 // (2 * n + 3)) // 65536
        self.learnt[name] = p, min(n + 1, 31)
        return b

    def even(self, c: int) -> int:
        """Return an even number of c bits."""
        # 17.6: "Its bits are *even*, with p = 32768, or they learn."
        # 17.6: "An *even number* of c bits has the most significant first."
        number = 0
        for _ in range(c):
            number = 2 * number + self.next_bit(32768)
        return number

    def tree(self, c: int, *name: object) -> int:
        """Return a number by a tree of c bits."""
        # 17.6: "A *tree* of c bits codes a number in the same order; each of its bits is the bit
        # that learns which stands for those before it, of 2^c − 1 in all."
        before = 1
        for _ in range(c):
            before = 2 * before + self.bit(*name, before)
        return before - (1 << c)

    def number(self, c: int, *name: object) -> int:
        """Return a number of rule 17.9, in which m is by a tree of c bits."""
        # 17.9: "A number v is coded so: m, the bits of v + 1 less 1, by a tree of four bits; then
        # the bits of v + 1 but the most significant, from there on. The first of them is one that
        # learns by m, the second one that learns by m and the first, the others are even."
        m = self.tree(c, *name, "m")
        found = 1
        for i in range(m):
            if i < 2:
                found = 2 * found + self.bit(*name, "bit", m, found)
            else:
                found = 2 * found + self.even(1)
        return found - 1

    def length(self, *name: object) -> int:
        """Return the length of a code."""
        # 17.11: "a bit, whether it isn't 0, and if so a tree of four bits for the length less 1."
        return 1 + self.tree(4, *name, "tree") if self.bit(*name) else 0


def bits_below(count: int) -> int:
    """Return ceil(log2 count)."""
    return (count - 1).bit_length()


def read_front(next_bit: Callable[[int], int], bands: bool, symbols: int, labels: int) -> Front:
    """Read the front of a tile of so many labels, for so many symbols of labels."""
    reader = LearningBits(next_bit)

    # 17.7: "L − 5, an even number of two bits; there are 2^L states."
    # 17.7: "The number of tables less 1, an even number of five bits."
    l = 5 + reader.even(2)  # noqa: E741
    count = 1 + reader.even(5)

    # 17.7: "Which table each context has (17.8), and the states of each table (17.9)."
    contexts = read_contexts(reader, bands, count)

    # 17.5: "In bands there are the tokens 0 to 6 alone."
    shares = read_states(reader, 7 if bands else 13, l, count)

    # 17.7: "G, the number of tables of escapes, an even number of six bits; at most 32, and at
    # most 1 + floor(n / 512), n being the number of the tile's labels."
    g = reader.even(6)
    if g > min(32, 1 + labels // 512):
        raise Broken("17.7", f"has {g} tables of escapes")

    # 17.7: "If it is 0, no table has states for escapes, and 5 isn't there."
    if g == 0 and any(share[ESCAPE] for share in shares):
        raise Broken("17.7", "has escapes, and no table of them")
    intervals = [0] * symbols, [0] * symbols
    pairs = {(0, 0): 0}
    escapes: list[Code] = []
    if g > 0:
        # 17.7: "B − 4, an even number of three bits; B is at most 10. Then, if G is over 1, which
        # table each escape has (17.10), and the lengths of their codes (17.11)."
        b = 4 + reader.even(3)
        if b > 10:
            raise Broken("17.7", f"has codes of up to {b} bits")
        if g > 1:
            intervals, pairs = read_pairs(reader, symbols, g)
        escapes = [code_of(lengths, b) for lengths in read_lengths(reader, symbols, g)]

    # 17.7: "In one stream, the lengths of the codes of values (17.12)."
    values = [] if bands else [code_of(read_values(reader, code), 9) for code in range(5)]
    tables = [states_of(share, l) for share in shares]
    return Front(l, contexts, tables, intervals, pairs, escapes, values)


def is_possible(pattern: int) -> bool:
    """Return whether labels can have such a pattern."""
    # 17.4: "of the bits 1, 2 and 4 not just two are 1, nor of 2, 3 and 5."
    one = [pattern >> bit & 1 for bit in range(7)]
    return one[1] + one[2] + one[4] != 2 and one[2] + one[3] + one[5] != 2


def read_contexts(reader: LearningBits, bands: bool, count: int) -> dict[tuple[int, int], int]:
    """Read which of so many tables each context has."""
    # 17.8: "for the kinds 0 to 3 (in bands for 0), for all possible patterns, ascending:"
    contexts: dict[tuple[int, int], int] = {}
    for kind in range(1 if bands else 4):
        table, was_same = 0, 0
        for pattern in filter(is_possible, range(128)):
            # 17.8: "If there is one table, all have it and nothing is coded."
            if count == 1:
                contexts[kind, pattern] = 0
                continue

            # 17.8: "For the kinds over 0: a bit, whether the table is that of the same pattern in
            # the kind before. There is one that learns for the kind 1 and one for 2 and 3. If it
            # is 1, that is the table."
            if kind > 0 and reader.bit("as the kind before", kind > 1):
                table = contexts[kind - 1, pattern]
            else:
                # 17.8: "Otherwise a bit, whether it is the table that the last pattern of this
                # kind got, 0 for the first. Of two that learn it is the one by what this bit was
                # last in this kind, at first 0."
                was_same = reader.bit("as the last pattern", was_same)
                if not was_same:
                    # 17.8: "If that is 0, the table by a tree of ceil(log2 of the number of
                    # tables) bits. It is less than the number of tables."
                    table = reader.tree(bits_below(count), "table")
                    if table >= count:
                        raise Broken("17.8", f"has {count} tables and asks for table {table}")
            contexts[kind, pattern] = table
    return contexts


def read_states(reader: LearningBits, tokens: int, l: int, count: int) -> list[list[int]]:  # noqa: E741
    """Read how many states each of so many tokens has in so many tables."""
    shares = []
    for _ in range(count):
        # 17.9: "if all 2^L states are given, the token gets none, if it is the last token, the
        # rest, and nothing is coded."
        left = 2**l
        share = []
        for token in range(tokens):
            if left == 0:
                states = 0
            elif token == tokens - 1:
                states = left

            # 17.9: "Otherwise a bit, one that learns for each token, whether it gets any; and if
            # so, their number less 1 as a *number*, which has bits of its own for each token."
            elif reader.bit("gets states", token):
                states = 1 + reader.number(4, "states", token)
            else:
                states = 0

            # 17.9: "More than are left is invalid."
            if states > left:
                raise Broken("17.9", f"has a table of over {2**l} states")
            left -= states
            share.append(states)
        shares.append(share)
    return shares


def states_of(share: list[int], l: int) -> list[State]:  # noqa: E741
    """Return the states of a table in which each token has so many."""
    # 17.14: "begin with state 0; for each token, ascending, and as often as it has states, this
    # state is the token's, and the next one is (state + 5·2^L / 8 + 3) mod 2^L."
    tokens = [0] * 2**l
    state = 0
    for token, c in enumerate(share):
        for _ in range(c):
            tokens[state] = token
            state = (state + 5 * 2**l // 8 + 3) % 2**l

    # 17.14: "Let a token have c states. These, ascending, have x = c, c + 1 … 2·c − 1, and"
    states = []
    next_x = list(share)
    for token in tokens:
        x = next_x[token]
        next_x[token] += 1

        # 17.14: "bits = L − floor(log2 x) base = x·2^bits − 2^L"
        bits = l - (x.bit_length() - 1)
        states.append(State(token, bits, x * 2**bits - 2**l))
    return states


def read_pairs(
    reader: LearningBits, symbols: int, g: int
) -> tuple[tuple[list[int], list[int]], dict[tuple[int, int], int]]:
    """Read the intervals of W and N, and which of g tables each pair of them has."""
    # 17.10: "First the symbols of W, then those of N, are cut into intervals. Symbol 0 is in
    # interval 0; for each other a bit, whether it begins the next interval. It learns by what it
    # was for the symbol before, at first 0, and apart for W and N."
    intervals: tuple[list[int], list[int]] = [0], [0]
    for side, interval in zip("WN", intervals, strict=True):
        begins = 0
        for _ in range(1, symbols):
            begins = reader.bit("begins", side, begins)
            interval.append(interval[-1] + begins)

            # 17.10: "There are at most 32 intervals of each."
            if interval[-1] == 32:
                raise Broken("17.10", f"has over 32 intervals of {side}")

    # 17.10: "Then, for each interval of W, for each of N, which table the pair has: a bit that
    # learns, whether that of the interval of N before, and of the first that of the interval of W
    # before;"
    # 17.10: "Where there is no interval of W before, its table counts as 0."
    pairs: dict[tuple[int, int], int] = {}
    for w in range(intervals[0][-1] + 1):
        for n in range(intervals[1][-1] + 1):
            above = pairs.get((w - 1, n), 0)
            table = pairs[w, n - 1] if n > 0 else above
            if not reader.bit("as N before"):
                # 17.10: "if not, and that of the interval of W before is another, a second bit
                # that learns, whether it is that; if not, a tree of ceil(log2 G) bits, whose
                # number is less than G."
                if above != table and reader.bit("as W before"):
                    table = above
                else:
                    table = reader.tree(bits_below(g), "escapes")
                if table >= g:
                    raise Broken("17.10", f"has {g} tables of escapes and asks for table {table}")
            pairs[w, n] = table
    return intervals, pairs


def read_lengths(reader: LearningBits, symbols: int, g: int) -> list[list[int]]:
    """Read the lengths of the codes of escapes, of each of g tables."""

    # 17.11: "a is 5 in the first table, else by the length that the same symbol has in the table
    # before: 0 for 0, 1 for 1 to 4, 2 for 5 and 6, 3 for 7 and 8, 4 for more."
    def class_of(length: int) -> int:
        return sum(length >= least for least in (1, 5, 7, 9))

    # 17.11: "b is by the lengths of the two symbols before, those over 10 taken as 10 and those
    # that aren't there as 0: if neither is 0, half their sum, rounded up; if one is 0, 1, or 2 if
    # the other is over 4; if both are, 0."
    def beside(lengths: list[int]) -> int:
        x, y = (min(length, 10) for length in [0, 0, *lengths][-2:])
        if x > 0 and y > 0:
            return (x + y + 1) // 2
        if x == y == 0:
            return 0
        return 2 if x + y > 4 else 1

    tables: list[list[int]] = []
    for table in range(g):
        lengths: list[int] = []
        for symbol in range(symbols):
            a = class_of(tables[-1][symbol]) if table > 0 else 5
            lengths.append(reader.length("escape", a, beside(lengths)))
        tables.append(lengths)
    return tables


def read_values(reader: LearningBits, code: int) -> list[int]:
    """Read the lengths of one code of values."""
    # 17.12: "For each one the number c of symbols, an even number of six bits, at most 48; then
    # the lengths of the codes of the symbols 0 to c − 1 as in rule 17.11, but by whether the
    # length of the symbol before is 0 (as for the first) or not, and with new bits for each code.
    # The others are 0."
    c = reader.even(6)
    if c > VALUES:
        raise Broken("17.12", f"has a code of {c} values")
    lengths: list[int] = []
    for _ in range(c):
        lengths.append(reader.length("value", code, any(lengths[-1:])))
    return lengths + [0] * (VALUES - c)


def code_of(lengths: list[int], most: int) -> Code:
    """Return the codes of symbols by their lengths."""
    # 17.13: "No length is over B, of values over 9."
    if max(lengths) > most:
        raise Broken("17.13", f"has a code of {max(lengths)} bits, where {most} are the most")

    # 17.13: "or one symbol has the length 1 and all others 0: it takes no bits; or all lengths are
    # 0: that is symbol 0, which takes no bits."
    if sum(lengths) < 2:
        return {(0, 0): lengths.index(max(lengths))}

    # 17.13: "Either the codes use up all there are, Σ 2^(−length) = 1;"
    # 17.13: "All other lengths are invalid."
    if sum(2 ** (most - length) for length in lengths if length > 0) != 2**most:
        raise Broken("17.13", "has a code that isn't complete")

    # 17.13: "Symbols whose length isn't 0 have the codes that follow from the lengths: those of
    # the shorter ones first, of equal ones that of the lower symbol, each the number after the
    # one before, which is extended by zeros to its length."
    code: Code = {}
    last, number = 0, -1
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths)):
        if length > 0:
            number = (number + 1) * 2 ** (length - last)
            last = length
            code[length, number] = symbol
    return code


# ── 17.14 to 17.17: streams ─────────────────────────────────────────────────


class Stream:
    """The bits of a stream."""

    def __init__(self, data: bytes) -> None:
        """Start before the first bit."""
        self.data = data
        self.position = 0

    def take(self, c: int) -> int:
        """Return a number of c bits."""
        # 17.14: "the bits of a stream begin with the least significant of each byte, and numbers
        # with their least significant bit;"
        start, stop = self.position, self.position + c
        if stop > 8 * len(self.data):
            raise Broken("17.14", "has a stream that ends before its labels do")
        self.position = stop
        whole_bytes = self.data[start // 8 : (stop + 7) // 8]
        return int.from_bytes(whole_bytes, "little") >> start % 8 & (1 << c) - 1

    def symbol(self, code: Code) -> int:
        """Return the symbol whose code is next."""
        # 17.14: "codes begin with their most significant bit."
        length = number = 0
        while (length, number) not in code:
            length, number = length + 1, 2 * number + self.take(1)
        return code[length, number]

    def value(self, code: Code) -> int:
        """Return the value whose code is next."""
        # 17.14: "A value: the code of its symbol v. If that is under 4 it is the value; otherwise
        # a number of e = floor(v / 2) − 1 bits follows, and the value is that plus (2 + v mod
        # 2)·2^e."
        v = self.symbol(code)
        if v < 4:
            return v
        e = v // 2 - 1
        return self.take(e) + (2 + v % 2 << e)


class Band:
    """The labels of one stream: of a tile, or of a band of it."""

    def __init__(self, front: Front, stream: Stream, k: int, width: int) -> None:
        """Start before the first label."""
        self.front, self.stream, self.k = front, stream, k
        self.width = width

        # 17.3: "With z the least number for which floor((K − 1) / 2^z) is under 256, the *symbol*
        # of a label is floor(label / 2^z)"
        self.z = max(0, (k - 1).bit_length() - 8)

        # 17.4: "With s = max(w, 2), the neighbours of X(i) are"
        self.s = max(width, 2)
        self.labels: list[int] = []

        # 17.16: "There is none before the first copy, and who then asks for the last one is
        # invalid."
        self.kept: dict[int, int] = {}
        self.last = 0

    def x(self, i: int) -> int:
        """Return a label."""
        # 17.4: "all before X(0) are taken to be 0."
        return self.labels[i] if i >= 0 else 0

    def decode(self, count: int) -> list[int]:
        """Return so many labels."""
        # 17.14: "A stream begins with the *state*, a number of L bits. Then, until there are all
        # labels: the token is that of the state in the table of its context; the state becomes
        # its base plus a number of so many bits; what the token needs follows."
        state = self.stream.take(self.front.l)
        kind = 0
        while len(self.labels) < count:
            table = self.front.tables[self.front.contexts[kind, self.pattern()]]
            token, bits, base = table[state]
            state = base + self.stream.take(bits)
            self.labels += self.labels_of(token, count - len(self.labels))

            # 17.5: "The *kind* of a token is what was before it: 0 at the beginning and after the
            # tokens 0 to 6 and 12, 1 after a run W, 2 after a run N, 3 after a copy."
            kind = {RUN_W: 1, RUN_N: 2, COPY_ABOVE: 3, COPY_LAST: 3, COPY: 3}.get(token, 0)

        # 17.14: "At the end the state is 0, fewer than eight bits are left of the stream, and
        # these are 0."
        left = 8 * len(self.stream.data) - self.stream.position
        if state != 0 or left >= 8 or self.stream.take(left) != 0:
            raise Broken("17.14", "has a stream that doesn't end as an encoder ends it")
        return self.labels

    def neighbours(self) -> list[int]:
        """Return the neighbours of the next label, in the order of their tokens."""
        # 17.4: "W = X(i − 1) WW = X(i − 2) N = X(i − s) NW = X(i − s − 1) NE = X(i − s + 1) NN =
        # X(i − 2·s)"
        i, s = len(self.labels), self.s
        return [self.x(j) for j in (i - 1, i - 2, i - s - 1, i - s, i - s + 1, i - 2 * s)]

    def pattern(self) -> int:
        """Return the pattern of the next label."""
        # 17.4, its table: "| 1 if | WW = W | NW = W | N = W | NE = W | NW = N | NE = N | NN = N |"
        w, ww, nw, n, ne, nn = self.neighbours()
        pairs = ((ww, w), (nw, w), (n, w), (ne, w), (nw, n), (ne, n), (nn, n))
        return sum(2**bit for bit, (one, other) in enumerate(pairs) if one == other)

    def labels_of(self, token: int, left: int) -> list[int]:
        """Return the labels of the next token, of so many that are left."""
        neighbours = self.neighbours()
        if token < ESCAPE:
            return [neighbours[token]]
        if token == ESCAPE:
            return [self.escape(neighbours[0], neighbours[3])]
        if token == FLAT:
            return self.flat(neighbours[0], left)
        if token == RUN_W:
            return self.copy(1, self.length(LENGTH_W, left))
        if token == RUN_N:
            return self.copy(self.s, self.length(LENGTH_N, left))

        # 17.16: "At the first of the labels d is at least 1 and at most i."
        i, d = len(self.labels), self.displacement(token)
        if not 1 <= d <= i:
            raise Broken("17.16", f"copies label {i} from {d} before it")
        length = self.length(LENGTH_OF_COPY, left)

        # 17.16: "A displacement is *kept* in each group of eight labels, 8·g to 8·g + 7, of which
        # a copy has made one or more, until another copy does; it is also the last one."
        self.last = d
        for group in range(i // 8, (i + length - 1) // 8 + 1):
            self.kept[group] = d
        return self.copy(d, length)

    def escape(self, w: int, n: int) -> int:
        """Return the label that follows an escape."""
        # 17.14: "An escape: the code of a symbol in the table that W's and N's symbols have; and
        # a number of z bits. The label is symbol·2^z + that number, and less than K."
        of_w, of_n = self.front.intervals
        table = self.front.pairs[of_w[w >> self.z], of_n[n >> self.z]]
        label = self.stream.symbol(self.front.escapes[table]) << self.z
        label += self.stream.take(self.z)
        if label >= self.k:
            raise Broken("17.14", f"has the label {label}, and K is {self.k}")
        return label

    def length(self, code: int, left: int) -> int:
        """Return a length."""
        # 17.15: "A length is a value plus 1. There are as many labels left."
        length = 1 + self.stream.value(self.front.values[code])
        if length > left:
            raise Broken("17.15", f"has {left} labels left, and not {length}")
        return length

    def displacement(self, token: int) -> int:
        """Return the displacement of a copy."""
        i = len(self.labels)
        if token == COPY:
            # 17.16: "Of a copy (11) the value for rows, r, comes first, the value for columns, c,
            # second, the length last:"
            r = self.stream.value(self.front.values[ROWS])
            c = self.stream.value(self.front.values[COLUMNS])

            # 17.16: "d = r·w + c / 2 if c is even, d = r·w − (c + 1) / 2 if it is odd"
            return r * self.width + (c // 2 if c % 2 == 0 else -(c + 1) // 2)

        # 17.16: "A copy above (9) has the one kept in the group of X(i − s), or the last one if i
        # is less than s or that group has none."
        if token == COPY_ABOVE and i >= self.s:
            return self.kept.get((i - self.s) // 8, self.last)
        return self.last

    def copy(self, d: int, count: int) -> list[int]:
        """Return so many labels, each the one d before it."""
        # 17.16: "each label is the one d before it: X(i) = X(i − d), one after the other, so that
        # a copy may overlap with itself."
        i = len(self.labels)
        copied: list[int] = []
        for j in range(count):
            copied.append(copied[j - d] if j >= d else self.x(i + j - d))
        return copied

    def flat(self, w: int, left: int) -> list[int]:
        """Return the labels of a token flat."""
        # 17.17: "W from X(i) on, as long as NE is W, at most s − 1 labels, and no more than are
        # left. It isn't none."
        i, count = len(self.labels), 0
        while count < min(self.s - 1, left) and self.x(i + count - self.s + 1) == w:
            count += 1
        if count == 0:
            raise Broken("17.17", "has a token flat for no label")
        return [w] * count


def decode_streams(front: Front, streams: list[bytes], k: int, size: tuple[int, int]) -> list[int]:
    """Return the labels of a tile, as places, from its stream or its bands'."""
    # 17.18: "Band 0 are the first floor(h / 3) rows of a tile of h rows, band 1 as many, band 2
    # the others. Each is decoded as a tile by itself, with its own stream and the same tables; the
    # first has the labels 0 before it, and so have the others."
    width, height = size
    rows = height // len(streams)
    labels = []
    for band, data in enumerate(streams):
        is_last = band == len(streams) - 1
        count = (height - band * rows if is_last else rows) * width
        labels += Band(front, Stream(data), k, width).decode(count)
    return labels
