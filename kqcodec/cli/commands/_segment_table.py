"""A segmentation as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kqcodec.cli.screen.failures import display_output
from kqcodec.cli.screen.text import colors_shown, hex_color, number, percent, table, visible

if TYPE_CHECKING:
    from kqcodec.labels.segment import Segment
    from kqcodec.labels.segments import Segmentation

# More than a screen or two helps nobody; --json and the CSV list them all.
_MOST_ROWS = 64


def segment_table(
    segmentation: Segmentation, target: str, files: int, connectivity: int | None
) -> str:
    """A heading, which tells the target and how many files it has, and a line for each segment
    that has pixels; with a connectivity of 4 or 8 connected components are counted."""
    used = segmentation.used
    shown = used[:_MOST_ROWS]
    counts = None if connectivity is None else segmentation.components(connectivity)
    header = ["label", "colour", "pixels", "share", "left", "top", "right", "bottom"]
    if counts is not None:
        header.append("components")
    if segmentation.original is not None:
        header += ["MSE", "mean distance"]
    rows = [header]
    named = any(segment.name is not None for segment in used)
    if named:
        header.insert(1, "name")
    places = {segment.label: place for place, segment in enumerate(segmentation.segments)}
    for segment in shown:
        row = _row(segment)
        if named:
            row.insert(1, visible(segment.name or ""))
        if counts is not None:
            row.append(number(int(counts[places[segment.label]])))
        if segment.mse is not None and segment.mean_distance is not None:
            row += [number(segment.mse), number(segment.mean_distance, 2)]
        rows.append(row)
    lines = [_heading(segmentation, target, files), *_with_swatches(table(rows), shown)]
    if len(used) > len(shown):
        lines.append(f"  and {len(used) - len(shown):,} more, which --json lists")
    if len(used) < segmentation.k:
        lines.append(f"  {segmentation.k - len(used):,} palette entries have no pixels")
    if counts is None:
        lines.append(
            "  pip install 'kqcodec[segment]' brings SciPy, which counts connected components"
        )
    return "\n".join(lines)


def _heading(segmentation: Segmentation, target: str, files: int) -> str:
    indexed = segmentation.indexed
    parts = [
        f"{display_output(target)}: {indexed.width:,} x {indexed.height:,}",
        f"K = {indexed.k:,}",
    ]
    if indexed.costs is not None:
        exact = indexed.costs.inertia == 0
        parts.append("every pixel exact" if exact else f"PSNR {indexed.costs.psnr:.2f} dB")
    if files > 1:
        parts.append(f"{files:,} files")
    return ", ".join(parts)


def _row(segment: Segment) -> list[str]:
    box = segment.box or (0, 0, 0, 0)
    return [
        str(segment.label),
        hex_color(*segment.color),
        number(segment.pixels),
        percent(segment.share),
        *(str(side) for side in box),
    ]


def _with_swatches(text: str, segments: list[Segment]) -> list[str]:
    """The table's lines, each segment's colour painted beside them on a terminal."""
    header, *lines = text.splitlines()
    if not colors_shown():
        return [header, *lines]
    painted = [
        click.style("    ", bg=(red, green, blue)) + line
        for (red, green, blue, *_), line in zip((s.color for s in segments), lines, strict=True)
    ]
    return ["    " + header, *painted]
