"""A dask array to a .kq file, in two passes of tasks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.id_table import IdTable
from kqcodec.images.blocks.samples import Conversion
from kqcodec.labels.color_tables import color_table
from kqcodec.large.dask.executors import current_executor
from kqcodec.large.dask.passes import ArrayPasses
from kqcodec.large.dask.tasks import ColorPlan, LabelMapPlan
from kqcodec.large.jobs import Job, Request
from kqcodec.large.plans import ids_in, label_layout
from kqcodec.storage.atomic_write import is_stream, write_whole
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.large.dask.executors import Executor
    from kqcodec.large.dask.tasks import ChunkCounts, LabelingPlan
    from kqcodec.large.jobs import BlockwiseKeywords, PaletteSearch


@dataclass(frozen=True)
class Encoded:
    """What was written.

    Attributes:
        header: of the file.
        file_bytes: its size.
        costs: of quantizing; None for labels.
        tasks: how many Dask was given.
    """

    header: Header
    file_bytes: int
    costs: Costs | None
    tasks: int


def encode(
    array: Any,
    target: str | os.PathLike[str],
    k: int | None = None,
    *,
    overwrite: bool = True,
    client: Any = None,
    **options: Unpack[BlockwiseKeywords],
) -> Encoded:
    """Write a .kq file of a dask array, by the workers that Dask has.

    The file is, byte for byte, that of ``kqcodec.encode`` for the same pixels and
    arguments, whatever the chunks and the workers. Chunks are computed twice, those
    that several groups of tiles touch more often, and refused where they differ from the
    first time: persist or store an array that is costly to compute. When a worker dies,
    others do its work.

    Args:
        array: a dask array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); pixels
            are as for ``quantize``.
        target: a path, or a URL that fsspec can write to (the extra "remote"), where the
            file appears when it is complete. Only this process writes to it, what goes to
            a URL from a temporary file.
        k, overwrite: as for ``kqcodec.encode_stream``.
        client: of a cluster (``distributed.Client``); None for what the array's
            ``compute`` would use: the current client, or else threads of this process.
        options: ``coder``, ``tile``, ``palette``, ``background``, ``labels``, ``pins``,
            ``sort``, ``effort``, ``seed``, ``restarts``, ``space`` and ``progress``, as for
            ``kqcodec.encode_stream``.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        ColorsError: as for ``quantize``; or there are millions of translucent colours.
        ImageError: a chunk can't be computed, or changed meanwhile. There is no file then.
        OSError: the target can't be written, or its connection is lost.
        ImportError: a URL needs what isn't installed.
        WorkersError: the cluster is lost, or its workers can't do a task.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.

    Warns:
        PerformanceWarning: (Dask's) chunks share work that will be done many times over.
    """
    request = Request.of(k, **options)
    passes = ArrayPasses(array)
    job = Job(passes.blocks, request, memory=0, threads=1)
    passes.cut(job.grid)
    _check_target(target, overwrite)
    with current_executor(client) as executor:
        if request.search is None:
            counts, plan, costs = _label_map(passes, executor, job)
        else:
            counts, plan, costs = _pixels(passes, executor, job, request.search)
        payloads = passes.code(executor, plan, counts, job.begin("coding"))
        written = _write(target, plan.layout.parts(payloads), overwrite)
    return Encoded(plan.layout.header, written, costs, passes.groups.tasks)


def _pixels(
    passes: ArrayPasses, executor: Executor, job: Job, search: PaletteSearch
) -> tuple[ChunkCounts, LabelingPlan, Costs | None]:
    conversion = Conversion(passes.blocks, job.request.background, keep_profile=False)
    # For its error, and so that a warning is given here rather than by each worker.
    conversion.pixels(np.ones((1, 1, *passes.shape), dtype=passes.blocks.dtype))
    counts = passes.count(executor, conversion, job.begin("counting"))
    assert counts.colors is not None  # noqa: S101 - they were pixels
    job.begin("palette")
    fixed = search.options.fixed
    with_alpha = fixed is not None and fixed.shape[1] == 4
    colors = counts.colors.with_alpha() if with_alpha else counts.colors.without_opaque_alpha()
    mapped = job.color_map(search, colors)
    return counts, ColorPlan(job.layout(mapped.palette), conversion, mapped), mapped.costs


def _label_map(
    passes: ArrayPasses, executor: Executor, job: Job
) -> tuple[ChunkCounts, LabelingPlan, Costs | None]:
    colors, blocks = job.request.label_colors, passes.blocks
    one = ids_in(np.zeros((1, 1, *passes.shape), dtype=blocks.dtype), blocks.name)
    if colors is not None:
        color_table(colors)  # for its errors
    counts = passes.count(executor, None, job.begin("counting"))
    table = IdTable(counts.ids, shape=IdTable.of(one).shape)
    layout = label_layout(job, table, blocks.interpretation)
    return counts, LabelMapPlan(layout, table), None


def _check_target(target: str | os.PathLike[str], overwrite: bool) -> None:
    """Raise what writing a file there would, so far as that can be told beforehand."""
    if is_url(target):
        from kqcodec.storage import remote_files

        remote_files.check_writable(target)
        exists = remote_files.file_size(target) is not None
    elif is_stream(target):
        return
    else:
        path = os.path.realpath(target)
        if os.path.isdir(path):
            raise IsADirectoryError(f"{target} is a directory, not a file to write to")
        if not os.path.isdir(os.path.dirname(path)):
            raise FileNotFoundError(f"{target}: there is no folder {os.path.dirname(path)}")
        exists = os.path.isfile(path)
    if exists and not overwrite:
        raise FileExistsError(f"{target} exists already")


def _write(target: str | os.PathLike[str], parts: Iterable[bytes], overwrite: bool) -> int:
    if is_url(target):
        from kqcodec.storage import remote_files

        return remote_files.write(target, parts, overwrite, large=True)
    return write_whole(target, parts, overwrite)
