"""The invalid test vectors of sections, palettes and tiles by packed and dense."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from vector_parts import CODERS, END, Invalid, Parts, flipped, section_head, with_sections
from vector_topics.contents import (
    BLACK_RED_WHITE,
    example,
    example_tiles,
    filled,
    picture,
    with_alpha,
    with_sides,
)

from kqcodec.coding.palette import encode_palette

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def invalid_sections() -> Iterator[Invalid]:
    """Extension sections, with right CRC-32s."""
    base = example("packed")
    kinds = {
        "digit-first": b"1abc",
        "space-first": b" abc",
        "underscore": b"a_bc",
        "nul": b"abc\0",
        "non-ascii": b"caf\xe9",
        "latin-first": b"\xe9abc",
        "zeros": bytes(4),
    }
    for name, kind in kinds.items():
        data = with_sections(base, (kind, b"data")).to_bytes()
        what = f"the kind of a section is {kind.hex(' ').upper()}"
        yield Invalid(f"section-kind-{name}", what, "5.1", "invalid", data)
    flagged = with_sections(base)
    head, tile = flagged.header + flagged.palette_part(), flagged.records()[0]
    for length in (2**28, 2**32 - 1):
        data = head + section_head(b"note", length) + b"data"
        what = f"a section claims {length:,} bytes, over 268,435,455"
        yield Invalid(f"section-length-{length}", what, "5.2", "invalid", data)
    data = head + flagged.section_part(0, b"END ", b"data") + tile
    yield Invalid("section-end-data", "END has four bytes of data", "5.4", "invalid", data)
    data = with_sections(base, *((b"many", b"") for _ in range(255))).to_bytes()
    yield Invalid("section-255", "255 sections ahead of END", "5.5", "invalid", data)
    note = flagged.section_part(1, b"note", b"data")
    data = head + flagged.section_part(0, *END) + note + flagged.section_part(2, *END) + tile
    what = "a section behind END, so that its first byte, 6E, is the length of tile 0"
    yield Invalid("section-behind-end", what, "6.6", "invalid", data)
    bare = with_sections(filled(8, 1, 256, 255, "packed"), (b"note", b"data"))
    data = bare.header + bare.palette_part() + bare.section_parts()[0] + bare.records()[0]
    what = "END is missing, so that tile 0 is read as a section's first ten bytes"
    yield Invalid("section-no-end", what, "5.1", "checksum", data)


def invalid_tile_records() -> Iterator[Invalid]:
    """Lengths, padding, directory and end of file, with right CRC-32s."""
    base = example("packed")
    head, payload = base.head(), base.payloads()[0]
    for name, length in (("80", "80 05"), ("80-80", "80 80 05"), ("80-80-80", "80 80 80 05")):
        data = head + base.record(0, payload, bytes.fromhex(length))
        what = f"a length not in its shortest form, {length}"
        yield Invalid(f"length-{name}", what, "6.4", "invalid", data)
    for name, length in (("five", "81 80 80 80 00"), ("unending", "FF FF FF FF FF")):
        data = head + base.record(0, payload, bytes.fromhex(length))
        yield Invalid(f"length-{name}", "a length of over four bytes", "6.4", "invalid", data)
    data = head + base.record(0, payload, bytes.fromhex("FFFFFF7F"))
    what = "a length of 268,435,455 where the labels take 5 bytes"
    yield Invalid("length-greatest", what, "6.6", "invalid", data)
    for coder in CODERS:
        yield from wrong_lengths(coder)
    what = "K = 1 and a payload of one byte"
    data = replace(filled(4, 4, 1, 0, "packed"), payload_override=((0, b"\0"),)).to_bytes()
    yield Invalid("length-k1", what, "6.6", "invalid", data)

    for name, count, value in (("lowest", 5, 0x01), ("highest", 5, 0x20), ("all", 5, 0x3F)):
        padded = Parts(count, 1, BLACK_RED_WHITE, (2, 1, 0, 1, 2))
        bits = bytearray(padded.payloads()[0])
        bits[-1] |= value
        data = replace(padded, payload_override=((0, bytes(bits)),)).to_bytes()
        what = f"the six unused bits behind the labels are {value:06b}, packed"
        yield Invalid(f"padding-packed-{name}", what, "6.7", "invalid", data)
    block = picture(41, 1, 3, "dense")
    data = replace(block, payload_override=((0, flipped(block.payloads()[0], -1)),)).to_bytes()
    what = "an unused bit behind a block of 65 bits is 1, dense"
    yield Invalid("padding-dense", what, "6.7", "invalid", data)
    tiled = example_tiles()
    data = replace(tiled, payload_override=((3, b"\x81"),)).to_bytes()
    yield Invalid(
        "padding-last-tile", "an unused bit of the last tile is 1", "6.7", "invalid", data
    )

    yield from invalid_ends(base, tiled)


def wrong_lengths(coder: str) -> Iterator[Invalid]:
    """Payloads a byte too short and too long, in files as long as they should be."""
    tiled = example_tiles(coder)
    payloads = tiled.payloads()
    short_first = ((1, payloads[1][:-1]), (2, payloads[2] + b"\0"))
    long_first = ((1, payloads[1] + b"\0"), (2, payloads[2][:-1]))
    data = replace(tiled, payload_override=short_first).to_bytes()
    what = f"tile 1 has a byte less than its labels take, and tile 2 one more, {coder}"
    yield Invalid(f"length-{coder}-short", what, "6.6", "invalid", data)
    data = replace(tiled, payload_override=long_first).to_bytes()
    what = f"tile 1 has a byte more than its labels take, and tile 2 one less, {coder}"
    yield Invalid(f"length-{coder}-long", what, "6.6", "invalid", data)


def invalid_ends(base: Parts, tiled: Parts) -> Iterator[Invalid]:
    """Directories that disagree, and bytes where the file should end."""
    front = tiled.head() + b"".join(tiled.records())
    cases = {
        "swapped": ([4, 64, 4, 1], "has two lengths swapped"),
        "off-by-one": ([64, 4, 4, 2], "has a length one too great"),
        "zeros": ([0, 0, 0, 0], "has only zeros"),
        "greatest": ([2**32 - 1] * 4, "has the greatest numbers"),
    }
    for name, (lengths, what) in cases.items():
        data = front + tiled.directory(lengths)
        yield Invalid(f"directory-{name}", f"the directory {what}", "6.8", "invalid", data)
    data = base.to_bytes() + b"\0"
    yield Invalid("appended-byte", "a byte follows the only tile", "6.9", "invalid", data)
    data = tiled.to_bytes() + b"\0"
    what = "a byte follows the directory"
    yield Invalid("appended-directory-byte", what, "6.9", "invalid", data)
    data = base.to_bytes() + base.to_bytes()
    yield Invalid("appended-file", "another file follows", "6.9", "invalid", data)
    body = struct.pack(">I", len(base.payloads()[0]))
    data = base.to_bytes() + body + base.seal(b"TDIR", 0, body)
    yield Invalid("appended-directory", "one tile and a directory", "6.9", "invalid", data)


def invalid_labels() -> Iterator[Invalid]:
    """Labels that the palette lacks, with right CRC-32s."""
    for k, count, label, where in ((3, 20, 3, 0), (3, 20, 3, 19), (5, 20, 7, 9), (257, 6, 511, 5)):
        parts = picture(count, 1, k)
        bits = (k - 1).bit_length()
        labels = list(parts.labels)
        labels[where] = label
        payload = digits_payload(labels, 1 << bits, count * bits)
        data = replace(parts, payload_override=((0, payload),)).to_bytes()
        what = f"label {where} of {count} is {label} and K is {k}, packed"
        yield Invalid(f"label-packed-k{k}-{where}", what, "7.3", "invalid", data)
    # For K = 3, blocks have 41 labels and 65 bits; 20 labels take 32 bits, one takes 2.
    cases = [
        ("exact", 41, [(3**41, 65)], "a block is K^n"),
        ("greatest", 41, [(2**65 - 1, 65)], "a block is all ones"),
        ("second", 82, [(5, 65), (3**41, 65)], "the second block is K^n"),
        ("short", 20, [(3**20, 32)], "the only block, of 20 labels, is K^20"),
        ("tail", 61, [(5, 65), (3**20, 32)], "the last, shorter block is K^20"),
        ("tail-greatest", 42, [(5, 65), (3, 2)], "the last block, of one label, is 3"),
    ]
    for name, count, blocks, what in cases:
        value = total = 0
        for number, bits in blocks:
            value, total = value << bits | number, total + bits
        payload = digits_payload([value], 1 << total, total)
        parts = picture(count, 1, 3, "dense")
        data = replace(parts, payload_override=((0, payload),)).to_bytes()
        yield Invalid(f"label-dense-{name}", f"{what}, K = 3", "8.4", "invalid", data)
    tiled = example_tiles()
    data = replace(tiled, payload_override=((3, b"\xc0"),)).to_bytes()
    what = "the only label of the last tile is 3 and K is 3, packed"
    yield Invalid("label-last-tile", what, "7.3", "invalid", data)


def digits_payload(digits: Iterable[int], base: int, bits: int) -> bytes:
    """The number with these digits, in so many bits, padded with zeros to whole bytes."""
    value = 0
    for digit in digits:
        value = value * base + digit
    padding = -bits % 8
    return (value << padding).to_bytes((bits + padding) // 8, "big")


def invalid_limits() -> Iterator[Invalid]:
    """Pictures beyond 2^27 pixels, the limit of the decoders here."""
    most = 2**32 - 1
    for name, width, height in (("most", most, most), ("wide", most, 1), ("over", 2**27 + 1, 1)):
        claim = with_sides(filled(4, 4, 1, 0, "packed"), width, height)
        fields = claim.fields[:7] + b"\x11" + claim.fields[8:]
        claim = replace(claim, header_override=fields)
        data = claim.head() + claim.record(0, b"") + bytes(8)
        what = f"{width:,} × {height:,} pixels, in {len(data)} bytes"
        yield Invalid(f"limit-{name}", what, "9.3", "limit", data)


def invalid_alpha() -> Iterator[Invalid]:
    """Damage to palettes with alpha."""
    glass = with_alpha(example("packed"), b"\0\x80\xff")
    data = glass.to_bytes()
    cases = [("alpha", "within the alpha", 31), ("alpha-crc", "within the palette's CRC-32", 34)]
    for name, where, length in cases:
        what = f"the file ends {where}"
        yield Invalid(f"truncated-{name}", what, "4.1", "truncated", data[:length])
    what = "a bit is changed in the alpha of an entry"
    yield Invalid("checksum-alpha", what, "3.3", "checksum", flipped(data, 30))
    plain = replace(glass, alpha=None, header_override=glass.fields)
    what = "flag A, and no alpha: a palette of 3·K bytes with its CRC-32"
    yield Invalid("alpha-missing", what, "3.3", "checksum", plain.to_bytes())
    extra = replace(glass, header_override=example("packed").fields)
    what = "alpha in the palette, and no flag A"
    yield Invalid("alpha-unannounced", what, "3.3", "checksum", extra.to_bytes())
    colors, alpha = glass.palette, b"\0\x80\xff"
    rgba = b"".join(colors[3 * i : 3 * i + 3] + alpha[i : i + 1] for i in range(3))
    sealed = glass.seal(b"PLTE", 0, colors + alpha)
    data = glass.header + rgba + sealed + glass.records()[0]
    what = "alpha behind each entry's blue, under the CRC-32 of the right order"
    yield Invalid("alpha-interleaved", what, "3.3", "checksum", data)
    data = glass.header + glass.palette + glass.seal(b"PLTE", 0, glass.palette)
    data += b"\0\x80\xff" + glass.records()[0]
    what = "alpha behind the CRC-32 of the colours"
    yield Invalid("alpha-behind", what, "3.3", "checksum", data)


def invalid_coded_palettes() -> Iterator[Invalid]:
    """Coded palettes where there can be none."""
    for name in ("packed", "dense"):
        base = example(name)
        payload = encode_palette(base.palette, base.k)
        assert payload is not None
        data = replace(base, coded_palette=payload).to_bytes()
        what = f"a coded palette with the coder {name}"
        yield Invalid(f"coded-palette-{name}", what, "4.5", "invalid", data)


INVALID = (
    invalid_sections,
    invalid_tile_records,
    invalid_labels,
    invalid_limits,
    invalid_alpha,
    invalid_coded_palettes,
)
