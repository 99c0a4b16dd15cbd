"""Tiles of labels from blocks that don't fit them: a tile is complete when all its
pixels have come.

Tiles that wait are in memory while they are few, then in a temporary file, each in a
place of its own:

    block ──┬── its part of tile 0 ──► rows of tile 0
            └── its part of tile 1 ──► rows of tile 1
"""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.format.grid import Box, Grid
    from kqcodec.format.labels import LabelDType, Labels


class TileAssembly:
    """A context manager that takes its file away.

    Args:
        grid: the tiles.
        dtype: of the labels, uint8 or uint16.
        memory: bytes of tiles that wait in memory; more wait in a file.
    """

    def __init__(self, grid: Grid, dtype: LabelDType, memory: int) -> None:
        self._grid = grid
        self._dtype = np.dtype(dtype)
        self._whole = grid.tile_width * grid.tile_height * self._dtype.itemsize
        self._most_held = max(1, memory // self._whole)
        self._held: dict[int, Labels] = {}
        self._stored: dict[int, int] = {}  # a tile's place in the file
        self._free: list[int] = []
        self._missing: dict[int, int] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> TileAssembly:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, box: Box, labels: Labels) -> Iterator[tuple[int, Labels]]:
        """Take a block's labels, shape (h, w), and give the tiles that it completes, with
        their indices; OSError if the temporary file can't be written."""
        for index in self._grid.touched(box):
            place = self._grid.box(index)
            common = place.intersection(box)
            part = labels[common.moved(-box.left, -box.upper).slices]
            if common == place:
                yield index, np.ascontiguousarray(part)
                continue
            self._put(index, common.moved(-place.left, -place.upper), part)
            self._missing[index] = self._missing.get(index, place.pixels) - common.pixels
            if self._missing[index] == 0:
                del self._missing[index]
                yield index, self._take(index)

    def _put(self, index: int, inside: Box, part: Labels) -> None:
        if index not in self._held and index not in self._stored:
            if len(self._held) < self._most_held:
                self._held[index] = np.empty(self._shape(index), dtype=self._dtype)
            else:
                self._stored[index] = self._free.pop() if self._free else len(self._stored)
        if index in self._held:
            self._held[index][inside.slices] = part
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - see __exit__
        width = self._shape(index)[1]
        start = self._start(index)
        item = self._dtype.itemsize
        if inside.width == width:
            self._file.seek(start + inside.upper * width * item)
            self._file.write(np.ascontiguousarray(part))
            return
        for row, values in enumerate(part, inside.upper):
            self._file.seek(start + (row * width + inside.left) * item)
            self._file.write(np.ascontiguousarray(values))

    def _take(self, index: int) -> Labels:
        if index in self._held:
            return self._held.pop(index)
        assert self._file is not None  # noqa: S101 - what isn't held is stored
        labels = np.empty(self._shape(index), dtype=self._dtype)
        self._file.seek(self._start(index))
        self._file.readinto(memoryview(labels).cast("B"))  # type: ignore[attr-defined]
        self._free.append(self._stored.pop(index))
        return labels

    def _start(self, index: int) -> int:
        return self._stored[index] * self._whole

    def _shape(self, index: int) -> tuple[int, int]:
        box = self._grid.box(index)
        return box.height, box.width
