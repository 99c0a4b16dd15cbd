"""The local search, and what it stands on."""

import numpy as np
import pytest

from kqcodec.colors.histogram import histogram
from kqcodec.colors.spaces import SPACES
from kqcodec.kernels import kernels
from kqcodec.quantization.cells import cell_bits, in_morton_order, merged_cells
from kqcodec.quantization.lloyd import clustering, lloyd, refill_empty
from kqcodec.quantization.merge_split import merge_and_split, neighbors


def some_data(seed=1, count=4000, top=256):
    rng = np.random.default_rng(seed)
    colors = histogram(rng.integers(0, top, (count, 3), dtype=np.uint8))
    return in_morton_order(colors, SPACES["rgb"])[0]


def start(data, k):
    return clustering(data, kernels.variance_cuts(data.points, data.weights, k))


def exact_cost(state):
    difference = state.data.points.astype(int) - state.centers[state.labels]
    return int((state.data.weights * (difference**2).sum(axis=1)).sum())


def test_morton_order_keeps_cubes_together():
    data = some_data()
    for bits in (2, 4, 6):
        cells = np.stack(
            [data.keys >> (24 - bits), data.keys >> (16 - bits), data.keys >> (8 - bits)]
        )
        cells = (cells & ((1 << bits) - 1)).T
        runs = 1 + np.count_nonzero((cells[1:] != cells[:-1]).any(axis=1))
        assert runs == len(np.unique(cells, axis=0))


@pytest.mark.parametrize("bits", [4, 5, 7, 8])
def test_cells_keep_weight_and_sums(bits):
    data = some_data()
    cells = merged_cells(data, bits)
    assert cells.weights.sum() == data.weights.sum()
    sums = [(d.points * d.weights[:, np.newaxis]).sum(axis=0) for d in (data, cells)]
    assert np.abs(sums[0] - sums[1]).max() <= data.weights.sum() / 2


def test_the_fewest_bits_that_give_enough_cells():
    data = some_data()
    for wanted in (1, 500, 3000, 10**6):
        bits = cell_bits(data, wanted)
        assert bits == 8 or len(merged_cells(data, bits)) >= wanted
        assert bits == 4 or len(merged_cells(data, bits - 1)) < wanted


def test_search_lowers_the_cost_and_keeps_its_books():
    state = start(some_data(), 40)
    before = lloyd(state, 60, 12)[-1]
    trials = merge_and_split(state, 150, least_ratio=0.1, trials_a_round=12, go_on=lambda: True)
    assert 0 < trials <= 150
    assert state.cost < before
    assert state.cost == exact_cost(state)
    assert state.counts.sum() == state.data.weights.sum()
    for channel in range(4):
        sums = np.bincount(
            state.labels, state.data.weights * state.data.points[:, channel], state.k
        )
        assert np.array_equal(sums.astype(np.int64), state.sums[:, channel])


def test_search_stops_when_told():
    state = start(some_data(), 40)
    lloyd(state, 60, 12)
    assert merge_and_split(state, 150, least_ratio=0.1, trials_a_round=12, go_on=lambda: False) == 0


def test_search_finds_a_misplaced_centre():
    # Two centres in one of three tight groups, one for the other two.
    groups = [[10, 10, 10], [200, 200, 10], [10, 200, 200]]
    rng = np.random.default_rng(2)
    pixels = np.concatenate([rng.integers(0, 9, (300, 3)) + group for group in groups])
    data = in_morton_order(histogram(pixels.astype(np.uint8)), SPACES["rgb"])[0]
    poor = np.array([[8, 14, 14, 0], [16, 12, 14, 0], [100, 200, 100, 0]], np.int16) * 64
    state = clustering(data, poor)
    stuck = lloyd(state, 100, 20)[-1]
    merge_and_split(state, 20, least_ratio=0.1, trials_a_round=4, go_on=lambda: True)
    assert state.cost < stuck / 50


def test_empty_clusters_are_repaired():
    data = some_data()
    state = clustering(data, np.full((5, 4), 8000, np.int16))
    lloyd(state, 10, 12)
    assert refill_empty(state) == 4
    lloyd(state, 10, 12)
    assert refill_empty(state) == 0
    assert np.all(state.counts > 0)


@pytest.mark.parametrize("reach", [1, 3, 12])
def test_neighbours(reach):
    centers = some_data(3, 60).points
    centers[7] = centers[3]
    found = neighbors(centers, reach)
    table = ((centers[:, np.newaxis].astype(int) - centers) ** 2).sum(axis=2)
    for j, row in enumerate(found.tolist()):
        assert j not in row
        others = np.delete(table[j], j)
        assert sorted(others)[: len(row)] == [table[j, i] for i in row]


def test_one_centre_has_no_neighbours():
    assert neighbors(np.zeros((1, 4), np.int16), 5).shape == (1, 0)
