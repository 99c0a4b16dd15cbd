"""A picture that is encoded block by block: what is asked for, and the file to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from kqcodec.coding.layout import Layout, header_of
from kqcodec.coding.palette import coding_order
from kqcodec.format.integers import whole_number
from kqcodec.format.names import DEFAULT_CODER, DEFAULT_SORT
from kqcodec.large.block_reader import BlockReader
from kqcodec.large.budget import Budget
from kqcodec.quantization.options import PaletteKeywords, QuantizeOptions
from kqcodec.quantization.quantizer import color_map

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from kqcodec.coding.options import CodingOptions, TileSize
    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.names import CoderName
    from kqcodec.images.blocks import Blocks
    from kqcodec.images.pixels import Color
    from kqcodec.labels.color_tables import ColorTable
    from kqcodec.quantization.color_map import ColorMap
    from kqcodec.quantization.palette_files import PaletteLike


class BlockwiseKeywords(PaletteKeywords, total=False):
    """What the functions that encode block by block take, besides ``k``; each is explained at
    ``kqcodec.encode_stream``."""

    coder: CoderName
    tile: TileSize
    palette: PaletteLike | None
    background: Color | None
    labels: bool
    progress: Callable[[str, float], object] | None


@dataclass(frozen=True, eq=False)
class PaletteSearch:
    """How a palette is chosen: ``k`` and the options of ``kqcodec.quantize``, checked."""

    k: int | None
    options: QuantizeOptions

    def color_map(self, colors: Histogram) -> ColorMap:
        """The colour map of a histogram."""
        return color_map(colors, self.k, self.options)

    def with_palette(self, palette: NDArray[np.uint8]) -> PaletteSearch:
        """No search any more, but that palette, uint8 of shape (K, 3) or (K, 4)."""
        return PaletteSearch(None, self.options.with_palette(palette))


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for, checked.

    Attributes:
        coding: how labels are coded.
        search: for a palette; None where the samples are labels already.
        label_colors: of ids; None for those of the file, if it has any.
        background: a colour to put behind transparent pixels; None to keep alpha.
        progress: told what is being done, and how much of it is done.
    """

    coding: CodingOptions
    search: PaletteSearch | None
    label_colors: ColorTable | None
    background: Color | None
    progress: Callable[[str, float], object] | None

    @classmethod
    def of(
        cls,
        k: int | None,
        *,
        coder: CoderName = DEFAULT_CODER,
        tile: TileSize = None,
        palette: PaletteLike | None = None,
        background: Color | None = None,
        labels: bool = False,
        progress: Callable[[str, float], object] | None = None,
        **options: Unpack[PaletteKeywords],
    ) -> Request:
        """The request that the arguments of ``kqcodec.encode_stream`` make; TypeError or
        ValueError if one is wrong, or some exclude each other."""
        chosen = QuantizeOptions(palette=None if labels else palette, **options)
        coding = chosen.coding(coder, tile)
        search = None if labels else PaletteSearch(chosen.checked_colors(k), chosen)
        for_pixels = k is not None or len(chosen.pinned) or chosen.sort != DEFAULT_SORT
        if labels and (for_pixels or background is not None):
            raise ValueError("k, pins, sort and background are for pixels; labels are kept")
        colors = cast("ColorTable | None", palette) if labels else None
        return cls(coding, search, colors, background, progress)


class Job:
    """A picture's blocks, and the file to come.

    Attributes:
        request: what is asked for.
        reader: of the blocks.
        grid: the file's tiles.
        threads: how many may be at work.

    Raises:
        TypeError, ValueError: ``memory``, the bytes that may be taken, is wrong.
    """

    def __init__(self, blocks: Blocks, request: Request, *, memory: int, threads: int) -> None:
        self.request = request
        self._memory, self.threads = whole_number(memory, "memory", 0), threads
        self._done = 0
        size = blocks.width, blocks.height
        self.grid = header_of(2, *size, request.coding, sections=(), alpha=False).grid
        self.reader = BlockReader(blocks, blocks.boxes(self.grid))

    def layout(self, palette: NDArray[np.uint8]) -> Layout:
        """The layout of the file with that palette, uint8 of shape (K, 3) or (K, 4)."""
        blocks = self.reader.blocks
        return Layout.of(palette, blocks.width, blocks.height, self.request.coding)

    def color_map(self, search: PaletteSearch, colors: Histogram) -> ColorMap:
        """What a search finds, its palette in the order that the coder wants if it's free."""
        mapped = search.color_map(colors)
        if search.options.order_is_free and self.request.coding.codes_palettes:
            return mapped.in_order(coding_order(mapped.palette))
        return mapped

    def budget(self, channels: int, label_bytes: int = 1) -> Budget:
        """The memory of a block of pixels of so many channels, 0 for none."""
        boxes = self.reader.boxes
        return Budget(
            memory=self._memory,
            block_pixels=boxes.tile_width * boxes.tile_height,
            bytes_a_pixel=self.reader.blocks.bytes_a_pixel + channels,
            tile_pixels=self.grid.tile_width * self.grid.tile_height,
            label_bytes=label_bytes,
            effort=self.request.coding.effort,
        )

    def begin(self, stage: str) -> Callable[[int], None]:
        """Tell of a stage's beginning; returns what is to be told the pixels done in it."""
        self._done = 0
        total = self.reader.blocks.width * self.reader.blocks.height
        progress = self.request.progress
        if progress is not None:
            progress(stage, 0.0)

        def advance(pixels: int) -> None:
            self._done += pixels
            if progress is not None:
                progress(stage, self._done / total)

        return advance
