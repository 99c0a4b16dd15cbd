"""One palette for many images: k-means on the sum of their histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import color_map, count_pixels
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from kqcodec.colors.histogram import Histogram
    from kqcodec.images.pixels import Color, ImageLike
    from kqcodec.quantization.color_map import ColorMap
    from kqcodec.quantization.options import PaletteKeywords


def shared_palette(
    images: Iterable[ImageLike],
    k: int,
    *,
    threads: int | None = None,
    background: Color | None = None,
    **options: Unpack[PaletteKeywords],
) -> NDArray[np.uint8]:
    """The best palette of at most ``k`` colours for all pixels of some images, with
    alpha if any of them has it.

    Each pixel counts alike, so a large image counts for more than a small one. The
    images are drawn from the iterable one by one, and their order doesn't matter.

    Args:
        images: at least one of what ``quantize`` accepts.
        k, threads, background: as for ``quantize``.
        options: more of those: ``pins``, ``sort``, ``effort``, ``seed``, ``restarts``,
            ``space``, as for ``quantize``, too.

    Returns:
        uint8, shape (K, 3) or (K, 4): the ``palette`` to give to ``quantize`` for each image.

    Raises:
        ColorsError: ``k`` leaves no entry for transparent pixels.
        ImageError, OSError: an image can't be read or converted.
        TypeError, ValueError: a wrong argument, or no images.
    """
    workers = thread_count(threads)
    total, some = HistogramSum(), False
    for image in images:
        total.add(count_pixels(image, threads=workers, background=background).colors)
        some = True
    if not some:
        raise ValueError("there are no images to share a palette")
    return palette_of_histogram(total.total(), k, **options).palette


def palette_of_histogram(colors: Histogram, k: int, **options: Unpack[PaletteKeywords]) -> ColorMap:
    """The best palette of at most ``k`` colours for a histogram, with each colour's label;
    options and errors as for ``shared_palette``."""
    chosen = QuantizeOptions(**options)
    return color_map(colors, chosen.checked_colors(k), chosen)
