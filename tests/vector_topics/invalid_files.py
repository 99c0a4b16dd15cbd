"""The invalid test vectors of whole files: signatures, ends, checksums, places, headers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vector_parts import Invalid, flipped, section_head, with_sections
from vector_topics.contents import example, example_tiles, picture, with_byte, with_sides

if TYPE_CHECKING:
    from collections.abc import Iterator


def invalid_signatures() -> Iterator[Invalid]:
    """What transfers and other formats put in place of the signature."""
    data = example("packed").to_bytes()
    cases = [
        ("empty", "a file of no bytes", b""),
        ("foreign", "the first bytes of a PNG file", b"\x89PNG\r\n\x1a\n" + data[8:]),
        ("absent", "the signature is missing", data[5:]),
        ("seven-bits", "eighth bits are cleared", bytes(byte & 0x7F for byte in data)),
        ("lf-to-crlf", "each LF became CR LF", data.replace(b"\n", b"\r\n")),
        ("crlf-to-lf", "each CR LF became LF", data.replace(b"\r\n", b"\n")),
        ("lf-to-cr", "each LF became CR", data.replace(b"\n", b"\r")),
        ("cr-removed", "each CR is gone", data.replace(b"\r", b"")),
        ("utf-8", "read as Latin-1, written as UTF-8", data.decode("latin-1").encode("utf-8")),
        ("replaced", "read as UTF-8", data.decode("utf-8", "replace").encode("utf-8")),
        ("shifted", "a byte precedes the signature", b"\x00" + data),
        ("reversed", "the bytes of each pair have changed places", swapped_pairs(data)),
        ("bit", "one bit of the signature is changed", flipped(data, 4, 0)),
    ]
    for name, what, mangled in cases:
        yield Invalid(f"signature-{name}", what, "2.2", "signature", mangled)


def swapped_pairs(data: bytes) -> bytes:
    """The bytes with those of each pair swapped."""
    return b"".join(data[i : i + 2][::-1] for i in range(0, len(data), 2))


def invalid_truncated() -> Iterator[Invalid]:
    """Files that end early, in each part."""
    plain = example("packed").to_bytes()
    section = with_sections(example("packed"), (b"note", b"four")).to_bytes()
    long = picture(20, 20, 17).to_bytes()  # its payload of 250 bytes has the length 81 7A
    tiled = example_tiles().to_bytes()
    cases = [
        ("signature", "within the signature", "2.1", plain[:3]),
        ("after-signature", "behind the signature", "2.1", plain[:5]),
        ("header", "one byte short of the header", "2.1", plain[:19]),
        ("after-header", "behind the header", "4.1", plain[:20]),
        ("palette", "within the palette", "4.1", plain[:25]),
        ("palette-crc", "within the palette's CRC-32", "4.1", plain[:32]),
        ("after-palette", "behind the palette", "6.3", plain[:33]),
        ("section-missing", "where a section should begin", "5.1", section[:33]),
        ("section-kind", "within a section's kind", "5.1", section[:35]),
        ("section-length", "within a section's length", "5.1", section[:39]),
        ("section-data", "within a section's data", "5.1", section[:45]),
        ("section-crc", "within a section's CRC-32", "5.1", section[:50]),
        ("section-head", "within a section's CRC-16", "5.1", section[:42]),
        ("section-end-missing", "where END should begin", "5.1", section[:51]),
        ("after-sections", "behind the sections", "6.3", section[:65]),
        ("tile-length", "within a payload's length", "6.3", long[:76]),
        ("payload", "within a payload", "6.3", plain[:36]),
        ("tile-crc", "one byte short of the only tile", "6.3", plain[:-1]),
        ("second-tile", "where the second tile should begin", "6.3", tiled[:102]),
        ("directory-missing", "where the directory should begin", "6.8", tiled[:126]),
        ("directory", "within the directory", "6.8", tiled[:130]),
        ("directory-crc", "within the directory's CRC-32", "6.8", tiled[:-1]),
    ]
    for name, where, rule, data in cases:
        yield Invalid(f"truncated-{name}", f"the file ends {where}", rule, "truncated", data)
    head = with_sections(example("packed"), (b"note", b""))
    claim = head.header + head.palette_part() + section_head(b"note", 2**28 - 1) + b"short"
    what = "a section claims 268,435,455 bytes and has 5"
    yield Invalid("truncated-section-claim", what, "5.1", "truncated", claim)


def invalid_checksums() -> Iterator[Invalid]:
    """One changed bit in each part, and in each checksum."""
    plain = example("packed").to_bytes()
    dense = example("dense").to_bytes()
    section = with_sections(example("packed"), (b"note", b"four")).to_bytes()
    tiled = example_tiles().to_bytes()
    header_bytes = [("version", 5), ("coder", 6), ("tile", 7), ("width", 11), ("height", 15)]
    for name, position in [*header_bytes, ("k", 17), ("crc", 19)]:
        data = flipped(plain, position)
        what = f"a bit of byte {position} is changed, in the header"
        yield Invalid(f"checksum-header-{name}", what, "2.8", "checksum", data)
    cases = [
        ("palette", "the palette", flipped(plain, 24)),
        ("palette-crc", "the palette's CRC-32", flipped(plain, 32, 7)),
        ("section-data", "a section's data", flipped(section, 44)),
        ("section-crc", "a section's CRC-32", flipped(section, 47)),
        ("end-crc", "the CRC-32 of END", flipped(section, 64)),
        ("payload-packed", "a payload of packed", flipped(plain, 36)),
        ("payload-dense", "a payload of dense", flipped(dense, 36)),
        ("tile-crc", "the CRC-32 of a tile", flipped(plain, -1)),
        ("last-tile", "the payload of the last tile", flipped(tiled, 121, 5)),
        ("directory", "the directory", flipped(tiled, 129)),
        ("directory-crc", "the CRC-32 of the directory", flipped(tiled, -4)),
    ]
    for name, where, data in cases:
        what = f"a bit is changed in {where}"
        yield Invalid(f"checksum-{name}", what, "3.3", "checksum", data)
    for name, position in (("kind", 36), ("length", 40), ("head", 42)):
        what = f"a bit is changed in the first ten bytes of a section, byte {position - 33}"
        data = flipped(section, position)
        yield Invalid(f"checksum-section-{name}", what, "5.1", "checksum", data)


def invalid_places() -> Iterator[Invalid]:
    """Undamaged parts in a wrong place or of another file."""
    base = with_sections(example_tiles(), (b"note", b"one"), (b"note", b"two"))
    other = with_sections(replace(base, coder="dense"), (b"note", b"one"), (b"note", b"two"))
    head, palette = base.header, base.palette_part()
    first, second, end = base.section_parts()
    sections = first + second + end
    records, directory = base.records(), base.directory()
    tiles = b"".join(records)
    swapped = records[0] + records[2] + records[1] + records[3]
    twice = records[0] + records[1] + records[1] + records[3]
    other_tile = records[0] + other.record(1, base.payloads()[1]) + records[2] + records[3]
    other_directory = other.directory([len(payload) for payload in base.payloads()])
    other_first = other.section_parts()[0]
    cases = [
        ("palette", "the palette is of another file", other.palette_part(), sections, tiles),
        ("section", "a section is of another file", palette, other_first + second + end, tiles),
        ("section-order", "two sections are swapped", palette, second + first + end, tiles),
        ("section-removed", "the first section is removed", palette, second + end, tiles),
        ("tile", "a tile is of another file", palette, sections, other_tile),
        ("tile-order", "two tiles of one size are swapped", palette, sections, swapped),
        ("tile-twice", "a tile stands in the next one's place too", palette, sections, twice),
    ]
    for name, what, *parts in cases:
        data = head + b"".join(parts) + directory
        yield Invalid(f"place-{name}", what, "3.3", "checksum", data)
    data = head + palette + sections + tiles + other_directory
    what = "the directory is of another file"
    yield Invalid("place-directory", what, "3.3", "checksum", data)


def invalid_unsupported() -> Iterator[Invalid]:
    """What no decoder knows."""
    base = example("packed")
    for major in (0, 2, 15):
        data = with_byte(base, 5, major << 4).to_bytes()
        what = f"major version {major}"
        yield Invalid(f"version-{major}.0", what, "2.3", "unsupported", data)
    for coder in range(4, 8):
        data = with_byte(base, 6, coder << 5).to_bytes()
        what = f"reserved coder {coder}"
        yield Invalid(f"coder-{coder}", what, "2.4", "unsupported", data)
    data = with_byte(base, 6, 1 << 4).to_bytes()
    yield Invalid("flag-bit-4", "reserved flag, bit 4", "2.4", "unsupported", data)
    for kind in (b"DEMO", b"PALX", b"END1"):
        name = kind.decode("ascii")
        data = with_sections(base, (kind, b"unknown")).to_bytes()
        what = f"mandatory section {name}, which nobody knows"
        yield Invalid(f"section-mandatory-{name}", what, "5.3", "unsupported", data)


def invalid_headers() -> Iterator[Invalid]:
    """Values of the header, with a right CRC-16."""
    base = example("packed")
    most = 2**32 - 1
    for name, width, height in (("width", 0, 4), ("height", 5, 0), ("width-height", 0, 0)):
        what = f"{width} × {height} pixels"
        data = with_sides(base, width, height).to_bytes()
        yield Invalid(f"zero-{name}", what, "2.6", "invalid", data)
    cases = [
        ("one", 0x00, 8193, 8192, "one tile of 8193 × 8192 labels, over 2^26"),
        ("most", 0x00, most, most, "one tile of (2^32 − 1) × (2^32 − 1) labels"),
        ("square", 0xFF, most, most, "tiles of 262,144 × 262,144 labels"),
        ("strip", 0x01, most, 16, "strips of (2^32 − 1) × 16 labels"),
    ]
    for name, tile, width, height, what in cases:
        claim = with_sides(replace(base, tile=tile), width, height)
        # The parts behind the header are those of a small picture of one tile.
        data = claim.head() + claim.record(0, base.payloads()[0])
        yield Invalid(f"tile-over-{name}", what, "6.2", "invalid", data)


def invalid_order() -> Iterator[Invalid]:
    """Two rules broken, of which rule 2.9 has one checked first."""
    base = example("packed")
    data = flipped(with_byte(base, 5, 0x20).to_bytes(), 19)
    what = "major version 2 and a wrong CRC-16: the CRC-16 comes first"
    yield Invalid("order-crc-version", what, "2.8", "checksum", data)
    data = with_sides(with_byte(base, 6, 0xE0), 0, 4).to_bytes()
    what = "reserved coder 7 and width 0: the coder comes first"
    yield Invalid("order-coder-width", what, "2.4", "unsupported", data)
    data = b"GIF89a"
    what = "six bytes of another format: the signature comes before the length"
    yield Invalid("order-signature-length", what, "2.2", "signature", data)


INVALID = (
    invalid_signatures,
    invalid_truncated,
    invalid_checksums,
    invalid_places,
    invalid_unsupported,
    invalid_headers,
    invalid_order,
)
