"""Clusters of colours with alpha, in which what is opaque stays opaque: for them what
``lloyd`` and ``merge_split`` are for colours without.

A centre is opaque or translucent, and opaque colours choose among opaque centres
only. Lloyd's algorithm keeps to that: an opaque centre's alpha is fixed, and as the
coordinates of ``kqcodec.colors.spaces.AlphaSpace`` are orthogonal, the mean is still the
best place in the others. What is fully transparent has a centre of its own, which
nothing moves, but which faint colours may choose.

How many centres should be opaque Lloyd's algorithm can't find out, so a local search
tries changes, the most promising first, and keeps what lowers the cost:

- a translucent centre becomes opaque, or the other way round;
- a centre is given up, and another's cluster cut in two, as in ``merge_split``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.colors.histogram import FIRST_OPAQUE
from kqcodec.colors.spaces import OPAQUE_COORDINATE, TOP
from kqcodec.kernels import kernels
from kqcodec.quantization.cells import WeightedPoints, cell_bits, merged_cells
from kqcodec.quantization.lloyd import costliest, nearest, nearest_two, rounded_means

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

# Lloyd's algorithm ends when the cost c falls by at most c >> this.
_TOLERANCE_BITS = 13
_TRIAL_ITERATIONS = 8
# Changes tried in vain before the search ends, and the least ratio of gain to loss.
_ATTEMPTS = 16
_LEAST_RATIO = 0.25
# Centres to give up, and clusters to cut, that are paired up.
_WIDTH = 8
# Where what is fully transparent lies: on middle grey, without alpha.
HIDDEN = np.array([[TOP // 2, TOP // 2, TOP // 2, 0]], dtype=np.int16)


@dataclass(frozen=True, eq=False)
class AlphaPoints(WeightedPoints):
    """Points of colours that aren't fully transparent: the opaque ones, then the translucent
    ones, both in Morton order.

    Attributes:
        opaque: how many are opaque.
    """

    opaque: int

    @classmethod
    def of(cls, data: WeightedPoints, wanted: int | None = None) -> AlphaPoints:
        """The points of all colours, or of cells of them, at least ``wanted`` in
        either part where there are so many. No cell has colours of both."""
        is_opaque = data.keys >= FIRST_OPAQUE
        parts = []
        for some in (is_opaque, ~is_opaque):
            part = WeightedPoints(data.points[some], data.weights[some], data.keys[some])
            if wanted is not None and len(part) > wanted:
                part = merged_cells(part, cell_bits(part, wanted))
            parts.append(part)
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.keys for part in parts]),
            len(parts[0]),
        )


@dataclass(frozen=True, eq=False)
class AlphaCenters:
    """Opaque centres, then translucent ones, then that of what is hidden, if any.

    Attributes:
        places: int16, shape (K, 4).
        opaque: how many are opaque.
        hidden: whether the last is the fixed one of what is fully transparent.
    """

    places: NDArray[np.int16]
    opaque: int
    hidden: bool

    @classmethod
    def of(cls, opaque: NDArray[np.int16], others: NDArray[np.int16], hidden: bool) -> AlphaCenters:
        """Opaque centres, whose alpha becomes exactly that, and translucent ones."""
        fixed = opaque.copy()
        fixed[:, 3] = OPAQUE_COORDINATE
        return cls(np.concatenate([fixed, others] + [HIDDEN] * hidden), len(fixed), hidden)

    @property
    def movable(self) -> int:
        """How many centres may move: all but the fixed one."""
        return len(self.places) - self.hidden

    def changed(
        self, gone: list[int], opaque: NDArray[np.int16], others: NDArray[np.int16]
    ) -> AlphaCenters:
        """The centres without those numbered ``gone``, and with new opaque and other ones."""
        stays = np.ones(self.movable, dtype=np.bool_)
        stays[gone] = False
        kept = self.places[: self.movable][stays]
        before = self.opaque - sum(j < self.opaque for j in gone)
        return AlphaCenters.of(
            np.concatenate([kept[:before], opaque]),
            np.concatenate([kept[before:], others]),
            self.hidden,
        )


@dataclass(frozen=True, eq=False)
class Assignment:
    """Points and the nearest of the centres that are open to them.

    Attributes:
        colors, centers: what is assign to what.
        labels: uint16, shape (N,).
        distances: squared, int32, shape (N,).
        cost: their weighted sum.
    """

    colors: AlphaPoints
    centers: AlphaCenters
    labels: NDArray[np.uint16]
    distances: NDArray[np.int32]
    cost: int


def assign(colors: AlphaPoints, centers: AlphaCenters) -> Assignment:
    """Each opaque point's nearest opaque centre, each other point's nearest of all."""
    labels = np.empty(len(colors), dtype=np.uint16)
    distances = np.empty(len(labels), dtype=np.int32)
    for part, places in _open_centers(colors, centers):
        labels[part], distances[part] = nearest(colors.points[part], places)
    return Assignment(colors, centers, labels, distances, int((colors.weights * distances).sum()))


def _open_centers(
    colors: AlphaPoints, centers: AlphaCenters
) -> Iterator[tuple[slice, NDArray[np.int16]]]:
    """The opaque and the translucent points, where there are any, and the centres open to them."""
    if colors.opaque:
        yield slice(colors.opaque), centers.places[: centers.opaque]
    if colors.opaque < len(colors):
        yield slice(colors.opaque, None), centers.places


def lloyd_with_alpha(colors: AlphaPoints, centers: AlphaCenters, iterations: int) -> Assignment:
    """Lloyd's algorithm, at most ``iterations`` of it."""
    state, left = _iterated(colors, centers, iterations)
    while left > 0:  # nobody chose some centre: another place is found for it
        after = assign(colors, _means(state))
        fall = state.cost - after.cost
        if fall <= 0:
            break
        state = after
        if fall <= state.cost >> _TOLERANCE_BITS:
            break
        state, left = _iterated(colors, state.centers, left - 1)
    return state


def _iterated(
    colors: AlphaPoints, centers: AlphaCenters, iterations: int
) -> tuple[Assignment, int]:
    """Lloyd's algorithm until nobody chooses some centre; and how many iterations are left
    then."""
    places = centers.places.copy()
    labels = np.empty(len(colors), dtype=np.uint16)
    distances = np.empty(len(labels), dtype=np.int32)
    left, cost = kernels.settle_kinds(
        colors.points,
        colors.weights,
        places,
        labels,
        distances,
        opaque_points=colors.opaque,
        opaque=centers.opaque,
        movable=centers.movable,
        iterations=iterations,
        tolerance_bits=_TOLERANCE_BITS,
    )
    moved = AlphaCenters(places, centers.opaque, centers.hidden)
    return Assignment(colors, moved, labels, distances, cost), left


def _means(state: Assignment) -> AlphaCenters:
    """The centres in the middle of their clusters; those that nobody chose, among the
    points that cost most."""
    colors, centers = state.colors, state.centers
    sums = np.zeros((len(centers.places), 4), dtype=np.int64)
    counts = np.zeros(len(sums), dtype=np.int64)
    kernels.accumulate(colors.points, colors.weights, state.labels, sums, counts)
    means = rounded_means(sums, counts).astype(np.int16)
    moved = AlphaCenters.of(
        means[: centers.opaque], means[centers.opaque : centers.movable], centers.hidden
    )
    empty = np.flatnonzero(counts[: centers.movable] == 0)
    if len(empty) == 0:
        return moved
    found = costliest(colors.weights * state.distances, len(empty))
    is_opaque = found < colors.opaque
    return moved.changed(
        empty.tolist(), colors.points[found[is_opaque]], colors.points[found[~is_opaque]]
    )


def local_search(state: Assignment, trials: int, go_on: Callable[[int], bool]) -> Assignment:
    """The local search over how many centres are opaque, and where: at most ``trials``
    changes are tried, while ``go_on(cost)``."""
    while trials > 0 and go_on(state.cost):
        for change in _changes(state)[: min(trials, _ATTEMPTS)]:
            trials -= 1
            found = lloyd_with_alpha(state.colors, change.centers(), _TRIAL_ITERATIONS)
            if found.cost < state.cost:
                state = found
                break
        else:
            break
    return state


# --- changes that the local search tries ------------------------------------


class _Change(NamedTuple):
    """A change of the centres, and what it may be worth."""

    ratio: float
    centers: Callable[[], AlphaCenters]


class _GivenUp(NamedTuple):
    """An assignment, and what its points would do if their centre were given up."""

    state: Assignment
    seconds: NDArray[np.int64]  # each point's squared distance to its second choice
    losses: NDArray[np.int64]  # by centre, if it is given up


def _changes(state: Assignment) -> list[_Change]:
    """The changes worth a trial, the most promising first."""
    given_up = _give_up(state)
    changes = [*_merge_splits(given_up), *_to_opaque(given_up), *_to_translucent(given_up)]
    changes = [change for change in changes if change.ratio >= _LEAST_RATIO]
    return sorted(changes, key=lambda change: -change.ratio)  # stable


def _give_up(state: Assignment) -> _GivenUp:
    colors, centers = state.colors, state.centers
    # Where there's no second choice, giving up the first is no change that is made.
    seconds = np.full(len(colors), 1 << 31, dtype=np.int64)
    for part, places in _open_centers(colors, centers):
        if len(places) > 1:
            seconds[part] = nearest_two(colors.points[part], places)[2]
    return _GivenUp(state, seconds, _sums_by_center(state, seconds - state.distances))


def _sums_by_center(state: Assignment, worth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums over the points of each centre, weighted."""
    sums = np.zeros(len(state.centers.places), dtype=np.int64)
    np.add.at(sums, state.labels, state.colors.weights * worth)
    return sums


def _merge_splits(given_up: _GivenUp) -> Iterator[_Change]:
    """One centre for another: where it is missed least, to where it helps most."""
    state, centers = given_up.state, given_up.state.centers
    gains, halves = kernels.split_gains(
        state.colors.points, state.colors.weights, state.labels, len(centers.places)
    )
    give_up = np.argsort(given_up.losses[: centers.movable], kind="stable")[:_WIDTH]
    if state.colors.opaque and centers.opaque == 1:
        give_up = give_up[give_up > 0]  # opaque points need somewhere to go
    cut = np.argsort(-gains[: centers.movable], kind="stable")[:_WIDTH]
    gained = list(zip(cut.tolist(), gains[cut].tolist(), strict=True))
    for i, loss in zip(give_up.tolist(), given_up.losses[give_up].tolist(), strict=True):
        for j, gain in gained:
            ratio = gain / max(1, loss)
            if i != j and gain > 0 and ratio >= _LEAST_RATIO:
                yield _Change(ratio, partial(_cut, state, i, j, halves[j]))


def _cut(state: Assignment, gone: int, cut: int, halves: NDArray[np.int16]) -> AlphaCenters:
    """The centres with two halves in place of two; a half is opaque where most of
    its points are."""
    opaque = state.colors.opaque
    is_opaque = np.full(2, cut < state.centers.opaque)
    if is_opaque[0] and np.count_nonzero(state.labels[opaque:] == cut):
        members = np.flatnonzero(state.labels == cut)
        difference = state.colors.points[members, np.newaxis].astype(np.int32) - halves
        half = (difference * difference).sum(axis=2).argmin(axis=1)
        # How many pixels are opaque and translucent, in either half.
        shares = np.zeros((2, 2), dtype=np.int64)
        translucent = (members >= opaque).astype(np.intp)
        np.add.at(shares, (translucent, half), state.colors.weights[members])
        is_opaque = shares[0] >= shares[1]
        is_opaque[shares[0].argmax()] = True  # somebody needs one
    return state.centers.changed([gone, cut], halves[is_opaque], halves[~is_opaque])


def _to_opaque(given_up: _GivenUp) -> Iterator[_Change]:
    """Translucent centres that would serve opaque points as well."""
    state, colors, centers = given_up.state, given_up.state.colors, given_up.state.centers
    some = slice(centers.opaque, centers.movable)
    if colors.opaque == 0 or centers.movable == centers.opaque:
        return
    raised = centers.places[some].copy()
    raised[:, 3] = OPAQUE_COORDINATE
    labels, distances = nearest(colors.points[: colors.opaque], raised)
    gains = np.zeros(len(raised), dtype=np.int64)
    won = np.maximum(state.distances[: colors.opaque] - distances, 0)
    np.add.at(gains, labels, colors.weights[: colors.opaque] * won)
    # Its own points stay, though farther in alpha, or take their second choice.
    alpha = colors.points[:, 3].astype(np.int64)
    now = centers.places[state.labels, 3] - alpha
    farther = state.distances + (OPAQUE_COORDINATE - alpha) ** 2 - now**2
    losses = _sums_by_center(state, np.minimum(farther, given_up.seconds) - state.distances)[some]
    for j in np.flatnonzero(gains).tolist():
        yield _Change(
            int(gains[j]) / max(1, int(losses[j])),
            partial(centers.changed, [centers.opaque + j], raised[j : j + 1], HIDDEN[:0]),
        )


def _to_translucent(given_up: _GivenUp) -> Iterator[_Change]:
    """Opaque centres that serve translucent points above all."""
    state, colors, centers = given_up.state, given_up.state.colors, given_up.state.centers
    if colors.opaque and centers.opaque < 2:
        return
    worth = given_up.seconds - state.distances
    worth[colors.opaque :] = 0
    lost = _sums_by_center(state, worth)
    others = state.labels[colors.opaque :]
    for j in np.flatnonzero(np.bincount(others, minlength=1)[: centers.opaque]).tolist():
        members = colors.opaque + np.flatnonzero(others == j)
        points = colors.points[members].astype(np.int64)
        weights = colors.weights[members]
        mean = (points * weights[:, np.newaxis]).sum(axis=0) // weights.sum()
        after = (((points - mean) ** 2).sum(axis=1) * weights).sum()
        gain = int((state.distances[members] * weights).sum() - after)
        yield _Change(
            gain / max(1, int(lost[j])),
            partial(centers.changed, [j], HIDDEN[:0], mean[np.newaxis].astype(np.int16)),
        )
