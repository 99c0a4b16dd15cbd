"""Pixels without alpha to an indexed image: histogram, k-means or a given palette,
labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.effort import effort_of
from kqcodec.engine import find_palette
from kqcodec.histogram import KEYS, Histogram
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.kernels import kernels
from kqcodec.metrics import costs_of_palette, squared_distances
from kqcodec.palette import assigned, finished
from kqcodec.parallel import ordered_map
from kqcodec.pins import find_pinned
from kqcodec.spaces import space_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.choice import Choice
    from kqcodec.effort import Effort
    from kqcodec.engine import Progress
    from kqcodec.spaces import Space

# Pixels mapped at a time; fewer aren't worth a thread.
_PART = 1 << 20


def quantize_rgb(
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
    """uint8 pixels of shape (H, W, 3), which ``histogram`` has counted, each with its
    nearest entry; the palette is ordered by luma, where it isn't given.

    Other arguments are those of ``kqcodec.quantize``, already checked.
    """
    iterations = 0
    if choice.fixed is not None:
        palette = choice.fixed
        labels, _ = assigned(colors, palette, space_of(space))
        squared = squared_distances(colors.colors, palette[labels])
    else:
        palette, labels, squared, iterations = searched(
            colors,
            k,
            choice.pins,
            effort=effort_of(effort),
            space=space_of(space),
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
    return IndexedImage(
        palette=palette,
        labels=_mapped(pixels, colors, labels, len(palette), threads),
        costs=costs_of_palette(colors, palette, squared, iterations=iterations),
    )


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


def _mapped(
    pixels: NDArray[np.uint8], colors: Histogram, labels: NDArray[np.uint16], k: int, threads: int
) -> NDArray[Any]:
    """Each pixel's label, by a table of all keys.

    Only entries of colours that occur are written and read, so that a small
    image touches few of the table's pages.
    """
    narrow = labels.astype(label_dtype(k), copy=False)
    table = np.empty(KEYS, dtype=narrow.dtype)
    kernels.fill_table(colors.keys, narrow, table)
    out = np.empty(pixels.shape[:2], dtype=narrow.dtype)
    flat, flat_out = pixels.reshape(-1, 3), out.reshape(-1)

    def look_up(start: int) -> None:
        kernels.look_up(flat[start : start + _PART], table, flat_out[start : start + _PART])

    starts = range(0, len(flat), _PART)
    for _ in ordered_map(look_up, starts, min(threads, len(starts))):
        pass
    return out
