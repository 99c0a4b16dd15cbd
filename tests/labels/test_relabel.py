"""Other ids for a label map: the table changes, and what ids mean, and no tile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kqcodec
from kqcodec.coding.meaning import AttributeColumn, Meaning
from kqcodec.errors import FormatError, LabelsError

pytestmark = pytest.mark.compiled

_ROWS, _COLUMNS = np.mgrid[:50, :70]
VALUES = ((_ROWS // 7 * 31 + _COLUMNS // 9 * 17) % 11).astype(np.uint8)


def _after(mapping: dict[int, int], dtype: Any = np.uint8) -> Any:
    table = np.array([mapping.get(old, old) for old in range(256)])
    return table.astype(dtype)[VALUES]


@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("coder", ["dense", "context"])
def test_ids_change_and_tiles_do_not(tile: int, index: bool, coder: Any) -> None:
    coded = kqcodec.encode_labels(VALUES, coder=coder, tile=tile, index=index)
    for mapping in ({3: 200}, {1: 2, 2: 1}, {4: 3, 5: 3, 10: 0, 99: 1}, {}):
        found = kqcodec.remap_labels(coded, mapping)
        expected = _after(mapping)
        assert np.array_equal(kqcodec.decode_labels(found), expected)
        assert coded[-20:-4] == found[-20:-4]
        with kqcodec.open(found) as file:
            file.verify()
            assert file.ids.tolist() == np.unique(expected).tolist()
            assert file.counts().tolist() == np.unique(expected, return_counts=True)[1].tolist()
            for label, box in zip(file.ids, file.boxes().tolist(), strict=True):
                rows, columns = np.nonzero(expected == label)
                assert box == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
                assert np.array_equal(file.mask(label), expected == label)
    # There and back again, and once more after ids were joined.
    assert kqcodec.remap_labels(kqcodec.remap_labels(coded, {3: 200}), {200: 3}) == coded
    joined = kqcodec.renumber_labels(kqcodec.remap_labels(coded, {4: 3, 5: 3}), first=100)
    expected = np.unique(_after({4: 3, 5: 3}), return_inverse=True)[1].reshape(50, 70) + 100
    assert np.array_equal(kqcodec.decode_labels(joined), expected)


def test_ids_of_another_dtype() -> None:
    coded = kqcodec.encode_labels(VALUES[:, :, None])
    found = kqcodec.decode_labels(kqcodec.remap_labels(coded, {0: -(2**63)}, dtype="int64"))
    assert found.dtype == np.int64
    assert np.array_equal(found[:, :, 0], _after({0: -(2**63)}, np.int64))
    with pytest.raises(ValueError, match="uint8 doesn't hold the id 256"):
        kqcodec.remap_labels(coded, {7: 256})
    with pytest.raises(ValueError, match="uint8 doesn't hold the id -1"):
        kqcodec.renumber_labels(coded, first=-1)
    with pytest.raises(TypeError, match="float32"):
        kqcodec.remap_labels(coded, {}, dtype=np.float32)
    with pytest.raises(TypeError, match="an id must be"):
        kqcodec.remap_labels(coded, {"a": 1})  # type: ignore[dict-item]


def test_a_short_file_that_grows_too_long() -> None:
    ids = np.arange(40 * 40, dtype=np.int64).reshape(40, 40)
    coded = kqcodec.encode_labels(ids)
    assert coded[:2] == b"\xcb\x6b"
    wide = np.random.default_rng(1).integers(0, 2**63, ids.size)
    found = kqcodec.remap_labels(coded, dict(enumerate(wide.tolist())))
    assert found[:2] == b"\xcb\x51"
    assert np.array_equal(kqcodec.decode_labels(found), wide[ids])


def test_what_ids_mean_goes_along() -> None:
    meaning = Meaning(
        names={0: "none", 3: "cat", 4: "dog", 5: "cow", 99: "absent"},
        colors={5: (1, 2, 3)},
        nodata=0,
        ignore=(7, 99),
        attributes=(
            AttributeColumn("id", "MinMax", "integer", (3, 4, 5, 99)),
            AttributeColumn("n", "PixelCount", "integer", (10, 20, 30, 0)),
            AttributeColumn("note", "Generic", "string", ("c", "d", "w", "a")),
        ),
        crs="EPSG:4326",
    )
    coded = kqcodec.encode_labels(VALUES, meaning=meaning, index=True)

    def after(data: bytes) -> Meaning:
        with kqcodec.open(data) as file:
            assert [section.kind for section in file.sections] == [b"labl", b"lidx"]
            return file.meaning

    found = after(kqcodec.remap_labels(coded, {3: 4, 5: 4, 0: 250}))
    assert found.names == {4: "dog", 99: "absent", 250: "none"}
    assert (found.colors, found.nodata, found.ignore) == ({4: (1, 2, 3)}, 250, (7, 99))
    assert [column.values for column in found.attributes] == [(4, 99), (60, 0), ("d", "a")]
    assert found.crs == "EPSG:4326"
    found = after(kqcodec.renumber_labels(coded, first=1))
    assert found.names == {1: "none", 4: "cat", 5: "dog", 6: "cow"}
    assert (found.nodata, found.ignore) == (1, (8,))
    assert found.attributes[0].values == (4, 5, 6)


def test_what_is_refused() -> None:
    with pytest.raises(LabelsError):
        kqcodec.remap_labels(kqcodec.encode(np.zeros((4, 4, 3), np.uint8), 2), {})
    coded = bytearray(kqcodec.encode_labels(VALUES, tile=16))
    coded[-100] ^= 1
    with pytest.raises(FormatError):
        kqcodec.remap_labels(bytes(coded), {})
    with pytest.raises(TypeError, match="mapping must be"):
        kqcodec.remap_labels(bytes(coded), [1, 2])  # type: ignore[arg-type]
