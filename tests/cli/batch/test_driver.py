"""Runs over several files: whatever one of them does, the others are done."""

import io
import json

import numpy as np
import pytest
import zarr
from commands import files_in, kq
from PIL import Image
from tiffs import GREY, tiff

import kqcodec
from kqcodec.cli.commands import encode
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled

STRUCTURED = np.zeros((3, 4), dtype=[("a", "u1"), ("b", "u1")])


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


BROKEN_PAGE = {key: value for key, value in GREY.items() if key != 256}

# Name: (contents, what is said).
BAD = {
    "zero.grb": (b"GRIB\0\0\0\1", "kind that Pillow doesn't read"),
    "five.h5": (b"\x89HDF\r\n\x1a\n" + bytes(40), "kind that Pillow doesn't read"),
    "page.tif": (tiff(BROKEN_PAGE), "can't be read in pieces: its page has the shape (2, 0)"),
    "half.tga": (bytes([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 9, 0, 24, 0, 1]), "cut short"),
    "giant.btf": (b"II+\0\x08\0\0\0" + (1 << 62).to_bytes(8, "little"), "as a TIFF file"),
    "int64.npy": (npy(np.zeros((3, 4), np.int64)), "must be uint8, uint16 or bool, not int64"),
    "float.npy": (npy(np.zeros((3, 4), np.float16)), "float16 has no agreed range"),
    "complex.npy": (npy(np.zeros((3, 4), complex)), "not complex128"),
    "text.npy": (npy(np.zeros((3, 4), "U2")), "not <U2"),
    "struct.npy": (npy(STRUCTURED), "uint8, uint16 or bool"),
    "dates.npy": (npy(np.zeros((3, 4), "M8[s]")), "uint8, uint16 or bool"),
    "none.npy": (npy(np.zeros((0, 4), np.uint8)), "no pixels"),
    "cut.npy": (npy(np.zeros((90, 40), np.uint8))[:300], "can't be read as a NumPy array"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (data, _) in BAD.items():
        (tmp_path / name).write_bytes(data)
    for name in ("a.png", "z.png"):
        Image.new("L", (5, 4), 7).save(name)
    zarr.create_array("b.zarr", shape=(3, 4), dtype="int64", fill_value=0)
    return tmp_path


@pytest.mark.parametrize(
    "options",
    [["--jobs", "1"], ["--jobs", "3"], ["--manifest", "m.jsonl"], ["--palette", "p.hex"]],
    ids=" ".join,
)
def test_whatever_a_file_does_the_others_are_done(options, folder):
    (folder / "p.hex").write_text("000000\nffffff\n")
    names = ["a.png", *BAD, "b.zarr", "z.png"]
    result = kq("encode", *names, "-o", "out/", "--json", *options)
    assert result.exit_code == failures.REFUSED
    assert files_in("out") == ["a.kq", "z.kq"]
    told = {figures["input"]: figures for figures in map(json.loads, result.stdout.splitlines())}
    assert set(told) == set(names)
    assert all(told[name]["exit_code"] == failures.REFUSED for name in [*BAD, "b.zarr"])
    for name, (_, words) in BAD.items():
        assert words in told[name]["error"]
        assert "own fault" not in told[name]["error"]
        assert f"kq: {name}" in result.stderr


def test_what_nobody_has_foreseen_costs_one_file(folder, monkeypatch):
    def fail(name, outputs, settings):
        if name == "a.png":
            raise RuntimeError("a fault\nof ours")
        return original(name, outputs, settings)

    original = encode._encode
    monkeypatch.setattr(encode, "_encode", fail)
    result = kq("encode", "a.png", "z.png", "-q")
    assert result.exit_code == failures.REFUSED
    sentence = "kq: a.png: kq failed on it, which is its own fault (RuntimeError: a fault of ours"
    assert result.stderr.startswith(sentence)
    assert len(result.stderr.splitlines()) == 1
    assert kqcodec.decode((folder / "z.kq").read_bytes()).shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("name", "advice"),
    [("zero.grb", "convert it to PNG, say"), ("half.tga", "get an undamaged copy")],
)
def test_the_advice_fits(name, advice, folder):
    assert kq("encode", name).stderr.endswith(f"; {advice}\n")
