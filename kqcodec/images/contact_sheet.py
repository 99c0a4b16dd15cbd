"""Contact sheets: pictures side by side, each with a caption and its palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from kqcodec.images.pixels import flattened

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_A_ROW = 4
# Small pictures are enlarged by a whole number, large ones are reduced.
_ENLARGED_WIDTH = 400
_MOST_WIDTH, _MOST_HEIGHT = 640, 800
_LEAST_WIDTH = 240  # a caption has to fit
_MARGIN = 24
_STRIP = 36  # the height of the palette under each picture, the gap above it included
_GAP = 8
_INK, _PAPER, _FAINT = (32, 32, 36), (250, 249, 246), (110, 108, 112)
# Of a caption's lines, in a column 400 wide: size of the letters, place, ink.
_LINES = ((36, 14, _INK), (26, 58, _INK), (22, 92, _FAINT))
_CAPTION = 118


@dataclass(frozen=True, eq=False)
class Column:
    """A picture and what stands below it.

    Attributes:
        pixels: uint8, shape (H, W, 3), or (H, W, 4) with alpha, of one size for all
            columns.
        caption: at most three lines, from large to small.
        palette: uint8, shape (K, 3) or (K, 4), shown as a strip.
    """

    pixels: NDArray[np.uint8]
    caption: Sequence[str]
    palette: NDArray[np.uint8] | None = None


def contact_sheet(columns: Sequence[Column]) -> Image.Image:
    """The columns, at most four in a row."""
    height, width = columns[0].pixels.shape[:2]
    image_size = _shown_size(width, height)
    cell_width = max(_LEAST_WIDTH, image_size[0])
    caption_height = _CAPTION * cell_width // _ENLARGED_WIDTH
    cell_height = image_size[1] + _STRIP + caption_height
    across = min(_A_ROW, len(columns))
    down = -(-len(columns) // across)
    size = (_MARGIN + across * (cell_width + _MARGIN), _MARGIN + down * (cell_height + _MARGIN))
    sheet = Image.new("RGB", size, _PAPER)
    for place, column in enumerate(columns):
        row, in_row = divmod(place, across)
        left = _MARGIN + in_row * (cell_width + _MARGIN)
        top = _MARGIN + row * (cell_height + _MARGIN)
        shift = (cell_width - image_size[0]) // 2
        image = _resized(column.pixels, image_size)
        sheet.paste(image, (left + shift, top), image if image.mode == "RGBA" else None)
        below = top + image_size[1]
        if column.palette is not None:
            _draw_palette(sheet, column.palette, (left, below, cell_width))
        _draw_caption(sheet, column.caption, (left, below + _STRIP, cell_width))
    return sheet


def _shown_size(width: int, height: int) -> tuple[int, int]:
    zoom = min(_ENLARGED_WIDTH // width, _MOST_HEIGHT // height)
    if zoom >= 1:
        return width * zoom, height * zoom
    share = min(1.0, _MOST_WIDTH / width, _MOST_HEIGHT / height)
    return max(1, round(width * share)), max(1, round(height * share))


def _resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    image = Image.fromarray(pixels)
    enlarged = size[0] >= image.width
    how = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    return image.resize(size, how)


def _draw_palette(
    sheet: Image.Image, palette: NDArray[np.uint8], place: tuple[int, int, int]
) -> None:
    left, top, width = place
    draw = ImageDraw.Draw(sheet)
    edges = [left + width * i // len(palette) for i in range(len(palette) + 1)]
    colors = flattened(palette, _PAPER).tolist()
    for start, end, color in zip(edges, edges[1:], colors, strict=False):
        if end > start:  # a palette may have more colours than the strip has pixels
            draw.rectangle((start, top + _GAP, end - 1, top + _STRIP - 1), fill=tuple(color))


def _draw_caption(sheet: Image.Image, lines: Sequence[str], place: tuple[int, int, int]) -> None:
    left, top, width = place
    draw = ImageDraw.Draw(sheet)
    for line, (size, offset, ink) in zip(lines, _LINES, strict=False):
        font = _font(size * width // _ENLARGED_WIDTH)
        draw.text((left, top + offset * width // _ENLARGED_WIDTH), line, fill=ink, font=font)


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Pillow's own font; without FreeType, or before Pillow 10.1, in one small size."""
    try:
        return ImageFont.load_default(size)
    except (TypeError, ImportError):
        return ImageFont.load_default()
