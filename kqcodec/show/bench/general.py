"""General compressors on the bare labels, one or two bytes each, and the palette."""

from __future__ import annotations

import importlib
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels
from kqcodec.show.bench.codec import Tool, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqcodec.show.bench.subject import Pixels, Shape, Subject


@dataclass(frozen=True)
class RawCodec:
    """The palette, plain or with the labels in the compressor, then the labels.

    Attributes:
        compress, decompress: of bytes.
        palette_inside: whether the compressor sees the palette, too.
    """

    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]
    palette_inside: bool
    sees_order: bool = False

    @property
    def name(self) -> str:
        """See ``Codec``."""
        return "palette compressed" if self.palette_inside else "palette plain"

    def encode(self, subject: Subject) -> bytes:
        """See ``Codec``."""
        palette = subject.indexed.palette.tobytes()
        labels = subject.indexed.labels.astype(_stored_dtype(subject.shape.k)).tobytes()
        if self.palette_inside:
            return self.compress(palette + labels)
        return palette + self.compress(labels)

    def decode(self, data: bytes, shape: Shape) -> Pixels:
        """See ``Codec``."""
        size = 3 * shape.k
        if self.palette_inside:
            content = self.decompress(data)
            palette, labels = content[:size], content[size:]
        else:
            palette, labels = data[:size], self.decompress(data[size:])
        plane = np.frombuffer(labels, _stored_dtype(shape.k))
        return painted(plane.reshape(shape.height, shape.width), palette, shape)


def _stored_dtype(k: int) -> np.dtype[Any]:
    return np.dtype(label_dtype(k)).newbyteorder("<")


def painted(labels: Any, palette: bytes, shape: Shape) -> Pixels:
    """The pixels of labels, by the same kernel that paints .kq files.

    Raises:
        ValueError: labels of another shape, or outside 0..K-1.
    """
    plane = np.ascontiguousarray(labels, dtype=label_dtype(shape.k))
    if plane.shape != (shape.height, shape.width) or int(plane.max()) >= shape.k:
        raise ValueError(f"labels of shape {plane.shape}, up to {int(plane.max())}")
    rgb = np.empty((shape.height, shape.width, 3), dtype=np.uint8)
    kernels.paint(plane, np.frombuffer(palette, np.uint8).reshape(shape.k, 3), rgb)
    return rgb


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)


def _brotli(data: bytes) -> bytes:
    return bytes(importlib.import_module("brotli").compress(data, quality=11, lgwin=24))


def _from_brotli(data: bytes) -> bytes:
    return bytes(importlib.import_module("brotli").decompress(data))


def _zstd(data: bytes) -> bytes:
    return bytes(importlib.import_module("zstandard").ZstdCompressor(level=22).compress(data))


def _from_zstd(data: bytes) -> bytes:
    return bytes(importlib.import_module("zstandard").ZstdDecompressor().decompress(data))


def _both(
    compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes]
) -> tuple[RawCodec, RawCodec]:
    return RawCodec(compress, decompress, False), RawCodec(compress, decompress, True)


GENERAL: tuple[Tool, ...] = (
    Tool("xz", _both(_xz, lzma.decompress)),
    Tool("brotli", _both(_brotli, _from_brotli), missing=needs("brotli", "brotli")),
    Tool("zstd", _both(_zstd, _from_zstd), missing=needs("zstandard", "zstandard")),
)
