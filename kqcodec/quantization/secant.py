"""Where a falling function of K crosses zero, in few evaluations: the secant method.

Both losses and sizes are nearly straight against log K, so the next K to try is
where the line through the two nearest known points meets zero, held inside what is
known; now and then the middle instead, so that no curve can keep the ends from meeting.

Logarithms are those of decimals, which are rounded correctly everywhere: the steps,
and so what is found where a function isn't quite falling, are the same on every machine.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# From one known point, a fall of 1 for each factor of e.
_SLOPE = Decimal(-1)
# While nothing bounds K, the next is so many times the last.
_LEAST_LEAP, _MOST_LEAP = 1.5, 8.0
_BISECT_EVERY = 4
_MOST_CHANGE = Decimal(50)
ARITHMETIC = Context(prec=24)


def zero_crossing(
    value: Callable[[int], float | Decimal], highest: int, first: int, lowest: int = 1
) -> int | None:
    """A K in ``lowest``..``highest`` with value(K) <= 0, where K is the lowest or
    value(K - 1) > 0.

    Where the function falls, that is the least K with value(K) <= 0. None where value(``highest``)
    is above 0. The search begins at ``first``, and calls the function at most once for each K.
    """
    known: dict[int, Decimal] = {}
    low, high = lowest - 1, None  # above zero at low, not so at high
    k = first
    while True:
        known[k] = Decimal(value(k))
        if known[k] <= 0:
            high = k
        else:
            low = k
        if low == highest:
            return None
        if high is not None and high - low == 1:
            return high
        with localcontext(ARITHMETIC):
            k = _next(known, low, high, highest)


def _next(known: dict[int, Decimal], low: int, high: int | None, highest: int) -> int:
    """The next K to try, strictly between low and high."""
    ks = sorted(known)
    if high is None:  # all above zero
        least, most = math.ceil(low * _LEAST_LEAP), math.ceil(low * _MOST_LEAP)
        zero = _zero(known, ks[-2:], ks[-1])
        return min(highest, max(least, min(most, math.ceil(zero))))
    if low not in known:  # none above zero
        zero = _zero(known, ks[:2], high)
    elif len(known) % _BISECT_EVERY == 0:
        zero = Decimal(low * high).sqrt()
    else:
        zero = _zero(known, [low, high], high)
    return max(low + 1, min(high - 1, math.ceil(zero)))


def _zero(known: dict[int, Decimal], two: list[int], start: int) -> Decimal:
    """Where the line through one or two known points, seen from ``start``, meets zero."""
    slope = _SLOPE
    if len(two) == 2:
        run = (Decimal(two[1]) / two[0]).ln()
        slope = (known[two[1]] - known[two[0]]) / run
    if slope >= 0:  # no line to follow
        return Decimal(two[0] * two[-1]).sqrt()
    change = -known[start] / slope
    return start * max(-_MOST_CHANGE, min(_MOST_CHANGE, change)).exp()
