"""The directory of frames, the end of a sequence's file: where each begins, and how long it lasts.

spec/kq.md, section 19. Sizes and durations are lists of numbers (section 18), of which most are
alike, and behind them stands how many there are, so that who can seek finds it from the end:

    ┌──────────────────┬──────┬────────────┬────────┐
    │ payload of lists │ F, 4 │ its size,4 │ CRC-32 │
    └──────────────────┴──────┴────────────┴────────┘
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.errors import ChecksumError, FormatError, InvalidDataError, TruncatedError
from kqcodec.format.sequence import MAX_FRAMES, MAX_NUMBER
from kqcodec.format.sizes import DIRECTORY_TAIL, END_SIZE, LEAST_FRAME
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.format.container import Sealer
    from kqcodec.format.limits import Limits
    from kqcodec.format.source import Source

_PART = "the directory of frames"
_TAIL = struct.Struct(">III")


@dataclass(frozen=True, eq=False)
class FrameDirectory:
    """The frames of a file, in order.

    Attributes:
        starts: where the head of each begins in the file, and where the last one's tiles end:
            int64, shape (F + 1,).
        durations: of each, in units: int64, shape (F,).
    """

    starts: NDArray[np.int64]
    durations: NDArray[np.int64]

    @property
    def frames(self) -> int:
        """F, the number of frames."""
        return len(self.durations)


class FrameList:
    """Sizes and durations of frames, one after the other as they are written or read."""

    def __init__(self) -> None:
        self._sizes = array("Q")
        self._durations = array("I")

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, size: int, duration: int) -> None:
        """The next frame."""
        self._sizes.append(size)
        self._durations.append(duration)

    def to_bytes(self, sealer: Sealer) -> bytes:
        """The directory of all frames as it stands in a file."""
        lists = [np.array(numbers, dtype=np.uint64) for numbers in (self._sizes, self._durations)]
        payload = kernels.numbers_encode(lists)
        body = payload + struct.pack(">II", len(self), len(payload))
        return body + struct.pack(">I", sealer.directory_checksum(body))


def read_directory(source: Source, sealer: Sealer, first: int, limits: Limits) -> FrameDirectory:
    """The directory at the end of a file that can seek, whose frames begin at ``first``;
    FormatError tells what is wrong."""
    assert source.size is not None  # noqa: S101 - only such files are asked
    room = source.size - first - END_SIZE
    sizes, durations, length = read_lists(source, sealer, room, limits)
    room -= length
    ends = np.cumsum(sizes)
    # A sum that wraps round has been larger than the room before that.
    if int(sizes.max()) > room or int(ends.max()) > room or int(ends[-1]) != room:
        raise wrong_directory()
    starts = np.full(len(sizes) + 1, first, dtype=np.int64)
    starts[1:] += ends.astype(np.int64)
    return FrameDirectory(starts, durations.astype(np.int64))


def read_lists(
    source: Source, sealer: Sealer, room: int, limits: Limits
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], int]:
    """Sizes and durations of frames that have so much room together with the directory, and the
    bytes of that, wherever frames begin."""
    assert source.size is not None  # noqa: S101 - see above
    source.seek(max(source.size - DIRECTORY_TAIL, 0))
    tail = bytes(source.read(DIRECTORY_TAIL, _PART))
    frames, size, checksum = _TAIL.unpack(tail)
    if size + DIRECTORY_TAIL + LEAST_FRAME * frames > room:
        raise wrong_directory()
    source.seek(source.size - DIRECTORY_TAIL - size)
    payload = source.read(size, _PART)
    if sealer.directory_checksum(bytes(payload) + tail[:-4]) != checksum:
        raise ChecksumError(f"{_PART} is damaged: its checksum doesn't match")
    if not 1 <= frames <= MAX_FRAMES:
        raise InvalidDataError(f"a sequence of {frames:,} frames is impossible (rule 19.9)")
    limits.check_frames(frames)
    lists = kernels.numbers_decode(payload, [frames, frames])
    if lists is None:
        raise InvalidDataError(f"{_PART} doesn't end as it must (rule 13.5)")
    sizes, durations = lists
    lowest, highest = int(durations.min()), int(durations.max())
    if not (lowest >= 1 and highest <= MAX_NUMBER and int(sizes.min()) >= LEAST_FRAME):
        raise wrong_directory()
    return sizes, durations, size + DIRECTORY_TAIL


def wrong_directory() -> InvalidDataError:
    """The error that frames are others than the directory says."""
    return InvalidDataError("the directory disagrees with the frames (rule 19.9)")


def wrong_end(found: bytes, size: int, sealer: Sealer) -> FormatError:
    """The error that a file ends so, and not with a directory of so many bytes."""
    if sealer.directory_checksum(found[:-4]) == int.from_bytes(found[-4:], "big"):
        return wrong_directory()
    if len(found) < size:
        return TruncatedError(f"the file ends early: within {_PART}")
    return ChecksumError(f"{_PART} is damaged: its checksum doesn't match, or bytes follow it")
