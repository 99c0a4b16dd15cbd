"""Chains of frames: what comes back, the same bytes by both kernels, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kqcodec.kernels import compiled, reference

CAPACITY = 1 << 16


def drawn_frames(random: np.random.Generator, height: int, width: int, k: int) -> list[np.ndarray]:
    """Frames of squares that scroll, are painted over, sprinkled, come back, or are noise."""
    squares = random.integers(0, k, (height // 3 + 1, width // 4 + 1))
    frames = [np.repeat(np.repeat(squares, 3, 0), 4, 1)[:height, :width]]
    for kind in random.integers(0, 6, 5):
        frame = frames[-1].copy()
        y, x = random.integers(0, height), random.integers(0, width)
        if kind < 2:
            frame = np.roll(frame, int(random.integers(-20, 20)), kind)
        elif kind == 2:
            frame[y : y + 7, x : x + 9] = random.integers(0, k)
        elif kind == 3:
            frame[random.random((height, width)) < 0.05] = random.integers(0, k)
        elif kind == 4:
            frame = frames[int(random.integers(0, len(frames)))].copy()
        else:
            frame[y : y + 4] = random.integers(0, k, frame[y : y + 4].shape)
        frame[y, x] = (frame[y, x] + 1) % k
        frames.append(frame)
    return [frame.astype(np.uint8 if k <= 256 else np.uint16) for frame in frames]


def tree(random: np.random.Generator, k: int) -> tuple[np.ndarray, np.ndarray]:
    colors = random.integers(0, 256, (k, 3), dtype=np.uint8)
    return compiled.tree_order(colors), colors


def names(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Of labels without colours."""
    return np.arange(k, dtype=np.uint16), np.empty((0, 3), dtype=np.uint8)


@pytest.mark.compiled
@given(
    seed=st.integers(0, 1 << 30),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    k=st.sampled_from([2, 3, 5, 17, 70, 300]),
    setting=st.sampled_from([0x5C, 0x9C, 0xDA, 0x52, 0x4C, 0x44]),
    colors=st.booleans(),
    begun=st.booleans(),
)
@settings(max_examples=6, deadline=None)
def test_both_sets_of_kernels_make_and_read_the_same_bytes(
    seed, height, width, k, setting, colors, begun
):
    random = np.random.default_rng(seed)
    frames = drawn_frames(random, height, width, k)
    both_kernels_agree(frames, tree(random, k) if colors else names(k), setting, begun)


def both_kernels_agree(frames, palette, setting, begun=False):
    """Both make the same bytes of frames, and read them; returns the work of each."""
    height, width = frames[0].shape
    made = [kind.frame_chain(*palette, width, height, setting) for kind in (compiled, reference)]
    read = [kind.frame_chain(*palette, width, height, setting) for kind in (compiled, reference)]
    canvases = [np.zeros_like(frames[0]) for _ in read]
    if begun:
        for chain in made + read:
            chain.begin(frames[0])
        canvases = [frames[0].copy() for _ in read]
        frames = frames[1:]
    done = []
    for frame in frames:
        payloads = [chain.encode(frame, CAPACITY) for chain in made]
        assert payloads[0] == payloads[1]
        work = [
            chain.decode(payloads[0], canvas) for chain, canvas in zip(read, canvases, strict=True)
        ]
        assert work[0] == work[1] >= 0
        assert all(np.array_equal(canvas, frame) for canvas in canvases)
        done.append(work[0])
    return done


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("height", "width", "k"),
    [(1, 300, 9), (300, 1, 9), (1, 1, 2), (2, 40, 65_536), (17, 16, 4096), (16, 17, 4097)],
)
@pytest.mark.parametrize("colors", [False, True])
def test_both_agree_on_frames_of_other_shapes(height, width, k, colors):
    random = np.random.default_rng(height + k)
    palette = tree(random, k) if colors else names(k)
    both_kernels_agree(drawn_frames(random, height, width, k), palette, 0x5C)


@pytest.mark.compiled
def test_both_agree_on_what_comes_from_many_frames_ago():
    """From as far as frames are kept; what is further away is coded again."""
    random = np.random.default_rng(4)
    first = random.integers(0, 30, (17, 17), dtype=np.uint8)
    frames = [first.copy() for _ in range(19)]
    for number, frame in enumerate(frames):
        frame[::16, ::16] = number  # in all four blocks
    frames += [frames[2], frames[3], frames[1]]  # 16, 16 and 19 frames ahead of the one before
    work = both_kernels_agree(frames, tree(random, 30), 0x5C)
    assert work[-4:] == [17 * 17, 17 * 17 // 16, 17 * 17 // 16, 17 * 17]


@pytest.mark.parametrize("kernels", [compiled, pytest.param(reference, marks=pytest.mark.compiled)])
def test_a_chain_that_has_failed_is_of_no_use(kernels):
    random = np.random.default_rng(1)
    noise = random.integers(0, 5, (20, 20)).astype(np.uint8)
    chain = kernels.frame_chain(*names(5), 20, 20, 0x52)
    assert chain.encode(noise, 20) is None
    with pytest.raises(RuntimeError, match="end"):
        chain.encode(noise, CAPACITY)
    chain = kernels.frame_chain(*names(5), 20, 20, 0x52)
    assert chain.decode(b"\xff" * 300, noise) == -1
    with pytest.raises(RuntimeError, match="end"):
        chain.decode(b"", noise)


def test_changed_bits_give_other_frames_or_none_but_no_crash():
    random = np.random.default_rng(2)
    frames = drawn_frames(random, 50, 60, 40)
    palette = tree(random, 40)
    encoder = compiled.frame_chain(*palette, 60, 50, 0x5C)
    payloads = [encoder.encode(frame, CAPACITY) for frame in frames]
    for _ in range(200):
        chain = compiled.frame_chain(*palette, 60, 50, 0x5C)
        canvas = np.zeros((50, 60), dtype=np.uint8)
        for payload in payloads:
            changed = bytearray(payload)
            changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
            if chain.decode(bytes(changed), canvas) < 0:
                break
            assert canvas.max() < 40
