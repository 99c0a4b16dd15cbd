"""The two passes over a dask array's chunks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from kqcodec.images.blocks import ArrayBlocks
from kqcodec.large.dask.chunk_graphs import NAME, pieces
from kqcodec.large.dask.chunks import Chunks
from kqcodec.large.dask.executors import Work
from kqcodec.large.dask.task_sizes import Groups
from kqcodec.large.dask.tasks import Coding, Counting, Given, Sum
from kqcodec.storage.reordering import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.format.grid import Grid
    from kqcodec.images.blocks.samples import Conversion
    from kqcodec.large.dask.executors import Crew
    from kqcodec.large.dask.tasks import Found, Recipe

    Advance = Callable[[int], object]


class ArrayPasses:
    """A dask array, and which task has which parts of it.

    Attributes:
        blocks: its size and samples.
        shape: of a pixel's samples, () or (channels,).
        groups: the parts.
    """

    def __init__(self, array: Any) -> None:
        self.blocks = _blocks_of(array)
        self._array = array.rechunk({2: -1}) if array.ndim == 3 else array
        self.shape: tuple[int, ...] = array.shape[2:]
        self._chunks = Chunks.of(self._array.chunks)
        self.groups: Groups

    def cut(self, tiles: Grid) -> None:
        """Choose the parts, for a file of such tiles."""
        self.groups = Groups.of(self._chunks, tiles)

    def count(self, crew: Crew, conversion: Conversion | None, advance: Advance) -> Found:
        """Pass 1: what is in all chunks; of labels without a conversion."""
        return crew.sum(self.counting(conversion), Sum(), advance)

    def code(self, crew: Crew, recipe: Recipe, found: Found, advance: Advance) -> Iterator[bytes]:
        """Pass 2: the payloads of all tiles, in order."""
        coded = crew.results(self._coding(found, crew.shared(Given(recipe))), advance)
        numbered = (tile for group in coded for tile in group)
        return in_order(numbered, self.groups.tiles.count)

    def counting(self, conversion: Conversion | None) -> Iterator[Work]:
        """The tasks of pass 1, made one after the other."""
        numbers = self.groups.counting
        for group, (piece, futures) in zip(
            numbers, pieces(self._array, self._chunks, numbers), strict=True
        ):
            task = Counting(piece, group, self.shape, conversion)
            yield Work(task, futures, sum(box.pixels for box in piece.boxes))

    def _coding(self, found: Found, recipe: Any) -> Iterator[Work]:
        cells = self.groups.cells
        checksums = np.zeros(self._chunks.count, dtype=np.uint32)
        checksums[found.numbers] = found.checksums
        touched = [self.groups.chunks_of_cells(group) for group in self.groups.coding]
        for group, numbers, (piece, futures) in zip(
            self.groups.coding, touched, pieces(self._array, self._chunks, touched), strict=True
        ):
            boxes = [cells.box(cell) for cell in group.tolist()]
            places = [np.searchsorted(numbers, self._chunks.touched(box)).tolist() for box in boxes]
            task = Coding(
                piece, checksums[numbers], self.shape, list(zip(boxes, places, strict=True))
            )
            yield Work(task, [recipe, *futures], sum(box.pixels for box in boxes))


def _blocks_of(array: Any) -> ArrayBlocks:
    """The size and samples of a dask array.

    Raises:
        TypeError, ValueError: it is no picture, or no dask array.
    """
    if not isinstance(array, da.Array):
        raise TypeError(
            f"expected a dask array, not {type(array).__name__}; kqcodec.encode_stream takes others"
        )
    if any(math.isnan(side) for side in array.shape):
        raise ValueError(
            f"{NAME} doesn't know its size; have it computed first, by compute_chunk_sizes()"
        )
    if isinstance(array._meta, np.ma.MaskedArray):
        raise TypeError(f"{NAME} is masked: fill it first, with dask.array.ma.filled(array, value)")
    return ArrayBlocks(array, NAME)
