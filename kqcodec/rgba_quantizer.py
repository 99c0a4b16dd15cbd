"""Pixels with alpha to an indexed image, the counterpart of ``kqcodec.quantizer``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.effort import effort_of
from kqcodec.errors import ColorsError
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.metrics import costs_of_rgba
from kqcodec.rgba_colors import map_rgba
from kqcodec.rgba_palette import exact, find_rgba_palette, finished, least_colors
from kqcodec.spaces import alpha_space_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.engine import Progress
    from kqcodec.histogram import Histogram


def quantize_rgba(
    pixels: NDArray[np.uint8],
    colors: Histogram,
    k: int,
    *,
    effort: str,
    seed: int,
    restarts: int,
    space: str,
    threads: int,
    progress: Callable[[Progress], bool | None] | None = None,
) -> IndexedImage:
    """uint8 pixels of shape (H, W, 4), which ``rgba_histogram`` has counted, in at most
    ``k`` colours.

    Other arguments and errors are those of ``kqcodec.quantize``, already checked.

    Raises:
        ColorsError: k is 1, and there are both fully transparent and other pixels.
    """
    chosen_effort, chosen_space = effort_of(effort), alpha_space_of(space)
    iterations = 0
    if len(colors) <= k:
        palette, labels = exact(colors)
    else:
        if k < least_colors(colors):
            raise ColorsError("fully transparent pixels and others need at least 2 colours, not 1")
        found = find_rgba_palette(
            colors,
            k,
            effort=chosen_effort,
            space=chosen_space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        iterations = found.iterations
        palette, labels = finished(colors, found.palette, chosen_space, found.points)
    narrow = labels.astype(label_dtype(len(palette)), copy=False)
    return IndexedImage(
        palette=palette,
        labels=map_rgba(pixels, colors, narrow, threads),
        costs=costs_of_rgba(colors, palette, labels, iterations=iterations),
    )
