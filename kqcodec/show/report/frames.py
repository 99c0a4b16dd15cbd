"""What a page about frames tells, gathered: originals, the same in K colours, costs and sizes."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.kq_file import KqFile
from kqcodec.colors.values import with_alpha
from kqcodec.errors import ImageError
from kqcodec.format.limits import Limits
from kqcodec.format.names import CODERS
from kqcodec.format.source import BufferSource
from kqcodec.frames.encoding import FrameEncoder
from kqcodec.frames.export import ANIMATED, animation_parts
from kqcodec.frames.reading import read_frames
from kqcodec.frames.sources import is_file
from kqcodec.images.animations import open_animation
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.pixels import flattened
from kqcodec.show.report import data_urls
from kqcodec.show.report.clip import Clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.coding.options import CodingOptions
    from kqcodec.coding.size_report import SizeReport
    from kqcodec.colors.costs import Costs
    from kqcodec.format.names import CoderName
    from kqcodec.images.animations import Animation
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import Color, ImageLike
    from kqcodec.quantization.options import SearchKeywords
    from kqcodec.quantization.quantizer import CountedPixels

_NAMES = {"GIF": "GIF", "PNG": "APNG", "WEBP": "WebP, lossless"}
_NO_TIME = Fraction(1, 10)  # of a page


@dataclass(frozen=True, eq=False)
class FramesContent:
    """Everything on the page of a sequence; what stills have, too, is explained there.

    Attributes:
        first: the first frame in K colours.
        clip: what the player shows.
        step: of how many pixels, across and down, it shows one.
        plays: how often, 0 for ever.
        durations: of all frames, in seconds; none of pages.
        frame_bytes: of each frame.
        counts: how many pixels of all frames have each label: int64, shape (K,).
    """

    title: str
    first: IndexedImage
    clip: Clip
    step: int
    plays: int
    durations: tuple[Fraction, ...]
    frame_bytes: NDArray[np.int64]
    counts: NDArray[np.int64]
    costs: Costs
    report: SizeReport
    ours: dict[CoderName, int]
    other_formats: dict[str, int]
    source_bytes: int | None


class _Stored:
    """The frames of a .kq file, decoded anew each time."""

    def __init__(self, data: bytes, threads: int | None) -> None:
        self._data, self._threads = data, threads

    def __iter__(self) -> Iterator[IndexedImage]:
        return read_frames(self._data, threads=self._threads, max_pixels=None)


def several_frames(image: ImageLike | CountedPixels) -> Animation | None:
    """The frames of an image, if it has several; raises what ``open_animation`` raises."""
    if not is_file(image):
        return None
    animation = open_animation(image)
    if isinstance(image, io.IOBase):
        image.seek(0)  # for who reads it next
    return None if animation.count == 1 else animation


def gather_frames(
    animation: Animation,
    k: int,
    coding: CodingOptions,
    *,
    title: str,
    source_bytes: int | None,
    background: Color | None,
    search: SearchKeywords,
) -> FramesContent:
    """Measure all that a page tells of an animation's frames, in at most ``k`` colours."""
    threads = coding.threads
    encoder = FrameEncoder(
        *(animation, k),
        coder=coding.coder,
        tile=coding.tile,
        threads=threads,
        background=background,
        **search,
    )
    data = b"".join(encoder.parts())
    costs = encoder.costs()
    assert costs is not None  # noqa: S101 - pixels are quantized
    file = KqFile(data, threads=threads, max_pixels=None)
    opened = Opened.from_source(BufferSource(data), Limits.of(None))
    assert opened.frames is not None  # noqa: S101 - they are frames
    # Of many ways through the frames only the first decodes them slowly.
    quick = data
    if coding.coder != "tokens":
        quick = b"".join(_parts_by("tokens", _Stored(data, threads), coding))
    stored = _Stored(quick, threads)
    ours: dict[CoderName, int] = {coding.coder: len(data), "tokens": len(quick)}
    for coder in CODERS:
        ours[coder] = ours.get(coder) or sum(map(len, _parts_by(coder, stored, coding)))
    first = file.frame(0)
    step = data_urls.step_for(first.width, first.height)
    clip, counts = Clip(step), np.zeros(first.k, dtype=np.int64)
    for original, indexed in zip(animation, stored, strict=True):
        pixels = flattened(original.pixels, background) if background else original.pixels
        pixels = with_alpha(pixels) if first.has_alpha else pixels
        clip.add(pixels, indexed, indexed.duration or _NO_TIME)
        counts += np.bincount(indexed.labels.reshape(-1), minlength=first.k)
    plays = file.loop or 0
    return FramesContent(
        title=title,
        first=first,
        clip=clip,
        step=step,
        plays=plays,
        durations=file.durations,
        frame_bytes=np.diff(opened.frames.directory.starts),
        counts=counts,
        costs=costs,
        report=file.size_report(),
        ours=ours,
        other_formats=_other_sizes(stored, plays),
        source_bytes=source_bytes,
    )


def _parts_by(coder: CoderName, frames: _Stored, coding: CodingOptions) -> Iterator[bytes]:
    """The parts of the file of the same frames by another coder."""
    encoder = FrameEncoder(
        *(frames, None),
        coder=coder,
        tile=coding.tile,
        effort=coding.effort,
        threads=coding.threads,
    )
    return encoder.parts()


def _other_sizes(stored: _Stored, plays: int) -> dict[str, int]:
    """The bytes of the same frames in the formats that can hold them; what was written is read
    again and compared before it counts."""
    found = {}
    for file_format in ANIMATED:
        with contextlib.suppress(ImageError, OSError, ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConversionWarning)  # of durations, which are no matter
            data = b"".join(animation_parts(stored, file_format, plays=plays))
            if _shows(data, stored):
                found[_NAMES[file_format]] = len(data)
    return found


def _shows(data: bytes, stored: _Stored) -> bool:
    """Whether an animation has the same pixels in all frames, but for those that nobody sees."""
    for frame, indexed in zip(open_animation(data), stored, strict=True):
        pixels, expected = with_alpha(frame.pixels), indexed.to_rgba()
        seen = expected[..., 3] > 0
        alike = np.array_equal(pixels[..., 3], expected[..., 3])
        if not alike or not np.array_equal(pixels[seen], expected[seen]):
            return False
    return True
