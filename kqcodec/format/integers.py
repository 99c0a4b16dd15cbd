"""The one check of a number that a caller gives, whatever kind of number it is.

No NumPy is imported.
"""

from __future__ import annotations

import operator
from numbers import Integral, Real
from typing import Any

# More digits than this tell nothing, and Python refuses to write very many.
_SHOWN_BITS = 128
_MANY_DIGITS = "one of very many digits"


def whole_number(value: Any, name: str, least: int | None = None, most: int | None = None) -> int:
    """The value as Python's integer, which is exact and never overflows.

    NumPy's integers are whole numbers, as is whatever has ``__index__``. A bool isn't,
    nor is a float without a fraction, nor an array, even one without axes.

    Args:
        value: what was given.
        name: the argument's, for messages.
        least, most: what it may be; None for any.

    Raises:
        TypeError: it isn't a whole number.
        ValueError: it is out of range.
    """
    try:
        if isinstance(value, bool) or hasattr(type(value), "__len__"):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        kind = "None" if value is None else type(value).__name__
        raise TypeError(f"{name} must be a whole number, not {kind}") from None
    low, high = least is not None and number < least, most is not None and number > most
    if not low and not high:
        return number
    allowed = f"at least {least:,}" if most is None else f"in {least:,}..{most:,}"
    given = f"{number:,}" if number.bit_length() <= _SHOWN_BITS else _MANY_DIGITS
    raise ValueError(f"{name} must be {allowed}, not {given}")


def real_number(value: Any, name: str) -> float:
    """The value as Python's number: an int stays exact, any other is a float; TypeError if it
    isn't a number, or is a bool."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    return int(value) if isinstance(value, Integral) else float(value)


def shown(value: Any) -> str:
    """What was given, for a message: its repr, if Python can write it."""
    try:
        return repr(value)
    except ValueError:
        return _MANY_DIGITS
