"""Frames as GIF, which draws images of at most 256 colours over what was shown before.

What doesn't change is left as it is: only the rectangle that changes is drawn, and in it nothing
where a pixel stays, by an entry that stands for transparency. Up to 256 colours all images have
one palette, the animation's; otherwise each has its own, of the colours that it draws. Pixels
that become transparent are the hard ones, since nothing that is drawn removes them; but what an
image covers can be removed behind it. So the image before covers them, and they are removed with
all else in its rectangle, which is drawn anew.

Pillow compresses the images; its own way of saving animations joins frames that are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.frames.export.clock import Clock
from kqcodec.frames.export.patches import check_plays, true_box

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from numpy.typing import NDArray

    from kqcodec.frames.export.patches import FrameSequence
    from kqcodec.images.indexed_image import IndexedImage

_MOST_COLORS = 256
_MOST_SIDE = 65_535
_MOST_CENTISECONDS = 65_535
_MOST_PLAYS = 65_536
_KEEP, _REMOVE = 1, 2  # what becomes of an image behind its frame


def gif_parts(sequence: FrameSequence) -> Iterator[bytes]:
    """The parts of the file; errors are those of ``animation_parts``."""
    from PIL import GifImagePlugin

    check_plays(sequence.plays, _MOST_PLAYS, "GIF")
    loop = {} if sequence.plays == 1 else {"loop": max(sequence.plays - 1, 0)}
    clock = Clock.ticking("GIF", 100, _MOST_CENTISECONDS)
    colors = _Colors.of(sequence.palette)
    shown: NDArray[np.int32] | None = None
    for number, (wanted, following, duration) in enumerate(_pairs(sequence.frames, colors)):
        if shown is None:
            height, width = wanted.shape
            if max(height, width) > _MOST_SIDE:
                raise ValueError(f"GIF files have at most {_MOST_SIDE:,} rows and columns")
            shown = np.full_like(wanted, colors.nothing)
            box = (0, 0, width, height)
        drawn = wanted != shown
        removed = (wanted != following) & (following == colors.nothing)
        if number:
            box = true_box(drawn | removed) or (0, 0, 1, 1)
        place = np.s_[box[1] : box[3], box[0] : box[2]]
        image, options = colors.image(wanted[place], drawn[place], number)
        if number == 0:
            yield b"".join(GifImagePlugin.getheader(image, info={"duration": 10, **loop})[0])
        elif not colors.are_common:
            options["include_color_table"] = True
        options["duration"] = int(clock.next(duration) * 1000)
        shown, options["disposal"] = wanted, _KEEP
        if bool(removed.any()):
            shown, options["disposal"] = wanted.copy(), _REMOVE
            shown[place] = colors.nothing
        yield from GifImagePlugin.getdata(image, box[:2], **options)
    clock.finish()
    yield b";"


def _pairs(
    frames: Iterator[IndexedImage], colors: _Colors
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], Fraction | None]]:
    """What is visible of each frame, what of the next one, and the duration; the last one is
    its own next."""
    frame = next(frames)
    wanted = colors.visible(frame)
    for following in frames:
        then = wanted if following.labels is frame.labels else colors.visible(following)
        yield wanted, then, frame.duration
        frame, wanted = following, then
    yield wanted, wanted, frame.duration


@dataclass(frozen=True, eq=False)
class _Colors:
    """The palette of the animation, as the images of a GIF file have it.

    Attributes:
        palette: uint8, shape (K, 3).
        numbers: for each label its own, or ``nothing`` where it is transparent: int32, shape (K,).
        faint: whether an entry is neither opaque nor transparent: shape (K,).
    """

    palette: NDArray[np.uint8]
    numbers: NDArray[np.int32]
    faint: NDArray[np.bool_]

    @classmethod
    def of(cls, palette: NDArray[np.uint8]) -> _Colors:
        """Those of a palette of shape (K, 3) or (K, 4)."""
        alpha = palette[:, 3] if palette.shape[1] == 4 else np.full(len(palette), 255, np.uint8)
        numbers = np.arange(len(palette), dtype=np.int32)
        numbers[alpha == 0] = len(palette)
        return cls(palette[:, :3], numbers, (alpha > 0) & (alpha < 255))

    @property
    def nothing(self) -> int:
        """What stands for transparent pixels."""
        return len(self.palette)

    @property
    def are_common(self) -> bool:
        """Whether all images have the same palette."""
        return len(self.palette) <= _MOST_COLORS

    def visible(self, frame: IndexedImage) -> NDArray[np.int32]:
        """The labels of a frame, or ``nothing``; ValueError where something is translucent."""
        if bool(self.faint.any()) and bool(self.faint[frame.labels].any()):
            raise ValueError("GIF files keep fully transparent pixels, and no other transparency")
        found: NDArray[np.int32] = self.numbers[frame.labels]
        return found

    def image(
        self, wanted: NDArray[np.int32], drawn: NDArray[np.bool_], number: int
    ) -> tuple[Any, dict[str, Any]]:
        """An image of Pillow's in mode P, and options for it: of the rectangle ``wanted`` what is
        to be drawn. ValueError if it has too many colours for one."""
        from PIL import Image

        used = self._used(wanted[drawn])
        through = self._unused(used)
        if through is None:  # so what stays is drawn as well
            drawn = np.ones_like(drawn)
            used = self._used(wanted)
        if (not self.are_common and len(used) > _MOST_COLORS) or self.nothing in used:
            raise ValueError(
                f"GIF files draw at most {_MOST_COLORS} colours at once, and frame {number:,} "
                "changes to more"
            )
        entries = np.arange(len(self.palette)) if self.are_common else used
        table = np.zeros((min(len(entries) + 1, _MOST_COLORS), 3), dtype=np.uint8)
        table[: len(entries)] = self.palette[entries]
        places = np.zeros(self.nothing + 1, dtype=np.uint8)
        places[entries] = np.arange(len(entries))
        indices = places[wanted]
        options = {}
        if through is not None:
            indices[~drawn] = through
            if len(self.palette) in self.numbers or not bool(drawn.all()):
                options["transparency"] = through
        height, width = indices.shape
        image = Image.frombytes("P", (width, height), indices.tobytes())
        image.putpalette(table.tobytes())
        return image, options

    def _used(self, numbers: NDArray[np.int32]) -> NDArray[np.intp]:
        """Which numbers there are, in ascending order."""
        return np.flatnonzero(np.bincount(numbers.ravel(), minlength=1))

    def _unused(self, used: NDArray[np.intp]) -> int | None:
        """An entry of the image's palette that isn't drawn, one more than there are colours
        perhaps; None where all 256 are."""
        if not self.are_common:
            return len(used) if len(used) < _MOST_COLORS else None
        if len(self.palette) < _MOST_COLORS:
            return len(self.palette)
        free = np.setdiff1d(np.arange(_MOST_COLORS), used)
        return int(free[0]) if len(free) else None
