"""encode_labels and decode_labels: arrays of ids come back as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kqcodec
from kqcodec.coding.id_table import DTYPES
from kqcodec.errors import FormatError, LabelsError

_CODERS = ("packed", "dense", "context", "tokens")


def _blobs(height: int, width: int, ids: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    rows, columns = np.mgrid[:height, :width]
    return (rows // 7 * 31 + columns // 9 * 17) % ids


@given(st.data())
def test_any_array_comes_back(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=20))
    shape += data.draw(st.sampled_from([(), (1,)]))
    values: Any = data.draw(hnp.arrays(dtype, shape))
    coder = data.draw(st.sampled_from(_CODERS))
    tile = data.draw(st.sampled_from([None, 16]))
    coded = kqcodec.encode_labels(values, coder=coder, tile=tile)
    found = kqcodec.decode_labels(coded)
    assert found.dtype == values.dtype
    assert found.shape == values.shape
    assert np.array_equal(found, values)


@pytest.mark.parametrize("coder", _CODERS)
def test_parts_of_a_label_map(coder: Any) -> None:
    values = (_blobs(50, 70, 40) - 20) * 10**12
    with kqcodec.open(kqcodec.encode_labels(values, coder=coder, tile=16)) as file:
        assert file.is_label_map
        assert file.ids.tolist() == np.unique(values).tolist()
        box = (5, 17, 66, 43)
        assert np.array_equal(file.labels(box), values[17:43, 5:66])
        lazy = file.as_array(labels=True)
        assert lazy.dtype == values.dtype
        assert np.array_equal(lazy[3:40:5, ::-2], values[3:40:5, ::-2])
        for tile, part in file.tiles():
            assert np.array_equal(part, values[tile.slices])
        file.verify()


def test_a_given_array_is_filled() -> None:
    values = _blobs(40, 60, 9).astype(np.int32) - 4
    coded = kqcodec.encode_labels(values, tile=16)
    out = np.empty((2, 40, 60), dtype=np.int32)
    assert kqcodec.decode_labels(coded, out[1]).base is out
    assert np.array_equal(out[1], values)
    across = np.empty((60, 40), dtype=np.int32).T
    kqcodec.decode_labels(coded, across)
    assert np.array_equal(across, values)
    for wrong in (out, np.empty((40, 60), np.int64), np.empty((60, 40), np.int32)):
        with pytest.raises(ValueError, match="out must be"):
            kqcodec.decode_labels(coded, wrong)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="written"):
        kqcodec.decode_labels(coded, out[0])


@pytest.mark.compiled
def test_more_ids_than_a_palette_has() -> None:
    values = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, (300, 300))
    coded = kqcodec.encode_labels(values, effort="fast")
    with kqcodec.open(coded) as file:
        assert len(file.ids) > 65_536
        assert file.header.k <= 65_536
    assert np.array_equal(kqcodec.decode_labels(coded), values)
    for wrong in ({"coder": "dense"}, {"tile": 0}):
        with pytest.raises(ValueError, match="ids"):
            kqcodec.encode_labels(values, **wrong)  # type: ignore[arg-type]


def test_ids_cost_what_their_number_costs() -> None:
    few = _blobs(64, 64, 15)
    wide = few.astype(np.int64) * 2**40 - 2**50
    assert len(kqcodec.encode_labels(wide)) - len(kqcodec.encode_labels(few)) < 15 * 9


def test_a_small_one_is_in_the_short_form() -> None:
    coded = kqcodec.encode_labels(np.full((64, 64), -1, dtype=np.int8))
    assert coded.startswith(b"\xcb\x6b")
    assert len(coded) < 20
    assert kqcodec.decode_labels(coded).tolist() == [[-1] * 64] * 64


def test_the_picture_of_a_label_map() -> None:
    values = _blobs(20, 20, 5) * 3
    coded = kqcodec.encode_labels(values, colors={3: (1, 2, 3)})
    indexed = kqcodec.read(coded)
    assert np.array_equal(indexed.labels, values)
    assert indexed.palette[[0, 3, 6]].tolist() == [[0, 0, 0], [1, 2, 3], [0, 128, 128]]
    assert np.array_equal(kqcodec.decode(coded), indexed.to_pixels())
    with pytest.raises(LabelsError, match="decode_labels"):
        kqcodec.read(kqcodec.encode_labels(values - 1))
    assert kqcodec.decode(kqcodec.encode_labels(values - 1)).shape == (20, 20, 3)


def test_a_picture_is_no_label_map() -> None:
    picture = kqcodec.encode(np.zeros((4, 4, 3), dtype=np.uint8), 2)
    with pytest.raises(LabelsError, match="no label map"):
        kqcodec.decode_labels(picture)
    with kqcodec.open(picture) as file:
        assert not file.is_label_map
        for options in ({}, {"times": 2}, {"box": (0, 0, 2, 2)}):
            with pytest.raises(LabelsError, match="no label map"):
                file.labels(**options)


def test_what_labels_mean_comes_along() -> None:
    coded = kqcodec.encode_labels(
        _blobs(9, 9, 3), names={1: "road", 2: "sky"}, colors={2: (0, 0, 255)}, nodata=0
    )
    with kqcodec.open(coded) as file:
        meaning = file.meaning
    assert (dict(meaning.names), meaning.nodata) == ({1: "road", 2: "sky"}, 0)
    assert meaning.colors[2] == (0, 0, 255)


def test_the_bytes_depend_on_nothing_else() -> None:
    values = _blobs(70, 90, 30)
    one = kqcodec.encode_labels(values, tile=32, threads=1)
    assert one == kqcodec.encode_labels(np.asfortranarray(values), tile=32, threads=3)


@given(st.data())
def test_damage_is_noticed(data: st.DataObject) -> None:
    coded = bytearray(kqcodec.encode_labels(_blobs(20, 30, 7), tile=16))
    position = data.draw(st.integers(0, len(coded) - 1))
    coded[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(FormatError):
        kqcodec.decode_labels(bytes(coded))


def test_every_cut_is_noticed() -> None:
    for values in (_blobs(6, 6, 3), _blobs(20, 20, 3)):
        coded = kqcodec.encode_labels(values, tile=16)
        for length in range(len(coded)):
            with pytest.raises(FormatError):
                kqcodec.decode_labels(coded[:length])


def test_a_smaller_label_map_has_ids_of_the_larger() -> None:
    values = (_blobs(50, 70, 40) - 20)[:, :, np.newaxis] * 10**12
    with kqcodec.open(kqcodec.encode_labels(values, tile=16)) as file:
        small = file.labels(times=5)
        assert np.array_equal(small, values[2::5, 2::5])
        assert np.array_equal(file.labels((10, 5, 65, 45), times=5), values[7:45:5, 12:65:5])
        out = np.empty_like(small)
        assert file.labels(times=5, out=out) is out
        assert np.array_equal(out, small)
        with pytest.raises(ValueError, match="out must be"):
            file.labels(times=4, out=out)
        with pytest.raises(ValueError, match="times"):
            file.labels(times=0)


def test_a_meaning_is_no_text() -> None:
    with pytest.raises(TypeError, match="meaning must be a Meaning, not str"):
        kqcodec.encode_labels(_blobs(4, 4, 2), meaning="roads")  # type: ignore[arg-type]


@pytest.mark.parametrize("mapping", [{}, {3: 0}])
def test_the_ids_of_an_open_file_do_not_change(mapping: dict[int, int]) -> None:
    coded = kqcodec.remap_labels(kqcodec.encode_labels(_blobs(9, 9, 5)), mapping)
    with kqcodec.open(coded) as file, pytest.raises(ValueError, match="read-only"):
        file.ids[0] = 7
