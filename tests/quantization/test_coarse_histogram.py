"""Pictures of so many colours that the search is on cells of them."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kqcodec
from kqcodec.colors.histogram import FIRST_OPAQUE, Histogram, histogram, keys_of_colors
from kqcodec.quantization import coarse_histogram, finished_palette

pytestmark = pytest.mark.compiled


@pytest.fixture
def limits(monkeypatch):
    monkeypatch.setattr(coarse_histogram, "MOST_SEARCHED", 500)
    monkeypatch.setattr(coarse_histogram, "_MOST_CELLS", 200)


def colors_of(seed, count, channels):
    random = np.random.default_rng(seed)
    colors = random.integers(0, 256, (count, channels), dtype=np.uint8)
    if channels == 4:
        colors[:, 3] = random.choice([0, 1, 100, 254, 255, 255], count)
    return histogram(colors)


@given(st.integers(0, 2**32), st.integers(1, 3000), st.sampled_from([3, 4]))
def test_cells_keep_all_pixels_apart_by_their_kind(seed, count, channels):
    before = coarse_histogram.MOST_SEARCHED, coarse_histogram._MOST_CELLS
    coarse_histogram.MOST_SEARCHED, coarse_histogram._MOST_CELLS = 500, 200
    try:
        colors = colors_of(seed, count, channels)
        few = coarse_histogram.coarse_histogram(colors)
        if len(colors) <= 500:
            assert few is colors
            return
        assert len(few) <= 200 * (channels - 2) + 1
    finally:
        coarse_histogram.MOST_SEARCHED, coarse_histogram._MOST_CELLS = before
    assert np.all(np.diff(few.keys.astype(np.int64)) > 0)
    assert few.pixels == colors.pixels
    if channels == 4:
        for kind in (lambda keys: keys == 0, lambda keys: keys >= FIRST_OPAQUE):
            assert few.counts[kind(few.keys)].sum() == colors.counts[kind(colors.keys)].sum()


def test_a_cell_is_the_mean_of_its_colours(monkeypatch):
    monkeypatch.setattr(coarse_histogram, "MOST_SEARCHED", 2)
    monkeypatch.setattr(coarse_histogram, "_MOST_CELLS", 2)
    colors = np.array([[10, 20, 30], [11, 21, 31], [11, 21, 31], [200, 0, 0]], np.uint8)
    few = coarse_histogram.coarse_histogram(histogram(colors))
    assert few.colors.tolist() == [[11, 21, 31], [200, 0, 0]]
    assert few.counts.tolist() == [3, 1]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("space", ["rgb", "oklab"])
def test_every_pixel_still_has_its_nearest_entry(channels, space, portrait, limits, monkeypatch):
    monkeypatch.setattr(finished_palette, "PART", 300)
    pixels = portrait[::8, ::8]
    if channels == 4:
        alpha = np.where(pixels[:, :, 0] < 40, 0, np.where(pixels[:, :, 1] < 80, 130, 255))
        pixels = np.dstack([pixels, alpha.astype(np.uint8)])
    found = kqcodec.quantize(pixels, 16, space=space)
    again = kqcodec.quantize(pixels, palette=found.palette, space=space)
    assert np.array_equal(found.labels, again.labels)
    assert found.costs.inertia == again.costs.inertia
    assert found.costs.unique_colors == again.costs.unique_colors > 500
    target = io.BytesIO()
    kqcodec.encode_stream(pixels, target, 16, space=space)
    assert target.getvalue() == kqcodec.encode(pixels, 16, space=space)


def test_what_it_costs(portrait, monkeypatch):
    """Little, even where cells are four times as few as they would be."""
    pixels = portrait[::2, ::2]
    exact = kqcodec.quantize(pixels, 64).costs
    monkeypatch.setattr(coarse_histogram, "MOST_SEARCHED", 1000)
    monkeypatch.setattr(coarse_histogram, "_MOST_CELLS", exact.unique_colors // 4)
    assert kqcodec.quantize(pixels, 64).costs.inertia < 1.01 * exact.inertia


def test_pins_stay(portrait, limits):
    found = kqcodec.quantize(portrait[::8, ::8], 9, pins=["#123456"])
    assert [0x12, 0x34, 0x56] in found.palette.tolist()


def test_the_most_colours_that_there_are():
    """All 2^24, once each, are searched as 2^21 cells."""
    colors = Histogram(np.arange(1 << 24, dtype=np.uint32), np.ones(1 << 24, dtype=np.int64))
    few = coarse_histogram.coarse_histogram(colors)
    assert len(few) == 1 << 21
    assert (few.counts == 8).all()
    assert np.array_equal(keys_of_colors(few.colors), few.keys)
