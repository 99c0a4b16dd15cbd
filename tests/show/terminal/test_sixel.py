"""Sixels, read again by a parser of the tests'."""

import numpy as np
import pytest
from terminals import sixel_shown

from kqcodec.show.terminal.sixel import sixel

pytestmark = pytest.mark.compiled


def percents(pixels):
    return (pixels.astype(int) * 100 + 127) // 255


def test_a_small_picture_is_these_characters():
    """Red but for one blue pixel, in two bands of which the second has a single row."""
    picture = np.full((7, 8, 3), (255, 0, 0), np.uint8)
    picture[1, 2] = (0, 0, 255)
    assert sixel(picture) == (
        '\x1bP0;1q"1;1;8;7#0;2;0;0;100#1;2;100;0;0'
        "#0??A$#1~~|!5~"  # bit 1 of column 2; the rest
        "-#1!8@\x1b\\"
    )


@pytest.mark.parametrize("shape", [(1, 1), (6, 5), (13, 40), (30, 7)])
@pytest.mark.parametrize("k", [1, 2, 9, 256])
def test_up_to_256_colors_are_exact(shape, k):
    random = np.random.default_rng(k)
    palette = random.integers(0, 256, (k, 3)).astype(np.uint8)
    picture = palette[random.integers(0, k, shape)]
    assert np.array_equal(sixel_shown(sixel(picture)), percents(picture))


def test_more_colors_become_256():
    y, x = np.mgrid[:48, :64]
    picture = np.dstack([4 * x, 5 * y, 2 * (x + y)]).astype(np.uint8)
    text = sixel(picture)
    assert text.count(";2;") <= 256
    differences = sixel_shown(text) - percents(picture)
    assert np.abs(differences).mean() < 2


def test_runs_are_short():
    assert len(sixel(np.zeros((600, 800, 3), np.uint8))) < 1000
