"""k-means with some colours given: the pins stay as they are, the rest is free.

A search without pins gives K centres. With the pins added they are too many, and
those are given up whose points lose least, as in ``merge_split``, but never a pin;
Lloyd's algorithm moves the free ones. Now the colours nearer to a pin than to a
free entry belong to that pin, and k-means on the others alone finds the free entries
once more, with all that the search can do. This repeats while the cost falls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import colors_of_keys, keys_of_colors
from kqcodec.colors.spaces import OPAQUE_COORDINATE, space_of
from kqcodec.colors.values import with_alpha
from kqcodec.errors import ColorsError
from kqcodec.kernels import kernels
from kqcodec.quantization.cells import in_morton_order
from kqcodec.quantization.finished_palette import assigned, opacity_classes
from kqcodec.quantization.lloyd import clustering, costliest, losses
from kqcodec.quantization.progress import Monitor
from kqcodec.quantization.search import find_palette

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.finished_palette import SortedPoints
    from kqcodec.quantization.lloyd import Clustering
    from kqcodec.quantization.options import SearchOptions

# Searches in all, the first without pins. The second of the others gains a
# thousandth, the third next to nothing.
_SEARCHES = 3
# Iterations between giving up some centres, and when all are gone.
_BETWEEN = 3
_SETTLING = 30
_TOLERANCE_BITS = 13


def find_pinned(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    options: SearchOptions,
) -> tuple[NDArray[np.uint8], SortedPoints, int]:
    """The best palette of k colours that holds all the pins, different opaque colours of
    shape (P, 3), P at most k. It is exact where the picture's colours and the pins
    together are no more than k. Returns the pins, then free entries, each colour once; the
    visible colours in Morton order, and their places among these; and the number of
    iterations of k-means in all searches.

    Raises:
        ColorsError: no entry is left for what is fully transparent.
    """
    if colors.channels == 4:
        pins = with_alpha(pins)
    rest = colors.part(~np.isin(colors.keys, keys_of_colors(pins)))
    free = k - len(pins)
    space = space_of(options.space, colors.channels)
    points = in_morton_order(colors.visible, space)
    if free < rest.hidden:
        raise ColorsError("there are transparent pixels, but the pins leave no entry for them")
    if free == rest.hidden or len(rest) <= free:
        return np.concatenate([pins, rest.colors[:free]]), points, 0
    monitor = Monitor(options.progress)
    watched = replace(options, progress=monitor)
    searches = iterations = 0

    def searched(some: Histogram, count: int) -> NDArray[np.uint8]:
        nonlocal searches, iterations
        if len(some) <= count:
            return some.colors
        monitor.begin(searches, _SEARCHES)
        found = find_palette(some, count, watched)
        searches += 1
        iterations += found.iterations
        return found.palette

    start = _start(points[0], pins, searched(colors, k), free, space)
    best, labels, lowest = _completed(colors, k, pins, start, space=space, points=points)
    while searches < _SEARCHES and not monitor.stopped:
        rest = colors.part(labels >= len(pins))
        found = searched(rest, free)
        trial, labels, cost = _completed(colors, k, pins, found, space=space, points=points)
        if cost >= lowest:
            break
        best, lowest = trial, cost
    return best, points, iterations


def _start(
    data: WeightedPoints,
    pins: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    wanted: int,
    space: Space,
) -> NDArray[np.uint8]:
    """The first free entries, ``wanted`` of them, out of a palette that was found without
    pins: what is fully transparent keeps its own, the others make do with the rest."""
    is_hidden = opacity_classes(palette) == 0
    wanted -= int(np.count_nonzero(is_hidden))
    fixed, free = space.points(pins), space.points(palette[~is_hidden])
    while len(free) > wanted:
        state = _settled(data, fixed, free, _BETWEEN)
        some = max(1, (len(free) - wanted) // 3)
        kept = np.ones(len(free), dtype=np.bool_)
        kept[np.argsort(losses(state)[len(fixed) :], kind="stable")[:some]] = False
        free = state.centers[len(fixed) :][kept]
    centers = _settled(data, fixed, free, _SETTLING).centers[len(fixed) :]
    return np.concatenate([palette[is_hidden], space.colors(centers)])


def _settled(
    data: WeightedPoints, pins: NDArray[np.int16], free: NDArray[np.int16], iterations: int
) -> Clustering:
    """Lloyd's algorithm that leaves the pins where they are, and opaque centres opaque."""
    state = clustering(data, np.concatenate([pins, free]))
    is_opaque = state.centers[:, 3] == OPAQUE_COORDINATE
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
        state.centers[is_opaque, 3] = OPAQUE_COORDINATE
    return state


def _completed(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    free: NDArray[np.uint8],
    *,
    space: Space,
    points: SortedPoints,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
    """The pins and the free entries, each colour once; instead of duplicates the
    colours that cost most. Then each colour's label, and the cost."""
    keys = keys_of_colors(free)
    _, first = np.unique(keys, return_index=True)
    first.sort()
    palette = np.concatenate([pins, free[first[~np.isin(keys[first], keys_of_colors(pins))]]])
    labels, distances = assigned(colors, palette, space, points)
    costs = colors.counts * distances
    found = costliest(costs, k - len(palette))
    if len(found):
        palette = np.concatenate([palette, colors_of_keys(colors.keys[found], colors.channels)])
        labels, distances = assigned(colors, palette, space, points)
        costs = colors.counts * distances
    return palette, labels, int(costs.sum())
