"""One palette for indexed images: theirs, if all have the same, or else one of all entries that
they use. Colours stay exactly as they are, those of what is fully transparent too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.palette import coding_order
from kqcodec.colors.histogram import colors_of_keys, keys_of_colors
from kqcodec.colors.values import with_alpha
from kqcodec.errors import ColorsError
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import label_dtype
from kqcodec.quantization.finished_palette import stored_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from kqcodec.coding.options import CodingOptions
    from kqcodec.format.labels import Labels
    from kqcodec.frames.sources import InputFrame


class JoinedColors:
    """The palette of indexed images, at least one: see ``kqcodec.frames.quantizing.FrameColors``.

    Raises:
        ColorsError: they use over 65,536 different colours.
    """

    def __init__(self, frames: Iterable[InputFrame], coding: CodingOptions) -> None:
        palettes = _Palettes()
        for frame in frames:
            palettes.add(frame)
        self.palette = palettes.last
        self._keys: NDArray[np.uint32] | None = None
        if not palettes.differ:
            return
        self._keys = palettes.keys()
        colors = colors_of_keys(self._keys, 4)[:, : palettes.channels]
        order = coding_order(colors) if coding.codes_palettes else stored_order(colors)
        self.palette = np.ascontiguousarray(colors[order])
        # Where each key is in the palette, and each entry of the palette before.
        self._places: Labels = np.empty(len(order), dtype=label_dtype(len(order)))
        self._places[order] = np.arange(len(order))
        self._before: NDArray[np.uint8] | None = None
        self._numbers: Labels = self._places

    def labels(self, frame: InputFrame) -> Labels:
        """See ``FrameColors``."""
        assert frame.palette is not None  # noqa: S101 - all frames are indexed images
        if self._keys is None:
            return frame.samples
        if frame.palette is not self._before:
            self._before = frame.palette
            places = np.searchsorted(self._keys, _keys_of(frame.palette))
            # Entries that no pixel has may be in no palette.
            self._numbers = self._places[np.minimum(places, len(self._keys) - 1)]
        labels: Labels = self._numbers[frame.samples]
        return labels

    def costs(self) -> None:
        """See ``FrameColors``."""


class _Palettes:
    """The palettes of some frames.

    Attributes:
        last: that of the last frame.
        differ: whether not all are the same.
        channels: 4 where any has alpha, else 3.
    """

    def __init__(self) -> None:
        self.last: NDArray[np.uint8] = np.empty((0, 3), dtype=np.uint8)
        self.differ = False
        self.channels = 3
        self._used = np.empty(0, dtype=np.bool_)
        self._keys = np.empty(0, dtype=np.uint32)

    def add(self, frame: InputFrame) -> None:
        """Add that of a frame; ColorsError where all together have too many colours."""
        palette = frame.palette
        assert palette is not None  # noqa: S101 - it is an indexed image
        if not np.array_equal(palette, self.last):
            self.differ = len(self.last) > 0
            self._keys = self.keys()
            self.last, self._used = palette, np.zeros(len(palette), dtype=np.bool_)
            self.channels = max(self.channels, palette.shape[1])
        self._used |= np.bincount(frame.samples.reshape(-1), minlength=len(palette)) > 0

    def keys(self) -> NDArray[np.uint32]:
        """The keys, with alpha, of all colours that are used, ascending."""
        keys = np.union1d(self._keys, _keys_of(self.last)[self._used])
        if len(keys) > MAX_COLORS:
            raise ColorsError(
                f"the frames use {len(keys):,} different colours or more, and a palette has at "
                f"most {MAX_COLORS:,}",
                "choose colors",
            )
        return keys


def _keys_of(palette: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return keys_of_colors(with_alpha(palette))
