"""The search for a palette: k-means on a histogram.

    colours ── merged cells ── variance cuts ── Lloyd ── merge and split ──┐
       │                           (once more on finer cells)              │
       └─────────── Lloyd on all colours ── rounded ── descent on the grid ┘

What is fully transparent is one entry that no search is needed for. Where colours have
alpha, ``kqcodec.quantization.alpha_palette`` then settles which entries are opaque.

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
from kqcodec.quantization.alpha_palette import by_kinds
from kqcodec.quantization.cells import cell_bits, in_morton_order, merged_cells, times_for
from kqcodec.quantization.effort import effort_of
from kqcodec.quantization.grid_descent import rounded
from kqcodec.quantization.lloyd import clustering, descend, nearest, repair
from kqcodec.quantization.merge_split import pruned, search
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

# Iterations on a level: its tolerance nearly always ends them much earlier.
_COARSE_ITERATIONS = 60
# Estimates for merge and split grow with K^2 in the end; beyond this Lloyd alone.
_MOST_MOVED = 1024
# Beyond this sums of squared distances could leave 63 bits.
MAX_WEIGHT = 1 << 33
# What the search takes of the time, where it isn't settled yet which entries are opaque.
_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Found:
    """The best clustering and palette.

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
    """What all searches for one palette share.

    Attributes:
        fine, order: the colours in Morton order, and their places in the histogram.
        k: at most so many entries, fewer than there are colours.
        space: where distances are measured.
        monitor: is told of the progress.
        pixels: the sum of the weights.
    """

    fine: WeightedPoints
    order: NDArray[np.uint32]
    k: int
    space: Space
    monitor: Monitor
    pixels: int

    def report(self, stage: str, part: float, cost: int) -> bool:
        """Whether to go on."""
        return self.monitor.report(stage, part, cost, self.pixels)


def find_palette(colors: Histogram, k: int, options: SearchOptions) -> Found:
    """The best palette of at most k entries.

    There must be more than k colours, and k must be at least their ``least_entries``.
    """
    if colors.pixels > MAX_WEIGHT:
        raise ValueError(f"weights must add up to at most {MAX_WEIGHT:,}, not {colors.pixels:,}")
    visible, whole = colors.visible, Monitor(options.progress)
    effort, space = effort_of(options.effort), space_of(options.space, colors.channels)
    has_alpha = colors.channels == 4
    whole.begin(0, 1 / _SHARE if has_alpha else 1)
    points = in_morton_order(visible, space)
    task = _Task(*points, k - colors.hidden, space, Monitor(whole), visible.pixels)
    found = _best(task, effort, options.seed, options.restarts)
    if not has_alpha:
        return found
    return replace(
        found,
        palette=by_kinds(
            found.centers,
            found.labels,
            points,
            hidden=bool(colors.hidden),
            effort=effort,
            space=space,
            go_on=lambda cost: whole.report("palette", 1.0, cost, task.pixels),
        ),
    )


def _best(task: _Task, effort: Effort, seed: int, restarts: int) -> Found:
    """The best of ``restarts`` times ``effort.searches``, of equals the first.

    The first starts from variance cuts and, where K is small, from k-means++
    draws besides; each of the others from k-means++ draws alone.
    """
    fine, k, monitor = task.fine, task.k, task.monitor
    founds: list[Found] = []
    efforts = _searches(effort, k, len(fine), restarts)
    if effort.searches > 1:
        # "best" is never worse than "default", as it makes its searches too.
        efforts += _searches(effort_of(DEFAULT_EFFORT), k, len(fine), 1)
    levels = {each.name: _levels(fine, k, each) for each in efforts}
    # The searches of an effort go on drawing where the one before ended.
    randoms = {each.name: SplitMix64(seed) for each in efforts}
    parts = len(efforts) + effort.crossings
    for number, each in enumerate(efforts):
        monitor.begin(number, parts)
        found = _search(
            task,
            levels[each.name],
            effort=each,
            random=randoms[each.name],
            first=number == efforts.index(each),
        )
        founds.append(found)
        if monitor.stopped:
            break
    founds.sort(key=lambda found: found.cost)  # stable: of equals the first
    best = founds[0]
    for number in range(effort.crossings if k <= _MOST_MOVED else 0):
        if monitor.stopped:
            break
        monitor.begin(len(efforts) + number, parts)
        other = founds[1 + number % (len(founds) - 1)]
        crossed = _crossed(task, best, other, levels[effort.name][-1], effort)
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
) -> Found:
    centers: NDArray[np.int16] | None = None
    iterations = 0
    for number, (level, data) in enumerate(levels):
        if centers is None:
            state = _best_start(data, task, effort, random, cuts=first)
        else:
            state = _settled(data, centers, effort)
        if task.k <= _MOST_MOVED:
            trials = level.trials_for(task.k, len(task.fine)) * times_for(task.fine)
            _move(task, state, trials, level, part=number / (len(effort.levels) + 2))
            descend(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
        centers, iterations = state.means(), iterations + state.iterations
    assert centers is not None  # noqa: S101 - there is a level
    return _on_colors(task, centers, effort, before=iterations)


def _crossed(
    task: _Task, one: Found, other: Found, last: tuple[Level, WeightedPoints], effort: Effort
) -> Found | None:
    """A search that starts from the better part of two, where they differ."""
    centers = np.unique(np.concatenate([one.centers, other.centers]), axis=0)
    k = len(one.centers)
    if len(centers) <= k:
        return None
    level, data = last
    state = pruned(data, centers, k)
    _move(task, state, level.trials_for(k, len(task.fine)) // 2, level, part=0.0)
    descend(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
    return _on_colors(task, state.means(), effort, before=state.iterations)


def _on_colors(task: _Task, centers: NDArray[np.int16], effort: Effort, *, before: int) -> Found:
    """From centres of cells to those of all colours, and to a palette."""
    fine = task.fine
    most = effort.fine_iterations * times_for(fine)
    state = clustering(fine, centers)
    history = descend(state, 1 if task.monitor.stopped else most, effort.fine_bits)
    if repair(state):
        history += descend(state, most, effort.fine_bits)
    task.report("colors", 0.8, state.cost)
    means = state.means()
    palette = rounded(fine, means, effort, task.space)
    _, distances = nearest(fine.points, task.space.points(palette))
    cost = int((fine.weights * distances).sum())
    task.report("palette", 1.0, cost)
    labels = np.empty_like(state.labels)
    labels[task.order] = state.labels
    iterations = before + state.iterations
    return Found(means, labels, (fine, task.order), palette, cost, tuple(history), iterations)


def _levels(fine: WeightedPoints, k: int, effort: Effort) -> list[tuple[Level, WeightedPoints]]:
    """The points of each level; of levels that come out alike the last stays."""
    level_of_bits = {
        cell_bits(fine, level.points_for(k) * times_for(fine)): level for level in effort.levels
    }
    return [(level, merged_cells(fine, bits)) for bits, level in level_of_bits.items()]


def _best_start(
    data: WeightedPoints, task: _Task, effort: Effort, random: SplitMix64, *, cuts: bool
) -> Clustering:
    """Of several clusterings the one of lowest cost, of equals the first."""
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
        # Cells whose means share every bin can't be cut; repair finds places.
        rest = np.repeat(centers[-1:], k - len(centers), axis=0)
        centers = np.concatenate([centers, rest])
    return centers


def _settled(data: WeightedPoints, centers: NDArray[np.int16], effort: Effort) -> Clustering:
    state = clustering(data, centers)
    descend(state, _COARSE_ITERATIONS, effort.coarse_bits)
    if repair(state):
        descend(state, _COARSE_ITERATIONS, effort.coarse_bits)
    return state


def _move(task: _Task, state: Clustering, trials: int, level: Level, *, part: float) -> None:
    search(
        state,
        trials,
        least_ratio=level.least_ratio,
        trials_a_round=max(12, state.k // 8),
        go_on=lambda: task.report("cells", part, state.cost),
    )
