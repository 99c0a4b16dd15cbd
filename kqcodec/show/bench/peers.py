"""The other formats: PNG, GIF, WebP and JPEG XL, each at its smallest; of frames their
animations, each frame for a tenth of a second.

Foreign modules are imported by name where they are used: they are extras.
"""

from __future__ import annotations

import importlib
import io
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.show.bench.codec import Codec, Tool, needs
from kqcodec.show.bench.general import GENERAL, painted
from kqcodec.show.bench.subject import SECONDS

if TYPE_CHECKING:
    from kqcodec.show.bench.subject import Pixels, Shape, Subject

_OXIPNG_HIGHEST = 6
_MILLISECONDS = round(1000 * SECONDS)


def _pillow_bytes(subject: Subject, file_format: str, indexed: bool, **options: Any) -> bytes:
    from PIL import Image

    if indexed:
        first, *others = [picture.to_pil() for picture in subject.pictures]
    else:
        first, *others = map(Image.fromarray, subject.in_frames(subject.rgb))
    if others:
        options |= {"save_all": True, "append_images": others, "duration": _MILLISECONDS}
    buffer = io.BytesIO()
    first.save(buffer, file_format, **options)
    return buffer.getvalue()


def _pillow_pixels(data: bytes, shape: Shape) -> Pixels:
    """Of animations those of all frames; equal ones in a row may be stored as one that takes as
    long as all of them."""
    from PIL import Image, ImageSequence

    with Image.open(io.BytesIO(data)) as image:
        if not getattr(image, "is_animated", False):
            return np.tile(np.asarray(image.convert("RGB")), (shape.frames, 1, 1))
        found = []
        for frame in ImageSequence.Iterator(image):
            rgb = np.asarray(frame.convert("RGB"))
            found += [rgb] * round(frame.info["duration"] / _MILLISECONDS)
    return np.concatenate(found)


def _pillow(file_format: str, indexed: bool = True, **options: Any) -> tuple[Codec, ...]:
    """A format by Pillow, of the indexed image or of its RGB pixels."""
    encode = partial(_pillow_bytes, file_format=file_format, indexed=indexed, **options)
    return (Codec(encode, _pillow_pixels),)


def _oxipng(subject: Subject) -> bytes:
    """PNG by oxipng's highest preset, from Pillow's quick one."""
    oxipng = importlib.import_module("oxipng")
    png = _pillow_bytes(subject, "PNG", True, compress_level=1)
    chunks = oxipng.StripChunks
    strip = chunks.all() if subject.frames == 1 else chunks.safe()  # the others are frames
    return bytes(oxipng.optimize_from_memory(png, level=_OXIPNG_HIGHEST, strip=strip, force=False))


def _jxl(effort: int) -> tuple[Codec, Codec]:
    """Lossless JPEG XL of the labels as a grey picture behind the plain palette, and of the
    RGB pixels."""

    def encode_plane(subject: Subject) -> bytes:
        # Without the true depth, labels of 16 bits bring a container with them.
        bits = max(8, (subject.shape.k - 1).bit_length())
        plane = _jxl_encode(subject, subject.indexed.labels, effort, bits)
        return subject.indexed.palette.tobytes() + plane

    def decode_plane(data: bytes, shape: Shape) -> Pixels:
        plane = _jxl_decode(data[3 * shape.k :]).reshape(shape.rows, shape.width)
        return painted(plane, data[: 3 * shape.k], shape)

    return (
        Codec(encode_plane, decode_plane, "index plane", sees_order=True),
        Codec(lambda subject: _jxl_encode(subject, subject.rgb, effort, 8), _jxl_pixels, "RGB"),
    )


def _jxl_pixels(data: bytes, shape: Shape) -> Pixels:
    rgb: Pixels = _jxl_decode(data).reshape(shape.rows, shape.width, 3)
    return rgb


def _jxl_encode(subject: Subject, plane: Any, effort: int, bits: int) -> bytes:
    imagecodecs = importlib.import_module("imagecodecs")
    plane = plane if subject.frames == 1 else subject.in_frames(plane)
    return bytes(
        imagecodecs.jpegxl_encode(
            plane, effort=effort, lossless=True, bitspersample=bits, numthreads=1
        )
    )


def _jxl_decode(data: bytes) -> Any:
    return importlib.import_module("imagecodecs").jpegxl_decode(data, numthreads=1)


def _jxl_missing() -> str | None:
    reason = needs("imagecodecs", "imagecodecs")()
    if reason is None and not importlib.import_module("imagecodecs").JPEGXL.available:
        return "this imagecodecs was built without JPEG XL"
    return reason


def _webp_missing() -> str | None:
    from PIL import features

    return None if features.check("webp") else "this Pillow was built without WebP"


PEERS: tuple[Tool, ...] = (
    Tool("png", _pillow("PNG", optimize=True)),
    Tool("oxipng", (Codec(_oxipng, _pillow_pixels),), missing=needs("oxipng", "pyoxipng")),
    Tool(
        "gif",
        _pillow("GIF", optimize=True, interlace=0),
        max_colors=256,
        max_side=65_535,
    ),
    Tool(
        "webp",
        _pillow(
            "WEBP",
            indexed=False,
            lossless=True,
            method=6,
            quality=100,
            exact=True,
            minimize_size=True,
        ),
        missing=_webp_missing,
        max_side=16_383,
    ),
    Tool("jxl-7", _jxl(7), missing=_jxl_missing),
    Tool("jxl-9", _jxl(9), missing=_jxl_missing),
    *GENERAL,
)
