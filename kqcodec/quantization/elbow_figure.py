"""The elbow drawn with matplotlib."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kqcodec.images.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.quantization.elbow_point import ElbowPoint

_INERTIA, _DISTANCE, _THEORY = "#2166ac", "#d9822b", "#8a8a8a"
_CODERS = ("#1b7837", "#762a83", "#b2182b", "#01665e")
_MARKERS = ("o", "s", "D", "^")
# Where the last K is more than so many times the first, the axis is logarithmic.
_WIDE = 32
# More points than these would hide their curve under large markers.
_MANY_POINTS = 12


def elbow_figure(points: Sequence[ElbowPoint], knee: int | None, title: str = "") -> Any:
    """A matplotlib figure of two diagrams against K, both costs and the sizes, of one point or
    more by ascending K; the knee, if any, is marked in both. Raises ImportError without
    matplotlib, which the extra ``plot`` brings."""
    figure = new_figure(11, 4.6)
    costs, file_sizes = figure.subplots(1, 2)
    if title:
        figure.suptitle(title)
    _draw_costs(costs, points)
    _draw_sizes(file_sizes, points)
    for axes in (costs, file_sizes):
        if knee is not None:
            _draw_knee(axes, knee)
        _k_axis(axes, [point.k for point in points])
    return figure


def _draw_costs(axes: Any, points: Sequence[ElbowPoint]) -> None:
    ticker = importlib.import_module("matplotlib.ticker")
    ks = [point.k for point in points]
    style = {"markersize": 4.5, "marker": "o" if len(ks) <= _MANY_POINTS else "."}
    inertia = [point.inertia for point in points]
    distances = [point.distance_sum for point in points]
    (left,) = axes.plot(ks, inertia, color=_INERTIA, label="inertia (squared distances)", **style)
    twin = axes.twinx()
    (right,) = twin.plot(ks, distances, color=_DISTANCE, label="sum of distances", **style)
    for drawn, color, name in ((axes, _INERTIA, "inertia"), (twin, _DISTANCE, "sum of distances")):
        drawn.set_ylim(bottom=0)
        drawn.set_ylabel(name, color=color)
        drawn.tick_params(axis="y", labelcolor=color)
        drawn.yaxis.set_major_formatter(ticker.EngFormatter(sep=""))
        drawn.spines["top"].set_visible(False)
    axes.legend(handles=[left, right], loc="upper right", frameon=False)
    axes.set_title("Cost", loc="left")


def _draw_sizes(axes: Any, points: Sequence[ElbowPoint]) -> None:
    ks = [point.k for point in points]
    theory = [point.theory_bits / 8 for point in points]
    # Wide and pale, as dense lies upon it.
    style = {"color": _THEORY, "linewidth": 6, "alpha": 0.35, "solid_capstyle": "round"}
    axes.plot(ks, theory, label="theory 24·K + N·log2 K", zorder=1, **style)
    for place, coder in enumerate(points[0].file_bytes):
        axes.plot(
            ks,
            [point.file_bytes[coder] for point in points],
            color=_CODERS[place % len(_CODERS)],
            marker=_MARKERS[place % len(_MARKERS)] if len(ks) <= _MANY_POINTS else ".",
            markersize=4.5,
            linewidth=1,
            label=coder,
        )
    largest = max(max(point.file_bytes.values(), default=0) for point in points)
    axes.set_ylim(0, 1.25 * max(largest, *theory))  # with room for the legend
    axes.set_ylabel("bytes of the file")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", edgecolor="none")
    axes.set_title("Size", loc="left")


def _draw_knee(axes: Any, knee: int) -> None:
    axes.axvline(knee, color="black", linewidth=0.8, linestyle=":", zorder=0)
    # Above the axes, where no curve comes.
    axes.annotate(
        f"knee, K = {knee:,}",
        (knee, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )


def _k_axis(axes: Any, ks: list[int]) -> None:
    ticker = importlib.import_module("matplotlib.ticker")
    axes.set_xlabel("K, colours")
    if ks[-1] > _WIDE * ks[0]:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    elif len(ks) <= _MANY_POINTS:
        axes.set_xticks(ks)
    else:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
