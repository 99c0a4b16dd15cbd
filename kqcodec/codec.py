"""Pixels to .kq files and back, in memory or on disk; and files opened, to read parts of them."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, BinaryIO, Literal

from kqcodec.coding.decoder import Opened, pixels_of
from kqcodec.coding.encoder import encoded_parts, in_order_of
from kqcodec.coding.kq_file import KqFile
from kqcodec.coding.label_files import encoded_labels
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.format.names import DEFAULT_CODER
from kqcodec.format.source import BufferSource
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.labels.ids import LabelMap
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import quantized
from kqcodec.storage.atomic_write import write_to
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer, Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.coding.repair.colors import Fill
    from kqcodec.format.names import CoderName
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import QuantizeKeywords
    from kqcodec.storage.opening import Readable


def encode(
    image: ImageLike | IndexedImage | LabelMap,
    k: int | None = None,
    *,
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    **options: Unpack[QuantizeKeywords],
) -> bytes:
    """The bytes of a .kq file of ``image``.

    An image is quantized, as ``quantize`` does it. Then its palette is put in the order that
    the coder makes the most of, unless it is given or ``sort`` names another. The same
    arguments give the same bytes, whatever ``threads`` is.

    Args:
        image: whatever ``quantize`` accepts; or an indexed image, which is stored exactly:
            the order of its palette, unused entries and alpha included; or a label map, as
            ``encode_labels`` stores it.
        k: colours, for an image to quantize; otherwise, or with a ``palette``, None.
        coder, tile: how labels are coded; see ``kqcodec.coding.options``.
        options: those of ``quantize``; ``effort`` and ``threads`` are the coder's, too.

    Raises:
        ColorsError, ImageError, PaletteError, OSError: as for ``quantize``.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    return b"".join(_parts(image, k, coder, tile, options))


def write(
    target: str | os.PathLike[str] | BinaryIO,
    image: ImageLike | IndexedImage | LabelMap,
    k: int | None = None,
    *,
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    overwrite: bool = True,
    **options: Unpack[QuantizeKeywords],
) -> int:
    """Write the .kq file that ``encode`` makes of the same arguments.

    Args:
        target: a path, where the file appears when it is complete and replaces
            an older one unless ``overwrite`` is false; or a binary file object,
            which may be a pipe. All bytes are written to it, also where it takes a
            few at a time.
        image, k, coder, tile, options: as for ``encode``.
        overwrite: whether an existing file may be replaced.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written; BlockingIOError if it is a file in
            non-blocking mode without room.
        ColorsError, ImageError, PaletteError: as for ``quantize``.
        TypeError, ValueError: a wrong argument.
    """
    if not isinstance(target, (str, os.PathLike)) and not hasattr(target, "write"):
        raise TypeError(
            f"the target must be a path or a binary file, not {type(target).__name__}; "
            "it comes first: write(target, image, k)"
        )
    return write_to(target, _parts(image, k, coder, tile, options), overwrite)


def _parts(
    image: ImageLike | IndexedImage | LabelMap,
    k: int | None,
    coder: CoderName,
    tile: TileSize,
    options: QuantizeKeywords,
) -> Iterator[bytes]:
    """The parts of the file; all but the coding of tiles is done when this returns."""
    chosen = QuantizeOptions(**options)
    coding = chosen.coding(coder, tile)
    if isinstance(image, (IndexedImage, LabelMap)):
        if k is not None:
            raise TypeError("k is for images to quantize; this one has its own labels")
        if chosen.fixed is not None or len(chosen.pinned) or chosen.strength:
            raise TypeError("palette, pins and dither are for images to quantize")
        if isinstance(image, LabelMap):
            return encoded_labels(image.values, coding, image.meaning.sections())
        return encoded_parts(image, coding)
    indexed = quantized(image, k, chosen)
    if chosen.order_is_free:
        indexed = in_order_of(coder, indexed)
    return encoded_parts(indexed, coding)


def decode(
    data: Buffer,
    *,
    errors: Literal["strict", "recover"] = "strict",
    fill: Fill | int | None = None,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> NDArray[np.uint8]:
    """The picture in the bytes of a .kq file, or its first frame.

    Args:
        data: the whole file: bytes, bytearray, memoryview or another buffer.
        errors: "strict" to refuse a damaged file; "recover" for its undamaged tiles, and
            a colour in place of the others: ``KqFile.recover`` tells which they are.
        fill: with "recover", that colour, as for ``KqFile.recover``.
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
    if fill is not None and errors == "strict":
        raise ValueError("fill is for errors='recover'")
    try:
        data = memoryview(data)
    except TypeError as exc:
        raise TypeError(
            f"expected the bytes of a .kq file, not {type(data).__name__}; "
            "read() takes paths and files"
        ) from exc
    if errors == "strict":
        opened = Opened.from_source(BufferSource(data), Limits.of(max_pixels))
        return pixels_of(opened, threads)
    from kqcodec.coding.repair.recover import DamageWarning

    saved = KqFile(data, threads=threads, max_pixels=max_pixels).recover(fill=fill)
    if saved.lost:
        first = ", ".join(str(tuple(box)) for box in saved.boxes[:3])
        more = ", ..." if len(saved.lost) > 3 else ""
        message = f"{len(saved.lost):,} of {saved.tiles:,} tiles are lost: {first}{more}"
        warnings.warn(message, DamageWarning, stacklevel=2)
    return saved.to_pixels()


def read_pixels(
    source: Readable, *, threads: int | None, max_pixels: int | None
) -> NDArray[np.uint8]:
    """What ``decode`` returns, of whatever ``read`` reads."""
    with open_source(source) as opened_source:
        return pixels_of(Opened.from_source(opened_source, Limits.of(max_pixels)), threads)


def open(
    source: Readable,
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> KqFile:
    """Open a .kq file to read parts of it, or what is known about it.

    Args:
        source: a path, a URL that fsspec knows (the extra ``remote``): http, s3, zip, ...;
            the file's bytes; or a binary file object, which stays open. A pipe is read once,
            from front to end.
        threads: how many threads decode tiles; None for as many as there are processors.
        max_pixels: a limit on what is read at a time, and on the work that it takes, see
            ``kqcodec.format.limits``; None for none.

    Raises:
        OSError: the file can't be opened.
        ImportError: a URL needs what isn't installed.
        TypeError, ValueError: a wrong argument.
    """
    return KqFile(source, threads=threads, max_pixels=max_pixels)
