"""The short form of small files: what has one, what is refused, and that it is the same file."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import indexed
from trust import attempts

import kqcodec
from kqcodec import IndexedImage, errors
from kqcodec.coding.coders import CODERS
from kqcodec.coding.layout import Layout
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Sealer, Section, pack_length
from kqcodec.format.header import SHORT_SIGNATURE, SIGNATURE, Header
from kqcodec.format.short_form import MAX_SIZE, expand, read_header, shorten, start
from kqcodec.format.source import BufferSource

SHORT_CODERS = ("context", "tokens")
DATA = kqcodec.encode(indexed(9, 5, 3), coder="tokens")


def one_color(width, height, color=(0, 0, 0)):
    return IndexedImage(np.array([color], np.uint8), np.zeros((height, width), np.uint8))


def sealed(body):
    return body + zlib.crc32(body).to_bytes(4, "big")


def long_form(header, palette, payload):
    coded = palette if header.coded_palette else None
    sealer = Sealer(header)
    return header.to_bytes() + sealer.palette(palette, coded) + sealer.tile(0, payload)


@given(
    coder=st.sampled_from(SHORT_CODERS),
    sides=st.tuples(st.integers(1, 2**26), st.integers(1, 300)).filter(
        lambda sides: sides[0] * sides[1] <= 2**26
    ),
    k=st.integers(1, 400),
    alpha=st.booleans(),
    coded=st.booleans(),
    payload=st.binary(max_size=3000),
    data=st.data(),
)
def test_a_short_file_expands_to_what_was_shortened(coder, sides, k, alpha, coded, payload, data):
    """Whatever palette and payload hold: they are decoded elsewhere."""
    header = Header(coder, *sides, k, alpha=alpha, coded_palette=coded)
    size = data.draw(st.integers(0, 500)) if coded else header.palette_size
    content = bytes(range(256)) * 7
    palette = content[:size]
    part = pack_length(size) + palette if coded else palette
    short = shorten(header, part, payload)
    long = long_form(header, palette, payload)
    if short is None:
        assert len(long) > MAX_SIZE
    else:
        assert len(short) <= min(MAX_SIZE, len(long) - 12)
        assert expand(short) == (header, long)


def test_figures():
    assert len(kqcodec.encode(one_color(16, 16))) == 13
    assert len(kqcodec.encode(one_color(16, 16, (200, 30, 30)))) == 14
    assert len(kqcodec.encode(one_color(512, 512, (200, 30, 30)))) == 16


@pytest.mark.parametrize("coder", SHORT_CODERS)
def test_the_limit_is_on_the_short_form(coder):
    header = Header(coder, 100, 100, 2)
    body = start(header) + bytes(6)
    most = MAX_SIZE - len(body) - 2 - 4
    assert len(shorten(header, bytes(6), bytes(most))) == MAX_SIZE
    assert shorten(header, bytes(6), bytes(most + 1)) is None


def test_what_has_no_short_form():
    image = indexed(40, 30, 5)
    section = Section(b"note", b"")
    for coder in CODERS:
        data = kqcodec.encode(image, coder=coder)
        assert data.startswith(SHORT_SIGNATURE if coder in SHORT_CODERS else SIGNATURE)
    for options, sections in (({"tile": 16}, ()), ({"tile": 0}, (section,))):
        layout = Layout.of(image.palette, 40, 30, CodingOptions(**options), sections=sections)
        boxes = [layout.grid.box(index) for index in range(layout.grid.count)]
        parts = layout.parts(layout.payload(image.labels[box.slices]) for box in boxes)
        assert next(parts).startswith(SIGNATURE)
    for header in (
        Header("context", 5, 4, 2, minor=3),
        Header("context", 5, 4, 2, (4, 0)),
    ):
        assert shorten(header, bytes(6), b"\0") is None


@pytest.mark.parametrize("coder", SHORT_CODERS)
@pytest.mark.parametrize("channels", [3, 4])
def test_the_long_form_stays_valid(coder, channels):
    image = indexed(20, 10, 7, channels=channels)
    short = kqcodec.encode(image, coder=coder)
    header, long = expand(short)
    assert np.array_equal(kqcodec.decode(long), kqcodec.decode(short))
    assert kqcodec.open(long).header == kqcodec.open(short).header == header
    assert long.startswith(header.to_bytes())


RAMP = np.arange(90, dtype=np.uint8).reshape(30, 3)
SMALL = {
    "one": kqcodec.encode(one_color(1, 1)),
    "wide": kqcodec.encode(one_color(512, 300, (1, 2, 3))),
    "tokens": DATA,
    "context": kqcodec.encode(indexed(9, 5, 3)),
    "alpha": kqcodec.encode(indexed(12, 4, 5, channels=4)),
    "coded": kqcodec.encode(IndexedImage(RAMP, np.arange(30, dtype=np.uint8)[None])),
}
names = pytest.mark.parametrize("name", SMALL)


@names
def test_every_flipped_bit_is_refused_by_the_checksum(name):
    for place, damaged in enumerate(attempts.flips(SMALL[name])):
        wanted = errors.SignatureError if place < 16 else errors.ChecksumError
        with pytest.raises(wanted):
            kqcodec.decode(damaged)


@names
def test_every_truncation_and_what_follows_is_refused(name):
    data = SMALL[name]
    for length in range(len(data)):
        with pytest.raises(errors.FormatError):
            kqcodec.decode(data[:length])
    for tail in (b"\0", b"\n", data, bytes(MAX_SIZE), bytes(10**6)):
        with pytest.raises(errors.FormatError, match=r"behind its end|has over 4,096 bytes"):
            kqcodec.decode(data + tail)


@pytest.mark.parametrize("place", [3, 4, 5, "payload", "palette"])
def test_numbers_have_their_fewest_bytes(place):
    body = SMALL["coded"][:-4]
    if place == "palette":
        place = 6
    elif place == "payload":
        place = 7 + body[6]
    with pytest.raises(errors.InvalidDataError, match=r"rule 6\.4"):
        expand(sealed(body[:place] + b"\x80" + body[place:]))
    with pytest.raises(errors.InvalidDataError, match=r"rule 6\.4"):
        expand(sealed(body[:place] + b"\xff" * 4 + body[place:]))


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (DATA[:2], errors.TruncatedError, "within its start"),
        (DATA[:5], errors.TruncatedError, "within K"),
        (DATA[:10], errors.TruncatedError, "within the palette"),
        (DATA[:-5], errors.TruncatedError, "within tile 0"),
        (DATA[:-4] + b"\0", errors.InvalidDataError, "bytes follow"),
        (DATA[:2] + b"\0" + DATA[3:-4], errors.InvalidDataError, "another kind"),
        (DATA[:2] + b"\x20" + DATA[3:-4], errors.InvalidDataError, "another kind"),
        (DATA[:2] + b"\x64" + DATA[3:-4], errors.InvalidDataError, "another kind"),
        (DATA[:2] + b"\x78" + DATA[3:-4], errors.UnsupportedError, "flag 0x10"),
        (DATA[:2] + b"\x6a" + DATA[3:-4], errors.InvalidDataError, "label map with a palette"),
        (DATA[:2] + b"\xe0" + DATA[3:-4], errors.UnsupportedError, "coder number 7"),
        (DATA[:5] + b"\x84\x80\x00" + DATA[6:-4], errors.InvalidDataError, "65537 colours"),
        (DATA[:3] + b"\xa0\x80\x80\x00" + DATA[4:-4], errors.InvalidDataError, r"rule 6\.2"),
    ],
)
def test_right_checksums_over_wrong_contents(body, error, message):
    with pytest.raises(error, match=message):
        expand(sealed(body))


def test_only_so_much_is_read():
    class Endless(BufferSource):
        def __init__(self):
            super().__init__(b"")
            self.size = None

        def _read(self, count):
            self.position += count
            return (SHORT_SIGNATURE * count)[:count]

    source = Endless()
    with pytest.raises(errors.InvalidDataError, match="over 4,096 bytes"):
        read_header(source)
    assert source.position == MAX_SIZE + 1


def test_the_limit_on_pixels_comes_before_any_pixel():
    data = kqcodec.encode(one_color(8192, 8192), tile=0)
    assert len(data) < 20
    with pytest.raises(errors.LimitError):
        kqcodec.decode(data, max_pixels=2**26 - 1)
