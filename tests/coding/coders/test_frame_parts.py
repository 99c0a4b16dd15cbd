"""What stands ahead in tiles that are coded from the frame before: what is written is read, and
what cannot be is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.coding.coders.frame_parts import FROM_BEFORE, NOTHING, FrameParts
from kqcodec.errors import InvalidDataError
from kqcodec.format.container import pack_length
from kqcodec.format.grid import Box

WIDTH, HEIGHT = 50, 40  # 4 x 3 blocks
MOVE = bytes([1, 2, 4])  # one move, by (1, 2)
ALL = bytes([0, 0, WIDTH - 1, HEIGHT - 1])


def read(payload):
    return FrameParts.from_bytes(memoryview(payload), WIDTH, HEIGHT)


@st.composite
def all_parts(draw):
    step = st.integers(-WIDTH + 1, WIDTH - 1), st.integers(-HEIGHT + 1, HEIGHT - 1)
    moves = tuple(draw(st.lists(st.tuples(*step).filter(any), max_size=3)))
    runs, blocks = (draw(st.integers(1, 12)), draw(st.binary(max_size=9))) if moves else (0, b"")
    left, upper = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    right, lower = draw(st.integers(left + 1, WIDTH)), draw(st.integers(upper + 1, HEIGHT))
    box = Box(left, upper, right, lower)
    if moves and draw(st.booleans()):
        return FrameParts(moves, runs, blocks)
    return FrameParts(moves, runs, blocks, box, draw(st.binary(max_size=9)))


@given(all_parts())
def test_parts_come_back(parts):
    payload = parts.to_bytes()
    assert payload[0] == FROM_BEFORE
    assert read(payload) == parts


def test_an_example_byte_by_byte():
    parts = FrameParts(((-1, 0), (0, 3)), 2, b"runs", Box(5, 6, 9, 16), b"labels")
    assert (
        parts.to_bytes()
        == bytes.fromhex("07 02 01 00 00 06 01 04") + b"runs" + bytes([5, 6, 3, 9]) + b"labels"
    )
    assert FrameParts(((1, 2),), 1, b"r").to_bytes() == b"\7" + MOVE + b"\0\1r"
    assert read(b"\7" + MOVE + b"\0\1r").box == NOTHING


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        (b"", "cut short"),
        (b"\0", "cut short"),
        (b"\0" + ALL[:3], "cut short"),
        (b"\4" + 4 * b"\2\2" + b"\0\1r", "4 moves"),
        (b"\xff", "255 moves"),
        (b"\1\0\0\0\1r", r"moved by \(0, 0\)"),
        (b"\1" + pack_length(2 * WIDTH) + b"\0\0\1r", r"moved by \(50, 0\)"),
        (b"\1\0" + pack_length(2 * HEIGHT - 1) + b"\0\1r", r"moved by \(0, -40\)"),
        (b"\1\x80\2\4\0\1r", "malformed length"),
        (b"\1\xff\xff\xff\xff\2\0\1r", "malformed length"),
        (MOVE + b"\x0c\1r", "13 runs"),
        (MOVE + b"\0\2r", "cut short"),
        (MOVE + b"\0\1r\0", "cut short"),
        (b"\0\1" + ALL[1:], "outside"),
        (b"\0\0\1" + ALL[2:], "outside"),
        (b"\0" + pack_length(1 << 27) + ALL[1:], "outside"),
        (b"\0" + ALL[:3] + pack_length((1 << 28) - 1), "outside"),
    ],
)
def test_what_cannot_be_is_refused(rest, reason):
    with pytest.raises(InvalidDataError, match=reason):
        read(bytes([FROM_BEFORE]) + rest)
