"""The options of ``quantize``: how colours are chosen, and how pixels go to them. They are
checked once, together, and then passed on as one object.

Public functions take them as keywords, of which ``QuantizeKeywords`` has the types:

    effort       "fast", "default" or "best": how hard to search.
    seed         of the random draws among the first centres, any integer.
    restarts     how many searches to make; the best palette is kept.
    space        "rgb", or "oklab" to choose and map by perceived difference.
    progress     called now and then with a ``Progress``; where it returns False the search
                 ends soon, with what it has, and where it raises, so does the function.
    pins         colours that must be in the palette just so, at most K of them.
    sort         the palette's order, where none is given: "luma", "frequency", "hue", or
                 "coder" to leave it to the coder; ``palette_order`` defines them.
    palette      colours to use instead of searching for some: uint8, shape (K, 3) or, with
                 alpha, (K, 4); a list of colours such as "#ff8800" or (255, 136, 0); or the
                 path of a file that ``read_palette`` reads. Its order, unused and repeated
                 entries are kept; of repeated ones the first is used.
    dither       how strongly to dither, from 0, which is not at all, to 1.
    dither_kind  "floyd-steinberg", "blue-noise" or "bayer"; ``dither`` explains them.
    threads      at most so many; None for as many as there are processors.
    background   a colour to put behind transparent pixels, so that the result has no
                 alpha; None to keep it.
    keep         which of "icc", "exif" and "xmp" to keep as the result's ``metadata``.
                 Without "icc" the colours are converted to sRGB. From a file object they
                 are read only if it can seek.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from kqcodec.coding.options import CodingOptions
from kqcodec.colors.histogram import keys_of_colors
from kqcodec.colors.spaces import space_of
from kqcodec.colors.values import colors_from
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.integers import whole_number
from kqcodec.format.names import (
    DEFAULT_CODER,
    DEFAULT_DITHER_KIND,
    DEFAULT_EFFORT,
    DEFAULT_SORT,
    DEFAULT_SPACE,
    SORTS,
    check_name,
)
from kqcodec.images.metadata import checked_keep
from kqcodec.quantization.dither import dither_strength
from kqcodec.quantization.effort import effort_of
from kqcodec.quantization.palette_files import palette_from
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from kqcodec.coding.options import TileSize
    from kqcodec.colors.values import ColorsLike
    from kqcodec.format.names import CoderName, DitherKind, EffortName, SortName, SpaceName
    from kqcodec.images.pixels import Color
    from kqcodec.quantization.palette_files import PaletteLike
    from kqcodec.quantization.progress import ProgressCall

DEFAULT_RESTARTS = 1
# More would take days.
_MOST_RESTARTS = 65_536


class SearchKeywords(TypedDict, total=False):
    """The options of a search for a palette, as keywords."""

    effort: EffortName
    seed: int
    restarts: int
    space: SpaceName


class PaletteKeywords(SearchKeywords, total=False):
    """The options of a search, and what the palette has to be like, as keywords."""

    pins: ColorsLike
    sort: SortName


class PictureKeywords(PaletteKeywords, total=False):
    """The options of a palette, and how pixels go to it, as keywords."""

    dither: float
    dither_kind: DitherKind
    threads: int | None
    background: Color | None
    keep: Collection[str]


class QuantizeKeywords(PictureKeywords, total=False):
    """All options of ``quantize``, as keywords."""

    palette: PaletteLike | None
    progress: ProgressCall | None


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchOptions:
    """How to search for a palette, checked; the module's list explains the attributes.

    Raises:
        TypeError, ValueError: a wrong option.
    """

    effort: EffortName = DEFAULT_EFFORT
    seed: int = 0
    restarts: int = DEFAULT_RESTARTS
    space: SpaceName = DEFAULT_SPACE
    progress: ProgressCall | None = None

    def __post_init__(self) -> None:
        effort_of(self.effort)
        space_of(self.space)
        object.__setattr__(self, "seed", whole_number(self.seed, "seed"))
        restarts = whole_number(self.restarts, "restarts", 1, _MOST_RESTARTS)
        object.__setattr__(self, "restarts", restarts)


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizeOptions(SearchOptions):
    """All options of ``quantize``, checked: those of the module's list, as they were given,
    and what they mean.

    Attributes:
        fixed: the palette to use, uint8, shape (K, 3) or (K, 4), or None to search for one.
        pinned: the pins, each once, in the order in which they were given: uint8, shape (P, 3).
        strength: of dithering, 0..256.

    Raises:
        PaletteError, OSError: a palette file can't be read.
        TypeError, ValueError: a wrong option, or ones that exclude each other.
    """

    palette: PaletteLike | None = None
    pins: ColorsLike = ()
    sort: SortName = DEFAULT_SORT
    dither: float = 0.0
    dither_kind: DitherKind = DEFAULT_DITHER_KIND
    threads: int | None = None
    background: Color | None = None
    keep: Collection[str] = ()
    fixed: NDArray[np.uint8] | None = field(init=False, default=None)
    pinned: NDArray[np.uint8] = field(init=False)
    strength: int = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        thread_count(self.threads)
        checked_keep(self.keep)
        check_name(self.sort, SORTS, "sort")
        object.__setattr__(self, "strength", dither_strength(self.dither, self.dither_kind))
        object.__setattr__(self, "pinned", _pins_from(self.pins))
        if self.palette is None:
            return
        if len(self.pinned):
            raise ValueError("pins are for a palette to search for; a given one is kept as it is")
        if self.sort != DEFAULT_SORT:
            raise ValueError("sort is for a palette to search for; a given one keeps its order")
        object.__setattr__(self, "fixed", palette_from(self.palette))

    @property
    def order_is_free(self) -> bool:
        """Whether a coder may put the palette in an order of its own."""
        return self.palette is None and self.sort == DEFAULT_SORT

    def coding(self, coder: CoderName = DEFAULT_CODER, tile: TileSize = None) -> CodingOptions:
        """The options of coding what is quantized so: the effort and threads are those of both;
        raises TypeError or ValueError for a wrong coder or tile."""
        return CodingOptions(coder=coder, effort=self.effort, tile=tile, threads=self.threads)

    def checked_colors(self, k: int | None) -> int | None:
        """The number of colours to search for, None where a palette is given; raises TypeError or
        ValueError where it isn't one, or doesn't go with the options."""
        if self.palette is not None:
            if k is not None:
                raise TypeError("k is for a palette to search for; a given one has its own")
            return None
        if k is None:
            raise TypeError("k, the number of colours, is missing")
        k = number_of_colors(k)
        if len(self.pinned) > k:
            raise ValueError(f"{len(self.pinned)} different pins don't fit into k = {k} colours")
        return k

    def with_palette(self, palette: NDArray[np.uint8]) -> QuantizeOptions:
        """These options with that palette, which keeps its alpha even where all is opaque."""
        options = replace(self, palette=palette, pins=(), sort=DEFAULT_SORT)
        object.__setattr__(options, "fixed", palette)
        return options


def number_of_colors(k: int, name: str = "k, the number of colours,") -> int:
    """A number of colours, or TypeError or ValueError."""
    return whole_number(k, name, 1, MAX_COLORS)


def _pins_from(pins: ColorsLike) -> NDArray[np.uint8]:
    colors = colors_from(pins, "the pins")
    if len(colors) == 0:
        return colors[:, :3]
    if colors.shape[1] == 4:
        raise ValueError("the pins must be opaque; transparency has entries of its own")
    _, first = np.unique(keys_of_colors(colors), return_index=True)
    return colors[np.sort(first)]
