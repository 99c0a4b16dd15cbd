"""Tiles of frames by the coder `tokens`: what differs from the frame before.

spec/kq.md, section 19. Blocks that have moved are copied, as where text scrolls. Of the smallest
rectangle that still differs the labels are coded like those of a label map, in which one more
label says "as it is": flat areas of it cost next to nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.coding.coders.frame_parts import BLOCK, FROM_BEFORE, FrameParts
from kqcodec.coding.coders.label_tiles import LabelTileCoder
from kqcodec.errors import InvalidDataError
from kqcodec.format.grid import Box
from kqcodec.format.header import MAX_COLORS
from kqcodec.format.labels import label_dtype
from kqcodec.format.names import DEFAULT_EFFORT
from kqcodec.format.sizes import dense_size
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.coding.coders import Coder
    from kqcodec.format.labels import Labels

    Mask = NDArray[np.bool_]
    Grid = NDArray[np.uint8]  # of blocks: 0 where they stay, 1 + i where they move by move i

# Up to so many labels that haven't changed, between some that have, may be coded all the same: it
# saves a run, and costs less than that. And where at least 1 label in 20 has changed, all may be.
# Each is worth 3 to 5 % of screen recordings and pixel art.
_GAP = 8
_SPARSE = 20


class FrameTokensCoder:
    """Codes what a tile is from what it was.

    Args:
        still: what codes a tile by itself.
        k: labels, 2 to 65,536.
    """

    def __init__(self, still: Coder, k: int) -> None:
        self._still = still
        self._k = k
        self._changes = LabelTileCoder(min(k + 1, MAX_COLORS), "tokens", DEFAULT_EFFORT, k + 1)
        self._dtype = label_dtype(k + 1)

    def encode(self, labels: Labels, before: Labels) -> bytes:
        """The payload of labels, those of the frame before being known, both of shape (h, w); b""
        where they are the same."""
        if np.array_equal(labels, before):
            return b""
        moves, grid = _moved(labels, before)
        parts, stands = FrameParts(), before
        if moves:
            stands = before.copy()
            _copy_blocks(stands, before, moves, grid)
            runs, blocks = _runs_of(grid, len(moves))
            parts = FrameParts(moves, runs, blocks)
        changed = labels != stands
        if not changed.any():
            return parts.to_bytes()
        box = _box_of(changed)
        changed = changed[box.slices]
        inside: Labels = np.add(labels[box.slices], 1, dtype=self._dtype)
        coded = [self._changes.encode(np.where(mask, inside, 0)) for mask in _masks(changed)]
        parts = replace(parts, box=box, rest=min(coded, key=len))
        payload = parts.to_bytes()
        large = 2 * box.pixels >= labels.size and _is_dense(changed)
        if large or 2 * len(payload) > dense_size(labels.size, self._k):
            return min(payload, self._still.encode(labels), key=len)
        return payload

    def decode(self, payload: Buffer, canvas: Labels) -> None:
        """Make of the labels of the frame before, which ``canvas`` holds, C-contiguous, those of
        the next frame; InvalidDataError as for ``Coder``."""
        view = memoryview(payload).cast("B")
        if view[:1] != bytes([FROM_BEFORE]):
            self._still.decode(view, canvas)
            return
        parts = FrameParts.from_bytes(view, canvas.shape[1], canvas.shape[0])
        if parts.moves:
            grid = _grid_of(parts, canvas.shape)
            _copy_blocks(canvas, canvas.copy(), parts.moves, grid)
        if parts.box.pixels:
            region = canvas[parts.box.slices]
            coded = np.empty(region.shape, dtype=self._dtype)
            self._changes.decode(parts.rest, coded)
            np.copyto(region, coded - self._dtype(1), where=coded > 0, casting="unsafe")


def _masks(changed: Mask) -> Iterator[Mask]:
    """Which labels to code, of which it isn't known what takes least: those that have changed;
    short gaps between them, too; all."""
    yield changed
    places = np.flatnonzero(changed)
    gaps = np.diff(places)
    short = gaps <= _GAP + 1
    closed = changed.copy()
    closed.reshape(-1)[places[0] : places[-1]] |= np.repeat(short, gaps)
    if (closed != changed).any():
        yield closed
    if _is_dense(changed):
        yield np.ones_like(changed)


def _is_dense(changed: Mask) -> bool:
    """Whether so much has changed that all may be coded."""
    return _SPARSE * int(np.count_nonzero(changed)) >= changed.size


def _box_of(changed: Mask) -> Box:
    """The smallest that has all that has changed."""
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


# --- blocks that have moved -----------------------------------------------------------


def _moved(labels: Labels, before: Labels) -> tuple[tuple[tuple[int, int], ...], Grid]:
    """By how much blocks have moved, if some have, and which: each by the first move that explains
    it."""
    rows, columns = (-(-side // BLOCK) for side in labels.shape)
    grid = np.zeros((rows, columns), dtype=np.uint8)
    moves = [(int(dx), int(dy)) for dx, dy in kernels.find_moves(labels, before)]
    if not moves:
        return (), grid
    differs = ~_whole_blocks(labels == before)
    for number, move in enumerate(moves, start=1):
        fits = _whole_blocks(_equal(labels, before, *move))
        grid[fits & differs & (grid == 0)] = number
        # Blocks between such that haven't changed make one run of two, where they fit.
        flat = grid.reshape(-1)
        stops = np.flatnonzero((flat > 0) | ~fits.reshape(-1))
        these = flat[stops] == number
        if these.any():
            between = np.repeat(these[:-1] & these[1:], np.diff(stops))
            flat[stops[0] : stops[-1]][between] = number
    return (tuple(moves) if grid.any() else ()), grid


def _equal(labels: Labels, before: Labels, dx: int, dy: int) -> Mask:
    """Where labels are what was so far away in the frame before."""
    height, width = labels.shape
    there = Box(max(0, -dx), max(0, -dy), min(width, width - dx), min(height, height - dy))
    equal = np.zeros(labels.shape, dtype=np.bool_)
    equal[there.slices] = labels[there.slices] == before[there.moved(dx, dy).slices]
    return equal


def _whole_blocks(mask: Mask) -> Mask:
    """Of which blocks all is in the mask; those at the right and lower edge may be smaller."""
    rows, columns = (np.arange(0, side, BLOCK) for side in mask.shape)
    across: Mask = np.logical_and.reduceat(mask, columns, axis=1)
    return np.logical_and.reduceat(across, rows, axis=0)


def _copy_blocks(
    canvas: Labels, before: Labels, moves: tuple[tuple[int, int], ...], grid: Grid
) -> None:
    """Fill blocks of ``canvas`` with what has moved there; InvalidDataError if that was outside."""
    height, width = canvas.shape
    for number, move in enumerate(moves, start=1):
        moved = grid == number
        if not moved.any():
            continue
        blocks = _box_of(moved)
        left, upper, right, lower = (BLOCK * side for side in blocks)
        box = Box(left, upper, min(right, width), min(lower, height))
        source = box.moved(*move)
        if source.left < 0 or source.upper < 0 or source.right > width or source.lower > height:
            raise InvalidDataError(f"blocks of a tile have moved by {move} from outside")
        where = moved[blocks.slices].repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)
        np.copyto(canvas[box.slices], before[source.slices], where=where[: box.height, : box.width])


def _runs_of(grid: Grid, moves: int) -> tuple[int, bytes]:
    """How many runs of blocks there are that move alike, row by row, and their payload."""
    flat = grid.reshape(-1)
    edges = np.flatnonzero(np.diff(flat, prepend=0, append=0))
    starts, ends = edges[:-1], edges[1:]
    moving = flat[starts] > 0
    starts, ends = starts[moving], ends[moving]
    lists = [np.diff(starts, prepend=0), ends - starts - 1, flat[starts] - 1]
    lists[0][1:] -= (ends - starts)[:-1]
    numbers = [some.astype(np.uint64) for some in lists[: 3 if moves > 1 else 2]]
    return len(starts), kernels.numbers_encode(numbers)


def _grid_of(parts: FrameParts, shape: tuple[int, int]) -> Grid:
    """Which blocks of a tile of that shape move; InvalidDataError if their runs can't be."""
    rows, columns = (-(-side // BLOCK) for side in shape)
    lists = 3 if len(parts.moves) > 1 else 2
    numbers = kernels.numbers_decode(parts.blocks, [parts.runs] * lists)
    if numbers is None or max(int(some.max()) for some in numbers[:2]) >= rows * columns:
        raise InvalidDataError("the runs of blocks that have moved in a tile are invalid")
    gaps, lengths = numbers[0].astype(np.int64), numbers[1].astype(np.int64) + 1
    which = numbers[2] if lists == 3 else np.zeros_like(numbers[0])
    if int(gaps.sum() + lengths.sum()) > rows * columns or int(which.max()) >= len(parts.moves):
        raise InvalidDataError("the runs of blocks that have moved in a tile are too long")
    counts = np.stack([gaps, lengths], axis=1).reshape(-1)
    values = np.stack([np.zeros_like(which), which + np.uint64(1)], axis=1).reshape(-1)
    grid = np.zeros(rows * columns, dtype=np.uint8)
    grid[: counts.sum()] = np.repeat(values, counts)
    return grid.reshape(rows, columns)
