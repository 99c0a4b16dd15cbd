"""Indexed image to file: header, palette, tiles through the coder, directory.

The parts come in file order, so they can go down a pipe as they are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.layout import Layout, header_of
from kqcodec.coding.options import CODED_PALETTES, DEFAULT_CODING, CodingOptions
from kqcodec.coding.palette import in_coding_order
from kqcodec.format import sizes
from kqcodec.format.container import Sealer
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.format.container import Section
    from kqcodec.format.names import CoderName
    from kqcodec.images.indexed_image import IndexedImage


def encode_indexed(
    indexed: IndexedImage,
    options: CodingOptions = DEFAULT_CODING,
    *,
    sections: Sequence[Section] = (),
) -> bytes:
    """The bytes of a .kq file that holds an indexed image, losslessly: palette and labels,
    unused entries and alpha included.

    ``sections`` are extension sections to carry, behind those of the image's metadata.

    Raises:
        TypeError, ValueError: there is no such file.
    """
    return b"".join(encoded_parts(indexed, options, sections=sections))


def encoded_parts(
    indexed: IndexedImage,
    options: CodingOptions = DEFAULT_CODING,
    *,
    sections: Sequence[Section] = (),
) -> Iterator[bytes]:
    """The bytes that ``encode_indexed`` makes, part by part; what it raises is raised at once."""
    layout = Layout.of(
        indexed.palette,
        indexed.width,
        indexed.height,
        options,
        sections=[*indexed.metadata.sections(), *sections],
    )
    return layout.parts(_payloads(indexed, layout, thread_count(options.threads)))


def _payloads(indexed: IndexedImage, layout: Layout, threads: int) -> Iterator[bytes]:
    grid = layout.grid

    def payload(index: int) -> bytes:
        return layout.payload(indexed.labels[grid.box(index).slices])

    return ordered_map(payload, range(grid.count), min(threads, grid.count))


def encoded_size(indexed: IndexedImage, options: CodingOptions = DEFAULT_CODING) -> int:
    """How many bytes ``encode_indexed`` makes of an image.

    A coder whose sizes follow from the header isn't run; any other one is.
    """
    if sizes.predictable(options.coder):
        return predicted_size(indexed, indexed.k, options)
    return sum(map(len, encoded_parts(indexed, options)))


def predicted_size(indexed: IndexedImage, k: int, options: CodingOptions) -> int:
    """How many bytes the same picture would make in ``k`` colours, by a coder that
    ``sizes.predictable`` names."""
    sections = indexed.metadata.sections()
    header = header_of(
        k, indexed.width, indexed.height, options, sections=sections, alpha=indexed.has_alpha
    )
    extra = len(Sealer(header).sections(sections)) if sections else 0
    return sizes.file_size(header) + extra


def in_order_of(coder: CoderName, indexed: IndexedImage) -> IndexedImage:
    """The same picture with its palette in the order that the coder makes the most of;
    for callers whose order is free."""
    return in_coding_order(indexed) if coder in CODED_PALETTES else indexed
