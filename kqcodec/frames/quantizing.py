"""One palette for all frames, and labels of one after the other.

What hasn't changed from a frame to the next keeps its labels, so that nothing flickers: by the
nearest entry, and by thresholds at fixed places, that comes by itself. Where errors are
diffused, they spread among the pixels that have changed, and end at those that haven't.

There are four palettes, by what is asked for and what the frames are:

    searched    k-means on the sum of the histograms of all frames
    exact       all colours of all frames, where none is asked for
    given       each frame's pixels get their nearest entries: the frames are needed once
    joined      of indexed images, whose colours are kept: ``kqcodec.frames.joining``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from kqcodec.coding.palette import coding_order
from kqcodec.colors.costs import Losses, losses_of_pixels
from kqcodec.colors.histogram import Histogram, histogram
from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.errors import ColorsError
from kqcodec.format.header import MAX_COLORS
from kqcodec.frames.changes import changed_box
from kqcodec.images.blocks.samples import with_channels
from kqcodec.quantization.color_map import Labeler, labels_in
from kqcodec.quantization.dither import dithered_labels
from kqcodec.quantization.quantizer import color_map
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from kqcodec.coding.options import CodingOptions
    from kqcodec.colors.costs import Costs
    from kqcodec.format.labels import Labels
    from kqcodec.frames.sources import InputFrame
    from kqcodec.quantization.color_map import ColorMap
    from kqcodec.quantization.options import QuantizeOptions


class FrameColors(Protocol):
    """The palette of all frames, and how each gets its labels.

    Attributes:
        palette: uint8, shape (K, 3), or (K, 4) with alpha.
    """

    palette: NDArray[np.uint8]

    def labels(self, frame: InputFrame) -> Labels:
        """The labels of the next frame, read-only, of the dtype for the palette. Where nothing
        has changed they are the same array."""

    def costs(self) -> Costs | None:
        """What quantizing has cost over all frames so far; None where nothing is quantized."""


class _StillLabels:
    """Labels of pixels, frame by frame, where what hasn't changed keeps its labels.

    Args:
        palette: of shape (K, 3), or (K, 4) where the pixels have alpha.
        find: the labels of a rectangle of pixels, each by its colour alone.
        options: by which it is dithered.
        strength: how strongly, 0..256.
    """

    def __init__(
        self,
        palette: NDArray[np.uint8],
        find: Callable[[NDArray[np.uint8]], Labels],
        options: QuantizeOptions,
        strength: int,
    ) -> None:
        self._palette, self._find = palette, find
        self._options, self._strength = options, strength
        self._before: NDArray[np.uint8] | None = None
        self._labels: Labels = np.empty(0, dtype=np.uint8)
        self._frame_lost, self.lost = Losses(), Losses()

    def of(self, pixels: NDArray[np.uint8]) -> Labels:
        """Those of the next frame."""
        before, self._before = self._before, pixels
        box = (slice(None), slice(None)) if before is None else changed_box(before, pixels)
        if box is not None:
            part = np.ascontiguousarray(pixels[box])
            found = self._found(part, box, None if before is None else before[box])
            if found.shape != pixels.shape[:2]:
                labels = self._labels.copy()
                labels[box] = found
                found = labels
            found.flags.writeable = False
            self._labels = found
            if self._strength:
                self._frame_lost = losses_of_pixels(pixels, self._palette, found)
        self.lost += self._frame_lost
        return self._labels

    def _found(
        self,
        pixels: NDArray[np.uint8],
        box: tuple[slice, slice],
        before: NDArray[np.uint8] | None,
    ) -> Labels:
        """The labels of a rectangle of a frame, where there were other pixels before."""
        labels, options = self._find(pixels), self._options
        if not self._strength:
            return labels
        mask = None
        if before is not None and options.dither_kind == "floyd-steinberg":
            mask = np.zeros(labels.shape, dtype=np.bool_)
            for channel in range(pixels.shape[2]):
                mask |= pixels[:, :, channel] != before[:, :, channel]
            labels = np.where(mask, labels, self._labels[box])
        return dithered_labels(
            pixels,
            self._palette,
            labels,
            options.space,
            strength=self._strength,
            kind=options.dither_kind,
            threads=thread_count(options.threads),
            mask=mask,
            place=(box[0].start or 0, box[1].start or 0),
        )


class MappedColors:
    """A palette for the colours of all frames, searched or exact: see ``FrameColors``."""

    def __init__(self, mapped: ColorMap, options: QuantizeOptions, coding: CodingOptions) -> None:
        if options.order_is_free and coding.codes_palettes:
            mapped = mapped.in_order(coding_order(mapped.palette))
        self.palette, self._costs = mapped.palette, mapped.costs
        self._strength = options.strength if mapped.costs.mse else 0
        labeler, threads = Labeler(mapped), thread_count(options.threads)
        self._channels = labeler.channels
        self._still = _StillLabels(
            self.palette, lambda some: labeler.labels(some, threads), options, self._strength
        )

    @classmethod
    def of(
        cls,
        frames: Iterable[InputFrame],
        k: int | None,
        options: QuantizeOptions,
        coding: CodingOptions,
    ) -> MappedColors:
        """The palette of at most ``k`` colours for these frames, or of all that they have.

        Raises:
            ColorsError: they have over 65,536 different colours, and ``k`` is None; or as
                ``kqcodec.quantize`` raises it.
        """
        total, threads = HistogramSum(), thread_count(options.threads)
        before: NDArray[np.uint8] | None = None
        for frame in frames:
            pixels = frame.samples
            if before is None or not np.array_equal(before, pixels):
                colors = histogram(pixels, threads)
            before = pixels
            total.add(colors)
            if k is None and total.least_colors > MAX_COLORS:
                raise ColorsError(
                    f"the frames have {total.least_colors:,} different colours or more, and a "
                    f"palette has at most {MAX_COLORS:,}",
                    "choose colors",
                )
        return cls(color_map(total.total(), k or MAX_COLORS, options), options, coding)

    def labels(self, frame: InputFrame) -> Labels:
        """See ``FrameColors``."""
        return self._still.of(with_channels(frame.samples, self._channels))

    def costs(self) -> Costs:
        """See ``FrameColors``; without dithering those of all frames at any time."""
        return self._still.lost.like(self._costs) if self._strength else self._costs


class GivenColors:
    """A palette that is given, of which each pixel has the nearest entry: see ``FrameColors``."""

    def __init__(self, options: QuantizeOptions) -> None:
        assert options.fixed is not None  # noqa: S101 - or another class is for it
        self.palette, self._options = options.fixed, options
        self._total = HistogramSum()
        self._colors: Histogram | None = None
        self._labels: Labels | None = None
        self._still = _StillLabels(self.palette, self._nearest, options, options.strength)

    def labels(self, frame: InputFrame) -> Labels:
        """See ``FrameColors``; ColorsError where there are transparent pixels, but no entry for
        them."""
        channels = self.palette.shape[1]
        if frame.samples.shape[2] > channels:
            raise ColorsError(
                "there are transparent pixels, but the palette is opaque", "background"
            )
        pixels = with_channels(frame.samples, channels)
        before, self._labels = self._labels, self._still.of(pixels)
        if self._colors is None or self._labels is not before:
            self._colors = histogram(pixels, thread_count(self._options.threads))
        self._total.add(self._colors)
        return self._labels

    def _nearest(self, pixels: NDArray[np.uint8]) -> Labels:
        threads = thread_count(self._options.threads)
        colors = histogram(pixels, threads)
        return labels_in(color_map(colors, None, self._options), pixels, threads)

    def costs(self) -> Costs:
        """See ``FrameColors``; to be asked for once, at the end."""
        found = color_map(self._total.total(), None, self._options).costs
        return self._still.lost.like(found) if self._options.strength else found
