"""From a histogram with alpha to a palette and each colour's label, the counterpart of
``kqcodec.rgb_quantizer``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.color_map import ColorMap
from kqcodec.effort import effort_of
from kqcodec.engine import MAX_WEIGHT
from kqcodec.errors import ColorsError
from kqcodec.metrics import costs_of_rgba
from kqcodec.palette import PART
from kqcodec.rgba_palette import exact, find_rgba_palette, finished, least_colors, mapped
from kqcodec.rgba_pins import find_rgba_pinned
from kqcodec.spaces import alpha_space_of
from kqcodec.thinning import thinned

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.choice import Choice
    from kqcodec.effort import Effort
    from kqcodec.engine import Progress
    from kqcodec.histogram import Histogram
    from kqcodec.spaces import AlphaSpace


def map_rgba(
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
    """Each colour with its entry; the palette is ordered as ``rgba_palette`` says, where
    it isn't given.

    Other arguments and errors are those of ``kqcodec.quantize``, already checked.

    Raises:
        ColorsError: there are transparent pixels, but no entry is left for them.
    """
    if choice.fixed is not None:
        palette, iterations = choice.fixed, 0
        if palette.shape[1] == 3:
            raise ColorsError("there are transparent pixels, but the palette is opaque")
        labels = np.empty(len(colors), dtype=np.uint16)
        for start in range(0, len(colors), PART):
            part = slice(start, start + PART)
            labels[part] = mapped(colors.part(part), palette, alpha_space_of(space))
    else:
        few = thinned(colors).lightened(MAX_WEIGHT)
        palette, labels, iterations = rgba_searched(
            few,
            k,
            choice.pins,
            effort=effort_of(effort),
            space=alpha_space_of(space),
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        if len(few) < len(colors):
            palette, labels = finished(colors, palette, alpha_space_of(space), kept=choice.pins)
    costs = costs_of_rgba(colors, palette, labels, iterations=iterations)
    return ColorMap.of(palette, colors, labels, costs)


def rgba_searched(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    *,
    effort: Effort,
    space: AlphaSpace,
    seed: int = 0,
    restarts: int = 1,
    progress: Callable[[Progress], bool | None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
    """The palette of at most ``k`` entries, shape (K, 4), that k-means finds for a
    histogram, in the order of ``rgba_palette`` and pins among it; each colour's label;
    and the number of iterations.

    Raises:
        ColorsError: there are transparent pixels, but no entry is left for them.
    """
    if len(colors) <= k and not len(pins):
        return *exact(colors), 0
    find_palette = partial(find_rgba_pinned, pins=pins)
    if not len(pins):
        if k < least_colors(colors):
            raise ColorsError("fully transparent pixels and others need at least 2 colours, not 1")
        find_palette = partial(find_rgba_palette)
    found = find_palette(
        colors,
        k,
        effort=effort,
        space=space,
        seed=seed,
        restarts=restarts,
        progress=progress,
    )
    palette, labels = finished(colors, found.palette, space, found.points, kept=pins)
    return palette, labels, found.iterations
