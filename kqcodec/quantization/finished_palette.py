"""The stored palette: without duplicates, in order, every entry used.

The order is by opacity (what is fully transparent, what is translucent, what is opaque), then
by luma, then by key, each ascending:

    luma = 299 * R + 587 * G + 114 * B        (ITU-R BT.601, times 1000)
    key  = A << 24 | R << 16 | G << 8 | B     (without A where the colours have no alpha)

so it depends on the colours alone, neighbours in the palette look alike, and
coders that see only index values profit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from kqcodec.colors.histogram import colors_of_keys, keys_of_colors
from kqcodec.colors.values import OPAQUE_ALPHA
from kqcodec.errors import ColorsError
from kqcodec.quantization.cells import in_morton_order
from kqcodec.quantization.lloyd import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints

    SortedPoints: TypeAlias = tuple[WeightedPoints, NDArray[np.uint32]]

# Colours worked on at a time, where there may be millions.
PART = 1 << 20

LUMA = (299, 587, 114)  # of red, green and blue, in thousandths: ITU-R BT.601


class MappedPalette(NamedTuple):
    """A palette, and the entry that each colour of a histogram has.

    Attributes:
        palette: uint8, shape (K, 3), or (K, 4) with alpha.
        labels: each colour's entry, uint16, shape (N,).
        distances: from it, squared, in the coordinates of the space: int32, shape (N,).
    """

    palette: NDArray[np.uint8]
    labels: NDArray[np.uint16]
    distances: NDArray[np.int32]


def ordered(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The palette in its stored order, each colour once; shape (K, 3), or (K, 4) with
    alpha, as before."""
    colors = colors_of_keys(np.unique(keys_of_colors(palette)), palette.shape[1])
    return colors[stored_order(colors)]


def stored_order(colors: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The places of colours of shape (K, 3) or (K, 4) in their stored order, repeated ones
    in theirs: intp, shape (K,)."""
    return np.lexsort((keys_of_colors(colors), lumas(colors[:, :3]), opacity_classes(colors)))


def lumas(colors: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The lumas of colours of shape (K, 3), times 1000: int32, shape (K,)."""
    return colors.astype(np.int32) @ np.array(LUMA, dtype=np.int32)


def opacity_classes(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of colours of shape (K, 3) or (K, 4), 0 for what is fully transparent, 1 for what is
    translucent, 2 for what is opaque: uint8, shape (K,)."""
    if colors.shape[1] == 3:
        return np.full(len(colors), 2, dtype=np.uint8)
    alpha = colors[:, 3]
    classes: NDArray[np.uint8] = (alpha > 0).astype(np.uint8) + (alpha == OPAQUE_ALPHA)
    return classes


def is_among(palette: NDArray[np.uint8], some: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which entries, of shape (K, 3) or (K, 4), are one of some opaque colours, shape
    (P, 3): bool, shape (K,)."""
    found = np.isin(keys_of_colors(palette[:, :3]), keys_of_colors(some))
    found &= opacity_classes(palette) == 2
    return found


def assigned(
    colors: Histogram,
    palette: NDArray[np.uint8],
    space: Space,
    points: SortedPoints | None = None,
) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """Each colour's nearest entry, the lowest of several, of a palette that stays as it is, shape
    (K, 3) or (K, 4) as the colours have alpha, and its squared distance in the space.

    Opaque colours get opaque entries, if there are any, what is fully transparent gets an
    entry that is, too, and others the nearest of all. ``points`` is as for ``finished``.

    Raises:
        ColorsError: something is fully transparent, and no entry is.
    """
    labels = np.zeros(len(colors), dtype=np.uint16)
    distances = np.zeros(len(colors), dtype=np.int32)
    places = space.points(palette)
    for some, entries in zip(colors.by_opacity, _open_entries(palette), strict=True):
        if some.start == some.stop:
            continue
        if len(entries) == 0:
            raise ColorsError(
                "there are transparent pixels, but the palette has no entry for them", "background"
            )
        for where, part in _in_parts(colors, some, space, points):
            found, squared = nearest(part, places[entries])
            labels[where], distances[where] = entries[found], squared
    return labels, distances


def _open_entries(palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], ...]:
    """The entries for what is fully transparent, what is translucent and what is opaque."""
    entries = np.arange(len(palette), dtype=np.uint16)
    if palette.shape[1] == 3:
        return entries[:0], entries, entries
    alpha = palette[:, 3]
    return entries[alpha == 0], entries, entries[alpha == alpha.max()]


def _in_parts(
    colors: Histogram, which: slice, space: Space, points: SortedPoints | None
) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int16]]]:
    """The places in the histogram of colours of one opacity, and those as points in Morton
    order, in which the search prunes best."""
    if points is None or which.start < colors.hidden:
        for start in range(which.start, which.stop, PART):
            part = slice(start, min(start + PART, which.stop))
            data, order = in_morton_order(colors.part(part), space)
            yield (order + np.uint32(start) if start else order), data.points
        return
    data, order = points
    where = order + np.uint32(colors.hidden) if colors.hidden else order
    if which.stop - which.start == len(where):
        yield where, data.points
    else:
        chosen = (where >= which.start) & (where < which.stop)
        yield where[chosen], data.points[chosen]


def used_entries(labels: NDArray[np.uint16], k: int) -> NDArray[np.bool_]:
    """Which of k entries any label names: bool, shape (k,)."""
    used = np.zeros(k, dtype=np.bool_)
    for start in range(0, len(labels), PART):
        used[labels[start : start + PART]] = True
    return used


def renumbered(labels: NDArray[Any], numbers: NDArray[Any]) -> NDArray[Any]:
    """``numbers[labels]``, without the wide indices that NumPy makes of all at a time."""
    found = np.empty(labels.shape, dtype=numbers.dtype)
    for start in range(0, len(labels), PART):
        found[start : start + PART] = numbers[labels[start : start + PART]]
    return found


def finished(
    colors: Histogram,
    palette: NDArray[np.uint8],
    space: Space,
    points: SortedPoints | None = None,
    kept: NDArray[np.uint8] | None = None,
) -> MappedPalette:
    """The stored form of a palette for these colours, and how they are mapped to it.

    Duplicates are merged, the rest is put in order, every colour is given to its nearest entry as
    ``assigned`` says (of several an opaque one, then the lowest), and unused entries are dropped,
    but for the opaque colours ``kept``, shape (P, 3). ``points``, where they are at hand, are the
    colours that aren't fully transparent in Morton order, and their places among these.
    """
    stored = ordered(palette)
    order = np.argsort(-opacity_classes(stored).astype(np.int8), kind="stable")
    labels, distances = assigned(colors, stored[order], space, points)
    used = np.empty(len(stored), dtype=np.bool_)
    used[order] = used_entries(labels, len(stored))
    if kept is not None and len(kept):
        used |= is_among(stored, kept)
    # Within an opacity labels keep their order, and no colour's nearest entry is dropped.
    renumber = (np.cumsum(used) - 1).astype(np.uint16)
    return MappedPalette(stored[used], renumbered(labels, renumber[order]), distances)


def exact_palette(colors: Histogram) -> MappedPalette:
    """The colours, at most 65,536 of them, as a palette in its stored order."""
    order = stored_order(colors.colors)
    labels = np.empty(len(order), dtype=np.uint16)
    labels[order] = np.arange(len(order))
    return MappedPalette(colors.colors[order], labels, np.zeros(len(order), dtype=np.int32))
