import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec import errors
from kqcodec.format.header import Header

pytestmark = pytest.mark.compiled

GOOD = Header("dense", 5, 4, 3)


def with_checksum(fields: bytes) -> bytes:
    return fields + binascii.crc_hqx(fields, 0xFFFF).to_bytes(2, "big")


def changed(**bytes_at: int) -> bytes:
    """The good header with some bytes set, its checksum made right."""
    fields = bytearray(GOOD.to_bytes()[:18])
    for name, value in bytes_at.items():
        fields[int(name[1:])] = value
    return with_checksum(bytes(fields))


def test_the_header_is_that_of_the_specification():
    assert GOOD.to_bytes().hex(" ") == (
        "cb 51 0d 0a 0a 10 20 00 00 00 00 05 00 00 00 04 00 02 6d a6"
    )


exponents = st.sampled_from((0, 4, 5, 10, 13))


@given(
    st.sampled_from(("packed", "dense", "context", "tokens")),
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**32 - 1),
    st.integers(1, 65_536),
    st.sampled_from((4, 10, 13)),
    st.sampled_from((4, 10, 13)),
    st.booleans(),
    st.integers(0, 15),
    st.booleans(),
)
def test_round_trip(coder, width, height, k, x, y, sections, minor, alpha):
    header = Header(coder, width, height, k, (x, y), sections, minor, alpha)
    assert Header.from_bytes(header.to_bytes()) == header


@pytest.mark.parametrize("width", [0, 2**32])
def test_impossible_sizes_are_refused(width):
    with pytest.raises(errors.InvalidDataError):
        Header("dense", width, 4, 3)
    with pytest.raises(errors.InvalidDataError):
        Header("dense", 4, width, 3)


@pytest.mark.parametrize("k", [0, 65_537])
def test_impossible_palettes_are_refused(k):
    with pytest.raises(errors.InvalidDataError):
        Header("dense", 4, 4, k)


def test_tiles_over_the_limit_are_refused():
    Header("dense", 2**13, 2**13, 3)
    with pytest.raises(errors.InvalidDataError, match="tile"):
        Header("dense", 2**13 + 1, 2**13, 3)
    with pytest.raises(errors.InvalidDataError, match="tile"):
        Header("dense", 2**32 - 1, 2**32 - 1, 3, (18, 18))


def test_the_largest_picture_has_a_grid():
    header = Header("dense", 2**32 - 1, 2**32 - 1, 3, (4, 4))
    assert header.grid.count == 2**56
    assert header.directory_size == 4 * 2**56 + 4


@pytest.mark.parametrize("length", range(20))
def test_truncation(length):
    with pytest.raises(errors.FormatError) as caught:
        Header.from_bytes(GOOD.to_bytes()[:length])
    wanted = errors.TruncatedError if length else errors.SignatureError
    assert type(caught.value) is wanted


@pytest.mark.parametrize("bit", range(160))
def test_every_flipped_bit(bit):
    data = bytearray(GOOD.to_bytes())
    data[bit // 8] ^= 0x80 >> bit % 8
    with pytest.raises(errors.SignatureError if bit < 40 else errors.ChecksumError):
        Header.from_bytes(bytes(data))


@pytest.mark.parametrize(
    ("mangle", "cause"),
    [
        (lambda data: bytes(b & 0x7F for b in data), "eighth bits"),
        (lambda data: data.replace(b"\r\n", b"\n"), "transferred as text"),
        (lambda data: data.replace(b"\n", b"\r\n"), "transferred as text"),
        (lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), "transferred as text"),
        (lambda data: data.decode("latin-1").encode(), "UTF-8"),
        (lambda data: data.decode("utf-8", "replace").encode(), "UTF-8"),
    ],
)
def test_text_mode_damage_is_named(mangle, cause):
    with pytest.raises(errors.SignatureError, match=cause):
        Header.from_bytes(mangle(GOOD.to_bytes()))


@pytest.mark.parametrize("version", [0x00, 0x20, 0xF0])
def test_other_major_versions_are_refused(version):
    with pytest.raises(errors.UnsupportedError, match=f"format {version >> 4}.0"):
        Header.from_bytes(changed(b5=version))


def test_minor_versions_are_read():
    assert Header.from_bytes(changed(b5=0x1F)).minor == 15


@pytest.mark.parametrize("coder", range(4, 8))
def test_unknown_coders_are_refused(coder):
    with pytest.raises(errors.UnsupportedError, match="coder"):
        Header.from_bytes(changed(b6=coder << 5))


def test_alpha_makes_the_palette_longer():
    header = Header("dense", 5, 4, 3, minor=1, alpha=True)
    assert (header.palette_size, GOOD.palette_size) == (12, 9)
    assert header.to_bytes()[5:7] == b"\x11\x21"
    assert Header.from_bytes(header.to_bytes()) == header
    # What a file claims is kept: checksums are over it.
    assert Header.from_bytes(changed(b6=0x21)).to_bytes() == changed(b6=0x21)


@pytest.mark.parametrize("coder", [0, 0x20])
def test_coded_palettes_need_a_coder_that_has_them(coder):
    with pytest.raises(errors.InvalidDataError, match=r"rule 4\.5"):
        Header.from_bytes(changed(b6=coder | 2))


def test_an_unknown_flag_is_refused():
    with pytest.raises(errors.UnsupportedError):
        Header.from_bytes(changed(b6=0x20 | 16))


@pytest.mark.parametrize("flags", [8 | 1, 8 | 2])
def test_label_maps_have_no_palette(flags):
    assert Header.from_bytes(changed(b6=0x40 | 8)).label_map
    with pytest.raises(errors.InvalidDataError, match=r"rule 4\.6"):
        Header.from_bytes(changed(b6=0x40 | flags))


def test_zero_sizes_are_refused():
    with pytest.raises(errors.InvalidDataError):
        Header.from_bytes(changed(b11=0))
    with pytest.raises(errors.InvalidDataError):
        Header.from_bytes(changed(b15=0))
