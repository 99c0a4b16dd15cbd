"""k-means with some colours given: the pins stay as they are, the rest is free.

A search without pins gives K centres. With the pins added they are too many, and
those are given up whose points lose least, as in ``kqcodec.moves``, but never a pin;
Lloyd's algorithm moves the free ones. Now the colours nearer to a pin than to a
free entry belong to that pin, and k-means on the others alone finds the free entries
once more, with all that the engine can do. This repeats while the cost falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coarse import in_morton_order
from kqcodec.engine import Progress, find_palette
from kqcodec.histogram import Histogram, colors_of_keys, keys_of_colors
from kqcodec.kernels import kernels
from kqcodec.lloyd import clustering
from kqcodec.palette import assigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.coarse import WeightedPoints
    from kqcodec.effort import Effort
    from kqcodec.lloyd import Clustering
    from kqcodec.spaces import Space

# Searches in all, the first without pins. The second of the others gains a
# thousandth, the third next to nothing.
_SEARCHES = 3
# Iterations between giving up some centres, and when all are gone.
_BETWEEN = 3
_SETTLING = 30
_TOLERANCE_BITS = 13


@dataclass(frozen=True, eq=False)
class Pinned:
    """A palette that holds the pins.

    Attributes:
        palette: the pins, then free entries; uint8, shape (at most K, 3), each colour once.
        iterations: of k-means, in all searches.
    """

    palette: NDArray[np.uint8]
    iterations: int


def find_pinned(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    *,
    effort: Effort,
    space: Space,
    seed: int = 0,
    restarts: int = 1,
    progress: Callable[[Progress], bool | None] | None = None,
) -> Pinned:
    """The best palette of k colours that holds all the pins, different colours of
    shape (P, 3), P at most k. It is exact where the picture's colours and the pins
    together are no more than k."""
    rest = _part(colors, ~np.isin(colors.keys, keys_of_colors(pins)))
    if len(pins) + len(rest) <= k:
        return Pinned(np.concatenate([pins, rest.colors]), 0)
    if len(pins) == k:
        return Pinned(pins, 0)
    monitor = _Monitor(progress)
    iterations = 0

    def searched(some: Histogram, count: int) -> NDArray[np.uint8]:
        nonlocal iterations
        if len(some) <= count:
            return some.colors
        found = find_palette(
            some,
            count,
            effort=effort,
            space=space,
            seed=seed,
            restarts=restarts,
            progress=None if progress is None else monitor.report,
        )
        monitor.search += 1
        iterations += found.iterations
        return found.palette

    free = _start(colors, k, space.points(pins), space.points(searched(colors, k)), space)
    best, labels, lowest = _completed(colors, k, pins, space.colors(free), space)
    while not monitor.ended:
        rest = _part(colors, labels >= len(pins))
        free_colors = searched(rest, k - len(pins))
        trial, labels, cost = _completed(colors, k, pins, free_colors, space)
        if cost >= lowest:
            break
        best, lowest = trial, cost
    return Pinned(best, iterations)


class _Monitor:
    """Reports several searches as one, and remembers when to end."""

    def __init__(self, progress: Callable[[Progress], bool | None] | None) -> None:
        self._progress = progress
        self._stopped = False
        self.search = 0

    @property
    def ended(self) -> bool:
        return self._stopped or self.search >= _SEARCHES

    def report(self, inner: Progress) -> bool:
        assert self._progress is not None  # noqa: S101 - else nobody reports
        part = (self.search + inner.part) / _SEARCHES
        self._stopped = self._progress(Progress(inner.stage, part, inner.mse)) is False
        return not self._stopped


def _part(colors: Histogram, chosen: NDArray[np.bool_]) -> Histogram:
    return Histogram(colors.keys[chosen], colors.counts[chosen], colors.channels)


def _start(
    colors: Histogram, k: int, pins: NDArray[np.int16], free: NDArray[np.int16], space: Space
) -> NDArray[np.int16]:
    """The free centres of k in all, out of more: int16, shape (k - P, 4)."""
    data, _ = in_morton_order(colors, space)
    while len(pins) + len(free) > k:
        state = _settled(data, pins, free, _BETWEEN)
        losses = _losses(state)[len(pins) :]
        some = max(1, (state.k - k) // 3)
        kept = np.ones(len(free), dtype=np.bool_)
        kept[np.argsort(losses, kind="stable")[:some]] = False
        free = state.centers[len(pins) :][kept]
    return _settled(data, pins, free, _SETTLING).centers[len(pins) :]


def _settled(
    data: WeightedPoints, pins: NDArray[np.int16], free: NDArray[np.int16], iterations: int
) -> Clustering:
    """Lloyd's algorithm that leaves the pins where they are."""
    state = clustering(data, np.concatenate([pins, free]))
    before = -1
    for _ in range(iterations):
        changed, state.cost = kernels.reassign(
            data.points, data.weights, state.centers, state.labels, state.sums, state.counts
        )
        fall = before - state.cost
        if before >= 0 and (changed == 0 or fall <= state.cost >> _TOLERANCE_BITS):
            break
        before = state.cost
        state.centers[len(pins) :] = state.means()[len(pins) :]
    return state


def _losses(state: Clustering) -> NDArray[np.int64]:
    """What giving each centre up would cost: its points go to their second nearest."""
    points, weights = state.data.points, state.data.weights
    labels, seconds = np.empty_like(state.labels), np.empty_like(state.labels)
    distances = np.empty(len(points), dtype=np.int32)
    second_distances = np.empty_like(distances)
    kernels.nearest_two(points, state.centers, labels, distances, seconds, second_distances)
    losses = np.zeros(state.k, dtype=np.int64)
    np.add.at(losses, labels, weights * (second_distances - distances))
    return losses


def _completed(
    colors: Histogram, k: int, pins: NDArray[np.uint8], free: NDArray[np.uint8], space: Space
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
    """The pins and the free entries, each colour once; instead of duplicates the
    colours that cost most. Then each colour's label, and the cost."""
    keys = keys_of_colors(free)
    _, first = np.unique(keys, return_index=True)
    first.sort()
    palette = np.concatenate([pins, free[first[~np.isin(keys[first], keys_of_colors(pins))]]])
    labels, distances = assigned(colors, palette, space)
    costs = colors.counts * distances
    missing = k - len(palette)
    if missing > 0 and costs.any():
        costliest = np.argsort(-costs, kind="stable")[:missing]
        costliest = costliest[costs[costliest] > 0]
        palette = np.concatenate([palette, colors_of_keys(colors.keys[costliest])])
        labels, distances = assigned(colors, palette, space)
        costs = colors.counts * distances
    return palette, labels, int(costs.sum())
