"""Quantizing from a histogram alone: blocks of pixels get the labels of the whole."""

import functools
import operator
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kqcodec
from kqcodec.colors.histogram import histogram
from kqcodec.quantization.color_map import Labeler
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import color_map


def pictures(seed, height, width, channels, values=40):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, values, (height, width, channels), dtype=np.uint8)
    if channels == 4:
        pixels[:, :, 3] = random.choice([0, 90, 255, 255], (height, width))
    return pixels


@given(
    st.integers(0, 2**32),
    st.integers(1, 40),
    st.integers(2, 20),
    st.sampled_from([3, 4]),
    st.sampled_from(["coder", "frequency", "hue"]),
    st.sampled_from([(), [(1, 2, 3)]]),
)
def test_blocks_get_the_labels_of_the_whole(seed, height, k, channels, sort, pins):
    pixels = pictures(seed, height, 30, channels)
    pixels[0, 0, 3:] = 100  # so that the whole has alpha, though not every block
    k += len(pins) + 1
    whole = kqcodec.quantize(pixels, k, sort=sort, pins=pins)
    blocks = np.array_split(pixels, min(5, height))
    total = functools.reduce(operator.add, map(histogram, reversed(blocks)))
    mapped = color_map(total, k, QuantizeOptions(pins=pins, sort=sort))
    labeler = Labeler(pickle.loads(pickle.dumps(mapped)))
    assert np.array_equal(mapped.palette, whole.palette)
    assert np.array_equal(np.concatenate([labeler.labels(b) for b in blocks]), whole.labels)
    assert mapped.costs == whole.costs
    assert np.array_equal(
        mapped.counts, np.bincount(whole.labels.reshape(-1), minlength=len(whole.palette))
    )


def test_a_given_palette_maps_each_block_by_itself():
    """The nearest entry of a colour doesn't depend on the others, so no sum is needed."""
    palette = ["#000000", "#102030", "#000000", "#282828"]
    pixels = pictures(1, 40, 40, 3)
    whole = kqcodec.quantize(pixels, palette=palette).labels
    for part, expected in zip(np.split(pixels, 4), np.split(whole, 4), strict=True):
        mapped = color_map(histogram(part), None, QuantizeOptions(palette=palette))
        assert np.array_equal(Labeler(mapped).labels(part), expected)


def test_another_order_is_the_same_picture():
    pixels = pictures(2, 30, 30, 3)
    mapped = color_map(histogram(pixels), 9, QuantizeOptions())
    order = np.random.default_rng(3).permutation(len(mapped.palette))
    other = mapped.in_order(order)
    assert np.array_equal(other.palette, mapped.palette[order])
    one, same = (m.palette[Labeler(m).labels(pixels)] for m in (mapped, other))
    assert np.array_equal(one, same)


def test_a_histogram_without_alpha_is_found_out():
    pixels = pictures(4, 20, 20, 3)
    plain = histogram(pixels)
    assert plain.without_opaque_alpha() is plain
    assert plain.with_alpha().without_opaque_alpha() == plain
    some = histogram(pictures(4, 20, 20, 4))
    assert some.without_opaque_alpha() is some


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_do_not_matter(threads, monkeypatch):
    monkeypatch.setattr("kqcodec.quantization.color_map._PART", 100)
    pixels = pictures(5, 50, 31, 4)
    mapped = color_map(histogram(pixels), 12, QuantizeOptions())
    labels = Labeler(mapped).labels(pixels, threads)
    assert np.array_equal(labels, kqcodec.quantize(pixels, 12).labels)
