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


def hex_color(*samples: int) -> str:
    """A colour as HTML writes it, its alpha, if there is any, behind the rest."""
    return "#" + bytes(samples).hex()


def palette_entries(palette: bytes, k: int) -> list[tuple[int, ...]]:
    """The samples of each entry, from a palette as it stands in a file: red, green
    and blue of all entries, then the alpha of each if there is any."""
    alpha = palette[3 * k :]
    return [
        (*palette[3 * i : 3 * i + 3], *alpha[i : i + 1])  # nothing where there is no alpha
        for i in range(k)
    ]


def colors_shown() -> bool:
    """Whether standard output is a terminal that shows colours, and may."""
    quiet = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not quiet


def palette_lines(palette: Sequence[tuple[int, ...]], swatches: bool, indent: str = "  ") -> str:
    """The colours of a palette, with swatches where the terminal shows them.

    Args:
        palette: red, green, blue and perhaps alpha of each entry.
        swatches: whether to paint, or only to write.
        indent: what each line begins with.
    """
    cells = []
    for entry in palette[:MOST_SWATCHES]:
        red, green, blue = entry[:3]
        swatch = click.style("    ", bg=(red, green, blue)) + " " if swatches else ""
        cells.append(swatch + hex_color(*entry))
    lines = [
        indent + " ".join(cells[i : i + _SWATCHES_A_LINE])
        for i in range(0, len(cells), _SWATCHES_A_LINE)
    ]
    hidden = len(palette) - len(cells)
    if hidden:
        lines.append(f"{indent}and {hidden:,} more, which --json lists")
    return "\n".join(lines)
