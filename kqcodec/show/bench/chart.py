"""The picture: the fronts of bytes against decoding speed, or bytes alone without times."""

from __future__ import annotations

import importlib
from itertools import product
from typing import TYPE_CHECKING, Any

from kqcodec.images.figures import figure_bytes, new_figure, plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.show.bench.summary import Group, Row

_COLORS = {False: "#0b5cad", True: "#767676"}  # by whether it is a peer
_MOST_FOLDERS = 8
_BYTES = "bytes to those of the formula"
# Where a name may stand: so many pixels to these sides of its marker.
_REACHES = (7, 14, 22, 32, 45, 60)
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def chart(groups: Sequence[Group], file_format: str) -> bytes:
    """Draw a summary of one group or more; the format is what ``chart_format`` gave."""
    return figure_bytes(figure_of(groups), file_format)


def figure_of(groups: Sequence[Group]) -> Any:
    """A row of diagrams for each K, one for each folder, or for all together where they are
    too many."""
    folders = list(dict.fromkeys(group.folder for group in groups))
    if len(folders) > _MOST_FOLDERS:
        folders = [None]
    ks = sorted({group.k for group in groups})
    figure = new_figure(4.8 * len(folders), 4.2 * len(ks))
    axes = figure.subplots(len(ks), len(folders), squeeze=False)
    drawn = [
        (axes[ks.index(group.k)][folders.index(group.folder)], group)
        for group in groups
        if group.folder in folders
    ]
    patch = importlib.import_module("matplotlib.patches").Patch
    handles = [patch(color=_COLORS[False], label=".kq"), patch(color=_COLORS[True], label="others")]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    for panel, group in drawn:
        panel.set_title(f"{group.folder or 'all'} ({group.images}), K = {group.k:,}")
        panel.spines[["top", "right"]].set_visible(False)
    if any(row.decode_mps for group in groups for row in group.rows):
        for panel, group in drawn:
            _draw_fronts(panel, group.rows)
        figure.draw_without_rendering()  # from here on each marker has its place
        for panel, group in drawn:
            _label(panel, _measured(group.rows))
    else:
        for panel, group in drawn:
            _draw_sizes(panel, group.rows)
    return figure


def _measured(rows: Sequence[Row]) -> list[tuple[float, float, Row]]:
    """Speed and bytes of each row that has both, the fastest first."""
    found = [(r.decode_mps, r.to_theory, r) for r in rows if r.decode_mps and r.to_theory]
    return sorted(found, key=lambda point: -point[0])


def _draw_fronts(axes: Any, rows: Sequence[Row]) -> None:
    """A marker for each tool, and a line along those of ours, and of the others, that nothing
    of theirs beats in both bytes and speed."""
    for is_peer, color in _COLORS.items():
        points = [(x, y) for x, y, row in _measured(rows) if row.is_peer is is_peer]
        front = [(x, y) for i, (x, y) in enumerate(points) if all(y < b for _, b in points[:i])]
        if points:
            axes.plot(*zip(*points, strict=True), "o", color=color, zorder=4)
            axes.step(*zip(*front[::-1], strict=True), color=color, alpha=0.4)
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.margins(0.15)
    axes.set_xlabel("MP/s of processor time, decoding")
    axes.set_ylabel(_BYTES)


def _label(axes: Any, points: Sequence[tuple[float, float, Row]]) -> None:
    """Each tool's name beside its marker, where no other name is, and no other marker."""
    bounds = importlib.import_module("matplotlib.transforms").Bbox.from_bounds
    extent = importlib.import_module("matplotlib.text").Text.get_window_extent
    markers = axes.transData.transform([point[:2] for point in points])
    around = [bounds(x - 10, y - 10, 20, 20) for x, y in markers]
    names: list[Any] = []
    for place, (*point, row) in enumerate(points):
        taken = around[:place] + around[place + 1 :] + names
        name = axes.annotate(
            row.tool.removeprefix("kq "),
            point,
            (0, 0),
            textcoords="offset pixels",
            color=_COLORS[row.is_peer],
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5},
            arrowprops={"arrowstyle": "-", "color": _COLORS[row.is_peer], "shrinkB": 4},
        )
        name.set_in_layout(False)
        size = extent(name).size
        for reach, sides in product(_REACHES, _SIDES):
            moved = [reach * side + n * (side - 1) / 2 for side, n in zip(sides, size, strict=True)]
            box = bounds(*(markers[place] + moved), *size)
            inside = axes.bbox.contains(*box.min) and axes.bbox.contains(*box.max)
            if inside and not box.padded(2).count_overlaps(taken):
                break
        name.set_position(moved)
        names.append(box)


def _draw_sizes(axes: Any, rows: Sequence[Row]) -> None:
    """A line for each tool, the smallest on top, with a marker at its bytes."""
    found = sorted(((r.to_theory, r) for r in rows if r.to_theory), key=lambda line: -line[0])
    names = [row.tool.removeprefix("kq ") for _, row in found]
    colors = [_COLORS[row.is_peer] for _, row in found]
    axes.scatter([size for size, _ in found], names, color=colors, zorder=3)
    for (size, _), name in zip(found, names, strict=True):
        axes.annotate(f"{size:.3g}", (size, name), (7, 0), textcoords="offset points", va="center")
    axes.set_xscale("log")
    plain_ticks(axes.xaxis)
    axes.margins(x=0.2)
    axes.grid(axis="y", alpha=0.4)
    axes.set_xlabel(_BYTES)
