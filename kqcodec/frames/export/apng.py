"""Frames as APNG: a PNG file whose further frames stand in chunks of their own.

Pillow compresses each frame's rectangle; the chunks are put together here, for its own way of
saving animations joins frames that are alike, keeps all of them in memory, and rounds durations.
See the specification of PNG, third edition, 11.3.6.
"""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

from kqcodec.coding.export import pillow_bytes
from kqcodec.frames.export.clock import Clock
from kqcodec.frames.export.patches import check_plays, contents, patches, spooled
from kqcodec.images.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.frames.export.patches import FrameSequence, Patch

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_PLAYS = 2**31 - 1
_MOST = 65_535  # of numerator and denominator of a delay
_KEEP = 0  # what becomes of a rectangle behind its frame
_REPLACE, _OVER = 0, 1  # what it does with what was there


def apng_parts(sequence: FrameSequence) -> Iterator[bytes]:
    """The parts of the file; errors are those of ``animation_parts``."""
    check_plays(sequence.plays, _MOST_PLAYS, "APNG")
    clock = Clock("APNG", _nearest, Fraction(1, _MOST), Fraction(_MOST))
    each = patches(sequence, "PNG")
    first = next(each)
    blend = _OVER if sequence.lies_over else _REPLACE
    chunks = list(_chunks(pillow_bytes(first.image, "PNG", sequence.metadata)))
    pixels = [number for number, (kind, _) in enumerate(chunks) if kind == b"IDAT"]
    count = 1

    def further() -> Iterator[bytes]:
        nonlocal count
        number = 1  # of the chunks that are numbered
        for patch in each:
            yield _control(number, patch, clock, blend)
            data = pillow_bytes(patch.image, "PNG", Metadata())
            for part in (body for kind, body in _chunks(data) if kind == b"IDAT"):
                number += 1
                yield _chunk(b"fdAT", struct.pack(">I", number) + part)
            number += 1
            count += 1

    control = _control(0, first, clock, blend)
    with spooled(further()) as file:  # how many there are stands ahead of them
        clock.finish()
        yield _SIGNATURE + _chunk(*chunks[0])
        yield _chunk(b"acTL", struct.pack(">II", count, sequence.plays))
        yield from (_chunk(*chunk) for chunk in chunks[1 : pixels[0]])
        yield control
        yield from (_chunk(*chunks[number]) for number in pixels)
        yield from contents(file)
        yield from (_chunk(*chunk) for chunk in chunks[pixels[-1] + 1 :])


def _control(number: int, patch: Patch, clock: Clock, blend: int) -> bytes:
    """The chunk fcTL of a frame."""
    duration = clock.next(patch.duration)
    place = *patch.image.size, patch.left, patch.top
    delay = duration.numerator, duration.denominator
    return _chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *place, *delay, _KEEP, blend))


def _nearest(duration: Fraction) -> Fraction:
    """The nearest fraction of two numbers of 16 bits."""
    most = max(1, min(_MOST, int(_MOST / duration)))
    found = duration.limit_denominator(most)
    return Fraction(min(found.numerator, _MOST), found.denominator)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk of a PNG file."""
    place = len(_SIGNATURE)
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        yield kind, data[place + 8 : place + 8 + size]
        place += size + 12
