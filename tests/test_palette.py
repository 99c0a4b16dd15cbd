"""Rounding, order, and each colour's nearest entry."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.histogram import histogram
from kqcodec.palette import finished, lumas, ordered


def colors_from(seed, count, values=256):
    colors = np.random.default_rng(seed).integers(0, values, (count, 3), dtype=np.uint8)
    return np.unique(colors, axis=0)


def test_order_is_by_luma_then_key():
    palette = np.array(
        [[255, 255, 255], [0, 0, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=np.uint8
    )
    assert ordered(palette).tolist() == [
        [0, 0, 0],
        [0, 0, 255],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 255],
    ]


def colours_of_luma(luma):
    """All colours of a luma, by key."""
    red, green = np.mgrid[0:256, 0:256].reshape(2, -1)
    blue, rest = np.divmod(luma - 299 * red - 587 * green, 114)
    fits = (rest == 0) & (blue >= 0) & (blue <= 255)
    return np.stack([red[fits], green[fits], blue[fits]], axis=1).astype(np.uint8)


def test_equal_lumas_are_ordered_by_key():
    # More than an unstable sort leaves in order by chance.
    colors = colours_of_luma(127_501)
    assert len(colors) > 64
    assert len(np.unique(lumas(colors))) == 1
    shuffled = np.random.default_rng(0).permutation(colors)
    assert ordered(shuffled).tolist() == sorted(colors.tolist())
    darker = np.array([[255, 0, 255]], dtype=np.uint8)  # of a higher key
    assert ordered(np.concatenate([shuffled, darker])).tolist() == [
        *darker.tolist(),
        *sorted(colors.tolist()),
    ]


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_order_depends_on_the_colours_alone(seed, count):
    palette = colors_from(seed, count, 5)
    shuffled = np.random.default_rng(seed).permutation(np.concatenate([palette, palette]))
    assert np.array_equal(ordered(shuffled), ordered(palette))


@given(st.integers(0, 2**32), st.integers(1, 200), st.integers(1, 30))
def test_finished_gives_nearest_entries_and_uses_all(seed, count, k):
    colors = colors_from(seed, count)
    given = histogram(np.random.default_rng(seed).permutation(colors))
    palette, labels, squared = finished(given, colors_from(seed + 1, k, 4))
    colors = given.colors
    distances = ((colors[:, np.newaxis].astype(int) - palette) ** 2).sum(axis=2)
    assert np.array_equal(labels, distances.argmin(axis=1))
    assert np.array_equal(squared, distances.min(axis=1))
    assert np.array_equal(np.unique(labels), np.arange(len(palette)))
    assert np.array_equal(ordered(palette), palette)


def test_ties_go_to_the_lowest_index():
    palette = np.array([[0, 0, 0], [2, 0, 0]], dtype=np.uint8)
    colors = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=np.uint8)
    assert finished(histogram(colors), palette)[1].tolist() == [0, 0, 1]
