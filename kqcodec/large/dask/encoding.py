"""A dask array to a .kq file: see ``kqcodec.large.dask``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kqcodec.format.names import DEFAULT_CODER
from kqcodec.images.blocks.samples import Conversion
from kqcodec.labels.label_maps import color_table
from kqcodec.large.dask.executors import current_crew
from kqcodec.large.dask.passes import ArrayPasses
from kqcodec.large.dask.targets import check_target, write
from kqcodec.large.dask.tasks import ColorRecipe, LabelRecipe
from kqcodec.large.plans import Job, Search, check_labels_only, label_palette, labels_in
from kqcodec.quantization.options import QuantizeOptions

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.format.names import CoderName
    from kqcodec.images.pixels import Color
    from kqcodec.labels.label_maps import ColorTable
    from kqcodec.large.dask.executors import Crew
    from kqcodec.large.dask.tasks import Found, Recipe
    from kqcodec.quantization.options import PaletteKeywords
    from kqcodec.quantization.palette_files import PaletteLike


@dataclass(frozen=True)
class Encoded:
    """What was written.

    Attributes:
        header: of the file.
        file_bytes: its size.
        costs: of quantizing; None for labels.
        tasks: so many Dask was given.
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
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    palette: PaletteLike | None = None,
    background: Color | None = None,
    labels: bool = False,
    overwrite: bool = True,
    client: Any = None,
    progress: Callable[[str, float], object] | None = None,
    **options: Unpack[PaletteKeywords],
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
        k, coder, tile, palette, background, labels, overwrite: as for
            ``kqcodec.encode_stream``.
        client: of a cluster (``distributed.Client``); None for what the array's
            ``compute`` would use: the current client, or else threads of this process.
        progress: called now and then with what is being done, "counting", "palette" or
            "coding", and how much of it is done, from 0 to 1.
        options: more of ``kqcodec.encode_stream``: ``pins``, ``sort``, ``effort``, ``seed``,
            ``restarts``, ``space``; see ``kqcodec.quantization.options``.

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
    chosen = QuantizeOptions(**options) if labels else QuantizeOptions(palette=palette, **options)
    coding = chosen.coding(coder, tile)
    search = None
    if labels:
        check_labels_only(k, chosen.pinned, chosen.sort, background)
    else:
        search = Search.of(k, chosen)
    passes = ArrayPasses(array)
    job = Job(passes.blocks, coding, memory=0, threads=1, progress=progress)
    passes.cut(job.grid)
    check_target(target, overwrite)
    with current_crew(client) as crew:
        if search is None:
            found, recipe, costs = _labels(passes, crew, job, cast("ColorTable | None", palette))
        else:
            conversion = Conversion(passes.blocks, background, keep_profile=False)
            found, recipe, costs = _colors(passes, crew, job, search, conversion)
        payloads = passes.code(crew, recipe, found, job.begin("coding"))
        written = write(target, recipe.layout.parts(payloads), overwrite)
    return Encoded(recipe.layout.header, written, costs, passes.groups.tasks)


def _colors(
    passes: ArrayPasses, crew: Crew, job: Job, search: Search, conversion: Conversion
) -> tuple[Found, Recipe, Costs | None]:
    # For its error, and so that a warning is given here rather than by each worker.
    conversion.pixels(np.ones((1, 1, *passes.shape), dtype=passes.blocks.dtype))
    found = passes.count(crew, conversion, job.begin("counting"))
    assert found.colors is not None  # noqa: S101 - they were pixels
    job.begin("palette")
    fixed = search.options.fixed
    with_alpha = fixed is not None and fixed.shape[1] == 4
    colors = found.colors.with_alpha() if with_alpha else found.colors.without_idle_alpha()
    mapped = job.found(search, colors)
    return found, ColorRecipe(job.layout(mapped.palette), conversion, mapped), mapped.costs


def _labels(
    passes: ArrayPasses, crew: Crew, job: Job, colors: ColorTable | None
) -> tuple[Found, Recipe, Costs | None]:
    labels_in(np.zeros((1, 1, *passes.shape), dtype=passes.blocks.dtype), passes.blocks.name)
    if colors is not None:
        color_table(colors)  # for its errors
    found = passes.count(crew, None, job.begin("counting"))
    palette = label_palette(found.greatest + 1, colors, passes.blocks.meaning)
    return found, LabelRecipe(job.layout(palette)), None
