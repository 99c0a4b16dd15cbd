import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.format.grid import Box, Grid

pytestmark = pytest.mark.compiled

side = st.integers(1, 60)
grids = st.builds(lambda w, h, tw, th: Grid(w, h, min(tw, w), min(th, h)), side, side, side, side)


@given(grids)
def test_tiles_cover_every_pixel_once(grid):
    covered = np.zeros((grid.height, grid.width), dtype=int)
    for index in range(grid.count):
        covered[grid.box(index).slices] += 1
    assert (covered == 1).all()


@given(grids)
def test_areas_are_those_of_the_tiles(grid):
    areas = sorted(grid.box(index).pixels for index in range(grid.count))
    listed = [area for area, count in grid.tile_areas() for _ in range(count)]
    assert sorted(listed) == areas


@given(grids, st.data())
def test_a_region_touches_the_tiles_that_share_pixels_with_it(grid, data):
    left = data.draw(st.integers(0, grid.width - 1))
    upper = data.draw(st.integers(0, grid.height - 1))
    right = data.draw(st.integers(left + 1, grid.width))
    lower = data.draw(st.integers(upper + 1, grid.height))
    owner = np.zeros((grid.height, grid.width), dtype=int)
    for index in range(grid.count):
        owner[grid.box(index).slices] = index
    box = Box(left, upper, right, lower)
    assert list(grid.touched(box)) == sorted(set(owner[box.slices].ravel().tolist()))


def test_the_largest_grid_is_cheap():
    grid = Grid(2**32 - 1, 2**32 - 1, 16, 16)
    assert sum(area * count for area, count in grid.tile_areas()) == (2**32 - 1) ** 2
    assert grid.box(grid.count - 1).right == 2**32 - 1
