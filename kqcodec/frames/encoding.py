"""Frames to .kq files: pictures, quantized together, or indexed images as they are."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.format.integers import whole_number
from kqcodec.format.names import DEFAULT_CODER, check_name
from kqcodec.format.sequence import (
    AXES,
    DEFAULT_KEY_DISTANCE,
    MAX_NUMBER,
    FrameTiming,
)
from kqcodec.frames.durations import Durations, in_units, unit_of
from kqcodec.frames.joining import JoinedColors
from kqcodec.frames.quantizing import GivenColors, MappedColors
from kqcodec.frames.sources import InputFrames
from kqcodec.quantization.options import QuantizeKeywords, QuantizeOptions
from kqcodec.storage.atomic_write import write_to

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.colors.costs import Costs
    from kqcodec.format.labels import Labels
    from kqcodec.format.names import CoderName
    from kqcodec.format.sequence import AxisName
    from kqcodec.frames.durations import SecondsLike
    from kqcodec.frames.quantizing import FrameColors
    from kqcodec.frames.sources import FramesLike, InputFrame
    from kqcodec.images.metadata import Metadata

# What a slice, which takes no time, lasts.
_SLICE = Fraction(1)


class FrameKeywords(QuantizeKeywords, total=False):
    """What the functions that encode frames take, besides ``k``; each is explained at
    ``kqcodec.encode_frames``."""

    durations: SecondsLike | Iterable[SecondsLike] | None
    fps: SecondsLike | None
    loop: int | None
    key_distance: int | None
    axis: AxisName
    coder: CoderName
    tile: TileSize


def encode_frames(
    frames: FramesLike,
    k: int | None = None,
    **options: Unpack[FrameKeywords],
) -> bytes:
    """The bytes of a .kq file of frames: an animation, or a volume of slices.

    All frames share one palette. What doesn't change from a frame to the next doesn't change
    after quantizing either, dithered or not. Of the frames one or two are in memory at a time.
    They are read twice, to find the palette and to code them; an iterator, which gives them but
    once, has them kept in a temporary file meanwhile. With a ``palette`` once is enough, and
    each frame is coded as it comes.

    Args:
        frames: an iterable of images of one size, each whatever ``quantize`` accepts; an array
            of shape (F, H, W), (F, H, W, 3) or (F, H, W, 4), or anything like one; the path,
            bytes or binary file of an animation (GIF, APNG, WebP, AVIF) or of pages (TIFF), or a
            Pillow image of one; or an iterable of indexed images, or an open .kq file, which are
            stored exactly: with their palette, if all have the same, or else with one of all
            entries that they use.
        k: colours, 1..65,536; None for indexed images, with a ``palette``, or to keep all colours
            of all frames.
        durations: how many seconds a frame is shown, or an iterable of them, one for each: whole
            numbers, fractions and text like "0.04" or "1/25" exactly, floats as the nearest
            fraction of a denominator up to a million. None for the frames' own ``duration``, in
            seconds, Pillow's in milliseconds, and a tenth of a second where there is none.
        fps: frames a second instead.
        loop: how often they are to be shown, 0 for ever; None for what a file says, or else 0.
        key_distance: frames whose number is a multiple of it need no other to be decoded; 0 for
            only the first; None for 256.
        axis: "time", or "depth" for slices, which have no durations.
        coder, tile: how labels are coded; see ``kqcodec.coding.options``.
        options: these, from ``durations`` on, and those of ``quantize``.

    Raises:
        ArgumentError: there is no frame, or 2**31; durations aren't as many, not above 0, or
            without a unit in common.
        ColorsError: ``k`` is None and there are over 65,536 colours; or as for ``quantize``.
        ImageError: frames are of different sizes, can't be read, or change between the two times
            that they are.
        PaletteError, OSError: as for ``quantize``; or there is no room for a temporary file.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    return b"".join(FrameEncoder(frames, k, **options).parts())


def write_frames(
    target: str | os.PathLike[str] | BinaryIO,
    frames: FramesLike,
    k: int | None = None,
    *,
    overwrite: bool = True,
    **options: Unpack[FrameKeywords],
) -> int:
    """Write the .kq file that ``encode_frames`` makes of the same arguments, part by part.

    Args:
        target: a path, where the file appears when it is complete and replaces an older one
            unless ``overwrite`` is false; or a binary file object, which may be a pipe.
        overwrite: whether an existing file may be replaced.
        frames, k, options: as for ``encode_frames``.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: the target can't be written.
        ArgumentError, ColorsError, ImageError, PaletteError, TypeError, ValueError: as for
            ``encode_frames``. A file object may have got a part by then.
    """
    return write_to(target, FrameEncoder(frames, k, **options).parts(), overwrite)


class FrameEncoder:
    """Frames about to be encoded; arguments and errors are those of ``encode_frames``.

    Args:
        metadata: of the file; None for what is kept of the first frame's.

    Attributes:
        frames: how many have been coded so far.
    """

    def __init__(
        self,
        frames: FramesLike,
        k: int | None,
        *,
        durations: SecondsLike | Iterable[SecondsLike] | None = None,
        fps: SecondsLike | None = None,
        loop: int | None = None,
        key_distance: int | None = None,
        axis: AxisName = "time",
        coder: CoderName = DEFAULT_CODER,
        tile: TileSize = None,
        metadata: Metadata | None = None,
        **options: Unpack[QuantizeKeywords],
    ) -> None:
        self._options = QuantizeOptions(**options)
        self._coding = self._options.coding(coder, tile)
        self._k = None if k is None else self._options.checked_colors(k)
        if k is None and len(self._options.pinned):
            raise TypeError("pins are for a palette of k colours, and k is missing")
        check_name(axis, AXES, "axis")
        if axis == "depth":
            if durations is not None or fps is not None:
                raise TypeError("durations and fps are for an axis of time, not of depth")
            durations = _SLICE
        self._durations = Durations(durations, fps)
        self._reader = InputFrames(frames, self._durations, self._options)
        loop = self._reader.plays if loop is None else loop
        distance = DEFAULT_KEY_DISTANCE if key_distance is None else key_distance
        self._timing = FrameTiming(
            axis,
            whole_number(distance, "key_distance", 0, MAX_NUMBER),
            whole_number(loop, "loop", 0, MAX_NUMBER),
            Fraction(axis == "time"),
        )
        self._metadata = metadata
        self._colors: FrameColors | None = None
        self.frames = 0

    def parts(self) -> Iterator[bytes]:
        """The bytes of the file, to be drawn once; each frame's come together."""
        with closing(self._reader) as reader:
            each = reader.first() if self._options.fixed is None else reader.once()
            first = next(each)
            each = itertools.chain([first], each)
            self._colors = self._colors_of(first, each)
            if self._options.fixed is None:
                each = reader.again()
            height, width = first.samples.shape[:2]
            unit = self._unit(first)
            yield from encoded_frames(
                self._colors.palette,
                width,
                height,
                self._labelled(each, self._colors, unit),
                replace(self._timing, unit=unit * self._timing.unit),
                options=self._coding,
                sections=(self._metadata or reader.metadata).sections(),
            )

    def costs(self) -> Costs | None:
        """What quantizing has cost, when all parts have been drawn; None where nothing was
        quantized. It is to be asked for once."""
        return None if self._colors is None else self._colors.costs()

    def _colors_of(self, first: InputFrame, frames: Iterable[InputFrame]) -> FrameColors:
        options = self._options
        if first.palette is None:
            if options.fixed is not None:
                return GivenColors(options)
            return MappedColors.of(frames, self._k, options, self._coding)
        if self._k is not None:
            raise TypeError("k is for images to quantize; these have their own labels")
        if options.fixed is not None or options.strength:
            raise TypeError("palette and dither are for images to quantize")
        return JoinedColors(frames, self._coding)

    def _unit(self, first: InputFrame) -> Fraction:
        """The unit of durations; in depth 1, that of ``_SLICE``."""
        if self._timing.axis == "depth":
            return _SLICE
        durations = self._reader.durations  # of all frames, where they have been read before
        return unit_of(durations) if durations else self._durations.unit_beforehand(first.duration)

    def _labelled(
        self, frames: Iterable[InputFrame], colors: FrameColors, unit: Fraction
    ) -> Iterator[tuple[Labels, int]]:
        for frame in frames:
            yield colors.labels(frame), in_units(frame.duration, unit)
            self.frames += 1
