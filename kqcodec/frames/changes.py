"""What has changed from one frame to the next: a rectangle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def changed_box(before: NDArray[Any], after: NDArray[Any]) -> tuple[slice, slice] | None:
    """The rows and columns outside of which nothing differs between two arrays of one shape,
    (H, W) or (H, W, C), and one dtype; None where nothing does."""
    height, width = after.shape[:2]
    rows = np.flatnonzero((before != after).reshape(height, -1).any(axis=1))
    if len(rows) == 0:
        return None
    band = slice(int(rows[0]), int(rows[-1]) + 1)
    differs = (before[band] != after[band]).reshape(band.stop - band.start, -1).any(axis=0)
    columns = np.flatnonzero(differs.reshape(width, -1).any(axis=1))
    return band, slice(int(columns[0]), int(columns[-1]) + 1)
