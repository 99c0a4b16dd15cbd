"""Frames inside the page: PNG in data URIs, which the page's script draws on a canvas.

A frame is the rectangle that it changes, as codecs of screens have it, so that a page of
hundreds of frames stays small. Now and then one is stored whole, so that going back is quick.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.frames.changes import changed_box
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.report import data_urls

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from numpy.typing import NDArray

    Box = tuple[slice, slice]  # rows and columns

# Characters of all frames together; those beyond aren't shown.
MOST_CHARACTERS = 16 << 20
# Of the rectangles since a whole frame: in frames of pixels, and in number.
_MOST_AREA = 4
_MOST_PATCHES = 64
_ALL = slice(None), slice(None)


class Clip:
    """What a player shows: an original's frames and, on top, the same in K colours.

    Args:
        step: of how many pixels, across and down, one is shown.

    Attributes:
        shown: how many frames there are.
        is_full: whether frames have been left out, since those before take all the room.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._records: list[str] = []
        self._room = MOST_CHARACTERS
        self._last: tuple[NDArray[Any], ...] | None = None
        self._area = self._patches = 0
        self.is_full = False

    @property
    def shown(self) -> int:
        """How many frames there are."""
        return len(self._records)

    def add(self, pixels: NDArray[np.uint8], indexed: IndexedImage, duration: Fraction) -> None:
        """The next frame, if there is room: the original's pixels, (H, W, 3) or (H, W, 4), and
        the labels by the palette that all frames have; for so many seconds."""
        if self.is_full:
            return
        step = self._step
        layers = pixels[::step, ::step], indexed.labels[::step, ::step]
        whole = self._last is None or self._patches >= _MOST_PATCHES
        whole = whole or self._area >= _MOST_AREA * layers[1].size
        boxes = [
            _ALL if whole or self._last is None else changed_box(before, layer)
            for layer, before in zip(layers, self._last or layers, strict=True)
        ]
        patches = [
            _patch(boxes[0], lambda box: data_urls.pixels_uri(layers[0][box], 1)),
            _patch(boxes[1], lambda box: _labels_uri(indexed.palette, layers[1][box])),
        ]
        record = json.dumps([round(float(1000 * duration), 3), int(whole), *patches])
        self._room -= len(record)
        if self._room < 0 and self._records:
            self.is_full = True
            return
        self._records.append(record)
        self._patches, self._area = (0, 0) if whole else (self._patches + 1, self._area)
        self._area += sum(layers[1][box].size for box in boxes if box is not None and not whole)
        self._last = layers[0].copy(), layers[1].copy()

    def to_json(self, plays: int) -> str:
        """For the script: how often it plays, 0 for ever; and the frames, each with its
        milliseconds, whether it is whole, and a patch for the original and the other."""
        return f'{{"plays":{plays},"frames":[\n{",".join(self._records)}]}}'


def _patch(box: Box | None, uri: Callable[[Box], str]) -> tuple[int, int, str] | None:
    """Left, top and PNG of what is drawn; None where nothing changes."""
    return None if box is None else (box[1].start or 0, box[0].start or 0, uri(box))


def _labels_uri(palette: NDArray[np.uint8], labels: NDArray[Any]) -> str:
    """With the colours that are there and no others, which most often are a few."""
    used, places = np.unique(labels, return_inverse=True)
    few = places.reshape(labels.shape).astype(labels.dtype)
    return data_urls.indexed_uri(IndexedImage(palette[used], few), 1)
