"""How far a search for a palette has come, told to whoever watches, who may stop it."""

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
    """Passes the progress of one part of the work after the other on as that of the whole,
    and remembers whether to stop."""

    def __init__(self, progress: ProgressCall | None) -> None:
        self._progress = progress
        self._done, self._parts = 0, 1.0
        self.stopped = False

    def begin(self, done: int, parts: float) -> None:
        """What is reported from now on is of the next part, where so many of all are done."""
        self._done, self._parts = done, parts

    def __call__(self, report: Progress) -> bool:
        """Whether to go on."""
        if self._progress is not None and not self.stopped:
            part = (self._done + report.part) / self._parts
            self.stopped = self._progress(Progress(report.stage, part, report.mse)) is False
        return not self.stopped

    def report(self, stage: str, part: float, cost: int, pixels: int) -> bool:
        """The same for centres that cost so much, in squared 64ths, for so many pixels."""
        return self(Progress(stage, part, cost / float(UNIT * pixels)))
