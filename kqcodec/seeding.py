"""First centres for k-means.

``plus_plus`` is k-means++ (Arthur & Vassilvitskii 2007): each centre is a
colour drawn with probability proportional to its count times its squared
distance to the nearest centre so far. Draws come from SplitMix64 (Steele, Lea &
Flood 2014) and are compared with integer sums, so that a seed gives the same
centres everywhere and for ever.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MASK = (1 << 64) - 1
# Beyond this k-means++, whose cost is N * K, gives way to a plain draw.
_PLUS_PLUS_LIMIT = 2048


class SplitMix64:
    """The generator of Steele, Lea & Flood: 64 bits of state, 64 bits a draw."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def next(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def below(self, bound: int) -> int:
        """A number in 0..bound-1; its bias is under bound / 2^64."""
        return (self.next() * bound) >> 64


def seed_centers(
    colors: NDArray[np.uint8], weights: NDArray[np.int64], k: int, random: SplitMix64
) -> NDArray[np.uint8]:
    """k first centres among the N unique colours, k <= N: uint8, shape (k, 3)."""
    if k > _PLUS_PLUS_LIMIT:
        return _spread(colors, k, random)
    return plus_plus(colors, weights, k, random)


def plus_plus(
    colors: NDArray[np.uint8], weights: NDArray[np.int64], k: int, random: SplitMix64
) -> NDArray[np.uint8]:
    """k-means++: all chosen colours differ, since a chosen one has distance 0."""
    wide = colors.astype(np.int32)
    chosen = [_draw(weights, random)]
    distances = _squared(wide, chosen[0])
    while len(chosen) < k:
        chosen.append(_draw(weights * distances, random))
        np.minimum(distances, _squared(wide, chosen[-1]), out=distances)
    return colors[chosen]


def _squared(colors: NDArray[np.int32], index: int) -> NDArray[np.int32]:
    difference = colors - colors[index]
    squared: NDArray[np.int32] = np.einsum("nc,nc->n", difference, difference)
    return squared


def _draw(weights: NDArray[np.int64], random: SplitMix64) -> int:
    """An index with probability proportional to its weight."""
    running = np.cumsum(weights)
    return int(np.searchsorted(running, random.below(int(running[-1])), side="right"))


def _spread(colors: NDArray[np.uint8], k: int, random: SplitMix64) -> NDArray[np.uint8]:
    """k different colours, one at random out of each k-th part of the list."""
    edges = [len(colors) * i // k for i in range(k + 1)]
    chosen = [low + random.below(high - low) for low, high in itertools.pairwise(edges)]
    return colors[chosen]
