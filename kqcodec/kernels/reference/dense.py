"""Labels as the digits of whole numbers, a block of them at a time.

The bits are laid by bitarray, whose big-endian order is the format's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitarray import bitarray
from bitarray.util import ba2int, int2ba

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.sizes import DenseShape


def dense_encode(labels: Labels, shape: DenseShape) -> bytes:
    digits = labels.reshape(-1).tolist()
    bits = bitarray(endian="big")
    for start, count, width in shape.blocks(len(digits)):
        number = 0
        for digit in digits[start : start + count]:
            number = number * shape.k + digit
        bits += int2ba(number, width, endian="big")
    return bits.tobytes()


def dense_decode(payload: Buffer, shape: DenseShape, out: Labels) -> bool:
    bits = bitarray(endian="big")
    bits.frombytes(bytes(payload))
    flat = out.reshape(-1)
    position = 0
    for start, count, width in shape.blocks(flat.size):
        number = ba2int(bits[position : position + width])
        position += width
        digits = [0] * count
        for i in range(count - 1, -1, -1):
            number, digits[i] = divmod(number, shape.k)
        if number != 0:
            return False
        flat[start : start + count] = digits
    return True
