"""The examples in each command's help run as they stand."""

import glob
import re
import shlex

import pytest
import samples
from commands import kq
from PIL import Image

import kqcodec
from kqcodec import kernels
from kqcodec.cli import COMMANDS

pytestmark = pytest.mark.compiled

SLOW = kernels.chosen() == "reference"

# These begin with files, which for the others would be in the way.
READERS = ("decode", "convert", "info", "verify", "repair", "view", "thumbnail")

# What extras bring.
EXTRAS = {"elbow": "matplotlib"}


def examples(command):
    _, _, text = kq(command, "--help").stdout.partition("Examples:\n")
    return re.findall(r"^ +(kq .*?)\s*$", text, re.M)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_run(command, tmp_path, monkeypatch, portrait):
    if SLOW and command == "demo":
        pytest.skip("the same on all kernels, and slow on these")
    step = 32 if SLOW else 8
    if command in EXTRAS:
        pytest.importorskip(EXTRAS[command])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))  # kq integrate writes into its folders
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "pictures").mkdir()
    picture = Image.fromarray(portrait[::step, ::step])
    for name in ("photo.png", "pictures/one.png", "a.png", "b.png"):
        picture.save(name)
    (tmp_path / "shots").mkdir()
    for name in ("shots/1.png", "shots/2.png"):
        picture.save(name)
    picture.save("anim.gif", save_all=True, append_images=[picture.transpose(0)])
    Image.fromarray(portrait[::step, ::step, 0] // 50).save("mask.png")
    if command in READERS:
        run = ["encode", "photo.png", "pictures/one.png"]
        assert kq(*run, *(["--manifest", "done.jsonl"] * (command == "verify"))).exit_code == 0
        (tmp_path / "photo.png").unlink()
        assert kq("encode", "--labels", "mask.png").exit_code == 0
        (tmp_path / "demo.kq").write_bytes(samples.animation()[1])
    if command == "labels":
        labels = portrait[::step, ::step, 0] // 50
        (tmp_path / "cells.kq").write_bytes(kqcodec.encode_labels(labels, index=True))
    found = examples(command)
    assert found
    for example in found:
        words = shlex.split(example)[1:]
        result = kq(*(name for word in words for name in sorted(glob.glob(word)) or [word]))
        assert result.exit_code == 0, (example, result.stderr)
