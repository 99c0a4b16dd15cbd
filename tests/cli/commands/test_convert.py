"""`kq convert`: palette and labels in other formats."""

import io
import json

import numpy as np
import profiles as made
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec import Metadata
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "a.kq"
    kqcodec.write(path, samples.indexed(31, 17, 7))
    return path


@pytest.mark.parametrize("to", ["png", "gif", "bmp", "tiff"])
def test_palette_and_order_are_kept(stored, to):
    assert kq("convert", stored, "--to", to).exit_code == 0
    indexed = kqcodec.read(stored)
    with Image.open(stored.with_suffix("." + to)) as image:
        assert image.mode == "P"
        assert image.getpalette("RGB")[:21] == indexed.palette.ravel().tolist()
        assert np.array_equal(np.asarray(image), indexed.labels)
    # And from there into a .kq file again.
    again = stored.with_name("again.kq")
    assert kq("encode", stored.with_suffix("." + to), "--labels", "-o", again).exit_code == 0
    found = kqcodec.read(again)
    assert np.array_equal(found.labels, indexed.labels)
    assert np.array_equal(found.palette[:7], indexed.palette)


def test_png_is_the_default(stored):
    assert kq("convert", stored).exit_code == 0
    assert files_in(stored.parent) == ["a.kq", "a.png"]


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("b.gif", "GIF"), ("b.webp", "WEBP"), ("b.tif", "TIFF"), ("b.BMP", "BMP"), ("b", "PNG")],
)
def test_the_extension_tells_the_format(stored, name, file_format):
    assert kq("convert", stored, "-o", stored.with_name(name)).exit_code == 0
    with Image.open(stored.with_name(name)) as image:
        assert image.format == file_format
        assert np.array_equal(np.asarray(image.convert("RGB")), kqcodec.read(stored).to_rgb())


@pytest.mark.parametrize("name", ["b.jpg", "b.kq", "b.txt"])
def test_other_extensions_are_refused(stored, name):
    message = usage_refusal(kq("convert", stored, "-o", stored.with_name(name)))
    assert "none of png, gif" in message
    assert files_in(stored.parent) == ["a.kq"]


@pytest.mark.parametrize("k", [7, 1000])
def test_arrays(tmp_path, k):
    image = samples.indexed(31, 17, k)
    path = tmp_path / "a.kq"
    kqcodec.write(path, image)
    assert kq("convert", path, "--to", "npy").exit_code == 0
    assert files_in(tmp_path) == ["a.kq", "a.npy", "a.palette.npy"]
    labels, palette = np.load(tmp_path / "a.npy"), np.load(tmp_path / "a.palette.npy")
    assert kqcodec.IndexedImage(palette, labels) == image
    assert kq("convert", path, "--to", "npz").exit_code == 0
    with np.load(tmp_path / "a.npz") as arrays:
        assert kqcodec.IndexedImage(arrays["palette"], arrays["labels"]) == image


def test_neither_of_two_files_is_overwritten(stored):
    for taken in ("a.npy", "a.palette.npy"):
        place = stored.with_name(taken)
        place.write_bytes(b"precious")
        refusal(kq("convert", stored, "--to", "npy"), failures.SYSTEM)
        assert place.read_bytes() == b"precious"
        assert files_in(stored.parent) == sorted(["a.kq", taken])
        place.unlink()


@pytest.mark.parametrize("to", ["png", "gif", "bmp", "tiff"])
def test_too_many_colours_for_a_palette(tmp_path, to):
    kqcodec.write(tmp_path / "a.kq", samples.indexed(31, 17, 257))
    message = refusal(kq("convert", tmp_path / "a.kq", "--to", to), failures.REFUSED)
    assert "at most 256 colours; use --to webp" in message
    assert kq("convert", tmp_path / "a.kq", "--to", "webp").exit_code == 0


@pytest.mark.parametrize("to", ["bmp", "tiff", "gif"])
def test_transparency_isnt_lost_in_silence(tmp_path, to):
    palette = np.array([[0, 0, 0, 0], [255, 0, 0, 128], [1, 2, 3, 255]], np.uint8)
    image = kqcodec.IndexedImage(palette, np.array([[0, 1, 2]], np.uint8))
    kqcodec.write(tmp_path / "a.kq", image)
    refusal(kq("convert", tmp_path / "a.kq", "--to", to), failures.REFUSED)
    assert files_in(tmp_path) == ["a.kq"]
    assert kq("convert", tmp_path / "a.kq").exit_code == 0
    with Image.open(tmp_path / "a.png") as png:
        assert png.mode == "P"
        assert np.array_equal(np.asarray(png.convert("RGBA")), image.to_rgba())


def test_a_profile_goes_along_or_is_applied(tmp_path):
    image = samples.indexed(31, 17, 7)
    profile = made.rgb_profile()
    with_profile = kqcodec.IndexedImage(
        image.palette, image.labels, metadata=Metadata(icc=profile, xmp=b"<x/>")
    )
    kqcodec.write(tmp_path / "a.kq", with_profile)
    assert kq("convert", tmp_path / "a.kq", "--to", "png").stderr == ""
    with Image.open(tmp_path / "a.png") as png:
        assert png.info["icc_profile"] == profile
        shown = kqcodec.quantize(png, 256)
    result = kq("convert", tmp_path / "a.kq", "--to", "gif")
    assert result.stderr == "kq: warning: GIF files carry no XMP; it is left out\n"
    with Image.open(tmp_path / "a.gif") as gif:
        assert np.array_equal(np.asarray(gif.convert("RGB")), shown.to_rgb())


def test_a_folder_with_a_broken_file(tmp_path):
    top = tmp_path / "in"
    for name in ("a.kq", "b/c.kq"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        kqcodec.write(top / name, samples.indexed(9, 9, 3))
    (top / "cut.kq").write_bytes((top / "a.kq").read_bytes()[:-3])
    result = kq("convert", top, "-r", "--to", "gif", "-o", tmp_path / "out", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("format") for line in lines] == ["gif", None, "gif"]
    assert result.exit_code == failures.REFUSED
    assert "cut.kq" in refusal(result, failures.REFUSED)
    assert (tmp_path / "out" / "b" / "c.gif").exists()


def test_through_standard_streams(stored):
    result = kq_process("convert", "-", "--to", "gif", input=stored.read_bytes())
    with Image.open(io.BytesIO(result.stdout)) as image:
        assert np.array_equal(np.asarray(image), kqcodec.read(stored).labels)
    assert "two files" in usage_refusal(
        kq("convert", "-", "--to", "npy", stdin=stored.read_bytes())
    )
