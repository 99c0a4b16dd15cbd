"""The demo: one picture everywhere, every file proven, nothing of the user's replaced."""

import hashlib
import json

import numpy as np
import pytest
from commands import files_in, kq, refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.show.demo import CODERS, COLORS, CONTACT_SHEET, bits_table, explanation, run_demo

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def demo():
    return run_demo()


@pytest.fixture
def quick(demo, monkeypatch):
    """The command without encoding everything again."""
    monkeypatch.setattr("kqcodec.show.demo.run_demo", lambda threads: demo)


def test_the_picture_is_the_same_everywhere(demo):
    assert demo.pixels.shape == (181, 200, 3)
    digest = hashlib.sha256(demo.pixels.tobytes()).hexdigest()
    assert digest == "1576a320f2a6fbc7340d50f4a0328bd48fb115b7307ac1a17eaf16590d316f3f"


def test_the_picture_is_like_a_photograph(demo):
    colors = np.unique(demo.pixels.reshape(-1, 3), axis=0)
    assert len(colors) > 15_000
    levels = demo.pixels.astype(int).sum(axis=2)
    assert levels.min() < 60
    assert levels.max() > 600


def test_every_file_is_proven_and_decodes(demo):
    assert set(demo.reports) == {(k, coder) for k in COLORS for coder in CODERS}
    for (k, coder), report in demo.reports.items():
        data = demo.files[f"k{k}-{coder}.kq"]
        assert report.proven
        assert (report.k, report.coder, report.file_bytes) == (k, coder, len(data))
        assert np.array_equal(kqcodec.decode(data), demo.images[k].to_rgb())


def test_the_arithmetic_is_the_plan_s(demo):
    report = demo.reports[10, "packed"]
    assert report.raw_bits == 868_800
    assert report.theory_bits == pytest.approx(120_493.8, abs=0.05)
    assert report.fixed_width_bits == 145_040
    text = explanation(demo)
    for part in ("868,800", "240 + 120,253.8 = 120,493.8 bits", "240 + 144,800 = 145,040 bits"):
        assert part in text
    assert f"{8 * demo.reports[10, 'dense'].file_bytes:,} bits in all" in text


def test_the_table_has_every_k_and_adds_up(demo):
    rows = {row[0]: row[1:] for row in bits_table(demo)}
    assert rows[""] == ["K = 3", "K = 6", "K = 10"]
    assert rows["theory 24·K + N·log2(K)"][2] == "120,493.8"
    assert rows["dense file"] == [f"{8 * demo.reports[k, 'dense'].file_bytes:,}" for k in COLORS]


def test_k_means_beats_a_uniform_palette_and_improves_with_k(demo):
    costs = [demo.images[k].costs for k in COLORS]
    assert costs[0].mse > costs[1].mse > costs[2].mse
    uniform = Image.fromarray(demo.pixels).quantize(10, method=Image.Quantize.MEDIANCUT, dither=0)
    difference = demo.pixels.astype(int) - np.asarray(uniform.convert("RGB"))
    assert costs[2].inertia < (difference**2).sum()


def test_the_command_writes_files_and_explains(tmp_path, demo):
    result = kq("demo", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert files_in(tmp_path / "out") == sorted(demo.files)
    for name, data in demo.files.items():
        assert (tmp_path / "out" / name).read_bytes() == data
    assert explanation(demo) in result.stdout
    assert CONTACT_SHEET in result.stdout.splitlines()[-1]
    for row in bits_table(demo):
        assert row[-1] in result.stdout
    with Image.open(tmp_path / "out" / CONTACT_SHEET) as sheet:
        assert sheet.width > 4 * 200
    with Image.open(tmp_path / "out" / "k6.png") as image:
        assert np.array_equal(np.asarray(image), demo.images[6].labels)


@pytest.mark.usefixtures("quick")
def test_it_can_run_again_and_keeps_what_is_not_its_own(tmp_path, demo):
    assert kq("demo", "-o", tmp_path).exit_code == 0
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / "k3.png").unlink()
    assert kq("demo", "-o", tmp_path).exit_code == 0
    assert (tmp_path / "k3.png").read_bytes() == demo.files["k3.png"]
    for path, time in times.items():
        assert path.name == "k3.png" or path.stat().st_mtime_ns == time
    (tmp_path / "original.png").write_bytes(b"mine")
    (tmp_path / "k6.png").unlink()
    message = refusal(kq("demo", "-o", tmp_path), failures.SYSTEM)
    assert "original.png" in message
    assert "--force" in message
    assert not (tmp_path / "k6.png").exists()
    assert (tmp_path / "original.png").read_bytes() == b"mine"
    assert kq("demo", "-o", tmp_path, "--force").exit_code == 0
    assert (tmp_path / "original.png").read_bytes() == demo.files["original.png"]


@pytest.mark.usefixtures("quick")
def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    message = refusal(kq("demo", "-o", tmp_path / "file"), failures.SYSTEM)
    assert str(tmp_path / "file") in message


@pytest.mark.usefixtures("quick")
def test_json(tmp_path):
    lines = kq("demo", "-o", tmp_path, "--json").stdout.splitlines()
    reports = [json.loads(line) for line in lines]
    assert len(reports) == len(COLORS) * len(CODERS)
    assert all(report["proven"] for report in reports)
