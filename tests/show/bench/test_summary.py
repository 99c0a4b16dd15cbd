"""The sums of `kq bench`, by hand."""

import pytest

from kqcodec.show.bench.measure import Measurement, Result
from kqcodec.show.bench.subject import Shape
from kqcodec.show.bench.summary import summarize


def measurement(folder, shape, sizes, k_asked=4):
    """Sizes and seconds by tool; None is an error."""
    results = tuple(
        Result(tool, not tool.startswith("kq"), error="no")
        if size is None
        else Result(tool, not tool.startswith("kq"), size, seconds=seconds)
        for tool, (size, seconds) in sizes.items()
    )
    return Measurement(f"{folder}.png", folder, k_asked, shape, results)


def test_the_sums():
    # K = 4: theory is 12 bytes of palette and a quarter of a byte a pixel.
    first = measurement(
        "a",
        Shape(400, 100, 4),
        {"kq": (6000, (0.1, 0.2)), "x": (5000, (0.4, 0.1)), "y": (8000, (1.0, 0.4))},
    )
    second = measurement(
        "b",
        Shape(200, 100, 4),
        {"kq": (1000, (0.2, 0.1)), "x": (4000, (0.2, 0.2)), "y": (2000, (3.0, 0.2))},
    )
    a, b, everything = summarize([first, second])
    assert (a.folder, b.folder, everything.folder) == ("a", "b", None)
    assert (first.theory_bytes, second.theory_bytes) == (10_012, 5012)
    assert everything.theory_bytes == 15_024
    assert everything.smallest_peer_bytes == 5000 + 2000
    assert everything.pixels == 60_000
    row = everything.row("kq")
    assert (row.images, row.errors, row.size) == (2, 0, 7000)
    assert row.to_theory == pytest.approx(7000 / 15_024)
    assert row.to_smallest == pytest.approx(7000 / 7000)
    assert row.encode_mps == pytest.approx(0.06 / 0.3)
    assert row.decode_mps == pytest.approx(0.06 / 0.3)
    assert a.row("kq").to_smallest == pytest.approx(6000 / 5000)
    assert b.row("x").to_smallest == pytest.approx(4000 / 2000)
    assert everything.row("y").to_smallest == pytest.approx(10_000 / 7000)
    assert everything.row("kq").larger_on == ("a.png",)
    assert everything.row("x").larger_on == ("b.png",)
    assert everything.row("y").larger_on == ("a.png",)


def test_our_tools_are_compared_with_the_smallest_of_ours():
    of_picture = [
        measurement("a", Shape(4, 4, 4), {"kq fast": (a, None), "kq best": (b, None)})
        for a, b in ((30, 20), (10, 15))
    ]
    (group,) = summarize(of_picture)
    assert group.row("kq fast").to_smallest_own == pytest.approx(40 / 30)
    assert group.row("kq best").to_smallest_own == pytest.approx(35 / 30)
    assert group.row("kq fast").larger_on == ()


def test_ratios_are_over_the_images_that_a_tool_coded():
    shape = Shape(400, 100, 4)
    both = measurement("a", shape, {"kq": (100, None), "x": (50, None), "y": (80, None)})
    one = measurement("a", shape, {"kq": (700, None), "x": (None, None), "y": (900, None)})
    (group,) = summarize([both, one])
    row = group.row("x")
    assert (row.images, row.errors, row.size) == (1, 1, 50)
    assert row.to_theory == pytest.approx(50 / 10_012)
    assert row.to_smallest == 1
    assert group.row("kq").to_smallest == pytest.approx(800 / 950)
    assert row.encode_mps is None


def test_without_peers_there_is_no_smallest():
    (group,) = summarize([measurement("a", Shape(4, 4, 4), {"kq": (9, None)})])
    assert group.smallest_peer_bytes is None
    assert group.row("kq").to_smallest is None


def test_each_k_is_summed_by_itself():
    shape = Shape(4, 4, 2)
    of_k = [measurement("a", shape, {"kq": (k, None)}, k_asked=k) for k in (16, 4)]
    assert [(g.k, g.folder, g.rows[0].size) for g in summarize(of_k)] == [
        (4, "a", 4),
        (16, "a", 16),
    ]
    assert summarize([]) == []
