"""The binary arithmetic coder (spec/kq.md, section 13): bits with given
probabilities to bytes and back, in 32-bit whole numbers.

A carryless range coder as in Matt Mahoney's lpaq: the numbers x1..x2 are those
that the bits so far allow; each bit cuts the interval in proportion to its
probability, and bytes on which both ends agree leave at the top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.kernels.protocol import Bytes

_ALL = 0xFFFFFFFF


def range_cut(x1: int, x2: int, p: int) -> int:
    """The last number of the interval's lower part, which is that of bit 1."""
    return x1 + ((x2 - x1) * p >> 16)


class RangeEncoder:
    """Takes bits, each with p, 1..65535: a 1 has the probability p / 65536."""

    def __init__(self) -> None:
        self._x1, self._x2 = 0, _ALL
        self._out = bytearray()

    def encode(self, bit: int, p: int) -> None:
        """One bit."""
        cut = range_cut(self._x1, self._x2, p)
        if bit:
            self._x2 = cut
        else:
            self._x1 = cut + 1
        while self._x1 >> 24 == self._x2 >> 24:
            self._out.append(self._x2 >> 24)
            self._x1 = self._x1 << 8 & _ALL
            self._x2 = self._x2 << 8 & _ALL | 0xFF

    def full(self, capacity: int) -> bool:
        """Whether it is already sure that the bytes don't fit, so that the rest needn't
        be coded.
        """
        return any(self._out[capacity:])

    def finish(self, capacity: int) -> bytes | None:
        """The payload; None if it has more bytes than the capacity."""
        for count in range(5):
            unit = 1 << (32 - 8 * count)
            value = -(-self._x1 // unit) * unit
            if value <= self._x2:
                break  # at the latest with four bytes, when value is x1
        payload = bytes(self._out + value.to_bytes(4, "big")[:count]).rstrip(b"\0")
        return payload if len(payload) <= capacity else None


class RangeDecoder:
    """Gives the bits back, for the same p's."""

    def __init__(self, payload: Buffer) -> None:
        self._in = bytes(payload)
        self._x1, self._x2 = 0, _ALL
        self._position = 4
        self._x = int.from_bytes(self._in[:4].ljust(4, b"\0"), "big")

    def decode(self, p: int) -> int:
        """One bit."""
        cut = range_cut(self._x1, self._x2, p)
        bit = int(self._x <= cut)
        if bit:
            self._x2 = cut
        else:
            self._x1 = cut + 1
        while self._x1 >> 24 == self._x2 >> 24:
            byte = self._in[self._position] if self._position < len(self._in) else 0
            self._position += 1
            self._x1 = self._x1 << 8 & _ALL
            self._x2 = self._x2 << 8 & _ALL | 0xFF
            self._x = self._x << 8 & _ALL | byte
        return bit

    @property
    def valid(self) -> bool:
        """After the last bit: whether the bytes may be those of a coder (rule 13.5)."""
        return len(self._in) <= self._position and not self._in.endswith(b"\0")


def code_bits(bits: Bytes, probabilities: NDArray[np.uint16], capacity: int) -> bytes | None:
    encoder = RangeEncoder()
    for bit, p in zip(bits.tolist(), probabilities.tolist(), strict=True):
        encoder.encode(bit, p)
    return encoder.finish(capacity)


def decode_bits(payload: Buffer, probabilities: NDArray[np.uint16], out: Bytes) -> bool:
    decoder = RangeDecoder(payload)
    out[:] = [decoder.decode(p) for p in probabilities.tolist()]
    return decoder.valid
