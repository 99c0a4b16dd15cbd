"""What says how frames follow each other, and their heads."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trust import attempts

from kqcodec.errors import ChecksumError, FormatError, InvalidDataError, TruncatedError
from kqcodec.format.container import Section
from kqcodec.format.header import Header
from kqcodec.format.sequence import FrameHead, FrameTiming, pack_head, read_head, timing_of
from kqcodec.format.source import BufferSource

NUMBERS = st.integers(0, 2**32 - 1)
SOME = st.integers(1, 2**32 - 1)
HEADER = Header("context", 40, 30, 7, (4, 4), sections=True).to_bytes()
TILES = 6


@st.composite
def timings(draw):
    axis = draw(st.sampled_from(["time", "depth"]))
    unit = Fraction(draw(SOME if axis == "time" else NUMBERS), draw(SOME))
    return FrameTiming(axis, draw(NUMBERS), draw(NUMBERS), unit)


@given(timings())
def test_a_timing_comes_back(timing):
    section = timing.to_section()
    assert (section.kind, len(section.data), section.optional) == (b"FRAM", 20, False)
    assert FrameTiming.from_section(section) == timing
    other = Section(b"xmp ", b"")
    assert timing_of([section, other]) == timing
    assert timing_of([other]) is timing_of([]) is None


def test_the_example_of_the_module():
    timing = FrameTiming("time", 256, 0, Fraction(1, 12))
    assert timing.to_section().data.hex() == "000000000000010000000000000000010000000c"


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 2), (1, 1), (2, 1), (3, 128), (15, 0), (19, 0)],
    ids=["axis", "zero", "zero", "zero", "no time", "denominator"],
)
def test_a_section_that_cant_be_is_refused(place, value):
    data = bytearray(FrameTiming(unit=Fraction(1, 12)).to_section().data)
    data[place] = value
    with pytest.raises(InvalidDataError, match=r"rule 19\.2"):
        FrameTiming.from_section(Section(b"FRAM", bytes(data)))


@pytest.mark.parametrize("size", [0, 19, 21])
def test_a_section_of_another_size_is_refused(size):
    with pytest.raises(InvalidDataError, match=f"{size} bytes"):
        FrameTiming.from_section(Section(b"FRAM", bytes(size)))


@pytest.mark.parametrize(
    "values",
    [
        {"axis": "width"},
        {"key_distance": -1},
        {"plays": 2**32},
        {"unit": Fraction(0)},
        {"unit": Fraction(-1, 3)},
        {"unit": Fraction(1, 2**32)},
        {"axis": "depth", "unit": Fraction(2**32)},
    ],
)
def test_a_timing_that_cant_be_is_none(values):
    with pytest.raises(ValueError, match=r"axis|impossible"):
        FrameTiming(**values)


def test_a_slice_lasts_no_time_and_may_have_no_distance():
    timing = FrameTiming("depth", unit=Fraction(0))
    assert timing.seconds(3) is None
    assert FrameTiming(unit=Fraction(1, 12)).seconds(3) == Fraction(1, 4)


@pytest.mark.parametrize(
    ("distance", "keys"), [(0, [0, 0, 0, 0, 0]), (1, [0, 1, 2, 3, 4]), (2, [0, 0, 2, 2, 4])]
)
def test_key_frames(distance, keys):
    timing = FrameTiming(key_distance=distance)
    assert list(map(timing.key_of, range(5))) == keys
    assert [timing.is_key(n) for n in range(5)] == [n == key for n, key in enumerate(keys)]


@st.composite
def heads(draw):
    lengths = draw(st.lists(st.integers(0, 2**28 - 1), min_size=TILES, max_size=TILES))
    return FrameHead(draw(st.none() | SOME), lengths if any(lengths) else None)


@given(st.none() | heads(), st.integers(0, 2**31 - 1))
def test_a_head_comes_back(head, number):
    packed = pack_head(HEADER, number, head)
    source = BufferSource(packed + b"more")
    found = read_head(source, HEADER, number, TILES)
    assert source.position == len(packed)
    if head is None or found is None:
        assert head is found
        return
    assert found.duration == head.duration
    assert (found.lengths and list(found.lengths)) == head.lengths
    for other in (HEADER[:-1] + b"\0", HEADER):
        with pytest.raises(FormatError):
            read_head(BufferSource(packed), other, number + (other == HEADER), TILES)


@pytest.mark.parametrize(
    "head", [None, FrameHead(None, None), FrameHead(300, [5, 0, 200, 1, 0, 0])]
)
def test_a_damaged_head_is_refused(head):
    packed = pack_head(HEADER, 9, head)
    for damaged in attempts.flips(packed):
        with pytest.raises(FormatError):
            read_head(BufferSource(bytes(damaged)), HEADER, 9, TILES)
    for length in range(len(packed)):
        with pytest.raises(TruncatedError):
            read_head(BufferSource(packed[:length]), HEADER, 9, TILES)
    with pytest.raises(ChecksumError):
        read_head(BufferSource(packed), HEADER, 10, TILES)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"\x02\x05", "19.4"),
        (b"\x09", "19.4"),
        (b"\x07\0", "19.5"),
        (b"\x07\x90\x80\x80\x80\0", "19.5"),  # 2**32
        (b"\x07\x80\x05", "6.4"),
        (b"\x01" + bytes(TILES), "19.6"),
    ],
)
def test_heads_that_cant_be_are_refused(body, rule):
    with pytest.raises(InvalidDataError, match=rf"rule {rule}"):
        read_head(BufferSource(body + b"\0\0"), HEADER, 9, TILES)
