"""From a histogram without alpha to a palette, by k-means or a given one, and each
colour's label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.color_map import ColorMap
from kqcodec.effort import effort_of
from kqcodec.engine import MAX_WEIGHT, find_palette
from kqcodec.metrics import costs_of_palette, squared_to_entries
from kqcodec.palette import assigned, finished
from kqcodec.pins import find_pinned
from kqcodec.spaces import space_of
from kqcodec.thinning import thinned

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.choice import Choice
    from kqcodec.effort import Effort
    from kqcodec.engine import Progress
    from kqcodec.histogram import Histogram
    from kqcodec.spaces import Space


def map_rgb(
    colors: Histogram,
    k: int,
    choice: Choice,
    *,
    effort: str,
    seed: int,
    restarts: int,
    space: str,
    progress: Callable[[Progress], bool | None] | None = None,
) -> ColorMap:
    """Each colour with its nearest entry; the palette is ordered by luma, where it isn't
    given.

    Other arguments are those of ``kqcodec.quantize``, already checked.
    """
    iterations = 0
    if choice.fixed is not None:
        palette = choice.fixed
        labels, _ = assigned(colors, palette, space_of(space))
        squared = squared_to_entries(colors, palette, labels)
    else:
        few = thinned(colors).lightened(MAX_WEIGHT)
        palette, labels, squared, iterations = searched(
            few,
            k,
            choice.pins,
            effort=effort_of(effort),
            space=space_of(space),
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        if len(few) < len(colors):
            palette, labels, squared = finished(colors, palette, space_of(space), kept=choice.pins)
    costs = costs_of_palette(colors, palette, squared, iterations=iterations)
    return ColorMap.of(palette, colors, labels, costs)


def searched(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    *,
    effort: Effort,
    space: Space,
    seed: int = 0,
    restarts: int = 1,
    progress: Callable[[Progress], bool | None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.int32], int]:
    """The palette of at most ``k`` colours that k-means finds for a histogram, ordered by
    luma and pins among it; each colour's label and squared RGB distance; and the
    number of iterations."""
    palette, points, iterations = colors.colors, None, 0
    if len(pins):
        pinned = find_pinned(
            colors,
            k,
            pins,
            effort=effort,
            space=space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        palette, iterations = pinned.palette, pinned.iterations
    elif len(colors) > k:
        found = find_palette(
            colors,
            k,
            effort=effort,
            space=space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        palette, points, iterations = found.palette, found.points, found.iterations
    return *finished(colors, palette, space, points, kept=pins), iterations
