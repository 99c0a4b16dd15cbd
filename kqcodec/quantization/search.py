"""The search for a palette: k-means on a histogram.

    colours ── merged cells ── variance cuts ── Lloyd ── merge and split ──┐
       │                           (once more on finer cells)              │
       └─────────── Lloyd on all colours ── rounded ── descent on the grid ┘

What is fully transparent is one entry that no search is needed for. Where colours have alpha, the
centres are those of all others, and ``alpha_palette`` then settles which entries are opaque.

Everything is integer arithmetic or float64 in one fixed order, so a histogram,
an effort and a seed give the same palette on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.colors.spaces import space_of
from kqcodec.format.names import DEFAULT_EFFORT
from kqcodec.kernels import kernels
from kqcodec.quantization.alpha_palette import alpha_palette
from kqcodec.quantization.cells import (
    cell_bits,
    in_morton_order,
    large_picture_factor,
    merged_cells,
)
from kqcodec.quantization.effort import effort_of
from kqcodec.quantization.grid_descent import rounded_palette
from kqcodec.quantization.lloyd import clustering, lloyd, nearest, refill_empty
from kqcodec.quantization.merge_split import merge_and_split, pruned
from kqcodec.quantization.progress import Monitor
from kqcodec.quantization.seeding import SplitMix64, plus_plus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.effort import Effort, Level
    from kqcodec.quantization.finished_palette import SortedPoints
    from kqcodec.quantization.lloyd import Clustering
    from kqcodec.quantization.options import SearchOptions

# Iterations of Lloyd's algorithm on cells: the tolerance nearly always ends them earlier.
_COARSE_ITERATIONS = 60
# Merge and split compares pairs of centres, K^2 in the end: of more centres than these
# none is merged or split.
_MOST_MERGED = 1024
# Beyond this sums of squared distances could leave 63 bits.
MAX_WEIGHT = 1 << 33
# Where colours have alpha, the part of the time that is over when it remains to be settled
# which entries are opaque.
_SEARCH_PART = 0.9


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The best clustering of a histogram's colours, and the palette that it becomes.

    Attributes:
        centers: means on the grid, int16, shape (K, 4), without that of hidden colours.
        labels: each visible colour's centre, uint16, in the histogram's order.
        points: the visible colours in Morton order, and their places among these.
        palette: uint8, shape (K, 3), or (K, 4) with alpha, as yet without order; with the
            entry for what is fully transparent, where there is any.
        cost: of the palette, in squared 64ths.
        history: the cost of the centres at each iteration on all colours.
        iterations: on cells and on colours.
    """

    centers: NDArray[np.int16]
    labels: NDArray[np.uint16]
    points: SortedPoints
    palette: NDArray[np.uint8]
    cost: int
    history: tuple[int, ...]
    iterations: int


class _Task(NamedTuple):
    """What all searches for one palette share."""

    fine: WeightedPoints  # the colours in Morton order
    order: NDArray[np.uint32]  # their places in the histogram
    k: int  # at most so many entries, fewer than there are colours
    space: Space
    monitor: Monitor
    pixels: int  # the sum of the weights

    def report(self, stage: str, part: float, cost: int) -> bool:
        """Report the progress; False where the search is to end."""
        return self.monitor.report(stage, part, cost, self.pixels)


def find_palette(colors: Histogram, k: int, options: SearchOptions) -> SearchResult:
    """The best palette of at most k entries.

    There must be more than k colours, and k must be at least their ``least_entries``.
    """
    if colors.pixels > MAX_WEIGHT:
        raise ValueError(f"weights must add up to at most {MAX_WEIGHT:,}, not {colors.pixels:,}")
    visible, whole = colors.visible, Monitor(options.progress)
    effort, space = effort_of(options.effort), space_of(options.space, colors.channels)
    has_alpha = colors.channels == 4
    whole.begin(0, 1 / _SEARCH_PART if has_alpha else 1)
    points = in_morton_order(visible, space)
    task = _Task(*points, k - colors.hidden, space, Monitor(whole), visible.pixels)
    found = _best(task, effort, options.seed, options.restarts)
    if not has_alpha:
        return found
    return replace(
        found,
        palette=alpha_palette(
            found.centers,
            found.labels,
            points,
            hidden=bool(colors.hidden),
            effort=effort,
            space=space,
            go_on=lambda cost: whole.report("palette", 1.0, cost, task.pixels),
        ),
    )


def _best(task: _Task, effort: Effort, seed: int, restarts: int) -> SearchResult:
    """The best result of ``restarts`` times ``effort.searches``, of equals the first.

    The first starts from variance cuts and, where K is small, from k-means++
    draws besides; each of the others from k-means++ draws alone.
    """
    fine, k, monitor = task.fine, task.k, task.monitor
    results: list[SearchResult] = []
    efforts = _searches(effort, k, len(fine), restarts)
    if effort.searches > 1:
        # "best" is never worse than "default", as it makes its searches too.
        efforts += _searches(effort_of(DEFAULT_EFFORT), k, len(fine), 1)
    levels = {each.name: _levels(fine, k, each) for each in efforts}
    # The searches of an effort go on drawing where the one before ended.
    generators = {each.name: SplitMix64(seed) for each in efforts}
    parts = len(efforts) + effort.crossovers
    for number, each in enumerate(efforts):
        monitor.begin(number, parts)
        result = _search(
            task,
            levels[each.name],
            effort=each,
            random=generators[each.name],
            first=number == efforts.index(each),
        )
        results.append(result)
        if monitor.stopped:
            break
    results.sort(key=lambda result: result.cost)  # stable: of equals the first
    best = results[0]
    for number in range(effort.crossovers if k <= _MOST_MERGED else 0):
        if monitor.stopped:
            break
        monitor.begin(len(efforts) + number, parts)
        other = results[1 + number % (len(results) - 1)]
        crossed = _crossover(task, best, other, levels[effort.name][-1], effort)
        if crossed is not None and crossed.cost < best.cost:
            best = crossed
    return best


def _searches(effort: Effort, k: int, points: int, restarts: int) -> list[Effort]:
    """The searches that an effort makes."""
    return [effort] * (effort.searches * restarts + effort.tries_apart(k, points))


def _search(
    task: _Task,
    levels: list[tuple[Level, WeightedPoints]],
    *,
    effort: Effort,
    random: SplitMix64,
    first: bool,
) -> SearchResult:
    """One search: level by level, then on all colours. The first of an effort starts from
    variance cuts, too."""
    centers: NDArray[np.int16] | None = None
    iterations = 0
    for number, (level, data) in enumerate(levels):
        if centers is None:
            state = _best_start(data, task, effort, random, cuts=first)
        else:
            state = _settled(data, centers, effort)
        if task.k <= _MOST_MERGED:
            factor = effort.factor_for(len(task.fine)) * large_picture_factor(task.fine)
            trials = level.trials_for(task.k) * factor
            _merge_and_split(task, state, trials, level, part=number / (len(levels) + 2))
            lloyd(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
        centers, iterations = state.means(), iterations + state.iterations
    assert centers is not None  # noqa: S101 - there is a level
    return _on_colors(task, centers, effort, before=iterations)


def _crossover(
    task: _Task,
    one: SearchResult,
    other: SearchResult,
    last: tuple[Level, WeightedPoints],
    effort: Effort,
) -> SearchResult | None:
    """A search that starts from the centres of two results, pruned to the better half of
    them; None where both have the same centres."""
    centers = np.unique(np.concatenate([one.centers, other.centers]), axis=0)
    k = len(one.centers)
    if len(centers) <= k:
        return None
    level, data = last
    state = pruned(data, centers, k)
    trials = level.trials_for(k) * effort.factor_for(len(task.fine)) // 2
    _merge_and_split(task, state, trials, level, part=0.0)
    lloyd(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
    return _on_colors(task, state.means(), effort, before=state.iterations)


def _on_colors(
    task: _Task, centers: NDArray[np.int16], effort: Effort, *, before: int
) -> SearchResult:
    """The search's end: Lloyd's algorithm on all colours from the centres of cells, and the
    8-bit palette."""
    fine = task.fine
    most = effort.fine_iterations * large_picture_factor(fine)
    state = clustering(fine, centers)
    history = lloyd(state, 1 if task.monitor.stopped else most, effort.fine_bits)
    if refill_empty(state):
        history += lloyd(state, most, effort.fine_bits)
    task.report("colors", 0.8, state.cost)
    means = state.means()
    palette = rounded_palette(fine, means, effort, task.space)
    _, distances = nearest(fine.points, task.space.points(palette))
    cost = int((fine.weights * distances).sum())
    task.report("palette", 1.0, cost)
    labels = np.empty_like(state.labels)
    labels[task.order] = state.labels
    iterations = before + state.iterations
    return SearchResult(
        means, labels, (fine, task.order), palette, cost, tuple(history), iterations
    )


def _levels(fine: WeightedPoints, k: int, effort: Effort) -> list[tuple[Level, WeightedPoints]]:
    """Each level with its points; of levels whose cells have one size the last stays."""
    level_of_bits = {
        cell_bits(fine, level.points_for(k) * large_picture_factor(fine)): level
        for level in effort.levels_for(len(fine))
    }
    return [(level, merged_cells(fine, bits)) for bits, level in level_of_bits.items()]


def _best_start(
    data: WeightedPoints, task: _Task, effort: Effort, random: SplitMix64, *, cuts: bool
) -> Clustering:
    """The clustering of lowest cost, of equals the first, among those that start from variance
    cuts (Wu 1992), if ``cuts``, and from k-means++ draws."""
    k, points = task.k, len(task.fine)
    draws = effort.draws_for(k, points)
    if cuts and effort.tries_apart(k, points):
        draws = 0
    starts = [_settled(data, _variance_cuts(data, k), effort)] if cuts else []
    for _ in range(draws if cuts else draws + 1):
        first = plus_plus(data.points, data.weights, k, random)
        starts.append(_settled(data, first, effort))
    return min(starts, key=lambda state: state.cost)


def _variance_cuts(data: WeightedPoints, k: int) -> NDArray[np.int16]:
    centers: NDArray[np.int16] = kernels.variance_cuts(data.points, data.weights, k)
    if len(centers) < k:
        # Cells whose means share every bin can't be cut; empty clusters find places later.
        rest = np.repeat(centers[-1:], k - len(centers), axis=0)
        centers = np.concatenate([centers, rest])
    return centers


def _settled(data: WeightedPoints, centers: NDArray[np.int16], effort: Effort) -> Clustering:
    state = clustering(data, centers)
    lloyd(state, _COARSE_ITERATIONS, effort.coarse_bits)
    if refill_empty(state):
        lloyd(state, _COARSE_ITERATIONS, effort.coarse_bits)
    return state


def _merge_and_split(
    task: _Task, state: Clustering, trials: int, level: Level, *, part: float
) -> None:
    merge_and_split(
        state,
        trials,
        least_ratio=level.least_ratio,
        trials_a_round=max(12, state.k // 8),
        go_on=lambda: task.report("cells", part, state.cost),
    )
