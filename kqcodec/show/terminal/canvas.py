"""The part of a screen that pictures are drawn on, in one of the ways that there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kqcodec.show.terminal.blocks import blocks, shades
from kqcodec.show.terminal.fitting import Room, fitted
from kqcodec.show.terminal.kitty import kitty
from kqcodec.show.terminal.sixel import sixel

if TYPE_CHECKING:
    from PIL import Image

    from kqcodec.show.terminal.abilities import GraphicsName

_CELL = (8, 16)  # pixels, of a terminal that doesn't tell
# A picture one pixel wide may be millions high.
_MOST_ROWS = 5_000


class Drawing(NamedTuple):
    """What draws a picture from the left of a line on, and ends at the left of the line below.

    Attributes:
        text: characters, and sequences that the terminal obeys.
        rows: how many lines it covers.
    """

    text: str
    rows: int


@dataclass(frozen=True)
class Canvas:
    """What pictures are drawn on.

    Attributes:
        graphics: how.
        columns: how many cells it is wide.
        rows: how many cells it is high; None where that hardly matters.
        cell: pixels of a cell, width and height, if they are known. Half blocks and shades make
            two of each.
        true_colors: whether half blocks may have any colour.
    """

    graphics: GraphicsName
    columns: int
    rows: int | None = None
    cell: tuple[int, int] | None = None
    true_colors: bool = True

    @property
    def room(self) -> Room:
        """The pixels that there are."""
        (width, height), square = (1, 2), 4
        if self.graphics in ("kitty", "sixel"):
            (width, height), square = self.cell or _CELL, 8
        return Room(self.columns * width, (self.rows or _MOST_ROWS) * height, square)

    def drawn(
        self, image: Image.Image, *, exact: bool = False, number: int | None = None
    ) -> Drawing:
        """A picture of mode RGB or RGBA, as large as there is room for; ``exact`` is that of
        ``fitted``, and ``number`` that of ``kitty``."""
        pixels = fitted(image, self.room, exact=exact)
        if self.graphics == "blocks":
            return Drawing(blocks(pixels, true_colors=self.true_colors), -(-len(pixels) // 2))
        if self.graphics == "shades":
            return Drawing(shades(pixels), -(-len(pixels) // 2))
        rows = -(-len(pixels) // (self.cell or _CELL)[1])
        drawn = sixel(pixels) if self.graphics == "sixel" else kitty(pixels, number)
        # Terminals differ in where an image leaves the cursor. So lines are made for it, the
        # cursor kept at the first of them, and put below the last.
        return Drawing("\n" * rows + f"\x1b[{rows}A\x1b7{drawn}\x1b8\x1b[{rows}B", rows)
