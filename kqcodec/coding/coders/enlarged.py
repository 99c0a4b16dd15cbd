"""Tiles in which each label stands several times side by side and one below the other,
as in pixel art that is shown larger: their cells are coded, a label each.

spec/kq.md, section 16 (rule 16.24).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.errors import InvalidDataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels

FIRST = 1  # the first byte of a payload of cells
LARGEST = 256  # labels of a cell, across and down
HEAD = 5  # bytes before the payload of the cells


@dataclass(frozen=True)
class Enlargement:
    """How cells lie in a tile. An instance that exists is valid.

    Attributes:
        across: labels of a cell, 1 to 256, from left to right.
        column: how many columns the first cells have lost to the left, less than ``across``.
        down: labels of a cell from top to bottom, 1 to 256; not 1 if ``across`` is.
        row: how many rows the first cells have lost at the top, less than ``down``.

    Raises:
        ValueError: there is no such enlargement.
    """

    across: int
    column: int
    down: int
    row: int

    def __post_init__(self) -> None:
        if not (
            0 <= self.column < self.across <= LARGEST
            and 0 <= self.row < self.down <= LARGEST
            and self.across * self.down > 1
        ):
            raise ValueError(f"there is no such enlargement: {self}")

    def to_bytes(self) -> bytes:
        """The head of a payload, five bytes."""
        return bytes((FIRST, self.across - 1, self.column, self.down - 1, self.row))

    @classmethod
    def from_bytes(cls, head: bytes | memoryview) -> Enlargement:
        """What a payload that begins with ``FIRST`` says; InvalidDataError if it is too short, or
        there is no such enlargement."""
        if len(head) < HEAD:
            raise InvalidDataError("a tile's enlargement is cut short (rule 16.24)")
        _, across, column, down, row = head[:HEAD]
        try:
            return cls(across + 1, column, down + 1, row)
        except ValueError as exc:
            raise InvalidDataError(
                f"a tile's enlargement {bytes(head[:HEAD]).hex()} means nothing (rule 16.24)"
            ) from exc

    def cells(self, height: int, width: int) -> tuple[int, int]:
        """The (h, w) of the cells in a tile of so many labels."""
        rows, columns = height - 1 + self.row, width - 1 + self.column
        return rows // self.down + 1, columns // self.across + 1

    def _places(self, height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The cell of each row, and of each column."""
        rows = (np.arange(height) + self.row) // self.down
        return rows, (np.arange(width) + self.column) // self.across

    def reduce(self, labels: Labels) -> Labels:
        """The cells of a tile that is such an enlargement, C-contiguous."""
        rows, columns = self._places(*labels.shape)
        first_rows = np.flatnonzero(np.diff(rows, prepend=-1))
        first_columns = np.flatnonzero(np.diff(columns, prepend=-1))
        return np.ascontiguousarray(labels[first_rows][:, first_columns])

    def enlarge(self, cells: Labels, out: Labels) -> None:
        """Fill a tile with its cells."""
        rows, columns = self._places(*out.shape)
        np.take(cells.take(columns, axis=1), rows, axis=0, out=out, mode="clip")


def enlargement_of(labels: Labels) -> Enlargement | None:
    """The largest cells that a tile consists of; None if these are single labels, or the
    tile has one label only."""
    # Most tiles that aren't enlarged say so in a few of their rows and columns.
    height, width = labels.shape
    few_rows, few_columns = labels[:: height // 8 + 1], labels[:, :: width // 8 + 1]
    if _period(few_rows)[0] == _period(few_columns.T)[0] == 1:
        return None
    (across, column), (down, row) = _period(labels), _period(labels.T)
    if across * down == 1 or (labels == labels[0, 0]).all():
        return None
    return Enlargement(across, column, down, row)


def _period(labels: Labels) -> tuple[int, int]:
    """How many columns cells have, at most, and how many the first cell has lost."""
    changes = (labels[:, 1:] != labels[:, :-1]).any(axis=0).nonzero()[0] + 1
    if changes.size == 0:
        return min(labels.shape[1], LARGEST), 0
    apart = int(np.gcd.reduce(changes[1:] - changes[:-1]))  # 0 if there is one change
    first = int(changes[0])
    if apart == 0:
        apart = min(max(first, labels.shape[1] - first), LARGEST)
    elif apart > LARGEST:
        apart = max(size for size in range(1, LARGEST + 1) if apart % size == 0)
    return apart, -first % apart
