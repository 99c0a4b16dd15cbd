"""Costs, against their formulas."""

import math

import numpy as np
import pytest

from kqcodec.colors import costs as metrics
from kqcodec.colors.histogram import histogram

A = np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8)
B = np.array([[[1, 2, 2], [255, 255, 255]]], dtype=np.uint8)


def test_by_hand():
    assert metrics.inertia(A, B) == 9
    assert metrics.mse(A, B) == 4.5
    assert metrics.psnr(A, B) == 10 * math.log10(255**2 / 1.5)


def test_exact_pictures():
    assert metrics.mse(A, A) == 0
    assert metrics.psnr(A, A) == math.inf


def test_chunks_add_up(monkeypatch):
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 256, (2, 50, 40, 3), dtype=np.uint8)
    whole = metrics.inertia(a, b)
    assert whole == int(((a.astype(int) - b) ** 2).sum())
    monkeypatch.setattr(metrics, "_CHUNK", 7)
    assert metrics.inertia(a, b) == whole


def test_costs_of_palette():
    colors = histogram(np.concatenate([A, A, B], axis=1))
    palette = np.array([[0, 0, 0], [255, 255, 255]], dtype=np.uint8)
    costs = metrics.costs_of_palette(colors, palette, np.array([0, 0, 1]), iterations=4)
    assert costs.inertia == 9
    assert costs.distance_sum == 3.0
    assert costs.mse == 1.5
    assert costs.psnr == metrics.psnr_of_mse(1.5)
    assert (costs.pixels, costs.unique_colors, costs.palette_colors) == (6, 3, 2)
    assert costs.iterations == 4


def test_wrong_arguments():
    with pytest.raises(TypeError, match="uint8"):
        metrics.mse(A.astype(float), B)
    with pytest.raises(ValueError, match="one shape"):
        metrics.mse(A, B[:, :1])
    with pytest.raises(ValueError, match="shape"):
        metrics.mse(A[..., :2], B[..., :2])
