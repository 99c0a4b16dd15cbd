"""Writes spec/vectors: small .kq files, valid and invalid, and their index.

    python tests/make_vectors.py [FOLDER]

The files are the same on every machine: labels and palettes come from whole-number
formulas. A vector of a frozen version is never changed (tests/freeze_vectors.py), so
one that would be stops the script; those of a version that isn't released yet are
written anew. New vectors are added at the end of a list below. spec/vectors/README.md
explains the index to readers.

A vector is put together from `Parts`, each of which an invalid one replaces by a
wrong one; where the rule in question isn't about checksums they are right over
the wrong contents, so that nothing else can be what refuses the file.
"""

from __future__ import annotations

import argparse
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import chain_vectors
import frame_vectors
import invalid_chain_vectors
import invalid_frame_vectors
import invalid_label_vectors
import label_vectors
from freeze_vectors import frozen_digests
from places import VECTORS as FOLDER
from profiles import rgb_profile
from token_payloads import (
    BANDS,
    STREAM,
    by_hand,
    complete,
    front_bytes,
    front_of,
    joined,
    survey_of,
    whole_front,
)
from vector_parts import (
    CODERS,
    END,
    FLAG_SECTIONS,
    ContextParts,
    Invalid,
    P,
    Parts,
    ShortParts,
    Valid,
    colors,
    flipped,
    patterned,
    scattered,
    section_head,
    with_sections,
)

from kqcodec.coding.palette import encode_palette
from kqcodec.format.container import pack_length
from kqcodec.kernels.reference.tokens_front import Front, Token
from kqcodec.kernels.reference.tokens_streams import Tables, write_stream
from kqcodec.kernels.reference.tokens_way import find_tokens, plain_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


TIES = ((7, 0), (5, 1), (3, 2))  # a factor and a shift for each channel
MODELS = {"small": 1, "large": 2}
BLACK_RED_WHITE = bytes.fromhex("000000 C81E1E FFFFFF")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
# One directory with Orientation 1.
EXIF = bytes.fromhex("4D4D002A 00000008 0001 0112 0003 00000001 00010000 00000000")


# ── Contents ────────────────────────────────────────────────────────────────


def picture(width: int, height: int, k: int, coder: str = "packed", tile: int = 0) -> Parts:
    """A picture of K different colours and scattered labels."""
    return Parts(width, height, colors(k), scattered(width * height, k), coder, tile=tile)


def filled(width: int, height: int, k: int, label: int, coder: str) -> Parts:
    """A picture with the same label everywhere."""
    return Parts(width, height, colors(k), (label,) * (width * height), coder)


def example(coder: str) -> Parts:
    """The picture of the worked examples 11.1 and 11.2."""
    labels = (0, 1, 2, 1, 0, 1, 2, 2, 2, 1, 0, 1, 2, 1, 0, 2, 0, 1, 0, 2)
    return Parts(5, 4, BLACK_RED_WHITE, labels, coder)


def example_tiles(coder: str = "packed") -> Parts:
    """The picture of the worked example 11.3."""
    labels = tuple((c + r) % 3 for r in range(17) for c in range(17))
    return Parts(17, 17, BLACK_RED_WHITE, labels, coder, tile=0x11)


def never_flat(width: int, height: int) -> tuple[int, ...]:
    """Labels 0, and 1 wherever six neighbours (rule 16.8) are all 0."""
    rows = [[0] * (width + 4) for _ in range(height + 2)]
    for r in range(2, height + 2):
        rows[r][:2] = [rows[r - 1][2]] * 2
        for c in range(2, width + 2):
            above = rows[r - 1][c - 1 : c + 2]
            six = (*rows[r][c - 2 : c], *above, rows[r - 2][c])
            rows[r][c] = int(not any(six))
        rows[r][width + 2 :] = [rows[r][width + 1]] * 2
    return tuple(label for row in rows[2:] for label in row[2 : width + 2])


def soft(k: int) -> bytes:
    """K colours, most of them near those before."""
    return b"".join(bytes((255 * i // k, 5 * i & 255, 200 - 199 * i // k)) for i in range(k))


def by_context(
    width: int,
    height: int,
    k: int,
    model: str = "small",
    question: int = 1,
    match: int = 1,
    rate: int = 4,
    tile: int = 0,
) -> ContextParts:
    """A picture by the coder context."""
    settings = MODELS[model] << 6 | question << 4 | match << 3 | rate
    labels = patterned(width, height, k)
    return ContextParts(width, height, soft(k), labels, tile=tile, settings=settings)


def example_context() -> ContextParts:
    """The picture of the worked example 16.23."""
    whole = replace(example_tiles(), tile=0)
    return ContextParts(whole.width, whole.height, whole.palette, whole.labels)


def by_tokens(width: int, height: int, k: int, tile: int = 0) -> Parts:
    """A picture by the coder tokens, whose places are its labels."""
    labels = patterned(width, height, k)
    return Parts(width, height, greys(k), labels, "tokens", tile=tile)


def greys(k: int) -> bytes:
    """K colours in the order of rule 16.5: greys, from the darkest on; of equal ones the lower
    index is first."""
    return b"".join(bytes((255 * i // (k - 1),)) * 3 for i in range(k)) if k > 1 else bytes(3)


def drifting(width: int, height: int, k: int) -> tuple[int, ...]:
    """Noise that doesn't repeat itself: each label is near the one on its left."""
    steps = scattered(width * height, 3)
    labels: list[int] = []
    for i, step in enumerate(steps):
        labels.append((labels[-1] + step - 1) % k if i % width else i // width * 7 % k)
    return tuple(labels)


def with_coded_palette(parts: P) -> P:
    """The same with a coded palette."""
    payload = encode_palette(parts.palette + (parts.alpha or b""), parts.k)
    assert payload is not None
    return replace(parts, coded_palette=payload)


# ── Valid files ─────────────────────────────────────────────────────────────


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


def with_alpha(parts: Parts, alpha: bytes) -> Parts:
    """The same with the alpha of each palette entry."""
    return replace(parts, alpha=alpha)


def alphas(k: int) -> bytes:
    """K alphas: 0, 255, and others; 73 is odd, so that they run through all values."""
    return bytes((0, 255, *(73 * i & 255 for i in range(2, k))))[:k]


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


def valid_context() -> Iterator[Valid]:
    """The coder context."""
    rules = ("16.1", "16.3")
    yield Valid("example-context", "worked example 16.23", ("16.23",), example_context())
    for model in MODELS:
        for k in (2, 3, 17, 200, 4097):
            parts = by_context(17, 14, k, model) if k > 99 else by_context(26, 21, k, model)
            yield Valid(f"context-{model}-k{k}", f"K = {k:,}, model {model}", rules, parts)
        for question in (0, 1):
            for match in (0, 1):
                parts = by_context(
                    23, 17, 40, model, question, match, rate=2 + 2 * question + match
                )
                asks = "a question" if question else "no question"
                what = f"{asks}, {'' if match else 'no '}matches, model {model}"
                name = f"context-{model}-question{question}-match{match}"
                yield Valid(name, what, (*rules, "16.18", "16.19"), parts)
    for rate in (0, 1, 6, 7):
        what = f"learning rate {rate}"
        yield Valid(f"context-rate{rate}", what, rules, by_context(25, 25, 9, rate=rate))
    for k in (3, 200):
        scatter = ContextParts(23, 11, soft(k), scattered(253, k), settings=0)
        what = f"K = {k}, model dense: labels in no order"
        yield Valid(f"context-dense-k{k}", what, ("16.2",), scatter)


def valid_context_shapes() -> Iterator[Valid]:
    """The coder context in pictures and tiles of all shapes."""
    rules = ("16.1", "16.6")
    one = ContextParts(9, 7, b"\x80\x20\x10", (0,) * 63)
    yield Valid("context-k1", "K = 1: the payload is empty", ("16.1",), one)
    smallest = ContextParts(1, 1, soft(2), (0,))
    yield Valid("context-1x1", "1 × 1, K = 2", rules, smallest)
    for width, height in ((1, 40), (40, 1), (2, 30)):
        parts = by_context(width, height, 5, "large")
        yield Valid(f"context-{width}x{height}", f"{width} × {height}", rules, parts)
    flat = ContextParts(90, 70, soft(200), (199,) * 6300, settings=0x54)
    yield Valid("context-flat", "one label everywhere, K = 200", ("16.8", "16.11"), flat)
    specks = tuple(1 + (i >> 4 & 1) if i % 89 == 40 else 0 for i in range(70 * 60))
    parts = ContextParts(70, 60, soft(3), specks)
    what = "a flat picture with specks, at which runs end"
    yield Valid("context-specks", what, ("16.8", "16.11"), parts)
    never = never_flat(150, 150) + scattered(300, 2)
    parts = ContextParts(150, 152, soft(2), never, settings=0x54)
    what = "flat surroundings never go on: a counter sees over 255 bits and falls to the least p"
    yield Valid("context-never-flat", what, ("15.11", "16.8"), parts)
    block = scattered(300 * 6, 6)
    broken = tuple(5 if i % 1151 == 700 else block[i % len(block)] for i in range(300 * 24))
    for model, number in MODELS.items():
        parts = ContextParts(300, 24, soft(6), broken, settings=number << 6 | 0x1C)
        what = f"rows that repeat but for single labels, so that matched runs end, model {model}"
        yield Valid(f"context-{model}-runs", what, ("16.8", "16.12"), parts)
    other = scattered(500, 11)
    places = (c + 8 * r for r in range(40) for c in range(40))
    slope = tuple(2 if j % 120 > 70 else other[j] for j in places)
    what = "rows that are those above moved by eight, so that matches run through margins"
    yield Valid("context-margins", what, ("16.6", "16.9"), ContextParts(40, 40, soft(11), slope))
    weave = tuple((7 * (i % 37) * (i % 37) + i // 37 % 3) // 5 % 11 for i in range(37 * 60))
    for model, number in MODELS.items():
        settings = number << 6 | 0x1C
        parts = ContextParts(37, 60, soft(11), weave, settings=settings)
        what = f"a texture that repeats, for long matches, model {model}"
        yield Valid(f"context-{model}-weave", what, ("16.9", "16.12", "16.10"), parts)
    slanted = ContextParts(61, 40, soft(11), tuple(i * i // 9 % 67 % 11 for i in range(2440)))
    what = "a texture that repeats aslant, so that matches run into margins"
    yield Valid("context-slanted", what, ("16.6", "16.9"), slanted)
    for name, tile, what in (("tiles", 0x11, "tiles of 16 × 16"), ("strips", 0x01, "strips")):
        parts = by_context(40, 37, 7, tile=tile)
        yield Valid(f"context-{name}", f"{what}, cut at the edges", (*rules, "6.1", "6.8"), parts)
    mixed = by_context(64, 16, 7, tile=0x11)
    others = [replace(mixed, settings=settings).payloads() for settings in (0, 0x45, 0x9C)]
    mixed = replace(mixed, payload_override=tuple((i, o[i]) for i, o in enumerate(others)))
    what = "four tiles, each with another model"
    yield Valid("context-tiles-mixed", what, ("16.1", "16.2", "6.5"), mixed)


def valid_context_palettes() -> Iterator[Valid]:
    """Palettes with the coder context."""
    base = by_context(24, 19, 60)
    levels = bytes(64 * (i * step >> shift & 3) for i in range(60) for step, shift in TIES)
    ties = replace(base, palette=levels)
    yield Valid("context-palette-ties", "many equal values in a channel", ("16.5",), ties)
    descends = replace(base, palette=bytes(reversed(base.palette)))
    same = replace(base, palette=bytes((9, 9, 9)) * 60)
    glass = replace(base, alpha=alphas(60))
    noted = with_sections(base, (b"note", b"four"))
    yield Valid("context-alpha", "alpha, palette not coded", ("4.4", "16.5"), glass)
    yield Valid("context-palette-same", "60 entries of one colour", ("16.5", "16.15"), same)
    for name, what, parts in (
        ("set", "a coded palette whose entries ascend", ascending(base)),
        ("kept", "a coded palette in its own order", base),
        ("kept-other", "a coded palette in its own order, from its end", descends),
        ("same", "a coded palette of one colour", same),
        ("alpha", "a coded palette with alpha", glass),
        ("section", "a section behind a coded palette", noted),
    ):
        coded = with_coded_palette(parts)
        yield Valid(f"context-coded-palette-{name}", what, ("4.5", "14.1"), coded)


def of_cells(
    width: int, height: int, k: int, cells: tuple[int, int, int, int], settings: int, tile: int = 0
) -> ContextParts:
    """A picture in which all cells are alike in size."""
    across, column, down, row = cells
    small = patterned(width, height, k)  # more than there are cells
    labels = tuple(
        small[(y + row) // down * width + (x + column) // across]
        for y in range(height)
        for x in range(width)
    )
    return ContextParts(width, height, soft(k), labels, tile=tile, settings=settings, cells=cells)


def valid_context_cells() -> Iterator[Valid]:
    """Enlarged tiles of the coder context."""
    for name, width, height, cells in (
        ("4x4", 64, 40, (4, 0, 4, 0)),
        ("3x2", 50, 31, (3, 2, 2, 1)),
        ("lost", 43, 47, (7, 6, 9, 8)),
        ("columns", 90, 20, (5, 1, 1, 0)),
        ("rows", 20, 90, (1, 0, 5, 3)),
        ("256", 600, 300, (256, 0, 256, 255)),
    ):
        across, column, down, row = cells
        what = f"cells of {across} × {down}, of which the first lost {column} and {row}"
        parts = of_cells(width, height, 9, cells, 0x5C)
        yield Valid(f"context-cells-{name}", what, ("16.24",), parts)
    for model, number in (MODELS | {"dense": 0}).items():
        parts = of_cells(48, 36, 12, (2, 1, 3, 0), number << 6 | 0x1C if number else 0)
        what = f"cells of 2 × 3, model {model}"
        yield Valid(f"context-cells-{model}", what, ("16.1", "16.24"), parts)
    tiled = of_cells(50, 40, 7, (2, 0, 4, 0), 0x5C, 0x11)
    what = "tiles of 16 × 16, cells of 2 × 4"
    yield Valid("context-cells-tiles", what, ("16.24", "6.1"), tiled)
    one = replace(of_cells(16, 16, 2, (16, 0, 16, 0), 0), palette=soft(2))
    yield Valid("context-cells-one", "a cell as large as the tile", ("16.24",), one)


def valid_tokens() -> Iterator[Valid]:
    """The coder tokens."""
    rules = ("17.1", "17.2", "17.7", "17.14")
    whole = replace(example_tiles("tokens"), tile=0)
    example = with_coded_palette(whole)
    yield Valid("example-tokens", "worked example 17.19", ("17.19",), example)
    for k in (2, 3, 16, 40, 200, 256, 257, 300, 4097):
        parts = by_tokens(37, 30, k)
        yield Valid(f"tokens-k{k}", f"K = {k:,}", (*rules, "17.3"), parts)
    one = replace(by_tokens(9, 7, 2), palette=b"\x80\x20\x10", labels=(0,) * 63)
    yield Valid("tokens-k1", "K = 1: the payload is empty", ("17.1",), one)
    scatter = Parts(23, 11, soft(40), scattered(253, 40), "tokens")
    yield Valid("tokens-dense", "by the coder dense: labels in no order", ("17.1",), scatter)
    smallest = replace(by_tokens(1, 1, 2), labels=(1,))
    yield Valid("tokens-1x1", "1 × 1, K = 2", ("17.1",), smallest)
    for width, height in ((1, 400), (400, 1), (2, 200), (3, 131)):
        parts = by_tokens(width, height, 40)
        payload = by_hand(parts.labels, width, 40)
        parts = replace(parts, payload_override=((0, payload),))
        what = f"{width} × {height}, by tables that an encoder wouldn't take"
        yield Valid(f"tokens-{width}x{height}", what, ("17.4", "17.9"), parts)
    flat = replace(by_tokens(90, 70, 200), labels=(199,) * 6300)
    yield Valid("tokens-flat", "one label everywhere, K = 200", ("17.13", "17.15"), flat)
    repeats = replace(by_tokens(50, 41, 60), labels=(scattered(67, 60) * 31)[:2050])
    yield Valid("tokens-repeats", "67 labels again and again", ("17.16",), repeats)
    noisy = replace(by_tokens(61, 60, 60), labels=scattered(3660, 7))
    rising = tuple(min(a + i // 61, 59) for i, a in enumerate(noisy.labels))
    what = "labels near each other, by several tables of escapes"
    yield Valid("tokens-near", what, ("17.10", "17.11"), replace(noisy, labels=rising))
    for name, tile, what in (("tiles", 0x11, "tiles of 16 × 16"), ("strips", 0x01, "strips")):
        parts = by_tokens(40, 37, 7, tile)
        yield Valid(f"tokens-{name}", f"{what}, cut at the edges", (*rules, "6.1", "6.8"), parts)
    glass = replace(by_tokens(24, 19, 60), alpha=alphas(60))
    yield Valid("tokens-alpha", "alpha, palette not coded", ("4.4", "17.3"), glass)
    ties = by_tokens(24, 19, 60)
    levels = bytes(64 * (i * step >> shift & 3) for i in range(60) for step, shift in TIES)
    what = "many equal values in a channel, for the order of places"
    yield Valid("tokens-palette-ties", what, ("16.5", "17.3"), replace(ties, palette=levels))


def valid_tokens_by_hand() -> Iterator[Valid]:
    """Payloads of the coder tokens by tables and tokens that its encoder wouldn't take."""
    base = by_tokens(37, 20, 40)
    survey = survey_of(base.labels, 37, 40)
    for bits in (5, 6, 7, 8):
        front = whole_front(740, 40, bits)
        payload = joined(front, write_stream(Tables(front), survey, find_tokens(survey).steps))
        parts = replace(base, payload_override=((0, payload),))
        yield Valid(f"tokens-states-{1 << bits}", f"{1 << bits} states", ("17.9", "17.14"), parts)
    row = (1, 1, 1, 1, 0, 2, 3, 4)
    tokens = [
        *[(int(Token.ESCAPE), 1, 0)] * 8,
        (Token.COPY, 5, 8),
        (Token.COPY_LAST, 3, 0),
        (Token.COPY_ABOVE, 4, 0),
        (Token.COPY, 4, 16),
        (Token.COPY_ABOVE, 8, 0),  # of 16: the later copy in the group above
        (Token.RUN_N, 8, 0),
        (Token.COPY_ABOVE, 8, 0),  # the group above has none: the last one
        (Token.N, 1, 0),
        (Token.FLAT, 2, 0),
        (Token.RUN_W, 1, 0),
        *[(int(Token.N), 1, 0)] * 4,
        (Token.COPY, 64, 24),
    ]
    picture = Parts(8, 15, greys(200), row * 15, "tokens")
    parts = replace(picture, payload_override=((0, by_hand(row * 15, 8, 200, tokens)),))
    what = "each token, and displacements that are kept and not"
    yield Valid("tokens-each", what, ("17.5", "17.15", "17.16", "17.17"), parts)


def banded(width: int, height: int, k: int) -> Parts:
    """A small picture in three bands."""
    parts = by_tokens(width, height, k)
    labels = parts.labels
    front = whole_front(width * height, k, 5, bands=True)
    third = height // 3 * width
    streams = []
    for band in (labels[:third], labels[third : 2 * third], labels[2 * third :]):
        survey = survey_of(band, width, k)
        streams.append(write_stream(Tables(front), survey, plain_tokens(survey).steps))
    lengths = b"".join(pack_length(len(stream)) for stream in streams[:2])
    payload = joined(front, lengths + b"".join(streams), BANDS)
    return replace(parts, payload_override=((0, payload),))


def valid_tokens_bands() -> Iterator[Valid]:
    """Tiles of the coder tokens in three bands."""
    for width, height, k in ((20, 18, 40), (7, 33, 300), (300, 2, 40), (1, 150, 60)):
        what = f"{width} × {height} labels in three bands, K = {k}"
        parts = banded(width, height, k)
        yield Valid(f"tokens-bands-{width}x{height}", what, ("17.5", "17.18"), parts)
    labels = drifting(128, 126, 16)
    parts = Parts(128, 126, greys(16), labels, "tokens")
    assert parts.payloads()[0][0] == BANDS
    yield Valid("tokens-bands", "three bands, as an encoder has them", ("17.18",), parts)


def ascending(parts: ContextParts) -> ContextParts:
    """The same with the palette sorted by green, red and blue; its labels are as before."""
    entries = [parts.palette[i : i + 3] for i in range(0, 3 * parts.k, 3)]
    entries.sort(key=lambda entry: (entry[1], entry[0], entry[2]))
    return replace(parts, palette=b"".join(entries))


def short(width: int, height: int, k: int) -> ShortParts:
    """A picture in the short form."""
    return ShortParts(width, height, colors(k), scattered(width * height, k))


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


def valid_vectors() -> list[Valid]:
    """All valid files."""
    topics = (
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
        valid_context,
        valid_context_shapes,
        valid_context_palettes,
        valid_context_cells,
        valid_tokens,
        valid_tokens_by_hand,
        valid_tokens_bands,
        valid_short,
        *label_vectors.VALID,
        *frame_vectors.VALID,
        *chain_vectors.VALID,
    )
    return [vector for topic in topics for vector in topic()]


# ── Invalid files ───────────────────────────────────────────────────────────


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


def with_byte(parts: Parts, position: int, value: int) -> Parts:
    """The same with one byte of the header changed, and all checksums right."""
    fields = bytearray(parts.fields)
    fields[position] = value
    return replace(parts, header_override=bytes(fields))


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


def with_sides(parts: Parts, width: int, height: int) -> Parts:
    """The same with another size claimed in the header, and all checksums right."""
    fields = parts.fields
    return replace(
        parts, header_override=fields[:8] + struct.pack(">II", width, height) + fields[16:]
    )


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


def invalid_context() -> Iterator[Invalid]:
    """Payloads of the coder context, under right CRC-32s."""
    base = by_context(12, 9, 5)
    payload = base.payloads()[0]
    dense = replace(base, settings=0).payloads()[0]
    cases = [
        *(
            (
                f"settings-{value:02x}",
                f"settings {value:02X}: {wrong}",
                "16.1",
                bytes((value,)) + payload[1:],
            )
            for value, wrong in ((0x7C, "bit 5 is 1"), (0xBC, "bit 5 is 1"), (0xDC, "model 3"))
        ),
        *(
            (
                f"settings-{value:02x}",
                f"settings {value:02X}: model dense, and other bits",
                "16.1",
                bytes((value,)) + dense[1:],
            )
            for value in (0x02, 0x08, 0x20)
        ),
        ("longer", "two bytes longer than by dense", "6.6", dense + b"\1"),
        ("dense-shorter", "model dense, a byte too short", "16.2", dense[:-1]),
        ("dense-settings-alone", "model dense, and nothing else", "16.2", dense[:1]),
        ("dense-padding", "model dense, an unused bit is 1", "6.7", flipped(dense, -1)),
        (
            "dense-label",
            "model dense, a block that is K^n and more",
            "8.4",
            dense[:1] + b"\xff" * (len(dense) - 2) + dense[-1:],
        ),
        ("zero", "the last byte of the payload is 0", "16.3", payload + b"\0"),
        ("zero-alone", "a payload of settings and a 0", "16.3", payload[:1] + b"\0"),
        ("behind", "bytes that aren't asked for behind the payload", "16.3", payload + b"\1" * 5),
    ]
    for name, what, rule, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-{name}", what, rule, "invalid", data)
    data = ContextParts(4, 4, b"\x80\x20\x10", (0,) * 16, payload_override=((0, b"\0"),)).to_bytes()
    yield Invalid("context-k1", "K = 1, and settings", "6.6", "invalid", data)
    tiled = by_context(32, 16, 5, tile=0x11)
    data = replace(tiled, payload_override=((1, b""),)).to_bytes()
    yield Invalid("context-empty", "an empty payload, without settings", "6.6", "invalid", data)
    first, second = tiled.payloads()
    swapped = tiled.head() + tiled.record(0, second) + tiled.record(1, first)
    data = swapped + tiled.directory()
    assert len(first) != len(second)
    yield Invalid("context-directory", "two tiles swapped", "6.8", "invalid", data)
    data = flipped(base.to_bytes(), -8, 3)
    what = "a bit is changed in a payload of context"
    yield Invalid("checksum-payload-context", what, "3.3", "checksum", data)
    data = base.to_bytes()[:-6]
    yield Invalid("truncated-context", "the file ends within a payload", "6.3", "truncated", data)


def invalid_context_cells() -> Iterator[Invalid]:
    """Enlarged tiles whose heads or cells are none."""
    base = of_cells(48, 36, 12, (2, 1, 3, 2), 0x5C)
    payload = base.payloads()[0]
    head, rest = payload[:5], payload[5:]
    dense = replace(base, settings=0).payloads()[0]
    cases = [
        ("short", "four bytes", payload[:4]),
        ("alone", "nothing behind the first five bytes", head),
        ("one", "cells of one label", bytes((1, 0, 0, 0, 0)) + rest),
        ("columns", "cells that lost all their columns", bytes((1, 1, 2, 2, 2)) + rest),
        ("rows", "cells that lost all their rows", bytes((1, 1, 1, 2, 3)) + rest),
        ("twice", "cells of cells", head + payload),
        ("longer", "more bytes than dense takes for the cells", head + dense[5:] + b"\1"),
    ]
    for name, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-cells-{name}", what, "16.24", "invalid", data)
    cases = [
        ("settings", "16.1", "settings 02 behind the head", head + b"\2" + rest[1:]),
        ("behind", "16.3", "bytes that aren't asked for", payload + b"\1" * 5),
        ("dense", "16.2", "model dense, a byte too short", dense[:-1]),
    ]
    for name, rule, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-cells-{name}", f"cells, {what}", rule, "invalid", data)


def invalid_context_palettes() -> Iterator[Invalid]:
    """Coded palettes of files by the coder context."""
    base = with_coded_palette(by_context(12, 9, 40))
    payload = base.coded_palette
    assert payload is not None
    cases = [
        ("zero", "ends in a 0", payload + b"\0"),
        ("behind", "has bytes behind it that aren't asked for", payload + b"\1" * 5),
        ("as-long", "is as long as a plain one", payload + b"\1" * (118 - len(payload))),
        ("longer", "is longer than a plain one", payload + b"\1" * (200 - len(payload))),
    ]
    for name, what, wrong in cases:
        data = replace(base, coded_palette=wrong).to_bytes()
        yield Invalid(
            f"context-palette-{name}", f"the coded palette {what}", "4.5", "invalid", data
        )
    body = b"\x80" + pack_length(len(payload)) + payload
    tile = base.record(0, base.payloads()[0])
    data = base.header + body + base.seal(b"PLTE", 0, body) + tile
    what = "the length of the coded palette isn't in its shortest form"
    yield Invalid("context-palette-length", what, "6.4", "invalid", data)
    data = base.to_bytes()
    what = "the file ends within the coded palette"
    yield Invalid("truncated-context-palette", what, "4.5", "truncated", data[:40])
    what = "a bit is changed in the coded palette"
    yield Invalid("checksum-context-palette", what, "3.3", "checksum", flipped(data, 40))


def invalid_tokens() -> Iterator[Invalid]:
    """Payloads of the coder tokens, under right CRC-32s."""
    base = by_tokens(24, 20, 5)
    payload = base.payloads()[0]
    front, stream = front_of(payload, 480, 5)
    head = front_bytes(front)
    dense = b"\0" + replace(base, coder="dense").payloads()[0]
    bands = banded(20, 18, 40)
    in_bands = bands.payloads()[0]
    band_front, behind = front_of(in_bands, 360, 40)
    band_head = front_bytes(band_front)
    sizes, streams = behind[:2], behind[2:]
    long_front = bytes([STREAM]) + pack_length(len(head) + len(stream) + 1) + head + stream
    cases = [
        ("first", "a first byte of 3", "17.1", base, b"\3" + payload[1:]),
        ("dense-shorter", "by dense, a byte too short", "17.1", base, dense[:-1]),
        ("dense-padding", "by dense, an unused bit is 1", "6.7", base, flipped(dense, -1)),
        (
            "dense-label",
            "by dense, a block that is K^n and more",
            "8.4",
            base,
            dense[:1] + b"\xff" * (len(dense) - 2) + dense[-1:],
        ),
        ("alone", "a first byte and nothing behind it", "17.2", base, payload[:1]),
        ("front-longer", "the front is longer than the payload", "17.2", base, long_front),
        (
            "front-length",
            "the length of the front isn't in its shortest form",
            "6.4",
            base,
            bytes([STREAM, 0x80]) + payload[1:],
        ),
        ("no-stream", "a front and no stream", "17.2", base, joined(head, b"")),
        ("front-zero", "the front ends in a 0", "17.6", base, joined(head + b"\0", stream)),
        (
            "front-behind",
            "bytes that aren't asked for behind the front",
            "17.6",
            base,
            joined(head + b"\1" * 5, stream),
        ),
        (
            "bands-no-lengths",
            "three bands, and nothing behind the front",
            "17.2",
            bands,
            joined(band_head, b"", BANDS),
        ),
        (
            "bands-empty",
            "the second of three bands has an empty stream",
            "17.2",
            bands,
            joined(band_head, sizes[:1] + b"\0" + streams, BANDS),
        ),
        (
            "bands-longer",
            "the second of three bands is longer than the payload",
            "17.2",
            bands,
            joined(band_head, sizes[:1] + b"\xff\x7f" + streams, BANDS),
        ),
        (
            "bands-lengths",
            "the first of three bands ends a byte early",
            "17.14",
            bands,
            joined(band_head, bytes((sizes[0] - 1, sizes[1])) + streams, BANDS),
        ),
    ]
    for name, what, rule, parts, wrong in cases:
        data = replace(parts, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)
    tiled = by_tokens(32, 16, 5, tile=0x11)
    data = replace(tiled, payload_override=((1, b""),)).to_bytes()
    yield Invalid("tokens-empty", "an empty payload", "6.6", "invalid", data)
    data = replace(base, payload_override=((0, dense + b"\0"),)).to_bytes()
    yield Invalid("tokens-longer", "two bytes longer than by dense", "6.6", "invalid", data)
    one = Parts(4, 4, b"\x80\x20\x10", (0,) * 16, "tokens")
    data = replace(one, payload_override=((0, b"\0"),)).to_bytes()
    yield Invalid("tokens-k1", "K = 1, and a payload", "6.6", "invalid", data)
    data = flipped(base.to_bytes(), -8, 3)
    what = "a bit is changed in a payload of tokens"
    yield Invalid("checksum-payload-tokens", what, "3.3", "checksum", data)
    data = base.to_bytes()[:-6]
    yield Invalid("truncated-tokens", "the file ends within a payload", "6.3", "truncated", data)


def invalid_tokens_fronts() -> Iterator[Invalid]:
    """Fronts that are none, up to what is wrong with them, and behind them a sound stream."""
    base = by_tokens(37, 30, 40)
    payload = base.payloads()[0]
    k, labels = base.k, len(base.labels)

    def front() -> Front:
        return front_of(payload, labels, k)[0]

    stream = front_of(payload, labels, k)[1]
    wrong: list[tuple[str, str, str, Front]] = []

    def case(name: str, rule: str, what: str) -> Front:
        wrong.append((name, rule, what, front()))
        return wrong[-1][3]

    changed = case("tables", "17.7", "more tables of escapes than so many labels may have")
    changed.escape_tables = 4
    changed = case("no-escapes", "17.7", "escapes, and no table of them")
    changed.escape_tables = 0
    changed = case("long-codes", "17.7", "codes of up to 11 bits")
    changed.escape_bits = 11
    changed = case("context", "17.8", "a context with the table 3, of three")
    changed.tables = 3
    changed.map[0][0] = 3
    changed = case("states", "17.9", "a token with more states than there are")
    changed.counts[0] = [1, 1000, *[0] * 11]
    for name, rule, what in (
        ("intervals", "17.10", "33 intervals of W"),
        ("pair", "17.10", "a pair of intervals with the table 3, of three"),
    ):
        changed = case(name, rule, what)
        changed.escape_tables = 3
        changed.lengths[:3] = [complete(k)] * 3
        if name == "intervals":
            changed.intervals[0] = list(range(k))
        else:
            changed.cells[0][0] = 3
    changed = case("values", "17.12", "a code of 49 values")
    changed.values[0] = [0] * 48 + [1]
    for name, what, lengths in (
        ("code-over", "a code longer than B", [11, 11, *range(10, 0, -1)]),
        ("code-more", "more codes than there can be", [1] * 3),
        ("code-fewer", "a code that isn't complete", [1, 2]),
        ("code-single", "one symbol, with a code of two bits", [2]),
    ):
        changed = case(name, "17.13", what)
        changed.escape_tables = 1
        changed.lengths[0] = lengths + [0] * (k - len(lengths))
    changed = case("value-over", "17.13", "a value's code of ten bits")
    changed.values[0] = [10, 10, *range(9, 0, -1)] + [0] * 37
    for name, rule, what, changed in wrong:
        data = replace(base, payload_override=((0, joined(changed, stream)),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)


def invalid_tokens_streams() -> Iterator[Invalid]:
    """Streams that aren't their labels'."""
    row = (1, 1, 1, 1, 0, 2, 3, 4)
    base = Parts(8, 15, greys(200), row * 15, "tokens")
    escapes = [(int(Token.ESCAPE), 1, 0)] * 8
    # The last byte is the last token, four bits, and padding.
    tokens = [*escapes, (Token.RUN_N, 110, 0), *[(int(Token.N), 1, 0)] * 2]
    whole = by_hand(base.labels, 8, 200, tokens)
    front, stream = front_of(whole, 120, 200)
    state, padding = (stream[:-1] + bytes((stream[-1] | bit,)) for bit in (1, 128))
    cases = [
        ("stream-shorter", "17.14", "the stream ends early", joined(front, stream[:-1])),
        ("stream-longer", "17.14", "a byte is left", joined(front, stream + b"\0")),
        ("stream-state", "17.14", "another state at the end", joined(front, state)),
        ("stream-padding", "17.14", "a bit behind the last one is 1", joined(front, padding)),
    ]
    for name, rule, what, tokens in (
        ("run-long", "17.15", "a run longer than the tile", [(Token.RUN_N, 113, 0)]),
        ("copy-long", "17.15", "a copy longer than the tile", [(Token.COPY, 113, 8)]),
        ("copy-ahead", "17.16", "a displacement beyond the first label", [(Token.COPY, 112, 9)]),
        ("copy-zero", "17.16", "a displacement of 0", [(Token.COPY, 112, 0)]),
        ("copy-below", "17.16", "a displacement under 0", [(Token.COPY, 112, -3)]),
        ("copy-none", "17.16", "the last displacement, ahead of all", [(Token.COPY_LAST, 112, 0)]),
        ("flat-none", "17.17", "flat, where NE isn't W", [(Token.FLAT, 112, 0)]),
    ):
        cases.append((name, rule, what, by_hand(base.labels, 8, 200, [*escapes, *tokens])))
    for name, rule, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"tokens-{name}", what, rule, "invalid", data)
    high = Parts(16, 16, greys(257), (0,) * 255 + (256,), "tokens")
    tokens = [(Token.RUN_W, 255, 0), (Token.ESCAPE, 1, 0)]
    wrong = by_hand((0,) * 255 + (257,), 16, 257, tokens)
    data = replace(high, payload_override=((0, wrong),)).to_bytes()
    yield Invalid("tokens-label", "the label 257, and K is 257", "17.14", "invalid", data)


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


def invalid_vectors() -> list[Invalid]:
    """All invalid files."""
    topics = (
        invalid_signatures,
        invalid_truncated,
        invalid_checksums,
        invalid_places,
        invalid_unsupported,
        invalid_headers,
        invalid_order,
        invalid_sections,
        invalid_tile_records,
        invalid_labels,
        invalid_limits,
        invalid_alpha,
        invalid_coded_palettes,
        invalid_context,
        invalid_context_palettes,
        invalid_context_cells,
        invalid_tokens,
        invalid_tokens_fronts,
        invalid_tokens_streams,
        invalid_short,
        *invalid_label_vectors.INVALID,
        *invalid_frame_vectors.INVALID,
        *invalid_chain_vectors.INVALID,
    )
    return [vector for topic in topics for vector in topic()]


# ── Writing ─────────────────────────────────────────────────────────────────


def index(valid: list[Valid], invalid: list[Invalid]) -> str:
    """The index, one vector a line."""
    lines = ["{", '"format": "1.0",']
    for name, vectors in (("valid", valid), ("invalid", invalid)):
        entries = [json.dumps(vector.entry(), ensure_ascii=False) for vector in vectors]
        lines += [f'"{name}": [', ",\n".join(entries), "]," if name == "valid" else "]"]
    return "\n".join([*lines, "}", ""])


def main(folder: Path) -> None:
    """Write what is missing, and what isn't frozen yet; never change a frozen vector."""
    valid, invalid = valid_vectors(), invalid_vectors()
    frozen = frozen_digests()
    total = 0
    for vectors, name in ((valid, "valid"), (invalid, "invalid")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for vector in vectors:
            path, data = folder / name / f"{vector.name}.kq", vector.data
            total += len(data)
            if path.exists() and path.read_bytes() != data:
                if f"{name}/{vector.name}.kq" in frozen:
                    raise SystemExit(f"{path} is frozen with other contents: add, never change")
                print(f"{path.name} is another than it was")
            path.write_bytes(data)
    (folder / "index.json").write_text(index(valid, invalid), encoding="utf-8")
    print(f"{len(valid)} valid and {len(invalid)} invalid vectors, {total:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    main(parser.parse_args().folder)
