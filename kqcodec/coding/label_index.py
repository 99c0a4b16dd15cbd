"""The index of a label map: of each entry its pixels, its box and its tiles, in a section.

It answers what the tiles would, were they decoded. It stands ahead of them, so that it is made
beforehand, from the array, tile by tile and run by run; or of a file that has none, from its
decoded tiles. In the file (spec/kq.md, section 18) it is three payloads of numbers:

    pixels and boxes            five lists, a number for each entry
    how many tiles are missing  for each entry whose box touches over two tiles
    and which                   for each of those that miss some; or which don't, if fewer
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.errors import ArgumentError, InvalidDataError, LimitError
from kqcodec.format.container import Section, pack_length, read_length
from kqcodec.format.limits import DEFAULT_LIMITS, Limits
from kqcodec.format.source import BufferSource
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.grid import Grid
    from kqcodec.format.labels import Labels

    Numbers = NDArray[np.int64]
    Coded = NDArray[np.uint64]

KIND = b"lidx"
# Pixels of a tile that are looked at together, which takes some fifty bytes of each.
_STRIP = 1 << 18
_ONE = np.uint64(1)
_LOW_HALF = (1 << 32) - 1
_MOST_PIXELS = (1 << 63) - 1


@dataclass(frozen=True, eq=False)
class LabelIndex:
    """Where the entries of a label map are. One that was read fits its file's header and
    table; whether it is true only the tiles tell.

    Attributes:
        counts: pixels of each entry, int64, shape (M,).
        boxes: the smallest box that holds them all, int64, shape (M, 4): left, upper, right,
            lower, the right column and the lower row excluded; zeros where there are none.
        starts: where each entry's tiles begin in ``tiles``, and where the last one's end;
            int64, shape (M + 1,).
        tiles: the tiles that each entry has pixels in, ascending, of one entry after the other.
    """

    counts: Numbers
    boxes: Numbers
    starts: Numbers
    tiles: Numbers

    def tiles_of(self, entry: int) -> Numbers:
        """The tiles that an entry has pixels in, ascending."""
        return self.tiles[self.starts[entry] : self.starts[entry + 1]]

    def to_section(self, grid: Grid) -> Section:
        """The section of a file that holds it, each entry having a pixel; ArgumentError if it is
        so large that readers would refuse it."""
        left, upper, right, lower = self.boxes.T
        places = [
            self.counts - 1,
            _folded(np.diff(left, prepend=0)),
            _folded(np.diff(upper, prepend=0)),
            right - left - 1,
            lower - upper - 1,
        ]
        touched = _Touched.of(self.boxes, grid)
        lists = _TileLists.of(touched.number, touched.number - np.diff(self.starts))
        which = lists.steps(lists.listed(touched.positions(self.tiles, lists.here)))
        parts = [
            kernels.numbers_encode([numbers.astype(np.uint64) for numbers in some])
            for some in (places, [lists.missing[touched.number > 2]], [which])
        ]
        data = b"".join([*(pack_length(len(part)) + part for part in parts[:2]), parts[2]])
        try:
            DEFAULT_LIMITS.check_metadata(len(data))
            DEFAULT_LIMITS.check_index(len(self.tiles))
        except LimitError as exc:
            raise ArgumentError(f"the index would be too large: {exc}") from exc
        return Section(KIND, data)

    @classmethod
    def from_data(
        cls, data: Buffer, grid: Grid, entries: int, limits: Limits = DEFAULT_LIMITS
    ) -> LabelIndex:
        """The index that a section's data are, of a label map with those tiles and so many
        entries; InvalidDataError if they are none, LimitError if it is too large."""
        source = BufferSource(data)
        assert source.size is not None  # noqa: S101 - it is a buffer's
        first = source.read(read_length(source, "the index"), "the index")
        counts, boxes = _counts_and_boxes(_numbers(first, [entries] * 5), grid)
        touched = _Touched.of(boxes, grid)
        several = touched.number > 2
        second = source.read(read_length(source, "the index"), "the index")
        (missed,) = _numbers(second, [int(several.sum())])
        _check(missed < touched.number[several].astype(np.uint64))
        missing = np.zeros(entries, dtype=np.int64)
        missing[several] = missed.astype(np.int64)
        lists = _TileLists.of(touched.number, missing)
        _check(lists.here <= counts)
        # Each is at most an entry's count, and these are no more than pixels.
        limits.check_index(int(lists.here.sum()))
        third = source.read(source.size - source.position, "the index")
        (which,) = _numbers(third, [int(lists.length.sum())])
        tiles = touched.tiles(lists.all(lists.positions(which)), lists.here)
        return cls(counts, boxes, _starts(lists.here), tiles)


class IndexBuilder:
    """Makes an index of the labels of all tiles.

    Args:
        entries: how many labels there may be.
        grid: the tiles.
    """

    def __init__(self, entries: int, grid: Grid) -> None:
        self._grid = grid
        self._counts = np.zeros(entries, dtype=np.int64)
        self._boxes = np.zeros((entries, 4), dtype=np.int64)
        self._seen: list[tuple[int, Labels]] = []

    def add(self, tile: int, labels: Labels) -> None:
        """Take a tile's labels, of its shape, into account."""
        box = self._grid.box(tile)
        rows = max(1, _STRIP // box.width)
        seen = [
            self._add_strip(labels[row : row + rows], box.left, box.upper + row)
            for row in range(0, box.height, rows)
        ]
        self._seen.append((tile, seen[0] if len(seen) == 1 else np.unique(np.concatenate(seen))))

    def finish(self) -> LabelIndex:
        """The index of what was added."""
        lengths = [len(labels) for _, labels in self._seen]
        tiles = np.repeat(np.array([tile for tile, _ in self._seen], dtype=np.int64), lengths)
        labels = np.concatenate([labels for _, labels in self._seen])
        starts = _starts(np.bincount(labels, minlength=len(self._counts)))
        return LabelIndex(self._counts, self._boxes, starts, tiles[np.lexsort((tiles, labels))])

    def _add_strip(self, labels: Labels, left: int, upper: int) -> Labels:
        """Add some rows of a tile, which stand there; the labels that they have."""
        width = labels.shape[1]
        flat = labels.reshape(-1)
        begins = np.ones(flat.size, dtype=np.bool_)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins[::width] = True
        starts = np.flatnonzero(begins)
        lengths = np.diff(starts, append=flat.size)
        # Runs by label, those of one label from the top down.
        order = np.argsort(flat[starts], kind="stable")
        starts, lengths = starts[order], lengths[order]
        heads = flat[starts]
        firsts = np.flatnonzero(np.append(True, heads[1:] != heads[:-1]))
        lasts = np.append(firsts[1:], len(heads)) - 1
        here = heads[firsts]
        rows, columns = np.divmod(starts, width)
        rights = np.maximum.reduceat(columns + lengths, firsts) + left
        lefts = np.minimum.reduceat(columns, firsts) + left
        new = np.stack([lefts, rows[firsts] + upper, rights, rows[lasts] + 1 + upper], axis=1)
        known = (self._counts[here] > 0)[:, None]
        old = np.where(known, self._boxes[here], new)
        new[:, :2] = np.minimum(old[:, :2], new[:, :2])
        new[:, 2:] = np.maximum(old[:, 2:], new[:, 2:])
        self._boxes[here] = new
        self._counts[here] += np.add.reduceat(lengths, firsts)
        return here


class _Touched(NamedTuple):
    """The tiles that boxes touch: of each box the first column and row of tiles, how many
    columns, and how many tiles. *Positions* number these, row by row, from 0."""

    column: Numbers
    row: Numbers
    columns: Numbers
    number: Numbers
    grid: Grid

    @classmethod
    def of(cls, boxes: Numbers, grid: Grid) -> _Touched:
        left, upper, right, lower = boxes.T
        column, row = left // grid.tile_width, upper // grid.tile_height
        columns = (right - 1) // grid.tile_width - column + 1
        rows = (lower - 1) // grid.tile_height - row + 1
        return cls(column, row, columns, columns * rows, grid)

    def positions(self, tiles: Numbers, lengths: Numbers) -> Numbers:
        """Of so many tiles of each box."""
        row, column = np.divmod(tiles, self.grid.columns)
        row -= np.repeat(self.row, lengths)
        column -= np.repeat(self.column, lengths)
        return row * np.repeat(self.columns, lengths) + column

    def tiles(self, positions: Numbers, lengths: Numbers) -> Numbers:
        """The tiles at so many positions of each box."""
        row, column = np.divmod(positions, np.repeat(self.columns, lengths))
        row += np.repeat(self.row, lengths)
        column += np.repeat(self.column, lengths)
        return row * self.grid.columns + column


class _TileLists(NamedTuple):
    """How the tiles of entries are told: of those that a box touches, so many have the entry
    and so many miss it. If any does, the fewer are listed, those that have it if equal."""

    here: Numbers
    missing: Numbers
    by_missing: NDArray[np.bool_]
    length: Numbers

    @classmethod
    def of(cls, touched: Numbers, missing: Numbers) -> _TileLists:
        here = touched - missing
        return cls(here, missing, missing < here, np.minimum(missing, here))

    def listed(self, positions: Numbers) -> Numbers:
        """The positions that are listed, from those of the tiles that have each entry."""
        return self._switched(positions, self.here, self.missing, self.length)

    def all(self, listed: Numbers) -> Numbers:
        """The positions of the tiles that have each entry, from those that are listed."""
        return self._switched(listed, self.length, self.here, self.here)

    def _switched(
        self, given: Numbers, lengths: Numbers, others: Numbers, result: Numbers
    ) -> Numbers:
        """So many given positions of each entry, or the others where the missing are listed."""
        switch = self.by_missing
        found = np.empty(int(result.sum()), dtype=np.int64)
        switched, kept = np.repeat(switch, result), np.repeat(~switch, lengths)
        sizes = (self.here + self.missing)[switch]
        found[~switched] = given[kept]
        found[switched] = _complement(given[~kept], lengths[switch], others[switch], sizes)
        return found

    def steps(self, listed: Numbers) -> Coded:
        """Positions as numbers: the first of each entry, then differences less 1."""
        firsts = _starts(self.length)[:-1][self.length > 0]
        numbers = np.diff(listed, prepend=-1) - 1
        numbers[firsts] = listed[firsts]
        return numbers.astype(np.uint64)

    def positions(self, numbers: Coded) -> Numbers:
        """What ``steps`` makes these numbers of; InvalidDataError if a box doesn't touch so
        many tiles."""
        sizes = np.repeat(self.here + self.missing, self.length).astype(np.uint64)
        _check(numbers < sizes)
        # From 0 on, and modulo 2^64, but what is valid in a list is followed by no such step.
        sums = np.append(np.uint64(0), np.cumsum(numbers + _ONE, dtype=np.uint64))
        found = sums[1:] - np.repeat(sums[_starts(self.length)[:-1]], self.length) - _ONE
        _check(found < sizes)
        return found.astype(np.int64)


def _complement(given: Numbers, lengths: Numbers, others: Numbers, sizes: Numbers) -> Numbers:
    """The numbers under each size that aren't among the ``lengths`` given ones, ascending."""
    starts = _starts(sizes)
    free = np.ones(int(starts[-1]), dtype=np.bool_)
    free[given + np.repeat(starts[:-1], lengths)] = False
    return np.flatnonzero(free) - np.repeat(starts[:-1], others)


def _counts_and_boxes(lists: Sequence[Coded], grid: Grid) -> tuple[Numbers, Numbers]:
    """Counts and boxes of the five lists; InvalidDataError if there are none such in a picture."""
    if grid.whole.pixels > _MOST_PIXELS:
        raise LimitError("the index of a picture of 2^63 pixels or more isn't read")
    counts, lefts, uppers, widths, heights = lists
    width, height = np.uint64(grid.width), np.uint64(grid.height)
    # Modulo 2^64: a step of up to 2^63 from what is valid leads to nothing else that is.
    lefts, uppers = np.cumsum(_unfolded(lefts)), np.cumsum(_unfolded(uppers))
    _check((lefts < width) & (uppers < height) & (counts < np.uint64(grid.whole.pixels)))
    _check((widths < width - lefts) & (heights < height - uppers))
    rights, lowers = lefts + widths + _ONE, uppers + heights + _ONE
    _check(counts < (widths + _ONE) * (heights + _ONE))
    boxes = np.stack([lefts, uppers, rights, lowers], axis=1).astype(np.int64)
    # In halves, whose sums are below 2^64.
    high, low = (counts >> np.uint64(32)).sum(), (counts & np.uint64(_LOW_HALF)).sum()
    if (int(high) << 32) + int(low) + len(counts) != grid.whole.pixels:
        raise InvalidDataError("the index counts another number of pixels (rule 18.14)")
    return (counts + _ONE).astype(np.int64), boxes


def _numbers(payload: Buffer, counts: Sequence[int]) -> list[Coded]:
    lists = kernels.numbers_decode(payload, counts)
    if lists is None:
        raise InvalidDataError("the index doesn't end as it must (rule 13.5)")
    return lists


def _check(right: NDArray[np.bool_]) -> None:
    if not right.all():
        raise InvalidDataError("the index has boxes or tiles outside the picture (rule 18.14)")


def _starts(lengths: Numbers) -> Numbers:
    """Where lists of these lengths begin, one after the other, and where the last one ends."""
    return np.append(np.int64(0), np.cumsum(lengths, dtype=np.int64))


def _folded(steps: Numbers) -> Numbers:
    """0, -1, 1, -2 ... as 0, 1, 2, 3 ..."""
    return np.where(steps < 0, -2 * steps - 1, 2 * steps)


def _unfolded(numbers: Coded) -> Coded:
    """What ``_folded`` makes these of, modulo 2^64."""
    return numbers >> _ONE ^ (np.uint64(0) - (numbers & _ONE))
