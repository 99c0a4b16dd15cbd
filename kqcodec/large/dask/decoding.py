"""A .kq file as a dask array, whose chunks are decoded by whoever computes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask.array as da

from kqcodec.coding.lazy_array import LazyArray
from kqcodec.format.limits import DEFAULT_MAX_PIXELS

if TYPE_CHECKING:
    import os

# More chunks than these make Dask slow before anything is computed.
_MOST_CHUNKS = 4000


def decode(
    source: str | os.PathLike[str] | bytes,
    *,
    labels: bool = False,
    chunks: Any = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> da.Array:
    """A .kq file as a dask array, whose tiles are decoded where and when it is computed.

    Args:
        source: a path or a URL that fsspec knows (the extra "remote"), which every
            worker must be able to read; or the file's bytes.
        labels: the labels, shape (H, W), instead of the pixels, shape (H, W, 3), or
            (H, W, 4) where the file has alpha.
        chunks: as for ``dask.array.from_array``, best multiples of a tile's sides; None
            for a tile each, or squares of tiles where those would be thousands.
        max_pixels: a limit on the pixels of a chunk and of the tiles that it touches, as
            for ``KqFile.as_array``; None for none.

    Raises:
        FormatError: header, palette or directory are damaged, foreign or unsupported.
            A damaged tile is reported when it is computed.
        OSError: the file can't be read; later, a worker can't, or it has changed.
        ImportError: a URL needs what isn't installed.
        TypeError, ValueError: a wrong argument.
    """
    # Workers have several chunks in work at a time, and none is needed twice.
    view = LazyArray(source, labels=labels, cache_bytes=0, threads=1, max_pixels=max_pixels)
    wanted = _chunks_of_tiles(view) if chunks is None else chunks
    array: da.Array = da.from_array(  # type: ignore[no-untyped-call]
        view, chunks=wanted, asarray=False, fancy=False
    )
    return array


def _chunks_of_tiles(view: LazyArray) -> tuple[int, ...]:
    """The shape of chunks: a tile's, or that of rectangles of tiles where there are many."""
    high, wide = view.chunks[:2]
    height, width = view.shape[:2]
    while -(-height // high) * -(-width // wide) > _MOST_CHUNKS:
        if wide <= high and wide < width:
            wide *= 2
        else:
            high *= 2
    return (high, wide, *view.chunks[2:])
