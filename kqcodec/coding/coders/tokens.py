"""The coder `tokens`: whether a label is one of its neighbours', by tables that stand ahead.

spec/kq.md, section 17. Runs and copies are tokens, too. It has far fewer bits than dense, and is
decoded many times as quickly as context, which learns while it goes. Where a tile has
nothing to tell, the rest of its payload is that of the coder dense.

The palette's colours tell which labels are near each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.coders.context import tree_of
from kqcodec.coding.coders.dense import DenseCoder
from kqcodec.coding.coders.packed import check_range
from kqcodec.errors import InvalidDataError
from kqcodec.format.sizes import payload_range
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels

_DENSE = 0  # the first byte of a payload that is dense's behind it


class TokensCoder:
    """See ``kqcodec.coding.coders.Coder``; for files with a palette of shape (K, 3) or (K, 4), or
    for K labels without colours, where K alone is given."""

    def __init__(self, palette: NDArray[np.uint8] | int) -> None:
        self._order, _ = tree_of(palette)
        self._k = len(self._order)
        self._dense = DenseCoder(self._k)

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        if self._k == 1:
            return b""
        by_dense = payload_range("tokens", labels.size, self._k)[1]
        coded = kernels.tokens_encode(labels, self._order, by_dense - 1)
        return bytes([_DENSE]) + self._dense.encode(labels) if coded is None else coded

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        if self._k == 1:
            self._dense.decode(payload, out)
            return
        view = memoryview(payload).cast("B")
        check_range(view, "tokens", out.size, self._k, "6.6")
        if view[0] == _DENSE:
            self._dense.decode(view[1:], out)
        elif not kernels.tokens_decode(view, self._order, out):
            raise InvalidDataError("a tile's tokens or their tables are invalid (section 17)")
