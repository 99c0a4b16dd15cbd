"""The coder `dense`: log2(K) bits a label, the formula made into a file.

spec/kq.md, section 8. A block of n labels is the whole number whose base-K
digits they are, in ceil(n·log2 K) bits, with n so chosen that this wastes less
than 1 part in 2,000 for every K.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.coders.packed import check_payload, unpack_checked
from kqcodec.errors import InvalidDataError
from kqcodec.format.sizes import dense_shape
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels


class DenseCoder:
    """See ``kqcodec.coding.coders.Coder``; for files of ``k`` palette entries."""

    def __init__(self, k: int) -> None:
        self._k = k

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        if self._k == 1:
            return b""
        shape = dense_shape(self._k)
        if shape.block == 1:  # a block of one label is that label's bits
            return kernels.pack(labels, shape.block_bits)
        return kernels.dense_encode(labels, shape)

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        if self._k == 1:
            check_payload(payload, 0, 0)
            out.fill(0)
            return
        shape = dense_shape(self._k)
        check_payload(payload, shape.payload_size(out.size), shape.payload_bits(out.size))
        if shape.block == 1:
            unpack_checked(payload, self._k, out)
        elif not kernels.dense_decode(payload, shape, out):
            raise InvalidDataError("a block of labels is K**n or more (rule 8.4)")
