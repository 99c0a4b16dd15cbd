"""Frames as animations of other formats: GIF, APNG and WebP.

Every frame is written, also where nothing changes, with its duration in the format's units. Pixels
come back as they were, but those of transparent ones, which nobody sees, in GIF.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kqcodec.coding.export import carried
from kqcodec.frames.export.apng import apng_parts
from kqcodec.frames.export.gif import gif_parts
from kqcodec.frames.export.patches import FrameSequence
from kqcodec.frames.export.webp import webp_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqcodec.images.indexed_image import IndexedImage

_PARTS = {"GIF": gif_parts, "PNG": apng_parts, "WEBP": webp_parts}
ANIMATED = tuple(_PARTS)  # the formats, by the names that Pillow has for them


def animation_parts(
    frames: Iterable[IndexedImage], file_format: str, *, plays: int = 0
) -> Iterator[bytes]:
    """The parts of a file of frames, which are drawn as they are written; of WebP and APNG the
    file is held back to the end, in a temporary one if it is large.

    Args:
        frames: indexed images of one size and one palette, at least one, with their durations; a
            tenth of a second where there is none. Metadata are those of the first.
        file_format: one of ``ANIMATED``.
        plays: how often they are to be shown; 0 for ever.

    Raises:
        ValueError: the format can't hold them: the size, the colours or transparency of a frame,
            a duration, or the number of plays.
        ImageError: as for ``kqcodec.coding.export.pillow_bytes``.

    Warns:
        ConversionWarning: Exif or XMP are left out, or frames so short can't be had.
    """
    each = iter(frames)
    first = next(each)
    palette, metadata = carried(first.palette, first.metadata, file_format)
    sequence = FrameSequence(palette, metadata, itertools.chain([first], each), plays)
    yield from _PARTS[file_format](sequence)
