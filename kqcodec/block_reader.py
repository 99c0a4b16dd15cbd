"""Reading a picture's blocks twice, and knowing whether it was the same both times."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ImageError, KqError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.blocks import Blocks
    from kqcodec.tiles import Box, Grid


class BlockReader:
    """Reads blocks by number; several threads may use one, each for other blocks.

    Attributes:
        blocks: the picture.
        boxes: its rectangles, in the order in which they are best read.
    """

    def __init__(self, blocks: Blocks, boxes: Grid) -> None:
        self.blocks = blocks
        self.boxes = boxes
        self._checksums = np.zeros(boxes.count, dtype=np.uint32)

    def first(self, index: int) -> NDArray[Any]:
        """The samples of a block, as ``Blocks.read`` gives them.

        Raises:
            ImageError: they can't be read.
        """
        samples = self._read(index)
        self._checksums[index] = zlib.crc32(samples)
        return samples

    def again(self, index: int) -> NDArray[Any]:
        """The same samples.

        Raises:
            ImageError: they can't be read, or aren't the same.
        """
        samples = self._read(index)
        if zlib.crc32(samples) != self._checksums[index]:
            raise ImageError(
                f"{self.blocks.name} changed while it was read: {_place(self.boxes.box(index))} "
                "aren't what they were; try again when nobody writes to it"
            )
        return samples

    def _read(self, index: int) -> NDArray[Any]:
        box = self.boxes.box(index)
        try:
            return np.ascontiguousarray(self.blocks.read(box))
        except (KqError, MemoryError):
            raise
        except Exception as exc:
            # Whatever a library raises for data that it can't read.
            reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
            raise ImageError(f"{self.blocks.name}: {_place(box)} can't be read: {reason}") from exc


def _place(box: Box) -> str:
    return f"rows {box.upper:,} to {box.lower - 1:,}, columns {box.left:,} to {box.right - 1:,}"
