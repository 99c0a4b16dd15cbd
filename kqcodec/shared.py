"""One palette for many images: k-means on the sum of their histograms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.choice import choice_of
from kqcodec.clustering import DEFAULT_RESTARTS, check_search
from kqcodec.dither import DEFAULT_DITHER_KIND
from kqcodec.effort import DEFAULT_EFFORT, effort_of
from kqcodec.histogram import histogram
from kqcodec.metrics import costs_of_palette
from kqcodec.parallel import thread_count
from kqcodec.pixels import WHITE, rgb_pixels
from kqcodec.rgb_quantizer import searched
from kqcodec.sorting import DEFAULT_SORT, palette_order
from kqcodec.spaces import space_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from kqcodec.color_lists import Colors
    from kqcodec.histogram import Histogram
    from kqcodec.metrics import Costs
    from kqcodec.pixels import Color, ImageLike


@dataclass(frozen=True, eq=False)
class HistogramPalette:
    """A palette for a histogram.

    Attributes:
        palette: uint8, shape (K, 3).
        counts: how many pixels have each entry as their nearest, int64, shape (K,).
        costs: of all pixels.
    """

    palette: NDArray[np.uint8]
    counts: NDArray[np.int64]
    costs: Costs


def shared_palette(
    images: Iterable[ImageLike],
    k: int,
    *,
    pins: Colors = (),
    sort: str = DEFAULT_SORT,
    effort: str = DEFAULT_EFFORT,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    space: str = "rgb",
    threads: int | None = None,
    background: Color | None = WHITE,
) -> NDArray[np.uint8]:
    """The best palette of at most ``k`` colours for all pixels of some images.

    Each pixel counts alike, so a large image counts for more than a small one. The
    images are drawn from the iterable one by one, and their order doesn't matter.

    Args:
        images: at least one of what ``quantize`` accepts.
        k, pins, sort, effort, seed, restarts, space, threads, background: as for
            ``quantize``.

    Returns:
        uint8, shape (K, 3): the ``palette`` to give to ``quantize`` for each image.

    Raises:
        ImageError, OSError: an image can't be read or converted.
        TypeError, ValueError: a wrong argument, or no images.
    """
    workers = thread_count(threads)
    total: Histogram | None = None
    for image in images:
        colors = histogram(rgb_pixels(image, background=background), workers)
        total = colors if total is None else total + colors
    if total is None:
        raise ValueError("there are no images to share a palette")
    found = palette_of_histogram(
        total, k, pins=pins, sort=sort, effort=effort, seed=seed, restarts=restarts, space=space
    )
    return found.palette


def palette_of_histogram(
    colors: Histogram,
    k: int,
    *,
    pins: Colors = (),
    sort: str = DEFAULT_SORT,
    effort: str = DEFAULT_EFFORT,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    space: str = "rgb",
) -> HistogramPalette:
    """The best palette of at most ``k`` colours; arguments and errors as for
    ``shared_palette``."""
    check_search(k, seed, restarts)
    choice = choice_of(
        k, palette=None, pins=pins, sort=sort, dither=0.0, dither_kind=DEFAULT_DITHER_KIND
    )
    palette, labels, squared, iterations = searched(
        colors,
        k,
        choice.pins,
        effort=effort_of(effort),
        space=space_of(space),
        seed=seed,
        restarts=restarts,
    )
    counts = np.zeros(len(palette), dtype=np.int64)
    np.add.at(counts, labels, colors.counts)
    costs = costs_of_palette(colors, palette, squared, iterations=iterations)
    order = palette_order(palette, counts, sort)
    return HistogramPalette(palette[order], counts[order], costs)
