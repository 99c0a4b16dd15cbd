"""What Dask's workers do: count chunks, add such counts up, and code tiles."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.id_table import IdTable
from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.format.labels import label_dtype
from kqcodec.images.blocks.samples import with_channels
from kqcodec.large.block_reader import with_image_errors
from kqcodec.large.dask.chunk_graphs import NAME, check_unchanged, checksum
from kqcodec.large.histograms import histograms
from kqcodec.large.plans import entries_in, ids_in
from kqcodec.quantization.color_map import Labeler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.layout import Layout
    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels
    from kqcodec.images.blocks.samples import Conversion
    from kqcodec.large.dask.chunk_graphs import Subgraph
    from kqcodec.large.dask.chunks import Numbers
    from kqcodec.quantization.color_map import ColorMap


@dataclass(frozen=True, eq=False)
class ChunkCounts:
    """What pass 1 counts in some chunks.

    Attributes:
        colors: the histogram of pixels; None of labels.
        ids: the different ids of labels, ascending; none of pixels.
        numbers: the chunks' numbers.
        checksums: the chunks' checksums, uint32.
    """

    colors: Histogram | None
    ids: Ids
    numbers: Numbers
    checksums: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class CountTask:
    """A task of pass 1: count some chunks.

    Attributes:
        subgraph: of the chunks.
        numbers: the chunks' numbers.
        shape: of a pixel's samples, () or (channels,).
        conversion: to pixels; None where the samples are labels.
    """

    subgraph: Subgraph
    numbers: Numbers
    shape: tuple[int, ...]
    conversion: Conversion | None

    def __call__(self, *values: Any) -> ChunkCounts:
        """Compute the chunks, by the values of the subgraph's persisted keys, and count them.
        Errors are those of ``kqcodec.large.dask.encode``."""
        total, checksums = HistogramSum(), []
        ids: list[Ids] = []
        for box, chunk in self.subgraph.read(range(len(self.numbers)), values):
            samples = _samples(chunk, box, self.shape)
            checksums.append(checksum(samples))
            if self.conversion is None:
                ids.append(IdTable.of(ids_in(samples, NAME)).distinct)
                continue
            for colors in histograms(_pixels(self.conversion, samples, box)):
                total.add(colors)
        return ChunkCounts(
            None if self.conversion is None else total.total(),
            _united(ids),
            self.numbers,
            np.array(checksums, dtype=np.uint32),
        )


class SumTask:
    """A task that adds counts up."""

    def __call__(self, *parts: ChunkCounts) -> ChunkCounts:
        """The sum of some counts; ColorsError as ``HistogramSum.add``."""
        total = HistogramSum()
        for part in parts:
            if part.colors is not None:
                total.add(part.colors)
        return ChunkCounts(
            None if parts[0].colors is None else total.total(),
            _united([part.ids for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.checksums for part in parts]),
        )


def _united(ids: list[Ids]) -> Ids:
    return np.unique(np.concatenate(ids)) if ids else np.empty(0, dtype=np.uint8)


class LabelingPlan(ABC):
    """How samples become labels in pass 2; each worker has one."""

    layout: Layout  # of the file

    @abstractmethod
    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """The labels of the samples of a rectangle, shape (h, w); ImageError or LabelsError if
        these can't be used."""


class ColorPlan(LabelingPlan):
    """Pixels get the labels that a colour map has for them."""

    def __init__(self, layout: Layout, conversion: Conversion, mapped: ColorMap) -> None:
        self.layout = layout
        self._conversion = conversion
        self._mapped = mapped.without_counts()
        self._labeler: Labeler | None = None
        self._making = threading.Lock()

    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """The labels of pixels, by a table that is made with the first of them."""
        with self._making:  # the table is large: one for all threads of a worker
            if self._labeler is None:
                self._labeler = Labeler(self._mapped)
        pixels = _pixels(self._conversion, samples, box)
        return self._labeler.labels(with_channels(pixels, self._labeler.channels))

    def __reduce__(self) -> tuple[Any, ...]:
        return ColorPlan, (self.layout, self._conversion, self._mapped)


class LabelMapPlan(LabelingPlan):
    """Samples are ids already."""

    def __init__(self, layout: Layout, table: IdTable) -> None:
        self.layout, self._table = layout, table

    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """The entries that the ids have in the file's table."""
        return entries_in(samples, self._table, NAME)


@dataclass(frozen=True, eq=False)
class ShareTask:
    """A task that returns the plan that it was made with: so all workers have it, sent once,
    and it is sent again when the worker that keeps it dies."""

    plan: LabelingPlan

    def __call__(self) -> LabelingPlan:
        """The plan."""
        return self.plan


@dataclass(frozen=True, eq=False)
class CodeTask:
    """A task of pass 2: label and code some tiles.

    Attributes:
        subgraph: of the chunks that the cells touch.
        checksums: the chunks' in pass 1.
        shape: of a pixel's samples.
        cells: rectangles of tiles, each with the places of the chunks that it touches.
    """

    subgraph: Subgraph
    checksums: NDArray[np.uint32]
    shape: tuple[int, ...]
    cells: list[tuple[Box, list[int]]]

    def __call__(self, plan: LabelingPlan, *values: Any) -> list[tuple[int, bytes]]:
        """The (number, payload) of each tile, by the values of the subgraph's persisted keys.
        Errors are those of ``kqcodec.large.dask.encode``."""
        coded = []
        grid = plan.layout.grid
        for cell, places in self.cells:
            labels = self._labels(plan, cell, places, values)
            for tile in grid.touched(cell):
                inside = grid.box(tile).moved(-cell.left, -cell.upper)
                payload = plan.layout.payload(np.ascontiguousarray(labels[inside.slices]))
                coded.append((tile, payload))
        return coded

    def _labels(
        self, plan: LabelingPlan, cell: Box, places: list[int], values: Sequence[Any]
    ) -> Labels:
        labels = np.empty((cell.height, cell.width), dtype=label_dtype(plan.layout.header.k))
        chunks = self.subgraph.read(places, values)
        for place, (box, chunk) in zip(places, chunks, strict=True):
            samples = _samples(chunk, box, self.shape)
            check_unchanged(samples, box, int(self.checksums[place]))
            common = box.intersection(cell)
            part = np.ascontiguousarray(samples[common.moved(-box.left, -box.upper).slices])
            labels[common.moved(-cell.left, -cell.upper).slices] = plan.labels(part, common)
        return labels


def _samples(chunk: Any, box: Box, shape: tuple[int, ...]) -> NDArray[Any]:
    """A chunk as an array of NumPy's that nobody else has: a chunk may be a view of
    somebody's array, which must not change between its checksum and its use. ImageError if
    its shape isn't what the dask array says, or it is masked."""

    def read() -> NDArray[Any]:
        if isinstance(chunk, np.ma.MaskedArray):
            raise TypeError("they are masked: fill the array first")
        samples = np.array(chunk, order="C")
        wanted = (box.height, box.width, *shape)
        if samples.shape != wanted:
            raise ValueError(f"they have shape {samples.shape}, not {wanted}")
        return samples

    return with_image_errors(NAME, box, read)


def _pixels(conversion: Conversion, samples: NDArray[Any], box: Box) -> NDArray[np.uint8]:
    return with_image_errors(NAME, box, lambda: conversion.pixels(samples))
