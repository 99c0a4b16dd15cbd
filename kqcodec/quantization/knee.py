"""The knee of a falling curve, by Kneedle.

V. Satopää, J. Albrecht, D. Irwin and B. Raghavan, "Finding a 'Kneedle' in a
Haystack: Detecting Knee Points in System Behavior", ICDCS Workshops 2011, in its
offline form. Its steps for a convex curve that falls, as costs against K do:

1. Smoothing is left out: costs come from a search, not from a noisy measurement.
2. x and y are scaled to 0..1.
3. The curve is turned upside down, and the diagonal is taken away: what remains,
   d = (1 - y) - x, is how far the curve hangs below the straight line between
   its ends.
4. Each local maximum of d is a candidate.
5. Its threshold is d - S·(mean step of x). A candidate is a knee if d falls below
   that before the next candidate, or before the end.

The paper reports each knee as it comes by. Here one is wanted, and of several it
is the one of greatest d.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The paper's S: how much the curve must flatten. 1 is its choice for offline use.
SENSITIVITY = 1.0


def knee(xs: Sequence[float], ys: Sequence[float], sensitivity: float = SENSITIVITY) -> int | None:
    """Where a falling convex curve flattens: an index into ``xs``, or None where there is no
    knee, as for fewer than three points, a straight line, or a curve that doesn't fall.

    The ``ys`` are finite. A larger sensitivity, the paper's S, wants a sharper bend. Raises
    ValueError where the lengths differ, or ``xs`` don't ascend.
    """
    if len(xs) != len(ys):
        raise ValueError(f"a curve has as many xs as ys, not {len(xs)} and {len(ys)}")
    if any(a >= b for a, b in itertools.pairwise(xs)):
        raise ValueError("the xs of a curve must ascend")
    if len(xs) < 3 or ys[0] <= ys[-1]:
        return None
    hang = differences(xs, ys)
    step = 1 / (len(xs) - 1)
    candidates = [
        i for i in range(1, len(xs) - 1) if hang[i] > hang[i - 1] and hang[i] >= hang[i + 1]
    ]
    knees = []
    for place, candidate in enumerate(candidates):
        end = candidates[place + 1] if place + 1 < len(candidates) else len(xs)
        threshold = hang[candidate] - sensitivity * step
        if hang[candidate] > 0 and min(hang[candidate:end]) < threshold:
            knees.append(candidate)
    return max(knees, key=lambda i: hang[i], default=None)


def differences(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """How far each point lies below the line between the ends, both axes being
    scaled to 0..1; there must be two points at least, and the first y differ from
    the least."""
    lowest, highest = min(ys), max(ys)
    width, height = xs[-1] - xs[0], highest - lowest
    return [(highest - y) / height - (x - xs[0]) / width for x, y in zip(xs, ys, strict=True)]
