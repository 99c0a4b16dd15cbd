"""Error diffusion (Floyd & Steinberg 1976), one row to the right, the next to the
left: what a pixel's entry is off by goes to the pixels that come after it.

          x   7                7   x
      3   5   1    / 16        1   5   3    / 16
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.protocol import Centers, Indices, Mask, Points

TOP = 16_320
# An error is passed on in 4,096ths: by its share in 16ths, times the strength in 256ths.
UNIT_BITS = 12


def diffuse(
    points: Points,
    mask: Mask,
    centers: Centers,
    errors: NDArray[np.int32],
    labels: Indices,
    *,
    strength: int,
    backwards: bool,
) -> None:
    wide = centers.astype(np.int64)
    places = points.astype(np.int64)
    height, width = labels.shape
    half = 1 << (UNIT_BITS - 1)
    for y in range(height):
        ahead = -1 if backwards else 1
        below = np.zeros((width + 2, 4), dtype=np.int64)
        passed = errors.astype(np.int64)
        for x in range(width)[::ahead]:
            if not mask[y, x]:
                continue
            here = x + 1
            target = places[y, x] + ((passed[here] + half) >> UNIT_BITS)
            target = target.clip(0, TOP)
            difference = wide - target
            label = int((difference * difference).sum(axis=1).argmin())
            labels[y, x] = label
            error = -strength * difference[label]
            passed[here + ahead] += 7 * error
            below[here - ahead] += 3 * error
            below[here] += 5 * error
            below[here + ahead] += error
        errors[:] = below
        backwards = not backwards
