"""Frames of a sequence as indexed images, one after the other or any one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.decoder import Opened, indexed_of
from kqcodec.coding.frames.reader import Canvas, FrameReader
from kqcodec.coding.work import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.coding.frames.reader import Frame
    from kqcodec.format.labels import Labels
    from kqcodec.images.indexed_image import IndexedImage


class Player:
    """The frames of a file that is open, which is a sequence.

    What one frame has taught helps with the next, so that those who ask for them in order decode
    each of them once.
    """

    def __init__(self, opened: Opened, threads: int | None) -> None:
        assert opened.frames is not None  # noqa: S101 - checked by the callers
        self._opened = opened
        self._reader: FrameReader = opened.frames
        self._threads = threads
        self._canvas = Canvas(opened.frames, None, threads)
        self._shown: tuple[Labels, IndexedImage] | None = None

    def in_order(self, start: int, stop: int | None) -> Iterator[IndexedImage]:
        """The frames from ``start`` to ``stop`` - 1, as far as there are any, of a source that
        stands at the first."""
        for frame in self._frames(start, stop):
            self._canvas.take(frame)
            if frame.number >= start:
                yield self._image(frame.duration)
            if frame.number + 1 == stop:
                return

    def _frames(self, start: int, stop: int | None) -> Iterator[Frame]:
        """Those from ``start`` on, and what they need ahead."""
        reader = self._reader
        key = reader.timing.key_of(start)
        if start == 0 or reader.source.size is None:
            yield from (frame for frame in reader.in_order() if frame.number >= key)
            return
        frames = reader.directory.frames
        stop = frames if stop is None else min(stop, frames)
        if start < stop:
            reader.expect(key, stop)
            yield from reader.between(key, stop)

    def frame(self, number: int) -> IndexedImage:
        """The frame of that number, of which the file, which can seek, has so many."""
        canvas, reader = self._canvas, self._reader
        canvas.budget = Budget(reader.limits)
        reader.expect(reader.timing.key_of(number), number + 1)
        try:
            duration = canvas.show(number)
        except BaseException:
            self._canvas = Canvas(reader, None, self._threads)
            raise
        return self._image(duration)

    def _image(self, duration: int) -> IndexedImage:
        """What the canvas shows."""
        labels = self._canvas.picture()
        seconds = self._reader.timing.seconds(duration)
        if self._shown is None or self._shown[0] is not labels:
            self._shown = labels, self._opened.indexed(labels).lasting(seconds)
        image = self._shown[1]
        return image if image.duration == seconds else image.lasting(seconds)


def images_of(
    opened: Opened, start: int, stop: int | None, threads: int | None
) -> Iterator[IndexedImage]:
    """The frames from ``start`` to ``stop`` - 1, as far as there are any, of a source that stands
    at the first; errors are those of ``kqcodec.read_frames``. A still is its only frame."""
    if stop is not None and stop <= start:
        return
    if opened.frames is not None:
        yield from Player(opened, threads).in_order(start, stop)
    elif start == 0:
        yield indexed_of(opened, threads)
