"""Diagrams as SVG, drawn by hand, so that a page needs no matplotlib.

Colours come from the page's style sheet by class, and follow its light or dark theme.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDTH, _HEIGHT = 380, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 34, 40
_TICKS = 5
# Of the last K to the first: beyond it the axis is logarithmic.
_WIDE = 8
_LETTER = 6.5  # the width of one, roughly, at the size of the ticks


class Line(NamedTuple):
    """A curve."""

    name: str  # in the legend
    kind: str  # the class in the style sheet that gives its colour
    ys: Sequence[float]  # as many as there are Ks


class Mark(NamedTuple):
    """A vertical line at a K."""

    k: int
    name: str  # above it
    kind: str  # the class in the style sheet that gives its look


def curve_svg(
    title: str, ks: Sequence[int], lines: Sequence[Line], marks: Sequence[Mark], unit: str
) -> str:
    """Curves from zero up against ascending Ks, at least one. The title is read aloud, and
    shown by no browser; the unit of y stands in the tips of the points."""
    step, count = _steps(max(max(line.ys) for line in lines))
    x = _x_scale(ks)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / (step * count)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_y_axis([step * n for n in range(count + 1)], y),
        *_x_axis(ks, x),
        *(_mark(mark, x(mark.k), place) for place, mark in enumerate(marks)),
    ]
    for line in lines:
        points = " ".join(f"{x(k):.1f},{y(v):.1f}" for k, v in zip(ks, line.ys, strict=True))
        parts.append(f'<polyline class="line {line.kind}" points="{points}"/>')
        for k, value in zip(ks, line.ys, strict=True):
            tip = f"{line.name}, K = {k:,}: {value:,.0f} {unit}"
            parts.append(
                f'<circle class="dot {line.kind}" cx="{x(k):.1f}" cy="{y(value):.1f}" r="3">'
                f"<title>{escape(tip)}</title></circle>"
            )
    return "".join([*parts, "</svg>"])


def legend(lines: Sequence[Line]) -> str:
    """The names of the curves, each with its colour."""
    names = (f'<span><i class="key {line.kind}"></i>{escape(line.name)}</span>' for line in lines)
    return f'<p class="legend">{"".join(names)}</p>'


def _steps(value: float) -> tuple[float, int]:
    """A round step, and how many of them reach the value."""
    if value <= 0:
        return 1.0, 1
    unit = 10.0 ** math.floor(math.log10(value / _TICKS))
    step = next(s * unit for s in (1, 2, 2.5, 5, 10) if s * unit * _TICKS >= value)
    return step, math.ceil(value / step)


def _x_scale(ks: Sequence[int]) -> Callable[[float], float]:
    first, last = ks[0], ks[-1]
    room = _WIDTH - _LEFT - _RIGHT - 16

    def place(k: float) -> float:
        if first == last:
            share = 0.5
        elif last > _WIDE * first:
            share = math.log(k / first) / math.log(last / first)
        else:
            share = (k - first) / (last - first)
        return _LEFT + 8 + room * share

    return place


def _y_axis(values: Sequence[float], y: Callable[[float], float]) -> list[str]:
    return [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" '
        f'y2="{y(value):.1f}"/><text class="tick" x="{_LEFT - 8}" y="{y(value) + 4:.1f}" '
        f'text-anchor="end">{_short(value)}</text>'
        for value in values
    ]


def _x_axis(ks: Sequence[int], x: Callable[[float], float]) -> list[str]:
    parts = []
    end = -math.inf
    for k in ks:
        half = _LETTER * len(f"{k:,}") / 2 + 3
        if x(k) - half < end:  # no room beside the last
            continue
        end = x(k) + half
        parts.append(
            f'<text class="tick" x="{x(k):.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{k:,}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text class="tick" x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle">K, colours</text>'
    )
    return parts


def _mark(mark: Mark, x: float, place: int) -> str:
    """The names stand in rows of their own; a line begins at its name, so that it
    crosses no other."""
    end = x > _LEFT + 0.4 * (_WIDTH - _LEFT)
    shift, anchor = (-4, "end") if end else (4, "start")
    height = 12 + 12 * place
    return (
        f'<line class="mark {mark.kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{height - 9}" '
        f'y2="{_HEIGHT - _BOTTOM}"/><text class="tick" x="{x + shift:.1f}" y="{height}" '
        f'text-anchor="{anchor}">{escape(mark.name)}</text>'
    )


def _short(value: float) -> str:
    """A number for an axis: 1200 is 1.2k."""
    for unit, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{sign}"
    return f"{value:g}"
