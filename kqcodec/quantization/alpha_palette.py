"""Which entries of a palette with alpha are opaque, and where the others lie: the last step
of ``search`` where colours have alpha, before ``finished_palette`` stores the palette.

    centres of search ── opaque or translucent ── Lloyd ── local search ── Lloyd ── rounded
     on all but what is      by majority          └──── by alpha_clusters ────┘
     fully transparent

What is fully transparent is one entry, (0, 0, 0, 0), which no other pixel can move;
opaque pixels get opaque entries; the rest goes where it costs least, in the distance
of ``kqcodec.colors.spaces.AlphaSpace``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import FIRST_OPAQUE, colors_of_keys
from kqcodec.quantization.alpha_clusters import (
    AlphaCenters,
    AlphaPoints,
    Assignment,
    assign,
    lloyd_with_alpha,
    local_search,
)
from kqcodec.quantization.grid_descent import descend_on_grid, least_descent_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.effort import Effort
    from kqcodec.quantization.finished_palette import SortedPoints

# The local search is on cells: at least so many, and so many for each entry.
_LEAST_CELLS = 4096
_CELLS_AN_ENTRY = 16
_COARSE_ITERATIONS = 40
# Where cells times entries are more, there are the fewer trials.
_FEW = 1 << 17


def alpha_palette(
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    points: SortedPoints,
    *,
    hidden: bool,
    effort: Effort,
    space: Space,
    go_on: Callable[[int], bool],
) -> NDArray[np.uint8]:
    """The palette, uint8, shape (K, 4), that the centres of all visible colours become when
    each is opaque or not, with an entry more for what is ``hidden``.

    ``points`` are the colours in Morton order, and their places among ``labels``. ``go_on``
    is told the cost, in squared 64ths.
    """
    fine, order = points
    cells = AlphaPoints.of(fine, max(_LEAST_CELLS, _CELLS_AN_ENTRY * len(centers)))
    start = _opaque_by_majority(centers, labels[order], fine, hidden)
    state = lloyd_with_alpha(cells, start, _COARSE_ITERATIONS)
    work = len(cells) * len(centers)
    trials = effort.alpha_trials if work <= _FEW else effort.alpha_trials * _FEW // work
    state = local_search(state, trials, go_on)
    state = lloyd_with_alpha(AlphaPoints.of(fine), state.centers, effort.fine_iterations)
    return _rounded(state, fine, effort, space)


def _opaque_by_majority(
    centers: NDArray[np.int16], labels: NDArray[np.uint16], fine: WeightedPoints, hidden: bool
) -> AlphaCenters:
    """Centres, each opaque where most of its pixels are, and at least one where any pixel is."""
    is_opaque = fine.keys >= FIRST_OPAQUE
    shares = np.zeros((2, len(centers)), dtype=np.int64)
    np.add.at(shares, (is_opaque.astype(np.intp), labels), fine.weights)
    opaque = shares[1] > shares[0]
    if is_opaque.any():
        opaque[shares[1].argmax()] = True
    return AlphaCenters.of(centers[opaque], centers[~opaque], hidden)


def _rounded(
    state: Assignment, fine: WeightedPoints, effort: Effort, space: Space
) -> NDArray[np.uint8]:
    """The centres as 8-bit colours; the opaque ones descend on the grid, as those of
    pictures without alpha do, where that lowers the cost.

    ``state`` is on all points of ``fine``.
    """
    centers = state.centers
    palette = _within_members(space.colors(centers.places), state)
    if not space.has_grid or centers.opaque == 0:
        return palette
    start = AlphaCenters(space.points(palette), centers.opaque, centers.hidden)
    cells = AlphaPoints.of(fine, least_descent_points(effort, fine, len(palette)))
    on_cells = assign(cells, start)
    some = on_cells.labels < start.opaque
    places = start.places[: start.opaque].copy()
    descend_on_grid(
        cells.points[some],
        cells.weights[some],
        places,
        on_cells.labels[some],
        on_cells.distances[some],
        passes=effort.descent_passes,
    )
    moved = start.changed(list(range(start.opaque)), places, places[:0])
    if assign(cells, moved).cost < on_cells.cost:
        palette[: start.opaque] = space.colors(places)
    return palette


def _within_members(palette: NDArray[np.uint8], state: Assignment) -> NDArray[np.uint8]:
    """The palette with each translucent entry's samples between the least and the greatest
    of its cluster's members.

    A rounded alpha has colours make up for it, and the fainter it is the more: a
    shadow in pure black would get a tint.
    """
    labels = state.labels[state.colors.opaque :]
    order = np.argsort(labels, kind="stable")
    entries, starts = np.unique(labels[order], return_index=True)
    if len(entries) == 0:
        return palette
    colors = colors_of_keys(state.colors.keys[state.colors.opaque :][order])
    least, greatest = (which.reduceat(colors, starts) for which in (np.minimum, np.maximum))
    is_free = (entries >= state.centers.opaque) & (entries < state.centers.movable)
    some = entries[is_free]
    palette[some, :3] = np.clip(palette[some, :3], least[is_free], greatest[is_free])
    palette[palette[:, 3] == 0] = 0
    return palette
