"""The two steps in one: pixels to a .kq file, in memory or on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kqcodec.choice import QuantizeOptions
from kqcodec.coders import DEFAULT_CODER
from kqcodec.encoder import check_coding, encode_indexed, encoded_parts, in_order_of
from kqcodec.files import write_to
from kqcodec.image import IndexedImage
from kqcodec.quantizer import quantized

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from kqcodec.choice import QuantizeKeywords
    from kqcodec.layout import TileSize
    from kqcodec.pixels import ImageLike


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
