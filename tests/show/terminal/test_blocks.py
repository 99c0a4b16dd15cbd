"""Half blocks and shades."""

import numpy as np
import pytest
from terminals import GROUND, blocks_shown

from kqcodec.show.terminal.blocks import blocks, shades

pytestmark = pytest.mark.compiled

RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (128, 128, 128)


def pixels(*rows):
    return np.array(rows, np.uint8)


def test_two_rows_are_a_line_and_runs_share_a_sequence():
    text = blocks(pixels([RED, RED, BLUE], [BLUE, BLUE, BLUE]), true_colors=True)
    assert text == ("\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[38;2;0;0;255;48;2;0;0;255m▀\x1b[0m\n")


def test_a_last_row_has_the_terminals_ground_below():
    text = blocks(pixels([RED], [RED], [BLUE]), true_colors=False)
    assert text == "\x1b[38;5;196;48;5;196m▀\x1b[0m\n\x1b[38;5;21;49m▀\x1b[0m\n"
    assert blocks_shown(text)[3, 0].tolist() == list(GROUND)


@pytest.mark.parametrize("height", [1, 2, 7])
def test_all_colors_are_exact(height):
    picture = np.random.default_rng(height).integers(0, 3, (height, 9, 3)).astype(np.uint8) * 120
    shown = blocks_shown(blocks(picture, true_colors=True))
    assert np.array_equal(shown[:height], picture)


def test_256_colors_are_the_nearest():
    """Compared with a search through all of them."""
    picture = np.random.default_rng(1).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    picture[:2] = picture[:2, :, :1]  # greys
    levels = np.array([0, 95, 135, 175, 215, 255])
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    colors = np.vstack([cube, np.repeat(np.arange(8, 248, 10), 3).reshape(-1, 3)])
    shown = blocks_shown(blocks(picture, true_colors=False))
    distances = ((picture[:, :, np.newaxis].astype(int) - colors) ** 2).sum(-1)
    assert np.array_equal(((shown - picture) ** 2).sum(-1), distances.min(-1))


def test_shades_are_denser_where_it_is_lighter():
    ramp = np.array([0, 30, 60, 90, 120, 140, 160, 200, 220, 255], np.uint8)
    row = np.repeat(ramp, 3).reshape(1, -1, 3)
    assert shades(row) == " .:-=+*#%@\n"
    assert shades(np.vstack([row, row, row[:, ::-1]])) == " .:-=+*#%@\n@%#*+=-:.\n"
    assert shades(pixels([(255, 255, 255)], [(0, 0, 0)])) == "=\n"  # half of it
    assert shades(pixels([(0, 255, 0), (0, 0, 255)])) == "+.\n"  # green looks lighter
