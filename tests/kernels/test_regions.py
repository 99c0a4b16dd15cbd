"""Regions: C and the reference give the same colours, bytes and labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_sets import both, each_kernel

from kqcodec.kernels import reference

ROOM = 1 << 14


@st.composite
def label_maps(draw):
    """Labels of any of the dtypes, in patches of a few labels, and K."""
    dtype = draw(st.sampled_from([np.uint8, np.uint16, np.uint32]))
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 24))
    k = draw(st.sampled_from([1, 2, 3, 9, 200, int(np.iinfo(dtype).max)]))
    names = draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=90))
    seed, patch = draw(st.integers(0, 2**32)), draw(st.integers(1, 5))
    small = np.random.default_rng(seed).integers(0, len(names), (height, width))
    labels = np.array(names, dtype)[small].repeat(patch, 0).repeat(patch, 1)
    return np.ascontiguousarray(labels[:height, :width]), k


@given(label_maps())
def test_labels_come_back_and_both_agree(case):
    labels, k = case
    count, colors, payload = reference.regions_encode(labels, k, ROOM)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    assert np.array_equal(colors[:, 1:] != colors[:, :-1], across)
    assert np.array_equal(colors[1:] != colors[:-1], down)
    assert count == colors.max() + 1
    for kernel in both:
        found = kernel.regions_encode(labels, k, ROOM)
        assert found[0] == count
        assert np.array_equal(found[1], colors)
        assert found[2] == payload
        out = np.zeros_like(labels)
        assert kernel.regions_decode(payload, colors, k, out)
        assert np.array_equal(out, labels)
        if payload:
            assert kernel.regions_encode(labels, k, len(payload) - 1) is None


@given(st.binary(max_size=30), label_maps())
def test_any_payload_decodes_alike(payload, case):
    colors, k = case[0].astype(np.uint8), case[1]
    outs = [np.zeros(colors.shape, np.uint32) for _ in both]
    valid = [
        kernel.regions_decode(payload, colors, k, out)
        for kernel, out in zip(both, outs, strict=True)
    ]
    assert len(set(valid)) == 1
    if valid[0]:
        assert all(np.array_equal(out, outs[0]) for out in outs)
        assert int(outs[0].max()) < k


@each_kernel
def test_regions_that_meet_late_are_one(kernel):
    drawn = ["1.1.111", "1.1.1.1", "111.1.1", "....1.1", "1111111"]
    labels = np.array([[ord(c) for c in row] for row in drawn], np.uint8)
    count, colors, payload = kernel.regions_encode(labels, 256, ROOM)
    assert count == 2
    assert np.array_equal(colors == colors[0, 0], labels == ord("1"))
    out = np.zeros_like(labels)
    assert kernel.regions_decode(payload, colors, 256, out)
    assert np.array_equal(out, labels)


@each_kernel
@pytest.mark.parametrize("k", [1, 3])
def test_a_label_of_k_or_more_is_refused(kernel, k):
    labels = np.arange(9, dtype=np.uint8).reshape(3, 3)
    _, colors, payload = kernel.regions_encode(labels, 9, ROOM)
    assert not kernel.regions_decode(payload, colors, k, np.zeros_like(labels))
