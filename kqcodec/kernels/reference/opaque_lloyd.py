"""Lloyd's algorithm where opaque points choose among opaque centres alone, whose alpha is
fixed, and the others among all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.nearest import accumulate, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Centers, Distances, Indices, Points, Weights

ALPHA = 3  # the channel


def settle_kinds(
    points: Points,
    weights: Weights,
    centers: Centers,
    labels: Indices,
    distances: Distances,
    *,
    opaque_points: int,
    opaque: int,
    movable: int,
    iterations: int,
    tolerance_bits: int,
) -> tuple[int, int]:
    def choose(places: NDArray[np.int16]) -> tuple[NDArray[np.uint16], NDArray[np.int32], int]:
        chosen, squared = np.empty_like(labels), np.empty_like(distances)
        for part, some in (
            (slice(opaque_points), places[:opaque]),
            (slice(opaque_points, None), places),
        ):
            if len(points[part]):
                nearest(points[part], some, chosen[part], squared[part])
        return chosen, squared, int((weights * squared).sum())

    labels[:], distances[:], cost = choose(centers)
    for left in range(iterations, 0, -1):
        sums = np.zeros((len(centers), centers.shape[1]), dtype=np.int64)
        counts = np.zeros(len(centers), dtype=np.int64)
        accumulate(points, weights, labels, sums, counts)
        some = counts[:movable, np.newaxis]
        if not some.all():
            return left, cost
        moved = centers.copy()
        moved[:movable] = (sums[:movable] + some // 2) // some
        moved[:opaque, ALPHA] = centers[:opaque, ALPHA]
        chosen, squared, after = choose(moved)
        fall = cost - after
        if fall <= 0:
            break
        centers[:], labels[:], distances[:], cost = moved, chosen, squared, after
        if fall <= cost >> tolerance_bits:
            break
    return 0, cost
