"""The generator's known values, and what first centres must be."""

import numpy as np
import pytest

from kqcodec.colors.spaces import SPACES
from kqcodec.quantization import seeding
from kqcodec.quantization.seeding import SplitMix64, plus_plus


def test_splitmix64_known_values():
    # From the reference implementation (Vigna), seed 1234567.
    random = SplitMix64(1234567)
    assert [*random.draws(2).tolist(), *random.draws(1).tolist()] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@pytest.mark.parametrize("limit", [0, 2048])
@pytest.mark.parametrize("k", [1, 2, 17, 64])
def test_centres_are_different_points(monkeypatch, limit, k):
    monkeypatch.setattr(seeding, "_PLUS_PLUS_LIMIT", limit)
    colors = np.unique(np.random.default_rng(1).integers(0, 9, (64, 3), dtype=np.uint8), axis=0)
    points = SPACES["rgb"].points(colors)
    k = min(k, len(points))
    centers = plus_plus(points, np.ones(len(points), np.int64), k, SplitMix64(0))
    assert len(np.unique(centers, axis=0)) == k
    assert {tuple(c) for c in centers.tolist()} <= {tuple(p) for p in points.tolist()}


def test_heavy_points_are_drawn_first():
    points = np.array([[0, 0, 0, 0], [900, 900, 900, 0]], dtype=np.int16)
    weights = np.array([1, 10**9], dtype=np.int64)
    assert plus_plus(points, weights, 1, SplitMix64(0)).tolist() == [[900, 900, 900, 0]]


def test_coinciding_points_run_out_of_distance():
    points = np.zeros((5, 4), dtype=np.int16)
    assert plus_plus(points, np.ones(5, np.int64), 3, SplitMix64(0)).tolist() == [[0] * 4] * 3
