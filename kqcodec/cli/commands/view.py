"""`kq view`: .kq files in the browser, by the page that shows them, or in the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import (
    REFUSED,
    STANDARD_INPUT,
    STREAM,
    Failure,
    display_name,
    display_output,
    reading,
    worse,
)
from kqcodec.cli.screen.text import complain, echo
from kqcodec.errors import LimitError
from kqcodec.format.short_form import read_header
from kqcodec.format.source import BufferSource, read_at_most
from kqcodec.show.terminal.abilities import GRAPHICS
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kqcodec.show.terminal.abilities import GraphicsName

# Bytes of all files in a page, which browsers hold several times.
_MOST_BYTES = 1 << 26


@click.command(
    "view",
    epilog="\b\nExamples:\n"
    "  kq view photo.kq -o page.html\n"
    "  kq view photo.kq --terminal\n"
    "  kq view --terminal --graphics blocks --width 40 *.kq",
)
@common.inputs_argument
@common.output_option("Write the page there, - for standard output, and open no browser.")
@common.force_option
@click.option("-t", "--terminal", is_flag=True, help="Draw the pictures in the terminal.")
@click.option(
    "--graphics",
    type=click.Choice(GRAPHICS),
    help="How the terminal draws them.  [default: the best that it seems to understand]",
)
@click.option(
    "--width",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Draw in N columns, however high that is.  [default: what fits on the screen]",
)
@click.option(
    "--play/--no-play",
    default=True,
    help="Play animations in the terminal, or draw the first frame.  [default: play]",
)
@common.max_pixels_option
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    force: bool,
    terminal: bool,
    graphics: GraphicsName | None,
    width: int | None,
    play: bool,
    max_pixels: int,
) -> int:
    """Show .kq files: in the browser, by a page that has them in it and needs neither server nor
    network, or in the terminal.

    The page zooms, tells label and colour of each pixel, shows masks and plays frames, and says
    what is wrong with damaged files. It lies in a temporary folder that only you can read, and
    is removed when this command is run a day later or more; -o puts it elsewhere.

    In the terminal a picture is as large as fits on the screen, pixels of small ones in whole
    multiples, with a checkerboard behind transparent ones. Kitty's protocol and sixels show its
    pixels, blocks take two for a character, in 256 colours unless COLORTERM says that all are
    known; shades are for NO_COLOR and terminals without. Animations play until they end, or
    Ctrl-C does it; of several files each plays once.
    """
    if terminal:
        if output is not None:
            raise click.UsageError("-o is for the page, and --terminal makes none.")
        return _in_terminal(inputs, graphics, width, play, max_pixels)
    given = common.options_given(["graphics", "width", "play", "max_pixels"])
    if given:
        raise click.UsageError(f"{given[0]} goes with --terminal only.")
    return _in_page(inputs, output, force)


def _in_terminal(
    inputs: Sequence[str],
    graphics: GraphicsName | None,
    width: int | None,
    playing: bool,
    max_pixels: int,
) -> int:
    from kqcodec.cli.commands._view_terminal import show
    from kqcodec.cli.screen.terminal import canvas_for

    several = len(inputs) > 1
    canvas = canvas_for(graphics, width, captions=int(several))

    def draw(name: str) -> None:
        if several:
            echo(display_name(name))
        show(name, canvas, max_pixels, playing=playing, once=several)

    return _each(inputs, draw)


def _in_page(inputs: Sequence[str], output: str | None, force: bool) -> int:
    from kqcodec.show.viewer import viewer_page

    outputs = None if output is None else Outputs.one(inputs, output, force)
    if outputs is not None:
        outputs.check(inputs[0])
    files: list[tuple[str, bytes]] = []

    def add(name: str) -> None:
        room = _MOST_BYTES - sum(len(data) for _, data in files)
        files.append((os.path.basename(display_name(name)), _contents(name, room)))

    code = _each(inputs, add)
    if not files:
        return code
    if output is not None and outputs is not None:
        size = outputs.write(inputs[0], viewer_page(files))
        if not outputs.use_stream:
            echo(f"{display_output(output)}: {size:,} bytes; open it in a browser")
    else:
        from kqcodec.cli.commands._view_page import open_page

        echo(f"{display_output(str(open_page(viewer_page(files))))}: opened in the browser")
    return code


def _each(inputs: Sequence[str], work: Callable[[str], None]) -> int:
    """Do the work on all inputs that can be read; the exit code."""
    code = 0
    for name in inputs:
        try:
            work(name)
        except Failure as exc:
            complain(str(exc))
            code = worse(code, exc.code)
    return code


def _contents(name: str, most: int) -> bytes:
    """The bytes of a .kq file, whose header is sound; a Failure if there are more than so many."""
    with reading(display_name(name)):
        try:
            data = _read(name, most)
        except LimitError as exc:
            raise Failure(
                REFUSED,
                f"{display_name(name)}: with it the files have more than the {_MOST_BYTES >> 20} "
                "MiB that a page holds; give fewer, or drop it on the viewer.html of kq portable",
            ) from exc
        read_header(BufferSource(data))
    return data


def _read(name: str, most: int) -> bytes:
    if is_url(name):
        from kqcodec.storage import remote_files

        return remote_files.read(name, most)
    if name == STREAM:
        return read_at_most(sys.stdin.buffer, most, STANDARD_INPUT)
    with open(name, "rb") as file:
        return read_at_most(file, most, name)
