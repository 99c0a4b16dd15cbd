"""What else keeps label maps: the peers of `labels.py`, each with what reads it back.

A peer gets the map in the smallest unsigned type that holds its ids, so that none pays for
the array's own, and need not give that back. Those that know no ids over 65,535 get them as
COCO's panoptic PNG has them, in the channels of RGB (or RGBA), the lowest byte first.
"""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import brotli
import compressed_segmentation
import compresso
import crackle
import imagecodecs
import numpy as np
import oxipng
import tifffile
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

Labels = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Peer:
    """``decode`` gets what ``encode`` made and the map, of which it may take shape and type.

    An ``encode`` that can't store the map raises ValueError.
    """

    encode: Callable[[Labels], bytes]
    decode: Callable[[bytes, Labels], Labels]


def smallest(labels: Labels) -> Labels:
    """The map in the smallest unsigned type; negative ids as what their bits mean there."""
    if labels.dtype.kind == "i":
        labels = labels.view(labels.dtype.str.replace("i", "u"))
    return np.ascontiguousarray(labels.astype(np.min_scalar_type(int(labels.max()))))


def channels(labels: Labels) -> Labels:
    """Itself up to 16 bits, else each id in 3 or 4 bytes."""
    if labels.dtype.itemsize <= 2:
        return labels
    if int(labels.max()) >= 1 << 32:
        raise ValueError("ids over 32 bits")
    count = 3 if int(labels.max()) < 1 << 24 else 4
    parts = labels.astype("<u4")[..., None].view(np.uint8)
    return np.ascontiguousarray(parts[..., :count])


def from_channels(pixels: Labels, labels: Labels) -> Labels:
    if pixels.ndim == 2:
        return pixels
    parts = np.zeros((*labels.shape, 4), np.uint8)
    parts[..., : pixels.shape[2]] = pixels
    return parts.view("<u4")[..., 0].astype(labels.dtype, copy=False)


def png(labels: Labels) -> bytes:
    return bytes(oxipng.optimize_from_memory(imagecodecs.png_encode(channels(labels)), level=5))


def png_decode(data: bytes, labels: Labels) -> Labels:
    """The optimiser may have made a palette of ids up to 255: of greys, so any channel does."""
    pixels = imagecodecs.png_decode(data)
    if labels.dtype.itemsize == 1 and pixels.ndim == 3:
        pixels = pixels[..., 0]
    return from_channels(pixels, labels)


def jpeg_xl(labels: Labels) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(channels(labels), lossless=True, effort=9))


def jpeg_xl_decode(data: bytes, labels: Labels) -> Labels:
    return from_channels(imagecodecs.jpegxl_decode(data, numthreads=1), labels)


def webp(labels: Labels) -> bytes:
    """The lowest byte in green, from which WebP predicts the others."""
    if max(labels.shape) > 16383 or int(labels.max()) >= 1 << 24:
        raise ValueError("WebP has sides to 16,383 and 24 bits")
    parts = labels.astype("<u4")[..., None].view(np.uint8)
    stream = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(parts[..., (1, 0, 2)]))
    image.save(stream, "WEBP", lossless=True, quality=100, method=6, exact=True)
    return stream.getvalue()


def webp_decode(data: bytes, labels: Labels) -> Labels:
    pixels = imagecodecs.webp_decode(data)
    return from_channels(pixels[..., (1, 0, 2)], labels)


def tiff(compression: str, level: int | None, predictor: bool, labels: Labels) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(
        stream,
        labels,
        compression=compression,
        compressionargs={} if level is None else {"level": level},
        predictor=predictor,
        photometric="minisblack",
        rowsperstrip=labels.shape[0],
        metadata=None,
    )
    return stream.getvalue()


def tiff_decode(data: bytes, labels: Labels) -> Labels:
    return tifffile.imread(io.BytesIO(data), maxworkers=1)


def crackle_encode(model_order: int, labels: Labels) -> bytes:
    return bytes(crackle.compress(labels[..., None], markov_model_order=model_order, parallel=1))


def crackle_decode(data: bytes, labels: Labels) -> Labels:
    return crackle.decompress(data, parallel=1)[..., 0]


def compresso_encode(labels: Labels) -> bytes:
    return bytes(compresso.compress(np.asfortranarray(labels[..., None])))


def compresso_decode(data: bytes, labels: Labels) -> Labels:
    return compresso.decompress(data)[..., 0]


BLOCK = (8, 8, 1)


def segmentation_type(labels: Labels) -> type[np.unsignedinteger[Any]]:
    return np.uint64 if labels.dtype.itemsize == 8 else np.uint32


def segmentation_encode(labels: Labels) -> bytes:
    wide = labels.astype(segmentation_type(labels))[..., None]
    return bytes(compressed_segmentation.compress(wide, block_size=BLOCK, order="C"))


def segmentation_decode(data: bytes, labels: Labels) -> Labels:
    shape, dtype = (*labels.shape, 1), segmentation_type(labels)
    wide = compressed_segmentation.decompress(data, shape, dtype, block_size=BLOCK, order="C")
    return wide[..., 0]


def xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)


def under_xz(peer: Peer) -> Peer:
    return Peer(
        lambda labels: xz(peer.encode(labels)),
        lambda data, labels: peer.decode(lzma.decompress(data), labels),
    )


def of_bytes(
    encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes | bytearray]
) -> Peer:
    return Peer(
        lambda labels: encode(labels.tobytes()),
        lambda data, labels: np.frombuffer(decode(data), labels.dtype).reshape(labels.shape),
    )


def blosc(labels: Labels) -> bytes:
    return bytes(
        imagecodecs.blosc_encode(
            labels, level=9, compressor="zstd", shuffle="bit", typesize=labels.dtype.itemsize
        )
    )


def blosc_decode(data: bytes, labels: Labels) -> Labels:
    raw = imagecodecs.blosc_decode(data, numthreads=1)
    return np.frombuffer(raw, labels.dtype).reshape(labels.shape)


TIFFS = (("lzw", "lzw", None), ("deflate", "zlib", 9), ("zstd", "zstd", 19))
ALONE = {
    "crackle": Peer(partial(crackle_encode, 0), crackle_decode),
    "crackle-model": Peer(partial(crackle_encode, 3), crackle_decode),  # its best for pictures
    "compresso": Peer(compresso_encode, compresso_decode),
    "segmentation": Peer(segmentation_encode, segmentation_decode),
}
PEERS = {
    **ALONE,
    **{f"{name}+xz": under_xz(peer) for name, peer in ALONE.items()},
    "png": Peer(png, png_decode),
    "jpegxl": Peer(jpeg_xl, jpeg_xl_decode),
    "webp": Peer(webp, webp_decode),
    **{
        f"tiff-{name}{'-predictor' if predictor else ''}": Peer(
            partial(tiff, compression, level, predictor), tiff_decode
        )
        for name, compression, level in TIFFS
        for predictor in (False, True)
    },
    "xz": of_bytes(xz, lzma.decompress),
    "brotli": of_bytes(lambda data: brotli.compress(data, quality=11), brotli.decompress),
    "blosc-zstd": Peer(blosc, blosc_decode),
}
