"""Merge and split: the local search that takes k-means out of poor optima.

Lloyd's iteration can't move a centre from where there are too many to where
there are too few. A move can: the cluster i whose points lose least by going to
their second nearest centre is given up, and the cluster j that gains most by a
cut in two gets both centres. (Kaukoranta, Fränti & Nevalainen 1998 call it
iterative split-and-merge; Fränti's random swap, 2018, draws i and j at random.)

What a move is worth shows only after some iterations; but those change little
beyond the neighbours of i and j, so each trial iterates on that region alone,
and is kept where the region's cost falls: the whole cost falls by as much. How
often trials succeed depends on the gain of j over the loss of i: most do where
it is 0.6, one in a hundred where it is 0.2. So they're tried in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import kernels
from kqcodec.quantization.lloyd import RELAX, clustering, lloyd, losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.lloyd import Clustering

# The most promising clusters to give up, and to cut, that a round pairs up.
_WIDTH = 32
# Neighbours of i and of j that a trial may move. Fewer make it miss gains.
_MOVED_NEIGHBORS = 9
# Neighbours of a centre given up that must stay for now.
_KEPT_NEIGHBORS = 3
_TRIAL_ITERATIONS = 6
_TRIAL_TOLERANCE_BITS = 12
# Whole iterations after a round.
_SETTLING = 3
_SETTLING_TOLERANCE_BITS = 13


def merge_and_split(
    state: Clustering,
    trials: int,
    *,
    least_ratio: float,
    trials_a_round: int,
    go_on: Callable[[], bool],
) -> int:
    """At most ``trials`` trials, while ``go_on()``, which change ``state`` in place; returns
    how many there were.

    Ends early when no pair is left whose gain is at least ``least_ratio`` of its
    loss, other than ones that failed and have not changed since.
    """
    # In which round each pair failed, and each cluster changed.
    failed = np.zeros((state.k, state.k), dtype=np.int32)
    changed = np.zeros(state.k, dtype=np.int32)
    done = number = 0
    while done < trials and state.k > 1 and go_on():
        number += 1
        tried, kept, state.cost = kernels.search_round(
            state.data.points,
            state.data.weights,
            state.labels,
            state.centers,
            state.sums,
            state.counts,
            failed,
            changed,
            number,
            width=_WIDTH,
            least_ratio=least_ratio,
            reach=_MOVED_NEIGHBORS,
            trials=min(trials_a_round, trials - done),
            iterations=_TRIAL_ITERATIONS,
            relax=RELAX,
            tolerance_bits=_TRIAL_TOLERANCE_BITS,
        )
        done += tried
        if kept:
            lloyd(state, _SETTLING, _SETTLING_TOLERANCE_BITS)
        elif tried == 0:
            break
    return done


def pruned(data: WeightedPoints, centers: NDArray[np.int16], k: int) -> Clustering:
    """A clustering of k of more centres: those that are missed least are given up, some at a time.

    Of the centres of two searches this keeps the better of both (the crossover
    of Fränti's genetic algorithm, 2000, by pairwise nearest neighbours).
    """
    while True:
        state = clustering(data, centers)
        lloyd(state, _SETTLING, _SETTLING_TOLERANCE_BITS)
        if state.k <= k:
            return state
        around = neighbors(state.centers, _KEPT_NEIGHBORS)
        kept = np.ones(state.k, dtype=np.bool_)
        some = max(1, (state.k - k) // 3)
        for j in np.argsort(losses(state), kind="stable").tolist():
            # Two neighbours at once would cost more than was estimated.
            if kept[around[j]].all():
                kept[j] = False
                some -= 1
            if some == 0:
                break
        centers = state.centers[kept]


def neighbors(centers: NDArray[np.int16], count: int) -> NDArray[np.uint16]:
    """The ``count`` nearest other centres of each, nearest first, or all, where there are
    fewer: uint16, shape (K, count)."""
    count = min(count, len(centers) - 1)
    nearest = kernels.near(centers, centers, count + 1)
    # Where several centres coincide, the centre itself needn't be first.
    is_self = nearest == np.arange(len(centers))[:, np.newaxis]
    is_self[~is_self.any(axis=1), -1] = True
    others: NDArray[np.uint16] = nearest[~is_self].reshape(len(centers), count)
    return others
