"""How large numbers become, as the document promises those who choose integers of 32 or 64 bits."""

from __future__ import annotations

import decode_context
import decode_mixing
import decode_palette
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.compiled

values = st.integers(0, 255)
entries = st.lists(values, min_size=4, max_size=4)


@given(st.lists(entries, min_size=2, max_size=32), st.lists(values, max_size=3))
@settings(deadline=None, max_examples=100)
def test_no_masses_of_a_guess_are_over_its_total(
    history: list[list[int]], coded: list[int]
) -> None:
    for masses, total in decode_palette.guesses_of(coded, history):
        assert min(masses) >= 0
        assert sum(masses) <= total < 2**31


@given(values, st.integers(0, 65535))
def test_nor_are_those_of_ascending_entries(least: int, rho: int) -> None:
    masses, total = decode_palette.gaps(least, rho)
    assert min(masses) >= 0
    assert sum(masses) <= total


def test_the_numbers_of_a_palette_are_within_the_bounds_of_rule_14_5() -> None:
    weights = 63488 + 6 * 341  # after a value; before the first one less
    assert 6 * 10922 <= weights == 65534
    sums = weights * 2**40
    assert sums < 2**56
    assert 65536 * (sums // 2**24) < 2**48
    least = 256 * 341  # of Σ m: what guess 5 has at least
    assert 63488 * 2**32 // least < 2**32
    assert 63488 * 2**32 < 2**48
    assert (16 + 2 * 510 + 255) ** 3 < 2**32


def test_what_learns_is_within_its_bounds() -> None:
    assert (2**32 - 1) * 65535 < 2**48  # 13.2
    assert (2**22 - 1) * (131072 // 5) < 2**37  # 15.11, n being 1 in section 19
    assert (65504 - 32) * (131072 // 3) < 2**32  # 17.6
    assert (3 * 2**22 - 1 + 2**22) * 2**26 + 2**24 < 2**51  # 17.16


@pytest.mark.parametrize("rho", decode_context.RHO)
def test_mixers_are_within_their_bounds(rho: int) -> None:
    steps = [
        (65536 * bit - decode_mixing.squash(x)) // 2 * (rho + 12 * rho) // 16384
        for bit in (0, 1)
        for x in (-2047, 2047)
    ]
    assert max(map(abs, steps)) < 2**15
    logits = [decode_mixing.logit(p) for p in (0, 65535)]
    assert max(map(abs, logits)) < 2**15
    assert 2048 * 255 // 128 < 2**15  # 15.8, the second input
    assert 32768 * 13 * rho < 2**31  # ahead of the division by 16384
    assert 3 * 2**18 * 2047 < 2**31  # the sum of a final mixer
