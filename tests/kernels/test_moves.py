"""What has moved since the frame before: C and the reference find the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_sets import both, each_kernel


def noise(height, width, k=5, dtype=np.uint8):
    return np.random.default_rng(height * width).integers(0, k, (height, width), dtype=dtype)


@st.composite
def frames(draw):
    """Two frames, the later made of pieces of the one before and of something else."""
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 110))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    patch = draw(st.sampled_from([1, 1, 3, 20]))
    k = draw(st.sampled_from([2, 3, 60_000]))
    small = random.integers(0, k, (height // patch + 1, width // patch + 1), dtype=np.uint16)
    before = small.repeat(patch, 0).repeat(patch, 1)[:height, :width]
    now = before.copy()
    for _ in range(draw(st.integers(0, 3))):
        top, left = random.integers(0, height), random.integers(0, width)
        move = draw(st.integers(-40, 40)), draw(st.integers(-40, 40))
        now[top:, left:] = np.roll(before, move, (0, 1))[top:, left:]
    return np.ascontiguousarray(now), np.ascontiguousarray(before)


@given(frames())
def test_both_agree(case):
    now, before = case
    found = [kernel.find_moves(now, before) for kernel in both]
    assert all(moves.dtype == np.int32 and moves.shape[1:] == (2,) for moves in found)
    assert all(np.array_equal(moves, found[0]) for moves in found)
    assert len(found[0]) <= 3
    assert not any(not move.any() for move in found[0])


@each_kernel
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("move", [(0, 7), (-9, 0), (33, -20), (-64, 48)])
def test_what_moved_is_found(kernel, move, dtype):
    before = noise(150, 170, dtype=dtype)
    dx, dy = move
    now = np.roll(before, (-dy, -dx), (0, 1))
    assert kernel.find_moves(now, before)[0].tolist() == [dx, dy]


@each_kernel
def test_the_move_of_most_blocks_comes_first_and_each_explains_its_own(kernel):
    before = noise(160, 160)
    now = before.copy()
    now[:64] = before[5:69]  # 40 blocks
    now[64:96, :128] = before[64:96, 3:131]  # 16 blocks
    now[128:, :64] = before[120:152, 40:104]  # 8
    now[128:, 96:] = before[0:32, 0:64]  # 8, that come later
    assert kernel.find_moves(now, before).tolist() == [[0, 5], [3, 0], [40, -8]]


@each_kernel
@pytest.mark.parametrize(("blocks", "found"), [(3, []), (4, [[16, 0]])])
def test_a_move_explains_four_blocks(kernel, blocks, found):
    before = noise(32, 200)
    now = before.copy()
    now[:16, : 16 * blocks] = before[:16, 16 : 16 * blocks + 16]
    assert kernel.find_moves(now, before).tolist() == found


@each_kernel
@pytest.mark.parametrize("shape", [(1, 1), (15, 400), (400, 15), (64, 64)])
def test_what_has_no_blocks_or_none_that_tell_has_no_moves(kernel, shape):
    before = noise(*shape)
    assert len(kernel.find_moves(before, before)) == 0
    assert len(kernel.find_moves(np.zeros_like(before), before)) == 0
    assert len(kernel.find_moves(before[::-1], np.zeros_like(before))) == 0
