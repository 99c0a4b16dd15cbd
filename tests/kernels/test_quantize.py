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


def clustered(kernels, points, weights, centers):
    """Labels, distances, sums and counts of an assignment."""
    labels = np.empty(len(points), np.uint16)
    distances = np.empty(len(points), np.int32)
    sums, counts = np.zeros((len(centers), 4), np.int64), np.zeros(len(centers), np.int64)
    kernels.nearest(points, centers, labels, distances)
    kernels.accumulate(points, weights, labels, sums, counts)
    return labels, distances, sums, counts


def both(compiled, work):
    """Runs work on both sets; every array that comes out must be equal."""
    ours, theirs = work(compiled), work(reference)
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("top", [1, 300, 16_320])
@pytest.mark.parametrize("k", [2, 7, 300])
@pytest.mark.parametrize("count", [1, 65, 3000])
def test_nearest_two(compiled, count, k, top):
    points, centers = points_from(8, count, top), points_from(9, k, top)

    def work(kernels):
        labels, second = np.empty((2, count), np.uint16)
        distances, further = np.empty((2, count), np.int32)
        kernels.nearest_two(points, centers, labels, distances, second, further)
        return labels, distances, second, further

    both(compiled, work)


@pytest.mark.parametrize("top", [3, 400, 16_320])
@pytest.mark.parametrize("k", [1, 7, 300])
@pytest.mark.parametrize("relax", [16, 29])
def test_lloyd_and_reassign(compiled, k, top, relax):
    points, centers = points_from(10, 1500, top), points_from(11, k, top)
    weights = np.random.default_rng(12).integers(1, 1000, 1500)

    def work(kernels):
        labels, _, sums, counts = clustered(kernels, points, weights, centers)
        moved = centers.copy()
        costs = kernels.lloyd(
            points, weights, moved, labels, sums, counts,
            iterations=15, relax=relax, tolerance_bits=13,
        )  # fmt: skip
        again = kernels.reassign(points, weights, centers, labels, sums, counts)
        return moved, labels, sums, counts, np.array(costs), np.array(again)

    both(compiled, work)


@pytest.mark.parametrize("trials", [0, 3, 200])
@pytest.mark.parametrize("reach", [0, 4, 9])
@pytest.mark.parametrize("top", [3, 200, 16_320])
def test_merge_and_split(compiled, top, reach, trials):
    rng = np.random.default_rng(top + reach)
    points = points_from(top, 900, top)
    weights = rng.integers(1, 1000, 900)
    centers = points[:40]  # with top 3 some coincide
    pairs = rng.integers(0, 40, (150, 2)).astype(np.uint16)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]

    def work(kernels):
        labels, distances, sums, counts = clustered(kernels, points, weights, centers)
        _, halves = kernels.split_gains(points, weights, labels, 40)
        before = int((weights * distances).sum())
        moved = centers.copy()
        outcomes, touched, fall = kernels.merge_and_split(
            points, weights, labels, distances, moved, sums, counts, pairs, halves,
            reach=reach, trials=trials, iterations=7, relax=29, tolerance_bits=12,
        )  # fmt: skip
        squared = ((points.astype(int) - moved[labels]) ** 2).sum(axis=1)
        assert np.array_equal(squared, distances)
        assert before - int((weights * distances).sum()) == fall
        assert np.count_nonzero(outcomes) <= trials
        return labels, distances, moved, sums, counts, outcomes, touched, np.array(fall)

    both(compiled, work)


@pytest.mark.parametrize("width", [1, 5, 32])
@pytest.mark.parametrize("top", [3, 200, 16_320])
@pytest.mark.parametrize("k", [2, 9, 70])
def test_search_rounds(compiled, k, top, width):
    rng = np.random.default_rng(top + k)
    points = points_from(top, 900, top)
    weights = rng.integers(1, 1000, 900)
    centers = points[:k]  # with top 3 some coincide

    def work(kernels):
        labels = np.zeros(900, np.uint16)
        sums, counts = np.zeros((k, 4), np.int64), np.zeros(k, np.int64)
        kernels.accumulate(points, weights, labels, sums, counts)
        moved = centers.copy()
        failed, changed = np.zeros((k, k), np.int32), np.zeros(k, np.int32)
        said, cost = [], None
        for number in range(1, 6):
            tried, kept, after = kernels.search_round(
                points, weights, labels, moved, sums, counts, failed, changed, number,
                width=width, least_ratio=0.05, reach=4, trials=6, iterations=5, relax=29,
                tolerance_bits=12,
            )  # fmt: skip
            assert kept <= tried <= 6
            assert np.count_nonzero(failed == number) == tried - kept
            assert np.any(changed == number) == (kept > 0)
            squared = ((points.astype(int) - moved[labels]) ** 2).sum(axis=1)
            assert after == int((weights * squared).sum())
            assert cost is None or after <= cost
            assert counts.sum() == weights.sum()
            cost = after
            said.append((tried, kept, after))
        return labels, moved, sums, counts, failed, changed, np.array(said)

    both(compiled, work)


@pytest.mark.parametrize("top", [40, 16_320])
@pytest.mark.parametrize("opaque_points", [0, 1, 500, 900])
@pytest.mark.parametrize("hidden", [0, 1])
@pytest.mark.parametrize("iterations", [0, 1, 30])
def test_settle_kinds(compiled, iterations, hidden, opaque_points, top):
    rng = np.random.default_rng(top + opaque_points)
    points = points_from(top, 900, top)
    points[:opaque_points, 3] = 16_320
    weights = rng.integers(1, 1000, 900)
    opaque = min(opaque_points, 6)
    middle = min(max(opaque_points - 4, 0), 893)
    centers = points[[*range(opaque), *range(middle, middle + 7)]]
    centers[:opaque, 3] = 16_320

    def work(kernels):
        moved = centers.copy()
        labels, distances = np.empty(900, np.uint16), np.empty(900, np.int32)
        left, cost = kernels.settle_kinds(
            points, weights, moved, labels, distances, opaque_points=opaque_points,
            opaque=opaque, movable=len(centers) - hidden, iterations=iterations,
            tolerance_bits=13,
        )  # fmt: skip
        assert 0 <= left <= iterations
        assert (labels[:opaque_points] < max(opaque, 1)).all()
        squared = ((points.astype(int) - moved[labels]) ** 2).sum(axis=1)
        assert np.array_equal(squared, distances)
        assert cost == int((weights * distances).sum())
        assert (moved[:opaque, 3] == 16_320).all()
        if hidden:
            assert (moved[-1] == centers[-1]).all()
        if iterations == 0:
            assert (moved == centers).all()
        return moved, labels, distances, np.array([left, cost])

    both(compiled, work)


@pytest.mark.parametrize("top", [2, 16_320])
@pytest.mark.parametrize("count", [1, 5, 64])
def test_near(compiled, count, top):
    centers, some = points_from(20, 70, top), points_from(21, 30, top)
    both(compiled, lambda kernels: (kernels.near(centers, some, count),))


@pytest.mark.parametrize("step", [1, 64])
@pytest.mark.parametrize("k", [1, 2, 30])
@pytest.mark.parametrize("top", [30, 255])
def test_nudge(compiled, k, top, step):
    points = points_from(13, 1200, top) * np.int16(64)
    points[:, 3] = 0
    weights = np.random.default_rng(14).integers(1, 1000, 1200)
    centers = points[:k].copy()
    around = np.array([[j for j in range(k) if j != i][:9] for i in range(k)], np.uint16)

    def work(kernels):
        labels, distances, _, _ = clustered(kernels, points, weights, centers)
        moved, active = centers.copy(), np.ones(k, np.bool_)
        falls = []
        for _ in range(3):
            before = int((weights * distances).sum())
            falls.append(
                kernels.nudge(points, weights, moved, labels, distances, around, active, step)
            )
            assert before - int((weights * distances).sum()) == falls[-1][1]
        return moved, labels, distances, active, np.array(falls)

    both(compiled, work)


@pytest.mark.parametrize("top", [1, 300, 16_320])
@pytest.mark.parametrize("count", [1, 2, 700])
def test_cuts(compiled, count, top):
    points = points_from(15, count, top)
    weights = np.random.default_rng(16).integers(1, 1 << 20, count)
    labels = np.random.default_rng(17).integers(0, 9, count).astype(np.uint16)
    for k in (1, 5, 900):
        both(compiled, lambda kernels, k=k: (kernels.variance_cuts(points, weights, k),))
    both(compiled, lambda kernels: kernels.split_gains(points, weights, labels, 9))


def test_the_best_cut_by_brute_force():
    points = points_from(18, 60)
    points[:, 3] = 0
    weights = np.ones(60, np.int64)
    gains, halves = reference.split_gains(points, weights, np.zeros(60, np.uint16), 1)

    def cost(part):
        return ((part - part.mean(axis=0)) ** 2).sum() if len(part) else 0

    best = max(
        cost(points) - cost(points[points[:, axis] < edge]) - cost(points[points[:, axis] >= edge])
        for axis in range(3)
        for edge in range(64, 16_321, 64)
    )
    assert gains[0] == pytest.approx(best)
    assert halves.shape == (1, 2, 4)


@pytest.mark.parametrize("values", [2, 20, 256])
@pytest.mark.parametrize("count", [1, 7, 5000])
def test_colours(compiled, count, values):
    rng = np.random.default_rng(19)
    a, b = rng.integers(0, values, (2, count, 3), dtype=np.uint8)

    def work(kernels):
        keys, counts = kernels.merge_colors(*kernels.count_colors(a), *kernels.count_colors(b))
        order = kernels.morton_order(keys)
        points = points_from(20, len(keys))
        cells = kernels.merge_cells(points, counts[order], keys[order], 0xE0E0E0)
        table = np.empty(1 << 24, np.uint16)
        kernels.fill_table(keys, np.arange(len(keys), dtype=np.uint16), table)
        found = np.empty(count, np.uint16)
        kernels.look_up(a, table, found)
        return keys, counts, order, *cells, found

    both(compiled, work)


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


@pytest.mark.parametrize("top", [1, 700, 16_320])
@pytest.mark.parametrize("count", [1, 64, 900])
def test_plus_plus(compiled, count, top):
    rng = np.random.default_rng(22)
    points = np.sort(points_from(23, count, top), axis=0)  # in runs that lie together
    weights = rng.integers(1, 1 << 20, count)
    randoms = rng.integers(0, 1 << 64, 60, dtype=np.uint64)
    randoms[:2] = 0, (1 << 64) - 1
    both(compiled, lambda kernels: (kernels.plus_plus(points, weights, randoms),))
