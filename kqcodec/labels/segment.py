"""A segment: the pixels of one label, measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """The pixels of one label.

    Attributes:
        label: its number, the index of its palette entry; of a label map its id.
        color: that entry, RGB, or RGBA where the palette has alpha; of a label map the id's.
        pixels: how many there are; 0 for an unused entry.
        share: of all pixels, 0..1.
        box: left, top, right and bottom, the last two just outside, as Pillow
            counts; None for an unused entry.
        mse: the mean squared distance of ``color`` to the original, as in ``Costs``;
            None where there is no original to compare with, or no pixel.
        mean_distance: the mean of the distance itself, or None as for ``mse``.
        name: what a label map calls it, if it does.
    """

    label: int
    color: tuple[int, ...]
    pixels: int
    share: float
    box: tuple[int, int, int, int] | None
    mse: float | None
    mean_distance: float | None
    name: str | None = None
