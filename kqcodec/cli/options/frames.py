"""Options of frames: animations, and pictures that become one."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.options.common import options_given, parsed, together
from kqcodec.format.sequence import DEFAULT_KEY_DISTANCE, MAX_NUMBER

if TYPE_CHECKING:
    from fractions import Fraction


@parsed("not a number above 0, like 12, 0.04 or 30000/1001")
def positive(text: str) -> Fraction:
    """A number above 0, exactly as it is written."""
    from kqcodec.frames.durations import fraction_of

    return fraction_of(text, "it")


@dataclass(frozen=True)
class FrameSettings:
    """What ``frame_options`` put on a command line."""

    animate: bool
    frame: int | None
    fps: Fraction | None
    duration: Fraction | None
    loop: int | None
    key_distance: int

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> FrameSettings:
        """The options, which leave the command's others behind; click.UsageError if some exclude
        each other."""
        settings = cls(**{field.name: given.pop(field.name) for field in fields(cls)})
        if settings.fps is not None and settings.duration is not None:
            raise click.UsageError("--fps and --duration exclude each other.")
        others = options_given(["animate", "fps", "duration", "loop", "key_distance"])
        if settings.frame is not None and others:
            raise click.UsageError(f"--frame takes one frame, a still; leave out {others[0]}.")
        return settings

    def keywords(self) -> dict[str, Any]:
        """Those of ``kqcodec.encode_frames``."""
        return {
            "durations": self.duration,
            "fps": self.fps,
            "loop": self.loop,
            "key_distance": self.key_distance,
        }

    def described(self) -> dict[str, Any]:
        """What decides about the bytes of the results, ready for JSON."""
        return {name: None if value is None else str(value) for name, value in asdict(self).items()}


# The options of ``FrameSettings``.
frame_options = together(
    click.option(
        "--animate",
        is_flag=True,
        help="The FILEs are the frames of one .kq file, in this order; - with --raw: frames of "
        "raw pixels, one after the other, until the pipe ends.",
    ),
    click.option(
        "--frame",
        type=click.IntRange(min=0),
        metavar="N",
        help="Of an animation or pages take frame N alone. Frames are counted from 0, as "
        "ImageMagick, gifsicle and ffmpeg count them.",
    ),
    click.option(
        "--fps", type=positive, metavar="N", help="Show N frames a second, 25 or 30000/1001, say."
    ),
    click.option(
        "--duration",
        type=positive,
        metavar="SECONDS",
        help="Show each frame for so long.  [default: what the file says, or 0.1]",
    ),
    click.option(
        "--loop",
        type=click.IntRange(0, MAX_NUMBER),
        metavar="N",
        help="Show all frames N times, 0 for ever.  [default: what the file says, or 0]",
    ),
    click.option(
        "--key-distance",
        type=click.IntRange(0, MAX_NUMBER),
        default=DEFAULT_KEY_DISTANCE,
        show_default=True,
        metavar="N",
        help="Code every Nth frame by itself, so that who wants a later one can begin there; 0: "
        "only the first.",
    ),
)
