"""What the writer and the reader of frames need of a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels


class TileChain(Protocol):
    """One tile from a key frame on. It is for one thread at a time."""

    def encode(self, labels: Labels) -> bytes:
        """The payload of the next frame's labels, of the tile's shape; b"" where they are those
        of the frame before."""

    def decode(self, payload: Buffer, canvas: Labels) -> int:
        """Make of the labels of the frame before, which ``canvas`` holds, C-contiguous, those of
        the next frame. What a key frame finds there is of no matter.

        Returns:
            The work in pixels, beyond what ``kqcodec.coding.work`` foretells of the payload.

        Raises:
            InvalidDataError: not a payload that ``encode`` makes. What ``canvas`` and the chain
                then hold is undefined.
        """
