"""A palette as it is stored, in 8 bits, from centres that lie between: they are rounded,
and then moved from one 8-bit colour to the next while that lowers the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import colors_of_keys
from kqcodec.colors.spaces import STEP
from kqcodec.kernels import kernels
from kqcodec.quantization.cells import cell_bits, merged_cells, times_for
from kqcodec.quantization.lloyd import costliest, nearest
from kqcodec.quantization.merge_split import neighbors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.colors.spaces import Space
    from kqcodec.quantization.cells import WeightedPoints
    from kqcodec.quantization.effort import Effort

# The descent keeps a list of neighbours of each centre.
_MOST_CENTERS = 4096
_REACH = 8
# It's on cells, but no fewer than this.
_POINTS = 4096
# After so many attempts a palette may keep fewer colours than K.
_REFILLS = 4


def rounded(
    fine: WeightedPoints, means: NDArray[np.int16], effort: Effort, space: Space
) -> NDArray[np.uint8]:
    """The means as 8-bit colours, each of them used if possible, and without alpha moved
    about until no step lowers the cost."""
    data = merged_cells(fine, cell_bits(fine, points_for(effort, fine, len(means))))
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
        descend_on_grid(data.points, data.weights, centers, labels, distances, passes=effort.passes)
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
    """Moves centres from one 8-bit colour to the next while that lowers the cost, in
    at most so many passes; see ``nudge`` of ``kqcodec.kernels``."""
    if len(centers) > _MOST_CENTERS or passes == 0:
        return
    around = neighbors(centers, _REACH)
    active = np.ones(len(centers), dtype=np.bool_)
    for _ in range(passes):
        moved, _ = kernels.nudge(points, weights, centers, labels, distances, around, active, STEP)
        if moved == 0:
            break


def points_for(effort: Effort, fine: WeightedPoints, k: int) -> int:
    """On how many points, at least, a palette of k colours is moved about."""
    return max(_POINTS, effort.nudged * times_for(fine) * k)
