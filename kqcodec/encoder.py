"""Indexed image to file: header, palette, tiles through the coder, directory.

The parts come in file order, so they can go down a pipe as they are made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from kqcodec import sizes
from kqcodec.coded_palette import encode_palette, in_coding_order
from kqcodec.coders import CODED_PALETTES, DEFAULT_CODER, Coder, check_coder, coder_of
from kqcodec.container import MAX_SECTIONS, Sealer, Section
from kqcodec.effort import DEFAULT_EFFORT
from kqcodec.errors import InvalidDataError
from kqcodec.header import MAX_TILE_EXPONENT, MIN_TILE_EXPONENT, Header
from kqcodec.image import palette_bytes
from kqcodec.metadata import SECTION_KINDS
from kqcodec.parallel import ordered_map, thread_count
from kqcodec.tiles import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.image import IndexedImage

# None: by the picture's size; 0: one tile; a side, or (width, height).
TileSize: TypeAlias = "int | tuple[int, int] | None"


def encode_indexed(
    indexed: IndexedImage,
    *,
    coder: str = DEFAULT_CODER,
    effort: str = DEFAULT_EFFORT,
    tile: TileSize = None,
    threads: int | None = None,
    sections: Sequence[Section] = (),
) -> bytes:
    """The bytes of a .kq file that holds an indexed image, losslessly.

    Args:
        indexed: palette and labels, kept exactly, unused entries and alpha included.
        coder: "packed" (ceil(log2 K) bits a label), "dense" (log2 K), or "context" (what
            the neighbours don't tell; the smallest).
        effort: of the coder context: "fast", "default" or "best".
        tile: pixels a tile, a power of two from 16 to 262,144, or a pair
            (width, height) of them; 0 for as wide or high as the picture; None
            for one tile up to 2048 x 1024 pixels, else tiles of 2048 x 2048; packed
            and dense one up to 1024 x 1024, else tiles of that size.
        threads: how many threads code tiles; None for as many as there are
            processors. The bytes don't depend on it.
        sections: extension sections to carry, behind those of the image's metadata.

    Raises:
        TypeError, ValueError: an argument is of the wrong kind or out of range.
    """
    return b"".join(
        encoded_parts(
            indexed, coder=coder, effort=effort, tile=tile, threads=threads, sections=sections
        )
    )


def encoded_parts(
    indexed: IndexedImage,
    *,
    coder: str = DEFAULT_CODER,
    effort: str = DEFAULT_EFFORT,
    tile: TileSize = None,
    threads: int | None = None,
    sections: Sequence[Section] = (),
) -> Iterator[bytes]:
    """The same as ``encode_indexed``, part by part; arguments are checked at once."""
    sections = [*indexed.metadata.sections(), *sections]
    if len(sections) > MAX_SECTIONS:
        raise ValueError(f"a file has at most {MAX_SECTIONS} sections, not {len(sections)}")
    for section in sections:
        if not section.optional:
            raise ValueError(f"no reader knows the mandatory section {section.kind!r}")
    tile_coder = coder_of(coder, indexed.palette, effort)
    count = thread_count(threads)
    header = _header(indexed, coder, tile, sections)
    coded = None
    if coder in CODED_PALETTES:
        coded = encode_palette(palette_bytes(indexed.palette), indexed.k)
    if coded is not None:
        header = replace(header, coded_palette=True)
    return _parts(indexed, header, tile_coder, count, sections, coded_palette=coded)


def encoded_size(
    indexed: IndexedImage,
    *,
    coder: str = DEFAULT_CODER,
    effort: str = DEFAULT_EFFORT,
    tile: TileSize = None,
    threads: int | None = None,
) -> int:
    """How many bytes ``encode_indexed`` makes of an image.

    A coder whose sizes follow from the header isn't run; any other one is.
    Arguments and errors are as there.
    """
    check_coder(coder, effort)
    if sizes.predictable(coder):
        return predicted_size(indexed, indexed.k, coder=coder, tile=tile)
    parts = encoded_parts(indexed, coder=coder, effort=effort, tile=tile, threads=threads)
    return sum(map(len, parts))


def predicted_size(indexed: IndexedImage, k: int, *, coder: str, tile: TileSize = None) -> int:
    """How many bytes the same picture would make in ``k`` colours, by a coder that
    ``sizes.predictable`` names."""
    sections = indexed.metadata.sections()
    header = replace(_header(indexed, coder, tile, sections), k=k)
    extra = len(Sealer(header).sections(sections)) if sections else 0
    return sizes.file_size(header) + extra


def check_coding(coder: str, effort: str, tile: TileSize) -> None:
    """What of the arguments can be refused before there is an image to encode.

    Raises:
        TypeError, ValueError: as for ``encode_indexed``.
    """
    check_coder(coder, effort)
    tile_exponents(tile, 1, 1, coder)


def in_order_of(coder: str, indexed: IndexedImage) -> IndexedImage:
    """The same picture with its palette in the order that the coder makes the most of;
    for callers whose order is free."""
    return in_coding_order(indexed) if coder in CODED_PALETTES else indexed


def _header(
    indexed: IndexedImage, coder: str, tile: TileSize, sections: Sequence[Section]
) -> Header:
    try:
        return Header(
            coder=coder,
            width=indexed.width,
            height=indexed.height,
            k=indexed.k,
            tile_exponents=tile_exponents(tile, indexed.width, indexed.height, coder),
            sections=bool(sections),
            minor=_least_minor(indexed, coder, sections),
            alpha=indexed.has_alpha,
        )
    except InvalidDataError as exc:
        raise ValueError(str(exc)) from exc


def _parts(
    indexed: IndexedImage,
    header: Header,
    coder: Coder,
    threads: int,
    sections: Sequence[Section],
    *,
    coded_palette: bytes | None,
) -> Iterator[bytes]:
    sealer = Sealer(header)
    yield header.to_bytes()
    yield sealer.palette(palette_bytes(indexed.palette), coded_palette)
    if sections:
        yield sealer.sections(sections)
    grid = header.grid

    def encode_tile(index: int) -> tuple[bytes, int]:
        payload = coder.encode(indexed.labels[grid.box(index).slices])
        return sealer.tile(index, payload), len(payload)

    lengths = []
    for record, length in ordered_map(encode_tile, range(grid.count), min(threads, grid.count)):
        lengths.append(length)
        yield record
    yield sealer.directory(lengths)


def _least_minor(indexed: IndexedImage, coder: str, sections: Sequence[Section]) -> int:
    """The least minor version of the format that has all that the file uses."""
    if coder == "context":
        return 2
    has_metadata = any(section.kind in SECTION_KINDS.values() for section in sections)
    return int(indexed.has_alpha or has_metadata)


def tile_exponents(tile: TileSize, width: int, height: int, coder: str) -> tuple[int, int]:
    """The header's exponents (x, y) for a tile size; 0 where the tile is as wide
    or high as the picture.

    Raises:
        TypeError, ValueError: not a tile size; see ``encode_indexed``.
    """
    if tile is None:
        policy = POLICIES[coder]
        tile = 0 if width * height <= policy.one_tile_pixels else policy.side
    sides = (tile, tile) if isinstance(tile, int) else tuple(tile)
    if len(sides) != 2 or not all(type(side) is int for side in sides):
        raise TypeError(f"tile must be a whole number or a pair of them, not {tile!r}")
    return _exponent(sides[0], width), _exponent(sides[1], height)


def _exponent(side: int, length: int) -> int:
    lowest, highest = 1 << MIN_TILE_EXPONENT, 1 << MAX_TILE_EXPONENT
    if side == 0:
        return 0
    if side & (side - 1) or not lowest <= side <= highest:
        raise ValueError(
            f"a tile side must be 0 or a power of two from {lowest} to {highest:,}, not {side}"
        )
    return 0 if side >= length else side.bit_length() - 1
