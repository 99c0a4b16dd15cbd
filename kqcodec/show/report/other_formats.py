"""The quantized picture in other formats, written by Pillow: how large it is there.

What was written is read again and compared, pixel by pixel, before its size counts.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, features

if TYPE_CHECKING:
    from kqcodec.images.indexed_image import IndexedImage

_MOST_WEBP_SIDE = 16_383
_MOST_PALETTE = 256
# WebP's methods 5 and 6 would take a minute for larger pictures.
_QUICK_PIXELS = 1 << 20


def other_format_sizes(indexed: IndexedImage) -> dict[str, int]:
    """The bytes of the picture by the name of the format; formats that this Pillow lacks, or
    that can't hold the picture, are left out."""
    pixels = indexed.to_pixels()
    whole = Image.fromarray(pixels)
    few = indexed.k <= _MOST_PALETTE
    attempts: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("PNG8" if few else "PNG", indexed.to_pil(), {"format": "PNG", "optimize": True})
    ]
    if features.check("webp") and max(indexed.width, indexed.height) <= _MOST_WEBP_SIDE:
        options: dict[str, Any] = {"format": "WEBP", "lossless": True, "exact": True}
        options |= {"quality": 100, "method": 5 if pixels.size <= 3 * _QUICK_PIXELS else 4}
        attempts.append(("WebP, lossless", whole, options))
    found = {}
    for name, image, saving in attempts:
        buffer = io.BytesIO()
        image.save(buffer, **saving)
        with Image.open(buffer) as again:
            if np.array_equal(np.asarray(again.convert(whole.mode)), pixels):
                found[name] = len(buffer.getvalue())
    return found
