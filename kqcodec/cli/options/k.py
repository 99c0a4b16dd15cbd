"""Options that choose K: -k auto, --quality, --psnr and --max-size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from kqcodec.cli.options.common import parsed, together

if TYPE_CHECKING:
    from kqcodec.quantization.goals import Goal

AUTO = "auto"
DEFAULT_K = 16
# That of kqcodec.quantization.goals, which imports NumPy; a test compares them.
MOST_COLORS = 256
_MAX_K = 65_536
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 1000**2, "mb": 1000**2}
_UNITS |= {"kib": 1024, "mib": 1024**2}


@parsed(f"neither a number from 1 to {_MAX_K:,} nor 'auto'")
def k_or_auto(text: str) -> int | str:
    """A number of colours, or "auto"."""
    if text != AUTO and not 1 <= int(text) <= _MAX_K:
        raise ValueError
    return text if text == AUTO else int(text)


@parsed("not MIN-MAX, like 60-80, from 0 to 100")
def quality_range(text: str) -> tuple[int, int]:
    """MIN-MAX, or one number that is both."""
    found = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", text)
    if found is None or not 0 <= int(found[1]) <= int(found[2] or found[1]) <= 100:
        raise ValueError
    return int(found[1]), int(found[2] or found[1])


@parsed("not a size like 20000, 20kB or 1.5MiB")
def byte_count(text: str) -> int:
    """Bytes, with a unit or without."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]*)", text.strip().lower())
    size = 0
    if found is not None and found[2] in _UNITS and len(found[1]) < 16:
        size = int(float(found[1]) * _UNITS[found[2]])
    if size < 1:
        raise ValueError
    return size


k_option = click.option(
    "-k",
    type=k_or_auto,
    metavar="K",
    help="Keep at most K colours; a picture that has no more is kept exactly. 'auto' looks for "
    "the knee of the cost between 2 and 256 colours.  "
    f"[default: {DEFAULT_K}; {MOST_COLORS} with the next three]",
)


# --quality, --psnr and --max-size.
goal_options = together(
    click.option(
        "--quality",
        type=quality_range,
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
        type=byte_count,
        metavar="BYTES",
        help="As many colours as fit a file of that size, say 20000 or 20kB; exit 99 "
        "where none do.",
    ),
)


def goal_of(
    k: int | str | None, quality: tuple[int, int] | None, psnr: float | None, max_bytes: int | None
) -> tuple[int, Goal | None]:
    """The K to use, or the largest one to try, and what to choose it for, if anything;
    click.UsageError if the options exclude each other."""
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
