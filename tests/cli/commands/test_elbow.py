"""`kq elbow`: the table, the plot, the pictures."""

import json
import re

import numpy as np
import pytest
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands import elbow as elbow_command
from kqcodec.cli.options import k as goal_options
from kqcodec.cli.screen import failures
from kqcodec.quantization import elbow, goals

pytestmark = pytest.mark.compiled


@pytest.fixture
def picture(tmp_path, portrait):
    path = tmp_path / "photo.png"
    Image.fromarray(portrait[::16, ::16]).save(path)
    return path


def test_defaults_written_twice_agree():
    assert tuple(elbow.NOTEBOOK_KS) == elbow_command.KS
    assert elbow.NOTEBOOK_RESTARTS == elbow_command.RESTARTS
    assert goals.MOST_COLORS == goal_options.MOST_COLORS


def test_the_table(picture):
    result = kq("elbow", picture)
    assert (result.exit_code, result.stderr) == (0, "")
    header, *rows, conclusion = result.stdout.splitlines()
    found = kqcodec.elbow(picture)
    assert header.split()[0] == "K"
    assert len({len(line) for line in (header, *rows)}) == 1
    for row, point in zip(rows, found.points, strict=True):
        cells = re.split(r" {2,}", row.strip())
        assert cells[:3] == [str(point.k), f"{point.inertia:,}", f"{point.distance_sum:,.1f}"]
        file_bytes = [f"{size:,}" for size in point.file_bytes.values()]
        assert cells[-len(file_bytes) :] == file_bytes
    assert conclusion.endswith(f"The knee among K = 2..10 is at K = {found.knee}.")
    assert files_in(picture.parent) == ["photo.png"]


def test_json(picture):
    (line,) = kq(
        "elbow", picture, "--json", "-k", "2,4..6", "--coders", "dense"
    ).stdout.splitlines()
    figures = json.loads(line)
    assert figures["input"] == str(picture)
    assert [point["k"] for point in figures["points"]] == [2, 4, 5, 6]
    expected = kqcodec.elbow(picture, [2, 4, 5, 6], coders=["dense"])
    del figures["input"]
    assert figures == expected.to_dict()


def test_every_option_reaches_the_curve(picture):
    options = {"effort": "fast", "space": "oklab", "seed": 5, "restarts": 2, "tile": 16}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    result = kq("elbow", picture, "-k", "3", "--json", "--threads", 1, *arguments)
    expected = kqcodec.elbow(picture, [3], **options).to_dict()
    assert json.loads(result.stdout)["points"] == expected["points"]


def test_no_knee_is_told(picture):
    assert "There is no knee among K = 2..3." in kq("elbow", picture, "-k", "2,3").stdout


def test_standard_input(picture):
    result = kq_process("elbow", "-", "-k", "2..4", input=picture.read_bytes())
    assert result.returncode == 0
    assert b"standard input has " in result.stdout


def test_the_plot_and_the_pictures(picture, tmp_path):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    plot, sheet = tmp_path / "elbow.png", tmp_path / "sheet.webp"
    arguments = ["elbow", picture, "-k", "2..5", "-o", plot, "--pictures", sheet, "-q"]
    arguments += ["--effort", "fast", "--restarts", 1]
    result = kq(*arguments, "--show", "2,64")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    with Image.open(plot) as image:
        assert image.width > 1000
    with Image.open(sheet) as image:
        assert image.format == "WEBP"
        assert image.width == 24 + 3 * (12 * 32 + 24)
    assert "--force" in refusal(kq(*arguments), failures.SYSTEM)
    assert kq(*arguments, "--force").exit_code == 0
    svg = tmp_path / "elbow.svg"
    assert kq("elbow", picture, "-k", "2..5", "-o", svg, "-q").exit_code == 0
    assert svg.read_text(encoding="utf-8").count("<svg") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-k", "10..2"], "2..10"),
        (["-k", "0..2"], "65,536"),
        (["-k", "2..65537"], "65,536"),
        (["-k", "1..60000"], "at most 1,000"),
        (["-k", "two"], "16,64,256"),
        (["--coders", "fractal"], "'fractal'"),
        (["--show", "3"], "--pictures"),
        (["--pictures", "sheet.xyz"], ".webp"),
        (["--pictures", "sheet"], ".png"),
    ],
)
def test_wrong_usage(picture, arguments, words):
    assert words in usage_refusal(kq("elbow", picture, *arguments))


def test_a_plot_that_nobody_can_draw(picture, tmp_path):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    assert "no format" in usage_refusal(kq("elbow", picture, "-o", tmp_path / "plot.xyz"))
    assert files_in(tmp_path) == ["photo.png"]


def test_several_pictures_have_a_table_and_a_plot_each(picture, tmp_path):
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    (tmp_path / "in" / "deep").mkdir(parents=True)
    picture.rename(tmp_path / "in" / "one.png")
    Image.new("RGB", (5, 4), "red").save(tmp_path / "in" / "deep" / "two.png")
    arguments = ["elbow", "-r", tmp_path / "in", "-o", tmp_path / "out", "-k", "2,3"]
    result = kq(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    tables = [line for line in result.stdout.splitlines() if " has " in line]
    assert [line.split(" has ")[0] for line in tables] == [
        str(tmp_path / "in" / "one.png"),
        str(tmp_path / "in" / "deep" / "two.png"),
    ]
    assert files_in(tmp_path / "out") == ["deep", "one-elbow.png"]
    assert files_in(tmp_path / "out" / "deep") == ["two-elbow.png"]
    assert "2 there already" in kq(*arguments, "--skip-existing").stdout
    assert "one input" in usage_refusal(kq(*arguments, "--pictures", "sheet.png"))
    assert "needs -o" in usage_refusal(kq("elbow", tmp_path, "-r", "--skip-existing"))


def test_without_matplotlib_the_extra_is_named(picture, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert "kqcodec[plot]" in usage_refusal(kq("elbow", picture, "-o", "plot.png"))


def test_bad_input_is_one_sentence(tmp_path):
    path = tmp_path / "bad.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nrest")
    result = kq("elbow", path, "-q")
    assert "bad.png" in refusal(result, failures.REFUSED)
    assert "no such file" in refusal(kq("elbow", tmp_path / "none.png", "-q"), failures.SYSTEM)
    Image.new("RGB", (50, 50)).save(path)
    assert "--max-pixels" in refusal(kq("elbow", path, "-q", "--max-pixels", 99), failures.REFUSED)


def test_numbers_of_colours_of_a_grey_ramp():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    points = kqcodec.elbow(ramp, (2, 256), restarts=1).points
    # 128 greys a side, in two halves of -63.5..63.5 around their means, rounded.
    assert points[0].inertia == 3 * 2 * sum((i - 63) ** 2 for i in range(128))
    assert points[1].inertia == 0
