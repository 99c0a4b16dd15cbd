"""8-bit samples of Pillow images of any mode: turned upright, and in sRGB."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ImageError
from kqcodec.images.conversion import from_16_bit, warn_of_loss
from kqcodec.images.image_files import (
    MOST_COUNTED,
    frame_count,
    is_transparent,
    load,
    raw_mode,
)
from kqcodec.images.metadata import upright_transpose
from kqcodec.images.png_colors import keyed_grey, note_cicp, with_whole_samples
from kqcodec.images.profiles import in_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray


# Raw modes of Pillow with samples of 16 bits that become 8 bits. (BGR;16 has 16 a pixel.)
_RAW_MODE_OF_16_BITS = re.compile(r"(?!BGR)[A-Za-z]{2,};16[BLN]?")
FORMATS_WITH_PAGES = ("TIFF", "DCX", "PDF")
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


def pillow_samples(image: Any, name: str, keep_profile: bool) -> NDArray[np.uint8]:
    """The 8-bit samples of a Pillow image, which is decoded for it: uint8, of shape (H, W) for
    grey, (H, W, 3) for RGB or (H, W, 4) for RGBA.

    Raises:
        ImageError: it is damaged, or its samples have no 8-bit values.

    Warns:
        ConversionWarning: something was lost.
    """
    # Pillow reads 16-bit colour PNG and TIFF as 8 bits without a word; only the raw mode of
    # the tile, gone after load(), tells.
    if _RAW_MODE_OF_16_BITS.fullmatch(raw_mode(image)):
        warn_of_loss(f"{name} has 16 bits a sample; the palette keeps 8")
    of_png = image.format == "PNG"
    note_cicp(image)
    keyed = with_whole_samples(image)
    turn = upright_transpose(image)  # which may decode it
    image = keyed
    load(image, name)
    if turn is not None:
        image = image.transpose(turn)
    if of_png and _has_integers(image):
        image = _png_of_16_bits(image, name)
    image = in_srgb(image, keep=keep_profile, warn=lambda what: warn_of_loss(f"{name} {what}"))
    if _has_integers(image):
        return _from_integers(_black_is_0(image, np.asarray(image)), name)
    if image.mode == "F":
        return _from_float(image, name)
    return _pillow_8_bit(image, name)


def warn_of_frames(image: Any, name: str) -> None:
    """Give a ConversionWarning if an image has frames besides the one that is used."""
    count = frame_count(image)
    if count > 1:
        things = "pages" if image.format in FORMATS_WITH_PAGES else "frames"
        used = image.tell()
        which = "first one" if used == 0 else f"one that it stands at, number {used + 1},"
        many = "at least " if count == MOST_COUNTED else ""
        warn_of_loss(f"{name} has {many}{count} {things}; only the {which} is used")


def _black_is_0(image: Any, samples: NDArray[Any]) -> NDArray[Any]:
    """16-bit grey with black 0; Pillow doesn't turn round TIFF's where 0 is white."""
    tags = getattr(image, "tag_v2", {})
    return 65_535 - samples if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else samples


def _has_integers(image: Any) -> bool:
    """Whether the samples are wider than 8 bits."""
    return image.mode == "I" or str(image.mode).startswith("I;16")


def _png_of_16_bits(image: Any, name: str) -> Any:
    """Grey of 16 bits a sample as of 8, with alpha where there is a transparent colour.
    Some versions of Pillow open it in mode I."""
    from PIL import Image

    samples = np.asarray(image)
    grey = Image.fromarray(from_16_bit(samples.astype(np.uint16), name))
    if (alpha := keyed_grey(image, samples)) is not None:
        grey.putalpha(Image.fromarray(alpha))
    grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return grey


def _from_integers(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype.itemsize == 2:
        return from_16_bit(array.astype(np.uint16), name)
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest > 65_535:
        raise ImageError(
            f"{name} has grey values from {lowest} to {highest}: scale them to 0..255 first"
        )
    if highest > 255:
        return from_16_bit(array.astype(np.uint16), name)
    return array.astype(np.uint8)


def _from_float(image: Any, name: str) -> NDArray[np.uint8]:
    array = np.asarray(image)
    if not bool(np.isfinite(array).all()) or float(array.min()) < 0 or float(array.max()) > 255:
        raise ImageError(f"{name} has float values outside 0..255: scale them to 0..255 first")
    rounded: NDArray[np.uint8] = np.rint(array).astype(np.uint8)
    if bool((rounded != array).any()):
        warn_of_loss(f"{name} has float samples; they were rounded to 8 bits")
    return rounded


def _pillow_8_bit(image: Any, name: str) -> NDArray[np.uint8]:
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return np.asarray(image)
    if image.mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        warn_of_loss(
            f"{name} is {image.mode}; it was converted to RGB, which has fewer or other colours"
        )
    transparent = is_transparent(image)
    if image.mode == "La":
        image = image.convert("LA")
    try:
        return np.asarray(image.convert("RGBA" if transparent else "RGB"))
    except ValueError as exc:
        raise ImageError(
            f"{name} has the mode {image.mode}, which Pillow can't convert to RGB: convert it first"
        ) from exc
