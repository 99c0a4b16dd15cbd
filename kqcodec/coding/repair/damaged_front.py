"""What of a damaged file can be trusted: header, palette, sections, and where tiles are.

Nothing is taken whose checksum doesn't match, with one exception: a header of which one
byte, the signature or the checksum is wrong is put right, where the checksum of the
palette, which covers the header, then proves it.
"""

from __future__ import annotations

import operator
import re
import struct
from dataclasses import dataclass
from itertools import islice, product
from typing import TYPE_CHECKING

from kqcodec.coding.id_table import IdTable, read_table
from kqcodec.coding.palette import read_palette
from kqcodec.errors import ChecksumError, FormatError, LimitError, UnsupportedError
from kqcodec.format import container
from kqcodec.format.container import (
    FRAMES_KIND,
    MAX_PAYLOAD,
    MAX_SECTIONS,
    SECTION_KINDS,
    Sealer,
    Section,
)
from kqcodec.format.header import HEADER_SIZE, SIGNATURE, Header, crc16
from kqcodec.format.sizes import table_range
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.format.limits import Limits

_FRAMES_SIZE = 34  # of the section FRAM
_END_HEAD = b"END \0\0\0\0"
_HEAD_SIZE = 10  # kind, length and CRC-16
# Behind a section whose length is lost, sections are looked for by the kinds that we know:
# that many sections on, at so many places, so that no file makes this long.
_LOST_SECTIONS = 16
_MOST_PLACES = 1024
_KNOWN_KINDS = b"|".join(SECTION_KINDS.values())


@dataclass(frozen=True)
class Damage:
    """Something that is wrong with a file.

    Attributes:
        part: "header", "palette", "table of ids", "section 3", "tile 5", "directory" or "end".
        problem: what is the matter with it, in words that follow the part's name.
    """

    part: str
    problem: str

    def __str__(self) -> str:
        return f"{self.part}: {self.problem}"


@dataclass(frozen=True)
class Front:
    """What survives ahead of the tiles.

    Attributes:
        header: the header, put right if need be.
        palette: its plain bytes; None if it is damaged, or there is a table in its place.
        table: the table of ids of a label map; None if it is damaged, or there is none.
        stored_palette: the one or the other as it stands in the file, with its checksum.
        sections: those that are sound.
        first_record: where the tiles begin; None if damage hides it.
        search_from: from where on they can begin.
        damages: what is wrong.
    """

    header: Header
    palette: bytes | None
    table: IdTable | None
    stored_palette: bytes
    sections: list[Section]
    first_record: int | None
    search_from: int
    damages: list[Damage]


def read_front(data: memoryview, limits: Limits) -> Front:
    """What survives ahead of the tiles of a file, whose bytes are ``data``.

    FormatError if there is no header, a mandatory section asks for what this version lacks, or
    something is over a limit.
    """
    header, problem = _read_header(data, limits)
    limits.check_picture(header)
    limits.check_tile(header)
    damages = [Damage("header", problem)] if problem else []
    sealer = Sealer(header)
    found, end = _read_palette(data, header, sealer, limits)
    if found is None:
        part = "table of ids" if header.label_map else "palette"
        damages.append(Damage(part, "its checksum doesn't match"))
    palette = found if isinstance(found, bytes) else None
    table = found if isinstance(found, IdTable) else None
    stored = bytes(data[HEADER_SIZE:end]) if end is not None else b""
    if end is None or not header.sections:
        return Front(header, palette, table, stored, [], end, end or HEADER_SIZE, damages)
    sections, first, lost = _read_sections(data, end, sealer, limits.check_metadata)
    return Front(header, palette, table, stored, sections, first, end, damages + lost)


# --- header --------------------------------------------------------------------


def _read_header(data: memoryview, limits: Limits) -> tuple[Header, str]:
    """The header, and what was put right in it, "" for nothing; FormatError where it can't be."""
    raw = bytes(data[:HEADER_SIZE])
    try:
        return Header.from_bytes(raw), ""
    except FormatError as exc:
        # What has a right checksum is not damaged, but foreign to this version.
        if len(raw) == HEADER_SIZE and not isinstance(exc, (UnsupportedError, LimitError)):
            for changed in _near_headers(raw):
                header = _proven(changed, data, limits)
                if header is not None:
                    return header, "it was damaged and has been put right"
        raise


def _near_headers(raw: bytes) -> Iterator[bytes]:
    """Headers with a right checksum that differ from ``raw`` in the signature, in the
    checksum, or in one byte, besides the signature."""
    fields = SIGNATURE + raw[len(SIGNATURE) : -2]
    checksum = raw[-2:]
    yield fields + struct.pack(">H", crc16(fields))
    changed = bytearray(fields)
    for place in range(len(SIGNATURE), len(fields)):
        for value in range(256):
            changed[place] = value
            if struct.pack(">H", crc16(bytes(changed))) == checksum:
                yield bytes(changed) + checksum
        changed[place] = fields[place]


def _proven(raw: bytes, data: memoryview, limits: Limits) -> Header | None:
    """The header, if the checksum of the palette, or the table of ids, is that of a file with
    this one."""
    try:
        header = Header.from_bytes(raw)
    except FormatError:
        return None
    return None if _read_palette(data, header, Sealer(header), limits)[0] is None else header


# --- palette, or table of ids -----------------------------------------------------


def _read_palette(
    data: memoryview, header: Header, sealer: Sealer, limits: Limits
) -> tuple[bytes | IdTable | None, int | None]:
    """(plain bytes or the table, where the part ends); None for what damage hides."""
    source = BufferSource(data, HEADER_SIZE)
    found: bytes | IdTable
    try:
        if header.label_map:
            found = read_table(source, header, sealer, limits)
        else:
            found = read_palette(source, header, sealer)
    except LimitError:
        raise
    except FormatError:
        if header.coded_palette:
            return None, _end_of_payload(data, 0, header.palette_size - 1)
        if header.label_map:
            return None, _end_of_payload(data, *table_range(header, header.sections))
        return None, HEADER_SIZE + header.palette_size + 4
    return found, source.position


def _end_of_payload(data: memoryview, least: int, most: int) -> int | None:
    """Where a damaged one ends, if its length is one that can be."""
    source = BufferSource(data, HEADER_SIZE)
    try:
        size = container.read_length(source, "the palette")
    except FormatError:
        return None
    return source.position + size + 4 if least <= size <= most else None


# --- sections ------------------------------------------------------------------


def _read_sections(
    data: memoryview, start: int, sealer: Sealer, check: Callable[[int], None]
) -> tuple[list[Section], int | None, list[Damage]]:
    """(sound sections, where the tiles begin or None, damages)."""
    found: list[Section] = []
    damages: list[Damage] = []
    position, ordinal, total = start, 0, 0
    mended = _mended_frames(data, start, sealer)
    if mended is not None:
        found.append(mended)
        damages.append(Damage("section 0", "it was damaged and has been put right"))
        position, ordinal, total = start + _FRAMES_SIZE, 1, len(mended.data)
    while ordinal <= MAX_SECTIONS:
        head = _section_head(data, position)
        if head is None:
            damages.append(Damage(f"section {ordinal}", "its kind and length are damaged"))

            def check_more(size: int, before: int = total) -> None:
                check(before + size)

            more, first = _behind_damage(data, position, ordinal, sealer, check_more)
            return found + more, first, damages
        kind, length = head
        end = position + _HEAD_SIZE + length + 4
        total += length
        check(total)
        sound = _sound(data, position, head, ordinal, sealer)
        if kind == b"END " and length == 0:
            if not sound:
                damages.append(Damage(f"section {ordinal}", "its checksum doesn't match"))
            return found, end, damages
        if sound is None or ordinal == MAX_SECTIONS:  # where only END can be
            break
        container.check_known(kind, ordinal)
        if sound:
            section = data[position + _HEAD_SIZE : end - 4]
            found.append(Section(kind, bytes(section)))
        else:
            damages.append(Damage(f"section {ordinal}", "its checksum doesn't match"))
        position = end
        ordinal += 1
    damages.append(Damage(f"section {ordinal}", "it is cut off, or isn't one"))
    return found, None, damages


def _mended_frames(data: memoryview, start: int, sealer: Sealer) -> Section | None:
    """The section that says how frames follow each other, if it is damaged in one byte, or in no
    more than its kind and length; None if it isn't damaged, or another one. ChecksumError if it is
    one, and can't be put right, since nothing can be saved without it."""
    head = _section_head(data, start)
    if head is not None and head[0] != FRAMES_KIND:
        return None
    if head is not None and _sound(data, start, head, 0, sealer):
        return None
    raw = bytes(data[start + _HEAD_SIZE : start + _FRAMES_SIZE])
    body, stored = raw[:-4], raw[-4:]
    if len(raw) == _FRAMES_SIZE - _HEAD_SIZE:
        right = struct.pack(">I", sealer.checksum(FRAMES_KIND, 0, body))
        if sum(map(operator.ne, right, stored)) <= 1:
            return Section(FRAMES_KIND, body)
        for place, byte in product(range(len(body)), range(256)):
            changed = body[:place] + bytes([byte]) + body[place + 1 :]
            if sealer.checksum(FRAMES_KIND, 0, changed) == int.from_bytes(stored, "big"):
                return Section(FRAMES_KIND, changed)
    if head is None:
        return None
    raise ChecksumError(
        "what says how the frames follow each other is damaged, and without it none can be saved"
    )


def _section_head(data: memoryview, position: int) -> tuple[bytes, int] | None:
    """(kind, length) of the section that begins there; None if damage hides it."""
    try:
        return container.read_section_head(BufferSource(data, position), "section")
    except FormatError:
        return None


def _sound(
    data: memoryview, position: int, head: tuple[bytes, int], ordinal: int, sealer: Sealer
) -> bool | None:
    """Whether the section's checksum matches; None where it ends behind the file."""
    kind, length = head
    body = data[position + _HEAD_SIZE : position + _HEAD_SIZE + length]
    stored = data[position + _HEAD_SIZE + length :][:4]
    if body.nbytes < length or stored.nbytes < 4:
        return None
    return sealer.checksum(kind, ordinal, body) == int.from_bytes(stored, "big")


def _behind_damage(
    data: memoryview, position: int, ordinal: int, sealer: Sealer, check: Callable[[int], None]
) -> tuple[list[Section], int | None]:
    """(sections of kinds that we know behind one whose head is damaged, where the tiles
    begin); the latter is what the section END tells."""
    found: list[Section] = []
    total = 0
    end, last = _find_end(data, position, ordinal, sealer)
    limit = len(data) if end is None else end
    for place in islice(_places(data, _KNOWN_KINDS, position, limit), _MOST_PLACES):
        head = _section_head(data, place)
        if head is None or place < position:
            continue
        for number in range(ordinal, min(ordinal + _LOST_SECTIONS, last)):
            if _sound(data, place, head, number, sealer):
                kind, length = head
                total += length
                check(total)
                found.append(Section(kind, bytes(data[place + _HEAD_SIZE :][:length])))
                position, ordinal = place + _HEAD_SIZE + length + 4, number + 1
                break
    return found, None if end is None else end + _HEAD_SIZE + 4


def _find_end(
    data: memoryview, position: int, ordinal: int, sealer: Sealer
) -> tuple[int | None, int]:
    """(where the section END begins, its ordinal); (None, the most) if there is none."""
    head = _END_HEAD + struct.pack(">H", crc16(_END_HEAD))
    ends = {sealer.checksum(b"END ", n, b""): n for n in range(ordinal, MAX_SECTIONS + 1)}
    for place in _places(data, re.escape(head), position, len(data)):
        stored = int.from_bytes(data[place + _HEAD_SIZE :][:4], "big")
        if stored in ends:
            return place, ends[stored]
    return None, MAX_SECTIONS


def _places(data: memoryview, pattern: bytes, start: int, stop: int) -> Iterator[int]:
    """Where that stands, within the longest run that sections can be."""
    stop = min(stop, start + MAX_PAYLOAD)
    yield from (match.start() for match in re.compile(pattern).finditer(data, start, stop))
