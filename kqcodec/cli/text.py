"""How figures look: numbers, tables and colour swatches."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWATCHES_A_LINE = 8
# More than a screen of colours helps nobody; --json lists them all.
MOST_SWATCHES = 256


def number(value: float, digits: int = 1) -> str:
    """A figure with thousands separated: whole as it is, others to some digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{digits}f}" if math.isfinite(value) else "infinite"


def percent(share: float) -> str:
    """A share of 1 as a percentage, to about three digits."""
    digits = 2 if share < 0.1 else 1
    return f"{100 * share:,.{digits}f}%"


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Rows in columns, the first flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append((indent + "  ".join(cells)).rstrip())
    return "\n".join(lines)


def hex_color(red: int, green: int, blue: int) -> str:
    """A colour as HTML writes it."""
    return f"#{red:02x}{green:02x}{blue:02x}"


def colors_shown() -> bool:
    """Whether standard output is a terminal that shows colours, and may."""
    quiet = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not quiet


def palette_lines(palette: bytes, swatches: bool, indent: str = "  ") -> str:
    """The colours of a palette, with swatches where the terminal shows them.

    Args:
        palette: red, green and blue of each entry.
        swatches: whether to paint, or only to write.
        indent: what each line begins with.
    """
    cells = []
    for start in range(0, min(len(palette), 3 * MOST_SWATCHES), 3):
        red, green, blue = palette[start : start + 3]
        swatch = click.style("    ", bg=(red, green, blue)) + " " if swatches else ""
        cells.append(swatch + hex_color(red, green, blue))
    lines = [
        indent + " ".join(cells[i : i + _SWATCHES_A_LINE])
        for i in range(0, len(cells), _SWATCHES_A_LINE)
    ]
    hidden = len(palette) // 3 - len(cells)
    if hidden:
        lines.append(f"{indent}and {hidden:,} more, which --json lists")
    return "\n".join(lines)
