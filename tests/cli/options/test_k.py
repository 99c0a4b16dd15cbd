"""-k auto, --quality, --psnr and --max-size of `kq encode`."""

import json

import numpy as np
import pytest
from commands import files_in, kq, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.coding.encoder import in_order_of

pytestmark = pytest.mark.compiled

FAST = ("--effort", "fast")


@pytest.fixture
def picture(tmp_path, photograph):
    path = tmp_path / "photo.png"
    Image.fromarray(np.ascontiguousarray(photograph[::16, ::16])).save(path)
    return path


@pytest.mark.parametrize(
    ("arguments", "goal"),
    [
        (["-k", "auto"], {"knee": True}),
        (["--psnr", 30], {"psnr": 30}),
        (["--psnr", 45, "-k", 2000], {"psnr": 45, "most": 2000}),
        (["--quality", "20-60"], {"quality": (20, 60)}),
        (["--quality", "40"], {"quality": (40, 40)}),
        (["--max-size", "0.5kB"], {"max_bytes": 500}),
        (["--max-size", "0.5 KiB", "-k", "auto"], {"max_bytes": 512, "knee": True}),
        (["--quality", "0-100", "-k", 50], {"quality": (0, 100), "most": 50}),
        (
            ["--max-size", "900", "--coder", "packed", "--tile", "16"],
            {"max_bytes": 900, "coder": "packed", "tile": 16},
        ),
    ],
)
def test_goals_reach_the_search(picture, arguments, goal):
    result = kq("encode", picture, *arguments, *FAST)
    assert (result.exit_code, result.stderr) == (0, "")
    indexed = kqcodec.quantize_to(picture, **goal, effort="fast")
    assert f"K = {indexed.k:,}, " in result.stdout
    expected = in_order_of(goal.get("coder", "context"), indexed)
    assert kqcodec.read(picture.with_suffix(".kq")) == expected
    if "max_bytes" in goal:
        assert picture.with_suffix(".kq").stat().st_size <= goal["max_bytes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--psnr", "60"], "256 colours reach"),
        (["--quality", "90-95", "-k", "8"], "quality"),
        (["--max-size", "10"], "one colour alone"),
        (["--psnr", "38", "--max-size", "0.8kB", "--coder", "dense"], "most that fit 800 bytes"),
        (["--psnr", "inf", "-k", "16"], "every pixel exact"),
    ],
)
def test_a_goal_out_of_reach_exits_99_and_leaves_no_file(picture, arguments, words):
    line = refusal(kq("encode", picture, *arguments, *FAST), failures.UNMET)
    assert failures.UNMET == 99  # as pngquant's
    assert words in line
    assert "photo.png: " in line
    assert files_in(picture.parent) == ["photo.png"]


def test_others_are_written_all_the_same(picture, tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (20, 20), "red").save(plain)
    result = kq("encode", picture, plain, *FAST, "--psnr", "inf", "-o", tmp_path / "out")
    assert "photo.png" in refusal(result, failures.UNMET)
    assert files_in(tmp_path / "out") == ["plain.kq"]


def test_json_tells_the_goal(picture):
    (line,) = kq("encode", picture, "--quality", "20-60", "--json", *FAST).stdout.splitlines()
    figures = json.loads(line)
    assert figures["goal"] == {"quality": [20, 60], "most": 256}
    assert figures["k"] == kqcodec.quantize_to(picture, quality=(20, 60), effort="fast").k
    result = kq("encode", picture, "--psnr", 60, "--json", "--force", *FAST)
    assert json.loads(result.stdout)["exit_code"] == 99
    plain = picture.with_name("plain.png")
    Image.new("RGB", (20, 20), "red").save(plain)
    figures = json.loads(kq("encode", plain, "--psnr", "inf", "--json").stdout)
    assert figures["goal"]["psnr"] == "inf"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-k", "auto", "--psnr", "30"], "--psnr and -k auto exclude"),
        (["--quality", "30", "--psnr", "30"], "--quality and --psnr exclude"),
        (["--quality", "80-60"], "MIN-MAX"),
        (["--quality", "60-101"], "MIN-MAX"),
        (["--quality", "good"], "MIN-MAX"),
        (["--quality", "-5"], "MIN-MAX"),
        (["--psnr", "0"], "0"),
        (["--psnr", "nan"], "nan"),
        (["--max-size", "0"], "20kB"),
        (["--max-size", "-1"], "20kB"),
        (["--max-size", "5 parsecs"], "20kB"),
        (["--max-size", "1e3"], "20kB"),
        (["-k", "automatic"], "'auto'"),
        (["--labels", "--psnr", "30"], "--psnr"),
        (["--labels", "-k", "auto"], "-k"),
    ],
)
def test_wrong_usage(picture, arguments, words):
    assert words in usage_refusal(kq("encode", picture, *arguments))
    assert files_in(picture.parent) == ["photo.png"]
