"""Choosing K: the fewest colours that are good enough, the most that fit."""

import math
from decimal import localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import kqcodec
from kqcodec.coding.encoder import in_order_of
from kqcodec.coding.palette import in_coding_order
from kqcodec.colors.costs import psnr_of_mse
from kqcodec.errors import UnmetGoalError
from kqcodec.format import sizes
from kqcodec.quantization import goals, quantizer
from kqcodec.quantization.elbow import elbow_of
from kqcodec.quantization.goals import (
    Goal,
    inertia_of_quality,
    knee_of,
    quality_of_mse,
    quantize_to,
)
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import count_pixels

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def small():
    """A real photograph, reduced to 27 x 32."""
    from sklearn.datasets import load_sample_image

    return np.ascontiguousarray(load_sample_image("flower.jpg")[::16, ::20])


@pytest.fixture(scope="module")
def counted(small):
    return count_pixels(small)


def quantized(image, k, **options):
    """By the quickest search, which is all that these tests need."""
    return kqcodec.quantize(image, k, effort="fast", **options)


def fewest(image, **goal):
    """Sizes are those of dense, which follow from the header, unless a test says otherwise."""
    return quantize_to(image, effort="fast", **{"coder": "dense", **goal})


def dense(indexed):
    return kqcodec.encode(indexed, coder="dense")


@pytest.fixture
def runs(monkeypatch):
    """The K of every run of quantize."""
    calls = []

    def spy(image, k, options):
        calls.append(k)
        return quantizer.quantized(image, k, options)

    monkeypatch.setattr(goals, "quantized", spy)
    return calls


@pytest.mark.parametrize("psnr", [18, 24.5, 30, 35, 38])
def test_the_fewest_colours_of_a_psnr(small, runs, psnr):
    found = fewest(small, psnr=psnr)
    assert found == quantized(small, found.k)
    assert found.costs.psnr >= psnr
    assert quantized(small, found.k - 1).costs.psnr < psnr
    assert len(runs) <= 9


def test_nobody_elses_precision_matters(small):
    with localcontext() as context:
        context.prec = 3
        coarse = [fewest(small, psnr=31.4), fewest(small, max_bytes=777)]
    assert coarse == [fewest(small, psnr=31.4), fewest(small, max_bytes=777)]


@pytest.mark.parametrize("quality", [20, 50, 75])
def test_the_fewest_colours_of_a_quality(small, runs, quality):
    found = fewest(small, quality=(quality, quality), most=2000)
    assert quality_of_mse(found.costs.mse) >= quality
    assert quality_of_mse(quantized(small, found.k - 1).costs.mse) < quality
    assert len(runs) <= 9


def test_where_the_wanted_quality_is_out_of_reach_the_least_will_do(counted):
    found = fewest(counted, quality=(30, 99), most=64)
    assert found == quantized(counted, 64)
    with pytest.raises(UnmetGoalError, match=r"64 colours reach a quality of .*, not 80"):
        fewest(counted, quality=(80, 99), most=64)


def test_a_psnr_out_of_reach(counted):
    with pytest.raises(UnmetGoalError, match=r"8 colours reach .* dB only, not 60 dB"):
        fewest(counted, psnr=60, most=8)


def test_exactness_takes_all_colours(runs):
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10)
    for options in ({"psnr": math.inf}, {"quality": (100, 100)}):
        runs.clear()
        found = fewest(pixels, **options)
        assert found.k == 100
        assert found.costs.inertia == 0
        assert runs == [100]
        with pytest.raises(UnmetGoalError):
            fewest(pixels, **options, most=99)


@pytest.mark.parametrize("coder", ["packed", "dense"])
@pytest.mark.parametrize("predicted", [True, False])
@pytest.mark.parametrize("max_bytes", [100, 300, 500, 801, 1200, 10**6])
def test_the_most_colours_that_fit(counted, monkeypatch, runs, coder, predicted, max_bytes):
    if not predicted:
        monkeypatch.setattr(sizes, "predictable", lambda name: False)
    found = fewest(counted, max_bytes=max_bytes, coder=coder, tile=16)
    assert found == quantized(counted, found.k)

    def size(k):
        indexed = quantized(counted, k)
        return len(kqcodec.encode(indexed, coder=coder, tile=16))

    assert size(found.k) <= max_bytes
    assert found.k == 256 or size(found.k + 1) > max_bytes
    assert len(runs) <= (2 if predicted else 14)


def test_the_palette_is_in_the_order_that_the_coder_stores(small, monkeypatch):
    """What is measured, and what is given back, is what the file holds."""
    monkeypatch.setattr(
        "kqcodec.quantization.file_sizes.in_order_of", lambda _, indexed: in_coding_order(indexed)
    )
    found = fewest(small, max_bytes=800)
    assert found == in_coding_order(quantized(small, found.k)) != quantized(small, found.k)
    kept = fewest(small, max_bytes=800, sort="frequency")
    assert kept == quantized(small, found.k, sort="frequency")


@pytest.mark.parametrize("predicted", [True, False])
def test_metadata_count_as_a_part_of_the_file(small, tmp_path, monkeypatch, predicted):
    if not predicted:
        monkeypatch.setattr(sizes, "predictable", lambda name: False)
    picture = Image.fromarray(small)
    exif = Image.Exif()
    exif[0x010E] = "a flower " * 50
    picture.save(tmp_path / "flower.png", exif=exif)
    found = fewest(tmp_path / "flower.png", max_bytes=1000, keep=["exif"])
    assert found.metadata.exif is not None
    assert len(dense(found)) <= 1000
    assert found.k < fewest(tmp_path / "flower.png", max_bytes=1000).k
    one_more = quantized(tmp_path / "flower.png", found.k + 1, keep=["exif"])
    assert len(dense(one_more)) > 1000


def test_a_size_that_nothing_fits(counted):
    with pytest.raises(UnmetGoalError, match="one colour alone takes 32 bytes, not at most 31"):
        fewest(counted, max_bytes=31)


def test_a_size_bounds_a_quality(counted):
    free = fewest(counted, psnr=33)
    size = len(dense(free))
    assert fewest(counted, psnr=33, max_bytes=size) == free
    with pytest.raises(UnmetGoalError, match=r"colours, the most that fit 500 bytes, reach"):
        fewest(counted, psnr=33, max_bytes=500)
    found = fewest(counted, quality=(0, 80), max_bytes=500)
    assert found == fewest(counted, max_bytes=500)


@pytest.fixture(scope="module")
def glass(small):
    """The photograph, clear above and ever more opaque below, its last rows wholly."""
    alpha = np.clip(np.arange(27) * 14 - 60, 0, 255).astype(np.uint8)
    return np.dstack([small, np.repeat(alpha[:, np.newaxis], 32, axis=1)])


@pytest.mark.parametrize("predicted", [True, False])
def test_pictures_with_alpha(glass, monkeypatch, predicted):
    if not predicted:
        monkeypatch.setattr(sizes, "predictable", lambda name: False)
    found = fewest(glass, psnr=32)
    assert found.has_alpha
    assert found.costs.psnr >= 32 > quantized(glass, found.k - 1).costs.psnr
    fitting = fewest(glass, max_bytes=600)
    assert len(dense(fitting)) <= 600
    assert len(dense(quantized(glass, fitting.k + 1))) > 600
    assert fewest(glass, knee=True).k in range(6, 64)
    # Two colours are the fewest that keep transparent pixels transparent.
    assert fewest(glass, psnr=3).k == 2
    with pytest.raises(UnmetGoalError, match="2 colours take 145 bytes, not at most 99"):
        fewest(glass, max_bytes=99)
    with pytest.raises(UnmetGoalError, match="at least 2"):
        fewest(glass, psnr=3, most=1)
    assert fewest(glass, max_bytes=99, background=(0, 0, 0)).k == 1


def test_the_knee(counted):
    found = fewest(counted, knee=True)
    assert 8 <= found.k <= 48
    assert found == quantized(counted, found.k)
    small = fewest(counted, knee=True, max_bytes=400)
    assert small.k < found.k
    assert fewest(counted, knee=True, most=10).k < 10


def test_what_changes_no_costs_changes_no_knee(counted, monkeypatch):
    """Pins, order and dithering don't reach the search for the knee, nor what makes it
    slow; what its costs depend on does."""
    seen = []

    def watched(image, ks, options, **more):
        seen.append((options.space, options.seed, options.effort, options.restarts, more))
        return elbow_of(image, ks, options, **more)

    monkeypatch.setattr(goals, "elbow_of", watched)
    plain = knee_of(counted, 40, QuantizeOptions(space="oklab", seed=3))
    pins = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]  # more than the first K holds
    idle = {"pins": pins, "sort": "hue", "dither": 1.0, "dither_kind": "bayer"}
    slow = {"effort": "best", "restarts": 3}
    assert knee_of(counted, 40, QuantizeOptions(space="oklab", seed=3, **idle, **slow)) == plain
    wanted = ("oklab", 3, "fast", 1, {"coders": ()})
    assert seen == [wanted, wanted]


def test_the_knee_of_few_colours_keeps_them_all():
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    assert fewest(pixels, knee=True).costs.inertia == 0
    assert fewest(pixels, knee=True, most=9).k <= 9
    assert fewest(pixels[:1, :1], knee=True).k == 1


def test_options_reach_quantize(counted):
    options = {"effort": "fast", "space": "oklab", "seed": 4, "restarts": 2}
    found = quantize_to(counted, psnr=28, coder="dense", **options, threads=1)
    assert found == kqcodec.quantize(counted, found.k, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": (80, 60)},
        {"quality": (-1, 60)},
        {"quality": (60, 101)},
        {"psnr": 0},
        {"psnr": math.nan},
        {"max_bytes": 0},
        {"psnr": 30, "quality": (30, 60)},
        {"psnr": 30, "knee": True},
        {"psnr": 30, "most": 0},
        {"psnr": 30, "most": 65_537},
        {"psnr": 30, "coder": "fractal"},
        {"psnr": 30, "effort": "heroic"},
    ],
)
def test_impossible_goals_are_refused(counted, options):
    with pytest.raises(ValueError, match=r"."):
        quantize_to(counted, **options)


@pytest.mark.parametrize("number", [np.int64(20), np.float32(20), np.float64(20), Fraction(20)])
def test_every_kind_of_number_is_one(counted, number):
    assert quantize_to(counted, psnr=number) == quantize_to(counted, psnr=20)
    assert Goal(quality=[np.uint8(0), number]) == Goal(quality=(0, 20))


@pytest.mark.parametrize(
    "odd", ["20", True, np.True_, np.array(20), np.array([20, 20]), b"9", None]
)
def test_what_is_no_number_is_told(counted, odd):
    with pytest.raises(TypeError, match="quality must be a number, not"):
        quantize_to(counted, quality=(0, odd))
    with pytest.raises(TypeError, match=r"quality must be \(least, wanted\), not"):
        quantize_to(counted, quality=[0])
    if odd is not None:
        with pytest.raises(TypeError, match="psnr must be a number, not"):
            quantize_to(counted, psnr=odd)


@pytest.mark.parametrize("psnr", [301, 1e7, 1e80, 2**80, math.inf])
def test_more_decibels_than_any_error_has_are_exact(psnr):
    assert Goal(psnr=psnr).inertias(2**62) == (0, 0)
    assert min(Goal(psnr=200.0).inertias(2**62)) > 0


def test_an_unknown_argument_is_refused(counted):
    with pytest.raises(TypeError, match="colours"):
        fewest(counted, psnr=30, colours=7)


@given(st.integers(0, 100), st.integers(1, 10**8))
def test_quality_and_error_are_each_others_inverse(quality, pixels):
    inertia = inertia_of_quality(quality, pixels)
    assert quality_of_mse(inertia / pixels) >= quality - 1e-9
    assert quality_of_mse((inertia + 1) / pixels) < quality + 1e-9 or quality == 0


@given(st.floats(0.5, 90), st.integers(1, 10**8))
@settings(max_examples=200)
def test_decibels_and_error_are_each_others_inverse(psnr, pixels):
    inertia = Goal(psnr=psnr).inertias(pixels)[1]
    assert psnr_of_mse(inertia / pixels) >= psnr - 1e-9
    assert psnr_of_mse((inertia + 1) / pixels) <= psnr + 1e-9


def test_the_scale_is_as_documented():
    assert quality_of_mse(0) == 100
    assert quality_of_mse(140) == quality_of_mse(10**5) == 0
    assert psnr_of_mse(140) == pytest.approx(31.4, abs=0.05)
    for quality, mse, psnr in ((50, 49.5, 36.0), (80, 12.5, 41.9)):
        assert quality_of_mse(mse) == pytest.approx(quality, abs=0.1)
        assert psnr_of_mse(mse) == pytest.approx(psnr, abs=0.05)


def test_a_size_of_a_coder_that_must_be_run(small):
    found = fewest(small, max_bytes=500, coder="context")
    size = len(kqcodec.encode(found, effort="fast"))
    assert size <= 500
    assert found == in_order_of("context", quantized(small, found.k))
    larger = in_order_of("context", quantized(small, found.k + 1))
    assert len(kqcodec.encode(larger, effort="fast")) > 500


@pytest.mark.parametrize("wrong", [{"coder": "zip"}, {"effort": "most"}, {"tile": 17}])
def test_wrong_names_are_refused_before_the_search(small, wrong, runs):
    with pytest.raises(ValueError, match=r"coder|effort|tile"):
        quantize_to(small, **{"max_bytes": 500, **wrong})
    assert runs == []
