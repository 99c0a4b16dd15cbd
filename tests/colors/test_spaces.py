"""RGB and Oklab, against floating point."""

import numpy as np
import pytest

from kqcodec.colors.spaces import SPACES, TOP, space_of


def some_colors():
    corners = np.stack(np.meshgrid(*[[0, 1, 10, 11, 128, 254, 255]] * 3), axis=-1)
    drawn = np.random.default_rng(1).integers(0, 256, (2000, 3))
    return np.concatenate([corners.reshape(-1, 3), drawn]).astype(np.uint8)


@pytest.mark.parametrize("name", list(SPACES))
def test_there_and_back(name):
    space = space_of(name)
    points = space.points(some_colors())
    assert points.dtype == np.int16
    assert points.min() >= 0
    assert points.max() <= TOP
    assert not points[:, 3].any()
    back = space.colors(points).astype(int)
    assert np.abs(back - some_colors()).max() <= (0 if name == "rgb" else 1)


def test_rgb_rounds_halves_up():
    centers = np.array([[0, 31, 32, 0], [16320, 16319, 95, 0]], dtype=np.int16)
    assert SPACES["rgb"].colors(centers).tolist() == [[0, 0, 1], [255, 255, 1]]


def test_oklab_is_ottossons():
    srgb = some_colors() / 255
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    cones = (
        light
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    lab = (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )
    expected = lab * TOP + [0, TOP // 2, TOP // 2]
    assert np.abs(SPACES["oklab"].points(some_colors())[:, :3] - expected).max() <= 1


def test_grey_has_no_opponent_colour():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
    points = SPACES["oklab"].points(grey)
    assert np.all(np.diff(points[:, 0]) > 0)
    assert np.abs(points[:, 1:3] - TOP // 2).max() <= 1


def test_unknown_space():
    with pytest.raises(ValueError, match="rgb, oklab"):
        space_of("hsv")
