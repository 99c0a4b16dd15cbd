"""A diagram that a command draws besides: its name checked before the work begins."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from kqcodec.cli.screen.failures import SYSTEM, Failure, failure_of, writing
from kqcodec.cli.screen.text import visible

_PICTURES = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}


@dataclass(frozen=True)
class Drawing:
    """A file to draw.

    Attributes:
        target: its name.
        file_format: png, svg or pdf, say.
        force: whether it may replace another.
    """

    target: str
    file_format: str
    force: bool

    @classmethod
    def plan(cls, target: str, force: bool) -> Drawing:
        """Check the name of a diagram.

        Raises:
            click.UsageError: it can't be drawn.
            Failure: the file exists.
        """
        try:
            from kqcodec.images.figures import ChartFormatError, chart_format

            file_format = chart_format(_with_extension(target))
        except ImportError as exc:
            raise click.UsageError(f"{exc}.") from exc
        except ChartFormatError as exc:
            shown = visible(target)
            raise click.UsageError(f"{shown}: {exc}; use .png, say.") from exc
        return cls._checked(target, file_format, force)

    @classmethod
    def plan_picture(cls, target: str, force: bool) -> Drawing:
        """Check the name of a picture, which Pillow writes; raises as ``plan`` does."""
        suffix = os.path.splitext(_with_extension(target))[1].lower()
        file_format = _PICTURES.get(suffix)
        if file_format is None:
            raise click.UsageError(
                f"{visible(target)}: the pictures are drawn as "
                f"{', '.join(_PICTURES)}; give one of these extensions."
            )
        return cls._checked(target, file_format, force)

    @classmethod
    def _checked(cls, target: str, file_format: str, force: bool) -> Drawing:
        from kqcodec.storage.atomic_write import is_stream
        from kqcodec.storage.temporary_files import remove_leftovers

        shown = visible(target)
        if os.path.isdir(target):
            raise Failure(SYSTEM, f"{shown}: this is a directory; name a file")
        if os.path.isfile(target) and not force and not is_stream(target):
            remove_leftovers(target)
            raise failure_of(FileExistsError(), shown)
        return cls(target, file_format, force)

    def write(self, data: bytes) -> None:
        """Write it, whole or not at all.

        Raises:
            Failure: it can't be written.
        """
        from kqcodec.storage.atomic_write import write_whole

        with writing(visible(self.target)):
            sys.stdout.flush()  # which may be the target
            write_whole(self.target, [data], self.force)


def _with_extension(target: str) -> str:
    """A target whose name tells a format; a pipe or the like gets PNG where its own doesn't."""
    from kqcodec.storage.atomic_write import is_stream

    unnamed = not os.path.splitext(target)[1] and is_stream(target)
    return f"{target}.png" if unnamed else target
