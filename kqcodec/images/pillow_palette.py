"""Pillow's palette images as indexed images, labels kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.images.indexed_image import IndexedImage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image


def of_palette_image(image: Image.Image) -> IndexedImage:
    """The palette and indices of a Pillow image of mode P, with alpha if it has any.

    Indices beyond a short palette get black entries, as Pillow paints them.
    """
    image.load()
    labels = np.asarray(image)
    palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    missing = int(labels.max()) + 1 - len(palette) if labels.size else 0
    if missing > 0:
        palette = np.vstack([palette, np.zeros((missing, 3), dtype=np.uint8)])
    alpha = _palette_alpha(image, len(palette))
    return IndexedImage(palette if alpha is None else np.column_stack([palette, alpha]), labels)


def _palette_alpha(image: Image.Image, k: int) -> NDArray[np.uint8] | None:
    """The alpha of k entries of an image of mode P; None where all are opaque.

    Pillow has it in the palette, or beside it, for all entries or for one.
    """
    alpha = np.full(k, 255, dtype=np.uint8)
    if getattr(image.palette, "mode", "RGB") == "RGBA":
        own = np.array(image.getpalette("RGBA"), dtype=np.uint8)[3::4][:k]
        alpha[: len(own)] = own
    transparency = image.info.get("transparency")
    if isinstance(transparency, bytes):
        some = np.frombuffer(transparency, dtype=np.uint8)[:k]
        alpha[: len(some)] = some
    elif isinstance(transparency, int) and transparency < k:
        alpha[transparency] = 0
    return None if bool((alpha == 255).all()) else alpha
