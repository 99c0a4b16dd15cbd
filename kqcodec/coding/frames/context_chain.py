"""Chains by the coder context: each frame from the one before, by a model that goes on learning.

spec/kq.md, section 19. The payloads of a tile, by their first bytes:

    06 settings ...   the chain begins: the labels by themselves or, behind a payload that isn't
                      the chain's, from the frame before
    06 ...            the next frame
    (nothing)         no change
    01 .. 45 ...      as in a still file, of which the chain learns nothing

The last is for frames that are noise: dense is the most that a payload may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders.context import CHAINED
from kqcodec.errors import InvalidDataError
from kqcodec.format.limits import chain_workspace
from kqcodec.format.sizes import payload_range
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.coders import Coder
    from kqcodec.coding.frames.room import Reservation, Room
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import EffortName
    from kqcodec.kernels.protocol_frames import FrameChain

# Settings: how large tables are, that labels are asked about, and a match, in bits 7-6, 4 and 3,
# and how quickly to learn. By tables of 2**16, 2**18 and 2**20 slots a chain takes 4, 14 and 55 MB,
# and recordings of screens 9, 4 and 0 % more. What label maps have to say fits into 2**16.
_SETTINGS: dict[EffortName, int] = {"fast": 0x5C, "default": 0x9C, "best": 0xDC}
_LABEL_MAPS: dict[EffortName, int] = {"fast": 0x52, "default": 0x52, "best": 0x92}


def settings_of(effort: EffortName, tiles: int, *, colors: bool) -> int:
    """The settings of the chains of a picture of so many tiles; those of one may have what memory
    there is."""
    if not colors:
        return _LABEL_MAPS[effort]
    return _SETTINGS["best" if effort == "default" and tiles == 1 else effort]


class ContextChain:
    """See ``TileChain``.

    Args:
        still: what codes a tile by itself.
        tree: order and colours of the palette, as ``kernels.frame_chain`` takes them.
        settings: of a chain that is begun to encode.
        room: for the memory of the chains of a file that is read.
        width, height: of the tile.
    """

    def __init__(
        self,
        still: Coder,
        tree: tuple[NDArray[np.uint16], NDArray[np.uint8]],
        settings: int,
        room: Room | None,
        *,
        width: int,
        height: int,
    ) -> None:
        self._still = still
        self._tree = tree
        self._size = width, height
        self._settings = settings
        k = len(tree[0])
        self._most = payload_range("context", width * height, k)[1]
        self._room = room
        self._reserved: Reservation | None = None
        self._chain: FrameChain | None = None
        self._before: Labels | None = None  # of an encoder
        self._is_key = True

    def _begin(self, settings: int, before: Labels | None) -> FrameChain:
        """A chain that has learned nothing, behind a frame, or at a key frame."""
        self._chain = self._reserved = None
        if self._room is not None:
            self._reserved = self._room.reserve(chain_workspace(settings, *self._size))
        self._chain = kernels.frame_chain(*self._tree, *self._size, settings)
        if not self._is_key:
            assert before is not None  # noqa: S101 - a frame came before
            self._chain.begin(before)
        return self._chain

    def encode(self, labels: Labels) -> bytes:
        """See ``TileChain``."""
        before, self._before = self._before, labels.copy()
        if before is not None and np.array_equal(before, labels):
            return b""
        start = bytes([CHAINED])
        if self._chain is None:
            start += bytes([self._settings])
            self._begin(self._settings, before)
        assert self._chain is not None  # noqa: S101 - just made
        self._is_key = False
        coded = self._chain.encode(self._before, self._most - len(start))
        if coded is None:
            self._chain = None
            return self._still.encode(labels)
        return start + coded

    def decode(self, payload: Buffer, canvas: Labels) -> int:
        """See ``TileChain``."""
        view = memoryview(payload).cast("B")
        if not view.nbytes or view[0] != CHAINED:
            self._chain, self._is_key = None, False
            self._still.decode(view, canvas)
            return 0
        view = view[1:]
        chain = self._chain
        if chain is None:
            settings = view[0] if view.nbytes else 0
            if settings < 0x40 or settings & 0x20:
                raise InvalidDataError(
                    f"a chain's settings {settings:#04x} mean nothing (rule 19.14)"
                )
            chain, view = self._begin(settings, canvas), view[1:]
        self._is_key = False
        work = chain.decode(view, canvas)
        if work < 0:
            raise InvalidDataError("a frame's decisions don't end as they must (section 19)")
        return work
