"""The short form of a small file (spec/kq.md, section 12): the same contents under one checksum.

    ┌───────┬──────────────┬───────┬───────┬───────┬─────────┬────────┬─────────┬────────┐
    │ CB 6B │ coder, flags │ W − 1 │ H − 1 │ K − 1 │ palette │ length │ payload │ CRC-32 │
    └───────┴──────────────┴───────┴───────┴───────┴─────────┴────────┴─────────┴────────┘

A black picture of 16 x 16 is CB 6B 42 0F 0F 00, 01 6D (the coded palette), 00 (no payload) and
20 19 0B 5F. A file is shortened when it is written, and expanded when its first bytes are read,
so that nothing else has to know of this form.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from kqcodec.errors import ChecksumError, InvalidDataError
from kqcodec.format.container import Sealer, pack_length, read_length
from kqcodec.format.header import (
    CHECKSUM_SIZE,
    HEADER_SIZE,
    MAJOR,
    MAX_COLORS,
    MINOR,
    SHORT_SIGNATURE,
    SIGNATURE,
    Header,
    crc16,
)
from kqcodec.format.sizes import predictable
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from kqcodec.format.source import Source

# Up to this a CRC-32 notices any three flipped bits (it does to 11 kB), and the other form
# has less than half a per cent more.
MAX_SIZE = 4096

_VERSION = MAJOR << 4 | MINOR
_CODER_AND_FLAGS = slice(6, 7)  # of the header


def shorten(header: Header, palette: Buffer, payload: Buffer) -> bytes | None:
    """The short form of a file of one tile; None if it has none.

    ``palette`` is as it is stored, without its checksum.
    """
    if not _has_short_form(header) or memoryview(payload).nbytes > MAX_SIZE:
        return None
    length = pack_length(memoryview(payload).nbytes)
    body = b"".join((start(header), palette, length, payload))
    if len(body) + CHECKSUM_SIZE > MAX_SIZE:
        return None
    return body + zlib.crc32(body).to_bytes(CHECKSUM_SIZE, "big")


def _has_short_form(header: Header) -> bool:
    return (
        not predictable(header.coder)
        and not header.sections
        and header.tile_exponents == (0, 0)
        and header.minor == MINOR
    )


def start(header: Header) -> bytes:
    """What precedes the palette."""
    sides = (header.width, header.height, header.k)
    numbers = b"".join(pack_length(side - 1) for side in sides)
    return SHORT_SIGNATURE + header.to_bytes()[_CODER_AND_FLAGS] + numbers


def expand(data: bytes) -> tuple[Header, bytes]:
    """(header, bytes) of the long form of a short file.

    Raises:
        ChecksumError: it is damaged, or these aren't all of its bytes.
        InvalidDataError, UnsupportedError, TruncatedError: its checksum matches, but there is
            no such file.
    """
    if len(data) > MAX_SIZE:
        raise InvalidDataError(f"a file in the short form has over {MAX_SIZE:,} bytes (rule 12.1)")
    body, checksum = data[:-CHECKSUM_SIZE], data[-CHECKSUM_SIZE:]
    if zlib.crc32(body) != int.from_bytes(checksum, "big"):
        raise ChecksumError(
            "the file is damaged, cut short, or goes on behind its end: its checksum doesn't match"
        )
    source = BufferSource(body, len(SHORT_SIGNATURE))
    coder_and_flags = bytes([source.read_byte("its start")])
    width, height, k = (read_length(source, part) + 1 for part in ("width", "height", "K"))
    if k > MAX_COLORS:
        raise InvalidDataError(f"a palette of {k} colours is impossible (rule 2.7)")
    fields = SIGNATURE + bytes((_VERSION,)) + coder_and_flags
    fields += struct.pack(">xIIH", width, height, k - 1)
    long = fields + struct.pack(">H", crc16(fields))
    header = Header.from_bytes(long)
    if not _has_short_form(header):
        raise InvalidDataError("the short form is of another kind of file (rule 12.1)")
    coded = header.coded_palette or header.label_map
    size = read_length(source, "the palette") if coded else header.palette_size
    palette = bytes(source.read(size, "the palette"))
    payload = bytes(source.read(read_length(source, "tile 0"), "tile 0"))
    if source.position < len(body):
        raise InvalidDataError("bytes follow the tile of the short form (rule 12.2)")
    sealer = Sealer(header)
    long += sealer.palette(palette, palette if coded else None)
    return header, long + sealer.tile(0, payload)


def read_header(source: Source) -> Header:
    """The header, from the start of a file, which stands behind it then. A short file is read
    whole, and the source goes on in its long form.

    Errors are those of ``Header.from_bytes`` and ``expand``.
    """
    data = bytes(source.read_up_to(HEADER_SIZE))
    if not data.startswith(SHORT_SIGNATURE):
        return Header.from_bytes(data)
    data += bytes(source.read_up_to(MAX_SIZE + 1 - len(data)))
    header, long = expand(data)
    source.expand(long)
    source.seek(HEADER_SIZE)
    return header
