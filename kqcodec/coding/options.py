"""How labels become a file: the options of coding, checked together once.

Public functions take them as keywords:

    coder    "packed" (ceil(log2 K) bits a label), "dense" (log2 K), "context" (what the
             neighbours don't tell; the smallest), or "tokens" (a few more bits than
             context, and decoded many times as quickly).
    effort   of the coder context: "fast", "default" or "best".
    tile     pixels a tile, a power of two from 16 to 262,144, or a pair (width, height) of
             them; 0 for as wide or high as the picture; None for one tile up to
             2048 x 1024 pixels, else tiles of 2048 x 2048, by tokens of 1024 x 1024; packed
             and dense one up to 1024 x 1024, else tiles of that size.
    threads  how many threads code tiles; None for as many as there are processors. The
             bytes don't depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from kqcodec.format.grid import POLICIES
from kqcodec.format.header import MAX_TILE_EXPONENT, MIN_TILE_EXPONENT
from kqcodec.format.integers import shown, whole_number
from kqcodec.format.names import (
    CODERS,
    DEFAULT_CODER,
    DEFAULT_EFFORT,
    EFFORTS,
    CoderName,
    EffortName,
    check_name,
)
from kqcodec.storage.threads import thread_count

# None: by the picture's size; 0: one tile; a side, or (width, height).
TileSize: TypeAlias = "int | tuple[int, int] | None"

# The coders that may have their palette coded, in an order that suits this (rule 4.5).
CODED_PALETTES = frozenset({"context", "tokens"})


@dataclass(frozen=True, kw_only=True)
class CodingOptions:
    """How to code labels; the attributes are explained at the top of this module.

    Raises:
        TypeError, ValueError: a wrong option.
    """

    coder: CoderName = DEFAULT_CODER
    effort: EffortName = DEFAULT_EFFORT
    tile: TileSize = None
    threads: int | None = None

    def __post_init__(self) -> None:
        check_name(self.coder, CODERS, "coder")
        check_name(self.effort, EFFORTS, "effort")
        thread_count(self.threads)
        self.tile_exponents(1, 1)

    def with_tile(self, tile: TileSize) -> CodingOptions:
        """The same with tiles of another size."""
        return replace(self, tile=tile)

    @property
    def codes_palettes(self) -> bool:
        """Whether the coder has an order of its own for palettes."""
        return self.coder in CODED_PALETTES

    def tile_exponents(self, width: int, height: int) -> tuple[int, int]:
        """The header's exponents (x, y) for a picture of that size; 0 where a tile is as
        wide or high as the picture."""
        tile = self.tile
        if tile is None:
            policy = POLICIES[self.coder]
            tile = 0 if width * height <= policy.one_tile_pixels else policy.side
        pair = tuple(tile) if isinstance(tile, (tuple, list)) else (tile, tile)
        if len(pair) != 2:
            raise TypeError(f"tile must be a whole number or a pair of them, not {shown(tile)}")
        return _exponent(pair[0], width), _exponent(pair[1], height)


def _exponent(side: int, length: int) -> int:
    lowest, highest = 1 << MIN_TILE_EXPONENT, 1 << MAX_TILE_EXPONENT
    side = whole_number(side, "a tile side", 0, highest)
    if side & (side - 1) or 0 < side < lowest:
        raise ValueError(
            f"a tile side must be 0 or a power of two from {lowest} to {highest:,}, not {side}"
        )
    return 0 if side == 0 or side >= length else side.bit_length() - 1


DEFAULT_CODING = CodingOptions()
