"""The elbow: costs and sizes in every number of colours."""

import json

import numpy as np
import pytest
from PIL import Image

import kqcodec
from kqcodec.format import sizes
from kqcodec.images.contact_sheet import Column, contact_sheet
from kqcodec.quantization.elbow import NOTEBOOK_KS
from kqcodec.quantization.quantizer import count_pixels

pytestmark = pytest.mark.compiled

CODERS = ("packed", "dense")


@pytest.fixture(scope="module")
def small(request):
    """A real photograph, reduced to 32 x 32."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[::16, ::16])


@pytest.fixture(scope="module")
def found(small):
    return kqcodec.elbow(small, restarts=1)


def test_each_point_is_what_quantize_gives(small, found):
    assert [point.k for point in found.points] == list(NOTEBOOK_KS)
    for point in found.points:
        indexed = kqcodec.quantize(small, point.k, restarts=1)
        costs = indexed.costs
        assert (point.inertia, point.distance_sum) == (costs.inertia, costs.distance_sum)
        assert (point.mse, point.psnr, point.colors) == (costs.mse, costs.psnr, indexed.k)
        assert point.theory_bits == sizes.theory_bits(32 * 32, indexed.k)
        assert found.image(point.k) == indexed


def test_sizes_are_those_of_real_files(small, found):
    for point in found.points:
        for coder in CODERS:
            data = kqcodec.encode(small, point.k, coder=coder, restarts=1)
            assert point.file_bytes[coder] == len(data)


@pytest.mark.parametrize("coder", CODERS)
def test_a_coder_without_prediction_is_measured(small, monkeypatch, coder):
    """As any coder is that adapts to the picture."""
    predicted = kqcodec.elbow(small, (2, 10), coders=[coder], tile=16)
    monkeypatch.setattr(sizes, "predictable", lambda name: False)
    monkeypatch.delitem(sizes.__dict__, "file_size")
    measured = kqcodec.elbow(small, (2, 10), coders=[coder], tile=16)
    assert measured.points == predicted.points


def test_the_knee_of_a_real_picture(found):
    inertia = [point.inertia for point in found.points]
    assert inertia == sorted(inertia, reverse=True)
    assert found.knee in range(3, 8)
    assert found.distance_knee in range(3, 8)


def test_the_knee_of_a_picture_of_five_colours_and_some_noise():
    random = np.random.default_rng(7)
    colors = np.array([[20, 20, 20], [230, 20, 20], [20, 230, 20], [20, 20, 230], [240, 240, 240]])
    pixels = colors[random.integers(0, 5, (30, 30))] + random.integers(-6, 7, (30, 30, 3))
    found = kqcodec.elbow(pixels.astype(np.uint8), restarts=1)
    assert found.knee == found.distance_knee == 5


def test_colours_that_a_picture_lacks_change_nothing():
    pixels = np.arange(4, dtype=np.uint8).repeat(6).reshape(4, 6) * 60
    found = kqcodec.elbow(pixels, [9, 2, 4, 3, 9])
    assert [(point.k, point.colors) for point in found.points] == [(2, 2), (3, 3), (4, 4), (9, 4)]
    assert [point.inertia for point in found.points[2:]] == [0, 0]
    assert found.unique_colors == 4
    assert "Infinity" not in json.dumps(found.to_dict())
    assert found.to_dict()["points"][-1]["psnr"] is None


def test_progress_sees_each_point(small):
    seen = []
    found = kqcodec.elbow(small, (2, 3), restarts=1, progress=seen.append)
    assert tuple(seen) == found.points


def test_pixels_are_counted_once(small, monkeypatch):
    counted = count_pixels(small)
    monkeypatch.setattr("kqcodec.quantization.quantizer.histogram", None)
    assert kqcodec.elbow(counted, (2, 3), restarts=1).points[0].k == 2


def test_options_reach_the_search(small):
    one = kqcodec.elbow(small, (6,), restarts=2, effort="fast", space="oklab", threads=1)
    indexed = kqcodec.quantize(small, 6, effort="fast", space="oklab", restarts=2)
    assert one.points[0].inertia == indexed.costs.inertia
    assert one.image(6) == indexed


@pytest.mark.parametrize("ks", [[], [0], [70_000], [3, "4"]])
def test_impossible_ks_are_refused(small, ks):
    with pytest.raises((TypeError, ValueError)):
        kqcodec.elbow(small, ks)


def test_an_unknown_coder_is_refused(small):
    with pytest.raises(ValueError, match="fractal"):
        kqcodec.elbow(small, (2,), coders=["fractal"])


def test_the_plot_has_costs_sizes_and_the_knee(found):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    figure = found.plot("astronaut")
    costs, file_sizes, _ = figure.axes
    ks = list(NOTEBOOK_KS)
    assert list(costs.lines[0].get_xdata()) == ks
    assert list(costs.lines[0].get_ydata()) == [point.inertia for point in found.points]
    labels = [line.get_label() for line in file_sizes.lines]
    assert labels[1:3] == list(CODERS)
    assert list(file_sizes.lines[2].get_ydata()) == [p.file_bytes["dense"] for p in found.points]
    assert [text.get_text() for text in costs.texts] == [f"knee, K = {found.knee}"]


def test_without_matplotlib_the_extra_is_named(found, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"kqcodec\[plot\]"):
        found.plot()


def test_pictures_stand_side_by_side(small, found):
    sheet = found.pictures((3, 6, 10))
    zoomed = 12 * 32
    assert sheet.size == (24 + 4 * (zoomed + 24), sheet.height)
    pixels = np.asarray(sheet)
    for place, version in enumerate([small, *(found.image(k).to_rgb() for k in (3, 6, 10))]):
        left = 24 + place * (zoomed + 24)
        shown = pixels[24 : 24 + zoomed : 12, left : left + zoomed : 12]
        assert (shown == version).all()
    below = pixels[24 + zoomed + 20, 24 + (zoomed + 24) :][:zoomed]
    assert {tuple(color) for color in below.tolist()} >= {
        tuple(color) for color in found.image(3).palette.tolist()
    }


def test_pictures_with_alpha_stand_on_paper(small):
    alpha = np.zeros((32, 32, 1), np.uint8)
    alpha[16:] = 255
    found = kqcodec.elbow(np.dstack([small, alpha]), (2, 4), restarts=1, effort="fast")
    assert found.points[0].theory_bits == sizes.theory_bits(32 * 32, 2, alpha=True)
    data = kqcodec.encode(found.image(2), coder="dense")
    assert found.points[0].file_bytes["dense"] == len(data)
    sheet = np.asarray(found.pictures((2, 4)))
    paper = sheet[0, 0]
    for place in range(3):
        left = 24 + place * (12 * 32 + 24)
        assert (sheet[24 : 24 + 192, left : left + 384] == paper).all()
        assert not (sheet[24 + 192 : 24 + 384, left : left + 384] == paper).all()


@pytest.mark.parametrize("size", [(1, 1), (15, 15), (1089, 33), (20, 1500), (2000, 1300)])
def test_sheets_of_pictures_of_any_size(size):
    width, height = size
    pixels = np.full((height, width, 3), 90, np.uint8)
    palette = np.zeros((3000, 3), np.uint8)
    sheet = contact_sheet([Column(pixels, ("one", "two", "three"), palette)] * 6)
    assert isinstance(sheet, Image.Image)
    assert 4 * 240 < sheet.width <= 4 * 640 + 5 * 24
    assert sheet.height < 2 * 1100
