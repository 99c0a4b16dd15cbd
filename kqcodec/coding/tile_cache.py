"""Decoded tiles that are kept, as many as fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqcodec.format.labels import Labels


class TileCache:
    """The labels of the tiles used last, for several threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._tiles: OrderedDict[int, Labels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tile: int) -> Labels | None:
        """The tile's labels, if they are here."""
        with self._lock:
            found = self._tiles.get(tile)
            if found is not None:
                self._tiles.move_to_end(tile)
            return found

    def put(self, tile: int, labels: Labels) -> None:
        """Keep the tile, and let go of what was used longest ago."""
        with self._lock:
            replaced = self._tiles.pop(tile, None)
            self._held += labels.nbytes - (0 if replaced is None else replaced.nbytes)
            self._tiles[tile] = labels
            while self._held > self._limit:
                _, dropped = self._tiles.popitem(last=False)
                self._held -= dropped.nbytes

    @property
    def nbytes(self) -> int:
        """What the tiles take."""
        return self._held

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._tiles.clear()
            self._held = 0
