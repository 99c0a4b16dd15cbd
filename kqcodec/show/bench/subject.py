"""What is coded: one indexed image, or frames of one palette, the same for everybody.

Frames stand below each other in one tall image, so that arrays are alike for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.quantization.finished_palette import lumas

if TYPE_CHECKING:
    from collections.abc import Iterable

# What each frame lasts, in formats that say it.
SECONDS = Fraction(1, 10)
# uint8, shape (F * H, W, 3).
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """What every decoder is told, since bare labels don't say it: the shape of a frame, K and
    how many frames there are."""

    width: int
    height: int
    k: int
    frames: int = 1

    @property
    def rows(self) -> int:
        """Those of all frames."""
        return self.frames * self.height

    @property
    def pixels(self) -> int:
        """Those of all frames."""
        return self.width * self.rows


@dataclass(frozen=True, eq=False)
class Subject:
    """An indexed image and its pixels, which a coding starts from.

    Attributes:
        indexed: palette and labels, of frames below each other.
        rgb: the pixels, uint8, shape (F * H, W, 3).
        order: what the palette's order is called.
        frames: how many there are.
    """

    indexed: IndexedImage
    rgb: Pixels
    order: str
    frames: int = 1

    @classmethod
    def of(cls, indexed: IndexedImage, frames: int = 1) -> Subject:
        """The subject that an indexed image is, its palette as given."""
        return cls(indexed, indexed.to_rgb(), "as given", frames)

    @property
    def shape(self) -> Shape:
        """A frame's shape, K and the number of frames."""
        height = self.indexed.height // self.frames
        return Shape(self.indexed.width, height, self.indexed.k, self.frames)

    def in_frames(self, plane: NDArray[Any]) -> NDArray[Any]:
        """An array of the labels' or the pixels' shape, cut into frames: (F, H, W) or
        (F, H, W, 3)."""
        return plane.reshape(self.frames, -1, *plane.shape[1:])

    @property
    def pictures(self) -> list[IndexedImage]:
        """The frames."""
        labels = self.in_frames(self.indexed.labels)
        return [IndexedImage(self.indexed.palette, each) for each in labels]

    def in_orders(self, others: Iterable[IndexedImage]) -> list[Subject]:
        """This image, then with its palette by luma, then as in the others, which
        show the same pixels; each order once."""
        named = [(in_luma_order(self.indexed), "by luma")]
        named += [(other, "as in the .kq file") for other in others]
        subjects = [self]
        for indexed, order in named:
            if all(indexed != subject.indexed for subject in subjects):
                subjects.append(replace(self, indexed=indexed, order=order))
        return subjects


def in_luma_order(indexed: IndexedImage) -> IndexedImage:
    """The image with its palette sorted by luma."""
    order = np.argsort(lumas(indexed.palette), kind="stable")
    places = np.empty(indexed.k, dtype=label_dtype(indexed.k))
    places[order] = np.arange(indexed.k)
    return IndexedImage(indexed.palette[order], places[indexed.labels])
