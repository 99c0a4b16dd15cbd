"""`kq decode` of label maps: ids, and colours only where they are asked for."""

import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.coding.meaning import Meaning

pytestmark = pytest.mark.compiled


@pytest.fixture(params=samples.LABEL_MAPS)
def values(request, tmp_path):
    found = samples.LABEL_MAPS[request.param]
    (tmp_path / "a.kq").write_bytes(kqcodec.encode_labels(found, tile=16))
    return found


def stored(tmp_path, name, **options):
    (tmp_path / "a.kq").write_bytes(kqcodec.encode_labels(samples.LABEL_MAPS[name], **options))
    return samples.LABEL_MAPS[name]


@pytest.mark.parametrize("suffix", ["npy", "npz", "tiff", "zarr"])
def test_every_dtype_comes_back(values, tmp_path, suffix):
    if suffix == "zarr":
        pytest.importorskip("zarr")
    out = tmp_path / f"out.{suffix}"
    result = kq("decode", tmp_path / "a.kq", "-o", out, "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout)
    assert figures["k"] == len(np.unique(values))
    assert figures["dtype"] == values.dtype.name
    found = kqcodec.label_map(out).values
    if suffix == "tiff":  # which has neither bools nor axes of length 1
        assert np.array_equal(found, values.reshape(found.shape))
    else:
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)


@pytest.mark.parametrize(
    ("name", "mode"), [("bools", "P"), ("classes", "P"), ("instances", "I;16"), ("column", "I;16")]
)
def test_png_has_ids(tmp_path, name, mode):
    values = stored(tmp_path, name)
    assert kq("decode", tmp_path / "a.kq").exit_code == 0
    with Image.open(tmp_path / "a.png") as found:
        assert found.mode in (mode, "I")  # some versions of Pillow read 16 bits as 32
        assert np.array_equal(np.asarray(found), values.reshape(values.shape[:2]))


@pytest.mark.parametrize(("name", "label"), [("signed", "-4"), ("wide", "-400000000000000000")])
def test_ids_that_png_lacks_are_refused(tmp_path, name, label):
    stored(tmp_path, name)
    message = refusal(kq("decode", tmp_path / "a.kq"), failures.REFUSED)
    assert f"label {label} doesn't fit" in message
    assert ".npy or .tiff" in message
    assert files_in(tmp_path) == ["a.kq"]


@pytest.mark.parametrize("suffix", ["jpg", "webp", "gif", "bmp", "ppm"])
def test_formats_without_ids_are_refused(tmp_path, suffix):
    stored(tmp_path, "classes")
    out = tmp_path / f"out.{suffix}"
    message = refusal(kq("decode", tmp_path / "a.kq", "-o", out), failures.REFUSED)
    assert "don't keep ids; write .png, .tiff, .npy, .npz or .zarr" in message
    assert "--colors" in message
    assert kq("decode", tmp_path / "a.kq", "-o", out, "--colors").exit_code == 0
    assert out.exists()


def test_colours_where_they_are_asked_for(values, tmp_path):
    pixels = kqcodec.decode((tmp_path / "a.kq").read_bytes())
    for options, expected in (
        ([], pixels),
        (["--region", "5,7,40,30"], pixels[7:30, 5:40]),
        (["--scale", "1/5", "--scale-by", "nearest"], pixels[2::5, 2::5]),
    ):
        out = tmp_path / "out.png"
        result = kq("decode", tmp_path / "a.kq", "--colors", "-o", out, *options)
        assert result.exit_code == 0, result.stderr
        with Image.open(out) as found:
            assert found.mode == "RGB"
            assert np.array_equal(np.asarray(found), expected)
        out.unlink()


def test_parts_have_ids(values, tmp_path):
    for options, expected in (
        (["--region", "5,7,40,30"], values[7:30, 5:40]),
        (["--scale", "1/5"], values[2::5, 2::5]),
        (["--scale", "1/5", "--labels"], values[2::5, 2::5]),
        (["--region", "5,5,45,30", "--scale", "1/5"], values[7:30:5, 7:45:5]),
    ):
        out = tmp_path / "out.npy"
        assert kq("decode", tmp_path / "a.kq", "-o", out, "--force", *options).exit_code == 0
        found = np.load(out)
        assert found.dtype == values.dtype
        assert np.array_equal(found, expected)
    means = "decode", tmp_path / "a.kq", "-o", out, "--scale", "1/2", "--scale-by", "mean"
    assert "ids have no mean" in refusal(kq(*means, "--force"), failures.REFUSED)


def test_the_place_of_a_part_is_told(tmp_path):
    pytest.importorskip("rasterio")
    meaning = Meaning(transform=(10, 0, 500_000, 0, -10, 4_000_000), crs="EPSG:32632", nodata=0)
    stored(tmp_path, "instances", meaning=meaning)
    out = tmp_path / "out.tif"
    options = "--region", "10,5,50,35", "--scale", "1/5"
    assert kq("decode", tmp_path / "a.kq", "-o", out, *options).exit_code == 0
    found = kqcodec.label_map(out).meaning
    assert found.transform == (50, 0, 500_100, 0, -50, 3_999_950)
    assert (found.crs, found.nodata) == ("EPSG:32632", 0)


def test_ids_in_rgb(tmp_path):
    values = samples.LABEL_MAPS["instances"].astype(np.uint32) * 300
    (tmp_path / "a.kq").write_bytes(kqcodec.encode_labels(values, names={300: "car"}))
    assert kq("decode", tmp_path / "a.kq", "--ids", "rgb").exit_code == 0
    assert files_in(tmp_path) == ["a.json", "a.kq", "a.png"]
    again = kqcodec.label_map(tmp_path / "a.png", ids="rgb")
    assert np.array_equal(again.values, values)
    for wrong in (["-o", tmp_path / "b.npy"], ["-o", "-"], ["--colors"]):
        usage_refusal(kq("decode", tmp_path / "a.kq", "--ids", "rgb", *wrong))


def test_a_zarr_array_is_replaced_only_by_force(tmp_path):
    pytest.importorskip("zarr")
    values = stored(tmp_path, "wide")
    out = tmp_path / "out.zarr"
    for force, code in ((), 0), ((), failures.SYSTEM), (("--force",), 0):
        assert kq("decode", tmp_path / "a.kq", "-o", out, *force).exit_code == code
    assert np.array_equal(kqcodec.label_map(out).values, values)
    kqcodec.write(tmp_path / "b.kq", samples.indexed(5, 5, 3))
    message = refusal(kq("decode", tmp_path / "b.kq", "-o", tmp_path / "b.zarr"), failures.REFUSED)
    assert "it is a picture, which has no ids" in message


def test_a_pipe_carries_ids(tmp_path):
    values = stored(tmp_path, "classes")
    result = kq_process("decode", "-", input=(tmp_path / "a.kq").read_bytes())
    assert result.stderr == b""
    assert np.array_equal(kqcodec.label_map(result.stdout).values, values)


def test_large_label_maps_are_written_tile_by_tile(values, tmp_path, monkeypatch):
    from kqcodec.cli.commands import _decode_parts

    monkeypatch.setattr(_decode_parts, "_LARGE", 100)
    monkeypatch.setattr("kqcodec.coding.kq_file.KqFile.labels", None)
    for suffix in ("npy", "tiff"):
        out = tmp_path / f"large.{suffix}"
        result = kq("decode", tmp_path / "a.kq", "-o", out)
        assert result.exit_code == 0, result.stderr
        found = kqcodec.label_map(out).values
        assert np.array_equal(found, values.reshape(found.shape))
