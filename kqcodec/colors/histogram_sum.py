"""The sum of many histograms, in bounded memory.

While there are few colours the parts are merged, key by key. When there are many, a
table of all 2^24 opaque colours, 128 MB, is quicker and no larger than lists could
become:

    parts ── merged lists ── over 2^18 colours ──┬── table of opaque colours ──┬── one list
                                                 └── list of translucent ones ─┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.colors.histogram import KEYS, Histogram
from kqcodec.errors import ColorsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A list of so many colours is merged in a millisecond.
_MOST_LISTED = 1 << 18
# Of 2^32 colours with alpha there is no table. So many take 200 MB while they are merged.
MOST_TRANSLUCENT = 1 << 22
# Keys of the table gathered at a time.
_PART = 1 << 20


class HistogramSum:
    """Adds histograms up, with alpha if any has it. One thread at a time may use it."""

    def __init__(self) -> None:
        self._channels = 3
        self._listed: Histogram | None = None
        self._table: NDArray[np.int64] | None = None

    def add(self, part: Histogram) -> None:
        """Add one; raises ColorsError where there are more translucent colours than can be kept."""
        self._channels = max(self._channels, part.channels)
        if self._table is not None:
            part = self._into_table(part)
            if len(part) == 0:
                return
        self._listed = part if self._listed is None else self._listed + part
        if self._table is None and len(self._listed) > _MOST_LISTED:
            self._table = np.zeros(KEYS, dtype=np.int64)
            self._listed = self._into_table(self._listed)
        if self._table is not None and len(self._listed) > MOST_TRANSLUCENT:
            raise ColorsError(
                f"there are over {MOST_TRANSLUCENT:,} different colours that are neither opaque "
                "nor fully transparent",
                "background",
            )

    @property
    def least_colors(self) -> int:
        """A number of different colours that there are so far, of up to 2^18 all."""
        listed = 0 if self._listed is None else len(self._listed)
        return listed if self._table is None else max(listed, _MOST_LISTED)

    def _into_table(self, part: Histogram) -> Histogram:
        """Count the opaque colours of a part in the table, and give back the others."""
        assert self._table is not None  # noqa: S101 - called when it is there
        first = part.by_opacity[2].start
        self._table[part.keys[first:] & np.uint32(KEYS - 1)] += part.counts[first:]
        return Histogram(part.keys[:first], part.counts[:first], channels=4)

    def total(self) -> Histogram:
        """The sum. It takes the place of all that was added: nothing can be added after. Raises
        ValueError where nothing was added."""
        listed, table = self._listed, self._table
        self._listed = self._table = None
        if listed is None:
            raise ValueError("there is nothing to sum")
        if table is None:
            return listed
        opaque = _gathered(table)
        return opaque if self._channels == 3 else listed + opaque


def _gathered(table: NDArray[np.int64]) -> Histogram:
    """The colours that a table of all keys has, which ends up in pieces: the counts move
    to its start, so that there is no second table."""
    size = int(np.count_nonzero(table))
    keys = np.empty(size, dtype=np.uint32)
    end = 0
    for start in range(0, KEYS, _PART):
        part = table[start : start + _PART]
        found = np.flatnonzero(part)
        stop = end + len(found)
        keys[end:stop] = found + start
        table[end:stop] = part[found]
        end = stop
    # A view would keep the whole table alive; few colours are worth a copy.
    counts = table[:size] if 2 * size > KEYS else table[:size].copy()
    return Histogram(keys, counts)
