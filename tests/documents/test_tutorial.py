"""The tutorial runs as it stands, and its pictures and numbers are right."""

import os
import re

import numpy as np
import pytest
from code_blocks import blocks, run
from PIL import Image
from places import SPEC

pytestmark = pytest.mark.compiled
TUTORIAL = SPEC / "tutorial.md"


@pytest.fixture(scope="module")
def text():
    return TUTORIAL.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def names(text, folder):
    """What its Python leaves behind; each block must print what is below it."""
    pytest.importorskip("matplotlib", reason="the tutorial needs the extra plot")
    before = os.getcwd()
    os.chdir(folder)
    found = {}
    try:
        for block in blocks(text):
            if block.kind == "python":
                assert run(block, found, TUTORIAL.name) == (block.output or "")
    finally:
        os.chdir(before)
    return found


def test_the_python_prints_what_it_says(names):
    assert names["ten"].k == 10


@pytest.mark.usefixtures("names")
def test_its_pictures_are_drawn(folder):
    for name in ("elbow.png", "3-6-10.png", "overlay.png", "segments.png"):
        with Image.open(folder / name) as image:
            assert image.width >= 200
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


@pytest.mark.skipif(os.name != "posix", reason="the commands are for a POSIX shell")
def test_the_commands_run(text, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="the tutorial needs the extra plot")
    monkeypatch.chdir(tmp_path)
    (block,) = [block for block in blocks(text) if block.kind == "console"]
    assert "exactly as its header predicts" in run(block, {}, TUTORIAL.name)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"kq-demo", "curve.png", "sheet.png", "five", "ten.kq", "report.html"}


def test_the_lesson_s_numbers_are_put_right(text):
    wrong_pixels, pixels = 200 * 183, 200 * 181
    assert f"24 · {wrong_pixels:,} is {24 * wrong_pixels:,}" in text
    assert f"{24 * pixels:,} is right" in text.replace("\n", " ")
    assert round(240 + wrong_pixels * 3.32) == 121_752


def test_links_lead_somewhere(text):
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.*)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (TUTORIAL.parent / target).exists(), target
