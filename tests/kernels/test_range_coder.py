"""The arithmetic coder: C, the reference and spec/decode.py give the same bytes and bits."""

from __future__ import annotations

import math

import decode_bits
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_sets import both, compiled, each_kernel, needs_compiled

from kqcodec.kernels import reference

PROBABILITIES = st.one_of(
    st.sampled_from([1, 2, 255, 256, 32_767, 32_768, 65_534, 65_535]), st.integers(1, 65_535)
)


@st.composite
def coded_bits(draw, max_size=120):
    """(bits, probabilities): likely ones, unlikely ones, and long runs of either."""
    pairs = draw(
        st.lists(st.tuples(st.integers(0, 1), PROBABILITIES, st.integers(1, 9)), max_size=max_size)
    )
    bits = [bit for bit, _, count in pairs for _ in range(count)]
    probabilities = [p for _, p, count in pairs for _ in range(count)]
    return np.array(bits, dtype=np.uint8), np.array(probabilities, dtype=np.uint16)


def spec_bits(payload, probabilities):
    """(bits, whether the payload ends well), by spec/decode.py."""
    decoder = decode_bits.ArithmeticDecoder(bytes(payload))
    bits = [decoder.bit(p) for p in probabilities.tolist()]
    return bits, decoder.ends_well()


@given(coded_bits())
def test_bits_come_back_and_all_three_agree(case):
    bits, probabilities = case
    room = 4 * len(bits) + 8
    payload = reference.code_bits(bits, probabilities, room)
    assert spec_bits(payload, probabilities) == (bits.tolist(), True)
    for kernel in both:
        assert kernel.code_bits(bits, probabilities, room) == payload
        out = np.full_like(bits, 9)
        assert kernel.decode_bits(payload, probabilities, out)
        assert np.array_equal(out, bits)


@given(st.binary(max_size=40), coded_bits(40))
def test_any_payload_decodes_alike(payload, case):
    _, probabilities = case
    bits, valid = spec_bits(payload, probabilities)
    for kernel in both:
        out = np.empty(len(probabilities), dtype=np.uint8)
        assert kernel.decode_bits(payload, probabilities, out) == valid
        assert out.tolist() == bits


@given(coded_bits())
def test_bytes_that_no_bit_asks_for_and_zeros_at_the_end_are_refused(case):
    bits, probabilities = case
    payload = reference.code_bits(bits, probabilities, 4 * len(bits) + 8)
    decoder = decode_bits.ArithmeticDecoder(payload)
    for p in probabilities.tolist():
        decoder.bit(p)
    too_long = payload.ljust(decoder.asked, b"\0") + b"\1"
    for kernel in both:
        out = np.empty_like(bits)
        assert not kernel.decode_bits(payload + b"\0", probabilities, out)
        assert not kernel.decode_bits(too_long, probabilities, out)
        assert np.array_equal(out, bits)


@given(coded_bits())
def test_a_capacity_is_kept_to_the_byte(case):
    bits, probabilities = case
    payload = reference.code_bits(bits, probabilities, 4 * len(bits) + 8)
    for kernel in both:
        assert kernel.code_bits(bits, probabilities, len(payload)) == payload
        for capacity in range(len(payload)):
            assert kernel.code_bits(bits, probabilities, capacity) is None


@each_kernel
def test_no_bits_are_no_bytes(kernel):
    none = np.empty(0, dtype=np.uint16)
    assert kernel.code_bits(none.astype(np.uint8), none, 0) == b""
    assert kernel.decode_bits(b"", none, none.astype(np.uint8))
    assert not kernel.decode_bits(b"\0", none, none.astype(np.uint8))
    assert not kernel.decode_bits(b"12345", none, none.astype(np.uint8))


@each_kernel
def test_the_example_of_the_document(kernel):
    bits = np.array([1, 0, 1, 1, 0], dtype=np.uint8)
    probabilities = np.array([32_768, 60_000, 10, 65_535, 1], dtype=np.uint16)
    payload = bytes.fromhex("75 30 01")
    assert kernel.code_bits(bits, probabilities, 3) == payload
    out = np.empty(5, dtype=np.uint8)
    assert kernel.decode_bits(payload, probabilities, out)
    assert np.array_equal(out, bits)
    assert spec_bits(payload, probabilities) == (bits.tolist(), True)


@each_kernel
def test_the_length_is_that_of_theory(kernel):
    """A thousandth and two bytes over the sum of -log2 of the probabilities."""
    random = np.random.default_rng(3)
    probabilities = random.integers(1, 65_536, 20_000).astype(np.uint16)
    bits = (random.integers(0, 65_536, 20_000) < probabilities).astype(np.uint8)
    chances = np.where(bits, probabilities, 65_536 - probabilities.astype(np.int64)) / 65_536
    theory = -math.fsum(np.log2(chances)) / 8
    payload = kernel.code_bits(bits, probabilities, 20_000)
    assert theory - 2 < len(payload) < 1.001 * theory + 2


@each_kernel
def test_constant_bits_cost_next_to_nothing(kernel):
    ones = np.ones(100_000, dtype=np.uint8)
    sure = np.full(100_000, 65_535, dtype=np.uint16)
    assert kernel.code_bits(ones, sure, 10) == b""  # every byte is a zero at the end
    zeros = kernel.code_bits(1 - ones, 65_536 - sure.astype(np.int64), 10)
    assert zeros is not None
    assert len(zeros) <= 2


@needs_compiled
def test_the_boundary_refuses_a_probability_of_0_and_wrong_sizes():
    bits, p = np.zeros(3, dtype=np.uint8), np.array([1, 0, 5], dtype=np.uint16)
    with pytest.raises(ValueError, match="probability"):
        compiled.code_bits(bits, p, 9)
    with pytest.raises(ValueError, match="probability"):
        compiled.decode_bits(b"", p, bits)
    with pytest.raises(ValueError, match="sizes"):
        compiled.code_bits(bits[:2], p, 9)
    with pytest.raises(ValueError, match="sizes"):
        compiled.decode_bits(b"", p[:1], bits)
    with pytest.raises(TypeError, match="uint8"):
        compiled.decode_bits(b"", p[:1], p[:1])
