"""Which palette is wanted, and how pixels go to it: the arguments beside K, checked
together once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.color_lists import colors_from, palette_from
from kqcodec.dither import dither_strength
from kqcodec.histogram import keys_of_colors
from kqcodec.sorting import DEFAULT_SORT, check_sort

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.color_lists import Colors, PaletteLike


@dataclass(frozen=True, eq=False)
class Choice:
    """What was asked for.

    Attributes:
        fixed: the palette to use, uint8, shape (K, 3) or (K, 4), or None to search for one.
        pins: colours that it must hold, each once, uint8, shape (P, 3).
        sort: the order of its entries.
        strength: of dithering, 0..256.
        dither_kind: which dithering.
    """

    fixed: NDArray[np.uint8] | None
    pins: NDArray[np.uint8]
    sort: str
    strength: int
    dither_kind: str

    def with_fixed(self, palette: NDArray[np.uint8]) -> Choice:
        """The same, but for that palette."""
        return replace(self, fixed=palette, pins=self.pins[:0], sort=DEFAULT_SORT)


def choice_of(
    k: int | None,
    *,
    palette: PaletteLike | None,
    pins: Colors,
    sort: str,
    dither: float,
    dither_kind: str,
) -> Choice:
    """The choice that arguments of ``quantize`` make; k itself is checked elsewhere.

    Raises:
        PaletteError, OSError: a palette file can't be read.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    strength = dither_strength(dither, dither_kind)
    check_sort(sort)
    pinned = pins_from(pins)
    if palette is None:
        if k is None:
            raise TypeError("k, the number of colours, is missing")
        if len(pinned) > k:
            raise ValueError(f"{len(pinned)} different pins don't fit into k = {k} colours")
        return Choice(None, pinned, sort, strength, dither_kind)
    if k is not None:
        raise TypeError("k is for a palette to search for; a given one has its own")
    if len(pinned):
        raise ValueError("pins are for a palette to search for; a given one is kept as it is")
    if sort != DEFAULT_SORT:
        raise ValueError("sort is for a palette to search for; a given one keeps its order")
    return Choice(palette_from(palette), pinned, sort, strength, dither_kind)


def pins_from(pins: Colors) -> NDArray[np.uint8]:
    """The pins, each once, in the order in which they were given: uint8, shape (P, 3)."""
    colors = colors_from(pins, "the pins")
    if len(colors) == 0:
        return colors[:, :3]
    if colors.shape[1] == 4:
        raise ValueError("the pins must be opaque; transparency has entries of its own")
    _, first = np.unique(keys_of_colors(colors), return_index=True)
    return colors[np.sort(first)]
