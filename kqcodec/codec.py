"""The two steps in one: pixels to a .kq file, in memory or on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from kqcodec.clustering import DEFAULT_RESTARTS
from kqcodec.coders import DEFAULT_CODER
from kqcodec.effort import DEFAULT_EFFORT
from kqcodec.encoder import encode_indexed, encoded_parts
from kqcodec.files import write_whole
from kqcodec.image import IndexedImage
from kqcodec.quantizer import quantize

if TYPE_CHECKING:
    from collections.abc import Collection

    from kqcodec.encoder import TileSize
    from kqcodec.pixels import Color, ImageLike


def encode(
    image: ImageLike,
    k: int,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
    effort: str = DEFAULT_EFFORT,
    space: str = "rgb",
    seed: int = 0,
    restarts: int = DEFAULT_RESTARTS,
    threads: int | None = None,
    background: Color | None = None,
    keep: Collection[str] = (),
) -> bytes:
    """The bytes of a .kq file of ``image`` in at most ``k`` colours.

    The arguments are those of ``quantize`` and ``encode_indexed``, which it
    calls one after the other; so are the errors raised. The same arguments give
    the same bytes, whatever ``threads`` is.
    """
    indexed = quantize(
        image,
        k,
        effort=effort,
        space=space,
        seed=seed,
        restarts=restarts,
        threads=threads,
        background=background,
        keep=keep,
    )
    return encode_indexed(indexed, coder=coder, tile=tile, threads=threads)


def write(
    target: str | os.PathLike[str] | BinaryIO,
    image: ImageLike | IndexedImage,
    k: int | None = None,
    *,
    coder: str = DEFAULT_CODER,
    tile: TileSize = None,
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
            which may be a pipe.
        image: an indexed image, stored exactly, or an image to quantize.
        k: colours, for an image to quantize; otherwise None.
        coder, tile, effort, space, seed, restarts, threads, background, keep: as for
            ``encode``.
        overwrite: whether an existing file may be replaced.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written.
        ImageError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument.
    """
    if isinstance(image, IndexedImage):
        if k is not None:
            raise TypeError("k is for images to quantize; an IndexedImage has its own")
        indexed = image
    elif k is None:
        raise TypeError("k, the number of colours, is missing")
    else:
        indexed = quantize(
            image,
            k,
            effort=effort,
            space=space,
            seed=seed,
            restarts=restarts,
            threads=threads,
            background=background,
            keep=keep,
        )
    parts = encoded_parts(indexed, coder=coder, tile=tile, threads=threads)
    if isinstance(target, (str, os.PathLike)):
        return write_whole(target, parts, overwrite)
    written = 0
    for part in parts:
        target.write(part)
        written += len(part)
    return written
