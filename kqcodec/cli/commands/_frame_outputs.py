"""`kq decode` and `kq convert` of sequences: animations, a file for each frame, or one frame."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.commands._decode_parts import (
    Part,
    figures_of,
    for_format,
    part_of_frame,
    still_file,
)
from kqcodec.cli.commands._label_outputs import ids_of, write_ids
from kqcodec.cli.screen.failures import REFUSED, USAGE, Failure, display_name, reading
from kqcodec.cli.screen.text import visible
from kqcodec.errors import FormatError
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, PIXELS_OF_FRAMES, max_pixels_of_frames

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.cli.batch.driver import Batch
    from kqcodec.coding.kq_file import KqFile
    from kqcodec.images.indexed_image import IndexedImage

    _Image: TypeAlias = IndexedImage | NDArray[np.uint8]

_NUMBER = re.compile(r"%(0\d)?d")


@dataclass(frozen=True)
class FrameFiles(Outputs):
    """The outputs of the frames of one input: a file for each, whose name has its number, from 0
    on, in the place of %d or, with leading zeros, %04d."""

    @classmethod
    def instead(cls, batch: Batch, inputs: tuple[str, ...], output: str | None) -> Batch:
        """The batch with such outputs, if -o names them."""
        if output is None or not _NUMBER.search(os.path.basename(output)):
            return batch
        if len(inputs) != 1 or batch.options.recursive:
            what = "a name with numbers is for the frames of one file"
            raise click.UsageError(f"{visible(output)}: {what}.")
        if batch.options.skip_existing:
            raise click.UsageError("--skip-existing takes no name with numbers.")
        targets = {inputs[0]: output}
        return replace(batch, outputs=cls(targets, None, batch.options.force))

    def of_frame(self, name: str, number: int) -> Outputs:
        """The output of one frame of the input ``name``."""
        folder, pattern = os.path.split(self.targets[name])
        target = os.path.join(folder, _NUMBER.sub(lambda found: found[0] % number, pattern))
        return Outputs({name: target}, folder, self.force)


@dataclass(frozen=True)
class FrameOptions:
    """What of each frame is to be written.

    Attributes:
        frame: the number of the only one; None for all.
        part: of the picture.
        labels: whether its labels.
        background: what to put behind transparent pixels.
        max_pixels: of a frame; all together may have more, as those of an input.
    """

    frame: int | None
    part: Part
    labels: bool
    background: tuple[int, int, int] | None
    max_pixels: int = DEFAULT_MAX_PIXELS

    def frames(self, file: KqFile, name: str) -> Iterator[_Image]:
        """Those frames of the input ``name``, as ``read_part`` has pictures; a Failure if they
        can't be read, are too many to be written, or there is no such frame."""
        first = self.frame or 0
        count = 0
        if self.frame is None:  # of a pipe, or a damaged file, they are counted as they come
            with contextlib.suppress(OSError, FormatError):
                self._check_pixels(file, name, file.frames)
        with reading(display_name(name)):
            for image in file.iter_frames(first, None if self.frame is None else first + 1):
                count += 1
                self._check_pixels(file, name, count)
                yield part_of_frame(image, self.part) if self.part.is_given else image
        if count == 0:
            raise _no_frame(file, name, first)

    def _check_pixels(self, file: KqFile, name: str, frames: int) -> None:
        """Raise a Failure if so many frames, which may take few bytes, are too many to be written:
        each that is unchanged costs as much as others do."""
        pixels, most = frames * file.header.pixels, max_pixels_of_frames(self.max_pixels)
        if most is not None and frames > 1 and pixels > most:
            raise Failure(
                REFUSED,
                f"{display_name(name)}: its frames have more than {most:,} pixels together; take "
                f"one by --frame, or raise --max-pixels, each of which allows {PIXELS_OF_FRAMES}, "
                "if you trust the file",
            )


ALL_FRAMES = FrameOptions(None, Part(None, None, None), labels=False, background=None)


def write_frames(
    file: KqFile, name: str, outputs: Outputs, file_format: str, options: FrameOptions
) -> dict[str, Any] | None:
    """Write the frames of the input ``name``, to a file each or all to one, and give the figures;
    None where it is a still or one frame is asked for, whose file isn't different from others."""
    if isinstance(outputs, FrameFiles):
        return _write_files(file, name, outputs, file_format, options)
    if file.timing is None or options.frame is not None:
        return None
    return write_animation(file, name, outputs, file_format, options)


def _write_files(
    file: KqFile, name: str, outputs: FrameFiles, file_format: str, options: FrameOptions
) -> dict[str, Any]:
    """Write a file for each frame of the input ``name``; the figures of them."""
    first = options.frame or 0
    number = written = 0
    figures: dict[str, Any] = {}
    for number, found in enumerate(options.frames(file, name), first):
        output = outputs.of_frame(name, number)
        output.check(name)
        parts, figures = still_file(
            found, file.metadata, file_format, options.labels, options.background
        )
        written += output.write(name, parts)
    return {**figures, "frames": number + 1 - first, "output_bytes": written}


def _check_held(name: str, outputs: Outputs, file_format: str, options: FrameOptions) -> None:
    """Raise a Failure if a file of that format doesn't hold the frames of the input ``name``."""
    from kqcodec.frames.export import ANIMATED

    means = options.part.scale is not None and options.part.method("mean") == "mean"
    if file_format == "NPY" or (file_format in ANIMATED and not options.labels and not means):
        return
    if options.labels:
        reason = "it has frames, whose labels go into .npy"
    elif file_format in ANIMATED:
        reason = "its frames are made smaller by --scale-by nearest"
    else:
        reason = f"it has frames, of which {file_format} files get one; write .gif, .png or .webp"
    each = "NAME%04d" + (os.path.splitext(outputs.targets[name])[1] or ".png")
    reason += f", a file for each by -o {each}, or one by --frame"
    raise Failure(REFUSED, f"{display_name(name)}: {reason}")


def write_slices(
    file: KqFile, name: str, outputs: Outputs, file_format: str, options: FrameOptions, *, rgb: bool
) -> dict[str, Any]:
    """Write the slices of the label map ``name``, a file for each, or the one that is asked for;
    the figures of them. One that is no volume is a single slice."""
    count, frame = file.frames, options.frame
    if frame is not None and frame >= count:
        raise _no_frame(file, name, frame)
    values, meaning = ids_of(file, name, options.part, frame if file.is_volume else None)
    slices = values if file.is_volume and frame is None else [values]
    if not isinstance(outputs, FrameFiles):
        return write_ids(slices[0], meaning, name, outputs, file_format, rgb=rgb)
    written = 0
    figures: dict[str, Any] = {}
    for number, ids in enumerate(slices, frame or 0):
        output = outputs.of_frame(name, number)
        output.check(name)
        figures = write_ids(ids, meaning, name, output, file_format, rgb=rgb)
        written += figures["output_bytes"]
    return {**figures, "frames": len(slices), "output_bytes": written}


def _no_frame(file: KqFile, name: str, number: int) -> Failure:
    last = "on"
    with contextlib.suppress(OSError, FormatError):  # as above
        last = f"to {file.frames - 1:,}"
    reason = f"it has no frame {number:,}; they are numbered from 0 {last}"
    return Failure(USAGE, f"{display_name(name)}: {reason}")


def write_animation(
    file: KqFile, name: str, outputs: Outputs, file_format: str, options: FrameOptions
) -> dict[str, Any]:
    """Write all frames of the input ``name`` to one file; the figures of it, or a Failure if the
    format can't hold them."""
    from kqcodec.frames.export import animation_parts

    _check_held(name, outputs, file_format, options)
    frames = options.frames(file, name)
    seen = _Seen()
    if file_format == "NPY":
        parts = _array_parts(seen.passing(frames), file.frames, options)
    else:
        shown = (_flattened(frame, options) for frame in seen.passing(frames))
        parts = animation_parts(shown, file_format, plays=file.loop or 0)
    with for_format(file.header.alpha):
        written = outputs.write(name, parts)
    return {**seen.figures, "frames": seen.count, "output_bytes": written}


class _Seen:
    """What has become known of frames that are passed on.

    Attributes:
        count: how many there were.
        figures: of the last one.
    """

    def __init__(self) -> None:
        self.count = 0
        self.figures: dict[str, Any] = {}

    def passing(self, frames: Iterator[_Image]) -> Iterator[_Image]:
        """The frames, one after the other."""
        for frame in frames:
            self.count += 1
            self.figures = figures_of(frame)
            yield frame


def _flattened(frame: Any, options: FrameOptions) -> IndexedImage:
    flat: IndexedImage = (
        frame if options.background is None else frame.flattened(options.background)
    )
    return flat


def _array_parts(frames: Iterator[_Image], count: int, options: FrameOptions) -> Iterator[bytes]:
    """The parts of a .npy file of so many frames: pixels, shape (F, H, W, 3) or (F, H, W, 4), or
    labels, shape (F, H, W)."""
    import numpy as np

    from kqcodec.coding.export import npy_front
    from kqcodec.images.pixels import flattened

    for number, frame in enumerate(frames):
        if options.labels:
            values = frame.labels  # type: ignore[union-attr]  # there are no means of labels
        else:
            values = np.asarray(frame)
            if options.background is not None:
                values = flattened(values, options.background)
        if number == 0:
            yield npy_front((count, *values.shape), values.dtype)
        yield values.tobytes()
