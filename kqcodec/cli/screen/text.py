"""How things look on a terminal: figures, tables, swatches, and what others have written.

Names, metadata, servers' answers and the sentences of exceptions come from strangers. A
terminal obeys control characters, and shows text in another order after a direction
character, so all that is printed passes ``echo``, ``complain`` or ``echo_json``; pictures, which
have no text of theirs, ``paint``.
"""

from __future__ import annotations

import math
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWATCHES_A_LINE = 8
# More than a screen of colours helps nobody; --json lists them all.
MOST_SWATCHES = 256

# What a terminal obeys, or shows as nothing or in another order: C0, DEL and C1; marks and
# overrides of direction; line and paragraph separators; characters of no width, but for
# the joiners that scripts and emoji need; halves of surrogate pairs, as which Python reads
# bytes of a name that aren't text.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}
# Four painted spaces and an end of line are ours, and harmless in any case.
_OURS = re.compile(r"(\x1b\[48;2;\d{1,3};\d{1,3};\d{1,3}m    \x1b\[0m|\n)")


def visible(text: str) -> str:
    r"""The text with every character that a terminal obeys or hides written out: ``\n``,
    ``\x1b``, ``\u202e``; ``\xff`` for a byte of a file name that isn't text."""
    return _HIDDEN.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # how os.fsdecode keeps the bytes 80 to ff
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def echo(text: str, *, err: bool = False) -> None:
    """Print lines, in which only line ends and swatches reach the terminal as they are.
    Names in them are to be ``visible`` already, so that they have no line ends."""
    parts = _OURS.split(text)  # what is ours stands at the odd places
    parts[::2] = map(visible, parts[::2])
    click.echo("".join(parts), err=err)  # noqa: TID251 - this is the one place


def paint(drawing: str) -> None:
    """Print what ``kqcodec.show.terminal`` has drawn, all of it ours, as it is and at once."""
    click.echo(drawing, nl=False, color=True)  # noqa: TID251


def complain(sentence: str) -> None:
    """Print one line on standard error: ``kq: `` and the sentence."""
    click.echo(f"kq: {visible(sentence)}", err=True)  # noqa: TID251


def warn(sentence: object, *_: object) -> None:
    """Print a warning, one line on standard error; also a ``warnings.showwarning``."""
    complain(f"warning: {sentence}")


def echo_json(figures: dict[str, Any], *, err: bool = False) -> None:
    """Print an object as one line of JSON, whose values are exact."""
    import json

    text = json.dumps(figures).replace("\x7f", r"\u007f")  # the one that JSON needn't escape
    click.echo(text, err=err)  # noqa: TID251


def finite(figures: dict[str, float]) -> dict[str, float | None]:
    """Figures for JSON, which knows no infinity: an exact picture has no PSNR."""
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}


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
    """The colours of a palette, RGB or RGBA, each behind a painted swatch if wanted."""
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
