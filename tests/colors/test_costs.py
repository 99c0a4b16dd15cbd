"""Costs, against their formulas."""

import math

import metrics
import numpy as np
import pytest

from kqcodec.colors import costs as module
from kqcodec.colors.costs import costs_of_palette, costs_of_pixels, psnr_of_mse, squares
from kqcodec.colors.histogram import histogram

BLACK_AND_WHITE = np.array([[0, 0, 0], [255, 255, 255]], dtype=np.uint8)
NEAR = np.array([[[1, 2, 2], [255, 255, 255]]], dtype=np.uint8)


def random_pixels(channels):
    return np.random.default_rng(1).integers(0, 256, (50, 40, channels), dtype=np.uint8)


def test_by_hand():
    pixels = np.concatenate([BLACK_AND_WHITE[np.newaxis]] * 2 + [NEAR], axis=1)
    costs = costs_of_palette(histogram(pixels), BLACK_AND_WHITE, np.array([0, 0, 1]), iterations=4)
    assert costs.inertia == 9
    assert costs.distance_sum == 3.0
    assert costs.mse == 1.5
    assert costs.psnr == psnr_of_mse(1.5) == 10 * math.log10(255**2 / 0.5)
    assert (costs.pixels, costs.unique_colors, costs.palette_colors) == (6, 3, 2)
    assert costs.iterations == 4


def test_exact_pictures():
    colors = histogram(NEAR)
    costs = costs_of_palette(colors, colors.colors, np.arange(2))
    assert (costs.mse, costs.psnr) == (0, math.inf)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_colours_and_pixels_cost_alike(monkeypatch, channels, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    pixels = random_pixels(channels)
    colors = histogram(pixels)
    palette = colors.colors[::100]
    labels = np.arange(len(colors)) % len(palette)
    costs = costs_of_palette(colors, palette, labels)
    # What is fully transparent counts as (0, 0, 0, 0), so each colour's pixels are made anew.
    pixels = np.repeat(colors.colors, colors.counts, axis=0)[np.newaxis]
    labels = np.repeat(labels, colors.counts)[np.newaxis]
    assert costs.inertia == metrics.inertia(pixels, palette[labels])
    assert costs.mse == metrics.mse(pixels, palette[labels])
    assert costs == costs_of_pixels(pixels, palette, labels, like=costs)


@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_known_distances_cost_as_much_as_those_of_the_labels(monkeypatch, chunk):
    monkeypatch.setattr(module, "_CHUNK", chunk)
    colors = histogram(random_pixels(3))
    palette = colors.colors[::100]
    labels = np.arange(len(colors)) % len(palette)
    squared, _ = squares(colors.colors, palette[labels])
    known = costs_of_palette(colors, palette, labels, squared.astype(np.int32))
    assert known == costs_of_palette(colors, palette, labels)
