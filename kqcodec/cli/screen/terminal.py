"""The terminal that standard output is: its size, its answers, and frames played on it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import struct
import sys
import time
from typing import TYPE_CHECKING

from kqcodec.cli.screen.text import paint
from kqcodec.show.terminal.abilities import (
    QUESTION,
    Answers,
    answers_of,
    graphics_of,
    is_answered,
    shows_true_colors,
)
from kqcodec.show.terminal.canvas import Canvas

if sys.platform != "win32":
    import fcntl
    import termios
    import tty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kqcodec.show.terminal.abilities import GraphicsName
    from kqcodec.show.terminal.canvas import Drawing

# Seconds that a terminal, which may be far away, has to answer.
_PATIENCE = 1.0
# Seconds that a frame is shown at most: sleep takes no more than centuries.
_LONGEST = 86_400.0

_HIDE_CURSOR = "\x1b[?25l"
# The first ends an image that was cut short.
_AS_BEFORE = "\x1b\\\x1b[0m\x1b[?25h"


def canvas_for(graphics: GraphicsName | None, width: int | None, captions: int) -> Canvas:
    """What to draw on where standard output is, a terminal or not.

    Args:
        graphics: how to draw; None for the best that is understood.
        width: columns, whatever the height will be; None for what there is.
        captions: how many lines are to stay free above each picture.
    """
    size = shutil.get_terminal_size()
    answers = None
    if sys.stdout.isatty():
        wanted = graphics or graphics_of(os.environ, None)
        asks = wanted != "shades" and graphics != "blocks"
        answers = _asked() if asks else Answers()
    if graphics is None:
        graphics = graphics_of(os.environ, answers)
        if graphics == "blocks" and not _has_blocks():
            graphics = "shades"
    rows = max(1, size.lines - 1 - captions)  # the prompt comes below
    limited = answers is not None and (width is None or graphics in ("kitty", "sixel"))
    return Canvas(
        graphics,
        columns=width or size.columns,
        rows=rows if limited else None,
        cell=_cell() or (answers.cell if answers else None),
        true_colors=shows_true_colors(os.environ),
    )


def _has_blocks() -> bool:
    """Whether half blocks can be written to standard output."""
    try:
        "▀".encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _cell() -> tuple[int, int] | None:
    """Pixels of a character cell, as the system knows them."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError, ValueError):
            told = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
            rows, columns, width, height = struct.unpack("HHHH", told)
            if rows and columns and width >= columns and height >= rows:
                return width // columns, height // rows
    return None


def _asked() -> Answers:
    """What the terminal answers, if it can be asked: on Windows it isn't, nor in the background,
    nor where standard input is something else."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        return Answers()
    number = sys.stdin.fileno()
    try:
        if os.tcgetpgrp(number) != os.getpgrp():
            return Answers()
        before = termios.tcgetattr(number)
        tty.setcbreak(number)
    except (OSError, termios.error):
        return Answers()
    try:
        return answers_of(_conversation(number))
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _conversation(number: int) -> str:
    paint(QUESTION)
    text, end = "", time.monotonic() + _PATIENCE
    while not is_answered(text):
        ready, _, _ = select.select([number], [], [], max(0.0, end - time.monotonic()))
        part = os.read(number, 256) if ready else b""
        if not part:
            break
        text += part.decode("latin-1")
    return text


def play(drawings: Iterable[tuple[Drawing, float]]) -> None:
    """Show drawings one after the other in the same place, each so many seconds, the last of them
    for good; the cursor is hidden meanwhile."""
    paint(_HIDE_CURSOR)
    try:
        rows, due = 0, time.monotonic()
        for drawing, seconds in drawings:
            time.sleep(max(0.0, due - time.monotonic()))
            paint((f"\x1b[{rows}A" if rows else "") + drawing.text)
            rows = drawing.rows
            due = max(due + min(seconds, _LONGEST), time.monotonic())
    finally:
        paint(_AS_BEFORE)
