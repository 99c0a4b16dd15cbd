"""The valid test vectors of pictures by packed and dense, and of what is around tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from profiles import rgb_profile
from vector_parts import CODERS, Parts, Valid, scattered, with_sections
from vector_topics.contents import (
    BLACK_RED_WHITE,
    EXIF,
    XMP,
    alphas,
    example,
    example_tiles,
    filled,
    picture,
    with_alpha,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def valid_examples() -> Iterator[Valid]:
    """The files that kq.md works through."""
    yield Valid("example-packed", "worked example 11.1", ("11.1", "7.1"), example("packed"))
    yield Valid("example-dense", "worked example 11.2", ("11.2", "8.1"), example("dense"))
    yield Valid("example-tiles", "worked example 11.3", ("11.3", "6.1", "6.8"), example_tiles())


def valid_colors() -> Iterator[Valid]:
    """Each coder and number of colours."""
    rules = {"packed": ("2.7", "7.1", "7.2"), "dense": ("2.7", "8.1", "8.2", "8.3")}
    for k in (1, 2, 3, 7, 10, 16, 17, 255, 256, 257, 4096):
        for coder in CODERS:
            what = f"K = {k:,}, {coder}"
            yield Valid(f"{coder}-k{k}", what, rules[coder], picture(23, 11, k, coder))
    what = "K = 4,097, for which the blocks of dense have the most labels, 224"
    yield Valid("dense-k4097", what, rules["dense"], picture(24, 10, 4097, "dense"))
    what = "K = 32,769, for which the blocks of dense have the most bits, 2,971"
    yield Valid("dense-k32769", what, rules["dense"], picture(15, 14, 32_769, "dense"))
    what = "K = 65,536, the largest palette"
    yield Valid("packed-k65536", what, rules["packed"], picture(9, 7, 65_536))


def valid_palettes() -> Iterator[Valid]:
    """Palettes that say nothing about the picture."""
    palette = BLACK_RED_WHITE * 2 + BLACK_RED_WHITE[:3]
    repeated = Parts(8, 8, palette, scattered(64, 7), "dense")
    yield Valid("palette-repeated", "palette entries repeat", ("4.2", "4.3"), repeated)
    what = "99 of 100 palette entries are unused"
    yield Valid("palette-unused", what, ("4.2", "4.3"), filled(6, 5, 100, 41, "packed"))
    same = Parts(6, 5, b"\x80\x80\x80" * 4, scattered(30, 4))
    yield Valid("palette-same", "all palette entries are the same colour", ("4.2",), same)


def valid_shapes() -> Iterator[Valid]:
    """Widths and heights."""
    smallest = filled(1, 1, 1, 0, "packed")
    yield Valid("smallest", "the smallest file there is: 1 × 1, K = 1", ("7.1", "9.1"), smallest)
    for coder in CODERS:
        one = filled(1, 1, 3, 2, coder)
        yield Valid(f"{coder}-1x1", f"1 × 1, K = 3, {coder}", ("2.6",), one)
        for width, height in ((1, 40), (40, 1)):
            what = f"{width} × {height}, {coder}"
            line = picture(width, height, 5, coder)
            yield Valid(f"{coder}-{width}x{height}", what, ("1.3", "2.6"), line)


def valid_tiles() -> Iterator[Valid]:
    """Tiles: byte 7 of the header."""
    rules = ("2.5", "6.1", "6.3", "6.8")
    cases = [
        ("whole", 32, 48, 0x11, "six whole tiles of 16 × 16"),
        ("edges", 40, 37, 0x11, "tiles of 16 × 16, cut at the right and below"),
        ("edges-of-one", 33, 17, 0x11, "tiles one pixel wide, one high, and both, at the edges"),
        ("oblong", 70, 40, 0x21, "tiles of 32 × 16"),
        ("strips", 37, 40, 0x01, "strips as wide as the picture, 16 high (x is 0)"),
        ("columns", 40, 37, 0x10, "columns 16 wide, as high as the picture (y is 0)"),
        ("wide", 20, 40, 0x51, "tiles wider than the picture, 16 high"),
    ]
    for coder in CODERS:
        for name, width, height, tile, what in cases:
            tiled = picture(width, height, 7, coder, tile)
            yield Valid(f"{coder}-tiles-{name}", f"{what}, {coder}", rules, tiled)
    what = "tiles larger than the picture: one tile, no directory"
    yield Valid("tile-larger", what, ("2.5", "6.8"), picture(20, 20, 7, tile=0x34))
    what = "the largest tile size that byte 7 can say, 262,144 × 262,144: one tile"
    yield Valid("tile-largest", what, ("2.5", "6.2"), picture(20, 20, 7, tile=0xFF))
    what = "tiles exactly as large as the picture: one tile"
    yield Valid("tile-exact", what, ("2.5", "6.8"), picture(16, 16, 7, tile=0x11))
    yield Valid("tiles-100", "100 tiles", rules, picture(160, 160, 2, tile=0x11))
    what = "tiles of one colour: every payload is empty"
    yield Valid("tiles-k1", what, (*rules, "7.1"), picture(40, 37, 1, tile=0x11))


def valid_sections() -> Iterator[Valid]:
    """Extension sections."""
    rules = ("5.1", "5.3", "5.4")
    base = example("packed")
    note = (b"note", b"a section that nobody knows")
    one = with_sections(base, note)
    yield Valid("section-optional", "an optional section of an unknown kind", rules, one)
    empty = with_sections(base, (b"none", b""))
    yield Valid("section-empty", "an optional section of no bytes", (*rules, "5.2"), empty)
    kinds = ((b"a1 2", b"\x00"), note, note, (b"zZ9 ", bytes(range(256))))
    several = with_sections(base, *kinds)
    yield Valid("section-several", "four optional sections, two of them alike", rules, several)
    only_end = with_sections(base)
    yield Valid("section-end-alone", "END and no section before it", ("5.1", "5.4"), only_end)
    most = with_sections(base, *((b"many", b"") for _ in range(254)))
    yield Valid("section-254", "254 sections ahead of END", ("5.5",), most)
    tiled = with_sections(example_tiles("dense"), note)
    yield Valid("section-tiles", "a section ahead of four tiles", (*rules, "6.8"), tiled)


def valid_versions() -> Iterator[Valid]:
    """Minor versions."""
    for minor in (1, 15):
        parts = replace(example("dense"), version=0x10 | minor)
        what = f"version 1.{minor}, to which a decoder of 1.0 pays no attention"
        yield Valid(f"version-1.{minor}", what, ("2.3", "10.2"), parts)


def valid_blocks() -> Iterator[Valid]:
    """Blocks of the coder dense: n is 41 for K = 3 and 31 for K = 10."""
    rules = ("8.1", "8.3", "8.4")
    cases = [
        ("one", 41, 1, 3, "exactly one block"),
        ("one-less", 40, 1, 3, "one label less than a block"),
        ("one-more", 42, 1, 3, "one block and a last block of one label"),
        ("two", 41, 2, 3, "exactly two blocks, across the rows"),
        ("tail", 19, 7, 10, "four blocks and a shorter one"),
    ]
    for name, width, height, k, what in cases:
        yield Valid(f"dense-block-{name}", what, rules, picture(width, height, k, "dense"))
    for k in (3, 255, 257):
        most = filled(20, 19, k, k - 1, "dense")
        what = f"every label is {k - 1}, the greatest: every block is K^m − 1"
        yield Valid(f"dense-greatest-k{k}", what, rules, most)
    for k in (5, 256):
        most = filled(9, 7, k, k - 1, "packed")
        what = f"every label is {k - 1}, the greatest"
        yield Valid(f"packed-greatest-k{k}", what, ("7.1", "7.3"), most)


def valid_lengths() -> Iterator[Valid]:
    """Lengths of payloads, where another byte is needed."""
    cases = [(127, 1, "7F"), (128, 1, "81 00"), (129, 127, "FF 7F"), (128, 128, "81 80 00")]
    for width, height, stored in cases:
        length = width * height
        what = f"a payload of {length:,} bytes: its length is {stored}"
        # K = 129 is the least with a byte a label.
        yield Valid(f"length-{length}", what, ("6.4",), picture(width, height, 129))


def valid_metadata() -> Iterator[Valid]:
    """The sections that have a meaning."""
    base = replace(example("dense"), version=0x11)  # as an encoder may not write, and decoders read
    icc, exif, xmp = (b"icc ", rgb_profile()), (b"exif", EXIF), (b"xmp ", XMP)
    all_three = with_sections(base, icc, exif, xmp)
    yield Valid("metadata", "ICC profile, Exif and XMP", ("5.6",), all_three)
    twice = with_sections(base, exif, icc, (b"exif", b"II*\0second"), (b"icc ", b""))
    yield Valid("metadata-twice", "two of two kinds, of which the first counts", ("5.7",), twice)
    foreign = with_sections(base, (b"icc ", b"no profile"), (b"exif", b"\0"), (b"xmp ", b"\xff"))
    what = "data that are not what they should be, and don't matter to the pixels"
    yield Valid("metadata-foreign", what, ("5.7",), foreign)
    turned = with_sections(base, (b"exif", EXIF.replace(b"\0\x01\0\0", b"\0\x06\0\0")))
    what = "an Orientation of 6, which doesn't concern a decoder"
    yield Valid("metadata-orientation", what, ("5.8",), turned)


def valid_alpha() -> Iterator[Valid]:
    """Palettes with alpha."""
    rules = ("2.3", "2.4", "4.4")
    glass = with_alpha(example("packed"), b"\0\x80\xff")
    yield Valid("example-alpha", "worked example 11.5", ("11.5", "4.4"), glass)
    for coder in CODERS:
        for k in (1, 2, 7, 256, 257):
            parts = picture(23, 11, k, coder)
            what = f"K = {k:,} with alpha, {coder}"
            yield Valid(f"alpha-{coder}-k{k}", what, rules, with_alpha(parts, alphas(k)))
    tiled = with_alpha(picture(40, 37, 7, "dense", 0x11), alphas(7))
    yield Valid("alpha-tiles", "alpha, and tiles of 16 × 16", (*rules, "6.8"), tiled)
    noted = with_sections(with_alpha(example("dense"), b"\0\x80\xff"), (b"note", b"four"))
    yield Valid("alpha-section", "alpha, and a section behind it", (*rules, "5.1"), noted)
    opaque = with_alpha(example("packed"), b"\xff\xff\xff")
    yield Valid("alpha-opaque", "alpha that is 255 everywhere", rules, opaque)
    hidden = with_alpha(example("packed"), b"\0\0\0")
    yield Valid("alpha-hidden", "nothing but transparent colours, which differ", rules, hidden)


VALID = (
    valid_examples,
    valid_colors,
    valid_palettes,
    valid_shapes,
    valid_tiles,
    valid_sections,
    valid_versions,
    valid_blocks,
    valid_lengths,
    valid_metadata,
    valid_alpha,
)
