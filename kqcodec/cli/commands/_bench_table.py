"""What `kq bench` prints: a line for each picture and K, and one table at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.cli.screen.text import number, table, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.show.bench.measure import Measurement
    from kqcodec.show.bench.summary import Group, Row

_NONE = "-"
_HEADS = ("bytes", "theory", "other", "kq", "larger", "encode", "decode")
_LEGEND = """\
theory, other, kq: bytes to those of the formula, of the smallest other format
and of the smallest .kq file, picture by picture; larger: on how many pictures
it needs more bytes than the smallest other"""
_SPEEDS = """; encode, decode: megapixels a
second of processor time on one thread"""
_PARTLY = "\n* without the pictures that it can't hold or failed on"


def picture_text(of_picture: Sequence[Measurement]) -> str:
    """For each K the smallest .kq file of a picture and the smallest other."""
    first = of_picture[0]
    frames = f", {first.shape.frames:,} frames" * (first.shape.frames > 1)
    lines = [f"{visible(first.name)}, {first.shape.width:,} x {first.shape.height:,}{frames}"]
    for each in of_picture:
        k = f"{each.shape.k:,}" + f" of {each.k_asked:,}" * (each.shape.k < each.k_asked)
        found = [each.smallest(is_peer=is_peer) for is_peer in (False, True)]
        sizes = [f"{pair[1]} {number(pair[0])}" for pair in found if pair]
        lines.append(f"  K = {k}: {', '.join(sizes) or 'no'} bytes")
    return "\n".join(lines)


def summary_table(groups: Sequence[Group], timed: bool) -> str:
    """A row for each tool, folder and K, with the folders' names between them."""
    heads = _HEADS if timed else _HEADS[:-2]
    rows = [_cells(row, group, len(heads)) for group in groups for row in group.rows]
    head, *lines = table([["", *heads], *rows]).split("\n")
    text = [head]
    for group in groups:
        pictures = f"{group.images:,} picture{'s' * (group.images != 1)}"
        text.append(f"{group.folder or 'all'}, {pictures}, K = {group.k:,} at most")
        text += [lines.pop(0) for _ in group.rows]
    partly = any(row.images < group.images for group in groups for row in group.rows)
    text.append("\n" + _LEGEND + _SPEEDS * timed + _PARTLY * partly)
    return "\n".join(text)


def _cells(row: Row, group: Group, count: int) -> list[str]:
    name = row.tool + "*" * (row.images < group.images)
    if not row.images:
        return [name, "wrong" if row.errors else _NONE, *[_NONE] * (count - 1)]
    ratios = [row.to_theory, row.to_smallest, row.to_smallest_own]
    cells = [number(row.size), *(_NONE if x is None else f"{x:.3f}" for x in ratios)]
    cells.append(_NONE if row.to_smallest is None else str(len(row.larger_on)))
    cells += [_speed(row.encode_mps), _speed(row.decode_mps)]
    return [name, *cells[:count]]


def _speed(value: float | None) -> str:
    """To about three digits."""
    if value is None:
        return _NONE
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3)
