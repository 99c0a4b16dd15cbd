"""The second decoder's frames: chains of the document against the package, whole and damaged, and
the worked example of rule 19.30."""

from __future__ import annotations

import re
from typing import Any

import decode as spec_decoder
import decode_bits
import numpy as np
import pytest
from decode_chains import Chain
from decode_frame_tile import FrameTile, KeyTile
from decode_header import CONTEXT, TOKENS, Box
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SPEC, VECTORS

from kqcodec.coding.coders import coder_of, label_coder_of
from kqcodec.coding.frames.chains import Chains
from kqcodec.errors import InvalidDataError
from kqcodec.format.header import Header
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

EXAMPLES = ["frames-packed", "frames-k1-tokens", "frames-chain-3x2"]


@st.composite
def sequences(draw: st.DrawFn, k: int) -> list[np.ndarray]:
    """Frames below k, of which each is much like the one before, or like an earlier one."""
    height, width = draw(st.integers(1, 34)), draw(st.integers(1, 34))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = draw(st.integers(1, 7))
    cells = rng.integers(0, k, (-(-(height + 40) // side), -(-(width + 40) // side)))
    ground = cells.repeat(side, axis=0).repeat(side, axis=1)
    frames = [ground[:height, :width]]
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("noise", "rectangle", "scroll", "back", "same")))
        frame = frames[-1].copy()
        if kind == "noise":
            where = rng.random(frame.shape) < 0.05
            frame[where] = rng.integers(0, k, int(where.sum()))
        elif kind == "rectangle":
            y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
            frame[y : y + 9, x : x + 9] = rng.integers(0, k)
        elif kind == "scroll":
            y, x = int(rng.integers(0, 40)), int(rng.integers(0, 40))
            frame = ground[y : y + height, x : x + width]
        elif kind == "back":
            frame = frames[0]
        frames.append(frame)
    return [np.ascontiguousarray(frame, dtype=label_dtype(k)) for frame in frames]


def palette_of(k: int, seed: int) -> np.ndarray:
    """K colours, neighbours similar."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.integers(0, 256, (k, 3), dtype=np.uint8), axis=0)


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_decodes_chains_of_all_settings(data: st.DataObject) -> None:
    k = data.draw(st.sampled_from([2, 3, 5, 70, 300, 4097]))
    frames = data.draw(sequences(k))
    byte = data.draw(st.integers(1, 3)) << 6 | data.draw(st.integers(0, 31))
    palette, colorless = palette_of(k, 3), data.draw(st.booleans())
    order = np.arange(k, dtype=np.uint16) if colorless else kernels.tree_order(palette)
    colors = [b"" if colorless else bytes(palette[entry]) for entry in order]
    height, width = frames[0].shape
    places = np.argsort(order)
    chain = kernels.frame_chain(order, palette[: 0 if colorless else k], width, height, byte)
    key = tile = None
    before: list[int] = []
    if data.draw(st.booleans()):
        chain.begin(frames[0])
        before = places[frames.pop(0)].ravel().tolist()
    for frame in frames:
        payload = chain.encode(frame, 10_000)
        assert payload is not None
        decoder = decode_bits.ArithmeticDecoder(payload)
        if not before:
            key = KeyTile(decoder.bit, byte, colors, width, height)
            before = key.decode()
        else:
            if tile is None:
                tile = FrameTile(decoder.bit, byte, colors, width, height)
                tile.begin(before, key)
            before = tile.decode_frame(decoder.bit, "0")
        assert before == places[frame].ravel().tolist()
        assert decoder.ends_well()


def both(coder: Any, k: int, m: int, palette: np.ndarray | None, size: tuple[int, int]) -> Any:
    """The chain of the document and that of the package, at a key frame of one tile."""
    height, width = size
    number = {"context": CONTEXT, "tokens": TOKENS}[coder]
    fields = bytes(20), number, False, False, True
    header = spec_decoder.Header(*fields, width, height, width, height, k, palette is None)
    entries = [b"id"] * m if palette is None else [bytes(color) for color in palette]
    of_document = Chain(header, entries, Box(0, 0, width, height))
    made = Header(coder, width, height, k, sections=True, label_map=palette is None)
    still = label_coder_of(coder, k, m) if palette is None else coder_of(coder, palette)
    return of_document, Chains(made, still, palette, m).begin(0)


def decoded(chain: Any, payload: bytes, is_key: bool) -> list[int] | None:
    """What the document makes of a payload; None if it refuses it."""
    try:
        chain.decode(payload, "0", is_key)
    except spec_decoder.Refused:
        return None
    labels: list[int] = chain.labels
    return labels


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_damaged_payloads_are_decoded_or_refused_alike(data: st.DataObject) -> None:
    coder = data.draw(st.sampled_from(["context", "tokens"]))
    k = data.draw(st.sampled_from([2, 5, 40, 300]))
    palette = palette_of(k, 5) if data.draw(st.booleans()) else None
    frames = data.draw(sequences(k))
    encoder = both(coder, k, k, palette, frames[0].shape)[1]
    document, package = both(coder, k, k, palette, frames[0].shape)
    canvas = np.zeros_like(frames[0])
    damaged = data.draw(st.integers(0, len(frames) - 1))
    for number, frame in enumerate(frames):
        payload = bytearray(encoder.encode(frame))
        if not payload:
            continue
        if number >= damaged:
            place = data.draw(st.integers(0, min(len(payload), 30) - 1))
            payload[place] ^= data.draw(st.integers(1, 255))
        found = decoded(document, bytes(payload), number == 0)
        try:
            package.decode(bytes(payload), canvas)
        except InvalidDataError:
            assert found is None
            return
        assert found == canvas.ravel().tolist()
        if number < damaged:
            assert found == frame.ravel().tolist()


def test_the_bits_of_the_example_are_those_of_the_document() -> None:
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    rule = document[document.index("\n19.30. ") : document.index("\n## Changelog")]
    rows = re.findall(r"^\| (?:(\d), (\d))? ?\| .* \| (\d+) \| (\d) \|$", rule, re.MULTILINE)
    data = (VECTORS / "valid" / "example-frames.kq").read_bytes()
    colors = [data[i : i + 3] for i in (20, 23, 26)]
    decoder = decode_bits.ArithmeticDecoder(data[88:91])
    key = KeyTile(decoder.bit, data[87], colors, 17, 17)
    labels = key.decode()
    decoder = decode_bits.ArithmeticDecoder(data[104:108])
    found: list[tuple[str, str, str, str]] = []

    def next_bit(p: int) -> int:
        bit: int = decoder.bit(p)
        at = ("", "")
        if hasattr(tile, "start"):
            column, row = tile.position - tile.start, tile.start // tile.stride - 3
            at = (str(column), str(row))
        found.append((*at, str(p), str(bit)))
        return bit

    tile = FrameTile(next_bit, data[87], colors, 17, 17)
    tile.begin(labels, key)
    assert tile.c == 9
    changed = tile.decode_frame(next_bit, "0")
    assert [i for i in range(289) if labels[i] != changed[i]] == [5 * 17 + 5]
    assert len(rows) == 13
    assert found[:8] == rows[:8]
    start = found.index(rows[8])
    assert found[start : start + 5] == rows[8:]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_truncation_and_every_changed_bit_is_refused(name: str) -> None:
    data = (VECTORS / "valid" / f"{name}.kq").read_bytes()
    spec_decoder.decode(data)
    for length in range(len(data)):
        with pytest.raises(spec_decoder.Refused):
            spec_decoder.decode(data[:length])
    for position in range(8 * len(data)):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(spec_decoder.Refused):
            spec_decoder.decode(bytes(changed))


def test_frames_count_against_the_limit_of_pixels() -> None:
    data = (VECTORS / "valid" / "example-frames.kq").read_bytes()
    assert spec_decoder.decode(data, 3 * 289).frames == 3
    with pytest.raises(spec_decoder.Refused, match=r"rule 9\.3"):
        spec_decoder.decode(data, 3 * 289 - 1)
