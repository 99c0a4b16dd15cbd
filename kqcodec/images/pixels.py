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
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from kqcodec.errors import ImageError
from kqcodec.format.integers import shown, whole_number
from kqcodec.images.conversion import each_warning_once, from_16_bit
from kqcodec.images.image_files import opened_image, opened_path, read_contents, reading_image
from kqcodec.images.pillow_samples import pillow_samples, warn_of_frames

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
    name = name_of(image)
    if is_pillow_image(image):
        return _from_pillow(image, checked, name, keep_profile)
    if isinstance(image, (str, os.PathLike)):
        with opened_path(image) as file:
            return _from_file(file, checked, name, keep_profile)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _from_file(io.BytesIO(image), checked, name, keep_profile)
    if hasattr(image, "read"):
        return _from_file(image, checked, name, keep_profile)
    if hasattr(image, "__array__") or hasattr(image, "__array_interface__"):
        return _from_array(image, checked)
    raise TypeError(
        f"can't read an image from {type(image).__name__}: give a NumPy array, a Pillow image, "
        "a path, the bytes of an image file or a binary file"
    )


def name_of(image: Any) -> str:
    """What messages call an image."""
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
        return from_16_bit(array, name)
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
    (..., 3); ValueError if the background isn't three integers in 0..255."""
    behind = np.array(_checked_background(background), dtype=np.uint32)
    if colors.shape[-1] == 3:
        return colors
    weight = colors[..., 3:].astype(np.uint32)
    mixed = colors[..., :3] * weight + behind * (_OPAQUE - weight)
    return ((mixed + _OPAQUE // 2) // _OPAQUE).astype(np.uint8)


def _from_file(
    file: BinaryIO | Any, background: Color | None, name: str, keep_profile: bool
) -> NDArray[np.uint8]:
    with opened_image(read_contents(file, name), name) as opened:
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
    _check_colors(image, name)
    with reading_image(name):
        warn_of_frames(image, name)
        return _channels(pillow_samples(image, name, keep_profile), background)


def _check_colors(image: Any, name: str) -> None:
    """Raise ImageError for a label map among the images of Pillow's."""
    if image.format == "KQ" and image.info.get("label_map"):
        raise ImageError(
            f"{name} is a label map, and its ids are no colours: kqcodec.label_map() and kq encode "
            "--labels take them, and kq decode --colors makes a picture of it"
        )


def frame_pixels(image: Any, name: str, keep_profile: bool) -> NDArray[np.uint8]:
    """The pixels of the frame that a Pillow image stands at, as ``image_pixels`` has those of a
    picture; what Pillow raises is left to ``reading_image``."""
    _check_colors(image, name)
    return _channels(pillow_samples(image, name, keep_profile), None)


# --- blocks -----------------------------------------------------------------


def block_pixels(
    block: NDArray[Any] | Image.Image,
    name: str,
    told: set[str],
    *,
    background: Color | None = None,
    keep_profile: bool = False,
) -> NDArray[np.uint8]:
    """The pixels of a part of a picture: uint8, shape (h, w, 3), or (h, w, 4) where any isn't
    opaque.

    Args:
        block: an array or a Pillow image, as for ``image_pixels``.
        name: of the picture, for messages.
        told: the warnings that were given about the picture, to which new ones are added, so
            that each is given once. Several threads may share it.
        background, keep_profile: as for ``image_pixels``.

    Raises:
        ImageError, TypeError, ValueError: as for ``image_pixels``.
    """
    with each_warning_once(told):
        if isinstance(block, np.ndarray):
            return _from_array(block, background, name)
        return _from_pillow(block, background, name, keep_profile)
