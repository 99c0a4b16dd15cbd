"""Variance cuts: where to cut a set of weighted points in two by a plane across
one axis, so that the sum of squared distances to the means falls most.

With S the sum and n the weight of a part, a cut lowers it by

    |S_left|^2 / n_left + |S_right|^2 / n_right - |S|^2 / n

Sums are integers; the rest is float64, one operation at a time and always in
this order.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Indices, Points, Weights

_BIN_SHIFT = 6  # coordinates to bins: a bin is one step of an 8-bit sample


class _Cut(NamedTuple):
    gain: float  # 0 where there is nothing to cut
    axis: int
    bin: int  # the last one of the left part
    left: NDArray[np.int64]  # sums of the channels, then the weight: shape (5,)
    whole: NDArray[np.int64]


def variance_cuts(points: Points, weights: Weights, k: int) -> NDArray[np.int16]:
    cells = [np.arange(len(points))]
    cuts = [_best_cut(points, weights)]
    heap = [(-cuts[0].gain, 0)]
    while len(cells) < k and heap[0][0] < 0:
        _, number = heapq.heappop(heap)
        cell, cut = cells[number], cuts[number]
        is_left = points[cell, cut.axis] >> _BIN_SHIFT <= cut.bin
        cells[number] = cell[is_left]
        cells.append(cell[~is_left])
        cuts.append(cut)
        for part in (number, len(cells) - 1):
            cuts[part] = _best_cut(points[cells[part]], weights[cells[part]])
            heapq.heappush(heap, (-cuts[part].gain, part))
    return np.stack([_mean(cut.whole) for cut in cuts])


def split_gains(
    points: Points, weights: Weights, labels: Indices, k: int
) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    gains = np.zeros(k, dtype=np.float64)
    halves = np.zeros((k, 2, 4), dtype=np.int16)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=k))
    for cluster, members in enumerate(np.split(order, ends[:-1])):
        cut = _best_cut(points[members], weights[members])
        if cut.gain > 0:
            gains[cluster] = cut.gain
            halves[cluster] = _mean(cut.left), _mean(cut.whole - cut.left)
    return gains, halves


def _best_cut(points: Points, weights: Weights) -> _Cut:
    """The cut of highest gain, the first of several by axis, then by bin."""
    parts = np.empty((len(points), 5), dtype=np.int64)
    parts[:, :4] = points * weights[:, np.newaxis]
    parts[:, 4] = weights
    whole = parts.sum(axis=0)
    best = _Cut(0.0, 0, 0, whole, whole)
    if len(points) < 2:
        return best
    for axis in range(4):
        bins = points[:, axis].astype(np.intp) >> _BIN_SHIFT
        first, last = int(bins.min()), int(bins.max())
        if first == last:
            continue
        table = np.zeros((last - first + 1, 5), dtype=np.int64)
        np.add.at(table, bins - first, parts)
        present = np.flatnonzero(table[:-1, 4])
        left = np.cumsum(table, axis=0)[present]
        gains = _score(left) + _score(whole - left)
        gains -= _score(whole[np.newaxis])
        place = int(gains.argmax())
        if gains[place] > best.gain:
            best = _Cut(float(gains[place]), axis, first + int(present[place]), left[place], whole)
    return best


def _score(parts: NDArray[np.int64]) -> NDArray[np.float64]:
    sums = parts[:, :4].astype(np.float64)
    square = sums[:, 0] * sums[:, 0]
    for channel in (1, 2, 3):
        square += sums[:, channel] * sums[:, channel]
    square /= parts[:, 4].astype(np.float64)
    return square


def _mean(part: NDArray[np.int64]) -> NDArray[np.int16]:
    mean: NDArray[np.int16] = ((part[:4] + part[4] // 2) // part[4]).astype(np.int16)
    return mean
