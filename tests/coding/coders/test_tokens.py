"""The coder `tokens`: what is coded comes back, and nothing else is taken for a payload."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kqcodec
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.errors import InvalidDataError
from kqcodec.format.labels import label_dtype
from kqcodec.format.sizes import payload_range

KS = (1, 2, 3, 16, 17, 255, 256, 257, 300, 5000, 65_536)
SHAPES = ((1, 1), (1, 7), (7, 1), (2, 9), (9, 2), (16, 16), (3, 600), (600, 3), (70, 31))
DENSE, STREAM, BANDS = 0, 1, 2


def palette_of(k: int) -> np.ndarray:
    random = np.random.default_rng(k)
    return random.integers(0, 256, (k, 3), dtype=np.uint8)


def labels_of(kind: str, k: int, height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(height * width + k)
    rows, columns = np.indices((height, width))
    labels = {
        "noise": random.integers(0, k, (height, width)),
        "blocks": (rows // 3 + columns // 5) % k,
        "repeating": np.resize(random.integers(0, k, 67), (height, width)),
        "speckled": np.where(random.random((height, width)) < 0.1, k // 2, k - 1),
        "smooth": (rows * rows // 9 + columns) // 2 % min(k, 40) + random.integers(0, 2),
    }[kind]
    return np.ascontiguousarray(labels % k, dtype=label_dtype(k))


def coded(labels: np.ndarray, k: int) -> bytes:
    """The payload, after it has come back."""
    coder = TokensCoder(palette_of(k))
    payload = coder.encode(labels)
    out = np.full_like(labels, k - 1)
    coder.decode(payload, out)
    assert np.array_equal(out, labels)
    least, most = payload_range("tokens", labels.size, k)
    assert least <= len(payload) <= most
    return payload


@pytest.mark.compiled
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", KS)
def test_labels_come_back(k, shape):
    for kind in ("noise", "blocks", "repeating", "speckled", "smooth"):
        coded(labels_of(kind, k, *shape), k)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_labels_come_back(data):
    k = data.draw(st.sampled_from(KS))
    height, width = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    values = data.draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=height * width))
    coded(np.resize(np.array(values, dtype=label_dtype(k)), (height, width)), k)


@pytest.mark.parametrize("k", [16, 256, 300])
def test_each_way_of_coding_has_its_tiles(k):
    assert coded(labels_of("noise", k, 40, 40), k)[0] == DENSE
    assert coded(labels_of("repeating", k, 40, 40), k)[0] == STREAM
    random = np.random.default_rng(1)
    hills = np.cumsum(random.integers(-1, 2, (180, 190)), axis=1) + np.arange(180)[:, None] // 40
    assert coded((hills % k).astype(label_dtype(k)), k)[0] == BANDS


def test_repetition_costs_little():
    tile = np.random.default_rng(3).integers(0, 64, (16, 16), dtype=np.uint8)
    once, often = coded(tile, 64), coded(np.tile(tile, (12, 12)), 64)
    assert len(often) < 2 * len(once)


def test_the_order_of_the_palette_does_not_matter():
    k = 40
    labels = labels_of("smooth", k, 60, 60)
    colors = np.stack([np.arange(k) * 6] * 3, axis=1).astype(np.uint8)
    moved = np.random.default_rng(5).permutation(k)  # the new place of each entry
    other = np.empty_like(colors)
    other[moved] = colors
    one = TokensCoder(colors).encode(labels)
    assert TokensCoder(other).encode(moved[labels].astype(np.uint8)) == one


@pytest.mark.parametrize("kind", ["repeating", "smooth"])
@pytest.mark.parametrize("k", [5, 300])
def test_what_is_missing_or_more_is_refused(kind, k):
    labels = labels_of(kind, k, 30, 31)
    coder = TokensCoder(palette_of(k))
    payload = coder.encode(labels)
    assert payload[0] == STREAM
    out = np.empty_like(labels)
    for wrong in (
        *(payload[:size] for size in range(len(payload))),
        payload + b"\0",
        payload + b"\1",
    ):
        with pytest.raises(InvalidDataError):
            coder.decode(wrong, out)


@pytest.mark.compiled
def test_damage_is_refused_or_gives_labels():
    k = 30
    labels = labels_of("smooth", k, 40, 40)
    coder = TokensCoder(palette_of(k))
    payload = coder.encode(labels)
    refused = 0
    for place in range(len(payload)):
        for bit in range(8):
            damaged = bytearray(payload)
            damaged[place] ^= 1 << bit
            out = np.empty_like(labels)
            try:
                coder.decode(damaged, out)
            except InvalidDataError:
                refused += 1
            else:
                assert out.max() < k
    assert refused > 0.5 * 8 * len(payload)


@pytest.mark.parametrize("first", [3, 64, 255])
def test_unknown_ways_of_coding_are_refused(first):
    labels = labels_of("blocks", 9, 20, 20)
    coder = TokensCoder(palette_of(9))
    payload = bytearray(coder.encode(labels))
    payload[0] = first
    with pytest.raises(InvalidDataError):
        coder.decode(payload, labels)


@pytest.mark.parametrize("tile", [None, 16, (64, 32)])
def test_files_come_back_in_any_tiles(tile):
    k = 20
    palette = palette_of(k)
    labels = labels_of("smooth", k, 100, 90)
    data = kqcodec.encode(kqcodec.IndexedImage(palette, labels), coder="tokens", tile=tile)
    assert data[6] >> 5 == 3  # the coder
    back = kqcodec.read(data)
    assert np.array_equal(back.palette[back.labels], palette[labels])
