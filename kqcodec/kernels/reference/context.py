"""The coder `context`: labels as binary decisions, each predicted by mixing what many
contexts have seen (spec/kq.md, section 16).

A label is first asked for by name: is it the one on the left? above? the one
nearest to the predicted colour? If none fits, it is found in the tree, a binary
search in the palette. In flat surroundings, and where habit is strong, there is
one cheap question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.kernels.reference.context_model import (
    HELD,
    MARGIN,
    Habit,
    Match,
    Model,
    Plane,
    Surroundings,
    hash_six,
)
from kqcodec.kernels.reference.logistic import (
    FLAT,
    MASK,
    MULTIPLIER,
    Code,
    Mixer,
    learn_chance,
    match_counter,
    scramble,
)
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes

_KINDS = 4  # of questions: W, N, a predicted entry second, and third
_DEPTHS = 16  # of the tree
_FLAT_BITS = 14
_COUNTER_BEGIN = ((4 << 20) - (4 << 20) // 64) << 10 | 2  # p is 63/64 in 22 bits, n is 2 in 10
_MATCH_BEGIN = 50000

# Rows of weights, set by set: those of questions, then those of the tree.
_SET1 = _KINDS * 384 + _DEPTHS * 81  # set 0 goes by equal neighbours; guesses
_SET2 = _SET1 + _KINDS * 64 + 256  # set 1 by more equal neighbours; the path
_SET3 = _SET2 + 512  # set 2 by the label on the left
_SET4 = _SET3 + _KINDS * 8 + _DEPTHS * 8  # set 3 by activity
_ROWS = _SET4 + _KINDS * HELD + _DEPTHS * 9  # set 4 by how long the match has held; guesses


class _Shape(NamedTuple):
    """Of a model: how many contexts and sets of weights, the largest table of slots,
    how strong a habit must be to be asked alone, 0 for never, and whether there are
    histories and probabilities are refined.
    """

    contexts: int
    sets: int
    slot_bits: int
    strict: int
    refined: bool


_SHAPES = {
    1: _Shape(7, 1, 16, 6, refined=False),
    2: _Shape(7, 2, 16, 40, refined=False),
    3: _Shape(31, 5, 17, 0, refined=True),
}
_FIRST_RATES = (115, 162, 230, 325, 459, 650, 918, 1260)


class _Coder:
    """Codes the labels of a plane in place, row after row from the first.

    Args:
        plane: what to encode, or what decoding overwrites.
        colors: (K, 3) uint8, in the order of the tree.
        setting: the model in bits 7..6, the most questions in 5..4, whether there is a
            match in 3, the rate of learning in 2..0.
        code: codes a bit.
    """

    def __init__(self, plane: Plane, colors: Bytes, setting: int, code: Code) -> None:
        self._plane, self._code = plane, code
        shape = _SHAPES[setting >> 6 & 3]
        self._sets, self._strict = shape.sets, shape.strict
        self._k = len(colors)
        self._questions = min(setting >> 4 & 3, self._k - 1)
        size = (plane.width * plane.height - 1).bit_length()
        line_bits = max(min(size + 2, shape.slot_bits), 8) - 4
        rate = _FIRST_RATES[setting & 7]
        refine_bits = min(max(size, 6), 10) if shape.refined else 0
        self._mixer = Mixer(shape.contexts, line_bits, _ROWS, rate, refine_bits)
        self._model = Model(colors, shape.contexts)
        self._follows = bool(setting >> 3 & 1)
        self._match = Match(plane, min(max(size, 8), 16) if self._follows else 0)
        # How often the match is right, by how long it has held: questions, the tree.
        self._match_chances = [[_MATCH_BEGIN] * HELD for _ in (0, 1)]
        self._flat_counters = [_COUNTER_BEGIN] * (1 << _FLAT_BITS)
        self._habits: dict[int, Habit] = {}
        self._habit_bits = min(max(size, 8), 15)
        self._habit_counters = [_COUNTER_BEGIN] * 64  # by count and match

    def code_row(self, row: int) -> None:
        """The labels from ``row`` on, left to right."""
        labels, match, width = self._plane.labels, self._match, self._plane.width
        stride = self._plane.stride
        labels[row - MARGIN : row] = [labels[row - stride]] * MARGIN
        match.length = 0
        for at in range(row, row + width):
            w, n = labels[at - 1], at - stride
            flat = (
                labels[n] == w
                and labels[at - 2] == w
                and labels[n - 1] == w
                and labels[n + 1] == w
                and labels[n - stride] == w
            )
            if flat and match.allows(w) and self._is_flat(at, w):
                labels[at] = w
                match.follow(w, 0)
            elif self._strict:
                self._code_by_habit(at)
            else:
                self._code_label(at)
        labels[row + width : row + width + MARGIN] = [labels[row + width - 1]] * MARGIN

    def _simple(self, counters: list[int], place: int, bit: int) -> int:
        """One decision by a counter alone: p in 22 bits, n in 10."""
        p, n = counters[place] >> 10, counters[place] & 1023
        bit = self._code(bit, max(p >> 6, 1))
        p += ((bit << 22) - bit - p) * FLAT[n] >> 16
        counters[place] = p << 10 | min(n + 1, 255)
        return bit

    def _is_flat(self, at: int, w: int) -> int:
        """Whether the label is that of its flat surroundings."""
        labels, n = self._plane.labels, at - self._plane.stride
        nn = n - self._plane.stride
        length = self._match.length
        same = (
            (labels[n - 2] == w)
            | (labels[n + 2] == w) << 1
            | (labels[nn - 1] == w) << 2
            | (labels[nn + 1] == w) << 3
            | (labels[at - 3] == w) << 4
            | (labels[nn - self._plane.stride] == w) << 5
            | (labels[n + 3] == w) << 6
            | (labels[nn + 2] == w) << 7
            | (labels[nn - 2] == w) << 8
        )
        held = (length > 0) + (length >= 16) + (length >= 32)
        place = scramble((same | held << 9 | w << 11) * MULTIPLIER & MASK) >> (32 - _FLAT_BITS)
        return self._simple(self._flat_counters, place, labels[at] == w)

    def _code_by_habit(self, at: int) -> None:
        """A label that may be the one that usually follows six neighbours."""
        labels, match = self._plane.labels, self._match
        habit = self._habit(at)
        if habit.count >= self._strict and match.allows(habit.usual):
            place = 2 * min(habit.count, 31) + (match.length > 8)
            if self._simple(self._habit_counters, place, labels[at] == habit.usual):
                labels[at] = habit.usual
                habit.learn(habit.usual)
                match.follow(habit.usual, 0)
                return
        self._code_label(at)
        habit.learn(labels[at])

    def _habit(self, at: int) -> Habit:
        labels, n = self._plane.labels, at - self._plane.stride
        six = (labels[at - 1], labels[n], labels[n - 1], labels[n + 1], labels[at - 2])
        h = hash_six((*six, labels[n - self._plane.stride]))
        place = h >> (32 - self._habit_bits)
        habit = self._habits.get(place)
        if habit is None or habit.check != h & 255:
            habit = self._habits[place] = Habit(h & 255)
        return habit

    def _code_label(self, at: int) -> None:
        """A label in surroundings that aren't flat."""
        labels = self._plane.labels
        around = self._model.look_around(labels, at, self._plane.stride)
        self._match.find(at, around)
        labels[at] = self._ask(labels[at], around)
        self._match.follow(labels[at], 1)

    def _ask(self, label: int, around: Surroundings) -> int:
        """The label: whether it is one of those that are likely, or else which."""
        w, n, _, ne = around.neighbours[:4]
        # Each once, in this order.
        candidates = list(dict.fromkeys((w, n, around.median, ne, around.mean)))
        candidates = candidates[: self._questions]
        held, expected = self._match.held(), self._match.expected
        equal = around.equal
        self._mixer.begin(around.hashes, 0)
        for j, candidate in enumerate(candidates):
            kind = (0, 1 if w != n else 2, 3)[j]
            agrees = -1 if expected < 0 else int(expected == candidate)
            rows = [
                (kind * 3 + agrees + 1) * 128 + (equal & 127),
                _SET1 + kind * 64 + (equal >> 7 & 63),
                _SET2 + (w & 255),
                _SET3 + kind * 8 + around.activity,
                _SET4 + kind * HELD + (held if self._follows else n & 15),
            ]
            if self._decide(int(label == candidate), j + 1, 0, rows, agrees, held):
                return candidate
            if agrees == 1:
                expected = -1
        return self._search(label, around, candidates)

    def _search(self, label: int, around: Surroundings, refused: list[int]) -> int:
        """The label, when it is none of those refused: a search in the tree."""
        w, n = around.neighbours[:2]
        held, expected = self._match.held(), self._match.expected
        if expected in refused:
            expected = -1
        low, high, path, depth = 0, self._k, 1, 0
        while high - low > 1:
            middle = (low + high + 1) // 2
            within = depth % 4  # a group is four levels of the tree
            if within == 0:
                self._mixer.begin(around.hashes, path)
            if all(place in refused for place in range(low, middle)):
                bit = 1  # nothing is left below
            elif all(place in refused for place in range(middle, high)):
                bit = 0
            else:
                halves = [
                    0 if not low <= place < high else 1 if place < middle else 2
                    for place in (around.median, around.mean, w, n, expected)
                ]
                guess, near = halves[0] * 3 + halves[1], halves[2] * 3 + halves[3]
                level = min(depth, _DEPTHS - 1)
                rows = [
                    _KINDS * 384 + level * 81 + guess * 9 + near,
                    _SET1 + _KINDS * 64 + (path if path < 256 else level),
                    _SET2 + 256 + (w & 255),
                    _SET3 + _KINDS * 8 + level * 8 + around.activity,
                    _SET4 + _KINDS * HELD + level * 9 + guess,
                ]
                node = 1 << within | path & ((1 << within) - 1)
                bit = self._decide(int(label >= middle), node, 1, rows, halves[4] - 1, held)
            low, high = (middle, high) if bit else (low, middle)
            path = path << 1 | bit
            depth += 1
        return low

    def _decide(
        self, bit: int, node: int, tree: int, rows: list[int], agrees: int, held: int
    ) -> int:
        """One decision by all contexts; ``agrees`` is the bit that the match expects,
        -1 for none.
        """
        chances = self._match_chances[tree]
        match = match_counter(chances[held], agrees)
        bit = self._mixer.decide(self._code, bit, node, tree, rows[: self._sets], match)
        if agrees >= 0:
            chances[held] = learn_chance(chances[held], int(agrees == bit))
        return bit


def context_encode(
    labels: Labels, order: NDArray[np.uint16], colors: Bytes, setting: int, capacity: int
) -> bytes | None:
    encoder = RangeEncoder()

    def code(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    plane = Plane(np.argsort(order).astype(np.uint16)[labels])
    coder = _Coder(plane, colors[order], setting, code)
    for row in plane.rows():
        coder.code_row(row)
        if encoder.full(capacity):
            return None
    return encoder.finish(capacity)


def context_decode(
    payload: Buffer, order: NDArray[np.uint16], colors: Bytes, setting: int, out: Labels
) -> bool:
    decoder = RangeDecoder(payload)
    plane = Plane(np.zeros(out.shape, dtype=np.uint16))
    coder = _Coder(plane, colors[order], setting, lambda _, p: decoder.decode(p))
    for row in plane.rows():
        coder.code_row(row)
    out[:] = order[plane.places()]
    return decoder.valid
