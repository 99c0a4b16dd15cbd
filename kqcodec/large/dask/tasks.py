"""What Dask's workers do: count chunks, add such counts up, and code tiles."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.format.labels import label_dtype
from kqcodec.large.block_reader import readable
from kqcodec.large.counting import counted, with_channels
from kqcodec.large.dask.chunk_graphs import NAME, check, checksum
from kqcodec.large.plans import labels_in
from kqcodec.quantization.color_map import Labeler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.layout import Layout
    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels
    from kqcodec.images.blocks.samples import Conversion
    from kqcodec.large.dask.chunk_graphs import Piece
    from kqcodec.large.dask.chunks import Numbers
    from kqcodec.quantization.color_map import ColorMap


@dataclass(frozen=True, eq=False)
class Found:
    """What pass 1 finds in some chunks.

    Attributes:
        colors: their histogram; None of labels.
        greatest: label; 0 of pixels.
        numbers: of the chunks.
        checksums: of each, uint32.
    """

    colors: Histogram | None
    greatest: int
    numbers: Numbers
    checksums: NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Counting:
    """A task of pass 1.

    Attributes:
        piece: the chunks.
        numbers: theirs.
        shape: of a pixel's samples, () or (channels,).
        conversion: to pixels; None where the samples are labels.
    """

    piece: Piece
    numbers: Numbers
    shape: tuple[int, ...]
    conversion: Conversion | None

    def __call__(self, *values: Any) -> Found:
        """Do it. Errors are those of ``kqcodec.large.dask.encode``."""
        total, greatest, checksums = HistogramSum(), 0, []
        for box, chunk in self.piece.read(range(len(self.numbers)), values):
            samples = _samples(chunk, box, self.shape)
            checksums.append(checksum(samples))
            if self.conversion is None:
                greatest = max(greatest, int(labels_in(samples, NAME).max()))
                continue
            for colors in counted(_pixels(self.conversion, samples, box)):
                total.add(colors)
        return Found(
            None if self.conversion is None else total.total(),
            greatest,
            self.numbers,
            np.array(checksums, dtype=np.uint32),
        )


class Sum:
    """A task that adds counts up."""

    def __call__(self, *parts: Found) -> Found:
        """Do it.

        Raises:
            ColorsError: as ``HistogramSum.add``.
        """
        total = HistogramSum()
        for part in parts:
            if part.colors is not None:
                total.add(part.colors)
        return Found(
            None if parts[0].colors is None else total.total(),
            max(part.greatest for part in parts),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.checksums for part in parts]),
        )


class Recipe(ABC):
    """What becomes of samples in pass 2; each worker has one.

    Attributes:
        layout: of the file.
    """

    layout: Layout

    @abstractmethod
    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """The labels of the samples of a rectangle."""


class ColorRecipe(Recipe):
    """Pixels have the labels that a colour map says."""

    def __init__(self, layout: Layout, conversion: Conversion, mapped: ColorMap) -> None:
        self.layout = layout
        self._conversion = conversion
        self._mapped = mapped.without_counts()
        self._labeler: Labeler | None = None
        self._making = threading.Lock()

    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """See ``Recipe``."""
        with self._making:  # the table is large: one for all threads of a worker
            if self._labeler is None:
                self._labeler = Labeler(self._mapped)
        pixels = _pixels(self._conversion, samples, box)
        return self._labeler.labels(with_channels(pixels, self._labeler.channels))

    def __reduce__(self) -> tuple[Any, ...]:
        return ColorRecipe, (self.layout, self._conversion, self._mapped)


class LabelRecipe(Recipe):
    """Samples are labels."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def labels(self, samples: NDArray[Any], box: Box) -> Labels:
        """See ``Recipe``."""
        return labels_in(samples, NAME).astype(label_dtype(self.layout.header.k))


@dataclass(frozen=True, eq=False)
class Given:
    """A task that is there with its result: what all workers need, sent once, and had
    again when the worker that has it dies."""

    recipe: Recipe

    def __call__(self) -> Recipe:
        """The recipe."""
        return self.recipe


@dataclass(frozen=True, eq=False)
class Coding:
    """A task of pass 2.

    Attributes:
        piece: the chunks that the cells touch.
        checksums: theirs in pass 1.
        shape: of a pixel's samples.
        cells: rectangles of tiles, each with the places of the chunks that it touches.
    """

    piece: Piece
    checksums: NDArray[np.uint32]
    shape: tuple[int, ...]
    cells: list[tuple[Box, list[int]]]

    def __call__(self, recipe: Recipe, *values: Any) -> list[tuple[int, bytes]]:
        """Do it: the numbers and payloads of tiles. Errors are those of
        ``kqcodec.large.dask.encode``."""
        coded = []
        grid = recipe.layout.grid
        for cell, places in self.cells:
            labels = self._labels(recipe, cell, places, values)
            for tile in grid.touched(cell):
                inside = grid.box(tile).moved(-cell.left, -cell.upper)
                payload = recipe.layout.payload(np.ascontiguousarray(labels[inside.slices]))
                coded.append((tile, payload))
        return coded

    def _labels(
        self, recipe: Recipe, cell: Box, places: list[int], values: Sequence[Any]
    ) -> Labels:
        labels = np.empty((cell.height, cell.width), dtype=label_dtype(recipe.layout.header.k))
        chunks = self.piece.read(places, values)
        for place, (box, chunk) in zip(places, chunks, strict=True):
            samples = _samples(chunk, box, self.shape)
            check(samples, box, int(self.checksums[place]))
            common = box.intersection(cell)
            part = np.ascontiguousarray(samples[common.moved(-box.left, -box.upper).slices])
            labels[common.moved(-cell.left, -cell.upper).slices] = recipe.labels(part, common)
        return labels


def _samples(chunk: Any, box: Box, shape: tuple[int, ...]) -> NDArray[Any]:
    """A chunk as an array of NumPy's that nobody else has: a chunk may be a view of
    somebody's array, which must not change between its checksum and its use.

    Raises:
        ImageError: it isn't what the dask array says.
    """

    def read() -> NDArray[Any]:
        if isinstance(chunk, np.ma.MaskedArray):
            raise TypeError("they are masked: fill the array first")
        samples = np.array(chunk, order="C")
        wanted = (box.height, box.width, *shape)
        if samples.shape != wanted:
            raise ValueError(f"they have shape {samples.shape}, not {wanted}")
        return samples

    return readable(NAME, box, read)


def _pixels(conversion: Conversion, samples: NDArray[Any], box: Box) -> NDArray[np.uint8]:
    return readable(NAME, box, lambda: conversion.pixels(samples))
