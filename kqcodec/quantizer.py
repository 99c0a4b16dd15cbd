"""Pixels to an indexed image: histogram, k-means or a given palette, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.choice import choice_of
from kqcodec.clustering import DEFAULT_RESTARTS, check_search
from kqcodec.dither import DEFAULT_DITHER_KIND, dithered
from kqcodec.effort import DEFAULT_EFFORT, effort_of
from kqcodec.engine import find_palette
from kqcodec.histogram import KEYS, Histogram, histogram
from kqcodec.image import IndexedImage, label_dtype
from kqcodec.kernels import kernels
from kqcodec.metadata import checked_keep, metadata_of
from kqcodec.metrics import costs_of_palette, costs_of_pixels, squared_distances
from kqcodec.palette import assigned, finished
from kqcodec.parallel import ordered_map, thread_count
from kqcodec.pins import find_pinned
from kqcodec.pixels import WHITE, rgb_pixels
from kqcodec.sorting import DEFAULT_SORT, rearranged
from kqcodec.spaces import space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from kqcodec.color_lists import Colors, PaletteLike
    from kqcodec.effort import Effort
    from kqcodec.engine import Progress
    from kqcodec.pixels import Color, ImageLike
    from kqcodec.spaces import Space

# Pixels mapped at a time; fewer aren't worth a thread.
_PART = 1 << 20


def quantize(
    image: ImageLike,
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
    background: Color | None = WHITE,
    keep: Collection[str] = (),
    progress: Callable[[Progress], bool | None] | None = None,
) -> IndexedImage:
    """The image in at most ``k`` colours, chosen by k-means, or in a given palette.

    An image that has no more than ``k`` colours is kept exactly, with the
    colours it really has. The palette is in the order that ``sort`` says, every
    entry but pins is used, and without dithering every pixel has its nearest
    entry. The result depends on the pixels and the arguments alone, and not on
    ``threads``.

    Args:
        image: whatever ``kqcodec.pixels.rgb_pixels`` accepts.
        k: 1..65,536; None with a ``palette``.
        palette: colours to use instead of searching for some: uint8, shape (K, 3), a
            list of colours such as "#ff8800" or (255, 136, 0), or the path of a file
            that ``read_palette`` reads. Its order, unused and repeated entries are
            kept; of repeated ones the first is used.
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
        background: what shows through transparent pixels; None refuses them.
        keep: which of "icc", "exif" and "xmp" to keep as the result's ``metadata``.
            Without "icc" the colours are converted to sRGB. From a file object
            they are read only if it can seek.
        progress: called now and then with a ``Progress``; where it returns
            False the search ends soon, with what it has.

    Returns:
        The indexed image, with its ``costs``.

    Raises:
        ImageError, PaletteError, OSError: a file can't be read or converted.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    check_search(1 if k is None else k, seed, restarts)
    choice = choice_of(
        k, palette=palette, pins=pins, sort=sort, dither=dither, dither_kind=dither_kind
    )
    workers = thread_count(threads)
    chosen_effort, chosen_space = effort_of(effort), space_of(space)
    kept = checked_keep(keep)
    metadata = metadata_of(image, kept)
    pixels = rgb_pixels(image, background=background, keep_profile="icc" in kept)
    colors = histogram(pixels, workers)
    iterations = 0
    if choice.fixed is not None:
        stored = choice.fixed
        labels, squared = _assigned(colors, stored, chosen_space)
    else:
        assert k is not None  # noqa: S101 - choice_of has seen to it
        stored, labels, squared, iterations = searched(
            colors,
            k,
            choice.pins,
            effort=chosen_effort,
            space=chosen_space,
            seed=seed,
            restarts=restarts,
            progress=progress,
        )
    costs = costs_of_palette(colors, stored, squared, iterations=iterations)
    if choice.strength and costs.inertia:
        out: NDArray[Any] = dithered(
            pixels,
            stored,
            chosen_space,
            strength=choice.strength,
            kind=choice.dither_kind,
            threads=workers,
        )
        costs = costs_of_pixels(pixels, stored, out, like=costs)
    else:
        out = _mapped(pixels, colors, labels, len(stored), workers)
    if choice.fixed is None and (choice.strength or choice.sort not in ("coder", "luma")):
        stored, out = rearranged(stored, out, choice.sort, choice.pins)
    return IndexedImage(palette=stored, labels=out, costs=costs, metadata=metadata)


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


def _assigned(
    colors: Histogram, palette: NDArray[np.uint8], space: Space
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Each colour's nearest entry, and its squared RGB distance."""
    labels, _ = assigned(colors, palette, space)
    return labels, squared_distances(colors.colors, palette[labels])


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
