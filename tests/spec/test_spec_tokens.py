"""spec/decode_tokens.py: the coder tokens of the document against the kernels, on labels and on
damage, and the worked example of rule 17.19."""

from __future__ import annotations

import re

import decode as spec_decoder
import decode_bits
import decode_tiles
import decode_tokens
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SPEC, VECTORS
from token_payloads import by_hand

from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

KS = (2, 3, 16, 40, 256, 257, 300, 4097)


@st.composite
def tiles(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """(labels, palette): noise, areas, and what repeats itself, in any mixture."""
    k = draw(st.sampled_from(KS))
    height, width = draw(st.tuples(st.integers(1, 30), st.integers(1, 40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, draw(st.sampled_from((2, 5, k))), (height, width)) % k
    labels = np.resize(labels.ravel()[: draw(st.integers(1, height * width))], (height, width))
    labels = np.repeat(labels, draw(st.integers(1, 4)), axis=1)[:, :width]
    palette = rng.integers(0, 256, (k, 3), dtype=np.uint8)
    return np.ascontiguousarray(labels, dtype=label_dtype(k)), palette


def by_kernel(payload: bytes, palette: np.ndarray, like: np.ndarray) -> list[int] | None:
    """The labels of a payload, None if it is invalid."""
    out = np.empty_like(like)
    order = kernels.tree_order(palette)
    return out.ravel().tolist() if kernels.tokens_decode(payload, order, out) else None


def by_document(payload: bytes, palette: np.ndarray, like: np.ndarray) -> list[int] | None:
    """The same by the second decoder."""
    entries = [bytes(entry) for entry in palette]
    try:
        return list(decode_tiles.decode_tokens(entries, 0, payload, like.shape[::-1]))
    except spec_decoder.Refused:
        return None


@given(tiles())
@settings(deadline=None, max_examples=60)
def test_decodes_what_the_kernel_writes(tile: tuple[np.ndarray, np.ndarray]) -> None:
    labels, palette = tile
    payload = kernels.tokens_encode(labels, kernels.tree_order(palette), 1 << 20)
    assert by_document(payload, palette, labels) == labels.ravel().tolist()


@given(tiles(), st.data())
@settings(deadline=None, max_examples=150)
def test_damage_is_decoded_or_refused_alike(
    tile: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    labels, palette = tile
    payload = bytearray(kernels.tokens_encode(labels, kernels.tree_order(palette), 1 << 20))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(1, min(len(payload), 60) - 1))
        payload[place] ^= data.draw(st.integers(1, 255))
    payload = payload[: len(payload) - data.draw(st.sampled_from((0, 0, 1)))]
    wrong = bytes(payload)
    assert by_document(wrong, palette, labels) == by_kernel(wrong, palette, labels)


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_damaged_tables_of_all_tokens_are_decoded_or_refused_alike(data: st.DataObject) -> None:
    k, shape = 9, (12, 15)
    rows, columns = np.indices(shape)
    labels = ((rows // 4 + columns // 5) % k).astype(np.uint8)
    palette = np.repeat(np.arange(k, dtype=np.uint8)[:, None], 3, axis=1)
    payload = bytearray(by_hand(tuple(labels.ravel().tolist()), shape[1], k))
    assert by_kernel(bytes(payload), palette, labels) == labels.ravel().tolist()
    place = data.draw(st.integers(len(payload) // 2, len(payload) - 1))
    payload[place] ^= 1 << data.draw(st.integers(0, 7))
    wrong = bytes(payload)
    assert by_document(wrong, palette, labels) == by_kernel(wrong, palette, labels)


def rule(number: str) -> str:
    """The text of one rule of the document."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(number)}\. .*?(?=^\d+\.\d+\. |^## |\Z)", document, re.M | re.S)
    assert found is not None
    return found[0]


def test_the_example_is_as_the_document_takes_it_apart() -> None:
    payload = (VECTORS / "valid" / "example-tokens.kq").read_bytes()[32:-4]
    front_bytes, data = payload[2 : 2 + payload[1]], payload[2 + payload[1] :]
    asked: list[tuple[int, int]] = []
    decoder = decode_bits.ArithmeticDecoder(front_bytes)

    def next_bit(p: int) -> int:
        bit: int = decoder.bit(p)
        asked.append((bit, p))
        return bit

    front = decode_tokens.read_front(next_bit, False, 3, 289)
    text = " ".join(rule("17.19").split())
    learnt = [
        (int(bit), int(p))
        for bit, p in re.findall(r"([01]) with p = (\d+)", text[: text.index("table 1:")])
    ]
    assert asked[7 : 7 + len(learnt)] == learnt
    assert len(learnt) == 4

    # The first rows of the table of labels.
    stream = decode_tokens.Stream(data)
    band = decode_tokens.Band(front, stream, 3, 17)
    wanted = re.findall(
        r"^\| (\d) \| (\d+) \| (\d+) \| (\w+) \| (\d+) \| (\d) \| (\d+) \| (\d+) \|",
        rule("17.19"),
        re.MULTILINE,
    )
    assert len(wanted) == 4
    state = stream.take(front.l)
    for label, pattern, before, token, x, bits, base, number in wanted:
        assert (str(band.pattern()), str(state)) == (pattern, before)
        found = front.tables[front.contexts[0, band.pattern()]][state]
        assert token == {0: "W", 3: "N", 6: "escape"}[found.token]
        assert (str(found.bits), str(found.base)) == (bits, base)
        assert int(x) << found.bits == found.base + 2**front.l
        state = stream.take(found.bits)
        assert str(state) == number
        state += found.base
        band.labels += band.labels_of(found.token, 289)
        assert str(band.labels[-1]) == label
