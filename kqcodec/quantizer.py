"""Pixels to an indexed image: histogram, k-means, palette, labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.clustering import DEFAULT_RESTARTS, check_search
from kqcodec.effort import DEFAULT_EFFORT, effort_of
from kqcodec.engine import find_palette
from kqcodec.histogram import KEYS, Histogram, histogram
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.kernels import kernels
from kqcodec.metadata import checked_keep, metadata_of
from kqcodec.metrics import costs_of_palette
from kqcodec.palette import finished
from kqcodec.parallel import ordered_map, thread_count
from kqcodec.pixels import image_pixels
from kqcodec.rgba_colors import rgba_histogram
from kqcodec.rgba_quantizer import quantize_rgba
from kqcodec.spaces import space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from kqcodec.engine import Progress
    from kqcodec.metadata import Metadata
    from kqcodec.pixels import Color, ImageLike

# Pixels mapped at a time; fewer aren't worth a thread.
_PART = 1 << 20


@dataclass(frozen=True, eq=False)
class CountedPixels:
    """Pixels with their histogram, to quantize more than once; ``count_pixels``
    makes them.

    Attributes:
        pixels: uint8, shape (H, W, 3), or (H, W, 4) with alpha.
        colors: their histogram.
        metadata: what is kept of that.
    """

    pixels: NDArray[np.uint8]
    colors: Histogram
    metadata: Metadata


def count_pixels(
    image: ImageLike,
    *,
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
) -> CountedPixels:
    """The pixels that an image means, counted; arguments and errors as for ``quantize``."""
    kept = checked_keep(keep)
    metadata = metadata_of(image, kept)
    pixels = image_pixels(image, background=background, keep_profile="icc" in kept)
    count = rgba_histogram if pixels.shape[2] == 4 else histogram
    return CountedPixels(pixels, count(pixels, thread_count(threads)), metadata)


def quantize(
    image: ImageLike | CountedPixels,
    k: int,
    *,
    effort: str = DEFAULT_EFFORT,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    space: str = "rgb",
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
    progress: Callable[[Progress], bool | None] | None = None,
) -> IndexedImage:
    """The image in at most ``k`` colours, chosen by k-means.

    An image that has no more than ``k`` colours is kept exactly, with the
    colours it really has. The palette is in the order that ``kqcodec.palette``
    documents, every entry is used, and every pixel has its nearest entry. An image
    with alpha gets a palette with alpha: fully transparent pixels are one entry,
    (0, 0, 0, 0), and opaque ones have the nearest opaque entry. The
    result depends on the pixels, ``k``, ``effort``, ``seed``, ``restarts`` and
    ``space`` only.

    Args:
        image: whatever ``kqcodec.pixels.image_pixels`` accepts, or counted pixels.
        k: 1..65,536.
        effort: "fast", "default" or "best".
        seed: of the random draws among the first centres, any integer.
        restarts: how many searches to make; the best palette is kept.
        space: "rgb", or "oklab" to choose and map by perceived difference.
        threads: at most so many; None for as many as there are processors.
        background: a colour to put behind transparent pixels, so that the result
            has no alpha; None to keep it.
        keep: which of "icc", "exif" and "xmp" to keep as the result's ``metadata``.
            Without "icc" the colours are converted to sRGB. From a file object
            they are read only if it can seek.
        progress: called now and then with a ``Progress``; where it returns
            False the search ends soon, with what it has.

    Returns:
        The indexed image, with its ``costs``.

    Raises:
        ColorsError: ``k`` is 1, and there are both fully transparent and other pixels.
        ImageError, OSError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    check_search(k, seed, restarts)
    workers = thread_count(threads)
    chosen_effort, chosen_space = effort_of(effort), space_of(space)
    if not isinstance(image, CountedPixels):
        image = count_pixels(image, threads=workers, background=background, keep=keep)
    pixels, colors = image.pixels, image.colors
    if colors.channels == 4:
        indexed = quantize_rgba(
            pixels,
            colors,
            k,
            effort=effort,
            seed=seed,
            restarts=restarts,
            space=space,
            threads=workers,
            progress=progress,
        )
        return replace(indexed, metadata=image.metadata)
    palette, points, iterations = colors.colors, None, 0
    if len(colors) > k:
        found = find_palette(
            colors,
            k,
            effort=chosen_effort,
            space=chosen_space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        palette, points, iterations = found.palette, found.points, found.iterations
    palette, labels, squared = finished(colors, palette, chosen_space, points)
    return IndexedImage(
        palette=palette,
        labels=_mapped(pixels, colors, labels, len(palette), workers),
        costs=costs_of_palette(colors, palette, squared, iterations=iterations),
        metadata=image.metadata,
    )


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
