"""Frames of any kind, read once or twice, in bounded memory.

An iterable whose iterator isn't itself is read twice, and must give the same frames both times;
so is a file of several frames. An iterator, which gives them but once, has them kept in a
temporary file.
"""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kqcodec.coding.kq_file import KqFile
from kqcodec.errors import ArgumentError, ImageError
from kqcodec.format.sequence import MAX_FRAMES
from kqcodec.frames.spool import FrameSpool
from kqcodec.images.animations import Animation, open_animation
from kqcodec.images.animations import Frame as AnimationFrame
from kqcodec.images.conversion import each_warning_once
from kqcodec.images.image_files import reading_image
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata, metadata_of
from kqcodec.images.pixels import (
    flattened,
    frame_pixels,
    image_pixels,
    is_pillow_image,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from fractions import Fraction
    from typing import TypeGuard

    from numpy.typing import NDArray

    from kqcodec.frames.durations import Durations
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import QuantizeOptions

    FramesLike: TypeAlias = (
        "Iterable[ImageLike | IndexedImage] | NDArray[Any] | ImageLike | Animation | KqFile"
    )


@dataclass(frozen=True, eq=False)
class InputFrame:
    """A frame as it is read; its arrays are nobody else's to change.

    Attributes:
        samples: uint8 pixels, shape (H, W, 3) or (H, W, 4); or the labels of an indexed image,
            shape (H, W).
        palette: of labels, shape (K, 3) or (K, 4); None where they are pixels.
        duration: in seconds.
    """

    samples: NDArray[Any]
    palette: NDArray[np.uint8] | None
    duration: Fraction


class InputFrames:
    """Reads frames, once with ``once``, or twice with ``first`` and then ``again``. It is to be
    closed after use.

    Attributes:
        plays: how often a file says that they are to be shown; 0 for ever.
        metadata: of the first frame, from when it is read.
        durations: of all that ``first`` has given.

    Raises:
        ArgumentError, TypeError, ValueError: these can't be frames.
    """

    def __init__(self, frames: FramesLike, durations: Durations, options: QuantizeOptions) -> None:
        if isinstance(frames, np.ndarray) and frames.ndim not in (3, 4):
            raise ValueError(
                f"an array of frames must have shape (F, H, W) or (F, H, W, C), not {frames.shape}"
            )
        keep_profile = "icc" in options.keep
        source: Any = frames
        if isinstance(frames, KqFile):
            source = frames.iter_frames()
        elif is_file(frames):
            source = open_animation(frames, keep_profile=keep_profile)
        if isinstance(source, Sized) and len(source) > MAX_FRAMES:
            raise _too_many()
        try:
            self._each: Iterator[Any] = iter(source)
        except TypeError:
            kind = type(source).__name__
            raise TypeError(f"frames must be an iterable of images, not {kind}") from None
        self._frames, self._durations, self._options = source, durations, options
        self._spool: FrameSpool | None = None
        self._told: set[str] = set()
        self._checksums = array("L")
        self.durations: list[Fraction] = []
        self.plays = source.plays if isinstance(source, Animation) else 0
        if isinstance(frames, KqFile):
            self.plays = frames.loop or 0
        self.metadata = Metadata()

    def close(self) -> None:
        """Forget what is kept of the frames."""
        if self._spool is not None:
            self._spool.close()

    def once(self) -> Iterator[InputFrame]:
        """The frames as they come.

        Raises:
            ArgumentError: there is none, too many, or more or fewer than durations.
            ImageError, OSError: one can't be read, or is of another size than the first.
            TypeError, ValueError: one can't be an image.
        """
        first: InputFrame | None = None
        for number, image in enumerate(self._each):
            if number == MAX_FRAMES:
                raise _too_many()
            samples, palette = self._read(image)
            frame = InputFrame(samples, palette, self._durations.next(image))
            if first is None:
                first, self.metadata = frame, self._metadata(image, self._options.keep)
            self._check_alike(frame, first, image, number)
            yield frame
        if first is None:
            raise ArgumentError("there are no frames")
        self._durations.check_end()

    def first(self) -> Iterator[InputFrame]:
        """The frames, to be read ``again``; errors are those of ``once``, and OSError where there
        is no room to keep them."""
        if self._each is self._frames:
            self._spool = FrameSpool()
        for frame in self.once():
            self.durations.append(frame.duration)
            if self._spool is not None:
                self._spool.add(frame.samples, frame.palette)
            else:
                self._checksums.append(_checksum(frame.samples, frame.palette))
            yield frame

    def again(self) -> Iterator[InputFrame]:
        """The frames that ``first`` has given; ImageError if they aren't what they were."""
        each = map(self._read, self._frames) if self._spool is None else iter(self._spool)
        for number, duration in enumerate(self.durations):
            samples, palette = next(each, (None, None))
            if samples is None:
                raise _changed(number)
            if self._spool is None and _checksum(samples, palette) != self._checksums[number]:
                raise _changed(number)
            yield InputFrame(samples, palette, duration)
        if next(each, None) is not None:
            raise _changed(len(self.durations))

    def _read(self, image: Any) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
        """The pixels of an image, or its labels and palette."""
        if isinstance(image, IndexedImage):
            return image.labels, image.palette
        pixels, background = self._pixels(image), self._options.background
        return pixels if background is None else flattened(pixels, background), None

    def _pixels(self, image: Any) -> NDArray[np.uint8]:
        """Of an image, those of the frame that it stands at where Pillow knows several."""
        if isinstance(image, AnimationFrame):
            return image.pixels
        keep_profile = "icc" in self._options.keep
        with each_warning_once(self._told):
            if is_pillow_image(image):
                with reading_image(name_of(image)):
                    return np.array(frame_pixels(image, name_of(image), keep_profile))
            pixels = image_pixels(image, keep_profile=keep_profile)
        return np.array(pixels)  # a copy: whoever gave an array may change it

    def _metadata(self, image: Any, keep: Collection[str]) -> Metadata:
        if isinstance(image, IndexedImage):
            return image.metadata
        frames = self._frames
        return frames.metadata(keep) if isinstance(frames, Animation) else metadata_of(image, keep)

    def _check_alike(self, frame: InputFrame, first: InputFrame, image: Any, number: int) -> None:
        """Raise TypeError or ImageError for a frame that can't follow the first."""
        if (frame.palette is None) != (first.palette is None):
            raise TypeError("frames are either all indexed images, or none is")
        (high, wide), (height, width) = frame.samples.shape[:2], first.samples.shape[:2]
        if (wide, high) != (width, height):
            name = f", {name_of(image)}," if isinstance(image, (str, os.PathLike)) else ""
            raise ImageError(
                f"frame {number}{name} has {wide} x {high} pixels, but the first has "
                f"{width} x {height}"
            )
        of_file = isinstance(self._frames, Animation)
        keeps_profile = "icc" in self._options.keep and number > 0 and not of_file
        if keeps_profile and self._metadata(image, ("icc",)).icc != self.metadata.icc:
            raise ImageError(
                f"frame {number} has another ICC profile than the first, and a file has one; leave "
                "it out, to have the colours in sRGB"
            )


def is_file(frames: object) -> TypeGuard[ImageLike]:
    """Whether frames are those of a file or of an image of Pillow's."""
    kinds = (str, os.PathLike, bytes, bytearray, memoryview)
    return isinstance(frames, kinds) or hasattr(frames, "read") or is_pillow_image(frames)


def _checksum(samples: NDArray[Any], palette: NDArray[np.uint8] | None) -> int:
    checksum = zlib.crc32(samples, zlib.crc32(repr(samples.shape).encode()))
    return checksum if palette is None else zlib.crc32(palette, checksum)


def _too_many() -> ArgumentError:
    return ArgumentError(f"a sequence has at most {MAX_FRAMES:,} frames")


def _changed(number: int) -> ImageError:
    return ImageError(f"the frames changed while they were read: number {number} isn't what it was")
