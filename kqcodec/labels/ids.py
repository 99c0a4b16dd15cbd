"""The label map: an array of ids of any integer dtype, a picture's or a volume's, and what they
mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.meaning import Meaning

if TYPE_CHECKING:
    from numpy.typing import NDArray

# COCO's panoptic pictures hold an id in three bytes: id = R + 256·G + 256²·B.
GREATEST_RGB_ID = (1 << 24) - 1
# A byte of an unsigned integer is worth this.
_RGB_WEIGHTS = (1, 1 << 8, 1 << 16)


@dataclass(frozen=True, eq=False)
class LabelMap:
    """The ids of a picture's pixels, or of a volume's voxels, and what they mean.

    An instance that exists is valid: shape and dtype are checked once, here.

    Attributes:
        values: bool or any integer dtype of up to 64 bits, native byte order; shape (H, W), or
            (Z, H, W) of a volume with Z slices. Where the third axis is 1, it is (H, W, 1), a
            picture. Read-only; a view of the array that was given, where that will do.
        meaning: names, colours, and so on.

    Raises:
        TypeError: the array holds something else, or is masked.
        ValueError: its shape is another, or it is empty.
    """

    values: NDArray[Any]
    meaning: Meaning = field(default_factory=Meaning)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _checked(self.values))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelMap):
            return NotImplemented
        mine, theirs = self.values, other.values
        same = mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
        return same and self.meaning == other.meaning

    __hash__ = None  # type: ignore[assignment]  # an array has none


def check_no_colors(array: Any) -> None:
    """Raise ValueError if an array looks like a picture in colours rather than like a volume."""
    shape, dtype = tuple(getattr(array, "shape", ())), getattr(array, "dtype", None)
    if len(shape) == 3 and shape[2] in (3, 4) and dtype == np.uint8:
        raise ValueError(
            f"uint8 of shape {shape} are taken for colours, not for labels: if three bytes "
            'are an id, label_map(array, ids="rgb") reads it (--ids rgb); a volume is '
            "LabelMap(array)"
        )


def whole_values(array: NDArray[Any], nodata: int | None) -> NDArray[Any]:
    """The ids of a float array whose values are whole, in the smallest integer dtype that
    holds them, of 8 bits at least; NaN becomes ``nodata``.

    Raises:
        ValueError: a value isn't whole, is beyond 64 bits or infinite, or is NaN and there is
            no ``nodata``.
    """
    unknown = np.isnan(array)
    if bool(unknown.any()) and nodata is None:
        raise ValueError("a label is NaN: say which id stands for it, with nodata=")
    known = np.where(unknown, array.dtype.type(0), array)
    if bool((known != np.rint(known)).any()) or bool(np.isinf(known).any()):
        raise ValueError("a label isn't a whole number")
    filled = int(nodata or 0)
    lowest, highest = min(int(known.min()), filled), max(int(known.max()), filled)
    dtype = _smallest_dtype(lowest, highest)
    found: NDArray[Any] = known.astype(dtype)
    found[unknown] = filled
    return found


def ids_of_rgb(samples: NDArray[Any]) -> NDArray[np.uint32]:
    """The ids of COCO's panoptic pictures, from uint8 of shape (H, W, 3); alpha, if there is
    any, is no part of them."""
    ids = np.zeros(samples.shape[:2], dtype=np.uint32)
    for channel, weight in enumerate(_RGB_WEIGHTS):
        ids += samples[:, :, channel].astype(np.uint32) * np.uint32(weight)
    return ids


def rgb_of_ids(values: NDArray[Any]) -> NDArray[np.uint8]:
    """The reverse, for ids from 0 to 2^24 - 1 of shape (H, W)."""
    ids = values.astype(np.uint32)
    return np.stack([(ids // np.uint32(w)).astype(np.uint8) for w in _RGB_WEIGHTS], axis=2)


def id_range(values: NDArray[Any]) -> tuple[int, int]:
    """The least and the greatest id."""
    return int(values.min()), int(values.max())


def is_volume(values: NDArray[Any]) -> bool:
    """Whether ids of a label map are those of a volume, (Z, H, W)."""
    return values.ndim == 3 and values.shape[2] != 1


def plane_of(values: NDArray[Any], what: str) -> NDArray[Any]:
    """The ids of a picture as (H, W); ValueError for a volume, of which ``what`` takes none."""
    if is_volume(values):
        raise ValueError(f"{what}, and this is a volume of shape {values.shape}: give a slice")
    return values.reshape(values.shape[:2])


def as_integers(values: NDArray[Any], what: str) -> NDArray[Any]:
    """Bools as uint8, anything else as it is; shape (H, W). ValueError as ``plane_of``."""
    flat = plane_of(values, what)
    return flat.view(np.uint8) if flat.dtype == np.bool_ else flat


def _smallest_dtype(lowest: int, highest: int) -> np.dtype[Any]:
    for size in (1, 2, 4, 8):
        for kind in "ui":
            dtype = np.dtype(f"{kind}{size}")
            limits = np.iinfo(dtype)
            if limits.min <= lowest and highest <= limits.max:
                return dtype
    raise ValueError(f"labels from {lowest} to {highest} need more than 64 bits")


def _checked(array: Any) -> NDArray[Any]:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("the array is masked: fill it first, with .filled(value)")
    found: NDArray[Any] = np.asarray(array)
    if found.dtype.kind == "f":
        raise TypeError(
            f"labels must be integers, not {found.dtype}: if all values are whole, "
            "label_map(array, whole=True) takes them (--whole)"
        )
    if found.dtype.kind not in "iub":
        raise TypeError(f"labels must be integers, not {found.dtype}")
    if found.ndim not in (2, 3):
        raise ValueError(f"labels must have shape (H, W) or (Z, H, W), not {found.shape}")
    if found.size == 0:
        raise ValueError(f"there are no labels: the shape is {found.shape}")
    native = found.astype(found.dtype.newbyteorder("="), copy=False)
    view = native.view()
    view.flags.writeable = False
    return view
