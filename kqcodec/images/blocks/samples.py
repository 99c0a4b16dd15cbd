"""From samples as they are stored to pixels, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.colors.values import with_alpha
from kqcodec.errors import ImageError
from kqcodec.images.pixels import block_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from kqcodec.images.blocks.base import Blocks, Interpretation
    from kqcodec.images.pixels import Color

_MODES = {0: "L", 1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class Conversion:
    """Converts a picture's samples to pixels; several threads may use one.

    Attributes:
        channels: of the pixels: 4 where any might not be opaque.

    Raises:
        ImageError: a file's samples are of a dtype that has no agreed meaning.
    """

    def __init__(self, blocks: Blocks, background: Color | None, keep_profile: bool) -> None:
        self._name = blocks.name
        self._interpretation = blocks.interpretation
        self._background = background
        self._keep_profile = keep_profile
        self._told: set[str] = set()
        has_alpha = blocks.samples in (2, 4) and not blocks.interpretation.ignored
        self.channels = 4 if has_alpha and background is None else 3
        if blocks.of_file:
            try:
                self.pixels(one_pixel(blocks))
            except TypeError as exc:
                raise ImageError(f"{blocks.name}: {exc}") from exc

    def pixels(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        """The pixels that a block's samples mean: uint8, shape (h, w, channels),
        C-contiguous; TypeError if samples of that dtype have no agreed meaning."""
        pixels = block_pixels(
            _interpreted(samples, self._interpretation),
            self._name,
            self._told,
            background=self._background,
            keep_profile=self._keep_profile,
        )
        return with_channels(pixels, 4) if self.channels == 4 else pixels


def with_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Pixels of shape (h, w, 3) or (h, w, 4) with so many channels: alpha is added, or,
    where all are opaque, left out."""
    if pixels.shape[2] == channels:
        return pixels
    if channels == 3:
        return np.ascontiguousarray(pixels[:, :, :3])
    return with_alpha(pixels.reshape(-1, 3)).reshape(*pixels.shape[:2], 4)


def one_pixel(blocks: Blocks) -> NDArray[Any]:
    """A pixel of zeros, shape (1, 1) or (1, 1, samples), as ``Blocks.read`` would give it, by
    which a dtype can be refused before anything is read."""
    return np.zeros((1, 1, blocks.samples) if blocks.samples else (1, 1), dtype=blocks.dtype)


def _interpreted(
    samples: NDArray[Any], interpretation: Interpretation
) -> NDArray[Any] | Image.Image:
    """What ``kqcodec.images.pixels`` understands: an array, or an image of Pillow's that tells
    what the array doesn't."""
    if interpretation.inverted:
        top = 1 if samples.dtype == np.bool_ else np.iinfo(samples.dtype).max
        samples = (top - samples).astype(samples.dtype)
    count = samples.shape[2] if samples.ndim == 3 else 0
    if interpretation.ignored and count in (2, 4):
        samples, count = np.ascontiguousarray(samples[:, :, : count - 1]), count - 1
    if interpretation.color_table is not None:
        samples, count = interpretation.color_table.take(samples, axis=0), 3
    if samples.dtype != np.uint8 or (interpretation.profile is None and count in (0, 1, 3)):
        return samples
    from PIL import Image

    height, width = samples.shape[:2]
    mode = "RGBa" if interpretation.premultiplied and count == 4 else _MODES[count]
    mode = "La" if interpretation.premultiplied and count == 2 else mode
    image = Image.frombuffer(
        mode, (width, height), np.ascontiguousarray(samples), "raw", mode, 0, 1
    )
    if interpretation.profile is not None:
        image.info["icc_profile"] = interpretation.profile
    return image
