"""The kernels of frames, which look like the frame before; see protocol.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels


class FrameKernels(Protocol):
    """What frames of an animation or a volume are coded by."""

    def find_moves(self, labels: Labels, before: Labels) -> NDArray[np.int32]:
        """By how much parts of a frame have moved: up to three displacements, (n, 2), each dx, dy.

        Labels and those of the frame before are of one shape, (height, width), uint8 or
        uint16. A displacement explains a block of 16 x 16 labels at a multiple of 16 that is what
        was at (x + dx, y + dy) in the frame before. Blocks count that are whole, aren't of one
        label, and differ from the frame before at their own place.

        Each votes for where in the frame before its hash stands first, row by row: the sum of
        label(x, y) * 0x9E3779B1^(15 - x) * 0x85EBCA6B^(15 - y), modulo 2^32. Of the 16
        displacements that have most votes, (0, 0) not among them, it is found which blocks they
        explain, and the best three are taken one after the other, by the blocks that are left,
        four at least. Of several as good it is the one with more votes, then the one that got its
        first vote first.
        """
