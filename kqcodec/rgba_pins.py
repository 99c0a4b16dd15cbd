"""The counterpart of ``kqcodec.pins`` for colours with alpha: pins are opaque entries."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coarse import in_morton_order
from kqcodec.errors import ColorsError
from kqcodec.histogram import Histogram, keys_of_colors
from kqcodec.metrics import costs_of_rgba
from kqcodec.palette import is_among
from kqcodec.rgba_palette import RgbaFound, find_rgba_palette, finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.effort import Effort
    from kqcodec.engine import Progress
    from kqcodec.spaces import AlphaSpace

_OPAQUE = 255
# The second leaves out the colours that a pin has taken in the first.
_SEARCHES = 2


def find_rgba_pinned(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    *,
    effort: Effort,
    space: AlphaSpace,
    seed: int,
    restarts: int,
    progress: Callable[[Progress], bool | None] | None = None,
) -> RgbaFound:
    """A palette of at most k entries that holds all pins, different colours of shape
    (P, 3), P at most k.

    Raises:
        ColorsError: no entry is left for what is fully transparent.
    """
    pinned = np.full((len(pins), 4), _OPAQUE, dtype=np.uint8)
    pinned[:, :3] = pins
    free = k - len(pins)
    rest = _part(colors, ~np.isin(colors.keys, keys_of_colors(pinned)))
    if free == 0 and _has_hidden(rest):
        raise ColorsError("there are transparent pixels, but the pins leave no entry for them")
    visible = _part(colors, colors.keys > 0)
    points = in_morton_order(visible, space)
    best, lowest, iterations = pinned, math.inf, 0
    for _ in range(_SEARCHES):
        if free == _has_hidden(rest):
            found = rest.colors[:free]
        elif len(rest) <= free:
            found = rest.colors
        else:
            result = find_rgba_palette(
                rest,
                free,
                effort=effort,
                space=space,
                seed=seed,
                restarts=restarts,
                progress=progress,
            )
            found, iterations = result.palette, iterations + result.iterations
        trial = np.concatenate([pinned, found])
        stored, labels = finished(colors, trial, space, points)
        cost = costs_of_rgba(colors, stored, labels).mse
        if cost >= lowest:
            break
        best, lowest = trial, cost
        rest = _part(colors, ~is_among(stored, pins)[labels])
    return RgbaFound(best, points, iterations)


def _has_hidden(colors: Histogram) -> bool:
    return len(colors) > 0 and int(colors.keys[0]) == 0


def _part(colors: Histogram, chosen: NDArray[np.bool_]) -> Histogram:
    return Histogram(colors.keys[chosen], colors.counts[chosen], colors.channels)
