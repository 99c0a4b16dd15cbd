"""The two steps in one: pixels to a .kq file, in memory or on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from kqcodec.clustering import DEFAULT_RESTARTS
from kqcodec.coders import DEFAULT_CODER
from kqcodec.dither import DEFAULT_DITHER_KIND
from kqcodec.effort import DEFAULT_EFFORT
from kqcodec.encoder import check_coding, encode_indexed, encoded_parts, in_order_of
from kqcodec.files import write_to
from kqcodec.image import IndexedImage
from kqcodec.quantizer import quantize
from kqcodec.sorting import DEFAULT_SORT

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from kqcodec.color_lists import Colors, PaletteLike
    from kqcodec.layout import TileSize
    from kqcodec.pixels import Color, ImageLike


def encode(
    image: ImageLike,
    k: int | None = None,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
    palette: PaletteLike | None = None,
    pins: Colors = (),
    sort: str = DEFAULT_SORT,
    dither: float = 0.0,
    dither_kind: str = DEFAULT_DITHER_KIND,
    effort: str = DEFAULT_EFFORT,
    space: str = "rgb",
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
) -> bytes:
    """The bytes of a .kq file of ``image`` in at most ``k`` colours, or in a palette.

    The arguments are those of ``quantize`` and ``encode_indexed``, which it
    calls one after the other; so are the errors raised. ``effort`` is that of both.
    Between them the palette is put in the order that the coder makes the most of,
    unless it is given or ``sort`` names another. The same arguments give the same
    bytes, whatever ``threads`` is.
    """
    check_coding(coder, effort, tile)
    indexed = quantize(
        image,
        k,
        palette=palette,
        pins=pins,
        sort=sort,
        dither=dither,
        dither_kind=dither_kind,
        effort=effort,
        space=space,
        seed=seed,
        restarts=restarts,
        threads=threads,
        background=background,
        keep=keep,
    )
    if palette is None and sort == DEFAULT_SORT:
        indexed = in_order_of(coder, indexed)
    return encode_indexed(indexed, coder=coder, effort=effort, tile=tile, threads=threads)


def write(
    target: str | os.PathLike[str] | BinaryIO,
    image: ImageLike | IndexedImage,
    k: int | None = None,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
    palette: PaletteLike | None = None,
    pins: Colors = (),
    sort: str = DEFAULT_SORT,
    dither: float = 0.0,
    dither_kind: str = DEFAULT_DITHER_KIND,
    effort: str = DEFAULT_EFFORT,
    space: str = "rgb",
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
    overwrite: bool = True,
) -> int:
    """Write a .kq file.

    Args:
        target: a path, where the file appears when it is complete and replaces
            an older one unless ``overwrite`` is false; or a binary file object,
            which may be a pipe. All bytes are written to it, also where it takes a
            few at a time.
        image: an indexed image, stored exactly, or an image to quantize.
        k: colours, for an image to quantize; otherwise, or with a ``palette``, None.
        coder, tile, palette, pins, sort, dither, dither_kind, effort, space, seed,
            restarts, threads, background, keep: as for ``encode``.
        overwrite: whether an existing file may be replaced.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written; BlockingIOError if it is a file in
            non-blocking mode without room.
        ImageError, PaletteError: the image or palette can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    check_coding(coder, effort, tile)
    if isinstance(image, IndexedImage):
        if k is not None:
            raise TypeError("k is for images to quantize; an IndexedImage has its own")
        if palette is not None or len(pins) or dither:
            raise TypeError("palette, pins and dither are for images to quantize")
        indexed = image
    else:
        indexed = quantize(
            image,
            k,
            palette=palette,
            pins=pins,
            sort=sort,
            dither=dither,
            dither_kind=dither_kind,
            effort=effort,
            space=space,
            seed=seed,
            restarts=restarts,
            threads=threads,
            background=background,
            keep=keep,
        )
        if palette is None and sort == DEFAULT_SORT:
            indexed = in_order_of(coder, indexed)
    parts = encoded_parts(indexed, coder=coder, effort=effort, tile=tile, threads=threads)
    return write_to(target, parts, overwrite)
