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

    from kqcodec.kernels.protocol import Centers, Distances, Indices, Points, Sums, Weights

TOP = 16_320
RELAX_BITS = 4
PLAIN = 1 << RELAX_BITS
# Later falls of the cost together are taken to be at most so many times the
# latest one: a trial that couldn't reach its goal so is given up.
HOPE = 4

# 32 MB of scores at a time.
_SCORES = 1 << 22


def nearest(points: Points, centers: Centers, labels: Indices, distances: Distances) -> None:
    for part, scores, norms in _scores(points, centers):
        best = scores.argmin(axis=1)
        labels[part] = best
        distances[part] = np.take_along_axis(scores, best[:, np.newaxis], axis=1)[:, 0] + norms


def nearest_two(
    points: Points,
    centers: Centers,
    labels: Indices,
    distances: Distances,
    second_labels: Indices,
    second_distances: Distances,
) -> None:
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
    points: Points, centers: Centers
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
    points: Points, weights: Weights, centers: Centers, labels: Indices, sums: Sums, counts: Sums
) -> tuple[int, int]:
    before = labels.copy()
    distances = np.empty(len(points), dtype=np.int32)
    nearest(points, centers, labels, distances)
    moved = np.flatnonzero(labels != before)
    accumulate(points[moved], -weights[moved], before[moved], sums, counts)
    accumulate(points[moved], weights[moved], labels[moved], sums, counts)
    return len(moved), int((weights * distances).sum())


def lloyd(
    points: Points,
    weights: Weights,
    centers: Centers,
    labels: Indices,
    sums: Sums,
    counts: Sums,
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
    goal: int | None = None,
) -> list[int]:
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


def _relaxed(centers: Centers, sums: Sums, counts: Sums, relax: int) -> NDArray[np.int16]:
    divisor = np.maximum(counts, 1)[:, np.newaxis]
    old = centers.astype(np.int64)
    step = (sums + divisor // 2) // divisor - old
    new = np.clip(old + ((step * relax + PLAIN // 2) >> RELAX_BITS), 0, TOP)
    return np.where(counts[:, np.newaxis] > 0, new, old).astype(np.int16)


def accumulate(points: Points, weights: Weights, labels: Indices, sums: Sums, counts: Sums) -> None:
    np.add.at(counts, labels, weights)
    for channel in range(points.shape[1]):
        np.add.at(sums[:, channel], labels, weights * points[:, channel])
