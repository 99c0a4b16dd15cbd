"""Labels and palettes as arrays: their types, a palette as bytes, and an array to be filled."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# uint8 where K is at most 256, else uint16; of a label map with over 65,536 ids uint32.
Labels: TypeAlias = NDArray[np.unsignedinteger[Any]]


LabelDType: TypeAlias = "type[np.uint8] | type[np.uint16] | type[np.uint32]"


def label_dtype(k: int) -> LabelDType:
    """The narrowest unsigned dtype that holds the labels 0..k-1."""
    return np.uint8 if k <= 1 << 8 else np.uint16 if k <= 1 << 16 else np.uint32


def palette_bytes(palette: NDArray[np.uint8]) -> bytes:
    """A palette, uint8 of shape (k, 3) or (k, 4), as it stands in a file: red, green and blue
    of each entry, then, where there is alpha, that of each entry (spec/kq.md, section 4)."""
    return palette[:, :3].tobytes() + palette[:, 3:].tobytes()


def palette_of_bytes(data: bytes, k: int) -> NDArray[np.uint8]:
    """The palette that stands in a file as these bytes: uint8, shape (k, 3), or (k, 4) where
    there are four bytes an entry; read-only."""
    flat = np.frombuffer(data, dtype=np.uint8)
    colors = flat[: 3 * k].reshape(k, 3)
    if len(flat) == 3 * k:
        return colors
    palette = np.empty((k, 4), dtype=np.uint8)
    palette[:, :3], palette[:, 3] = colors, flat[3 * k :]
    palette.flags.writeable = False  # as the buffer is
    return palette


def checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array that a label map is to fill; TypeError or ValueError if it can't."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    if out.dtype != dtype or out.shape != shape:
        raise ValueError(
            f"out must be of the label map's dtype and shape, {dtype} and {shape}, not "
            f"{out.dtype} and {out.shape}"
        )
    if not out.flags.writeable:
        raise ValueError("out can't be written to")
    return out
