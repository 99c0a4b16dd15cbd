"""A dask array's chunks as rectangles of a picture: as high and wide as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from kqcodec.format.grid import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # Numbers of chunks or of tiles, ascending.
    Numbers: TypeAlias = "NDArray[np.int64]"


@dataclass(frozen=True, eq=False)
class Chunks:
    """Where chunks lie, counted row by row from the upper left.

    Attributes:
        row_edges: int64, shape (rows + 1,), from 0 to the height; ascending, and twice the
            same around chunks that are empty.
        column_edges: int64, shape (columns + 1,), from 0 to the width, likewise.
    """

    row_edges: NDArray[np.int64]
    column_edges: NDArray[np.int64]

    @classmethod
    def of(cls, sides: tuple[tuple[int, ...], ...]) -> Chunks:
        """From the ``chunks`` of a dask array, whose first axes are rows and columns."""
        return cls(*(np.cumsum((0, *side), dtype=np.int64) for side in sides[:2]))

    @property
    def columns(self) -> int:
        """Chunks in a row of chunks."""
        return len(self.column_edges) - 1

    @property
    def count(self) -> int:
        """Chunks in all."""
        return (len(self.row_edges) - 1) * self.columns

    @property
    def pixels(self) -> NDArray[np.int64]:
        """The pixels of each chunk: int64, shape (count,)."""
        return np.outer(np.diff(self.row_edges), np.diff(self.column_edges)).reshape(-1)

    @property
    def largest(self) -> tuple[int, int]:
        """The greatest width and the greatest height."""
        return int(np.diff(self.column_edges).max()), int(np.diff(self.row_edges).max())

    def place(self, number: int) -> tuple[int, int]:
        """A chunk's row and column, as in its key."""
        return divmod(number, self.columns)

    def box(self, number: int) -> Box:
        """Where a chunk lies."""
        row, column = self.place(number)
        left, right = self.column_edges[column : column + 2].tolist()
        upper, lower = self.row_edges[row : row + 2].tolist()
        return Box(left, upper, right, lower)

    def touched(self, box: Box) -> Numbers:
        """The chunks that share pixels with a rectangle."""
        rows = _touched(self.row_edges, box.upper, box.lower)
        columns = _touched(self.column_edges, box.left, box.right)
        return np.add.outer(rows * self.columns, columns).reshape(-1)


def _touched(edges: NDArray[np.int64], start: int, stop: int) -> Numbers:
    first = int(np.searchsorted(edges, start, side="right")) - 1
    last = int(np.searchsorted(edges, stop, side="left"))
    sides = np.diff(edges[first : last + 1])
    return np.flatnonzero(sides) + first
