"""`kq decode`: pictures back, palettes kept."""

import io
import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled


def written(path, k=10):
    image = samples.indexed(23, 17, k)
    kqcodec.write(path, image)
    return image


@pytest.mark.parametrize("k", [1, 2, 3, 16, 17, 256])
def test_png_keeps_palette_and_indices(tmp_path, k):
    image = written(tmp_path / "a.kq", k)
    assert kq("decode", tmp_path / "a.kq").exit_code == 0
    with Image.open(tmp_path / "a.png") as found:
        assert found.mode == "P"
        assert np.array_equal(np.asarray(found), image.labels)
        assert found.getpalette()[: 3 * k] == image.palette.ravel().tolist()


@pytest.mark.parametrize("suffix", ["png", "ppm", "bmp", "tiff", "tga", "webp", "PNG"])
@pytest.mark.parametrize("k", [10, 300])
def test_lossless_formats_have_the_pixels(tmp_path, suffix, k):
    image = written(tmp_path / "a.kq", k)
    out = tmp_path / f"out.{suffix}"
    # WebP is lossy by default, so only its size is compared.
    assert kq("decode", tmp_path / "a.kq", "-o", out).exit_code == 0
    with Image.open(out) as found:
        assert found.size == (23, 17)
        if suffix != "webp":
            assert np.array_equal(np.asarray(found.convert("RGB")), image.to_rgb())


def test_npy_is_an_array_of_rgb(tmp_path):
    image = written(tmp_path / "a.kq", 300)
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.npy").exit_code == 0
    assert np.array_equal(np.load(tmp_path / "a.npy"), image.to_rgb())


def test_jpeg_gets_rgb(tmp_path):
    written(tmp_path / "a.kq")
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.jpg").exit_code == 0
    with Image.open(tmp_path / "a.jpg") as found:
        assert (found.format, found.mode, found.size) == ("JPEG", "RGB", (23, 17))


@pytest.mark.parametrize("name", ["a.kq2", "a.nothing", "a"])
def test_unknown_extensions_are_refused(tmp_path, name):
    written(tmp_path / "in.kq")
    message = usage_refusal(kq("decode", tmp_path / "in.kq", "-o", tmp_path / name))
    assert ".png" in message
    assert files_in(tmp_path) == ["in.kq"]


def test_a_picture_that_the_format_cannot_hold(tmp_path):
    kqcodec.write(tmp_path / "wide.kq", samples.indexed(20_000, 1, 2))
    message = refusal(kq("decode", tmp_path / "wide.kq", "-o", tmp_path / "a.webp"), 2)
    assert "WEBP" in message
    assert files_in(tmp_path) == ["wide.kq"]


def test_a_pipe_through_standard_streams(tmp_path):
    image = written(tmp_path / "a.kq")
    result = kq_process("decode", "-", input=(tmp_path / "a.kq").read_bytes())
    assert result.stderr == b""
    with Image.open(io.BytesIO(result.stdout)) as found:
        assert found.format == "PNG"
        assert np.array_equal(np.asarray(found), image.labels)


def test_encode_and_decode_in_one_pipe(tmp_path):
    image = samples.indexed(40, 30, 9)
    buffer = io.BytesIO()
    image.to_pil().save(buffer, "PNG")
    encoded = kq_process("encode", "-", "-q", input=buffer.getvalue()).stdout
    decoded = kq_process("decode", "-", "-q", input=encoded).stdout
    with Image.open(io.BytesIO(decoded)) as found:
        assert np.array_equal(np.asarray(found.convert("RGB")), image.to_rgb())


def test_several_inputs_and_one_bad(tmp_path):
    for name in "abc":
        written(tmp_path / f"{name}.kq")
    (tmp_path / "b.kq").write_bytes(b"nothing like it")
    inputs = [tmp_path / f"{name}.kq" for name in "abc"]
    result = kq("decode", *inputs, "-o", tmp_path / "out")
    assert "b.kq: not a .kq file" in refusal(result, failures.REFUSED)
    assert files_in(tmp_path / "out") == ["a.png", "c.png"]


def test_nothing_is_overwritten_without_force(tmp_path):
    written(tmp_path / "a.kq")
    (tmp_path / "a.png").write_bytes(b"the original")
    assert "--force" in refusal(kq("decode", tmp_path / "a.kq"), failures.SYSTEM)
    assert (tmp_path / "a.png").read_bytes() == b"the original"
    assert kq("decode", tmp_path / "a.kq", "--force").exit_code == 0
    with Image.open(tmp_path / "a.png") as found:
        assert found.size == (23, 17)


def test_json(tmp_path):
    written(tmp_path / "a.kq")
    figures = json.loads(kq("decode", tmp_path / "a.kq", "--json").stdout)
    assert figures["output_bytes"] == (tmp_path / "a.png").stat().st_size
    assert (figures["width"], figures["height"], figures["k"]) == (23, 17, 10)


def test_the_limit_on_pixels_can_be_set(tmp_path):
    written(tmp_path / "a.kq")
    result = kq("decode", tmp_path / "a.kq", "--max-pixels", 23 * 17 - 1)
    assert "--max-pixels" in refusal(result, failures.REFUSED)
    assert kq("decode", tmp_path / "a.kq", "--max-pixels", 23 * 17).exit_code == 0


@pytest.mark.parametrize(
    ("k", "name", "reason"),
    [(300, "a.gif", "at most 256 colours, not 300"), (5, "a.icns", "don't keep the size")],
)
def test_a_format_that_would_change_the_picture_is_refused(tmp_path, k, name, reason):
    kqcodec.write(tmp_path / "a.kq", samples.indexed(31, 24, k))
    result = kq("decode", tmp_path / "a.kq", "-o", tmp_path / name)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert not (tmp_path / name).exists()
