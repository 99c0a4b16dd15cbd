"""Parts that come in any order leave in theirs."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.storage import reordering
from kqcodec.storage.reordering import in_order


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 200))
def test_any_order_comes_out_in_order(seed, count, memory):
    random_ = np.random.default_rng(seed)
    parts = [random_.bytes(int(random_.integers(0, 40))) for _ in range(count)]
    numbered = ((int(i), parts[i]) for i in random_.permutation(count))
    assert list(in_order(numbered, count, memory=memory)) == parts


def test_what_comes_in_order_goes_out_at_once():
    drawn = []

    def numbered():
        for number in range(5):
            drawn.append(number)
            yield number, bytes(number)

    for place, part in enumerate(in_order(numbered(), 5, memory=0)):
        assert len(part) == place
        assert len(drawn) == place + 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0, 0], "0 of 3 came twice"),
        ([2, 2], "2 of 3 came twice"),
        ([3], "3 of 3"),
        ([-1], "-1 of 3"),
        ([0, 2], "1 of 3 never came"),
    ],
)
def test_parts_that_cannot_be_right(numbers, message):
    with pytest.raises(ValueError, match=message):
        list(in_order(((number, b"x") for number in numbers), 3))


def test_the_waiting_file_is_used_again(monkeypatch):
    """Parts that went through the file leave their room to those that follow."""
    file = io.BytesIO()
    monkeypatch.setattr(reordering.tempfile, "TemporaryFile", lambda: file)
    parts = [bytes([i]) * 1000 for i in range(40)]
    numbered = ((i + j, parts[i + j]) for i in range(0, 40, 2) for j in (1, 0))
    found = []
    for part in in_order(numbered, 40, memory=0):
        found.append(part)
        assert len(file.getvalue()) == 1000
    assert found == parts
    assert file.closed
