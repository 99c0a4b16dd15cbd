"""Where the tile records of a damaged file are, each proven by its checksum.

Three ways, the cheap ones first. Where lengths are known, from the header (packed and
dense) or from a sound directory, each record has a place counted from the first tile and
one counted from the end, so that bytes lost or added move only what they stand between.
Otherwise each record leads to the next by its own length. What is still missing is
searched for byte by byte in the gaps, by ``crc_scan``. The work is linear in the file in all
of them.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.errors import FormatError
from kqcodec.format import container, sizes
from kqcodec.format.container import pack_length, record_size
from kqcodec.format.header import CHECKSUM_SIZE
from kqcodec.format.limits import memory_for
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.repair.crc_scan import Candidate
    from kqcodec.format.container import Sealer
    from kqcodec.format.header import Header

# A record that no neighbour confirms counts only if noise would hold such a one less than
# once in so many files.
_ODDS = 1 << 12


@dataclass(frozen=True)
class Places:
    """Where the payloads of the tiles are.

    Attributes:
        starts: int64, by tile; -1 for a tile that wasn't found.
        lengths: int64, bytes of its payload.
        directory: whether the file's directory is sound and agrees with the tiles; also
            where a file of one tile needs none.
        end: where the last part of the file ends, as far as is known.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    directory: bool
    end: int

    @property
    def found(self) -> NDArray[np.bool_]:
        """By tile, whether it was found."""
        return self.starts >= 0


class _Gap(NamedTuple):
    """Tiles ``first`` to ``last`` - 1 are missing; if anywhere they lie from ``start`` to
    ``end``. ``fixed``: a tile, or the first record's place, precedes."""

    first: int
    last: int
    start: int
    end: int
    fixed: bool


def find_tiles(
    data: memoryview, header: Header, sealer: Sealer, first_record: int | None, search_from: int
) -> Places:
    """The places of all tiles whose record is whole; they begin at ``first_record`` if that is
    known, and not ahead of ``search_from``. ``data`` is the whole file."""
    return _Search(data, header, sealer, first_record, search_from).run()


class _Search:
    def __init__(
        self,
        data: memoryview,
        header: Header,
        sealer: Sealer,
        first_record: int | None,
        search_from: int,
    ) -> None:
        self._data, self._header, self._sealer = data, header, sealer
        self._grid, self._count = header.grid, header.grid.count
        self._first, self._search_from = first_record, search_from
        with memory_for(header):
            self._starts = np.full(self._count, -1, dtype=np.int64)
            self._found_lengths = np.zeros(self._count, dtype=np.int64)

    def run(self) -> Places:
        """See ``find_tiles``."""
        directory = self._directory(len(self._data) - self._header.directory_size)
        lengths = self._known_lengths(directory)
        end = len(self._data)
        if directory is not None:
            end -= self._header.directory_size
        if lengths is not None:
            if self._first is not None:
                self._try_from(self._first, lengths)
            if (self._starts < 0).any():
                self._try_back_from(end, lengths)
        for gap in list(self._gaps(end)):
            self._chain(gap)
        self._search(list(self._gaps(end)), lengths)
        self._fit(list(self._gaps(end)))
        return self._result(directory)

    def _result(self, directory: Sequence[int] | None) -> Places:
        """The outcome; with a directory that doesn't stand at the end, but behind the
        last tile, bytes follow it."""
        end = len(self._data)
        if self._starts[-1] >= 0:
            after = self._end_of(self._count - 1)
            if directory is None or self._count == 1:
                directory = self._directory(after)
                end = after + self._header.directory_size
        sound = self._count == 1
        if directory is not None and self._count > 1:
            where = self._starts >= 0
            named = np.array(directory, dtype=np.int64)
            sound = bool((named[where] == self._found_lengths[where]).all())
        return Places(self._starts, self._found_lengths, sound, min(end, len(self._data)))

    # --- what is known of lengths ------------------------------------------------

    def _directory(self, position: int) -> Sequence[int] | None:
        """The lengths that a directory at that place names, if it is sound."""
        if self._count < 2 or position < 0:
            return None
        source = BufferSource(self._data, position)
        try:
            return container.read_directory(source, self._header, self._sealer)
        except FormatError:
            return None

    def _range(self, tile: int) -> tuple[int, int]:
        header, labels = self._header, self._grid.box(tile).pixels
        return sizes.payload_range(header.coder, labels, header.k, header.label_map)

    def _allows(self, tile: int, length: int) -> bool:
        least, most = self._range(tile)
        return least <= length <= most

    def _known_lengths(self, directory: Sequence[int] | None) -> Sequence[int] | None:
        if sizes.predictable(self._header.coder):
            # Memory for them is asked for only where there are bytes for so many tiles.
            if self._count > len(self._data):
                return None
            return [self._range(tile)[0] for tile in range(self._count)]
        if directory is None or not all(map(self._allows, range(self._count), directory)):
            return None
        return directory

    # --- trying places -------------------------------------------------------------

    def _holds(self, tile: int, start: int, length: int) -> bool:
        """Whether the tile's payload is there, by its checksum; if so it is noted."""
        end = start + length
        if start < 0 or end + CHECKSUM_SIZE > len(self._data):
            return False
        (stored,) = struct.unpack_from(">I", self._data, end)
        if self._sealer.checksum(b"TILE", tile, self._data[start:end]) != stored:
            return False
        self._starts[tile], self._found_lengths[tile] = start, length
        return True

    def _end_of(self, tile: int) -> int:
        return int(self._starts[tile] + self._found_lengths[tile]) + CHECKSUM_SIZE

    def _begin_of(self, tile: int) -> int:
        return int(self._starts[tile]) - len(pack_length(int(self._found_lengths[tile])))

    def _try_from(self, position: int, lengths: Sequence[int]) -> None:
        for tile, length in enumerate(lengths):
            if position >= len(self._data):
                return
            self._holds(tile, position + len(pack_length(length)), length)
            position += record_size(length)

    def _try_back_from(self, position: int, lengths: Sequence[int]) -> None:
        for tile in reversed(range(self._count)):
            position -= record_size(lengths[tile])
            if position < self._search_from:
                return
            if self._starts[tile] < 0:
                self._holds(tile, position + len(pack_length(lengths[tile])), lengths[tile])

    def _gaps(self, end: int) -> Iterator[_Gap]:
        """The runs of missing tiles, with the bytes between what was found."""
        missing = np.flatnonzero(self._starts < 0)
        breaks = np.flatnonzero(np.diff(missing) > 1) + 1
        for run in np.split(missing, breaks):
            if not run.size:
                return
            first, last = int(run[0]), int(run[-1]) + 1
            if first:
                start = self._end_of(first - 1)
            else:
                start = self._search_from if self._first is None else self._first
            stop = self._begin_of(last) if last < self._count else end
            yield _Gap(first, last, start, min(stop, end), bool(first) or self._first is not None)

    def _chain(self, gap: _Gap) -> None:
        """From record to record by their own lengths; one whose payload is damaged is
        stepped over, if the next then is where it must be."""
        position, stepped = gap.start, False
        for tile in range(gap.first, gap.last):
            length = self._length_at(position, tile)
            if length is None or position >= gap.end:
                return
            sound = self._holds(tile, position + len(pack_length(length)), length)
            if stepped and not sound:
                return
            stepped = not sound
            position += record_size(length)

    def _length_at(self, position: int, tile: int) -> int | None:
        try:
            length = container.read_length(BufferSource(self._data, position), "tile")
        except FormatError:
            return None
        return length if self._allows(tile, length) else None

    # --- searching -----------------------------------------------------------------

    def _search(self, gaps: list[_Gap], lengths: Sequence[int] | None) -> None:
        """Look at every byte of the gaps, except where the missing tiles' records fill
        the gap exactly: they are damaged where they stand."""
        open_gaps = [gap for gap in gaps if not self._is_filled(gap, lengths)]
        if not open_gaps:
            return
        from kqcodec.coding.repair import crc_scan

        ranges = [self._range(kind.first) for kind in self._grid.by_size()]
        start, end = open_gaps[0].start, open_gaps[-1].end
        # A record takes five bytes at least: later tiles can't all be there.
        tiles = [
            tile
            for gap in open_gaps
            for tile in range(gap.first, min(gap.last, gap.first + len(self._data)))
        ]
        states = {self._first_state(tile): tile for tile in tiles}
        wanted = np.array(sorted(states), dtype=np.uint32)
        found = [
            (
                candidate._replace(
                    position=candidate.position + start, start=candidate.start + start
                ),
                states[candidate.state],
            )
            for candidate in crc_scan.candidates(
                self._data[start:end],
                min(least for least, _ in ranges),
                max(most for _, most in ranges),
                wanted,
            )
        ]
        for candidate, tile in _in_order(self._confirmed(found, open_gaps)):
            self._starts[tile], self._found_lengths[tile] = candidate.start, candidate.length

    def _is_filled(self, gap: _Gap, lengths: Sequence[int] | None) -> bool:
        if gap.end <= gap.start:
            return True
        if lengths is None or not gap.fixed:
            return False
        room = gap.end - gap.start
        return sum(record_size(lengths[tile]) for tile in range(gap.first, gap.last)) == room

    def _first_state(self, tile: int) -> int:
        """The state of a CRC-32 that has seen what precedes the tile's payload."""
        return self._sealer.checksum(b"TILE", tile, b"") ^ 0xFFFFFFFF

    def _confirmed(
        self, found: list[tuple[Candidate, int]], gaps: list[_Gap]
    ) -> list[tuple[Candidate, int]]:
        """Those that lie in the gap of their tile, and are next to a record that is theirs
        to be next to; or of which noise has too few bytes to hold one by chance."""
        firsts = [gap.first for gap in gaps]
        begins = {(candidate.position, tile) for candidate, tile in found}
        ends = {(candidate.end, tile) for candidate, tile in found}
        kept = []
        for candidate, tile in found:
            gap = gaps[bisect_left(firsts, tile + 1) - 1]
            inside = gap.start <= candidate.position and candidate.end <= gap.end
            if not (inside and self._allows(tile, candidate.length)):
                continue
            neighbours = (
                (candidate.end, tile + 1) in begins,
                (candidate.position, tile - 1) in ends,
                gap.fixed and (candidate.position, tile) == (gap.start, gap.first),
                (candidate.end, tile) == (gap.end, gap.last - 1),
            )
            chances = (gap.end - gap.start) * min(gap.last - gap.first, gap.end - gap.start)
            if any(neighbours) or chances * _ODDS < 1 << 32:
                kept.append((candidate, tile))
        return kept

    def _fit(self, gaps: list[_Gap]) -> None:
        """A single tile between two that were found: its length is what is between."""
        for gap in gaps:
            if gap.last - gap.first == 1 and gap.fixed:
                for size in range(1, 5):
                    length = gap.end - gap.start - size - CHECKSUM_SIZE
                    shortest = length >= 0 and len(pack_length(length)) == size
                    if shortest and self._allows(gap.first, length):
                        self._holds(gap.first, gap.start + size, length)


def _in_order(found: list[tuple[Candidate, int]]) -> list[tuple[Candidate, int]]:
    """The most of them of which both places and tiles ascend: a longest increasing
    subsequence (Fredman 1975)."""
    tails: list[int] = []  # the least last tile of a run of that many
    owners: list[int] = []
    before: list[int] = []
    for i, (_, tile) in enumerate(found):
        size = bisect_left(tails, tile)
        before.append(owners[size - 1] if size else -1)
        if size == len(tails):
            tails.append(tile)
            owners.append(i)
        else:
            tails[size], owners[size] = tile, i
    kept = []
    i = owners[-1] if owners else -1
    while i >= 0:
        kept.append(found[i])
        i = before[i]
    return kept[::-1]
