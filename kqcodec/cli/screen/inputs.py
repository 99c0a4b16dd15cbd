"""Reading pictures for a command: limits, warnings and failures in words."""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

from kqcodec.cli.screen.failures import (
    ADVICE,
    REFUSED,
    STANDARD_INPUT,
    STREAM,
    Failure,
    display_name,
    reading,
)
from kqcodec.cli.screen.text import warn
from kqcodec.errors import ImageError
from kqcodec.format.limits import max_input_bytes
from kqcodec.format.source import read_at_most
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.labels.ids import LabelMap


class _Named(io.BytesIO):
    """What was read from somewhere, with a name for messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def picture_source(name: str, max_pixels: int) -> str | BinaryIO:
    """What the API reads for the input ``name``: a path, or all of standard input or of what a
    URL leads to. LimitError: that is more than a picture of so many pixels may have."""
    if is_url(name):
        from kqcodec.storage import remote_files

        return _Named(remote_files.read(name, max_input_bytes(max_pixels)), name)
    if name != STREAM:
        return name
    data = read_at_most(sys.stdin.buffer, max_input_bytes(max_pixels), STANDARD_INPUT)
    return _Named(data, STANDARD_INPUT)


@contextlib.contextmanager
def reading_kq(name: str) -> Iterator[str | BinaryIO]:
    """What the API reads for the .kq file ``name``; what goes wrong becomes a Failure."""
    with reading(display_name(name)):
        yield sys.stdin.buffer if name == STREAM else name


@contextlib.contextmanager
def reading_picture(name: str, max_pixels: int) -> Iterator[str | BinaryIO]:
    """What the API reads for the input ``name``; what goes wrong becomes a Failure."""
    with picture_failures(name, max_pixels):
        yield picture_source(name, max_pixels)


@contextlib.contextmanager
def picture_failures(name: str, max_pixels: int) -> Iterator[None]:
    """Turn what goes wrong in reading the picture ``name`` into a Failure."""
    shown = display_name(name)
    with reading(shown):
        try:
            yield
        except ImageError as exc:
            if exc.advice != "max pixels":
                raise
            what = f"the picture has more than {max_pixels:,} pixels"
            raise Failure(REFUSED, f"{shown}: {what}{ADVICE[exc.advice]}") from exc


def read_labels(name: str, max_pixels: int, **options: Any) -> LabelMap:
    """The input ``name`` as a label map, by the keywords of ``kqcodec.label_map``; a Failure if it
    can't be read, holds no labels, or is over the limit."""
    from kqcodec.format.limits import check_limit
    from kqcodec.labels.ids import is_volume
    from kqcodec.labels.label_maps import label_map

    try:
        with reading_picture(name, max_pixels) as source:
            found = label_map(source, **options)
            sides = found.values.shape[: 3 if is_volume(found.values) else 2]
            check_limit(found.values.size, max_pixels, " x ".join(map(str, reversed(sides))))
    except (TypeError, ValueError) as exc:
        raise Failure(REFUSED, f"{display_name(name)}: {exc}") from exc
    return found


@contextlib.contextmanager
def pillow_limits(max_pixels: int) -> Iterator[None]:
    """Let Pillow refuse larger pictures when it knows their size, before it
    decodes them; and read .kq files too."""
    from PIL import Image

    import kqcodec.pillow  # noqa: F401 - registers itself

    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextlib.contextmanager
def warnings_as_lines(warn: Callable[[str], None] = warn) -> Iterator[None]:
    """Show what a conversion loses as a line of ours, each time it happens."""
    from PIL import Image

    from kqcodec.images.conversion import ConversionWarning

    def show(message: Warning | str, *_: object) -> None:
        warn(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", ConversionWarning)
        # Pillow warns above its limit and refuses above twice that; ours is one limit.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.showwarning = show  # type: ignore[assignment]  # *_ takes the rest
        yield
