"""Chains of label maps: the slices of a volume, of which a tile may have a list of its own ids.

spec/kq.md, section 19. The list stands ahead of a payload that begins a chain, and holds for those
that follow, which are coded as labels of the list. So it has the ids of all of them:

    04 list 06 ...   the chain begins, labels are those of the list
    06 ... 07 ...    the next slice, of the same labels
    (nothing)        no change
    04 list ...      a list anew, with which a chain begins anew, too
    45 ...           a slice by itself, without a list, as are those that follow
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.coders.context import CHAINED
from kqcodec.coding.coders.frame_parts import FROM_BEFORE
from kqcodec.coding.coders.label_parts import OWN_LIST, listed_parts
from kqcodec.coding.coders.label_tiles import own_list, pack_own_list
from kqcodec.format.labels import label_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.frames.tile_chain import TileChain
    from kqcodec.format.labels import Labels

    Entries = NDArray[np.integer[Any]]

NO_LISTS: Mapping[int, Entries] = MappingProxyType({})
# What payloads begin with that go on with a list.
_CHAINED = (b"", bytes([CHAINED]), bytes([FROM_BEFORE]))
_COPIED = 16  # pixels that are copied in the time in which one is coded


class LabelChain:
    """See ``TileChain``; for label maps, whose labels are entries of a table.

    Args:
        unlisted: what makes chains of the tile for so many labels, without lists.
        k: labels of the tile at most.
        entries: of the table.
        lists: for encoding, by the frames of the chain from which on they hold, counted from
            0: the entries that there are up to the next, ascending. Frames ahead of the first
            have none.
    """

    def __init__(
        self,
        unlisted: Callable[[int], TileChain],
        k: int,
        entries: int,
        lists: Mapping[int, Entries] = NO_LISTS,
    ) -> None:
        self._unlisted, self._most, self._table = unlisted, k, entries
        self._lists = lists
        self._frame = 0
        self._start(None)

    def _start(self, entries: Entries | None) -> None:
        """Begin anew, with a list or without one."""
        self._entries = entries
        self._k = self._most if entries is None else len(entries)
        self._inner = self._unlisted(self._k)
        self._places: Labels | None = None

    def encode(self, labels: Labels) -> bytes:
        """See ``TileChain``."""
        new = self._frame in self._lists
        if new:
            self._start(self._lists[self._frame])
        self._frame += 1
        places = labels if self._entries is None else np.searchsorted(self._entries, labels)
        payload = self._inner.encode(places.astype(label_dtype(self._k), copy=False))
        # A slice that is coded by itself ends the list, too.
        alone = payload[:1] not in _CHAINED
        if self._entries is not None and (new or alone):
            return pack_own_list(self._entries) + payload
        return payload

    def decode(self, payload: Buffer, canvas: Labels) -> int:
        """See ``TileChain``."""
        view = memoryview(payload).cast("B")
        if view[:1] == bytes([OWN_LIST]):
            listed, numbers, view = listed_parts(view, self._most)
            entries = own_list(numbers, listed, self._table)
            self._start(entries.astype(canvas.dtype))
        elif view[:1] not in _CHAINED and self._entries is not None:
            self._start(None)
        if self._entries is None and canvas.itemsize <= 2:
            return self._inner.decode(view, canvas)
        if self._places is None:
            self._places = np.zeros(canvas.shape, dtype=label_dtype(self._k))
        work = self._inner.decode(view, self._places)
        if self._entries is None:
            canvas[...] = self._places
        else:
            np.take(self._entries, self._places, out=canvas, mode="clip")
        return work + canvas.size // _COPIED
