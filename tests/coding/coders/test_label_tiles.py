"""Tiles of label maps: what is coded comes back, and nothing else is taken for a payload."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqcodec.coding.coders.label_parts import (
    OWN_LIST,
    REGIONS,
    TileParts,
    own_list_head,
    regions_head,
)
from kqcodec.coding.coders.label_tiles import LabelTileCoder
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.errors import InvalidDataError
from kqcodec.format.names import EFFORTS
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled


def dtype_of(entries: int) -> type[np.unsignedinteger]:
    return np.uint8 if entries <= 1 << 8 else np.uint16 if entries <= 1 << 16 else np.uint32


def cells(labels: int, height: int, width: int, entries: int) -> np.ndarray:
    """Each label nearest to one of some points, from the top to the bottom: entries that are far
    apart."""
    random = np.random.default_rng(labels)
    points = np.stack([np.arange(labels) * height // labels, random.integers(0, width, labels)], 1)
    away = np.indices((height, width)).reshape(2, -1, 1) - points.T[:, None]
    names = np.sort(random.choice(entries, labels, replace=False))
    nearest = names[(away**2).sum(axis=0).argmin(axis=1)]
    return np.ascontiguousarray(nearest.reshape(height, width), dtype_of(entries))


def coded(coder: LabelTileCoder, labels: np.ndarray) -> bytes:
    """The payload, after it has come back."""
    payload = coder.encode(labels)
    out = np.full_like(labels, 7)
    coder.decode(payload, out)
    assert np.array_equal(out, labels)
    return payload


# By best, context tells neighbours from each other as well without regions.
@pytest.mark.parametrize(
    ("name", "effort"),
    [("context", "fast"), ("context", "default"), *[("tokens", e) for e in EFFORTS]],
)
def test_cells_are_regions_with_a_list_where_entries_are_many(name, effort):
    few = coded(LabelTileCoder(90, name, effort, 90), cells(90, 80, 90, 90))
    assert (few[0] == REGIONS) == (name == "context")
    many = LabelTileCoder(65_536, name, effort, 10_000_000)
    rare = coded(many, cells(90, 80, 90, 10_000_000))
    parts = TileParts.from_bytes(memoryview(rare), 80 * 90)
    assert (parts.listed, parts.colors > 0) == (90, name == "context")


def test_tokens_read_regions_that_another_encoder_makes():
    labels = cells(90, 80, 90, 90).astype(np.uint8)
    count, colors, ids = kernels.regions_encode(labels, 90, 10_000)
    payload = regions_head(count, ids) + TokensCoder(count).encode(colors)
    out = np.empty_like(labels)
    LabelTileCoder(90, "tokens", "default", 90).decode(payload, out)
    assert np.array_equal(out, labels)


def test_a_list_is_worth_it_where_few_of_many_labels_are_mixed():
    labels = np.random.default_rng(3).choice([900, 20_000, 59_999], (60, 70)).astype(np.uint16)
    assert coded(LabelTileCoder(60_000, "context", "default", 60_000), labels)[0] == OWN_LIST


@pytest.mark.parametrize("name", ["context", "tokens"])
def test_few_labels_stand_as_they_are(name):
    labels = cells(9, 60, 70, 200) % 3
    assert coded(LabelTileCoder(3, name, "default", 3), labels)[0] not in (OWN_LIST, REGIONS)


@pytest.mark.parametrize("name", ["context", "tokens"])
def test_a_tile_of_one_label(name):
    labels = np.full((9, 31), 70_000, np.uint32)
    payload = coded(LabelTileCoder(1000, name, "default", 70_001), labels)
    parts = TileParts.from_bytes(memoryview(payload), labels.size)
    assert (parts.listed, parts.colors, bytes(parts.rest)) == (1, 0, b"")
    assert coded(LabelTileCoder(1, name, "default", 1), np.zeros((5, 5), np.uint8)) == b""


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_map_comes_back(data):
    entries = data.draw(st.sampled_from([2, 30, 256, 257, 65_536, 65_537, 2**27]))
    height, width = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 40))
    names = data.draw(st.lists(st.integers(0, entries - 1), min_size=1, max_size=60, unique=True))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    patch = data.draw(st.integers(1, 6))
    small = np.array(names)[random.integers(0, len(names), (height, width))]
    labels = small.repeat(patch, 0).repeat(patch, 1)[:height, :width]
    name = data.draw(st.sampled_from(["context", "tokens"]))
    effort = data.draw(st.sampled_from(["fast", "default", "best"]))
    coder = LabelTileCoder(min(entries, 65_536), name, effort, entries)
    coded(coder, np.ascontiguousarray(labels, dtype_of(entries)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_payloads_are_refused_or_are_labels(data):
    name = data.draw(st.sampled_from(["context", "tokens"]))
    entries = data.draw(st.sampled_from([90, 70_000]))
    coder = LabelTileCoder(90, name, "fast", entries)
    labels = cells(80, 24, 30, entries)
    payload = bytearray(coder.encode(labels))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(len(payload) - 1, 60)))
        payload[at] = data.draw(st.integers(0, 255))
    out = np.zeros_like(labels)
    try:
        coder.decode(payload[: data.draw(st.integers(0, len(payload)))], out)
    except InvalidDataError:
        return
    assert int(out.max()) < entries


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "04",
        "0400",
        "040000",  # no number for the one entry
        "04ff7f00",  # more entries than labels
        "0480800000",  # a length that isn't the shortest
        "05",
        "0508",  # nine colours
        "050005",  # the labels' length, and no labels
        "05000005",  # regions in regions
        "0500000401",  # a list in regions
    ],
)
def test_parts_that_cannot_be_are_refused(payload):
    out = np.zeros((4, 4), np.uint8)
    for name in ("context", "tokens"):
        with pytest.raises(InvalidDataError):
            LabelTileCoder(9, name, "default", 9).decode(bytes.fromhex(payload), out)


def test_entries_beyond_the_table_are_refused():
    labels = np.full((4, 4), 8, np.uint8)
    payload = LabelTileCoder(9, "context", "default", 9).encode(labels)
    own_list = kernels.numbers_encode([np.array([8], np.uint64)])
    listed = own_list_head(1, own_list)
    out = np.zeros_like(labels)
    LabelTileCoder(9, "context", "default", 9).decode(listed, out)
    assert (out == 8).all()
    assert len(payload) <= len(listed)
    with pytest.raises(InvalidDataError, match="own list"):
        LabelTileCoder(8, "context", "default", 8).decode(listed, out)


def test_regions_of_one_color_are_one_label():
    ids = kernels.regions_encode(np.full((4, 4), 5, np.uint8), 9, 99)
    assert ids is not None
    out = np.zeros((4, 4), np.uint8)
    LabelTileCoder(9, "tokens", "default", 9).decode(regions_head(1, ids[2]), out)
    assert (out == 5).all()


def test_what_parts_take_is_foretold():
    labels = cells(120, 60, 70, 70_000)
    payload = LabelTileCoder(60_000, "context", "default", 70_000).encode(labels)
    parts = TileParts.from_bytes(memoryview(payload), labels.size)
    assert (parts.listed, parts.colors > 0) == (120, True)
    assert parts.workspace(labels.size) == 120 * 32 + labels.size * (2 + 9)
