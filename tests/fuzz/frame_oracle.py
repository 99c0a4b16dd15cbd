"""What must hold of any bytes that are given as a sequence of frames: see oracle.py, of which this
is the part for files with the section FRAM."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import kq_h
import numpy as np
from examination import Examination

import kqcodec
from kqcodec.coding.decoder import Opened
from kqcodec.coding.frames.label_volumes import encoded_volume
from kqcodec.coding.frames.reader import Canvas
from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.coding.options import CodingOptions
from kqcodec.errors import LabelsError
from kqcodec.format.limits import Limits
from kqcodec.format.source import BufferSource

if TYPE_CHECKING:
    from collections.abc import Callable

Frames = list[tuple[int, Any]]  # of each the duration, and the labels or entries


class Sequence(Examination):
    """A sequence that is read in many ways.

    Attributes:
        frames: its frames, or None if it is refused, which `error` says.
    """

    def __init__(self, oracle: Any, data: bytes) -> None:
        super().__init__(oracle, data)
        self.frames, self.error = self.outcome(self.in_order)

    def opened(self) -> Opened:
        """The file, which stands at its first frame."""
        return Opened.from_source(BufferSource(self.data), Limits.of(self.oracle.MAX_PIXELS))

    def in_order(self) -> Frames:
        """All frames, one after the other."""
        opened = self.opened()
        canvas, found = Canvas(opened.frames, None, 1), []
        for frame in opened.frames.in_order():
            canvas.take(frame)
            found.append((frame.duration, canvas.picture()))
        return found

    def same(self, what: str, found: Frames | None) -> None:
        """They are these frames, or refused as these are."""
        self.demand((found is None) == (self.frames is None), f"{what} says {self.error!r:.200}")
        for (duration, labels), (wanted, others) in zip(
            found or (), self.frames or (), strict=True
        ):
            equal = duration == wanted and np.array_equal(labels, others)
            self.demand(equal, f"{what} gives other frames")


def examined(oracle: Any, data: bytes, every_way: bool) -> bool:
    """As `oracle.examined`, of a file that is a sequence."""
    it = Sequence(oracle, data)
    it.look(_WAYS, every_way)
    return it.frames is not None


def _by_number(it: Sequence) -> None:
    """By the directory, from the last to the first."""

    def read() -> Frames:
        opened, found = it.opened(), []
        canvas = Canvas(opened.frames, None, 1)
        for number in reversed(range(opened.frames.directory.frames)):
            found.append((canvas.show(number), canvas.picture()))
        return found[::-1]

    found, _ = it.outcome(read)
    if it.frames is not None:
        it.same("the directory", found)


def _images(it: Sequence) -> None:
    """As pictures, from a pipe; a label map may have ids that no palette has."""
    pipe = io.BytesIO(it.data)
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    try:
        images, _ = it.outcome(lambda: list(kqcodec.read_frames(pipe, **it.limits)))
    except LabelsError:
        it.demand(it.opened().header.label_map, "read_frames knows no colours of a picture")
        return
    it.demand((images is None) == (it.frames is None), f"read_frames says {it.error!r:.200}")
    if images is None:
        return
    opened = it.opened()
    for image, (duration, labels) in zip(images, it.frames, strict=True):
        shown = labels if opened.table is None else opened.table.values_of(labels)
        it.demand(np.array_equal(image.labels, shown), "read_frames gives other frames")
        it.demand(image.duration == opened.timing.seconds(duration), "another duration")


def _again(it: Sequence) -> None:
    """Encoding what was decoded, and decoding that, changes nothing."""
    if it.frames is None:
        return
    opened = it.opened()
    header, table = opened.header, opened.table
    for coder in ("tokens", header.coder):
        options = CodingOptions(coder=coder, tile=16, threads=1, effort="fast")
        if table is None:
            frames = ((labels, duration) for duration, labels in it.frames)
            parts = encoded_frames(
                *(opened.stored_palette, header.width, header.height, frames, opened.timing),
                options=options,
            )
            it.same(f"{coder} again", Sequence(it.oracle, b"".join(parts)).frames)
        else:
            values = np.stack([table.values_of(labels) for _, labels in it.frames])
            parts = encoded_volume(table, values, opened.timing, options, ())
            again = kqcodec.decode_labels(b"".join(parts), threads=1)  # which counts all slices
            it.demand(np.array_equal(again, values), f"{coder} gives other ids")


def _each_kernel(it: Sequence) -> None:
    if len(it.data) < 400:

        def look(name: str) -> None:
            it.same(f"the {name} kernels", it.outcome(it.in_order)[0])

        it.oracle.on_each_kernel(it.data, None, look)


def _recovered(it: Sequence) -> None:
    """What is saved of a damaged file is a sound one; a sound file comes back as it was."""
    saved, _ = it.outcome(lambda: kqcodec.open(it.data, **it.limits).recover())
    if it.frames is not None:
        sound = saved is not None and not saved.damages and saved.to_bytes() == it.data
        it.demand(sound, f"a sound file is changed by recovery: {saved!r:.200}")
    elif saved is not None:
        clean = Sequence(it.oracle, saved.to_bytes())
        it.demand(clean.frames is not None, f"what recovery writes is refused: {clean.error!r}")


# Each way, and how many inputs share one look at it when they choose for themselves.
def _kq_h(it: Sequence) -> None:
    wanted = None
    if it.frames is not None:
        opened = it.opened()
        table, palette = opened.table, opened.stored_palette
        wanted = b"".join(
            (palette[labels] if table is None else table.values_of(labels)).tobytes()
            for _, labels in it.frames
        )
    kq_h.compare(it.oracle, it.data, it.error, wanted)


_WAYS: tuple[tuple[Callable[[Sequence], None], int], ...] = (
    (_by_number, 2),
    (_images, 4),
    (_again, 16),
    (_recovered, 8),
    (_each_kernel, 256),
    (_kq_h, 1),
)
