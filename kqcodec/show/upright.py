"""Decoded pictures as people are to see them."""

from __future__ import annotations

import contextlib

from PIL import Image, ImageOps

from kqcodec.images.profiles import in_srgb


def upright_in_srgb(image: Image.Image) -> Image.Image:
    """A picture of mode RGB, RGBA or P as RGB or RGBA, turned as its Exif says, its colours in
    sRGB."""
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    with contextlib.suppress(Exception):  # whatever Pillow raises for broken Exif
        image = ImageOps.exif_transpose(image)
    return in_srgb(image)
