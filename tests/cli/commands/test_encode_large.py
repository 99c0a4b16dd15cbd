"""`kq encode` of what is read in pieces."""

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile
import zarr
from commands import KQ, files_in, kq, kq_process, on_terminal, refusal, usage_refusal

import kqcodec
from kqcodec.cli.commands import _encode_large
from kqcodec.cli.options import pieces
from kqcodec.format.limits import Limits
from kqcodec.images import blocks
from kqcodec.images.blocks import raw
from kqcodec.large import budget

pytestmark = pytest.mark.compiled


@pytest.fixture
def picture(portrait):
    return np.ascontiguousarray(portrait[40:190, 60:240])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_options_are_those_of_the_package():
    assert tuple(raw.RAW_FORMATS) == pieces.RAW_LAYOUTS
    assert blocks.ARRAY_SUFFIXES == _encode_large.ARRAY_SUFFIXES
    assert blocks.TIFF_SUFFIXES == _encode_large._TIFF_SUFFIXES
    assert budget.DEFAULT_MEMORY == pieces.MEMORY


def test_arrays_and_large_tiff_files(picture, folder, monkeypatch):
    monkeypatch.setattr(_encode_large, "_LARGE", 1000)
    np.save("a.npy", picture)
    tifffile.imwrite("t.tif", picture, photometric="rgb", tile=(64, 64))
    array = zarr.open("z.zarr", mode="w", shape=picture.shape, chunks=(50, 50, 3), dtype="u1")
    array[:] = picture
    expected = kqcodec.encode(picture, 9)
    for name, target in (("a.npy", "a.kq"), ("t.tif", "t.kq"), ("z.zarr/", "z.kq")):
        result = kq("encode", name, "-k", 9, "--tile", "32", "--json")
        assert result.exit_code == 0, result.stderr
        figures = json.loads(result.stdout)
        assert figures["output"] == target
        assert figures["tiles"] == 30
        assert figures["psnr"] == kqcodec.quantize(picture, 9).costs.psnr
        assert (folder / target).read_bytes() == kqcodec.encode(picture, 9, tile=32)
    assert kq("encode", "a.npy", "t.tif", "-k", 9, "-o", "out").exit_code == 0
    assert (folder / "out/a.kq").read_bytes() == (folder / "out/t.kq").read_bytes() == expected


def test_a_tiff_is_the_same_file_either_way(picture, folder, monkeypatch):
    tifffile.imwrite("t.tif", picture, photometric="rgb", compression="zlib")
    assert kq("encode", "t.tif", "-k", 9, "-o", "whole.kq").exit_code == 0
    monkeypatch.setattr(_encode_large, "_LARGE", 1000)
    called = []
    before = _encode_large.encode_pieces
    monkeypatch.setattr(
        "kqcodec.cli.commands.encode.encode_pieces",
        lambda *a, **o: called.append(a) or before(*a, **o),
    )
    assert kq("encode", "t.tif", "-k", 9, "-o", "pieces.kq").exit_code == 0
    assert len(called) == 1
    assert (folder / "whole.kq").read_bytes() == (folder / "pieces.kq").read_bytes()
    # What takes the whole picture is done with the whole picture.
    assert kq("encode", "t.tif", "-k", 9, "--dither", 0.5, "-o", "dithered.kq").exit_code == 0
    assert len(called) == 1


def test_tiff_files_that_pillow_does_not_read(picture, folder):
    """Tiles in JPEG 2000, as microscopes write them."""
    tifffile.imwrite("t.tif", picture, photometric="rgb", tile=(32, 32), compression="jpeg2000")
    assert _encode_large._tiff_pixels("t.tif") is None
    assert kq("encode", "t.tif", "-k", 9).exit_code == 0
    assert (folder / "t.kq").read_bytes() == kqcodec.encode(picture, 9)


def test_without_tifffile(picture, folder, monkeypatch):
    tifffile.imwrite("t.tif", picture, photometric="rgb")
    monkeypatch.setattr(_encode_large, "_LARGE", 1000)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert kq("encode", "t.tif", "-k", 9).exit_code == 0
    told = refusal(kq("encode", "t.tif", "-k", 9, "--force", "--max-pixels", 2000), 1)
    assert "pip install 'kqcodec[tiff]'" in told
    monkeypatch.setitem(sys.modules, "zarr", None)
    zarr.open("z.zarr", mode="w", shape=(3, 4), dtype="u1")
    assert "pip install 'kqcodec[zarr]'" in refusal(kq("encode", "z.zarr", "-k", 9), 3)


@pytest.mark.parametrize("through", ["pipe", "file"])
def test_raw_pixels(through, picture, folder):
    data = picture.tobytes()
    (folder / "p.rgb").write_bytes(data)
    options = ("--raw", "180x150", "-k", 9)
    if through == "pipe":
        done = kq_process("encode", "-", *options, "-o", "-", input=data)
        assert done.returncode == 0, done.stderr
        found = done.stdout
    else:
        assert kq("encode", "p.rgb", *options).exit_code == 0
        found = (folder / "p.kq").read_bytes()
    assert found == kqcodec.encode(picture, 9)
    grey = kq("encode", "-", "--raw", "540x150", "--raw-layout", "grey", "-o", "g.kq", stdin=data)
    assert grey.exit_code == 0, grey.stderr
    assert (folder / "g.kq").read_bytes() == kqcodec.encode(picture.reshape(150, 540), 16)


def test_a_pipe_longer_than_the_sample_is_told_of(picture, folder, monkeypatch):
    monkeypatch.setattr("kqcodec.large.plans._SAMPLE_PIXELS", 2000)
    monkeypatch.setattr("kqcodec.images.blocks.base._BLOCK_PIXELS", 900)
    monkeypatch.setattr("kqcodec.images.blocks.raw._can_seek", lambda file: False)
    result = kq("encode", "-", "--raw", "180x150", "-o", "p.kq", "--json", stdin=picture.tobytes())
    assert result.exit_code == 0
    assert "standard input: the palette is that of its first 2,700 of 27,000 pixels" in (
        result.stderr
    )
    assert json.loads(result.stdout)["sampled"] == 2700


def test_label_maps_larger_than_memory(folder, monkeypatch):
    monkeypatch.setattr(_encode_large, "_LARGE", 1000)
    labels = np.random.default_rng(0).integers(0, 300, (150, 90)).astype(np.uint16)
    np.save("l.npy", labels)
    assert kq("encode", "--labels", "l.npy", "--coder", "dense").exit_code == 0
    expected = kqcodec.encode_labels(labels, coder="dense")
    assert (folder / "l.kq").read_bytes() == expected


def test_tiff_files_of_label_maps_over_the_limit(folder, monkeypatch):
    labels = np.random.default_rng(0).integers(0, 300, (150, 90)).astype(np.uint16) * 200
    tifffile.imwrite("l.tiff", labels)
    limited = "--max-pixels", 10_000, "-o", "l.kq"
    told = refusal(kq("encode", "--labels", "l.tiff", "--nodata", 0, *limited), 1)
    assert "--max-pixels" in told
    monkeypatch.setattr(_encode_large, "_check_limit", lambda *_: None)
    result = kq("encode", "--labels", "l.tiff", *limited)
    assert result.exit_code == 0, result.stderr
    assert "it is read in pieces" in result.stderr
    assert (folder / "l.kq").read_bytes() == kqcodec.encode_labels(labels)


# --- what goes wrong --------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "told"),
    [("180x151", "they end after 81,000 of 81,540 bytes"), ("180x149", "goes on behind")],
)
def test_raw_pixels_of_another_size(size, told, picture, folder):
    result = kq("encode", "-", "--raw", size, "-o", "p.kq", stdin=picture.tobytes())
    assert told in refusal(result, 1)
    assert files_in(folder) == []


@pytest.mark.parametrize("size", ["180", "180x", "0x5", "180x4294967296", "axb"])
def test_sizes_that_are_none(size, folder):
    assert "WIDTHxHEIGHT" in usage_refusal(kq("encode", "-", "--raw", size, "-o", "p.kq"))


@pytest.mark.parametrize(
    "option", [("--dither", 0.5), ("--psnr", 30), ("--keep", "icc"), ("--skip-if-larger",)]
)
def test_what_takes_the_whole_picture(option, picture, folder):
    np.save("a.npy", picture)
    assert "takes the whole picture at once" in refusal(kq("encode", "a.npy", *option), 2)


def test_raw_pixels_are_no_labels_and_no_folder(folder):
    for option in ("--labels", "-r"):
        result = kq("encode", "x", "--raw", "3x3", option)
        assert "--raw is of pixels" in usage_refusal(result)


def test_a_limit_of_pixels_that_was_asked_for(picture, folder):
    np.save("a.npy", picture)
    told = refusal(kq("encode", "a.npy", "--max-pixels", 1000), 1)
    assert "27,000 pixels, more than 1,000" in told


def huge_zarr(path, side, chunk):
    """A zarr array of which nothing is stored but its description."""
    zarr = pytest.importorskip("zarr")
    zarr.create_array(path, shape=(side, side, 3), chunks=(chunk, chunk, 3), dtype="uint8")
    return path


@pytest.mark.parametrize("labels", [[], ["--labels"]])
def test_ten_gigapixels_of_nothing_are_refused(folder, labels):
    huge_zarr("a.zarr", 100_000, 1024)
    told = refusal(kq("encode", "a.zarr", "-o", "a.kq", *labels), 1)
    assert "the picture has 10,000,000,000 pixels" in told
    assert "raise --max-pixels" in told


def test_chunks_have_the_limit_of_pictures(folder):
    huge_zarr("a.zarr", 20_000, 20_000)
    with open("a.zarr/stored", "wb") as file:
        file.truncate(1 << 20)
    told = refusal(kq("encode", "a.zarr", "-o", "a.kq"), 1)
    assert "each of its parts has 400,000,000 pixels, more than 134,217,728" in told


def test_a_sparse_array_may_have_pixels_for_the_bytes_that_it_has(folder, monkeypatch):
    """As large files that are read in pieces on purpose do."""
    monkeypatch.setattr("kqcodec.format.limits._BY_TILES", 4)
    monkeypatch.setattr("kqcodec.format.limits.DEFAULT_MAX_PIXELS", 100)
    monkeypatch.setattr("kqcodec.format.limits.DEFAULT_LIMITS", Limits.of(100))
    monkeypatch.setattr("kqcodec.cli.commands._encode_large.MAX_PIXELS", 100)
    monkeypatch.setattr("kqcodec.cli.options.common.MAX_PIXELS", 100)
    np.save("a.npy", np.zeros((30, 40), np.uint8))  # 1,328 bytes
    assert kq("encode", "a.npy", "-k", 2, "--max-pixels", 100, "-q").exit_code == 0
    np.save("a.npy", np.zeros((30, 40), bool))
    monkeypatch.setattr("kqcodec.format.limits._BY_TILES", 0)
    told = refusal(kq("encode", "a.npy", "--force", "--max-pixels", 100), 1)
    assert "1,200 pixels, more than 100" in told


def test_too_little_memory(picture, folder):
    np.save("a.npy", picture)
    assert "MB are needed" in refusal(kq("encode", "a.npy", "--memory", "100MB"), 2)
    assert files_in(folder) == ["a.npy"]


def test_a_file_that_is_there_is_left_alone(picture, folder):
    np.save("a.npy", picture)
    (folder / "a.kq").write_bytes(b"older")
    assert "exists already" in refusal(kq("encode", "a.npy", "-k", 9), 3)
    assert (folder / "a.kq").read_bytes() == b"older"


def test_a_full_disk(picture, folder):
    """As far as a limit on the size of files is like one."""
    resource = pytest.importorskip("resource")
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    np.save("a.npy", noise)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    result = kq_process("encode", "a.npy", "-k", 256, "--tile", "64", preexec_fn=limit)
    assert "larger than the system allows" in refusal(result, 3)
    assert files_in(folder) == ["a.npy"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_a_run_that_is_killed_leaves_no_half_file_and_can_be_run_again(picture, folder):
    large = np.tile(picture, (6, 6, 1))
    np.save("a.npy", large)
    (folder / "a.kq").write_bytes(b"older")
    run = ["encode", "a.npy", "-k", "64", "--tile", "64", "--threads", "1", "--force", "-q"]
    run += ["--effort", "fast"]
    process = subprocess.Popen([*KQ, *run])
    # What is written so far stands beside the target, under another name.
    while process.poll() is None and len(files_in(folder)) == 2:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert (folder / "a.kq").read_bytes() == b"older"
    assert kq(*run).exit_code == 0
    assert files_in(folder) == ["a.kq", "a.npy"]
    assert (folder / "a.kq").read_bytes() == kqcodec.encode(large, 64, tile=64, effort="fast")


def test_a_damaged_file(picture, folder):
    np.save("a.npy", picture)
    os.truncate("a.npy", 1000)
    assert "a.npy can't be read as a NumPy array" in refusal(kq("encode", "a.npy"), 1)
    (folder / "z.zarr").mkdir()
    assert "z.zarr can't be read as a zarr array" in refusal(kq("encode", "z.zarr"), 1)
    assert files_in(folder) == ["a.npy", "z.zarr"]


def test_a_terminal_sees_a_bar(picture, folder):
    np.save("a.npy", np.tile(picture, (8, 8, 1)))
    code, shown, _ = on_terminal(["encode", "a.npy", "-k", 4, "--tile", 64], ["stderr"])
    assert code == 0
    assert b"coding" in shown
    assert b"a.npy" in shown
    code, shown, _ = on_terminal(["encode", "a.npy", "-q", "--force"], ["stderr"])
    assert (code, shown) == (0, b"")


def test_a_pipe_that_is_a_file_is_read_twice(picture, folder):
    (folder / "p.rgb").write_bytes(picture.tobytes())
    with open("p.rgb", "rb") as file:
        done = kq_process("encode", "-", "--raw", "180x150", "-k", 9, "-o", "-", stdin=file)
    assert done.stdout == kqcodec.encode(picture, 9)
    assert kqcodec.read(io.BytesIO(done.stdout)).k == 9
