"""`kq decode` of parts, of smaller pictures, and of those larger than memory."""

import io
import json

import numpy as np
import pytest
import tifffile
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image
from profiles import rgb_profile
from trust.resources import built

import kqcodec
from kqcodec.cli.commands import _decode_parts
from kqcodec.coding import downscale
from kqcodec.format import limits
from kqcodec.format.header import Header

pytestmark = pytest.mark.compiled


@pytest.fixture
def picture(portrait):
    return kqcodec.quantize(np.ascontiguousarray(portrait[40:190, 60:240]), 20)


@pytest.fixture
def folder(tmp_path, monkeypatch, picture):
    monkeypatch.chdir(tmp_path)
    kqcodec.write("p.kq", picture, tile=64)
    return tmp_path


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


def test_options_are_those_of_the_package():
    assert _decode_parts.MOST_TIMES == downscale.MOST_TIMES


def test_a_region(picture, folder):
    assert kq("decode", "p.kq", "--region", "50,60,120,100", "-o", "r.png").exit_code == 0
    image = opened("r.png")
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), picture.labels[60:100, 50:120])
    assert kq("decode", "p.kq", "--region", "0,0,9,9", "--labels", "-o", "r.npy").exit_code == 0
    assert np.array_equal(np.load("r.npy"), picture.labels[:9, :9])
    # Tiles that aren't touched don't count for the limit.
    limited = kq("decode", "p.kq", "--region", "0,0,9,9", "--max-pixels", 4096, "-o", "s.png")
    assert limited.exit_code == 0


def test_a_smaller_picture(picture, folder):
    result = kq("decode", "p.kq", "--scale", "1/8", "-o", "s.png")
    assert result.stdout == f"s.png: 23 x 19, {(folder / 's.png').stat().st_size:,} bytes\n"
    assert np.array_equal(np.asarray(opened("s.png")), kqcodec.open("p.kq").scaled(8))
    assert kq("decode", "p.kq", "--scale", "1/8", "-o", "s.npy").exit_code == 0
    assert np.array_equal(np.load("s.npy"), kqcodec.open("p.kq").scaled(8))
    middles = kqcodec.open("p.kq").scaled(8, method="nearest")
    options = ("--scale", "1/8", "--scale-by", "nearest", "-o", "n.png")
    assert kq("decode", "p.kq", *options).exit_code == 0
    assert np.array_equal(np.asarray(opened("n.png")), middles.labels)
    assert kq("decode", "p.kq", "--scale", "1/8", "--labels", "-o", "l.npy").exit_code == 0
    assert np.array_equal(np.load("l.npy"), middles.labels)


def test_a_smaller_region_down_a_pipe(picture, folder):
    done = kq_process("decode", "p.kq", "--region", "3,5,73,45", "--scale", "1/3", "-o", "-")
    assert done.returncode == 0, done.stderr
    expected = kqcodec.open("p.kq").scaled(3, box=(3, 5, 73, 45))
    assert np.array_equal(np.asarray(opened(io.BytesIO(done.stdout))), expected)


def test_what_means_of_transparent_pictures_become(folder):
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8) % 3
    palette = np.array([[255, 0, 0, 255], [0, 0, 255, 0], [0, 255, 0, 100]], np.uint8)
    kqcodec.write("t.kq", kqcodec.IndexedImage(palette, labels))
    assert kq("decode", "t.kq", "--scale", "1/4", "-o", "t.png").exit_code == 0
    assert opened("t.png").mode == "RGBA"
    told = refusal(kq("decode", "t.kq", "--scale", "1/4", "-o", "t.ppm"), 2)
    assert "--background" in told
    options = ("--scale", "1/4", "--background", "white", "-o", "t.jpg")
    assert kq("decode", "t.kq", *options).exit_code == 0


def test_a_profile_stays_with_the_means(folder):
    image = kqcodec.IndexedImage(
        np.array([[200, 30, 30]], np.uint8),
        np.zeros((9, 9), np.uint8),
        metadata=kqcodec.Metadata(icc=rgb_profile()),
    )
    kqcodec.write("wide.kq", image)
    assert kq("decode", "wide.kq", "--scale", "1/3", "-o", "w.png").exit_code == 0
    assert opened("w.png").info["icc_profile"] == rgb_profile()
    assert kq("decode", "wide.kq", "--scale", "1/3", "-o", "w.bmp").exit_code == 0
    assert np.asarray(opened("w.bmp").convert("RGB"))[0, 0].tolist() != [200, 30, 30]


@pytest.mark.parametrize("labels", [False, True])
def test_large_pictures_become_tiled_files(labels, picture, folder, monkeypatch):
    monkeypatch.setattr(_decode_parts, "_LARGE", 1000)
    option = ["--labels"] if labels else []
    expected = picture.labels if labels else picture.to_rgb()
    result = kq("decode", "p.kq", "-o", "p.tif", "--json", *option)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["width"] == picture.width
    with tifffile.TiffFile("p.tif") as file:
        page = file.pages.first
        assert page.is_tiled
        samples = page.asarray()
        table = (page.colormap.T >> 8).astype(np.uint8)
    assert np.array_equal(samples if labels else table[samples], expected)
    assert kq("decode", "p.kq", "-o", "p.npy", *option).exit_code == 0
    assert np.array_equal(np.load("p.npy"), expected)
    assert files_in(folder) == ["p.kq", "p.npy", "p.tif"]
    # The way back is the same file.
    assert kq("encode", "p.tif", "-k", 20, "-o", "again.kq").exit_code == 0
    assert np.array_equal(kqcodec.read("again.kq").to_rgb(), picture.to_rgb())


def test_damage_leaves_no_half_file(folder, monkeypatch):
    monkeypatch.setattr(_decode_parts, "_LARGE", 1000)
    data = bytearray((folder / "p.kq").read_bytes())
    data[-40] ^= 1
    (folder / "p.kq").write_bytes(data)
    for name in ("p.tif", "p.npy"):
        assert refusal(kq("decode", "p.kq", "-o", name), 1).startswith("kq: p.kq: ")
    assert files_in(folder) == ["p.kq"]


def test_limits_say_what_else_can_be_done(folder, monkeypatch):
    told = refusal(kq("decode", "p.kq", "--max-pixels", 1000, "-o", "p.png"), 1)
    assert ".tiff or .npy, or take a --region or --scale" in told
    monkeypatch.setattr(_decode_parts, "_LARGE", 1000)
    assert "1,001" in refusal(kq("decode", "p.kq", "--max-pixels", 1001, "-o", "p.tif"), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--region", "1,2,3"), "LEFT,TOP,RIGHT,BOTTOM"),
        (("--region", "1,2,0,4"), "two corners rather than a width and a height"),
        (("--region", "10,10,5,20"), "LEFT,TOP,RIGHT,BOTTOM"),
        (("--scale", "8"), "1/N"),
        (("--scale", "1/0"), "1/N"),
        (("--scale", "1/4097"), "1/N"),
        (("--scale-by", "mean"), "--scale"),
        (("--scale", "1/2", "--scale-by", "mean", "--labels"), "labels have no mean"),
    ],
)
def test_options_that_make_no_sense(options, message, folder):
    assert message in usage_refusal(kq("decode", "p.kq", *options, "-o", "p.png"))


@pytest.mark.parametrize("options", [(), ("--scale", "1/2")])
def test_regions_outside(options, folder):
    result = kq("decode", "p.kq", "--region", "100,100,200,200", *options, "-o", "p.png")
    told = refusal(result, 2)
    assert "not within the picture of 180 x 150 pixels" in told
    assert files_in(folder) == ["p.kq"]


def test_small_files_of_huge_pictures_are_refused(folder, monkeypatch):
    """Tile by tile memory is bounded, but disk and time aren't."""
    header = Header("packed", 16_384, 8_200, 1, (11, 11))
    data = built(header, bytes(3), b"")
    (folder / "huge.kq").write_bytes(data)
    commands = [
        ("verify",),
        ("decode", "-o", "a.tif"),
        ("decode", "--scale", "1/64", "-o", "a.png"),
    ]
    for name, *options in commands:
        assert "are over the limit" in refusal(kq(name, "huge.kq", *options), 1)
    monkeypatch.setattr(limits, "_BY_TILES", header.pixels // len(data) + 1)
    for name, *options in (commands[0], commands[2]):
        assert kq(name, "huge.kq", *options).exit_code == 0
    told = kq("verify", "huge.kq", "--max-pixels", 2**27 - 1)
    assert "are over the limit" in refusal(told, 1)
