"""The loops of k-means, on points of four int16 channels.

Every coordinate lies in 0..16320 (an 8-bit sample times 64), so a squared
distance of four channels is below 2^31 and all of this is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    # |p - c|^2 = |p|^2 - 2pc + |c|^2, whose first term is the same for every
    # centre. The products are integers far below 2^53: float64 holds them and
    # all partial sums exactly, in whatever order the matrix product adds them.
    wide = centers.astype(np.float64)
    norms = (wide * wide).sum(axis=1)
    rows = max(1, _SCORES // len(centers))
    for start in range(0, len(points), rows):
        part = points[start : start + rows].astype(np.float64)
        scores = part @ (-2 * wide.T)
        scores += norms
        best = scores.argmin(axis=1)
        labels[start : start + rows] = best
        lowest = np.take_along_axis(scores, best[:, np.newaxis], axis=1)[:, 0]
        distances[start : start + rows] = lowest + (part * part).sum(axis=1)


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
