"""The part of a screen that pictures are drawn on."""

import numpy as np
import pytest
from PIL import Image
from terminals import blocks_shown, kitty_shown, sixel_shown

from kqcodec.show.terminal.canvas import Canvas

pytestmark = pytest.mark.compiled

PICTURE = np.random.default_rng(4).integers(0, 4, (6, 10, 3)).astype(np.uint8) * 85
IMAGE = Image.fromarray(PICTURE)


@pytest.mark.parametrize(("columns", "rows", "scale"), [(80, 24, 8), (80, None, 8), (40, 24, 4)])
def test_half_blocks_fill_columns_and_rows(columns, rows, scale):
    text, covered = Canvas("blocks", columns, rows).drawn(IMAGE)
    assert np.array_equal(blocks_shown(text), PICTURE.repeat(scale, 0).repeat(scale, 1))
    assert covered == text.count("\n") == 3 * scale


@pytest.mark.parametrize(("columns", "rows"), [(80, 5), (7, None), (1, 1)])
def test_it_never_takes_more_than_there_is(columns, rows):
    for graphics in ("blocks", "shades"):
        lines = Canvas(graphics, columns, rows).drawn(IMAGE).text.splitlines()
        assert rows is None or len(lines) <= rows
        assert all(line.count("▀") <= columns for line in lines)
    text, covered = Canvas("kitty", columns, rows, cell=(9, 20)).drawn(IMAGE)
    ((_, shown),) = kitty_shown(text)
    assert shown.shape[1] <= 9 * columns
    assert rows is None or (shown.shape[0] <= 20 * rows and covered <= rows)


def test_a_pipe_takes_long_pictures_but_not_endless_ones():
    text, rows = Canvas("shades", 80).drawn(Image.new("RGB", (1, 1 << 20)))
    assert rows == text.count("\n") == 5_000


@pytest.mark.parametrize("graphics", ["kitty", "sixel"])
def test_lines_are_made_for_an_image_and_the_cursor_ends_below(graphics):
    text, rows = Canvas(graphics, 5, 4, cell=(8, 16)).drawn(IMAGE)
    assert rows == 2  # 24 pixels
    before, after = "\n\n\x1b[2A\x1b7", "\x1b8\x1b[2B"
    assert text.startswith(before)
    assert text.endswith(after)
    image = text[len(before) : -len(after)]
    larger = PICTURE.repeat(4, 0).repeat(4, 1)
    if graphics == "kitty":
        ((_, shown),) = kitty_shown(image)
        assert np.array_equal(shown, larger)
    else:
        assert np.array_equal(sixel_shown(image), (larger.astype(int) * 100 + 127) // 255)
