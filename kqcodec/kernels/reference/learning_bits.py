"""Bits that learn how likely they are, and numbers made of them (spec/kq.md, rules 17.6 and 17.9):
what stands ahead of tokens, and lists of numbers.

What encodes and what decodes differ in the range coder alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kqcodec.kernels.reference.logistic import Code as CodeBit
    from kqcodec.kernels.reference.range_coder import RangeDecoder, RangeEncoder


def encoding(encoder: RangeEncoder) -> CodeBit:
    """A ``code_bit(bit, p)`` that encodes."""

    def code_bit(bit: int, p: int) -> int:
        encoder.encode(bit, p)
        return bit

    return code_bit


def decoding(decoder: RangeDecoder) -> CodeBit:
    """A ``code_bit(bit, p)`` that decodes, whatever the bit is."""
    return lambda _, p: decoder.decode(p)


class LearningBits:
    """Codes numbers by bits that learn, each of which has any name. What a decoder gives for a
    bit or number doesn't matter."""

    def __init__(self, code_bit: CodeBit) -> None:
        self._code_bit = code_bit
        self._learnt: dict[tuple[object, ...], tuple[int, int]] = {}

    def bit(self, bit: int, *name: object) -> int:
        """It learns by 2 / (2 n + 3) of its error, n being how often it was seen."""
        p, seen = self._learnt.get(name, (32768, 0))
        bit = self._code_bit(int(bit), p)
        p += ((65504 if bit else 32) - p) * (131072 // (2 * seen + 3)) >> 16
        self._learnt[name] = p, min(seen + 1, 31)
        return bit

    def even(self, number: int, bits: int) -> int:
        """A number of ``bits`` bits, the highest first, as likely as any other."""
        found = 0
        for bit in reversed(range(bits)):
            found = found << 1 | self._code_bit(number >> bit & 1, 32768)
        return found

    def tree(self, number: int, bits: int, *name: object) -> int:
        """A number of ``bits`` bits; each learns by those before it."""
        node = 1
        for bit in reversed(range(bits)):
            node = node << 1 | self.bit(number >> bit & 1, *name, node)
        return node - (1 << bits)

    def number(self, number: int, tree: int, *name: object) -> int:
        """A number: how many bits follow the highest of one more, by a tree of ``tree`` bits, and
        those; two of them learn."""
        size = self.tree((number + 1).bit_length() - 1, tree, *name, "size")
        found = 1
        for place in reversed(range(size)):
            bit = number + 1 >> place & 1
            if size - place <= 2:
                bit = self.bit(bit, *name, "number", size, found)
            else:
                bit = self.even(bit, 1)
            found = found << 1 | bit
        return found - 1
