"""Parts of a dask array's graph, each enough for some chunks, to be carried out within one
task: so the scheduler sees a task where there are a hundred chunks.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from dask.array.core import PerformanceWarning
from dask.local import get_sync
from dask.optimization import cull

from kqcodec.large.block_reader import changed_error, with_image_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from kqcodec.format.grid import Box
    from kqcodec.large.dask.chunks import Chunks, Numbers

NAME = "the dask array"

# Chunks whose graphs are taken out of the whole at a time.
_CHUNKS_CULLED = 1 << 14
# Bytes of chunks that are computed at a time, so that what they share is done once.
_BATCH_BYTES = 1 << 26
# How often the tasks behind chunks may be carried out in each pass without a warning.
_REPEATS = 4


@dataclass(frozen=True, eq=False)
class Subgraph:
    """Some chunks of a dask array, and the part of its graph that computes them.

    Attributes:
        graph: Dask's, of all that their keys need besides ``persisted``.
        keys: of the chunks.
        boxes: where they lie.
        persisted: keys of the graph whose values are on the cluster already (a persisted
            array's), in the order in which a task gets these values.
        sample_bytes: of a pixel.
    """

    graph: dict[Any, Any]
    keys: list[tuple[Any, ...]]
    boxes: list[Box]
    persisted: list[Any]
    sample_bytes: int

    def read(self, wanted: Sequence[int], values: Sequence[Any]) -> Iterator[tuple[Box, Any]]:
        """Chunks by their places in ``keys``, in that order, each with its rectangle;
        ImageError if one can't be read. ``values`` are those of the keys ``persisted``."""
        graph = {**self.graph, **dict(zip(self.persisted, values, strict=True))}
        for batch in self._batches(wanted):
            for place, chunk in zip(batch, self._computed(graph, batch), strict=True):
                yield self.boxes[place], chunk

    def _batches(self, wanted: Sequence[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        size = 0
        for place in wanted:
            more = self.boxes[place].pixels * self.sample_bytes
            if batch and size + more > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
            batch.append(place)
            size += more
        yield batch

    def _computed(self, graph: dict[Any, Any], batch: list[int]) -> list[Any]:
        try:
            found: list[Any] = get_sync(graph, [self.keys[place] for place in batch])
        except Exception:  # noqa: BLE001 - it comes again
            # One at a time, to know which it is.
            found = [self._single(graph, place) for place in batch]
        return found

    def _single(self, graph: dict[Any, Any], place: int) -> Any:
        return with_image_errors(NAME, self.boxes[place], lambda: get_sync(graph, self.keys[place]))


def checksum(chunk: NDArray[Any]) -> int:
    """The CRC-32 of a chunk's samples."""
    return zlib.crc32(np.ascontiguousarray(chunk))


def check_unchanged(chunk: NDArray[Any], box: Box, expected: int) -> None:
    """Raise ImageError unless that is the chunk's checksum."""
    if checksum(chunk) != expected:
        raise changed_error(NAME, box)


def subgraphs(
    array: Any, chunks: Chunks, groups: list[Numbers]
) -> Iterator[tuple[Subgraph, list[Any]]]:
    """The part of the graph for each group of chunks, with the futures of what is persisted.

    Warns:
        PerformanceWarning: groups share most of their work, which each has to do.
    """
    graph = array.__dask_graph__()
    start, warned = 0, False
    while start < len(groups):
        stop, size = start, 0
        while stop < len(groups) and (stop == start or size + len(groups[stop]) <= _CHUNKS_CULLED):
            size += len(groups[stop])
            stop += 1
        some = [_keys(array, chunks, group) for group in groups[start:stop]]
        wanted = {key for keys in some for key in keys}
        whole = dict(graph.cull(wanted) if hasattr(graph, "cull") else graph)
        repeated = 0
        for group, keys in zip(groups[start:stop], some, strict=True):
            part, _ = cull(whole, keys)  # type: ignore[no-untyped-call]
            repeated += len(part)
            futures = {key: value for key, value in part.items() if _is_future(value)}
            part = {key: value for key, value in part.items() if key not in futures}
            boxes = [chunks.box(number) for number in group.tolist()]
            samples = int(np.prod(array.shape[2:])) * array.dtype.itemsize
            yield Subgraph(part, keys, boxes, list(futures), samples), list(futures.values())
        if repeated > _REPEATS * len(whole) and not warned:
            warned = True
            warnings.warn(
                f"the array's chunks share work: of {len(whole):,} tasks behind them {repeated:,} "
                "are carried out in each pass; persist the array, or store it first",
                PerformanceWarning,
                stacklevel=1,
            )
        start = stop


def _keys(array: Any, chunks: Chunks, group: Numbers) -> list[tuple[Any, ...]]:
    last = (0,) * (array.ndim - 2)
    return [(array.name, *chunks.place(number), *last) for number in group.tolist()]


def _is_future(value: Any) -> bool:
    """Whether that is a future of ``distributed``, which may not be installed."""
    return type(value).__module__.startswith("distributed.") and hasattr(value, "key")
