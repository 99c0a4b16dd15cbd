"""Pictures in characters: coloured half blocks, or shades where there is no colour.

A character cell is about twice as high as wide, so that it has two square pixels, one above the
other: the upper half block is painted in the colour of the one, its ground in that of the other.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.quantization.finished_palette import LUMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_UPPER_HALF = "▀"
# From dark to light, for light characters on a dark ground.
_SHADES = " .:-=+*#%@"

# Numbers 16 to 231 of xterm's colours are a cube of six levels a channel, 232 to 255 greys.
_LEVELS = np.array([0, 95, 135, 175, 215, 255])
_GREYS = np.arange(8, 248, 10)


def blocks(pixels: NDArray[np.uint8], *, true_colors: bool) -> str:
    """A picture in half blocks, a line for every two rows.

    Args:
        pixels: uint8, shape (H, W, 3). Below a row without another is the terminal's own ground.
        true_colors: whether the terminal knows all colours; otherwise the nearest of xterm's 256
            are taken.
    """
    kind = "2" if true_colors else "5"
    colors = pixels if true_colors else _numbers_of_256(pixels)

    def code(color: Iterable[int]) -> str:
        return ";".join((kind, *map(str, color)))

    lines = []
    for row in range(0, len(colors), 2):
        pair = colors[row : row + 2]
        changes = (pair[:, 1:] != pair[:, :-1]).any(axis=(0, 2))
        bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), pair.shape[1]]
        for start, end in pairwise(bounds):
            upper, *lower = pair[:, start].tolist()
            ground = f"48;{code(lower[0])}" if lower else "49"
            lines.append(f"\x1b[38;{code(upper)};{ground}m" + _UPPER_HALF * (end - start))
        lines.append("\x1b[0m\n")
    return "".join(lines)


def _numbers_of_256(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The numbers of the nearest of xterm's colours, shape (H, W, 1)."""
    samples = pixels.astype(np.int64)
    levels = np.abs(samples[..., np.newaxis] - _LEVELS).argmin(axis=-1)
    greys = np.abs(samples.sum(axis=-1)[..., np.newaxis] - 3 * _GREYS).argmin(axis=-1)
    from_cube = ((_LEVELS[levels] - samples) ** 2).sum(axis=-1)
    from_greys = ((_GREYS[greys][..., np.newaxis] - samples) ** 2).sum(axis=-1)
    cube = 16 + levels @ np.array([36, 6, 1])
    numbers: NDArray[np.int64] = np.where(from_greys < from_cube, 232 + greys, cube)
    return numbers[..., np.newaxis]


def shades(pixels: NDArray[np.uint8]) -> str:
    """A picture in characters that are the denser the lighter it is, a line for every two rows of
    pixels, which are uint8, shape (H, W, 3)."""
    luma = pixels.astype(np.int64) @ np.array(LUMA)
    if len(luma) % 2:
        luma = np.vstack([luma, luma[-1:]])
    means = (luma[::2] + luma[1::2]) // 2_000
    lines = ("".join(_SHADES[value * len(_SHADES) // 256] for value in row) for row in means)
    return "".join(line.rstrip() + "\n" for line in lines)
