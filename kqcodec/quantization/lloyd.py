"""Lloyd's algorithm (1957, published 1982) on weighted points, over-relaxed.

A centre goes beyond its mean, 29/16 of the way: that halves the iterations and
often ends lower. Where it raises the cost, plain steps follow. Centres lie on
the grid of the points, six bits finer than a sample; sums are integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.quantization.cells import WeightedPoints

# How far a centre goes towards its mean, in sixteenths.
RELAX = 29


@dataclass(eq=False)
class Clustering:
    """Centres and the assignment to them, both changed in place.

    Attributes:
        data: the points, N of them.
        centers: int16, shape (K, 4).
        labels: each point's nearest centre, uint16, shape (N,).
        sums: int64, shape (K, 4): of each cluster's weighted points.
        counts: int64, shape (K,): of their weights.
        cost: the weighted sum of squared distances, in squared 64ths.
        iterations: so far.
    """

    data: WeightedPoints
    centers: NDArray[np.int16]
    labels: NDArray[np.uint16]
    sums: NDArray[np.int64]
    counts: NDArray[np.int64]
    cost: int = -1
    iterations: int = 0

    @property
    def k(self) -> int:
        """The number of centres."""
        return int(self.centers.shape[0])

    def means(self) -> NDArray[np.int16]:
        """The clusters' means on the grid; an empty one's centre."""
        means = rounded_means(self.sums, self.counts)
        return np.where(self.counts[:, np.newaxis] > 0, means, self.centers).astype(np.int16)


def clustering(data: WeightedPoints, centers: NDArray[np.int16]) -> Clustering:
    """A clustering that starts from these centres, with nothing assigned yet."""
    k = len(centers)
    labels = np.zeros(len(data), dtype=np.uint16)
    sums = np.zeros((k, 4), dtype=np.int64)
    counts = np.zeros(k, dtype=np.int64)
    kernels.accumulate(data.points, data.weights, labels, sums, counts)
    return Clustering(data, centers.copy(), labels, sums, counts)


def lloyd(state: Clustering, iterations: int, tolerance_bits: int) -> list[int]:
    """At most ``iterations`` of Lloyd's algorithm, which changes ``state`` in place.

    It ends when the cost c falls by at most c >> tolerance_bits, or nothing moves. Each
    centre goes ``RELAX`` sixteenths of the way to its mean. Returns each assignment's cost.
    """
    costs: list[int] = kernels.lloyd(
        state.data.points,
        state.data.weights,
        state.centers,
        state.labels,
        state.sums,
        state.counts,
        iterations=iterations,
        relax=RELAX,
        tolerance_bits=tolerance_bits,
    )
    state.cost = costs[-1]
    state.iterations += len(costs)
    return costs


def refill_empty(state: Clustering) -> int:
    """Moves the centres of empty clusters to the points that cost most; returns
    how many. They win those points at the next assignment."""
    if state.counts.all():
        return 0
    empty = np.flatnonzero(state.counts == 0)
    _, distances = nearest(state.data.points, state.centers)
    found = costliest(state.data.weights * distances, len(empty))
    state.centers[empty[: len(found)]] = state.data.points[found]
    return len(found)


def costliest(costs: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """The places of the ``count`` highest costs, of equal ones the first, without those of 0:
    where empty clusters and unused entries find points to serve."""
    order = np.argsort(-costs, kind="stable")[:count]
    return order[costs[order] > 0]


def nearest(
    points: NDArray[np.int16], centers: NDArray[np.int16]
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Each point's nearest centre, the lowest of several, uint16, shape (N,), and its squared
    distance, int32."""
    labels = np.empty(len(points), dtype=np.uint16)
    distances = np.empty(len(points), dtype=np.int32)
    kernels.nearest(points, centers, labels, distances)
    return labels, distances


def nearest_two(
    points: NDArray[np.int16], centers: NDArray[np.int16]
) -> tuple[NDArray[np.uint16], NDArray[np.int32], NDArray[np.int32]]:
    """Each point's nearest of two centres or more, its squared distance, and that to the
    second nearest: uint16 and int32, shape (N,)."""
    labels, seconds = np.empty((2, len(points)), dtype=np.uint16)
    distances, second_distances = np.empty((2, len(points)), dtype=np.int32)
    kernels.nearest_two(points, centers, labels, distances, seconds, second_distances)
    return labels, distances, second_distances


def losses(state: Clustering) -> NDArray[np.int64]:
    """What giving up each cluster would cost, its points going to their second nearest
    centre: int64, shape (K,)."""
    labels, distances, seconds = nearest_two(state.data.points, state.centers)
    lost = np.zeros(state.k, dtype=np.int64)
    np.add.at(lost, labels, state.data.weights * (seconds - distances))
    return lost


def rounded_means(sums: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Clusters' means on the grid, of sums of shape (K, 4) and counts of shape (K,)."""
    divisor = np.maximum(counts, 1)[:, np.newaxis]
    means: NDArray[np.int64] = (sums + divisor // 2) // divisor
    return means
