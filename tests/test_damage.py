"""Damaged files: every length, every bit. Only FormatErrors may escape."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, indexed

import kqcodec
from kqcodec import errors
from kqcodec.container import Section
from kqcodec.header import Header

SMALL = {
    f"{coder}-k{k}-{width}x{height}-tile{tile}": kqcodec.encode_indexed(
        indexed(width, height, k), coder=coder, tile=tile
    )
    for coder in CODERS
    for k, width, height, tile in [
        (1, 3, 2, 0),
        (2, 9, 5, 0),
        (3, 33, 17, 16),
        (10, 15, 15, 0),
        (17, 20, 17, 16),
        (257, 4, 3, 0),
    ]
}
SMALL["sections"] = kqcodec.encode_indexed(
    indexed(18, 4, 5), tile=16, sections=[Section(b"exif", b"camera"), Section(b"abcd", b"")]
)
SMALL["alpha"] = kqcodec.encode_indexed(indexed(18, 4, 5, channels=4), tile=16)
names = pytest.mark.parametrize("name", SMALL)


def read_all(data):
    """Every way in that takes the whole file."""
    for function in (kqcodec.decode, kqcodec.decode_indexed, kqcodec.size_report):
        with pytest.raises(errors.FormatError):
            function(data, threads=1)
    with pytest.raises(errors.FormatError):
        kqcodec.read(io.BytesIO(data), threads=2)


@names
def test_every_truncation_is_refused(name):
    data = SMALL[name]
    for length in range(len(data)):
        with pytest.raises(errors.FormatError):
            kqcodec.decode(data[:length], threads=1)
        with pytest.raises(errors.FormatError):
            kqcodec.read(_unseekable(data[:length]), threads=1)
    read_all(data[:-1])


@names
def test_every_flipped_bit_is_refused(name):
    data = bytearray(SMALL[name])
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors.FormatError):
            kqcodec.decode(data, threads=1)
        data[bit // 8] ^= 1 << bit % 8
    assert kqcodec.decode(data, threads=1).size


@names
def test_every_flipped_bit_is_refused_in_a_pipe(name):
    """Without the file's size as a check."""
    data = bytearray(SMALL[name])
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors.FormatError):
            kqcodec.read(_unseekable(bytes(data)), threads=1)
        data[bit // 8] ^= 1 << bit % 8


@names
@pytest.mark.parametrize("tail", [b"\0", b"\n", b"more than that"])
def test_appended_bytes_are_refused(name, tail):
    read_all(SMALL[name] + tail)
    with pytest.raises(errors.FormatError):
        kqcodec.read(_unseekable(SMALL[name] + tail))


@names
@given(st.data())
def test_overwritten_bytes_are_refused(name, data):
    file = bytearray(SMALL[name])
    start = data.draw(st.integers(0, len(file) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=20))
    file[start : start + len(noise)] = noise
    if bytes(file) != SMALL[name]:
        read_all(bytes(file))


@given(st.binary(max_size=200))
def test_noise_is_refused(data):
    with pytest.raises(errors.FormatError):
        kqcodec.decode(data)


@given(st.binary(max_size=200))
def test_noise_behind_a_good_header_is_refused(tail):
    for tile in ((0, 0), (4, 4)):
        header = Header("dense", 40, 40, 10, tile, sections=True)
        with pytest.raises(errors.FormatError):
            kqcodec.decode(header.to_bytes() + tail)


def test_swapped_tiles_are_refused():
    image = indexed(64, 16, 4)
    data = kqcodec.encode_indexed(image, coder="packed", tile=16)
    first, record = 20 + 12 + 4, 1 + 64 + 4
    cut = [data[first + i * record : first + (i + 1) * record] for i in range(4)]
    swapped = data[:first] + cut[1] + cut[0] + cut[2] + cut[3] + data[first + 4 * record :]
    assert len(swapped) == len(data)
    read_all(swapped)


def test_a_tile_of_another_file_is_refused():
    one = kqcodec.encode_indexed(indexed(5, 5, 4, seed=1), coder="packed")
    other = kqcodec.encode_indexed(indexed(5, 5, 4, seed=2), coder="dense")
    read_all(one[:36] + other[36:])


def _unseekable(data):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    return Pipe(data)


def test_a_damaged_picture_of_many_tiles_fails_on_many_threads():
    image = indexed(200, 200, 9)
    data = bytearray(kqcodec.encode_indexed(image, coder="dense", tile=16))
    data[len(data) // 2] ^= 16
    with pytest.raises(errors.ChecksumError):
        kqcodec.decode(data, threads=8)
    data[len(data) // 2] ^= 16
    assert np.array_equal(kqcodec.decode(data, threads=8), image.to_rgb())
