"""Which chunks and tiles are one task's, so that there are neither too many tasks nor too
few: at most 4,000 in each pass, and with those of the tree that sums fewer than 10,000.

    pass 1   runs of chunks           of some 4 megapixels, or more
    pass 2   runs of cells of tiles   a cell is what is labelled at a time: about as large
                                      as a chunk, so that few chunks are read twice
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.format.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.large.dask.chunks import Chunks, Numbers

# So many sums are added up by one task.
FAN_IN = 8

_MOST_GROUPS = 4000
# Pixels of a group: it should take seconds where Dask takes a millisecond.
_GROUP_PIXELS = 1 << 22
# Pixels of a cell, whose labels are in memory at a time.
_MOST_CELL_PIXELS = 1 << 24
# Cells of a picture of middling size, so that many workers have something to do.
_CELLS = 64


@dataclass(frozen=True, eq=False)
class Groups:
    """Which chunks and tiles each task works on.

    Attributes:
        chunks: the array's.
        tiles: the file's.
        cells: rectangles of tiles.
        counting: the chunks of each task of pass 1.
        coding: the cells of each task of pass 2.
    """

    chunks: Chunks
    tiles: Grid
    cells: Grid
    counting: list[Numbers]
    coding: list[Numbers]

    @classmethod
    def of(cls, chunks: Chunks, tiles: Grid) -> Groups:
        """The groups of a picture that comes in such chunks and becomes such tiles."""
        cells = _cells(chunks, tiles)
        areas = np.array([cells.box(cell).pixels for cell in range(cells.count)], dtype=np.int64)
        return cls(chunks, tiles, cells, _runs(chunks.pixels), _runs(areas))

    @property
    def tasks(self) -> int:
        """How many tasks an encoding has."""
        # The colour map is one.
        return len(self.counting) + sum_task_count(len(self.counting)) + len(self.coding) + 1

    def chunks_of_cells(self, cells: Numbers) -> Numbers:
        """The chunks that some cells touch, each once."""
        touched = [self.chunks.touched(self.cells.box(cell)) for cell in cells.tolist()]
        return np.unique(np.concatenate(touched))


def sum_task_count(parts: int) -> int:
    """How many tasks add up so many parts, as they come: each level of the tree takes eight
    of the one below when there are eight, and at the end the rest of all is added."""
    count, rest = 0, 0
    while parts >= FAN_IN:
        rest += parts % FAN_IN
        parts //= FAN_IN
        count += parts
    rest += parts
    while rest > 1:
        rest = -(-rest // FAN_IN)
        count += rest
    return count


def _cells(chunks: Chunks, tiles: Grid) -> Grid:
    """Rectangles of whole tiles, at least as wide and high as a chunk."""
    width, height = tiles.tile_width, tiles.tile_height
    wide, high = chunks.largest
    across, down = -(-wide // width), -(-high // height)
    wanted = min(max(tiles.width * tiles.height // _CELLS, _GROUP_PIXELS), _MOST_CELL_PIXELS)
    while 2 * across * width * down * height <= wanted and (
        across < tiles.columns or down < tiles.rows
    ):
        # The shorter side, unless it is the picture's already.
        if down >= tiles.rows or (across * width <= down * height and across < tiles.columns):
            across *= 2
        else:
            down *= 2
    return Grid(
        tiles.width,
        tiles.height,
        min(across * width, tiles.width),
        min(down * height, tiles.height),
    )


def _runs(pixels: NDArray[np.int64]) -> list[Numbers]:
    """The numbers of the chunks or cells that have pixels, in runs of about as many pixels
    each."""
    numbers = np.flatnonzero(pixels)
    starts = np.cumsum(pixels[numbers]) - pixels[numbers]
    total = int(pixels.sum())
    each = max(_GROUP_PIXELS, -(-total // _MOST_GROUPS))
    cuts = np.flatnonzero(np.diff(starts // each)) + 1
    return np.split(numbers, cuts)
