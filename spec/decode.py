#!/usr/bin/env python3
"""A second decoder of the .kq format, to be read beside kq.md.

    python3 decode.py IN.kq OUT.ppm [--max-pixels N]

It turns a .kq file of version 1.x into a binary PPM picture (P6, eight bits a
channel) or, where there is alpha, a PAM picture (P7, RGB_ALPHA); a label map into an
array file of NumPy's (.npy, version 1.0). It is written from
kq.md alone, in the order of that document, with Python's standard library and whole
numbers only; it shares nothing with kqcodec, so that where both agree on a file, the
document has told both the same. Beside it are sections 1, 7, 8 and 13 in decode_bits.py, and
15 to 18 in decode_mixing.py, decode_context.py, decode_tokens.py and decode_labels.py.

Each comment that starts with a number quotes the rule of kq.md which the lines
below it carry out. Whatever a file breaks ends in `Refused`, which names the
rule; the command then prints one sentence and exits with 1.

Clarity comes first. Speed comes from two habits: a block of the coder dense is
one of Python's integers of any size, and a row of pixels is one `bytes.join` of
palette entries.
"""

from __future__ import annotations

import argparse
import binascii
import itertools
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from decode_bits import (
    ArithmeticDecoder,
    Refused,
    Source,
    bits_for,
    check_unused_bits,
    decode_dense,
    decode_packed,
    dense_bits,
    number,
    read_length,
)
from decode_context import NO_COLOR, decode_tile, tree_order
from decode_labels import LabelTile, Table, decode_table
from decode_tokens import Broken, decode_streams, read_front

MAX_PIXELS = 2**27


class Picture(NamedTuple):
    """What a file decodes to."""

    width: int
    height: int
    channels: int  # bytes of an entry: 3, or 4 with alpha; of a label map those of an id
    entries: list[bytes]  # the palette: K entries of so many bytes; of a label map the ids
    pixels: bytearray  # so many bytes a pixel, row by row
    table: Table | None = None  # of a label map


# ── 2. Header ───────────────────────────────────────────────────────────────

HEADER_LENGTH = 20
SIGNATURE = bytes.fromhex("CB 51 0D 0A 0A")
PACKED, DENSE, CONTEXT, TOKENS = 0, 1, 2, 3
FLAG_A = 1 << 0  # the palette has alpha
FLAG_C = 1 << 1  # the palette is coded
FLAG_S = 1 << 2  # extension sections follow the palette
FLAG_L = 1 << 3  # the file has a table of ids in place of a palette
MAX_TILE_LABELS = 2**26  # rule 6.2


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
    def tiles_across(self) -> int:
        """Return the number of tiles in a row of tiles: ceil(W/w)."""
        return -(-self.width // self.tile_width)

    @property
    def tiles_down(self) -> int:
        """Return the number of rows of tiles."""
        return -(-self.height // self.tile_height)


def read_header(source: Source, max_pixels: int) -> Header:
    """Read the first 20 bytes and check them in the order of rule 2.9."""
    # 2.9: "A decoder checks, in this order: signature, length, CRC-16, major
    # version, coder and flags, and the values of rules 2.5 to 2.7 and 6.2."

    # 2.2: "Bytes 0 to 4 are the signature CB 51 0D 0A 0A"
    #
    # A file that ends within the signature is a short .kq file, not a foreign one.
    if not source.data or not SIGNATURE.startswith(source.data[: len(SIGNATURE)]):
        raise Refused("2.2", "the file does not start with the signature CB 51 0D 0A 0A")
    raw = source.take(HEADER_LENGTH, "2.1", "the 20 bytes of the header")

    # 2.8: "Bytes 18 and 19 are the CRC-16 of bytes 0 to 17: polynomial x^16 + x^12 +
    # x^5 + 1 (hexadecimal 1021), initial value FFFF, bits taken most significant
    # first, nothing inverted."
    if binascii.crc_hqx(raw[:18], 0xFFFF) != number(raw[18:20]):
        raise Refused("2.8", "the header is damaged: its CRC-16 differs")

    # 2.3: "A decoder of this document refuses every major version but 1, and pays no
    # attention to the minor one"
    major = raw[5] >> 4
    if major != 1:
        raise Refused("2.3", f"the file has major version {major}, and this decoder knows 1")

    # 2.4: "Byte 6 holds the coder in its upper three bits and flags in the lower
    # five."
    # 2.4: "A decoder refuses a file with a coder or a flag that it does not know: one
    # of this document knows coders 0 to 3 and flags A, C, S and L."
    coder, flags = raw[6] >> 5, raw[6] & 0b11111
    if coder not in (PACKED, DENSE, CONTEXT, TOKENS):
        raise Refused("2.4", f"the file has coder {coder}, and this decoder knows 0 to 3")
    if flags & ~(FLAG_A | FLAG_C | FLAG_S | FLAG_L):
        raise Refused("2.4", f"the file has flags {flags:05b}, and this decoder knows 01111")

    # 2.4: "It refuses flag C with the coders 0 and 1 (rule 4.5), and flag L together with A or
    # C."
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
        raise Refused("9.3", f"{width} × {height} pixels are over this decoder's {max_pixels}")

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
        raise Refused("3.3", f"part '{part}', number {ordinal}, is damaged: its CRC-32 differs")


# ── 4. Palette ──────────────────────────────────────────────────────────────


def read_palette(source: Source, header: Header) -> list[bytes]:
    """Read the palette: K entries of three bytes, or of four with alpha."""
    if header.has_coded_palette:
        return read_coded_palette(source, header)

    # 4.1: "The palette follows the header: K entries of three bytes, red, green,
    # blue, each 0 to 255, then the CRC-32."
    # 4.4: "With flag A, K bytes of alpha follow the last colour before the CRC-32"
    # 4.4: "the body of rule 3.2 is then all 4·K bytes."
    body = source.take(header.channels * header.k, "4.1", "the palette")
    stored = source.take(CRC32_LENGTH, "4.1", "the palette's CRC-32")
    check_part(header, b"PLTE", 0, body, stored)

    # 4.2: "Entries may repeat and may be unused; their order carries no meaning to a
    # decoder, which keeps it."
    colors = [body[i : i + 3] for i in range(0, 3 * header.k, 3)]
    if not header.has_alpha:
        return colors

    # 4.4: "entry by entry, 0 transparent and 255 opaque, colours not premultiplied"
    alphas = body[3 * header.k :]
    return [color + alphas[i : i + 1] for i, color in enumerate(colors)]


def read_coded_palette(source: Source, header: Header) -> list[bytes]:
    """Read a palette that section 14 decodes."""
    # 4.5: "With flag C, the palette is a length as in rule 6.4, a payload of so many
    # bytes"
    start = source.position
    length = read_length(source, "the palette")
    length_field = source.data[start : source.position]

    # 4.5: "length and payload, which together are shorter than the 3·K bytes of rule
    # 4.1, or the 4·K of rule 4.4; a decoder checks this before it reads the payload."
    if len(length_field) + length >= header.channels * header.k:
        raise Refused("4.5", f"the coded palette has {length} bytes, no fewer than a plain one")
    payload = source.take(length, "4.5", "the palette")
    stored = source.take(CRC32_LENGTH, "4.5", "the palette's CRC-32")
    check_part(header, b"PLTE", 0, length_field + payload, stored)

    # 4.5: "The payload is one that rule 13.5 allows."
    entries, ends_well = decode_palette(payload, header.k, header.channels)
    if not ends_well:
        raise Refused("4.5", "the coded palette doesn't end as an encoder ends it")
    return entries


def read_table(source: Source, header: Header) -> Table:
    """Read the table of ids, which section 18 decodes."""
    # 4.6: "With flag L there is no palette. In its place stands a table of ids (rule 18.2)"
    # 18.2: "*The table of ids* follows the header: the length of its payload as in rule 6.4,
    # its payload, and the CRC-32."
    start = source.position
    length = read_length(source, "the table of ids", "18.2")
    length_field = source.data[start : source.position]

    # 18.2: "The payload has at least 3 bytes and at most 32 + 20·N, N being the number of
    # pixels."
    n = header.width * header.height
    if not 3 <= length <= 32 + 20 * n:
        raise Refused("18.2", f"the table of ids of {n} pixels claims {length} bytes")
    payload = source.take(length, "18.2", "the table of ids")
    stored = source.take(CRC32_LENGTH, "18.2", "the CRC-32 of the table of ids")
    check_part(header, b"IDS ", 0, length_field + payload, stored)
    return decode_table(payload, n, header.k, header.coder in (PACKED, DENSE))


# ── 5. Extension sections ───────────────────────────────────────────────────

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LETTERS_DIGITS_SPACE = LETTERS + b"0123456789 "
END = b"END "
MAX_SECTION_LENGTH = 268_435_455
MAX_SECTIONS_BEFORE_END = 254


def skip_sections(source: Source, header: Header) -> None:
    """Check the extension sections, of which this decoder knows only the last."""
    for ordinal in itertools.count():
        # 5.1: "The CRC-16, as in rule 2.8, is that of kind and length, eight bytes; a
        # decoder compares it before it looks at either."
        kind = source.take(4, "5.1", f"the kind of section {ordinal}")
        length_field = source.take(4, "5.1", f"the length of section {ordinal}")
        crc = number(source.take(2, "5.1", f"the CRC-16 of section {ordinal}"))
        if binascii.crc_hqx(kind + length_field, 0xFFFF) != crc:
            raise Refused("5.1", f"section {ordinal} is damaged: its CRC-16 differs")

        # 5.1: "The kind is four ASCII characters: a letter, then three of letters,
        # digits and space."
        if kind[0] not in LETTERS or any(c not in LETTERS_DIGITS_SPACE for c in kind[1:]):
            raise Refused("5.1", f"section {ordinal} has the kind {kind.hex(' ')}")

        # 5.5: "At most 254 sections precede `END `."
        if kind != END and ordinal == MAX_SECTIONS_BEFORE_END:
            raise Refused("5.5", "over 254 sections precede END")

        # 5.2: "The length is that of the data alone, 0 to 268,435,455 bytes."
        length = number(length_field)
        if length > MAX_SECTION_LENGTH:
            raise Refused("5.2", f"section {ordinal} claims {length} bytes of data")

        # 5.4: "The last section, and only the last, is `END ` (with a space), of
        # length 0."
        if kind == END and length != 0:
            raise Refused("5.4", f"section END claims {length} bytes of data")

        # 3.2, its table: "extension section"
        # 3.2, its table: "0, 1, 2 … in file order"
        data = source.take(length, "5.1", f"the data of section {ordinal}")
        stored = source.take(CRC32_LENGTH, "5.1", f"the CRC-32 of section {ordinal}")
        check_part(header, kind, ordinal, data, stored)
        if kind == END:
            return

        # 5.3: "If the kind's first letter is lower case, the section is optional: a
        # decoder that does not know it compares its CRC-32 and skips it. If it is
        # upper case, the section is mandatory: a decoder that does not know it
        # compares its CRC-32, then refuses the file."
        if kind[:1].isupper():
            name = kind.decode("ascii")
            raise Refused("5.3", f"section {ordinal}, '{name}', is mandatory and not known")


# ── 6. Tiles ────────────────────────────────────────────────────────────────


def read_tiles(source: Source, header: Header, entries: list[bytes]) -> bytearray:
    """Read the tiles and their directory, and return the pixels of the picture."""
    channels = len(entries[0])
    pixels = bytearray(channels * header.width * header.height)
    lengths: list[int] = []
    for index in range(header.tiles_across * header.tiles_down):
        # 6.1: "They are counted row by row"
        # 6.1: "those at the right and lower edge may be narrower or lower."
        tile_row, tile_column = divmod(index, header.tiles_across)
        top, left = tile_row * header.tile_height, tile_column * header.tile_width
        bottom = min(top + header.tile_height, header.height)
        right = min(left + header.tile_width, header.width)
        count = (right - left) * (bottom - top)

        # 6.3: "Each tile is one record, and the records stand in the order of their
        # indices"
        payload = read_record(source, header, index, count)
        lengths.append(len(payload))

        # 6.5: "A payload holds the labels of its tile alone, row by row, and can be
        # decoded without any other tile."
        # 1.3: "Rows run from the top of the picture to the bottom, and pixels in a row
        # from left to right."
        labels = labels_of_tile(header, entries, index, payload, (right - left, bottom - top))
        for row in range(top, bottom):
            # 4.3: "The pixel with label i has the colour of entry i."
            row_labels = itertools.islice(labels, right - left)
            start = channels * (row * header.width + left)
            stop = channels * (row * header.width + right)
            pixels[start:stop] = b"".join([entries[label] for label in row_labels])

    # 6.8: "If T is at least 2, a directory follows the last tile"
    if len(lengths) >= 2:
        check_directory(source, header, lengths)

    # 6.9: "Nothing follows the directory or, if T is 1, the tile."
    if source.bytes_left():
        raise Refused("6.9", f"{source.bytes_left()} bytes follow the end of the picture")
    return pixels


def read_record(source: Source, header: Header, index: int, labels: int) -> bytes:
    """Read the record of one tile, and return its payload."""
    length = read_length(source, f"tile {index}")

    # 6.6: "The payloads of packed and dense have exactly the length that sections 7
    # and 8 give. A payload of context or tokens has, for K ≥ 2, at least one byte and at
    # most one more than dense would need for the same labels; for K = 1 it is empty."
    # 6.5: "a decoder checks this, and rule 6.6, before it reads the payload."
    needed = payload_length(header, labels)
    least, most = needed, needed
    if header.coder in (CONTEXT, TOKENS) and header.k >= 2:
        least, most = 1, 1 + needed

        # 18.6: "By context and tokens, the payload of a tile of n labels has, for K ≥ 2, at most
        # 1 + d + 16 + 6·min(n, K) bytes, d being what dense needs for them;"
        if header.is_label_map:
            most += 16 + 6 * min(labels, header.k)
    if not least <= length <= most:
        why = f"the payload of tile {index} claims {length} bytes and its labels take {needed}"
        raise Refused("18.6" if header.is_label_map and length > most > 0 else "6.6", why)

    payload = source.take(length, "6.3", f"the payload of tile {index}")
    stored = source.take(CRC32_LENGTH, "6.3", f"the CRC-32 of tile {index}")
    check_part(header, b"TILE", index, payload, stored)

    if header.coder in (PACKED, DENSE):
        check_unused_bits(payload, payload_bits(header, labels), index)
    return payload


def check_directory(source: Source, header: Header, lengths: list[int]) -> None:
    """Read the directory and compare it with the lengths in the records."""
    # 6.8: "for each tile, in the order of their indices, the length of its payload in
    # four bytes, then the CRC-32."
    body = source.take(4 * len(lengths), "6.8", "the directory")
    stored = source.take(CRC32_LENGTH, "6.8", "the directory's CRC-32")
    check_part(header, b"TDIR", 0, body, stored)

    # 6.8: "The directory agrees with the records."
    for index, length in enumerate(lengths):
        listed = number(body[4 * index : 4 * index + 4])
        if listed != length:
            why = f"the directory gives tile {index} {listed} bytes and its record {length}"
            raise Refused("6.8", why)


def payload_bits(header: Header, labels: int) -> int:
    """Return how many bits so many labels take in the file's coder, at the most."""
    if header.coder == PACKED:
        return labels * bits_for(header.k)
    return dense_bits(header.k, labels)


def payload_length(header: Header, labels: int) -> int:
    """Return how many bytes the payload of so many labels has."""
    # 7.2: "The payload of n labels is ceil(n·b / 8) bytes."
    # 8.3: "The payload of N labels, N = q·n + r with r < n, is
    # ceil((q·B(n) + B(r)) / 8) bytes, B(0) being 0."
    return (payload_bits(header, labels) + 7) // 8


def labels_of_tile(
    header: Header, entries: list[bytes], index: int, payload: bytes, size: tuple[int, int]
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows, each the number of an entry."""
    # 7.1: "For K = 1, b is 0 and the payload empty."
    # 8.1: "For K = 1 the payload is empty."
    # 16.1: "For K = 1 the payload is empty."
    # 17.1: "For K = 1 the payload is empty."
    count = size[0] * size[1]
    if header.k == 1:
        return itertools.repeat(0, count)
    if header.coder == PACKED:
        return decode_packed(header.k, index, payload, count)
    if header.coder == DENSE:
        return decode_dense(header.k, index, payload, count)
    decode_labels = decode_context if header.coder == CONTEXT else decode_tokens
    if not header.is_label_map:
        return decode_labels(entries, index, payload, size)

    def decode_plain(k: int, payload: bytes) -> list[int]:
        # 18.9: "*The labels*, where they stand as they are, are a payload of section 16 or 17, by
        # the file's coder, with K as in rule 18.8, of which rule 6.6 holds as in pictures."
        most = 1 + (dense_bits(k, count) + 7) // 8 if k > 1 else 0
        if not min(most, 1) <= len(payload) <= most:
            raise Refused("18.9", f"{len(payload)} bytes of labels in tile {index}, where K is {k}")
        return list(decode_labels([NO_COLOR] * k, index, payload, size)) if k > 1 else [0] * count

    tile = LabelTile(f"tile {index}", *size, decode_plain)
    return iter(tile.entries(header.k, len(entries), payload))


# ── 14. The coded palette ───────────────────────────────────────────────────

GREEN, RED, BLUE, ALPHA = range(4)
BLACK = [0, 0, 0, 255]
HISTORY = 32

# The masses of a guess, and its total T.
Guess = tuple[list[int], int]


def decode_palette(payload: bytes, k: int, channels: int) -> tuple[list[bytes], bool]:
    """Return the K entries, and whether the payload ends as an encoder ends it."""
    # 14.1: "The first bit has p = 32768: it is 1 if the entries ascend, and 0 if they are
    # in any other order. Then follow the K entries"
    decoder = ArithmeticDecoder(payload)
    ascends = decoder.bit(32768) == 1

    # 14.5: "For each channel the guesses have two sets of weights: one for values which are
    # the first of their entry, or whose entry has had the same values so far as the entry
    # of age 0; the other for those whose entry differs. At the start each w is 10922."
    weights = [[[10922] * 6 for _ in range(2)] for _ in range(4)]

    # 14.3: "Two entries of green, red and blue 0 and alpha 255 stand ahead of the first
    # entry, and belong to the history of those that follow until 32 others do."
    history = [BLACK, BLACK]
    entries = []
    for index in range(k):
        # 14.1: "of each entry its green, its red, its blue and, with flag A, its alpha."
        entry: list[int] = []
        for channel in range(channels):
            is_same = entry == history[0][:channel]

            # 14.4: "If the entries ascend, the entry isn't the first, and all values of
            # the entry that were coded before this one are the same as in the entry of
            # age 0, L is the value of the entry of age 0. Otherwise L is 0."
            least = history[0][channel] if ascends and index > 0 and is_same else 0
            guesses = guesses_of(entry, history)

            # 14.10: "If the entries ascend, guesses 0 and 1 of green are others. Let n be
            # the number of entries that are yet to be coded, this one included, and ρ in
            # guess 0 floor(65536·3·(256 − L) / (3·(256 − L) + 8·n)) in guess 1
            # floor(65536·(256 − L) / (256 − L + n))"
            if ascends and channel == GREEN:
                span, n = 256 - least, k - index
                guesses[0] = gaps(least, 65536 * 3 * span // (3 * span + 8 * n))
                guesses[1] = gaps(least, 65536 * span // (span + n))
            entry.append(decode_value(decoder, guesses, weights[channel][is_same], least))

        # 14.3: "The history of an entry are the entries before it, the last 32 at most"
        history = [entry, *history][:HISTORY]
        entries.append(bytes([entry[RED], entry[GREEN], *entry[BLUE:]]))
    return entries, decoder.ends_well()


def decode_value(
    decoder: ArithmeticDecoder, guesses: list[Guess], weights: list[int], least: int
) -> int:
    """Decode one value, and let the weights follow it."""
    # 14.5: "scale = w · floor(2^40 / T), or 0 where T is 0"
    scales = [
        w * (2**40 // total) if total else 0 for w, (_, total) in zip(weights, guesses, strict=True)
    ]

    def share(x: int, y: int) -> int:
        # 14.5: "share(x, y) = floor(Σ over the guesses of scale · (M(x) + … + M(y − 1)) /
        # 2^24)"
        masses = [sum(m[x:y]) for m, _ in guesses]
        return sum(scale * mass for scale, mass in zip(scales, masses, strict=True)) // 2**24

    # 14.6: "A value is coded as eight bits, the most significant first. With a the least
    # and a + 2s − 1 the greatest number that the bits so far allow, the next bit is 1 if
    # the value is at least a + s"
    a = 0
    for s in (128, 64, 32, 16, 8, 4, 2, 1):
        # 14.6: "Where L is at least a + s, the bit is 1 and isn't coded."
        if least >= a + s:
            a += s
            continue

        # 14.6: "p = floor(65536 · share(a + s, a + 2s) / share(max(a, L), a + 2s)), but at
        # least 1 and at most 65535"
        p = 65536 * share(a + s, a + 2 * s) // share(max(a, least), a + 2 * s)
        if decoder.bit(min(max(p, 1), 65535)):
            a += s

    # 14.7: "w = floor(m · floor(63488 · 2^32 / Σ m) / 2^32) + 341, m = floor(scale · M(v) /
    # 2^24)"
    m = [scale * masses[a] // 2**24 for scale, (masses, _) in zip(scales, guesses, strict=True)]
    unit = 63488 * 2**32 // sum(m)
    weights[:] = [each * unit // 2**32 + 341 for each in m]
    return a


def guesses_of(coded: list[int], history: list[list[int]]) -> list[Guess]:
    """Return the guesses of an entry's next value, by rule 14.9."""
    # 14.9: "G, R, B, A are the values of the entry of age 0, G' and A' those of the entry of
    # age 1. g, r, b, a are the values of each of the *recent* entries, which are those of
    # the history whose age is under 16"
    last, recent = history[0], history[:16]
    first: list[int] = []
    more: list[int] = []
    if len(coded) == GREEN:
        near = list(zip([entry[GREEN] for entry in history], (4, 2, 1, 1), strict=False))
        step = 2 * last[GREEN] - history[1][GREEN]
        first, more = [step], [last[GREEN]]
    elif len(coded) == RED:
        first = [coded[GREEN] + entry[RED] - entry[GREEN] for entry in recent]
        near = [(number, 1) for number in first]
        step = coded[GREEN] + last[RED] - last[GREEN]
        more = [entry[RED] for entry in recent]
    elif len(coded) == BLUE:
        near = nearest(history, coded[GREEN], coded[RED])
        step = coded[RED] + last[BLUE] - last[RED]
        first = [coded[GREEN] + entry[BLUE] - entry[GREEN] for entry in recent]
        more = [coded[RED] + entry[BLUE] - entry[RED] for entry in recent]
        more += [entry[BLUE] for entry in recent]
    else:
        first, more = [255], [entry[ALPHA] for entry in recent]
        near = [(number, 1) for number in more]
        step = 2 * last[ALPHA] - history[1][ALPHA]

    # 14.9: "T is the sum of the u, times 65536."
    total = 65536 * sum(u for _, u in near)
    return [
        (surrounded(near, SHARP), total),
        (surrounded(near, WIDE), total),
        (surrounded([(step, 1)], SHARP), 65536),
        (surrounded([(number, 1) for number in first], EXACT), len(first)),
        (surrounded([(number, 1) for number in first + more], EXACT), len(first + more)),
        ([1] * 256, 256),
    ]


def nearest(history: list[list[int]], green: int, red: int) -> list[tuple[int, int]]:
    """Return green + b − g of the nearest entries, each with its u."""

    # 14.9: "The nearest are the up to four entries of the whole history for which δ = 2·|(r
    # − g) − (red − green)| + |g − green| is least, of equal ones those of lower age"
    def delta(entry: list[int]) -> int:
        hue = abs((entry[RED] - entry[GREEN]) - (red - green))
        return 2 * hue + abs(entry[GREEN] - green)

    found = sorted(history, key=delta)[:4]

    # 14.9: "u = 1 + floor(2^24 / (16 + δ)^3)."
    return [(green + e[BLUE] - e[GREEN], 1 + 2**24 // (16 + delta(e)) ** 3) for e in found]


def decayed(first: int, k: int) -> list[int]:
    """Return 256 masses, by distance."""
    # 14.8: "from each distance to the next B becomes floor(B / 2), C floor(3·C / 4) and D
    # floor(15·D / 16)."
    masses = [first]
    while len(masses) < 256:
        masses.append(masses[-1] * (2**k - 1) // 2**k)
    return masses


# 14.8: "A(0) is 16384, B(0) 5461, C(0) 2341 and D(0) 529. A(d) is 0 farther off"
# 14.8: "sharp(d) = A(d) + B(d) + C(d) + D(d) wide(d) = 2·C(d) + 2·D(d)"
EXACT = [1] + [0] * 255
WIDE = [2 * c + 2 * d for c, d in zip(decayed(2341, 2), decayed(529, 4), strict=True)]
SHARP = [b + w // 2 for b, w in zip(decayed(5461, 1), WIDE, strict=True)]
SHARP[0] += 16384


def surrounded(numbers: list[tuple[int, int]], masses: list[int]) -> list[int]:
    """Return the masses around numbers, each of which has its weight."""
    # 14.9: "Numbers under 0 are taken as 0, and those over 255 as 255."
    weights: dict[int, int] = {}
    for value, u in numbers:
        c = min(max(value, 0), 255)
        weights[c] = weights.get(c, 0) + u
    return [sum(u * masses[abs(v - c)] for c, u in weights.items()) for v in range(256)]


def gaps(least: int, rho: int) -> Guess:
    """Return a guess of the next ascending value."""
    # 14.10: "Let low(0) be 65536, low(i + 1) = floor(low(i)·ρ / 65536), high(0) = 65536 and
    # high(i + 1) = floor(high(i)·low(16) / 65536)."
    low, high = [65536], [65536]
    for _ in range(16):
        low.append(low[-1] * rho // 65536)
    for _ in range(16):
        high.append(high[-1] * low[16] // 65536)

    # 14.10: "left(d) = floor(low(d mod 16)·high(floor(d / 16)) / 65536)"
    left = [low[d % 16] * high[d // 16] // 65536 for d in range(257)]

    # 14.10: "Then T is 65536, M(v) is 0 for v under L, and from L on left(v − L) − left(v −
    # L + 1)"
    masses = [0] * least + [left[d] - left[d + 1] for d in range(256 - least)]
    return masses, 65536


# ── 16. The coder context ───────────────────────────────────────────────────


def decode_context(
    entries: list[bytes], index: int, payload: bytes, size: tuple[int, int]
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows."""
    # 16.1: "A first byte of 01 isn't settings: such a tile is enlarged, by rule 16.24."
    if payload[0] == 1:
        return iter(decode_enlarged(entries, index, payload, size))

    # 16.1: "its first byte, the *settings*, says how the rest is coded"
    settings, rest = payload[0], payload[1:]
    model = settings >> 6

    # 16.1: "The model isn't 3, bit 5 is 0, and of the model dense the byte is all 0."
    if model == 3 or settings & 32 or (model == 0 and settings != 0):
        raise Refused("16.1", f"tile {index} has the settings {settings:08b}")

    # 16.2: "With the model dense, the rest is exactly the payload that section 8 gives the
    # same labels."
    if model == 0:
        return decode_dense_rest(len(entries), index, rest, size, "16.2")

    # 16.3: "With the other models the rest is a payload of section 13, of which rule 13.5
    # holds, for the labels one after the other."
    decoder = ArithmeticDecoder(rest)
    labels = decode_tile(decoder.bit, settings, entries, *size)
    if not decoder.ends_well():
        raise Refused("16.3", f"the payload of tile {index} doesn't end as an encoder ends it")
    return iter(labels)


def decode_dense_rest(
    k: int, index: int, rest: bytes, size: tuple[int, int], rule: str
) -> Iterator[int]:
    """Yield the labels of a tile whose payload goes on as by the coder dense."""
    bits = dense_bits(k, size[0] * size[1])
    if len(rest) != (bits + 7) // 8:
        raise Refused(rule, f"{len(rest)} bytes of dense in tile {index}, of {bits} bits")
    check_unused_bits(rest, bits, index)
    return decode_dense(k, index, rest, size[0] * size[1])


def decode_enlarged(
    entries: list[bytes], index: int, payload: bytes, size: tuple[int, int]
) -> list[int]:
    """Return the labels of a tile that consists of cells."""
    # 16.24: "Its payload begins with five bytes"
    if len(payload) < 5:
        raise Refused("16.24", f"{len(payload)} bytes in tile {index}, which is enlarged")

    # 16.24: "Let the width be a and the height b, 1 to 256 each and not both 1, and the
    # losses c, less than a, and d, less than b."
    a, c, b, d = payload[1] + 1, payload[2], payload[3] + 1, payload[4]
    if a * b == 1 or c >= a or d >= b:
        raise Refused("16.24", f"tile {index} has cells of {a} x {b}, which lost {c} and {d}")

    # 16.24: "So in a tile of w columns and h rows the cells have floor((w − 1 + c) / a) + 1
    # columns and floor((h − 1 + d) / b) + 1 rows."
    w, h = size
    columns, rows = (w - 1 + c) // a + 1, (h - 1 + d) // b + 1

    # 16.24: "Behind these five bytes stands what the payload of a tile of as many columns
    # and rows would be, with the cells as its labels; rule 6.6 holds for it and the number
    # of cells, and it doesn't begin with 01."
    rest, most = payload[5:], 1 + (dense_bits(len(entries), columns * rows) + 7) // 8
    if not 1 <= len(rest) <= most or rest[0] == 1:
        raise Refused("16.24", f"the cells of tile {index} don't have a payload of theirs")
    cells = list(decode_context(entries, index, rest, (columns, rows)))

    # 16.24: "The label of column x and row y of the tile is that of the cell in column
    # floor((x + c) / a) and row floor((y + d) / b)."
    return [cells[(y + d) // b * columns + (x + c) // a] for y in range(h) for x in range(w)]


# ── 17. The coder tokens ────────────────────────────────────────────────────


def decode_tokens(
    entries: list[bytes], index: int, payload: bytes, size: tuple[int, int]
) -> Iterator[int]:
    """Yield the labels of one tile of so many columns and rows."""
    # 17.1: "Otherwise its first byte says how the rest is coded: 0 by the coder dense, exactly
    # as section 8 has the same labels; 1 in one stream; 2 in three bands. Any other is
    # invalid."
    k, first = len(entries), payload[0]
    if first == 0:
        return decode_dense_rest(k, index, payload[1:], size, "17.1")
    if first > 2:
        raise Refused("17.1", f"the payload of tile {index} begins with {first}")

    # 17.2: "Lengths are written as in rule 6.4."
    source = Source(payload, f"the payload of tile {index}")
    source.position = 1
    part = f"the front of tile {index}"
    front = source.take(read_length(source, part, "17.2"), "17.2", part)
    streams = 1 if first == 1 else 3
    part = f"a stream of tile {index}"
    lengths = [read_length(source, part, "17.2") for _ in range(streams - 1)]

    # 17.2: "The last stream ends with the payload; none is empty."
    data = [source.take(length, "17.2", part) for length in lengths]
    data.append(source.take(source.bytes_left(), "17.2", part))
    if b"" in data:
        raise Refused("17.2", f"{part} is empty")

    # 17.3: "there are S = floor((K − 1) / 2^z) + 1 symbols."
    # 17.6: "*The front* is a payload of section 13, of which rule 13.5 holds."
    z = max(0, bits_for(k) - 8)
    decoder = ArithmeticDecoder(front)
    try:
        tables = read_front(decoder.bit, first == 2, (k - 1 >> z) + 1, size[0] * size[1])
        if not decoder.ends_well():
            raise Broken("17.6", "has a front that doesn't end as an encoder ends it")
        places = decode_streams(tables, data, k, size)
    except Broken as broken:
        raise Refused(broken.rule, f"tile {index} {broken.how}") from broken

    # 17.3: "From here on labels are places in the order of rule 16.5."
    order = tree_order(entries)
    return (order[place] for place in places)


# ── 12. The short form ──────────────────────────────────────────────────────

SHORT_SIGNATURE = bytes.fromhex("CB 6B")
MAX_SHORT = 4096


def long_form(data: bytes) -> bytes:
    """Return the long form of a file in the short one, and any other file as it is."""
    # 12.2: "CB 6B is the signature"
    if not data.startswith(SHORT_SIGNATURE):
        return data

    # 12.1: "a short form of at most 4,096 bytes"
    if len(data) > MAX_SHORT:
        raise Refused("12.1", f"the short form has over {MAX_SHORT} bytes")

    # 12.3: "compares the CRC-32 in the last four with that of all others before it uses
    # any of them."
    body, stored = data[:-CRC32_LENGTH], data[-CRC32_LENGTH:]
    if zlib.crc32(body) != number(stored):
        raise Refused("12.3", "the file is damaged, or not whole: its CRC-32 differs")

    # 12.2: "Coder and flags are byte 6 of the header. Width, height and K, each less one,
    # are written as lengths are by rule 6.4."
    source = Source(body)
    source.position = len(SHORT_SIGNATURE)
    coder_and_flags = source.take(1, "12.2", "its flags")[0]
    width, height, last_entry = (read_length(source, what) for what in ("width", "height", "K"))

    # 2.7: "K, the number of palette entries, is 1 to 65,536"
    if last_entry > 0xFFFF:
        raise Refused("2.7", f"{last_entry + 1} palette entries")

    # 12.1: "by the coder context or tokens, without sections, and whose byte 7 is 00"
    if coder_and_flags >> 5 in (PACKED, DENSE) or coder_and_flags & FLAG_S:
        raise Refused("12.1", "the short form is of another coder, or has sections")

    # 12.3: "the header with its CRC-16, and the CRC-32s of palette and tile."
    sides = (width + 1).to_bytes(4, "big") + (height + 1).to_bytes(4, "big")
    raw = SIGNATURE + bytes((0x12, coder_and_flags, 0)) + sides + last_entry.to_bytes(2, "big")
    raw += binascii.crc_hqx(raw, 0xFFFF).to_bytes(2, "big")
    header = read_header(Source(raw), sys.maxsize)

    # 12.2: "Palette, length and payload are as in sections 4 and 6, without their CRC-32s."
    # 18.1: "It may have the short form, in which the table stands, without its CRC-32, where
    # palettes do."
    start = source.position
    length = header.k * header.channels
    kind = b"IDS " if header.is_label_map else b"PLTE"
    if header.has_coded_palette or header.is_label_map:
        length = read_length(source, "the palette")
    source.take(length, "12.2", "the palette")
    palette = body[start : source.position]
    start = source.position
    payload = source.take(read_length(source, "tile 0"), "12.2", "tile 0")
    tile = body[start : source.position]
    if source.bytes_left():
        raise Refused("12.2", "bytes follow the tile")
    return raw + palette + crc_of(raw, kind, palette) + tile + crc_of(raw, b"TILE", payload)


def crc_of(raw: bytes, kind: bytes, body: bytes) -> bytes:
    """Return the CRC-32 of the part of that kind that is number 0."""
    return zlib.crc32(raw + kind + bytes(8) + body).to_bytes(CRC32_LENGTH, "big")


# ── The whole file ──────────────────────────────────────────────────────────


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a whole .kq file, or raise Refused."""
    # 1.4: "The parts of a file, in order"
    source = Source(long_form(data))
    header = read_header(source, max_pixels)
    table = read_table(source, header) if header.is_label_map else None
    entries = read_palette(source, header) if table is None else table.entries
    if header.has_sections:
        skip_sections(source, header)
    pixels = read_tiles(source, header, entries)
    return Picture(header.width, header.height, len(entries[0]), entries, pixels, table)


def read_file(path: Path, max_pixels: int) -> bytes:
    """Return the bytes of a file, which is read on only behind a good header."""
    with path.open("rb") as file:
        start = file.read(HEADER_LENGTH)
        if start.startswith(SHORT_SIGNATURE):
            return start + file.read(MAX_SHORT + 1 - len(start))
        read_header(Source(start), max_pixels)
        return start + file.read()


def netpbm_head(picture: Picture) -> bytes:
    """Return the first lines of a PPM file, or of a PAM file where there is alpha."""
    if picture.channels == 3:
        return f"P6\n{picture.width} {picture.height}\n255\n".encode("ascii")
    size = f"WIDTH {picture.width}\nHEIGHT {picture.height}\nDEPTH 4\nMAXVAL 255"
    return f"P7\n{size}\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode("ascii")


def npy_head(picture: Picture, table: Table) -> bytes:
    """Return what stands ahead of the ids in a .npy file: NumPy's own document of it is the
    docstring of numpy.lib.format."""
    sides = (picture.height, picture.width)
    shape = (*sides, 1) if table.is_column else sides
    what = f"{{'descr': '{table.dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    # Ten bytes, the text, spaces and a line feed: a multiple of 64.
    text = what.encode("ascii") + b" " * (-(11 + len(what)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def fail(path: Path, why: str) -> NoReturn:
    """Print the one sentence and exit with 1."""
    print(f"decode.py: {path}: {why}", file=sys.stderr)
    raise SystemExit(1)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description="Decode a .kq file to a binary PPM or PAM, or a .npy."
    )
    parser.add_argument("input", metavar="IN.kq", type=Path)
    parser.add_argument("output", metavar="OUT.ppm", type=Path)
    parser.add_argument("--max-pixels", metavar="N", type=int, default=MAX_PIXELS)
    arguments = parser.parse_args()

    try:
        picture = decode(read_file(arguments.input, arguments.max_pixels), arguments.max_pixels)
    except Refused as refused:
        fail(arguments.input, str(refused))
    except OSError as error:
        fail(arguments.input, f"cannot be read: {error.strerror}")
    except MemoryError:
        fail(arguments.input, "needs more memory than there is")

    try:
        with arguments.output.open("wb") as file:
            table = picture.table
            file.write(netpbm_head(picture) if table is None else npy_head(picture, table))
            file.write(picture.pixels)
    except OSError as error:
        fail(arguments.output, f"cannot be written: {error.strerror}")


if __name__ == "__main__":
    main()
