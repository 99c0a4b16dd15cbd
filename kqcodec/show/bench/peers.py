"""The other formats: PNG, GIF, WebP and JPEG XL, each at its smallest.

Foreign modules are imported by name where they are used: they are extras.
"""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.show.bench.codec import Codec, Tool, needs
from kqcodec.show.bench.general import GENERAL, painted

if TYPE_CHECKING:
    from kqcodec.show.bench.subject import Frame, Pixels, Subject

_OXIPNG_HIGHEST = 6


@dataclass(frozen=True)
class PillowCodec:
    """A format by Pillow: indexed where it can be, else RGB."""

    file_format: str
    options: tuple[tuple[str, Any], ...]
    indexed: bool = True
    name: str = ""
    sees_order: bool = False

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        from PIL import Image

        image = subject.indexed.to_pil() if self.indexed else Image.fromarray(subject.rgb)
        buffer = io.BytesIO()
        image.save(buffer, self.file_format, **dict(self.options))
        return buffer.getvalue()

    def decode(self, data: bytes, frame: Frame) -> Pixels:
        """See ``Codec``."""
        from PIL import Image

        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))


@dataclass(frozen=True)
class OxipngCodec:
    """PNG by oxipng's highest preset, from Pillow's quick one."""

    name: str = ""
    sees_order: bool = False

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        oxipng = importlib.import_module("oxipng")
        png = PillowCodec("PNG", (("compress_level", 1),)).encode(subject)
        return bytes(
            oxipng.optimize_from_memory(
                png, level=_OXIPNG_HIGHEST, strip=oxipng.StripChunks.all(), force=False
            )
        )

    def decode(self, data: bytes, frame: Frame) -> Pixels:
        """See ``Codec``."""
        return PillowCodec("PNG", ()).decode(data, frame)


@dataclass(frozen=True)
class JxlPixels:
    """JPEG XL of the RGB picture, lossless."""

    effort: int
    name: str = "RGB"
    sees_order: bool = False

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        return _jxl_encode(subject.rgb, self.effort, 8)

    def decode(self, data: bytes, frame: Frame) -> Pixels:
        """See ``Codec``."""
        rgb: Pixels = _jxl_decode(data)
        return rgb


@dataclass(frozen=True)
class JxlPlane:
    """JPEG XL of the labels as a grey picture, lossless, behind the plain palette."""

    effort: int
    name: str = "index plane"
    sees_order: bool = True

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        # Without the true depth, labels of 16 bits bring a container with them.
        bits = max(8, (subject.frame.k - 1).bit_length())
        plane = _jxl_encode(subject.indexed.labels, self.effort, bits)
        return subject.indexed.palette.tobytes() + plane

    def decode(self, data: bytes, frame: Frame) -> Pixels:
        """See ``Codec``."""
        return painted(_jxl_decode(data[3 * frame.k :]), data[: 3 * frame.k], frame)


def _jxl_encode(plane: Any, effort: int, bits: int) -> bytes:
    imagecodecs = importlib.import_module("imagecodecs")
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


def _pillow(file_format: str, indexed: bool = True, **options: bool | int) -> tuple[Codec, ...]:
    return (PillowCodec(file_format, tuple(options.items()), indexed),)


PEERS: tuple[Tool, ...] = (
    Tool("png", _pillow("PNG", optimize=True)),
    Tool("oxipng", (OxipngCodec(),), missing=needs("oxipng", "pyoxipng")),
    Tool(
        "gif",
        _pillow("GIF", optimize=True, interlace=0),
        max_colors=256,
        max_side=65_535,
    ),
    Tool(
        "webp",
        _pillow("WEBP", indexed=False, lossless=True, method=6, quality=100, exact=True),
        missing=_webp_missing,
        max_side=16_383,
    ),
    Tool("jxl-7", (JxlPlane(7), JxlPixels(7)), missing=_jxl_missing),
    Tool("jxl-9", (JxlPlane(9), JxlPixels(9)), missing=_jxl_missing),
    *GENERAL,
)
