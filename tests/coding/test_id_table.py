"""The table of ids of a label map: every id of every dtype, and tables that aren't any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kqcodec.coding.id_table import DTYPES, IdTable, read_table
from kqcodec.errors import InvalidDataError, LimitError
from kqcodec.format.container import Sealer, pack_length
from kqcodec.format.header import Header
from kqcodec.format.limits import Limits
from kqcodec.format.source import BufferSource
from kqcodec.kernels import kernels

_HEADER = Header(coder="context", width=40, height=30, k=1, label_map=True)


def _payload(first: int, counts: list[int], *lists: list[int]) -> bytes:
    numbers = [np.array(numbers, dtype=np.uint64) for numbers in lists]
    return bytes([first, *counts]) + kernels.numbers_encode(numbers)


@given(st.data())
def test_any_ids_come_back(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=6))
    shape += data.draw(st.sampled_from([(), (1,), (2,), (5,)]))
    values: Any = data.draw(hnp.arrays(dtype, shape))
    table = IdTable.of(values)
    assert table.distinct.tolist() == sorted(set(values.reshape(-1).tolist()))
    again = IdTable.from_payload(table.to_payload(), _HEADER)
    assert again.dtype == values.dtype
    kind = "plane" if values.ndim == 2 else "column" if shape[2] == 1 else "volume"
    assert again.shape == kind
    assert np.array_equal(again.distinct, table.distinct)
    plane = values.reshape(len(values), -1)
    found = again.values_of(again.entries_of(plane))
    assert found.dtype == values.dtype
    assert np.array_equal(found, plane)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_extremes_of_a_dtype_in_a_large_array(dtype: np.dtype[Any]) -> None:
    lowest, highest = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    values = np.full((200, 200), lowest, dtype=dtype)
    values[50:, 20:] = highest
    table = IdTable.of(values)
    assert table.distinct.tolist() == [lowest, highest]
    assert np.array_equal(table.values_of(table.entries_of(values)), values)


def test_entries_that_share_an_id() -> None:
    table = IdTable(np.array([3, 5, 9], dtype=np.int16)).with_ids(np.array([7, -2, 7], np.int32))
    assert (table.distinct.tolist(), table.ids.tolist()) == ([-2, 7], [7, -2, 7])
    again = IdTable.from_payload(table.to_payload(), _HEADER)
    assert again.dtype == np.int32
    assert again.ids.tolist() == [7, -2, 7]
    assert again.entries_of(np.array([[7, -2]], dtype=np.int32)).tolist() == [[0, 1]]


def test_an_id_that_the_table_lacks() -> None:
    table = IdTable(np.array([3, 5], dtype=np.uint8))
    for values in (np.full((2, 2), 4, np.uint8), np.full((200, 200), 4, np.uint8)):
        with pytest.raises(ValueError, match="changed"):
            table.entries_of(values)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(_payload(9, [0], [1]), id="no such type"),
        pytest.param(_payload(0x82, [0], [1]), id="a reserved bit"),
        pytest.param(_payload(0x52, [0], [1]), id="two shapes"),
        pytest.param(_payload(2, [0], [256]), id="too large for uint8"),
        pytest.param(_payload(0, [0], [2]), id="too large for bool"),
        pytest.param(_payload(2, [1], [255, 0]), id="the second too large"),
        pytest.param(_payload(1, [0], [257]), id="too small for int8"),
        pytest.param(_payload(8, [1], [2**64 - 1, 0]), id="wrapped round"),
        pytest.param(_payload(7, [1], [2, 2**64 - 1]), id="a step of 2**64"),
        pytest.param(_payload(0x22, [1, 1], [4, 0], [0, 2]), id="no such id"),
        pytest.param(_payload(0x22, [1, 0], [4, 0], [0]), id="fewer entries than ids"),
        pytest.param(_payload(2, [1], [4, 0]) + b"\1" * 5, id="bytes too many"),
        pytest.param(_payload(4, [0x89, 0x31], list(range(1202))), id="more than pixels"),
        pytest.param(b"\2\x80\1", id="a length that isn't in its shortest form"),
    ],
)
def test_tables_that_are_none(payload: bytes) -> None:
    with pytest.raises(InvalidDataError):
        IdTable.from_payload(payload, _HEADER)


def test_a_volume_has_more_ids_than_a_slice_has_pixels() -> None:
    payload = _payload(0x44, [0x89, 0x31], [0] * 1202)
    table = IdTable.from_payload(payload, _HEADER)
    assert (table.entries, table.shape) == (1202, "volume")
    sealer = Sealer(_HEADER)
    for first, refused in ((0x44, False), (4, True)):
        padded = pack_length(30_000) + bytes([first]) + payload[1:].ljust(29_999, b"\0")
        data = padded + sealer.palette_checksum(padded).to_bytes(4, "big")
        with pytest.raises(InvalidDataError, match=r"18\.2" if refused else r"13\.5"):
            read_table(BufferSource(data), _HEADER, sealer, Limits.of(None))


def test_a_table_has_as_many_entries_as_k_at_least() -> None:
    payload = _payload(2, [1], [4, 0])
    for coder, k, right in (
        ("context", 2, True),
        ("context", 3, False),
        ("packed", 1, False),
        ("dense", 2, True),
    ):
        header = Header(coder=coder, width=40, height=30, k=k, label_map=True)  # type: ignore[arg-type]
        if right:
            assert IdTable.from_payload(payload, header).entries == 2
        else:
            with pytest.raises(InvalidDataError):
                IdTable.from_payload(payload, header)


def test_tables_have_a_limit() -> None:
    huge = Header(
        coder="context", width=2**20, height=2**20, k=1, tile_exponents=(8, 8), label_map=True
    )
    with pytest.raises(LimitError, match="max_pixels"):
        IdTable.from_payload(b"\2\x88\x80\x80\0" + b"\1" * 40, huge, Limits.of(2**27))
