"""Pictures as sixels, as DEC's VT340 and many terminals since understand them.

A picture is cut into bands of six rows. For each colour of a band there is a line of characters,
one a column, whose six bits, the uppermost the lowest, say which of its pixels have that colour:

    character = 63 + bits        !count character, for several alike
    #n  colour n from here on    $  back to the left    -  on to the next band

Colours are numbered, up to 256, and defined in percent: #n;2;red;green;blue. (Digital Equipment
Corporation, VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.)
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MOST_COLORS = 256
_BAND = 6
# Below that many alike, the characters themselves are no longer than their number.
_FEW = 4


def sixel(pixels: NDArray[np.uint8]) -> str:
    """A picture as one sequence of sixels: exact to a percent of each channel where it has up to
    256 colours, otherwise in 256 of Pillow's choice.

    Args:
        pixels: uint8, shape (H, W, 3).
    """
    palette, labels = _indexed(pixels)
    height, width = labels.shape
    percents = (palette.astype(np.int64) * 100 + 127) // 255
    parts = [f'\x1bP0;1q"1;1;{width};{height}']
    parts += (f"#{number};2;{r};{g};{b}" for number, (r, g, b) in enumerate(percents.tolist()))
    for row in range(0, height, _BAND):
        parts += ["-"] * (row > 0)
        parts.append("$".join(_lines(labels[row : row + _BAND])))
    return "".join(parts) + "\x1b\\"


def _indexed(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A palette of shape (K, 3), K at most 256, and labels."""
    image = Image.fromarray(pixels)
    colors = image.getcolors(_MOST_COLORS)
    if colors is None:
        reduced = image.quantize(_MOST_COLORS, dither=Image.Dither.NONE)
        given = reduced.getpalette("RGB") or []
        return np.array(given, dtype=np.uint8).reshape(-1, 3), np.asarray(reduced)
    palette = np.array(sorted(color for _, color in colors), dtype=np.uint8)
    weights = np.array([1 << 16, 1 << 8, 1])
    return palette, np.searchsorted(palette @ weights, pixels @ weights).astype(np.uint8)


def _lines(band: NDArray[np.uint8]) -> Iterator[str]:
    """What is written for each of a band's colours."""
    weights = 1 << np.arange(len(band))
    for number in np.unique(band).tolist():
        bits = weights @ (band == number)
        last = int(np.flatnonzero(bits)[-1]) + 1
        bounds = [0, *(np.flatnonzero(np.diff(bits[:last])) + 1).tolist(), last]
        runs = (_run(int(bits[start]), end - start) for start, end in pairwise(bounds))
        yield f"#{number}" + "".join(runs)


def _run(bits: int, count: int) -> str:
    character = chr(63 + bits)
    return character * count if count < _FEW else f"!{count}{character}"
