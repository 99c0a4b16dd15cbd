"""Weighted k-means on colours, as a function to use alone.

The work is done by ``kqcodec.quantization.search``: variance cuts (Wu 1992) choose the first
centres, over-relaxed Lloyd iterations (Lloyd 1957) move them, merge-and-split moves (Kaukoranta,
Fränti & Nevalainen 1998) take them out of poor optima, and the palette is optimised as it is
stored, in 8 bits. All of it is exact, so the result depends on the colours, weights and options
only: not on their order, the machine, the threads, or the kernels in use.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.colors.histogram import Histogram, keys_of_colors
from kqcodec.colors.spaces import SPACES, UNIT, space_of
from kqcodec.kernels import kernels
from kqcodec.quantization.finished_palette import LUMA, exact_palette, finished
from kqcodec.quantization.lloyd import clustering, lloyd
from kqcodec.quantization.options import SearchOptions, number_of_colors
from kqcodec.quantization.search import MAX_WEIGHT, find_palette

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.options import SearchKeywords
    from kqcodec.quantization.progress import ProgressCall
    from kqcodec.quantization.search import SearchResult

# Iterations from the palette to fractional centres, and their tolerance.
_SETTLING = 60
_SETTLING_BITS = 15


@dataclass(frozen=True, eq=False)
class KMeansResult:
    """What ``kmeans`` found.

    Attributes:
        centers: the means of the clusters in RGB, float64, shape (K, 3), in
            palette order (luma, then red, green, blue).
        labels: each colour's cluster, uint16, shape (N,), in the input's order.
        inertia: the weighted sum of squared RGB distances to ``centers``.
        distance_sum: the weighted sum of the distances themselves.
        palette: the best 8-bit palette found, each colour once and all of them
            used; shape (at most K, 3). It isn't just ``centers`` rounded.
        palette_labels: each colour's nearest palette entry, uint16, shape (N,).
        iterations: of Lloyd's algorithm, on merged and on all colours.
        history: the inertia at each iteration on all colours, in the space
            that was asked for, RGB's unit being one step of a sample, squared.
    """

    centers: NDArray[np.float64]
    labels: NDArray[np.uint16]
    inertia: float
    distance_sum: float
    palette: NDArray[np.uint8]
    palette_labels: NDArray[np.uint16]
    iterations: int
    history: tuple[float, ...]


def kmeans(
    colors: NDArray[np.uint8],
    weights: NDArray[Any] | None,
    k: int,
    *,
    progress: ProgressCall | None = None,
    **options: Unpack[SearchKeywords],
) -> KMeansResult:
    """Clusters colours into at most ``k`` groups.

    Args:
        colors: uint8, shape (N, 3); a colour may occur more than once.
        weights: how often each colour counts, integers of shape (N,), or None for once each.
        k: 1..65,536. Where there are no more colours than that, each becomes a centre.
        progress: called now and then with a ``Progress``. Where it returns False the search ends
            soon, with what it has; where it raises, so does ``kmeans``.
        options: ``effort``, ``seed``, ``restarts`` and ``space``, as for ``quantize``.

    Raises:
        TypeError: an argument of the wrong type or dtype.
        ValueError: a wrong shape, or a value out of range.
    """
    colors, counts = _checked_points(colors, weights)
    k, chosen = number_of_colors(k), SearchOptions(progress=progress, **options)
    space = space_of(chosen.space)
    merged, inverse = _merged(colors, counts)
    if len(merged) <= k:
        mapped = exact_palette(merged)
        labels, iterations = mapped.labels, 0
        history: tuple[float, ...] = (0.0,)
    else:
        found = find_palette(merged, k, chosen)
        mapped = finished(merged, found.palette, space, found.points)
        labels, costs, iterations = _settled(found, space)
        history = tuple(cost / UNIT for cost in costs)
    centers, labels = _means(merged, labels)
    inertia, distance_sum = _float_costs(merged, centers, labels)
    return KMeansResult(
        centers=centers,
        labels=labels[inverse],
        inertia=inertia,
        distance_sum=distance_sum,
        palette=mapped.palette,
        palette_labels=mapped.labels[inverse],
        iterations=iterations,
        history=history,
    )


def _settled(found: SearchResult, space: Space) -> tuple[NDArray[np.uint16], tuple[int, ...], int]:
    """Labels of the best centres, where fractions are allowed, in the histogram's
    order; the cost of each iteration on all colours; and the number of iterations.

    The descent on the grid leaves poor optima that Lloyd's iteration doesn't, so
    the palette is where it starts again. What ends higher is dropped.
    """
    fine, order = found.points
    state = clustering(fine, space.points(found.palette))
    costs = lloyd(state, _SETTLING, _SETTLING_BITS)
    iterations = found.iterations + state.iterations
    if costs[-1] > found.history[-1]:
        return found.labels, found.history, iterations
    labels = np.empty_like(state.labels)
    labels[order] = state.labels
    return labels, (*found.history, *costs), iterations


def _means(
    colors: Histogram, labels: NDArray[np.uint16]
) -> tuple[NDArray[np.float64], NDArray[np.uint16]]:
    """Non-empty clusters' exact means in palette order, and labels to match."""
    k = int(labels.max()) + 1
    sums = np.zeros((k, 4), dtype=np.int64)
    counts = np.zeros(k, dtype=np.int64)
    points = SPACES["rgb"].points(colors.colors)
    kernels.accumulate(points, colors.counts, labels, sums, counts)
    used = np.flatnonzero(counts)
    means = sums[used, :3] / (counts[used, np.newaxis] * math.sqrt(UNIT))
    luma = means[:, 0] * LUMA[0] + means[:, 1] * LUMA[1] + means[:, 2] * LUMA[2]
    order = np.lexsort((means[:, 2], means[:, 1], means[:, 0], luma))
    renumber = np.zeros(k, dtype=np.uint16)
    renumber[used[order]] = np.arange(len(used))
    return means[order], renumber[labels]


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
