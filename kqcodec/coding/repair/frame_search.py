"""Where the frames of a damaged sequence are, each proven by the CRC-16 of its head.

Where the directory is sound, each frame has a place counted from the first and one counted from
the end, so that bytes lost or added move only what they stand between. Otherwise each frame leads
to the next by its own lengths. Behind a damaged head the next one is searched for: what stands
there tells, by its CRC-16, the number of the frame that it could be the head of, and the CRC-32 of
a tile, or the head that follows, whether it is. The work is linear in the file.
"""

from __future__ import annotations

import binascii
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqcodec.coding.frames.directory import FrameList, read_lists
from kqcodec.errors import FormatError, LimitError
from kqcodec.format.container import Sealer
from kqcodec.format.header import CHECKSUM_SIZE, crc16
from kqcodec.format.sequence import FrameHead, ahead_of, parse_head, read_head
from kqcodec.format.sizes import END_SIZE
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    from kqcodec.format.header import Header
    from kqcodec.format.limits import Limits

_FIRST_BYTES = re.compile(rb"[\x01\x03\x05\x07]")
# Behind damage so many frames may be missing, and are passed over.
_PASSED = 256
# Places that could be heads are tried as long as they aren't much more than in noise, of which one
# in 64 is: each counts so many bytes.
_A_PLACE = 32
# By the last byte of a CRC-16, what was put in with the byte that led to it.
_TABLE = [binascii.crc_hqx(bytes([value]), 0) for value in range(256)]
_INDEX = {entry & 0xFF: index for index, entry in enumerate(_TABLE)}


@dataclass(frozen=True)
class FramePlaces:
    """Where the frames of a sequence are.

    Attributes:
        starts: by number, where the head of a frame begins; without those whose head is lost.
        count: how many frames there are, as far as is known.
        durations: of each, if the directory is sound.
        directory: whether it stands where it must and agrees with the frames.
        cut: whether nothing tells where the frames end.
        end: where the file ends, as far as is known.
    """

    starts: dict[int, int]
    count: int
    durations: list[int] | None
    directory: bool
    cut: bool
    end: int


def find_frames(data: memoryview, header: Header, start: int, limits: Limits) -> FramePlaces:
    """The places of all frames whose head is whole; they begin at ``start``, or behind it.
    ``data`` is the whole file."""
    return _Search(data, header, limits).run(start)


def head_at(
    data: memoryview, header: Header, number: int, place: int
) -> tuple[FrameHead | None, int] | None:
    """The head of the frame of that number, None for the end of the frames, and where it ends; or
    None if it doesn't stand there."""
    source = BufferSource(data, place)
    try:
        head = read_head(source, header.to_bytes(), number, header.grid.count)
    except FormatError:
        return None
    return head, source.position


class _Search:
    def __init__(self, data: memoryview, header: Header, limits: Limits) -> None:
        self._data, self._header, self._limits = data, header, limits
        self._sealer = Sealer(header)
        self._starts: dict[int, int] = {}
        self._last: int | None = None  # how many frames there are
        self._end = len(data)  # of the frames
        self._left = 4 * len(data) + (1 << 20)  # steps of the search, of a byte each

    def run(self, start: int) -> FramePlaces:
        """See ``find_frames``."""
        sizes, durations = self._directory()
        if sizes:
            self._last = len(sizes)
            self._by_sizes(start, sizes)
        position, number = start, 0
        for known in [*sorted(self._starts), None]:
            if known != number:
                stop = self._end if known is None else self._starts[known]
                self._walk(position, number, stop, known or self._last)
            if known is not None:
                position, number = self._behind(known), known + 1
        return self._result(sizes, durations)

    def _result(self, sizes: list[int], durations: list[int]) -> FramePlaces:
        if self._last is None:
            self._drop_cut()
        count = max(self._starts, default=-1) + 1 if self._last is None else self._last
        end, directory = len(self._data), bool(sizes)
        if sizes:
            sound = self._head(count, self._end) is not None and all(
                self._behind(number) - start == sizes[number]
                for number, start in self._starts.items()
            )
            return FramePlaces(self._starts, count, durations, sound, False, end)
        if self._last is not None and len(self._starts) == count:
            made = self._made_directory(count)
            end = self._end + END_SIZE + len(made)
            directory = bytes(self._data[self._end + END_SIZE : end]) == made
            end = end if directory else len(self._data)
        return FramePlaces(self._starts, count, None, directory, self._last is None, end)

    def _drop_cut(self) -> None:
        """Forget a last frame of which nothing but the head is there."""
        last = max(self._starts, default=-1)
        head, position = self._head(last, self._starts.get(last, 0)) or (None, 0)
        first = next(filter(None, (head and head.lengths) or ()), None)
        if first is not None and position + first + CHECKSUM_SIZE > len(self._data):
            del self._starts[last]

    def _directory(self) -> tuple[list[int], list[int]]:
        """Sizes and durations by the directory at the end; none if it isn't sound."""
        source = BufferSource(self._data)
        try:
            sizes, durations, length = read_lists(
                source, self._sealer, len(self._data), self._limits
            )
        except LimitError:
            raise
        except FormatError:
            return [], []
        self._end = len(self._data) - length - END_SIZE
        return sizes.tolist(), durations.tolist()

    def _made_directory(self, count: int) -> bytes:
        done, before = FrameList(), 1
        for number in range(count):
            found = self._head(number, self._starts[number])
            head = found[0] if found else None
            if head is not None:
                before = before if head.duration is None else head.duration
            done.add(self._behind(number) - self._starts[number], before)
        return done.to_bytes(self._sealer)

    def _head(self, number: int, place: int) -> tuple[FrameHead | None, int] | None:
        return head_at(self._data, self._header, number, place)

    def _behind(self, number: int) -> int:
        """Where a frame that was found ends."""
        found = self._head(number, self._starts[number])
        return found[1] + _payload_bytes(found[0]) if found else self._starts[number]

    def _note(self, number: int, place: int) -> bool:
        """Whether the frame of that number begins there."""
        found = self._head(number, place) if place >= 0 else None
        if found is None or found[0] is None:
            return False
        self._starts[number] = place
        return True

    def _by_sizes(self, start: int, sizes: list[int]) -> None:
        position = start
        for number, size in enumerate(sizes):
            if position >= len(self._data):
                break
            self._note(number, position)
            position += size
        position = self._end
        for number in reversed(range(len(sizes))):
            position -= sizes[number]
            if position < start:
                break
            if number not in self._starts:
                self._note(number, position)

    def _walk(self, position: int, number: int, stop: int, last: int | None) -> None:
        """From frame to frame by their own lengths, and over what is damaged, up to ``stop``, where
        the frame ``last`` begins, if there is one."""
        searched = position
        while position < stop and (last is None or number < last):
            found = self._head(number, position)
            if found is None:
                next_one = self._next(searched, number, stop, last)
                if next_one is None:
                    return
                position, number = next_one
                continue
            head, searched = found
            if head is None:
                if last is None:
                    self._last, self._end = number, position
                return
            self._starts[number] = position
            position, number = searched + _payload_bytes(head), number + 1

    def _next(
        self, position: int, number: int, stop: int, last: int | None
    ) -> tuple[int, int] | None:
        """Where the next head is from there on, and its number, which is that one or a later."""
        most = number + _PASSED if last is None else min(last, number + _PASSED)
        numbers = {crc16(ahead_of(self._header.to_bytes(), n)): n for n in range(number, most)}
        for match in _FIRST_BYTES.finditer(self._data, position, stop):
            if self._left < 0:
                return None
            found = self._number_at(match.start(), numbers)
            if found is not None and self._confirmed(match.start(), found):
                return match.start(), found
        return None

    def _number_at(self, place: int, numbers: dict[int, int]) -> int | None:
        """The frame whose head that is by its CRC-16, with these numbers by the CRC-16 of what is
        ahead of its own bytes."""
        source = BufferSource(self._data, place)
        try:
            parse_head(source, self._header.grid.count, "a head")
            body = bytes(self._data[place : source.position])
            (state,) = struct.unpack(">H", source.read(2, "a head"))
        except FormatError:
            return None
        finally:
            self._left -= _A_PLACE + source.position - place
        for byte in reversed(body):
            index = _INDEX[state & 0xFF]
            state = (state ^ _TABLE[index]) >> 8 | (index ^ byte) << 8
        return numbers.get(state)

    def _confirmed(self, place: int, number: int) -> bool:
        """Whether a tile of a frame is whole, or another head follows it."""
        found = self._head(number, place)
        head, start = found or (None, place)
        if head is None:
            return False
        for tile, length in enumerate(head.lengths or ()):
            payload = self._data[start : start + length]
            stored = self._data[start + length :][:CHECKSUM_SIZE]
            if length and stored.nbytes == CHECKSUM_SIZE and self._left > 0:
                self._left -= length
                checksum = self._sealer.tile_checksum(tile, payload, number)
                if checksum == int.from_bytes(stored, "big"):
                    return True
            start += length + CHECKSUM_SIZE if length else 0
        return self._head(number + 1, start) is not None


def _payload_bytes(head: FrameHead | None) -> int:
    """Bytes of the tiles behind a head."""
    lengths = () if head is None else head.lengths or ()
    return sum(length + CHECKSUM_SIZE for length in lengths if length)
