"""Label maps: pictures whose pixels are numbers of classes or regions.

A segmentation mask is an indexed image already. ``label_map`` takes one in
whatever form it comes and changes no label; nothing is quantized.

Labels without a colour table get the colours of the PASCAL VOC development kit.
Its rule deals out a label's bits, lowest first, to red, green and blue in turn,
each channel from its top bit down:

    label bit       0   1   2   3   4   5   6  ...
    goes to bit    R7  G7  B7  R6  G6  B6  R5  ...

so 0 is black, 1 is dark red, and no two labels share a colour.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kqcodec.coding.decoder import read
from kqcodec.errors import LabelsError
from kqcodec.format.header import MAX_COLORS, SIGNATURES
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.image_files import (
    load,
    opened_image,
    opened_path,
    raw_mode,
    read_contents,
    reading_image,
)
from kqcodec.images.indexed_image import IndexedImage, from_palette_image
from kqcodec.images.numpy_files import NPY_SIGNATURE, ZIP_SIGNATURE, npy_array, npz_arrays
from kqcodec.images.pillow_samples import warn_of_frames
from kqcodec.images.pixels import is_pillow_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from kqcodec.images.pixels import ImageLike

    ColorTable: TypeAlias = "NDArray[Any] | Sequence[Sequence[int]] | Sequence[int] | bytes"

# Pillow reads grey of 2 and 4 bits as 0..255: a sample v has become v times this. An I
# (0 is white) and an R (the lowest bit comes first) may follow in the raw mode.
_GREY_STEPS = {"L;2": 85, "L;4": 17}
_INVERTED = re.compile(r"(1|L);[24]?IR?")


def label_map(source: ImageLike | IndexedImage, palette: ColorTable | None = None) -> IndexedImage:
    """The labels of ``source`` as an indexed image, each label unchanged.

    Args:
        source: an array of integers or bools of shape (H, W) or (H, W, 1) with
            values 0..65,535; a Pillow image of mode P, 1, L, I or I;16; the
            path, bytes or binary file of an image that Pillow opens in such a
            mode, of a .npy or .npz file or of a .kq file; or an indexed image. A
            .npz file has an array "labels", and may have a colour table, "palette".
        palette: the colour table: integers 0..255 of shape (K, 3), or (K, 4) with alpha, or as
            flat as Pillow's ``putpalette`` takes them. Order, repeated and unused entries are
            kept. None for the source's own colours: the palette of mode P or of a .kq file, and
            the greys of an image of mode 1 or L. Arrays and 16-bit images have none:
            ``label_colors`` gives them, as many as the greatest label needs.

    Raises:
        LabelsError: a file or image doesn't hold labels.
        ImageError: the file can't be read.
        FormatError: a .kq file is damaged.
        OSError: the file can't be opened or read.
        TypeError: the source, or the colour table, is of another kind.
        ValueError: a label is negative, over 65,535, or beyond the colour table.

    Warns:
        ConversionWarning: the labels are kept, but not the frames after the first,
            or colours are missing.
    """
    found = _read(source)
    if palette is None:
        return found
    return replace(found, palette=color_table(palette), costs=None)


def label_colors(k: int) -> NDArray[np.uint8]:
    """The VOC colours of the labels 0..k-1, k up to 65,536: uint8, shape (k, 3)."""
    labels = np.arange(k, dtype=np.int64)
    colors = np.zeros((k, 3), dtype=np.uint8)
    for bit in range(16):
        row, channel = divmod(bit, 3)
        colors[:, channel] |= ((labels >> bit & 1) << (7 - row)).astype(np.uint8)
    return colors


def label_picture(indexed: IndexedImage) -> Image.Image:
    """A Pillow image whose pixels are the labels: mode P with the palette where K
    is at most 256, else 16-bit grey."""
    if indexed.k <= 256:
        return indexed.to_pil()
    from PIL import Image

    return Image.fromarray(np.asarray(indexed.labels, dtype=np.uint16))


def color_table(palette: ColorTable) -> NDArray[np.uint8]:
    """A colour table, as ``label_map`` takes it, as uint8 of shape (K, 3) or (K, 4); raises
    TypeError or ValueError where it isn't one."""
    table = np.frombuffer(palette, np.uint8) if isinstance(palette, bytes) else np.asarray(palette)
    if table.dtype.kind not in "iu":
        hint = ""
        if table.dtype.kind == "f":
            hint = "; from colours between 0 and 1 make them with (table * 255).round().astype(int)"
        raise TypeError(f"a colour table must hold integers from 0 to 255, not {table.dtype}{hint}")
    if table.ndim == 1 and table.size % 3 == 0:
        table = table.reshape(-1, 3)
    if table.ndim != 2 or table.shape[1] not in (3, 4) or not 1 <= len(table) <= MAX_COLORS:
        raise ValueError(
            f"a colour table must have shape (K, 3) or (K, 4) with K from 1 to {MAX_COLORS:,}, "
            f"not {table.shape}"
        )
    if int(table.min()) < 0 or int(table.max()) > 255:
        wrong = table.min() if table.min() < 0 else table.max()
        raise ValueError(f"a colour table must hold integers from 0 to 255, not {wrong}")
    return table.astype(np.uint8)


# --- where labels come from -------------------------------------------------


def _read(source: ImageLike | IndexedImage) -> IndexedImage:
    if isinstance(source, IndexedImage):
        return source
    if is_pillow_image(source):
        return _from_pillow(source, "the image")
    if isinstance(source, (str, os.PathLike)):
        with opened_path(source) as file:
            return _from_data(read_contents(file, os.fspath(source)), os.fspath(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_data(read_contents(io.BytesIO(source), "the data"), "the data")
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        shown = name if isinstance(name, str) else "the file"
        return _from_data(read_contents(source, shown), shown)
    if hasattr(source, "__array__") or hasattr(source, "__array_interface__"):
        return _from_array(source)
    raise TypeError(
        f"can't read labels from {type(source).__name__}: give a NumPy array, a Pillow image, "
        "a path, the bytes of a file or a binary file"
    )


def _from_data(data: bytes, name: str) -> IndexedImage:
    if data.startswith(SIGNATURES):
        return read(data)
    if data.startswith((NPY_SIGNATURE, ZIP_SIGNATURE)):
        zipped = data.startswith(ZIP_SIGNATURE)
        labels, palette = npz_arrays(data, name) if zipped else (npy_array(data, name), None)
        try:
            found = _from_array(labels)
            return found if palette is None else replace(found, palette=color_table(palette))
        except (TypeError, ValueError) as exc:
            raise LabelsError(f"{name} doesn't hold labels: {exc}") from exc
    with opened_image(data, name) as opened, reading_image(name):
        return _from_pillow(opened, name)


def _from_array(source: Any) -> IndexedImage:
    labels = checked_labels(source)
    return IndexedImage(label_colors(int(labels.max()) + 1), labels)


def checked_labels(source: Any) -> NDArray[Any]:
    """Integers of shape (H, W), from 0 to 65,535, from an array of whole numbers; raises
    TypeError or ValueError where it holds something else."""
    if isinstance(source, np.ma.MaskedArray):
        raise TypeError("the array is masked: fill it first, with .filled(value)")
    array = np.asarray(source)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    if array.dtype.kind not in "iu":
        hint = ": if its values are whole, use .astype(int)" if array.dtype.kind == "f" else ""
        raise TypeError(f"labels must be integers, not {array.dtype}{hint}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2:
        raise ValueError(f"labels must have shape (H, W), not {array.shape}")
    if array.size == 0:
        raise ValueError(f"there are no labels: the shape is {array.shape}")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0:
        raise ValueError(
            f"label {lowest} is negative, and labels are numbers from 0: shift them first, "
            f"with labels + {-lowest}"
        )
    if highest >= MAX_COLORS:
        raise ValueError(
            f"label {highest} is over {MAX_COLORS - 1:,}, the greatest that a .kq file holds: "
            "renumber them first, with np.unique(labels, return_inverse=True)"
        )
    return array


def _from_pillow(image: Any, name: str) -> IndexedImage:
    if 0 in image.size and not image.format:
        raise ValueError(f"{name} has no pixels: its size is {image.size}")
    if image.mode not in ("P", "1", "L", "I") and not image.mode.startswith("I;16"):
        raise LabelsError(
            f"{name} is no label map: its pixels are colours, of mode {image.mode}; a label map "
            "is a palette image, 1-bit, or 8- or 16-bit grey; give it as a picture to keep up to "
            f"{MAX_COLORS:,} colours exactly"
        )
    warn_of_frames(image, name)
    raw = raw_mode(image)
    load(image, name)
    if image.mode == "P":
        return _from_palette_image(image, name)
    labels = np.asarray(image)
    if image.mode == "1":
        return _from_greys(labels.astype(np.uint8), 255, raw, 2)
    if image.mode == "L":
        step = _GREY_STEPS.get(raw[:3], 1)
        return _from_greys(labels // np.uint8(step), step, raw, None)
    try:
        return _from_array(labels)
    except ValueError as exc:
        raise LabelsError(f"{name} doesn't hold labels: {exc}") from exc


def _from_greys(shown: NDArray[np.uint8], step: int, raw: str, entries: int | None) -> IndexedImage:
    """Grey samples as labels, in the greys that they are shown in: so many, or as many as
    the greatest needs. Where 0 is white, the file has the complement of what is shown."""
    inverted = _INVERTED.fullmatch(raw) is not None
    labels = np.uint8(255 // step) - shown if inverted else shown
    greys = np.arange(entries or int(labels.max()) + 1, dtype=np.uint8) * np.uint8(step)
    if inverted:
        greys = np.uint8(255) - greys
    return IndexedImage(np.repeat(greys[:, np.newaxis], 3, axis=1), labels)


def _from_palette_image(image: Image.Image, name: str) -> IndexedImage:
    indexed = from_palette_image(image)
    entries = len(image.getpalette("RGB") or ()) // 3
    if indexed.k > entries:
        warnings.warn(
            f"{name} has labels up to {indexed.k - 1}, but only {entries} colours; "
            "black ones were added, as Pillow shows them",
            ConversionWarning,
            stacklevel=2,
        )
    return indexed
