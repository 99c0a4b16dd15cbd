"""A picture made as large as there is room for, opaque, its pixels square."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Shades of the checkerboard behind transparent pixels: neither looks like black or white.
_DARK, _LIGHT = 102, 153

# What a large screen has.
_MOST_PIXELS = 1 << 23


class Room(NamedTuple):
    """What there is room for.

    Attributes:
        width: pixels.
        height: pixels.
        square: pixels of a side of the checkerboard's squares.
    """

    width: int
    height: int
    square: int


def fitted_size(width: int, height: int, room: Room) -> tuple[int, int]:
    """The size in which a picture is drawn: a whole multiple of its own, as large as there is
    room for; if there is too little, one that fills it. It has 2**23 pixels at most."""
    most = math.sqrt(_MOST_PIXELS / (width * height))
    scale = min(room.width / width, room.height / height, most)
    if scale >= 1:
        return width * int(scale), height * int(scale)
    return max(1, round(width * scale)), max(1, round(height * scale))


def fitted(image: Image.Image, room: Room, *, exact: bool = False) -> NDArray[np.uint8]:
    """The picture in that size: uint8, shape (H, W, 3).

    Args:
        image: of mode RGB or RGBA.
        room: what it is to fit into.
        exact: whether a smaller picture has colours of this one only, as label maps must, instead
            of means.
    """
    size = fitted_size(*image.size, room)
    smaller = size[0] < image.width or size[1] < image.height
    if size != image.size:
        means = smaller and not exact
        image = image.resize(size, Image.Resampling.BOX if means else Image.Resampling.NEAREST)
    pixels = np.asarray(image)
    return pixels if image.mode == "RGB" else _on_checkerboard(pixels, room.square)


def _on_checkerboard(pixels: NDArray[np.uint8], square: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    light = (rows // square + columns // square) % 2
    board = np.where(light, _LIGHT, _DARK)[..., np.newaxis]
    alpha = pixels[..., 3:].astype(np.int64)
    mixed = (pixels[..., :3] * alpha + board * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)
