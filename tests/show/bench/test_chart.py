"""The picture of `kq bench`: what is drawn where."""

from itertools import combinations

import numpy as np
import pytest

from kqcodec.format.names import CODERS
from kqcodec.show.bench.chart import chart, figure_of
from kqcodec.show.bench.measure import Measurement, Result
from kqcodec.show.bench.subject import Shape
from kqcodec.show.bench.summary import summarize

pytest.importorskip("matplotlib", reason="the picture needs matplotlib")

OURS = [f"kq {coder}" for coder in CODERS] + ["kq context fast", "kq context best"]
PEERS = ["png", "oxipng", "gif", "webp", "jxl-7", "jxl-9", "xz", "brotli", "zstd"]


def groups(folders=("a", "b"), ks=(16, 64), timed=True, seed=1):
    """Tools whose bytes and speeds lie close together, as they do."""
    random = np.random.default_rng(seed)
    found = []
    for k in ks:
        for folder in folders:
            results = [
                Result(tool, tool in PEERS, int(size), seconds=(1, float(speed)) if timed else None)
                for tool, size, speed in zip(
                    OURS + PEERS,
                    random.integers(1000, 2000, 20),
                    random.lognormal(0, 0.7, 20),
                    strict=False,
                )
            ]
            found.append(Measurement("x", folder, k, Shape(200, 100, k), tuple(results)))
    return summarize(found)


def boxes(axes):
    from matplotlib.text import Text

    return {name.get_text(): Text.get_window_extent(name) for name in axes.texts}


@pytest.mark.parametrize("seed", range(3))
def test_names_stand_apart_and_by_their_own_markers(seed):
    figure = figure_of(groups(ks=(16,), seed=seed))
    figure.draw_without_rendering()
    for axes in figure.axes:
        found = boxes(axes)
        assert set(found) == {name.removeprefix("kq ") for name in OURS + PEERS}
        assert not any(a.overlaps(b) for a, b in combinations(found.values(), 2))
        markers = {name.get_text(): axes.transData.transform(name.xy) for name in axes.texts}
        for text, box in found.items():
            others = [marker for name, marker in markers.items() if name != text]
            assert not any(box.contains(*marker) for marker in others)
            assert abs(np.clip(markers[text], box.min, box.max) - markers[text]).max() < 61


def test_a_row_for_each_k_and_a_column_for_each_folder_and_all():
    titles = [axes.get_title() for axes in figure_of(groups()).axes]
    assert titles == [f"{x}, K = {k}" for k in (16, 64) for x in ("a (1)", "b (1)", "all (2)")]
    assert len(figure_of(groups(folders=("a",))).axes) == 2
    many = figure_of(groups(folders=map(str, range(30)), ks=(16,)))
    assert [axes.get_title() for axes in many.axes] == ["all (30), K = 16"]


def test_the_fronts_are_what_nothing_beats():
    size = {"kq a": 10, "kq b": 20, "kq c": 20, "x": 5}
    seconds = {"kq a": 4, "kq b": 1, "kq c": 2, "x": 8}
    results = [Result(t, t == "x", size[t], seconds=(1, seconds[t])) for t in size]
    (axes,) = figure_of(
        summarize([Measurement("n", "f", 2, Shape(1000, 1000, 2), tuple(results))])
    ).axes
    markers, front, others, _ = axes.lines
    assert markers.get_xdata() == pytest.approx([1, 1 / 2, 1 / 4])
    assert front.get_xdata() == pytest.approx([1 / 4, 1])
    assert others.get_xdata() == pytest.approx([1 / 8])


def test_without_times_there_are_bytes_alone():
    for axes in figure_of(groups(timed=False)).axes:
        (markers,) = axes.collections
        sizes = markers.get_offsets()[:, 0]
        assert len(sizes) == len(OURS + PEERS)
        assert (np.diff(sizes) <= 0).all()
        assert [text.get_text() for text in axes.texts] == [f"{size:.3g}" for size in sizes]
        assert len(np.unique(markers.get_facecolors(), axis=0)) == 2


def test_the_file():
    assert chart(groups(ks=(2,)), "png").startswith(b"\x89PNG")
    assert b"<svg" in chart(groups(ks=(2,), timed=False), "svg")
