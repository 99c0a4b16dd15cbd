"""Figures of matplotlib, which is an extra and imported where it is used."""

from __future__ import annotations

import importlib
import io
import os
from typing import Any


class ChartFormatError(ValueError):
    """A file name whose extension matplotlib can't write."""


def chart_format(target: str) -> str:
    """The format that a file name means: png, svg or pdf, say.

    Raises:
        ImportError: matplotlib isn't there.
        ChartFormatError: it doesn't write such files.
    """
    suffix = os.path.splitext(target)[1].lower().removeprefix(".")
    if suffix not in new_figure(1, 1).canvas.get_supported_filetypes():
        raise ChartFormatError(f"the extension .{suffix} names no format that can be drawn")
    return suffix


def new_figure(width: float, height: float) -> Any:
    """An empty figure of so many inches; ImportError without matplotlib."""
    try:
        module = importlib.import_module("matplotlib.figure")
    except ImportError as exc:
        raise ImportError("a plot needs matplotlib; pip install 'kqcodec[plot]' brings it") from exc
    return module.Figure(figsize=(width, height), layout="constrained")


def figure_bytes(figure: Any, file_format: str) -> bytes:
    """The figure as a file of that format, which ``chart_format`` gave."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=file_format, dpi=110)
    return buffer.getvalue()


def plain_ticks(axis: Any) -> None:
    """Label a logarithmic axis 0.1, 0.2, 0.5 and 1 instead of by powers of ten."""
    axis.set_minor_locator(importlib.import_module("matplotlib.ticker").LogLocator(subs=(2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("{x:g}")
    axis.set_tick_params(which="both", length=3, labelsize=8)
