"""The index of label maps: what it says, and what of a section is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kqcodec.coding.label_index import IndexBuilder, LabelIndex
from kqcodec.errors import FormatError, InvalidDataError, LimitError
from kqcodec.format.container import pack_length
from kqcodec.format.grid import Grid
from kqcodec.format.limits import Limits
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

# Two entries in a picture of 40 x 20 pixels, three tiles wide and two high: the first has the
# corners, the second all the rest.
_GRID = Grid(40, 20, 16, 16)
_CORNERS = np.ones((20, 40), dtype=np.uint8)
_CORNERS[::19, ::39] = 0
_FIVE = [[3, 795], [0, 0], [0, 0], [39, 39], [19, 19]]


def _index(labels: np.ndarray[Any, Any], entries: int, grid: Grid) -> LabelIndex:
    builder = IndexBuilder(entries, grid)
    for tile in range(grid.count):
        builder.add(tile, labels[grid.box(tile).slices])
    return builder.finish()


def _data(first: list[list[int]], missing: list[int], which: list[int]) -> bytes:
    parts = [
        kernels.numbers_encode([np.array(numbers, dtype=np.uint64) for numbers in lists])
        for lists in (first, [missing], [which])
    ]
    return b"".join([*(pack_length(len(part)) + part for part in parts[:2]), parts[2]])


@given(st.data())
def test_an_index_says_what_the_labels_do(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=30))
    drawn: Any = data.draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 9)))
    distinct, labels = np.unique(drawn, return_inverse=True)
    labels = labels.reshape(shape)
    grid = Grid(shape[1], shape[0], min(4, shape[1]), min(8, shape[0]))
    index = _index(labels, len(distinct), grid)
    for entry in range(len(distinct)):
        rows, columns = np.nonzero(labels == entry)
        assert index.counts[entry] == len(rows)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert tuple(index.boxes[entry]) == box
        tiles = [t for t in range(grid.count) if (labels[grid.box(t).slices] == entry).any()]
        assert index.tiles_of(entry).tolist() == tiles
    section = index.to_section(grid)
    assert section.kind == b"lidx"
    read = LabelIndex.from_data(section.data, grid, len(distinct))
    for name in ("counts", "boxes", "starts", "tiles"):
        assert np.array_equal(getattr(read, name), getattr(index, name)), name


def test_strips_of_a_tile_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(3).integers(0, 50, (40, 30)).astype(np.uint16)
    grid = Grid(30, 40, 30, 40)
    whole = _index(labels, 50, grid).to_section(grid)
    monkeypatch.setattr("kqcodec.coding.label_index._STRIP", 100)
    assert _index(labels, 50, grid).to_section(grid) == whole


def test_what_the_section_holds() -> None:
    # The corners miss both middle tiles, 1 and 4, which are fewer than the four that have them.
    section = _index(_CORNERS, 2, _GRID).to_section(_GRID)
    assert section.data == _data(_FIVE, [2, 0], [1, 2])


@pytest.mark.parametrize(
    ("change", "missing", "which"),
    [
        ({0: [4, 795]}, [2, 0], [1, 2]),  # a pixel too many
        ({0: [2**64 - 1, 799]}, [2, 0], [1, 2]),
        ({0: [799, 2**64 - 1]}, [2, 0], [1, 2]),
        ({1: [80, 0]}, [2, 0], [1, 2]),  # left of 40
        ({1: [1, 0]}, [2, 0], [1, 2]),  # of -1
        ({1: [2**64 - 1, 0]}, [2, 0], [1, 2]),
        ({2: [40, 0]}, [2, 0], [1, 2]),
        ({3: [40, 39]}, [2, 0], [1, 2]),  # one column too wide
        ({3: [2**64 - 1, 39]}, [2, 0], [1, 2]),
        ({4: [19, 20]}, [2, 0], [1, 2]),
        ({3: [0, 39], 4: [2, 19]}, [], [1, 2]),  # four pixels in a box of three
        ({}, [6, 0], []),  # in no tile
        ({}, [2**64 - 1, 0], []),
        ({}, [1, 0], [5]),  # five tiles with four pixels
        ({}, [2, 0], [1, 4]),  # a seventh tile
        ({}, [2, 0], [6, 0]),
        ({}, [2, 0], [2**64 - 1, 1]),
        ({}, [2, 0], [1, 2**64 - 1]),
    ],
)
def test_what_does_not_fit_is_refused(
    change: dict[int, list[int]], missing: list[int], which: list[int]
) -> None:
    first = [change.get(place, numbers) for place, numbers in enumerate(_FIVE)]
    with pytest.raises(InvalidDataError):
        LabelIndex.from_data(_data(first, missing, which), _GRID, 2)


def test_every_cut_is_refused() -> None:
    data = _index(_CORNERS, 2, _GRID).to_section(_GRID).data
    for length in range(len(data)):
        with pytest.raises(FormatError):
            LabelIndex.from_data(data[:length], _GRID, 2)
    with pytest.raises(InvalidDataError):
        LabelIndex.from_data(data + b"\0", _GRID, 2)


@given(st.binary(max_size=60), st.integers(1, 300))
def test_any_data_are_refused_or_fit(data: bytes, entries: int) -> None:
    try:
        index = LabelIndex.from_data(data, _GRID, entries)
    except FormatError:
        return
    assert index.counts.sum() == 800
    assert ((index.tiles >= 0) & (index.tiles < 6)).all()


@given(st.data())
def test_a_flipped_bit_is_refused_or_fits(data: st.DataObject) -> None:
    coded = bytearray(_index(_CORNERS, 2, _GRID).to_section(_GRID).data)
    coded[data.draw(st.integers(0, len(coded) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    test_any_data_are_refused_or_fit.hypothesis.inner_test(bytes(coded), 2)  # type: ignore[attr-defined]


def test_a_picture_that_nobody_could_have_is_bounded() -> None:
    side = 2**32 - 1
    grid = Grid(side, side, 16, 16)
    with pytest.raises(LimitError, match="2\\^63"):
        LabelIndex.from_data(_data([[0]] * 5, [0], []), grid, 1)
    # All tiles of a large picture, in some bytes.
    wide = Grid(2**30, 2**30, 2**10, 2**10)
    data = _data([[2**60 - 1], [0], [0], [2**30 - 1], [2**30 - 1]], [0], [])
    with pytest.raises(LimitError, match="1,099,511,627,776 tiles"):
        LabelIndex.from_data(data, wide, 1, Limits.of(2**20))
