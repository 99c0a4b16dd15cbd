"""Dithering: right on average, exact where it can be, the same however it is run."""

import metrics
import numpy as np
import pytest

import kqcodec
from kqcodec.colors.spaces import space_of
from kqcodec.quantization import dither
from kqcodec.quantization.dither import DITHER_KINDS

KINDS = pytest.mark.parametrize("kind", DITHER_KINDS)
BLACK_AND_WHITE = np.array([[0, 0, 0], [255, 255, 255]], np.uint8)


def ramp(height=40, width=40):
    """A grey gradient, which two or four colours can't show."""
    grey = np.linspace(40, 215, width).astype(np.uint8)
    return np.repeat(np.tile(grey, (height, 1))[:, :, np.newaxis], 3, axis=2)


@KINDS
@pytest.mark.parametrize("space", ["rgb", "oklab"])
def test_areas_have_the_right_colour_on_average(kind, space):
    """Of each strip, in the space in which the error is spread."""
    pixels = ramp()
    shown = kqcodec.quantize(
        pixels, palette=BLACK_AND_WHITE, dither=1, dither_kind=kind, space=space
    ).to_rgb()
    of = space_of(space)
    for left in range(0, 40, 8):
        strip = slice(left, left + 8)
        means = [
            of.points(image[:, strip].reshape(-1, 3))[:, 0].mean() for image in (pixels, shown)
        ]
        assert abs(means[0] - means[1]) < 0.04 * 16_320


@KINDS
def test_it_costs_error_and_gains_likeness_from_afar(kind, portrait):
    pixels = np.ascontiguousarray(portrait[:64, 180:244])
    corners = np.indices((2, 2, 2)).reshape(3, 8).T.astype(np.uint8) * 255
    plain = kqcodec.quantize(pixels, palette=corners)
    found = kqcodec.quantize(pixels, palette=corners, dither=1, dither_kind=kind)
    assert np.array_equal(found.palette, corners)
    assert found.costs.mse > 1.5 * plain.costs.mse

    def from_afar(image):
        return image.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))

    off = [np.abs(from_afar(i.to_rgb()) - from_afar(pixels)).mean() for i in (found, plain)]
    assert off[0] < 0.15 * off[1]


@pytest.mark.parametrize("kind", ["bayer", "blue-noise"])
def test_errors_dont_wind_up_where_no_entries_reach(kind):
    """Of a colour outside what its entries can mix, errors that are only ever added drag
    the mix far to one side."""
    palette = np.array(
        [[126, 69, 8], [253, 29, 170], [242, 233, 148], [68, 27, 199]], dtype=np.uint8
    )
    color = np.array([24, 144, 155], dtype=np.uint8)
    pixels = np.tile(color, (64, 64, 1))
    shown = kqcodec.quantize(pixels, palette=palette, dither=1, dither_kind=kind).to_rgb()
    off = shown.reshape(-1, 3).mean(axis=0) - color
    assert (off**2).sum() < 14_000  # 18,717 without a bound; no mix has less than 11,000


def test_diffused_errors_dont_wind_up_where_no_entries_reach():
    """Behind an area that is lighter than every entry, exact colours are soon themselves."""
    palette = np.array([[0, 0, 0], [64, 64, 64], [128, 128, 128]], dtype=np.uint8)
    pixels = np.full((40, 64, 3), 255, dtype=np.uint8)
    pixels[:, 32:] = 64
    found = kqcodec.quantize(pixels, palette=palette, dither=1)
    assert (found.labels[:, :32] == 2).all()
    assert (found.labels[:, 35:] == 1).all()  # unbounded, errors get to 37


@KINDS
def test_costs_are_those_of_the_picture(kind):
    pixels = ramp()
    found = kqcodec.quantize(pixels, 4, dither=0.7, dither_kind=kind)
    rgb = found.to_rgb()
    assert found.costs.inertia == metrics.inertia(pixels, rgb)
    assert found.costs.psnr == metrics.psnr(pixels, rgb)
    distances = np.sqrt(((pixels.astype(int) - rgb) ** 2).sum(axis=2))
    assert found.costs.distance_sum == pytest.approx(distances.sum())
    assert found.costs.unique_colors == len(np.unique(pixels))


@KINDS
def test_none_is_none_and_more_is_more(kind):
    pixels = ramp()
    plain = kqcodec.quantize(pixels, 4)
    assert kqcodec.quantize(pixels, 4, dither=0, dither_kind=kind) == plain
    errors = [
        kqcodec.quantize(pixels, 4, dither=amount, dither_kind=kind).costs.inertia
        for amount in (0.3, 0.6, 1)
    ]
    assert [plain.costs.inertia, *errors] == sorted([plain.costs.inertia, *errors])


@KINDS
def test_what_is_exact_stays_so(kind):
    pixels = ramp() // 64 * 64
    assert np.array_equal(kqcodec.quantize(pixels, 16, dither=1, dither_kind=kind).to_rgb(), pixels)


@pytest.mark.parametrize("kind", DITHER_KINDS[1:])
def test_thresholds_keep_equal_colours_equal(kind):
    """A pixel depends on its colour and place alone, so an exact area stays exact."""
    pixels = ramp()
    pixels[10:20, 10:20] = 255
    found = kqcodec.quantize(pixels, palette=BLACK_AND_WHITE, dither=1, dither_kind=kind)
    assert (found.labels[10:20, 10:20] == 1).all()
    changed = pixels.copy()
    changed[:5] = 9
    again = kqcodec.quantize(changed, palette=BLACK_AND_WHITE, dither=1, dither_kind=kind)
    assert np.array_equal(found.labels[5:], again.labels[5:])


@KINDS
@pytest.mark.parametrize("space", ["rgb", "oklab"])
def test_neither_threads_nor_parts_matter(kind, space, monkeypatch):
    pixels = ramp()
    arguments = {"dither": 0.9, "dither_kind": kind, "space": space}
    once = kqcodec.quantize(pixels, 5, threads=1, **arguments)
    monkeypatch.setattr(dither, "_MIXED", 40 * 7)
    monkeypatch.setattr(dither, "_DIFFUSED", 40 * 7)
    assert kqcodec.quantize(pixels, 5, threads=3, **arguments) == once


@KINDS
def test_single_pixels_rows_and_columns(kind):
    for shape in ((1, 1), (1, 9), (9, 1)):
        pixels = np.full((*shape, 3), 100, np.uint8)
        found = kqcodec.quantize(pixels, palette=BLACK_AND_WHITE, dither=1, dither_kind=kind)
        assert found.labels.shape == shape
        assert found.k == 2


def test_bayers_matrix_is_his():
    assert dither._bayer()[:2].tolist() == [
        [0, 32, 8, 40, 2, 34, 10, 42],
        [48, 16, 56, 24, 50, 18, 58, 26],
    ]
    assert np.array_equal(np.sort(dither._bayer(), axis=None), np.arange(64))


def test_blue_noise_is_even_and_lacks_low_frequencies():
    noise = dither._blue_noise()
    assert noise.shape == (64, 64)
    assert (np.bincount(noise.ravel()) == 64).all()
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    distance = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(64)]))
    low, high = power[(distance > 0) & (distance < 0.15)], power[distance > 0.3]
    assert low.mean() < 0.02 * high.mean()


def test_blue_noise_is_the_same_everywhere():
    noise = dither._blue_noise()
    assert noise[0, :8].tolist() == [41, 31, 61, 44, 35, 12, 61, 33]
    assert int((noise.astype(np.int64).ravel() * np.arange(4096)).sum()) == 264_029_841


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"dither": -0.1}, ValueError),
        ({"dither": 1.1}, ValueError),
        ({"dither": float("nan")}, ValueError),
        ({"dither": "1"}, TypeError),
        ({"dither": True}, TypeError),
        ({"dither": 1, "dither_kind": "random"}, ValueError),
    ],
)
def test_wrong_arguments(arguments, error):
    with pytest.raises(error, match="dither"):
        kqcodec.quantize(ramp(), 4, **arguments)
