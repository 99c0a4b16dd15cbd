"""Reading a picture's blocks twice, and telling by checksums whether they have changed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kqcodec.errors import ImageError, KqError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kqcodec.format.grid import Box, Grid
    from kqcodec.images.blocks import Blocks

_Samples = TypeVar("_Samples")


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

    def read_first(self, index: int) -> NDArray[Any]:
        """The samples of a block, or ImageError if they can't be read."""
        samples = self._read(index)
        self._checksums[index] = zlib.crc32(samples)
        return samples

    def read_again(self, index: int) -> NDArray[Any]:
        """The samples of a block that was read before; ImageError if they can't be read, or
        aren't what they were."""
        samples = self._read(index)
        if zlib.crc32(samples) != self._checksums[index]:
            raise changed_error(self.blocks.name, self.boxes.box(index))
        return samples

    def _read(self, index: int) -> NDArray[Any]:
        box = self.boxes.box(index)
        return with_image_errors(
            self.blocks.name, box, lambda: np.ascontiguousarray(self.blocks.read(box))
        )


def with_image_errors(name: str, box: Box, read: Callable[[], _Samples]) -> _Samples:
    """What ``read`` returns for a rectangle of the picture ``name``; ImageError for whatever it
    raises, but for our own errors and MemoryError."""
    try:
        return read()
    except (KqError, MemoryError):
        raise
    except Exception as exc:
        # Whatever a library raises for data that it can't read.
        reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        raise ImageError(f"{name}: {_place(box)} can't be read: {reason}") from exc


def changed_error(name: str, box: Box) -> ImageError:
    """The error that a rectangle of a picture isn't what it was."""
    return ImageError(
        f"{name} changed while it was read: {_place(box)} aren't what they were; try again when "
        "nobody writes to it"
    )


def _place(box: Box) -> str:
    return f"rows {box.upper:,} to {box.lower - 1:,}, columns {box.left:,} to {box.right - 1:,}"
