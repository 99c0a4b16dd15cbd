"""What a label map has, and where, asked of its index, or of its tiles if it has none."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.decoder import decode_records
from kqcodec.coding.label_index import KIND, IndexBuilder, LabelIndex
from kqcodec.coding.regions import checked_box, records_at
from kqcodec.coding.volume_index import index_of_volume
from kqcodec.coding.volumes import mask_in_volume
from kqcodec.format.limits import check_limit, memory_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.id_table import IdTable
    from kqcodec.format import container


@dataclass(frozen=True, eq=False)
class Answers:
    """An index, and what it says of ids, of which several entries may have the same one.

    Attributes:
        index: of the entries.
        counts: pixels of each id, int64, shape (U,); read-only, as is the next.
        boxes: the box of each id, int64, shape (U, 4), or of a volume (U, 6).
    """

    index: LabelIndex
    counts: NDArray[np.int64]
    boxes: NDArray[np.int64]

    @classmethod
    def by_index(cls, opened: Opened) -> Answers | None:
        """What the file's index says; None if it has none, or is a volume, InvalidDataError if it
        is none of such a file."""
        data = next((section.data for section in opened.sections if section.kind == KIND), None)
        if data is None or opened.frames is not None:
            return None
        grid = opened.header.grid
        index = LabelIndex.from_data(data, grid, opened.entries, opened.limits)
        return cls._of(index, opened.table)

    @classmethod
    def by_decoding(cls, opened: Opened, threads: int | None) -> Answers:
        """What the tiles say, of a source that stands at the first one."""
        opened = opened.by_tiles()
        if opened.frames is not None:
            return cls._of(index_of_volume(opened, threads), opened.table)
        builder, lock = IndexBuilder(opened.entries, opened.header.grid), Lock()

        def add(record: container.Record) -> None:
            entries = opened.decode_tile(record)[1]
            with lock:
                builder.add(record.tile, entries)

        decode_records(opened, opened.records(), add, threads, 0)
        return cls._of(builder.finish(), opened.table)

    @classmethod
    def _of(cls, index: LabelIndex, table: IdTable | None) -> Answers:
        assert table is not None  # noqa: S101 - checked by the callers
        counts, boxes = index.counts, index.boxes
        if table.places is not None:
            counts, boxes = _joined(index, table.places, len(table.distinct))
        counts.flags.writeable = boxes.flags.writeable = False
        return cls(index, counts, boxes)

    def tiles_of(self, entries: NDArray[np.intp]) -> NDArray[np.int64]:
        """The tiles that have any of these entries, ascending."""
        if len(entries) == 1:
            return self.index.tiles_of(int(entries[0])).copy()
        none = np.empty(0, dtype=np.int64)
        return np.unique(np.concatenate([none, *map(self.index.tiles_of, entries.tolist())]))


def _joined(
    index: LabelIndex, places: NDArray[np.uint32], ids: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts and boxes of ids, from those of the entries that have them."""
    here = index.counts > 0
    places, counts, boxes = places[here], index.counts[here], index.boxes[here]
    all_counts = np.zeros(ids, dtype=np.int64)
    axes = boxes.shape[1] // 2
    all_boxes = np.zeros((ids, 2 * axes), dtype=np.int64)
    all_boxes[places] = boxes  # of one entry, with which the others are joined
    np.add.at(all_counts, places, counts)
    for side, join in enumerate([np.minimum] * axes + [np.maximum] * axes):
        join.at(all_boxes[:, side], places, boxes[:, side])
    return all_counts, all_boxes


def mask_of(
    opened: Opened,
    entries: NDArray[np.intp],
    answers: Answers | None,
    box: Sequence[int] | None,
    threads: int | None,
) -> NDArray[np.bool_]:
    """Which labels of a box, or of all, are among the entries: bool, shape (H, W), or (Z, H, W).
    With answers only the tiles that have them are read. Errors are those of ``KqFile.mask``."""
    grid = opened.header.grid
    region = grid.whole if box is None else checked_box(box, opened.header)
    wanted = np.zeros(opened.entries, dtype=np.bool_)
    wanted[entries] = True
    if opened.frames is not None:
        return mask_in_volume(opened, region, wanted, threads)
    check_limit(region.pixels, opened.limits.pixels, f"the mask's {region.pixels:,}")
    with memory_for(opened.header):
        mask = np.zeros((region.height, region.width), dtype=np.bool_)
    if not len(entries):
        return mask
    tiles = list(grid.touched(region))
    if answers is not None:
        here = set(answers.tiles_of(entries).tolist())
        tiles = [tile for tile in tiles if tile in here]

    def place(record: container.Record) -> None:
        tile, labels = opened.decode_tile(record)
        common = tile.intersection(region)
        inside = labels[common.moved(-tile.left, -tile.upper).slices]
        mask[common.moved(-region.left, -region.upper).slices] = wanted[inside]

    if tiles:
        decode_records(opened, records_at(opened, tiles), place, threads, mask.nbytes)
    return mask
