"""GIF files put together frame by frame, as Pillow wouldn't write them; and other animations."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import GifImagePlugin, Image

KEEP, BACKGROUND, PREVIOUS = 1, 2, 3  # what becomes of a frame's rectangle behind it


@dataclass(frozen=True, eq=False)
class Patch:
    """One image of a GIF file.

    Attributes:
        indices: uint8, shape (h, w).
        palette: uint8, shape (n, 3), its own; None for the file's.
        place: its left column and top row.
        centiseconds: None for no graphic control extension.
    """

    indices: Any
    palette: Any = None
    place: tuple[int, int] = (0, 0)
    disposal: int = 0
    transparent: int | None = None
    centiseconds: int | None = 7


def gif(size, palette, patches, loop=None):
    """A GIF file of that size (width, height), with a palette for all, uint8 of (2^n, 3)."""
    flags = 0x80 | (len(palette).bit_length() - 2)
    parts = [b"GIF89a", struct.pack("<HHBBB", *size, flags, 0, 0), palette.tobytes()]
    if loop is not None:
        parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loop, 0))
    for patch in patches:
        if patch.centiseconds is not None:
            packed = patch.disposal << 2 | (patch.transparent is not None)
            parts.append(
                b"!\xf9\x04"
                + struct.pack("<BHBB", packed, patch.centiseconds, patch.transparent or 0, 0)
            )
        parts.append(_coded(patch))
    return b"".join([*parts, b";"])


def _coded(patch):
    height, width = patch.indices.shape
    image = Image.frombytes("P", (width, height), patch.indices.tobytes())
    if patch.palette is None:
        return b"".join(GifImagePlugin.getdata(image, patch.place))
    image.putpalette(patch.palette.tobytes())
    return b"".join(GifImagePlugin.getdata(image, patch.place, include_color_table=True))


def shown(size, palette, patches):
    """What is seen of each of the patches, by the rules of GIF: uint8, shape (H, W, 4), with
    (0, 0, 0, 0) where nothing is."""
    canvas = np.zeros((size[1], size[0], 4), dtype=np.uint8)
    for patch in patches:
        before = canvas.copy()
        table = palette if patch.palette is None else patch.palette
        left, top = patch.place
        height, width = patch.indices.shape
        there = canvas[top : top + height, left : left + width]
        drawn = patch.indices != (-1 if patch.transparent is None else patch.transparent)
        there[drawn, :3] = table[patch.indices[drawn]]
        there[drawn, 3] = 255
        yield canvas.copy()
        if patch.disposal == BACKGROUND:
            there[:] = 0
        elif patch.disposal == PREVIOUS:
            canvas = before


SIZE = 24, 18  # of moving()


def moving(count=6):
    """A GIF of that many frames in 16 colours, shown five times, and what is seen of each."""
    palette = np.random.default_rng(0).integers(0, 256, (16, 3), dtype=np.uint8)
    first = np.random.default_rng(1).integers(0, 16, SIZE[::-1]).astype(np.uint8)
    patches = [Patch(first, disposal=KEEP)]
    for number in range(count - 1):
        part = np.full((4, 5), number % 16, dtype=np.uint8)
        place = (2 * number, number) if number != 2 else (0, 0)
        patches.append(Patch(part, None, place, KEEP, centiseconds=3 + number))
    return gif(SIZE, palette, patches, 4), list(shown(SIZE, palette, patches))
