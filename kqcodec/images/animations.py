"""Pictures of several frames: animations (GIF, APNG, WebP, AVIF) and the pages of TIFF files.

Pillow decodes them, one after the other, and composes each frame as it is shown: whatever a
file leaves out of it, or has removed before, is Pillow's to know. What it leaves open is
settled here: which of the images in a file are frames, how long they last, how often they are
shown, and what becomes of files that are cut short or ask for too much.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ArgumentError, ImageError
from kqcodec.format.limits import PIXELS_OF_FRAMES, max_pixels_of_frames
from kqcodec.images.conversion import each_warning_once, warn_of_loss
from kqcodec.images.image_files import (
    MOST_COUNTED,
    WITH_PREVIEWS_OR_LAYERS,
    is_reduced,
    opened_image,
    opened_path,
    read_contents,
    reading_image,
)
from kqcodec.images.metadata import metadata_of
from kqcodec.images.pillow_samples import FORMATS_WITH_PAGES
from kqcodec.images.pixels import frame_pixels, is_pillow_image, name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from kqcodec.images.metadata import Metadata
    from kqcodec.images.pixels import ImageLike

# What isn't shown for any time is shown for this long, as browsers do it.
_DEFAULT_DURATION = Fraction(1, 10)
_MOST_DENOMINATOR = 65_535  # of APNG, whose fractions Pillow has made floats
# Pillow searches the places of all pages before for each that it comes to.
_MOST_PAGES = 1 << 16
_UNCOUNTED = ("GIF", "TIFF")  # the formats that say at no place how many frames there are
_DAMAGED = "undamaged copy"


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame as it is shown.

    Attributes:
        pixels: uint8, shape (H, W, 3), or (H, W, 4) where any isn't opaque.
        duration: in seconds; None of a page, which has none.
    """

    pixels: NDArray[np.uint8]
    duration: Fraction | None


@dataclass(frozen=True, eq=False)
class Animation:
    """The frames of a picture, which are decoded one by one, as often as they are gone through.

    Attributes:
        name: what messages call it.
        count: how many frames the file says it has, of which fewer may be whole: 1 for a still
            picture, None where there are several and only reading them tells how many.
        plays: how often they are shown; 0 for ever.
    """

    name: str
    count: int | None
    plays: int
    _source: Any  # bytes of a file, or an image of Pillow's
    _keep_profile: bool
    _most_pixels: int | None  # of a frame
    _told: set[str] = field(default_factory=set)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height, those of the first frame; ImageError if it can't be read."""
        height, width = self.frame(0).pixels.shape[:2]
        return width, height

    def __iter__(self) -> Iterator[Frame]:
        """The frames, from the first to the last that is whole.

        Raises:
            ImageError: the first can't be read, a later one has another size or can't be
                converted, or all of them together are too large.

        Warns:
            ConversionWarning: the file is damaged or cut short, or something was lost in a
                conversion; each is said once.
        """
        from PIL import Image

        limit = max_pixels_of_frames(Image.MAX_IMAGE_PIXELS)
        whole, total = 0, 0
        first: tuple[int, ...] = ()
        with self._opened() as image:
            try:
                for _ in self._places(image):
                    frame = self._decoded(image)
                    shape = frame.pixels.shape[:2]
                    first = first or shape
                    if shape != first:
                        raise ImageError(
                            f"{self.name} has frames of different sizes: {_size(first)} the first, "
                            f"{_size(shape)} the one after {whole:,}",
                            "one frame",
                        )
                    total += shape[0] * shape[1]
                    if limit is not None and total > limit:
                        raise ImageError(
                            f"{self.name} has more than {limit:,} pixels in all of its frames; "
                            "raise the limit of pixels (--max-pixels, PIL.Image.MAX_IMAGE_PIXELS), "
                            f"each of which allows {PIXELS_OF_FRAMES} there, if you trust it"
                        )
                    yield frame
                    whole += 1
            except ImageError as exc:
                if not whole or exc.advice != _DAMAGED:
                    raise
                self._warn_of_end(whole)
            else:
                if self._lacks_its_end(image):
                    self._warn_of_end(whole)

    def metadata(self, keep: Collection[str]) -> Metadata:
        """What the file has of that, as ``kqcodec.images.metadata.metadata_of`` finds it."""
        return metadata_of(self._source, keep)

    def frame(self, number: int) -> Frame:
        """One frame, counted from 0; frames of other sizes don't matter.

        Raises:
            ArgumentError: there are fewer.
            ImageError: it can't be read.
        """
        found = -1
        with self._opened() as image:
            for found, _ in enumerate(self._places(image)):
                if found == number:
                    return self._decoded(image)
                if image.format == "PNG":  # or older Pillows take transparent entries for opaque
                    self._decoded(image)
        raise ArgumentError(
            f"{self.name} has no frame {number:,}: its frames are numbered from 0 to {found:,}"
        )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Any]:
        if isinstance(self._source, bytes):
            with opened_image(self._source, self.name) as image:
                yield image
            return
        place = self._source.tell()
        try:
            yield self._source
        finally:
            self._source.seek(place)

    def _places(self, image: Any) -> Iterator[None]:
        """Have the image stand at each of its frames in turn; ImageError where a file is
        damaged, or isn't as long as it says."""
        if self.count == 1:
            yield
            return
        first = 0
        if image.format == "PNG" and getattr(image, "default_image", False):
            # That image isn't a frame, and what the first one leaves out is transparent.
            with reading_image(self.name):
                image.seek(0)
                image.load()
                image.paste(0, (0, 0, *image.size))
            first = 1
        for number in itertools.count(first):
            if self.count is not None and number == first + self.count:
                return
            with reading_image(self.name):
                try:
                    image.seek(number)
                except EOFError:
                    if self.count is None:
                        return
                    raise
                if image.format == "TIFF" and number > 0 and is_reduced(image):
                    continue
            if image.format == "TIFF" and number >= _MOST_PAGES:
                raise ImageError(f"{self.name} has more than {_MOST_PAGES:,} pages")
            yield

    def _decoded(self, image: Any) -> Frame:
        with each_warning_once(self._told), reading_image(self.name):
            self._check_pixels(image)
            if image.format == "PNG" and image.tell() > 0:
                image.load()  # from here on; what isn't loaded may be read anew, from the start
            pixels = frame_pixels(image, self.name, self._keep_profile)
        # Some formats are asked for the duration only as they are decoded.
        return Frame(pixels, _duration(image))

    def _check_pixels(self, image: Any) -> None:
        """Raise ImageError if a frame is too large; that the first one isn't, Pillow has seen."""
        if self._most_pixels is not None and image.width * image.height > self._most_pixels:
            raise ImageError(
                f"{self.name} has a frame of {image.width} x {image.height}, too many pixels to "
                "be safe; if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS",
                "max pixels",
            )

    def _lacks_its_end(self, image: Any) -> bool:
        """Whether a file of which all frames were read ends without saying so."""
        if image.format != "GIF" or self.count == 1 or not isinstance(self._source, bytes):
            return False
        end = image.fp.tell()
        return self._source[end - 1 : end] != b";"

    def _warn_of_end(self, whole: int) -> None:
        frames = "frame, which is" if whole == 1 else f"{whole:,} frames, which are"
        used = "is" if whole == 1 else "are"
        with each_warning_once(self._told):
            warn_of_loss(
                f"{self.name} is damaged or cut short; only its first {frames} whole, {used} used"
            )


def open_animation(image: ImageLike, *, keep_profile: bool = False) -> Animation:
    """The frames of a picture, not decoded yet.

    Args:
        image: a Pillow image of any format, whose frame stays the one that it stands at; a
            path; the bytes of an image file; or a binary file, which is read.
        keep_profile: as for ``kqcodec.images.pixels.image_pixels``.

    Raises:
        ImageError: it isn't an image, is damaged or too large.
        OSError: the file can't be opened or read.
        TypeError: an input of another kind.
    """
    name = name_of(image)
    if is_pillow_image(image):
        return _of(image, image, name, keep_profile)
    if isinstance(image, (str, os.PathLike)):
        with opened_path(image) as file:
            data = read_contents(file, name)
    elif isinstance(image, (bytes, bytearray, memoryview)) or hasattr(image, "read"):
        data = read_contents(image if hasattr(image, "read") else io.BytesIO(image), name)
    else:
        raise TypeError(
            f"can't read frames from {type(image).__name__}: give a Pillow image, a path, the "
            "bytes of an image file or a binary file"
        )
    with opened_image(data, name) as opened:
        return _of(opened, data, name, keep_profile)


def _of(image: Any, source: Any, name: str, keep_profile: bool) -> Animation:
    from PIL import Image

    plays = image.info.get("loop", 0)
    if image.format == "GIF":  # which says how often it is shown again
        plays = 1 if "loop" not in image.info else plays and plays + 1
    most = Image.MAX_IMAGE_PIXELS
    most = None if most is None else max(most, image.width * image.height)
    return Animation(name, _count(image), plays, source, keep_profile, most)


def _count(image: Any) -> int | None:
    """How many frames there are, as cheaply as that can be told: see ``Animation.count``."""
    if image.format in WITH_PREVIEWS_OR_LAYERS:
        return 1
    if image.format not in _UNCOUNTED:
        count = int(getattr(image, "n_frames", 1))
        return count - 1 if getattr(image, "default_image", False) and count > 1 else count
    place = image.tell()
    try:
        if image.format == "TIFF":  # whose next directories may be smaller versions
            for number in range(place + 1, place + MOST_COUNTED):
                image.seek(number)
                if not is_reduced(image):
                    break
            return None
        return None if image.is_animated else 1
    except EOFError:
        return 1 if place == 0 else None
    except Exception:  # noqa: BLE001 - Pillow's are of any kind; reading the frames says which
        return None
    finally:
        with contextlib.suppress(Exception):
            image.seek(place)


def _duration(image: Any) -> Fraction | None:
    if image.format in FORMATS_WITH_PAGES:
        return None
    milliseconds = image.info.get("duration")
    if not isinstance(milliseconds, (int, float)) or milliseconds <= 0:
        return _DEFAULT_DURATION
    return Fraction(milliseconds / 1000).limit_denominator(_MOST_DENOMINATOR)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
