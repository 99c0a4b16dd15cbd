"""A round of the local search: pairs of clusters are tried in turn. One is given
up, the other cut in two; both and the clusters around them start again, and keep
what they find only where that costs less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.cluster import lloyd

if TYPE_CHECKING:
    from numpy.typing import NDArray


# What became of a pair.
UNTRIED, FAILED, KEPT = range(3)


def near(centers: NDArray[np.int16], some: NDArray[np.int16], count: int) -> NDArray[np.uint16]:
    """The ``count`` (at most 64, and no more than there are) centres nearest to each
    of some places, nearest first, of equals the lowest first: shape (N, count)."""
    codes = np.zeros((len(some), len(centers)), dtype=np.int64)
    for channel in range(centers.shape[1]):
        difference = some[:, channel, np.newaxis].astype(np.int64) - centers[:, channel]
        codes += difference * difference
    # One number for distance and index: no ties.
    codes = (codes << 16) | np.arange(len(centers))
    codes.sort(axis=1)
    return (codes[:, :count] & 0xFFFF).astype(np.uint16)


def merge_and_split(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    centers: NDArray[np.int16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
    pairs: NDArray[np.uint16],
    halves: NDArray[np.int16],
    *,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
    """Tries at most so many of the ``pairs`` (i, j), shape (P, 2), in order.

    A trial gives i and j the centres ``halves[j]``, shape (K, 2, 4), and runs
    ``lloyd`` on the points of these two and of the ``reach`` clusters nearest to
    each, as the centres were before the round. Where the cost falls, the first
    seven arguments, which describe the whole clustering, follow, and pairs with
    a cluster of that region are passed over from then on. Returns what became
    of each pair, which clusters were in such a region, and by how much the cost
    fell in all.
    """
    before = centers.copy()
    outcomes = np.full(len(pairs), UNTRIED, dtype=np.uint8)
    touched = np.zeros(len(centers), dtype=np.bool_)
    falls = tried = 0
    for number, pair in enumerate(pairs):
        if touched[pair].any() or tried == trials:
            continue
        region = np.union1d(pair, near(before, before[pair], reach + 1))
        fresh = centers[region]
        fresh[np.searchsorted(region, pair)] = halves[pair[1]]
        fall = _relocate(
            points,
            weights,
            labels,
            distances,
            centers,
            sums,
            counts,
            region,
            fresh,
            iterations=iterations,
            relax=relax,
            tolerance_bits=tolerance_bits,
        )
        outcomes[number] = KEPT if fall else FAILED
        if fall:
            touched[region] = True
        falls += fall
        tried += 1
    return outcomes, touched, falls


def _relocate(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    centers: NDArray[np.int16],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
    clusters: NDArray[np.uint16],
    fresh: NDArray[np.int16],
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> int:
    """Runs ``lloyd`` on the points of some clusters alone, from fresh centres.

    ``clusters`` are ascending, shape (R,); ``fresh``, of shape (R, 4), is
    overwritten. Where the cost falls, the rest of the arguments, which describe
    the whole clustering, follow. Returns by how much it fell, or 0.
    """
    place = np.full(len(centers), -1)
    place[clusters] = np.arange(len(clusters))
    members = np.flatnonzero(place[labels] >= 0)
    some_points, some_weights = points[members], weights[members]
    some_labels = place[labels[members]].astype(np.uint16)
    some_sums, some_counts = sums[clusters], counts[clusters]
    before = int((some_weights * distances[members]).sum())
    if len(members) == 0:
        return 0
    costs = lloyd(
        some_points,
        some_weights,
        fresh,
        some_labels,
        some_sums,
        some_counts,
        iterations=iterations,
        relax=relax,
        tolerance_bits=tolerance_bits,
        goal=before,
    )
    if costs[-1] >= before:
        return 0
    centers[clusters], sums[clusters], counts[clusters] = fresh, some_sums, some_counts
    labels[members] = clusters[some_labels]
    difference = some_points.astype(np.int32) - fresh[some_labels]
    distances[members] = (difference * difference).sum(axis=1)
    return before - costs[-1]
