"""Labels to colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels


def paint(
    labels: Labels, palette: NDArray[np.uint8], out: NDArray[np.uint8], top: int = 0, left: int = 0
) -> None:
    """out[top:, left:] = palette[labels], for labels of shape (h, w), a palette
    of shape (K, C) and a picture of shape (H, W, C)."""
    height, width = labels.shape
    out[top : top + height, left : left + width] = palette[labels]
