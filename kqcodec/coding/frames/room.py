"""How much memory the chains of a file take, each for as long as it lives."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqcodec.format.limits import Limits


class Reservation:
    """Memory that counts while this object is kept."""


class Room:
    """The memory of all chains of a file that is read, within its limits; for several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken = 0
        self._lock = threading.Lock()

    def reserve(self, size: int) -> Reservation:
        """So many bytes; LimitError if there aren't so many left."""
        with self._lock:
            self._limits.check_chains(self._taken + size)
            self._taken += size
        kept = Reservation()
        weakref.finalize(kept, self._release, size).atexit = False
        return kept

    def _release(self, size: int) -> None:
        with self._lock:
            self._taken -= size
