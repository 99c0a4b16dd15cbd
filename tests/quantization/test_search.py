"""The engine on degenerate input, and the same result on every road to it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from places import TESTS

from kqcodec import kernels
from kqcodec.colors.histogram import Histogram, colors_of_keys, histogram
from kqcodec.colors.spaces import SPACES
from kqcodec.format.names import EFFORTS
from kqcodec.quantization import search as engine
from kqcodec.quantization.effort import effort_of
from kqcodec.quantization.options import SearchOptions
from kqcodec.quantization.quantizer import quantize
from kqcodec.quantization.search import find_palette

# The reference kernels are 100 times slower: the same properties, smaller pictures.
SLOW = kernels.chosen() == "reference"


def noise(seed, *shape, top=256):
    return np.random.default_rng(seed).integers(0, top, (*shape, 3), dtype=np.uint8)


def smooth(height, width):
    y, x = np.mgrid[0:height, 0:width]
    wave = np.stack([x * 255 // width, y * 255 // height, (x * 3 + y * 2) % 256], axis=2)
    return np.clip(wave + noise(1, height, width, top=16).astype(int), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("effort", list(EFFORTS))
@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("k", [1, 2, 5, 40])
def test_every_entry_is_used_and_as_many_as_asked_for(effort, space, k):
    found = quantize(smooth(14, 18) if SLOW else smooth(40, 50), k, effort=effort, space=space)
    assert found.k == k
    assert len(np.unique(found.labels)) == k


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_change_nothing(monkeypatch, threads):
    import kqcodec.colors.histogram
    import kqcodec.quantization.color_map

    monkeypatch.setattr(kqcodec.colors.histogram, "_PART", 700)
    monkeypatch.setattr(kqcodec.quantization.color_map, "_PART", 500)
    pixels = smooth(60, 70)
    assert quantize(pixels, 20, threads=threads) == quantize(pixels, 20, threads=1)


def test_order_of_pixels_changes_nothing():
    pixels = smooth(50, 60).reshape(-1, 3)
    order = np.random.default_rng(2).permutation(len(pixels))
    plain = quantize(pixels[np.newaxis], 25)
    shuffled = quantize(pixels[order][np.newaxis], 25)
    assert np.array_equal(plain.palette, shuffled.palette)
    assert np.array_equal(plain.labels[0, order], shuffled.labels[0])
    assert plain.costs == shuffled.costs


PROGRAM = """
import hashlib, sys
sys.path[:0] = sys.argv[1:]
from test_search import smooth
from kqcodec.quantization.quantizer import quantize
digest = hashlib.sha256()
for k, effort, space, restarts in (
    (1, "default", "rgb", 1), (6, "best", "rgb", 1), (60, "default", "rgb", 2),
    (60, "fast", "rgb", 1), (20, "default", "oklab", 1), (300, "default", "rgb", 1),
):
    found = quantize(smooth(22, 25), k, effort=effort, space=space, restarts=restarts, seed=5)
    digest.update(found.palette.tobytes() + found.labels.tobytes() + repr(found.costs).encode())
print(digest.hexdigest())
"""


def test_kernels_agree_on_whole_palettes(tmp_path):
    from kqcodec.errors import KernelError
    from kqcodec.kernels import load

    try:
        load("compiled")
    except KernelError:
        pytest.skip("the compiled kernels aren't built")
    digests = []
    for name in ("compiled", "reference"):
        digests.append(
            subprocess.run(
                [
                    sys.executable,
                    "-c",
                    PROGRAM,
                    str(TESTS),
                    str(Path(__file__).parent),
                ],
                cwd=tmp_path,  # the sources, on the path otherwise, have no compiled kernels
                env={**os.environ, "KQCODEC_KERNELS": name},
                capture_output=True,
                check=True,
                text=True,
            ).stdout
        )
    assert digests[0] == digests[1]


@pytest.mark.parametrize("effort", list(EFFORTS))
def test_one_colour_less_than_there_are(effort):
    pixels = np.unique(noise(3, 300, top=40).reshape(-1, 3), axis=0)[np.newaxis]
    found = quantize(pixels, pixels.shape[1] - 1, effort=effort)
    assert found.k == pixels.shape[1] - 1
    # At best, two neighbours one apart share a colour.
    assert found.costs.inertia <= (20 if effort == "fast" else 3)


@pytest.mark.parametrize("k", [1, 2, 3, 16])
@pytest.mark.parametrize("unique", [1, 2])
def test_one_and_two_colours(unique, k):
    pixels = np.zeros((6, 5, 3), dtype=np.uint8)
    pixels[0, : unique - 1] = 200
    found = quantize(pixels, k)
    assert found.k == min(unique, k)
    assert k == 1 < unique or found.costs.inertia == 0


def test_equal_frequencies():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 32)] * 3), axis=-1).astype(np.uint8)
    found = quantize(grid.reshape(16, 32, 3), 8)
    # Eight cubes of 4 * 4 * 4 colours: 3 * 32^2 * 1.25 on average.
    assert found.costs.mse <= 3 * 32**2 * 1.25 * 1.01


def test_one_colour_with_nearly_all_the_weight():
    colors = histogram(noise(4, 2000))
    counts = colors.counts.copy()
    counts[70] = 20_000_000
    heavy = Histogram(colors.keys, counts)
    found = find_palette(heavy, 16, SearchOptions())
    assert colors_of_keys(colors.keys[70:71]).tolist()[0] in found.palette.tolist()


def test_as_many_clusters_as_there_can_be():
    pixels = colors_of_keys(np.arange(0, 1 << 24, 239, dtype=np.uint32))[np.newaxis]
    assert pixels.shape[1] > 70_000
    if SLOW:
        pixels = pixels[:, ::40]
    found = quantize(pixels, min(65_536, pixels.shape[1] - 100), effort="fast")
    assert found.k >= 0.99 * min(65_536, pixels.shape[1] - 100)


def test_all_colours_there_are():
    if SLOW:
        pytest.skip("takes minutes without compiled kernels")
    step = 1 if "KQCODEC_LARGE" in os.environ else 5
    keys = np.arange(0, 1 << 24, step, dtype=np.uint32)[np.newaxis]
    found = quantize(np.ascontiguousarray(colors_of_keys(keys)), 27, effort="fast")
    assert found.costs.unique_colors == keys.size
    # Three by three by three cubes would leave (256 / 3)^2 / 12 a channel.
    assert found.costs.mse < 3 * (256 / 3) ** 2 / 12 * 1.25


def test_coordinates_stay_in_range():
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]]], dtype=np.uint8)
    pixels = np.concatenate([corners, noise(6, 1, 500)], axis=1)
    assert quantize(pixels, 30, effort="best").k == 30


def test_weights_that_could_overflow_are_refused():
    heavy = Histogram(np.array([1, 2], np.uint32), np.array([2**33, 1]))
    with pytest.raises(ValueError, match="add up"):
        find_palette(heavy, 1, SearchOptions())


@pytest.fixture
def searches(monkeypatch):
    """The efforts of the searches made, and how often two were crossed."""
    made = []
    search, crossed = engine._search, engine._crossover

    def watched(*args, **more):
        made.append(more["effort"].name)
        return search(*args, **more)

    def watched_crossing(*args, **more):
        made.append("crossing")
        return crossed(*args, **more)

    monkeypatch.setattr(engine, "_search", watched)
    monkeypatch.setattr(engine, "_crossover", watched_crossing)
    return made


FEW = histogram(noise(7, 1, 60))


def searched(effort, colors=FEW, k=5, **more):
    return find_palette(colors, k, SearchOptions(effort=effort, **more))


def test_best_makes_the_search_of_default_too(searches):
    searched("best")
    assert "default" in searches
    assert "best" in searches


@pytest.mark.parametrize("seed", range(6))
def test_best_is_never_worse_than_default(seed):
    colors = histogram(noise(seed, 1, 300))
    assert searched("best", colors, 12).cost <= searched("default", colors, 12).cost


@pytest.mark.parametrize("effort", list(EFFORTS))
@pytest.mark.parametrize("stages", [("cells", "colors", "palette"), ("palette",)])
def test_nothing_is_begun_after_a_stop(effort, stages, searches):
    """Neither another search nor a crossing, at once or at the end of the first."""
    searched(effort, restarts=4, progress=lambda progress: progress.stage not in stages)
    assert searches == [effort]


def test_a_stop_after_the_last_search_leaves_out_the_crossings(searches):
    searched("best")
    count = sum(name != "crossing" for name in searches)
    assert len(searches) > count
    searches.clear()
    searched("best", progress=lambda progress: progress.stage != "palette" or len(searches) < count)
    assert len(searches) == count
    assert "crossing" not in searches


def test_of_equals_the_first_is_kept(monkeypatch):
    """Of searches, and of what crossing two of them finds."""
    one = searched("default")
    made = [replace(one, cost=cost) for cost in (9, 7, 7, 7, 8, 9, 9)]
    left = iter(made)
    monkeypatch.setattr(engine, "_search", lambda *_, **__: next(left))
    monkeypatch.setattr(engine, "_crossover", lambda *_, **__: replace(one, cost=7))
    assert searched("best", restarts=2) is made[1]
    better = replace(one, cost=6)
    crossovers = iter([None, better, replace(one, cost=6)])
    left = iter(made)
    monkeypatch.setattr(engine, "_crossover", lambda *_, **__: next(crossovers))
    assert searched("best", restarts=2) is better


@pytest.mark.skipif("KQCODEC_CORPUS" not in os.environ, reason="KQCODEC_CORPUS names no folder")
def test_on_a_photograph_of_the_corpus():
    path = os.path.join(os.environ["KQCODEC_CORPUS"], "photo", "kodim02.png")
    assert quantize(path, 16).costs.mse < 75.932 * 1.02


def test_few_colours_are_searched_on_one_level_by_default_and_on_all_at_best():
    default, best = effort_of("default"), effort_of("best")
    assert len(default.levels_for(8192)) == 1
    assert default.levels_for(8193) == default.levels
    assert best.levels_for(8192) == best.levels
    assert [best.factor_for(points) for points in (1, 2048, 4096, 8193)] == [4, 4, 2, 1]
