"""The two steps in one: pixels to a .kq file, in memory or on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kqcodec.coding.encoder import check_coding, encode_indexed, encoded_parts, in_order_of
from kqcodec.coding.options import DEFAULT_CODER
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import quantized
from kqcodec.storage.atomic_write import write_to

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from kqcodec.coding.layout import TileSize
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import QuantizeKeywords

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened, _buffer, _decode_records
from kqcodec.format import container
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits, memory_for
from kqcodec.kernels import kernels
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.repair.recover import Fill
    from kqcodec.storage.opening import Readable


def encode(
    image: ImageLike,
    k: int | None = None,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
    **options: Unpack[QuantizeKeywords],
) -> bytes:
    """The bytes of a .kq file of ``image`` in at most ``k`` colours, or in a palette.

    The arguments are those of ``quantize`` and ``encode_indexed``, which it
    calls one after the other; so are the errors raised. ``effort`` is that of both.
    Between them the palette is put in the order that the coder makes the most of,
    unless it is given or ``sort`` names another. The same arguments give the same
    bytes, whatever ``threads`` is.
    """
    chosen = QuantizeOptions(**options)
    check_coding(coder, chosen.effort, tile)
    indexed = quantized(image, k, chosen)
    if chosen.order_is_free:
        indexed = in_order_of(coder, indexed)
    return encode_indexed(
        indexed, coder=coder, effort=chosen.effort, tile=tile, threads=chosen.threads
    )


def write(
    target: str | os.PathLike[str] | BinaryIO,
    image: ImageLike | IndexedImage,
    k: int | None = None,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
    overwrite: bool = True,
    **options: Unpack[QuantizeKeywords],
) -> int:
    """Write a .kq file.

    Args:
        target: a path, where the file appears when it is complete and replaces
            an older one unless ``overwrite`` is false; or a binary file object,
            which may be a pipe. All bytes are written to it, also where it takes a
            few at a time.
        image: an indexed image, stored exactly, or an image to quantize.
        k: colours, for an image to quantize; otherwise, or with a ``palette``, None.
        coder, tile: as for ``encode``.
        overwrite: whether an existing file may be replaced.
        options: as for ``encode``.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written; BlockingIOError if it is a file in
            non-blocking mode without room.
        ImageError, PaletteError: the image or palette can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    chosen = QuantizeOptions(**options)
    check_coding(coder, chosen.effort, tile)
    if isinstance(image, IndexedImage):
        if k is not None:
            raise TypeError("k is for images to quantize; an IndexedImage has its own")
        if chosen.fixed is not None or len(chosen.pinned) or chosen.strength:
            raise TypeError("palette, pins and dither are for images to quantize")
        indexed = image
    else:
        indexed = quantized(image, k, chosen)
        if chosen.order_is_free:
            indexed = in_order_of(coder, indexed)
    parts = encoded_parts(
        indexed, coder=coder, effort=chosen.effort, tile=tile, threads=chosen.threads
    )
    return write_to(target, parts, overwrite)


def decode(
    data: Buffer,
    *,
    errors: str = "strict",
    fill: Fill | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> NDArray[np.uint8]:
    """The picture in the bytes of a .kq file.

    Args:
        data: the whole file: bytes, bytearray, memoryview or another buffer.
        errors: "strict" to refuse a damaged file; "recover" for its undamaged tiles, and
            a colour in place of the others: ``kqcodec.recover`` tells which they are.
        fill: with "recover", that colour, as for ``kqcodec.recover``.
        threads: how many threads decode tiles; None for as many as there are
            processors. The pixels don't depend on it.
        max_pixels: refuse larger pictures, and those that take more work than pictures
            of that size do, see ``kqcodec.format.limits``; None for no limit.

    Returns:
        uint8, shape (H, W, 3); (H, W, 4) where the file has alpha.

    Raises:
        FormatError: the file is damaged, foreign or over the limit.
        TypeError: ``data`` is not a buffer (for a path, see ``read``).
        ValueError: no such way to treat errors, or a fill without "recover".

    Warns:
        kqcodec.coding.repair.recover.DamageWarning: with "recover", something is lost.
    """
    if errors not in ("strict", "recover"):
        raise ValueError(f"errors must be 'strict' or 'recover', not {errors!r}")
    if errors == "recover":
        from kqcodec.coding.repair.recover import recovered_pixels

        return recovered_pixels(_buffer(data), fill=fill, threads=threads, max_pixels=max_pixels)
    if fill is not None:
        raise ValueError("fill is for errors='recover'")
    return read_pixels(_buffer(data), threads=threads, max_pixels=max_pixels)


def read_pixels(
    source: Readable, *, threads: int | None, max_pixels: int | None
) -> NDArray[np.uint8]:
    """The same from any source; arguments and errors as for ``read``."""
    limits = Limits.of(max_pixels)
    with open_source(source) as opened_source:
        opened = Opened.from_source(opened_source, limits)
        shape = (opened.header.height, opened.header.width, opened.palette.shape[1])
        with memory_for(opened.header):
            pixels = np.empty(shape, dtype=np.uint8)

        def place(record: container.Record) -> None:
            box, labels = opened.decode_tile(record)
            kernels.paint(labels, opened.palette, pixels, box.upper, box.left)

        _decode_records(opened, opened.records(), place, threads, pixels.nbytes)
    return pixels
