"""What the encoder of `tokens` counts with: costs in whole numbers, prefix codes and states from
counts. The bytes it writes are the same on every machine, so nothing is a float."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

BIT = 256  # costs of tokens are in 1/256 bit
_POWERS = np.int64(1) << np.arange(63)


def log2(x: ArrayLike) -> NDArray[np.int64]:
    """The binary logarithms of numbers of at least 1 in 1/65536, less than 1/1000 off: a cubic
    polynomial between powers of two, 0.4229 and 0.1592 being the best there are. They never fall,
    so that no share of a whole costs less than nothing."""
    x = np.asarray(x, dtype=np.int64)
    power = np.searchsorted(_POWERS, x, side="right") - 1
    m = np.where(power > 16, x >> np.maximum(power - 16, 0), x << np.maximum(16 - power, 0))
    t = m - 65536
    bulge = t * (65536 - t) * (27713 - (t * 10435 >> 16)) >> 32
    logarithms: NDArray[np.int64] = (power << 16) + t + bulge
    return logarithms


def self_information(n: ArrayLike) -> NDArray[np.int64]:
    """n log2 n in 1/65536 bit."""
    return np.asarray(n) * log2(np.maximum(n, 1))


def code_lengths(counts: Sequence[int], most: int) -> list[int]:
    """Lengths of at most ``most`` bits for a prefix code by counts, after Huffman: where it has
    longer ones, counts are halved and it is made again. Those of symbols without a count are 0;
    a single symbol's is 1."""
    lengths = [0] * len(counts)
    weights = {symbol: count for symbol, count in enumerate(counts) if count}
    if len(weights) == 1:
        lengths[next(iter(weights))] = 1
    if len(weights) < 2:
        return lengths
    while True:
        order = sorted(weights, key=lambda symbol: (weights[symbol], symbol))
        depths = _huffman([weights[symbol] for symbol in order])
        if max(depths) <= most:
            break
        weights = {symbol: (weight >> 1) + 1 for symbol, weight in weights.items()}
    for symbol, depth in zip(order, depths, strict=True):
        lengths[symbol] = depth
    return lengths


def _huffman(weights: list[int]) -> list[int]:
    """The depths of leaves of these weights, which ascend, as those of the nodes do that are
    made of them: of a leaf and a node of equal weight the leaf comes first."""
    n = len(weights)
    weights = list(weights)
    parents: list[int] = [0] * (2 * n - 1)
    leaf, node = 0, n
    for made in range(n, 2 * n - 1):
        weights.append(0)
        for _ in range(2):
            if leaf < n and (node == made or weights[leaf] <= weights[node]):
                least, leaf = leaf, leaf + 1
            else:
                least, node = node, node + 1
            weights[made] += weights[least]
            parents[least] = made
    depths = [0] * (2 * n - 1)
    for place in reversed(range(2 * n - 2)):
        depths[place] = depths[parents[place]] + 1
    return depths[:n]


def share_states(counts: Sequence[int], state_bits: int) -> list[int]:
    """States for the tokens of a table, by their counts: each that occurs has one or more. What
    rounding leaves goes where it costs least, or saves most."""
    states_in_all, total = 1 << state_bits, sum(counts)
    if total == 0:
        return [states_in_all] + [0] * (len(counts) - 1)
    states = [
        max((count * states_in_all + total // 2) // total, 1) if count else 0 for count in counts
    ]
    while sum(states) != states_in_all:
        step = -1 if sum(states) > states_in_all else 1
        tokens = [s for s, count in enumerate(states) if count > (1 if step < 0 else 0)]
        before = np.array([states[s] for s in tokens])
        costs = np.array([counts[s] for s in tokens]) * (log2(before) - log2(before + step))
        states[tokens[int(np.argmin(costs))]] += step
    return states
