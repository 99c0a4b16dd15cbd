"""`kq decode` and `kq convert` of sequences: every frame is written, or one."""

import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands import _frame_outputs
from kqcodec.cli.screen import failures
from kqcodec.images.animations import open_animation

pytestmark = pytest.mark.compiled


@pytest.fixture
def frames(tmp_path):
    """Those of demo.kq, which is to be shown twice."""
    images, data = samples.animation(plays=2)
    (tmp_path / "demo.kq").write_bytes(data)
    return images


def assert_same(data, frames):
    animation = open_animation(data)
    found = list(animation)
    assert animation.plays == 2
    assert [frame.duration for frame in found] == [frame.duration for frame in frames]
    assert all(np.array_equal(a.pixels, b.to_rgb()) for a, b in zip(found, frames, strict=True))


@pytest.mark.parametrize("command", ["decode", "convert"])
@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_animations(tmp_path, frames, command, suffix):
    out = tmp_path / f"out.{suffix}"
    result = kq(command, tmp_path / "demo.kq", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert "37 x 29, 6 frames, K = 16, " in result.stdout
    assert_same(out, frames)


def test_the_default_is_apng(tmp_path, frames):
    assert kq("decode", tmp_path / "demo.kq").exit_code == 0
    assert_same(tmp_path / "demo.png", frames)


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_through_pipes(tmp_path, frames, suffix):
    data = (tmp_path / "demo.kq").read_bytes()
    if suffix == "png":
        assert_same(kq_process("decode", "-", "-q", input=data).stdout, frames)
    else:
        kq_process("decode", "-", "-o", tmp_path / "a.gif", input=data)
        assert_same(tmp_path / "a.gif", frames)


def test_a_file_for_each_frame(tmp_path, frames):
    result = kq("decode", tmp_path / "demo.kq", "-o", tmp_path / "new" / "%04d.png")
    assert result.exit_code == 0, result.stderr
    assert files_in(tmp_path / "new") == [f"{number:04}.png" for number in range(6)]
    for number, frame in enumerate(frames):
        with Image.open(tmp_path / "new" / f"{number:04}.png") as image:
            assert np.array_equal(np.asarray(image), frame.labels)


def test_files_of_frames_of_any_format(tmp_path, frames):
    out = tmp_path / "frame-%d.kq"
    assert kq("decode", tmp_path / "demo.kq", "-o", out, "--frame", 4).exit_code == 0
    assert files_in(tmp_path) == ["demo.kq", "frame-4.kq"]
    assert kqcodec.read(tmp_path / "frame-4.kq") == frames[4]
    out = tmp_path / "labels-%02d.npy"
    assert kq("decode", tmp_path / "demo.kq", "-o", out, "--labels").exit_code == 0
    assert np.array_equal(np.load(tmp_path / "labels-05.npy"), frames[5].labels)


@pytest.mark.parametrize("target", ["a.gif", "a.npy", "%d.png"])
def test_frames_that_are_too_many_to_write(tmp_path, frames, monkeypatch, target):
    """Those that are unchanged take three bytes each, however large they are written."""
    pixels = frames[0].width * frames[0].height
    monkeypatch.setattr(_frame_outputs, "max_pixels_of_frames", lambda _: 5 * pixels)
    out, path = tmp_path / "out", tmp_path / "demo.kq"
    out.mkdir()
    result = kq("decode", path, "-o", out / target)
    assert "more than 5,365 pixels together" in refusal(result, failures.REFUSED)
    assert files_in(out) == []
    assert kq("decode", path, "--frame", 5, "-o", tmp_path / "one.png").exit_code == 0
    path.write_bytes(path.read_bytes()[:-1])  # so that nobody knows how many there are
    result = kq("decode", path, "-o", out / target)
    if target != "a.npy":
        assert "more than 5,365 pixels together" in refusal(result, failures.REFUSED)
    assert len(files_in(out)) == (5 if target == "%d.png" else 0)


def test_files_of_frames_replace_nothing(tmp_path, frames):
    (tmp_path / "2.png").write_bytes(b"the original")
    arguments = ["decode", tmp_path / "demo.kq", "-o", tmp_path / "%d.png"]
    message = refusal(kq(*arguments), failures.SYSTEM)
    assert "2.png: the file exists already" in message
    assert (tmp_path / "2.png").read_bytes() == b"the original"
    assert kq(*arguments, "--force").exit_code == 0
    with Image.open(tmp_path / "2.png") as image:
        assert np.array_equal(np.asarray(image), frames[2].labels)


def test_a_still_has_one_frame(tmp_path):
    image = samples.indexed(23, 17, 10)
    kqcodec.write(tmp_path / "a.kq", image)
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "%d.png").exit_code == 0
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "b.png", "--frame", 0).exit_code == 0
    for name in ("0.png", "b.png"):
        with Image.open(tmp_path / name) as found:
            assert np.array_equal(np.asarray(found), image.labels)
    message = refusal(kq("decode", tmp_path / "a.kq", "--frame", 1), failures.USAGE)
    assert "it has no frame 1; they are numbered from 0 to 0" in message


@pytest.mark.parametrize("piped", [False, True])
def test_one_frame(tmp_path, frames, piped):
    out = tmp_path / "out.bmp"
    if piped:
        data = (tmp_path / "demo.kq").read_bytes()
        kq_process("decode", "-", "--frame", "3", "-o", out, input=data)
    else:
        assert kq("decode", tmp_path / "demo.kq", "--frame", 3, "-o", out).exit_code == 0
    with Image.open(out) as image:
        assert np.array_equal(np.asarray(image), frames[3].labels)
    assert "no frame 6" in refusal(kq("decode", tmp_path / "demo.kq", "--frame", 6), failures.USAGE)


def test_parts_of_frames(tmp_path, frames):
    inputs = ["decode", tmp_path / "demo.kq", "--region", "2,3,22,20"]
    assert kq(*inputs, "-o", tmp_path / "a.gif").exit_code == 0
    expected = [frame.to_rgb()[3:20, 2:22] for frame in frames]
    found = [frame.pixels for frame in open_animation(tmp_path / "a.gif")]
    assert all(map(np.array_equal, found, expected))
    smaller = [*inputs, "--scale", "1/2"]
    message = refusal(kq(*smaller, "-o", tmp_path / "b.gif"), failures.REFUSED)
    assert "its frames are made smaller by --scale-by nearest" in message
    result = kq(*smaller, "--scale-by", "nearest", "-o", tmp_path / "b.gif", "--json")
    figures = json.loads(result.stdout)
    assert (figures["width"], figures["height"], figures["frames"]) == (10, 9, 6)
    assert open_animation(tmp_path / "b.gif").size == (10, 9)
    assert kq(*smaller, "-o", tmp_path / "%d.png").exit_code == 0
    assert kq(*smaller, "-o", tmp_path / "one.png", "--frame", 5).exit_code == 0
    one = frames[5].to_rgb()[3:19, 2:22].astype(int).reshape(8, 2, 10, 2, 3).sum(axis=(1, 3))
    for name in ("5.png", "one.png"):
        with Image.open(tmp_path / name) as image:
            assert np.array_equal(np.asarray(image)[:8], (one + 2) // 4)


@pytest.mark.parametrize("labels", [False, True])
def test_arrays(tmp_path, frames, labels):
    options = ["--labels"] if labels else []
    out = tmp_path / "a.npy"
    assert kq("decode", tmp_path / "demo.kq", "-o", out, *options).exit_code == 0
    expected = np.stack([frame.labels if labels else frame.to_rgb() for frame in frames])
    assert np.array_equal(np.load(out), expected)


def test_a_background(tmp_path):
    palette = np.array([[9, 9, 9, 255], [255, 0, 0, 128], [0, 0, 0, 0]], np.uint8)
    labels = [np.full((5, 7), number % 3, np.uint8) for number in range(4)]
    data = samples.file_of_frames(palette, labels)
    (tmp_path / "a.kq").write_bytes(data)
    message = refusal(kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.gif"), failures.USAGE)
    assert "no other transparency; choose another extension, .png say, or give a -" in message
    assert files_in(tmp_path) == ["a.kq"]
    options = ["--background", "white"]
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.gif", *options).exit_code == 0
    found = [frame.pixels[0, 0].tolist() for frame in open_animation(tmp_path / "a.gif")]
    assert found == [[9, 9, 9], [255, 127, 127], [255, 255, 255], [9, 9, 9]]


@pytest.mark.parametrize(
    "options", [["-o", "a.jpg"], ["-o", "a.tiff"], ["-o", "a.png", "--labels"]]
)
def test_what_holds_one_frame(tmp_path, frames, options, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refusal(kq("decode", "demo.kq", *options), failures.REFUSED)
    suffix = options[1][1:]
    assert f"a file for each by -o NAME%04d{suffix}, or one by --frame" in message
    assert files_in(tmp_path) == ["demo.kq"]


def test_what_convert_has_no_format_for(tmp_path, frames):
    for form in ("npz", "npy", "bmp", "tiff"):
        message = refusal(kq("convert", tmp_path / "demo.kq", "--to", form), failures.REFUSED)
        assert "use --to png, gif or webp" in message
    assert files_in(tmp_path) == ["demo.kq"]


def test_numbers_are_for_one_file(tmp_path, frames):
    kqcodec.write(tmp_path / "a.kq", samples.indexed(5, 5, 2))
    names = [tmp_path / "demo.kq", tmp_path / "a.kq"]
    message = usage_refusal(kq("decode", *names, "-o", tmp_path / "%d.png"))
    assert "a name with numbers is for the frames of one file" in message
    message = usage_refusal(kq("decode", names[0], "-o", tmp_path / "%d.png", "--skip-existing"))
    assert "--skip-existing takes no name with numbers" in message


def test_a_damaged_sequence_leaves_no_animation(tmp_path, frames):
    data = bytearray((tmp_path / "demo.kq").read_bytes())
    data[len(data) * 2 // 3] ^= 1
    (tmp_path / "demo.kq").write_bytes(data)
    for suffix in ("gif", "png", "webp"):
        out = tmp_path / f"out.{suffix}"
        message = refusal(kq("decode", tmp_path / "demo.kq", "-o", out), failures.REFUSED)
        assert "demo.kq: " in message
    assert files_in(tmp_path) == ["demo.kq"]


@pytest.fixture
def volume(tmp_path):
    """Labels of cells.kq, whose slices differ."""
    ids = np.random.default_rng(4).integers(0, 5, (4, 9, 11)).astype(np.uint16) * 300
    kqcodec.write(tmp_path / "cells.kq", kqcodec.LabelMap(ids))
    return ids


def test_slices_of_label_volumes(tmp_path, volume):
    result = kq("decode", tmp_path / "cells.kq", "-o", tmp_path / "z%02d.png")
    assert result.exit_code == 0, result.stderr
    assert "11 x 9, 4 frames, " in result.stdout
    for number, ids in enumerate(volume):
        with Image.open(tmp_path / f"z{number:02}.png") as image:
            assert np.array_equal(np.asarray(image), ids)
    options = ["--frame", 2, "--region", "1,2,8,7", "-o"]
    assert kq("decode", tmp_path / "cells.kq", *options, tmp_path / "one.npy").exit_code == 0
    assert np.array_equal(np.load(tmp_path / "one.npy"), volume[2, 2:7, 1:8])
    assert kq("decode", tmp_path / "cells.kq", *options, tmp_path / "n%d.npy").exit_code == 0
    assert np.array_equal(np.load(tmp_path / "n2.npy"), volume[2, 2:7, 1:8])
    message = refusal(kq("decode", tmp_path / "cells.kq", "--frame", 4), failures.USAGE)
    assert "it has no frame 4; they are numbered from 0 to 3" in message


def test_a_label_map_is_one_slice(tmp_path):
    ids = np.arange(12).reshape(3, 4)
    kqcodec.write(tmp_path / "a.kq", kqcodec.LabelMap(ids))
    assert kq("decode", tmp_path / "a.kq", "--frame", 0, "-o", tmp_path / "a.npy").exit_code == 0
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "%d.npy").exit_code == 0
    for name in ("a.npy", "0.npy"):
        assert np.array_equal(np.load(tmp_path / name), ids)
    assert "no frame 1" in refusal(kq("decode", tmp_path / "a.kq", "--frame", 1), failures.USAGE)
