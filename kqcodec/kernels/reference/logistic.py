"""Logistic mixing of adaptive predictions (spec/kq.md, section 15), in whole numbers.

A probability is 16 bits, 65536 being 1. Its logit is in steps of 1/128 of a power of
two: about 128·log2(p / (1 - p)), the logarithms by straight lines between powers of two
(J. N. Mitchell, "Computer multiplication and division using binary logarithms", IRE
Transactions on Electronic Computers, 1962). Counters learn how often a bit is 1 in a
context; mixers learn how much each counter is to be trusted.
After Matt Mahoney's PAQ and lpaq: "Adaptive Weighing of Context Models for
Lossless Data Compression", Florida Tech. technical report CS-2005-16.

A decision is made for all contexts at once, by arrays of as many numbers. What a
counter says and what it becomes are looked up: they are worked out once, for all
2^20 states that a counter can have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

LOGIT_MAX = 2047
MULTIPLIER = 0x9E3779B1
GROUP_MULTIPLIER = pow(MULTIPLIER, 22, 1 << 32)  # after those of the features
MASK = 0xFFFFFFFF

# By n, what a counter that has seen so much is worth: its rate of learning, of 256; the
# bits of p that are 0 when n grows; and how much its logit and its chance count, of
# 256. n = 0 .. 14 stands for 0 1 2 3 4 6 8 12 16 24 32 48 64 96 128 bits seen; 15 is the
# match's alone.
_N_MAX, _MATCH_N = 14, 15
_RATE = np.array([160, 98, 71, 56, 46, 34, 27, 19, 15, 10, 8, 5, 4, 3, 2, 4])
_GROW = np.array([0, 0, 0, 0, 4, 4, 12, 12, 28, 28, 60, 60, 124, 124, 128, 128])
_LOGIT = np.array([0, 216, 233, 240, 244, 247, 249, 251, 252, 253, 254, 254, 255, 255, 255, 255])
_CHANCE = np.array([0, 102, 146, 170, 186, 204, 215, 227, 234, 240, 244, 248, 250, 252, 253, 253])

_RATES = 1024  # steps after which a mixer's learning rate stays
_ALONE = 11  # contexts that have a table to themselves
_BIAS = 256  # an input that is always the same, in place of the match's history
HELD = 8  # rows of what goes by how long a match has held
_MATCH_BEGIN = 50000
_FINAL_MOST = 1 << 18  # of the final mixer's weights, 65536 being 1

# A slot, 32 bits: what a context has seen at one decision.
#   31..26  check of the context, not 0      9..8  n & 3: how much that has seen
#   25..10  p, the probability of a 1        7..6  n >> 2
#                                            5..0  the last bits behind a leading 1
# So bits 25..6 are the counter and bits 7..0 choose a place in a map of histories.
# A slot that another context has, or none, is read as all that is 2^26: beyond the
# counters, and with the history 0, which no slot has.
_CHECK = 26
_UNKNOWN = 1 << _CHECK
_UNSEEN = 32768 << 4  # the counter of a fresh slot: p is a half, n is 0
_HISTORIES = 256

Integers = NDArray[np.int64]


def _numbers(*values: int, dtype: type = np.int64) -> list[NDArray[np.integer]]:
    """Arrays of no dimension, in which small arrays are added to a number in half the
    time that Python's own takes.
    """
    return [np.array(value, dtype=dtype) for value in values]


_NODES = _numbers(*range(16))
_SIX, _LOW_BYTE, _BEYOND = _numbers(6, _HISTORIES - 1, _UNKNOWN)
_WEIGHT_SHIFT, _HEAVIEST, _LIGHTEST = _numbers(15, 32767, -32768, dtype=np.int32)

Numbers = TypeVar("Numbers", int, Integers)
Code = Callable[[int, int], int]
"""Takes a bit (a decoder doesn't look at it) and p; the bit that was coded."""


def _logarithm(x: Integers) -> Integers:
    """The binary logarithm of 1 <= x < 2^24 in steps of 2^-23, linear between powers of
    two: the bits of x as a single-precision float, which holds it exactly.
    """
    return x.astype(np.float32).view(np.int32).astype(np.int64)


def _logits() -> Integers:
    """By p, -2176..2175."""
    doubled = 2 * np.arange(65536) + 1
    return (_logarithm(doubled) - _logarithm(131072 - doubled)) >> 16


def _squash(logits: Integers) -> Integers:
    """By logit + 2048: the least p whose logit isn't below."""
    least = np.searchsorted(logits, np.arange(-2048, 2048))
    squashed: Integers = np.clip(least, 16, 65520)
    return squashed


LOGITS = _logits()
_SQUASHED = _squash(LOGITS)
SQUASH: list[int] = _SQUASHED.tolist()  # by logit + 2048
SIMPLE_RATES = [131072 // (2 * n + 3) for n in range(256)]  # of counters alone, of 65536


class _Counters(NamedTuple):
    """By counter, the unknown one being the last."""

    inputs: Integers  # two int32 each, logit and chance
    after: tuple[Integers, Integers]  # bits 25..6 of the slot after a 0, after a 1


@functools.cache
def _counters(chance_shift: int) -> _Counters:
    states = np.append(np.arange(1 << 20), _UNSEEN)
    p, n = states >> 4, (states & 3) << 2 | (states >> 2 & 3)
    inputs = np.empty((len(states), 2), dtype=np.int32)
    inputs[:, 0] = LOGITS[p] * _LOGIT[n] >> 8
    inputs[:, 1] = ((p >> 4) - 2048) * _CHANCE[n] >> chance_shift

    def after(target: int) -> Integers:
        learned = p + (((target - p) >> 1) * _RATE[n] >> 7)
        seen = n + ((learned & _GROW[n]) == 0) * (n < _N_MAX)
        bits: Integers = learned << 10 | (seen & 3) << 8 | (seen >> 2) << 6
        return bits

    return _Counters(inputs.view(np.int64)[:, 0], (after(0), after(65535)))


def _history_after(bit: int) -> Integers:
    """Bits 5..0 of the slot after the bit, by bits 7..0."""
    before = np.arange(_HISTORIES) & 63
    before[0] = 1  # an unknown slot
    history = before << 1 | bit
    return np.where(history >= 64, history & 31 | 32, history)


def _first_chance(history: int) -> int:
    """What a history of bits suggests: each counts 64, older ones 9/10 of the next."""
    zeros = ones = 26
    for digit in bin(history)[3:]:
        zeros, ones = zeros * 58 >> 6, ones * 58 >> 6
        if digit == "1":
            ones += 64
        else:
            zeros += 64
    return 65535 * ones // (zeros + ones)


def _learn_chance(p: Numbers, bit: int) -> Numbers:
    """A probability in a map learns by 1/64 of its error."""
    return p + ((65535 * bit - p) >> 6)


_HISTORY_AFTER = (_history_after(0), _history_after(1))
_CHANCE_AFTER = tuple(_learn_chance(np.arange(65536), bit) for bit in (0, 1))


def scramble(h: Numbers) -> Numbers:
    """Mixes 32 bits."""
    h = h ^ (h >> 15)
    h = h * 0x2C1B3C6D & MASK
    return h ^ (h >> 12)


def _clamp(x: int, most: int) -> int:
    return min(max(x, -most), most)


class Mixer:
    """What the contexts have seen, and how much each of them is to be trusted.

    The match is one more lane behind the contexts. A set of weights makes a logit of all
    lanes; the sets' logits are mixed once more, by weights that go by how long the match has
    held.

    Args:
        code: codes a bit.
        contexts: how many; each has 2^line_bits lines of 16 slots.
        sets, rows: of weights; the rows are those of all sets together.
        rate: of learning, in the end.
        large: whether contexts have histories, too: the last bits.
    """

    def __init__(
        self,
        code: Code,
        contexts: int,
        line_bits: int,
        sets: int,
        rows: int,
        rate: int,
        large: bool,
    ) -> None:
        self._code = code
        self._large = large
        self._counters = _counters(8 if large else 7)
        self._line_bits = line_bits
        # From there on contexts share tables, two and two.
        tables = [i if i < _ALONE else _ALONE + (i - _ALONE) // 2 for i in range(contexts)]
        self._tables = np.array(tables) << line_bits
        self.slots = np.zeros((tables[-1] + 1) * 16 << line_bits, dtype=np.int64)
        self._lines = self._checks = self._tables  # until `begin`
        self._shown = np.empty(contexts + 1, dtype=np.int64)  # the lanes' counters
        # How often the match is right, and the final weights: of the question, of the tree.
        self._match = [_MATCH_BEGIN] * (2 * HELD)
        self._final = [[65536 // sets] * sets for _ in range(2 * HELD)]
        # Two maps of histories a context, of the question and of the tree, as p.
        first = [_first_chance(max(place & 63, 1)) for place in range(_HISTORIES)]
        self._histories = np.tile(np.array(first), 2 * contexts)
        self._maps = [(2 * np.arange(contexts) + tree) * _HISTORIES for tree in (0, 1)]
        # Inputs: logit and chance of each lane, then what the histories say and a bias.
        lanes = contexts + 1
        self._inputs = np.zeros((3 if large else 2) * lanes, dtype=np.int32)
        self._counted = self._inputs[: 2 * lanes].view(np.int64)
        self._past = self._inputs[2 * lanes : 3 * lanes - 1]
        weights = np.zeros_like(self._inputs)
        weights[: 2 * lanes : 2] = 805306368 // contexts  # 1.5 for the logits, together
        weights[2 * lanes - 2] = 161061274  # 0.3 for the match
        if large:
            self._inputs[-1] = _BIAS
            weights[2 * lanes : -1] = 322122547 // contexts  # 0.6 for the histories
        self._weights = np.tile(weights, (rows, 1))
        self._ones = np.ones_like(weights)
        self._seen = [0] * rows
        self._rates = [rate + 240 * rate // (20 + seen) for seen in range(_RATES)]

    def begin(self, hashes: Integers, group: int) -> None:
        """Finds the contexts' lines for a group of decisions."""
        h = scramble((hashes + group * GROUP_MULTIPLIER) & MASK)
        self._lines = (self._tables | h >> (32 - self._line_bits)) << 4 | h & 15
        self._checks = np.maximum(h >> 4 & 63, 1) << _CHECK

    def decide(
        self, bit: int, node: int, tree: int, rows: Sequence[int], agrees: int, held: int
    ) -> int:
        """One decision, number ``node``, 0..15, of its group, of the question or of the tree,
        by a row of weights of each set. The match, which has held for ``held``, 0..7, says that
        the bit is ``agrees``, -1 for nothing.
        """
        at = self._lines ^ _NODES[node]
        slots = np.minimum(self.slots[at] ^ self._checks, _BEYOND)
        counters, places = slots >> _SIX, slots & _LOW_BYTE
        held += tree * HELD
        right = self._match[held]
        said = (right if agrees else 65535 - right) << 4 | _MATCH_N
        self._shown[:-1], self._shown[-1] = counters, said if agrees >= 0 else _UNSEEN
        inputs = self._inputs
        self._counters.inputs.take(self._shown, out=self._counted, mode="clip")
        if self._large:
            in_maps = places + self._maps[tree]
            chances = self._histories[in_maps]
            self._past[:] = LOGITS[chances]

        # weights · inputs, modulo 2^32: a logit of each set. Of a weight, 3.29, the upper
        # 16 bits of 3.14 count.
        chosen = np.array(rows)
        weights = self._weights.take(chosen, axis=0)
        counting = weights >> _WEIGHT_SHIFT
        np.minimum(counting, _HEAVIEST, out=counting)
        np.maximum(counting, _LIGHTEST, out=counting)
        sums = (counting * inputs).dot(self._ones)
        logits = [_clamp(x >> 14, LOGIT_MAX) for x in sums.tolist()]
        final = self._final[held]
        logit = sum(weight * x for weight, x in zip(final, logits, strict=True)) >> 16
        p = SQUASH[_clamp(logit, LOGIT_MAX) + 2048]
        bit = self._code(bit, p)

        error = (bit << 16) - p >> 2
        self._final[held] = [
            _clamp(weight + (error * x >> 14), _FINAL_MOST)
            for weight, x in zip(final, logits, strict=True)
        ]
        steps = [
            self._step(row, (bit << 16) - SQUASH[x + 2048])
            for row, x in zip(rows, logits, strict=True)
        ]
        weights += inputs * np.array(steps, dtype=np.int32)[:, np.newaxis]  # modulo 2^32
        self._weights[chosen] = weights
        if agrees >= 0:
            self._match[held] = _learn_chance(right, int(agrees == bit))
        if self._large:
            self._histories[in_maps] = _CHANCE_AFTER[bit][chances]
        after = self._counters.after[bit][counters] | _HISTORY_AFTER[bit][places]
        # Where two contexts share a slot, what the later one says stays.
        self.slots[at] = after ^ self._checks
        return bit

    def _step(self, row: int, error: int) -> int:
        """Error · learning rate; a row learns the slower the more often it was used."""
        seen = self._seen[row]
        if seen < _RATES - 1:
            self._seen[row] = seen + 1
        return (error >> 1) * self._rates[seen] >> 14
