"""Sums of histograms: lists while they are short, then a table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kqcodec
from kqcodec.colors import histogram_sum
from kqcodec.colors.histogram import Histogram, histogram
from kqcodec.colors.histogram_sum import HistogramSum
from kqcodec.errors import ColorsError
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import color_map


def parts_of(seed, count, channels):
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(count):
        size = int(random.integers(1, 300))
        pixels = random.integers(0, 7, (1, size, 4), dtype=np.uint8) * np.uint8(40)
        pixels[:, :, 3] = random.choice([0, 9, 255], (1, size))
        has_alpha = channels == 4 or (channels == "mixed" and random.integers(2))
        parts.append(histogram(pixels if has_alpha else pixels[:, :, :3].copy()))
    return parts


@pytest.mark.parametrize("channels", [3, 4, "mixed"])
@pytest.mark.parametrize("most", [1, 60, 1 << 18])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_the_sum_is_that_of_the_lists(channels, most, count, monkeypatch):
    monkeypatch.setattr(histogram_sum, "_MOST_LISTED", most)
    parts = parts_of(most + count, count, channels)
    total, expected = HistogramSum(), None
    for part in parts:
        total.add(part)
        expected = part if expected is None else expected + part
    found = total.total()
    assert found == expected
    assert found.keys.dtype == np.uint32
    assert found.counts.dtype == np.int64


@pytest.mark.parametrize("most", [2, 1000])
def test_a_sum_knows_how_many_colours_it_has_so_far(most, monkeypatch):
    monkeypatch.setattr(histogram_sum, "_MOST_LISTED", most)
    total, parts = HistogramSum(), parts_of(0, 4, 3)
    assert total.least_colors == 0
    for count in range(1, 5):
        total.add(parts[count - 1])
        so_far = len(np.unique(np.concatenate([part.keys for part in parts[:count]])))
        assert total.least_colors == min(so_far, most)


def test_a_table_that_is_nearly_full(monkeypatch):
    monkeypatch.setattr(histogram_sum, "_MOST_LISTED", 1000)
    keys = np.arange(3, 1 << 24, dtype=np.uint32)
    counts = np.arange(1, len(keys) + 1, dtype=np.int64)
    whole, total = Histogram(keys, counts), HistogramSum()
    for part in np.array_split(np.arange(len(keys)), 3):
        total.add(Histogram(keys[part], counts[part]))
    total.add(Histogram(keys[:5], counts[:5]))
    found = total.total()
    assert np.array_equal(found.keys, whole.keys)
    assert np.array_equal(found.counts[:5], 2 * counts[:5])
    assert np.array_equal(found.counts[5:], counts[5:])


def test_nothing_has_no_sum():
    with pytest.raises(ValueError, match="nothing to sum"):
        HistogramSum().total()


def test_translucent_colours_have_a_limit(monkeypatch):
    monkeypatch.setattr(histogram_sum, "_MOST_LISTED", 10)
    monkeypatch.setattr(histogram_sum, "MOST_TRANSLUCENT", 20)
    total = HistogramSum()
    opaque = histogram(np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(-1, 3))
    total.add(opaque.with_alpha())
    keys = np.arange(1, 30, dtype=np.uint32)
    with pytest.raises(ColorsError, match=r"over 20 different colours") as caught:
        total.add(Histogram(keys, np.ones(29, dtype=np.int64), 4))
    assert caught.value.advice == "background"


# --- more pixels than 2^33 --------------------------------------------------


@given(st.integers(1, 40), st.integers(0, 2**20))
def test_counts_are_halved_as_often_as_needed(size, seed):
    counts = np.random.default_rng(seed).integers(1, 1000, size)
    colors = Histogram(np.arange(size, dtype=np.uint32), counts)
    assert colors.scaled_down(int(counts.sum())) is colors
    light = colors.scaled_down(size + 5)
    assert light.pixels <= size + 5
    assert (light.counts >= 1).all()
    assert np.array_equal(light.keys, colors.keys)
    if colors.pixels > size + 5:
        assert colors.scaled_down(2 * size + 10).pixels >= light.pixels


@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_of_a_terapixel_has_a_palette(portrait, channels):
    """Its colours are those of a portrait, each 2^22 times as often."""
    small = portrait[::4, ::4]
    if channels == 4:
        small = np.dstack([small, np.where(small[:, :, 0] < 90, 128, 255).astype(np.uint8)])
    colors = histogram(np.ascontiguousarray(small))
    times = 1 << 26
    huge = Histogram(colors.keys, colors.counts * times, channels)
    assert huge.pixels > 10**12
    options = QuantizeOptions()
    found, whole = color_map(huge, 16, options), kqcodec.quantize(small, 16)
    assert np.array_equal(found.palette, whole.palette)
    assert found.costs.pixels == times * whole.costs.pixels
    assert found.costs.inertia == pytest.approx(times * whole.costs.inertia, rel=1e-6)
    assert found.costs.distance_sum == pytest.approx(times * whole.costs.distance_sum)
    assert found.costs.mse == pytest.approx(whole.costs.mse)
