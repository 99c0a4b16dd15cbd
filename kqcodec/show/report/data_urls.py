"""Pictures inside the page: PNG as data URIs, large ones reduced."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.images.indexed_image import IndexedImage

# Of larger pictures every second or third pixel is shown.
MOST_SHOWN = 2_500_000
_MOST_PALETTE = 256


def step_for(width: int, height: int) -> int:
    """Of how many pixels, across and down, one is shown."""
    step = 1
    while -(-width // step) * -(-height // step) > MOST_SHOWN:
        step += 1
    return step


def pixels_uri(pixels: NDArray[Any], step: int) -> str:
    """One in ``step`` pixels of shape (H, W, 3) or (H, W, 4), or truth values of shape
    (H, W), which become white and black."""
    return _uri(Image.fromarray(np.ascontiguousarray(pixels[::step, ::step])))


def indexed_uri(indexed: IndexedImage, step: int) -> str:
    """An indexed image, as a palette PNG where it has few colours."""
    if indexed.k > _MOST_PALETTE:
        return pixels_uri(indexed.to_pixels(), step)
    return _uri(replace(indexed, labels=indexed.labels[::step, ::step]).to_pil())


def _uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
