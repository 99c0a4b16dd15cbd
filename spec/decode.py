#!/usr/bin/env python3
"""A second decoder of the .kq format, to be read beside kq.md.

    python3 decode.py IN.kq OUT.ppm [--max-pixels N]

It turns a .kq file of version 1.x into a binary PPM picture (P6, eight bits a
channel) or, where there is alpha, a PAM picture (P7, RGB_ALPHA); a label map into an
array file of NumPy's (.npy, version 1.0). Of a sequence all frames stand in it, one below
the other. It is written from kq.md alone, in the order of that document, with Python's
standard library and whole numbers only; it shares nothing with kqcodec, so that where both
agree on a file, the document has told both the same. Here are the parts of a file, sections
4 to 6 and 12. Beside it are sections 1, 7, 8 and 13 in decode_bits.py, 2 and 3 in
decode_header.py, 14 in decode_palette.py, what a tile holds in decode_tiles.py and, for it,
15 to 18 in decode_mixing.py, decode_context.py, decode_tokens.py and decode_labels.py; and
19 in decode_frames.py and decode_chains.py.

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
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from decode_bits import Refused, Source, check_unused_bits, number, read_length
from decode_frames import Canvas, Timing, read_frames, read_timing
from decode_header import (
    CRC32_LENGTH,
    DENSE,
    FLAG_S,
    HEADER_LENGTH,
    PACKED,
    SIGNATURE,
    Header,
    check_part,
    read_header,
)
from decode_labels import Table, decode_table, is_of_volume
from decode_palette import decode_palette
from decode_tiles import check_length, labels_of_tile, payload_bits

MAX_PIXELS = 2**27


class Picture(NamedTuple):
    """What a file decodes to."""

    width: int
    height: int
    channels: int  # bytes of an entry: 3, or 4 with alpha; of a label map those of an id
    entries: list[bytes]  # the palette: K entries of so many bytes; of a label map the ids
    pixels: bytearray  # so many bytes a pixel, row by row; of a sequence, frame by frame
    table: Table | None = None  # of a label map
    timing: Timing | None = None  # of a sequence
    durations: Sequence[int] = (1,)  # of its frames

    @property
    def frames(self) -> int:
        """Return the number of frames: 1 for a still."""
        return len(self.durations)


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
    # pixels"
    # 18.2: "but W·H·(2^31 − 1) if v (18.3) is 1, since F isn't known yet."
    what = "the table of ids"
    first = source.take(1, "18.2", what) if length else b"\0"
    n = header.width * header.height * (2**31 - 1 if is_of_volume(first) else 1)
    if not 3 <= length <= 32 + 20 * n:
        raise Refused("18.2", f"{what} of {n} pixels claims {length} bytes")
    payload = first + source.take(length - 1, "18.2", what)
    stored = source.take(CRC32_LENGTH, "18.2", "the CRC-32 of the table of ids")
    check_part(header, b"IDS ", 0, length_field + payload, stored)
    return decode_table(payload, n, header.k, header.coder in (PACKED, DENSE))


# ── 5. Extension sections ───────────────────────────────────────────────────

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LETTERS_DIGITS_SPACE = LETTERS + b"0123456789 "
END, FRAM = b"END ", b"FRAM"
MAX_SECTION_LENGTH = 268_435_455
MAX_SECTIONS_BEFORE_END = 254


def read_sections(source: Source, header: Header) -> Timing | None:
    """Check the extension sections, and return what `FRAM` says if the first one is that."""
    timing = None
    for ordinal in itertools.count():
        # 5.1: "The CRC-16, as in rule 2.8, is that of kind and length, eight bytes; a
        # decoder compares it before it looks at either."
        kind = source.take(4, "5.1", f"the kind of section {ordinal}")
        length_field = source.take(4, "5.1", f"the length of section {ordinal}")
        crc = number(source.take(2, "5.1", f"the CRC-16 of section {ordinal}"))
        if binascii.crc_hqx(kind + length_field, 0xFFFF) != crc:
            why = f"section {ordinal} is damaged: its CRC-16 differs"
            raise Refused("5.1", why, "checksum")

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
            break

        # 19.1: "A file is of a sequence if its first section is `FRAM`, which no other of its
        # sections is."
        if kind == FRAM:
            if ordinal != 0:
                raise Refused("19.1", f"section {ordinal} is 'FRAM', which is the first or none")
            timing = read_timing(data, header)
            continue

        # 5.3: "If the kind's first letter is lower case, the section is optional: a
        # decoder that does not know it compares its CRC-32 and skips it. If it is
        # upper case, the section is mandatory: a decoder that does not know it
        # compares its CRC-32, then refuses the file."
        if kind[:1].isupper():
            name = kind.decode("ascii")
            why = f"section {ordinal}, '{name}', is mandatory and not known"
            raise Refused("5.3", why, "unsupported")
    return timing


# ── 6. Tiles ────────────────────────────────────────────────────────────────


def read_tiles(source: Source, header: Header, entries: list[bytes]) -> list[int]:
    """Read the tiles and their directory, and return the labels of the picture."""
    canvas = Canvas(header)
    lengths: list[int] = []
    for index, box in enumerate(header.boxes()):
        # 6.3: "Each tile is one record, and the records stand in the order of their
        # indices"
        payload = read_record(source, header, index, box.labels)
        lengths.append(len(payload))

        # 6.5: "A payload holds the labels of its tile alone, row by row, and can be
        # decoded without any other tile."
        canvas.fill(box, labels_of_tile(header, entries, index, payload, box.size))

    # 6.8: "If T is at least 2, a directory follows the last tile"
    if len(lengths) >= 2:
        check_directory(source, header, lengths)

    # 6.9: "Nothing follows the directory or, if T is 1, the tile."
    if source.bytes_left():
        raise Refused("6.9", f"{source.bytes_left()} bytes follow the end of the picture")
    return canvas.labels


def read_record(source: Source, header: Header, index: int, labels: int) -> bytes:
    """Read the record of one tile, and return its payload."""
    length = read_length(source, f"tile {index}")

    # 6.5: "a decoder checks this, and rule 6.6, before it reads the payload."
    check_length(header, index, length, labels)
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
        why = "the file is damaged, or not whole: its CRC-32 differs"
        raise Refused("12.3", why, "checksum")

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
    raw = SIGNATURE + bytes((0x10, coder_and_flags, 0)) + sides + last_entry.to_bytes(2, "big")
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
    timing = read_sections(source, header) if header.has_sections else None

    # 18.3: "v: 1 for one of the shape (F, H, W), of a sequence"
    if table is not None and table.is_volume != (timing is not None):
        raise Refused("18.3", "the table of ids is of a volume, or the file, but not both")
    sides = header.width, header.height, len(entries[0])
    if timing is None:
        labels = read_tiles(source, header, entries)
        return Picture(*sides, entries, painted(labels, entries), table)

    # 19.1: "A *sequence* is F *frames* of one size, one behind the other"
    pixels, durations = bytearray(), []
    for labels, duration in read_frames(source, header, entries, timing, max_pixels):
        pixels += painted(labels, entries)
        durations.append(duration)
    return Picture(*sides, entries, pixels, table, timing, durations)


def painted(labels: list[int], entries: list[bytes]) -> bytearray:
    """Return the pixels of a picture or frame."""
    # 4.3: "The pixel with label i has the colour of entry i."
    return bytearray().join([entries[label] for label in labels])


def read_file(path: Path, max_pixels: int) -> bytes:
    """Return the bytes of a file, which is read on only behind a good header."""
    with path.open("rb") as file:
        start = file.read(HEADER_LENGTH)
        if start.startswith(SHORT_SIGNATURE):
            return start + file.read(MAX_SHORT + 1 - len(start))
        read_header(Source(start), max_pixels)
        return start + file.read()


def netpbm_head(picture: Picture) -> bytes:
    """Return the first lines of a PPM file, or of a PAM file where there is alpha.

    The frames of a sequence stand in it one below the other."""
    rows = picture.frames * picture.height
    if picture.channels == 3:
        return f"P6\n{picture.width} {rows}\n255\n".encode("ascii")
    size = f"WIDTH {picture.width}\nHEIGHT {rows}\nDEPTH 4\nMAXVAL 255"
    return f"P7\n{size}\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode("ascii")


def npy_head(picture: Picture, table: Table) -> bytes:
    """Return what stands ahead of the ids in a .npy file: NumPy's own document of it is the
    docstring of numpy.lib.format."""
    sides = (picture.height, picture.width)
    shape: tuple[int, ...] = (*sides, 1) if table.is_column else sides
    if picture.timing is not None:
        shape = (picture.frames, *shape)
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
