"""Section 15 of kq.md: logistic mixing, for decode_context.py.

Written like decode.py: from kq.md alone, in its order, each comment that starts with a
number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections.abc import Callable

# The next bit of a payload of section 13, given its p.
NextBit = Callable[[int], int]

# ── 15. Logistic mixing ─────────────────────────────────────────────────────

# 15.5, its table: "rate(n)"
RATE = [160, 98, 71, 56, 46, 34, 27, 19, 15, 10, 8, 5, 4, 3, 2]
GROW = [0, 0, 0, 0, 4, 4, 12, 12, 28, 28, 60, 60, 124, 124]
U = [0, 216, 233, 240, 244, 247, 249, 251, 252, 253, 254, 254, 255, 255, 255, 255]
V = [0, 102, 146, 170, 186, 204, 215, 227, 234, 240, 244, 248, 250, 252, 253, 253]

# 15.12: "the *multiplier* is M = 9E3779B1 (hexadecimal)."
M = 0x9E3779B1


def clamp(x: int, m: int) -> int:
    """Return x, but at least −m and at most m."""
    return min(max(x, -m), m)


def log(v: int) -> int:
    """Return 65,536 times the binary logarithm of a number, but linearly between powers of two."""
    # 15.2: "log(v) = 65536·(e − 1) + 2^(16 − e)·v, e = bits(v) − 1"
    e = v.bit_length() - 1
    return 65536 * (e - 1) + (v << 16 - e)


def logit(p: int) -> int:
    """Return the logit of a probability."""
    # 15.2: "logit(p) = floor((log(2·p + 1) − log(131071 − 2·p)) / 512)"
    return (log(2 * p + 1) - log(131071 - 2 * p)) // 512


@functools.cache
def squash(x: int) -> int:
    """Return the probability of a logit."""
    # 15.3: "the least p with logit(p) ≥ x, but at least 16 and at most 65520."
    p = bisect_left(range(65536), x, key=logit)
    return min(max(p, 16), 65520)


def learnt(q: int, bit: int) -> int:
    """Return the probability of a map after a bit."""
    # 15.7: "A bit makes of the q that was used q + floor((65535·b − q) / 64)."
    return q + (65535 * bit - q) // 64


class Slot:
    """What a context has seen at one node."""

    def __init__(self, check: int) -> None:
        """Start without experience."""
        # 15.4: "a probability p, at the start 32768"
        # 15.4: "n, which says how much it has seen, at the start 0"
        # 15.4: "at the start 1."
        self.p = 32768
        self.n = 0
        self.check = check
        self.history = 1

    def copy(self) -> Slot:
        """Return another that has seen the same."""
        other = Slot(self.check)
        other.p, other.n, other.history = self.p, self.n, self.history
        return other

    def learn(self, bit: int) -> None:
        """Take note of a bit."""
        # 15.5: "p = p + floor(floor((65535·b − p) / 2)·rate(n) / 128)"
        self.p += (65535 * bit - self.p) // 2 * RATE[self.n] // 128

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

    def __init__(self, p: int) -> None:
        """Start with that probability."""
        # 15.11: "A *counter* has a probability p of 22 bits and n, at the start 2."
        self.p = p
        self.n = 2

    def bit(self, next_bit: NextBit) -> int:
        """Decode a bit, and take note of it."""
        # 15.11: "The bit is coded with floor(p / 64), but at least 1"
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
        # 15.9: "v = floor(w / 2^15), but at least −32768 and at most 32767"
        # 15.9: "s = Σ v·input"
        # 15.9: "where s, not each product, is taken mod 2^32, from −2^31 to 2^31 − 1"
        v = [min(max(w // 2**15, -32768), 32767) for w in self.w]
        s = sum(one * value for one, value in zip(v, inputs, strict=True))
        s = (s + 2**31) % 2**32 - 2**31

        # 15.9: "x = clamp(floor(s / 2^14), 2047)"
        self.x = clamp(s // 2**14, 2047)
        return self.x

    def learn(self, inputs: list[int], bit: int, rho: int) -> None:
        """Let the weights follow the bit."""
        # 15.10: "r = ρ + floor(240·ρ / (20 + j))"
        # 15.10: "step = floor(floor((65536·b − squash(x)) / 2)·r / 16384)"
        r = rho + 240 * rho // (20 + self.j)
        step = (65536 * bit - squash(self.x)) // 2 * r // 16384

        # 15.10: "with x what the row itself has said, and j the number of bits that the
        # row was in use for before this one, but at most 1023"
        self.j = min(self.j + 1, 1023)

        # 15.10: "w + input·step, taken mod 2^32, from −2^31 to 2^31 − 1"
        for i, value in enumerate(inputs):
            self.w[i] = (self.w[i] + value * step + 2**31) % 2**32 - 2**31


class FinalRow:
    """One row of the final mixer's weights."""

    def __init__(self, sets: int) -> None:
        """Start with all sets counting the same."""
        # 16.22: "Those of the final mixer begin with floor(65536 / number of sets)."
        self.f = [65536 // sets] * sets
        self.p = 0

    def say(self, said: list[int]) -> int:
        """Return the probability of a bit, of which the rows have said this."""
        # 15.9: "p = squash(clamp(floor(Σ f·x / 65536), 2047))"
        total = sum(f * x for f, x in zip(self.f, said, strict=True))
        self.p = squash(clamp(total // 65536, 2047))
        return self.p

    def learn(self, said: list[int], bit: int) -> None:
        """Let the weights follow the bit."""
        # 15.10: "f = clamp(f + floor(floor((65536·b − p) / 4)·x / 16384), 2^18)"
        error = (65536 * bit - self.p) // 4
        for i, x in enumerate(said):
            self.f[i] = clamp(self.f[i] + error * x // 16384, 2**18)


def scramble(h: int) -> int:
    """Return a hash from another."""
    # 15.12: "g = 2C1B3C6D·(h ⊕ floor(h / 2^15))"
    # 15.12: "scramble(h) = g ⊕ floor(g / 2^12)"
    g = 0x2C1B3C6D * (h ^ h >> 15) % 2**32
    return g ^ g >> 12
