"""`kq info` and `kq verify` of animations and volumes."""

import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import samples
from commands import KQ, kq, refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands import _frame_figures
from kqcodec.cli.screen import failures
from kqcodec.format.sequence import FrameTiming
from kqcodec.format.sizes import dense_size, packed_size

pytestmark = pytest.mark.compiled

TIMING = FrameTiming("time", 4, 3, Fraction(1, 25))


def written(path, *, durations=None, timing=TIMING, k=10, frames=6, **options):
    labels = samples.moving(k, 40, 17, frames)
    palette = samples.indexed(40, 17, k).palette
    path.write_bytes(samples.sequence(palette, labels, durations, timing=timing, **options))
    return path


def figures_of(path, command="info"):
    return json.loads(kq(command, path, "--json").stdout)


def test_what_info_tells_of_an_animation(tmp_path):
    path = written(tmp_path / "a.kq", durations=[1, 1, 1, 1, 5, 1])
    found = figures_of(path)
    sizes = [found["frames_bytes"], found["largest_frame_bytes"]]
    wanted = {
        "frames": 6,
        "axis": "time",
        "plays": 3,
        "key_distance": 4,
        "seconds": 0.4,
        "fps": 15.0,
        "spacing": None,
        "predicted_bytes": None,
        "predicted_frame_bytes": None,
        "raw_bits": 24 * 6 * 40 * 17,
    }
    assert {name: found[name] for name in wanted} == wanted
    assert 0 < sizes[1] < sizes[0] < found["file_bytes"]
    text = kq("info", path).stdout
    assert "frames   6 in 0.40 s, 15.00 a second on average\n" in text
    assert "plays    3 times\n" in text
    assert "keys     one in 4 frames\n" in text
    assert f"each     {sizes[0] / 6:,.1f} bytes on average, {sizes[1]:,} at most\n" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("timing", "lines"),
    [
        (FrameTiming(), ["6 in 0.01 s, 1,000.00 a second", "for ever", "the first frame alone"]),
        (FrameTiming(plays=1, key_distance=1), ["once", "every frame"]),
        (FrameTiming("depth", 256, unit=Fraction(0)), ["slices   6\n", "one in 256 frames"]),
        (FrameTiming("depth", unit=Fraction(1, 2500)), ["slices   6, 0.0004 m apart\n"]),
    ],
)
def test_timing_in_words(tmp_path, timing, lines):
    text = kq("info", written(tmp_path / "a.kq", timing=timing)).stdout
    for line in lines:
        assert line in text
    assert ("plays" in text) == (timing.axis == "time")


@pytest.mark.parametrize(("coder", "size"), [("packed", packed_size), ("dense", dense_size)])
@pytest.mark.parametrize("tile", [None, 16])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_sizes_by_the_header_times_frames(tmp_path, coder, size, tile, k):
    path = written(tmp_path / "a.kq", coder=coder, tile=tile, k=k, durations=[1, 1, 9, 9, 300, 1])
    areas = [40 * 17] if tile is None else [256, 256, 128, 16, 16, 8]
    payloads = [size(area, k) for area in areas]
    found = figures_of(path)
    if k == 1:
        assert found["predicted_frame_bytes"] == 3
    else:
        framing = 3 + sum(5 + (payload > 127) for payload in payloads)
        assert found["predicted_frame_bytes"] == framing + sum(payloads)
    durations = 1 + 2 + 1  # bytes, of those that differ from the one before
    assert found["frames_bytes"] == 6 * found["predicted_frame_bytes"] + durations
    assert "by the header" in kq("info", path).stdout
    proof = figures_of(path, "verify")
    assert proof["predicted_bytes"] == proof["file_bytes"] == path.stat().st_size
    assert proof["proven"] is True
    assert proof["frames"] == 6
    assert proof["labels_bytes"] == 6 * sum(payloads)
    assert "exactly as its header predicts for 6 frames." in kq("verify", path).stdout


@pytest.mark.parametrize("coder", samples.CODERS)
def test_what_verify_counts(tmp_path, coder):
    path = written(tmp_path / "a.kq", coder=coder, tile=16)
    labels = np.stack(samples.moving(10, 40, 17, 6))
    shares = np.bincount(labels.reshape(-1)) / labels.size
    entropy = -labels.size * (shares[shares > 0] * np.log2(shares[shares > 0])).sum()
    found = figures_of(path, "verify")
    assert found["entropy_bits"] == pytest.approx(240 + entropy)
    assert found["colors_used"] == 10
    text = kq("verify", path).stdout
    assert "40 x 17, 6 frames, N = 4,080, K = 10" in text
    assert max(map(len, text.splitlines()[1:])) <= 100


def test_heads_and_directory_tell_the_same(tmp_path, monkeypatch):
    path = written(tmp_path / "a.kq", durations=[3, 1, 1, 70_000, 5, 5], tile=16)
    by_heads = figures_of(path)
    monkeypatch.setattr(_frame_figures, "_MOST_LENGTHS", 0)
    monkeypatch.setattr(_frame_figures, "_by_heads", None)
    assert figures_of(path) == by_heads


def test_no_numpy_is_loaded(tmp_path):
    path = written(tmp_path / "a.kq", tile=16)
    command = [sys.executable, "-X", "importtime", *KQ, "info", path]
    done = subprocess.run(command, capture_output=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert b"frames   6" in done.stdout
    assert not {"numpy", "PIL"} & loaded


def test_a_pipe_s_end_is_not_waited_for(tmp_path):
    data = written(tmp_path / "a.kq").read_bytes()
    with subprocess.Popen(
        [*KQ, "info", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as done:
        text = done.communicate(data)[0].decode()
    assert "frames   as many as its end says\n" in text
    assert "each" not in text


@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_cut_anywhere_is_refused(tmp_path, command):
    path = written(tmp_path / "a.kq", frames=3, coder="dense")
    data = path.read_bytes()
    for length in range(0, len(data), 1 if command == "info" else 7):
        path.write_bytes(data[:length])
        refusal(kq(command, path), failures.REFUSED)


def test_the_thumbnail_is_of_the_first_frame(tmp_path):
    frames, data = samples.animation()
    (tmp_path / "a.kq").write_bytes(data)
    assert kq("thumbnail", tmp_path / "a.kq", tmp_path / "a.png").exit_code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), frames[0].to_rgb())


def test_a_volume_of_labels(tmp_path):
    values = np.zeros((5, 40, 50), dtype=np.int32)
    values[1:3, 5:20, 7:30] = 70_000
    path = tmp_path / "a.kq"
    path.write_bytes(kqcodec.encode_labels(values, spacing=Fraction(1, 2000)))
    found = figures_of(path)
    assert (found["frames"], found["axis"], found["spacing"]) == (5, "depth", 0.0005)
    assert (found["k"], found["raw_bits"]) == (2, 32 * values.size)
    assert "slices   5, 0.0005 m apart\n" in kq("info", path).stdout
    proof = figures_of(path, "verify")
    assert (proof["frames"], proof["raw_bits"]) == (5, 32 * values.size)
    assert kq("thumbnail", path, tmp_path / "a.png").exit_code == 0
