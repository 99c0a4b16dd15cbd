"""The kernels of frames, which look like the frame before; see protocol.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels


class FrameChain(Protocol):
    """One tile of a sequence, which remembers the frames before and has learned from them. It is
    for one thread at a time, and after a failure for nothing more: RuntimeError."""

    def begin(self, labels: Labels) -> None:
        """Begin anew, learning nothing, with the frame of these labels, (height, width)."""

    def encode(self, labels: Labels, capacity: int) -> bytes | None:
        """The payload of the next frame; None where ``capacity`` bytes aren't enough. The first
        one, unless ``begin`` gave it, is coded by itself."""

    def decode(self, payload: Buffer, out: Labels) -> int:
        """Reads the next frame into ``out``, C-contiguous, which has the labels of the frame
        before. Returns how many labels were coded, and a sixteenth of those that came from
        elsewhere; -1 for an invalid payload, and then what ``out`` holds is undefined.
        """


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

    def frame_chain(
        self,
        order: NDArray[np.uint16],
        colors: NDArray[np.uint8],
        width: int,
        height: int,
        setting: int,
    ) -> FrameChain:
        """A chain for a tile of that size; order, colours and setting as for ``context_encode``,
        but that its two bits above say how large tables are: 1 to 3."""
