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
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram


PEAK = 255
# 16 MB of int32 differences at a time.
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


def squared_distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Squared RGB distances of uint8 colours of shape (..., 3): int32, shape (...)."""
    squared = np.zeros(a.shape[:-1], dtype=np.int32)
    for channel in range(3):
        difference = a[..., channel].astype(np.int32) - b[..., channel]
        difference *= difference
        squared += difference
    return squared


def squared_rgba_distances(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Squared distances of uint8 colours of shape (..., 4), each 130,050-fold: int64,
    shape (...)."""
    alpha_a, alpha_b = a[..., 3].astype(np.int64), b[..., 3].astype(np.int64)
    hidden = PEAK * (alpha_a - alpha_b)
    squared = np.zeros(a.shape[:-1], dtype=np.int64)
    for channel in range(3):
        on_black = a[..., channel] * alpha_a - b[..., channel] * alpha_b
        squared += on_black * on_black
        on_white = on_black - hidden
        squared += on_white * on_white
    return squared


def inertia(a: NDArray[Any], b: NDArray[Any]) -> int:
    """The sum of the squared distances of two uint8 pictures, RGB or both RGBA: exact,
    and with alpha rounded to a whole number.

    Raises:
        TypeError: an array isn't uint8.
        ValueError: shapes that differ, aren't (..., 3) or (..., 4) or hold no pixels.
    """
    total, unit = _sum_of_squares(a, b)
    return (total + unit // 2) // unit


def _sum_of_squares(a: NDArray[Any], b: NDArray[Any]) -> tuple[int, int]:
    """The sum, and in which unit it is; raises as ``inertia`` does."""
    for array in (a, b):
        if array.dtype != np.uint8:
            raise TypeError(f"pictures to compare must be uint8, not {array.dtype}")
    if a.shape != b.shape:
        raise ValueError(f"pictures to compare must have one shape, not {a.shape} and {b.shape}")
    if a.ndim < 2 or a.shape[-1] not in (3, 4) or 0 in a.shape:
        raise ValueError(
            f"pictures to compare must have shape (H, W, 3) or (H, W, 4), not {a.shape}"
        )
    flat_a, flat_b = a.reshape(-1, a.shape[-1]), b.reshape(-1, a.shape[-1])
    total, unit = 0, 1
    for i in range(0, len(flat_a), _CHUNK):
        squared, unit = squares(flat_a[i : i + _CHUNK], flat_b[i : i + _CHUNK])
        total += int(squared.sum(dtype=np.int64))
    return total, unit


def squares(
    a: NDArray[np.uint8], b: NDArray[np.uint8]
) -> tuple[NDArray[np.int32] | NDArray[np.int64], int]:
    """Squared distances of uint8 colours of shape (..., 3), or both (..., 4), as whole
    numbers of shape (...), and how many of these are 1."""
    if a.shape[-1] == 4:
        return squared_rgba_distances(a, b), _RGBA_UNIT
    return squared_distances(a, b), 1


def mse(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The mean squared distance of two uint8 pictures; raises as ``inertia`` does."""
    total, unit = _sum_of_squares(a, b)
    return total / (unit * math.prod(a.shape[:-1]))


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The peak signal-to-noise ratio in decibels; raises as ``inertia`` does."""
    return psnr_of_mse(mse(a, b))


def psnr_of_mse(mean_squared_error: float) -> float:
    """Decibels from an MSE summed over three channels; infinite for 0."""
    if mean_squared_error == 0:
        return math.inf
    return 10 * math.log10(3 * PEAK * PEAK / mean_squared_error)


def _weighted_sum(values: NDArray[np.int64], weights: NDArray[np.int64]) -> int:
    """The exact sum of values of at least 0, weighted: of as many of their bits at a time
    as leave the sum below 2^63. The weights add up to less than 2^62."""
    bits = 63 - int(weights.sum()).bit_length()
    total, shift = 0, 0
    while values.any():
        total += int((values & ((1 << bits) - 1)) @ weights) << shift
        values, shift = values >> bits, shift + bits
    return total


def distances_in_steps(squared: NDArray[Any], unit: int = 1) -> NDArray[np.int64]:
    """The roots of squared distances, ``unit`` of which are 1, in steps of 2^-20: IEEE
    roots, the same everywhere, as integers, whose sum has no order."""
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
    *,
    iterations: int = 0,
) -> Costs:
    """The costs of a palette, with alpha if the colours have it, of which colour i of a
    histogram has the entry ``labels[i]``."""
    total, steps, unit = 0, 0, 1
    for start in range(0, len(colors), _CHUNK):
        part = colors.part(slice(start, start + _CHUNK))
        squared, unit = squares(part.colors, palette.take(labels[start : start + _CHUNK], axis=0))
        total += _weighted_sum(squared.astype(np.int64), part.counts)
        steps += _weighted_sum(distances_in_steps(squared, unit), part.counts)
    return _costs(
        (total, steps, unit),
        colors.pixels,
        unique_colors=len(colors),
        palette_colors=len(palette),
        iterations=iterations,
    )


def costs_of_pixels(
    pixels: NDArray[np.uint8], palette: NDArray[np.uint8], labels: NDArray[Any], *, like: Costs
) -> Costs:
    """The costs of labels, shape (H, W), that needn't be those of the nearest entries,
    whose costs are ``like``. Pixels and palette have both alpha or neither."""
    flat, flat_labels = pixels.reshape(-1, pixels.shape[-1]), labels.reshape(-1)
    total, steps, unit = 0, 0, 1
    for start in range(0, len(flat), _CHUNK):
        part = slice(start, start + _CHUNK)
        squared, unit = squares(flat[part], palette.take(flat_labels[part], axis=0))
        total += int(squared.sum(dtype=np.int64))
        steps += int(distances_in_steps(squared, unit).sum())
    return _costs(
        (total, steps, unit),
        len(flat),
        unique_colors=like.unique_colors,
        palette_colors=like.palette_colors,
        iterations=like.iterations,
    )


def _costs(
    sums: tuple[int, int, int],
    pixels: int,
    *,
    unique_colors: int,
    palette_colors: int,
    iterations: int,
) -> Costs:
    """The costs of pixels by the sums of their squared distances and of their distances in
    steps, and the unit of the former."""
    total, steps, unit = sums
    mean = total / (unit * pixels)
    return Costs(
        inertia=(total + unit // 2) // unit,
        distance_sum=steps_to_distance(steps),
        mse=mean,
        psnr=psnr_of_mse(mean),
        pixels=pixels,
        unique_colors=unique_colors,
        palette_colors=palette_colors,
        iterations=iterations,
    )
