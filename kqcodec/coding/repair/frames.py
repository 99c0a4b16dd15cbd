"""Damaged sequences: which tiles of which frames are whole, and a clean file that holds them.

A tile that is damaged is lost up to the next frame that codes it by itself: the next key frame, or
one before it. Until then it keeps what the frame before showed, or, where there is none, the fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.coding.coders.context import CHAINED
from kqcodec.coding.coders.frame_parts import FROM_BEFORE
from kqcodec.coding.repair.frame_search import head_at
from kqcodec.coding.work import Budget, work_of
from kqcodec.errors import FormatError, InvalidDataError
from kqcodec.format import sizes
from kqcodec.format.container import Record, Sealer
from kqcodec.format.header import CHECKSUM_SIZE
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import memory_for
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kqcodec.coding.coders import Coder
    from kqcodec.coding.frames.chains import Chains
    from kqcodec.coding.frames.tile_chain import TileChain
    from kqcodec.coding.repair.frame_search import FramePlaces
    from kqcodec.format.header import Header
    from kqcodec.format.labels import Labels
    from kqcodec.format.limits import Limits
    from kqcodec.format.sequence import FrameTiming


class SavedFrame(NamedTuple):
    """A frame of the clean file.

    Attributes:
        duration: in units.
        payloads: of its tiles; none where all are unchanged.
        lost: the tiles that are lost from this frame on.
        found: those that were, and aren't from this frame on.
        problems: by tile, what is wrong with those that are damaged here.
    """

    duration: int
    payloads: Sequence[bytes]
    lost: Sequence[int] = ()
    found: Sequence[int] = ()
    problems: Mapping[int, str] = MappingProxyType({})


@dataclass
class _Tile:
    """A tile from frame to frame.

    Attributes:
        labels: as they are, or were before they were lost.
        chain: what decodes the next; None while it is lost.
        alone: the payload of these labels by themselves, once it was needed.
    """

    labels: Labels
    chain: TileChain | None = None
    alone: bytes | None = None


@dataclass(frozen=True, eq=False)
class Replay:
    """The frames of a damaged file, as they are saved; each call of ``frames`` decodes anew.

    Attributes:
        data: the file.
        header, timing, limits: the file's.
        places: of its frames.
        coder: of stills, for what is lost where it must be coded all the same.
        chains: what decodes tiles.
        entries, entry: how many labels there may be, and which one is filled in.
        threads: how many decode tiles of a frame.
    """

    data: memoryview
    header: Header
    timing: FrameTiming
    limits: Limits
    places: FramePlaces
    coder: Coder
    chains: Chains
    entries: int
    entry: int
    threads: int
    _sealer: Sealer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sealer", Sealer(self.header))

    def frames(self, first: Labels | None = None) -> Iterator[SavedFrame]:
        """All of them, and the labels of frame 0 in ``first``; LimitError if they take too much
        work."""
        grid, dtype = self.header.grid, label_dtype(self.entries)
        boxes = [grid.box(tile) for tile in range(grid.count)]
        with memory_for(self.header):
            tiles = [
                _Tile(np.full((box.height, box.width), self.entry, dtype=dtype)) for box in boxes
            ]
        budget, duration = Budget(self.limits), 1
        lost: set[int] = set()
        for number in range(self.places.count):
            frame = self._frame(number, duration, tiles, lost, budget)
            duration = frame.duration
            yield frame
            if number == 0 and first is not None:
                for box, tile in zip(boxes, tiles, strict=True):
                    first[box.slices] = tile.labels

    def _frame(
        self, number: int, before: int, tiles: list[_Tile], lost: set[int], budget: Budget
    ) -> SavedFrame:
        """The next frame; ``lost`` tiles are kept up to date."""
        durations, header = self.places.durations, self.header
        place = self.places.starts.get(number, len(self.data))
        head, position = head_at(self.data, header, number, place) or (None, place)
        duration = before if head is None or head.duration is None else head.duration
        duration = duration if durations is None else durations[number]
        if header.k == 1:  # whose tiles have no payloads
            return SavedFrame(duration, ())
        key = self.timing.is_key(number)
        must_change = key or sizes.predictable(header.coder)
        lengths = () if head is None or head.lengths is None else head.lengths
        records, problems = self._records(number, lengths, position)
        budget.allow(sum(memoryview(record.payload).nbytes for record in records))
        budget.spend(sum(work_of(header, record) for record in records))
        budget.copy(sum(tiles[record.tile].labels.size for record in records))
        gone = set(problems)
        if head is None or must_change:  # all others
            changed = {record.tile for record in records}
            gone.update(tile for tile in range(len(tiles)) if tile not in changed)

        def decode(record: Record) -> tuple[str | None, int]:
            try:
                return None, self._decode(tiles[record.tile], record, key)
            except FormatError as exc:
                return str(exc), 0

        outcomes = ordered_map(decode, records, max(1, min(self.threads, len(records))))
        sound: dict[int, bytes] = {}
        for record, (problem, pixels) in zip(records, outcomes, strict=True):
            budget.spend_pixels(pixels, header.k)
            if problem is None:
                sound[record.tile] = bytes(record.payload)
                continue
            gone.add(record.tile)
            if record.tile not in lost:
                problems[record.tile] = problem
        for tile in gone:
            tiles[tile].chain = None
        found = sorted(lost & sound.keys())
        newly_lost = sorted(gone - lost)
        lost.difference_update(found)
        lost.update(newly_lost)
        payloads: Sequence[bytes] = ()
        if must_change:
            budget.copy(sum(tiles[tile].labels.size for tile in lost))
            payloads = [sound.get(i) or self._alone(tile) for i, tile in enumerate(tiles)]
        elif sound:
            payloads = [sound.get(i, b"") for i in range(len(tiles))]
        return SavedFrame(duration, payloads, newly_lost, found, problems)

    def _records(
        self, number: int, lengths: Sequence[int], position: int
    ) -> tuple[list[Record], dict[int, str]]:
        """The records behind a head that are whole, and what is wrong with the others."""
        header, records, problems = self.header, list[Record](), dict[int, str]()
        for tile, length in enumerate(lengths):
            if not length:
                continue
            payload = self.data[position : position + length]
            stored = bytes(self.data[position + length :][:CHECKSUM_SIZE])
            position += length + CHECKSUM_SIZE
            most = sizes.payload_range(
                *(header.coder, header.grid.box(tile).pixels, header.k, header.label_map),
                frames=True,
            )[1]
            checksum = self._sealer.tile_checksum(tile, payload, number)
            if length > most:
                problems[tile] = f"it can't take {length:,} bytes"
            elif len(stored) < CHECKSUM_SIZE:
                problems[tile] = "it is cut off"
            elif checksum != int.from_bytes(stored, "big"):
                problems[tile] = "its checksum doesn't match"
            else:
                records.append(Record(tile, payload, checksum, number))
        return records, problems

    def _decode(self, tile: _Tile, record: Record, key: bool) -> int:
        """The work in pixels; FormatError if there is no such payload, or it needs frames that
        are lost."""
        if key:
            tile.chain = None  # which makes room for the next
        chain = tile.chain
        if chain is None:
            if not key and memoryview(record.payload).cast("B")[0] in (CHAINED, FROM_BEFORE):
                raise InvalidDataError("it needs frames that are lost")
            chain = self.chains.begin(record.tile)
        labels = tile.labels.copy()  # since these stay if the payload is invalid
        pixels = chain.decode(record.payload, labels)
        tile.labels, tile.chain, tile.alone = labels, chain, None
        return pixels

    def _alone(self, tile: _Tile) -> bytes:
        if tile.alone is None:
            tile.alone = self.coder.encode(tile.labels)
        return tile.alone
