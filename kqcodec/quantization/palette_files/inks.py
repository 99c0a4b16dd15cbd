"""Colours of other models as sRGB: what palettes hold beside red, green and blue.

HSB is another way to write RGB, and Lab (CIE 1976, white D50) has one RGB value where
sRGB can show it at all. CMYK means nothing exact without the press's profile, which
palettes lack; it is taken as every program does that has none: each ink takes away its
part of the light, and black of all three.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from kqcodec.errors import PaletteError
from kqcodec.images.conversion import ConversionWarning

if TYPE_CHECKING:
    from collections.abc import Iterable

_D50 = (0.96422, 1.0, 0.82521)
# From XYZ under D50 to linear sRGB, adapted by Bradford's matrix (Lindbloom).
_LINEAR = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
# Less than half a step of 8 bits outside is a matter of rounding.
_BEYOND = 0.5 / 255


def of_unit(values: Iterable[float]) -> list[int]:
    """Samples of numbers from 0 to 1; raises PaletteError for others, or what is no number."""
    given = list(values)
    if not all(0 <= value <= 1 for value in given):  # not a number, too
        raise PaletteError("the palette is damaged: a value is outside 0..1")
    return [math.floor(255 * value + 0.5) for value in given]


class Inks:
    """The conversion of one palette, which warns once of each thing that isn't exact."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, message: str) -> None:
        """A ConversionWarning, unless it was given before."""
        if message not in self._said:
            self._said.add(message)
            warnings.warn(message, ConversionWarning, stacklevel=2)

    def of_cmyk(self, cyan: float, magenta: float, yellow: float, black: float) -> list[int]:
        """The samples of four amounts of ink, each from 0 to 1, with a warning that there is
        no profile; raises PaletteError for other amounts."""
        of_unit((cyan, magenta, yellow, black))  # for its error
        self.warn("the palette's colours in CMYK are converted without a profile, not exactly")
        return of_unit((1 - ink) * (1 - black) for ink in (cyan, magenta, yellow))

    def of_lab(self, lightness: float, a: float, b: float) -> list[int]:
        """The samples of CIE Lab under D50, lightness 0..100, a and b -128..128, cut off with a
        warning where sRGB can't show them; raises PaletteError for other values."""
        if not (0 <= lightness <= 100 and -128 <= a <= 128 and -128 <= b <= 128):
            raise PaletteError("the palette is damaged: a value of Lab is out of range")
        middle = (lightness + 16) / 116
        xyz = [
            white * _cubed(f)
            for white, f in zip(_D50, (middle + a / 500, middle, middle - b / 200), strict=True)
        ]
        linear = [sum(m * v for m, v in zip(row, xyz, strict=True)) for row in _LINEAR]
        shown = [_companded(value) for value in linear]
        if not all(-_BEYOND <= value <= 1 + _BEYOND for value in shown):
            self.warn("some of the palette's Lab colours are outside sRGB and are cut off")
        return of_unit(min(max(value, 0.0), 1.0) for value in shown)


def _cubed(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _companded(value: float) -> float:
    if value <= 0.0031308:
        return 12.92 * value
    return float(1.055 * value ** (1 / 2.4) - 0.055)
