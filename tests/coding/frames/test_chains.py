"""Chains by tokens: frames come back, each in what it takes, and a key frame needs no other."""

import numpy as np
import pytest

from kqcodec.coding.coders import Coder, coder_of, label_coder_of
from kqcodec.coding.coders.frame_parts import FROM_BEFORE, FrameParts
from kqcodec.coding.frames.chains import Chains
from kqcodec.errors import InvalidDataError
from kqcodec.format.grid import Box
from kqcodec.format.header import Header

pytestmark = pytest.mark.compiled
SIDE = 64


def chains_of(coder: Coder, palette: np.ndarray | None, entries: int) -> Chains:
    header = Header("tokens", SIDE, SIDE, min(entries, 300), label_map=palette is None)
    return Chains(header, coder, palette, entries)


def pictures() -> Chains:
    palette = np.random.default_rng(1).integers(0, 256, (5, 3), dtype=np.uint8)
    return chains_of(coder_of("tokens", palette), palette, 5)


def label_maps() -> Chains:
    return chains_of(label_coder_of("tokens", 300, 70_000), None, 70_000)


def frames(dtype: type[np.unsignedinteger]) -> list[np.ndarray]:
    """A picture, the same, one with a square, the same scrolled, another, and one of few labels."""
    random = np.random.default_rng(2)
    first, other = random.integers(0, 5, (2, SIDE, SIDE)).astype(dtype)
    square = first.copy()
    square[20:30, 10:40] = 3
    return [first, first, square, np.roll(square, 9, axis=0), other, np.full_like(first, 4)]


@pytest.mark.parametrize(("chains", "dtype"), [(pictures, np.uint8), (label_maps, np.uint32)])
def test_frames_come_back_each_in_what_it_takes(chains, dtype):
    encoder, decoder = chains().begin(0), chains().begin(0)
    canvas, payloads = np.zeros((SIDE, SIDE), dtype), []
    for labels in frames(dtype):
        payloads.append(encoder.encode(labels))
        if payloads[-1]:
            decoder.decode(payloads[-1], canvas)
        assert np.array_equal(canvas, labels)
    from_before = [payload[:1] == bytes([FROM_BEFORE]) for payload in payloads]
    assert from_before[:4] == [False, False, True, True]
    assert payloads[1] == b""
    assert len(payloads[2]) < len(payloads[3]) < len(payloads[0]) / 2
    assert len(payloads[4]) <= len(payloads[0]) + 2
    assert len(payloads[5]) < 16


@pytest.mark.parametrize("chains", [pictures, label_maps])
def test_a_key_frame_is_not_coded_from_the_frame_before(chains):
    payload = FrameParts(box=Box(0, 0, SIDE, SIDE), rest=b"\4\0\1\1").to_bytes()
    with pytest.raises(InvalidDataError):
        chains().begin(0).decode(payload, np.zeros((SIDE, SIDE), np.uint16))


def test_labels_may_change_once_they_are_coded():
    encoder, labels = pictures().begin(0), frames(np.uint8)[0]
    encoder.encode(labels)
    labels[3, 4] ^= 1
    assert encoder.encode(labels) != b""
