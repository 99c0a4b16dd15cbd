"""The pictures of `kq view --terminal`, stills and animations."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from PIL import Image

from kqcodec.cli.screen.failures import display_name, reading
from kqcodec.cli.screen.inputs import picture_source
from kqcodec.cli.screen.terminal import play
from kqcodec.cli.screen.text import paint
from kqcodec.codec import open as open_kq
from kqcodec.show.upright import upright_in_srgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.coding.kq_file import KqFile
    from kqcodec.show.terminal.canvas import Canvas, Drawing


def show(name: str, canvas: Canvas, max_pixels: int, *, playing: bool, once: bool) -> None:
    """Draw the .kq file of that name.

    Args:
        name: of the input.
        canvas: what to draw on.
        max_pixels: refuse larger pictures.
        playing: whether an animation is played, if standard output is a terminal.
        once: whether that is done once, however often it is to be shown.

    Raises:
        Failure: it can't be read.
    """
    with contextlib.ExitStack() as stack:
        with reading(display_name(name)):
            source = picture_source(name, max_pixels)
            file = stack.enter_context(open_kq(source, max_pixels=max_pixels))
            still = None
            if not (playing and sys.stdout.isatty() and _moves(file)):
                still = canvas.drawn(_picture(file), exact=file.header.label_map)
        if still is not None:
            paint(still.text)
        else:
            play(_drawings(name, file, canvas, once))


def _moves(file: KqFile) -> bool:
    return not file.header.label_map and len(file.durations) > 1


def _picture(file: KqFile) -> Image.Image:
    """The picture, of a label map in its colours, of frames the first."""
    image = Image.fromarray(file.scaled(1)) if file.header.label_map else file.read().to_pil()
    return upright_in_srgb(image)


def _drawings(
    name: str, file: KqFile, canvas: Canvas, once: bool
) -> Iterator[tuple[Drawing, float]]:
    """The frames as often as they are to be shown, each with its seconds."""
    number = os.getpid()  # which no other of kitty's images has
    plays = 1 if once else file.loop or sys.maxsize
    labels, drawing = None, None
    with reading(display_name(name)):
        for _ in range(plays):
            for frame in file.iter_frames():
                if drawing is None or frame.labels is not labels:
                    labels = frame.labels
                    image = upright_in_srgb(frame.to_pil())
                    drawing = canvas.drawn(image, number=number)
                yield drawing, float(frame.duration or 0)
