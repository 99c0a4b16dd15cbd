"""Unique colours and counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.colors import histogram as module
from kqcodec.colors.histogram import Histogram, colors_of_keys, histogram, keys_of_colors


def colors_from(seed, count, values=256):
    return np.random.default_rng(seed).integers(0, values, (count, 3), dtype=np.uint8)


def test_counts_by_hand():
    pixels = np.array([[[1, 2, 3], [0, 0, 255]], [[1, 2, 3], [255, 0, 0]]], dtype=np.uint8)
    found = histogram(pixels)
    assert found.keys.tolist() == [0x0000FF, 0x010203, 0xFF0000]
    assert found.counts.tolist() == [1, 2, 1]
    assert found.pixels == 4
    assert len(found) == 3


def test_keys_and_colours_are_inverse():
    colors = colors_from(1, 1000)
    keys = keys_of_colors(colors)
    assert keys.dtype == np.uint32
    assert np.array_equal(colors_of_keys(keys), colors)


@given(st.integers(0, 2**32), st.integers(1, 300), st.sampled_from([2, 5, 256]))
def test_order_of_pixels_does_not_matter(seed, count, values):
    colors = colors_from(seed, count, values)
    found = histogram(colors)
    assert found == histogram(colors[np.random.default_rng(seed).permutation(count)])
    assert np.all(np.diff(found.keys.astype(np.int64)) > 0)
    assert found.pixels == count


def test_histograms_add_up():
    colors = colors_from(2, 500, 6)
    assert histogram(colors[:200]) + histogram(colors[200:]) == histogram(colors)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_parts_and_threads_change_nothing(monkeypatch, threads):
    colors = colors_from(3, 2000, 8)
    whole = histogram(colors)
    monkeypatch.setattr(module, "_PART", 300)
    assert histogram(colors, threads) == whole


def test_equality_is_with_histograms_only():
    assert Histogram(np.zeros(1, np.uint32), np.ones(1, np.int64)) != 3


@pytest.mark.parametrize("shape", [(0, 3), (4, 5), (3,), (2, 2, 2, 3)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="shape"):
        histogram(np.zeros(shape, np.uint8))


def test_wrong_dtype():
    with pytest.raises(TypeError, match="float"):
        histogram(np.zeros((2, 3)))
