"""First centres by k-means++: points drawn with probability proportional to their
weight times the squared distance to the nearest point drawn before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Points, Weights

# Squared coordinates to squared 8-bit samples: sums of weights up to 2^33 times
# these stay far below 2^63.
_SQUARE_SHIFT = 12


def plus_plus(points: Points, weights: Weights, randoms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    wide = points.astype(np.int32)
    chosen: list[int] = []
    distances = np.full(len(points), np.iinfo(np.int32).max, dtype=np.int32)
    odds = weights
    for random in randoms.tolist():
        running = np.cumsum(odds)
        chosen.append(int(np.searchsorted(running, random * int(running[-1]) >> 64, side="right")))
        difference = wide - wide[chosen[-1]]
        difference *= difference
        squared = difference.sum(axis=1, dtype=np.int32) >> _SQUARE_SHIFT
        np.minimum(distances, squared, out=distances)
        # Where all are 0, what is left coincides with a centre: any will do.
        odds = weights * distances if distances.any() else weights
    return np.array(chosen, dtype=np.uint32)
