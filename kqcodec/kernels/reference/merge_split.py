"""A round of the local search: pairs of clusters are tried in turn. One is given
up, the other cut in two; both and the clusters around them start again, and keep
what they find only where that costs less."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.nearest import accumulate, lloyd, nearest_two
from kqcodec.kernels.reference.variance_cuts import split_gains

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Centers, Distances, Indices, Points, Sums, Weights


# What became of a pair.
UNTRIED, FAILED, KEPT = range(3)


def near(centers: Centers, some: Points, count: int) -> NDArray[np.uint16]:
    codes = np.zeros((len(some), len(centers)), dtype=np.int64)
    for channel in range(centers.shape[1]):
        difference = some[:, channel, np.newaxis].astype(np.int64) - centers[:, channel]
        codes += difference * difference
    # One number for distance and index: no ties.
    codes = (codes << 16) | np.arange(len(centers))
    codes.sort(axis=1)
    return (codes[:, :count] & 0xFFFF).astype(np.uint16)


def search_round(
    points: Points,
    weights: Weights,
    labels: Indices,
    centers: Centers,
    sums: Sums,
    counts: Sums,
    failed: NDArray[np.int32],
    changed: NDArray[np.int32],
    number: int,
    *,
    width: int,
    least_ratio: float,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[int, int, int]:
    k = len(centers)
    distances = np.empty(len(points), dtype=np.int32)
    second_distances = np.empty_like(distances)
    nearest, second = np.empty_like(labels), np.empty_like(labels)
    nearest_two(points, centers, nearest, distances, second, second_distances)
    accumulate(points, -weights, labels, sums, counts)
    accumulate(points, weights, nearest, sums, counts)
    labels[:] = nearest
    cost = int((weights * distances).sum())
    losses = np.zeros(k, dtype=np.int64)
    np.add.at(losses, labels, weights * (second_distances - distances))
    gains, halves = split_gains(points, weights, labels, k)
    give_up = np.argsort(losses, kind="stable")[:width]
    cut = np.argsort(-gains, kind="stable")[:width]
    ratios = gains[cut] / np.maximum(losses[give_up], 1)[:, np.newaxis]
    order = np.argsort(-ratios, axis=None, kind="stable")
    order = order[: np.count_nonzero(ratios >= least_ratio)]
    i, j = give_up[order // len(cut)], cut[order % len(cut)]
    known = failed[i, j] > np.maximum(changed[i], changed[j])
    promising = (i != j) & (gains[j] > 0) & ~known
    pairs = np.stack([i[promising], j[promising]], axis=1).astype(np.uint16)
    outcomes, touched, fall = merge_and_split(
        points,
        weights,
        labels,
        distances,
        centers,
        sums,
        counts,
        pairs,
        halves,
        reach=reach,
        trials=trials,
        iterations=iterations,
        relax=relax,
        tolerance_bits=tolerance_bits,
    )
    in_vain = pairs[outcomes == FAILED]
    failed[in_vain[:, 0], in_vain[:, 1]] = number
    changed[touched] = number
    tried, kept = (int(np.count_nonzero(outcomes >= least)) for least in (FAILED, KEPT))
    return tried, kept, cost - fall


def merge_and_split(
    points: Points,
    weights: Weights,
    labels: Indices,
    distances: Distances,
    centers: Centers,
    sums: Sums,
    counts: Sums,
    pairs: Indices,
    halves: Centers,
    *,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
    steps = {"iterations": iterations, "relax": relax, "tolerance_bits": tolerance_bits}
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
            points, weights, labels, distances, centers, sums, counts, region, fresh, **steps
        )
        outcomes[number] = KEPT if fall else FAILED
        if fall:
            touched[region] = True
        falls += fall
        tried += 1
    return outcomes, touched, falls


def _relocate(
    points: Points,
    weights: Weights,
    labels: Indices,
    distances: Distances,
    centers: Centers,
    sums: Sums,
    counts: Sums,
    clusters: Indices,
    fresh: Centers,
    **steps: int,
) -> int:
    """Runs ``lloyd`` by such steps on the points of some clusters alone, from fresh centres.

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
        some_points, some_weights, fresh, some_labels, some_sums, some_counts, goal=before, **steps
    )
    if costs[-1] >= before:
        return 0
    centers[clusters], sums[clusters], counts[clusters] = fresh, some_sums, some_counts
    labels[members] = clusters[some_labels]
    difference = some_points.astype(np.int32) - fresh[some_labels]
    distances[members] = (difference * difference).sum(axis=1)
    return before - costs[-1]
