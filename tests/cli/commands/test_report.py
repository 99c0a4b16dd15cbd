"""`kq report`: where the page goes, and what is said."""

import json

import gifs
import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image
from trust.resources import built

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.format.header import Header

pytestmark = pytest.mark.compiled

FAST = ("--effort", "fast")


@pytest.fixture
def picture(tmp_path, portrait):
    path = tmp_path / "photo.png"
    Image.fromarray(portrait[::16, ::16]).save(path)
    return path


def expected(picture, k, **options):
    options = {"effort": "fast", "title": "photo.png"} | options
    return kqcodec.html_report(picture, k, source_bytes=picture.stat().st_size, **options)


def test_the_page_lies_beside_the_input(picture):
    result = kq("report", picture, *FAST)
    assert (result.exit_code, result.stderr) == (0, "")
    page = picture.with_suffix(".html")
    assert page.read_text(encoding="utf-8") == expected(picture, 16)
    size = page.stat().st_size
    assert result.stdout == f"{page}: K = 16, {size:,} bytes; open it in a browser\n"


def test_every_option_reaches_the_page(picture, tmp_path):
    out = tmp_path / "out.html"
    arguments = ["-k", 5, "--coder", "packed", "--tile", "16", "--seed", 3, "--restarts", 2]
    assert kq("report", picture, "-o", out, *arguments, "--space", "oklab").exit_code == 0
    options = {"coder": "packed", "tile": 16, "seed": 3, "restarts": 2, "space": "oklab"}
    assert out.read_text("utf-8") == expected(picture, 5, effort="default", **options)


def test_goals_choose_k(picture, tmp_path):
    out = tmp_path / "out.html"
    (line,) = kq("report", picture, "--psnr", 24, "-o", out, "--json", *FAST).stdout.splitlines()
    indexed = kqcodec.quantize_to(picture, psnr=24, effort="fast")
    figures = json.loads(line)
    assert figures["k"] == indexed.k
    assert figures["output"] == str(out)
    assert figures["output_bytes"] == out.stat().st_size
    assert out.read_text("utf-8") == expected(picture, indexed)
    assert "256 colours reach" in refusal(
        kq("report", picture, "--psnr", 90, "--force", *FAST), failures.UNMET
    )


def test_background_takes_the_place_of_alpha(tmp_path):
    path = tmp_path / "icon.png"
    icon = np.arange(400, dtype=np.uint8).reshape(10, 10, 4)
    icon[:3] = 0
    Image.fromarray(icon).save(path)
    assert kq("report", path, "-k", 4, "--background", "black").exit_code == 0
    assert "raw 24·N" in path.with_suffix(".html").read_text("utf-8")
    assert kq("report", path, "-k", 4, "--force").exit_code == 0
    assert "raw 32·N" in path.with_suffix(".html").read_text("utf-8")
    assert "at least 2" in refusal(kq("report", path, "-k", 1, "--force"), failures.REFUSED)


def test_a_pipe_through_standard_streams(picture):
    result = kq_process("report", "-", "-k", "4", *FAST, input=picture.read_bytes())
    assert result.stdout.startswith(b"<!DOCTYPE html>")
    assert b"<h1>standard input</h1>" in result.stdout
    assert b"K = 4" in result.stderr


def test_several_pictures_and_a_broken_one(picture, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    result = kq("report", picture, bad, "-k", 3, "-o", tmp_path / "out", *FAST)
    assert "bad.png" in refusal(result, failures.REFUSED)
    assert files_in(tmp_path / "out") == ["photo.html"]


def test_a_file_over_a_limit_is_not_said_to_be_damaged(tmp_path):
    """One column: a tile whose margins are sixteen times its pixels."""
    path = tmp_path / "column.kq"
    header = Header("context", 1, 2**25, 1)
    path.write_bytes(built(header, bytes(3), b""))
    said = refusal(kq("report", path, *FAST), 1)
    assert "margins 570,425,395 pixels are over the limit" in said
    assert "raise max_pixels (--max-pixels)" in said
    assert "damaged" not in said


def test_nothing_is_overwritten(picture):
    page = picture.with_suffix(".html")
    page.write_text("mine")
    assert "--force" in refusal(kq("report", picture, *FAST), failures.SYSTEM)
    assert page.read_text() == "mine"


def test_wrong_usage(picture):
    assert "'auto'" in usage_refusal(kq("report", picture, "-k", "many"))
    assert "fractal" in usage_refusal(kq("report", picture, "--coder", "fractal"))
    assert files_in(picture.parent) == ["photo.png"]


def test_frames_are_played(tmp_path):
    data, _ = gifs.moving()
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    result = kq("report", path, "-k", 64, *FAST)
    assert (result.exit_code, result.stderr) == (0, "")
    page = path.with_suffix(".html").read_text("utf-8")
    options = {"title": "a.gif", "source_bytes": len(data), "effort": "fast"}
    assert page == kqcodec.html_report(data, 64, **options)
    assert "K = 16, " in result.stdout
    figures = json.loads(kq("report", path, "-k", 64, "--json", "--force", *FAST).stdout)
    assert (figures["k"], figures["frames"]) == (16, 6)
    piped = kq("report", "-", "-o", tmp_path / "b.html", "-k", 64, *FAST, stdin=data)
    assert piped.exit_code == 0
    assert "<canvas" in (tmp_path / "b.html").read_text("utf-8")
    message = refusal(kq("report", path, "--psnr", 30, "--force"), failures.USAGE)
    assert "several frames; say how many colours with -k" in message


def test_a_kq_file_is_played(tmp_path):
    frames, data = samples.animation()
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    assert kq("report", path, "-k", 16, *FAST).exit_code == 0
    page = path.with_suffix(".html").read_text("utf-8")
    assert f"<dd>{len(frames)} of 37 × 29</dd>" in page
    assert "<dd>exact</dd>" in page
