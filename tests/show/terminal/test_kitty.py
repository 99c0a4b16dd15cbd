"""The graphics protocol of kitty."""

import numpy as np
import pytest
from terminals import kitty_shown

from kqcodec.show.terminal.kitty import kitty

pytestmark = pytest.mark.compiled


def test_a_small_picture_is_one_sequence():
    picture = np.array([[(1, 2, 3), (4, 5, 6)]], np.uint8)
    text = kitty(picture)
    assert text.startswith("\x1b_Ga=T,f=100,q=2,C=1,m=0;iVBORw0KGgo")
    assert text.count("\x1b_G") == text.count("\x1b\\") == 1
    ((_, shown),) = kitty_shown(text)
    assert np.array_equal(shown, picture)


def test_a_large_one_comes_in_pieces_and_replaces_its_like():
    picture = np.random.default_rng(2).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    text = kitty(picture, 77)
    assert text.count("\x1b_Gq=2,m=1;") >= 2
    assert text.count("m=0;") == 1
    ((controls, shown),) = kitty_shown(text)
    assert (controls["i"], controls["p"]) == ("77", "1")
    assert np.array_equal(shown, picture)
