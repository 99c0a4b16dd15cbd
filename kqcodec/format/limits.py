"""What a file may ask for before anything is allocated, and the one way to raise it.

``max_pixels`` of the functions that read, ``--max-pixels`` of the commands, says how large
a file is trusted: so many pixels, with tiles, metadata and work in proportion. To lower it
lowers the pixels alone, and None lifts all. The colours have the format's own limit:
65,536, a palette of 256 KiB.

    limit                   by default    with max_pixels = N, if that is more
    pixels                  2**27         N
    tiles                   2**20         N / 128
    bytes of metadata       2**24         N / 8
    entries of ids          2**24         N / 8     (and tiles that an index lists, and frames)
    bytes of chains         2**31         16 N      (models of tiles, from frame to frame)
    bytes of an input       2**30         8 N
    pixels of all frames    2**34         128 N     (of an input, one after the other)
    work                    600 * 2**27   600 * N     (for thumbnails a quarter)

An input is a picture, label map or archive of another format, which is read whole; a .kq
file is read as its header says. There, where Pillow decodes, N is Pillow's own
``Image.MAX_IMAGE_PIXELS``.

Pixels and work are those of the tiles that are decoded, however little of them is asked
for. Work is foretold from the size of a tile and the way it is coded, see
``kqcodec.coding.work``: 600 a pixel is what a picture of 1,024 colours by the effort default is
foretold, and 25 megapixels of 256 colours by best. By the coder context a tile takes memory
for sixteen columns more than it has, and three rows; with these, too, it may have so many
pixels and no more.

No NumPy is imported.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kqcodec.errors import LimitError
from kqcodec.format.integers import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.errors import Advice
    from kqcodec.format.header import Header

# 2**27 pixels are 384 MiB of RGB. A file of one colour reaches that in 40 bytes.
DEFAULT_MAX_PIXELS = 2**27
_TILES = 2**20
_METADATA = 2**24
_INPUT = 2**30
_PIXELS_A_TILE = DEFAULT_MAX_PIXELS // _TILES
_PIXELS_A_BYTE = DEFAULT_MAX_PIXELS // _METADATA
_CHAIN_BYTES_A_PIXEL = 16
_INPUT_BYTES_A_PIXEL = _INPUT // DEFAULT_MAX_PIXELS
PIXELS_OF_FRAMES = 128  # of the frames of an input together, for each that one may have
# A picture of 24 megapixels, 256 colours, by best has 77 * 10**9 and must open; at the most
# it takes a minute of a processor. 2**27 pixels like that took five.
_WORK_A_PIXEL = 600
_THUMBNAILS = 4
# Where a picture is dealt with tile by tile, memory doesn't grow with it, and time may
# grow with the file: so many pixels for each of its bytes.
_BY_TILES = 4096
# Bytes that the tiles in flight may take beyond those of the result, so that decoding takes no
# more than twice the result and this. Where they would take more, there are fewer threads: to
# have some of them wait isn't enough, since what a thread has freed stays with it for its next
# tile, as malloc does it. One tile at a time always goes on, whatever it takes.
TILES_ALLOWANCE = 16 << 20
# Of the coder context (spec/kq.md, section 16): by model, how many tables of contexts, of
# so many bits at most; the plane's margins; and the other tables together.
_TABLES = {1: 7, 2: 21}
_TABLE_BITS = 17
_MARGIN_COLUMNS, _MARGIN_ROWS = 16, 3
_OTHER_TABLES = 3_000_000  # rule 9.3
_CHAIN_TABLES, _ROWS_BELOW = 16, 2  # of sequences
_EARLIER_FRAMES, _EARLIER_LABELS = 16, 1 << 24
_TOKENS_TABLES = 200_000  # of the coder tokens


@dataclass(frozen=True)
class Limits:
    """What one reading of a file may ask for; None for no limit.

    Attributes:
        pixels: of the picture, or of the tiles that are decoded.
        tiles: of the picture, where all are read.
        metadata: bytes of all extension sections together, and entries of a table of ids, or
            frames of a sequence.
        tile: pixels of a tile by the coder context, with its margins.
        work: to decode the tiles, see ``kqcodec.coding.work``.
        steps: of work, for each of ``max_pixels``.
        chains: bytes that what decodes frames keeps from one to the next.
    """

    pixels: int | None
    tiles: int | None
    metadata: int | None
    tile: int | None
    work: int | None
    steps: int = _WORK_A_PIXEL
    chains: int | None = None

    @classmethod
    def of(cls, max_pixels: int | None) -> Limits:
        """The limits that the argument ``max_pixels`` means; TypeError or ValueError if it isn't
        None or a whole number of at least 1."""
        if max_pixels is None:
            return cls(None, None, None, None, None)
        pixels = whole_number(max_pixels, "max_pixels", 1)
        raised = max(pixels, DEFAULT_MAX_PIXELS)
        return cls(
            pixels=pixels,
            tiles=raised // _PIXELS_A_TILE,
            metadata=raised // _PIXELS_A_BYTE,
            tile=raised,
            work=raised * _WORK_A_PIXEL,
            chains=raised * _CHAIN_BYTES_A_PIXEL,
        )

    def for_thumbnails(self) -> Limits:
        """These limits with a quarter of the work, for pictures that nobody asked to see: up to
        20 s of a processor, 33 megapixels of 256 colours by the effort default."""
        if self.work is None:
            return self
        return replace(self, work=self.work // _THUMBNAILS, steps=self.steps // _THUMBNAILS)

    def by_tiles(self, size: int | None) -> Limits:
        """The limits where tiles are dealt with one by one, of a file of that many bytes,
        if they are known: those of as many pixels as these allow, where nobody has asked
        for others. What a tile may take stays the same."""
        if size is None or self != DEFAULT_LIMITS:
            return self
        more = Limits.of(max(DEFAULT_MAX_PIXELS, _BY_TILES * size))
        return replace(self, pixels=more.pixels, tiles=more.tiles, work=more.work)

    def check_picture(self, header: Header) -> None:
        """Raise LimitError if a picture has too many pixels or tiles to be read whole."""
        check_limit(header.pixels, self.pixels, f"{header.width} x {header.height}", "part")
        self.check_tiles(header)

    def check_tiles(self, header: Header) -> None:
        """Raise LimitError if a picture has too many tiles."""
        _check(header.grid.count, self.tiles, "tiles", _PIXELS_A_TILE)

    def check_tile(self, header: Header) -> None:
        """Raise LimitError if the coder context would keep too much of a tile: of one of a
        single column it keeps seventeen times its pixels."""
        if header.coder == "context":
            grid = header.grid
            cells = context_plane_cells(grid.tile_width, grid.tile_height)
            size = f"{grid.tile_width} x {grid.tile_height}"
            check_limit(cells, self.tile, f"tiles of {size}, with margins {cells:,}")

    def check_metadata(self, size: int) -> None:
        """Raise LimitError if all extension sections together have too many bytes."""
        _check(size, self.metadata, "bytes of metadata", _PIXELS_A_BYTE)

    def check_ids(self, entries: int) -> None:
        """Raise LimitError if a label map's table of ids has too many entries."""
        _check(entries, self.metadata, "entries of the table of ids", _PIXELS_A_BYTE)

    def check_frames(self, frames: int) -> None:
        """Raise LimitError if a sequence has too many frames."""
        _check(frames, self.metadata, "frames", _PIXELS_A_BYTE)

    def check_chains(self, size: int) -> None:
        """Raise LimitError if what decodes the tiles of frames takes too much memory together."""
        if self.chains is not None and size > self.chains:
            raise LimitError(
                f"decoding frames takes more than the limit of {self.chains:,} bytes of memory; "
                f"set max_pixels (--max-pixels) to {2 * size // _CHAIN_BYTES_A_PIXEL:,} or more "
                "if you trust the file"
            )

    def check_index(self, tiles: int) -> None:
        """Raise LimitError if an index of labels lists too many tiles."""
        _check(tiles, self.metadata, "tiles in the index of labels", _PIXELS_A_BYTE)

    def check_work(self, work: int, most: int) -> None:
        """Raise LimitError if it takes too much work to decode some tiles; ``most`` is what
        all tiles may take."""
        if self.work is not None and work > self.work:
            raise LimitError(
                f"decoding takes more than the limit of {self.work:,} steps; "
                f"set max_pixels (--max-pixels) to {-(-most // self.steps):,} "
                "if you trust the file",
                "part",
            )


def check_limit(
    pixels: int, max_pixels: int | None, what: str, advice: Advice | None = None
) -> None:
    """Raise LimitError if that many pixels are over the limit; None for no limit."""
    if max_pixels is not None and pixels > max_pixels:
        raise LimitError(
            f"{what} pixels are over the limit of {max_pixels:,}; "
            "raise max_pixels (--max-pixels) if you trust the file",
            advice,
        )


def max_input_bytes(max_pixels: int | None) -> int | None:
    """The bytes that an input may have; None for no limit."""
    return None if max_pixels is None else max(_INPUT, _INPUT_BYTES_A_PIXEL * max_pixels)


def max_pixels_of_frames(max_pixels: int | None) -> int | None:
    """The pixels that the frames of an input may have together, which are decoded one after the
    other; None for no limit. By default they are ten minutes of 1280 x 720, 30 a second."""
    if max_pixels is None:
        return None
    return PIXELS_OF_FRAMES * max(DEFAULT_MAX_PIXELS, max_pixels)


def input_too_large(most: int) -> LimitError:
    """The error that an input has more than ``most`` bytes."""
    return LimitError(
        f"the file has more than {most:,} bytes; raise the limit of pixels (--max-pixels, "
        f"PIL.Image.MAX_IMAGE_PIXELS), each of which allows {_INPUT_BYTES_A_PIXEL}, if you "
        "trust it"
    )


@contextlib.contextmanager
def memory_for(header: Header) -> Iterator[None]:
    """A context manager around the allocation of what a whole picture needs; LimitError if
    there isn't so much memory. Without a limit a header may ask for anything."""
    try:
        yield
    except (MemoryError, ValueError) as exc:  # NumPy can't have so many, or not count them
        raise LimitError(
            f"a picture of {header.width} x {header.height} pixels doesn't fit into memory",
            "part",
        ) from exc


def _check(value: int, most: int | None, what: str, factor: int) -> None:
    if most is not None and value > most:
        raise LimitError(
            f"{value:,} {what} are over the limit of {most:,}; "
            f"set max_pixels (--max-pixels) to {value * factor:,} if you trust the file"
        )


def context_plane_cells(width: int, height: int) -> int:
    """The cells of the plane of a tile (rule 16.6), each of two bytes."""
    return (width + _MARGIN_COLUMNS) * (height + _MARGIN_ROWS)


def context_workspace(settings: int, width: int, height: int) -> int:
    """Bytes that the coder context takes for a tile with those settings."""
    if settings >> 6 not in _TABLES:
        return 0  # by the coder dense
    bits = min((width * height - 1).bit_length() + 2, _TABLE_BITS)
    slots = _TABLES[settings >> 6] * 4 << max(bits, 8)  # of four bytes
    return 2 * context_plane_cells(width, height) + slots + 4 * width + _OTHER_TABLES


def chain_workspace(settings: int, width: int, height: int) -> int:
    """Bytes that a chain by the coder context takes for a tile, at most: tables, planes and
    earlier frames (spec/kq.md, section 19)."""
    labels = width * height
    bits = min((labels - 1).bit_length() + 4, 14 + 2 * (settings >> 6))
    earlier = min(_EARLIER_FRAMES, _EARLIER_LABELS // labels)
    cells = context_plane_cells(width, height + _ROWS_BELOW)
    return (_CHAIN_TABLES * 4 << bits) + (9 + 2 * earlier) * cells + _OTHER_TABLES


def tokens_workspace(payload: int, pixels: int, itemsize: int) -> int:
    """Bytes that the coder tokens takes for a tile: a copy of its payload and of its labels with
    three times their margins, a displacement for eight of them, and tables."""
    return payload + pixels * itemsize + pixels // 2 + _TOKENS_TABLES


DEFAULT_LIMITS = Limits.of(DEFAULT_MAX_PIXELS)
