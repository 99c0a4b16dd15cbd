"""The test vectors of the short form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vector_parts import FLAG_SECTIONS, Invalid, ShortParts, Valid, flipped, scattered
from vector_topics.contents import alphas, short, soft, with_coded_palette

from kqcodec.format.container import pack_length

if TYPE_CHECKING:
    from collections.abc import Iterator


def valid_short() -> Iterator[Valid]:
    """Files in the short form."""
    black = ShortParts(16, 16, bytes(3), (0,) * 256)
    rules = ("12.1", "12.2")
    coded = with_coded_palette(black)
    yield Valid("example-short", "worked example 12.5", ("12.5", *rules), coded)
    yield Valid("short-k1", "the same, its palette plain", rules, black)
    wide = ShortParts(512, 128, bytes.fromhex("C81E1E"), (0,) * 65_536)
    yield Valid("short-sides", "512 x 128 pixels of one colour, short", (*rules, "6.4"), wide)
    yield Valid("short-k3", "5 x 4 pixels of 3 colours, short", rules, short(5, 4, 3))
    clear = replace(short(7, 6, 5), alpha=alphas(5))
    yield Valid("short-alpha", "the short form with alpha", (*rules, "4.4"), clear)
    ramp = replace(short(4, 5, 60), palette=soft(60))
    rules = (*rules, "4.5")
    yield Valid("short-palette", "a coded palette, short", rules, with_coded_palette(ramp))
    # Palette and payload such that the file has 4,096 bytes.
    most = short(2, 3, 300)
    most = replace(most, width=1, height=3091, labels=scattered(3091, 300))
    assert len(most.to_bytes()) == 4096
    yield Valid("short-most", "4,096 bytes, the most in the short form", ("12.1",), most)


def invalid_short() -> Iterator[Invalid]:
    """Damage to the short form; and right checksums over wrong contents."""
    base = short(5, 4, 3)
    data, flags, numbers = base.to_bytes(), base.fields[6], base.numbers()
    places = (("flags", 2), ("width", 3), ("k", 5), ("palette", 8), ("payload", -6), ("crc", -1))
    for name, place in places:
        what = f"a bit is changed in the short form: {name}"
        yield Invalid(f"short-{name}", what, "12.3", "checksum", flipped(data, place))
    cases = [
        ("cut", "the short form without its last byte", data[:-1]),
        ("start", "the short form ends behind its signature", data[:2]),
        ("appended", "a byte follows the short form", data + b"\0"),
        ("twice", "the same file follows the short form", data + data),
    ]
    for name, what, wrong in cases:
        yield Invalid(f"short-{name}", what, "12.3", "checksum", wrong)
    what = "a bit of the short form's signature is changed"
    yield Invalid("short-signature", what, "2.2", "signature", flipped(data, 1))
    contents = base.contents()
    padded = [bytes((0x80, *numbers[:1])) + numbers[1:], numbers[:2] + b"\x80" + numbers[2:]]
    for name, wrong in zip(("width", "k"), padded, strict=True):
        what = f"a number of the short form isn't in its fewest bytes: {name}"
        sealed = base.sealed(flags, wrong, contents)
        yield Invalid(f"short-{name}-padded", what, "6.4", "invalid", sealed)
    cells = numbers[:2] + pack_length(65_536)
    wide = pack_length(2**26) + numbers[1:]
    plain = with_coded_palette(replace(short(4, 5, 60), palette=soft(60)))
    payload = plain.coded_palette
    assert payload is not None
    as_long = replace(plain, coded_palette=payload + b"\1" * (178 - len(payload)))
    one = ShortParts(4, 4, b"\x80\x20\x10", (0,) * 16, payload_override=((0, b"\0"),))
    most = replace(short(1, 2, 300), height=3092, labels=scattered(3092, 300))
    wrongs = [
        ("colors", "65,537 colours", "2.7", base.sealed(flags, cells, contents)),
        ("tile", "a tile of over 2^26 labels", "6.2", base.sealed(flags, wide, contents)),
        ("packed", "the coder packed", "12.1", base.sealed(0, numbers, contents)),
        ("dense", "the coder dense", "12.1", base.sealed(1 << 5, numbers, contents)),
        ("sections", "flag S", "12.1", base.sealed(flags | FLAG_SECTIONS, numbers, contents)),
        ("behind", "a byte behind the tile", "12.2", base.sealed(flags, numbers, contents, b"\0")),
        ("long", "over 4,096 bytes", "12.1", most.to_bytes()),
        ("coded-as-long", "a coded palette as long as a plain one", "4.5", as_long.to_bytes()),
        ("one-color-payload", "K = 1, and settings", "6.6", one.to_bytes()),
    ]
    for name, what, rule, wrong in wrongs:
        yield Invalid(f"short-{name}", f"the short form: {what}", rule, "invalid", wrong)
    parts = (("no-palette", contents[:5]), ("no-tile", contents[:-1]))
    for name, left in parts:
        what = f"the short form: {name.replace('-', ' ')}, under a right CRC-32"
        yield Invalid(f"short-{name}", what, "12.2", "truncated", base.sealed(flags, numbers, left))
    for name, byte, kind in (("coder-7", 0xE0, "a coder"), ("flag-16", flags | 16, "a flag")):
        sealed = base.sealed(byte, numbers, contents)
        what = f"the short form: {kind} that nobody knows"
        yield Invalid(f"short-{name}", what, "2.4", "unsupported", sealed)


VALID = (valid_short,)
INVALID = (invalid_short,)
