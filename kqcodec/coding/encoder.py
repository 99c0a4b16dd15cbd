"""Indexed image to file: header, palette, tiles through the coder, directory.

The parts come in file order, so they can go down a pipe as they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.coders import check_coder
from kqcodec.coding.layout import Layout, header_of, tile_exponents
from kqcodec.coding.options import CODED_PALETTES, DEFAULT_CODER, DEFAULT_EFFORT
from kqcodec.coding.palette import in_coding_order
from kqcodec.format import sizes
from kqcodec.format.container import Sealer
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.coding.layout import TileSize
    from kqcodec.format.container import Section
    from kqcodec.images.indexed_image import IndexedImage


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
    layout = Layout.of(
        indexed.palette,
        indexed.width,
        indexed.height,
        coder=coder,
        effort=effort,
        tile=tile,
        sections=[*indexed.metadata.sections(), *sections],
    )
    return layout.parts(_payloads(indexed, layout, thread_count(threads)))


def _payloads(indexed: IndexedImage, layout: Layout, threads: int) -> Iterator[bytes]:
    grid = layout.grid

    def payload(index: int) -> bytes:
        return layout.payload(indexed.labels[grid.box(index).slices])

    return ordered_map(payload, range(grid.count), min(threads, grid.count))


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
    header = header_of(
        k,
        indexed.width,
        indexed.height,
        coder=coder,
        tile=tile,
        sections=sections,
        alpha=indexed.has_alpha,
    )
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
