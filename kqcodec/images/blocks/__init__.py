"""How are pictures that needn't fit into memory read, rectangle by rectangle?

    path.tif   kqcodec.images.blocks.tiff     tiles and strips, BigTIFF too
    path.npy   kqcodec.images.blocks.arrays   read where it lies
    path.zarr  kqcodec.images.blocks.arrays   chunk by chunk
    arrays     kqcodec.images.blocks.arrays   whatever has a shape and can be sliced
    pipes      kqcodec.images.blocks.raw      raw pixels, once, from the top

What they give are samples as they are stored; ``kqcodec.images.blocks.samples`` makes pixels of
them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias

from kqcodec.images.blocks.arrays import ArrayBlocks, npy_blocks, zarr_blocks
from kqcodec.images.blocks.base import Blocks, Interpretation
from kqcodec.images.blocks.raw import RawPixels

if TYPE_CHECKING:
    # A path, a NumPy array or anything like one, raw pixels from a pipe, or blocks.
    BlockSource: TypeAlias = "str | os.PathLike[str] | RawPixels | Blocks | Any"

__all__ = ["ArrayBlocks", "Blocks", "Interpretation", "RawPixels", "open_blocks"]

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".svs", ".ome")
# Names of what Pillow doesn't read, or not in pieces.
ARRAY_SUFFIXES = (".npy", ".zarr")


def open_blocks(source: BlockSource) -> Blocks:
    """The picture ``source`` as blocks, to be closed after use.

    Args:
        source: the path of a .tif, .npy or .zarr; an array of shape (H, W), (H, W, 1),
            (H, W, 3) or (H, W, 4), NumPy's or anything with ``shape`` that can be
            sliced; ``RawPixels``.

    Raises:
        ImageError: the file is damaged, or can't be read in pieces.
        ImportError: what reads such files isn't installed.
        OSError: the file can't be opened.
        TypeError, ValueError: something else, or an array of another shape.
    """
    if isinstance(source, Blocks):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _of_path(os.fspath(source))
    if hasattr(source, "shape") and hasattr(source, "__getitem__"):
        return ArrayBlocks(source, "the array")
    raise TypeError(
        f"can't read a picture in pieces from {type(source).__name__}: give a path, an array "
        "with a shape, or RawPixels"
    )


def _of_path(path: str) -> Blocks:
    suffix = os.path.splitext(path.rstrip("/" + os.sep))[1].lower()
    if suffix == ".npy":
        return npy_blocks(path)
    if suffix == ".zarr" or os.path.isdir(path):
        return zarr_blocks(path)
    if suffix not in TIFF_SUFFIXES:
        raise ValueError(
            f"{path}: pictures are read in pieces from .tif, .npy and .zarr, not {suffix or 'this'}"
        )
    from kqcodec.images.blocks.tiff import TiffBlocks

    return TiffBlocks(path)
