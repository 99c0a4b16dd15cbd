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

from kqcodec.format.names import DEFAULT_CODER
from kqcodec.images.blocks import RawPixels, open_blocks
from kqcodec.images.blocks.samples import Conversion
from kqcodec.large.budget import DEFAULT_MEMORY
from kqcodec.large.plans import (
    Job,
    Plan,
    Search,
    check_labels_only,
    given,
    label_map,
    sampled,
    two_passes,
)
from kqcodec.large.tile_coding import payloads
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.storage.atomic_write import is_open_end, write_to
from kqcodec.storage.threads import thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.format.names import CoderName
    from kqcodec.images.blocks import Blocks, BlockSource
    from kqcodec.images.pixels import Color
    from kqcodec.labels.label_maps import ColorTable
    from kqcodec.quantization.options import PaletteKeywords
    from kqcodec.quantization.palette_files import PaletteLike


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
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    palette: PaletteLike | None = None,
    background: Color | None = None,
    labels: bool = False,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    overwrite: bool = True,
    progress: Callable[[str, float], object] | None = None,
    **options: Unpack[PaletteKeywords],
) -> Streamed:
    """Write a .kq file of a picture that needn't fit into memory.

    The picture is read twice, in rectangles, and a picture that differs the second time
    is refused. With a ``palette`` once is enough. The file is, byte for byte, that of
    ``encode`` for the same pixels and arguments.

    Args:
        source: the path of a TIFF file (with the extra "tiff"), of a .npy file, or of a
            zarr array (with the extra "zarr"); an array or anything that has a shape and can
            be sliced (zarr's, h5py's); or ``RawPixels`` from a pipe. Pixels are as for
            ``quantize``.
        target: a path, where the file appears when it is complete, or a binary file.
        k, coder, tile, palette, background: as for ``encode``.
        labels: whether ``source`` is a label map, as for ``label_map``: integers that are
            kept, in the colours of ``palette`` or, without one, in those of PASCAL VOC.
        threads: at most so many; None for as many as there are processors.
        memory: bytes that this process may take, whatever the picture's size. Where
            they are few, fewer threads are at work.
        overwrite: whether an existing file may be replaced.
        progress: called now and then with what is being done, "counting", "palette" or
            "coding", and how much of it is done, from 0 to 1.
        options: more of ``encode``: ``pins``, ``sort``, ``effort``, ``seed``, ``restarts``,
            ``space``; see ``kqcodec.quantization.options``.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        ColorsError: as for ``quantize``; or there are millions of translucent colours.
        ImageError: the source can't be read, or changed meanwhile. There is no file then.
        ImportError: what reads such files isn't installed.
        OSError: the source can't be opened, or the target not be written.
        TypeError, ValueError: a wrong argument, or ones that exclude each other.
    """
    is_path = isinstance(target, (str, os.PathLike)) and not is_open_end(target)
    if is_path and not overwrite and os.path.isfile(cast("str", target)):
        raise FileExistsError(f"{target} exists already")
    with opened_stream(
        source,
        k,
        coder=coder,
        tile=tile,
        palette=palette,
        background=background,
        labels=labels,
        threads=threads,
        memory=memory,
        progress=progress,
        **options,
    ) as stream:
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
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    palette: PaletteLike | None = None,
    background: Color | None = None,
    labels: bool = False,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[str, float], object] | None = None,
    **options: Unpack[PaletteKeywords],
) -> Iterator[Stream]:
    """The same for whoever writes the parts; pass 1 is over when it returns. Arguments
    and errors are those of ``encode_stream``."""
    fixed = None if labels else palette
    chosen = QuantizeOptions(palette=fixed, threads=threads, **options)
    coding = chosen.coding(coder, tile)
    search = None
    if labels:
        check_labels_only(k, chosen.pinned, chosen.sort, background)
    else:
        search = Search.of(k, chosen)
    with open_blocks(source) as blocks:
        job = Job(blocks, coding, memory=memory, threads=thread_count(threads), progress=progress)
        if search is None:
            plan, channels = label_map(job, cast("ColorTable | None", palette)), 0
        else:
            conversion = Conversion(blocks, background, keep_profile=False)
            plan, channels = _of_pixels(job, search, conversion), conversion.channels
        parts = plan.layout.parts(payloads(job, plan, channels))
        yield Stream(plan.layout.header, _whole(blocks, parts), plan.costs, plan.sampled)


def _of_pixels(job: Job, search: Search, conversion: Conversion) -> Plan:
    if search.options.fixed is not None:
        return given(job, search, conversion)
    if job.reader.blocks.rereadable:
        return two_passes(job, search, conversion)
    return sampled(job, search, conversion)


def _whole(blocks: Blocks, parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts, and at the end a look at whether that was all of the picture."""
    yield from parts
    if isinstance(blocks, RawPixels):
        blocks.check_end()
