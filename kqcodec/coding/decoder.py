"""File to picture: header, palette, sections, tiles through the coder, colours.

Nothing is believed before it is checked: the header bounds the work, the size
of the file (where the medium tells it) must agree before anything large is
allocated, and each tile's checksum is compared before its bytes are read.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders import Coder, coder_of
from kqcodec.coding.coders.context import workspace_of
from kqcodec.coding.palette import read_palette
from kqcodec.coding.work import most_work, within, work_of
from kqcodec.errors import InvalidDataError, TruncatedError
from kqcodec.format import container, sizes
from kqcodec.format.container import Sealer
from kqcodec.format.grid import Box
from kqcodec.format.header import CHECKSUM_SIZE, HEADER_SIZE, Header
from kqcodec.format.integers import shown, whole_number
from kqcodec.format.labels import Labels, label_dtype, palette_of_bytes
from kqcodec.format.limits import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_PIXELS,
    TILES_ALLOWANCE,
    Limits,
    check_limit,
    memory_for,
)
from kqcodec.format.source import BufferSource, Source
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata
from kqcodec.storage.opening import open_source
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.storage.opening import Readable


@dataclass(frozen=True)
class Opened:
    """A file up to its first tile record: all that precedes it is checked."""

    source: Source
    header: Header
    palette: NDArray[np.uint8]
    sections: list[container.Section]
    sealer: Sealer
    first_record: int
    palette_size: int  # bytes of the palette as it is stored, without its checksum
    limits: Limits

    @classmethod
    def from_source(cls, source: Source, limits: Limits) -> Opened:
        """Read and check header, palette and sections.

        Raises:
            FormatError: of the kind that fits.
        """
        header = container.read_header(source)
        limits.check_picture(header)
        return cls._behind_header(source, header, limits)

    @classmethod
    def of_any_size(cls, source: Source, limits: Limits = DEFAULT_LIMITS) -> Opened:
        """The same for who doesn't want all pixels: the limit is on the rest alone.

        Raises:
            FormatError: of the kind that fits.
        """
        return cls._behind_header(source, container.read_header(source), limits)

    @classmethod
    def _behind_header(cls, source: Source, header: Header, limits: Limits) -> Opened:
        limits.check_tile(header)
        sealer = Sealer(header)
        palette = read_palette(source, header, sealer)
        palette_size = source.position - HEADER_SIZE - CHECKSUM_SIZE
        sections = container.read_sections(source, header, sealer, check_size=limits.check_metadata)
        opened = cls(
            source,
            header,
            palette_of_bytes(palette, header.k),
            sections,
            sealer,
            source.position,
            palette_size,
            limits,
        )
        opened._check_size()
        return opened

    def _check_size(self) -> None:
        if self.source.size is None:
            return
        least, most = sizes.allowed_sizes(self.header, self.source)
        if self.source.size < least:
            at_least = "" if least == most else "at least "
            raise TruncatedError(
                f"the file ends early: it has {self.source.size:,} of its {at_least}{least:,} bytes"
            )
        if self.source.size > most:
            extra = self.source.size - most
            raise InvalidDataError(
                f"{extra:,} byte{'s' * (extra > 1)} too many: the file goes on behind its end "
                "(rule 6.9)"
            )

    def records(self) -> Iterator[container.Record]:
        """The tile records in file order, then the directory's check; the work to decode
        them all is limited."""
        header = self.header
        yield from within(self.limits, header, self.all_records(), header.pixels, header.grid.count)

    def all_records(self) -> Iterator[container.Record]:
        """The same, whatever the work."""
        grid = self.header.grid
        lengths = array("I")
        for index in range(grid.count):
            record = self.read_record(index)
            lengths.append(memoryview(record.payload).nbytes)
            yield record
            del record  # whose payload makes room for the next
        if grid.count > 1:
            directory = container.read_directory(self.source, self.header, self.sealer)
            if directory != lengths:
                raise container.wrong_directory()
        if memoryview(self.source.read_up_to(1)).nbytes:
            raise InvalidDataError("bytes follow the end of the file (rule 6.9)")

    def read_record(self, index: int) -> container.Record:
        """The record that the source stands at, which is that tile's."""
        return container.read_record(self.source, index, *self.payload_range(index))

    def payload_range(self, index: int) -> tuple[int, int]:
        """The least and the most bytes of that tile's payload."""
        labels = self.header.grid.box(index).pixels
        return sizes.payload_range(self.header.coder, labels, self.header.k)

    @cached_property
    def coder(self) -> Coder:
        """What decodes the tiles."""
        return coder_of(self.header.coder, self.palette)

    def decode_tile(self, record: container.Record) -> tuple[Box, Labels]:
        """A tile's place and labels, shape (h, w), checked."""
        box = self.header.grid.box(record.tile)
        labels = _empty_labels(self.header, box.width, box.height)
        self.decode_into(record, labels)
        return box, labels

    def decode_into(self, record: container.Record, out: Labels) -> None:
        """A tile's labels, checked; ``out`` has their shape and is C-contiguous."""
        self.sealer.check_tile(record)
        self.coder.decode(record.payload, out)

    def workspace(self, record: container.Record) -> int:
        """Bytes that decoding a tile takes besides its payload and labels."""
        payload = memoryview(record.payload).cast("B")
        if self.header.coder != "context" or not payload.nbytes:
            return 0
        box = self.header.grid.box(record.tile)
        return workspace_of(
            payload, (box.height, box.width), label_dtype(self.header.k)(0).itemsize
        )


def decode_indexed(
    data: Buffer, *, threads: int | None = None, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> IndexedImage:
    """The palette and labels in the bytes of a .kq file, exactly as encoded.

    Arguments and errors are those of ``decode``.
    """
    return read(_buffer(data), threads=threads, max_pixels=max_pixels)


def read(
    source: Readable,
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> IndexedImage:
    """The palette and labels in a .kq file.

    Args:
        source: a path, a URL (with the extra ``remote``), the file's bytes, or a
            binary file object, which may be a pipe.
        threads, max_pixels: as for ``decode``.

    Raises:
        FormatError: the file is damaged, foreign or over the limit.
        OSError: the file can't be read.
        TypeError: ``source`` is none of these.
    """
    return read_within(source, Limits.of(max_pixels), threads=threads)


def read_within(source: Readable, limits: Limits, *, threads: int | None = None) -> IndexedImage:
    """The same within limits of any kind."""
    with open_source(source) as opened_source:
        opened = Opened.from_source(opened_source, limits)
        labels = _empty_labels(opened.header, opened.header.width, opened.header.height)

        def place(record: container.Record) -> None:
            inside = labels[opened.header.grid.box(record.tile).slices]
            if inside.flags.c_contiguous:
                opened.decode_into(record, inside)
            else:
                inside[...] = opened.decode_tile(record)[1]

        _decode_records(opened, opened.records(), place, threads, labels.nbytes)
    return _indexed(opened, labels)


def read_header(source: Readable) -> Header:
    """The header of a .kq file, checked; nothing behind it is read.

    Raises:
        FormatError: the header is damaged, foreign or unsupported.
        OSError, TypeError: as for ``read``.
    """
    with open_source(source) as opened_source:
        return container.read_header(opened_source)


def read_tiles(
    source: Readable, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Iterator[tuple[Box, Labels]]:
    """Each tile's box and labels, uint8 or uint16 of shape (h, w), in file order.

    For pictures larger than memory, and for pipes: one tile is held at a time,
    and a tile has at most 2**26 labels. The palette is ``read_region``'s or
    ``read``'s; damage raises when it is reached. ``max_pixels`` limits the metadata and the
    work of each tile, see ``kqcodec.format.limits``, but not the picture.

    Raises:
        FormatError, OSError, TypeError: as for ``read``.
    """
    limits = Limits.of(max_pixels)
    with open_source(source) as opened_source:
        opened = Opened.of_any_size(opened_source, limits)
        for record in opened.all_records():
            most = most_work(opened.header, opened.header.grid.box(record.tile).pixels, 1)
            limits.check_work(work_of(opened.header, record), most)
            yield opened.decode_tile(record)


def read_region(
    source: Readable,
    box: Sequence[int],
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> IndexedImage:
    """A rectangle of a picture, reading only the header, the palette, the
    directory and the tiles that it touches.

    Args:
        source: a path, the file's bytes, a seekable binary file object, or a URL that
            fsspec knows (the extra ``remote``): http, s3, zip, ... Of that it takes at
            most three requests, and one more for each run of adjacent tiles.
        box: (left, upper, right, lower) in pixels, as Pillow's ``crop``; the
            right column and lower row are not part of it.
        threads: as for ``decode``.
        max_pixels: a limit on the pixels of the tiles touched and on their work, see
            ``kqcodec.format.limits``; None for none.

    Raises:
        FormatError: a part that was read is damaged, foreign or over the limit.
        OSError: the file can't be read or can't seek, or changed meanwhile.
        TypeError, ValueError: ``box`` is malformed, empty or not in the picture.
    """
    limits = Limits.of(max_pixels)
    with open_source(source) as opened_source:
        if opened_source.size is None:
            raise OSError(opened_source.no_regions)
        opened_source.expect_front()
        opened = Opened.of_any_size(opened_source, limits)
        region = checked_box(box, opened.header)
        records = records_of(opened, region)
        labels = _empty_labels(opened.header, region.width, region.height)

        def place(record: container.Record) -> None:
            tile_box, tile = opened.decode_tile(record)
            common = tile_box.intersection(region)
            inside = tile[common.moved(-tile_box.left, -tile_box.upper).slices]
            labels[common.moved(-region.left, -region.upper).slices] = inside

        _decode_records(opened, records, place, threads, labels.nbytes)
    return _indexed(opened, labels)


def records_of(opened: Opened, region: Box) -> Iterator[container.Record]:
    """The records of the tiles that share pixels with a region, of a file that can seek.

    Raises:
        LimitError: the tiles have too many pixels, or later: take too much work.
    """
    grid, limits = opened.header.grid, opened.limits
    pixels = grid.covered(region).pixels
    check_limit(pixels, limits.pixels, f"the tiles of that region with their {pixels:,}")
    touched = list(grid.touched(region))
    return within(limits, opened.header, _some_records(opened, touched), pixels, len(touched))


def _some_records(opened: Opened, touched: list[int]) -> Iterator[container.Record]:
    if opened.header.grid.count == 1:
        yield from opened.all_records()
        return
    starts = starts_of_records(opened)
    opened.source.expect([(starts[first], starts[last + 1]) for first, last in runs_of(touched)])
    for index in touched:
        opened.source.seek(starts[index])
        record = opened.read_record(index)
        if opened.source.position != starts[index + 1]:
            raise container.wrong_directory()
        yield record


def runs_of(tiles: Iterable[int]) -> list[tuple[int, int]]:
    """The first and the last of each run of consecutive numbers; they ascend."""
    runs: list[tuple[int, int]] = []
    for tile in tiles:
        if runs and tile == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], tile)
        else:
            runs.append((tile, tile))
    return runs


def starts_of_records(opened: Opened) -> array[int]:
    """Where each tile's record begins, by the directory, and where the last one ends."""
    assert opened.source.size is not None  # noqa: S101 - regions are of files that can seek
    end = opened.source.size - opened.header.directory_size
    opened.source.seek(end)
    directory = container.read_directory(opened.source, opened.header, opened.sealer)
    lengths = np.frombuffer(directory, dtype=np.uint32).astype(np.int64)
    grid = opened.header.grid
    for kind in grid.by_size():
        least, most = opened.payload_range(kind.first)
        some = lengths.reshape(grid.rows, grid.columns)[kind.slices]
        if some.min() < least or some.max() > most:
            raise container.wrong_directory()
    # A record has one byte of length for each seven bits, its payload, and its checksum.
    for bits in (7, 14, 21):
        lengths += np.frombuffer(directory, dtype=np.uint32) >= 1 << bits
    lengths += 1 + CHECKSUM_SIZE
    lengths[0] += opened.first_record
    starts = array("q", [opened.first_record])
    starts.frombytes(np.cumsum(lengths, out=lengths).tobytes())
    if starts[-1] != end:
        raise container.wrong_directory()
    return starts


def decode_tiles(
    opened: Opened,
    records: Iterable[container.Record],
    place: Callable[[Box, Labels], None],
    threads: int | None,
) -> None:
    """Decode the records on several threads, and have each tile's labels placed."""

    def decode_and_place(record: container.Record) -> None:
        place(*opened.decode_tile(record))

    count = min(thread_count(threads), opened.header.grid.count)
    for _ in ordered_map(decode_and_place, records, count):
        pass


def _decode_records(
    opened: Opened,
    records: Iterable[container.Record],
    place: Callable[[container.Record], None],
    threads: int | None,
    output: int,
) -> None:
    """Decode the records on several threads, each tile into its place; all tiles in flight
    take no more than the result's ``output`` bytes and ``TILES_ALLOWANCE``."""
    grid, itemsize = opened.header.grid, label_dtype(opened.header.k)(0).itemsize
    allowed = output + TILES_ALLOWANCE
    count = min(thread_count(threads), grid.count)
    if not isinstance(opened.source, BufferSource):
        # Payloads wait for their turn, too.
        most = opened.payload_range(0)[1]
        while count > 1 and 2 * min(2 * count, grid.count) * most > allowed:
            count -= 1
        allowed -= min(2 * count, grid.count) * most if count > 1 else 0
    largest = 0

    def largest_so_far(record: container.Record) -> int:
        nonlocal largest
        size = opened.workspace(record) + itemsize * grid.box(record.tile).pixels
        largest = max(largest, size)
        return largest

    for size, some in groupby(records, largest_so_far):
        for _ in ordered_map(place, some, max(1, min(count, allowed // size))):
            pass


def _empty_labels(header: Header, width: int, height: int) -> Labels:
    with memory_for(header):
        return np.empty((height, width), dtype=label_dtype(header.k))


def _indexed(opened: Opened, labels: Labels) -> IndexedImage:
    labels.flags.writeable = False  # nobody else has it: no copy is needed
    metadata = Metadata.from_sections(opened.sections)
    return IndexedImage(opened.palette, labels, metadata=metadata)


def _buffer(data: Buffer) -> Buffer:
    try:
        return memoryview(data)
    except TypeError as exc:
        raise TypeError(
            f"expected the bytes of a .kq file, not {type(data).__name__}; "
            "read() takes paths and files"
        ) from exc


def checked_box(box: Sequence[int], header: Header) -> Box:
    """A box that lies in the picture, or TypeError or ValueError as ``read_region``."""
    try:
        sides = [whole_number(side, "box") for side in box]
    except TypeError:
        sides = []
    if len(sides) != 4:
        raise TypeError(f"box must be four whole numbers, not {shown(box)}")
    region = Box(*sides)
    inside = 0 <= region.left < region.right <= header.width
    if not (inside and 0 <= region.upper < region.lower <= header.height):
        raise ValueError(
            f"box {shown(tuple(region))} is empty or not within the picture "
            f"of {header.width} x {header.height} pixels"
        )
    return region
