"""`kq bench`: what it measures, prints and draws."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import product

import gifs
import numpy as np
import pytest
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
from kqcodec.frames.encoding import encode_frames
from kqcodec.show.bench import peers
from kqcodec.show.bench.codec import Codec, Tool
from kqcodec.show.bench.measure import measure

pytestmark = pytest.mark.compiled


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


# Those that need nothing but Pillow and the standard library.
EVERYWHERE = ("png", "gif", "xz")
FEW = ("-k", "2,300", "--peers", ",".join(EVERYWHERE), "--no-times")


def test_the_choices_are_those_of_the_package():
    assert tuple(tool.name for tool in peers.PEERS) == bench.PEERS


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


def test_a_line_for_each_picture_and_one_table(pictures):
    result = kq("bench", pictures, "-k", "2,300", "--peers", "png,xz", "--coders", "dense")
    assert result.exit_code == 0
    of_pictures, table = result.stdout.split(" " * 10, 1)
    assert f"{pictures / 'noise' / 'a.png'}, 30 x 20\n  K = 2: kq dense 110, png" in of_pictures
    assert "\n  K = 8 of 300: kq dense" in of_pictures
    heads = table.split("\n", 1)[0].split()
    assert heads == ["bytes", "theory", "other", "kq", "larger", "encode", "decode"]
    for k, (folder, count) in product((2, 300), (("deep", 1), ("flat", 1), ("all", 3))):
        assert f"\n{folder}, {count} picture{'s' * (count > 1)}, K = {k} at most\n" in table
    assert "packed" not in result.stdout
    assert "oxipng" not in result.stdout
    assert max(map(len, table.splitlines()[1:])) <= 80


def test_quiet_prints_the_table_only(pictures):
    result = kq("bench", pictures / "noise", "-q", *FEW)
    head, group, *rows = result.stdout.split("\n")
    assert head.split() == ["bytes", "theory", "other", "kq", "larger"]
    assert group == "noise, 1 picture, K = 2 at most"
    assert rows[0].split()[:2] == ["kq", "packed"]
    assert "a.png" not in result.stdout
    assert "all," not in result.stdout  # one folder is all


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
    broken = Tool("png", (Codec(lambda _: b"", lambda *_: np.zeros((1, 1, 3), np.uint8)),))
    monkeypatch.setattr(peers, "PEERS", (broken,))
    result = kq("bench", pictures / "noise", "-k", "2", "--peers", "png", "--no-times")
    message = refusal(result, failures.REFUSED)
    assert "K = 2, png: png decoded other pixels than were encoded" in message
    assert "wrong" in result.stdout


def test_all_frames_of_an_animation_are_stored(tmp_path):
    data, shown = gifs.moving()
    (tmp_path / "a.gif").write_bytes(data)
    result = kq("bench", tmp_path, "-k", "8,300", "--no-times", "--json")
    warnings = [line for line in result.stderr.splitlines() if "isn't installed" not in line]
    assert (result.exit_code, warnings) == (0, [])
    few, all_of_them, _ = map(json.loads, result.stdout.splitlines())
    assert (few["frames"], few["width"], few["height"], few["k"]) == (6, 24, 18, 8)
    assert all_of_them["theory_bytes"] == (24 * 16 + 6 * 24 * 18 * 4) / 8
    assert few["left_out"] == {}
    sizes = {row["tool"]: row["bytes"] for row in few["results"]}
    frames = np.stack(shown)[..., :3]
    for coder in ("packed", "dense"):
        coded = encode_frames(frames, 8, durations=0.1, coder=coder)
        assert sizes[f"kq {coder}"] == len(coded)
    assert {"kq context default", "kq tokens", *EVERYWHERE} <= set(sizes)
    text = kq("bench", tmp_path, "-k", 8, *FEW[2:]).stdout
    assert text.startswith(f"{tmp_path / 'a.gif'}, 24 x 18, 6 frames\n")
    message = refusal(kq("bench", tmp_path, *FEW, "--max-pixels", 2000), failures.REFUSED)
    assert "5 frames of 24 x 18 pixels are over the limit of 2,000" in message


def test_equal_frames_are_counted_by_what_they_last(tmp_path):
    """Pillow stores them as one."""
    frame = kqcodec.IndexedImage(np.eye(3, dtype=np.uint8), np.eye(9, dtype=np.uint8))
    tall = kqcodec.IndexedImage(frame.palette, np.concatenate([frame.labels] * 4))
    tools = [tool for tool in peers.PEERS[:4] if tool.missing() is None]
    found = measure(tall, tools, frames=4, timed=False)
    assert {result.tool: result.error for result in found.results} == dict.fromkeys(
        tool.name for tool in tools
    )
    assert {"png", "gif", "webp"} <= {tool.name for tool in tools}


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
    arguments = ["bench", pictures, "-k", "8", "--peers", "png", "-o", target, "-q"]
    arguments += ["--coders", "packed,dense"]
    assert kq(*arguments).exit_code == 0
    with Image.open(target) as image:
        assert image.width > 1000  # three folders and all
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
    assert lines.count(b"bytes  theory") == 1


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
    assert result.stdout.count(b"K = 2:") == 3
    assert b"\x1b" not in result.stdout
