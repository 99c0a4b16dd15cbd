"""Descent on the grid of 8-bit colours, which palettes are stored in: centres between its
points are rounded, and then moved from one to the next while that lowers the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import colors_of_keys
from kqcodec.colors.spaces import STEP
from kqcodec.kernels import kernels
from kqcodec.quantization.cells import cell_bits, large_picture_factor, merged_cells
from kqcodec.quantization.lloyd import costliest, nearest
from kqcodec.quantization.merge_split import neighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.effort import Effort

# Beyond so many centres the lists of their nearest neighbours would take too long.
_MOST_CENTERS = 4096
_NEIGHBORS = 8
# The descent is on cells, but on no fewer than these.
_LEAST_CELLS = 4096
# So many times unused entries get other colours; then a palette has fewer than K.
_REFILLS = 4


def rounded_palette(
    fine: WeightedPoints, means: NDArray[np.int16], effort: Effort, space: Space
) -> NDArray[np.uint8]:
    """The means of clusters as an 8-bit palette, uint8, shape (K, 3) or (K, 4): every entry is
    used if possible, and without alpha the entries descend on the grid."""
    data = merged_cells(fine, cell_bits(fine, least_descent_points(effort, fine, len(means))))
    palette = space.colors(means)
    for _ in range(_REFILLS):
        labels, distances = nearest(data.points, space.points(palette))
        unused = np.flatnonzero(np.bincount(labels, minlength=len(palette)) == 0)
        if len(unused) == 0:
            break
        found = costliest(data.weights * distances, len(unused))
        if len(found) == 0:
            break
        palette[unused[: len(found)]] = colors_of_keys(data.keys[found], space.channels)
    if space.has_grid and space.channels == 3:
        centers = space.points(palette)
        descend_on_grid(
            data.points, data.weights, centers, labels, distances, passes=effort.descent_passes
        )
        palette = space.colors(centers)
    return palette


def descend_on_grid(
    points: NDArray[np.int16],
    weights: NDArray[np.int64],
    centers: NDArray[np.int16],
    labels: NDArray[np.uint16],
    distances: NDArray[np.int32],
    *,
    passes: int,
) -> None:
    """Moves centres, 8-bit colours as points, from one such colour to the next while that
    lowers the cost, in at most ``passes`` passes over them. Centres, each point's nearest of
    them and its squared distance are changed in place."""
    if len(centers) > _MOST_CENTERS or passes == 0:
        return
    around = neighbors(centers, _NEIGHBORS)
    active = np.ones(len(centers), dtype=np.bool_)
    for _ in range(passes):
        moved, _ = kernels.nudge(points, weights, centers, labels, distances, around, active, STEP)
        if moved == 0:
            break


def least_descent_points(effort: Effort, fine: WeightedPoints, k: int) -> int:
    """On how many cells, at least, a palette of k colours descends on the grid."""
    return max(_LEAST_CELLS, effort.descent_points * large_picture_factor(fine) * k)
