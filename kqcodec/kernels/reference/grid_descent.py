"""Descent on a grid: each centre tries the 26 places one step away, and takes
the one that lowers the cost the most, counting the points that it would win
and lose. Rounding the means to 8 bits would ignore those. Staying counts as a
move too: it lowers the cost where an earlier move left a member a nearer
neighbour."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Centers, Distances, Indices, Mask, Points, Weights

_TOP = 16_320
# With the last of three channels fastest; the fourth stays as it is.
_MOVES = np.array([(*move, 0) for move in itertools.product((-1, 0, 1), repeat=3)])


def nudge(
    points: Points,
    weights: Weights,
    centers: Centers,
    labels: Indices,
    distances: Distances,
    neighbors: Indices,
    active: Mask,
    step: int,
) -> tuple[int, int]:
    changed = np.zeros_like(active)
    moved = fall = 0
    for j in np.flatnonzero(active):
        around = neighbors[j]
        region = np.zeros(len(centers), dtype=np.bool_)
        region[around] = region[j] = True
        members = np.flatnonzero(region[labels])
        limits, rivals = _without(points, centers, labels, distances, around, members, int(j))
        places = centers[j].astype(np.int32) + step * _MOVES
        places = places[((places >= 0) & (places <= _TOP)).all(axis=1)]
        after = ((points[members, np.newaxis].astype(np.int32) - places) ** 2).sum(axis=2)
        change = np.minimum(after, limits[:, np.newaxis]) - distances[members, np.newaxis]
        falls = -(change * weights[members, np.newaxis]).sum(axis=0)
        best = int(falls.argmax())
        if falls[best] <= 0:
            continue
        centers[j] = places[best]
        stays = (after[:, best] <= limits) & (labels[members] == j)
        comes = after[:, best] < limits
        labels[members] = np.where(stays | comes, j, rivals)
        distances[members] = np.where(stays | comes, after[:, best], limits)
        moved += 1
        fall += int(falls[best])
        changed[region] = True
    active[:] = changed
    return moved, fall


def _without(
    points: Points,
    centers: Centers,
    labels: Indices,
    distances: Distances,
    around: Indices,
    members: NDArray[np.intp],
    j: int,
) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Each member's distance and label, were centre j not there."""
    limits, rivals = distances[members], labels[members]
    own = np.flatnonzero(rivals == j)
    if len(around) == 0:
        limits[own] = np.iinfo(np.int32).max
        return limits, rivals
    difference = points[members[own], np.newaxis].astype(np.int32) - centers[around]
    others = (difference * difference).sum(axis=2)
    nearest = others.argmin(axis=1)
    limits[own] = np.take_along_axis(others, nearest[:, np.newaxis], axis=1)[:, 0]
    rivals[own] = around[nearest]
    return limits, rivals
