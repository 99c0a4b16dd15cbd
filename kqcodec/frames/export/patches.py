"""What changes from a frame to the next, as a rectangle.

Where the palette is opaque, it lies over what was there, and pixels that stay are transparent in
it, which compresses better; otherwise it replaces what was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.export import pillow_image
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from numpy.typing import NDArray

    from kqcodec.images.metadata import Metadata

_OPAQUE = 255


@dataclass(frozen=True, eq=False)
class FrameSequence:
    """Frames that are to be written.

    Attributes:
        palette: of all of them, uint8, shape (K, 3) or (K, 4).
        metadata: that the format carries.
        frames: indexed images of that palette, one after the other, at least one.
        plays: how often they are to be shown; 0 for ever.
    """

    palette: NDArray[np.uint8]
    metadata: Metadata
    frames: Iterator[IndexedImage]
    plays: int

    @property
    def lies_over(self) -> bool:
        """Whether rectangles lie over what was there, rather than replace it."""
        is_opaque = self.palette.shape[1] == 3 or bool((self.palette[:, 3] == _OPAQUE).all())
        return is_opaque and len(self.palette) < MAX_COLORS


@dataclass(frozen=True, eq=False)
class Patch:
    """A rectangle of a frame.

    Attributes:
        image: of Pillow, in the mode that the format has it in.
        left, top: where it stands.
        duration: of the frame, as it was; None where it has none.
    """

    image: Any
    left: int
    top: int
    duration: Fraction | None


def patches(sequence: FrameSequence, file_format: str, step: int = 1) -> Iterator[Patch]:
    """Of each frame what differs from the one before: of the first all, and a few pixels where
    nothing does. Left and top are multiples of ``step``."""
    palette, clear = sequence.palette, len(sequence.palette)
    if lies_over := sequence.lies_over:
        palette = np.zeros((clear + 1, 4), dtype=np.uint8)  # the last one is transparent
        palette[:clear, :3], palette[:clear, 3] = sequence.palette[:, :3], _OPAQUE
    before: NDArray[Any] | None = None
    for frame in sequence.frames:
        labels = frame.labels
        box = (0, 0, frame.width, frame.height)
        if before is not None:
            box = changed_box(labels, before) or (0, 0, 1, 1)
        left, top = box[0] - box[0] % step, box[1] - box[1] % step
        place = np.s_[top : box[3], left : box[2]]
        part = labels[place]
        if before is not None and lies_over:
            part = np.where(part != before[place], part, label_dtype(clear + 1)(clear))
        image = pillow_image(IndexedImage(palette, part), file_format)
        yield Patch(image, left, top, frame.duration)
        before = labels


def changed_box(labels: NDArray[Any], before: NDArray[Any]) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of what differs, right and bottom not part of it; None where
    nothing does."""
    return None if labels is before else true_box(labels != before)


def true_box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of what is true in a mask; None where nothing is."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def check_plays(plays: int, most: int, file_format: str) -> None:
    """Raise ValueError if a format has no such number of plays."""
    if plays > most:
        raise ValueError(
            f"{file_format} files are shown at most {most:,} times, or for ever, not {plays:,}"
        )


def spooled(parts: Iterable[bytes]) -> Any:
    """A temporary file of these parts, in memory as long as they are few; to be closed."""
    import tempfile

    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller's
    try:
        file.writelines(parts)
    except BaseException:
        file.close()
        raise
    return file


def contents(file: Any) -> Iterator[bytes]:
    """All of a spooled file."""
    file.seek(0)
    while part := file.read(_PART):
        yield part


_IN_MEMORY, _PART = 1 << 24, 1 << 20
