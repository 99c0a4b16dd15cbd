"""Lists of numbers: C and the reference give the same bytes and numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_sets import both, each_kernel

from kqcodec.kernels import reference

NUMBERS = st.one_of(
    st.integers(0, 3),
    st.integers(0, 2**64 - 1),
    st.sampled_from([2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]),
)
LISTS = st.lists(st.lists(NUMBERS, max_size=12), max_size=4)


def arrays(lists):
    return [np.array(numbers, dtype=np.uint64) for numbers in lists]


@given(LISTS)
def test_lists_come_back_and_both_agree(lists):
    payload = reference.numbers_encode(arrays(lists))
    for kernel in both:
        assert kernel.numbers_encode(arrays(lists)) == payload
        found = kernel.numbers_decode(payload, [len(numbers) for numbers in lists])
        assert [numbers.tolist() for numbers in found] == lists
        assert all(numbers.dtype == np.uint64 for numbers in found)


@given(st.binary(max_size=40), st.lists(st.integers(0, 9), max_size=4))
def test_any_payload_decodes_alike(payload, counts):
    found = [kernel.numbers_decode(payload, counts) for kernel in both]
    assert len({None if one is None else str([n.tolist() for n in one]) for one in found}) == 1


@each_kernel
def test_no_numbers_are_no_bytes(kernel):
    assert kernel.numbers_encode([]) == kernel.numbers_encode(arrays([[], []])) == b""
    assert kernel.numbers_decode(b"", []) == []
    assert [len(one) for one in kernel.numbers_decode(b"", [0, 0])] == [0, 0]
    assert kernel.numbers_decode(b"\x01", []) is kernel.numbers_decode(b"\x01", [0]) is None


@each_kernel
@pytest.mark.parametrize("payload", [b"\x80\0", bytes(9)])
def test_zeros_at_the_end_are_refused(kernel, payload):
    assert kernel.numbers_decode(payload, [1]) is None


@each_kernel
def test_numbers_of_more_than_64_bits_are_refused(kernel):
    """Ones all the way: a size of 127, which the first bit of the tree begins."""
    assert kernel.numbers_decode(b"\0\0\0\x01", [1]) is None
