"""Pass 2: from a picture's blocks to the payloads of its tiles, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.tile_assembly import TileAssembly
from kqcodec.format.labels import label_dtype
from kqcodec.storage.reordering import in_order
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kqcodec.format.labels import Labels
    from kqcodec.large.budget import Budget
    from kqcodec.large.jobs import Job
    from kqcodec.large.plans import Plan


def payloads(job: Job, plan: Plan) -> Iterator[bytes]:
    """The payloads of all tiles, in order.

    Where blocks are tiles, several threads read, label and code them. Otherwise blocks
    are read and labelled in their order on the calling thread, and others code.

    Args:
        job: the picture.
        plan: what becomes of its blocks.

    Raises:
        ValueError: there is too little memory.
    """
    reader, layout = job.reader, plan.layout
    grid = layout.grid
    budget = job.budget(plan.channels, np.dtype(label_dtype(layout.header.k)).itemsize)
    if reader.boxes == grid and (reader.blocks.rereadable or grid.count == 1):
        workers = min(budget.coding_threads(job.threads, whole_tiles=True), grid.count)
        coded = ordered_map(
            lambda index: layout.payload(plan.labels_of(index)), range(grid.count), workers
        )
    else:
        coded = _assembled(job, plan, budget)
    advance = job.begin("coding")
    for index, payload in enumerate(coded):
        advance(grid.box(index).pixels)
        yield payload


def _assembled(job: Job, plan: Plan, budget: Budget) -> Iterator[bytes]:
    reader, layout = job.reader, plan.layout
    grid, dtype = layout.grid, label_dtype(layout.header.k)
    workers = min(budget.coding_threads(job.threads, whole_tiles=False), grid.count)
    with TileAssembly(grid, dtype, budget.waiting) as assembly:

        def tiles() -> Iterator[tuple[int, Labels]]:
            for index in range(reader.boxes.count):
                yield from assembly.add(reader.boxes.box(index), plan.labels_of(index))

        def code(tile: tuple[int, Labels]) -> tuple[int, bytes]:
            return tile[0], layout.payload(tile[1])

        yield from in_order(ordered_map(code, tiles(), workers), grid.count)
