"""A file as an array that is read where it is sliced.

What NumPy's users need to wrap it in dask, zarr, napari and the like: ``shape``, ``dtype``,
``ndim``, ``chunks`` and basic indexing. Tiles are decoded when they are touched, and the
latest are kept, as many as fit into a bounded cache.
"""

from __future__ import annotations

import hashlib
import math
import os
import platform
import threading
import uuid
import weakref
from array import array
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.decoder import Opened
from kqcodec.coding.frame_slices import FrameSlices
from kqcodec.coding.regions import runs_of, starts_of_records
from kqcodec.coding.slicing import Axis, axes_of
from kqcodec.coding.tile_cache import TileCache
from kqcodec.coding.work import within
from kqcodec.format import container
from kqcodec.format.integers import whole_number
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits, check_limit
from kqcodec.format.source import BufferSource
from kqcodec.storage.opening import let_go, open_source
from kqcodec.storage.threads import ordered_map, thread_count
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

    from kqcodec.format.labels import Labels
    from kqcodec.storage.opening import Readable

DEFAULT_CACHE_BYTES = 2**27
# Runs of adjacent tiles are fetched in pieces of about so many bytes, so that a slice
# through a whole picture doesn't hold all of its file.
_PIECE = 1 << 25


class LazyArray:
    """A .kq file as a read-only array that decodes what is sliced, and no more.

    Several threads may slice it, and it can be pickled where its source is a path, a URL or
    bytes.

    Args:
        source: a path, a URL that fsspec knows (the extra ``remote``), the file's bytes
            or a seekable binary file object.
        labels: the labels, shape (H, W), of a label map its ids, instead of the pixels,
            shape (H, W, 3), or (H, W, 4) where the file has alpha; of a sequence of frames with an
            axis of these ahead, (F, H, W) and so on.
        cache_bytes: how much the decoded tiles that are kept may take.
        threads: how many decode the tiles of a slice; None for as many as there are
            processors.
        max_pixels: a limit on the pixels of what a slice returns, and on those of the
            tiles that it touches, see ``kqcodec.format.limits``; None for none. By default the
            tiles may have more, 4,096 for each byte of the file. Of frames those count, too,
            that are decoded for others, as far as they change.

    Raises:
        FormatError: header, palette or directory are damaged, foreign or unsupported.
        OSError: the file can't be read or can't seek.
        ImportError: a URL needs what isn't installed.
        TypeError, ValueError: a wrong argument.

    Attributes:
        shape, dtype, ndim, size, nbytes: as NumPy's.
        chunks: the shape of a tile, of some frames, as zarr's; ``dask.array.from_array`` takes it.
        palette: uint8, shape (K, 3), or (K, 4) with alpha.
    """

    def __init__(
        self,
        source: Readable,
        labels: bool = False,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        threads: int | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> None:
        cache_bytes = whole_number(cache_bytes, "cache_bytes", 0)
        thread_count(threads)
        if isinstance(source, os.PathLike) or (isinstance(source, str) and not is_url(source)):
            source = os.path.abspath(source)  # a worker that it is sent to may be elsewhere
        self._arguments = (source, labels, cache_bytes, threads, max_pixels)
        self._threads, self._limits = threads, Limits.of(max_pixels)
        self._token = uuid.uuid4().hex
        self._tiles = TileCache(cache_bytes)
        self._reading = threading.Lock()
        self._stack = ExitStack()
        # Who has a dask array of it can't close it. Without this, what is dropped together,
        # in a ring of references, is finalized in any order: the file before who closes it.
        weakref.finalize(self, let_go, self._stack)
        try:
            self._opened = self._open(source)
            self._frames = self._frames_of(self._opened)
            self._starts = self._starts_of(self._opened)
        except BaseException:
            self._stack.close()
            raise
        header, self.palette = self._opened.header, self._opened.palette
        self._grid = header.grid
        self.shape: tuple[int, ...] = (header.height, header.width)
        self.chunks: tuple[int, ...] = (self._grid.tile_height, self._grid.tile_width)
        if self._frames is not None:
            self.shape = (self._frames.frames, *self.shape)
            self.chunks = (self._frames.chunk, *self.chunks)
        self.dtype = self._opened.value_dtype if labels else np.dtype(np.uint8)
        self._colors = None if labels else self.palette
        if not labels:
            self.shape += self.palette.shape[1:]
            self.chunks += self.palette.shape[1:]

    def _open(self, source: Readable) -> Opened:
        opened = self._stack.enter_context(open_source(source))
        if opened.size is None:
            raise OSError(opened.no_regions)
        opened.expect_front()
        return Opened.of_any_size(opened, self._limits.by_tiles(opened.size))

    def _frames_of(self, opened: Opened) -> FrameSlices | None:
        if opened.frames is None:
            return None
        # Of these all tiles of a frame are held together.
        reader = replace(opened.frames, limits=self._limits)
        return FrameSlices(reader, self._tiles, self._threads)

    def _starts_of(self, opened: Opened) -> array[int]:
        """Where the tiles, or of a sequence the frames, begin, and where the last one ends."""
        if opened.frames is None:
            return starts_of_records(opened)
        return array("q", opened.frames.directory.starts.tobytes())

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of values."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Bytes of all values, were they in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<kqcodec.LazyArray shape={self.shape} dtype={self.dtype} chunks={self.chunks}>"

    def __getitem__(self, key: Any) -> Any:
        """What NumPy would give for integers, slices (with steps, backwards too) and "...".

        Raises:
            IndexError: another index, or one out of bounds.
            FormatError: a tile that it touches is damaged; or the result is over the limit.
            OSError: the file can't be read, or has changed.
        """
        axes = axes_of(key, self.shape)
        *ahead, rows, columns = axes[: 2 if self._frames is None else 3]
        shape = tuple(axis.count for axis in (*ahead, rows, columns))
        pixels = math.prod(shape)
        check_limit(pixels, self._limits.pixels, f"that slice's {pixels:,}")
        labels = np.zeros(shape, dtype=self._opened.label_dtype)
        if all(axis.count for axis in axes):
            self._fill(labels, ahead, rows, columns)
        values: NDArray[Any] = self._opened.values(labels) if self._colors is None else labels
        if self._colors is not None:
            values = self._colors[:, axes[-1].selection][labels]
        return values[tuple(0 if axis.dropped else slice(None) for axis in axes)]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it.

        Raises:
            ValueError: ``copy`` is false, but there is nothing in memory yet.
        """
        if copy is False:
            raise ValueError("an array of a file is always a copy")
        values: NDArray[Any] = self[...]
        return values if dtype is None else values.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        if hasattr(self._arguments[0], "read"):
            raise TypeError("an array of an open file can't be pickled; give a path or a URL")
        seen = platform.node(), self._opened.source.state
        return _reopened, (self._arguments, self._token, self._layout(), seen)

    def __dask_tokenize__(self) -> tuple[str, str]:
        """Two arrays are the same if one is the other's copy."""
        return "kqcodec.LazyArray", self._token

    def _layout(self) -> bytes:
        """What tells a file from another: header, palette, and where the tiles begin."""
        starts = np.array(self._starts, dtype=">u8").tobytes()
        layout = self._opened.header.to_bytes() + self.palette.tobytes() + starts
        return hashlib.sha256(layout).digest()

    def __enter__(self) -> LazyArray:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, where it was opened by name, and forget the tiles."""
        with self._reading:
            self._stack.close()
        self._tiles.clear()

    def _fill(self, labels: Labels, ahead: Sequence[Axis], rows: Axis, columns: Axis) -> None:
        """Put the labels of those rows and columns, of a sequence of those frames, into their
        array."""
        grid = self._grid
        bands = rows.parts(grid.tile_height)
        across = columns.parts(grid.tile_width)
        pixels = _touched(bands, grid.tile_height, grid.height)
        pixels *= _touched(across, grid.tile_width, grid.width)
        limit = self._opened.limits.pixels
        check_limit(pixels, limit, f"the tiles of that slice with their {pixels:,}")
        wanted = sorted(band * grid.columns + column for band in bands for column in across)

        def place(plane: Labels, tile: int, values: Labels) -> None:
            band, column = divmod(tile, grid.columns)
            to_rows, from_rows = bands[band]
            to_columns, from_columns = across[column]
            plane[to_rows, to_columns] = values[from_rows, from_columns]

        if self._frames is None:
            for tile, values in self._labels_of(wanted):
                place(labels, tile, values)
            return
        places = {frame: to.start for frame, (to, _) in ahead[0].parts(1).items()}
        with self._reading:
            try:
                for frame, tile, values in self._frames.labels_of(list(places), wanted):
                    place(labels[places[frame]], tile, values)
            finally:
                self._opened.source.check_unchanged()

    def _labels_of(self, wanted: list[int]) -> Iterator[tuple[int, Labels]]:
        """Each tile and its labels, those in the cache first."""
        missing = []
        for tile in wanted:
            found = self._tiles.get(tile)
            if found is None:
                missing.append(tile)
            else:
                yield tile, found
        if not missing:
            return
        count = min(thread_count(self._threads), len(missing))
        pixels = sum(self._grid.box(tile).pixels for tile in missing)
        records = within(
            self._opened.limits, self._opened.header, self._records(missing), pixels, len(missing)
        )
        for tile, labels in ordered_map(self._decode, records, count):
            self._tiles.put(tile, labels)
            yield tile, labels

    def _decode(self, record: container.Record) -> tuple[int, Labels]:
        _, labels = self._opened.decode_tile(record)
        labels.flags.writeable = False
        return record.tile, labels

    def _records(self, tiles: list[int]) -> Iterator[container.Record]:
        pieces = list(self._pieces(runs_of(tiles)))
        spans = [(self._starts[first], self._starts[last + 1]) for first, last in pieces]
        for number, (first, last) in enumerate(pieces):
            run = BufferSource(self._bytes(spans[number:]))
            for tile in range(first, last + 1):
                record = container.read_record(run, tile, *self._opened.payload_range(tile))
                if self._starts[first] + run.position != self._starts[tile + 1]:
                    raise container.wrong_directory()
                yield record

    def _pieces(self, runs: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Runs of tiles, the long ones cut."""
        for first, last in runs:
            begin = first
            for tile in range(first, last + 1):
                if tile > begin and self._starts[tile + 1] - self._starts[begin] > _PIECE:
                    yield begin, tile - 1
                    begin = tile
            yield begin, last

    def _bytes(self, spans: Sequence[tuple[int, int]]) -> Any:
        """The bytes of the first span; the others will be asked for next."""
        source = self._opened.source
        start, stop = spans[0]
        with self._reading:
            source.expect(spans)
            source.seek(start)
            try:
                data = source.read(stop - start, "its tiles")
            finally:
                source.check_unchanged()  # one that ends too early has changed, too
        return data


def _touched(parts: Iterable[int], side: int, length: int) -> int:
    """How much of an axis of that length the tiles of those numbers cover."""
    return sum(min(side, length - part * side) for part in parts)


def _reopened(
    arguments: tuple[Any, ...], token: str, layout: bytes, seen: tuple[str, Any]
) -> LazyArray:
    """The copy of an array in another process; OSError if there is another file meanwhile."""
    array = LazyArray(*arguments)
    # Another machine may have a copy of the file, or see it by other numbers.
    machine, state = seen
    same = machine != platform.node() or array._opened.source.state == state
    if not same or array._layout() != layout:
        array.close()
        raise OSError(f"{arguments[0]} has changed since the array was made; make it anew")
    array._token = token
    return array
