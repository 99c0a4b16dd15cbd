"""The K at which a falling function crosses zero, and how few evaluations it takes."""

import bisect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.quantization.secant import zero_crossing

pytestmark = pytest.mark.compiled


def counted(values):
    """A function of K = 1, 2, ... and the list of its calls."""
    calls = []

    def value(k):
        calls.append(k)
        return values[k - 1]

    return value, calls


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.data())
def test_the_least_k_of_any_falling_function(values, data):
    values.sort(reverse=True)
    first = data.draw(st.integers(1, len(values)))
    value, calls = counted(values)
    found = zero_crossing(value, len(values), first)
    least = bisect.bisect_left(values, 0, key=lambda v: -v) + 1
    assert found == (least if least <= len(values) else None)
    assert len(set(calls)) == len(calls)
    assert all(1 <= k <= len(values) for k in calls)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200), st.data())
def test_a_function_that_goes_up_and_down_is_crossed_somewhere(values, data):
    first = data.draw(st.integers(1, len(values)))
    found = zero_crossing(counted(values)[0], len(values), first)
    if found is None:
        assert values[-1] > 0
    else:
        assert values[found - 1] <= 0
        assert found == 1 or values[found - 2] > 0


@pytest.mark.parametrize("exponent", [0.5, 0.7, 1.0, 1.5])
@pytest.mark.parametrize("target", [1, 2, 3, 17, 100, 255, 256])
def test_curves_like_those_of_pictures_take_few_steps(exponent, target):
    # A power of K, with a ripple as a search's luck makes it.
    values = [exponent * math.log((target - 0.5) / k) for k in range(1, 257)]
    values = [v + 0.002 * math.sin(7 * k) / k for k, v in enumerate(values, 1)]
    value, calls = counted(values)
    found = zero_crossing(value, 256, 16)
    assert found == target
    assert len(calls) <= 8


def test_a_cliff_takes_no_more_than_a_few_bisections():
    values = [1000.0] * 40_000 + [-1e-9] * 25_536
    value, calls = counted(values)
    assert zero_crossing(value, len(values), 16) == 40_001
    assert len(calls) < 80
