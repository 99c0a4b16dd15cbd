"""Section 15 of kq.md: logistic mixing, for decode_context.py.

Written like decode.py: from kq.md alone, in its order, each comment that starts with a
number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable

# The next bit of a payload of section 13, given its p.
NextBit = Callable[[int], int]

# ── 15. Logistic mixing ─────────────────────────────────────────────────────

# 15.2, its table: "0 to 10"
KNOTS = [
    *(22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108),
    *(4971, 7812, 11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565),
    *(62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514),
]

# 15.5, its table: "rate(n)"
RATE = [20480, 12603, 9102, 7123, 5851, 4311, 3413, 2409, 1861, 1280, 975, 660, 499, 335, 252]
GROW = [0, 0, 0, 0, 4, 4, 12, 12, 28, 28, 60, 60, 124, 124]
U = [0, 216, 233, 240, 244, 247, 249, 251, 252, 253, 254, 254, 255, 255, 255]
V = [0, 102, 146, 170, 186, 204, 215, 227, 234, 240, 244, 248, 250, 252, 253]

# 15.12: "the *multiplier* is M = 9E3779B1 (hexadecimal)."
M = 0x9E3779B1


def clamp(x: int, m: int) -> int:
    """Return x, but at least −m and at most m."""
    return min(max(x, -m), m)


def squash(x: int) -> int:
    """Return the probability of a logit."""
    # 15.2: "i = floor((x + 2048) / 128), j = (x + 2048) mod 128"
    i, j = divmod(x + 2048, 128)

    # 15.2: "squash(x) = floor((knot(i)·(128 − j) + knot(i + 1)·j + 64) / 128)"
    return (KNOTS[i] * (128 - j) + KNOTS[i + 1] * j + 64) // 128


@functools.cache
def stretch_table() -> list[int]:
    """Return stretch(p) for each floor(p / 16)."""
    # 15.3: "the greatest logit x with squash(x) ≤ 16·floor(p / 16) + 8, or −2047 if there
    # is none."
    probabilities = [squash(x) for x in range(-2047, 2048)]
    bounds = range(8, 65536, 16)
    return [max(bisect_right(probabilities, bound) - 1, 0) - 2047 for bound in bounds]


def stretch(p: int) -> int:
    """Return the logit of a probability."""
    return stretch_table()[p // 16]


def learnt(q: int, bit: int) -> int:
    """Return the probability of a map after a bit."""
    # 15.7: "the q that was used becomes q + floor((65535·b − q) / 64)."
    return q + (65535 * bit - q) // 64


class Slot:
    """What a context has seen at one node."""

    def __init__(self, check: int) -> None:
        """Start without experience."""
        # 15.4: "At the start p is 32768, n is 0 and the history is 1."
        self.p = 32768
        self.n = 0
        self.check = check
        self.history = 1

    def learn(self, bit: int) -> None:
        """Take note of a bit."""
        # 15.5: "p = p + floor((65535·b − p)·rate(n) / 32768)"
        self.p += (65535 * bit - self.p) * RATE[self.n] // 32768

        # 15.5: "history = 2·history + b, and if that is at least 64, 32 + (history mod 32)"
        self.history = 2 * self.history + bit
        if self.history >= 64:
            self.history = 32 + self.history % 32

        # 15.5: "n grows by 1 if it is less than 14 and the new p and grow(n) have no bit 1
        # in the same place"
        if self.n < 14 and self.p & GROW[self.n] == 0:
            self.n += 1


def history_map() -> list[int]:
    """Return the q of each history and floor(n / 4), at 4·history + floor(n / 4)."""
    # 15.6: "with zeros and ones both 26, for each bit of the history behind its leading 1,
    # the oldest first, both become floor(58·zeros / 64) and floor(58·ones / 64), and then
    # the one of the two that the bit is grows by 64."
    result = []
    for history in range(64):
        counts = [26, 26]
        for digit in f"{history:b}"[1:]:
            counts = [58 * count // 64 for count in counts]
            counts[int(digit)] += 64

        # 15.6: "q = floor(65535·ones / (zeros + ones))"
        result += [65535 * counts[1] // sum(counts)] * 4
    return result


class Counter:
    """A probability of 22 bits with nothing around it."""

    def __init__(self) -> None:
        """Start with a 1 as all but sure."""
        # 15.11: "at the start 4,128,768 and 2."
        self.p = 4_128_768
        self.n = 2

    def bit(self, next_bit: NextBit) -> int:
        """Decode a bit, and take note of it."""
        # 15.11: "The bit is coded with floor(p / 64), but at least 1."
        bit = next_bit(max(self.p // 64, 1))

        # 15.11: "p = p + floor(((2^22 − 1)·b − p)·floor(131072 / (2·n + 3)) / 65536)"
        # 15.11: "and then n grows by 1 if it is less than 255."
        self.p += ((2**22 - 1) * bit - self.p) * (131072 // (2 * self.n + 3)) // 65536
        self.n = min(self.n + 1, 255)
        return bit


class Row:
    """One row of a mixer's weights."""

    def __init__(self, weights: list[int]) -> None:
        """Start with these weights."""
        self.w = list(weights)
        self.j = 0
        self.x = 0

    def say(self, inputs: list[int]) -> int:
        """Return what the row says of a bit."""
        # 15.9: "x = clamp(floor(Σ floor(w·input / 64) / 1024), 2047)"
        total = sum(w * value // 64 for w, value in zip(self.w, inputs, strict=True))
        self.x = clamp(total // 1024, 2047)
        return self.x

    def learn(self, inputs: list[int], bit: int, rho: int) -> None:
        """Let the weights follow the bit."""
        # 15.10: "r = ρ + floor(240·ρ / (20 + j))"
        # 15.10: "step = floor(floor((65536·b − squash(x)) / 16)·r / 1024)"
        r = rho + 240 * rho // (20 + self.j)
        step = (65536 * bit - squash(self.x)) // 16 * r // 1024

        # 15.10: "with x what the row itself has said, and j the number of bits that the
        # row was in use for before this one, but at most 1023."
        self.j = min(self.j + 1, 1023)

        # 15.10: "w = clamp(w + floor((input·step + 8192) / 16384), 131071)"
        for i, value in enumerate(inputs):
            self.w[i] = clamp(self.w[i] + (value * step + 8192) // 16384, 131071)


def scramble(h: int) -> int:
    """Return a hash from another."""
    # 15.12: "g = 2C1B3C6D·(h ⊕ floor(h / 2^15))"
    # 15.12: "scramble(h) = g ⊕ floor(g / 2^12)"
    g = 0x2C1B3C6D * (h ^ h >> 15) % 2**32
    return g ^ g >> 12


def chain(*numbers: int) -> int:
    """Return the hash of several numbers."""
    # 15.12: "chain(a, b, …, z) = (… ((0 + a + 1)·M + b + 1)·M … + z + 1)·M"
    h = 0
    for value in numbers:
        h = (h + value + 1) * M % 2**32
    return h


class Curve:
    """A correction of probabilities, by their logits."""

    def __init__(self) -> None:
        """Start where it corrects nothing."""
        # 15.13: "A *curve* has 33 probabilities k(0) to k(32), at the start the knots of
        # rule 15.2."
        self.k = list(KNOTS)

    def at(self, y: int) -> int:
        """Return what the curve gives at a logit."""
        # 15.13: "floor((k(i)·(128 − j) + k(i + 1)·j) / 128)"
        i, j = divmod(y + 2048, 128)
        return (self.k[i] * (128 - j) + self.k[i + 1] * j) // 128

    def learn(self, y: int, bit: int) -> None:
        """Take note of a bit."""
        # 15.13: "When the bit b is known, k(i) learns by rule 15.7, or k(i + 1) if j is at
        # least 64."
        i, j = divmod(y + 2048, 128)
        nearest = i + (j >= 64)
        self.k[nearest] = learnt(self.k[nearest], bit)
