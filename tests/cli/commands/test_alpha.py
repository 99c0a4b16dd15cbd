"""Alpha through `kq encode`, `decode`, `info` and `verify`."""

import json

import numpy as np
import pytest
from commands import files_in, kq, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.coding.encoder import in_order_of

pytestmark = pytest.mark.compiled


@pytest.fixture
def badge(tmp_path):
    """A soft disc over nothing."""
    y, x = np.mgrid[0:40, 0:50]
    alpha = np.clip((18 - np.hypot(x - 25, y - 20)) * 60, 0, 255)
    pixels = np.dstack([x * 5, y * 6, (x + y) * 2, alpha]).astype(np.uint8)
    path = tmp_path / "badge.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def encoded(badge):
    assert kq("encode", badge, "-k", 12).exit_code == 0
    return badge.with_suffix(".kq")


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


def test_alpha_is_kept_without_a_word(badge):
    result = kq("encode", badge, "-k", 12)
    assert (result.exit_code, result.stderr) == (0, "")
    found = kqcodec.read(badge.with_suffix(".kq"))
    assert found == in_order_of("context", kqcodec.quantize(badge, 12))
    shown, alpha = found.to_rgba(), pixels_of(badge)[..., 3]
    assert not shown[alpha == 0].any()
    assert (shown[alpha == 255, 3] == 255).all()


def test_there_and_back_and_there_again(encoded, tmp_path):
    back = tmp_path / "back.png"
    assert kq("decode", encoded, "-o", back).exit_code == 0
    found = kqcodec.read(encoded)
    with Image.open(back) as image:
        assert image.mode == "P"
        assert np.array_equal(np.asarray(image), found.labels)
    assert np.array_equal(pixels_of(back), found.to_rgba())
    again = tmp_path / "again.kq"
    assert kq("encode", back, "-k", 12, "-o", again).exit_code == 0
    assert again.read_bytes() == encoded.read_bytes()


@pytest.mark.parametrize("suffix", [".webp", ".tiff", ".tga"])
def test_other_formats_get_rgba(encoded, tmp_path, suffix):
    target = tmp_path / f"back{suffix}"
    assert kq("decode", encoded, "-o", target).exit_code == 0
    found = kqcodec.read(encoded).to_rgba()
    assert np.array_equal(pixels_of(target), found)


def test_gif_has_one_transparent_entry(tmp_path):
    palette = np.array([[9, 8, 7, 255], [0, 0, 0, 0], [70, 80, 90, 255]], dtype=np.uint8)
    indexed = kqcodec.IndexedImage(palette, np.array([[0, 1, 2], [1, 0, 2]]))
    kqcodec.write(tmp_path / "a.kq", indexed)
    target = tmp_path / "a.gif"
    assert kq("decode", tmp_path / "a.kq", "-o", target).exit_code == 0
    with Image.open(target) as image:
        assert image.info["transparency"] == 1
        assert np.array_equal(np.asarray(image), indexed.labels)
    assert np.array_equal(pixels_of(target), indexed.to_rgba())
    two = kqcodec.IndexedImage(palette[[0, 1, 1]], np.array([[0, 1, 2]]))
    kqcodec.write(tmp_path / "b.kq", two)
    message = refusal(kq("decode", tmp_path / "b.kq", "-o", tmp_path / "b.gif"), failures.USAGE)
    assert "one fully transparent colour" in message


def test_npy_gets_rgba(encoded, tmp_path):
    target = tmp_path / "back.npy"
    assert kq("decode", encoded, "-o", target).exit_code == 0
    assert np.array_equal(np.load(target), kqcodec.read(encoded).to_rgba())


@pytest.mark.parametrize("suffix", [".jpg", ".ppm", ".bmp", ".gif"])
def test_formats_without_alpha_ask_for_a_background(encoded, tmp_path, suffix):
    target = tmp_path / f"back{suffix}"
    message = refusal(kq("decode", encoded, "-o", target), failures.USAGE)
    assert "or give a --background" in message
    assert not target.exists()
    assert kq("decode", encoded, "-o", target, "--background", "red").exit_code == 0
    shown = pixels_of(target)[..., :3]
    expected = kqcodec.read(encoded).to_rgb((255, 0, 0))
    if suffix != ".jpg":
        assert np.array_equal(shown, expected)
    assert np.abs(shown[0, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_a_background_keeps_palette_and_indices(encoded, tmp_path):
    target = tmp_path / "flat.png"
    assert kq("decode", encoded, "-o", target, "--background", "#102030").exit_code == 0
    with Image.open(target) as image:
        assert image.mode == "P"
        assert "transparency" not in image.info
        assert np.array_equal(np.asarray(image), kqcodec.read(encoded).labels)
        assert image.convert("RGB").getpixel((0, 0)) == (16, 32, 48)


def test_info_tells_of_alpha(encoded):
    text = kq("info", encoded).stdout
    assert "format   1.0" in text
    assert "K = 12, with alpha" in text
    assert "theory 32*K + N*log2(K)" in text
    assert "#00000000" in text
    figures = json.loads(kq("info", "--json", encoded).stdout)
    assert figures["alpha"] is True
    assert figures["raw_bits"] == 32 * 2000
    palette = kqcodec.read(encoded).palette
    assert figures["palette"] == ["#" + bytes(entry).hex() for entry in palette]


def test_info_of_files_without_alpha_is_as_it_was(badge, tmp_path):
    assert kq("encode", badge, "-k", 3, "--background", "white").exit_code == 0
    figures = json.loads(kq("info", "--json", badge.with_suffix(".kq")).stdout)
    assert (figures["format"], figures["alpha"]) == ("1.0", False)
    assert all(len(entry) == 7 for entry in figures["palette"])


def test_verify_counts_it(encoded):
    text = kq("verify", encoded).stdout
    assert "theory 32·K + N·log2 K" in text
    assert "The parts add up" in text
    figures = json.loads(kq("verify", "--json", encoded).stdout)
    assert figures["alpha"] is True
    assert figures["palette_bytes"] <= 48
    assert figures["proven"] is True


def test_json_tells_of_alpha(badge, tmp_path):
    figures = json.loads(kq("encode", "--json", badge, "-k", 12).stdout)
    assert figures["alpha"] is True
    assert figures["theory_bits"] == pytest.approx(32 * 12 + 2000 * np.log2(12))
    result = kq("decode", "--json", badge.with_suffix(".kq"), "-o", tmp_path / "x.png")
    assert json.loads(result.stdout)["alpha"] is True


def test_one_colour_is_too_few(badge):
    message = refusal(kq("encode", badge, "-k", 1), failures.REFUSED)
    assert str(badge) in message
    assert "at least 2 colours" in message
    assert files_in(badge.parent) == ["badge.png"]
    assert kq("encode", badge, "-k", 1, "--background", "blue").exit_code == 0


def test_one_that_fails_does_not_stop_the_others(badge, tmp_path):
    other = tmp_path / "other.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 255)).save(other)
    result = kq("encode", badge, other, "-k", 1)
    assert result.exit_code == failures.REFUSED
    assert files_in(tmp_path) == ["badge.png", "other.kq", "other.png"]


def test_what_is_no_colour_is_refused(encoded, tmp_path):
    result = kq("decode", encoded, "-o", tmp_path / "x.png", "--background", "reddish")
    assert "is not a colour" in usage_refusal(result)
