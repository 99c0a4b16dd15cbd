"""Arrays as blocks: NumPy's, in memory or mapped from a file, zarr's, and whatever else
has a shape and can be sliced."""

from __future__ import annotations

import mmap
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ImageError
from kqcodec.images.blocks.base import Blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.grid import Box


class ArrayBlocks(Blocks):
    """An array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Raises:
        TypeError: the array is masked.
        ValueError: it has another shape, or no pixels.
    """

    def __init__(self, array: Any, name: str) -> None:
        if isinstance(array, np.ma.MaskedArray):
            raise TypeError("the array is masked: fill it first, with .filled(value)")
        shape = tuple(int(side) for side in array.shape)
        if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
            raise ValueError(
                f"{name} must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), not {shape}"
            )
        if 0 in shape:
            raise ValueError(f"{name} has no pixels: its shape is {shape}")
        self.name = name
        self.height, self.width = shape[:2]
        self.samples = shape[2] if len(shape) == 3 else 0
        self._array = array
        # What isn't NumPy's or zarr's may not like two threads.
        library = type(array).__module__.partition(".")[0]
        safe = isinstance(array, np.ndarray) or library == "zarr"
        self._lock: AbstractContextManager[object] = nullcontext() if safe else threading.Lock()
        self.chunk = _chunk_of(array)
        dtype = getattr(array, "dtype", None)
        first = array[0:1, 0:1] if dtype is None else None
        self.dtype = np.dtype(dtype) if first is None else np.asarray(first).dtype

    def read(self, box: Box) -> NDArray[Any]:
        """The samples of a rectangle, copied; ValueError if a slice has another shape."""
        with self._lock:
            block = np.array(self._array[box.slices], order="C")
        wanted = (box.height, box.width) + ((self.samples,) if self.samples else ())
        if block.shape != wanted:
            raise ValueError(f"a slice has shape {block.shape}, not {wanted}")
        _release_pages(self._array)
        return block


def _chunk_of(array: Any) -> tuple[int, int] | None:
    """What is stored together, (width, height), where an array tells: zarr's and h5py's
    ``chunks`` are sides, dask's lists of them."""
    chunks = getattr(array, "shards", None) or getattr(array, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) < 2:
        return None
    sides = [max(side) if isinstance(side, tuple) else int(side) for side in chunks[:2]]
    return sides[1], sides[0]


def _release_pages(array: Any) -> None:
    """Give the pages of a mapped file back that were read and count as this process's memory;
    the system keeps them as long as there is room."""
    # Of a private copy (mode "c") what was written would be lost.
    if isinstance(array, np.memmap) and array.mode in ("r", "r+"):
        mapped = getattr(array, "_mmap", None)
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)


def npy_blocks(path: str) -> ArrayBlocks:
    """The array of a .npy file, left where it is; OSError if it can't be opened, ImageError if
    it is damaged, or holds no such array."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as exc:
        # The header is Python, and NumPy's parser of it raises what Python's does.
        raise ImageError(f"{path} can't be read as a NumPy array: {exc}") from exc
    return _array_of_file(array, path)


def zarr_blocks(path: str) -> ArrayBlocks:
    """A zarr array in a folder; ImageError if there is none, ImportError without zarr."""
    try:
        import zarr
    except ImportError as exc:
        raise ImportError(
            f"{path}: reading zarr arrays needs zarr; pip install 'kqcodec[zarr]' brings it"
        ) from exc
    try:
        found = zarr.open(path, mode="r")
    except Exception as exc:
        raise ImageError(f"{path} can't be read as a zarr array: {exc}") from exc
    if not hasattr(found, "shape"):
        members = ", ".join(sorted(found)[:8])
        raise ImageError(f"{path} is a group of arrays ({members}); name one of them, as a folder")
    return _array_of_file(found, path)


def _array_of_file(array: Any, path: str) -> ArrayBlocks:
    try:
        blocks = ArrayBlocks(array, path)
    except (TypeError, ValueError) as exc:
        raise ImageError(str(exc)) from exc
    blocks.of_file = True
    return blocks
