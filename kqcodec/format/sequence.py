"""Sequences: many frames of one size in a file, an animation or a volume's slices.

spec/kq.md, section 19. The mandatory section FRAM says how they follow each other:

    ┌──────┬─────────┬─────────────────┬─────────┬─────────────┬───────────────┐
    │ axis │ 0, 3    │ key distance, 4 │ plays,4 │ numerator,4 │ denominator,4 │
    └──────┴─────────┴─────────────────┴─────────┴─────────────┴───────────────┘

A screen recording of 12 frames a second that plays for ever, with a key frame every 256, is
00 000000, 00000100, 00000000, 00000001 0000000C. Each frame then has a head, which says how long
it lasts and how many bytes each tile takes; those that don't change take none:

    ┌───────┬──────────────┬──────────┬──────────┬───┬────────┐   ┌──────────┬─────────┐
    │ flags │ [duration]   │ length 0 │ length 1 │ … │ CRC-16 │   │ payloads with CRC-32 │
    └───────┴──────────────┴──────────┴──────────┴───┴────────┘   └──────────┴─────────┘

A frame that lasts as long as the one before and in which nothing changes is 05 and the CRC-16.
No NumPy is imported.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from kqcodec.errors import ChecksumError, InvalidDataError
from kqcodec.format.container import FRAMES_KIND, Section, pack_length, read_length
from kqcodec.format.header import crc16

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.format.source import Source

AxisName: TypeAlias = Literal["time", "depth"]
AXES: tuple[AxisName, ...] = get_args(AxisName)  # by their number in a file

MAX_FRAMES = 2**31 - 1
DEFAULT_KEY_DISTANCE = 256  # for encoders
MAX_NUMBER = 2**32 - 1  # of durations, and of what FRAM holds

_FIELDS = struct.Struct(">B3sIIII")
_FRAME, _DURATION, _UNCHANGED = 1, 2, 4
_DURATION_BYTES = 5


@dataclass(frozen=True)
class FrameTiming:
    """How the frames of a sequence follow each other. An instance that exists is valid.

    Attributes:
        axis: "time", of an animation, or "depth", of a volume, whose frames are slices.
        key_distance: frames whose number is a multiple of it need no other; 0: only the first.
        plays: how often it is to be shown; 0 for ever.
        unit: what a duration of 1 is: of an animation seconds, above 0; of a volume the metres
            from a slice to the next, 0 where nobody knows.

    Raises:
        ValueError: a value that the format doesn't have.
    """

    axis: AxisName = "time"
    key_distance: int = 0
    plays: int = 0
    unit: Fraction = Fraction(1, 1000)

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ValueError(f"axis must be time or depth, not {self.axis!r}")
        if not 0 <= self.key_distance <= MAX_NUMBER:
            raise ValueError(f"a key distance of {self.key_distance} is impossible")
        if not 0 <= self.plays <= MAX_NUMBER:
            raise ValueError(f"a number of plays of {self.plays} is impossible")
        least = 1 if self.axis == "time" else 0
        numbers = self.unit.numerator, self.unit.denominator
        if not (least <= numbers[0] <= MAX_NUMBER and numbers[1] <= MAX_NUMBER):
            raise ValueError(f"a unit of {self.unit} is impossible")

    def is_key(self, number: int) -> bool:
        """Whether the frame of that number needs no other."""
        return number == self.key_of(number)

    def key_of(self, number: int) -> int:
        """The frame from which on that one can be decoded."""
        return number - number % self.key_distance if self.key_distance else 0

    def seconds(self, duration: int) -> Fraction | None:
        """How long a frame of that duration is shown; None for a slice."""
        return duration * self.unit if self.axis == "time" else None

    def to_section(self) -> Section:
        """The section FRAM."""
        numbers = self.key_distance, self.plays, self.unit.numerator, self.unit.denominator
        return Section(FRAMES_KIND, _FIELDS.pack(AXES.index(self.axis), bytes(3), *numbers))

    @classmethod
    def from_section(cls, section: Section) -> FrameTiming:
        """What such a section says; InvalidDataError if it can't be."""
        if len(section.data) != _FIELDS.size:
            raise InvalidDataError(f"a section FRAM of {len(section.data):,} bytes (rule 19.2)")
        axis, zeros, distance, plays, numerator, denominator = _FIELDS.unpack(section.data)
        if axis >= len(AXES) or any(zeros) or denominator == 0:
            raise InvalidDataError("the section FRAM is none that can be (rule 19.2)")
        try:
            return cls(AXES[axis], distance, plays, Fraction(numerator, denominator))
        except ValueError as exc:
            raise InvalidDataError(f"{exc} (rule 19.2)") from exc


def timing_of(sections: Sequence[Section]) -> FrameTiming | None:
    """How the frames of a file with these sections follow each other; None if it is a still."""
    if not sections or sections[0].kind != FRAMES_KIND:
        return None
    return FrameTiming.from_section(sections[0])


class FrameHead(NamedTuple):
    """The head of a frame.

    Attributes:
        duration: in units, 1 to 2**32 - 1; None where it is that of the frame before, or 1 of the
            first.
        lengths: bytes of each tile's payload, 0 for a tile that is unchanged; None where all are.
    """

    duration: int | None
    lengths: Sequence[int] | None


def pack_head(header: bytes, number: int, head: FrameHead | None) -> bytes:
    """The head of the frame of that number, in a file with that header; None for the end of the
    frames, of which there are ``number``."""
    body = b"\0"
    if head is not None:
        flags = _FRAME | (_DURATION if head.duration is not None else 0)
        flags |= _UNCHANGED if head.lengths is None else 0
        duration = b"" if head.duration is None else pack_length(head.duration)
        body = bytes([flags]) + duration + b"".join(map(pack_length, head.lengths or ()))
    return body + struct.pack(">H", crc16(ahead_of(header, number) + body))


def ahead_of(header: bytes, number: int) -> bytes:
    """What the CRC-16 of a head covers before its own bytes."""
    return header + struct.pack(">Q", number)


def read_head(source: Source, header: bytes, number: int, tiles: int) -> FrameHead | None:
    """The head that the source stands at, of the frame of that number in a file with that header
    and so many tiles; None for the end.

    Raises:
        TruncatedError, ChecksumError, InvalidDataError
    """
    part = f"the head of frame {number}"
    head = parse_head(source, tiles, part)
    # What is read has one way to be written, so that these are its bytes.
    if bytes(source.read(2, part)) != pack_head(header, number, head)[-2:]:
        raise ChecksumError(f"{part} is damaged: its checksum doesn't match")
    return head


def parse_head(source: Source, tiles: int, part: str) -> FrameHead | None:
    """What a head says ahead of its CRC-16, which is yet to be compared."""
    flags = source.read_byte(part)
    if flags == 0:
        return None
    if not flags & _FRAME or flags & ~(_FRAME | _DURATION | _UNCHANGED):
        raise InvalidDataError(f"{part} begins with {flags:02x} (rule 19.4)")
    duration = None
    if flags & _DURATION:
        duration = read_length(source, part, _DURATION_BYTES)
        if not 1 <= duration <= MAX_NUMBER:
            raise InvalidDataError(f"{part} says that it lasts {duration} (rule 19.5)")
    if flags & _UNCHANGED:
        return FrameHead(duration, None)
    lengths = array("I")
    for _ in range(tiles):
        lengths.append(read_length(source, part))
    if not any(lengths):
        raise InvalidDataError(f"{part} has lengths, and all are 0 (rule 19.6)")
    return FrameHead(duration, lengths)
