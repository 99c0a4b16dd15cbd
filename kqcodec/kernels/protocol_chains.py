"""The kernels of sequences: a tile, frame after frame, by the coder `context`; see protocol.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.kernels.protocol import Bytes


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


class ChainKernels(Protocol):
    """What codes sequences."""

    def frame_chain(
        self, order: NDArray[np.uint16], colors: Bytes, width: int, height: int, setting: int
    ) -> FrameChain:
        """A chain for a tile of that size; order, colours and setting as for ``context_encode``,
        the model being the small one."""
