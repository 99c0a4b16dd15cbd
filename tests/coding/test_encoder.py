"""Indexed image to file and back: round trips and properties."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, KS, SLOW, TILES, indexed, indexed_images

import kqcodec
from kqcodec.coding.decoder import Opened
from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.format.limits import Limits
from kqcodec.format.source import BufferSource


@given(indexed_images(), st.sampled_from(CODERS), st.sampled_from(TILES), st.integers(1, 3))
def test_round_trip(image, coder, tile, threads):
    data = kqcodec.encode(image, coder=coder, tile=tile, threads=threads)
    assert kqcodec.read(data, threads=threads) == image
    assert np.array_equal(kqcodec.decode(data, threads=threads), image.palette[image.labels])
    assert kqcodec.open(data).size_report().proven


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("k", KS)
def test_bytes_do_not_depend_on_threads(coder, k):
    small = coder in ("context", "tokens")  # whose definitions in Python are slow
    if small and SLOW and k > 257:
        pytest.skip("takes minutes without compiled kernels")
    image = indexed(40, 20, k) if small else indexed(150, 70, k)
    counts = (1, 3) if small else (1, 2, 3, 8, None)
    files = {kqcodec.encode(image, coder=coder, tile=16, threads=n) for n in counts}
    assert len(files) == 1
    (data,) = files
    for threads in (1, 2, 8):
        assert kqcodec.read(data, threads=threads) == image


def test_labels_of_any_memory_layout():
    image = indexed(40, 30, 10)
    turned = kqcodec.IndexedImage(image.palette, np.asfortranarray(image.labels))
    stepped = kqcodec.IndexedImage(image.palette, np.repeat(image.labels, 2, axis=1)[:, ::2])
    data = kqcodec.encode(image)
    assert kqcodec.encode(turned) == kqcodec.encode(stepped) == data


@pytest.mark.parametrize(
    ("tile", "exponents"),
    [(None, (0, 0)), (0, (0, 0)), (16, (4, 4)), ((64, 0), (6, 0)), (262_144, (0, 0))],
)
def test_tile_sizes(tile, exponents):
    assert CodingOptions(coder="dense", tile=tile).tile_exponents(1024, 1024) == exponents


def test_default_tiles():
    assert CodingOptions(coder="dense").tile_exponents(1024, 1025) == (0, 10)
    assert CodingOptions(coder="packed").tile_exponents(3000, 2000) == (10, 10)
    assert CodingOptions(coder="context").tile_exponents(2048, 1024) == (0, 0)
    assert CodingOptions(coder="context").tile_exponents(2048, 1025) == (0, 0)
    assert CodingOptions(coder="context").tile_exponents(3000, 2000) == (11, 0)
    assert CodingOptions(coder="context").tile_exponents(2100, 2100) == (11, 11)


@pytest.mark.parametrize("tile", [1, 15, 17, 100, 524_288, -16, (16, 3)])
def test_impossible_tile_sizes_are_refused(tile):
    with pytest.raises(ValueError, match="tile side must be"):
        kqcodec.encode(indexed(5, 5, 2), tile=tile)


@pytest.mark.parametrize("tile", [1.5, "16", (16,), (16, 16, 16), True])
def test_wrong_tile_types_are_refused(tile):
    with pytest.raises(TypeError):
        kqcodec.encode(indexed(5, 5, 2), tile=tile)


def test_wrong_arguments_are_refused():
    image = indexed(5, 5, 2)
    with pytest.raises(ValueError, match="packed, dense"):
        kqcodec.encode(image, coder="zip")
    with pytest.raises(ValueError, match="threads"):
        kqcodec.encode(image, threads=0)
    with pytest.raises(TypeError, match="threads"):
        kqcodec.encode(image, threads=1.5)


def test_one_tile_over_the_format_limit_is_refused():
    labels = np.broadcast_to(np.zeros((1, 1), np.uint8), (2**13 + 1, 2**13))
    image = kqcodec.IndexedImage(np.zeros((1, 3), np.uint8), labels)
    with pytest.raises(ValueError, match="tile"):
        kqcodec.encode(image, tile=0)


def test_sections_are_carried():
    image = indexed(20, 20, 5)
    sections = [Section(b"exif", b"camera"), Section(b"note", b"")]
    data = encode_indexed(image, CodingOptions(tile=16), sections=sections)
    assert kqcodec.read(data) == image
    assert Opened.from_source(BufferSource(data), Limits.of(None)).sections == sections
    report = kqcodec.open(data).size_report()
    assert report.proven
    assert report.sections_bytes == (14 + 6) + 14 + 14


def test_write_to_a_pipe_like_file():
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.parts = []

        def writable(self):
            return True

        def write(self, part):
            self.parts.append(bytes(part))
            return len(part)

    image, pipe = indexed(40, 40, 7), Pipe()
    assert kqcodec.write(pipe, image, tile=16) == sum(map(len, pipe.parts))
    assert len(pipe.parts) > 9  # it came part by part, a record a tile
    assert kqcodec.read(b"".join(pipe.parts)) == image


@pytest.mark.parametrize("kind", [b"1abc", b"abc", b"abcde", b"a_cd", b"END ", b"\xe9abc", b""])
def test_impossible_kinds_of_sections_are_refused(kind):
    with pytest.raises(ValueError, match="kind"):
        Section(kind, b"")


def test_sections_that_no_reader_would_take_are_refused():
    image = indexed(3, 3, 2)
    with pytest.raises(ValueError, match="mandatory"):
        encode_indexed(image, sections=[Section(b"Exif", b"")])
    with pytest.raises(ValueError, match="254"):
        encode_indexed(image, sections=[Section(b"exif", b"")] * 255)
    kqcodec.decode(encode_indexed(image, sections=[Section(b"exif", b"")] * 254))


def test_no_flipped_bit_of_a_section_makes_another_file():
    """Even where the data were made to look like what follows them."""
    image = indexed(3, 3, 2)
    inner = encode_indexed(image, sections=[Section(b"aaaa", bytes(300))])[30:]
    data = bytearray(encode_indexed(image, sections=[Section(b"aaaa", inner)]))
    for bit in range(8 * 30, 8 * 45):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(kqcodec.errors.FormatError):
            kqcodec.decode(data)
        data[bit // 8] ^= 1 << bit % 8
