"""What an open .kq file tells of its frames, where it is a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.decoder import indexed_of
from kqcodec.coding.open_file import OpenFile
from kqcodec.coding.player import Player, images_of
from kqcodec.format.integers import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from kqcodec.coding.decoder import Opened
    from kqcodec.format.sequence import FrameTiming
    from kqcodec.images.indexed_image import IndexedImage


class SequenceFile(OpenFile):
    """The part of ``kqcodec.coding.kq_file.KqFile`` that is for sequences. A still is one of a
    single frame."""

    _player: Player | None = None

    @property
    def timing(self) -> FrameTiming | None:
        """How the frames follow each other, and whether they are an animation or the slices of a
        volume; None of a still."""
        return self._front().timing

    @property
    def key_distance(self) -> int | None:
        """Frames whose number is a multiple of it are decoded without any other; 0 where this is
        the first alone, None of a still."""
        return None if self.timing is None else self.timing.key_distance

    @property
    def loop(self) -> int | None:
        """How often an animation is to be shown, 0 for ever; None of a still."""
        return None if self.timing is None else self.timing.plays

    @property
    def frames(self) -> int:
        """How many frames there are; 1 of a still. OSError if it is a sequence from a pipe, whose
        end alone tells."""
        frames = self._with_end().frames
        if frames is None:
            return 1
        with self._reading():
            return frames.directory.frames

    @property
    def durations(self) -> tuple[Fraction, ...]:
        """How many seconds each frame of an animation is shown; none of a still or a volume.
        OSError as for ``frames``."""
        frames = self._with_end().frames
        if frames is None or frames.timing.axis != "time":
            return ()
        with self._reading():
            durations = frames.directory.durations.tolist()
        return tuple(frames.timing.unit * units for units in durations)

    def _with_end(self) -> Opened:
        """The file, of which the end will be read if it is a sequence."""
        if self._source.size is not None:
            return self._seekable()
        opened = self._front()
        if opened.frames is not None:
            raise OSError("how many frames there are is told at the end, and a pipe can't seek")
        return opened

    def frame(self, number: int) -> IndexedImage:
        """The frame of that number, from 0 on, or, as in lists, negative from the end. What it
        takes to decode is counted from the key frame before it on; of frames that are asked for
        in order each is decoded once.

        Raises:
            IndexError: there is none.
            OSError: besides, it is a sequence, and the file can't seek.
        """
        frames = self.frames
        number = whole_number(number, "a frame")
        if not -frames <= number < frames:
            raise IndexError(f"frame {number} of a file of {frames:,}")
        with self._reading():
            opened = self._whole(self._limits)
            if opened.frames is None:
                return indexed_of(opened, self._threads)
            self._player = self._player or Player(opened, self._threads)
            return self._player.frame(number % frames)

    def iter_frames(self, start: int = 0, stop: int | None = None) -> Iterator[IndexedImage]:
        """The frames from ``start`` to ``stop`` - 1, as far as there are any, one after the other:
        ``kqcodec.read_frames`` says more."""
        start = whole_number(start, "start", 0)
        stop = None if stop is None else whole_number(stop, "stop", 0)
        return self._frames_between(start, stop)

    def _frames_between(self, start: int, stop: int | None) -> Iterator[IndexedImage]:
        with self._reading():
            yield from images_of(self._whole(self._limits), start, stop, self._threads)
