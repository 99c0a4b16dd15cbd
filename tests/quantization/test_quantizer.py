"""Pixels to indexed images."""

import metrics
import numpy as np
import pytest
from PIL import Image

from kqcodec.images.indexed_image import IndexedImage
from kqcodec.quantization.quantizer import quantize


def picture(seed=0, height=40, width=30):
    """Gradients and a little noise: some 1,000 unique colours."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 3))
    smooth = np.stack([x * 255 // width, y * 255 // height, (x + y) * 2], axis=2)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("k", [1, 2, 3, 10, 64, 300])
def test_every_pixel_has_its_nearest_entry(k):
    pixels = picture()
    found = quantize(pixels, k)
    assert found.k == k
    assert found.labels.shape == pixels.shape[:2]
    assert found.labels.dtype == (np.uint8 if k <= 256 else np.uint16)
    distances = ((pixels[:, :, np.newaxis].astype(int) - found.palette) ** 2).sum(axis=3)
    assert np.array_equal(found.labels, distances.argmin(axis=2))


def test_costs_are_those_of_the_picture():
    pixels = picture()
    found = quantize(pixels, 9)
    rgb = found.palette[found.labels]
    assert found.costs.inertia == metrics.inertia(pixels, rgb)
    assert found.costs.mse == metrics.mse(pixels, rgb)
    assert found.costs.psnr == metrics.psnr(pixels, rgb)
    distances = np.sqrt(((pixels.astype(int) - rgb) ** 2).sum(axis=2))
    assert found.costs.distance_sum == pytest.approx(distances.sum())
    assert found.costs.pixels == 1200
    assert found.costs.palette_colors == 9
    assert found.costs.iterations > 0


def test_images_of_few_colours_are_exact():
    pixels = picture() // 64 * 64
    unique = len(np.unique(pixels.reshape(-1, 3), axis=0))
    for k in (unique, unique + 1, 65_536):
        found = quantize(pixels, k)
        assert found.k == unique
        assert np.array_equal(found.palette[found.labels], pixels)
        assert found.costs.inertia == 0


def test_seeds_and_orders():
    pixels = picture()
    assert quantize(pixels, 12) == quantize(pixels, 12, seed=0, threads=3)
    flipped = quantize(pixels[::-1, ::-1], 12)
    assert np.array_equal(flipped.palette, quantize(pixels, 12).palette)
    assert np.array_equal(flipped.labels[::-1, ::-1], quantize(pixels, 12).labels)


def test_one_pixel():
    found = quantize(np.array([[[1, 2, 3]]], dtype=np.uint8), 16)
    assert found == IndexedImage(
        np.array([[1, 2, 3]], dtype=np.uint8), np.zeros((1, 1), dtype=np.uint8)
    )


def test_more_colour_gives_lower_costs():
    costs = [quantize(picture(), k).costs.mse for k in (2, 4, 8, 16, 32)]
    assert costs == sorted(costs, reverse=True)


def test_other_inputs(tmp_path):
    image = Image.fromarray(picture())
    image.save(tmp_path / "x.png")
    assert quantize(image, 5) == quantize(picture(), 5)
    assert quantize(tmp_path / "x.png", 5) == quantize(picture(), 5)


def test_a_background_flattens():
    rgba = np.zeros((2, 2, 4), np.uint8)
    assert quantize(rgba, 2).palette.tolist() == [[0, 0, 0, 0]]
    assert quantize(rgba, 2, background=(1, 2, 3)).palette.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"k": 0}, ValueError),
        ({"k": 65_537}, ValueError),
        ({"k": "3"}, TypeError),
        ({"restarts": 0}, ValueError),
        ({"threads": 0}, ValueError),
        ({"threads": 1.5}, TypeError),
        ({"seed": None}, TypeError),
    ],
)
def test_wrong_arguments(arguments, error):
    with pytest.raises(error):
        quantize(picture(), **{"k": 3, **arguments})


def test_a_photograph_is_better_than_pillows():
    data = pytest.importorskip("skimage.data")
    pixels = data.chelsea()[::2, ::2]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    for k in (3, 10, 32):
        pillow = np.asarray(image.quantize(k, kmeans=3).convert("RGB"))
        assert quantize(pixels, k).costs.mse < metrics.mse(np.ascontiguousarray(pixels), pillow)
