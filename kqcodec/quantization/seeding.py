"""First centres for k-means, by random draws.

``plus_plus`` is k-means++ (Arthur & Vassilvitskii 2007): each centre is a point drawn with
probability proportional to its weight times its squared distance to the nearest centre so far.
Draws come from SplitMix64 (Steele, Lea & Flood 2014) and are compared with integer sums, so that a
seed gives the same centres everywhere and for ever.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MASK = (1 << 64) - 1
# Beyond this k-means++, whose cost is N * K, gives way to a plain draw.
_PLUS_PLUS_LIMIT = 2048


class SplitMix64:
    """The generator of Steele, Lea & Flood: 64 bits of state, 64 random bits a draw."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def draws(self, count: int) -> NDArray[np.uint64]:
        """The next draws: uint64, shape (count,)."""
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = steps + np.uint64(self._state)
        self._state = (self._state + count * 0x9E3779B97F4A7C15) & _MASK
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def plus_plus(
    points: NDArray[np.int16], weights: NDArray[np.int64], k: int, random: SplitMix64
) -> NDArray[np.int16]:
    """k of the points as first centres, int16, shape (k, 4): by k-means++, or, for k above
    2,048, one at random out of each k-th part of the list."""
    if k > _PLUS_PLUS_LIMIT:
        edges = pairwise(len(points) * i // k for i in range(k + 1))
        # A draw times a width, over 2^64, is below the width, with a bias under width / 2^64.
        return points[
            [
                low + (draw * (high - low) >> 64)
                for (low, high), draw in zip(edges, random.draws(k).tolist(), strict=True)
            ]
        ]
    return points[kernels.plus_plus(points, weights, random.draws(k))]
