import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import KS, indexed

import kqcodec
from kqcodec.coding.options import CodingOptions
from kqcodec.format import sizes
from kqcodec.format.header import HEADER_SIZE, Header

pytestmark = pytest.mark.compiled


def test_the_notebook_example_with_the_right_numbers():
    pixels = 200 * 181
    assert sizes.raw_bits(pixels) == 868_800
    assert sizes.theory_bits(pixels, 10) == pytest.approx(120_493.8, abs=0.05)
    assert sizes.fixed_width_bits(pixels, 10) == 240 + 144_800


@pytest.mark.parametrize(
    ("k", "bits"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9), (65_536, 16)]
)
def test_label_bits(k, bits):
    assert sizes.label_bits(k) == bits


@pytest.mark.parametrize(
    ("k", "block", "bits"),
    [
        (2, 1, 1),
        (3, 41, 65),
        (7, 26, 73),
        (10, 31, 103),
        (16, 1, 4),
        (17, 34, 139),
        (255, 178, 1423),
        (256, 1, 8),
        (257, 112, 897),
        (32_769, 198, 2971),
        (65_535, 1, 16),
    ],
)
def test_dense_blocks_are_those_of_the_specification(k, block, bits):
    shape = sizes.dense_shape(k)
    assert (shape.block, shape.block_bits) == (block, bits)


def test_dense_blocks_of_every_k_waste_under_one_part_in_two_thousand():
    for k in range(2, 65_537):
        shape = sizes.dense_shape(k)
        assert k**shape.block <= 1 << shape.block_bits < 2 * k**shape.block
        assert shape.block_bits <= 1.0005 * shape.block * math.log2(k)
        assert shape.block <= 224
        assert shape.block_bits <= 2971


@given(st.integers(1, 10**7), st.integers(2, 65_536))
def test_dense_is_within_its_bound(labels, k):
    bits = 8 * sizes.dense_size(labels, k)
    assert bits <= labels * math.log2(k) * 1.0005 + 64
    assert bits >= math.floor(labels * math.log2(k) * (1 - 1e-12))


def test_coders_agree_where_k_is_a_power_of_two():
    for exponent in range(17):
        assert sizes.dense_size(1001, 1 << exponent) == sizes.packed_size(1001, 1 << exponent)


PREDICTABLE = ("packed", "dense")
SIDES = [(1, 1), (1, 17), (64, 1), (15, 15), (200, 181)]
LARGE = [(1024, 1024), (1025, 1030)]


@pytest.mark.parametrize("coder", PREDICTABLE)
@pytest.mark.parametrize(
    ("k", "width", "height"),
    [(k, *side) for k in KS for side in SIDES]
    + [(k, *side) for k in (10, 256, 257) for side in LARGE],
)
def test_files_are_as_large_as_predicted(coder, k, width, height):
    large = width * height > 10**5
    image = indexed(width, height, k)
    for tile in (0, 512) if large else (0, 16, (32, 0)):
        data = kqcodec.encode(image, coder=coder, tile=tile)
        header = Header.from_bytes(data[:HEADER_SIZE])
        assert len(data) == sizes.file_size(header)
        report = kqcodec.open(data).size_report()
        assert report.proven
        assert report.predicted_bytes == len(data)
        if header.grid.count == 1:
            assert len(data) - report.palette_bytes - report.labels_bytes <= 32
        if coder == "dense":
            bound = image.labels.size * math.log2(k) * 1.0005 + 64 * report.tiles
            assert 8 * report.labels_bytes <= bound


@pytest.mark.parametrize("coder", PREDICTABLE)
@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("tile", [0, None, 256])
def test_six_megapixels_are_as_large_as_predicted(coder, k, tile):
    """3000 x 2000 in one and in many tiles: the coder's bytes, tile by tile."""
    from kqcodec.coding.coders import coder_of

    exponents = CodingOptions(coder=coder, tile=tile).tile_exponents(3000, 2000)
    header = Header(coder, 3000, 2000, k, exponents)
    total = HEADER_SIZE + 3 * k + 4 + header.directory_size
    for labels, count in header.grid.tile_areas():
        if coder == "packed" or labels <= 1 << 17:
            tile_image = indexed(labels, 1, k)
            size = len(coder_of(coder, tile_image.palette).encode(tile_image.labels))
        else:
            size = sizes.dense_size(labels, k)
        if coder == "dense":
            assert 8 * size <= labels * math.log2(k) * 1.0005 + 64
        total += count * (size + len(_groups(size)) + 4)
    assert total == sizes.file_size(header)


def _groups(length: int) -> list[int]:
    """Seven bits a byte, written here once more, independently."""
    return [length & 127, *_groups(length >> 7)] if length > 127 else [length]
