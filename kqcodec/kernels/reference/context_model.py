"""What the coder `context` knows before it codes a label (spec/kq.md, section 16):
the labels around it, colours predicted from theirs, and the contexts that are
sums of hashed features.

Labels are places here: indices into the palette in the order of the tree, in
which neighbours have similar colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kqcodec.kernels.reference.logistic import HELD, MASK, MULTIPLIER, Integers, scramble

if TYPE_CHECKING:
    from kqcodec.kernels.protocol import Bytes

MARGIN = 8  # labels kept free on both sides of a row
_ABOVE = 3  # rows kept free above the first
_GEOMETRY_MAX = 4096  # a palette larger than this predicts no colours

# The kinds of features, each with a multiplier of its own: an odd number's powers.
W, N, NW, NE, WW, NN, NWW, NEE, NNW, NNE, WWW, NNN = range(12)
MEDIAN, MEAN, WIDE, SLANT, ALONG, DOWN, RISE = range(12, 19)  # entries nearest to colours
EQUAL10, EQUAL22 = 19, 20
_FEATURES = 21
# Where W .. NNN are, and beyond them NNWW and NNEE: columns and rows away.
_NNWW, _NNEE = 12, 13
_AROUND = (
    *((-1, 0), (0, -1), (-1, -1), (1, -1), (-2, 0), (0, -2), (-2, -1), (2, -1)),
    *((-1, -2), (1, -2), (-3, 0), (0, -3), (-2, -2), (2, -2)),
)
# Of which it counts whether they are equal, a bit for each pair.
_PAIRS = (
    *((W, N), (W, NW), (N, NW), (N, NE), (W, WW), (N, NN), (W, NE), (WW, NW), (NN, NE)),
    *((NW, NE), (NW, NWW), (NE, NEE), (NN, NNE), (NN, NNW), (NW, NNW), (NE, NNE)),
    *((WW, WWW), (NN, NNN), (WW, NWW), (NNE, _NNEE), (NNW, _NNWW), (NEE, _NNEE)),
)

# The contexts, each a set of features; a model has the first so many.
_FEW = 64  # entries; of more, labels say so much that the small model looks at W alone
_CONTEXTS: tuple[tuple[int, ...], ...] = (
    (W, WW),
    (EQUAL22,),
    (MEDIAN,),
    (W, N, NE),
    (N,),
    (N, NN, NNN),
    (W, N, NW),
    # of the large model alone, from here
    (WIDE, MEAN),
    (W,),
    (EQUAL10,),
    (SLANT, ALONG),
    (W, WW, WWW),
    tuple(range(MEDIAN)),
    (RISE, W),
    (N, NN),
    (N, NE, NN, NNE),
    (W, NE),
    (MEDIAN, N),
    (W, N),
    (W, N, NW, NE, WW, NN),
    (EQUAL10, W),
    (DOWN, W),
    (W, N, NW, NE, WW, NN, NWW, NEE, NNE),
    (MEAN, W),
    (NW,),
    (NE,),
    (N, NW, NE),
    (WIDE, MEDIAN),
    (EQUAL22, W),
    (WW, NN),
    (ALONG, DOWN),
)
# What each feature is multiplied by.
_MULTIPLIERS = [pow(MULTIPLIER, kind + 1, 1 << 32) for kind in range(_FEATURES)]


def term(kind: int, value: int) -> int:
    """A feature's part in a context, not yet modulo 2^32."""
    return (value + 1) * pow(MULTIPLIER, kind + 1, 1 << 32)


def tree_order(colors: Bytes) -> NDArray[np.uint16]:
    channels = colors.astype(np.int64)
    sums = channels.sum(axis=1)
    order, starts = np.arange(len(colors)), np.zeros(1, dtype=np.int64)
    while len(starts) < len(order):
        values = channels[order]
        spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
        widest = np.array([1, 0, 2])[(spread * [3, 4, 2])[:, [1, 0, 2]].argmax(axis=1)]
        sizes = np.diff(starts, append=len(order))
        ranges = np.repeat(np.arange(len(starts)), sizes)
        key = values[np.arange(len(order)), widest[ranges]]
        order = order[np.lexsort((order, sums[order], key, ranges))]
        starts = np.union1d(starts, (starts + (sizes + 1) // 2)[sizes > 1])
    return order.astype(np.uint16)


def _context_matrix(contexts: int, k: int, *, colorless: bool, follows: bool) -> Integers:
    """(contexts, 21): what a feature is multiplied by, where it is one of a context's."""
    matrix = np.zeros((contexts, _FEATURES), dtype=np.int64)
    used = list(_CONTEXTS[:contexts])
    if contexts < len(_CONTEXTS):
        if follows or colorless:  # all neighbours say more than a predicted colour
            used[_CONTEXTS.index((MEDIAN,))] = tuple(range(MEDIAN))
        if colorless:  # labels that are names say most where a new one begins
            used[_CONTEXTS.index((W, WW))] = (W, NEE)
            used[_CONTEXTS.index((N, NN, NNN))] = (NEE,)
        elif k > _FEW:
            used[_CONTEXTS.index((N, NN, NNN))] = (W,)
    for row, features in zip(matrix, used, strict=True):
        row[list(features)] = [_MULTIPLIERS[kind] for kind in features]
    return matrix


class Plane:
    """Places in a list, row after row, with margins that are 0 at first."""

    def __init__(self, places: NDArray[np.uint16]) -> None:
        self.height: int
        self.width: int
        self.height, self.width = places.shape
        self.stride = self.width + 2 * MARGIN
        padded = np.pad(places, ((_ABOVE, 0), (MARGIN, MARGIN)))
        self.labels: list[int] = padded.ravel().tolist()

    def rows(self) -> range:
        """Where the first label of each row is."""
        first = _ABOVE * self.stride + MARGIN
        return range(first, first + self.height * self.stride, self.stride)

    def places(self) -> NDArray[np.uint16]:
        """(height, width), without the margins."""
        padded = np.array(self.labels, dtype=np.uint16).reshape(-1, self.stride)
        return padded[_ABOVE:, MARGIN:-MARGIN]


class Surroundings(NamedTuple):
    """What a label that isn't one of a run is coded with."""

    neighbours: list[int]  # W .. NNN
    equal: int  # which of them are equal
    median: int
    mean: int
    hashes: Integers  # of the contexts


class Model:
    """Predictions from colours, and hashes of contexts.

    Args:
        order: (K,), the entries in the order of the tree.
        colors: (K, 3) uint8, the palette; (0, 3) for none.
        contexts: how many.
        follows: whether there is a match.
    """

    def __init__(
        self, order: NDArray[np.uint16], colors: Bytes, contexts: int, *, follows: bool
    ) -> None:
        self._predicts = 0 < len(colors) <= _GEOMETRY_MAX
        self._rows = colors[order].astype(np.int64) if self._predicts else colors
        self._colors: list[list[int]] = self._rows.tolist()
        self._cells: dict[tuple[int, ...], int] = {}
        self._colorless = len(colors) == 0
        self._matrix = _context_matrix(
            contexts, len(order), colorless=self._colorless, follows=follows
        )
        self._constant = self._matrix.sum(axis=1)  # each feature is multiplied plus 1
        self._all = contexts == len(_CONTEXTS)

    def look_around(self, labels: list[int], at: int, stride: int) -> Surroundings:
        """The surroundings of a place in a plane of labels."""
        around = [labels[at + x + y * stride] for x, y in _AROUND]
        equal = sum((around[a] == around[b]) << bit for bit, (a, b) in enumerate(_PAIRS))
        around = around[:MEDIAN]
        entries = self._predict(around)
        features = np.array([*around, *entries, equal & 1023, equal])
        hashes = (self._matrix.dot(features) + self._constant) & MASK
        return Surroundings(around, equal, entries[0], entries[1], hashes)

    def _predict(self, around: list[int]) -> list[int]:
        """MEDIAN .. RISE: entries nearest to colours that the neighbours' colours suggest.

        The median edge detector of JPEG-LS (Weinberger, Seroussi and Sapiro 2000), means,
        and lines continued; the small model has the first three only. Without a palette NE and
        NEE stand for the first two.
        """
        if not self._predicts:
            first = (around[NE], around[NEE]) if self._colorless else (around[W],) * 2
            return [*first, *[around[W]] * 5]
        channels = []
        kinds = (W, N, NW, NE, WW, NN, NNE)
        colors = [self._colors[around[kind]] for kind in kinds]
        for w, n, nw, ne, ww, nn, nne in zip(*colors, strict=True):
            both = w + n
            predicted = [
                sorted((w, n, both - nw))[1],
                (2 * both + ne - nw) >> 2,
                (7 * both + 2 * (ne + nw) - ww - nn + 8) >> 4,
            ]
            if self._all:
                predicted += [w + ne - n, 2 * w - ww, 2 * n - nn, n + ne - nne]
            channels.append(predicted)
        entries = [self._nearest(color) for color in zip(*channels, strict=True)]
        return entries if self._all else entries + [0] * 4

    def _nearest(self, color: tuple[int, ...]) -> int:
        """The entry nearest to the middle of the cell, 8 x 8 x 8 colours, that holds a
        colour; of several the first. Channels count 3, 4 and 2.
        """
        cell = tuple([min(max(value, 0), 255) >> 3 for value in color])
        found = self._cells.get(cell)
        if found is None:
            middle = [8 * part + 4 for part in cell]
            found = int(((self._rows - middle) ** 2).dot([3, 4, 2]).argmin())
            self._cells[cell] = found
        return found


class Match:
    """Supposes that the labels go on as they went on elsewhere.

    After lpaq's match model, in two dimensions: besides the place where the same
    surroundings were last, it tries the displacement that was right in the same column,
    since repeated pictures go on downwards, too.
    """

    def __init__(self, plane: Plane, bits: int) -> None:
        self._labels, self._stride = plane.labels, plane.stride
        self._bits = bits  # 0: this tile does without
        self.places = [0] * (1 << bits)
        # By column, how far away the last right match was.
        self.displaced = [0] * plane.width
        self.row = 0
        self.at = 0
        self.length = 0  # how long it has held, 0 for no match
        self.expected = -1  # the label, -1 for none

    def begin_row(self, row: int) -> None:
        """At the first label of a row there is none."""
        self.row, self.at, self.length = row, 0, 0

    def place_of(self, around: Surroundings) -> int:
        """Where it stands where such surroundings were last."""
        eleven = enumerate(around.neighbours[:NNN])
        h = sum((label + 1) * _MULTIPLIERS[kind] for kind, label in eleven)
        return scramble(h & MASK) >> (32 - self._bits)

    def same(self, one: int, other: int) -> bool:
        """Whether seven neighbours are the same."""
        return self._same_above(one, other) and self._same_beside(one, other)

    def find(self, at: int, around: Surroundings) -> None:
        """Where to follow from, at a label with such neighbours."""
        if not self._bits:
            return
        place = self.place_of(around)
        if not self.length:
            displaced = at - self.displaced[at - self.row]
            last = self.places[place]
            # Where the match was that is wrong since the last label, it isn't again.
            if displaced not in (at, self.at) and self._same_above(displaced, at):
                self.at, self.length = displaced, 1
            elif last and self.same(last, at):
                self.at, self.length = last, 1
        self.places[place] = at
        self.expected = self._labels[self.at] if self.length else -1

    def _same_above(self, one: int, other: int) -> bool:
        """Whether N, NE and NN are the same."""
        labels, n = self._labels, self._stride
        return (
            labels[one - n : one - n + 2] == labels[other - n : other - n + 2]
            and labels[one - 2 * n] == labels[other - 2 * n]
        )

    def _same_beside(self, one: int, other: int) -> bool:
        """Whether W, WW, NW and NEE are the same."""
        labels, n = self._labels, self._stride
        return (
            labels[one - 2 : one] == labels[other - 2 : other]
            and labels[one - n - 1] == labels[other - n - 1]
            and labels[one - n + 2] == labels[other - n + 2]
        )

    def allows(self, label: int) -> bool:
        """Whether it expects no other label."""
        return not self.length or self._labels[self.at] == label

    def follow(self, at: int, label: int) -> None:
        """After a label is known that wasn't one of a run."""
        if not self.length:
            return
        if self._labels[self.at] == label:
            self.repeat(at, 1)
        else:
            self.length = 0
            self.at += 1

    def repeat(self, at: int, count: int) -> None:
        """After so many labels that were those of the match."""
        column = at - self.row
        self.displaced[column : column + count] = [at - self.at] * count
        self.at += count
        self.length += count

    def held(self) -> int:
        """How long it has held, as a number below HELD."""
        return min(self.length.bit_length(), HELD - 1)
