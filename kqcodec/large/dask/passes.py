"""The two passes over a dask array's chunks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from kqcodec.images.blocks import ArrayBlocks
from kqcodec.large.dask.chunk_graphs import NAME, subgraphs
from kqcodec.large.dask.chunks import Chunks
from kqcodec.large.dask.executors import TaskCall
from kqcodec.large.dask.task_sizes import Groups
from kqcodec.large.dask.tasks import CodeTask, CountTask, ShareTask, SumTask
from kqcodec.storage.reordering import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.format.grid import Grid
    from kqcodec.images.blocks.samples import Conversion
    from kqcodec.large.dask.executors import Executor
    from kqcodec.large.dask.tasks import ChunkCounts, LabelingPlan

    Advance = Callable[[int], object]


class ArrayPasses:
    """The two passes over a dask array, as tasks.

    Attributes:
        blocks: the array's size and samples.
        shape: of a pixel's samples, () or (channels,).
        groups: which chunks and tiles each task works on.

    Raises:
        TypeError, ValueError: it is no picture, or no dask array.
    """

    def __init__(self, array: Any) -> None:
        self.blocks = _blocks_of(array)
        self._array = array.rechunk({2: -1}) if array.ndim == 3 else array
        self.shape: tuple[int, ...] = array.shape[2:]
        self._chunks = Chunks.of(self._array.chunks)
        self.groups: Groups

    def cut(self, tiles: Grid) -> None:
        """Choose the groups, for a file of such tiles."""
        self.groups = Groups.of(self._chunks, tiles)

    def count(
        self, executor: Executor, conversion: Conversion | None, advance: Advance
    ) -> ChunkCounts:
        """Pass 1: the counts of all chunks; without a conversion their samples are labels."""
        return executor.sum(self.count_tasks(conversion), SumTask(), advance)

    def code(
        self, executor: Executor, plan: LabelingPlan, counts: ChunkCounts, advance: Advance
    ) -> Iterator[bytes]:
        """Pass 2: the payloads of all tiles, in order."""
        coded = executor.results(
            self._code_tasks(counts, executor.shared(ShareTask(plan))), advance
        )
        numbered = (tile for group in coded for tile in group)
        return in_order(numbered, self.groups.tiles.count)

    def count_tasks(self, conversion: Conversion | None) -> Iterator[TaskCall]:
        """The tasks of pass 1, each made when it is asked for."""
        numbers = self.groups.counting
        for group, (subgraph, futures) in zip(
            numbers, subgraphs(self._array, self._chunks, numbers), strict=True
        ):
            task = CountTask(subgraph, group, self.shape, conversion)
            yield TaskCall(task, futures, sum(box.pixels for box in subgraph.boxes))

    def _code_tasks(self, counts: ChunkCounts, plan: Any) -> Iterator[TaskCall]:
        cells = self.groups.cells
        checksums = np.zeros(self._chunks.count, dtype=np.uint32)
        checksums[counts.numbers] = counts.checksums
        touched = [self.groups.chunks_of_cells(group) for group in self.groups.coding]
        for group, numbers, (subgraph, futures) in zip(
            self.groups.coding, touched, subgraphs(self._array, self._chunks, touched), strict=True
        ):
            boxes = [cells.box(cell) for cell in group.tolist()]
            places = [np.searchsorted(numbers, self._chunks.touched(box)).tolist() for box in boxes]
            task = CodeTask(
                subgraph, checksums[numbers], self.shape, list(zip(boxes, places, strict=True))
            )
            yield TaskCall(task, [plan, *futures], sum(box.pixels for box in boxes))


def _blocks_of(array: Any) -> ArrayBlocks:
    """The size and samples of a dask array."""
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
