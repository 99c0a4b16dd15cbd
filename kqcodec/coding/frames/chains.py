"""Chains: what codes one tile, frame after frame, from a key frame to the next.

spec/kq.md, section 19. A chain begins with a key frame, whose labels it codes by themselves. What
follows may be nothing, where no label changes, or what a still file would have, or be coded from
the frame before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders.context import tree_of
from kqcodec.coding.coders.frame_tokens import FrameTokensCoder
from kqcodec.coding.coders.label_tiles import UnlistedCoder
from kqcodec.coding.frames.context_chain import ContextChain, settings_of
from kqcodec.coding.frames.label_chain import NO_LISTS, LabelChain
from kqcodec.format.names import DEFAULT_EFFORT
from kqcodec.format.sizes import predictable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.coders import Coder
    from kqcodec.coding.frames.label_chain import Entries
    from kqcodec.coding.frames.room import Room
    from kqcodec.coding.frames.tile_chain import TileChain
    from kqcodec.format.header import Header
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import EffortName


@dataclass(frozen=True, eq=False)
class Chains:
    """What makes the chains of a file's tiles.

    Attributes:
        header: the file's.
        coder: of its stills, which knows its palette or table.
        palette: uint8, shape (K, 3) or (K, 4); None of a label map.
        entries: how many labels there may be.
        effort: of the coder context.
        room: for the memory of the chains of a file that is read.
    """

    header: Header
    coder: Coder
    palette: NDArray[np.uint8] | None
    entries: int
    effort: EffortName = DEFAULT_EFFORT
    room: Room | None = None

    def begin(self, tile: int, lists: Mapping[int, Entries] = NO_LISTS) -> TileChain:
        """The chain of a tile, for a key frame and those that follow it; of a label map to be
        encoded with these lists, as for ``LabelChain``."""
        if predictable(self.header.coder) or self.header.k == 1:
            return _SingleFrames(self.coder)
        if self.header.label_map:
            unlisted = partial(self.unlisted, tile)
            return LabelChain(unlisted, self.header.k, self.entries, lists)
        return self._plain(tile)

    def unlisted(self, tile: int, k: int) -> TileChain:
        """The chain of a tile of labels below k, of a label map and without lists of its own."""
        header = replace(self.header, k=k)
        coder = UnlistedCoder(k, header.coder, self.effort)
        if k == 1:
            return _SingleFrames(coder)
        return Chains(header, coder, None, k, self.effort, self.room)._plain(tile)

    def _plain(self, tile: int) -> TileChain:
        """The chain of a tile of more than one colour, without lists, by context or tokens."""
        if self.header.coder == "tokens":
            return _TokensFrames(self)
        grid = self.header.grid
        settings = settings_of(self.effort, grid.count, colors=self.palette is not None)
        box = grid.box(tile)
        return ContextChain(
            *(self.coder, self.tree, settings, self.room), width=box.width, height=box.height
        )

    @cached_property
    def frame_tokens(self) -> FrameTokensCoder:
        """What codes tiles from the frame before by the coder tokens."""
        return FrameTokensCoder(self.coder, self.header.k)

    @cached_property
    def tree(self) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Order and colours of the palette, as ``kernels.frame_chain`` takes them."""
        return tree_of(self.header.k if self.palette is None else self.palette)


class _SingleFrames:
    """Frames by packed and dense, or in one colour: each like a still."""

    def __init__(self, coder: Coder) -> None:
        self._coder = coder

    def encode(self, labels: Labels) -> bytes:
        """See ``TileChain``."""
        return self._coder.encode(labels)

    def decode(self, payload: Buffer, canvas: Labels) -> int:
        """See ``TileChain``."""
        self._coder.decode(payload, canvas)
        return 0


class _TokensFrames:
    """Frames by tokens: what has changed since the frame before."""

    def __init__(self, chains: Chains) -> None:
        self._still = chains.coder
        self._coder = chains.frame_tokens
        self._before: Labels | None = None
        self._is_key = True

    def encode(self, labels: Labels) -> bytes:
        """See ``TileChain``."""
        before, self._before = self._before, labels.copy()
        if before is None:
            return self._still.encode(labels)
        return self._coder.encode(labels, before)

    def decode(self, payload: Buffer, canvas: Labels) -> int:
        """See ``TileChain``."""
        if self._is_key:
            self._still.decode(payload, canvas)
            self._is_key = False
        else:
            self._coder.decode(payload, canvas)
        return 0
