"""How long frames are shown: seconds, as their callers have them, and the units of a file.

A file has one unit for all frames, in which each duration is a whole number. It is a
millisecond where that is exact, and else the greatest common divisor of all durations: a
1/30 of a second, say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sized
from fractions import Fraction
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, TypeAlias

from kqcodec.errors import ArgumentError
from kqcodec.format.integers import shown
from kqcodec.format.sequence import MAX_NUMBER
from kqcodec.images.pixels import is_pillow_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    SecondsLike: TypeAlias = "int | float | Fraction | str"

DEFAULT = Fraction(1, 10)
_MILLISECOND = Fraction(1, 1000)
# Floats are taken for the nearest fraction of such a denominator: 1/30 for 0.0333333.
_MOST_PARTS = 1_000_000
_TEXT = re.compile(r"[0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15}|[0-9]{1,15}/[0-9]{1,15}")


def fraction_of(value: Any, name: str) -> Fraction:
    """A number above 0: whole, a fraction or text like "0.04" and "1/25" exactly, a float as the
    nearest fraction of a denominator up to a million. ``name`` is the argument's, for messages.

    Raises:
        ArgumentError: it isn't above 0, or no number.
        TypeError: it is of another type.
    """
    fraction = Fraction(0)
    if isinstance(value, bool) or not isinstance(value, (Rational, Real, str)):
        raise TypeError(
            f"{name} must be a number, a fraction or text like '1/25', not {type(value).__name__}"
        )
    if isinstance(value, str):
        if _TEXT.fullmatch(value) and not re.search("/0+$", value):
            fraction = Fraction(value)
    elif isinstance(value, Rational):
        fraction = Fraction(int(value.numerator), int(value.denominator))
    elif math.isfinite(value):
        fraction = Fraction(float(value)).limit_denominator(_MOST_PARTS)
    if fraction <= 0:
        raise ArgumentError(f"{name} must be a number above 0, not {shown(value)}")
    return fraction


def in_seconds(milliseconds: Any) -> Any:
    """Durations as other programs have them, in milliseconds, for ``durations``: a number, or a
    list of them; errors are those of ``fraction_of``."""
    if isinstance(milliseconds, Iterable) and not isinstance(milliseconds, str):
        return [in_seconds(each) for each in milliseconds]
    return fraction_of(milliseconds, "duration") / 1000


class Durations:
    """The duration of one frame after the other: of all the same, of each its own, or what the
    frame itself says, and a tenth of a second where it says nothing.

    Args:
        durations: seconds, as ``fraction_of`` takes them, or an iterable of them.
        fps: frames a second instead.

    Raises:
        ArgumentError, TypeError: as ``fraction_of``; or both are given.
    """

    def __init__(
        self, durations: SecondsLike | Iterable[SecondsLike] | None, fps: SecondsLike | None
    ) -> None:
        if durations is not None and fps is not None:
            raise TypeError("durations and fps exclude each other")
        self._all: Fraction | None = None
        self._each: Iterator[SecondsLike] | None = None
        self._count = 0
        self._unit: Fraction | None = None
        if fps is not None:
            self._all = 1 / fraction_of(fps, "fps")
        elif isinstance(durations, Iterable) and not isinstance(durations, str):
            self._each = iter(durations)
            if isinstance(durations, Sized):
                self._unit = unit_of(fraction_of(value, "a duration") for value in durations)
        elif durations is not None:
            self._all = fraction_of(durations, "durations")
        if self._all is not None:
            self._unit = unit_of([self._all])

    def next(self, frame: Any) -> Fraction:
        """The duration of the next frame; ArgumentError where none is left for it."""
        if self._all is not None:
            return self._all
        if self._each is None:
            return _own(frame) or DEFAULT
        try:
            value = next(self._each)
        except StopIteration:
            raise ArgumentError(
                f"there are more frames than durations, which are {self._count:,}"
            ) from None
        self._count += 1
        return fraction_of(value, "a duration")

    def check_end(self) -> None:
        """Raise ArgumentError if there are durations behind that of the last frame."""
        if self._each is not None and next(self._each, None) is not None:
            raise ArgumentError(f"there are more durations than frames, which are {self._count:,}")

    def unit_beforehand(self, first: Fraction) -> Fraction:
        """A unit for frames whose durations aren't known but the first: one that suits that and
        milliseconds, unless all durations were given."""
        both = _common(first, _MILLISECOND)
        return self._unit or (both if both.denominator <= MAX_NUMBER else unit_of([first]))


def _own(frame: Any) -> Fraction | None:
    """How long a frame says it is shown: an indexed image, a frame of a file, or a Pillow image,
    which counts milliseconds. None where it doesn't say."""
    seconds = getattr(frame, "duration", None)
    if seconds is not None:
        return fraction_of(seconds, "a frame's duration")
    if is_pillow_image(frame):
        milliseconds = frame.info.get("duration")
        if isinstance(milliseconds, (int, float)) and milliseconds > 0:
            return fraction_of(milliseconds, "a frame's duration") / 1000
    return None


def unit_of(durations: Iterable[Fraction]) -> Fraction:
    """The unit in which all durations are whole: a millisecond, if it can be. Raises ArgumentError
    if the format has none."""
    common, longest = Fraction(0), Fraction(0)
    for duration in durations:
        common, longest = _common(common, duration), max(longest, duration)
    if (common / _MILLISECOND).denominator == 1 and longest / _MILLISECOND <= MAX_NUMBER:
        return _MILLISECOND
    numbers = Fraction(common.numerator), Fraction(common.denominator), longest / common
    if max(numbers) > MAX_NUMBER:
        raise ArgumentError(
            "the durations have no unit in common of which none lasts more than "
            f"{MAX_NUMBER:,}; round them to milliseconds"
        )
    return common


def in_units(duration: Fraction, unit: Fraction) -> int:
    """A duration as a whole number of units; ArgumentError if it isn't one of the format."""
    number = duration / unit
    if number.denominator != 1 or number > MAX_NUMBER:
        raise ArgumentError(
            f"a frame lasts {duration} seconds, which isn't a whole number of {unit} seconds, the "
            "unit that suits the first; give durations or fps"
        )
    return number.numerator


def _common(a: Fraction, b: Fraction) -> Fraction:
    """The greatest common divisor of two fractions, of which not both are 0."""
    divisor = math.gcd(a.numerator * b.denominator, b.numerator * a.denominator)
    return Fraction(divisor, a.denominator * b.denominator)
