"""File to picture: header, palette, sections, tiles through the coder, colours.

Nothing is believed before it is checked: the header bounds the work, the size
of the file (where the medium tells it) must agree before anything large is
allocated, and each tile's checksum is compared before its bytes are read.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.coders import Coder, coder_of, label_coder_of
from kqcodec.coding.coders.context import workspace_of
from kqcodec.coding.coders.label_parts import TileParts, has_parts
from kqcodec.coding.frames.chains import Chains
from kqcodec.coding.frames.reader import FrameReader, checked_timing
from kqcodec.coding.frames.room import Room
from kqcodec.coding.id_images import indexed_ids
from kqcodec.coding.id_table import IdTable, read_table
from kqcodec.coding.meaning import Meaning
from kqcodec.coding.palette import read_palette
from kqcodec.coding.work import most_work, within, work_of
from kqcodec.errors import InvalidDataError, LabelsError, TruncatedError
from kqcodec.format import container, sizes
from kqcodec.format.container import Sealer
from kqcodec.format.grid import Box
from kqcodec.format.header import CHECKSUM_SIZE, HEADER_SIZE, Header
from kqcodec.format.labels import LabelDType, Labels, label_dtype, palette_of_bytes
from kqcodec.format.limits import (
    DEFAULT_LIMITS,
    DEFAULT_MAX_PIXELS,
    TILES_ALLOWANCE,
    Limits,
    memory_for,
    tokens_workspace,
)
from kqcodec.format.sequence import FrameTiming
from kqcodec.format.short_form import read_header
from kqcodec.format.sizes import predictable
from kqcodec.format.source import BufferSource, Source
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata
from kqcodec.kernels import kernels
from kqcodec.storage.opening import open_source
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from kqcodec.storage.opening import Readable


@dataclass(frozen=True)
class Opened:
    """A file up to its first tile record: all that precedes it is checked."""

    source: Source
    header: Header
    stored_palette: NDArray[np.uint8] | None
    table: IdTable | None  # of a label map, which has it in place of a palette
    sections: list[container.Section]
    sealer: Sealer
    first_record: int
    palette_size: int  # bytes of the palette, or the table, as it is stored, without its checksum
    limits: Limits
    timing: FrameTiming | None  # of a sequence; what isn't asked of its frames is of the first

    @classmethod
    def from_source(cls, source: Source, limits: Limits) -> Opened:
        """Read and check header, palette and sections; FormatError tells what is wrong."""
        header = read_header(source)
        limits.check_picture(header)
        return cls.behind_header(source, header, limits)

    @classmethod
    def of_any_size(cls, source: Source, limits: Limits = DEFAULT_LIMITS) -> Opened:
        """Read and check them where not all pixels are wanted, so that ``limits`` is on the
        rest alone."""
        return cls.behind_header(source, read_header(source), limits)

    @classmethod
    def behind_header(cls, source: Source, header: Header, limits: Limits) -> Opened:
        """Read and check palette and sections of a source that stands behind its header."""
        limits.check_tile(header)
        sealer = Sealer(header)
        palette, table = None, None
        if header.label_map:
            table = read_table(source, header, sealer, limits)
        else:
            palette = palette_of_bytes(read_palette(source, header, sealer), header.k)
        palette_size = source.position - HEADER_SIZE - CHECKSUM_SIZE
        sections = container.read_sections(source, header, sealer, check_size=limits.check_metadata)
        timing = checked_timing(sections, header, table)
        opened = cls(
            source,
            header,
            palette,
            table,
            sections,
            sealer,
            source.position,
            palette_size,
            limits,
            timing,
        )
        opened._check_size()
        return opened

    def _check_size(self) -> None:
        if self.source.size is None:
            return
        least, most = sizes.allowed_sizes(self.header, self.source, self.timing is not None)
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

    @cached_property
    def frames(self) -> FrameReader | None:
        """What reads the frames of a sequence; None of a still."""
        if self.timing is None:
            return None
        room = Room(self.limits)
        chains = Chains(self.header, self.coder, self.stored_palette, self.entries, room=room)
        return FrameReader(
            *(self.source, self.header, self.sealer, self.timing, self.limits),
            *(self.entries, chains, self.first_record),
        )

    @property
    def entries(self) -> int:
        """How many labels there may be: K, or of a label map the entries of its table."""
        return self.header.k if self.table is None else self.table.entries

    @property
    def label_dtype(self) -> LabelDType:
        """Of arrays of labels."""
        return label_dtype(self.entries)

    @property
    def id_table(self) -> IdTable:
        """The table of a label map; LabelsError if it isn't one."""
        if self.table is None:
            raise LabelsError(
                "the file is a picture with a palette, and no label map: read() gives its labels"
            )
        return self.table

    @cached_property
    def meaning(self) -> Meaning:
        """What the ids of a label map mean."""
        return Meaning.from_sections(self.sections)

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """The colour of each label: uint8, shape (K, 3), or (K, 4) with alpha. In a label map
        that of its id, one for each entry of the table."""
        if self.table is not None:
            return self.meaning.color_of(self.table.ids)
        assert self.stored_palette is not None  # noqa: S101 - one of the two is there
        return self.stored_palette

    def values(self, labels: Labels) -> NDArray[Any]:
        """Labels as users have them: those of a label map as their ids."""
        return labels if self.table is None else self.table.values_of(labels)

    @property
    def value_dtype(self) -> np.dtype[Any]:
        """Of ``values``."""
        return np.dtype(self.label_dtype) if self.table is None else self.table.dtype

    def by_tiles(self) -> Opened:
        """The same file within the limits for pictures whose tiles aren't held together."""
        return replace(self, limits=self.limits.by_tiles(self.source.size))

    def indexed(self, labels: Labels) -> IndexedImage:
        """Labels of the picture, which nobody else has, with its palette and metadata."""
        metadata = Metadata.from_sections(self.sections)
        if self.table is not None:
            return indexed_ids(labels, self.table, self.meaning, metadata)
        labels.flags.writeable = False
        return IndexedImage(self.palette, labels, metadata=metadata)

    def records(self) -> Iterator[container.Record]:
        """The tile records in file order, then the directory's check; the work to decode
        them all is limited."""
        header = self.header
        return within(self.limits, header, self.all_records(), header.pixels, header.grid.count)

    def all_records(self) -> Iterator[container.Record]:
        """The tile records in file order, then the directory's check, whatever the work; of a
        sequence those of its first frame."""
        if self.frames is not None:
            yield from self.frames.first_records()
            return
        grid = self.header.grid
        lengths = array("I")
        for index in range(grid.count):
            record = self.read_record(index)
            lengths.append(memoryview(record.payload).nbytes)
            end = self.source.position
            yield record
            del record  # whose payload makes room for the next
            self.source.go_to(end)  # who draws them may read elsewhere meanwhile
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
        header = self.header
        return sizes.payload_range(header.coder, labels, header.k, header.label_map)

    @cached_property
    def coder(self) -> Coder:
        """What decodes the tiles."""
        if self.table is not None:
            return label_coder_of(self.header.coder, self.header.k, self.table.entries)
        return coder_of(self.header.coder, self.palette)

    def decode_tile(self, record: container.Record) -> tuple[Box, Labels]:
        """A tile's place and labels, shape (h, w), checked."""
        box = self.header.grid.box(record.tile)
        labels = self.empty_labels(box.width, box.height)
        self.decode_into(record, labels)
        return box, labels

    def decode_into(self, record: container.Record, out: Labels) -> None:
        """A tile's labels, checked; ``out`` has their shape and is C-contiguous."""
        self.sealer.check_tile(record)
        if self.frames is None or self.header.k == 1:
            self.coder.decode(record.payload, out)
        else:
            self.frames.chains.begin(record.tile).decode(record.payload, out)

    def empty_labels(self, width: int, height: int) -> Labels:
        """An array for labels of a part of the picture, or LimitError."""
        with memory_for(self.header):
            return np.empty((height, width), dtype=self.label_dtype)

    def workspace(self, record: container.Record) -> int:
        """Bytes that decoding a tile takes besides its payload and labels."""
        payload = memoryview(record.payload).cast("B")
        box = self.header.grid.box(record.tile)
        itemsize = self.label_dtype(0).itemsize
        besides = 0
        if predictable(self.header.coder):
            return besides
        if self.header.label_map and has_parts(payload):
            try:
                parts = TileParts.from_bytes(payload, self.header.k)
            except InvalidDataError:
                return 0  # it means nothing, and is refused
            besides, payload = parts.workspace(box.pixels), parts.rest
        if self.header.coder == "tokens":
            return besides + tokens_workspace(payload.nbytes, box.pixels, itemsize)
        if not payload.nbytes:
            return besides
        return besides + workspace_of(payload, (box.height, box.width), itemsize)


def read(
    source: Readable,
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> IndexedImage:
    """The palette and labels in a .kq file, or its first frame, exactly as they were encoded.

    Args:
        source: a path, a URL (with the extra ``remote``), the file's bytes, or a
            binary file object, which may be a pipe.
        threads: how many threads decode tiles; None for as many as there are
            processors. The result doesn't depend on it.
        max_pixels: refuse larger pictures, and those that take more work than pictures
            of that size do, see ``kqcodec.format.limits``; None for no limit.

    Raises:
        FormatError: the file is damaged, foreign or over the limit.
        OSError: the file can't be read.
        TypeError: ``source`` is none of these.
    """
    with open_source(source) as opened_source:
        return indexed_of(Opened.from_source(opened_source, Limits.of(max_pixels)), threads)


def indexed_of(opened: Opened, threads: int | None) -> IndexedImage:
    """All of the picture, of a source that stands at the first tile."""
    header = opened.header
    labels = opened.empty_labels(header.width, header.height)

    def place(record: container.Record) -> None:
        inside = labels[header.grid.box(record.tile).slices]
        if inside.flags.c_contiguous:
            opened.decode_into(record, inside)
        else:
            inside[...] = opened.decode_tile(record)[1]

    decode_records(opened, opened.records(), place, threads, labels.nbytes)
    return opened.indexed(labels)


def pixels_of(opened: Opened, threads: int | None) -> NDArray[np.uint8]:
    """The pixels of all of the picture: uint8, shape (H, W, 3), or (H, W, 4) with alpha."""
    shape = (opened.header.height, opened.header.width, opened.palette.shape[1])
    with memory_for(opened.header):
        pixels = np.empty(shape, dtype=np.uint8)

    def place(record: container.Record) -> None:
        box, labels = opened.decode_tile(record)
        if labels.dtype == np.uint32:
            pixels[box.slices] = opened.palette[labels]
        else:
            kernels.paint(labels, opened.palette, pixels, box.upper, box.left)

    decode_records(opened, opened.records(), place, threads, pixels.nbytes)
    return pixels


def tiles_of(opened: Opened) -> Iterator[tuple[Box, NDArray[Any]]]:
    """Each tile's box and labels, shape (h, w), in file order; of a label map their ids. Of the
    limits those on the work of each tile count."""
    for record in opened.all_records():
        most = most_work(opened.header, opened.header.grid.box(record.tile).pixels, 1)
        opened.limits.check_work(work_of(opened.header, record), most)
        box, labels = opened.decode_tile(record)
        yield box, opened.values(labels)


def decode_tiles(
    opened: Opened,
    records: Iterable[container.Record],
    place: Callable[[Box, Labels], None],
    threads: int | None,
) -> None:
    """Decode the records on several threads, and have each tile's labels placed."""
    count = min(thread_count(threads), opened.header.grid.count)
    for _ in ordered_map(lambda record: place(*opened.decode_tile(record)), records, count):
        pass


def decode_records(
    opened: Opened,
    records: Iterable[container.Record],
    place: Callable[[container.Record], None],
    threads: int | None,
    output: int,
) -> None:
    """Decode the records on several threads, each tile into its place; all tiles in flight
    take no more than the result's ``output`` bytes and ``TILES_ALLOWANCE``."""
    grid, itemsize = opened.header.grid, opened.label_dtype(0).itemsize
    allowed = output + TILES_ALLOWANCE
    count = min(thread_count(threads), grid.count)
    if not isinstance(opened.source, BufferSource):
        # Payloads wait for their turn, too.
        most = opened.payload_range(0)[1]
        while count > 1 and 2 * min(2 * count, grid.count) * most > allowed:
            count -= 1
        allowed -= min(2 * count, grid.count) * most if count > 1 else 0
    if count == 1:
        for _ in map(place, records):
            pass
        return
    largest = 0

    def largest_so_far(record: container.Record) -> int:
        nonlocal largest
        size = opened.workspace(record) + itemsize * grid.box(record.tile).pixels
        largest = max(largest, size)
        return largest

    for size, some in groupby(records, largest_so_far):
        for _ in ordered_map(place, some, max(1, min(count, allowed // size))):
            pass
