"""The tables of `kq bench`: one for each picture, and those of the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.cli.screen.text import number, table, visible
from kqcodec.show.bench.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kqcodec.show.bench.measure import Measurement
    from kqcodec.show.bench.summary import Group, Row

_NONE = "-"


def measurement_text(measurement: Measurement, timed: bool) -> str:
    """Every tool on one picture."""
    shape = measurement.shape
    asked = "" if shape.k == measurement.k_asked else f" of {measurement.k_asked:,} allowed"
    (group, _) = summarize([measurement])
    heads = ["", "bytes", "to theory", "to smallest other"]
    heads += ["encode MP/s", "decode MP/s"] if timed else []
    rows = [heads]
    for row in group.rows:
        if row.errors:
            rows.append([row.tool, "wrong", *[_NONE] * (len(heads) - 2)])
            continue
        cells = [row.tool, number(row.size), _ratio(row.to_theory), _ratio(row.to_smallest)]
        rows.append(cells + ([_speed(row.encode_mps), _speed(row.decode_mps)] if timed else []))
    return (
        f"{visible(measurement.name)}: {shape.width:,} x {shape.height:,}, "
        f"K = {shape.k:,}{asked}, theory {number(measurement.theory_bytes)} bytes\n{table(rows)}\n"
    )


def summary_text(groups: Sequence[Group], timed: bool) -> str:
    """The groups by K, in tables of a column for each folder."""
    parts = []
    for k in sorted({group.k for group in groups}):
        of_k = [group for group in groups if group.k == k]
        if len(of_k) == 2:  # a single folder is all there is
            of_k = of_k[:1]
        images = of_k[-1].images
        pictures = "1 picture" if images == 1 else f"{images:,} pictures"
        parts.append(f"K = {k:,} at most, {pictures}\n")
        parts.append(_by_folder("bytes", of_k, lambda row: number(row.size)))
        parts.append(_by_folder("bytes to theory", of_k, lambda row: _ratio(row.to_theory)))
        parts.append(
            _by_folder(
                "bytes to the smallest other format's, picture by picture",
                of_k,
                lambda row: _ratio(row.to_smallest),
            )
        )
        if timed:
            parts.append(
                _by_folder(
                    "megapixels a second of processor time, encode / decode",
                    of_k,
                    lambda row: f"{_speed(row.encode_mps)} / {_speed(row.decode_mps)}",
                )
            )
            parts.append(_speed_table(of_k[-1]))
    return "\n".join(filter(None, parts))


def _by_folder(title: str, groups: Sequence[Group], cell: Callable[[Row], str]) -> str:
    """One figure of every tool, by folder; * where some pictures are missing."""
    rows = [["", *(f"{g.folder or 'all'} ({g.images})" for g in groups)]]
    for tool in dict.fromkeys(row.tool for group in groups for row in group.rows):
        cells = []
        for group in groups:
            row = group.row(tool)
            partly = row is not None and row.images < group.images
            cells.append(cell(row) + "*" * partly if row is not None and row.images else _NONE)
        rows.append([tool, *cells])
    text = f"{title}:\n{table(rows)}\n"
    if any(0 < row.images < group.images for group in groups for row in group.rows):
        text += "  * without the pictures that it can't hold or failed on\n"
    return text


def _speed_table(group: Group) -> str:
    """How many times as fast as each peer our coders are."""
    ours = list(dict.fromkeys(ratio.tool for ratio in group.speed_ratios))
    if not ours:
        return ""
    rows = [["", *ours]]
    for peer in dict.fromkeys(ratio.peer for ratio in group.speed_ratios):
        found = {ratio.tool: ratio for ratio in group.speed_ratios if ratio.peer == peer}
        cells = [
            f"{_speed(found[tool].encode)} / {_speed(found[tool].decode)}"
            if tool in found
            else _NONE
            for tool in ours
        ]
        rows.append([peer, *cells])
    return f"how many times as fast as others, encode / decode:\n{table(rows)}\n"


def _ratio(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _speed(value: float | None) -> str:
    """To about three digits."""
    if value is None:
        return _NONE
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3)
