"""How the slices of a volume follow each other: the distance in metres, and of key slices."""

from __future__ import annotations

import re
from fractions import Fraction
from numbers import Rational, Real
from typing import Any, TypeAlias

from kqcodec.errors import ArgumentError
from kqcodec.format.integers import shown, whole_number
from kqcodec.format.sequence import DEFAULT_KEY_DISTANCE, MAX_NUMBER, FrameTiming

_NUMBER = re.compile(
    r"[0-9]{1,20}/0*[1-9][0-9]{0,20}|[0-9]{1,20}(\.[0-9]{0,20})?(e[+-]?[0-9]{1,2})?"
)

SpacingLike: TypeAlias = "int | float | Fraction | str"


def timing_of_slices(key_distance: int | None, spacing: SpacingLike | None) -> FrameTiming:
    """Slices with that distance of key slices, None for the default, and in metres of each other,
    None where nobody knows; TypeError or ValueError if there is no such thing."""
    if key_distance is None:
        key_distance = DEFAULT_KEY_DISTANCE
    key_distance = whole_number(key_distance, "key_distance", 0, MAX_NUMBER)
    metres = Fraction(0) if spacing is None else _metres(spacing)
    return FrameTiming("depth", key_distance, unit=metres)


def _metres(spacing: Any) -> Fraction:
    """A distance as an exact fraction; of a float the shortest decimal that is this float."""
    if isinstance(spacing, bool) or not isinstance(spacing, (Real, str)):
        raise TypeError(f"spacing must be a number of metres, not {shown(spacing)}")
    if isinstance(spacing, Rational):
        metres = Fraction(int(spacing.numerator), int(spacing.denominator))
    else:
        text = str(spacing)
        # More digits mean nothing here, and some exponents take forever.
        if not _NUMBER.fullmatch(text):
            raise ArgumentError(f"spacing must be a number of metres above 0, not {shown(text)}")
        metres = Fraction(text)
    if metres <= 0:
        raise ArgumentError(f"spacing must be above 0, not {shown(spacing)}")
    if max(metres.numerator, metres.denominator) > MAX_NUMBER:
        raise ArgumentError(
            f"spacing must be a fraction of numbers below 2^32, not {metres}: round it"
        )
    return metres
