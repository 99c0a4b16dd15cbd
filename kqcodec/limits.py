"""What a file may ask for before anything is allocated, and the one way to raise it.

``max_pixels`` of the functions that read, ``--max-pixels`` of the commands, says how large
a file is trusted: so many pixels, with tiles and metadata in proportion. To lower it
lowers the pixels alone, and None lifts all. The colours have the format's own limit:
65,536, a palette of 256 KiB.

    limit                   by default    with max_pixels = N, if that is more
    pixels                  2**27         N
    tiles                   2**20         N / 128
    bytes of metadata       2**24         N / 8
    bytes of an input       2**30         8 N

An input is a picture, label map or archive of another format, which is read whole; a .kq
file is read as its header says. There, where Pillow decodes, N is Pillow's own
``Image.MAX_IMAGE_PIXELS``.

By the coder context a tile takes memory for sixteen columns more than it has, and three
rows; with these, too, it may have so many pixels and no more.

No NumPy is imported.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kqcodec.errors import LimitError
from kqcodec.integers import whole_number
from kqcodec.memory import context_plane_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.header import Header

# 2**27 pixels are 384 MiB of RGB. A file of one colour reaches that in 40 bytes.
DEFAULT_MAX_PIXELS = 2**27
_TILES = 2**20
_METADATA = 2**24
_INPUT = 2**30
_PIXELS_A_TILE = DEFAULT_MAX_PIXELS // _TILES
_PIXELS_A_BYTE = DEFAULT_MAX_PIXELS // _METADATA
_INPUT_BYTES_A_PIXEL = _INPUT // DEFAULT_MAX_PIXELS


def checked_max_pixels(max_pixels: int | None) -> int | None:
    """The limit as it is, or TypeError or ValueError."""
    return None if max_pixels is None else whole_number(max_pixels, "max_pixels", 0)


def check_limit(pixels: int, max_pixels: int | None, what: str) -> None:
    """Raise LimitError if that many pixels are over the limit; None for no limit."""
    if max_pixels is not None and pixels > max_pixels:
        raise LimitError(
            f"{what} pixels are over the limit of {max_pixels:,}; "
            "raise max_pixels (--max-pixels) if you trust the file"
        )


def most_bytes(max_pixels: int | None) -> int | None:
    """The bytes that an input may have; None for no limit."""
    return None if max_pixels is None else max(_INPUT, _INPUT_BYTES_A_PIXEL * max_pixels)


def over_limit(most: int) -> LimitError:
    """An input has more bytes than that."""
    return LimitError(
        f"the file has more than {most:,} bytes; raise the limit of pixels (--max-pixels, "
        f"PIL.Image.MAX_IMAGE_PIXELS), each of which allows {_INPUT_BYTES_A_PIXEL}, if you "
        "trust it"
    )


def check_tiles(tiles: int, max_pixels: int | None) -> None:
    """The same for the tiles of a picture."""
    if max_pixels is None:
        return
    _check(tiles, max(_TILES, max_pixels // _PIXELS_A_TILE), "tiles", _PIXELS_A_TILE)


def check_tile_memory(header: Header, max_pixels: int | None) -> None:
    """The same for what the coder context keeps of a tile: in one of a single column that
    is seventeen times its pixels."""
    if header.coder == "context":
        grid = header.grid
        cells = context_plane_cells(grid.tile_width, grid.tile_height)
        most = None if max_pixels is None else max(DEFAULT_MAX_PIXELS, max_pixels)
        check_limit(cells, most, f"tiles of {grid.tile_width} x {grid.tile_height}, with margins")


def check_metadata(size: int, max_pixels: int | None) -> None:
    """The same for the bytes of all extension sections together."""
    if max_pixels is None:
        return
    most = max(_METADATA, max_pixels // _PIXELS_A_BYTE)
    _check(size, most, "bytes of metadata", _PIXELS_A_BYTE)


@contextlib.contextmanager
def memory_for(header: Header) -> Iterator[None]:
    """Around the allocation of what a whole picture needs.

    Raises:
        LimitError: there isn't so much memory. Without a limit a header may ask for
            anything.
    """
    try:
        yield
    except (MemoryError, ValueError) as exc:  # NumPy can't have so many, or not count them
        raise LimitError(
            f"a picture of {header.width} x {header.height} pixels doesn't fit into memory"
        ) from exc


def _check(value: int, most: int, what: str, factor: int) -> None:
    if value > most:
        raise LimitError(
            f"{value:,} {what} are over the limit of {most:,}; "
            f"set max_pixels (--max-pixels) to {value * factor:,} if you trust the file"
        )
