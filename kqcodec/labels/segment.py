"""One segment: a label, and where its pixels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Segment:
    """The pixels of one label.

    Attributes:
        label: its number, the index of its palette entry.
        color: that entry, RGB, or RGBA where the palette has alpha.
        pixels: how many there are; 0 for an unused entry.
        share: of all pixels, 0..1.
        box: left, top, right and bottom, the last two just outside, as Pillow
            counts; None for an unused entry.
        mse: the mean squared distance of ``color`` to the original, as in ``Costs``;
            None where there is no original to compare with, or no pixel.
        mean_distance: the same of the distance itself.
    """

    label: int
    color: tuple[int, ...]
    pixels: int
    share: float
    box: Box | None
    mse: float | None
    mean_distance: float | None
