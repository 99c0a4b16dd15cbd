"""The size report: a file's parts in bits, beside the formula.

``size_report`` decodes everything and recomputes from the header what the file
must weigh, where its coder's sizes follow from that; the numbers are a proof, not an
estimate.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from kqcodec.coding.frames.reader import Canvas
from kqcodec.format import container, sizes
from kqcodec.format.header import CHECKSUM_SIZE, HEADER_SIZE
from kqcodec.format.short_form import start
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.frames.reader import FrameReader
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import CoderName

    # Which labels, and how often each occurs.
    Counts: TypeAlias = "tuple[slice | NDArray[Any], NDArray[np.int64]]"


class SizeRow(NamedTuple):
    """A line of the table: bits, and their ratio to raw and to theory."""

    name: str
    bits: float
    to_raw: float
    to_theory: float


@dataclass(frozen=True)
class SizeReport:
    """What a file weighs and what it should, in bits unless said otherwise.

    Attributes:
        width, height, k, coder, alpha, tiles: from the header; k of a label map is how many
            entries its table of ids has.
        frames: how many there are; 1 of a still. N is the pixels of all of them.
        dtype: of the array of a label map, "uint16" say; None for a picture. A label map has
            no palette, but that table, and so these are counted otherwise: the palette's bytes
            are the table's, raw bits are those of the array, and instead of the colours' 24·K
            bits the others count those of the table.
        file_bytes: the whole file.
        predicted_bytes: what it must be, computed from the header alone (with
            the extension sections and a table of ids, whose lengths it doesn't tell,
            added); None for a coder whose sizes depend on the picture. Of a sequence it is
            each frame's bytes, by the header, times F, and what the header doesn't tell: how
            many frames there are, and how long they last.
        header_bytes: the 20 bytes of the header; in the short form what precedes the palette.
        palette_bytes: the 3·K bytes of the palette, 4·K with alpha, fewer if coded.
        labels_bytes: the payloads of all tiles.
        directory_bytes: directory, lengths of the tiles, and every checksum but
            the header's; in the short form the length of the tile and the checksum; of a
            sequence the heads of the frames, too.
        sections_bytes: the extension sections.
        raw_bits: 24·N, with alpha 32·N.
        theory_bits: 24·K + N·log2(K), with alpha 8·K more, as the next two.
        fixed_width_bits: 24·K + N·ceil(log2 K).
        entropy_bits: 24·K + N·H, H being the order-0 entropy of the labels: what
            an ideal coder that knows only how often each label occurs would need.
        colors_used: palette entries, or ids, that occur in the picture.
    """

    width: int
    height: int
    k: int
    coder: CoderName
    tiles: int
    file_bytes: int
    predicted_bytes: int | None
    header_bytes: int
    palette_bytes: int
    labels_bytes: int
    directory_bytes: int
    sections_bytes: int
    raw_bits: int
    theory_bits: float
    fixed_width_bits: int
    entropy_bits: float
    colors_used: int
    alpha: bool = False
    dtype: str | None = None
    frames: int = 1

    @property
    def pixels(self) -> int:
        """N, width times height times frames."""
        return self.width * self.height * self.frames

    @property
    def proven(self) -> bool:
        """Whether the parts add up to the file's size, and that is as predicted, where
        its coder's sizes can be. (Every checksum and label is right, or there were no
        report.)"""
        parts = self.header_bytes + self.palette_bytes + self.labels_bytes
        parts += self.directory_bytes + self.sections_bytes
        return self.file_bytes == parts and self.predicted_bytes in (None, parts)

    def rows(self) -> list[SizeRow]:
        """The table: theory first, then the file and its parts."""
        sample = self.raw_bits // self.pixels
        front, name = (f"{sample}·K", "palette") if self.dtype is None else ("ids", "ids")
        bits: list[tuple[str, float]] = [
            (f"raw {sample}·N", self.raw_bits),
            (f"theory {front} + N·log2 K", self.theory_bits),
            (f"fixed width {front} + N·ceil(log2 K)", self.fixed_width_bits),
            (f"order-0 entropy {front} + N·H", self.entropy_bits),
            ("file", 8 * self.file_bytes),
            ("  header", 8 * self.header_bytes),
            (f"  {name}", 8 * self.palette_bytes),
            ("  directory and checksums", 8 * self.directory_bytes),
            ("  labels", 8 * self.labels_bytes),
        ]
        if self.sections_bytes:
            bits.append(("  extension sections", 8 * self.sections_bytes))
        return [SizeRow(n, b, b / self.raw_bits, b / self.theory_bits) for n, b in bits]

    def to_dict(self) -> dict[str, object]:
        """Every figure by name, ready for JSON."""
        names = self.__dataclass_fields__
        return {name: getattr(self, name) for name in names} | {"proven": self.proven}


def size_report(opened: Opened, threads: int | None) -> SizeReport:
    """Check every checksum, decode everything and account for every byte, of a source that
    stands at the first tile; FormatError tells what is wrong."""
    header = opened.header
    short = opened.source.short_size
    if opened.frames is None:
        read = _tiles_read(opened.by_tiles(), threads)
    else:
        read = _frames_read(opened.frames, threads)
    framing = read.framing if short else CHECKSUM_SIZE + read.framing
    sections = opened.first_record - HEADER_SIZE - opened.palette_size - CHECKSUM_SIZE
    pixels = header.pixels * read.frames
    return SizeReport(
        width=header.width,
        height=header.height,
        k=opened.entries,
        coder=header.coder,
        tiles=header.grid.count,
        file_bytes=short or opened.source.position,
        predicted_bytes=None if read.predicted is None else opened.first_record + read.predicted,
        header_bytes=len(start(header)) if short else HEADER_SIZE,
        palette_bytes=opened.palette_size,
        labels_bytes=read.labels,
        directory_bytes=framing,
        sections_bytes=sections,
        raw_bits=raw_bits_of(opened, read.frames),
        theory_bits=theory_bits_of(opened, read.frames),
        fixed_width_bits=_front_bits(opened) + pixels * sizes.label_bits(opened.entries),
        entropy_bits=_front_bits(opened) + _entropy(read.frequencies),
        colors_used=_used(opened, read.frequencies),
        alpha=header.alpha,
        dtype=None if opened.table is None else opened.table.dtype.name,
        frames=read.frames,
    )


class _Read(NamedTuple):
    """What is behind the palette and the sections, decoded."""

    frames: int
    labels: int  # bytes of payloads
    framing: int  # bytes of the rest
    predicted: int | None  # bytes of all, by the header
    frequencies: NDArray[np.int64]  # of each label


def _tiles_read(opened: Opened, threads: int | None) -> _Read:
    """The tiles of a still."""
    header = opened.header
    labels, framing = 0, header.directory_size

    def count(record: container.Record) -> tuple[int, Counts]:
        _, found = opened.decode_tile(record)
        return memoryview(record.payload).nbytes, _counts(found, opened.entries)

    frequencies = np.zeros(opened.entries, dtype=np.int64)
    threads = min(thread_count(threads), header.grid.count)
    for size, (values, counts) in ordered_map(count, opened.records(), threads):
        labels += size
        framing += container.record_size(size) - size
        frequencies[values] += counts
    predicted = None
    if sizes.predictable(header.coder):
        predicted = sizes.file_size(header) - HEADER_SIZE - header.palette_size - CHECKSUM_SIZE
    return _Read(1, labels, framing, predicted, frequencies)


def _frames_read(reader: FrameReader, threads: int | None) -> _Read:
    """The frames of a sequence."""
    header = reader.header
    canvas = Canvas(reader, None, threads)
    frequencies = np.zeros(reader.entries, dtype=np.int64)
    since = array("q", bytes(8 * header.grid.count))  # by tile: the frame that changed it

    def count(tile: int, stop: int) -> None:
        """Count a tile's labels in all frames that have them, the last being ahead of ``stop``."""
        if stop > since[tile]:
            values, counts = _counts(canvas.tiles[tile], reader.entries)
            frequencies[values] += counts * (stop - since[tile])
            since[tile] = stop

    frames, labels, in_frames, durations, before = 0, 0, 0, 0, 1
    for frame in reader.in_order():
        for record in frame.records:
            count(record.tile, frames)
            labels += memoryview(record.payload).nbytes
        canvas.take(frame)
        frames += 1
        in_frames += frame.size
        if frame.duration != before:
            durations += len(container.pack_length(frame.duration))
        before = frame.duration
    for tile in canvas.tiles:
        count(tile, frames)
    behind = reader.source.position - reader.first - in_frames
    predicted = None
    if sizes.predictable(header.coder):
        predicted = frames * sizes.least_frame(header) + durations + behind
    return _Read(frames, labels, in_frames - labels + behind, predicted, frequencies)


def raw_bits_of(opened: Opened, frames: int = 1) -> int:
    """The bits of the frames as plain RGB or RGBA, or of the array of a label map."""
    pixels = opened.header.pixels * frames
    if opened.table is None:
        return sizes.raw_bits(pixels, opened.header.alpha)
    return 8 * opened.table.dtype.itemsize * pixels


def theory_bits_of(opened: Opened, frames: int = 1) -> float:
    """24·K + N·log2(K), with alpha 8·K more; of a label map the bits of its table, as it is
    stored, instead of the colours'."""
    return _front_bits(opened) + opened.header.pixels * frames * math.log2(opened.entries)


def _front_bits(opened: Opened) -> int:
    if opened.table is None:
        return sizes.color_bits(opened.header.alpha) * opened.entries
    return 8 * opened.palette_size


def _used(opened: Opened, frequencies: NDArray[np.int64]) -> int:
    used = np.flatnonzero(frequencies)
    if opened.table is None or opened.table.places is None:
        return len(used)
    return len(np.unique(opened.table.places[used]))


def _entropy(frequencies: NDArray[np.int64]) -> float:
    """N·H: -sum of count·log2(count / N), in bits."""
    used = frequencies[frequencies > 0]
    return float((used * np.log2(used.sum() / used)).sum())


def _counts(labels: Labels, k: int) -> Counts:
    """(labels, how often each occurs): in a small tile those that do, else all, so that
    a large palette costs nothing in a million small tiles."""
    flat = labels.reshape(-1)
    if flat.size < k:
        return np.unique(flat, return_counts=True)
    return slice(None), np.bincount(flat, minlength=k)
