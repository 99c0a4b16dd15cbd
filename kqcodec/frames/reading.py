"""Frames from .kq files, as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.decoder import Opened
from kqcodec.coding.player import images_of
from kqcodec.format.integers import whole_number
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.storage.opening import open_source
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.storage.opening import Readable


def read_frames(
    source: Readable,
    start: int = 0,
    stop: int | None = None,
    *,
    threads: int | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Iterator[IndexedImage]:
    """The frames of a .kq file, one after the other; of a still its picture.

    One frame is held at a time. While nothing changes, frames have the same array of labels. A
    file that is damaged, or was cut short, gives the frames before that, then raises.

    Args:
        source: as for ``read``, pipes among them. It is open until the iterator ends or is closed.
        start, stop: the frames from ``start`` to ``stop`` - 1, as far as there are any, None for
            all; of a file that can seek no frame is read ahead of the key frame that the first
            one needs.
        threads: how many threads decode a frame's tiles; None for as many as there are
            processors.
        max_pixels: refuse larger frames, and frames that together take more work than a picture
            of that size and 4,096 pixels for each byte that was read; None for no limit.

    Yields:
        Palette, labels and metadata, with the duration in seconds if it is an animation.

    Raises:
        FormatError: the file is damaged, foreign or over the limit.
        OSError: the file can't be read.
        TypeError, ValueError: a wrong argument, at once.
    """
    start = whole_number(start, "start", 0)
    stop = None if stop is None else whole_number(stop, "stop", 0)
    thread_count(threads)
    return _frames(source, start, stop, threads, Limits.of(max_pixels))


def _frames(
    source: Readable, start: int, stop: int | None, threads: int | None, limits: Limits
) -> Iterator[IndexedImage]:
    with open_source(source) as opened_source:
        yield from images_of(Opened.from_source(opened_source, limits), start, stop, threads)
