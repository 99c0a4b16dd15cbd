"""The compiled kernels against the reference, and both against bitarray."""

import os

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import int2ba
from hypothesis import given
from hypothesis import strategies as st
from kernel_sets import compiled, needs_compiled
from samples import KS, indexed

from kqcodec import kernels
from kqcodec.errors import KernelError
from kqcodec.format.labels import label_dtype
from kqcodec.format.sizes import DenseShape, dense_shape, label_bits
from kqcodec.kernels import reference

MANY_KS = sorted({*KS, *range(2, 40), 100, 1000, 4097, 32_768, 32_769, 65_535} - {1})


@st.composite
def tiles(draw):
    """(labels of shape (h, w), K)"""
    k = draw(st.one_of(st.sampled_from(MANY_KS), st.integers(2, 65_536)))
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    return indexed(width, height, k, draw(st.integers(0, 2**32 - 1))).labels, k


def test_chosen_kernels_are_those_in_use():
    assert kernels.kernels.__name__ == f"kqcodec.kernels.{kernels.chosen()}"


def test_unknown_kernels_are_refused():
    with pytest.raises(KernelError, match="fast"):
        kernels.load("fast")


@given(tiles())
def test_packed_bits_are_those_of_bitarray(tile):
    labels, k = tile
    bits = label_bits(k)
    string = bitarray(endian="big")
    string.encode({v: int2ba(v, bits) for v in np.unique(labels).tolist()}, labels.ravel().tolist())
    assert reference.pack(labels, bits) == string.tobytes()


@given(tiles())
def test_the_reference_round_trips(tile):
    labels, k = tile
    out = np.empty_like(labels)
    reference.unpack(reference.pack(labels, label_bits(k)), label_bits(k), out)
    assert np.array_equal(out, labels)
    out = np.empty_like(labels)
    shape = dense_shape(k)
    assert reference.dense_decode(reference.dense_encode(labels, shape), shape, out)
    assert np.array_equal(out, labels)


def test_a_dense_block_is_the_number_whose_digits_the_labels_are():
    labels = np.array([[2, 0, 1], [1, 0, 9]], dtype=np.uint8)
    payload = reference.dense_encode(labels, dense_shape(10))
    assert payload == bytes(int2ba(201_109, 20, endian="big").tobytes())


@needs_compiled
@given(tiles())
def test_compiled_packing_equals_the_reference(tile):
    labels, k = tile
    bits = label_bits(k)
    payload = compiled.pack(labels, bits)
    assert payload == reference.pack(labels, bits)
    out = np.empty_like(labels)
    compiled.unpack(payload, bits, out)
    assert np.array_equal(out, labels)


@needs_compiled
@pytest.mark.parametrize("bits", range(1, 17))
def test_compiled_packing_of_every_width(bits):
    for dtype in (np.uint8, np.uint16):
        if bits > 8 * np.dtype(dtype).itemsize:
            continue
        labels = np.random.default_rng(bits).integers(0, 1 << bits, 333).astype(dtype)
        assert compiled.pack(labels, bits) == reference.pack(labels, bits)


@needs_compiled
@given(tiles())
def test_compiled_dense_equals_the_reference(tile):
    labels, k = tile
    shape = dense_shape(k)
    payload = compiled.dense_encode(labels, shape)
    assert payload == reference.dense_encode(labels, shape)
    out = np.empty_like(labels)
    assert compiled.dense_decode(payload, shape, out)
    assert np.array_equal(out, labels)


@needs_compiled
@given(tiles(), st.data())
def test_both_refuse_the_same_dense_payloads(tile, data):
    labels, k = tile
    shape = dense_shape(k)
    size = shape.payload_size(labels.size)
    payload = data.draw(st.binary(min_size=size, max_size=size))
    ours, theirs = np.empty_like(labels), np.empty_like(labels)
    valid = compiled.dense_decode(payload, shape, ours)
    assert valid == reference.dense_decode(payload, shape, theirs)
    if valid:
        assert np.array_equal(ours, theirs)


@needs_compiled
@pytest.mark.parametrize("k", MANY_KS)
def test_the_largest_number_of_a_block_and_the_next(k):
    shape = dense_shape(k)
    labels = np.full(shape.block, k - 1, dtype=label_dtype(k))
    payload = compiled.dense_encode(labels, shape)
    out = np.zeros_like(labels)
    assert compiled.dense_decode(payload, shape, out)
    assert (out == k - 1).all()
    following = k**shape.block
    if following.bit_length() <= shape.block_bits:
        size = shape.payload_size(shape.block)
        bits = int2ba(following, shape.block_bits, endian="big")
        assert not compiled.dense_decode(bits.tobytes().ljust(size, b"\0"), shape, out)
        assert not reference.dense_decode(bits.tobytes().ljust(size, b"\0"), shape, out)


@needs_compiled
@given(tiles(), st.sampled_from((1, 2, 3, 4, 5, 8)), st.integers(0, 5), st.integers(0, 5))
def test_compiled_painting_equals_the_reference(tile, channels, top, left):
    labels, k = tile
    palette = np.random.default_rng(k).integers(0, 256, (k, channels)).astype(np.uint8)
    ours = np.zeros((labels.shape[0] + 7, labels.shape[1] + 6, channels), dtype=np.uint8)
    theirs = ours.copy()
    compiled.paint(labels, palette, ours, top, left)
    reference.paint(labels, palette, theirs, top, left)
    assert np.array_equal(ours, theirs)


@needs_compiled
@pytest.mark.parametrize(("k", "bits"), [(65_536, 16), (65_536, 2976), (3, 2976), (3, 4700)])
def test_blocks_whose_numbers_need_more_room_than_there_is_are_refused(k, bits):
    labels = np.full(2976, k - 1, dtype=np.uint16)
    shape = DenseShape(k, len(labels), bits)
    with pytest.raises(ValueError, match="fit"):
        compiled.dense_encode(labels, shape)
    with pytest.raises(ValueError, match="fit"):
        compiled.dense_decode(bytes((bits + 7) // 8), shape, labels)


@needs_compiled
def test_every_block_of_the_format_is_let_through():
    for k in range(2, 65_537, 1 if "KQCODEC_EVERY_TEST" in os.environ else 37):
        shape = dense_shape(k)
        labels = np.full(shape.block, k - 1, dtype=label_dtype(k))
        assert compiled.dense_decode(compiled.dense_encode(labels, shape), shape, labels)
        assert (labels == k - 1).all()


@needs_compiled
def test_the_boundary_refuses_what_does_not_fit():
    labels = np.zeros(10, dtype=np.uint8)
    with pytest.raises(ValueError, match="fit"):
        compiled.unpack(b"\0", 4, labels)
    with pytest.raises(ValueError, match="fit"):
        compiled.dense_decode(b"\0", dense_shape(10), labels)
    with pytest.raises(ValueError, match="fit"):
        compiled.pack(labels, 9)
    with pytest.raises(ValueError, match="fit"):
        compiled.paint(
            np.zeros((3, 3), np.uint8), np.zeros((1, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)
        )
    with pytest.raises(TypeError, match="float64"):
        compiled.pack(np.zeros(3), 8)
