"""A tile of a sequence, frame after frame, by the coder `context` (spec/kq.md, section 19).

The first frame is coded as a still picture is, by the small model; those that follow from the
frame before, by a model of fifteen contexts that goes on learning from frame to frame. The two
share their tables, so that a key frame teaches what comes after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.context import Coder, Tables
from kqcodec.kernels.reference.context_model import (
    MARGIN,
    NE,
    NEE,
    NN,
    NNN,
    NW,
    WW,
    N,
    Plane,
    W,
    term,
)
from kqcodec.kernels.reference.frame_blocks import Blocks
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes
    from kqcodec.kernels.reference.context_model import Surroundings
    from kqcodec.kernels.reference.logistic import Code

_ABOVE, _BELOW = 3, 2  # rows kept free above the first, and below the last
_TABLES = 13  # of fifteen contexts
_SMALL, _LATER = 1 << 6, 3 << 6  # models
_STILL_BEGIN = ((4 << 20) - (4 << 20) // 64) << 10 | 2  # 63/64
_OLDEST = 127
_MOST_NAMES = 3
# Features of the frame before, numbered behind those of still pictures.
_P, _PE, _PS, _Q, _SAME, _SAME_EQUAL, _MATCHED, _FARTHER = range(24, 32)
_EQUAL22 = 20
_MEDIAN = 12


class _Later(Coder):
    """Codes labels from the frame before; ``labels`` are both frames, the present one ``size``
    behind the other, where the plane of the present one begins."""

    def __init__(
        self,
        plane: Plane,
        order: NDArray[np.uint16],
        colors: Bytes,
        setting: int,
        code: Code,
        tables: Tables,
    ) -> None:
        super().__init__(plane, order, colors, setting, code, tables)
        self._follows = bool(setting & 8)
        self._colorless = len(colors) == 0
        self._size = size = (plane.height + _ABOVE) * plane.stride
        self.replaced = [0] * size
        self.age = [0] * size
        self._still = [_STILL_BEGIN] * (1 << 14)
        self._row_marks = 0

    def _last_row(self, level: int, around: Surroundings) -> int:
        return level * 64 + self._row_marks

    def learn(self, counters: list[int], place: int, bit: int) -> int:
        """See ``LabelCoder``."""
        return self._simple(counters, place, bit)

    def update(self, place: int, last: int, now: int) -> None:
        """See ``LabelCoder``."""
        if last != now:
            self.replaced[place] = last
        self.age[place] = 0 if last != now else min(self.age[place] + 1, _OLDEST)

    def code_labels(self, row: int, columns: range, truth: list[int] | None) -> None:
        """Those of some columns of the row at ``row``, counted in the present plane; ``truth`` has
        the row's labels, where they are known."""
        labels, match = self._plane.labels, self._match
        match.begin_row(row)
        for x in columns:
            at = row + x
            here = self._size + at
            label = truth[x] if truth else 0
            same = self._same(here)
            known = -1
            was = labels[here]
            if same & 63 == 63 and (not match.length or self._at(match.at) == was):
                if self._simple(self._still, self._still_place(here, same), int(label == was)):
                    match.at += match.length > 0
                    continue
                known = was
            found = self._label(at, same, label, known)
            if match.length:
                if self._at(match.at) == found:
                    match.displaced[x] = at - match.at
                    match.length += 1
                else:
                    match.length = 0
                match.at += 1
            labels[here] = found

    def _at(self, place: int) -> int:
        return self._plane.labels[self._size + place]

    def _same(self, here: int) -> int:
        """Which of eight neighbours are as in the frame before."""
        labels, n = self._plane.labels, self._plane.stride
        around = (-1, -n, -n - 1, -n + 1, -2, -2 * n, -n + 2, -n - 2)
        places = [here + by for by in around]
        return sum((labels[z] == labels[z - self._size]) << i for i, z in enumerate(places))

    def _still_place(self, here: int, same: int) -> int:
        """The counter of a label that looks unchanged."""
        labels, n, length = self._plane.labels, self._plane.stride, self._match.length
        around = (-1, -n, 1, n, n + 1, -n + 1, n - 1)
        equal = sum((labels[here] == labels[here + by]) << i for i, by in enumerate(around))
        age = self.age[here - self._size].bit_length()
        return equal | same >> 6 << 7 | age << 9 | (length > 15) << 12 | (length > 0) << 13

    def _equal(self, here: int) -> int:
        """Of the label that stood here, which of those around it are equal."""
        labels, n, size = self._plane.labels, self._plane.stride, self._size
        was, w, e, s = 0, -1, 1, n
        pairs = (
            *((was, w), (was, -n), (was, -n - 1), (was, -n + 1), (was, e), (was, s)),
            *((was, s + 1), (was, s - 1), (e, s), (was, w - size), (was, -n - size)),
            *((w, s - 1), (-n + 1, e), (e, w), (s, w), (s, -n)),
        )
        return sum((labels[here + a] == labels[here + b]) << i for i, (a, b) in enumerate(pairs))

    def _farther(self, here: int) -> int:
        """Of labels without colours, what is farther from the one that stood here."""
        labels, s, size = self._plane.labels, self._plane.stride, self._size
        was, w, ee, ss = 0, -1, 2, 2 * s
        pairs = (
            *((was, ee), (was, ss), (ee, w), (ee, 2 - s), (1, ee), (s, ss), (w - size, w)),
            *((was, ss + 1), (was, ss - 1), (was, s + 2), (was, s - 2), (was, 3)),
        )
        return sum((labels[here + a] == labels[here + b]) << i for i, (a, b) in enumerate(pairs))

    def _find(self, at: int, around: Surroundings) -> None:
        """Looks for a match, where there is none, in this frame or the one before."""
        match, n, size = self._match, self._plane.stride, self._size
        if not self._follows:
            return
        place = match.place_of(around)
        if not match.length:
            behind = match.displaced[at - match.row]
            displaced, last = at - behind, match.places[place]
            inside = _ABOVE * n - size <= displaced < size - MARGIN
            if behind and displaced != match.at and inside and self._looks_the_same(displaced, at):
                match.at, match.length = displaced, 1
            elif last and last != at:
                for z in (last, last - size):
                    if self._looks_the_same(z, at):
                        match.at, match.length = z, 1
                        break
        match.places[place] = at
        match.expected = self._at(match.at) if match.length else -1

    def _looks_the_same(self, one: int, other: int) -> bool:
        return self._match.same(self._size + one, self._size + other)

    def _label(self, at: int, same: int, label: int, known: int) -> int:
        """The label at a place; ``known`` is what it is known not to be, -1 for nothing."""
        labels, n, here = self._plane.labels, self._plane.stride, self._size + at
        around = self._model.look_around(labels, here, n)
        self._find(at, around)
        match, was, equal = self._match, labels[here], self._equal(here)
        around = self._with_contexts(around, here, same, equal)
        marks = same & 15 | (equal & 3) << 4
        self._row_marks = marks
        age = self.age[at].bit_length()
        all_marks = marks | (around.equal >> 7 & 3) << 6, equal >> 4 & 63 | age << 6
        refused = [known] if known >= 0 else []
        if known >= 0 and match.expected == known:
            match.expected = -1
        w = around.neighbours[W]
        first = same & 3 == 3
        names = [(was, 0), (w, 1)] if first else [(w, 1), (was, 0)]
        if self._colorless:
            names += [(around.neighbours[i], 2) for i in (N, NE, NEE, NW, WW)]
        most = _MOST_NAMES if self._colorless else 2
        group = 0
        for name, kind in names:
            if len(refused) >= most or len(refused) + 1 >= self._k:
                break
            if name in refused[:2]:
                continue
            if group != (1 if kind == 1 else 2):
                group = 1 if kind == 1 else 2
                self._mixer.begin(around.hashes, group)
            node = len(refused) if kind == 2 else 0
            if self._answer(int(label == name), name, node, kind, around, all_marks):
                return name
            if match.expected == name:
                match.expected = -1
            refused.append(name)
        if group != 1:
            self._mixer.begin(around.hashes, 1)
        return self._search(label, around._replace(mean=was), refused)

    def _with_contexts(
        self, around: Surroundings, here: int, same: int, equal: int
    ) -> Surroundings:
        """The surroundings with the contexts of the frame before."""
        labels, n = self._plane.labels, self._plane.stride
        near = around.neighbours
        p, pe = term(_P, labels[here]), term(_PE, labels[here + 1])
        w, above = term(W, near[W]), term(N, near[N])
        pairs = same << 4 | equal & 3 | equal >> 2 & 12
        if self._colorless:
            last = term(_FARTHER, self._farther(here)) + term(_SAME_EQUAL, equal)
        else:
            last = above + term(NN, near[NN]) + term(NNN, near[NNN])
        more = [
            term(_SAME_EQUAL, same | equal << 8),
            term(_Q, self.replaced[here - self._size]) + p + w,
            above + p + pe,
            w + above + term(NW, near[NW]) + p + pe + term(_PS, labels[here + n]),
            term(_EQUAL22, around.equal) + term(_SAME, pairs),
            term(_MATCHED, self._match.expected + 1) + p,
            term(_MEDIAN, around.median) + p,
            last,
        ]
        hashes = np.concatenate([around.hashes, np.array(more) & 0xFFFFFFFF])
        return around._replace(hashes=hashes)


class frame_chain:  # noqa: N801 - a kernel, called like the others
    """See ``FrameKernels.frame_chain``."""

    def __init__(
        self, order: NDArray[np.uint16], colors: Bytes, width: int, height: int, setting: int
    ) -> None:
        self._order, self._colors, self._setting = order, colors, setting
        self._shape = height, width
        self._places = np.argsort(order).astype(np.uint16)
        self._broken = False
        self._range: RangeEncoder | RangeDecoder
        self._forget()

    def _forget(self) -> None:
        height, width = self._shape
        bits = (width * height - 1).bit_length()
        slot_bits = max(min(bits + 4, 14 + 2 * (self._setting >> 6)), 8)
        follows = bool(self._setting & 8)
        self._tables = Tables(
            slot_bits - 4,
            np.zeros(_TABLES << slot_bits, dtype=np.int64),
            [0] * (1 << (min(max(bits, 8), 16) if follows else 0)),
            [0] * width,
        )
        setting = self._setting & 63 | _LATER
        plane = Plane(np.zeros(self._shape, dtype=np.uint16))
        plane.labels = plane.labels + plane.labels + [0] * (_BELOW * plane.stride + MARGIN)
        self._plane = plane
        self._later = _Later(plane, self._order, self._colors, setting, self._code, self._tables)
        self._blocks = Blocks(self._later, plane)
        self._started = False

    def _code(self, bit: int, p: int) -> int:
        if isinstance(self._range, RangeDecoder):
            return self._range.decode(p)
        self._range.encode(bit, p)
        return bit

    def _key(self, plane: Plane) -> None:
        """After a frame that was coded by itself."""
        self._started = True
        self._blocks.begin(plane.places())
        size = len(self._later.replaced)
        self._later.replaced = self._plane.labels[:size]

    def begin(self, labels: Labels) -> None:
        """See ``FrameChain``."""
        self._check()
        self._forget()
        self._key(Plane(self._places[labels]))

    def _check(self) -> None:
        if self._broken:
            raise RuntimeError("this chain has come to an end")

    def _code_key(self, plane: Plane, encoder: RangeEncoder | None, capacity: int) -> bool:
        setting = self._setting & 63 | _SMALL
        coder = Coder(plane, self._order, self._colors, setting, self._code, self._tables)
        for row in plane.rows():
            coder.code_row(row)
            if encoder and encoder.full(capacity):
                return False
        self._key(plane)
        return True

    def encode(self, labels: Labels, capacity: int) -> bytes | None:
        """See ``FrameChain``."""
        self._check()
        encoder = self._range = RangeEncoder()
        places = self._places[labels]
        if not self._started:
            coded = self._code_key(Plane(places), encoder, capacity)
        else:
            coded = self._blocks.code(places, lambda: encoder.full(capacity)) >= 0
        payload = encoder.finish(capacity) if coded else None
        self._broken = payload is None
        return payload

    def decode(self, payload: Buffer, out: Labels) -> int:
        """See ``FrameChain``."""
        self._check()
        decoder = self._range = RangeDecoder(payload)
        if not self._started:
            self._code_key(Plane(np.zeros(self._shape, dtype=np.uint16)), None, 0)
            work = out.size
        else:
            work = self._blocks.code(None, lambda: False)
        if work < 0 or not decoder.valid:
            self._broken = True
            return -1
        out[:] = self._order[self._blocks.places()]
        return work
