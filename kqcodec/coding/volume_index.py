"""Where the ids of a volume are: numbers of pixels, boxes and tiles, of its decoded slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.label_index import IndexBuilder, LabelIndex
from kqcodec.coding.volumes import each_frame

if TYPE_CHECKING:
    from kqcodec.coding.decoder import Opened


def index_of_volume(opened: Opened, threads: int | None) -> LabelIndex:
    """The index of the entries of all slices, of a source that stands at the first; boxes have
    the shape (M, 6): left, upper, front, right, lower, back, the last three excluded."""
    grid = opened.header.grid
    counts = np.zeros(opened.entries, dtype=np.int64)
    boxes = np.zeros((opened.entries, 6), dtype=np.int64)
    # Which tiles each entry is in, as one number for a pair of the two.
    pairs = np.empty(0, dtype=np.int64)
    for number, canvas in each_frame(opened, threads):
        builder = IndexBuilder(opened.entries, grid)
        for tile, labels in canvas.tiles.items():
            builder.add(tile, labels)
        here = builder.finish()
        some = np.flatnonzero(here.counts)
        new = np.insert(here.boxes[some], [2, 4], [number, number + 1], axis=1)
        old = np.where(counts[some, None] > 0, boxes[some], new)
        boxes[some, :3] = np.minimum(old[:, :3], new[:, :3])
        boxes[some, 3:] = np.maximum(old[:, 3:], new[:, 3:])
        counts += here.counts
        entries = np.repeat(np.arange(opened.entries), np.diff(here.starts))
        pairs = np.union1d(pairs, entries * grid.count + here.tiles)
    entries, tiles = np.divmod(pairs, grid.count)
    starts = np.zeros(opened.entries + 1, dtype=np.int64)
    np.cumsum(np.bincount(entries, minlength=opened.entries), out=starts[1:])
    return LabelIndex(counts, boxes, starts, tiles)
