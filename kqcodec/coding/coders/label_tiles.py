"""Tiles of label maps, by the coders `context` and `tokens`.

spec/kq.md, section 18. Where few of the table's entries are in a tile, these stand ahead as a list
of its own. And where there are many, which of them a label is can be told once for a
region: what the coders see is then a map in a few colours, of which neighbours differ.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.coders.context import ContextCoder
from kqcodec.coding.coders.label_parts import TileParts, own_list_head, regions_head
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.errors import InvalidDataError
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.names import CoderName, EffortName

# Regions aren't tried where there are fewer labels than this for each of their colours, since the
# map in these is hardly smaller; and an own list isn't where it has more than half of the labels.
# Measured on cells, superpixels, tissue, brains, streets, objects and land cover.
_LABELS_A_COLOR = 4


class LabelTileCoder:
    """See ``kqcodec.coding.coders.Coder``; for label maps. Labels are entries of a table.

    Args:
        k: labels of a tile, 1 to 65,536.
        name: "context" or "tokens".
        effort: as for pictures.
        entries: of the table, at least ``k``; where there are more, tiles have lists of their own.
    """

    def __init__(self, k: int, name: CoderName, effort: EffortName, entries: int) -> None:
        self._k = k
        self._name = name
        self._effort = effort
        self._entries = entries

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        if self._k == 1:
            return b""
        used = used_labels(labels)
        best = None
        if used[-1] < self._k:
            narrow: Labels = labels.astype(label_dtype(self._k), copy=False)
            best = self._unlisted(self._k).smallest(narrow, len(used))
        if best is None or 2 * len(used) <= self._k:
            head = pack_own_list(used)
            if best is None or len(head) < len(best):
                places: Labels = np.searchsorted(used, labels).astype(label_dtype(len(used)))
                listed = head + self._unlisted(len(used)).smallest(places, len(used))
                best = listed if best is None or len(listed) < len(best) else best
        return best

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        view = memoryview(payload).cast("B")
        if self._k == 1:
            self._unlisted(1).decode(view, out)
            return
        parts = TileParts.from_bytes(view, min(self._k, out.size))
        if not parts.listed:
            self._unlisted(self._k).decode_parts(parts, out)
            return
        entries = own_list(parts.own_list, parts.listed, self._entries)
        labels = np.empty(out.shape, dtype=label_dtype(parts.listed))
        self._unlisted(parts.listed).decode_parts(parts, labels)
        np.take(entries.astype(out.dtype), labels, out=out, mode="clip")

    def _unlisted(self, k: int) -> UnlistedCoder:
        return UnlistedCoder(k, self._name, self._effort)


class UnlistedCoder:
    """See ``kqcodec.coding.coders.Coder``; for tiles of label maps without a list of their own, of
    labels below ``k``."""

    def __init__(self, k: int, name: CoderName, effort: EffortName) -> None:
        self._k = k
        self._name = name
        self._effort = effort

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        return self.smallest(labels, len(used_labels(labels))) if self._k > 1 else b""

    def smallest(self, labels: Labels, used: int) -> bytes:
        """So many different labels as they are or, by context, as regions, whichever is
        smaller."""
        best = self._coder(self._k).encode(labels)
        if self._name == "tokens":  # regions take a few bytes less, and three times as long
            return best
        by_regions = self._regions(labels, used, len(best) - 1)
        return best if by_regions is None else by_regions

    def _regions(self, labels: Labels, used: int, most: int) -> bytes | None:
        """The payload of regions; None if it has more bytes, or looks as if."""
        least = 1 if self._effort == "best" else _LABELS_A_COLOR
        # Of more than two labels, since two colours are theirs by other names.
        found = kernels.regions_encode(labels, self._k, most) if used > 2 * least else None
        if found is None:
            return None
        count, colors, ids = found
        if used < count * least:
            return None
        payload = regions_head(count, ids) + self._coder(count).encode(colors)
        return payload if len(payload) <= most else None

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        view = memoryview(payload).cast("B")
        if self._k == 1:
            self._coder(1).decode(view, out)
        else:
            self.decode_parts(TileParts.from_bytes(view, 0), out)

    def decode_parts(self, parts: TileParts, out: Labels) -> None:
        """Fill ``out`` with the labels behind the list, if there is one."""
        if not parts.colors:
            if out.itemsize <= 2:
                self._coder(self._k).decode(parts.rest, out)
            else:
                labels = np.empty(out.shape, dtype=label_dtype(self._k))
                self._coder(self._k).decode(parts.rest, labels)
                out[...] = labels
            return
        colors = np.empty(out.shape, dtype=np.uint8)
        self._coder(parts.colors).decode(parts.rest, colors)
        if not kernels.regions_decode(parts.ids, colors, self._k, out):
            raise InvalidDataError("the labels of a tile's regions are invalid")

    def _coder(self, k: int) -> ContextCoder | TokensCoder:
        return _coder_of(self._name, k, self._effort)


def pack_own_list(used: NDArray[np.integer[Any]]) -> bytes:
    """What stands ahead of a tile that has these entries, ascending, each once."""
    numbers = used.astype(np.uint64)
    numbers[1:] = numbers[1:] - numbers[:-1] - np.uint64(1)
    return own_list_head(len(used), kernels.numbers_encode([numbers]))


def own_list(payload: Buffer, listed: int, most: int) -> NDArray[np.uint64]:
    """So many entries in a tile's own list, of a table of ``most``; InvalidDataError if they
    aren't."""
    numbers = kernels.numbers_decode(payload, [listed])
    if numbers is None or int(numbers[0].max()) >= most:
        raise InvalidDataError("a tile's own list is invalid")
    entries = np.cumsum(numbers[0] + np.uint64(1)) - np.uint64(1)
    if int(entries[-1]) >= most:
        raise InvalidDataError(f"a tile's own list has the entry {int(entries[-1]):,} of {most:,}")
    return entries


def used_labels(labels: Labels) -> NDArray[np.integer[Any]]:
    """The labels that there are, ascending, each once."""
    if labels.itemsize > 2:
        return np.unique(labels)
    present = np.zeros(1 << 8 * labels.itemsize, dtype=np.bool_)
    present[labels] = True
    return np.flatnonzero(present)


@lru_cache(maxsize=32)
def _coder_of(name: CoderName, k: int, effort: EffortName) -> ContextCoder | TokensCoder:
    """The coder of k labels without colours."""
    return ContextCoder(k, effort) if name == "context" else TokensCoder(k)
