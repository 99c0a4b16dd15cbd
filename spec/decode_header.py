"""Sections 2 and 3 of kq.md: the header, and the checksums that bind all parts to it.

A part of decode.py. Written like it: from kq.md alone, in its order, each comment that starts
with a number quoting the rule which the lines below it carry out.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from decode_bits import Refused, Source, number

# ── 2. Header ───────────────────────────────────────────────────────────────

HEADER_LENGTH = 20
SIGNATURE = bytes.fromhex("CB 51 0D 0A 0A")
PACKED, DENSE, CONTEXT, TOKENS = 0, 1, 2, 3
FLAG_A = 1 << 0  # the palette has alpha
FLAG_C = 1 << 1  # the palette is coded
FLAG_S = 1 << 2  # extension sections follow the palette
FLAG_L = 1 << 3  # the file has a table of ids in place of a palette
MAX_TILE_LABELS = 2**26  # rule 6.2


class Box(NamedTuple):
    """The columns and rows of a tile."""

    left: int
    top: int
    right: int  # the first column behind it
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Return the number of columns and of rows."""
        return self.right - self.left, self.bottom - self.top

    @property
    def labels(self) -> int:
        """Return the number of labels."""
        return self.size[0] * self.size[1]


class Header(NamedTuple):
    """The values of a header in which every rule has been checked."""

    raw: bytes  # its 20 bytes, which every CRC-32 includes
    coder: int
    has_alpha: bool
    has_coded_palette: bool
    has_sections: bool
    width: int
    height: int
    tile_width: int
    tile_height: int
    k: int
    is_label_map: bool = False

    @property
    def channels(self) -> int:
        """Return the bytes of a palette entry, and of a pixel."""
        return 4 if self.has_alpha else 3

    @property
    def tiles(self) -> int:
        """Return T, the number of tiles."""
        # 6.1: "T is the number of tiles."
        return -(-self.width // self.tile_width) * -(-self.height // self.tile_height)

    def boxes(self) -> Iterator[Box]:
        """Yield where each tile is, in the order of their indices."""
        # 6.1: "They are counted row by row"
        # 6.1: "those at the right and lower edge may be narrower or lower."
        for top in range(0, self.height, self.tile_height):
            for left in range(0, self.width, self.tile_width):
                right = min(left + self.tile_width, self.width)
                yield Box(left, top, right, min(top + self.tile_height, self.height))


def read_header(source: Source, max_pixels: int) -> Header:
    """Read the first 20 bytes and check them in the order of rule 2.9."""
    # 2.9: "A decoder checks, in this order: signature, length (that there are 20 bytes), CRC-16,
    # major version, coder and flags (that it knows them, then that they may stand together), the
    # values of rules 2.5 to 2.7 and 6.2, and its own limits for them (rule 9.3)."

    # 2.2: "Bytes 0 to 4 are the signature CB 51 0D 0A 0A"
    #
    # A file that ends within the signature is a short .kq file, not a foreign one.
    if not source.data or not SIGNATURE.startswith(source.data[: len(SIGNATURE)]):
        raise Refused(
            "2.2", "the file does not start with the signature CB 51 0D 0A 0A", "signature"
        )
    raw = source.take(HEADER_LENGTH, "2.1", "the 20 bytes of the header")

    # 2.8: "Bytes 18 and 19 are the CRC-16 of bytes 0 to 17: polynomial x^16 + x^12 +
    # x^5 + 1 (hexadecimal 1021), initial value FFFF, bits taken most significant
    # first, nothing inverted."
    if binascii.crc_hqx(raw[:18], 0xFFFF) != number(raw[18:20]):
        raise Refused("2.8", "the header is damaged: its CRC-16 differs", "checksum")

    # 2.3: "A decoder of this document refuses every major version but 1, and pays no
    # attention to the minor one"
    major = raw[5] >> 4
    if major != 1:
        why = f"the file has major version {major}, and this decoder knows 1"
        raise Refused("2.3", why, "unsupported")

    # 2.4: "Byte 6 holds the coder in its upper three bits and flags in the lower
    # five."
    # 2.4: "A decoder refuses a file with a coder or a flag that it does not know, as unsupported:
    # one of this document knows coders 0 to 3 and flags A, C, S and L."
    coder, flags = raw[6] >> 5, raw[6] & 0b11111
    if coder not in (PACKED, DENSE, CONTEXT, TOKENS):
        why = f"the file has coder {coder}, and this decoder knows 0 to 3"
        raise Refused("2.4", why, "unsupported")
    if flags & ~(FLAG_A | FLAG_C | FLAG_S | FLAG_L):
        why = f"the file has flags {flags:05b}, and this decoder knows 01111"
        raise Refused("2.4", why, "unsupported")

    # 2.4: "It refuses flag C with the coders 0 and 1 (rule 4.5), and flag L together with A or C,
    # as invalid."
    # 4.5: "The coders packed and dense never have flag C"
    if flags & FLAG_L and flags & (FLAG_A | FLAG_C):
        raise Refused("2.4", f"the file has flags {flags:05b}, of a label map and of a palette")
    if flags & FLAG_C and coder in (PACKED, DENSE):
        raise Refused("4.5", f"the file has flag C, which coder {coder} never has")

    # 2.6: "Width and height are 1 to 4,294,967,295 pixels. Zero is invalid."
    width, height = number(raw[8:12]), number(raw[12:16])
    if width == 0 or height == 0:
        raise Refused("2.6", f"the picture is {width} × {height} pixels; neither may be zero")

    # 2.5: "Byte 7 gives the size of a tile: x the width and y the height."
    tile_width = tile_side(raw[7] >> 4, width)
    tile_height = tile_side(raw[7] & 0b1111, height)

    # 6.2: "A tile has at most 67,108,864 (2^26) labels. A header that says otherwise
    # is invalid."
    if tile_width * tile_height > MAX_TILE_LABELS:
        raise Refused("6.2", f"a tile of {tile_width} × {tile_height} has over 2^26 labels")

    # 9.3: "a decoder may have limits of its own, and refuses files beyond them
    # before it allocates memory."
    if width * height > max_pixels:
        why = f"{width} × {height} pixels are over this decoder's {max_pixels}"
        raise Refused("9.3", why, "limit")

    # 2.7: "K, the number of palette entries, is 1 to 65,536; bytes 16 and 17 hold
    # K − 1."
    k = number(raw[16:18]) + 1

    has_alpha, has_sections = bool(flags & FLAG_A), bool(flags & FLAG_S)
    is_coded, is_label_map = bool(flags & FLAG_C), bool(flags & FLAG_L)
    sides = width, height, tile_width, tile_height
    return Header(raw, coder, has_alpha, is_coded, has_sections, *sides, k, is_label_map)


def tile_side(value: int, picture_side: int) -> int:
    """Return the width or height of a tile from its four bits."""
    # 2.5: "A value v of 1 to 15 means 2^(v+3) pixels, 16 to 262,144; 0 means as wide,
    # or as high, as the picture. A tile that would be larger than the picture is as
    # large as the picture."
    if value == 0:
        return picture_side
    return min(1 << (value + 3), picture_side)


# ── 3. Checksums ────────────────────────────────────────────────────────────

CRC32_LENGTH = 4


def check_part(header: Header, kind: bytes, ordinal: int, body: bytes, stored: bytes) -> None:
    """Refuse a part whose CRC-32 is not the one that stands behind it."""
    # 3.1: "polynomial 04C11DB7, reflected, initial value and final inversion
    # FFFFFFFF, as in PNG, gzip and zlib."
    # 3.2: "The CRC-32 of a part is taken over, one after the other: the 20 bytes of
    # the header; the part's kind, four bytes; the part's ordinal, eight bytes; the
    # part's body."
    crc = zlib.crc32(header.raw)
    crc = zlib.crc32(kind, crc)
    crc = zlib.crc32(ordinal.to_bytes(8, "big"), crc)
    crc = zlib.crc32(body, crc)

    # 3.3: "A part whose CRC-32 differs is damaged. A decoder uses nothing of a part
    # before it has compared the CRC-32."
    if crc != number(stored):
        part = kind.decode("ascii", "replace")
        why = f"part '{part}', number {ordinal}, is damaged: its CRC-32 differs"
        raise Refused("3.3", why, "checksum")
