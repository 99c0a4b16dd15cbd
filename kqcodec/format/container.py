"""The container: palette, sections, tile records and directory.

The layout is spec/kq.md's, sections 3 to 6, whose rule numbers stand behind the
checks. Labels are opaque bytes here, and no NumPy is imported.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kqcodec.errors import ChecksumError, InvalidDataError, LimitError, UnsupportedError
from kqcodec.format.header import CHECKSUM_SIZE, Header, crc16

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from kqcodec.format.source import Source

MAX_PAYLOAD = 2**28 - 1
MAX_SECTIONS = 254  # END not counted

# By the names that users give, and in the order in which they are written.
SECTION_KINDS = {"icc": b"icc ", "exif": b"exif", "xmp": b"xmp "}

PALETTE_KIND = b"PLTE"
IDS_KIND = b"IDS "  # of the table that a label map has in the palette's place
FRAMES_KIND = b"FRAM"  # the one mandatory section that we know (kqcodec.format.sequence)
_TILE_KIND = b"TILE"
_DIRECTORY_KIND = b"TDIR"
_END_KIND = b"END "


@dataclass(frozen=True)
class Section:
    """An extension section (spec/kq.md, section 5). An instance that exists is valid.

    Attributes:
        kind: four ASCII characters, a letter and three of letters, digits and
            space, but not "END "; a lower-case first letter marks it as optional.
        data: at most 2**28-1 bytes.

    Raises:
        ValueError: a kind or a length that the format doesn't have.
    """

    kind: bytes
    data: bytes

    def __post_init__(self) -> None:
        if not _is_kind(self.kind) or self.kind == _END_KIND:
            raise ValueError(f"{self.kind!r} is not a section's kind (rule 5.1)")
        if len(self.data) > MAX_PAYLOAD:
            raise ValueError(f"a section of {len(self.data):,} bytes is too long (rule 5.2)")

    @property
    def optional(self) -> bool:
        """Whether a reader that doesn't know the kind may skip it."""
        return bool(self.kind[0] & 0x20)


class Record(NamedTuple):
    """A tile as read: its payload, and its checksum, which is yet to be compared; and which frame
    of a sequence it is of."""

    tile: int
    payload: Buffer
    checksum: int
    frame: int = 0


class Sealer:
    """Computes the CRC-32s that bind each part to its header and its place."""

    def __init__(self, header: Header) -> None:
        self._header = zlib.crc32(header.to_bytes())
        self._tiles = header.grid.count
        self._palette_kind = IDS_KIND if header.label_map else PALETTE_KIND

    def checksum(self, kind: bytes, ordinal: int, body: Buffer) -> int:
        """CRC-32 of header, kind, ordinal and body (rule 3.2)."""
        return zlib.crc32(body, zlib.crc32(kind + struct.pack(">Q", ordinal), self._header))

    def palette(self, plain: bytes, payload: bytes | None = None) -> bytes:
        """The palette, or the table of ids in its place, with its checksum; where it is coded,
        by its payload."""
        body = plain if payload is None else pack_length(len(payload)) + payload
        return body + struct.pack(">I", self.palette_checksum(body))

    def palette_checksum(self, stored: Buffer) -> int:
        """CRC-32 of the palette, or of the table of ids, as it is stored."""
        return self.checksum(self._palette_kind, 0, stored)

    def sections(self, sections: Iterable[Section]) -> bytes:
        """The sections with END behind them."""
        parts = []
        for ordinal, (kind, data) in enumerate(
            [*((section.kind, section.data) for section in sections), (_END_KIND, b"")]
        ):
            head = kind + struct.pack(">I", len(data))
            parts += [head, struct.pack(">H", crc16(head)), data]
            parts.append(struct.pack(">I", self.checksum(kind, ordinal, data)))
        return b"".join(parts)

    def tile(self, index: int, payload: bytes) -> bytes:
        """A tile record."""
        checksum = self.tile_checksum(index, payload)
        return pack_length(len(payload)) + payload + struct.pack(">I", checksum)

    def tile_checksum(self, tile: int, payload: Buffer, frame: int = 0) -> int:
        """CRC-32 of a tile, of the frame of that number in a sequence."""
        return self.checksum(_TILE_KIND, frame * self._tiles + tile, payload)

    def check_tile(self, record: Record) -> None:
        """Raise ChecksumError unless the tile's checksum matches."""
        if self.tile_checksum(record.tile, record.payload, record.frame) != record.checksum:
            which = f"tile {record.tile}" + (f" of frame {record.frame}" if record.frame else "")
            raise ChecksumError(f"{which} is damaged: its checksum doesn't match")

    def directory(self, lengths: list[int]) -> bytes:
        """The directory with its checksum; nothing for one tile."""
        if len(lengths) < 2:
            return b""
        body = struct.pack(f">{len(lengths)}I", *lengths)
        return body + struct.pack(">I", self.directory_checksum(body))

    def directory_checksum(self, body: Buffer) -> int:
        """CRC-32 of a directory, of tiles or of frames."""
        return self.checksum(_DIRECTORY_KIND, 0, body)


def pack_length(length: int) -> bytes:
    """A payload's length in groups of seven bits, the most significant first;
    each byte but the last has its top bit set (rule 6.4)."""
    groups = [length & 0x7F]
    while length := length >> 7:
        groups.append(length & 0x7F | 0x80)
    return bytes(reversed(groups))


def record_size(payload: int) -> int:
    """Bytes of the record of a tile whose payload has that many."""
    return len(pack_length(payload)) + payload + CHECKSUM_SIZE


def read_sections(
    source: Source,
    header: Header,
    sealer: Sealer,
    check_size: Callable[[int], None] = lambda _: None,
) -> list[Section]:
    """The extension sections, those of unknown kinds included if optional; of mandatory ones FRAM
    alone is known.

    Args:
        source: stands where they begin.
        header, sealer: the file's.
        check_size: called with the bytes of the sections so far before the last of them is
            read; raises LimitError.

    Raises:
        UnsupportedError: a mandatory section that we don't know.
        LimitError, TruncatedError, ChecksumError, InvalidDataError
    """
    found: list[Section] = []
    total = 0
    while header.sections:
        part = f"section {len(found)}"
        kind, length = read_section_head(source, part)
        if kind != _END_KIND and len(found) == MAX_SECTIONS:
            raise InvalidDataError(f"over {MAX_SECTIONS} sections (rule 5.5)")
        total += length
        try:
            check_size(total)
        except LimitError:
            source.skip(length, part)  # what isn't there is no matter of limits
            raise
        data = bytes(source.read(length, part))
        check_crc(source, sealer.checksum(kind, len(found), data), part)
        if kind == _END_KIND:
            break
        section = Section(kind, data)
        check_known(section.kind, len(found))
        found.append(section)
    return found


def check_known(kind: bytes, ordinal: int) -> None:
    """Raise UnsupportedError if a section is a mandatory one that we don't know, and
    InvalidDataError if it may not stand in that place."""
    if kind[0] & 0x20:
        return
    if kind != FRAMES_KIND:
        raise UnsupportedError(
            f"the mandatory section {kind.decode('ascii')!r} needs a newer version of kqcodec"
        )
    if ordinal:
        raise InvalidDataError("the section FRAM isn't the first (rule 19.1)")


def read_section_head(source: Source, part: str) -> tuple[bytes, int]:
    """(kind, length) of the next section, checked before the data are read."""
    head = bytes(source.read(8, part))
    (checksum,) = struct.unpack(">H", source.read(2, part))
    if crc16(head) != checksum:
        raise ChecksumError(f"{part} is damaged: the checksum of its length doesn't match")
    kind, length = struct.unpack(">4sI", head)
    if not _is_kind(kind):
        raise InvalidDataError(f"{kind!r} is not a section's kind (rule 5.1)")
    if length > MAX_PAYLOAD:
        raise InvalidDataError(f"a section of {length:,} bytes is too long (rule 5.2)")
    if kind == _END_KIND and length:
        raise InvalidDataError("the END section isn't empty (rule 5.4)")
    return kind, length


def _is_kind(kind: bytes) -> bool:
    text = kind.decode("latin-1")
    return (
        len(kind) == 4 and text[0].isalpha() and text.isascii() and text.replace(" ", "0").isalnum()
    )


def read_record(source: Source, index: int, least: int, most: int) -> Record:
    """The tile record that the source stands at, with a payload of ``least`` to ``most``
    bytes; InvalidDataError if it has others, or its length isn't in the shortest form."""
    length = read_length(source, f"tile {index}")
    if not least <= length <= most:
        wanted = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        raise InvalidDataError(
            f"tile {index} claims {length:,} bytes; its labels take {wanted} (rule 6.6)"
        )
    payload = source.read(length, f"tile {index}")
    return Record(index, payload, read_u32(source, f"tile {index}"))


def wrong_directory() -> InvalidDataError:
    """The error that tiles lie elsewhere than the directory says."""
    return InvalidDataError("the directory disagrees with the tiles (rule 6.8)")


def read_length(source: Source, part: str, most: int = 4) -> int:
    """The payload's length that the source stands at, of so many bytes at most, or
    InvalidDataError; ``part`` is for messages."""
    length = 0
    for position in range(most):
        byte = source.read_byte(part)
        if position == 0 and byte == 0x80:
            break
        length = length << 7 | byte & 0x7F
        if byte < 0x80:
            return length
    raise InvalidDataError(f"{part} has a malformed length (rule 6.4)")


def read_u32(source: Source, part: str) -> int:
    """The number in the next four bytes, the most significant first; TruncatedError if there
    are fewer."""
    (value,) = struct.unpack(">I", source.read(4, part))
    return int(value)


def check_crc(source: Source, checksum: int, part: str) -> None:
    """Raise ChecksumError unless the source stands at that CRC-32."""
    if read_u32(source, part) != checksum:
        raise ChecksumError(f"{part} is damaged: its checksum doesn't match")


def read_directory(source: Source, header: Header, sealer: Sealer) -> array[int]:
    """The payload lengths of the tiles, from where the directory begins."""
    count = header.grid.count
    body = source.read(4 * count, "the directory")
    check_crc(source, sealer.directory_checksum(body), "the directory")
    lengths: array[int] = array("I")
    lengths.frombytes(body)
    if sys.byteorder == "little":
        lengths.byteswap()
    return lengths
