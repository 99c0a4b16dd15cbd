"""General compressors on the bare labels, one or two bytes each, and the palette."""

from __future__ import annotations

import importlib
import lzma
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.format.labels import Labels, label_dtype
from kqcodec.kernels import kernels
from kqcodec.show.bench.codec import Codec, Tool, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqcodec.show.bench.subject import Pixels, Shape, Subject

_XZ_PRESET = 9 | lzma.PRESET_EXTREME


def _codecs(
    compress: Callable[[bytes], bytes], decompress: Callable[[bytes], bytes]
) -> tuple[Codec, Codec]:
    """A compressor on the labels behind the plain palette, and on both."""

    def encode(subject: Subject) -> bytes:
        content, size = _content(subject), 3 * subject.shape.k
        return content[:size] + compress(content[size:])

    def decode(data: bytes, shape: Shape) -> Pixels:
        return _pixels(data[: 3 * shape.k] + decompress(data[3 * shape.k :]), shape)

    return (
        Codec(encode, decode, "palette plain"),
        Codec(
            lambda subject: compress(_content(subject)),
            lambda data, shape: _pixels(decompress(data), shape),
            "palette compressed",
        ),
    )


def _content(subject: Subject) -> bytes:
    labels = subject.indexed.labels.astype(_stored_dtype(subject.shape.k))
    return subject.indexed.palette.tobytes() + labels.tobytes()


def _pixels(content: bytes, shape: Shape) -> Pixels:
    plane = np.frombuffer(content, _stored_dtype(shape.k), offset=3 * shape.k)
    return painted(plane.reshape(shape.rows, shape.width), content[: 3 * shape.k], shape)


def _stored_dtype(k: int) -> np.dtype[Any]:
    return np.dtype(label_dtype(k)).newbyteorder("<")


def painted(labels: Any, palette: bytes, shape: Shape) -> Pixels:
    """The pixels of labels, by the same kernel that paints .kq files; raises ValueError where
    the labels have another shape, or are outside 0..K-1."""
    plane: Labels = np.ascontiguousarray(labels, dtype=label_dtype(shape.k))
    if plane.shape != (shape.rows, shape.width) or int(plane.max()) >= shape.k:
        raise ValueError(f"labels of shape {plane.shape}, up to {int(plane.max())}")
    rgb = np.empty((shape.rows, shape.width, 3), dtype=np.uint8)
    kernels.paint(plane, np.frombuffer(palette, np.uint8).reshape(shape.k, 3), rgb)
    return rgb


def _brotli(data: bytes) -> bytes:
    return bytes(importlib.import_module("brotli").compress(data, quality=11, lgwin=24))


def _from_brotli(data: bytes) -> bytes:
    return bytes(importlib.import_module("brotli").decompress(data))


def _zstd(data: bytes) -> bytes:
    return bytes(importlib.import_module("zstandard").ZstdCompressor(level=22).compress(data))


def _from_zstd(data: bytes) -> bytes:
    return bytes(importlib.import_module("zstandard").ZstdDecompressor().decompress(data))


GENERAL: tuple[Tool, ...] = (
    Tool("xz", _codecs(partial(lzma.compress, preset=_XZ_PRESET), lzma.decompress)),
    Tool("brotli", _codecs(_brotli, _from_brotli), missing=needs("brotli", "brotli")),
    Tool("zstd", _codecs(_zstd, _from_zstd), missing=needs("zstandard", "zstandard")),
)
