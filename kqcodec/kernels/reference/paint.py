"""Labels to colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes


def paint(labels: Labels, palette: Bytes, out: Bytes, top: int = 0, left: int = 0) -> None:
    height, width = labels.shape
    out[top : top + height, left : left + width] = palette[labels]
