"""Tiles that consist of cells: how they are found, reduced, written and read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kqcodec
from kqcodec.coding.coders.enlarged import Enlargement, enlargement_of
from kqcodec.errors import InvalidDataError


def enlarged(cells: np.ndarray, across: int, down: int) -> np.ndarray:
    return np.repeat(np.repeat(cells, down, axis=0), across, axis=1)


def checkered(height: int, width: int) -> np.ndarray:
    """Labels of which no two neighbours are equal."""
    return (np.add.outer(np.arange(height), np.arange(width)) % 2).astype(np.uint8)


@st.composite
def enlargements(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, Enlargement]:
    """Cells, the tile of them, and how they lie in it."""
    across, down = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    if across * down == 1:
        across = 2
    shape = st.tuples(st.integers(1, 6), st.integers(1, 6))
    cells = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    column, row = draw(st.integers(0, across - 1)), draw(st.integers(0, down - 1))
    tile = enlarged(cells, across, down)[row:, column:]
    return cells, tile, Enlargement(across, column, down, row)


@given(enlargements())
def test_cells_make_the_tile_and_come_back(drawn):
    cells, tile, enlargement = drawn
    assert enlargement.cells(*tile.shape) == cells.shape
    assert np.array_equal(enlargement.reduce(tile), cells)
    out = np.empty_like(tile)
    enlargement.enlarge(cells, out)
    assert np.array_equal(out, tile)
    assert Enlargement.from_bytes(enlargement.to_bytes() + b"more") == enlargement


@given(enlargements())
def test_what_is_found_makes_the_tile_of_no_more_cells(drawn):
    cells, tile, _ = drawn
    found = enlargement_of(tile)
    if found is None:
        assert cells.size == tile.size or (tile == tile[0, 0]).all()
        return
    out = np.empty_like(tile)
    found.enlarge(found.reduce(tile), out)
    assert np.array_equal(out, tile)
    assert found.reduce(tile).size <= cells.size < tile.size or cells.size == tile.size


@pytest.mark.parametrize("across", [1, 2, 3, 7, 255, 256])
@pytest.mark.parametrize("down", [1, 2, 5, 256])
def test_the_size_of_cells_is_found(across, down):
    found = enlargement_of(enlarged(checkered(3, 4), across, down)[down // 2 :, across // 2 :])
    if across == down == 1:
        assert found is None
    else:
        assert found == Enlargement(across, across // 2, down, down // 2)


@pytest.mark.parametrize(("size", "cell"), [(257, 1), (258, 129), (512, 256), (514, 2)])
def test_cells_are_no_larger_than_a_byte_says(size, cell):
    found = enlargement_of(enlarged(checkered(3, 3), size, 1))
    assert found == (Enlargement(cell, 0, 1, 0) if cell > 1 else None)


def test_an_edge_in_the_middle_makes_two_cells():
    labels = np.zeros((10, 100), dtype=np.uint8)
    labels[:, 30:] = 1
    assert enlargement_of(labels) == Enlargement(70, 40, 10, 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (9, 9)])
def test_one_label_is_no_enlargement(shape):
    assert enlargement_of(np.full(shape, 3, dtype=np.uint16)) is None


@pytest.mark.parametrize(
    "numbers",
    [(1, 0, 1, 0), (2, 2, 1, 0), (1, 0, 3, 3), (257, 0, 1, 0), (0, 0, 2, 0), (2, -1, 2, 0)],
)
def test_what_is_no_enlargement_is_refused(numbers):
    with pytest.raises(ValueError, match="no such enlargement"):
        Enlargement(*numbers)


@pytest.mark.parametrize("head", ["01", "01010101", "0100000000", "0101020000", "0100000203"])
def test_heads_that_mean_nothing_are_refused(head):
    with pytest.raises(InvalidDataError, match=r"rule 16\.24"):
        Enlargement.from_bytes(bytes.fromhex(head))


@pytest.mark.compiled
@pytest.mark.parametrize("effort", ["fast", "default", "best"])
@pytest.mark.parametrize("k", [2, 16, 300])
def test_pixel_art_shown_larger_takes_hardly_more(k, effort):
    rng = np.random.default_rng(k)
    sprite = rng.integers(0, k, (32, 40)).astype(np.uint8 if k <= 256 else np.uint16)
    palette = rng.integers(0, 256, (k, 3)).astype(np.uint8)
    options = {"coder": "context", "effort": effort}
    once = kqcodec.encode(kqcodec.IndexedImage(palette, sprite), **options)
    image = kqcodec.IndexedImage(palette, enlarged(sprite, 6, 6)[2:, 3:])
    data = kqcodec.encode(image, **options)
    assert len(data) <= len(once) + 10
    assert np.array_equal(kqcodec.read(data).labels, image.labels)
    assert np.array_equal(kqcodec.decode(data), image.to_rgb())


def test_tiles_that_cut_cells():
    image = kqcodec.IndexedImage(
        np.array([[0, 0, 0], [255, 9, 0]], dtype=np.uint8), enlarged(checkered(40, 50), 3, 5)
    )
    data = kqcodec.encode(image, coder="context", tile=16)
    assert np.array_equal(kqcodec.read(data).labels, image.labels)
    part = kqcodec.open(data).region((33, 17, 83, 77))
    assert np.array_equal(part.labels, image.labels[17:77, 33:83])
