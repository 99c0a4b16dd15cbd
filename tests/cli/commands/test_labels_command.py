"""`kq labels` as users meet it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import kq, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands.labels import DTYPES
from kqcodec.coding import id_table

pytestmark = pytest.mark.compiled

ROWS, COLUMNS = np.mgrid[:60, :80]
VALUES = ((ROWS // 8 * 31 + COLUMNS // 11 * 17) % 7 * 10**9).astype(np.int64) - 10**9


@pytest.fixture(params=[False, True])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    names = {0: "road", 10**9: "a long name " * 9, 2 * 10**9: "\x1b[31m"}
    data = kqcodec.encode_labels(VALUES, tile=16, index=request.param, names=names)
    (tmp_path / "map.kq").write_bytes(data)
    return tmp_path / "map.kq"


def test_a_list_of_labels(path: Path) -> None:
    result = kq("labels", path)
    assert result.exit_code == 0
    heading, header, *rows = result.stdout.splitlines()
    assert heading.endswith("map.kq: 80 x 60, int64, 7 ids")
    assert header.split() == ["id", "name", "pixels", "share", "left", "top", "right", "bottom"]
    assert [row.split()[0] for row in rows] == [str(label) for label in np.unique(VALUES)]
    assert all(len(row) <= 80 for row in rows)
    assert rows[1].split()[1] == "road"
    assert "\x1b" not in result.stdout
    assert "a long name a l" in rows[2]


def test_json(path: Path) -> None:
    found = json.loads(kq("labels", path, "--json").stdout)
    assert (found["width"], found["height"], found["dtype"]) == (80, 60, "int64")
    for label in found["labels"]:
        rows, columns = np.nonzero(label["id"] == VALUES)
        assert label["pixels"] == len(rows)
        left, top, right, bottom = label["box"]
        assert (left, right) == (columns.min(), columns.max() + 1)
        assert (top, bottom) == (rows.min(), rows.max() + 1)
    assert sum(label["share"] for label in found["labels"]) == pytest.approx(1)


def test_a_mask(path: Path, tmp_path: Path) -> None:
    result = kq("labels", path, "--mask", -(10**9), "-o", tmp_path / "mask.png")
    assert result.exit_code == 0
    mask = np.asarray(Image.open(tmp_path / "mask.png"))
    assert np.array_equal(mask, VALUES == -(10**9))
    assert f"{mask.sum():,} pixels" in result.stdout


def test_other_ids(path: Path, tmp_path: Path) -> None:
    (tmp_path / "map.json").write_text('{"0": 5, "1000000000": 5}')
    for given in ("0=5,1000000000=5", tmp_path / "map.json"):
        out = tmp_path / "out.kq"
        assert kq("labels", path, "--remap", given, "-o", out, "--force").exit_code == 0
        expected = np.where((VALUES == 0) | (VALUES == 10**9), 5, VALUES)
        assert np.array_equal(kqcodec.decode_labels(out), expected)
    assert kq("labels", path, "--renumber", 3, "--dtype", "uint8").exit_code == 0
    found = kqcodec.decode_labels(tmp_path / "map-relabeled.kq")
    assert found.dtype == np.uint8
    assert np.array_equal(found, VALUES // 10**9 + 4)


def test_from_and_to_pipes(path: Path) -> None:
    result = kq("labels", "-", "--renumber", 0, "-o", "-", stdin=path.read_bytes())
    assert result.exit_code == 0
    assert np.array_equal(kqcodec.decode_labels(result.stdout_bytes), VALUES // 10**9 + 1)
    assert "standard input: 80 x 60" in kq("labels", "-", stdin=path.read_bytes()).stdout


@pytest.mark.parametrize(
    "options",
    [
        ["--mask", 1, "--renumber", 1],
        ["--dtype", "int8"],
        ["-o", "a.kq"],
        ["--remap", "1"],
        ["--remap", "1=2,1=3"],
        ["--mask", "one"],
    ],
)
def test_options_that_make_no_sense(path: Path, options: list[Any]) -> None:
    usage_refusal(kq("labels", path, *options))


def test_what_is_refused(path: Path, tmp_path: Path) -> None:
    said = refusal(kq("labels", path, "--remap", "0=1", "--dtype", "int8"), 2)
    assert "int8 doesn't hold the id" in said
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert "JSON object of ids" in refusal(kq("labels", path, "--remap", tmp_path / "a.json"), 1)
    picture = tmp_path / "picture.kq"
    picture.write_bytes(kqcodec.encode(np.zeros((4, 4, 3), np.uint8), 2))
    for options in ([], ["--renumber", 0]):
        assert "no label map" in refusal(kq("labels", picture, *options), 1)
    assert not list(tmp_path.glob("*relabeled*"))


def test_the_dtypes() -> None:
    assert tuple(map(str, id_table.DTYPES)) == DTYPES
