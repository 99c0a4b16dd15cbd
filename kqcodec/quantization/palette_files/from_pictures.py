"""The palettes of pictures: .kq files, indexed pictures, and the colours of others."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.id_images import palette_of_ids
from kqcodec.colors.histogram import keys_of_colors
from kqcodec.errors import FormatError, ImageError, LabelsError, PaletteError
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import DEFAULT_LIMITS
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.labels import Labels
    from kqcodec.quantization.palette_files.text_formats import Rows


def read_kq(data: bytes) -> Rows:
    """The palette of a .kq file, or the colours of a label map's ids from 0 on; its pixels are
    not looked at. PaletteError where what stands ahead of them is damaged, or ids are none of a
    palette."""
    try:
        with open_source(data) as source:
            opened = Opened.of_any_size(source, DEFAULT_LIMITS)
            if opened.table is None:
                return opened.palette
            return palette_of_ids(opened.table, opened.meaning)
    except (FormatError, LabelsError) as exc:
        raise PaletteError(str(exc)) from exc


def kq_file(palette: NDArray[np.uint8]) -> bytes:
    """A .kq file of one row, a pixel for each entry."""
    from kqcodec.coding.encoder import encode_indexed
    from kqcodec.coding.options import CodingOptions
    from kqcodec.images.indexed_image import IndexedImage

    labels: Labels = np.arange(len(palette)).astype(label_dtype(len(palette)))
    # Labels that nothing can be learnt from; and readers of format 1.0 read it.
    return encode_indexed(IndexedImage(palette, labels[np.newaxis]), CodingOptions(coder="dense"))


def read_picture(data: bytes) -> Rows:
    """The palette of an indexed picture, or the colours of another; raises PaletteError where
    Pillow can't read it."""
    from PIL import Image, UnidentifiedImageError

    from kqcodec.images.indexed_image import from_palette_image
    from kqcodec.images.pixels import image_pixels

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode == "P":
                return from_palette_image(image).palette
        pixels = image_pixels(data)
    except UnidentifiedImageError as exc:
        raise PaletteError(
            "this is no palette in a known format; give one that kq palette --help lists, a "
            ".kq file or an indexed picture"
        ) from exc
    except ImageError as exc:
        raise PaletteError(str(exc)) from exc
    except Exception as exc:  # whatever Pillow raises for damaged data
        raise PaletteError(f"the picture is damaged: {str(exc) or type(exc).__name__}") from exc
    keys = keys_of_colors(pixels).reshape(-1)
    _, first = np.unique(keys, return_index=True)
    return pixels.reshape(-1, pixels.shape[2])[np.sort(first)]
