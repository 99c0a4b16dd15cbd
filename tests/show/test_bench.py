"""`kq bench`: every tool gives back what it got, and the sums are right."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
import samples
from commands import (
    KQ,
    WITH_CTRL_C,
    files_in,
    kq,
    kq_process,
    on_terminal,
    refusal,
    usage_refusal,
)
from PIL import Image

import kqcodec
from kqcodec.cli.commands import bench
from kqcodec.cli.screen import failures
from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.bench import measure as measuring
from kqcodec.show.bench import ours, peers
from kqcodec.show.bench.codec import Tool, needs
from kqcodec.show.bench.measure import Measurement, Result, measure
from kqcodec.show.bench.subject import Shape, Subject, in_luma_order
from kqcodec.show.bench.summary import summarize

pytestmark = pytest.mark.compiled

KS = (1, 2, 16, 256, 257, 1000)
PEERS = {tool.name: tool for tool in peers.PEERS}
# Those that need nothing but Pillow and the standard library.
EVERYWHERE = ("png", "gif", "xz")


def subject(k, width=40, height=31):
    """A few flat areas and some noise, every entry used, no order in the palette."""
    random = np.random.default_rng(k)
    y, x = np.mgrid[0:height, 0:width]
    labels = (x // 5 + 7 * (y // 6)) % k
    labels.flat[:k] = random.permutation(k)
    keys = random.choice(2**24, k, replace=False)
    palette = np.stack([keys >> 16, keys >> 8 & 255, keys & 255], axis=1).astype(np.uint8)
    return Subject.of(IndexedImage(palette, labels.astype(label_dtype(k))))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(measuring, "ENOUGH_SECONDS", 1e-4)


# --- the tools --------------------------------------------------------------


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("name", PEERS)
def test_peers_give_back_what_they_got(name, k):
    tool = PEERS[name]
    reason = tool.missing()
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
    image = subject(k)
    if tool.refusal(image.shape) is not None:
        assert (name, k > 256) == ("gif", True)
        return
    trial = measuring.smallest_trial(tool, image.in_orders([]))
    assert isinstance(trial, measuring.Trial), trial.error
    assert np.array_equal(
        tool.codecs[0].decode(tool.codecs[0].encode(image), image.shape), image.rgb
    )
    assert len(trial.data) <= len(tool.codecs[0].encode(image))


@pytest.mark.parametrize("k", KS)
def test_our_files_take_part_too(k):
    image = subject(k)
    for tool in ours.kq_tools():
        trial = measuring.smallest_trial(tool, [image])
        coder = tool.name.split()[1]
        assert not tool.is_peer
        if coder in ("packed", "dense"):
            assert trial.data == kqcodec.encode(image.indexed, coder=coder)


def test_every_coder_and_effort_is_a_tool():
    names = [tool.name for tool in ours.kq_tools()]
    assert len(set(names)) == sum(len(ours.efforts_of(coder)) or 1 for coder in ours.CODERS)
    assert {"kq packed", "kq dense"} <= set(names)


def test_efforts_choose_among_those_of_a_coder(monkeypatch):
    efforts = {"dense": ("fast", "best")}
    monkeypatch.setattr(ours, "efforts_of", lambda coder: efforts.get(coder, ()))
    names = [tool.name for tool in ours.kq_tools(("packed", "dense"), ("best",))]
    assert names == ["kq packed", "kq dense best"]
    assert [t.name for t in ours.kq_tools(("dense",))] == ["kq dense fast", "kq dense best"]


def test_small_formats_are_what_they_should_be():
    image = subject(16)
    png = PEERS["png"].codecs[0].encode(image)
    assert Image.open(io.BytesIO(png)).mode == "P"
    gif = PEERS["gif"].codecs[0].encode(image)
    assert len(gif) < len(PEERS["gif"].codecs[0].encode(subject(256)))


def test_luma_order_shows_the_same_pixels():
    image = subject(64)
    sorted_image = in_luma_order(image.indexed)
    luma = sorted_image.palette.astype(int) @ (299, 587, 114)
    assert (np.diff(luma) >= 0).all()
    assert (sorted_image.to_rgb() == image.rgb).all()


def test_each_palette_order_is_tried_once():
    image = subject(8)
    by_luma = in_luma_order(image.indexed)
    backwards = IndexedImage(image.indexed.palette[::-1], 7 - image.indexed.labels)
    orders = image.in_orders([image.indexed, backwards, by_luma])
    assert [s.order for s in orders] == ["as given", "by luma", "as in the .kq file"]
    assert orders[2].indexed == backwards
    assert len(Subject.of(by_luma).in_orders([by_luma])) == 1


def test_what_is_missing_is_named():
    assert needs("json", "json")() is None
    assert "nowhere isn't installed" in needs("kqcodec_nowhere", "nowhere")()


# --- nothing counts unproven ------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """Stores nothing; returns what it is told to, or raises it."""

    outcome: object
    name: str = ""
    sees_order: bool = False

    def encode(self, subject):
        return b""

    def decode(self, data, shape):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def wrong_pixels():
    rgb = subject(16).rgb.copy()
    rgb[-1, -1, -1] ^= 1
    return rgb


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (wrong_pixels(), "other pixels"),
        (subject(16).rgb[:-1], "other pixels"),
        (subject(16).rgb.astype(np.uint16), "other pixels"),
        (RuntimeError("no such codec"), "RuntimeError: no such codec"),
    ],
)
def test_what_is_wrong_is_an_error_and_no_size(outcome, words, quick):
    tools = [PEERS["png"], Tool("broken", (Broken(outcome),))]
    found = measure(subject(16).indexed, tools, folder="a")
    assert found.result("broken").size is None
    assert words in found.result("broken").error
    assert found.smallest_peer == found.result("png").size
    row = summarize([found])[0].row("broken")
    assert (row.images, row.errors, row.size, row.to_theory) == (0, 1, 0, None)
    assert "error" in found.to_dict()["results"][1]


def test_one_wrong_way_spoils_a_tool():
    ways = (*PEERS["png"].codecs, Broken(wrong_pixels()))
    found = measure(subject(16).indexed, [Tool("png", ways)], timed=False)
    assert found.result("png").size is None


def test_what_a_tool_cannot_hold_is_left_out():
    found = measure(subject(300).indexed, [PEERS["gif"], PEERS["xz"]], timed=False)
    assert found.left_out == {"gif": "it holds at most 256 colours"}
    assert [result.tool for result in found.results] == ["xz"]
    wide = Tool("narrow", (), max_side=9)
    assert wide.refusal(Shape(9, 9, 2)) is None
    assert "9 pixels" in wide.refusal(Shape(9, 10, 2))


def test_times_are_taken_where_wanted(quick):
    tools = [*ours.kq_tools(), PEERS["png"]]
    timed = measure(subject(16).indexed, tools)
    assert all(min(result.seconds) > 0 for result in timed.results)
    untimed = measure(subject(16).indexed, tools, timed=False)
    assert all(result.seconds is None for result in untimed.results)
    assert [r.size for r in timed.results] == [r.size for r in untimed.results]


def test_our_palette_orders_are_tried_by_peers(monkeypatch):
    """A coder may choose an order of its own; formats that see labels profit."""
    image = subject(16)
    backwards = IndexedImage(image.indexed.palette[::-1], 15 - image.indexed.labels)

    @dataclass(frozen=True)
    class Seer(Broken):
        sees_order: bool = True

        def encode(self, subject):
            return bytes(1 if subject.indexed == backwards else 2)

    monkeypatch.setattr(ours, "encode_indexed", lambda *_, **__: b"")
    monkeypatch.setattr(ours, "decode", lambda *_, **__: image.rgb)
    monkeypatch.setattr(measuring, "read", lambda *_, **__: backwards)
    tools = [Tool("seer", (Seer(image.rgb, "labels"),)), *ours.kq_tools(("dense",))]
    found = measure(image.indexed, tools, timed=False)
    assert found.result("seer").size == 1
    assert found.result("seer").how == "labels, palette as in the .kq file"


# --- the sums, by hand ------------------------------------------------------


def measurement(folder, shape, sizes, k_asked=4):
    """Sizes and seconds by tool; "kq" is ours, None an error."""
    results = tuple(
        Result(tool, tool != "kq", error="no")
        if size is None
        else Result(tool, tool != "kq", size, seconds=seconds)
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
    against_x, against_y = everything.speed_ratios
    assert (against_x.tool, against_x.peer, against_y.peer) == ("kq", "x", "y")
    assert against_x.encode == pytest.approx(0.6 / 0.3)
    assert against_x.decode == pytest.approx(0.3 / 0.3)
    assert against_y.encode == pytest.approx(4.0 / 0.3)
    assert against_y.decode == pytest.approx(0.6 / 0.3)


def test_ratios_are_over_the_images_that_a_tool_coded():
    shape = Shape(400, 100, 4)
    both = measurement("a", shape, {"kq": (100, None), "x": (50, None), "y": (80, None)})
    one = measurement("a", shape, {"kq": (700, None), "x": (None, None), "y": (900, None)})
    (group, everything) = summarize([both, one])
    assert replace(group, folder=None) == everything
    row = group.row("x")
    assert (row.images, row.errors, row.size) == (1, 1, 50)
    assert row.to_theory == pytest.approx(50 / 10_012)
    assert row.to_smallest == 1
    assert group.row("kq").to_smallest == pytest.approx(800 / 950)
    assert row.encode_mps is None
    assert group.speed_ratios == ()


def test_without_peers_there_is_no_smallest():
    (group, _) = summarize([measurement("a", Shape(4, 4, 4), {"kq": (9, None)})])
    assert group.smallest_peer_bytes is None
    assert group.row("kq").to_smallest is None


def test_each_k_is_summed_by_itself():
    shape = Shape(4, 4, 2)
    of_k = [measurement("a", shape, {"kq": (k, None)}, k_asked=k) for k in (16, 4)]
    assert [(g.k, g.folder, g.rows[0].size) for g in summarize(of_k)] == [
        (4, "a", 4),
        (4, None, 4),
        (16, "a", 16),
        (16, None, 16),
    ]
    assert summarize([]) == []


# --- the command ------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    """Two folders of small pictures, and a file that is none."""
    folder = tmp_path / "pictures"
    (folder / "flat" / "deep").mkdir(parents=True)
    (folder / "noise").mkdir()
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise" / "a.png")
    Image.fromarray(noise // 64 * 64).save(folder / "flat" / "b.bmp")
    Image.fromarray(noise[:9] // 128 * 128).save(folder / "flat" / "deep" / "c.png")
    (folder / "noise" / "README.txt").write_text("no picture, and not looked at")
    return folder


FEW = ("-k", "2,300", "--peers", ",".join(EVERYWHERE), "--no-times")


def test_the_choices_are_those_of_the_package():
    assert tuple(PEERS) == bench.PEERS


def test_json_has_a_line_for_each_picture_and_k_and_the_sums(pictures):
    result = kq("bench", pictures, *FEW, "--json")
    assert result.exit_code == 0
    *lines, last = [json.loads(line) for line in result.stdout.splitlines()]
    found = {(line["folder"], line["k_asked"]): line for line in lines}
    assert sorted(found) == [(f, k) for f in ("deep", "flat", "noise") for k in (2, 300)]
    assert [found[f, 300]["k"] for f in ("deep", "flat", "noise")] == [8, 64, 300]
    line = found["noise", 2]
    assert (line["width"], line["height"], line["theory_bytes"]) == (30, 20, 6 + 600 / 8)
    sizes = {row["tool"]: row["bytes"] for row in line["results"]}
    assert {"kq packed", "kq dense", *EVERYWHERE} <= set(sizes)
    image = kqcodec.quantize(pictures / "noise" / "a.png", 2)
    assert sizes["kq dense"] == len(kqcodec.encode(image, coder="dense"))
    assert line["smallest_peer_bytes"] == min(sizes[name] for name in EVERYWHERE)
    assert found["noise", 300]["left_out"] == {"gif": "it holds at most 256 colours"}
    assert result.stderr == "kq: warning: without gif where it holds at most 256 colours\n"
    groups = {(g["folder"], g["k"]): g for g in last["summary"]}
    assert set(groups) == {*found, (None, 2), (None, 300)}
    for k in (2, 300):
        everything = {row["tool"]: row for row in groups[None, k]["rows"]}
        assert {name for name, row in everything.items() if row["peer"]} <= set(EVERYWHERE)
        parts = [found[f, k]["results"] for f in ("deep", "flat", "noise")]
        dense = sum(row["bytes"] for rows in parts for row in rows if row["tool"] == "kq dense")
        assert everything["kq dense"]["bytes"] == dense


def test_tables_for_each_picture_and_the_summary(pictures):
    result = kq("bench", pictures, "-k", 2, "--peers", "png,xz", "--coders", "dense")
    assert result.exit_code == 0
    text = result.stdout
    assert f"{pictures / 'noise' / 'a.png'}: 30 x 20, K = 2, theory 81.0 bytes" in text
    assert text.count("encode MP/s") == 3
    for words in ("flat (1)", "deep (1)", "noise (1)", "all (3)", "times as fast"):
        assert words in text
    assert "packed" not in text
    assert "oxipng" not in text


def test_quiet_prints_the_summary_only(pictures):
    result = kq("bench", pictures / "noise", "-q", *FEW)
    assert result.stdout.startswith("K = 2 at most, 1 picture\n")
    assert "a.png" not in result.stdout
    assert "MP/s" not in result.stdout
    assert "all (" not in result.stdout  # one folder is all


def test_folders_of_one_name_are_told_apart(pictures):
    twin = pictures / "flat" / "noise"
    twin.mkdir()
    (twin / "a.png").write_bytes((pictures / "noise" / "a.png").read_bytes())
    result = kq("bench", pictures, *FEW, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()[:-1]]
    assert {line["folder"] for line in lines} == {
        "deep",
        "flat",
        str(pictures / "noise"),
        str(twin),
    }


def test_a_bad_picture_does_not_stop_the_others(pictures):
    (pictures / "noise" / "bad.png").write_text("no picture")
    result = kq("bench", pictures, "-k", 2, "--peers", "png", "--no-times", "--json")
    assert "not an image" in refusal(result, failures.REFUSED)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["exit_code"] for line in lines if "error" in line] == [failures.REFUSED]
    assert lines[-1]["summary"][-1]["images"] == 3


def test_a_missing_picture_and_an_empty_folder(tmp_path):
    result = kq("bench", tmp_path / "no.png", *FEW)
    assert "no such file" in refusal(result, failures.SYSTEM)
    (tmp_path / "empty").mkdir()
    assert "nothing to do here" in refusal(kq("bench", tmp_path / "empty", *FEW), failures.REFUSED)


def test_transparent_pictures_are_flattened_on_white(tmp_path):
    Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(tmp_path / "glass.png")
    result = kq("bench", tmp_path, *FEW, "--json")
    assert result.exit_code == 0
    assert "composited on the background (255, 255, 255)" in result.stderr


def test_wrong_pixels_are_told_and_not_counted(pictures, monkeypatch):
    broken = Tool("png", (Broken(np.zeros((1, 1, 3), np.uint8)),))
    monkeypatch.setattr(peers, "PEERS", (broken,))
    result = kq("bench", pictures / "noise", "-k", "2", "--peers", "png", "--no-times")
    message = refusal(result, failures.REFUSED)
    assert "K = 2, png: png decoded other pixels than were encoded" in message
    assert "wrong" in result.stdout


def test_peers_that_are_missing_are_named_once(pictures, monkeypatch):
    missing = [replace(tool, missing=lambda: "nobody has it") for tool in peers.PEERS[4:6]]
    monkeypatch.setattr(peers, "PEERS", (peers.PEERS[0], *missing))
    result = kq("bench", pictures, "-k", 2, "--no-times")
    assert result.exit_code == 0
    assert result.stderr == "kq: warning: without jxl-7, jxl-9: nobody has it\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-k", "16,x"), "16,64,256"),
        (("-k", "0"), "65,536"),
        (("--peers", "png,jpeg"), "'jpeg'"),
        (("--coders", "fractal"), "'fractal'"),
        (("--efforts", "heroic"), "'heroic'"),
        (("--coders", "", "--peers", ""), "left to measure"),
    ],
)
def test_wrong_usage(pictures, arguments, words):
    assert words in usage_refusal(kq("bench", pictures, *arguments))


def test_the_picture(pictures, tmp_path):
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    target = tmp_path / "out.png"
    arguments = ["bench", pictures, "-k", "2,8", "--peers", "png", "-o", target, "-q"]
    arguments += ["--coders", "packed,dense"]
    assert kq(*arguments).exit_code == 0
    with Image.open(target) as image:
        assert image.width > 1000
    assert "--force" in refusal(kq(*arguments), failures.SYSTEM)
    assert kq(*arguments, "--force", "--no-times").exit_code == 0
    assert "no format" in usage_refusal(kq("bench", pictures, "-o", tmp_path / "out.xyz"))
    assert files_in(tmp_path) == ["out.png", "pictures"]


def test_help_imports_nothing_heavy():
    command = [sys.executable, "-X", "importtime", *KQ, "bench", "--help"]
    done = subprocess.run(command, capture_output=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert not {"numpy", "PIL", "matplotlib", "imagecodecs"} & loaded


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudoterminal")
def test_a_bar_on_a_terminal(pictures):
    code, shown, lines = on_terminal(["bench", pictures, *FEW], ["stderr"])
    assert code == 0
    assert b"/3" in shown
    assert lines.count(b"K = 300 at most") == 1


def test_ctrl_c_ends_quietly(tmp_path):
    """While results stream; xz of this picture takes far longer than the test."""
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    Image.new("RGB", (5, 5)).save(tmp_path / "a.png")
    process = subprocess.Popen(
        [*WITH_CTRL_C, *KQ, "bench", tmp_path, "-k", "256", "--peers", "xz", "--no-times"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert b"a.png" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=100) == failures.INTERRUPTED
        assert process.stderr.read().strip() == b""


def test_results_stream_through_a_pipe(pictures):
    result = kq_process("bench", pictures, *FEW)
    assert result.returncode == 0
    assert result.stdout.count(b"theory") > 3
    assert b"\x1b" not in result.stdout


@pytest.mark.parametrize("k", [1, 255, 65_536])
def test_labels_of_any_width(k):
    image = Subject.of(samples.indexed(300, 240, k))
    trial = measuring.smallest_trial(PEERS["xz"], [image])
    assert isinstance(trial, measuring.Trial)
