"""Pictures larger than memory to .kq files, in two passes over their blocks:

    pass 1   blocks ── histograms ── their sum ── k-means ── palette and colour map
    pass 2   blocks ── labels ── tiles ── coder ── file

The bytes are those that ``kqcodec.encode`` makes of the same pixels. Pixels that come
but once, from a pipe, get a palette that is given or found in the first of them.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from kqcodec.coding.tile_assembly import TileAssembly
from kqcodec.format.labels import label_dtype
from kqcodec.images.blocks import RawPixels, open_blocks
from kqcodec.large.budget import DEFAULT_MEMORY
from kqcodec.large.jobs import Job, Request
from kqcodec.large.plans import plan_of
from kqcodec.storage.atomic_write import is_stream, write_to
from kqcodec.storage.reordering import in_order
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Unpack

    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.format.labels import Labels
    from kqcodec.images.blocks import Blocks, BlockSource
    from kqcodec.large.budget import Budget
    from kqcodec.large.jobs import BlockwiseKeywords
    from kqcodec.large.plans import Plan


@dataclass(frozen=True)
class Streamed:
    """What was written.

    Attributes:
        header: of the file.
        file_bytes: its size.
        costs: of quantizing; None for labels.
        sampled: of how many pixels the palette is, where that isn't all of them.
    """

    header: Header
    file_bytes: int
    costs: Costs | None
    sampled: int | None = None


def encode_stream(
    source: BlockSource,
    target: str | os.PathLike[str] | BinaryIO,
    k: int | None = None,
    *,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    overwrite: bool = True,
    **options: Unpack[BlockwiseKeywords],
) -> Streamed:
    """Write a .kq file of a picture that needn't fit into memory.

    The picture is read twice, in rectangles, and a picture that differs the second time
    is refused. With a ``palette`` once is enough. The file is, byte for byte, that of
    ``encode`` for the same pixels and arguments, or of ``encode_labels``.

    Args:
        source: the path of a TIFF file (with the extra "tiff"), of a .npy file, or of a
            zarr array (with the extra "zarr"); an array or anything that has a shape and can
            be sliced (zarr's, h5py's); or ``RawPixels`` from a pipe. Pixels are as for
            ``quantize``.
        target: a path, where the file appears when it is complete, or a binary file.
        k: as for ``encode``.
        threads: at most so many; None for as many as there are processors.
        memory: bytes that this process may take, whatever the picture's size. Where
            they are few, fewer threads are at work.
        overwrite: whether an existing file may be replaced.
        options: ``coder``, ``tile``, ``palette``, ``background``, ``pins``, ``sort``,
            ``effort``, ``seed``, ``restarts`` and ``space``, as for ``encode``; ``labels``,
            whether ``source`` is an array of ids, as for ``encode_labels``, of which there are
            up to 65,536 different ones; ``palette`` has the colours of the ids 0, 1, 2, ...;
            ``progress``,
            called now and then with what is being done, "counting", "palette" or "coding",
            and how much of it is done, from 0 to 1.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        ColorsError: as for ``quantize``; or there are millions of translucent colours.
        ImageError: the source can't be read, or changed meanwhile. There is no file then.
        ImportError: what reads such files isn't installed.
        OSError: the source can't be opened, or the target not be written.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    is_path = isinstance(target, (str, os.PathLike)) and not is_stream(target)
    if is_path and not overwrite and os.path.isfile(cast("str", target)):
        raise FileExistsError(f"{target} exists already")
    with opened_stream(source, k, threads=threads, memory=memory, **options) as stream:
        written = write_to(target, stream.parts, overwrite)
        return Streamed(stream.header, written, stream.costs(), stream.sampled)


@dataclass(frozen=True)
class Stream:
    """A file about to be written.

    Attributes:
        header: of the file.
        parts: its bytes, made as they are drawn, once.
        costs: of quantizing, to be asked for when they are; None for labels.
        sampled: of how many pixels the palette is, where that isn't all of them.
    """

    header: Header
    parts: Iterator[bytes]
    costs: Callable[[], Costs | None]
    sampled: int | None


@contextlib.contextmanager
def opened_stream(
    source: BlockSource,
    k: int | None = None,
    *,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    **options: Unpack[BlockwiseKeywords],
) -> Iterator[Stream]:
    """A .kq file of a picture that needn't fit into memory, for callers that write the parts
    themselves. Pass 1 is over when it returns.

    Arguments and errors are those of ``encode_stream``.
    """
    request = Request.of(k, **options)
    with open_blocks(source) as blocks:
        job = Job(blocks, request, memory=memory, threads=thread_count(threads))
        plan = plan_of(job)
        parts = plan.layout.parts(_payloads(job, plan))
        yield Stream(plan.layout.header, _checked_to_end(blocks, parts), plan.costs, plan.sampled)


def _checked_to_end(blocks: Blocks, parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts; ImageError at the end if the picture goes on behind what was read."""
    yield from parts
    if isinstance(blocks, RawPixels):
        blocks.check_end()


def _payloads(job: Job, plan: Plan) -> Iterator[bytes]:
    """The payloads of all tiles, in order.

    Where blocks are tiles, several threads read, label and code them. Otherwise blocks
    are read and labelled in their order on the calling thread, and others code. ValueError
    if there is too little memory.
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
