"""Label maps in images that Pillow opens: palette images, and grey of up to 32 bits."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError, UnsupportedImageError
from kqcodec.format.header import MAX_COLORS
from kqcodec.images.image_files import frame_count, load, raw_mode, reading_image
from kqcodec.images.indexed_image import from_palette_image
from kqcodec.images.pillow_samples import warn_of_frames
from kqcodec.labels.color_tables import colors_by_id
from kqcodec.labels.ids import LabelMap, ids_of_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pillow reads grey of 2 and 4 bits as 0..255: a sample v has become v times this. An I
# (0 is white) and an R (the lowest bit comes first) may follow in the raw mode.
_GREY_STEPS = {"L;2": 85, "L;4": 17}
_INVERTED = re.compile(r"(1|L);[24]?IR?")
_BITS, _COMPRESSION, _SAMPLE_FORMAT = 258, 259, 339
_NONE, _UNSIGNED, _SIGNED = 1, 1, 2


def from_pillow(image: Any, name: str, *, rgb: bool) -> LabelMap:
    """The ids of a Pillow image, which is decoded for it, and its palette as their colours; of a
    TIFF file with several grey pages of one size those of a volume.

    Args:
        image: of mode P, 1, L, I or I;16; or, if ``rgb``, RGB or RGBA.
        name: for messages.
        rgb: whether the three bytes of a colour are an id.

    Raises:
        ImageError: it can't be read; LabelsError if it can, but holds no labels.
        ValueError: it has no pixels.

    Warns:
        ConversionWarning: it has further frames, which are no slices.
    """
    if 0 in image.size and not image.format:
        raise ValueError(f"{name} has no pixels: its size is {image.size}")
    if rgb and image.mode not in ("RGB", "RGBA"):
        raise LabelsError(f"{name} has no ids in RGB: its mode is {image.mode}; leave out ids=")
    if not rgb and image.mode not in ("P", "1", "L", "I") and not image.mode.startswith("I;16"):
        raise LabelsError(
            f"{name} is no label map: its pixels are colours, of mode {image.mode}; if their "
            'three bytes are an id, as in COCO\'s panoptic pictures, say so, with ids="rgb" '
            f"(--ids rgb); give it as a picture to keep up to {MAX_COLORS:,} colours exactly"
        )
    if _bytes_are_swapped(image):
        raise UnsupportedImageError(f"{name} is a TIFF file that Pillow reads wrongly")
    slices = None if rgb else _slices(image, name)
    if slices is not None:
        return LabelMap(slices)
    warn_of_frames(image, name)
    raw = raw_mode(image)
    load(image, name)
    if rgb:
        return LabelMap(ids_of_rgb(np.asarray(image)))
    if image.mode == "P":
        table = from_palette_image(image).palette
        values = np.asarray(image)
        entries = len(image.getpalette("RGB") or ()) // 3  # labels beyond have no colour
        return LabelMap(values, Meaning(colors=colors_by_id(table[:entries], values)))
    return LabelMap(_grey_labels(image, raw))


def _slices(image: Any, name: str) -> NDArray[Any] | None:
    """The grey pages of a TIFF file, shape (Z, H, W); None where there is but one, or they aren't
    all of one size and kind."""
    if image.format != "TIFF" or image.mode == "P" or frame_count(image) < 2:
        return None
    with reading_image(name):
        pages = range(image.n_frames)
        kinds = {_kind(image, page) for page in pages}
        if len(kinds) > 1:
            image.seek(0)
            return None
        check_pixels(len(pages) * image.width * image.height, name)
        slices = []
        for page in pages:
            image.seek(page)
            raw = raw_mode(image)
            load(image, name)
            slices.append(_grey_labels(image, raw))
    return np.stack(slices)


def _kind(image: Any, page: int) -> tuple[object, ...]:
    """What a page has in common with others of a volume."""
    image.seek(page)
    tags = image.tag_v2
    return image.size, image.mode, raw_mode(image), tags.get(_BITS), tags.get(_SAMPLE_FORMAT)


def _grey_labels(image: Any, raw: str) -> NDArray[Any]:
    """Samples as they are in the file. Where 0 is white, Pillow's are the complement."""
    shown: NDArray[Any] = np.asarray(image)
    if image.mode == "1":
        white: NDArray[np.bool_] = (
            shown.view(np.uint8) != 0
        )  # Pillow has 255 for True, which NumPy hasn't
        return ~white if _INVERTED.fullmatch(raw) else white
    if image.mode == "L":
        step = _GREY_STEPS.get(raw[:3], 1)
        labels = shown // np.uint8(step)
        if _INVERTED.fullmatch(raw):
            labels = np.uint8(255 // step) - labels
        return _as_in_tiff(image, labels)
    return _as_in_tiff(image, shown)


def _bytes_are_swapped(image: Any) -> bool:
    """Whether Pillow swaps the bytes of each sample of a TIFF file once too often: of those that
    are signed and compressed, the highest byte first."""
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None or image.mode != "I":
        return False
    signed = int(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0]) == _SIGNED
    return signed and tags.prefix == b"MM" and tags.get(_COMPRESSION) != _NONE


def _as_in_tiff(image: Any, samples: NDArray[Any]) -> NDArray[Any]:
    """The dtype that a TIFF file says: Pillow has signed bytes as unsigned ones, 32 unsigned
    bits as signed ones, and 16 signed bits as 32."""
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        if image.format == "PNG" and samples.dtype == np.int32:  # 16 bits in Pillow up to 11
            return samples.astype(np.uint16)
        return samples
    bits = int(tags.get(_BITS, (1,))[0])
    kind = int(tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0])
    if kind not in (_UNSIGNED, _SIGNED) or bits not in (8, 16, 32):
        return samples
    dtype = np.dtype(f"{'u' if kind == _UNSIGNED else 'i'}{bits // 8}")
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    # The lowest bits of two's complement are those of the file.
    return native.astype(dtype)


def unread_by_pillow(exc: ImageError, data: bytes) -> bool:
    """Whether a TIFF file is of a kind that Pillow doesn't read, as those of 64 bits are."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") and exc.advice == "convert"


def tiff_array(data: bytes, name: str) -> NDArray[Any]:
    """The grey samples, (H, W), of a TIFF file that Pillow doesn't read, or (Z, H, W) where its
    pages are all of one size and dtype.

    Raises:
        ImageError: tifffile doesn't either; LabelsError if it isn't grey.
        ImportError: tifffile isn't there; the extra ``tiff`` brings it.
    """
    try:
        import tifffile
    except ImportError as exc:
        raise ImportError(
            f"{name}: such a TIFF file needs tifffile; pip install 'kqcodec[tiff]' brings it"
        ) from exc
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages = list(file.pages)
            shape = tuple(pages[0].shape)
            if any((page.shape, page.dtype) != (shape, pages[0].dtype) for page in pages):
                pages = pages[:1]
            check_pixels(len(pages) * int(np.prod(shape, dtype=object)), name)
            if len(shape) != 2:
                raise LabelsError(f"{name} is no label map: its samples have shape {shape}")
            segments = [
                pair
                for page in pages
                for pair in zip(page.dataoffsets, page.databytecounts, strict=True)
            ]
            if any(start + count > len(data) for start, count in segments):
                raise ImageError(f"{name} is cut short", "undamaged copy")  # zeros to tifffile
            slices: list[NDArray[Any]] = [page.asarray() for page in pages]
    except ImageError:
        raise
    except Exception as exc:
        raise ImageError(f"{name} can't be read as a TIFF file: {exc}") from exc
    return np.stack(slices) if len(slices) > 1 else slices[0]


def check_pixels(pixels: int, name: str) -> None:
    """Raise ImageError if there are more pixels than Pillow allows."""
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and pixels > limit:
        raise ImageError(
            f"{name} has too many pixels to be safe; if you trust it, raise "
            "PIL.Image.MAX_IMAGE_PIXELS",
            "max pixels",
        )
