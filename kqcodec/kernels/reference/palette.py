"""Palettes by arithmetic coding (spec/kq.md, section 14).

Each value is coded as eight bits, the highest first, under a mixture of guesses:
near or exactly what it would be if its entry differed from others as they do among each
other, a step on, a gap. A guess is a mass for each of the values 0..255; its
weight follows, by Bayes' rule, from how well it has guessed so far. Only the last
32 entries are looked at, so that time is linear in K.

A guess is kept as the running sum of its masses: the mass of the values x..y-1 is
``sums[y] - sums[x]``.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    # Green, red, blue and, if there is one, alpha.
    Entry: TypeAlias = "list[int]"
    Guess: TypeAlias = "Sequence[int]"
    # (bit or None, p) -> bit
    CodeBit: TypeAlias = "Callable[[int, int], int]"

GUESSES = 6
WINDOW = 32  # entries of which the nearest are sought
RECENT = 16  # entries that guesses look back at
NEAREST = 4
LATEST = (4, 2, 1, 1)  # what the latest values weigh
BLACK = ([0, 0, 0, 255], [0, 0, 0, 255])  # stand ahead of the first entry
ONE = 1 << 16
KEPT = ONE - ONE // 32  # of the weights; 1/32 is always shared evenly


def decayed(first: int, k: int) -> list[int]:
    """256 masses: each the one before times (2**k - 1) / 2**k, rounded down."""
    masses = [first]
    for _ in range(255):
        masses.append(masses[-1] * ((1 << k) - 1) >> k)
    return masses


def powers(ratio: int) -> list[int]:
    """The powers 0 to 16 of ``ratio`` / 65536, times 65536, each rounded down."""
    found = [ONE]
    for _ in range(16):
        found.append(found[-1] * ratio >> 16)
    return found


def running_sums(masses: Sequence[int]) -> list[int]:
    """257 sums: of none of the masses, of one, of two ..."""
    return list(accumulate(masses, initial=0))


_POINT, _NARROW, _MIDDLE, _BROAD = (
    decayed(16384, 0),
    decayed(5461, 1),
    decayed(2341, 2),
    decayed(529, 4),
)
_WIDE = [2 * (middle + broad) for middle, broad in zip(_MIDDLE, _BROAD, strict=True)]
_SHARP = [sum(masses) for masses in zip(_POINT, _NARROW, _MIDDLE, _BROAD, strict=True)]


def clamped(value: int) -> int:
    """The nearest of 0..255."""
    return min(max(value, 0), 255)


def near(values: Sequence[int], weights: Sequence[int], masses: list[int]) -> Guess:
    """The guess that the value is near one of these, by ``masses`` for each distance."""
    found = [0] * 256
    for value, weight in zip(map(clamped, values), weights, strict=True):
        for v in range(256):
            found[v] += weight * masses[abs(v - value)]
    return running_sums(found)


def exactly(values: Sequence[int]) -> Guess:
    """The guess that the value is one of these."""
    found = [0] * 256
    for value in values:
        found[clamped(value)] += 1
    return running_sums(found)


def gaps(lowest: int, n: int) -> list[Guess]:
    """Guesses of the next of ``n`` ascending values that are spread at random up to 255: as
    far apart as they are evenly, and 3/8 of that."""
    span = 256 - lowest
    guesses: list[Guess] = []
    for ratio in (3 * span * ONE // (3 * span + 8 * n), span * ONE // (span + n)):
        ones = powers(ratio)
        sixteens = powers(ones[16])
        left = [ones[d % 16] * sixteens[d // 16] >> 16 for d in range(span + 1)]
        guesses.append([0] * lowest + [ONE - each for each in left])
    return guesses


def nearest(history: list[Entry], green: int, red: int) -> list[tuple[Entry, int]]:
    """The entries of the nearest hue, each with its weight."""

    def distance(entry: Entry) -> int:
        return 2 * abs((entry[1] - entry[0]) - (red - green)) + abs(entry[0] - green)

    found = sorted(history, key=distance)[:NEAREST]  # of equal ones the latest counts
    return [(entry, 1 + (1 << 24) // (16 + distance(entry)) ** 3) for entry in found]


def guesses_of(history: list[Entry], coded: Entry) -> tuple[list[Guess], list[int]]:
    """The guesses of the value behind those that are coded of its entry, and of each the mass
    of all values, edges of 0..255 not considered. ``history`` has the last entries, the latest
    first. Where there is nothing to guess by, that mass is 0."""
    channel, last, recent = len(coded), history[0], history[:RECENT]
    step = 2 * last[channel] - history[1][channel]
    first: list[int] = []
    more = [entry[channel] for entry in recent]
    if channel == 0:
        weights = LATEST[: len(recent)]
        numbers, first, more = more[: len(weights)], [step], more[:1]
    elif channel == 1:
        first = numbers = [coded[0] + entry[1] - entry[0] for entry in recent]
        step = coded[0] + last[1] - last[0]
        weights = (1,) * len(recent)
    elif channel == 2:
        first = [coded[0] + entry[2] - entry[0] for entry in recent]
        more += [coded[1] + entry[2] - entry[1] for entry in recent]
        step = coded[1] + last[2] - last[1]
        found = nearest(history, coded[0], coded[1])
        numbers = [coded[0] + entry[2] - entry[0] for entry, _ in found]
        weights = tuple(weight for _, weight in found)
    else:
        first, numbers, weights = [255], more, (1,) * len(recent)
    guesses = [near(numbers, weights, _SHARP), near(numbers, weights, _WIDE)]
    guesses += [near([step], [1], _SHARP), exactly(first), exactly(first + more)]
    total = sum(weights) * ONE
    return guesses, [total, total, ONE, len(first), len(first + more)]


class PaletteCoder:
    """Codes the values of one palette, in either direction."""

    def __init__(self, ascending: bool, code_bit: CodeBit) -> None:
        self._ascending = ascending
        self._code_bit = code_bit
        self._history: list[Entry] = list(BLACK)
        # By channel, and whether all channels ahead of it are as in the entry before.
        self._weights = [[[ONE // GUESSES] * GUESSES for _ in range(2)] for _ in range(4)]

    def entry(self, first: bool, n: int, values: Entry) -> Entry:
        """Code an entry, in coding order, the first of ``n`` that are yet to come; returns
        it. A decoder's ``values`` don't matter."""
        history = self._history
        coded: Entry = []
        for channel, value in enumerate(values):
            same = coded == history[0][:channel]
            lowest = history[0][channel] if self._ascending and same and not first else 0
            guesses, totals = guesses_of(history, coded)
            if channel == 0 and self._ascending:
                guesses[:2], totals[:2] = gaps(lowest, n), [ONE, ONE]
            weights = self._weights[channel][same]
            coded.append(self._value(weights, guesses, totals, lowest, value))
        self._history = [coded, *history][:WINDOW]
        return coded

    def _value(
        self, weights: list[int], guesses: list[Guess], totals: list[int], lowest: int, value: int
    ) -> int:
        guesses.append(range(257))  # all values alike
        scales = [
            weight * ((1 << 40) // total) if total else 0
            for weight, total in zip(weights, [*totals, 256], strict=True)
        ]

        def share(x: int, y: int) -> int:
            """How much of 2**32 the mixture gives the values x..y-1."""
            return sum(s * (g[y] - g[x]) for s, g in zip(scales, guesses, strict=True)) >> 24

        start, size = 0, 256
        while size > 1:
            size //= 2
            middle = start + size
            if lowest >= middle:  # nothing in the lower half is allowed
                start = middle
                continue
            upper, both = share(middle, middle + size), share(max(start, lowest), middle + size)
            p = min(max(upper * ONE // both, 1), ONE - 1)
            if self._code_bit(value >> (size.bit_length() - 1) & 1, p):
                start = middle
        shares = [
            scale * (sums[start + 1] - sums[start]) >> 24
            for scale, sums in zip(scales, guesses, strict=True)
        ]
        kept = (KEPT << 32) // sum(shares)
        weights[:] = [(share * kept >> 32) + (ONE - KEPT) // GUESSES for share in shares]
        return start


def entries_of_plain(plain: Buffer, k: int) -> list[Entry]:
    """The entries, in coding order, of a plain palette: red, green and blue of each
    of them, then, where there is alpha, that of each."""
    data = bytes(plain)
    return [
        [data[3 * i + 1], data[3 * i], data[3 * i + 2], *data[3 * k + i : 3 * k + i + 1]]
        for i in range(k)
    ]


def plain_of_entries(entries: list[Entry]) -> bytes:
    """The inverse."""
    colors = bytes(value for green, red, blue, *_ in entries for value in (red, green, blue))
    return colors + bytes(alpha for entry in entries for alpha in entry[3:])


def encode_palette(plain: Buffer, k: int, ascending: bool, capacity: int) -> bytes | None:
    encoder = RangeEncoder()

    def code_bit(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    code_bit(int(ascending), ONE // 2)
    coder = PaletteCoder(ascending, code_bit)
    for index, entry in enumerate(entries_of_plain(plain, k)):
        coder.entry(index == 0, k - index, entry)
    return encoder.finish(capacity)


def decode_palette(payload: Buffer, k: int, channels: int) -> bytes | None:
    decoder = RangeDecoder(payload)

    def code_bit(_: int, p: int) -> int:
        return decoder.decode(p)

    coder = PaletteCoder(bool(code_bit(0, ONE // 2)), code_bit)
    entries = [coder.entry(index == 0, k - index, [0] * channels) for index in range(k)]
    return plain_of_entries(entries) if decoder.valid else None
