"""The loops of k-means, on points of four int16 channels.

Every coordinate lies in 0..16320 (an 8-bit sample times 64), so a squared
distance of four channels is below 2^31 and all of this is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TOP = 16_320
RELAX_BITS = 4
PLAIN = 1 << RELAX_BITS
# Later falls of the cost together are taken to be at most so many times the
# latest one: a trial that couldn't reach its goal so is given up.
HOPE = 4

# 32 MB of scores at a time.
_SCORES = 1 << 22


def nearest(
    points: NDArray[np.int16],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
) -> None:
    """labels[i] = the centre nearest to points[i], the lowest of several, and
    distances[i] = its squared distance.

    Points have shape (N, 4), centres (K, 4) with K at most 65,536.
    """
    for part, scores, norms in _scores(points, centers):
        best = scores.argmin(axis=1)
        labels[part] = best
        distances[part] = np.take_along_axis(scores, best[:, np.newaxis], axis=1)[:, 0] + norms


def nearest_two(
    points: NDArray[np.int16],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    second_labels: NDArray[np.uint16],
    second_distances: NDArray[np.int32],
) -> None:
    """``nearest``, and the same with that centre left out. K is at least 2."""
    for part, scores, norms in _scores(points, centers):
        for some_labels, some_distances in (
            (labels, distances),
            (second_labels, second_distances),
        ):
            best = scores.argmin(axis=1)[:, np.newaxis]
            some_labels[part] = best[:, 0]
            some_distances[part] = np.take_along_axis(scores, best, axis=1)[:, 0] + norms
            np.put_along_axis(scores, best, np.inf, axis=1)


def _scores(
    points: NDArray[np.int16], centers: NDArray[np.int16]
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """For some rows at a time: which, |c|^2 - 2pc of each centre, |p|^2."""
    # |p - c|^2 = |p|^2 - 2pc + |c|^2, whose first term is the same for every
    # centre. The products are integers far below 2^53: float64 holds them and
    # all partial sums exactly, in whatever order the matrix product adds them.
    wide = centers.astype(np.float64)
    center_norms = (wide * wide).sum(axis=1)
    rows = max(1, _SCORES // len(centers))
    for start in range(0, len(points), rows):
        rows_here = slice(start, min(start + rows, len(points)))
        part = points[rows_here].astype(np.float64)
        scores = part @ (-2 * wide.T)
        scores += center_norms
        yield rows_here, scores, (part * part).sum(axis=1)


def reassign(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Gives every point its nearest centre and keeps the sums up to date.

    On entry sums (K, 4) and counts (K,) are those of ``labels``; so they are on
    return. Returns how many labels changed, and the weighted sum of squared
    distances.
    """
    before = labels.copy()
    distances = np.empty(len(points), dtype=np.int32)
    nearest(points, centers, labels, distances)
    moved = np.flatnonzero(labels != before)
    accumulate(points[moved], -weights[moved], before[moved], sums, counts)
    accumulate(points[moved], weights[moved], labels[moved], sums, counts)
    return len(moved), int((weights * distances).sum())


def lloyd(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
    goal: int | None = None,
) -> list[int]:
    """At most so many iterations: assign, then move the centres.

    A centre moves ``relax`` sixteenths of the way to its mean: 16 is Lloyd's
    own step, more is over-relaxation, given up for the rest once an iteration
    raised the cost. An empty cluster's centre stays. It ends when no label
    changes, or the cost c falls by at most c >> tolerance_bits, or, where there is
    a ``goal``, it seems out of reach.

    Arguments as for ``reassign``. On return the labels and sums are those of
    the centres. Returns each assignment's cost.
    """
    costs: list[int] = []
    while True:
        changed, cost = reassign(points, weights, centers, labels, sums, counts)
        costs.append(cost)
        if len(costs) == iterations or (len(costs) > 1 and changed == 0):
            return costs
        if len(costs) > 1:
            fall = costs[-2] - cost
            if fall < 0:
                relax = PLAIN
            elif fall <= cost >> tolerance_bits:
                return costs
            if goal is not None and cost - HOPE * fall > goal:
                return costs
        centers[:] = _relaxed(centers, sums, counts, relax)


def _relaxed(
    centers: NDArray[np.int16], sums: NDArray[np.int64], counts: NDArray[np.int64], relax: int
) -> NDArray[np.int16]:
    divisor = np.maximum(counts, 1)[:, np.newaxis]
    old = centers.astype(np.int64)
    step = (sums + divisor // 2) // divisor - old
    new = np.clip(old + ((step * relax + PLAIN // 2) >> RELAX_BITS), 0, TOP)
    return np.where(counts[:, np.newaxis] > 0, new, old).astype(np.int16)


def accumulate(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    labels: NDArray[np.uint16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """sums[labels[i]] += weights[i] * points[i] and counts[labels[i]] += weights[i].

    Sums have shape (K, 4), counts (K,); every label must be below K.
    """
    np.add.at(counts, labels, weights)
    for channel in range(points.shape[1]):
        np.add.at(sums[:, channel], labels, weights * points[:, channel])
