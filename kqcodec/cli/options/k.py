"""Options that choose K: -k auto, --quality, --psnr and --max-size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.options.common import ParamType

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqcodec.quantization.goals import Goal

AUTO = "auto"
DEFAULT_K = 16
# That of kqcodec.quantization.goals, which imports NumPy; a test compares them.
MOST_COLORS = 256
_MAX_K = 65_536
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 1000**2, "mb": 1000**2}
_UNITS |= {"kib": 1024, "mib": 1024**2}


class KType(ParamType):
    """A number of colours, or "auto"."""

    name = "k"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """See the class."""
        if value == AUTO:
            return AUTO
        try:
            k = int(value)
        except ValueError:
            k = 0
        if not 1 <= k <= _MAX_K:
            self.fail(f"{value!r} is neither a number from 1 to {_MAX_K:,} nor 'auto'.", param, ctx)
        return k


class QualityType(ParamType):
    """MIN-MAX, or one number that is both."""

    name = "quality"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", value)
        if found is None or not 0 <= int(found[1]) <= int(found[2] or found[1]) <= 100:
            self.fail(f"{value!r} is not MIN-MAX, like 60-80, from 0 to 100.", param, ctx)
        return int(found[1]), int(found[2] or found[1])


class SizeType(ParamType):
    """Bytes, with a unit or without."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]*)", value.strip().lower())
        size = 0
        if found is not None and found[2] in _UNITS and len(found[1]) < 16:
            size = int(float(found[1]) * _UNITS[found[2]])
        if size < 1:
            self.fail(f"{value!r} is not a size like 20000, 20kB or 1.5MiB.", param, ctx)
        return size


k_option = click.option(
    "-k",
    type=KType(),
    metavar="K",
    help="Keep at most K colours; a picture that has no more is kept exactly. 'auto' looks for "
    "the knee of the cost between 2 and 256 colours.  "
    f"[default: {DEFAULT_K}; {MOST_COLORS} with the next three]",
)


def goal_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--quality, --psnr and --max-size."""
    for option in reversed(
        (
            click.option(
                "--quality",
                type=QualityType(),
                metavar="MIN-MAX",
                help="The fewest colours of quality MAX, from 0 to 100, much as pngquant counts "
                "it; exit 99 where K colours don't reach MIN.",
            ),
            click.option(
                "--psnr",
                type=click.FloatRange(min=0, min_open=True),
                metavar="DB",
                help="The fewest colours of at least DB decibels; exit 99 where K aren't enough.",
            ),
            click.option(
                "--max-size",
                "max_bytes",
                type=SizeType(),
                metavar="BYTES",
                help="As many colours as fit a file of that size, say 20000 or 20kB; exit 99 "
                "where none do.",
            ),
        )
    ):
        function = option(function)
    return function


def goal_of(
    k: int | str | None,
    quality: tuple[int, int] | None,
    psnr: float | None,
    max_bytes: int | None,
) -> tuple[int, Goal | None]:
    """The K to use, or the largest one to try, and what to choose it for, if anything.

    Raises:
        click.UsageError: the options exclude each other.
    """
    knee = k == AUTO
    chosen = {"--quality": quality is not None, "--psnr": psnr is not None, "-k auto": knee}
    given = [name for name, is_given in chosen.items() if is_given]
    if len(given) > 1:
        raise click.UsageError(f"{given[0]} and {given[1]} exclude each other.")
    if not given and max_bytes is None:
        return (k if isinstance(k, int) else DEFAULT_K), None
    from kqcodec.quantization.goals import Goal

    most = k if isinstance(k, int) else MOST_COLORS
    try:
        return most, Goal(quality=quality, psnr=psnr, max_bytes=max_bytes, knee=knee, most=most)
    except ValueError as exc:  # not a number
        raise click.UsageError(f"{exc}.") from exc
