"""Weighted k-means on colours: Lloyd's algorithm (1957, published 1982) with
restarts.

All of it is integer arithmetic. Points are 8-bit samples times 64; centres are
means rounded to the same grid, six bits finer than a sample, which moves no
cost by more than one part in ten thousand. Sums and counts are int64. So the
result depends on the colours, weights and seed only: not on their order, the
machine, or the kernels in use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.header import MAX_COLORS
from kqcodec.histogram import Histogram, keys_of_colors
from kqcodec.kernels import kernels
from kqcodec.palette import FRACTION_BITS, LUMA, features, finished, rounded
from kqcodec.seeding import SplitMix64, seed_centers

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEFAULT_RESTARTS = 3
DEFAULT_ITERATIONS = 300
# The relative fall of the inertia in one iteration that counts as none. Late
# iterations move a handful of colours between neighbours and cost as much.
DEFAULT_TOLERANCE = 1e-5
# Beyond this sums of squared distances could leave 63 bits.
MAX_WEIGHT = 1 << 33


@dataclass(frozen=True, eq=False)
class KMeansResult:
    """What ``kmeans`` found.

    Attributes:
        centers: the means of the clusters, float64, shape (K, 3), in palette
            order (luma, then red, green, blue).
        labels: each colour's cluster, uint16, shape (N,), in the input's order.
        inertia: the weighted sum of squared distances to ``centers``, which
            k-means minimises.
        distance_sum: the weighted sum of the distances themselves.
        palette: the centres as they would be stored: rounded to uint8, each
            colour once, unused ones dropped; shape (at most K, 3).
        palette_labels: each colour's nearest palette entry, uint16, shape (N,).
        iterations: of the restart that won.
        history: its inertia at the start of each iteration.
    """

    centers: NDArray[np.float64]
    labels: NDArray[np.uint16]
    inertia: float
    distance_sum: float
    palette: NDArray[np.uint8]
    palette_labels: NDArray[np.uint16]
    iterations: int
    history: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Centres in fixed point, int16, shape (K, 4), and what they cost."""

    centers: NDArray[np.int16]
    labels: NDArray[np.uint16]
    inertia: int
    iterations: int
    history: tuple[float, ...]


def kmeans(
    colors: NDArray[np.uint8],
    weights: NDArray[Any] | None,
    k: int,
    *,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    max_iterations: int = DEFAULT_ITERATIONS,
    tolerance: float = DEFAULT_TOLERANCE,
) -> KMeansResult:
    """Clusters colours into at most ``k`` groups.

    Args:
        colors: uint8, shape (N, 3); a colour may occur more than once.
        weights: how often each colour counts, integers of shape (N,), or None
            for once each.
        k: 1..65,536. Where there are no more colours than that, each becomes a
            centre.
        seed: any integer; the same one gives the same result.
        restarts: how many seedings to try; the lowest inertia is kept.
        max_iterations: of each restart.
        tolerance: a restart has converged when no label changes, or when an
            iteration lowers the inertia by less than this part of it.

    Raises:
        TypeError: an argument of the wrong type or dtype.
        ValueError: a wrong shape, or a value out of range.
    """
    colors, counts = _checked_points(colors, weights)
    check_k(k)
    check_seed(seed)
    check_count("restarts", restarts)
    check_count("max_iterations", max_iterations)
    merged, inverse = _merged(colors, counts)
    found = cluster(
        merged,
        k,
        seed=seed,
        restarts=restarts,
        max_iterations=max_iterations,
        tolerance=tolerance,
    )
    palette, palette_labels = finished(merged.colors, rounded(found.centers))
    centers, labels = _means(merged, found)
    inertia, distance_sum = _float_costs(merged, centers, labels)
    return KMeansResult(
        centers=centers,
        labels=labels[inverse],
        inertia=inertia,
        distance_sum=distance_sum,
        palette=palette,
        palette_labels=palette_labels[inverse],
        iterations=found.iterations,
        history=found.history,
    )


def cluster(
    colors: Histogram,
    k: int,
    *,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    max_iterations: int = DEFAULT_ITERATIONS,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Clustering:
    """The best of several restarts; the first of equals. Arguments as ``kmeans``'s."""
    if colors.pixels > MAX_WEIGHT:
        raise ValueError(f"weights must add up to at most {MAX_WEIGHT:,}, not {colors.pixels:,}")
    samples = colors.colors
    points = features(samples)
    if k >= len(points):
        labels = np.arange(len(points)).astype(np.uint16)
        return Clustering(points, labels, 0, 0, (0.0,))
    random = SplitMix64(seed)
    runs = (
        lloyd(
            points,
            colors.counts,
            features(seed_centers(samples, colors.counts, k, random)),
            max_iterations,
            tolerance,
        )
        for _ in range(restarts)
    )
    return min(runs, key=lambda run: run.inertia)


def lloyd(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    centers: NDArray[np.int16],
    max_iterations: int,
    tolerance: float,
) -> Clustering:
    """Lloyd's iteration from these centres: assign, move to the means, repeat."""
    k = len(centers)
    labels = np.empty(len(points), dtype=np.uint16)
    distances = np.empty(len(points), dtype=np.int32)
    history: list[float] = []
    inertia = -1
    unit = float(1 << (2 * FRACTION_BITS))
    while True:
        before_labels, before = labels.copy(), inertia
        kernels.nearest(points, centers, labels, distances)
        inertia = int((weights * distances).sum())
        history.append(inertia / unit)
        if before >= 0 and (
            before - inertia <= tolerance * before or np.array_equal(labels, before_labels)
        ):
            break
        if len(history) > max_iterations:
            break
        sums = np.zeros((k, 4), dtype=np.int64)
        counts = np.zeros(k, dtype=np.int64)
        kernels.accumulate(points, weights, labels, sums, counts)
        centers = _moved(points, weights, distances, sums, counts)
    return Clustering(centers, labels, inertia, len(history) - 1, tuple(history))


def _moved(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    distances: NDArray[np.int32],
    sums: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> NDArray[np.int16]:
    """The rounded means; an empty cluster moves to the point that costs most."""
    divisor = np.maximum(counts, 1)[:, np.newaxis]
    centers: NDArray[np.int16] = ((sums + divisor // 2) // divisor).astype(np.int16)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        # Stable, so that of equal costs the first point is taken.
        costliest = np.argsort(-(weights * distances), kind="stable")[: len(empty)]
        centers[empty] = points[costliest]
    return centers


def _means(colors: Histogram, found: Clustering) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """Non-empty clusters' exact means in palette order, and labels to match."""
    k = len(found.centers)
    sums = np.zeros((k, 4), dtype=np.int64)
    counts = np.zeros(k, dtype=np.int64)
    kernels.accumulate(features(colors.colors), colors.counts, found.labels, sums, counts)
    used = np.flatnonzero(counts)
    means = sums[used, :3] / (counts[used, np.newaxis] * float(1 << FRACTION_BITS))
    luma = means[:, 0] * LUMA[0] + means[:, 1] * LUMA[1] + means[:, 2] * LUMA[2]
    order = np.lexsort((means[:, 2], means[:, 1], means[:, 0], luma))
    renumber = np.zeros(k, dtype=np.uint16)
    renumber[used[order]] = np.arange(len(used))
    return means[order], renumber[found.labels]


def _float_costs(
    colors: Histogram, centers: NDArray[np.float64], labels: NDArray[np.uint16]
) -> tuple[float, float]:
    difference = colors.colors - centers[labels]
    squared = difference[:, 0] ** 2 + difference[:, 1] ** 2 + difference[:, 2] ** 2
    # fsum rounds once, so the order of the terms doesn't matter.
    return (
        math.fsum((squared * colors.counts).tolist()),
        math.fsum((np.sqrt(squared) * colors.counts).tolist()),
    )


def _merged(
    colors: NDArray[np.uint8], counts: NDArray[np.int64]
) -> tuple[Histogram, NDArray[np.intp]]:
    """The histogram of weighted colours, and where each of them went."""
    keys, inverse = np.unique(keys_of_colors(colors), return_inverse=True)
    totals = np.zeros(len(keys), dtype=np.int64)
    np.add.at(totals, inverse, counts)
    return Histogram(keys, totals), inverse


def _checked_points(
    colors: NDArray[np.uint8], weights: NDArray[Any] | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    colors = np.asarray(colors)
    if colors.dtype != np.uint8:
        raise TypeError(f"colours must be uint8, not {colors.dtype}")
    if colors.ndim != 2 or colors.shape[1] != 3 or len(colors) == 0:
        raise ValueError(f"colours must have shape (N, 3), N at least 1, not {colors.shape}")
    if weights is None:
        return colors, np.ones(len(colors), dtype=np.int64)
    array = np.asarray(weights)
    if array.dtype.kind not in "iu":
        raise TypeError(f"weights must be integers, not {array.dtype}")
    if array.shape != (len(colors),):
        raise ValueError(f"weights must have shape ({len(colors)},), not {array.shape}")
    if int(array.min()) < 1 or int(array.max()) > MAX_WEIGHT:
        raise ValueError(f"each weight must be in 1..{MAX_WEIGHT:,}")
    return colors, array.astype(np.int64)


def check_k(k: int) -> None:
    """Raises TypeError unless ``k`` is an integer, ValueError unless in 1..65,536."""
    check_integer("k", k)
    if not 1 <= k <= MAX_COLORS:
        raise ValueError(f"k, the number of colours, must be in 1..{MAX_COLORS:,}, not {k}")


def check_seed(seed: int) -> None:
    """Raises TypeError unless ``seed`` is an integer."""
    check_integer("seed", seed)


def check_count(name: str, value: int) -> None:
    """Raises TypeError unless ``value`` is an integer, ValueError unless positive."""
    check_integer(name, value)
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")


def check_integer(name: str, value: object) -> None:
    """Raises TypeError unless ``value`` is an integer (a bool isn't)."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
