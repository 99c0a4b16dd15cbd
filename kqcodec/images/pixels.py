"""Pictures of any kind, converted to 8-bit RGB or RGBA as Pillow users expect.

One question is answered here: which pixels does this input mean? A file's
orientation is applied, and its colour profile, which ends in sRGB. Where the
answer loses something (the low bits of 16-bit samples, CMYK inks, the frames after
the first) a ConversionWarning says so. Floats are refused, since nothing says
whether their white is 1.0 or 255. Alpha is kept, unless it is to be flattened.
"""

from __future__ import annotations

import io
import os
import re
import warnings
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from kqcodec.errors import ImageError
from kqcodec.format.integers import shown, whole_number
from kqcodec.images.image_files import (
    contents,
    frame_count,
    load,
    opened_image,
    opened_path,
    raw_mode,
    reading_image,
)
from kqcodec.images.metadata import turns
from kqcodec.images.png_colors import keyed_grey, note_cicp, with_whole_samples
from kqcodec.images.profiles import in_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    ImageLike: TypeAlias = (
        "NDArray[Any] | Image.Image | str | os.PathLike[str] | bytes | bytearray"
        " | memoryview | BinaryIO"
    )
    Color: TypeAlias = "tuple[int, int, int]"

WHITE = (255, 255, 255)
_OPAQUE = 255
# 65535 / 255: an 8-bit sample v is exactly the 16-bit sample 257 * v.
_SAMPLE_16_STEP = 257


class ConversionWarning(UserWarning):
    """Converting the input to 8-bit RGB or RGBA lost something."""


def image_pixels(
    image: ImageLike, *, background: Color | None = None, keep_profile: bool = False
) -> NDArray[np.uint8]:
    """The pixels of ``image``: uint8, shape (H, W, 3), or (H, W, 4) where any isn't
    opaque; C-contiguous.

    Args:
        image: a NumPy array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
            and dtype uint8, uint16 (scaled by 1/257) or bool; a Pillow image of
            any mode; a path; the bytes of an image file; or a binary file.
        background: an RGB colour to put behind pixels that aren't opaque, so that
            there are three channels; None to keep their alpha.
        keep_profile: whether to leave the colours in an ICC profile of RGB, which
            is then the caller's to keep; otherwise they are converted to sRGB.

    The result may share memory with an array given as input.

    Raises:
        ImageError: the file isn't an image, is damaged or too large.
        OSError: the file can't be opened or read.
        TypeError: an input of another kind, or an array of another dtype.
        ValueError: an array of another shape or without pixels, or a
            background that isn't three integers in 0..255.

    Warns:
        ConversionWarning: something was lost.
    """
    checked = None if background is None else _checked_background(background)
    if is_pillow_image(image):
        return _from_pillow(image, checked, "the image", keep_profile)
    if isinstance(image, (str, os.PathLike)):
        return _from_path(image, checked, keep_profile)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _from_file(io.BytesIO(image), checked, "the data", keep_profile)
    if hasattr(image, "read"):
        name = getattr(image, "name", None)
        shown = name if isinstance(name, str) else "the file"
        return _from_file(image, checked, shown, keep_profile)
    if hasattr(image, "__array__") or hasattr(image, "__array_interface__"):
        return _from_array(image, checked)
    raise TypeError(
        f"can't read an image from {type(image).__name__}: give a NumPy array, a Pillow image, "
        "a path, the bytes of an image file or a binary file"
    )


def rgb_pixels(
    image: ImageLike, *, background: Color | None = WHITE, keep_profile: bool = False
) -> NDArray[np.uint8]:
    """The same without alpha, for what knows three channels only: shape (H, W, 3).

    Raises:
        ImageError: there are transparent pixels although ``background`` is None;
            or as for ``image_pixels``, as are the others.

    Warns:
        ConversionWarning: transparent pixels were put on the background.
    """
    checked = None if background is None else _checked_background(background)
    pixels = image_pixels(image, keep_profile=keep_profile)
    if pixels.shape[2] == 3:
        return pixels
    name = _name_of(image)
    if checked is None:
        raise ImageError(
            f"{name} has transparent pixels: flatten it first, or give a background colour"
        )
    _warn(f"{name} has transparent pixels, composited on the background {checked}")
    return flattened(pixels, checked)


def _name_of(image: Any) -> str:
    if isinstance(image, (str, os.PathLike)):
        return os.fspath(image)
    if is_pillow_image(image):
        return "the image"
    if isinstance(image, (bytes, bytearray, memoryview)):
        return "the data"
    if hasattr(image, "read"):
        name = getattr(image, "name", None)
        return name if isinstance(name, str) else "the file"
    return "the array"


def _checked_background(background: Color) -> Color:
    try:
        red, green, blue = (whole_number(value, "a sample", 0, 255) for value in background)
    except (TypeError, ValueError):
        raise ValueError(
            f"the background must be three integers in 0..255, not {shown(background)}"
        ) from None
    return red, green, blue


# --- arrays -----------------------------------------------------------------


def _from_array(image: Any, background: Color | None, name: str = "the array") -> NDArray[np.uint8]:
    if isinstance(image, np.ma.MaskedArray):
        raise TypeError("the array is masked: fill it first, with .filled(value)")
    array = np.asarray(image)
    if (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or array.ndim not in (2, 3):
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = "; channels come last: use array.transpose(1, 2, 0)"
        raise ValueError(
            "an image array must have shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), "
            f"not {array.shape}{hint}"
        )
    if 0 in array.shape:
        raise ValueError(f"the image has no pixels: its shape is {array.shape}")
    return _channels(_samples_8(array, name), background)


def _samples_8(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """8-bit samples from an array of another dtype, where that has one meaning."""
    dtype = array.dtype
    if dtype == np.uint8:
        return array
    if dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if dtype.kind == "u" and dtype.itemsize == 2:  # of either byte order
        return _from_16_bit(array, name)
    if dtype.kind == "f":
        nan = " and NaN" if bool(np.isnan(array).any()) else ""
        raise TypeError(
            f"an image array of {dtype}{nan} has no agreed range: convert it first, for values "
            "from 0 to 1 with (array * 255).round().astype('uint8')"
        )
    if dtype.kind in "iu":
        raise TypeError(
            f"an image array must be uint8, uint16 or bool, not {dtype}: for values from 0 to 255 "
            "convert it with array.astype('uint8')"
        )
    raise TypeError(f"an image array must be uint8, uint16 or bool, not {dtype}")


def _from_16_bit(array: NDArray[np.uint16], name: str) -> NDArray[np.uint8]:
    """round(v / 257): black stays black, white stays white, steps stay even."""
    wide = array.astype(np.uint32)
    if bool((wide % _SAMPLE_16_STEP).any()):
        _warn(f"{name} has 16 bits a sample; the palette keeps 8")
    return ((wide + _SAMPLE_16_STEP // 2) // _SAMPLE_16_STEP).astype(np.uint8)


def _channels(samples: NDArray[np.uint8], background: Color | None) -> NDArray[np.uint8]:
    """Grey, RGB or RGBA samples as RGB, or as RGBA where there is no background and
    any pixel isn't opaque."""
    if samples.ndim == 2:
        samples = samples[:, :, np.newaxis]
    if samples.shape[2] == 1:
        return np.ascontiguousarray(np.broadcast_to(samples, (*samples.shape[:2], 3)))
    if samples.shape[2] == 3:
        return np.ascontiguousarray(samples)
    if bool((samples[:, :, 3] == _OPAQUE).all()):
        return np.ascontiguousarray(samples[:, :, :3])
    if background is None:
        return np.ascontiguousarray(samples)
    return flattened(samples, background)


def flattened(colors: NDArray[np.uint8], background: Color) -> NDArray[np.uint8]:
    """Colours of shape (..., 3) or (..., 4) composited on a background: uint8, shape
    (..., 3).

    Raises:
        ValueError: a background that isn't three integers in 0..255.
    """
    behind = np.array(_checked_background(background), dtype=np.uint32)
    if colors.shape[-1] == 3:
        return colors
    weight = colors[..., 3:].astype(np.uint32)
    mixed = colors[..., :3] * weight + behind * (_OPAQUE - weight)
    return ((mixed + _OPAQUE // 2) // _OPAQUE).astype(np.uint8)


# --- files ------------------------------------------------------------------


def _from_path(
    path: str | os.PathLike[str], background: Color | None, keep_profile: bool
) -> NDArray[np.uint8]:
    with opened_path(path) as file:
        return _from_file(file, background, os.fspath(path), keep_profile)


def _from_file(
    file: BinaryIO | Any, background: Color | None, name: str, keep_profile: bool
) -> NDArray[np.uint8]:
    with opened_image(contents(file, name), name) as opened:
        return _from_pillow(opened, background, name, keep_profile)


# --- Pillow -----------------------------------------------------------------


def is_pillow_image(image: object) -> bool:
    """Whether ``image`` is one of Pillow's."""
    # Asked of the class's ancestry, so that plain arrays don't import Pillow.
    return any(
        cls.__module__ == "PIL.Image" and cls.__name__ == "Image" for cls in type(image).__mro__
    )


def _from_pillow(
    image: Any, background: Color | None, name: str, keep_profile: bool
) -> NDArray[np.uint8]:
    if 0 in image.size and not image.format:
        raise ValueError(f"{name} has no pixels: its size is {image.size}")
    with reading_image(name):
        return _channels(_pillow_samples(image, name, keep_profile), background)


def _pillow_samples(image: Any, name: str, keep_profile: bool) -> NDArray[np.uint8]:
    """Its 8-bit samples: grey, RGB or RGBA."""
    _warn_of_depth_and_frames(image, name)
    of_png = image.format == "PNG"
    note_cicp(image)
    keyed = with_whole_samples(image)
    turn = turns(image)  # which may decode it
    image = keyed
    load(image, name)
    if turn is not None:
        image = image.transpose(turn)
    if of_png and _has_integers(image):
        image = _png_of_16_bits(image, name)
    image = in_srgb(image, keep=keep_profile, warn=lambda what: _warn(f"{name} {what}"))
    if _has_integers(image):
        return _from_integers(_black_is_0(image, np.asarray(image)), name)
    if image.mode == "F":
        return _from_float(image, name)
    return _pillow_8_bit(image, name)


# Raw modes of Pillow with samples of 16 bits that become 8 bits. (BGR;16 has 16 a pixel.)
_OF_16_BITS = re.compile(r"(?!BGR)[A-Za-z]{2,};16[BLN]?")


def _warn_of_depth_and_frames(image: Any, name: str) -> None:
    # Pillow reads 16-bit colour PNG and TIFF as 8 bits without a word; only the
    # raw mode of the tile, gone after load(), tells.
    if _OF_16_BITS.fullmatch(raw_mode(image)):
        _warn(f"{name} has 16 bits a sample; the palette keeps 8")
    warn_of_frames(image, name)


_OF_PAGES = ("TIFF", "DCX", "PDF")


def warn_of_frames(image: Any, name: str) -> None:
    """Say so where an image has frames that nobody will look at."""
    count = frame_count(image)
    if count > 1:
        things = "pages" if image.format in _OF_PAGES else "frames"
        used = image.tell()
        which = "first one" if used == 0 else f"one that it stands at, number {used + 1},"
        _warn(f"{name} has {count} {things}; only the {which} is used")


_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


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
    grey = Image.fromarray(_from_16_bit(samples.astype(np.uint16), name))
    if (alpha := keyed_grey(image, samples)) is not None:
        grey.putalpha(Image.fromarray(alpha))
    grey.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return grey


def _from_integers(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype.itemsize == 2:
        return _from_16_bit(array.astype(np.uint16), name)
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest > 65_535:
        raise ImageError(
            f"{name} has grey values from {lowest} to {highest}: scale them to 0..255 first"
        )
    if highest > 255:
        return _from_16_bit(array.astype(np.uint16), name)
    return array.astype(np.uint8)


def _from_float(image: Any, name: str) -> NDArray[np.uint8]:
    array = np.asarray(image)
    if not bool(np.isfinite(array).all()) or float(array.min()) < 0 or float(array.max()) > 255:
        raise ImageError(f"{name} has float values outside 0..255: scale them to 0..255 first")
    rounded: NDArray[np.uint8] = np.rint(array).astype(np.uint8)
    if bool((rounded != array).any()):
        _warn(f"{name} has float samples; they were rounded to 8 bits")
    return rounded


def _pillow_8_bit(image: Any, name: str) -> NDArray[np.uint8]:
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return np.asarray(image)
    if image.mode in ("CMYK", "YCbCr", "HSV", "LAB"):
        _warn(f"{name} is {image.mode}; it was converted to RGB, which has fewer or other colours")
    transparent = (
        image.mode in ("RGBA", "RGBa", "LA", "La", "PA")
        or "transparency" in image.info
        or (image.mode == "P" and getattr(image.palette, "mode", "RGB") == "RGBA")
    )
    if image.mode == "La":
        image = image.convert("LA")
    try:
        return np.asarray(image.convert("RGBA" if transparent else "RGB"))
    except ValueError as exc:
        raise ImageError(
            f"{name} has the mode {image.mode}, which Pillow can't convert to RGB: convert it first"
        ) from exc


# --- blocks -----------------------------------------------------------------

# What was told about a picture whose blocks are converted one by one.
_told: ContextVar[set[str] | None] = ContextVar("told", default=None)


def block_pixels(
    block: NDArray[Any] | Image.Image,
    name: str,
    told: set[str],
    *,
    background: Color | None = None,
    keep_profile: bool = False,
) -> NDArray[np.uint8]:
    """As ``image_pixels`` for a part of a picture ``name``; each warning that isn't in
    ``told``, where it then is, is given once. Several threads may share that set."""
    token = _told.set(told)
    try:
        if isinstance(block, np.ndarray):
            return _from_array(block, background, name)
        return _from_pillow(block, background, name, keep_profile)
    finally:
        _told.reset(token)


def _warn(message: str) -> None:
    told = _told.get()
    if told is not None:
        if message in told:
            return
        told.add(message)
    warnings.warn(message, ConversionWarning, stacklevel=3)
