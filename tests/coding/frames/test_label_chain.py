"""Chains of label maps: lists of their own that hold from slice to slice, and payloads that are
none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.coding.coders import label_coder_of
from kqcodec.coding.coders.label_parts import OWN_LIST, own_list_head
from kqcodec.coding.coders.label_tiles import UnlistedCoder, pack_own_list
from kqcodec.coding.frames import label_volumes
from kqcodec.coding.frames.chains import Chains
from kqcodec.errors import InvalidDataError
from kqcodec.format.header import Header
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

_WIDTH, _HEIGHT = 23, 18


def _chains(coder: Any, k: int, entries: int) -> Chains:
    header = Header(coder=coder, width=_WIDTH, height=_HEIGHT, k=k, sections=True, label_map=True)
    return Chains(header, label_coder_of(coder, k, entries), None, entries=entries)


def _slices(entries: list[int], depth: int) -> list[np.ndarray[Any, Any]]:
    """Regions of these entries, that grow; every third slice is like the one before."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    kinds = np.array(entries, dtype=label_dtype(max(entries) + 1))
    times = [z - z // 3 for z in range(depth)]
    return [kinds[(y // (4 + z) + x // (5 + z) * 3 + z // 4) % len(kinds)] for z in times]


@given(st.data())
def test_slices_come_back(data: st.DataObject) -> None:
    coder = data.draw(st.sampled_from(["context", "tokens"]))
    most = data.draw(st.sampled_from([2, 9, 300, 66_000]))
    numbers = st.lists(st.integers(0, most - 1), min_size=1, max_size=9, unique=True)
    slices = _slices(sorted(data.draw(numbers)), data.draw(st.integers(1, 7)))
    chains = _chains(coder, min(most, 65_536), most)
    lists = {}
    at = 0
    if most > 65_536 or data.draw(st.booleans()):
        while at < len(slices):  # a list anew, now and then
            end = at + data.draw(st.integers(1, len(slices)))
            lists[at], at = np.unique(np.stack(slices[at:end])), end
    writer, reader = chains.begin(0, lists), chains.begin(0)
    canvas = np.full((_HEIGHT, _WIDTH), most - 1, dtype=label_dtype(most))
    for number, labels in enumerate(slices):
        payload = writer.encode(labels)
        if number in lists:
            assert payload[0] == OWN_LIST
        if payload:
            reader.decode(payload, canvas)
        else:
            assert number
        assert np.array_equal(canvas, labels)


def test_a_list_holds_for_the_slices_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    slices = _slices([3, 70, 71, 99, 4_000], 6)
    found = label_volumes._lists(slices, 5_000)
    assert {at: entries.tolist() for at, entries in found.items()} == {0: [3, 70, 71, 99, 4_000]}
    assert not label_volumes._lists([np.arange(8, dtype=np.uint8)], 8)
    monkeypatch.setattr(label_volumes, "MAX_COLORS", 5)
    more = [*slices, *_slices([1, 2, 70], 3)]
    found = label_volumes._lists(more, 5_000)
    assert {at: entries.tolist() for at, entries in found.items()} == {
        0: [3, 70, 71, 99, 4_000],
        6: [1, 2, 70],
    }


def _listed(numbers: list[int], rest: bytes) -> bytes:
    """A payload whose list has these numbers, as they are written."""
    coded = kernels.numbers_encode([np.array(numbers, dtype=np.uint64)])
    return own_list_head(len(numbers), coded) + rest


_TWO = UnlistedCoder(2, "context", "default").encode(np.eye(_HEIGHT, _WIDTH, dtype=np.uint8))


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(_listed([3, 97], _TWO), id="an entry that the table lacks"),
        pytest.param(_listed([3, 2**64 - 4], _TWO), id="an entry that wraps round"),
        pytest.param(_listed(list(range(0, 102)), _TWO), id="more than K"),
        pytest.param(_listed([3, 0], pack_own_list(np.array([0, 1])) + _TWO), id="two lists"),
        pytest.param(_listed([3, 0], b""), id="nothing behind the list"),
        pytest.param(_listed([3], _TWO), id="something behind a list of one"),
        pytest.param(_listed([3, 0], _TWO)[:3], id="cut within the list"),
        pytest.param(b"\4", id="cut behind its first byte"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\x07", id="of the coder tokens"),
    ],
)
def test_payloads_that_are_none(payload: bytes) -> None:
    canvas = np.zeros((_HEIGHT, _WIDTH), dtype=np.uint8)
    chain = _chains("context", 100, 100).begin(0)
    with pytest.raises(InvalidDataError):
        chain.decode(payload, canvas)
    # And in the middle of a chain.
    chain = _chains("context", 100, 100).begin(0)
    chain.decode(_listed([3, 0], _TWO), canvas)
    assert np.array_equal(canvas, np.eye(_HEIGHT, _WIDTH) + 3)
    with pytest.raises(InvalidDataError):
        chain.decode(payload, canvas)


def test_a_list_may_have_more_entries_than_a_slice_has_labels() -> None:
    entries = np.arange(0, 1_000, 2)
    canvas = np.zeros((_HEIGHT, _WIDTH), dtype=np.uint16)
    places = (np.arange(canvas.size) % 500).reshape(canvas.shape).astype(np.uint16)
    rest = UnlistedCoder(500, "context", "default").encode(places)
    _chains("context", 1_000, 1_000).begin(0).decode(pack_own_list(entries) + rest, canvas)
    assert np.array_equal(canvas, places * 2)


def test_a_slice_by_itself_ends_the_list() -> None:
    canvas = np.zeros((_HEIGHT, _WIDTH), dtype=np.uint8)
    chain = _chains("context", 100, 100).begin(0)
    chain.decode(_listed([3, 0], _TWO), canvas)
    labels = np.eye(_HEIGHT, _WIDTH, dtype=np.uint8) * 98
    chain.decode(UnlistedCoder(100, "context", "default").encode(labels), canvas)
    assert np.array_equal(canvas, labels)
