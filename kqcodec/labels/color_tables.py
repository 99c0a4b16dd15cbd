"""Tables of colours for labels: those that users give, those of images, PASCAL VOC's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kqcodec.coding.meaning import rule_colors
from kqcodec.format.header import MAX_COLORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    ColorTable: TypeAlias = "NDArray[Any] | Sequence[Sequence[int]] | Sequence[int] | bytes"


def label_colors(k: int) -> NDArray[np.uint8]:
    """The VOC colours of the labels 0..k-1, k up to 65,536: uint8, shape (k, 3)."""
    return rule_colors(np.arange(k))


def color_table(palette: ColorTable) -> NDArray[np.uint8]:
    """A colour table, integers 0..255 of shape (K, 3) or (K, 4), or as flat as Pillow's
    ``putpalette`` takes them, as uint8 of shape (K, 3) or (K, 4); raises TypeError or
    ValueError where it isn't one."""
    table = np.frombuffer(palette, np.uint8) if isinstance(palette, bytes) else np.asarray(palette)
    if table.dtype.kind not in "iu":
        hint = ""
        if table.dtype.kind == "f":
            hint = "; from colours between 0 and 1 make them with (table * 255).round().astype(int)"
        raise TypeError(f"a colour table must hold integers from 0 to 255, not {table.dtype}{hint}")
    if table.ndim == 1 and table.size % 3 == 0:
        table = table.reshape(-1, 3)
    if table.ndim != 2 or table.shape[1] not in (3, 4) or not 1 <= len(table) <= MAX_COLORS:
        raise ValueError(
            f"a colour table must have shape (K, 3) or (K, 4) with K from 1 to {MAX_COLORS:,}, "
            f"not {table.shape}"
        )
    if int(table.min()) < 0 or int(table.max()) > 255:
        wrong = table.min() if table.min() < 0 else table.max()
        raise ValueError(f"a colour table must hold integers from 0 to 255, not {wrong}")
    return table.astype(np.uint8)


def colors_by_id(table: NDArray[np.uint8], values: NDArray[Any]) -> dict[int, tuple[int, ...]]:
    """What a colour table says about the ids 0, 1, 2, ...

    That is nothing where its colour is the rule's, nor where it is black for an id that isn't
    among ``values``: so the tables of images are filled up.
    """
    opaque = table.shape[1] == 3 or bool((table[:, 3] == 255).all())
    rgb, alpha = table[:, :3], np.full(len(table), 255) if opaque else table[:, 3]
    used = np.zeros(len(table), dtype=bool)
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
    used[values[(values >= 0) & (values < len(table))].astype(np.int64)] = True
    told = (rgb != rule_colors(np.arange(len(table)))).any(axis=1) | (alpha != 255)
    told &= used | rgb.any(axis=1) | (alpha != 255)
    shown = rgb if opaque else table
    return {int(label): tuple(map(int, shown[label])) for label in np.flatnonzero(told)}
