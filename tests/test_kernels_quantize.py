"""The clustering kernels in C against the reference that defines them."""

import numpy as np
import pytest

from kqcodec.errors import KernelError
from kqcodec.kernels import load

reference = load("reference")


@pytest.fixture(scope="module")
def compiled():
    try:
        return load("compiled")
    except KernelError:
        pytest.skip("the compiled kernels aren't built")


def points_from(seed, count, top=16_320):
    # Both ends of the range, and few enough values for ties, where top is small.
    return np.random.default_rng(seed).integers(0, top + 1, (count, 4), dtype=np.int16)


@pytest.mark.parametrize("top", [1, 3, 16_320])
@pytest.mark.parametrize("k", [1, 2, 7, 256, 1000])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_nearest(compiled, count, k, top):
    points, centers = points_from(1, count, top), points_from(2, k, top)
    results = []
    for kernels in (compiled, reference):
        labels = np.empty(count, np.uint16)
        distances = np.empty(count, np.int32)
        kernels.nearest(points, centers, labels, distances)
        results.append((labels, distances))
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


def test_nearest_by_brute_force():
    points, centers = points_from(3, 200), points_from(4, 50)
    labels, distances = np.empty(200, np.uint16), np.empty(200, np.int32)
    reference.nearest(points, centers, labels, distances)
    table = ((points[:, np.newaxis].astype(np.int64) - centers) ** 2).sum(axis=2)
    assert np.array_equal(labels, table.argmin(axis=1))
    assert np.array_equal(distances, table.min(axis=1))


def test_nearest_at_the_ends_of_the_range(compiled):
    points = np.array([[0] * 4, [16_320] * 4], dtype=np.int16)
    for kernels in (compiled, reference):
        labels, distances = np.empty(2, np.uint16), np.empty(2, np.int32)
        kernels.nearest(points, points[:1], labels, distances)
        assert distances.tolist() == [0, 4 * 16_320**2]


@pytest.mark.parametrize("count", [1, 500])
def test_accumulate(compiled, count):
    points = points_from(5, count)
    rng = np.random.default_rng(6)
    weights = rng.integers(1, 1 << 40, count)
    labels = rng.integers(0, 9, count).astype(np.uint16)
    results = []
    for kernels in (compiled, reference):
        sums, counts = np.ones((9, 4), np.int64), np.ones(9, np.int64)
        kernels.accumulate(points, weights, labels, sums, counts)
        results.append((sums, counts))
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


def test_the_boundary_refuses_what_does_not_fit(compiled):
    points = points_from(7, 10)
    labels, distances = np.empty(10, np.uint16), np.empty(10, np.int32)
    with pytest.raises(ValueError, match="sizes"):
        compiled.nearest(points, points[:0], labels, distances)
    with pytest.raises(ValueError, match="sizes"):
        compiled.nearest(points, points, labels[:9], distances)
    with pytest.raises(TypeError, match="uint16"):
        compiled.nearest(points, points, distances, distances)
    labels[:] = 3
    weights, sums, counts = np.ones(10, np.int64), np.zeros((3, 4), np.int64), np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="label"):
        compiled.accumulate(points, weights, labels, sums, counts)
