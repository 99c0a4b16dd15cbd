"""The coder `context`: what neighbouring pixels tell about a label isn't stored again.

spec/kq.md, section 16. A label is coded as a few yes/no questions, each in the fewer
bits the surer the model is of the answer; the model learns from the tile as it goes,
and the decoder's learns the same. The first byte of a payload says which model it was.
Where a tile has nothing to learn, noise, say, the rest is that of the coder dense.

The palette is more than names here: its colours tell which labels are near each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders.dense import DenseCoder
from kqcodec.coding.coders.enlarged import FIRST, HEAD, Enlargement, enlargement_of
from kqcodec.coding.coders.packed import check_range
from kqcodec.errors import InvalidDataError
from kqcodec.format.limits import chain_workspace, context_workspace
from kqcodec.format.sizes import payload_range
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.names import EffortName

CHAINED = 6  # the first byte of a payload of kqcodec.coding.frames.context_chain
_DENSE = 0  # the first byte of a payload that is dense's behind it
# Of the labels of a photograph, fewer are those of all three neighbours: the most that
# photographs have in up to 32 colours, and in more.
_SMOOTH_SHARE_FEW, _SMOOTH_SHARE_MANY = 0.64, 0.4
_FEW = 32


@dataclass(frozen=True)
class Settings:
    """The first byte of a payload. An instance that exists is valid.

    Attributes:
        model: 1, the small one, or 2, the large one, which sees most and is slow.
        question: whether a label is first asked about by name: is it the one on the left? And
            without colours, is it one of two others around it?
        match: whether to follow where the same surroundings were before.
        rate: how fast the mixers learn, 0 to 7.

    Raises:
        ValueError: no such settings.
    """

    model: int
    question: bool
    match: bool
    rate: int

    def __post_init__(self) -> None:
        if not (1 <= self.model <= 2 and 0 <= self.rate <= 7):
            raise ValueError(f"there are no such settings: {self}")

    def to_byte(self) -> int:
        """The byte: model in bits 7 and 6, question in 4, match in 3, rate below."""
        return self.model << 6 | self.question << 4 | self.match << 3 | self.rate

    @classmethod
    def from_byte(cls, byte: int) -> Settings:
        """The settings that a byte means; InvalidDataError if it means none."""
        if byte & 32 or byte >> 6 not in (1, 2):
            raise InvalidDataError(f"a tile's settings {byte:#04x} mean nothing (section 16)")
        return cls(byte >> 6, bool(byte & 16), bool(byte & 8), byte & 7)


# What is tried, of which the smallest is kept; measured on photographs, screenshots, maps,
# sprites and repeating pictures in 16, 64 and 256 colours. The effort fast takes the first
# or the second, by how the labels look; default both, since a match is worth half of a
# picture that repeats itself and costs 1 % in photographs, whatever they look like; best
# goes on with the large model, with a match or without, as was better.
_MATCH, _PLAIN = Settings(1, True, True, 4), Settings(1, True, False, 3)
_BEST = {
    True: (Settings(2, True, True, 5),),
    False: (Settings(2, True, False, 4), Settings(2, False, False, 4)),
}
# Below so many labels default and best try more: there passes take little time. Another rate
# is worth 0.3 % of a small tile, and next to nothing of a tiny one.
_SMALL, _TINY = 1 << 16, 1 << 12
_UNASKED = Settings(1, False, False, 3)
_RATES = (Settings(1, True, True, 2), Settings(1, True, True, 6))


class ContextCoder:
    """See ``kqcodec.coding.coders.Coder``; for files with a palette of shape (K, 3) or (K, 4), or
    for K labels without colours, where K alone is given."""

    def __init__(self, palette: NDArray[np.uint8] | int, effort: EffortName) -> None:
        self._order, self._colors = tree_of(palette)
        self._k = len(self._order)
        self._dense = DenseCoder(self._k)
        self._effort = effort

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        if self._k == 1:
            return b""
        most = payload_range("context", labels.size, self._k)[1]
        enlarged = b""
        enlargement = enlargement_of(labels)
        if enlargement is not None:
            cells = self._smallest(enlargement.reduce(labels), most - HEAD)
            if cells is not None:
                enlarged = enlargement.to_bytes() + cells
                most = len(enlarged) - 1
        return self._smallest(labels, most) or enlarged

    def _smallest(self, labels: Labels, most: int) -> bytes | None:
        """The smallest payload of at most so many bytes, without an enlargement; None only
        if dense takes more, too."""
        by_dense = payload_range("context", labels.size, self._k)[1]
        best = self._tried(labels, self._to_try(labels), min(most, by_dense - 1))
        if best is not None and self._effort == "best":
            larger = _BEST[Settings.from_byte(best[0]).match]
            if labels.size < _SMALL:
                larger = _BEST[True] + _BEST[False]
            best = self._tried(labels, larger, len(best) - 1) or best
        if best is None and by_dense <= most:
            best = bytes([_DENSE]) + self._dense.encode(labels)
        return best

    def _tried(self, labels: Labels, tried: Iterable[Settings], most: int) -> bytes | None:
        """The smallest payload of at most so many bytes, by one of these settings."""
        best = None
        for settings in tried:
            if most < 1:
                break
            byte = settings.to_byte()
            coded = kernels.context_encode(labels, self._order, self._colors, byte, most - 1)
            if coded is not None:
                best = bytes([byte]) + coded
                most = len(best) - 1
        return best

    def _to_try(self, labels: Labels) -> tuple[Settings, ...]:
        if self._effort == "fast":
            return (_PLAIN,) if looks_smooth(labels, self._k) else (_MATCH,)
        if labels.size >= _SMALL:
            return (_MATCH, _PLAIN)
        return (_MATCH, _PLAIN, _UNASKED) + (_RATES if labels.size > _TINY else ())

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        if self._k == 1:
            self._dense.decode(payload, out)
            return
        view = memoryview(payload).cast("B")
        if view.nbytes == 0 or view[0] != FIRST:
            self._decode_labels(view, out, "6.6")
            return
        check_range(view, "context", out.size, self._k, "6.6")
        enlargement = Enlargement.from_bytes(view)
        cells = np.empty(enlargement.cells(*out.shape), dtype=out.dtype)
        self._decode_labels(view[HEAD:], cells, "16.24")
        enlargement.enlarge(cells, out)

    def _decode_labels(self, view: memoryview, out: Labels, rule: str) -> None:
        """Fill ``out`` with the labels of a payload without an enlargement."""
        check_range(view, "context", out.size, self._k, rule)
        if view[0] == _DENSE:
            self._dense.decode(view[1:], out)
            return
        settings = Settings.from_byte(view[0]).to_byte()
        if not kernels.context_decode(view[1:], self._order, self._colors, settings, out):
            raise InvalidDataError("a tile's decisions don't end as they must (section 16)")


def workspace_of(payload: memoryview, shape: tuple[int, int], itemsize: int) -> int:
    """Bytes that decoding a payload, which isn't empty, takes besides it and labels of that
    shape; 0 where it means nothing."""
    besides = 0
    if payload[0] == FIRST:
        try:
            cells = Enlargement.from_bytes(payload).cells(*shape)
        except InvalidDataError:
            return 0
        # The cells, and before they are repeated downwards, across.
        besides = cells[0] * (cells[1] + shape[1]) * itemsize
        payload, shape = payload[HEAD:], cells
        if not payload.nbytes:
            return 0
    if payload[0] == CHAINED:
        return chain_workspace(payload[1], shape[1], shape[0]) if payload.nbytes > 1 else 0
    return besides + context_workspace(payload[0], shape[1], shape[0])


def tree_of(palette: NDArray[np.uint8] | int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The entries of a palette in the order of the tree, (K,), and its colours, (K, 3); of K labels
    without colours their own order, and (0, 3)."""
    if isinstance(palette, int):
        return np.arange(palette, dtype=np.uint16), np.empty((0, 3), dtype=np.uint8)
    colors = np.ascontiguousarray(palette[:, :3])
    return kernels.tree_order(colors), colors


def looks_smooth(labels: Labels, k: int) -> bool:
    """Whether a tile looks like a photograph: few labels are equal to their neighbours
    on the left, above, and between the two."""
    label = labels[1:, 1:]
    if label.size == 0:
        return False
    flat = (label == labels[1:, :-1]) & (label == labels[:-1, 1:]) & (label == labels[:-1, :-1])
    share = _SMOOTH_SHARE_FEW if k <= _FEW else _SMOOTH_SHARE_MANY
    return bool(np.count_nonzero(flat) < share * label.size)
