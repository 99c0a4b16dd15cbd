"""Pixels with alpha to an indexed image, the counterpart of ``kqcodec.quantizer``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kqcodec.effort import effort_of
from kqcodec.errors import ColorsError
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.metrics import costs_of_rgba
from kqcodec.rgba_colors import map_rgba
from kqcodec.rgba_palette import exact, find_rgba_palette, finished, least_colors
from kqcodec.rgba_pins import find_rgba_pinned
from kqcodec.spaces import alpha_space_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.choice import Choice
    from kqcodec.engine import Progress
    from kqcodec.histogram import Histogram


def quantize_rgba(
    pixels: NDArray[np.uint8],
    colors: Histogram,
    k: int,
    choice: Choice,
    *,
    effort: str,
    seed: int,
    restarts: int,
    space: str,
    threads: int,
    progress: Callable[[Progress], bool | None] | None = None,
) -> IndexedImage:
    """uint8 pixels of shape (H, W, 4), which ``rgba_histogram`` has counted; the palette
    is ordered as ``rgba_palette`` says, where it isn't given.

    Other arguments and errors are those of ``kqcodec.quantize``, already checked.

    Raises:
        ColorsError: there are transparent pixels, but no entry is left for them.
    """
    if choice.fixed is not None:
        raise ColorsError("the picture has transparent pixels, but the palette no entry for them")
    chosen_effort, chosen_space = effort_of(effort), alpha_space_of(space)
    iterations = 0
    if len(colors) <= k and not len(choice.pins):
        palette, labels = exact(colors)
    else:
        find_palette = partial(find_rgba_pinned, pins=choice.pins)
        if not len(choice.pins):
            if k < least_colors(colors):
                raise ColorsError(
                    "fully transparent pixels and others need at least 2 colours, not 1"
                )
            find_palette = partial(find_rgba_palette)
        found = find_palette(
            colors,
            k,
            effort=chosen_effort,
            space=chosen_space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        iterations = found.iterations
        palette, labels = finished(
            colors, found.palette, chosen_space, found.points, kept=choice.pins
        )
    narrow = labels.astype(label_dtype(len(palette)), copy=False)
    return IndexedImage(
        palette=palette,
        labels=map_rgba(pixels, colors, narrow, threads),
        costs=costs_of_rgba(colors, palette, labels, iterations=iterations),
    )
