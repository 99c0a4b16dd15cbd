"""What is to become of each block of a picture: a palette, and a way to label blocks.

There are four ways, by what is known and whether the picture can be read twice:

    two_passes    a palette is searched for, in the sum of all histograms
    given         a palette is given: blocks are labelled as they come
    sampled       one is searched for, in the first pixels of a pipe
    label_map     the samples are labels already
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.layout import Layout, header_of
from kqcodec.coding.options import CODED_PALETTES
from kqcodec.coding.palette import coding_order
from kqcodec.colors.histogram import histogram
from kqcodec.errors import LabelsError
from kqcodec.format.integers import whole_number
from kqcodec.format.labels import label_dtype
from kqcodec.format.names import DEFAULT_SORT
from kqcodec.images.blocks.samples import one_pixel
from kqcodec.labels.label_maps import checked_labels, color_table, label_colors
from kqcodec.large.block_reader import BlockReader
from kqcodec.large.budget import Budget
from kqcodec.large.counting import SharedSum, visit, with_channels
from kqcodec.quantization.color_map import Labeler
from kqcodec.quantization.quantizer import color_map

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from numpy.typing import NDArray

    from kqcodec.coding.options import CodingOptions
    from kqcodec.colors.costs import Costs
    from kqcodec.colors.histogram import Histogram
    from kqcodec.colors.values import Colors
    from kqcodec.format.labels import Labels
    from kqcodec.images.blocks import Blocks, Meaning
    from kqcodec.images.blocks.samples import Conversion
    from kqcodec.images.pixels import Color
    from kqcodec.labels.label_maps import ColorTable
    from kqcodec.quantization.color_map import ColorMap
    from kqcodec.quantization.options import QuantizeOptions

    Progress = Callable[[str, float], object]

# Of pixels that come but once so many are kept to find a palette in.
SAMPLE = 1 << 24


@dataclass(frozen=True)
class Plan:
    """What pass 2 needs.

    Attributes:
        layout: of the file.
        labels_of: a block's labels, by its number; reads the block.
        costs: of quantizing, to be asked for at the end; None for labels.
        sampled: of how many pixels the palette is, where that isn't all of them.
    """

    layout: Layout
    labels_of: Callable[[int], Labels]
    costs: Callable[[], Costs | None]
    sampled: int | None = None


@dataclass(frozen=True, eq=False)
class Search:
    """How a palette is chosen: ``k`` and the options of ``kqcodec.quantize``, checked."""

    k: int | None
    options: QuantizeOptions

    @classmethod
    def of(cls, k: int | None, options: QuantizeOptions) -> Search:
        """That search; raises TypeError or ValueError where ``k`` doesn't go with it."""
        return cls(options.checked_colors(k), options)

    def mapped(self, colors: Histogram) -> ColorMap:
        """The colour map of a histogram."""
        return color_map(colors, self.k, self.options)

    def with_palette(self, palette: NDArray[np.uint8]) -> Search:
        """No search any more, but that palette."""
        return Search(None, self.options.with_palette(palette))


def check_labels_only(k: int | None, pins: Colors, sort: str, background: Color | None) -> None:
    """Raise ValueError where a label map is asked for what only pixels have."""
    if k is not None or len(pins) or sort != DEFAULT_SORT or background is not None:
        raise ValueError("k, pins, sort and background are for pixels; labels are kept")


class Job:
    """A picture's blocks, and the file to come.

    Attributes:
        reader: of the blocks.
    """

    def __init__(
        self,
        blocks: Blocks,
        coding: CodingOptions,
        *,
        memory: int,
        threads: int,
        progress: Progress | None,
    ) -> None:
        self._coding = coding
        self._memory, self.threads = whole_number(memory, "memory", 0), threads
        self._progress = progress
        self._done = 0
        size = blocks.width, blocks.height
        self.grid = header_of(2, *size, coding, sections=(), alpha=False).grid
        self.reader = BlockReader(blocks, blocks.boxes(self.grid))

    def layout(self, palette: NDArray[np.uint8]) -> Layout:
        """The file's, with that palette."""
        blocks = self.reader.blocks
        return Layout.of(palette, blocks.width, blocks.height, self._coding)

    def found(self, search: Search, colors: Histogram) -> ColorMap:
        """What a search finds, its palette in the order that the coder wants if it's free."""
        mapped = search.mapped(colors)
        free = search.options.order_is_free
        return mapped_in_order_of(self._coding.coder, mapped) if free else mapped

    def budget(self, channels: int, label_bytes: int = 1) -> Budget:
        """The memory of a block of pixels of so many channels, 0 for none."""
        boxes = self.reader.boxes
        return Budget(
            memory=self._memory,
            block_pixels=boxes.tile_width * boxes.tile_height,
            bytes_a_pixel=self.reader.blocks.bytes_a_pixel + channels,
            tile_pixels=self.grid.tile_width * self.grid.tile_height,
            label_bytes=label_bytes,
            effort=self._coding.effort,
        )

    def begin(self, stage: str) -> Callable[[int], None]:
        """What is to be told the pixels done in that stage."""
        self._done = 0
        total = self.reader.blocks.width * self.reader.blocks.height
        if self._progress is not None:
            self._progress(stage, 0.0)

        def advance(pixels: int) -> None:
            self._done += pixels
            if self._progress is not None:
                self._progress(stage, self._done / total)

        return advance


def two_passes(job: Job, search: Search, conversion: Conversion) -> Plan:
    """A palette for all pixels, by pass 1."""
    reader, total = job.reader, SharedSum()

    def count(index: int) -> None:
        total.add_pixels(conversion.pixels(reader.first(index)))

    workers = job.budget(conversion.channels).counters(job.threads)
    visit(reader, count, workers, job.begin("counting"))
    job.begin("palette")
    mapped = job.found(search, total.total().without_idle_alpha())
    labeler = Labeler(mapped)
    palette, costs = mapped.palette, mapped.costs
    del mapped  # and with it the histogram

    def labels_of(index: int) -> Labels:
        pixels = conversion.pixels(reader.again(index))
        return labeler.labels(with_channels(pixels, labeler.channels))

    return Plan(job.layout(palette), labels_of, lambda: costs)


def given(job: Job, search: Search, conversion: Conversion) -> Plan:
    """The palette that was given."""
    palette = search.options.fixed
    assert palette is not None  # noqa: S101 - or another plan is made
    nearest = _Nearest(search, palette.shape[1])

    def labels_of(index: int) -> Labels:
        return nearest.labels(conversion.pixels(job.reader.first(index)))

    return Plan(job.layout(palette), labels_of, nearest.costs)


def sampled(job: Job, search: Search, conversion: Conversion, most: int = SAMPLE) -> Plan:
    """A palette for the first pixels, ``most`` or so, to which the others go as well as
    they may."""
    reader, total = job.reader, SharedSum()
    kept: dict[int, NDArray[np.uint8]] = {}
    pixels, advance = 0, job.begin("counting")
    for index in range(reader.boxes.count):
        if pixels >= most:
            break
        kept[index] = conversion.pixels(reader.first(index))
        total.add_pixels(kept[index])
        pixels += reader.boxes.box(index).pixels
        advance(reader.boxes.box(index).pixels)
    whole = len(kept) == reader.boxes.count
    job.begin("palette")
    colors = total.total()
    mapped = job.found(search, colors.without_idle_alpha() if whole else colors)
    if whole:
        labeler, costs = Labeler(mapped), mapped.costs

        def known(index: int) -> Labels:
            return labeler.labels(with_channels(kept.pop(index), labeler.channels))

        return Plan(job.layout(mapped.palette), known, lambda: costs)
    nearest = _Nearest(search.with_palette(mapped.palette), mapped.palette.shape[1])

    def labels_of(index: int) -> Labels:
        some = kept.pop(index, None)
        return nearest.labels(conversion.pixels(reader.first(index)) if some is None else some)

    return Plan(job.layout(mapped.palette), labels_of, nearest.costs, sampled=pixels)


class _Nearest:
    """Labels blocks by the nearest entries of a palette, which don't depend on what other
    blocks hold; and counts all, for the costs."""

    def __init__(self, search: Search, channels: int) -> None:
        self._search, self._channels = search, channels
        self._total = SharedSum()

    def labels(self, pixels: NDArray[np.uint8]) -> Labels:
        """The labels of a block of pixels.

        Raises:
            ColorsError: there are transparent pixels, but no entry for them.
        """
        colors = self._fitting(histogram(pixels))
        labeler = Labeler(self._search.mapped(colors))
        self._total.add(colors)
        return labeler.labels(with_channels(pixels, labeler.channels))

    def costs(self) -> Costs:
        """Of all blocks."""
        return self._search.mapped(self._total.total()).costs

    def _fitting(self, colors: Histogram) -> Histogram:
        return colors.with_alpha() if self._channels == 4 else colors.without_idle_alpha()


def label_map(job: Job, colors: ColorTable | None) -> Plan:
    """Labels as they are, in the colours given, the file's own or VOC's."""
    reader = job.reader
    meaning = reader.blocks.meaning
    labels_in(one_pixel(reader.blocks), reader.blocks.name)
    greatest = np.zeros(reader.boxes.count, dtype=np.uint16)

    def look(index: int) -> None:
        greatest[index] = labels_in(reader.first(index), reader.blocks.name).max()

    visit(reader, look, job.budget(0).counters(job.threads), job.begin("counting"))
    palette = label_palette(int(greatest.max()) + 1, colors, meaning)
    dtype = label_dtype(len(palette))

    def labels_of(index: int) -> Labels:
        found = labels_in(reader.again(index), reader.blocks.name)
        return np.ascontiguousarray(found, dtype=dtype)

    return Plan(job.layout(palette), labels_of, lambda: None)


def label_palette(k: int, colors: ColorTable | None, meaning: Meaning) -> NDArray[np.uint8]:
    """The colours of labels below ``k``: those given, those that the samples mean or VOC's.

    Raises:
        TypeError, ValueError: those given are none, or too few.
    """
    if colors is not None:
        palette = color_table(colors)
    elif meaning.color_table is not None:
        palette = meaning.color_table
    elif meaning.grey_labels:
        palette = np.repeat(np.arange(k, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
        if meaning.inverted:
            palette = np.uint8(255) - palette
    else:
        palette = label_colors(k)
    if k > len(palette):
        raise ValueError(
            f"label {k - 1} is outside 0..{len(palette) - 1}: the palette has {len(palette)} "
            "entries"
        )
    return palette


def labels_in(samples: NDArray[Any], name: str) -> NDArray[Any]:
    """A block's samples as labels, shape (h, w).

    Raises:
        LabelsError: they are none.
    """
    try:
        return checked_labels(samples)
    except (TypeError, ValueError) as exc:
        raise LabelsError(f"{name} doesn't hold labels: {exc}") from exc


def mapped_in_order_of(coder: str, mapped: ColorMap) -> ColorMap:
    """The same for what is quantized from a histogram: the order depends on the palette
    alone."""
    if coder not in CODED_PALETTES:
        return mapped
    return mapped.in_order(coding_order(mapped.palette))
