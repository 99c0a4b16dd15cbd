"""Pixels to an indexed image: what ``kqcodec.quantize`` does, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from kqcodec.choice import choice_of
from kqcodec.clustering import DEFAULT_RESTARTS, check_search
from kqcodec.color_lists import with_alpha
from kqcodec.color_map import ColorMap, Labeler, few_labels
from kqcodec.dither import DEFAULT_DITHER_KIND, dithered
from kqcodec.effort import DEFAULT_EFFORT, effort_of
from kqcodec.engine import MAX_WEIGHT, find_palette
from kqcodec.errors import ColorsError
from kqcodec.histogram import histogram
from kqcodec.image import IndexedImage
from kqcodec.metadata import checked_keep, metadata_of
from kqcodec.metrics import costs_of_palette
from kqcodec.palette import assigned, exact, finished
from kqcodec.parallel import thread_count
from kqcodec.pins import find_pinned
from kqcodec.pixels import image_pixels
from kqcodec.sorting import DEFAULT_SORT, palette_order, rearranged
from kqcodec.spaces import space_of
from kqcodec.thinning import thinned

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.choice import Choice
    from kqcodec.color_lists import Colors, PaletteLike
    from kqcodec.effort import Effort
    from kqcodec.histogram import Histogram
    from kqcodec.metadata import Metadata
    from kqcodec.pixels import Color, ImageLike
    from kqcodec.progress import ProgressCall
    from kqcodec.spaces import Space

# Samples of pictures whose labels are found sooner without a table.
_FEW_SAMPLES = 1 << 14


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
    return CountedPixels(pixels, histogram(pixels, thread_count(threads)), metadata)


def quantize(
    image: ImageLike | CountedPixels,
    k: int | None = None,
    *,
    palette: PaletteLike | None = None,
    pins: Colors = (),
    sort: str = DEFAULT_SORT,
    dither: float = 0.0,
    dither_kind: str = DEFAULT_DITHER_KIND,
    effort: str = DEFAULT_EFFORT,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    space: str = "rgb",
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
    progress: ProgressCall | None = None,
) -> IndexedImage:
    """The image in at most ``k`` colours, chosen by k-means, or in a given palette.

    An image that has no more than ``k`` colours is kept exactly, with the
    colours it really has. The palette is in the order that ``sort`` says, every
    entry but pins is used, and without dithering every pixel has its nearest
    entry. An image with alpha gets a palette with alpha: fully transparent pixels
    are one entry, (0, 0, 0, 0), and opaque ones have the nearest opaque entry. The
    result depends on the pixels and the arguments alone, and not on ``threads``.

    Args:
        image: whatever ``kqcodec.pixels.image_pixels`` accepts, or counted pixels.
        k: 1..65,536; None with a ``palette``.
        palette: colours to use instead of searching for some: uint8, shape (K, 3) or,
            with alpha, (K, 4); a list of colours such as "#ff8800" or (255, 136, 0); or
            the path of a file that ``read_palette`` reads. Its order, unused and
            repeated entries are kept; of repeated ones the first is used.
        pins: colours that must be in the palette just so, at most ``k`` of them.
        sort: the palette's order, where none is given: "luma", "frequency", "hue", or
            "coder" to leave it to the coder. See ``kqcodec.sorting``.
        dither: how strongly to dither, from 0, which is not at all, to 1.
        dither_kind: "floyd-steinberg", "blue-noise" or "bayer". See ``kqcodec.dither``.
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
        ColorsError: there are transparent pixels, but a given palette has no entry
            for them, or ``k`` is too small for one beside the pins.
        ImageError, PaletteError, OSError: a file can't be read or converted.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    check_search(1 if k is None else k, seed, restarts)
    choice = choice_of(
        k, palette=palette, pins=pins, sort=sort, dither=dither, dither_kind=dither_kind
    )
    workers = thread_count(threads)
    effort_of(effort), space_of(space)  # for their errors, before anything is read
    if not isinstance(image, CountedPixels):
        image = count_pixels(image, threads=workers, background=background, keep=keep)
    if choice.fixed is not None and choice.fixed.shape[1] == 4:
        image = _with_alpha(image)
    mapped = color_map(
        image.colors,
        k,
        choice,
        effort=effort,
        seed=seed,
        restarts=restarts,
        space=space,
        progress=progress,
    )
    if image.pixels.size <= _FEW_SAMPLES:
        labels = few_labels(mapped, image.pixels)
    else:
        labels = Labeler(mapped).labels(image.pixels, workers)
    indexed = IndexedImage(mapped.palette, labels, costs=mapped.costs)
    if choice.strength:
        indexed = dithered(
            image.pixels,
            indexed,
            space,
            strength=choice.strength,
            kind=choice.dither_kind,
            threads=workers,
        )
        if choice.fixed is None:
            indexed = rearranged(indexed, choice.sort, choice.pins)
    return replace(indexed, metadata=image.metadata)


def color_map(
    colors: Histogram,
    k: int | None,
    choice: Choice,
    *,
    effort: str = DEFAULT_EFFORT,
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    space: str = "rgb",
    progress: ProgressCall | None = None,
) -> ColorMap:
    """What ``quantize`` makes of a histogram: the palette, in the order that was chosen,
    each colour's label, and the costs, all without dithering.

    Arguments are those of ``quantize``, already checked, and so is ColorsError.
    """
    iterations, measure = 0, space_of(space, colors.channels)
    if choice.fixed is not None:
        palette = choice.fixed
        if palette.shape[1] < colors.channels:
            raise ColorsError("there are transparent pixels, but the palette is opaque")
        labels, _ = assigned(colors, palette, measure)
    else:
        few = thinned(colors).lightened(MAX_WEIGHT)
        palette, labels, iterations = searched(
            few,
            1 if k is None else k,
            choice.pins,
            effort=effort_of(effort),
            space=measure,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
        if len(few) < len(colors):
            palette, labels = finished(colors, palette, measure, kept=choice.pins)
    costs = costs_of_palette(colors, palette, labels, iterations=iterations)
    mapped = ColorMap.of(palette, colors, labels, costs)
    if choice.fixed is None and choice.sort not in ("coder", "luma"):
        mapped = mapped.in_order(palette_order(mapped.palette, mapped.counts, choice.sort))
    return mapped


def searched(
    colors: Histogram,
    k: int,
    pins: NDArray[np.uint8],
    *,
    effort: Effort,
    space: Space,
    seed: int = 0,
    restarts: int = 1,
    progress: ProgressCall | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], int]:
    """The palette of at most ``k`` colours that k-means finds for a histogram, in its
    stored order and pins among it; each colour's label; and the number of iterations.

    Raises:
        ColorsError: there are transparent pixels, but no entry is left for them.
    """
    if len(pins) == 0:
        if len(colors) <= k:
            return *exact(colors), 0
        if k < colors.least_entries:
            raise ColorsError("fully transparent pixels and others need at least 2 colours, not 1")
    find = partial(find_pinned, pins=pins) if len(pins) else find_palette
    found = find(
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


def _with_alpha(image: CountedPixels) -> CountedPixels:
    """The pixels as shape (H, W, 4)."""
    height, width, channels = image.pixels.shape
    pixels = with_alpha(image.pixels.reshape(-1, channels)).reshape(height, width, 4)
    return replace(image, pixels=pixels, colors=image.colors.with_alpha())
