"""What quantizing costs: squared and plain distances, MSE and PSNR.

MSE is the squared RGB distance, summed over the channels, mean over the pixels.
PSNR is of the samples, so it uses a third of that:

    PSNR = 10 * log10(255^2 / (MSE / 3))

Where colours have alpha, their squared distance is the mean of two: that of how they
look on black, and that on white. Between opaque colours it is the plain one.

Everything is summed as integers, distances in steps of 2^-20: no cost depends on
the order of the pixels or on the machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram

    # Squared distances, how many of their units are 1, and how often each counts.
    _Part = tuple[NDArray[Any], int, NDArray[np.int64] | None]

PEAK = 255
# Colours or pixels compared at a time: 4 MB of int32 differences.
_CHUNK = 1 << 20
# A mean of two squares of alpha times a sample, both of 0..255.
_RGBA_UNIT = 2 * PEAK * PEAK
# Distances are summed with 20 fractional bits.
_ROOT_UNIT = 1 << 20


@dataclass(frozen=True)
class Costs:
    """What an indexed image lost against its original.

    Attributes:
        inertia: sum over all pixels of the squared distance to their palette
            colour, exact; rounded to a whole number where there is alpha.
        distance_sum: sum over all pixels of the distance itself, the cost that
            the k-means notebook plots.
        mse: ``inertia / pixels``, the former before it is rounded.
        psnr: in decibels, infinite for an exact image.
        pixels: their number.
        unique_colors: different colours in the original.
        palette_colors: different colours kept.
        iterations: of k-means, in the restart that won; 0 for an exact image.
    """

    inertia: int
    distance_sum: float
    mse: float
    psnr: float
    pixels: int
    unique_colors: int
    palette_colors: int
    iterations: int


def squares(
    a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> tuple[NDArray[np.int32] | NDArray[np.int64], int]:
    """The squared distances of uint8 colours of shape (..., 3), or both (..., 4) with alpha, as
    whole numbers of shape (...), and how many of their units a squared distance of 1 is."""
    if a.shape[-1] == 4:
        return _squared_rgba(a, b), _RGBA_UNIT
    squared = np.zeros(a.shape[:-1], dtype=np.int32)
    for channel in range(3):
        difference = a[..., channel].astype(np.int32) - b[..., channel]
        difference *= difference
        squared += difference
    return squared, 1


def _squared_rgba(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Squared distances of colours of shape (..., 4), each 130,050-fold: int64, shape (...)."""
    alpha_a, alpha_b = a[..., 3].astype(np.int64), b[..., 3].astype(np.int64)
    hidden = PEAK * (alpha_a - alpha_b)
    squared = np.zeros(a.shape[:-1], dtype=np.int64)
    for channel in range(3):
        on_black = a[..., channel] * alpha_a - b[..., channel] * alpha_b
        squared += on_black * on_black
        on_white = on_black - hidden
        squared += on_white * on_white
    return squared


def psnr_of_mse(mean_squared_error: float) -> float:
    """Decibels from an MSE summed over three channels; infinite for 0."""
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(3 * PEAK * PEAK / mean_squared_error)


def distances_in_steps(squared: NDArray[Any], unit: int = 1) -> NDArray[np.int64]:
    """The roots of squared distances, ``unit`` of which are 1, in steps of 2^-20: IEEE
    roots, equal on every machine, as integers, whose sum has no order."""
    steps: NDArray[np.int64]
    steps = np.rint(np.sqrt(squared / unit) * _ROOT_UNIT).astype(np.int64)
    return steps


def steps_to_distance(steps: int) -> float:
    """A sum of ``distances_in_steps`` as a distance."""
    return steps / _ROOT_UNIT


def costs_of_palette(
    colors: Histogram,
    palette: NDArray[np.uint8],
    labels: NDArray[Any],
    squared: NDArray[np.int32] | None = None,
    *,
    iterations: int = 0,
) -> Costs:
    """The costs of a palette, shape (K, 3), or (K, 4) where the colours have alpha, for the
    pixels of a histogram. ``squared`` are the colours' squared RGB distances to their entries,
    where they are known already; ``iterations`` of k-means are told with the costs."""

    def parts() -> Iterable[_Part]:
        for start in range(0, len(colors), _CHUNK):
            some = slice(start, start + _CHUNK)
            if squared is not None:
                yield squared[some], 1, colors.counts[some]
            else:
                part = colors.part(some)
                yield *squares(part.colors, palette.take(labels[some], axis=0)), part.counts

    lost = Losses()
    for part in parts():
        lost.add(*part)
    return lost.costs(colors.pixels, len(colors), len(palette), iterations)


def costs_of_pixels(
    pixels: NDArray[np.uint8], palette: NDArray[np.uint8], labels: NDArray[Any], *, like: Costs
) -> Costs:
    """The costs of labels, shape (H, W), that needn't be those of the nearest entries,
    whose costs are ``like``. Pixels and palette have both alpha or neither."""
    return losses_of_pixels(pixels, palette, labels).like(like)


def losses_of_pixels(
    pixels: NDArray[np.uint8], palette: NDArray[np.uint8], labels: NDArray[Any]
) -> Losses:
    """What is lost of pixels, shape (H, W, C), by labels, shape (H, W), of a palette, (K, C)."""
    flat, flat_labels = pixels.reshape(-1, pixels.shape[-1]), labels.reshape(-1)
    lost = Losses()
    for start in range(0, len(flat), _CHUNK):
        some = slice(start, start + _CHUNK)
        lost.add(*squares(flat[some], palette.take(flat_labels[some], axis=0)), None)
    return lost


class Losses:
    """Squared and plain distances, summed as integers: of parts that have all alpha, or none."""

    def __init__(self) -> None:
        self._total, self._steps, self._unit = 0, 0, 1

    def add(self, squared: NDArray[Any], unit: int, counts: NDArray[np.int64] | None) -> None:
        """Add squared distances, ``unit`` of which are 1, each as often as it counts."""
        self._total += _weighted_sum(squared, counts)
        self._steps += _weighted_sum(distances_in_steps(squared, unit), counts)
        self._unit = unit

    def __iadd__(self, other: Losses) -> Losses:
        self._total += other._total
        self._steps += other._steps
        self._unit = other._unit
        return self

    def like(self, other: Costs) -> Costs:
        """These losses as the costs of pixels that have others, too."""
        return self.costs(other.pixels, other.unique_colors, other.palette_colors, other.iterations)

    def costs(self, pixels: int, unique_colors: int, palette_colors: int, iterations: int) -> Costs:
        """These losses as those of so many pixels, with what else is told of them."""
        mean = self._total / (self._unit * pixels)
        return Costs(
            inertia=(self._total + self._unit // 2) // self._unit,
            distance_sum=steps_to_distance(self._steps),
            mse=mean,
            psnr=psnr_of_mse(mean),
            pixels=pixels,
            unique_colors=unique_colors,
            palette_colors=palette_colors,
            iterations=iterations,
        )


def _weighted_sum(values: NDArray[Any], weights: NDArray[np.int64] | None) -> int:
    """The exact sum of integers of at least 0, weighted: of as many of their bits at a time
    as leave the sum below 2^63. The weights add up to less than 2^62; None is 1 each."""
    if weights is None:
        return int(values.sum(dtype=np.int64))
    bits = 63 - int(weights.sum()).bit_length()
    total, mask = 0, np.int64((1 << bits) - 1)
    for shift in range(0, int(values.max()).bit_length(), bits):
        total += int((values >> shift & mask) @ weights) << shift
    return total
