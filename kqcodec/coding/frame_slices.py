"""The tiles of some frames, for an array that is read where it is sliced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.frames.reader import Canvas, FrameReader
from kqcodec.coding.work import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.coding.tile_cache import TileCache
    from kqcodec.format.labels import Labels

# Pixels of a chunk that is proposed, unless a tile of one frame has more.
_CHUNK = 1 << 24


class FrameSlices:
    """The frames of a file that can seek. It is for one thread at a time.

    Args:
        reader: of the file.
        cache: of tiles; frame after frame they are counted on.
        threads: how many decode tiles of a frame.
    """

    def __init__(self, reader: FrameReader, cache: TileCache, threads: int | None) -> None:
        self._reader, self._cache, self._threads = reader, cache, threads
        self._tiles = reader.header.grid.count
        self._canvas: Canvas | None = None  # as it was left
        self._copies: dict[int, tuple[int, Labels]] = {}  # by tile, as of the frame that changed it

    @property
    def frames(self) -> int:
        """How many there are."""
        return self._reader.directory.frames

    @property
    def chunk(self) -> int:
        """How many frames go well together: what a key frame is needed for, if that isn't much."""
        grid = self._reader.header.grid
        together = self._reader.timing.key_distance or self.frames
        most = _CHUNK // (grid.tile_width * grid.tile_height)
        return max(1, min(together, self.frames, most))

    def labels_of(
        self, frames: Sequence[int], tiles: Sequence[int]
    ) -> Iterator[tuple[int, int, Labels]]:
        """(frame, tile, labels) of each of these tiles in each of these frames, which ascend; those
        in the cache first."""
        missing: dict[int, list[int]] = {}
        for frame in frames:
            for tile in tiles:
                found = self._cache.get(frame * self._tiles + tile)
                if found is None:
                    missing.setdefault(frame, []).append(tile)
                else:
                    yield frame, tile, found
        if not missing:
            return
        reader, canvas, self._canvas = self._reader, self._canvas, None
        if canvas is None or canvas.tiles.keys() != set(tiles):
            canvas = Canvas(reader, tiles, self._threads)
        canvas.budget = Budget(reader.limits)
        reader.expect(reader.timing.key_of(min(missing)), max(missing) + 1)
        for frame, some in missing.items():
            canvas.show(frame)
            for tile in some:
                labels = self._copy(canvas, tile)
                self._cache.put(frame * self._tiles + tile, labels)
                yield frame, tile, labels
        self._canvas = canvas

    def _copy(self, canvas: Canvas, tile: int) -> Labels:
        """The tile as it is; while it doesn't change the same array."""
        changed, labels = self._copies.get(tile, (-1, canvas.tiles[tile]))
        if changed != canvas.changed[tile]:
            labels = canvas.tiles[tile].copy()
            labels.flags.writeable = False
            self._copies[tile] = canvas.changed[tile], labels
        return labels
