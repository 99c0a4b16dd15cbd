"""The examples in each command's help run as they stand."""

import re
import shlex

import pytest
from commands import kq
from PIL import Image


def examples(command):
    _, _, text = kq(command, "--help").stdout.partition("Examples:\n")
    return re.findall(r"^ +(kq .*?)\s*$", text, re.M)


@pytest.mark.parametrize("command", ["encode", "decode", "convert"])
def test_the_examples_run(command, tmp_path, monkeypatch, portrait):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    picture = Image.fromarray(portrait[::4, ::4])
    picture.save("photo.png")
    picture.save("pictures/one.png")
    if command != "encode":
        assert kq("encode", "photo.png", "pictures/one.png").exit_code == 0
        (tmp_path / "photo.png").unlink()
    found = examples(command)
    assert len(found) >= 3
    for example in found:
        result = kq(*shlex.split(example)[1:])
        assert result.exit_code == 0, (example, result.stderr)
