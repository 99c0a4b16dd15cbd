"""The coder `packed`: ceil(log2 K) bits a label, no more and no less.

spec/kq.md, section 7. For K = 1 a tile is no bytes at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.errors import InvalidDataError
from kqcodec.format.sizes import label_bits, packed_size, payload_range
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.names import CoderName


class PackedCoder:
    """See ``kqcodec.coding.coders.Coder``; for files of ``k`` palette entries."""

    def __init__(self, k: int) -> None:
        self._k = k

    def encode(self, labels: Labels) -> bytes:
        """See ``Coder``."""
        return b"" if self._k == 1 else kernels.pack(labels, label_bits(self._k))

    def decode(self, payload: Buffer, out: Labels) -> None:
        """See ``Coder``."""
        check_payload(payload, packed_size(out.size, self._k), out.size * label_bits(self._k))
        if self._k == 1:
            out.fill(0)
        else:
            unpack_checked(payload, self._k, out)


def unpack_checked(payload: Buffer, k: int, out: Labels) -> None:
    """Labels of ceil(log2 K) bits, each refused that is K or more."""
    bits = label_bits(k)
    kernels.unpack(payload, bits, out)
    if k < 1 << bits and (highest := int(out.max())) >= k:
        raise InvalidDataError(f"a label of {highest} where K is {k} (rule 7.3)")


def check_payload(payload: Buffer, size: int, bits: int) -> None:
    """Refuse a payload of another size, or one whose padding isn't zero bits."""
    view = memoryview(payload)
    if view.nbytes != size:
        raise InvalidDataError(
            f"a tile's payload of {view.nbytes:,} bytes must be {size:,} (rule 6.6)"
        )
    padding = 8 * size - bits
    if padding and view[-1] & ((1 << padding) - 1):
        raise InvalidDataError("a payload's padding isn't zero bits (rule 6.7)")


def check_range(payload: memoryview, coder: CoderName, labels: int, k: int, rule: str) -> None:
    """Refuse a payload that can't be that of so many labels, by a coder whose payloads have no
    one size."""
    least, most = payload_range(coder, labels, k)
    if not least <= payload.nbytes <= most:
        raise InvalidDataError(
            f"a payload of {payload.nbytes:,} bytes, for {labels:,} labels of a tile, must be "
            f"{least} to {most:,} (rule {rule})"
        )
