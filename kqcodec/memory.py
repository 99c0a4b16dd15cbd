"""How much memory decoding may take besides its result, and who waits for it.

Together the tiles in flight take no more than the result and 16 MiB, so that decoding
takes no more than twice the result and 16 MiB: a thread waits until there is room. One
tile at a time may always go on, whatever it takes.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.tiles import Box

ALLOWANCE = 16 << 20

# Of the coder context (spec/kq.md, section 16): by model, how many contexts and how many
# bits the table of each has at most; the plane's margins; and the other tables together.
_MODELS = {1: (8, 16), 2: (8, 17), 3: (24, 18)}
_MARGIN_COLUMNS, _MARGIN_ROWS = 16, 3
_OTHER_TABLES = 3_000_000  # rule 9.3


def context_plane_cells(width: int, height: int) -> int:
    """The cells of the plane of a tile (rule 16.6), each of two bytes."""
    return (width + _MARGIN_COLUMNS) * (height + _MARGIN_ROWS)


def context_workspace(settings: int, box: Box) -> int:
    """Bytes that the coder context takes for a tile with those settings."""
    if settings >> 6 not in _MODELS:
        return 0  # by the coder dense
    contexts, most_bits = _MODELS[settings >> 6]
    bits = min((box.pixels - 1).bit_length() + 2, most_bits)
    slots = contexts * 4 << max(bits, 8)
    return 2 * context_plane_cells(box.width, box.height) + slots + _OTHER_TABLES


class Budget:
    """Bytes that several threads share."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Wait until there is room for that many bytes, or nobody else has any."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + size <= self._size)
            self._used += size
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._changed.notify_all()
