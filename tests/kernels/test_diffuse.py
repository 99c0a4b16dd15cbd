"""Error diffusion in C against the reference that defines it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.errors import KernelError
from kqcodec.kernels import load

reference = load("reference")


@pytest.fixture(scope="module")
def compiled():
    try:
        return load("compiled")
    except KernelError:
        pytest.skip("the compiled kernels aren't built")


def diffused(kernels, points, centers, errors, strength, backwards, mask=None):
    """Labels, and the errors left for the next row."""
    errors = errors.copy()
    labels = np.full(points.shape[:2], 7, np.uint16)
    if mask is None:
        mask = np.ones(labels.shape, np.bool_)
    kernels.diffuse(points, mask, centers, errors, labels, strength=strength, backwards=backwards)
    return labels, errors


@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    st.sampled_from((1, 2, 7, 300)),
    st.sampled_from((1, 200, 16_320)),
    st.sampled_from((0, 1, 100, 256)),
    st.booleans(),
)
def test_both_are_equal(compiled, seed, shape, k, top, strength, backwards):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, top + 1, (*shape, 4), dtype=np.int16)
    centers = rng.integers(0, top + 1, (k, 4), dtype=np.int16)
    # More than a row ever passes on.
    errors = rng.integers(-(2**27), 2**27, (shape[1] + 2, 4), dtype=np.int32)
    mask = rng.random(shape) < rng.choice((0.2, 1))
    arguments = points, centers, errors, strength, backwards, mask
    for one, other in zip(
        diffused(compiled, *arguments), diffused(reference, *arguments), strict=True
    ):
        assert np.array_equal(one, other)


def test_both_are_equal_on_a_picture(compiled, portrait):
    points = np.zeros((48, 64, 4), np.int16)
    points[:, :, :3] = portrait[80:128, 200:264].astype(np.int16) << 6
    centers = points.reshape(-1, 4)[:: 48 * 4]
    errors = np.zeros((66, 4), np.int32)
    results = [diffused(k, points, centers, errors, 256, False) for k in (compiled, reference)]
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


def test_without_strength_each_point_has_its_nearest(compiled):
    rng = np.random.default_rng(1)
    points = rng.integers(0, 16_321, (20, 30, 4), dtype=np.int16)
    centers = rng.integers(0, 16_321, (50, 4), dtype=np.int16)
    labels, errors = diffused(compiled, points, centers, np.zeros((32, 4), np.int32), 0, False)
    table = ((points[:, :, np.newaxis].astype(np.int64) - centers) ** 2).sum(axis=3)
    assert np.array_equal(labels, table.argmin(axis=2))
    assert not errors.any()


def one_row(kernels, values, strength=256, backwards=False):
    """Black or white for greys, and the errors for the next row, as grey."""
    points = np.zeros((1, len(values), 4), np.int16)
    points[0, :, :3] = np.array(values)[:, np.newaxis]
    centers = np.array([[0, 0, 0, 0], [16_320, 16_320, 16_320, 0]], np.int16)
    errors = np.zeros((len(values) + 2, 4), np.int32)
    labels, errors = diffused(kernels, points, centers, errors, strength, backwards)
    return labels[0].tolist(), errors[:, 0].tolist()


@pytest.mark.parametrize("name", ["compiled", "reference"])
def test_a_row_by_hand(name, request):
    kernels = request.getfixturevalue("compiled") if name == "compiled" else reference
    # 7000 is black; 7/16 of it, 3062.5, is rounded up and lifts the next to 10063: white.
    labels, errors = one_row(kernels, [7000, 7000])
    assert labels == [0, 1]
    off = 7000 + 3063 - 16_320
    assert errors == [
        256 * 3 * 7000,
        256 * (5 * 7000 + 3 * off),
        256 * (7000 + 5 * off),
        256 * off,
    ]
    # The other way round, it is the left one that is lifted.
    assert one_row(kernels, [7000, 7000], backwards=True) == ([1, 0], errors[::-1])
    # At half strength 7000 + 1531 is still white.
    assert one_row(kernels, [7000, 7000], 128)[0] == [0, 1]
    assert one_row(kernels, [7000, 7000], 64)[0] == [0, 0]


def test_errors_end_where_the_mask_does(compiled):
    mask = np.array([[True, False, True]])
    points = np.full((1, 3, 4), 7000, np.int16)
    centers = np.array([[0] * 4, [16_320] * 4], np.int16)
    errors = np.zeros((5, 4), np.int32)
    for kernels in (compiled, reference):
        labels, _ = diffused(kernels, points, centers, errors, 256, False, mask)
        assert labels.tolist() == [[0, 7, 0]]


def test_rows_in_parts_are_rows_in_one(compiled):
    rng = np.random.default_rng(2)
    points = rng.integers(0, 16_321, (9, 7, 4), dtype=np.int16)
    centers = rng.integers(0, 16_321, (5, 4), dtype=np.int16)
    whole, _ = diffused(compiled, points, centers, np.zeros((9, 4), np.int32), 256, False)
    upper, errors = diffused(compiled, points[:4], centers, np.zeros((9, 4), np.int32), 256, False)
    lower, _ = diffused(compiled, points[4:], centers, errors, 256, False)
    assert np.array_equal(whole, np.concatenate([upper, lower]))


def test_the_boundary_refuses_what_does_not_fit(compiled):
    points, centers = np.zeros((2, 3, 4), np.int16), np.zeros((1, 4), np.int16)
    errors, labels = np.zeros((5, 4), np.int32), np.zeros((2, 3), np.uint16)

    def call(**changes):
        given = {
            "points": points,
            "mask": np.ones((2, 3), np.bool_),
            "centers": centers,
            "errors": errors,
            "labels": labels,
        }
        given |= {"strength": 256, "backwards": False} | changes
        compiled.diffuse(**given)

    call()
    for changes in (
        {"points": points[:1]},
        {"mask": np.ones((2, 2), np.bool_)},
        {"centers": centers[:0]},
        {"errors": errors[:4]},
        {"errors": errors + np.int32(-(2**31))},
        {"errors": errors + np.int32(2**27 + 1)},
        {"labels": labels[:, :2].copy()},
        {"strength": 257},
        {"strength": -1},
    ):
        with pytest.raises(ValueError, match="diffuse"):
            call(**changes)
    with pytest.raises(TypeError):
        call(labels=labels.astype(np.uint8))
