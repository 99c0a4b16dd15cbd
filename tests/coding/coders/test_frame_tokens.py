"""Frames by tokens from the frame before: what is coded comes back, and nothing else is taken for
a payload."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqcodec.coding.coders.frame_parts import FROM_BEFORE, FrameParts
from kqcodec.coding.coders.frame_tokens import FrameTokensCoder
from kqcodec.coding.coders.tokens import TokensCoder
from kqcodec.errors import InvalidDataError
from kqcodec.format.grid import Box
from kqcodec.format.labels import label_dtype
from kqcodec.format.sizes import payload_range
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled
KS = (2, 3, 200, 255, 256, 257, 65_535, 65_536)


def coder_of(k: int) -> FrameTokensCoder:
    """Of labels without colours."""
    return FrameTokensCoder(TokensCoder(k), k)


def coded(coder: FrameTokensCoder, labels: np.ndarray, before: np.ndarray) -> bytes:
    """The payload, after it has come back."""
    payload = coder.encode(labels, before)
    canvas = before.copy()
    coder.decode(payload, canvas)
    assert np.array_equal(canvas, labels)
    return payload


def parts_of(payload: bytes, labels: np.ndarray) -> FrameParts:
    return FrameParts.from_bytes(memoryview(payload), labels.shape[1], labels.shape[0])


def noise(k: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.integers(0, k, (height, width), dtype=label_dtype(k))


@st.composite
def frames(draw):
    """Labels, those before, and K."""
    k = draw(st.sampled_from(KS))
    height, width = draw(st.integers(1, 60)), draw(st.integers(1, 70))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    names = random.choice(k, min(k, 40), replace=False)
    before = names[random.integers(0, len(names), (height, width))].astype(label_dtype(k))
    if draw(st.booleans()):
        before[:] = before[0, 0]
        before[height // 3 :, width // 3 :] = names[0]
    labels = before.copy()
    move = draw(st.integers(-30, 30)), draw(st.integers(-30, 30))
    top, left = draw(st.integers(0, height)), draw(st.integers(0, width))
    labels[:top, :left] = np.roll(before, move, (0, 1))[:top, :left]
    share = draw(st.sampled_from([0, 0.001, 0.1, 0.9]))
    some = random.random(labels.shape) < share
    labels[some] = names[random.integers(0, len(names), np.count_nonzero(some))]
    return labels, before, k


@given(frames())
def test_labels_come_back(case):
    labels, before, k = case
    if np.array_equal(labels, before):
        assert coder_of(k).encode(labels, before) == b""
        return
    payload = coded(coder_of(k), labels, before)
    assert len(payload) <= payload_range("tokens", labels.size, k)[1]


def test_one_label_that_has_changed_is_all_that_is_coded():
    before = noise(200, 500, 600)
    labels = before.copy()
    labels[123, 456] ^= 1
    payload = coded(coder_of(200), labels, before)
    assert parts_of(payload, labels).box == Box(456, 123, 457, 124)
    assert len(payload) < 16


def test_text_that_scrolls_is_moved_and_only_the_new_line_is_coded():
    before = noise(2, 320, 400).repeat(2, axis=1)
    labels = np.roll(before, -20, axis=0)
    labels[300:] = noise(2, 20, 800, seed=1)
    parts = parts_of(coded(coder_of(2), labels, before), labels)
    assert (parts.moves, parts.runs) == (((0, 20),), 1)
    assert parts.box.upper >= 288


def test_all_that_has_changed_may_have_moved():
    before = noise(9, 64, 96)
    labels = before.copy()
    labels[:32, :64] = before[20:52, 30:94]
    labels[48:, 32:] = before[30:46, :64]
    parts = parts_of(coded(coder_of(9), labels, before), labels)
    assert (set(parts.moves), parts.box.pixels) == ({(30, 20), (-32, -18)}, 0)


def test_another_picture_is_coded_by_itself():
    labels, before = noise(200, 90, 80), noise(200, 90, 80, seed=1)
    assert coded(coder_of(200), labels, before)[0] != FROM_BEFORE


def test_the_last_of_all_labels_is_told_by_a_list():
    before = np.arange(256 * 256, dtype=np.uint32).reshape(256, 256).astype(np.uint16)
    labels = before.copy()
    labels[90:100, 40:99] = 65_535
    assert len(coded(coder_of(65_536), labels, before)) < 40


def test_a_payload_is_the_same_from_labels_in_any_layout():
    before = noise(5, 80, 90)
    labels = before.copy()
    labels[10:40, 20:60] = 0
    wanted = coder_of(5).encode(labels, before)
    wide, wide_before = np.zeros((2, 160, 180), np.uint8)
    wide[::2, ::2], wide_before[::2, ::2] = labels, before
    assert coder_of(5).encode(wide[::2, ::2], wide_before[::2, ::2]) == wanted


# --- what somebody else has written ---------------------------------------------------


def refused(payload: bytes, canvas: np.ndarray, k: int, reason: str) -> None:
    with pytest.raises(InvalidDataError, match=reason):
        coder_of(k).decode(payload, canvas)


def runs(*lists: list[int]) -> bytes:
    return kernels.numbers_encode([np.array(some, np.uint64) for some in lists])


TWO = ((0, 1), (3, 0))


@pytest.mark.parametrize(
    ("moves", "count", "blocks", "reason"),
    [
        (((0, 1),), 1, b"", "invalid"),
        (((0, 1),), 1, runs([0], [0]) + b"\0", "invalid"),
        (((0, 1),), 1, runs([12], [0]), "invalid"),
        (((0, 1),), 1, runs([0], [2**64 - 1]), "invalid"),
        (((0, 1),), 1, runs([0], [2**63]), "invalid"),
        (((0, 1),), 2, runs([11, 11], [11, 11]), "too long"),
        (((0, 1),), 1, runs([6], [6]), "too long"),
        (TWO, 1, runs([0], [0], [2]), "too long"),
        (TWO, 2, runs([0, 0], [0, 0], [0, 12]), "too long"),
        (((-1, 0),), 1, runs([0], [0]), "outside"),
        (((0, -1),), 1, runs([3], [0]), "outside"),
        (((1, 0),), 1, runs([2], [1]), "outside"),
        (((0, 1),), 1, runs([8], [0]), "outside"),
        (((0, 9),), 1, runs([4], [0]), "outside"),
    ],
)
def test_runs_that_lie_are_refused(moves, count, blocks, reason):
    canvas = noise(3, 40, 50)  # 3 rows of 4 blocks, the last of each smaller
    refused(FrameParts(moves, count, blocks).to_bytes(), canvas, 3, reason)


def test_blocks_at_the_edges_move_within_the_tile():
    before = noise(3, 40, 50)
    canvas = before.copy()
    parts = FrameParts(((-40, 7), (0, -24)), 2, runs([3, 4], [0, 3], [0, 1]))
    coder_of(3).decode(parts.to_bytes(), canvas)
    wanted = before.copy()
    wanted[:16, 48:] = before[7:23, 8:10]
    wanted[32:] = before[8:16]
    assert np.array_equal(canvas, wanted)


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (b"", "1 to"),
        (b"\7", "tokens"),
        (b"\7\0", "tokens"),
        (b"\1\0\0\0\0", "1 to"),
        (b"\4\0\1\1", "own list"),
        (b"\4\4\1\1", "too long"),
        (b"\0\xff\xff", "K|to"),
    ],
)
def test_labels_that_cannot_be_are_refused(rest, reason):
    payload = FrameParts(box=Box(1, 1, 3, 3), rest=rest).to_bytes()
    refused(payload, noise(3, 9, 9), 3, reason)


def test_a_list_has_no_more_than_the_entries():
    for entry in (3, 4):
        own_list = kernels.numbers_encode([np.array([entry], np.uint64)])
        rest = b"\4\0" + bytes([len(own_list)]) + own_list
        payload = FrameParts(box=Box(1, 1, 3, 3), rest=rest).to_bytes()
        canvas = np.zeros((9, 9), np.uint8)
        if entry == 4:
            refused(payload, canvas, 3, "own list")
        else:
            coder_of(3).decode(payload, canvas)
            assert canvas[1:3, 1:3].tolist() == [[2, 2], [2, 2]]
            assert canvas.sum() == 8


@given(st.binary(max_size=60), st.sampled_from([3, 256, 60_000]), st.booleans())
def test_any_payload_is_decoded_or_refused(data, k, moves):
    canvas = noise(k, 40, 50)
    payload = bytes([FROM_BEFORE, *([1, 0, 2] if moves else [0])]) + data
    try:
        coder_of(k).decode(payload, canvas)
    except InvalidDataError:
        return
    assert int(canvas.max()) < k


@settings(max_examples=40)
@given(frames(), st.data())
def test_a_changed_payload_is_decoded_or_refused(case, data):
    labels, before, k = case
    coder = coder_of(k)
    payload = bytearray(coder.encode(labels, before))
    if not payload:
        return
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(payload) - 1))
        payload[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    for damaged in (bytes(payload), bytes(payload[:cut])):
        canvas = before.copy()
        try:
            coder.decode(damaged, canvas)
        except InvalidDataError:
            continue
        assert int(canvas.max()) < k
