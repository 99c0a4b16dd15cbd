"""What a terminal can show, as far as its environment and its answers tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

GraphicsName: TypeAlias = Literal["kitty", "sixel", "blocks", "shades"]
GRAPHICS: tuple[GraphicsName, ...] = get_args(GraphicsName)

# Asks for the size of a character cell (xterm's window operation 16), and for the device's
# attributes (DA1), which every terminal answers, so that its answer is the end of the answers.
QUESTION = "\x1b[16t\x1b[c"
_CELL = re.compile(r"\x1b\[6;(\d{1,5});(\d{1,5})t")
_ATTRIBUTES = re.compile(r"\x1b\[\?([\d;]*)c")
_SIXEL = "4"  # among the attributes, of which the first is the terminal's class

_KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
_KITTY_PROGRAMS = ("WezTerm", "ghostty")
_SIXEL_TERMS = ("foot", "foot-extra", "mlterm", "contour")
_TRUE_COLOR_PROGRAMS = ("WezTerm", "ghostty", "iTerm.app", "vscode")


class Answers(NamedTuple):
    """What a terminal has answered to ``QUESTION``.

    Attributes:
        sixel: whether it understands sixels.
        cell: pixels of a character cell, width and height; None where it doesn't say.
    """

    sixel: bool = False
    cell: tuple[int, int] | None = None


def is_answered(text: str) -> bool:
    """Whether that has the last of the answers."""
    return _ATTRIBUTES.search(text) is not None


def answers_of(text: str) -> Answers:
    """What the answers say, or as much as has come of them."""
    cell, attributes = _CELL.search(text), _ATTRIBUTES.search(text)
    sides = (int(cell[2]), int(cell[1])) if cell else (0, 0)
    sixel = attributes is not None and _SIXEL in attributes[1].split(";")[1:]
    return Answers(sixel, sides if all(sides) else None)


def shows_kitty(environ: Mapping[str, str]) -> bool:
    """Whether the environment is that of a terminal with kitty's graphics protocol, and of no
    multiplexer within it, which wouldn't let it pass."""
    term = environ.get("TERM", "")
    if "TMUX" in environ or term.startswith(("screen", "tmux")):
        return False
    return (
        term in _KITTY_TERMS
        or "KITTY_WINDOW_ID" in environ
        or environ.get("TERM_PROGRAM") in _KITTY_PROGRAMS
    )


def graphics_of(environ: Mapping[str, str], answers: Answers | None) -> GraphicsName:
    """How a picture is best drawn: by shades where colours aren't wanted or known.

    Args:
        environ: the environment's variables.
        answers: the terminal's; None where output isn't to a terminal, or isn't answered.
    """
    term = environ.get("TERM", "")
    if "NO_COLOR" in environ or term == "dumb":
        return "shades"
    if answers is None:
        return "blocks"
    if shows_kitty(environ):
        return "kitty"
    return "sixel" if answers.sixel or term in _SIXEL_TERMS else "blocks"


def shows_true_colors(environ: Mapping[str, str]) -> bool:
    """Whether the environment is that of a terminal with more than 256 colours."""
    return (
        environ.get("COLORTERM") in ("truecolor", "24bit")
        or environ.get("TERM", "").endswith("-direct")
        or environ.get("TERM_PROGRAM") in _TRUE_COLOR_PROGRAMS
        or shows_kitty(environ)
    )
