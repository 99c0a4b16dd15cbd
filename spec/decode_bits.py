"""Sections 1, 7, 8 and 13 of kq.md, and its lengths: what bytes are as numbers and labels.

A part of decode.py, for it and the modules beside it. Written like the rest: from kq.md
alone, in its order, each comment that starts with a number quoting the rule which the lines
below it carry out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator


class Refused(Exception):  # noqa: N818 - the file is refused; no error of the decoder
    """A file that this decoder does not decode.

    `rule` is the number of the rule in kq.md that the file breaks or that makes a
    decoder refuse it, `why` says how, in a sentence, and `kind` is the kind of refusal
    that vectors/README.md has for it.
    """

    def __init__(self, rule: str, why: str, kind: str = "invalid") -> None:
        """Keep the rule's number, the sentence and the kind."""
        super().__init__(f"rule {rule}: {why}")
        self.rule = rule
        self.why = why
        self.kind = kind


# Which tile, for messages: "3", and in a sequence "3 of frame 7".
Index = int | str

# ── 1. Conventions ──────────────────────────────────────────────────────────


def number(field: bytes) -> int:
    """Return the value of a field of several bytes."""
    # 1.1: "A field of several bytes has its most significant byte first."
    return int.from_bytes(field, "big")


def bits_for(count: int) -> int:
    """Return the bits that tell `count` values apart: ceil(log2 count)."""
    # 1.2: "the least number b with 2^b ≥ K"
    #
    # The values are 0 to count − 1, and b is as many bits as the last one has.
    return (count - 1).bit_length()


def bit_numbers(data: bytes, first_bit: int, bits: int, count: int) -> Iterator[int]:
    """Yield `count` numbers of `bits` bits each, the first of them at `first_bit`."""
    # 1.1: "Bits are numbered from 7, the most significant and the first of a byte,
    # to 0. The whole file can so be read as one string of bits"
    mask = (1 << bits) - 1
    last_stop = first_bit + count * bits
    for stop in range(first_bit + bits, last_stop + 1, bits):
        whole_bytes = data[(stop - bits) // 8 : (stop + 7) // 8]
        yield int.from_bytes(whole_bytes, "big") >> (-stop % 8) & mask


FILE = "the file"


class Source:
    """The bytes of a file, or of a part of one, taken from front to back."""

    # 1.5: "A file is written from front to back without going back, and read the
    # same way, tile by tile."

    def __init__(self, data: bytes, name: str = FILE) -> None:
        """Start before the first byte."""
        self.data, self.name = data, name
        self.position = 0

    def take(self, count: int, rule: str, what: str) -> bytes:
        """Take the next `count` bytes, or refuse a file that has fewer."""
        # 1.6: "A file that ends within a part, or before a part that its header promises, is
        # truncated and invalid, and so is one that ends within the signature of rule 2.2."
        #
        # What ends within a part of it has a right checksum, and isn't truncated.
        start, end = self.position, self.position + count
        if end > len(self.data):
            why = f"{self.name} ends at byte {len(self.data)}, within {what}"
            raise Refused(rule, why, "truncated" if self.name == FILE else "invalid")
        self.position = end
        return self.data[start:end]

    def bytes_left(self) -> int:
        """Return how many bytes nobody has taken."""
        return len(self.data) - self.position


# ── 6. Tiles: lengths ───────────────────────────────────────────────────────


def read_length(source: Source, part: str, rule: str = "6.3") -> int:
    """Read the length of a payload, or of a part of one."""
    # 6.4: "in groups of seven bits, the most significant group first. Each group is
    # the lower seven bits of a byte, whose top bit is 1 unless it is the last."
    length = 0
    for group in range(4):
        byte = source.take(1, rule, f"the length of {part}")[0]

        # 6.4: "It has the fewest bytes possible: the first is not 80."
        if group == 0 and byte == 0x80:
            raise Refused("6.4", f"the length of {part} is not the shortest: it starts 80")
        length = length << 7 | byte & 0x7F
        if byte < 0x80:
            return length

    # 6.4: "The length is that of the payload alone, 0 to 268,435,455"
    raise Refused("6.4", f"the length of {part} has over four bytes")


def check_unused_bits(payload: bytes, bits: int, index: Index) -> None:
    """Refuse a payload of so many bits with anything behind them."""
    # 6.7: "The bits of a payload's last byte that hold nothing are 0."
    unused_bits = 8 * len(payload) - bits
    if payload and payload[-1] & ((1 << unused_bits) - 1):
        raise Refused("6.7", f"the unused bits at the end of tile {index} are not 0")


# ── 7. The coder packed ─────────────────────────────────────────────────────


def decode_packed(k: int, index: Index, payload: bytes, count: int) -> Iterator[int]:
    """Yield `count` labels of ceil(log2 K) bits each."""
    # 7.1: "Each label is a number of b = ceil(log2 K) bits, most significant bit
    # first, and they follow each other without gaps, also from row to row."
    for label in bit_numbers(payload, 0, bits_for(k), count):
        # 7.3: "A label is less than K."
        if label >= k:
            raise Refused("7.3", f"tile {index} has the label {label}, and K is {k}")
        yield label


# ── 8. The coder dense ──────────────────────────────────────────────────────


@functools.cache
def block_labels(k: int) -> int:
    """Return n, the number of labels in a whole block."""
    # 8.2: "For K ≥ 2, n is the least whole number, starting from 1, with
    # 3000 · (2^B(n) − K^n)  ≤  B(n) · K^n"
    n = 1
    while 3000 * (2 ** block_bits(k, n) - k**n) > block_bits(k, n) * k**n:
        n += 1
    return n


def block_bits(k: int, m: int) -> int:
    """Return B(m), the bits of a block of m labels; B(0) is 0."""
    # 8.1: "in B(m) = ceil(m·log2 K) bits"
    # 1.2: "2^b ≥ K^n"
    return bits_for(k**m)


def dense_bits(k: int, labels: int) -> int:
    """Return how many bits the blocks of so many labels have."""
    if k == 1:
        return 0
    n = block_labels(k)
    q, r = divmod(labels, n)
    return q * block_bits(k, n) + block_bits(k, r)


def decode_dense(k: int, index: Index, payload: bytes, count: int) -> Iterator[int]:
    """Yield `count` labels: the digits, to base K, of one number after the other."""
    # 8.1: "A tile's labels are cut into blocks of n labels, the last of which may be
    # shorter."
    # 8.1: "Blocks follow each other without gaps."
    n = block_labels(k)
    q, r = divmod(count, n)
    bits = block_bits(k, n)
    for v in bit_numbers(payload, 0, bits, q):
        yield from block_digits(k, index, v, n)
    if r:
        for v in bit_numbers(payload, q * bits, block_bits(k, r), 1):
            yield from block_digits(k, index, v, r)


def block_digits(k: int, index: Index, v: int, m: int) -> list[int]:
    """Return L(0) to L(m−1), the labels of the block with the number V."""
    # 8.1: "V = L(0)·K^(m−1) + L(1)·K^(m−2) + … + L(m−1)"
    #
    # So each division by K has the last label that is left as its remainder. What
    # is left of V after m of them is V div K^m.
    labels = [0] * m
    for i in reversed(range(m)):
        v, labels[i] = divmod(v, k)

    # 8.4: "V is less than K^m."
    if v != 0:
        raise Refused("8.4", f"a block of {m} labels in tile {index} is not under {k}^{m}")
    return labels


# ── 13. The arithmetic coder ────────────────────────────────────────────────

ALL_ONES = 2**32 - 1


class ArithmeticDecoder:
    """The bits of a payload, one after the other."""

    def __init__(self, payload: bytes) -> None:
        """Start before the first bit."""
        # 13.2: "The state is two numbers of 32 bits, x1 and x2, at the start 0 and 2^32
        # − 1."
        self.x1 = 0
        self.x2 = ALL_ONES

        # 13.4: "A decoder keeps, besides x1 and x2, a number x of 32 bits: at the start
        # the first four bytes of the payload."
        self.payload = payload
        self.asked = 0
        self.x = 0
        for _ in range(4):
            self.x = self.x << 8 | self.next_byte()

    def next_byte(self) -> int:
        """Return the payload's next byte."""
        # 13.4: "Past its end a payload has as many zero bytes as are asked for."
        position = self.asked
        self.asked += 1
        return self.payload[position] if position < len(self.payload) else 0

    def bit(self, p: int) -> int:
        """Return the next bit, which is 1 with the probability p / 65,536."""
        # 13.2: "xmid = x1 + floor((x2 − x1)·p / 65536)"
        xmid = self.x1 + (self.x2 - self.x1) * p // 65536

        # 13.4: "The bit is 1 if x ≤ xmid, else 0."
        # 13.2: "The bit 1 keeps x1 to xmid: x2 becomes xmid. The bit 0 keeps the others:
        # x1 becomes xmid + 1."
        bit = int(self.x <= xmid)
        if bit:
            self.x2 = xmid
        else:
            self.x1 = xmid + 1

        # 13.2: "as long as bits 31 to 24 of x1 are those of x2, they are a byte of the
        # payload and leave: x1 becomes (x1·256) mod 2^32, and x2 (x2·256) mod 2^32 + 255."
        # 13.4: "Whenever a byte leaves x1 and x2, x becomes (x·256) mod 2^32 plus the
        # payload's next byte."
        while self.x1 >> 24 == self.x2 >> 24:
            self.x1 = self.x1 * 256 % 2**32
            self.x2 = self.x2 * 256 % 2**32 + 255
            self.x = self.x * 256 % 2**32 + self.next_byte()
        return bit

    def ends_well(self) -> bool:
        """Return whether the payload is one that an encoder ends so."""
        # 13.5: "The last byte of a payload is not 0, and of its bytes a decoder has asked
        # for each one when it has decoded the last bit."
        return not self.payload.endswith(b"\0") and len(self.payload) <= self.asked
