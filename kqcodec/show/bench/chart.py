"""The picture: bytes to theory by folder and tool, and size against speed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kqcodec.images.figures import figure_bytes, new_figure, plain_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.show.bench.summary import Group

_OURS, _PEERS = "Blues", "Oranges"
_FAINT = "#b8b8b8"


def chart(groups: Sequence[Group], file_format: str) -> bytes:
    """Draw a summary of one group or more, a row of two diagrams for each K; a single folder
    is all. The format is what ``chart_format`` gave."""
    ks = sorted({group.k for group in groups})
    colors = _colors(groups)
    figure = new_figure(15, 4.6 * len(ks))
    axes = figure.subplots(len(ks), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), k in zip(axes, ks, strict=True):
        of_k = [group for group in groups if group.k == k]
        _bars(left, of_k[:1] if len(of_k) == 2 else of_k, colors)
        _speeds(right, of_k[-1], colors)
    handles, names = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=8, frameon=False)
    return figure_bytes(figure, file_format)


def _colors(groups: Sequence[Group]) -> dict[str, Any]:
    """A colour for each tool: ours in one hue, the others in another."""
    tools = dict.fromkeys((row.tool, row.is_peer) for group in groups for row in group.rows)
    hues = importlib.import_module("matplotlib").colormaps
    found = {}
    for is_peer, hue in ((False, _OURS), (True, _PEERS)):
        names = [tool for tool, peer in tools if peer is is_peer]
        for place, name in enumerate(names, 1):
            found[name] = hues[hue](0.25 + 0.7 * place / len(names))
    return found


def _bars(axes: Any, groups: Sequence[Group], colors: dict[str, Any]) -> None:
    width = 0.85 / len(colors)
    for place, (tool, color) in enumerate(colors.items()):
        rows = [(x, group.row(tool)) for x, group in enumerate(groups)]
        drawn = [(x, row.to_theory) for x, row in rows if row and row.to_theory]
        offset = (place - (len(colors) - 1) / 2) * width
        axes.bar(
            [x + offset for x, _ in drawn], [y for _, y in drawn], width, color=color, label=tool
        )
    axes.axhline(1, color=_FAINT, linewidth=1, zorder=0)
    axes.set_yscale("log")
    plain_ticks(axes.yaxis)
    axes.set_xticks(range(len(groups)), [f"{g.folder or 'all'} ({g.images})" for g in groups])
    axes.set_title(f"K = {groups[0].k:,}: bytes to theory, by folder")
    axes.spines[["top", "right"]].set_visible(False)


def _speeds(axes: Any, group: Group, colors: dict[str, Any]) -> None:
    axes.set_title(f"K = {group.k:,}: bytes to theory against decoding speed, all")
    points = [row for row in group.rows if row.decode_mps and row.to_theory]
    if not points:
        axes.text(0.5, 0.5, "no times were taken", ha="center", va="center")
        axes.set_axis_off()
        return
    points.sort(key=lambda row: row.decode_mps or 0)
    for place, row in enumerate(points):
        axes.plot(
            row.decode_mps, row.to_theory, "s" if row.is_peer else "o", color=colors[row.tool]
        )
        axes.annotate(
            row.tool,
            (row.decode_mps, row.to_theory),
            xytext=(5, -11 if place % 2 else 4),  # neighbours on different sides
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_ticks(axes.xaxis)
    plain_ticks(axes.yaxis)
    axes.margins(0.12)
    axes.set_xlabel("megapixels a second of processor time, decoding")
    axes.set_ylabel("bytes to theory")
    axes.spines[["top", "right"]].set_visible(False)
