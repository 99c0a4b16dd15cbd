"""Tiled TIFF files of indexed pictures, written tile by tile.

TIFF 6.0 with the tiles of its section 15 and Adobe's deflate; over 4 GB the variant
BigTIFF. Up to 256 opaque colours are a palette and its indices; others are RGB or RGBA.

    header ── directory ── tile offsets ── tile sizes ── other values ── tiles

A directory precedes what it points to, so that the file can go down a pipe; the tiles
wait in a temporary file until their sizes are known.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from kqcodec.format.grid import Box
    from kqcodec.images.metadata import Metadata

# The side of a tile, where the tiles of the source aren't smaller.
_SIDE = 512
_STEP_OF_SIDES = 16
_LEVEL = 6
_CLASSIC_LIMIT = 1 << 32
_STEP = 1 << 20

# Tags (TIFF 6.0; 700 XMP; 34675 ICC).
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _PLANAR, _COLOR_MAP = 277, 284, 320
_TILE_WIDTH, _TILE_HEIGHT, _OFFSETS, _SIZES = 322, 323, 324, 325
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _XMP, _ICC = 338, 339, 700, 34675
_UNSIGNED, _SIGNED = 1, 2
_DEFLATE, _GREY, _RGB, _PALETTE, _UNASSOCIATED = 8, 1, 2, 3, 2
# Types of values: number, and letter of ``struct``.
_BYTE, _SHORT, _LONG, _UNDEFINED, _LONG8 = (1, "B"), (3, "H"), (4, "I"), (7, "B"), (16, "Q")


@dataclass(frozen=True, eq=False)
class TiffPicture:
    """What is written.

    Attributes:
        width, height: pixels.
        palette: uint8, shape (K, 3) or (K, 4).
        as_labels: whether labels are written instead of colours: indices of the palette
            up to 256, 16-bit grey beyond.
        metadata: of which ICC profile and XMP are kept.
        ids: the dtype of the labels where they are ids, which stay as they are, bools as bytes;
            None for those of a palette.
        paletted: whether up to 256 opaque colours may become a palette.
    """

    width: int
    height: int
    palette: NDArray[np.uint8]
    as_labels: bool
    metadata: Metadata
    ids: np.dtype[Any] | None = None
    paletted: bool = True

    @property
    def is_paletted(self) -> bool:
        """Whether the pixels are indices."""
        if self.ids is not None or not self.paletted:
            return False
        few = len(self.palette) <= 256
        return few and (self.as_labels or self.palette.shape[1] == 3)

    def samples(self, labels: NDArray[Any]) -> NDArray[Any]:
        """What is stored of these labels: shape (h, w), or (h, w, 3) or (h, w, 4)."""
        if self.ids is not None:
            return labels.astype(self.ids.newbyteorder("<"), copy=False)
        if self.is_paletted:
            return labels.astype(np.uint8, copy=False)
        if self.as_labels:
            return labels.astype("<u2", copy=False)
        return self.palette.take(labels, axis=0)


def tiff_parts(
    picture: TiffPicture,
    tiles: Iterable[tuple[Box, NDArray[Any]]],
    tile_size: tuple[int, int],
    *,
    threads: int,
    folder: str | os.PathLike[str] | None = None,
) -> Iterator[bytes]:
    """The bytes of a TIFF file, part by part.

    Args:
        picture: what is written.
        tiles: its labels: rectangles of ``tile_size`` but at the edges, in any order.
        tile_size: (width, height): powers of two from 16, or those of the picture.
        threads: how many compress.
        folder: where the tiles wait; None for the system's place for such files.

    Raises:
        OSError: there is no room for them.
    """
    side_x = _side(tile_size[0], picture.width)
    side_y = _side(tile_size[1], picture.height)
    across, down = -(-picture.width // side_x), -(-picture.height // side_y)

    def compressed(tile: tuple[Box, NDArray[Any]]) -> list[tuple[int, bytes]]:
        box, labels = tile
        found = []
        for upper in range(0, box.height, side_y):
            for left in range(0, box.width, side_x):
                part = labels[upper : upper + side_y, left : left + side_x]
                part = np.pad(part, [(0, side_y - part.shape[0]), (0, side_x - part.shape[1])])
                index = (box.upper + upper) // side_y * across + (box.left + left) // side_x
                samples = np.ascontiguousarray(picture.samples(part))
                found.append((index, zlib.compress(samples, _LEVEL)))
        return found

    offsets = np.zeros(across * down, dtype=np.uint64)
    sizes = np.zeros(across * down, dtype=np.uint64)
    with tempfile.TemporaryFile(dir=folder) as file:
        end = 0
        for group in ordered_map(compressed, tiles, threads):
            for index, data in group:
                file.write(data)
                offsets[index], sizes[index] = end, len(data)
                end += len(data)
        yield _front(picture, (side_x, side_y), offsets, sizes, end)
        file.seek(0)
        while part := file.read(_STEP):
            yield part


def _side(tile: int, whole: int) -> int:
    """The side of a tile, of which those of the source have one or many, whole ones; not
    much more than the picture's, to which it would be padding."""
    divides = tile & (tile - 1) == 0 and tile >= _STEP_OF_SIDES
    around = -(-whole // _STEP_OF_SIDES) * _STEP_OF_SIDES
    return min(_SIDE, around, tile if divides else _SIDE)


def _front(
    picture: TiffPicture,
    side: tuple[int, int],
    offsets: NDArray[np.uint64],
    sizes: NDArray[np.uint64],
    end: int,
) -> bytes:
    """All that precedes the tiles."""
    metadata = len(picture.metadata.icc or b"") + len(picture.metadata.xmp or b"")
    big = end + 16 * len(offsets) + (1 << 20) + metadata >= _CLASSIC_LIMIT
    place = _LONG8 if big else _LONG
    front = _directory(picture, side, offsets, sizes, place)
    # The offsets count from the file's start, and the front has that size whatever they are.
    return _directory(picture, side, offsets + np.uint64(len(front)), sizes, place)


def _directory(
    picture: TiffPicture,
    side: tuple[int, int],
    offsets: NDArray[np.uint64],
    sizes: NDArray[np.uint64],
    place: tuple[int, str],
) -> bytes:
    entries: list[tuple[int, tuple[int, str], bytes]] = [
        (tag, kind, np.asarray(values, dtype="<" + _NUMPY[kind[1]]).tobytes())
        for tag, kind, values in (
            *_tags(picture, side),
            (_OFFSETS, place, offsets),
            (_SIZES, place, sizes),
        )
    ]
    entries.sort(key=lambda entry: entry[0])
    big = place == _LONG8
    head = (
        struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)
    )
    room = 8 if big else 4  # for a value in its entry
    size = 8 + 20 * len(entries) + 8 if big else 2 + 12 * len(entries) + 4
    table, values = [struct.pack("<Q" if big else "<H", len(entries))], b""
    start = len(head) + size
    for tag, (number, letter), data in entries:
        count = len(data) // struct.calcsize(letter)
        table.append(struct.pack("<HHQ" if big else "<HHI", tag, number, count))
        if len(data) <= room:
            table.append(data.ljust(room, b"\0"))
            continue
        table.append(struct.pack("<Q" if big else "<I", start + len(values)))
        values += data + b"\0" * (len(data) % 2)
    table.append(bytes(room))  # no other directory
    return head + b"".join(table) + values


_NUMPY = {"B": "u1", "H": "u2", "I": "u4", "Q": "u8"}


def _tags(
    picture: TiffPicture, side: tuple[int, int]
) -> Iterator[tuple[int, tuple[int, str], NDArray[np.generic] | list[int]]]:
    yield _WIDTH, _LONG, [picture.width]
    yield _HEIGHT, _LONG, [picture.height]
    yield _COMPRESSION, _SHORT, [_DEFLATE]
    yield _PLANAR, _SHORT, [1]
    yield _TILE_WIDTH, _LONG, [side[0]]
    yield _TILE_HEIGHT, _LONG, [side[1]]
    if picture.is_paletted:
        bits, photometric = [8], _PALETTE
        table = np.zeros((3, 256), dtype=np.uint16)
        table[:, : len(picture.palette)] = picture.palette[:, :3].T.astype(np.uint16) * 257
        yield _COLOR_MAP, _SHORT, table
    elif picture.ids is not None:
        bits, photometric = [8 * picture.ids.itemsize], _GREY
        yield _SAMPLE_FORMAT, _SHORT, [_SIGNED if picture.ids.kind == "i" else _UNSIGNED]
    elif picture.as_labels:
        bits, photometric = [16], _GREY
    else:
        bits, photometric = [8] * picture.palette.shape[1], _RGB
    yield _BITS, _SHORT, bits
    yield _PHOTOMETRIC, _SHORT, [photometric]
    yield _SAMPLES, _SHORT, [len(bits)]
    if len(bits) == 4:
        yield _EXTRA_SAMPLES, _SHORT, [_UNASSOCIATED]
    if picture.metadata.xmp is not None:
        yield _XMP, _BYTE, np.frombuffer(picture.metadata.xmp, np.uint8)
    if picture.metadata.icc is not None and not (picture.as_labels and not picture.is_paletted):
        yield _ICC, _UNDEFINED, np.frombuffer(picture.metadata.icc, np.uint8)
