"""Volumes of labels to files: arrays of ids of shape (Z, H, W).

Slices are frames along depth, with one table of ids for all. A tile with few of the ids has a list
of its own, which holds from a key frame to the next: of the ids in all the slices between.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders.label_tiles import used_labels
from kqcodec.coding.frames.chains import Chains
from kqcodec.coding.frames.writer import sealed_frames
from kqcodec.coding.layout import Layout
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.sizes import predictable
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kqcodec.coding.frames.label_chain import Entries
    from kqcodec.coding.id_table import Ids, IdTable
    from kqcodec.coding.options import CodingOptions
    from kqcodec.format.container import Section
    from kqcodec.format.labels import Labels
    from kqcodec.format.sequence import FrameTiming


def encoded_volume(
    table: IdTable,
    values: Ids,
    timing: FrameTiming,
    options: CodingOptions,
    sections: Sequence[Section],
) -> Iterator[bytes]:
    """The parts of the file of a volume with that table of ids, shape (Z, H, W), of whose slices
    no tile has over 65,536 different ones; what it raises is raised at once.

    Raises:
        ValueError: there is no such file.
    """
    depth, height, width = values.shape
    if predictable(options.coder):
        timing = replace(timing, key_distance=1)
    layout = Layout.of_labels(
        *(table, min(table.entries, MAX_COLORS), width, height, options),
        sections=sections,
        timing=timing,
    )
    chains = Chains(layout.header, layout.coder, None, table.entries, options.effort)
    tiles = range(layout.grid.count)
    step = timing.key_distance or depth
    starts = range(0, depth, step)
    # Of a whole volume at once the table itself is such a list.
    alone = len(starts) * len(tiles) == 1 and table.entries <= MAX_COLORS

    def payloads(place: tuple[int, int]) -> list[bytes]:
        start, tile = place
        rows, columns = layout.grid.box(tile).slices
        inside = values[start : start + step, rows, columns]
        lists = {} if alone else _lists(map(table.entries_of, inside), layout.header.k)
        chain = chains.begin(tile, lists)
        return [chain.encode(table.entries_of(plane)) for plane in inside]

    def frames() -> Iterator[tuple[Sequence[bytes], int]]:
        places = [(start, tile) for start in starts for tile in tiles]
        threads = min(thread_count(options.threads), len(places))
        found = ordered_map(payloads, places, threads)
        for _ in starts:
            for slice_payloads in zip(*(next(found) for _ in tiles), strict=True):
                yield slice_payloads, 1

    def parts() -> Iterator[bytes]:
        yield layout.start()
        yield from sealed_frames(layout.header, frames())

    return parts()


def _lists(slices: Iterable[Labels], k: int) -> dict[int, Entries]:
    """The lists of a tile of K labels, by the slices from which on they hold: few and long; none
    where they would save little."""
    found: dict[int, Entries] = {}
    start, here = 0, np.empty(0, dtype=np.intp)
    for number, labels in enumerate(slices):
        used = used_labels(labels)
        more = np.union1d(here, used)
        if len(more) > MAX_COLORS:
            found[start], start, more = here, number, used
        here = more
    found[start] = here
    few = len(found) > 1 or 2 * len(here) <= k or int(here[-1]) >= k
    return found if few else {}
