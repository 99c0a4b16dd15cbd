"""Pixels to an indexed image: histogram, k-means, palette, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.clustering import DEFAULT_RESTARTS, check_count, check_k, check_seed, cluster
from kqcodec.histogram import KEYS, Histogram, histogram, keys_of_colors
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.metrics import costs_of_palette
from kqcodec.palette import finished, ordered, rounded
from kqcodec.pixels import WHITE, rgb_pixels

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from kqcodec.pixels import Color, ImageLike


def quantize(
    image: ImageLike,
    k: int,
    *,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    threads: int | None = None,
    background: Color | None = WHITE,
) -> IndexedImage:
    """The image in at most ``k`` colours, chosen by k-means.

    An image that has no more than ``k`` colours is kept exactly, with the
    colours it really has. The palette is in the order that ``kqcodec.palette``
    documents, every entry is used, and every pixel has its nearest entry. The
    result depends on the pixels, ``k``, ``seed`` and ``restarts`` only.

    Args:
        image: whatever ``kqcodec.pixels.rgb_pixels`` accepts.
        k: 1..65,536.
        seed: of the random choices, any integer.
        restarts: how many seedings to try; the best is kept.
        threads: at most so many; None for as many as there are processors.
        background: what shows through transparent pixels; None refuses them.

    Returns:
        The indexed image, with its ``costs``.

    Raises:
        ImageError, OSError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    check_k(k)
    check_seed(seed)
    check_count("restarts", restarts)
    if threads is not None:
        check_count("threads", threads)
    pixels = rgb_pixels(image, background=background)
    colors = histogram(pixels)
    palette, labels, iterations = _palette(colors, k, seed, restarts)
    return IndexedImage(
        palette=palette,
        labels=_mapped(pixels, colors, labels, len(palette)),
        costs=costs_of_palette(colors, palette, labels, iterations=iterations),
    )


def _palette(
    colors: Histogram, k: int, seed: int, restarts: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
    """The palette, each unique colour's label, and k-means's iterations."""
    samples = colors.colors
    if len(colors) <= k:
        palette = ordered(samples)
        labels = np.empty(len(colors), dtype=np.uint16)
        order = np.searchsorted(colors.keys, keys_of_colors(palette))
        labels[order] = np.arange(len(palette))
        return palette, labels, 0
    found = cluster(colors, k, seed=seed, restarts=restarts)
    return (*finished(samples, rounded(found.centers)), found.iterations)


def _mapped(
    pixels: NDArray[np.uint8], colors: Histogram, labels: NDArray[np.uint16], k: int
) -> NDArray[Any]:
    """Each pixel's label, by a table of all keys or by search, whichever is less work."""
    keys = keys_of_colors(pixels)
    narrow = labels.astype(label_dtype(k))
    if keys.size < KEYS // 16:
        return narrow[np.searchsorted(colors.keys, keys)]
    table = np.zeros(KEYS, dtype=narrow.dtype)
    table[colors.keys] = narrow
    return table[keys]
