"""Lists of numbers (spec/kq.md, section 18): in a payload of the range coder, each number by bits
that learn with its list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.learning_bits import LearningBits, decoding, encoding
from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

TREE = 7  # bits that say how many a number has: 0 .. 64
_END = 1 << 64


def numbers_encode(lists: Sequence[NDArray[np.uint64]]) -> bytes:
    encoder = RangeEncoder()
    for numbers in lists:
        bits = LearningBits(encoding(encoder))
        for number in numbers.tolist():
            bits.number(number, TREE)
    return encoder.finish(1 << 62) or b""


def numbers_decode(payload: Buffer, counts: Sequence[int]) -> list[NDArray[np.uint64]] | None:
    decoder = RangeDecoder(payload)
    lists = []
    for count in counts:
        bits = LearningBits(decoding(decoder))
        numbers = [0] * count
        for i in range(count):
            numbers[i] = bits.number(0, TREE)
            if numbers[i] >= _END:
                return None
        lists.append(np.array(numbers, dtype=np.uint64))
    valid = decoder.valid if any(counts) else payload == b""
    return lists if valid else None
