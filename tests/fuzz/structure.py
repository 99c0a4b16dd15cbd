"""A .kq file in pieces, to be changed and put together again with checksums that are
right over whatever it then holds.

Nothing here is kqcodec's: what breaks that mustn't break its fuzzer, and a mistake
made in both places would hide itself. Taking apart is lenient, as what comes in is
what a fuzzer has made so far.
"""

from __future__ import annotations

import binascii
import struct
import zlib
from dataclasses import dataclass, field

SIGNATURE = bytes.fromhex("CB510D0A0A")
SHORT_SIGNATURE = bytes.fromhex("CB6B")
FIELDS = struct.Struct(">5sBBBIIH")
FLAG_ALPHA, FLAG_CODED_PALETTE, FLAG_SECTIONS, FLAG_LABEL_MAP = 1, 2, 4, 8
_WITH_LENGTH = FLAG_CODED_PALETTE | FLAG_LABEL_MAP  # ahead of the palette, or the table of ids
END = b"END "
FRAMES = b"FRAM"  # the first section of a sequence
FRAME, DURATION, UNCHANGED = 1, 2, 4  # bits of a frame's head
MOST_TILES = 64  # in files that are put together here
MOST_SECTIONS = 300
MOST_FRAMES = 100


def pack_length(length: int) -> bytes:
    """Rule 6.4."""
    groups = [length & 127]
    while length := length >> 7:
        groups.append(length & 127 | 128)
    return bytes(reversed(groups))


@dataclass
class PieceOfTime:
    """A frame of a sequence behind the first: how long it lasts, None for as long as the one before
    it, and its tiles' payloads, empty where they are unchanged."""

    duration: int | None
    payloads: list[bytes]

    @property
    def head(self) -> bytes:
        """All of its head but the checksum."""
        lengths = [len(payload) for payload in self.payloads]
        flags, duration = FRAME | (0 if any(lengths) else UNCHANGED), b""
        if self.duration is not None:
            flags, duration = flags | DURATION, pack_length(self.duration)
        return (
            bytes([flags]) + duration + b"".join(map(pack_length, lengths if any(lengths) else ()))
        )

    @property
    def size(self) -> int:
        """Its bytes in the file."""
        return len(self.head) + 2 + sum(len(payload) + 4 for payload in self.payloads if payload)


@dataclass
class Pieces:
    """The contents of a file, valid or not, and the flaws to build into it."""

    version: int = 0x12
    coder: int = 0
    flags: int = 0
    tile: int = 0
    width: int = 1
    height: int = 1
    k: int = 1
    palette: bytes = b"\0\0\0"  # plain with alpha behind it, or the coded payload; or a table
    sections: list[tuple[bytes, bytes]] = field(default_factory=list)  # END left out
    payloads: list[bytes] = field(default_factory=lambda: [b""])
    duration: int | None = None  # of the first frame of a sequence
    later: list[PieceOfTime] = field(default_factory=list)  # the frames behind it
    frame_lists: bytes = b""  # the payload in the directory of frames
    lengths: list[int] | None = None  # what the directory says, if that isn't the truth
    long_lengths: bool = False  # a zero group ahead of each length of a tile
    wrong: int | None = None  # the part, counted from 0, whose checksum is wrong
    short: bool = False  # whether it is written in the short form
    cut: int = 0  # bytes missing at the end
    tail: bytes = b""  # bytes too many

    @property
    def channels(self) -> int:
        """Bytes of a palette's entry."""
        return 4 if self.flags & FLAG_ALPHA else 3

    @property
    def is_sequence(self) -> bool:
        """Whether frames are what follows the sections."""
        return bool(self.flags & FLAG_SECTIONS and self.sections and self.sections[0][0] == FRAMES)

    @property
    def frames(self) -> list[PieceOfTime]:
        """Those of a sequence."""
        return [PieceOfTime(self.duration, self.payloads), *self.later]

    @property
    def tile_sides(self) -> tuple[int, int]:
        """Width and height of a whole tile."""
        sides = ((self.tile >> 4, self.width), (self.tile & 15, self.height))
        x, y = (min(side, 8 << nibble) if nibble else side for nibble, side in sides)
        return max(x, 1), max(y, 1)

    @property
    def tile_count(self) -> int:
        """How many tiles the header promises."""
        x, y = self.tile_sides
        return -(-self.width // x) * -(-self.height // y)

    def tile_labels(self, index: int) -> tuple[int, int]:
        """Width and height of that tile."""
        x, y = self.tile_sides
        row, column = divmod(index, max(1, -(-self.width // x)))
        return min(x, max(1, self.width - column * x)), min(y, max(1, self.height - row * y))

    def to_bytes(self) -> bytes:
        """The file."""
        flags = self.coder << 5 | self.flags
        head = FIELDS.pack(
            SIGNATURE,
            self.version & 255,
            flags & 255,
            self.tile & 255,
            self.width & 0xFFFFFFFF,
            self.height & 0xFFFFFFFF,
            self.k - 1 & 0xFFFF,
        )
        self._part = 0
        if self.short:
            return self._short_form(flags & 255)
        self._header = head + struct.pack(">H", binascii.crc_hqx(head, 0xFFFF) ^ self._flaw())
        out = [self._header, self._palette_part()]
        if self.flags & FLAG_SECTIONS:
            for ordinal, (kind, data) in enumerate([*self.sections, (END, b"")]):
                section_head = kind[:4].ljust(4) + struct.pack(">I", len(data))
                crc16 = struct.pack(">H", binascii.crc_hqx(section_head, 0xFFFF) ^ self._flaw())
                out += [section_head, crc16, data, self._seal(kind[:4].ljust(4), ordinal, data)]
        if self.is_sequence:
            return self._finished([*out, *self._frames()])
        for index, payload in enumerate(self.payloads):
            length = pack_length(len(payload))
            if self.long_lengths:
                length = b"\x80" + length
            out += [length, payload, self._seal(b"TILE", index, payload)]
        if self.tile_count > 1:
            lengths = self.lengths or [len(payload) for payload in self.payloads]
            body = struct.pack(f">{len(lengths)}I", *(n & 0xFFFFFFFF for n in lengths))
            out += [body, self._seal(b"TDIR", 0, body)]
        return self._finished(out)

    def _finished(self, parts: list[bytes]) -> bytes:
        whole = b"".join(parts)
        return whole[: max(0, len(whole) - self.cut)] + self.tail

    def _frames(self) -> list[bytes]:
        """Rules 19.3 to 19.9."""
        out, frames = [], self.frames
        for number, frame in enumerate(frames):
            out.append(self._head(number, frame.head))
            for index, payload in enumerate(frame.payloads):
                if payload:
                    ordinal = number * self.tile_count + index
                    out += [payload, self._seal(b"TILE", ordinal, payload)]
        body = self.frame_lists + struct.pack(">II", len(frames), len(self.frame_lists))
        return [*out, self._head(len(frames), b"\0"), body, self._seal(b"TDIR", 0, body)]

    def _head(self, number: int, head: bytes) -> bytes:
        covered = self._header + struct.pack(">Q", number) + head
        return head + struct.pack(">H", binascii.crc_hqx(covered, 0xFFFF) ^ self._flaw())

    def _short_form(self, flags: int) -> bytes:
        payload = (self.payloads or [b""])[0]
        zero = b"\x80" * self.long_lengths
        numbers = [self.width - 1, self.height - 1, self.k - 1]
        body = SHORT_SIGNATURE + bytes((flags,))
        body += b"".join(zero + pack_length(number & 0xFFFFFFFF) for number in numbers)
        body += self._palette_body() + zero + pack_length(len(payload)) + payload
        body = body[: max(0, len(body) - self.cut)] + self.tail
        return body + struct.pack(">I", zlib.crc32(body) ^ self._flaw())

    def _palette_body(self) -> bytes:
        coded = self.flags & _WITH_LENGTH
        return pack_length(len(self.palette)) + self.palette if coded else self.palette

    def _palette_part(self) -> bytes:
        body = self._palette_body()
        kind = b"IDS " if self.flags & FLAG_LABEL_MAP else b"PLTE"
        return body + self._seal(kind, 0, body)

    def _flaw(self) -> int:
        """1 for the part whose checksum is to be wrong, otherwise 0."""
        flaw = int(self._part == self.wrong)
        self._part += 1
        return flaw

    def _seal(self, kind: bytes, ordinal: int, body: bytes) -> bytes:
        crc = zlib.crc32(self._header + kind + struct.pack(">Q", ordinal) + body)
        return struct.pack(">I", crc ^ self._flaw())


class _Reader:
    """Takes bytes from the front, and fewer than asked for at the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, count: int) -> bytes:
        found, self.data = self.data[:count], self.data[count:]
        return found

    def take_length(self) -> int:
        length, more = 0, True
        while more and length < 1 << 28:
            (byte,) = self.take(1) or b"\0"
            length, more = length << 7 | byte & 127, bool(byte & 128)
        return length


def taken_apart(data: bytes) -> Pieces | None:
    """The pieces of a file, its checksums not looked at; None if it is no file at all."""
    if data.startswith(SHORT_SIGNATURE):
        return _short_taken_apart(_Reader(data[2:-4]))
    if len(data) < 20 or not data.startswith(SIGNATURE):
        return None
    reader = _Reader(data)
    _, version, flags, tile, width, height, last = FIELDS.unpack(reader.take(18))
    reader.take(2)
    pieces = Pieces(version, flags >> 5, flags & 31, tile, width, height, last + 1)
    if pieces.flags & _WITH_LENGTH:
        pieces.palette = reader.take(reader.take_length())
    else:
        pieces.palette = reader.take(pieces.channels * pieces.k)
    reader.take(4)
    while pieces.flags & FLAG_SECTIONS and reader.data and len(pieces.sections) < MOST_SECTIONS:
        kind, length = reader.take(4), int.from_bytes(reader.take(4), "big")
        reader.take(2)
        section = reader.take(length)
        reader.take(4)
        if kind == END:
            break
        pieces.sections.append((kind, section))
    if pieces.is_sequence:
        _take_frames(pieces, reader)
        return pieces
    pieces.payloads = []
    for _ in range(min(pieces.tile_count, MOST_TILES)):
        pieces.payloads.append(reader.take(reader.take_length()))
        reader.take(4)
    if pieces.tile_count > 1:
        reader.take(4 * pieces.tile_count + 4)
    pieces.tail = reader.data
    return pieces


def _take_frames(pieces: Pieces, reader: _Reader) -> None:
    """The frames of a sequence, and all that follows them."""
    frames, tiles = [], min(pieces.tile_count, MOST_TILES)
    while len(frames) < MOST_FRAMES and (flags := ord(reader.take(1) or b"\0")):
        duration = reader.take_length() if flags & DURATION else None
        lengths = [0 if flags & UNCHANGED else reader.take_length() for _ in range(tiles)]
        reader.take(2)
        frames.append(PieceOfTime(duration, [b""] * tiles))
        for index, length in enumerate(lengths):
            if length:
                frames[-1].payloads[index] = reader.take(length)
                reader.take(4)
    reader.take(2)
    pieces.frame_lists = reader.data[:-12]
    if frames:
        pieces.duration, pieces.payloads = frames[0].duration, frames[0].payloads
        pieces.later = frames[1:]


def _short_taken_apart(reader: _Reader) -> Pieces:
    (flags,) = reader.take(1) or b"\0"
    width, height, k = (reader.take_length() + 1 for _ in range(3))
    pieces = Pieces(0x12, flags >> 5, flags & 31, 0, width, height, min(k, 65_536), short=True)
    coded = pieces.flags & _WITH_LENGTH
    pieces.palette = reader.take(reader.take_length() if coded else pieces.channels * pieces.k)
    pieces.payloads = [reader.take(reader.take_length())]
    pieces.tail = reader.data
    return pieces
