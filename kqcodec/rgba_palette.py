"""The palette of a picture with alpha.

    colours ── engine ── opaque or translucent ── Lloyd ── search ── Lloyd ── rounded
              on all but            all by kqcodec.rgba_clusters
              the transparent

What is fully transparent is one entry, (0, 0, 0, 0), which no other pixel can move;
opaque pixels get opaque entries; the rest goes where it costs least, in the distance
of ``kqcodec.spaces.AlphaSpace``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.coarse import in_morton_order
from kqcodec.engine import UNIT, Progress, find_palette, nudge, points_to_nudge
from kqcodec.errors import ColorsError
from kqcodec.histogram import Histogram, colors_of_keys, keys_of_colors
from kqcodec.palette import PART, is_among, lumas, renumbered, used_entries
from kqcodec.palette import assigned as nearest_entries
from kqcodec.rgba_clusters import Centers, Colors, State, assigned, searched, settled
from kqcodec.rgba_colors import FIRST_OPAQUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.coarse import WeightedPoints
    from kqcodec.effort import Effort
    from kqcodec.engine import Found
    from kqcodec.palette import SortedPoints
    from kqcodec.spaces import AlphaSpace

    ProgressCall = Callable[[Progress], bool | None]

# The search is on cells, at least so many, and so many for each entry.
_POINTS = 4096
_POINTS_AN_ENTRY = 16
_COARSE_ITERATIONS = 40
# So many points times entries are few: more of them get fewer trials.
_FEW = 1 << 17


def least_colors(colors: Histogram) -> int:
    """The fewest entries that a picture can have: what is fully transparent and what
    isn't can't share one."""
    has_hidden = int(colors.keys[0]) == 0
    return 1 + (has_hidden and len(colors) > 1)


class RgbaFound(NamedTuple):
    """What ``find_rgba_palette`` found.

    Attributes:
        palette: uint8, shape (K, 4), as yet without order.
        points: the colours that aren't fully transparent, in Morton order, and their
            places among these.
        iterations: of k-means.
    """

    palette: NDArray[np.uint8]
    points: SortedPoints
    iterations: int


def find_rgba_palette(
    colors: Histogram,
    k: int,
    *,
    effort: Effort,
    space: AlphaSpace,
    seed: int,
    restarts: int,
    progress: ProgressCall | None = None,
) -> RgbaFound:
    """A palette of at most k entries.

    There must be more than k colours, and k must be at least ``least_colors``.
    """
    hidden = int(colors.keys[0]) == 0
    visible = Histogram(colors.keys[int(hidden) :], colors.counts[int(hidden) :], 4)
    watch = _Watch(progress, visible.pixels)
    found = find_palette(
        visible,
        k - hidden,
        effort=effort,
        space=space,
        seed=seed,
        restarts=restarts,
        progress=watch,
    )
    fine = found.points[0]
    entries = len(found.centers)
    cells = Colors.of(fine, max(_POINTS, _POINTS_AN_ENTRY * entries))
    state = settled(cells, _by_majority(found, hidden), _COARSE_ITERATIONS)
    work = len(cells.points) * entries
    trials = effort.alpha_trials if work <= _FEW else effort.alpha_trials * _FEW // work
    state = searched(state, trials, watch.go_on)
    state = settled(Colors.of(fine), state.centers, effort.fine_iterations)
    return RgbaFound(_rounded(state, fine, effort, space), found.points, found.iterations)


class _Watch:
    """Reports the engine's progress as the greater part of the whole, and remembers
    whether to stop."""

    _SHARE = 0.9

    def __init__(self, progress: ProgressCall | None, pixels: int) -> None:
        self._progress = progress
        self._pixels = pixels
        self._stopped = False

    def __call__(self, report: Progress) -> bool:
        if self._progress is not None and not self._stopped:
            part = Progress(report.stage, self._SHARE * report.part, report.mse)
            self._stopped = self._progress(part) is False
        return not self._stopped

    def go_on(self, cost: int) -> bool:
        """Whether to, at that cost in squared 64ths."""
        return self(Progress("palette", 1.0, cost / (float(UNIT) * self._pixels)))


def _by_majority(found: Found, hidden: bool) -> Centers:
    """The engine's centres, each opaque where most of its pixels are, and at least
    one where any pixel is."""
    fine, order = found.points
    labels, k = found.labels[order], len(found.centers)
    is_opaque = fine.keys >= FIRST_OPAQUE
    shares = np.zeros((2, k), dtype=np.int64)
    np.add.at(shares, (is_opaque.astype(np.intp), labels), fine.weights)
    opaque = shares[1] > shares[0]
    if is_opaque.any():
        opaque[shares[1].argmax()] = True
    return Centers.of(found.centers[opaque], found.centers[~opaque], hidden)


def _rounded(
    state: State, fine: WeightedPoints, effort: Effort, space: AlphaSpace
) -> NDArray[np.uint8]:
    """The centres as 8-bit colours; opaque ones are moved about, as those of pictures
    without alpha are, where that lowers the cost.

    ``state`` is on all points of ``fine``.
    """
    centers = state.centers
    palette = _among_their_own(space.colors(centers.places), state, fine)
    if not space.has_grid or centers.opaque == 0:
        return palette
    start = Centers(space.points(palette), centers.opaque, centers.hidden)
    cells = Colors.of(fine, points_to_nudge(effort, fine, len(palette)))
    on_cells = assigned(cells, start)
    some = on_cells.labels < start.opaque
    places = start.places[: start.opaque].copy()
    nudge(
        cells.points[some],
        cells.weights[some],
        places,
        on_cells.labels[some],
        on_cells.distances[some],
        passes=effort.passes,
    )
    moved = start.changed(list(range(start.opaque)), places, places[:0])
    if assigned(cells, moved).cost < on_cells.cost:
        palette[: start.opaque] = space.colors(places)
    return palette


def _among_their_own(
    palette: NDArray[np.uint8], state: State, fine: WeightedPoints
) -> NDArray[np.uint8]:
    """Translucent entries' colours between the least and the greatest of those that
    they stand for, channel by channel.

    A rounded alpha has colours make up for it, and the fainter it is the more: a
    shadow in pure black would get a tint.
    """
    labels = state.labels[state.colors.opaque :]
    order = np.argsort(labels, kind="stable")
    entries, starts = np.unique(labels[order], return_index=True)
    if len(entries) == 0:
        return palette
    colors = colors_of_keys(fine.keys[fine.keys < FIRST_OPAQUE][order])
    least, greatest = (which.reduceat(colors, starts) for which in (np.minimum, np.maximum))
    is_free = (entries >= state.centers.opaque) & (entries < state.centers.movable)
    some = entries[is_free]
    palette[some, :3] = np.clip(palette[some, :3], least[is_free], greatest[is_free])
    palette[palette[:, 3] == 0] = 0
    return palette


def exact(colors: Histogram) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The colours as a palette in its stored order, shape (N, 4), and their labels.

    The order is: what is fully transparent, then what is translucent, then what is
    opaque, each by luma, then by key, as in ``kqcodec.palette``.
    """
    palette = colors.colors
    kind = (colors.keys > 0).astype(np.int32) + (colors.keys >= FIRST_OPAQUE)
    # The keys ascend already, and a stable sort keeps them so where lumas tie.
    order = np.lexsort((lumas(palette[:, :3]), kind))
    labels = np.empty(len(order), dtype=np.uint16)
    labels[order] = np.arange(len(order))
    return palette[order], labels


def finished(
    colors: Histogram,
    palette: NDArray[np.uint8],
    space: AlphaSpace,
    points: SortedPoints | None = None,
    kept: NDArray[np.uint8] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The stored form of a palette for these colours, each entry once, all of them
    used but for the opaque colours ``kept``, shape (P, 3), and each colour's label.

    Opaque colours get their nearest opaque entry, what is fully transparent gets its
    own, others their nearest of all. ``points``, where they are at hand, are those of
    ``find_rgba_palette``.
    """
    keys = np.unique(keys_of_colors(palette))
    stored, _ = exact(Histogram(keys, np.ones(len(keys), dtype=np.int64), 4))
    hidden, opaque = int(stored[0, 3] == 0), int(np.count_nonzero(stored[:, 3] == 255))
    places = space.points(stored)
    size = len(places)
    centers = Centers.of(places[size - opaque :], places[hidden : size - opaque], bool(hidden))
    # Centers have the opaque entries first, and what is hidden last.
    entry = np.concatenate(
        [np.arange(size - opaque, size), np.arange(hidden, size - opaque), np.arange(hidden)]
    ).astype(np.uint16)
    first = int(colors.keys[0] == 0)
    labels = np.zeros(len(colors), dtype=np.uint16)
    if points is not None:
        labels[first:] = entry[_nearest(points, centers)]
    for start in range(first, len(colors) if points is None else 0, PART):
        part = slice(start, start + PART)
        some = in_morton_order(colors.part(part), space)
        labels[part] = entry[_nearest(some, centers)]
    used = used_entries(labels, size)
    if kept is not None:
        used |= is_among(stored, kept)
    renumber = (np.cumsum(used) - 1).astype(np.uint16)
    return stored[used], renumbered(labels, renumber)


def _nearest(points: SortedPoints, centers: Centers) -> NDArray[np.uint16]:
    """The centre of each of some colours that aren't fully transparent, in their order
    before they were sorted."""
    fine, order = points
    found = assigned(Colors.of(fine), centers).labels
    is_opaque = fine.keys >= FIRST_OPAQUE
    opaque = np.count_nonzero(is_opaque)
    labels = np.empty(len(fine), dtype=np.uint16)
    labels[order[is_opaque]], labels[order[~is_opaque]] = found[:opaque], found[opaque:]
    return labels


def mapped(colors: Histogram, palette: NDArray[np.uint8], space: AlphaSpace) -> NDArray[np.uint16]:
    """Each colour's label in a palette, shape (K, 4), that stays as it is.

    What is fully transparent gets the first entry that is, opaque colours get their
    nearest opaque entry, if there is any, and others their nearest of all.

    Raises:
        ColorsError: something is fully transparent, and no entry is.
    """
    labels = np.empty(len(colors), dtype=np.uint16)
    kinds = (colors.keys == 0, colors.keys >= FIRST_OPAQUE)
    alpha = palette[:, 3]
    allowed = (
        alpha == 0,
        alpha == (255 if (alpha == 255).any() else alpha.max()),
        np.ones(len(alpha), dtype=np.bool_),
    )
    for chosen, entries in zip((*kinds, ~(kinds[0] | kinds[1])), allowed, strict=True):
        if not chosen.any():
            continue
        if not entries.any():
            raise ColorsError("there are transparent pixels, but the palette has no entry for them")
        part = Histogram(colors.keys[chosen], colors.counts[chosen], colors.channels)
        places = np.flatnonzero(entries)
        nearest, _ = nearest_entries(part, palette[places], space)
        labels[chosen] = places[nearest]
    return labels
