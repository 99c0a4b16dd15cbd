"""ICC profiles: which colours a picture's samples mean, and those colours in sRGB.

The conversion is Little CMS's, through Pillow's ImageCms, with the rendering
intent that the profile names. A profile that moves no colour of a coarse lattice
by more than two levels is taken for sRGB, and the samples stay as they are: most
of those found in files are sRGB under one of its names, and rounding them to and
fro would only add colours.

What PNG files say in other words (``kqcodec.images.png_colors``) is made a profile first.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.images.image_files import is_transparent
from kqcodec.images.png_colors import UnusableProfileError, described_profile, has_cicp

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL import Image

_STEPS = 17  # lattice points a channel
_LEVELS = 2  # what still counts as the same colour

# Bytes 16 to 19 of a profile, its colour space, and the modes whose samples it describes.
_MODES = {b"GRAY": ("L", "LA"), b"RGB ": ("RGB", "RGBA"), b"CMYK": ("CMYK",)}
_UNPROFILED_MODES = ("1", "LAB", "HSV", "YCbCr")  # no profile describes these as they stand


def in_srgb(
    image: Image.Image, *, keep: bool = False, warn: Callable[[str], None] = lambda _: None
) -> Image.Image:
    """The image with colours in sRGB: itself where nothing says that they are others.

    Args:
        image: loaded, of any mode.
        keep: leave the samples as they are where ``kept_profile`` has a profile
            to keep beside them.
        warn: told, in a clause that goes on from the picture's name, of a profile
            that can't be used; the colours are then taken as sRGB.
    """
    if image.mode in _UNPROFILED_MODES:
        return image
    try:
        profile = _profile_of(image)
        if not profile or (keep and kept_profile(image) is not None):
            return image
        if is_srgb(profile):
            return image
        if image.mode[0] in "IF":
            warn("has a colour profile, which isn't applied to samples of more than 8 bits")
            return image
        converted = _converted(image, profile)
    except UnusableProfileError as exc:
        warn(f"has a colour profile that can't be used, {exc}; its colours are taken as sRGB")
        return image
    if keep and has_cicp(image):
        warn("has its colours described by cICP; they were converted, and no profile is kept")
    elif keep and image.info.get("icc_profile"):
        warn("has a colour profile that isn't for RGB; it was applied, not kept")
    return converted


def _profile_of(image: Image.Image) -> bytes | None:
    """The profile that counts for the image: its own, or one made for it."""
    profile: bytes | None = None if has_cicp(image) else image.info.get("icc_profile")
    return profile or described_profile(image)


def kept_profile(image: Image.Image) -> bytes | None:
    """The image's profile if it can stand beside a palette: a sound one, of RGB."""
    profile = image.info.get("icc_profile")
    if not isinstance(profile, bytes) or profile[16:20] != b"RGB " or has_cicp(image):
        return None
    if image.mode not in ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "L", "LA", "La"):
        return None
    try:
        is_srgb(profile)
    except UnusableProfileError:
        return None
    return profile


def palette_in_srgb(palette: NDArray[np.uint8], profile: bytes) -> NDArray[np.uint8]:
    """The colours of a palette, shape (K, 3 or 4), in sRGB; alpha is kept.

    A profile that can't be used leaves them as they are.
    """
    colors = palette.copy()
    try:
        if not is_srgb(profile):
            from PIL import Image

            image = Image.fromarray(np.ascontiguousarray(palette[np.newaxis, :, :3]))
            colors[:, :3] = np.asarray(_transform(profile, "RGB").apply(image))[0]
    except UnusableProfileError:
        pass
    return colors


@functools.lru_cache(maxsize=16)
def is_srgb(profile: bytes) -> bool:
    """Whether the profile means by every colour what sRGB means by it."""
    from PIL import Image

    space = profile[16:20]
    if space == b"CMYK":
        _transform(profile, "CMYK")  # for its errors
        return False
    if space == b"GRAY":
        ramp = np.arange(256, dtype=np.uint8)[np.newaxis]
        converted = np.asarray(_transform(profile, "L").apply(Image.fromarray(ramp)))
        return _same(converted, ramp[..., np.newaxis])
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(_STEPS, -1, 3)
    lattice = np.ascontiguousarray(grid)
    converted = np.asarray(_transform(profile, "RGB").apply(Image.fromarray(lattice)))
    return _same(converted, lattice)


def _same(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    return int(np.abs(a.astype(np.int16) - b).max()) <= _LEVELS


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    image = _plain(image, profile[16:20])
    if image.mode not in _MODES.get(profile[16:20], ()):
        raise UnusableProfileError(f"being for other samples than {image.mode}")
    if image.mode == "LA":
        converted: Image.Image = _transform(profile, "L").apply(image.getchannel("L"))
        converted.putalpha(image.getchannel("A"))
    else:
        converted = _transform(profile, image.mode).apply(image)
    converted.info.pop("icc_profile", None)  # it is done
    return converted


def _plain(image: Image.Image, space: bytes) -> Image.Image:
    """The image in a mode whose samples are what the profile speaks of."""
    transparent = is_transparent(image)
    if image.mode == "La":
        image = image.convert("LA")
    if space == b"GRAY" and image.mode in ("L", "LA"):
        return image.convert("LA") if transparent else image
    if transparent:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in ("P", "L", "RGBX") else image


def _transform(profile: bytes, mode: str) -> Any:
    """Pillow's transform to sRGB of samples of that mode, alpha going through;
    UnusableProfileError if there can be none."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.buildTransform(
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            renderingIntent=ImageCms.Intent(ImageCms.getDefaultIntent(source)),
        )
    except (OSError, ImageCms.PyCMSError, ValueError, TypeError) as exc:
        raise UnusableProfileError("being damaged") from exc
