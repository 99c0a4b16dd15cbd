"""Pixels to an indexed image: what ``kqcodec.quantize`` does, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kqcodec.colors.costs import costs_of_palette
from kqcodec.colors.histogram import histogram
from kqcodec.colors.spaces import FRACTION_BITS, space_of
from kqcodec.colors.values import with_alpha
from kqcodec.errors import ColorsError
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import checked_keep, metadata_of
from kqcodec.images.pixels import image_pixels
from kqcodec.quantization.coarse_histogram import coarse_histogram
from kqcodec.quantization.color_map import ColorMap, labels_in
from kqcodec.quantization.dither import dithered
from kqcodec.quantization.finished_palette import (
    MappedPalette,
    assigned,
    exact_palette,
    finished,
)
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.palette_order import palette_order, rearranged
from kqcodec.quantization.pins import find_pinned
from kqcodec.quantization.search import MAX_WEIGHT, find_palette
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from kqcodec.colors.histogram import Histogram
    from kqcodec.images.metadata import Metadata
    from kqcodec.images.pixels import Color, ImageLike
    from kqcodec.quantization.options import QuantizeKeywords


@dataclass(frozen=True, eq=False)
class CountedPixels:
    """Pixels with their histogram, to quantize more than once; ``count_pixels`` makes them.

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
    return CountedPixels(pixels, histogram(pixels, thread_count(threads)), metadata)


def quantize(
    image: ImageLike | CountedPixels,
    k: int | None = None,
    **options: Unpack[QuantizeKeywords],
) -> IndexedImage:
    """The image in at most ``k`` colours, chosen by k-means, or in a given palette.

    An image that has no more than ``k`` colours is kept exactly, with the colours it really has.
    The palette is in the order that ``sort`` says, every entry but pins is used, and without
    dithering every pixel has its nearest entry. An image with alpha gets a palette with alpha:
    fully transparent pixels are one entry, (0, 0, 0, 0), and opaque ones have the nearest opaque
    entry. The result depends on the pixels and the arguments alone, and not on ``threads``.

    Args:
        image: whatever ``kqcodec.images.pixels.image_pixels`` accepts, or counted pixels.
        k: 1..65,536; None with a ``palette``.
        options: ``palette`` or ``pins`` and ``sort``; ``dither``, ``dither_kind``;
            ``effort``, ``seed``, ``restarts``, ``space``, ``progress``; ``threads``,
            ``background``, ``keep``; ``kqcodec.quantization.options`` explains them.

    Returns:
        The indexed image, with its ``costs``.

    Raises:
        ColorsError: there are transparent pixels, but a given palette has no entry
            for them, or ``k`` is too small for one beside the pins.
        ImageError, PaletteError, OSError: a file can't be read or converted.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    return quantized(image, k, QuantizeOptions(**options))


def quantized(
    image: ImageLike | CountedPixels, k: int | None, options: QuantizeOptions
) -> IndexedImage:
    """What ``quantize`` does, with its options checked."""
    k, workers = options.checked_colors(k), thread_count(options.threads)
    if not isinstance(image, CountedPixels):
        image = count_pixels(
            image, threads=workers, background=options.background, keep=options.keep
        )
    if options.fixed is not None and options.fixed.shape[1] == 4:
        image = replace(image, pixels=with_alpha(image.pixels), colors=image.colors.with_alpha())
    mapped = color_map(image.colors, k, options)
    labels = labels_in(mapped, image.pixels, workers)
    indexed = IndexedImage(mapped.palette, labels, costs=mapped.costs)
    if options.strength:
        indexed = dithered(
            image.pixels,
            indexed,
            options.space,
            strength=options.strength,
            kind=options.dither_kind,
            threads=workers,
        )
        if options.fixed is None:
            indexed = rearranged(indexed, options.sort, options.pinned)
    return replace(indexed, metadata=image.metadata)


def color_map(colors: Histogram, k: int | None, options: QuantizeOptions) -> ColorMap:
    """A histogram quantized without dithering: the palette, in the order that was chosen,
    each colour's label, and the costs. ``k`` is what ``options.checked_colors`` gave.

    Raises:
        ColorsError: there are transparent pixels, but no entry for them.
    """
    space = space_of(options.space, colors.channels)
    iterations = 0
    if options.fixed is not None:
        if options.fixed.shape[1] < colors.channels:
            raise ColorsError(
                "there are transparent pixels, but the palette is opaque", "background"
            )
        mapped = MappedPalette(options.fixed, *assigned(colors, options.fixed, space))
    else:
        assert k is not None  # noqa: S101 - it is checked
        few = coarse_histogram(colors).scaled_down(MAX_WEIGHT)
        mapped, iterations = search_and_map(few, k, options)
        if len(few) < len(colors):
            mapped = finished(colors, mapped.palette, space, kept=options.pinned)
    palette, labels, distances = mapped
    squared = (
        distances >> 2 * FRACTION_BITS if space.name == "rgb" and space.channels == 3 else None
    )
    costs = costs_of_palette(colors, palette, labels, squared, iterations=iterations)
    found = ColorMap.of(palette, colors, labels, costs)
    if options.fixed is None and options.sort not in ("coder", "luma"):
        found = found.in_order(palette_order(palette, found.counts, options.sort))
    return found


def search_and_map(
    colors: Histogram, k: int, options: QuantizeOptions
) -> tuple[MappedPalette, int]:
    """The palette of at most ``k`` colours that k-means finds for a histogram, in its
    stored order and pins among it, and the number of iterations; raises ColorsError where
    no entry is left for transparent pixels."""
    pins = options.pinned
    if len(pins):
        palette, points, iterations = find_pinned(colors, k, pins, options)
    elif len(colors) <= k:
        return exact_palette(colors), 0
    elif k < colors.least_entries:
        raise ColorsError("fully transparent pixels and others need at least 2 colours, not 1")
    else:
        found = find_palette(colors, k, options)
        palette, points, iterations = found.palette, found.points, found.iterations
    space = space_of(options.space, colors.channels)
    return finished(colors, palette, space, points, kept=pins), iterations
