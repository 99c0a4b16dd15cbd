"""Files of other formats made of .kq files that needn't fit into memory, tile by tile:
tiled TIFF, and NumPy's arrays row by row."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.export import npy_front
from kqcodec.coding.tile_assembly import TileAssembly
from kqcodec.format.grid import Grid
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.metadata import Metadata
from kqcodec.images.pixels import flattened
from kqcodec.images.tiff_writer import TiffPicture, tiff_parts
from kqcodec.storage.opening import open_source
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels
    from kqcodec.images.pixels import Color
    from kqcodec.storage.opening import Readable

FORMATS = ("TIFF", "NPY")
# Pixels of rows that are written at a time, and bytes of them that wait in memory.
_ROW_PIXELS = 1 << 20
_WAITING = 1 << 27


def export_parts(
    source: Readable,
    file_format: str,
    *,
    labels: bool = False,
    background: Color | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    folder: str | os.PathLike[str] | None = None,
) -> Iterator[bytes]:
    """A .kq file as a file of another format, part by part.

    Args:
        source: as for ``kqcodec.read``.
        file_format: "TIFF", tiled and compressed by deflate; or "NPY", an array of shape
            (H, W, 3) or (H, W, 4).
        labels: whether to write labels instead of colours; of a label map its ids.
        background: a colour to put behind transparent pixels; None to keep alpha.
        threads: as for ``decode``.
        max_pixels: as for ``KqFile.size_report``.
        folder: for temporary files.

    Raises:
        FormatError, OSError: as for ``kqcodec.read``.

    Warns:
        ConversionWarning: Exif is left out, or what the ids of a label map mean.
    """
    workers = thread_count(threads)
    with open_source(source) as opened_source:
        limits = Limits.of(max_pixels).by_tiles(opened_source.size)
        opened = Opened.from_source(opened_source, limits)
        palette = opened.palette
        if background is not None:
            palette = flattened(palette, background)
        metadata = Metadata.from_sections(opened.sections)
        if file_format == "NPY":
            yield from _npy_parts(opened, palette, labels, workers)
            return
        if metadata.exif is not None:
            message = "a TIFF file that is written in pieces carries no Exif; it is left out"
            warnings.warn(message, ConversionWarning, stacklevel=2)
        header = opened.header
        ids = opened.table.dtype if labels and opened.table is not None else None
        if ids is not None and not opened.meaning.empty:
            message = (
                "a TIFF file that is written in pieces doesn't say what ids mean, nor where in "
                "the world they are"
            )
            warnings.warn(message, ConversionWarning, stacklevel=2)
        picture = TiffPicture(
            *(header.width, header.height, palette, labels, metadata),
            ids=ids,
            paletted=opened.table is None,  # whose indices would be no ids
        )
        tiles = _tiles(opened, workers)
        yield from tiff_parts(
            picture,
            tiles if ids is None else ((box, opened.values(tile)) for box, tile in tiles),
            (header.grid.tile_width, header.grid.tile_height),
            threads=workers,
            folder=folder,
        )


def _tiles(opened: Opened, threads: int) -> Iterator[tuple[Box, Labels]]:
    threads = min(threads, opened.header.grid.count)
    return ordered_map(opened.decode_tile, opened.records(), threads)


def _npy_parts(
    opened: Opened, palette: NDArray[np.uint8], labels: bool, threads: int
) -> Iterator[bytes]:
    header = opened.header
    dtype = opened.value_dtype
    shape: tuple[int, ...] = (header.height, header.width)
    if not labels:
        shape, dtype = (*shape, palette.shape[1]), np.dtype(np.uint8)
    elif opened.table is not None and opened.table.shape == "column":
        shape = (*shape, 1)
    yield npy_front(shape, dtype)
    rows = min(header.height, max(1, _ROW_PIXELS // header.width))
    strips = Grid(header.width, header.height, header.width, rows)
    with TileAssembly(strips, opened.label_dtype, _WAITING) as assembly:
        for box, tile in _tiles(opened, threads):
            # Tiles come row by row, and so the strips are completed in their order.
            for _, strip in assembly.add(box, tile):
                yield (opened.values(strip) if labels else palette.take(strip, axis=0)).tobytes()
