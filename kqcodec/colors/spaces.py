"""Where distances are measured: RGB, or the perceptual Oklab.

A space turns 8-bit colours into the points that k-means clusters, and centres
back into 8-bit colours. Both ways are integer arithmetic, so that a palette
doesn't depend on anybody's ``pow`` or ``cbrt``.

Oklab is Björn Ottosson's (2020). Its lightness 0..1 becomes 0..16320, and its
two opponent axes get the same scale, with 0 at 8160.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kqcodec.format import names

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Coordinates are 8-bit samples with six fractional bits.
FRACTION_BITS = 6
TOP = 255 << FRACTION_BITS
# One step of a sample, and a squared distance of 1, in these.
STEP = 1 << FRACTION_BITS
UNIT = STEP * STEP
# Middle grey.
_GREY = TOP // 2
# The coordinate of an alpha of 255: sqrt(3/4) * TOP, rounded.
OPAQUE_COORDINATE = 14_134
# Where Oklab's black lies: its opponent axes have two sides.
_ORIGIN = np.array([0, TOP // 2, TOP // 2])

# How many fractional bits linear light, the roots of cone responses, and the
# matrices have.
_LIGHT_BITS = 24
_ROOT_BITS = 20
_MATRIX_BITS = 20


class Space(Protocol):
    """A way to measure colours.

    Attributes:
        name: "rgb" or "oklab".
        channels: of its colours, 3 or, with alpha, 4.
        has_grid: whether opaque 8-bit colours are the points of a grid.
    """

    name: str
    channels: int
    has_grid: bool

    def points(self, colors: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Colours of shape (N, 3), or (N, 4) where the space has alpha, as points:
        int16, shape (N, 4), in 0..16320."""
        ...

    def colors(self, centers: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Centres of shape (K, 4) as the 8-bit colours that stand for them: uint8,
        shape (K, 3), or (K, 4) where the space has alpha."""
        ...


class RgbSpace:
    """Plain RGB: a sample times 64, the fourth channel 0."""

    name, channels, has_grid = "rgb", 3, True

    def points(self, colors: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Colours of shape (N, 3) as points, int16, shape (N, 4)."""
        points = np.zeros((len(colors), 4), dtype=np.int16)
        points[:, :3] = colors
        points <<= FRACTION_BITS
        return points

    def colors(self, centers: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Centres of shape (K, 4) rounded to colours, halves up: uint8, shape (K, 3)."""
        half = 1 << (FRACTION_BITS - 1)
        return ((centers[:, :3].astype(np.int32) + half) >> FRACTION_BITS).astype(np.uint8)


class OklabSpace:
    """Oklab: lightness, green to red, blue to yellow, the fourth channel 0."""

    name, channels, has_grid = "oklab", 3, False

    def points(self, colors: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Colours of shape (N, 3) as points, int16, shape (N, 4)."""
        light = _light_of_samples()[colors]
        # A root with 20 fractional bits is that of the value with 60.
        cones = _product(light, _CONES_OF_LIGHT)
        roots = _cube_roots(cones << (3 * _ROOT_BITS - _LIGHT_BITS - _MATRIX_BITS))
        lab = _product(roots, _LAB_OF_ROOTS)
        shift = _MATRIX_BITS + _ROOT_BITS
        scaled = ((lab >> _MATRIX_BITS) * TOP + (1 << (_ROOT_BITS - 1))) >> (shift - _MATRIX_BITS)
        points = np.zeros((len(colors), 4), dtype=np.int16)
        points[:, :3] = np.clip(scaled + _ORIGIN, 0, TOP)
        return points

    def colors(self, centers: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Centres of shape (K, 4) as colours, clipped to sRGB: uint8, shape (K, 3)."""
        lab = centers[:, :3].astype(np.int64) - _ORIGIN
        roots = _product((lab << _ROOT_BITS) // TOP, _ROOTS_OF_LAB) >> _MATRIX_BITS
        # A cube has 60 fractional bits; roots are below 2, so it fits.
        cones = (roots * roots >> _ROOT_BITS) * roots >> (2 * _ROOT_BITS - _LIGHT_BITS)
        light = _product(cones, _LIGHT_OF_CONES) >> _MATRIX_BITS
        samples = _light_of_samples()
        between = (samples[1:] + samples[:-1] + 1) // 2
        return np.searchsorted(between, light, side="right").astype(np.uint8)


class AlphaSpace:
    """A space of colours with alpha: what is seen of them, and how much shines through.

    A pixel of colour c and opacity a is seen as a*c + (1 - a)*b on a background b. So
    two pixels differ by d on black, and by d - e on white, where d is the difference
    of their a*c and e that of their a; and the mean of the squares is

        (d^2 + (d - e)^2) / 2  =  (d - e/2)^2 + e^2 / 4

    in each of three channels. The first term is the squared difference on middle grey, and the
    second ones add up to 3/4 e^2: three coordinates that are the pixel on grey, and one that is
    sqrt(3/4)*a. Between opaque colours these are the distances of the space without alpha. Pixels
    seen alike are near each other, whatever colour lies hidden under an alpha of nearly 0.
    """

    channels = 4

    def __init__(self, base: Space) -> None:
        self._base = base
        self.name, self.has_grid = base.name, base.has_grid

    def points(self, colors: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Colours of shape (N, 4) as points, int16, shape (N, 4)."""
        alpha = colors[:, 3:].astype(np.int32)
        points = self._base.points(colors[:, :3]).astype(np.int32)
        points[:, :3] = (points[:, :3] * alpha + _GREY * (255 - alpha) + 127) // 255
        points[:, 3:] = (alpha * OPAQUE_COORDINATE + 127) // 255
        return points.astype(np.int16)

    def colors(self, centers: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Centres of shape (K, 4) as colours, uint8, shape (K, 4); what is fully transparent
        is black."""
        wide = centers.astype(np.int32)
        alpha = _within((wide[:, 3:] * 255 + OPAQUE_COORDINATE // 2) // OPAQUE_COORDINATE, 255)
        shown = wide[:, :3] * 255 - _GREY * (255 - alpha)
        divisor = np.maximum(alpha, 1)
        unmixed = np.zeros_like(centers)
        unmixed[:, :3] = _within((shown + divisor // 2) // divisor, TOP)
        colors = np.concatenate([self._base.colors(unmixed), alpha.astype(np.uint8)], axis=1)
        colors[alpha[:, 0] == 0] = 0
        return colors


def _within(values: NDArray[np.int32], top: int) -> NDArray[np.int32]:
    """The values clipped to 0..top, a few of them sooner than by ``np.clip``."""
    return np.minimum(np.maximum(values, 0), top)


SPACES: dict[str, Space] = {space.name: space for space in (RgbSpace(), OklabSpace())}
ALPHA_SPACES: dict[str, Space] = {name: AlphaSpace(space) for name, space in SPACES.items()}


def space_of(name: str, channels: int = 3) -> Space:
    """The space of that name, for colours of so many channels; raises ValueError where there
    is none."""
    names.check_name(name, names.SPACES, "space")
    return SPACES[name] if channels == 3 else ALPHA_SPACES[name]


def _fixed(rows: tuple[tuple[str, str, str], ...]) -> NDArray[np.int64]:
    """Decimal digits as integers with _MATRIX_BITS fractional bits, rounded."""
    from fractions import Fraction

    return np.array(
        [[round(Fraction(value) * (1 << _MATRIX_BITS)) for value in row] for row in rows],
        dtype=np.int64,
    )


_CONES_OF_LIGHT = _fixed(
    (
        ("0.4122214708", "0.5363325363", "0.0514459929"),
        ("0.2119034982", "0.6806995451", "0.1073969566"),
        ("0.0883024619", "0.2817188376", "0.6299787005"),
    )
)
_LAB_OF_ROOTS = _fixed(
    (
        ("0.2104542553", "0.7936177850", "-0.0040720468"),
        ("1.9779984951", "-2.4285922050", "0.4505937099"),
        ("0.0259040371", "0.7827717662", "-0.8086757660"),
    )
)
_ROOTS_OF_LAB = _fixed(
    (
        ("1", "0.3963377774", "0.2158037573"),
        ("1", "-0.1055613458", "-0.0638541728"),
        ("1", "-0.0894841775", "-1.2914855480"),
    )
)
_LIGHT_OF_CONES = _fixed(
    (
        ("4.0767416621", "-3.3077115913", "0.2309699292"),
        ("-1.2684380046", "2.6097574011", "-0.3413193965"),
        ("-0.0041960863", "-0.7034186147", "1.7076147010"),
    )
)


def _product(values: NDArray[np.int64], matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """The matrix times each row, in int64, which no product here leaves."""
    return np.stack(
        [values[:, 0] * row[0] + values[:, 1] * row[1] + values[:, 2] * row[2] for row in matrix],
        axis=1,
    )


@lru_cache(maxsize=1)
def _light_of_samples() -> NDArray[np.int64]:
    """Linear light of the 256 samples, by sRGB's curve (IEC 61966-2-1):
    s / 12.92 up to 0.04045, else ((s + 0.055) / 1.055)^2.4, s = v / 255."""
    return np.array([_light_of_sample(v) for v in range(256)], dtype=np.int64)


def _light_of_sample(v: int) -> int:
    one = 1 << _LIGHT_BITS
    if v * 100_000 <= 4_045 * 255:
        return (2 * v * one * 100 + 255 * 1_292) // (2 * 255 * 1_292)
    # x^2.4 = (x^12)^(1/5), x = (1000 v + 14025) / 269025: a fifth root of integers.
    target = (1_000 * v + 14_025) ** 12 * one**5 // 269_025**12
    low, high = 0, one + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**5 <= target else (low, middle)
    return low


def _cube_roots(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The integer cube roots, rounded down, of values below 2^62."""
    roots = np.cbrt(values.astype(np.float64)).astype(np.int64)
    # The guess is off by one at most; integers decide.
    roots -= roots * roots * roots > values
    above = roots + 1
    return roots + (above * above * above <= values)
