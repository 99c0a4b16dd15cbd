"""The grid of tiles: where each one lies, and which of them a region touches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class TilePolicy(NamedTuple):
    """How a picture is cut where nobody says: one tile up to so many pixels, then
    squares of that side."""

    one_tile_pixels: int
    side: int


# Packed and dense lose nothing by small tiles. A model that learns begins anew in each:
# on screenshots in 64 colours tiles of 1024 cost 6 to 8 %, those of 2048 under 2 %
# (tests/bench/tiles.py), on photographs neither costs anything. What tokens loses are
# copies across an edge: nothing to 2 % by 1024.
POLICIES = {
    "packed": TilePolicy(1 << 20, 1024),
    "dense": TilePolicy(1 << 20, 1024),
    "context": TilePolicy(1 << 21, 2048),
    "tokens": TilePolicy(1 << 21, 1024),
}


class Box(NamedTuple):
    """A rectangle of pixels, right and lower edge excluded, as Pillow's."""

    left: int
    upper: int
    right: int
    lower: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.lower - self.upper

    @property
    def pixels(self) -> int:
        """Columns times rows."""
        return self.width * self.height

    def intersection(self, other: Box) -> Box:
        """The rectangle that both cover; the caller knows that they overlap."""
        return Box(
            max(self.left, other.left),
            max(self.upper, other.upper),
            min(self.right, other.right),
            min(self.lower, other.lower),
        )

    def moved(self, x: int, y: int) -> Box:
        """The rectangle shifted by (x, y) pixels."""
        return Box(self.left + x, self.upper + y, self.right + x, self.lower + y)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of an array of shape (H, W, ...) that selects the rectangle."""
        return slice(self.upper, self.lower), slice(self.left, self.right)


class EqualTiles(NamedTuple):
    """Tiles of the same size: the first of them, and the index that selects them in an
    array of shape (rows of tiles, tiles in a row)."""

    first: int
    slices: tuple[slice, slice]


@dataclass(frozen=True)
class Grid:
    """A picture cut into tiles, counted row by row from the upper left. Tiles at
    the right and lower edge are cut to fit.

    Attributes:
        width, height: the picture, in pixels.
        tile_width, tile_height: a whole tile, at most the picture.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int

    @property
    def columns(self) -> int:
        """Tiles in a row of tiles."""
        return -(-self.width // self.tile_width)

    @property
    def rows(self) -> int:
        """Rows of tiles."""
        return -(-self.height // self.tile_height)

    @property
    def count(self) -> int:
        """Tiles in all."""
        return self.columns * self.rows

    @property
    def whole(self) -> Box:
        """All of the picture."""
        return Box(0, 0, self.width, self.height)

    def box(self, index: int) -> Box:
        """Where the tile of that index lies."""
        row, column = divmod(index, self.columns)
        left, upper = column * self.tile_width, row * self.tile_height
        return Box(
            left,
            upper,
            min(left + self.tile_width, self.width),
            min(upper + self.tile_height, self.height),
        )

    def touched(self, box: Box) -> Iterator[int]:
        """The indices of the tiles that share pixels with the box, ascending."""
        for row in range(box.upper // self.tile_height, -(-box.lower // self.tile_height)):
            for column in range(box.left // self.tile_width, -(-box.right // self.tile_width)):
                yield row * self.columns + column

    def covered(self, box: Box) -> Box:
        """All pixels of the tiles that share pixels with the box."""
        row, column = box.upper // self.tile_height, box.left // self.tile_width
        return Box(
            column * self.tile_width,
            row * self.tile_height,
            min(-(-box.right // self.tile_width) * self.tile_width, self.width),
            min(-(-box.lower // self.tile_height) * self.tile_height, self.height),
        )

    def by_size(self) -> Iterator[EqualTiles]:
        """The tiles by their sizes, of which there are at most four."""
        for row, some_rows in _runs(self.rows, self.height % self.tile_height):
            for column, some_columns in _runs(self.columns, self.width % self.tile_width):
                yield EqualTiles(row * self.columns + column, (some_rows, some_columns))

    def tile_areas(self) -> Iterator[tuple[int, int]]:
        """(labels in a tile, number of such tiles) by the tiles' sizes, so that sums over the
        tiles of a gigapixel picture cost nothing."""
        if self.count == 1:
            yield self.width * self.height, 1
            return
        for first, (rows, columns) in self.by_size():
            count = (rows.stop - rows.start) * (columns.stop - columns.start)
            yield self.box(first).pixels, count


def _runs(count: int, rest: int) -> Iterator[tuple[int, slice]]:
    """(first, slice) of the whole ones of ``count`` tiles in a line, and of the last one,
    which is cut to ``rest`` pixels unless that is 0."""
    whole = count - bool(rest)
    if whole:
        yield 0, slice(0, whole)
    if rest:
        yield whole, slice(whole, count)
