"""Pictures made as large as there is room for."""

import numpy as np
import pytest
from PIL import Image

from kqcodec.show.terminal.fitting import Room, fitted, fitted_size

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [
        ((16, 16), (80, 46), (32, 32)),  # whole multiples
        ((16, 16), (80, 800), (80, 80)),
        ((80, 46), (80, 46), (80, 46)),
        ((81, 46), (80, 46), (80, 45)),
        ((640, 480), (80, 46), (61, 46)),
        ((640, 480), (40, 800), (40, 30)),
        ((10_000, 3), (80, 46), (80, 1)),  # never nothing
        ((3, 10_000), (80, 46), (1, 46)),
        ((1, 1), (1, 1), (1, 1)),
        ((1, 1 << 26), (80, 800), (1, 800)),
        ((10, 10), (1 << 16, 1 << 16), (2890, 2890)),  # what a large screen has
    ],
)
def test_the_size_is_a_multiple_or_fills_the_room(size, room, expected):
    assert fitted_size(*size, Room(*room, square=4)) == expected


def test_larger_ones_repeat_pixels():
    pixels = np.random.default_rng(3).integers(0, 256, (5, 4, 3)).astype(np.uint8)
    larger = fitted(Image.fromarray(pixels), Room(12, 99, 4))
    assert np.array_equal(larger, pixels.repeat(3, 0).repeat(3, 1))


def test_smaller_ones_are_means_or_exact():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[::2] = 200
    image = Image.fromarray(pixels)
    assert (fitted(image, Room(2, 99, 4)) == 100).all()
    assert set(np.unique(fitted(image, Room(2, 99, 4), exact=True))) <= {0, 200}


def test_a_checkerboard_is_seen_through_what_is_transparent():
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[..., 0] = 250
    pixels[0, 0, 3], pixels[0, 1, 3] = 255, 51
    shown = fitted(Image.fromarray(pixels), Room(4, 99, 2))
    assert shown[0, 0].tolist() == [250, 0, 0]
    assert shown[0, 1].tolist() == [132, 82, 82]  # a fifth of it, on 102
    assert shown[1:, :2, 0].tolist() == [[102, 102], [153, 153], [153, 153]]
    assert shown[2:, 2:].tolist() == [[[102] * 3] * 2] * 2


def test_colors_of_transparent_pixels_do_not_bleed():
    pixels = np.array([[(255, 0, 0, 0), (0, 0, 90, 255)]], np.uint8)
    shown = fitted(Image.fromarray(pixels), Room(1, 99, 4))
    assert shown[0, 0, 0] == shown[0, 0, 1] == 51  # half of the board's, and none of the red
