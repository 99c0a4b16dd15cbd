"""The ids of a damaged label map: its table, and the id for what is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders import Coder, label_coder_of
from kqcodec.coding.meaning import Meaning
from kqcodec.coding.repair.colors import Filled
from kqcodec.errors import ArgumentError, ChecksumError
from kqcodec.format.integers import whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.coding.id_table import Ids, IdTable
    from kqcodec.coding.repair.colors import Fill
    from kqcodec.coding.repair.damaged_front import Front
    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels


@dataclass(frozen=True, eq=False)
class SavedIds:
    """The table of a damaged label map.

    Attributes:
        front: what survives ahead of the tiles.
        table: the ids.
        meaning: what they mean.
        wanted: the id for what is lost, which the dtype can have.
    """

    front: Front
    table: IdTable
    meaning: Meaning
    wanted: int

    @classmethod
    def of(cls, front: Front, fill: Fill | int | None) -> SavedIds:
        """From ``KqFile.recover``'s fill. ChecksumError: the table is damaged, and nothing else
        tells ids. TypeError, ArgumentError: the fill is no id."""
        if front.table is None:
            raise ChecksumError(
                "the table of ids is damaged, and nothing of a label map can be saved without it"
            )
        meaning = Meaning.from_sections(front.sections)
        return cls(front, front.table, meaning, _fill_id(front.table, meaning, fill))

    @property
    def entries(self) -> int:
        """How many labels there may be."""
        return self.table.entries

    @property
    def coder(self) -> Coder:
        """What decodes the tiles."""
        header = self.front.header
        return label_coder_of(header.coder, header.k, self.table.entries)

    @property
    def entry(self) -> int:
        """The entry that is filled in first: that of the wanted id, if there is one."""
        return int((self.table.ids == self._fill[0]).argmax())

    def filled(self, entries: Labels, lost: Sequence[Box]) -> Filled:
        """The ids of the entries, and the wanted one in the boxes that are lost."""
        values = self.table.values_of(entries)
        for box in lost:
            values[box.slices] = self.wanted
        anew = bool(lost) and not bool((self.table.distinct == self._fill[0]).any())
        color = self.meaning.color_of(self._fill)[0]
        column = values[:, :, np.newaxis] if self.table.shape == "column" else values
        return Filled(column, None, tuple(color.tolist()), self.wanted, anew)

    @property
    def _fill(self) -> Ids:
        return np.array([self.wanted], dtype=self.table.dtype)


def _fill_id(table: IdTable, meaning: Meaning, fill: Fill | int | None) -> int:
    """The given one, or nodata, or 0 if there is such an id, or the first one."""
    lowest, highest = 0, 1
    if table.dtype != np.bool_:
        lowest, highest = np.iinfo(table.dtype).min, np.iinfo(table.dtype).max
    if fill is not None:
        if isinstance(fill, (str, list, tuple)):
            raise TypeError(f"lost tiles of a label map are filled with an id, not {fill!r}")
        wanted = whole_number(fill, "fill")
        if not lowest <= wanted <= highest:
            raise ArgumentError(f"{wanted} is no id of the label map's dtype, {table.dtype}")
        return wanted
    if meaning.nodata is not None and lowest <= meaning.nodata <= highest:
        return meaning.nodata
    return 0 if bool((table.distinct == 0).any()) else int(table.distinct[0])
