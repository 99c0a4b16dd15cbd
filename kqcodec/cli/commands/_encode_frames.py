"""`kq encode` of animations and pages, and of pictures that become the frames of one file."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.commands._encode_output import guarded, written
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import (
    REFUSED,
    STREAM,
    USAGE,
    Failure,
    display_name,
    failure_of,
    reading,
)
from kqcodec.cli.screen.inputs import (
    picture_failures,
    picture_source,
    pillow_limits,
    warnings_as_lines,
)
from kqcodec.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.cli.options.encoding import EncodeSettings
    from kqcodec.frames.encoding import FrameEncoder
    from kqcodec.frames.sources import FramesLike
    from kqcodec.images.animations import Animation
    from kqcodec.images.blocks.raw import RawFrames
    from kqcodec.images.metadata import Metadata

# Options of runs over many files, of which --animate makes one.
_OF_RUNS = ("recursive", "manifest", "scheduler", "frame", "labels")


def animate(
    inputs: tuple[str, ...], output: str | None, options: BatchOptions, settings: EncodeSettings
) -> int:
    """Make the inputs the frames of one file; returns the exit code."""
    _check_animating(inputs, output, settings)
    outputs = Outputs.one(inputs, STREAM if output is None else output, options.force)
    if outputs.use_stream and sys.stdout.buffer.isatty():
        raise click.UsageError("standard output is a terminal; redirect it, or give -o.")

    def work(name: str, outputs: Outputs, threads: int) -> dict[str, Any]:
        alone = replace(settings, threads=threads)
        with _frames_of(inputs, alone) as frames:
            encoder = encoder_of(frames, name, alone)
            parts = guarded(encoder.parts(), _shots_failures(inputs, settings.max_pixels))
            figures = written(name, outputs, alone, parts, costs=encoder.costs, encoder=encoder)
            _check_whole(frames, figures)
            return figures

    batch = Batch([inputs[0]], outputs, options, on_stderr=outputs.use_stream)
    with pillow_limits(settings.max_pixels), warnings_as_lines():
        return batch.run(work, settings.threads)


def _check_animating(inputs: Sequence[str], output: str | None, settings: EncodeSettings) -> None:
    """Raise click.UsageError for a command line with --animate that makes no sense."""
    given = common.options_given(_OF_RUNS)
    if given:
        raise click.UsageError(f"--animate and {given[0]} exclude each other.")
    if settings.pieces.raw is not None:
        if len(inputs) > 1:
            raise click.UsageError("--raw with --animate takes one FILE, or - for a pipe.")
    elif STREAM in inputs:
        raise click.UsageError("--animate takes - only with --raw, the size of its frames.")
    if output is None and tuple(inputs) != (STREAM,):
        raise click.UsageError("--animate needs -o, the .kq file of all frames.")


def encoder_of(frames: FramesLike, name: str, settings: EncodeSettings) -> FrameEncoder:
    """What encodes the frames of the input ``name``; a Failure if the options don't go with it."""
    from kqcodec.frames.encoding import FrameEncoder

    if settings.goal is not None:
        raise Failure(
            USAGE,
            f"{display_name(name)}: a goal like --psnr is for one picture, and this has several "
            "frames; say how many colours with -k, or take one frame with --frame",
        )
    return FrameEncoder(
        frames,
        settings.k,
        coder=settings.coder,
        tile=settings.tile,
        **settings.frames.keywords(),
        **settings.quantize_keywords(),
    )


def animation_in(source: str | BinaryIO, settings: EncodeSettings) -> Animation | None:
    """The picture to be read, if it has several frames, of which all are wanted; raises what
    ``open_animation`` raises."""
    if settings.frames.frame is not None:
        return None
    from kqcodec.images.animations import open_animation

    animation = open_animation(source, keep_profile="icc" in settings.keep)
    if not isinstance(source, str):
        source.seek(0)
    return None if animation.count == 1 else animation


def one_frame(
    source: str | BinaryIO, number: int, keep: Collection[str]
) -> tuple[NDArray[np.uint8], Metadata]:
    """The pixels of the frame of that number, and what is to be kept of the file's metadata; a
    Failure where there are fewer, and else raises what ``open_animation`` raises."""
    from kqcodec.images.animations import open_animation

    animation = open_animation(source, keep_profile="icc" in keep)
    try:
        return animation.frame(number).pixels, animation.metadata(keep)
    except ArgumentError as exc:  # which names the file
        raise Failure(USAGE, str(exc)) from exc


@contextlib.contextmanager
def _frames_of(names: Sequence[str], settings: EncodeSettings) -> Iterator[_Shots | RawFrames]:
    """The frames that --animate is given; a Failure if they can't be read."""
    if settings.pieces.raw is None:
        yield _Shots(names, settings.max_pixels)
        return
    from kqcodec.images.blocks.raw import RawFrames

    name, (width, height) = names[0], settings.pieces.raw
    shown = display_name(name)
    if width * height > settings.max_pixels:
        raise Failure(
            REFUSED,
            f"{shown}: each frame has {width * height:,} pixels, more than "
            f"{settings.max_pixels:,}; raise --max-pixels if there is memory for them",
        )
    with contextlib.ExitStack() as stack:
        with reading(shown):
            file = sys.stdin.buffer if name == STREAM else stack.enter_context(open(name, "rb"))
        frames = RawFrames(file, width, height, settings.pieces.raw_layout)
        frames.name = shown
        yield frames


def _check_whole(frames: _Shots | RawFrames, figures: dict[str, Any]) -> None:
    """Raise a Failure if raw frames ended within one, though what is known of the others, which
    are written, is told."""
    if isinstance(frames, _Shots) or not frames.cut:
        return
    raise Failure(
        REFUSED,
        f"{frames.name}: it ends after {frames.cut:,} bytes of frame {frames.whole:,}; those "
        "before it are written",
        figures["text"],
        [{name: value for name, value in figures.items() if name != "text"}],
    )


@dataclass(frozen=True)
class _Shots:
    """Pictures that are the frames of a file; they are read anew each time."""

    names: Sequence[str]
    max_pixels: int

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str | BinaryIO]:
        return (picture_source(name, self.max_pixels) for name in self.names)


@contextlib.contextmanager
def _shots_failures(names: Sequence[str], max_pixels: int) -> Iterator[None]:
    """Turn what goes wrong with the pictures of an animation into a Failure that names one."""
    with picture_failures(names[0], max_pixels):
        try:
            yield
        except OSError as exc:
            if isinstance(exc, BrokenPipeError) or exc.filename is None:
                raise
            raise failure_of(exc, display_name(exc.filename)) from exc
