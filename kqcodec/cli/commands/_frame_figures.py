"""What `kq info` tells of frames: how many there are, how long they last, how large they are.

Their heads are read without NumPy, whose import takes as long as some thousands of them; of
more, and of those on a server, the directory tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kqcodec.cli.screen.text import number
from kqcodec.errors import InvalidDataError
from kqcodec.format.container import read_u32
from kqcodec.format.header import CHECKSUM_SIZE
from kqcodec.format.sequence import read_head
from kqcodec.format.sizes import DIRECTORY_TAIL, least_frame, predictable
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from kqcodec.format.container import Sealer
    from kqcodec.format.header import Header
    from kqcodec.format.sequence import FrameTiming
    from kqcodec.format.source import Source

_MOST_LENGTHS = 1 << 14  # of tiles, a head having one for each
_WORDS = {0: "for ever", 1: "once", 2: "twice"}
_PART = "the directory of frames"


@dataclass(frozen=True)
class FrameFigures:
    """The frames of a file.

    Attributes:
        header: of the file.
        timing: how they follow each other; None of a still.
        sizes: bytes of each; none of a still, and of a pipe, whose end would tell them.
        durations: of each, in units.
    """

    header: Header
    timing: FrameTiming | None
    sizes: Sequence[int] = ()
    durations: Sequence[int] = ()

    @classmethod
    def of(
        cls, name: str, source: Source, header: Header, sealer: Sealer, timing: FrameTiming | None
    ) -> FrameFigures:
        """Those of the file of that name, which stands behind its sections; FormatError tells
        what is wrong with heads or directory."""
        if timing is None or source.size is None:
            return cls(header, timing)
        first = source.position
        source.seek(max(first, source.size - DIRECTORY_TAIL))
        frames = read_u32(source, _PART)
        if frames * header.grid.count > _MOST_LENGTHS or is_url(name):
            return cls(header, timing, *_by_directory(source, sealer, first))
        source.seek(first)
        return cls(header, timing, *_by_heads(source, header, frames))

    @property
    def count(self) -> int:
        """How many there are, as far as that is known; 1 of a still."""
        return max(1, len(self.sizes))

    @property
    def pixels(self) -> int:
        """Those of all of them."""
        return self.header.pixels * self.count

    @property
    def seconds(self) -> Fraction | None:
        """How long it takes to play once; None of what doesn't play."""
        if self.timing is None or self.timing.axis != "time" or not self.sizes:
            return None
        return sum(self.durations) * self.timing.unit

    @property
    def frame_bytes(self) -> int | None:
        """Bytes of each frame, by the header, but for its duration; None where none are told."""
        known = self.timing is not None and predictable(self.header.coder)
        return least_frame(self.header) if known else None

    def rows(self) -> list[tuple[str]]:
        """For the table of what the header says; none of a still."""
        timing = self.timing
        if timing is None:
            return []
        count = f"{len(self.sizes):,}" if self.sizes else "as many as its end says"
        distance = timing.key_distance
        keys = {0: "the first frame alone", 1: "every frame"}.get(distance)
        rows = [f"keys     {keys or f'one in {distance:,} frames'}", *self._size_rows()]
        if timing.axis == "depth":
            apart = f", {float(timing.unit):.6g} m apart" if timing.unit else ""
            return [(row,) for row in (f"slices   {count}{apart}", *rows)]
        if (seconds := self.seconds) is not None:
            rate = number(float(len(self.sizes) / seconds), 2)
            even = "" if len(set(self.durations)) == 1 else " on average"
            count += f" in {number(float(seconds), 2)} s, {rate} a second{even}"
        plays = _WORDS.get(timing.plays, f"{timing.plays:,} times")
        return [(row,) for row in (f"frames   {count}", f"plays    {plays}", *rows)]

    def _size_rows(self) -> list[str]:
        rows = []
        if self.frame_bytes is not None:
            rows.append(f"each     {self.frame_bytes:,} bytes by the header")
        elif self.sizes:
            mean = number(sum(self.sizes) / len(self.sizes), 1)
            rows.append(f"each     {mean} bytes on average, {max(self.sizes):,} at most")
        return rows

    def to_dict(self) -> dict[str, Any]:
        """For JSON: seconds, frames a second, metres; what isn't known is None."""
        timing, seconds = self.timing, self.seconds
        if timing is None:
            return {"frames": 1}
        return {
            "frames": len(self.sizes) or None,
            "axis": timing.axis,
            "key_distance": timing.key_distance,
            "plays": timing.plays if timing.axis == "time" else None,
            "seconds": None if seconds is None else float(seconds),
            "fps": None if seconds is None else float(len(self.sizes) / seconds),
            "spacing": float(timing.unit) if timing.axis == "depth" and timing.unit else None,
            "frames_bytes": sum(self.sizes) or None,
            "largest_frame_bytes": max(self.sizes, default=None),
            "predicted_frame_bytes": self.frame_bytes,
        }


def _by_heads(source: Source, header: Header, frames: int) -> tuple[list[int], list[int]]:
    """Sizes and durations, from head to head, of so many frames."""
    sizes: list[int] = []
    durations: list[int] = []
    file_start = header.to_bytes()
    duration = 1
    while len(sizes) <= frames:
        start = source.position
        head = read_head(source, file_start, len(sizes), header.grid.count)
        if head is None:
            break
        payloads = sum(length + CHECKSUM_SIZE for length in head.lengths or () if length)
        source.seek(source.position + payloads)
        duration = head.duration or duration
        durations.append(duration)
        sizes.append(source.position - start)
    if len(sizes) != frames or not sizes:
        raise InvalidDataError(f"{_PART} disagrees with the frames (rule 19.9)")
    return sizes, durations


def _by_directory(source: Source, sealer: Sealer, first: int) -> tuple[list[int], list[int]]:
    """The same as the directory has them."""
    import numpy as np

    from kqcodec.coding.frames.directory import read_directory
    from kqcodec.format.limits import DEFAULT_LIMITS

    directory = read_directory(source, sealer, first, DEFAULT_LIMITS)
    return np.diff(directory.starts).tolist(), directory.durations.tolist()
