"""The coder `context`: labels as binary decisions, each predicted by mixing what many
contexts have seen (spec/kq.md, section 16).

A label is first asked for by name: is it the one on the left? Where there is no palette, two
more of those around it are asked for. If it is none of them, it is found in the tree, a binary
search in the palette. In flat surroundings, and where labels repeat
what stands elsewhere, one cheap question is asked of many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.kernels.reference.context_model import (
    MARGIN,
    NE,
    NEE,
    NW,
    WW,
    Match,
    Model,
    N,
    Plane,
    Surroundings,
    W,
)
from kqcodec.kernels.reference.logistic import SIMPLE_RATES, Code, Mixer
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes
    from kqcodec.kernels.reference.logistic import Integers

_DEPTHS = 16  # of the tree
_SLOT_BITS = 17  # of the largest tables
# Counters of runs: p in 22 bits, n in 10.
_COUNTER_BEGIN = ((4 << 20) - (4 << 20) // 64) << 10 | 2  # 63/64
_HALF_BEGIN = (2 << 20) << 10 | 2
_SURE = ((4 << 20) - (4 << 20) // 16) << 10  # 15/16
_RUN_MOST = 256  # labels
_LONG_MATCH = 32  # held so long, it is asked for where the rows above differ
_BEFORE, _BEHIND = 3, 4  # labels compared in the rows above a run, before and behind it

_MOST_NAMES = 3  # labels asked about by name
_NAMES = (W, N, NE, NEE, NW, WW)  # where there is no palette; otherwise W alone

# Rows of weights, set by set: those of each question, then those of the tree.
_TREE0 = _MOST_NAMES * 3 * 128
_SET1 = _TREE0 + _DEPTHS * 81  # set 0 goes by equal neighbours; guesses
_TREE1 = _SET1 + _MOST_NAMES * 256
_SET2 = _TREE1 + 256  # set 1 by the label asked about; the path
_TREE2 = _SET2 + _MOST_NAMES * 512
_ROWS = _TREE2 + _DEPTHS * 64  # set 2 by more equal neighbours; the label on the left


class _Shape(NamedTuple):
    """Of a model: how many contexts and sets of weights; how long a match must have held
    before a run of it is asked for; and whether it has histories.
    """

    contexts: int
    sets: int
    run_match: int
    large: bool


_SHAPES = {
    1: _Shape(7, 2, 8, large=False),
    2: _Shape(31, 3, 32, large=True),
    3: _Shape(15, 3, 0, large=False),  # from the frame before, without runs
}
_FIRST_RATES = (115, 162, 230, 325, 459, 650, 918, 1260)


class Tables(NamedTuple):
    """What the models of a sequence share."""

    line_bits: int
    slots: Integers
    places: list[int]
    displaced: list[int]


class Coder:
    """Codes the labels of a plane in place, row after row from the first.

    Args:
        plane: what to encode, or what decoding overwrites.
        order: (K,), the entries in the order of the tree.
        colors: (K, 3) uint8, the palette; (0, 3) for none.
        setting: the model in bits 7..6, whether it asks for labels by name in 4,
            whether there is a match in 3, the rate of learning in 2..0.
        code: codes a bit.
        tables: those of a sequence.
    """

    def __init__(
        self,
        plane: Plane,
        order: NDArray[np.uint16],
        colors: Bytes,
        setting: int,
        code: Code,
        tables: Tables | None = None,
    ) -> None:
        self._plane, self._code = plane, code
        self._shape = shape = _SHAPES[setting >> 6]
        self._k = len(order)
        follows = bool(setting & 8)
        names = _NAMES if len(colors) == 0 else _NAMES[:1]
        self._names = names if setting & 16 else ()
        size = (plane.width * plane.height - 1).bit_length()
        line_bits = max(min(size + 2, _SLOT_BITS), 8) - 4
        if tables:
            line_bits = tables.line_bits
        rate = _FIRST_RATES[setting & 7]
        self._mixer = Mixer(
            code, shape.contexts, line_bits, shape.sets, _ROWS, rate, large=shape.large
        )
        # From the frame before there are eight contexts more.
        contexts = 7 if shape.run_match == 0 else shape.contexts
        self._model = Model(order, colors, contexts, follows=follows)
        self._match = Match(plane, min(max(size, 8), 16) if follows else 0)
        if tables:
            self._mixer.slots = tables.slots
            self._match.places, self._match.displaced = tables.places, tables.displaced
        # Counters of whole runs, and of where flat and matched ones end.
        self._flat = [_COUNTER_BEGIN] * 256
        self._alike = [_COUNTER_BEGIN] * 128
        self._unlike = [_COUNTER_BEGIN] * 128
        self._flat_ends = [_HALF_BEGIN] * 64
        self._matched_ends = [_HALF_BEGIN] * 64

    def code_row(self, row: int) -> None:
        """The labels from ``row`` on, left to right."""
        labels, width = self._plane.labels, self._plane.width
        labels[row - MARGIN : row] = [labels[row - self._plane.stride]] * MARGIN
        self._match.begin_row(row)
        at, end = row, row + width
        while at < end:
            count, most = self._code_run(at, min(end - at, _RUN_MOST))
            at += count
            if count < most or most == 0:
                self._code_label(at)
                at += 1
        labels[end : end + MARGIN] = [labels[end - 1]] * MARGIN

    def _code_run(self, at: int, left: int) -> tuple[int, int]:
        """Labels that look sure, up to ``left``: how many there are, and how many there could
        have been, 0 where none looks so.
        """
        labels, n = self._plane.labels, at - self._plane.stride
        if self._match.length >= self._shape.run_match:
            count, most = self._code_matched(at, left)
            if most:
                return count, most
        w = labels[at - 1]
        flat = (
            labels[n] == w
            and labels[at - 2] == w
            and labels[n - 1] == w
            and labels[n + 1] == w
            and labels[n - self._plane.stride] == w
        )
        return self._code_flat(at, left) if flat and self._match.allows(w) else (0, 0)

    def _code_matched(self, at: int, left: int) -> tuple[int, int]:
        """Labels that are those of the match, while the rows above are the same in both
        places; of a long match one where they aren't, but not by the large model.
        """
        labels, match, stride = self._plane.labels, self._match, self._plane.stride
        z, length = match.at, match.length
        most = min(left, at - z) + _BEFORE + _BEHIND
        for first in (-stride - _BEFORE, -2 * stride - _BEFORE):
            most = _common(labels, at + first, z + first, most)
        most = max(most - _BEFORE - _BEHIND, 0)
        if most:
            counters = self._alike
            place = most.bit_length() | min((length // 8).bit_length(), 7) << 4
        elif self._shape.large or length < _LONG_MATCH:
            return 0, 0
        else:
            most, counters = 1, self._unlike
            n, above = at - stride, z - stride
            place = (
                (labels[n] == labels[above])
                | (labels[n - 1] == labels[above - 1]) << 1
                | (labels[n + 1] == labels[above + 1]) << 2
                | (labels[z] == labels[at - 1]) << 3
                | (labels[z] == labels[n]) << 4
                | (labels[z] == labels[n + 1]) << 5
                | (length >= 256) << 6
            )
            if counters[place] < _SURE:
                return 0, 0
        count = _common(labels, at, z, most)
        count = self._run_length(counters, place, self._matched_ends, most, count)
        labels[at : at + count] = labels[z : z + count]
        match.repeat(at, count)
        return count, most

    def _code_flat(self, at: int, left: int) -> tuple[int, int]:
        """Labels that are the one on the left, where the surroundings stay flat, which they
        are at the first.
        """
        labels, match, w = self._plane.labels, self._match, self._plane.labels[at - 1]
        right, above = at - self._plane.stride + 1, at - 2 * self._plane.stride
        if match.length:
            left = min(left, at - match.at)
        most = _repeats(labels, right, w, _repeats(labels, above, w, left))
        if match.length:
            most = _repeats(labels, match.at, w, most)
        ends = 0  # what ends it
        if most < left:
            ends = (labels[right + most] != w) | (labels[above + most] != w) << 1
        held = (match.length > 0) + (match.length >= 16) + (match.length >= 32)
        place = most.bit_length() | ends << 4 | held << 6
        count = _repeats(labels, at, w, most)
        count = self._run_length(self._flat, place, self._flat_ends, most, count)
        labels[at : at + count] = [w] * count
        if match.length:
            match.at += count
        return count, most

    def _run_length(
        self, counters: list[int], place: int, ends: list[int], most: int, count: int
    ) -> int:
        """How many labels of a run of ``most`` are as they look, ``count`` in an encoder: all,
        or where halving finds the first that isn't.
        """
        if self._simple(counters, place, count == most):
            return most
        low, high = 0, most  # the first is in low .. high - 1
        while high - low > 1:
            half = (low + high) // 2
            place = (high - low).bit_length() + 16 * (low == 0) + 32 * (high == most)
            if self._simple(ends, place, count >= half):
                low = half
            else:
                high = half
        return low

    def _simple(self, counters: list[int], place: int, bit: int) -> int:
        """One decision by a counter alone."""
        p, n = counters[place] >> 10, counters[place] & 1023
        bit = self._code(bit, max(p >> 6, 1))
        p += ((bit << 22) - bit - p) * SIMPLE_RATES[n] >> 16
        counters[place] = p << 10 | min(n + 1, 255)
        return bit

    def _code_label(self, at: int) -> None:
        """A label that isn't one of a run."""
        labels, match = self._plane.labels, self._match
        around = self._model.look_around(labels, at, self._plane.stride)
        match.find(at, around)
        self._mixer.begin(around.hashes, 1)
        labels[at] = self._ask(labels[at], around)
        match.follow(at, labels[at])

    def _ask(self, label: int, around: Surroundings) -> int:
        """The label, by a few names, and by a search if it is none of them."""
        refused: list[int] = []
        for name in (around.neighbours[i] for i in self._names):
            # Of the last two labels one is left when the other is refused.
            if name in refused or len(refused) in (_MOST_NAMES, self._k - 1):
                continue
            if len(refused) == 1:
                self._mixer.begin(around.hashes, 2)
            if self._is(label, name, len(refused), around):
                return name
            refused.append(name)
            if name == self._match.expected:
                self._match.expected = -1
        if len(refused) > 1:
            self._mixer.begin(around.hashes, 1)
        return self._search(label, around, refused)

    def _is(self, label: int, name: int, refused: int, around: Surroundings) -> int:
        """Whether it is the label of that name, when so many were refused before."""
        marks = name & 255, around.equal >> 7 & 63
        return self._answer(label == name, name, refused, refused, around, marks)

    def _answer(
        self,
        bit: int,
        name: int,
        node: int,
        kind: int,
        around: Surroundings,
        marks: tuple[int, int],
    ) -> int:
        """Whether it is that name, by the rows of a kind of question, and of marks in the second
        and third set."""
        expected = self._match.expected
        agrees = -1 if expected < 0 else int(expected == name)
        rows = (
            (kind * 3 + agrees + 1) * 128 + (around.equal & 127),
            _SET1 + kind * 256 + marks[0],
            _SET2 + kind * 512 + marks[1],
        )
        return self._decide(bit, node, 0, rows, agrees)

    def _search(self, label: int, around: Surroundings, refused: list[int]) -> int:
        """The label, when it is none of those refused: a search in the tree."""
        w, n = around.neighbours[:2]
        expected = self._match.expected
        low, high, path, depth = 0, self._k, 1, 0
        while high - low > 1:
            middle = (low + high + 1) // 2
            within = depth % 4  # a group is four levels of the tree
            if within == 0 and depth:
                self._mixer.begin(around.hashes, path)
            if sum(low <= place < middle for place in refused) == middle - low:
                bit = 1  # nothing is left below
            elif sum(middle <= place < high for place in refused) == high - middle:
                bit = 0
            else:
                halves = [
                    0 if not low <= place < high else 1 if place < middle else 2
                    for place in (around.median, around.mean, w, n, expected)
                ]
                level = min(depth, _DEPTHS - 1)
                guesses = ((halves[0] * 3 + halves[1]) * 3 + halves[2]) * 3 + halves[3]
                rows = (
                    _TREE0 + level * 81 + guesses,
                    _TREE1 + (path if path < 256 else level),
                    _TREE2 + self._last_row(level, around),
                )
                node = 1 << within | path & ((1 << within) - 1)
                bit = self._decide(label >= middle, node, 1, rows, halves[4] - 1)
            low, high = (middle, high) if bit else (low, middle)
            path = path << 1 | bit
            depth += 1
        return low

    def _last_row(self, level: int, around: Surroundings) -> int:
        """The row in the tree of the last set."""
        return around.neighbours[W] & 255

    def _decide(self, bit: int, node: int, tree: int, rows: tuple[int, ...], agrees: int) -> int:
        rows = rows[: self._shape.sets]
        return self._mixer.decide(bit, node, tree, rows, agrees, self._match.held())


def _repeats(labels: list[int], at: int, label: int, most: int) -> int:
    """How many labels from a place on, up to ``most``, are that one."""
    count = 0
    while count < most and labels[at + count] == label:
        count += 1
    return count


def _common(labels: list[int], one: int, other: int, most: int) -> int:
    """How many labels from two places on, up to ``most``, are the same."""
    count = 0
    while count < most and labels[one + count] == labels[other + count]:
        count += 1
    return count


def context_encode(
    labels: Labels, order: NDArray[np.uint16], colors: Bytes, setting: int, capacity: int
) -> bytes | None:
    encoder = RangeEncoder()

    def code(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    plane = Plane(np.argsort(order).astype(np.uint16)[labels])
    coder = Coder(plane, order, colors, setting, code)
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
    coder = Coder(plane, order, colors, setting, lambda _, p: decoder.decode(p))
    for row in plane.rows():
        coder.code_row(row)
    out[:] = order[plane.places()]
    return decoder.valid
