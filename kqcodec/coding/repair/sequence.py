"""What was saved of a damaged sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.coding.coders import coder_of, label_coder_of
from kqcodec.coding.frames.chains import Chains
from kqcodec.coding.frames.room import Room
from kqcodec.coding.frames.writer import sealed_frames
from kqcodec.coding.repair.damaged_front import Damage
from kqcodec.coding.repair.frame_search import FramePlaces, find_frames
from kqcodec.coding.repair.frames import Replay
from kqcodec.coding.repair.ids import SavedIds
from kqcodec.coding.repair.recovery import Recovery
from kqcodec.coding.repair.tile_search import Places
from kqcodec.errors import ChecksumError
from kqcodec.format.container import Sealer
from kqcodec.format.labels import label_dtype
from kqcodec.format.limits import memory_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.coding.repair.colors import SavedColors
    from kqcodec.format.labels import Labels
    from kqcodec.format.limits import Limits
    from kqcodec.format.sequence import FrameTiming


class LostFrames(NamedTuple):
    """A tile is lost in the frames ``start`` to ``stop`` - 1."""

    tile: int
    start: int
    stop: int


@dataclass(frozen=True)
class SequenceRecovery(Recovery):
    """What was saved of a sequence. Labels and image are those of the first frame; ``lost`` has the
    tiles that are lost in any frame, and so have ``boxes`` and ``mask``.

    Attributes:
        frames: how many there are, as far as is known.
        lost_frames: which tiles are lost in which frames, by tile and then by frame.
    """

    frames: int
    lost_frames: tuple[LostFrames, ...]
    _replay: Replay

    @property
    def lost_pixels(self) -> int:
        """How many pixels are lost, in all frames together."""
        grid = self.header.grid
        return sum(grid.box(tile).pixels * (stop - start) for tile, start, stop in self.lost_frames)

    def parts(self) -> Iterator[bytes]:
        """The clean file part by part."""
        yield self.header.to_bytes()
        yield self._front.stored_palette
        yield Sealer(self.header).sections(self._sections)
        frames = ((frame.payloads, frame.duration) for frame in self._replay.frames())
        yield from sealed_frames(self.header, frames)


def recover_frames(
    data: memoryview,
    kept: SavedColors | SavedIds,
    timing: FrameTiming,
    *,
    threads: int,
    limits: Limits,
) -> SequenceRecovery:
    """Save what is whole of a damaged sequence, whose bytes are ``data``; ``KqFile.recover``
    explains how."""
    front, header = kept.front, kept.front.header
    start = front.search_from if front.first_record is None else front.first_record
    places = find_frames(data, header, start, limits)
    if not places.starts:
        raise _nothing_saved()
    if isinstance(kept, SavedIds):  # no other id comes into the table
        kept = replace(kept, wanted=int(kept.table.ids[kept.entry]))
        palette, coder = None, label_coder_of(header.coder, header.k, kept.entries, "fast")
    else:
        palette, coder = kept.palette, coder_of(header.coder, kept.palette, "fast")
    chains = Chains(header, kept.coder, palette, kept.entries, room=Room(limits))
    replay = Replay(
        *(data, header, timing, limits, places, coder, chains),
        *(kept.entries, kept.entry, threads),
    )
    with memory_for(header):
        labels: Labels = np.empty((header.height, header.width), dtype=label_dtype(kept.entries))
    lost, damages = _lost(replay, labels)
    grid = header.grid
    if sum(stop - start for _, start, stop in lost) == grid.count * places.count:
        raise _nothing_saved()
    found = kept.filled(labels, ())
    found.labels.flags.writeable = False
    return SequenceRecovery(
        labels=found.labels,
        header=header,
        lost=tuple(sorted({each.tile for each in lost})),
        damages=(*front.damages, *damages, *_end_damages(places, len(data))),
        fill=found.fill,
        fill_label=found.fill_label,
        coded_anew=False,
        _palette=found.palette,
        _front=front,
        _places=_NO_PLACES,
        _data=data,
        _short=None,
        frames=places.count,
        lost_frames=tuple(lost),
        _replay=replay,
    )


_NO_PLACES = Places(np.empty(0, np.int64), np.empty(0, np.int64), directory=True, end=0)


def _lost(replay: Replay, labels: Labels) -> tuple[list[LostFrames], list[Damage]]:
    """Which tiles are lost in which frames, and what is damaged; ``labels`` become those of the
    first frame."""
    since: dict[int, int] = {}
    lost: list[LostFrames] = []
    damages: list[Damage] = []
    missing = 0  # frames ahead of this one whose heads are damaged
    count = 0
    for number, frame in enumerate(replay.frames(labels)):
        since.update(dict.fromkeys(frame.lost, number))
        lost += [LostFrames(tile, since.pop(tile), number) for tile in frame.found]
        if number not in replay.places.starts:
            missing += 1
        elif missing:
            damages.append(_missing(number - missing, number))
            missing = 0
        damages += [
            Damage(f"frame {number}, tile {tile}", problem)
            for tile, problem in sorted(frame.problems.items())
        ]
        count = number + 1
    if missing:
        damages.append(_missing(count - missing, count))
    lost += [LostFrames(tile, start, count) for tile, start in since.items()]
    return sorted(lost), damages


def _missing(start: int, stop: int) -> Damage:
    part = f"frame {start}" if stop == start + 1 else f"frames {start} to {stop - 1}"
    return Damage(part, "the head is damaged, or missing")


def _end_damages(places: FramePlaces, size: int) -> Iterator[Damage]:
    if not places.directory:
        yield Damage("directory", "it is damaged, and made anew from the frames")
    if places.cut:
        yield Damage("end", f"nothing tells whether more frames followed these {places.count:,}")
    if places.end < size:
        extra = size - places.end
        yield Damage("end", f"{extra:,} byte{'s' * (extra > 1)} that don't belong to the file")


def _nothing_saved() -> ChecksumError:
    return ChecksumError("nothing of the sequence can be saved: no tile of any frame is whole")
