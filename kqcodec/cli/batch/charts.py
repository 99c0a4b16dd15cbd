"""A diagram that a command draws besides: its name checked before the work begins."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import click

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.screen.failures import STREAM
from kqcodec.cli.screen.text import visible

_PICTURES = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}


@dataclass(frozen=True)
class Drawing:
    """A file to draw.

    Attributes:
        outputs: its name, as its own target.
        file_format: png, svg or pdf, say.
    """

    outputs: Outputs
    file_format: str

    @classmethod
    def plan(cls, target: str, force: bool) -> Drawing:
        """Check a diagram's name: click.UsageError if it can't be drawn, Failure if it exists."""
        return cls._checked(target, plot_format(target), force)

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
        outputs = Outputs({target: target}, None, force)
        outputs.check(target)
        return cls(outputs, file_format)

    def write(self, data: bytes) -> None:
        """Write it, whole or not at all; a Failure where it can't be written."""
        sys.stdout.flush()  # which may be the target
        for target in self.outputs.targets:
            self.outputs.write(target, [data])


def plot_format(target: str) -> str:
    """The format of a diagram by its name, png for standard output; click.UsageError for none."""
    try:
        from kqcodec.images.figures import ChartFormatError, chart_format

        return chart_format(_with_extension(target))
    except ImportError as exc:
        raise click.UsageError(f"{exc}.") from exc
    except ChartFormatError as exc:
        raise click.UsageError(f"{visible(target)}: {exc}; use .png, say.") from exc


def _with_extension(target: str) -> str:
    """A target whose name tells a format; a pipe or the like gets PNG where its own doesn't."""
    from kqcodec.storage.atomic_write import is_stream

    unnamed = target == STREAM or (not os.path.splitext(target)[1] and is_stream(target))
    return f"{target}.png" if unnamed else target
