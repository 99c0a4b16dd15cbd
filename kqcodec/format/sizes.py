"""The arithmetic of sizes: theory, and what each coder must spend to the bit.

No NumPy here: a file's size follows from its header alone, and `kq info` says
so without loading arrays.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from kqcodec.format.container import read_length, record_size
from kqcodec.format.header import CHECKSUM_SIZE, HEADER_SIZE
from kqcodec.format.sequence import MAX_FRAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.format.header import Header
    from kqcodec.format.source import Source


def color_bits(alpha: bool = False) -> int:
    """24 bits of red, green and blue, and 8 of alpha if there is any."""
    return 32 if alpha else 24


def raw_bits(pixels: int, alpha: bool = False) -> int:
    """24·N: the picture as plain RGB; 32·N as RGBA."""
    return color_bits(alpha) * pixels


def theory_bits(pixels: int, k: int, alpha: bool = False) -> float:
    """24·K + N·log2(K): the palette and labels of log2(K) bits each; with alpha 8·K
    more."""
    return color_bits(alpha) * k + pixels * math.log2(k)


def fixed_width_bits(pixels: int, k: int, alpha: bool = False) -> int:
    """24·K + N·ceil(log2 K): the palette and labels of a whole number of bits; with
    alpha 8·K more."""
    return color_bits(alpha) * k + pixels * label_bits(k)


def label_bits(k: int) -> int:
    """ceil(log2 K), the bits that hold any label 0..K-1; 0 for K = 1."""
    return (k - 1).bit_length()


@dataclass(frozen=True)
class DenseShape:
    """How the coder `dense` cuts labels into blocks, for one K.

    Attributes:
        k: colours, 2..65,536.
        block: labels in a block, the least n for which the whole number of bits
            that holds K**n numbers wastes under 1 part in 2,000.
        block_bits: the bits of a block, ceil(block·log2 K).
    """

    k: int
    block: int
    block_bits: int

    def bits(self, labels: int) -> int:
        """ceil(labels·log2 K), exactly."""
        return int(self.k**labels - 1).bit_length()

    def payload_size(self, labels: int) -> int:
        """Bytes for that many labels, padding included."""
        return (self.payload_bits(labels) + 7) // 8

    def payload_bits(self, labels: int) -> int:
        """Bits for that many labels: full blocks and a shorter last one."""
        blocks, rest = divmod(labels, self.block)
        return blocks * self.block_bits + self.bits(rest)

    def blocks(self, labels: int) -> Iterator[tuple[int, int, int]]:
        """(first label, labels, bits) of each block."""
        full = labels - labels % self.block
        for start in range(0, full, self.block):
            yield start, self.block, self.block_bits
        if full < labels:
            yield full, labels - full, self.bits(labels - full)


@lru_cache(maxsize=64)
def dense_shape(k: int) -> DenseShape:
    """The blocks for K colours (spec/kq.md, rule 8.2).

    B = ceil(n·log2 K) bits hold a block; it wastes B - n·log2(K) bits, which is
    at most (2**B - K**n) / (K**n · ln 2). The least n with
    3000·(2**B - K**n) <= B·K**n therefore wastes under B/2079 bits a block. It
    is at most 224, and B at most 2,971 (K = 32,769).
    """
    n, power = 0, 1
    while True:
        n += 1
        power *= k
        bits = (power - 1).bit_length()
        if 3000 * ((1 << bits) - power) <= bits * power:
            return DenseShape(k, n, bits)


def packed_size(labels: int, k: int) -> int:
    """Bytes of a tile by the coder `packed`."""
    return (labels * label_bits(k) + 7) // 8


def dense_size(labels: int, k: int) -> int:
    """Bytes of a tile by the coder `dense`."""
    return dense_shape(k).payload_size(labels) if k > 1 else 0


# Bytes of the parts of a sequence (rules 19.4 and 19.9): a head without lengths, or the end's,
# and a directory with a payload of one byte.
LEAST_FRAME = END_SIZE = 3
DIRECTORY_TAIL = 12
LEAST_DIRECTORY = DIRECTORY_TAIL + 1
_CHAINED = 64  # bytes that a payload may have more where it is coded from the frame before
_PAYLOAD_SIZES = {"packed": packed_size, "dense": dense_size}


def predictable(coder: str) -> bool:
    """Whether the sizes of that coder follow from the header alone."""
    return coder in _PAYLOAD_SIZES


@lru_cache(maxsize=64)
def payload_range(
    coder: str, labels: int, k: int, label_map: bool = False, *, frames: bool = False
) -> tuple[int, int]:
    """The least and the most bytes of a tile of so many labels, by any coder; with ``frames`` of
    one in a sequence, where 0 bytes are those of an unchanged tile (rule 19.6)."""
    if predictable(coder):
        size = _PAYLOAD_SIZES[coder](labels, k)
        return size, size
    if k == 1:
        return 0, 0
    listed = k if frames else min(k, labels)
    own_list = 16 + 6 * listed if label_map else 0  # rules 18.6 and 19.6
    most = 1 + dense_size(labels, k) + own_list
    return (0, most + _CHAINED) if frames else (1, most)


def most_labels(header: Header, volume: bool) -> int:
    """How many labels an array may have, of one slice, or in a volume of many."""
    return header.pixels * (MAX_FRAMES if volume else 1)


def table_range(header: Header, volume: bool) -> tuple[int, int]:
    """The least and the most bytes of a label map's table of ids (rule 18.2)."""
    return 3, 32 + 20 * most_labels(header, volume)


def tiles_range(header: Header) -> tuple[int, int]:
    """The least and the most bytes of all tile records and the directory, from the
    header alone."""
    least = most = header.directory_size
    for labels, count in header.grid.tile_areas():
        low, high = payload_range(header.coder, labels, header.k, header.label_map)
        least += count * record_size(low)
        most += count * record_size(high)
    return least, most


def allowed_sizes(header: Header, source: Source, sequence: bool = False) -> tuple[int, int]:
    """The least and the most bytes of a file, looked at from where its tiles, or of a sequence its
    frames, begin.

    In a file of one tile this tells its length, which is looked up where sizes don't
    follow from the header, or FormatError raised where it can't be read."""
    start = source.position
    if sequence:
        return start + least_frame(header) + END_SIZE + LEAST_DIRECTORY, sys.maxsize
    least, most = tiles_range(header)
    if least < most and header.grid.count == 1 and source.size is not None:
        size = record_size(read_length(source, "tile 0"))
        source.seek(start)
        if least <= size <= most:  # what else there is to it the tile's reader says
            least = most = size
    return start + least, start + most


def least_frame(header: Header) -> int:
    """The least bytes of a key frame, which has no duration of its own: of any frame where its
    coder is ``predictable``, and then the only ones."""
    least = LEAST_FRAME
    for labels, count in header.grid.tile_areas():
        low = payload_range(header.coder, labels, header.k, header.label_map)[0]
        least += count * record_size(low) if low else 0
    return least


def file_size(header: Header) -> int:
    """Bytes of a file without extension sections, from the header alone, where its coder
    is ``predictable``."""
    palette = header.palette_size + CHECKSUM_SIZE
    return HEADER_SIZE + palette + tiles_range(header)[0]
