"""The indexed image: a palette and labels, the one thing that passes between
quantizing and coding.
"""

from __future__ import annotations

import copy
import importlib
import io
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import Labels, label_dtype
from kqcodec.images.metadata import Metadata
from kqcodec.images.pixels import WHITE, flattened

if TYPE_CHECKING:
    import os
    from fractions import Fraction

    from numpy.typing import DTypeLike
    from PIL import Image

    from kqcodec.colors.costs import Costs
    from kqcodec.images.pixels import Color


_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False, repr=False)
class IndexedImage:
    """A picture of K colours: ``palette[labels]`` are its pixels.

    An instance that exists is valid: shapes, dtypes and the range of the
    labels are checked once, here. Both arrays are read-only; one that could be
    written to is copied.

    Attributes:
        palette: uint8, shape (K, 3), or (K, 4) with alpha (0 transparent, 255
            opaque, colours not premultiplied), K from 1 to 65,536. Order and
            unused or repeated entries are kept as given.
        labels: uint8 where K is at most 256, else uint16; shape (H, W), each
            value in 0..K-1.
        costs: what quantizing cost, where the image comes from ``quantize``.
        metadata: ICC profile, Exif and XMP, if the file has them or ``quantize``
            was told to keep them. No part of the comparison of two images.
        duration: seconds that it is shown, where it is a frame of an animation; no part of the
            comparison either.

    Raises:
        TypeError: an array is not of an integer dtype.
        ValueError: a wrong shape, an empty image, or a label outside 0..K-1.
    """

    palette: NDArray[np.uint8]
    labels: Labels
    costs: Costs | None = field(default=None)
    metadata: Metadata = field(default=Metadata())
    duration: Fraction | None = field(default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "palette", _checked_palette(self.palette))
        object.__setattr__(self, "labels", _checked_labels(self.labels, self.k))

    @property
    def k(self) -> int:
        """The number of palette entries."""
        return int(self.palette.shape[0])

    @property
    def has_alpha(self) -> bool:
        """Whether the palette has alpha."""
        return int(self.palette.shape[1]) == 4

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.labels.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.labels.shape[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, IndexedImage):
            return NotImplemented
        return np.array_equal(self.palette, other.palette) and np.array_equal(
            self.labels, other.labels
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value, and large

    def __repr__(self) -> str:
        duration = "" if self.duration is None else f", {float(self.duration):g} s"
        return f"<IndexedImage {self.width}x{self.height}, K = {self.k}{duration}>"

    def lasting(self, duration: Fraction | None) -> IndexedImage:
        """The same picture, with the same arrays, shown for so many seconds."""
        same = copy.copy(self)  # which doesn't check the labels once more
        object.__setattr__(same, "duration", duration)
        return same

    def flattened(self, background: Color = WHITE) -> IndexedImage:
        """A copy whose palette has no alpha, its colours composited on a background."""
        palette = flattened(self.palette, background)
        return replace(self, palette=palette, costs=None)

    def to_pixels(self) -> NDArray[np.uint8]:
        """The pixels: uint8, shape (H, W, 3), or (H, W, 4) with alpha."""
        return self._painted(self.palette)

    def to_rgb(self, background: Color = WHITE) -> NDArray[np.uint8]:
        """The pixels without alpha, composited on a background: uint8, shape (H, W, 3)."""
        return self._painted(flattened(self.palette, background))

    def to_rgba(self) -> NDArray[np.uint8]:
        """The pixels with alpha, all of it 255 where the palette has none: uint8,
        shape (H, W, 4)."""
        opaque = np.full((self.k, 1), 255, dtype=np.uint8)
        return self._painted(np.hstack([self.palette, opaque])[:, :4])

    def to_pil(self) -> Image.Image:
        """A Pillow image: mode P with this palette and these labels where K is at most
        256, else mode RGB. With alpha, mode P has ``info["transparency"]``, a byte for
        each entry, and the other mode is RGBA. ``info`` has the metadata."""
        from PIL import Image

        if self.k > 256:
            image = Image.fromarray(self.to_pixels())
        else:
            image = Image.fromarray(np.asarray(self.labels, dtype=np.uint8)).convert("L")
            image.putpalette(self.palette[:, :3].tobytes(), "RGB")
            if self.has_alpha:
                image.info["transparency"] = self.palette[:, 3].tobytes()
        image.info.update(self.metadata.pillow_info())
        return image

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> int:
        """Write the picture to a file, in the format that the extension of its name says.

        ``.kq`` keeps everything, and ``.npz`` palette and labels. Up to 256 colours, PNG and
        GIF keep palette and labels as they are, without alpha BMP and TIFF too. ``.npy`` and
        what else Pillow writes get pixels. Profile, Exif and XMP go along where the format
        carries them. The file appears when it is complete.

        Args:
            path: where to.
            overwrite: whether an existing file may be replaced.

        Returns:
            The bytes written.

        Raises:
            FileExistsError: there is a file, and ``overwrite`` is false.
            OSError: the file can't be written.
            ValueError: the extension names no format, or one that can't hold the picture as
                it is: its size, transparency or colours.

        Warns:
            kqcodec.images.pixels.ConversionWarning: Exif or XMP are left out.
        """
        # The formats know this class and not the other way round, as Pillow's plug-ins do.
        export = importlib.import_module("kqcodec.coding.export")
        written: int = export.save(self, path, overwrite)
        return written

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """The pixels, as ``to_pixels`` gives them.

        Raises:
            ValueError: ``copy`` is false, but pixels are made anew from palette and labels.
        """
        if copy is False:
            raise ValueError("the pixels of an indexed image are always made anew")
        pixels = self.to_pixels()
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def _painted(self, palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
        from kqcodec.kernels import kernels

        palette = np.ascontiguousarray(palette)
        pixels = np.empty((self.height, self.width, palette.shape[1]), dtype=np.uint8)
        kernels.paint(self.labels, palette, pixels)
        return pixels

    def _repr_png_(self) -> bytes:
        """A PNG file, for Jupyter to show."""
        buffer = io.BytesIO()
        self.to_pil().save(buffer, "PNG")
        return buffer.getvalue()


def from_palette_image(image: Image.Image) -> IndexedImage:
    """The palette and indices of a Pillow image of mode P, with alpha if it has any.

    Indices beyond a short palette get black entries, as Pillow paints them. Whatever Pillow
    raises for damaged data is left as it is.
    """
    image.load()
    labels = np.asarray(image)
    palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    missing = int(labels.max()) + 1 - len(palette) if labels.size else 0
    if missing > 0:
        palette = np.vstack([palette, np.zeros((missing, 3), dtype=np.uint8)])
    alpha = _palette_alpha(image, len(palette))
    return IndexedImage(palette if alpha is None else np.column_stack([palette, alpha]), labels)


def _palette_alpha(image: Image.Image, k: int) -> NDArray[np.uint8] | None:
    """The alpha of k entries of an image of mode P; None where all are opaque.

    Pillow has it in the palette, or beside it, for all entries or for one.
    """
    alpha = np.full(k, 255, dtype=np.uint8)
    if getattr(image.palette, "mode", "RGB") == "RGBA":
        own = np.array(image.getpalette("RGBA"), dtype=np.uint8)[3::4][:k]
        alpha[: len(own)] = own
    transparency = image.info.get("transparency")
    if isinstance(transparency, bytes):
        some = np.frombuffer(transparency, dtype=np.uint8)[:k]
        alpha[: len(some)] = some
    elif isinstance(transparency, int) and transparency < k:
        alpha[transparency] = 0
    return None if bool((alpha == 255).all()) else alpha


def _checked_palette(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    array = np.asarray(palette)
    if array.dtype != np.uint8:
        raise TypeError(f"the palette must be uint8, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] not in (3, 4) or not 1 <= array.shape[0] <= MAX_COLORS:
        raise ValueError(
            f"the palette must have shape (K, 3) or (K, 4) with K from 1 to {MAX_COLORS:,}, "
            f"not {array.shape}"
        )
    return _read_only(array)


def _checked_labels(labels: Labels, k: int) -> Labels:
    array = np.asarray(labels)
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, not {array.dtype}")
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"labels must have shape (H, W), neither of them 0, not {array.shape}")
    lowest = int(array.min()) if array.dtype.kind == "i" else 0
    highest = int(array.max())
    if lowest < 0 or highest >= k:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"label {wrong} is outside 0..{k - 1}: the palette has {k} entries")
    return _read_only(array if array.dtype == label_dtype(k) else array.astype(label_dtype(k)))


def _read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """The array itself if nobody can write to it, else a copy: labels that were
    checked once must not change under the kernels."""
    if not array.flags.writeable and array.flags.c_contiguous:
        return array
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy
