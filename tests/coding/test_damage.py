"""Damaged files: every length, every bit. Only FormatErrors may escape."""

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SLOW, indexed, size_report
from trust import attempts
from trust.files import palette_length_bits, parts_of, small_files

import kqcodec
from kqcodec import errors
from kqcodec.format.container import pack_length, read_length
from kqcodec.format.header import Header
from kqcodec.format.source import BufferSource

FILES = {
    file.name: file
    for file in small_files()
    # On the reference kernels it takes a millisecond to decode an entry of a palette.
    if not SLOW or file.picture.k <= 17 or len(palette_length_bits(file.data)) == 0
}
SMALL = {name: file.data for name, file in FILES.items()}
names = pytest.mark.parametrize("name", SMALL)


def read_all(data):
    """Every way in that takes the whole file."""
    for function in (kqcodec.decode, kqcodec.read, size_report):
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
    for damaged in attempts.flips(SMALL[name]):
        with pytest.raises(errors.FormatError):
            kqcodec.decode(damaged, threads=1)
    assert np.array_equal(kqcodec.decode(SMALL[name]), FILES[name].picture.to_pixels())


@names
def test_every_flipped_bit_is_refused_in_a_pipe(name):
    """Without the file's size as a check."""
    for damaged in attempts.flips(SMALL[name]):
        with pytest.raises(errors.FormatError):
            kqcodec.read(_unseekable(damaged), threads=1)


def test_a_changed_length_of_a_coded_palette_ends_it_elsewhere():
    """Rule 21.2: whatever bytes follow a length that has become longer."""
    lengths = [*range(1, 600), *range(600, 2**18, 997), 16_383, 16_384, 2**18 - 1]
    tried = 0
    for length in lengths:
        packed = pack_length(length)
        for following in (b"\0" * 4, b"\x7f" * 4, b"\x80\0" * 2, b"\xff\xff\0\0", b"\x81" * 4):
            for damaged in attempts.flips(packed):
                source = BufferSource(bytes(damaged) + following)
                with contextlib.suppress(errors.InvalidDataError):  # it is malformed
                    found = read_length(source, "the palette")
                    assert source.position + found != len(packed) + length
                    tried += 1
    assert tried > 30_000


def test_every_flipped_bit_in_the_length_of_a_coded_palette_is_refused():
    """Of all files here that have one, in both ways to read."""
    tried = 0
    for data in SMALL.values():
        for bit in palette_length_bits(data):
            damaged = bytearray(data)
            damaged[bit // 8] ^= 0x80 >> bit % 8
            read_all(bytes(damaged))
            tried += 1
    assert tried >= 8 * (3 if SLOW else 5)


@names
def test_a_region_of_a_file_with_a_flipped_bit_is_refused_or_right(name):
    picture = FILES[name].picture
    box = (picture.width - 1, picture.height - 1, picture.width, picture.height)
    right = picture.to_pixels()[-1:, -1:]
    refused = 0
    for damaged in attempts.flips(SMALL[name]):
        try:
            found = kqcodec.open(damaged, threads=1).region(box)
        except errors.FormatError:
            refused += 1
        else:
            assert np.array_equal(found.to_pixels(), right)
    # What precedes the tiles is always read, and of a short file everything.
    assert refused >= 8 * min(len(SMALL[name]), 20 + 3)


@names
def test_parts_that_changed_places_are_refused(name):
    """Swapped, doubled, left out, or over another."""
    data = SMALL[name]
    tried = 0
    for damaged in attempts.rearranged(data, parts_of(data)):
        read_all(damaged)
        tried += 1
    assert tried >= 3 * 3


@names
def test_parts_of_another_file_are_refused(name):
    """Of one with another header, that is; equal headers are no sign of another file."""
    data, other = SMALL[name], SMALL[list(SMALL)[list(SMALL).index(name) - 1]]
    assert data[:20] != other[:20]
    for damaged in attempts.grafted(data, parts_of(data), other, parts_of(other)):
        read_all(damaged)


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


def _unseekable(data):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    return Pipe(data)


def test_a_damaged_picture_of_many_tiles_fails_on_many_threads():
    image = indexed(200, 200, 9)
    data = bytearray(kqcodec.encode(image, coder="dense", tile=16))
    data[len(data) // 2] ^= 16
    with pytest.raises(errors.ChecksumError):
        kqcodec.decode(data, threads=8)
    data[len(data) // 2] ^= 16
    assert np.array_equal(kqcodec.decode(data, threads=8), image.to_rgb())
