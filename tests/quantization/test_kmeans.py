"""k-means as a public function: results against brute force, and degenerate input."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqcodec.colors.spaces import SPACES
from kqcodec.format.names import EFFORTS
from kqcodec.quantization.kmeans import kmeans


def colors_from(seed, count, values=256):
    return np.random.default_rng(seed).integers(0, values, (count, 3), dtype=np.uint8)


def palette_cost(colors, found):
    return int(((colors.astype(int) - found.palette[found.palette_labels]) ** 2).sum())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 150), st.integers(1, 12))
def test_the_result_is_consistent(seed, count, k):
    colors = colors_from(seed, count, 30)
    weights = np.random.default_rng(seed).integers(1, 50, count)
    found = kmeans(colors, weights, k)
    assert len(found.centers) <= k
    assert found.labels.shape == (count,)
    for label, center in enumerate(found.centers):
        mine = found.labels == label
        mean = np.average(colors[mine], axis=0, weights=weights[mine])
        assert np.allclose(mean, center, rtol=0, atol=1e-9)
    squared = ((colors - found.centers[found.labels]) ** 2).sum(axis=1)
    assert found.inertia == pytest.approx((squared * weights).sum())
    assert len(found.palette) == min(k, len(np.unique(colors, axis=0)))
    assert found.distance_sum == pytest.approx((np.sqrt(squared) * weights).sum())
    to_palette = ((colors[:, np.newaxis].astype(int) - found.palette) ** 2).sum(axis=2)
    assert np.array_equal(found.palette_labels, to_palette.argmin(axis=1))


def test_separate_groups_are_found():
    rng = np.random.default_rng(3)
    means = np.array([[20, 20, 20], [200, 30, 30], [30, 200, 30], [220, 220, 220]])
    truth = rng.integers(0, 4, 400)
    colors = (means[truth] + rng.integers(-5, 6, (400, 3))).astype(np.uint8)
    found = kmeans(colors, None, 4)
    for group in range(4):
        assert len(np.unique(found.labels[truth == group])) == 1
    assert len(found.palette) == 4


def test_weights_are_repetitions():
    colors = colors_from(4, 80, 40)
    weights = np.random.default_rng(4).integers(1, 6, 80)
    weighted = kmeans(colors, weights, 7)
    repeated = kmeans(np.repeat(colors, weights, axis=0), None, 7)
    assert np.array_equal(weighted.centers, repeated.centers)
    assert weighted.inertia == repeated.inertia
    assert np.array_equal(np.repeat(weighted.labels, weights), repeated.labels)


def test_order_does_not_matter():
    colors = colors_from(5, 300)
    order = np.random.default_rng(5).permutation(300)
    plain, shuffled = kmeans(colors, None, 9), kmeans(colors[order], None, 9)
    assert np.array_equal(plain.centers, shuffled.centers)
    assert np.array_equal(plain.labels[order], shuffled.labels)
    assert plain.distance_sum == shuffled.distance_sum


def test_history_falls_to_the_result():
    found = kmeans(colors_from(6, 500), None, 8)
    assert 0 < len(found.history) <= found.iterations
    assert min(found.history) >= found.inertia * 0.999


def test_restarts_never_hurt():
    colors = colors_from(7, 400)
    costs = [palette_cost(colors, kmeans(colors, None, 12, restarts=n)) for n in (1, 2, 5)]
    assert costs == sorted(costs, reverse=True)


def test_efforts_are_worth_it():
    colors = colors_from(12, 1000)
    costs = [palette_cost(colors, kmeans(colors, None, 20, effort=e)) for e in EFFORTS]
    assert list(EFFORTS) == ["fast", "default", "best"]
    assert costs == sorted(costs, reverse=True)


def test_the_palette_is_better_than_rounded_centres():
    colors = colors_from(13, 3000, 40)
    found = kmeans(colors, None, 60)
    rounded = ((colors[:, np.newaxis] - np.rint(found.centers)) ** 2).sum(axis=2).min(axis=1).sum()
    assert palette_cost(colors, found) < rounded


@pytest.mark.parametrize("effort", list(EFFORTS))
@pytest.mark.parametrize("k", [2, 3, 5])
def test_optimum_of_a_small_case(effort, k):
    # On a line the best clusters are intervals: all of them can be tried.
    values = np.unique(np.random.default_rng(14).integers(0, 256, 14))
    colors = np.repeat(values[:, np.newaxis], 3, axis=1).astype(np.uint8)
    best = min(
        sum(3 * part.var() * len(part) for part in np.split(values, cuts))
        for cuts in itertools.combinations(range(1, len(values)), k - 1)
    )
    found = kmeans(colors, None, k, effort=effort)
    assert found.inertia <= best * (1.0001 if effort == "best" else 1.3)


def test_progress_is_reported_and_can_stop():
    colors = colors_from(15, 3000)
    reports = []
    plain = kmeans(colors, None, 30, progress=reports.append)
    assert reports[-1].stage == "palette"
    assert reports[-1].part == 1
    assert [r.part for r in reports] == sorted(r.part for r in reports)
    stopped = kmeans(colors, None, 30, progress=lambda report: False)
    assert len(stopped.palette) == 30
    assert palette_cost(colors, stopped) >= palette_cost(colors, plain)


def test_progress_may_raise():
    def interrupt(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kmeans(colors_from(16, 300), None, 10, progress=interrupt)


@pytest.mark.parametrize("k", [1, 7])
def test_oklab_gives_each_colour_its_perceived_nearest(k):
    colors = np.unique(colors_from(17, 500), axis=0)
    found = kmeans(colors, None, k, space="oklab")
    space = SPACES["oklab"]
    difference = space.points(colors)[:, np.newaxis].astype(int) - space.points(found.palette)
    assert np.array_equal(found.palette_labels, (difference**2).sum(axis=2).argmin(axis=1))
    assert len(found.palette) == k


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
@pytest.mark.parametrize("k", [1, 2])
def test_a_weight_has_an_upper_bound(k, dtype):
    """Also where each colour becomes a centre, and nothing is added up."""
    color = np.array([[1, 2, 3]], np.uint8)
    if dtype is np.float64:
        with pytest.raises(TypeError, match="weights must be integers"):
            kmeans(color, np.ones(1), k)
        return
    most = 1 << 33
    assert kmeans(color, np.array([most], dtype), k).centers.tolist() == [[1, 2, 3]]
    for weight in (most + 1, np.iinfo(dtype).max):
        with pytest.raises(ValueError, match=r"each weight must be in 1\.\.8,589,934,592"):
            kmeans(color, np.array([weight], dtype), k)


def test_no_more_colours_than_k_is_exact():
    colors = colors_from(8, 20)
    found = kmeans(colors, None, 20)
    assert found.inertia == 0
    assert np.array_equal(found.palette[found.palette_labels], colors)
    assert np.array_equal(found.centers[found.labels], colors)


@pytest.mark.parametrize("k", [1, 2, 3, 65_536])
@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_few_colours(k, distinct):
    colors = np.repeat(np.array([[0, 0, 0], [255, 255, 255], [9, 9, 9]], np.uint8), 5, axis=0)
    found = kmeans(colors[: 5 * distinct], None, k)
    assert len(found.palette) == min(k, distinct)


def test_k_is_unique_minus_one():
    colors = np.array([[0, 0, 0], [10, 0, 0], [11, 0, 0], [200, 9, 9]], dtype=np.uint8)
    assert kmeans(colors, None, 3).inertia == 0.5


def test_one_colour_has_nearly_all_the_weight():
    colors = colors_from(9, 100)
    weights = np.ones(100, np.int64)
    weights[17] = 10**6
    found = kmeans(colors, weights, 5)
    assert len(found.palette) == 5
    assert np.abs(found.centers - colors[17]).max(axis=1).min() < 0.01


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"k": 0}, ValueError, "65,536"),
        ({"k": 65_537}, ValueError, "65,536"),
        ({"k": 2.0}, TypeError, "must be a whole number"),
        ({"k": True}, TypeError, "bool"),
        ({"seed": "x"}, TypeError, "seed"),
        ({"restarts": 0}, ValueError, "restarts"),
        ({"effort": "much"}, ValueError, "effort"),
        ({"space": "cmyk"}, ValueError, "space"),
        ({"colors": np.zeros((2, 3))}, TypeError, "uint8"),
        ({"colors": np.zeros((2, 4), np.uint8)}, ValueError, "shape"),
        ({"colors": np.zeros((0, 3), np.uint8)}, ValueError, "shape"),
        ({"weights": np.ones(3)}, TypeError, "weights"),
        ({"weights": np.ones(4, int)}, ValueError, "weights"),
        ({"weights": np.array([1, 0, 1])}, ValueError, "weight"),
        ({"weights": np.array([1, -5, 1])}, ValueError, "weight"),
        ({"weights": np.array([1, 2**33, 1])}, ValueError, "add up"),
    ],
)
def test_wrong_arguments(arguments, error, match):
    given = {"colors": np.eye(3, dtype=np.uint8), "weights": None, "k": 2, **arguments}
    with pytest.raises(error, match=match):
        kmeans(given.pop("colors"), given.pop("weights"), given.pop("k"), **given)
