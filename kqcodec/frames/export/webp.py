"""Frames as animated WebP, without loss.

libwebp compresses each frame's rectangle; the file is put together here, for its own way of
saving animations joins frames that are alike, and Pillow keeps all of them in memory for it. See
https://developers.google.com/speed/webp/docs/riff_container.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from kqcodec.coding.export import pillow_bytes
from kqcodec.frames.export.clock import Clock
from kqcodec.frames.export.patches import check_plays, contents, patches, spooled
from kqcodec.images.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.frames.export.patches import FrameSequence, Patch

_MOST_PLAYS = 2**16 - 1
_MOST_MILLISECONDS = 2**24 - 1
_MOST_BYTES = 2**32 - 10
# Flags of the chunk VP8X, and of ANMF: what a rectangle does with what was there.
_ICC, _ALPHA, _EXIF, _XMP, _ANIMATION = 0x20, 0x10, 0x08, 0x04, 0x02
_REPLACE, _OVER = 0x02, 0x00


def webp_parts(sequence: FrameSequence) -> Iterator[bytes]:
    """The parts of the file; errors are those of ``animation_parts``."""
    check_plays(sequence.plays, _MOST_PLAYS, "WebP")
    clock = Clock.ticking("WebP", 1000, _MOST_MILLISECONDS)
    each = patches(sequence, "WEBP", step=2)
    first = next(each)
    blend = _OVER if sequence.lies_over else _REPLACE
    width, height = first.image.size
    chunks = dict(_chunks(pillow_bytes(first.image, "WEBP", sequence.metadata)))
    flags = _ANIMATION | _ALPHA
    for kind, flag in ((b"ICCP", _ICC), (b"EXIF", _EXIF), (b"XMP ", _XMP)):
        flags |= flag if kind in chunks else 0
    front = b"WEBP" + _chunk(
        b"VP8X", struct.pack("<B3x", flags) + _of_24_bits(width - 1, height - 1)
    )
    front += _kept(chunks, b"ICCP") + _chunk(b"ANIM", struct.pack("<4xH", sequence.plays))
    back = _kept(chunks, b"EXIF") + _kept(chunks, b"XMP ")

    def frames() -> Iterator[bytes]:
        yield _frame(first, chunks[b"VP8L"], clock, blend)
        for patch in each:
            data = pillow_bytes(patch.image, "WEBP", Metadata())
            yield _frame(patch, dict(_chunks(data))[b"VP8L"], clock, blend)

    with spooled(frames()) as file:  # how large they are stands ahead of them
        clock.finish()
        size = len(front) + file.tell() + len(back)
        if size > _MOST_BYTES:
            raise ValueError(f"WebP files have at most {_MOST_BYTES:,} bytes, not {size:,}")
        yield b"RIFF" + struct.pack("<I", size) + front
        yield from contents(file)
        yield back


def _frame(patch: Patch, pixels: bytes, clock: Clock, blend: int) -> bytes:
    """The chunk ANMF of a frame."""
    width, height = patch.image.size
    milliseconds = int(clock.next(patch.duration) * 1000)
    head = _of_24_bits(patch.left // 2, patch.top // 2, width - 1, height - 1, milliseconds)
    return _chunk(b"ANMF", head + bytes([blend]) + _chunk(b"VP8L", pixels))


def _of_24_bits(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(3, "little") for number in numbers)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _kept(chunks: dict[bytes, bytes], kind: bytes) -> bytes:
    """A chunk of the first frame's file, if it has it."""
    return _chunk(kind, chunks[kind]) if kind in chunks else b""


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk of a WebP file."""
    place = len(b"RIFF....WEBP")
    while place < len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
