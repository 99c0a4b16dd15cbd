"""The k-means engine: from a histogram to a palette.

    colours ── merged cells ── variance cuts ── Lloyd ── merge and split ──┐
       │                           (once more on finer cells)              │
       └─────────── Lloyd on all colours ── rounded ── descent on the grid ┘

Everything is integer arithmetic or float64 in one fixed order, so a histogram,
an effort and a seed give the same palette on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coarse import WeightedPoints, cell_bits, in_morton_order, merged_cells
from kqcodec.effort import DEFAULT_EFFORT, effort_of
from kqcodec.histogram import colors_of_keys
from kqcodec.kernels import kernels
from kqcodec.lloyd import Clustering, clustering, descend, repair
from kqcodec.moves import neighbors, pruned, search
from kqcodec.seeding import SplitMix64, plus_plus
from kqcodec.spaces import FRACTION_BITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.effort import Effort, Level
    from kqcodec.histogram import Histogram
    from kqcodec.spaces import Space

# Iterations on a level: its tolerance nearly always ends them much earlier.
_COARSE_ITERATIONS = 60
# Estimates for merge and split grow with K^2 in the end; beyond this Lloyd alone.
_MOST_MOVED = 1024
# The descent on the grid keeps a list of neighbours of each centre.
_MOST_NUDGED = 4096
_NUDGE_REACH = 8
# It's on cells, too, but no fewer than this.
_NUDGED_POINTS = 4096
# After so many attempts a palette may keep fewer colours than K.
_REFILLS = 4
# Beyond this sums of squared distances could leave 63 bits.
MAX_WEIGHT = 1 << 33
# One step of an 8-bit sample.
_STEP = 1 << FRACTION_BITS
# A squared 8-bit distance, in squared coordinates.
UNIT = 1 << (2 * FRACTION_BITS)


@dataclass(frozen=True)
class Progress:
    """How far a search has come.

    Attributes:
        stage: "cells", "colors" or "palette".
        part: of the whole work, from 0 to 1, roughly.
        mse: of the centres as they are.
    """

    stage: str
    part: float
    mse: float


@dataclass(frozen=True, eq=False)
class Found:
    """The best clustering and palette.

    Attributes:
        centers: means on the grid, int16, shape (K, 4).
        labels: each colour's centre, uint16, in the histogram's order.
        points: the colours in Morton order, and their places in the histogram.
        palette: uint8, shape (K, 3), (K, 4) with alpha, as yet without order.
        cost: of the palette, in squared 64ths.
        history: the cost of the centres at each iteration on all colours.
        iterations: on cells and on colours.
    """

    centers: NDArray[np.int16]
    labels: NDArray[np.uint16]
    points: tuple[WeightedPoints, NDArray[np.uint32]]
    palette: NDArray[np.uint8]
    cost: int
    history: tuple[int, ...]
    iterations: int


class Monitor:
    """Passes progress on, and remembers whether to stop."""

    def __init__(self, progress: Callable[[Progress], bool | None] | None, pixels: int) -> None:
        self._progress = progress
        self._unit = float(UNIT * pixels)
        self._share = (0, 1)
        self.part = 0.0
        self.stopped = False

    def begin(self, search: int, searches: int) -> None:
        """What is reported from now on is part of that one of so many searches."""
        self._share = (search, searches)

    def report(self, stage: str, cost: int) -> bool:
        """Whether to go on."""
        if self._progress is not None and not self.stopped:
            search, searches = self._share
            report = Progress(stage, (search + self.part) / searches, cost / self._unit)
            self.stopped = self._progress(report) is False
        return not self.stopped


def find_palette(
    colors: Histogram,
    k: int,
    *,
    effort: Effort,
    space: Space,
    seed: int = 0,
    restarts: int = 1,
    progress: Callable[[Progress], bool | None] | None = None,
) -> Found:
    """The best palette of ``restarts`` times ``effort.searches``, of equals the first.

    The first starts from variance cuts and, where K is small, from k-means++
    draws besides; each of the others from k-means++ draws alone. There must be more than k colours.
    """
    if colors.pixels > MAX_WEIGHT:
        raise ValueError(f"weights must add up to at most {MAX_WEIGHT:,}, not {colors.pixels:,}")
    fine, order = in_morton_order(colors, space)
    monitor = Monitor(progress, colors.pixels)
    founds: list[Found] = []
    efforts = _searches(effort, k, len(fine), restarts)
    if effort.searches > 1:
        # "best" is never worse than "default", as it makes its searches too.
        efforts += _searches(effort_of(DEFAULT_EFFORT), k, len(fine), 1)
    levels = {each.name: _levels(fine, k, each) for each in efforts}
    # The searches of an effort go on drawing where the one before ended.
    randoms = {each.name: SplitMix64(seed) for each in efforts}
    for number, each in enumerate(efforts):
        monitor.begin(number, len(efforts) + effort.crossings)
        found = _search(
            fine,
            order,
            k,
            levels[each.name],
            effort=each,
            space=space,
            random=randoms[each.name],
            first=number == efforts.index(each),
            monitor=monitor,
        )
        founds.append(found)
        if monitor.stopped:
            break
    founds.sort(key=lambda found: found.cost)  # stable: of equals the first
    best = founds[0]
    for number in range(effort.crossings if k <= _MOST_MOVED else 0):
        if monitor.stopped:
            break
        monitor.begin(len(efforts) + number, len(efforts) + effort.crossings)
        crossed = _crossed(
            best,
            founds[1 + number % (len(founds) - 1)],
            levels[effort.name][-1],
            effort=effort,
            space=space,
            monitor=monitor,
        )
        if crossed is not None and crossed.cost < best.cost:
            best = crossed
    return best


def _searches(effort: Effort, k: int, points: int, restarts: int) -> list[Effort]:
    """The searches that an effort makes."""
    return [effort] * (effort.searches * restarts + effort.tries_apart(k, points))


def _search(
    fine: WeightedPoints,
    order: NDArray[np.uint32],
    k: int,
    levels: list[tuple[Level, WeightedPoints]],
    *,
    effort: Effort,
    space: Space,
    random: SplitMix64,
    first: bool,
    monitor: Monitor,
) -> Found:
    centers: NDArray[np.int16] | None = None
    iterations = 0
    for number, (level, data) in enumerate(levels):
        if centers is None:
            state = _best_start(data, k, effort, random, points=len(fine), cuts=first)
        else:
            state = _settled(data, centers, effort)
        if k <= _MOST_MOVED:
            trials = level.trials_for(k, len(fine)) * _times(fine)
            monitor.part = number / (len(effort.levels) + 2)
            _move(state, trials, level.least_ratio, monitor)
            descend(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
        centers, iterations = state.means(), iterations + state.iterations
    assert centers is not None  # noqa: S101 - there is a level
    return _on_colors(
        fine, order, centers, effort=effort, space=space, monitor=monitor, before=iterations
    )


def _crossed(
    one: Found,
    other: Found,
    last: tuple[Level, WeightedPoints],
    *,
    effort: Effort,
    space: Space,
    monitor: Monitor,
) -> Found | None:
    """A search that starts from the better part of two, where they differ."""
    fine, order = one.points
    k = len(one.palette)
    centers = np.unique(np.concatenate([one.centers, other.centers]), axis=0)
    if len(centers) <= k:
        return None
    level, data = last
    state = pruned(data, centers, k)
    _move(state, level.trials_for(k, len(fine)) // 2, level.least_ratio, monitor)
    descend(state, _COARSE_ITERATIONS, effort.coarse_bits + 1)
    return _on_colors(
        fine,
        order,
        state.means(),
        effort=effort,
        space=space,
        monitor=monitor,
        before=state.iterations,
    )


def _on_colors(
    fine: WeightedPoints,
    order: NDArray[np.uint32],
    centers: NDArray[np.int16],
    *,
    effort: Effort,
    space: Space,
    monitor: Monitor,
    before: int,
) -> Found:
    """From centres of cells to those of all colours, and to a palette."""
    large = _times(fine)
    state = clustering(fine, centers)
    history = descend(
        state, 1 if monitor.stopped else effort.fine_iterations * large, effort.fine_bits
    )
    if repair(state):
        history += descend(state, effort.fine_iterations * large, effort.fine_bits)
    monitor.part = 0.8
    monitor.report("colors", state.cost)
    means = state.means()
    palette = _on_the_grid(fine, means, effort, space)
    palette_labels = np.empty_like(state.labels)
    distances = np.empty(len(fine), dtype=np.int32)
    kernels.nearest(fine.points, space.points(palette), palette_labels, distances)
    cost = int((fine.weights * distances).sum())
    monitor.part = 1.0
    monitor.report("palette", cost)
    labels = np.empty_like(state.labels)
    labels[order] = state.labels
    iterations = before + state.iterations
    return Found(means, labels, (fine, order), palette, cost, tuple(history), iterations)


def _times(fine: WeightedPoints) -> int:
    """How many times as much to do for large pictures, whose pixels cost so much to
    count and map that it hardly matters."""
    return max(1, min(3, len(fine) >> 18))


def _levels(fine: WeightedPoints, k: int, effort: Effort) -> list[tuple[Level, WeightedPoints]]:
    """The points of each level; of levels that come out alike the last stays."""
    level_of_bits = {
        cell_bits(fine, level.points_for(k) * _times(fine)): level for level in effort.levels
    }
    return [(level, merged_cells(fine, bits)) for bits, level in level_of_bits.items()]


def _best_start(
    data: WeightedPoints, k: int, effort: Effort, random: SplitMix64, *, points: int, cuts: bool
) -> Clustering:
    """Of several clusterings the one of lowest cost, of equals the first."""
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


def _move(state: Clustering, trials: int, least_ratio: float, monitor: Monitor) -> None:
    search(
        state,
        trials,
        least_ratio=least_ratio,
        trials_a_round=max(12, state.k // 8),
        go_on=lambda: monitor.report("cells", state.cost),
    )


def _on_the_grid(
    fine: WeightedPoints, means: NDArray[np.int16], effort: Effort, space: Space
) -> NDArray[np.uint8]:
    """The means as 8-bit colours, and moved about until no step lowers the cost."""
    data = merged_cells(fine, cell_bits(fine, points_to_nudge(effort, fine, len(means))))
    palette = space.colors(means)
    labels = np.empty(len(data), dtype=np.uint16)
    distances = np.empty(len(data), dtype=np.int32)
    for _ in range(_REFILLS):
        kernels.nearest(data.points, space.points(palette), labels, distances)
        if not _refill(data, palette, labels, distances):
            break
    if space.name == "rgb":
        centers = space.points(palette)
        nudge(data.points, data.weights, centers, labels, distances, passes=effort.passes)
        palette = space.colors(centers)
    return palette


def nudge(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    *,
    passes: int,
) -> None:
    """Moves centres from one 8-bit colour to the next while that lowers the cost, in
    at most so many passes; see ``kqcodec.kernels``."""
    if len(centers) > _MOST_NUDGED or passes == 0:
        return
    around = neighbors(centers, _NUDGE_REACH)
    active = np.ones(len(centers), dtype=np.bool_)
    for _ in range(passes):
        moved, _ = kernels.nudge(points, weights, centers, labels, distances, around, active, _STEP)
        if moved == 0:
            break


def points_to_nudge(effort: Effort, fine: WeightedPoints, k: int) -> int:
    """On how many points, at least, a palette of k colours is moved about."""
    return max(_NUDGED_POINTS, effort.nudged * _times(fine) * k)


def _refill(
    data: WeightedPoints,
    palette: NDArray[np.uint8],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
) -> int:
    """Gives entries that no colour uses to the colours that cost most; returns how
    many."""
    unused = np.flatnonzero(np.bincount(labels, minlength=len(palette)) == 0)
    if len(unused) == 0:
        return 0
    costs = data.weights * distances
    costliest = np.argsort(-costs, kind="stable")[: len(unused)]
    costliest = costliest[costs[costliest] > 0]
    colors = colors_of_keys(data.keys[costliest], palette.shape[1])
    palette[unused[: len(costliest)]] = colors
    return len(costliest)
