"""Label maps through commands that are about pictures: each works on ids, or refuses."""

import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures

pytestmark = pytest.mark.compiled


@pytest.fixture(params=[*samples.LABEL_MAPS, "many"])
def values(request, tmp_path):
    """A label map in a.kq."""
    if request.param == "many":
        found = np.arange(70_000, dtype=np.uint32).reshape(350, 200) * 3
    else:
        found = samples.LABEL_MAPS[request.param]
    (tmp_path / "a.kq").write_bytes(kqcodec.encode_labels(found, nodata=3, names={1: "road"}))
    return found


def test_info_tells_the_ids(values, tmp_path):
    result = kq("info", tmp_path / "a.kq")
    assert result.exit_code == 0, result.stderr
    ids = np.unique(values)
    assert f"ids      {len(ids):,} of {values.dtype.name}" in result.stdout
    assert ("and 69,968 more ids, up to 209997" in result.stdout) is (len(ids) > 65_536)
    figures = json.loads(kq("info", "--json", tmp_path / "a.kq").stdout)
    assert (figures["k"], figures["dtype"]) == (len(ids), values.dtype.name)
    assert (figures["least_id"], figures["greatest_id"]) == (ids[0], ids[-1])
    assert (figures["nodata"], figures["names"]) == (3, {"1": "road"})
    assert figures["raw_bits"] == 8 * values.nbytes


def test_info_stays_within_eighty_characters(tmp_path):
    ids = np.array([[2**64 - 1, 0]], dtype=np.uint64)
    named = {2**64 - 1: "x" * 300, 0: "a\x1b[31m\n\u202e"}
    (tmp_path / "a.kq").write_bytes(kqcodec.encode_labels(ids, names=named))
    lines = kq("info", tmp_path / "a.kq").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1].endswith("xxx…")
    assert lines[-2].endswith(r"a\x1b[31m\n\u202e")


def test_verify_accounts_for_ids(values, tmp_path):
    result = kq("verify", tmp_path / "a.kq")
    assert result.exit_code == 0, result.stderr
    assert f"raw {8 * values.itemsize}·N" in result.stdout
    assert "theory ids + N·log2 K" in result.stdout
    assert json.loads(kq("verify", "--json", tmp_path / "a.kq").stdout)["proven"]


def test_convert_keeps_ids(values, tmp_path):
    assert kq("convert", tmp_path / "a.kq", "--to", "npz").exit_code == 0
    assert np.array_equal(np.load(tmp_path / "a.npz")["labels"], values)
    message = refusal(kq("convert", tmp_path / "a.kq", "--to", "gif"), failures.REFUSED)
    assert "it is a label map, and GIF files don't keep ids" in message


def test_a_thumbnail_has_colours(values, tmp_path):
    assert kq("thumbnail", tmp_path / "a.kq", tmp_path / "t.png", "--size", 32).exit_code == 0
    with Image.open(tmp_path / "t.png") as found:
        assert found.mode == "RGB"
        assert max(found.size) == 32


@pytest.mark.parametrize("command", ["encode", "report", "elbow"])
def test_what_takes_pictures_says_what_to_do(values, tmp_path, command):
    result = kq(command, tmp_path / "a.kq", "-o", tmp_path / "out.png")
    message = refusal(result, failures.REFUSED)
    assert "label map" in message
    assert "undamaged" not in message
    assert files_in(tmp_path) == ["a.kq"]


def test_repair_fills_with_an_id(tmp_path):
    values = samples.LABEL_MAPS["wide"]
    data = bytearray(kqcodec.encode_labels(values, coder="packed", tile=16))
    data[-80] ^= 1
    (tmp_path / "a.kq").write_bytes(data)
    options = "-o", tmp_path / "b.kq", "--force"
    result = kq("repair", tmp_path / "a.kq", *options)
    assert result.exit_code == failures.REFUSED
    assert "filled with id 0" in result.stdout
    result = kq("repair", tmp_path / "a.kq", *options, "--fill", "-7")
    assert "filled with id -7, all tiles coded anew" in result.stdout
    found = kqcodec.decode_labels(tmp_path / "b.kq")
    assert np.array_equal(found[found != -7], values[found != -7])
    assert (found == -7).any()
    message = refusal(kq("repair", tmp_path / "a.kq", *options, "--fill", "red"), failures.USAGE)
    assert "an id" in message


def test_palette_gives_the_colours_of_ids(tmp_path):
    data = kqcodec.encode_labels(samples.LABEL_MAPS["classes"], colors={1: (1, 2, 3)})
    (tmp_path / "a.kq").write_bytes(data)
    assert kq("palette", tmp_path / "a.kq", "-o", tmp_path / "a.hex").exit_code == 0
    assert (tmp_path / "a.hex").read_text().split() == ["#000000", "#010203", "#008000"]
    (tmp_path / "b.kq").write_bytes(kqcodec.encode_labels(samples.LABEL_MAPS["wide"]))
    message = refusal(kq("palette", tmp_path / "b.kq"), failures.REFUSED)
    assert "which no palette has" in message
