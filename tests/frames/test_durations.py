from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from kqcodec.errors import ArgumentError
from kqcodec.frames.durations import DEFAULT, Durations, fraction_of, in_units, unit_of


@pytest.mark.parametrize(
    ("value", "fraction"),
    [
        (2, Fraction(2)),
        (np.int32(2), Fraction(2)),
        (0.04, Fraction(1, 25)),
        (np.float32(0.1), Fraction(1, 10)),
        (1 / 30, Fraction(1, 30)),
        (Fraction(1001, 30_000), Fraction(1001, 30_000)),
        ("0.04", Fraction(1, 25)),
        (".5", Fraction(1, 2)),
        ("1/25", Fraction(1, 25)),
    ],
)
def test_numbers_of_any_kind_are_fractions(value, fraction):
    assert fraction_of(value, "a duration") == fraction


@pytest.mark.parametrize(
    "value",
    [0, -1, 0.0, -0.5, float("nan"), float("inf"), 1e-9, "0", "-1", "1/0", "1e9", ""],
)
def test_what_is_no_number_above_0_is_refused(value):
    with pytest.raises(ArgumentError, match="fps must be a number above 0, not"):
        fraction_of(value, "fps")


@pytest.mark.parametrize("value", [None, True, 1j, b"1", [1]])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="must be a number, a fraction or text"):
        fraction_of(value, "fps")


def test_the_unit_is_a_millisecond_where_that_is_exact():
    assert unit_of([Fraction(1, 25), Fraction(3)]) == Fraction(1, 1000)
    assert unit_of([Fraction(1, 30), Fraction(1, 12)]) == Fraction(1, 60)
    assert unit_of([]) == Fraction(1, 1000)


def test_durations_that_are_long_in_milliseconds_have_another_unit():
    assert unit_of([Fraction(2**23)]) == 2**23
    assert unit_of([Fraction(2**22)]) == Fraction(1, 1000)


@pytest.mark.parametrize(
    "durations",
    [[2**32], [Fraction(1, 2**32)], [1, 2**32], [Fraction(1, 65_537), Fraction(1, 65_539)]],
)
def test_durations_without_a_unit_are_refused(durations):
    with pytest.raises(ArgumentError, match="no unit in common"):
        unit_of(map(Fraction, durations))


def test_durations_are_whole_numbers_of_units():
    assert in_units(Fraction(1, 25), Fraction(1, 1000)) == 40
    with pytest.raises(ArgumentError, match="1/30 seconds, which isn't a whole number of 1/1000"):
        in_units(Fraction(1, 30), Fraction(1, 1000))


def test_one_duration_is_that_of_all_frames():
    durations = Durations(None, 25)
    assert [durations.next(None) for _ in range(3)] == 3 * [Fraction(1, 25)]
    durations.check_end()
    assert durations.unit_beforehand(Fraction(1, 25)) == Fraction(1, 1000)
    assert Durations(None, 30).unit_beforehand(Fraction(1, 30)) == Fraction(1, 30)


@pytest.mark.parametrize("kind", [list, iter, np.array])
def test_each_frame_may_have_its_own(kind):
    durations = Durations(kind([0.1, 0.2]), None)
    assert [durations.next(None) for _ in range(2)] == [Fraction(1, 10), Fraction(1, 5)]
    durations.check_end()
    with pytest.raises(ArgumentError, match="more frames than durations, which are 2"):
        durations.next(None)


def test_durations_that_are_left_are_refused():
    durations = Durations([0.1, 0.2], None)
    durations.next(None)
    with pytest.raises(ArgumentError, match="more durations than frames, which are 1"):
        durations.check_end()


def test_a_frame_may_say_how_long_it_lasts():
    class Shown:
        duration = Fraction(1, 7)

    picture = Image.new("L", (1, 1))
    durations = Durations(None, None)
    assert durations.next(Shown()) == Fraction(1, 7)
    assert durations.next(picture) == durations.next(np.zeros(1)) == DEFAULT
    picture.info["duration"] = 40
    assert durations.next(picture) == Fraction(1, 25)
    picture.info["duration"] = 0
    assert durations.next(picture) == DEFAULT


def test_a_unit_beforehand_suits_the_first_frame_and_milliseconds():
    durations = Durations(iter([]), None)
    assert durations.unit_beforehand(Fraction(1, 25)) == Fraction(1, 1000)
    assert durations.unit_beforehand(Fraction(1, 30)) == Fraction(1, 3000)
    assert durations.unit_beforehand(Fraction(1, 2**31 - 1)) == Fraction(1, 2**31 - 1)


def test_durations_and_fps_exclude_each_other():
    with pytest.raises(TypeError, match="exclude each other"):
        Durations(1, 1)
