"""spec/decode_labels.py: label maps of the document against the package, whole and damaged."""

from __future__ import annotations

import io
from typing import Any

import decode as spec_decoder
import decode_labels as spec_labels
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kqcodec
from kqcodec.coding.coders import label_coder_of
from kqcodec.coding.coders.label_parts import regions_head
from kqcodec.coding.id_table import DTYPES
from kqcodec.errors import InvalidDataError
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled


def areas(draw: st.DrawFn, k: int) -> np.ndarray:
    """Labels below K in cells, some of them noisy."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = draw(st.integers(1, 9))
    cells = rng.integers(0, k, (-(-height // side), -(-width // side)))
    labels = np.repeat(np.repeat(cells, side, axis=0), side, axis=1)[:height, :width]
    noise = rng.random((height, width)) < draw(st.sampled_from((0, 0, 0.1)))
    return np.where(noise, rng.integers(0, k, (height, width)), labels)


@st.composite
def label_maps(draw: st.DrawFn) -> Any:
    """Arrays of ids of all types, in areas."""
    dtype = draw(st.sampled_from(DTYPES))
    labels = areas(draw, draw(st.sampled_from((1, 2, 5, 40, 300))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = rng.integers(0, 256, (300, dtype.itemsize), dtype=np.uint8)
    if dtype == np.bool_:
        pool &= 1
    return pool.view(dtype)[labels, 0].reshape(*labels.shape, *draw(st.sampled_from([(), (1,)])))


def as_npy(data: bytes) -> np.ndarray:
    """What decode.py writes of a label map, by NumPy."""
    picture = spec_decoder.decode(data)
    assert picture.table is not None
    head = spec_decoder.npy_head(picture, picture.table)
    assert len(head) % 64 == 0
    array: np.ndarray = np.load(io.BytesIO(head + picture.pixels))
    return array


@given(label_maps(), st.sampled_from(["packed", "dense", "context", "tokens"]))
@settings(deadline=None, max_examples=100)
def test_decodes_what_the_package_writes(values: np.ndarray, coder: Any) -> None:
    found = as_npy(kqcodec.encode_labels(values, coder=coder, tile=16))
    assert found.dtype.newbyteorder("=") == values.dtype
    assert np.array_equal(found, values)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_lists_of_numbers_are_decoded_or_refused_alike(data: st.DataObject) -> None:
    numbers = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 9))
    lists = data.draw(st.lists(st.lists(numbers, min_size=1, max_size=8), min_size=1, max_size=3))
    counts = [len(some) for some in lists]
    payload = kernels.numbers_encode([np.array(some, dtype=np.uint64) for some in lists])
    assert spec_labels.read_lists(payload, counts, "it") == lists
    wrong = bytearray(payload)
    wrong[data.draw(st.integers(0, len(wrong) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = spec_labels.read_lists(bytes(wrong), counts, "it")
    except spec_decoder.Refused:
        found = None
    by_kernel = kernels.numbers_decode(bytes(wrong), counts)
    assert found == (None if by_kernel is None else [some.tolist() for some in by_kernel])


def by_document(payload: bytes, coder: str, k: int, m: int, like: np.ndarray) -> list[int] | None:
    """The entries of a tile by the second decoder; None if it is invalid."""
    height, width = like.shape
    fields = bytes(20), {"context": 2, "tokens": 3}[coder], False, False, False
    header = spec_decoder.Header(*fields, width, height, width, height, k, True)
    try:
        tile = spec_decoder.labels_of_tile(header, [b"id"] * m, 0, payload, (width, height))
        return list(tile)
    except spec_decoder.Refused:
        return None


def by_package(payload: bytes, coder: Any, k: int, m: int, like: np.ndarray) -> list[int] | None:
    """The same by the package."""
    out = np.empty(like.shape, dtype=label_dtype(m))
    try:
        label_coder_of(coder, k, m).decode(payload, out)
    except InvalidDataError:
        return None
    return out.ravel().tolist()


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_damaged_tiles_are_decoded_or_refused_alike(data: st.DataObject) -> None:
    k = data.draw(st.sampled_from((2, 5, 40, 300)))
    m = k + data.draw(st.sampled_from((0, 7)))
    labels = np.ascontiguousarray(areas(data.draw, k), dtype=label_dtype(m))
    coder: Any = data.draw(st.sampled_from(("context", "tokens")))
    tile = labels.astype(label_dtype(k))
    found = kernels.regions_encode(tile, k, 10_000)
    plain = label_coder_of(coder, k, m).encode(labels)
    payloads = [plain]
    if found is not None:
        count, colors, told = found
        rest = label_coder_of(coder, count, count).encode(colors)
        payloads.append(regions_head(count, told) + rest)
    payload = bytearray(data.draw(st.sampled_from(payloads)))
    assert by_document(bytes(payload), coder, k, m, labels) == labels.ravel().tolist()
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, min(len(payload), 40) - 1))
        payload[place] ^= data.draw(st.integers(1, 255))
    wrong = bytes(payload[: len(payload) - data.draw(st.sampled_from((0, 0, 1)))])
    if wrong:  # a decoder of records sees to that
        assert by_document(wrong, coder, k, m, labels) == by_package(wrong, coder, k, m, labels)
