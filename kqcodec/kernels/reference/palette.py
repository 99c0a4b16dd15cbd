"""Palettes by arithmetic coding (spec/kq.md, section 14).

Each value is coded as eight bits, the highest first, under a mixture of guesses:
the same as in the entry before, a grey, a step on, the differences between the
channels of entries like it. A guess is a mass for each of the values 0..255; its
weight follows, by Bayes' rule, from how well it has guessed so far. Only the last
32 entries are looked at, so that time is linear in K.

A guess is kept as the running sum of its masses: the mass of the values x..y-1 is
``sums[y] - sums[x]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from kqcodec.kernels.reference.palette_priors import ALPHA, BLUE, GREEN_ASCENDING, GREEN_KEPT, RED
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from typing_extensions import Buffer

    # Green, red, blue and, if there is one, alpha.
    Entry: TypeAlias = "list[int]"
    Guess: TypeAlias = "Sequence[int]"
    # (bit or None, p) -> bit
    CodeBit: TypeAlias = "Callable[[int, int], int]"

WINDOW = 32
BLACK = ([0, 0, 0, 255], [0, 0, 0, 255])  # stand ahead of the first entry
ONE = 1 << 16
KEPT = ONE - ONE // 32  # of the weights; 1/32 is always that of the start
EVEN = list(range(257))  # the guess that all values are alike


def decayed(first: int, k: int) -> list[int]:
    """256 masses: each the one before times (2**k - 1) / 2**k, rounded down."""
    masses = [first]
    for _ in range(255):
        masses.append(masses[-1] * ((1 << k) - 1) >> k)
    return masses


def running_sums(masses: Sequence[int]) -> list[int]:
    """257 sums: of none of the masses, of one, of two ..."""
    sums = [0]
    for mass in masses:
        sums.append(sums[-1] + mass)
    return sums


_DECAYED = [decayed(ONE, k) for k in range(6)]


def clamped(value: int) -> int:
    """The nearest of 0..255."""
    return min(max(value, 0), 255)


def near(value: int, *widths: int) -> list[Guess]:
    """Guesses that the value is this one or, by each width, near it."""
    center = clamped(value)
    return [running_sums([_DECAYED[k][abs(v - center)] for v in range(256)]) for k in widths]


def among(values: Sequence[int], weights: Sequence[int], *widths: int) -> list[Guess]:
    """Guesses that the value is one of these or, by each width, near one."""
    heaped = [0] * 256
    for value, weight in zip(values, weights, strict=True):
        heaped[clamped(value)] += weight
    return [running_sums(_spread(heaped, k)) for k in widths]


def _spread(heaped: list[int], k: int) -> list[int]:
    """Each mass with those of the values on both sides, which decay with distance."""
    if k == 0:
        return heaped
    factor = (1 << k) - 1
    masses = []
    from_below = from_above = 0
    for mass in heaped:
        from_below = mass + (from_below * factor >> k)
        masses.append(from_below)
    for v in range(255, -1, -1):
        masses[v] += from_above * factor >> k
        from_above = heaped[v] + (from_above * factor >> k)
    return masses


def gaps(lowest: int, left: int) -> list[Guess]:
    """Guesses of the next of ``left`` ascending values that are spread at random up
    to 255, and more or less densely to begin with."""
    guesses: list[Guess] = []
    for factor in (1, 2, 4, 8, 16):
        span = (256 - lowest) * factor
        ratio = span * ONE // (span + 4 * (left + 1))
        masses = [0] * lowest + [ONE]
        while len(masses) < 256:
            masses.append(masses[-1] * ratio >> 16)
        guesses.append(running_sums(masses))
    return guesses


def guesses_of_green(history: list[Entry], left: int, ascending: bool) -> list[Guess]:
    """``history`` has the last entries, the latest first; ``left`` are yet to come."""
    last = history[0][0]
    step = last - history[1][0]
    if ascending:
        return [*gaps(last, left), *near(last + step, 0, 1), EVEN]
    weights = [ONE // (8 + age) for age in range(len(history))]
    values = [entry[0] for entry in history]
    return [
        *near(last, 0, 2, 4),
        *near(last + step, 0, 1),
        *among(values, weights, 0, 2, 4),
        EVEN,
    ]


def guesses_of_red(history: list[Entry], green: int) -> list[Guess]:
    """Red lies near green, and off it as in other entries of much the same green."""
    last = history[0]
    weights = [ONE // (8 + age + abs(entry[0] - green)) for age, entry in enumerate(history)]
    differences = [green + entry[1] - entry[0] for entry in history]
    return [
        *near(green, 0, 2, 4),
        *near(green + last[1] - last[0], 0, 1, 3),
        *near(last[1], 0),
        *among(differences, weights, 0, 1, 2, 4),
        *among([entry[1] for entry in history], weights, 0),
        EVEN,
    ]


def guesses_of_blue(history: list[Entry], green: int, red: int) -> list[Guess]:
    """Blue lies off green as in other entries of much the same hue; where red is over
    green, it is often under it."""
    last = history[0]
    weights = []
    for entry in history:
        chroma = abs((entry[1] - entry[0]) - (red - green))
        distance = 16 + 2 * chroma + abs(entry[0] - green)
        weights.append(1 + (1 << 24) // distance**3)
    differences = [green + entry[2] - entry[0] for entry in history]
    return [
        *near(red, 0, 2),
        *near(green, 0, 2, 4),
        *near(2 * green - red, 5),
        *near(green + last[2] - last[0], 0, 1, 3),
        *near(red + last[2] - last[1], 0, 1),
        *near(last[2], 0),
        *among(differences, weights, 0, 1, 2, 4),
        *among([entry[2] for entry in history], weights, 0),
        EVEN,
    ]


def guesses_of_alpha(history: list[Entry], green: int) -> list[Guess]:
    """Alpha is 255 or as in other entries."""
    last = history[0][3]
    step = last - history[1][3]
    weights = [ONE // (8 + age + abs(entry[0] - green)) for age, entry in enumerate(history)]
    return [
        *near(255, 0),
        *near(last, 0, 2),
        *near(last + step, 0, 1),
        *among([entry[3] for entry in history], weights, 0, 2, 4),
        EVEN,
    ]


def chance(sums: Guess, x: int, y: int, whole: int) -> int:
    """The share of the values x..y-1 in 65,536; ``whole`` is 2^40 - 1
    over the sum of all that are allowed."""
    return (sums[y] - sums[x]) * whole >> 24


class PaletteCoder:
    """Codes the values of one palette, in either direction."""

    def __init__(self, ascending: bool, code_bit: CodeBit) -> None:
        self._ascending = ascending
        self._code_bit = code_bit
        self._history: list[Entry] = list(BLACK)
        # By channel, and whether all channels ahead of it are as in the entry before.
        green = GREEN_ASCENDING if ascending else GREEN_KEPT
        self._starts = [(green, green), RED, BLUE, ALPHA]
        self._weights = [[[32 * w for w in start] for start in pair] for pair in self._starts]

    def entry(self, left: int, values: Entry) -> Entry:
        """Code an entry, in coding order, with ``left`` yet to come behind it;
        returns it. A decoder's ``values`` don't matter."""
        history, ascending = self._history, self._ascending
        bound = ascending and len(history) > len(BLACK)
        coded: Entry = []
        for channel, value in enumerate(values):
            if channel == 0:
                guesses = guesses_of_green(history, left, ascending)
            elif channel == 1:
                guesses = guesses_of_red(history, coded[0])
            elif channel == 2:
                guesses = guesses_of_blue(history, coded[0], coded[1])
            else:
                guesses = guesses_of_alpha(history, coded[0])
            same = coded == history[0][:channel]
            lowest = history[0][channel] if bound and same else 0
            coded.append(self._value(channel, same, guesses, lowest, value))
        self._history = [coded, *history][:WINDOW]
        return coded

    def _value(
        self, channel: int, same: bool, guesses: list[Guess], lowest: int, value: int
    ) -> int:
        weights = self._weights[channel][same]
        wholes = [
            ((1 << 40) - 1) // whole if (whole := sums[256] - sums[lowest]) else 0
            for sums in guesses
        ]
        weighted = list(zip(weights, guesses, wholes, strict=True))
        start, size = 0, 256
        while size > 1:
            size //= 2
            middle = start + size
            if lowest >= middle:  # nothing in the lower half is allowed
                start = middle
                continue
            below = max(start, lowest)
            upper = sum(w * chance(s, middle, middle + size, r) for w, s, r in weighted)
            both = sum(w * chance(s, below, middle + size, r) for w, s, r in weighted)
            p = min(max(upper * ONE // both, 1), ONE - 1)
            if self._code_bit(value >> (size.bit_length() - 1) & 1, p):
                start = middle
        shares = [w * chance(s, start, start + 1, r) for w, s, r in weighted]
        total = sum(shares)
        self._weights[channel][same] = [
            share * KEPT // total + first
            for share, first in zip(shares, self._starts[channel][same], strict=True)
        ]
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
        coder.entry(k - 1 - index, entry)
    return encoder.finish(capacity)


def decode_palette(payload: Buffer, k: int, channels: int) -> bytes | None:
    decoder = RangeDecoder(payload)

    def code_bit(_: int, p: int) -> int:
        return decoder.decode(p)

    coder = PaletteCoder(bool(code_bit(0, ONE // 2)), code_bit)
    entries = [coder.entry(k - 1 - index, [0] * channels) for index in range(k)]
    return plain_of_entries(entries) if decoder.valid else None
