"""How far a search for a palette has come: reports to the caller, who may end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from kqcodec.colors.spaces import UNIT


@dataclass(frozen=True)
class Progress:
    """How far a search has come.

    Attributes:
        stage: "cells", "colors" or "palette".
        part: of the whole work, from 0 to 1, roughly.
        mse: of the centres as they are.
    """

    stage: str
    part: float
    mse: float


ProgressCall: TypeAlias = Callable[[Progress], "bool | None"]


class Monitor:
    """Reports the progress of each part of the work as progress of the whole, and remembers
    whether to stop."""

    def __init__(self, progress: ProgressCall | None) -> None:
        self._progress = progress
        self._done, self._parts = 0, 1.0
        self.stopped = False

    def begin(self, done: int, parts: float) -> None:
        """Begin the next part of the work: ``done`` of all ``parts`` are over."""
        self._done, self._parts = done, parts

    def __call__(self, report: Progress) -> bool:
        """Report the progress of the present part; False where the search is to end."""
        if self._progress is not None and not self.stopped:
            part = (self._done + report.part) / self._parts
            self.stopped = self._progress(Progress(report.stage, part, report.mse)) is False
        return not self.stopped

    def report(self, stage: str, part: float, cost: int, pixels: int) -> bool:
        """Report centres that cost ``cost``, in squared 64ths, for ``pixels`` pixels; False
        where the search is to end."""
        return self(Progress(stage, part, cost / float(UNIT * pixels)))
