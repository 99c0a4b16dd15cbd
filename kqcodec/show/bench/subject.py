"""What is coded: one indexed image, the same for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.quantization.finished_palette import lumas

if TYPE_CHECKING:
    from collections.abc import Iterable

# uint8, shape (H, W, 3).
Pixels: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class Shape:
    """What every decoder is told, since bare labels don't say it: the shape and K."""

    width: int
    height: int
    k: int

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


@dataclass(frozen=True, eq=False)
class Subject:
    """An indexed image and its pixels, which a coding starts from.

    Attributes:
        indexed: palette and labels.
        rgb: the pixels, uint8, shape (H, W, 3).
        order: what the palette's order is called.
    """

    indexed: IndexedImage
    rgb: Pixels
    order: str

    @classmethod
    def of(cls, indexed: IndexedImage) -> Subject:
        """The subject that an indexed image is, its palette as given."""
        return cls(indexed, indexed.to_rgb(), "as given")

    @property
    def shape(self) -> Shape:
        """The image's shape and K."""
        return Shape(self.indexed.width, self.indexed.height, self.indexed.k)

    def in_orders(self, others: Iterable[IndexedImage]) -> list[Subject]:
        """This image, then with its palette by luma, then as in the others, which
        show the same pixels; each order once."""
        named = [(in_luma_order(self.indexed), "by luma")]
        named += [(other, "as in the .kq file") for other in others]
        subjects = [self]
        for indexed, order in named:
            if all(indexed != subject.indexed for subject in subjects):
                subjects.append(Subject(indexed, self.rgb, order))
        return subjects


def in_luma_order(indexed: IndexedImage) -> IndexedImage:
    """The image with its palette sorted by luma."""
    order = np.argsort(lumas(indexed.palette), kind="stable")
    places = np.empty(indexed.k, dtype=label_dtype(indexed.k))
    places[order] = np.arange(indexed.k)
    return IndexedImage(indexed.palette[order], places[indexed.labels])
