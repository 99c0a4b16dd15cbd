"""Pictures with alpha: what is transparent stays so, what is opaque too, and the
rest is as near as it can be."""

import os
import subprocess
import sys
from pathlib import Path

import metrics
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from places import TESTS

import kqcodec
from kqcodec import kernels
from kqcodec.colors.costs import squares
from kqcodec.colors.histogram import histogram
from kqcodec.colors.spaces import ALPHA_SPACES, OPAQUE_COORDINATE, SPACES
from kqcodec.errors import ColorsError
from kqcodec.format.names import EFFORTS

# The reference kernels are slow: the same properties, smaller pictures.
SLOW = kernels.chosen() == "reference"
STEP = 4 if SLOW else 1


@pytest.fixture(scope="session")
def cutout(portrait):
    """A photograph cut out along a soft oval."""
    picture = portrait[:: 2 * STEP, :: 2 * STEP]
    side = len(picture)
    y, x = np.mgrid[0:side, 0:side] * 2 / side - 1
    alpha = np.clip((1 - np.hypot(x * 1.2, y)) * 1500, 0, 255).astype(np.uint8)
    return np.dstack([picture, alpha])


def glass(seed=0, height=30, width=40):
    """A disc that fades out, over nothing: gradients of colour and of alpha."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 20, (height, width, 3))
    color = np.stack([x * 235 // width, y * 235 // height, (x + y) * 2], axis=2) + noise
    radius = np.hypot(x - width / 2, y - height / 2) / (height / 2)
    alpha = np.clip((1.2 - radius) * 510, 0, 255)
    return np.dstack([color, alpha]).astype(np.uint8)


def composited(pixels, background):
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + background * (1 - alpha)


def errors(a, b):
    """The mean squared errors on black and on white."""
    return [
        float(((composited(a, on) - composited(b, on)) ** 2).sum(axis=-1).mean()) for on in (0, 255)
    ]


def check(pixels, found, k):
    """What holds of every result."""
    alpha, shown = pixels[..., 3], found.to_rgba()
    assert found.palette.shape == (found.k, 4)
    assert found.k <= k
    assert len(np.unique(found.labels)) == found.k
    assert len(np.unique(found.palette, axis=0)) == found.k
    assert not shown[alpha == 0].any()
    assert (shown[alpha == 255, 3] == 255).all()
    assert found.costs.mse == pytest.approx(sum(errors(pixels, shown)) / 2)
    assert found.costs.mse == pytest.approx(metrics.mse(pixels, shown))
    assert found.costs.inertia == metrics.inertia(pixels, shown)


@pytest.mark.parametrize("effort", list(EFFORTS))
@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("k", [2, 3, 7, 40])
def test_transparent_and_opaque_pixels_are_exact(effort, space, k):
    pixels = glass(height=14, width=18) if SLOW else glass()
    found = kqcodec.quantize(pixels, k, effort=effort, space=space)
    check(pixels, found, k)
    assert found.k == k


@st.composite
def rgba_pictures(draw):
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    colors = random.integers(0, 256, (draw(st.integers(1, 20)), 4), dtype=np.uint8)
    alphas = draw(st.sampled_from([(0, 255), (0, 1), (0, 128, 255), (1, 254), (254, 255), (0,)]))
    colors[:, 3] = random.choice(alphas, len(colors))
    return colors[random.integers(0, len(colors), (height, width))]


@given(rgba_pictures(), st.integers(1, 12))
@example(np.zeros((1, 1, 4), np.uint8), 1)
@settings(max_examples=40 if SLOW else 200)
def test_any_picture(pixels, k):
    alpha = pixels[..., 3]
    if (alpha == 255).all():
        assert kqcodec.quantize(pixels, k).palette.shape[1] == 3
    elif k == 1 and (alpha == 0).any() and (alpha > 0).any():
        with pytest.raises(ColorsError, match="at least 2"):
            kqcodec.quantize(pixels, k)
    else:
        check(pixels, kqcodec.quantize(pixels, k), k)


@given(rgba_pictures())
def test_few_colours_are_kept_exactly(pixels):
    visible = np.where(pixels[..., 3:] > 0, pixels, 0)
    unique = len(np.unique(visible.reshape(-1, 4), axis=0))
    found = kqcodec.quantize(pixels, unique)
    assert found.k == unique
    assert found.costs.inertia == 0
    assert np.array_equal(found.to_rgba(), visible)


def test_faint_colours_that_look_alike_are_kept_apart():
    # On any background they differ by less than a step of a sample.
    pixels = np.array([[[10, 0, 0, 1], [12, 0, 0, 1], [0, 9, 0, 1]]], dtype=np.uint8)
    assert np.array_equal(kqcodec.quantize(pixels, 3).to_rgba(), pixels)


def test_the_order_is_transparent_translucent_opaque_each_by_luma():
    colors = [[255, 255, 255, 255], [0, 0, 0, 255], [200, 0, 0, 9], [0, 0, 1, 90], [5, 5, 5, 0]]
    found = kqcodec.quantize(np.array([colors], dtype=np.uint8), 8)
    assert found.palette.tolist() == [[0, 0, 0, 0], colors[3], colors[2], colors[1], colors[0]]
    assert found.labels.tolist() == [[4, 3, 2, 1, 0]]


def test_a_real_picture(cutout):
    check(cutout, kqcodec.quantize(cutout, 16), 16)
    costs = [kqcodec.quantize(cutout, k).costs.mse for k in (2, 4, 8, 16, 32)]
    assert costs == sorted(costs, reverse=True)


def test_a_real_picture_is_better_than_pillows(cutout):
    image = Image.fromarray(np.ascontiguousarray(cutout))
    for k in (8, 32, 128):
        pillow = np.asarray(image.quantize(k, Image.Quantize.FASTOCTREE).convert("RGBA"))
        ours = kqcodec.quantize(cutout, k).to_rgba()
        for mine, other in zip(errors(cutout, ours), errors(cutout, pillow), strict=True):
            assert mine < other


def test_opaque_colours_among_many_translucent_ones_get_entries_of_their_own():
    # Each colour is opaque once and nearly so often: by majority, none would be opaque.
    colors = np.random.default_rng(5).integers(0, 256, (24, 3))

    def shown_with(*alphas):
        rows = [np.dstack([[colors], np.full((1, 24), alpha)]) for alpha in alphas]
        return np.concatenate(rows).astype(np.uint8)

    pixels = shown_with(255, *range(225, 250))
    for k, obvious in ((24, shown_with(*[255] * 26)), (48, shown_with(255, *[237] * 25))):
        found = kqcodec.quantize(pixels, k)
        check(pixels, found, k)
        assert found.costs.mse < metrics.mse(pixels, obvious)


@pytest.mark.parametrize("space", list(SPACES))
def test_a_black_shadow_gets_no_tint(space):
    shadow = glass(7)
    shadow[..., :3] = 0
    found = kqcodec.quantize(shadow, 8, space=space)
    check(shadow, found, 8)
    assert not found.palette[:, :3].any()
    assert errors(shadow, found.to_rgba())[0] == 0


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_single_opaque_pixel_keeps_its_entry(k):
    # Giving it up would pay, if it were allowed: all the others are far apart.
    random = np.random.default_rng(1)
    pixels = random.integers(0, 255, (30, 30, 4), dtype=np.uint8)
    pixels[..., 3] = random.choice([0, 1, 2, 128, 253, 254], (30, 30))
    pixels[0, 0] = 9, 8, 7, 255
    check(pixels, kqcodec.quantize(pixels, k), k)


def test_threads_and_orders_change_nothing(monkeypatch):
    pixels = glass(3)
    expected = kqcodec.quantize(pixels, 20, threads=1)
    monkeypatch.setattr("kqcodec.colors.histogram._ALPHA_PART", 100)
    assert kqcodec.quantize(pixels, 20, threads=3) == expected
    flipped = kqcodec.quantize(pixels[::-1, ::-1], 20)
    assert np.array_equal(flipped.labels[::-1, ::-1], expected.labels)
    assert np.array_equal(flipped.palette, expected.palette)


PROGRAM = """
import hashlib, sys
sys.path[:0] = sys.argv[1:]
from test_alpha import glass
import kqcodec
digest = hashlib.sha256()
for k, effort, space in ((2, "default", "rgb"), (9, "best", "rgb"), (40, "default", "oklab")):
    found = kqcodec.quantize(glass(1, 16, 20), k, effort=effort, space=space, restarts=2, seed=5)
    digest.update(found.palette.tobytes() + found.labels.tobytes() + repr(found.costs).encode())
print(digest.hexdigest())
"""


def test_kernels_agree(tmp_path):
    from kqcodec.errors import KernelError
    from kqcodec.kernels import load

    try:
        load("compiled")
    except KernelError:
        pytest.skip("the compiled kernels aren't built")
    digests = {
        subprocess.run(
            [
                sys.executable,
                "-c",
                PROGRAM,
                str(TESTS),
                str(Path(__file__).parent),
            ],
            cwd=tmp_path,
            env={**os.environ, "KQCODEC_KERNELS": name},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for name in ("compiled", "reference")
    }
    assert len(digests) == 1


def test_progress_reports_and_stops():
    pixels = glass(2)
    parts = []
    kqcodec.quantize(pixels, 9, progress=lambda report: parts.append(report.part))
    assert parts == sorted(parts)
    assert 0 <= parts[0] < parts[-1] <= 1
    calls = []
    found = kqcodec.quantize(pixels, 9, progress=lambda report: bool(calls.append(report)))
    assert len(calls) == 1
    check(pixels, found, 9)


# --- spaces -----------------------------------------------------------------


@pytest.mark.parametrize("name", list(SPACES))
def test_opaque_colours_are_as_far_apart_as_without_alpha(name):
    colors = np.random.default_rng(1).integers(0, 256, (500, 4), dtype=np.uint8)
    colors[:, 3] = 255
    points = ALPHA_SPACES[name].points(colors)
    assert np.array_equal(points[:, :3], SPACES[name].points(colors[:, :3])[:, :3])
    assert (points[:, 3] == OPAQUE_COORDINATE).all()


def test_squared_distances_are_the_mean_of_those_on_black_and_on_white():
    random = np.random.default_rng(2)
    a, b = random.integers(0, 256, (2, 1000, 4), dtype=np.uint8)
    points = [ALPHA_SPACES["rgb"].points(colors).astype(np.int64) for colors in (a, b)]
    squared = ((points[0] - points[1]) ** 2).sum(axis=1) / 64**2
    wanted = [((composited(a, on) - composited(b, on)) ** 2).sum(axis=1) for on in (0, 255)]
    assert np.allclose(squared, (wanted[0] + wanted[1]) / 2, rtol=0.01, atol=0.1)
    exact = squares(a, b)[0] / 130_050
    assert np.allclose(exact, (wanted[0] + wanted[1]) / 2)


@pytest.mark.parametrize("name", list(SPACES))
def test_points_and_back(name):
    space = ALPHA_SPACES[name]
    colors = np.random.default_rng(3).integers(0, 256, (2000, 4), dtype=np.uint8)
    points = space.points(colors)
    assert points.min() >= 0
    assert points.max() <= 16_320
    back = space.colors(points)
    assert np.array_equal(back[:, 3], colors[:, 3])
    shown = [composited(c, 0)[colors[:, 3] > 0] for c in (colors, back)]
    assert np.abs(shown[0] - shown[1]).max() <= (0.6 if name == "rgb" else 1.5)
    assert not back[back[:, 3] == 0].any()


# --- histogram --------------------------------------------------------------


@given(rgba_pictures())
def test_the_kinds_of_a_histogram(pixels):
    colors = histogram(pixels)
    visible = np.where(pixels[..., 3:] > 0, pixels, 0).reshape(-1, 4)
    unique, counts = np.unique(visible[:, [3, 0, 1, 2]], axis=0, return_counts=True)
    assert np.array_equal(colors.colors, unique[:, [1, 2, 3, 0]])
    assert np.array_equal(colors.counts, counts)
    hidden, translucent, opaque = (colors.colors[kind, 3] for kind in colors.by_opacity)
    assert len(hidden) + len(translucent) + len(opaque) == len(colors)
    assert len(hidden) <= 1
    assert not hidden.any()
    assert ((translucent > 0) & (translucent < 255)).all()
    assert (opaque == 255).all()


def test_the_sum_of_histograms_has_alpha_where_either_has():
    one, other = histogram(glass()), histogram(glass()[..., :3])
    assert one + other == other + one == one + other.with_alpha()


# --- files ------------------------------------------------------------------


def test_files_keep_alpha(tmp_path):
    pixels = glass()
    size = kqcodec.write(tmp_path / "a.kq", pixels, 16, coder="dense")
    found = kqcodec.read(tmp_path / "a.kq")
    assert found == kqcodec.quantize(pixels, 16)
    decoded = kqcodec.decode((tmp_path / "a.kq").read_bytes())
    assert decoded.shape == (30, 40, 4)
    assert np.array_equal(decoded, found.to_pixels())
    header = kqcodec.open(tmp_path / "a.kq").header
    assert header.alpha
    report = kqcodec.open(tmp_path / "a.kq").size_report()
    assert report.proven
    assert (report.alpha, report.palette_bytes) == (True, 64)
    assert report.raw_bits == 32 * 1200
    assert report.theory_bits == 32 * 16 + 1200 * 4
    assert report.file_bytes == size
    region = kqcodec.open(tmp_path / "a.kq").region((3, 2, 20, 10))
    assert np.array_equal(region.to_rgba(), decoded[2:10, 3:20])


def test_files_without_alpha_are_of_version_1_0():
    opaque = glass()
    opaque[..., 3] = 255
    data = kqcodec.encode(opaque, 16, coder="dense")
    assert data == kqcodec.encode(opaque[..., :3], 16, coder="dense")
    assert data[5:7] == b"\x10\x20"
    assert kqcodec.decode(data).shape == (30, 40, 3)


def test_a_palette_that_could_have_alpha_keeps_it():
    palette = np.array([[1, 2, 3, 255], [4, 5, 6, 255]], dtype=np.uint8)
    indexed = kqcodec.IndexedImage(palette, np.array([[0, 1]]))
    assert kqcodec.read(kqcodec.encode(indexed)) == indexed


# --- indexed images ---------------------------------------------------------


def test_conversions():
    palette = np.array([[9, 9, 9, 0], [200, 100, 0, 128], [1, 2, 3, 255]], dtype=np.uint8)
    indexed = kqcodec.IndexedImage(palette, np.array([[0, 1, 2]]))
    assert indexed.has_alpha
    assert np.array_equal(indexed.to_rgba()[0], palette)
    assert np.array_equal(indexed.to_pixels(), indexed.to_rgba())
    assert indexed.to_rgb()[0].tolist() == [[255, 255, 255], [227, 177, 127], [1, 2, 3]]
    assert indexed.to_rgb((0, 0, 0))[0].tolist() == [[0, 0, 0], [100, 50, 0], [1, 2, 3]]
    flat = indexed.flattened((0, 0, 0))
    assert np.array_equal(flat.labels, indexed.labels)
    assert np.array_equal(flat.to_pixels(), indexed.to_rgb((0, 0, 0)))
    image = indexed.to_pil()
    assert (image.mode, image.info["transparency"]) == ("P", b"\x00\x80\xff")
    assert np.array_equal(np.asarray(image.convert("RGBA"))[0], palette)
    plain = kqcodec.IndexedImage(palette[:, :3], np.array([[0, 1, 2]]))
    assert plain != indexed
    assert not plain.has_alpha
    assert plain.to_rgba()[0, :, 3].tolist() == [255] * 3
    with pytest.raises(ValueError, match="background"):
        indexed.to_rgb((1, 2))


def test_over_256_colours_to_pil():
    palette = np.random.default_rng(1).integers(0, 256, (300, 4), dtype=np.uint8)
    indexed = kqcodec.IndexedImage(palette, np.arange(300).reshape(20, 15))
    image = indexed.to_pil()
    assert image.mode == "RGBA"
    assert np.array_equal(np.asarray(image), indexed.to_rgba())


def test_distances_with_alpha_are_the_mean_of_those_on_black_and_on_white():
    black = np.array([0, 0, 0, 255], dtype=np.uint8)
    white = np.array([255, 255, 255, 255], dtype=np.uint8)
    nothing = np.zeros(4, dtype=np.uint8)
    for one, other, expected in (
        (black, white, 3 * 255**2),
        (black, nothing, 3 * 255**2 / 2),
        (white, nothing, 3 * 255**2 / 2),
        (nothing, nothing + np.array([9, 9, 9, 0], dtype=np.uint8), 0),
    ):
        squared, unit = squares(one, other)
        assert squared / unit == expected


# --- the corpus -------------------------------------------------------------


def test_on_pictures_of_the_corpus(corpus):
    files = sorted([*corpus.glob("alpha/*.png"), *corpus.glob("icon/*.png")])
    assert files
    for file in files:
        pixels = np.asarray(Image.open(file).convert("RGBA"))
        if (pixels[..., 3] < 255).any():
            for k in (32, 256):
                check(pixels, kqcodec.quantize(file, k), k)
