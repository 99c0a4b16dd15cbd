"""Kneedle, on curves whose knee is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.quantization.knee import differences, knee

pytestmark = pytest.mark.compiled


def test_the_papers_figure_2():
    """y = -1/(x + 0.1) + 5 rises and flattens at x = 0.22; turned over it falls."""
    xs = [i / 9 for i in range(10)]
    assert knee(xs, [1 / (x + 0.1) - 5 for x in xs]) == 2


def test_a_corner_is_the_knee():
    xs = list(range(1, 12))
    ys = [100, 80, 60, 40, 20, 5, 4, 3, 2, 1, 0]
    assert knee(xs, ys) == 5
    assert max(differences(xs, ys)) == pytest.approx(0.95 - 0.5)


def test_unevenly_spaced_points_are_measured_as_they_lie():
    xs = [2, 4, 8, 16, 32, 64, 128, 256]
    ys = [1000 / x for x in xs]
    # d = (1 - y) - x is greatest where the slope of the scaled curve is -1, near 22.5.
    assert xs[knee(xs, ys)] in (16, 32)


@pytest.mark.parametrize(
    ("xs", "ys"),
    [
        ([], []),
        ([5], [1]),
        ([1, 2], [9, 1]),
        ([1, 2, 3, 4], [4, 3, 2, 1]),  # straight
        ([1, 2, 3, 4], [0, 0, 0, 0]),
        ([1, 2, 3, 4], [1, 2, 3, 4]),  # rises
        ([1, 2, 3, 4], [10, 9, 7, 0]),  # concave: falls ever faster
        ([1, 2, 3, 4, 5], [10, 7, 4.8, 2.4, 0]),  # bends less than S = 1 wants
    ],
)
def test_curves_without_a_knee(xs, ys):
    assert knee(xs, ys) is None


def test_sensitivity_wants_a_sharper_bend():
    xs, ys = range(2, 11), [1 / k for k in range(2, 11)]
    assert knee(xs, ys, 1) is not None
    assert knee(xs, ys, 5) is None
    assert knee([1, 2, 3, 4, 5], [10, 7, 4.8, 2.4, 0], 0) is not None


def test_of_two_knees_the_greater_bend_counts():
    xs = list(range(11))
    ys = [100, 90, 80, 79, 78, 60, 40, 10, 6, 3, 0]
    assert knee(xs, [y - 20 * x / 10 for x, y in zip(xs, ys, strict=True)]) == 7


@pytest.mark.parametrize(("xs", "ys"), [([1, 2], [1]), ([1, 1, 2], [3, 2, 1]), ([2, 1], [1, 0])])
def test_what_is_no_curve_is_refused(xs, ys):
    with pytest.raises(ValueError, match="curve"):
        knee(xs, ys)


@given(
    st.lists(st.integers(0, 10**9), min_size=3, max_size=40, unique=True),
    st.integers(1, 1000),
    st.integers(-(10**6), 10**6),
)
def test_units_do_not_matter(costs, factor, shift):
    ys = sorted(costs, reverse=True)
    xs = list(range(2, 2 + len(ys)))
    first = knee(xs, ys)
    assert first is None or 0 < first < len(xs) - 1
    # Powers of two scale without rounding.
    assert knee(xs, [y * 2.0**20 for y in ys]) == first
    assert knee([4 * x for x in xs], ys) == first
