"""Rounding, order, and each colour's nearest entry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kqcodec
from kqcodec.colors.histogram import histogram
from kqcodec.colors.spaces import SPACES, STEP, space_of
from kqcodec.quantization.finished_palette import assigned, exact_palette, finished, lumas, ordered


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
    palette, labels, squared = finished(given, colors_from(seed + 1, k, 4), SPACES["rgb"])
    colors = given.colors
    distances = ((colors[:, np.newaxis].astype(int) - palette) ** 2).sum(axis=2)
    assert np.array_equal(labels, distances.argmin(axis=1))
    assert np.array_equal(squared, distances.min(axis=1) * STEP**2)
    assert np.array_equal(np.unique(labels), np.arange(len(palette)))
    assert np.array_equal(ordered(palette), palette)


def test_ties_go_to_the_lowest_index():
    palette = np.array([[0, 0, 0], [2, 0, 0]], dtype=np.uint8)
    colors = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=np.uint8)
    assert finished(histogram(colors), palette, SPACES["rgb"])[1].tolist() == [0, 0, 1]


def test_what_is_hidden_translucent_or_opaque_has_entries_of_its_own():
    palette = np.array([[9, 9, 9, 255], [9, 9, 9, 254], [0, 0, 0, 0], [8, 8, 8, 254]], np.uint8)
    colors = histogram(np.array([[9, 9, 9, 0], [8, 8, 8, 254], [8, 8, 8, 255]], np.uint8))
    labels, distances = assigned(colors, palette, space_of("rgb", 4))
    assert labels.tolist() == [2, 3, 0]
    assert distances.tolist() == [0, 0, 3 * 64**2]
    stored, labels, _ = finished(colors, palette, space_of("rgb", 4))
    assert stored[labels].tolist() == [[0, 0, 0, 0], [8, 8, 8, 254], [9, 9, 9, 255]]


@pytest.mark.parametrize("lowest", [[1, 2, 3, 9], [0, 0, 0, 0]])
def test_without_opaque_entries_what_is_opaque_gets_those_of_highest_alpha(lowest):
    colors = histogram(np.array([[1, 2, 3, 255]], np.uint8))
    palette = np.array([lowest, [1, 1, 1, 100]], np.uint8)
    assert assigned(colors, palette, space_of("rgb", 4))[0].tolist() == [1]


def test_colours_that_one_point_stands_for_are_kept_apart():
    """Two of the shades of green that Oklab's whole numbers can't tell apart."""
    twins = np.array([[0, 252, 223], [1, 252, 223]], dtype=np.uint8)
    assert len(np.unique(SPACES["oklab"].points(twins), axis=0)) == 1
    palette, labels, _ = exact_palette(histogram(twins))
    assert palette[labels].tolist() == twins.tolist()
    found = kqcodec.quantize(twins[np.newaxis], 2, space="oklab")
    assert np.array_equal(found.to_rgb()[0], twins)
    assert kqcodec.kmeans(twins, None, 2, space="oklab").inertia == 0
