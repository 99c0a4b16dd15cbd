"""Bars over several files, or over the stages of a large one, on a terminal only."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING

from kqcodec.cli.screen.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextlib.contextmanager
def stages(name: str, *, hidden: bool) -> Iterator[Callable[[str, float], object] | None]:
    """What is to be told a stage and how much of it is done, from 0 to 1, with a bar on
    standard error that shows it; None where there is none."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as bar:
        task = bar.add_task("", total=1.0, name=visible(os.path.basename(name)))
        now = ""

        def tell(stage: str, part: float) -> None:
            nonlocal now
            if stage != now:
                now = stage
                bar.reset(task, description=stage)
            bar.update(task, completed=part)

        yield tell


class Bar:
    """A bar over files that several threads work on, with their bytes a second and
    the time left.

    Where standard error is no terminal, or it is hidden, there is none, and rich isn't
    imported. A still bar moves between files only, so that no thread of its own takes
    processor time meanwhile.
    """

    def __init__(
        self, sizes: Callable[[], Mapping[str, int]], *, hidden: bool, still: bool = False
    ) -> None:
        self._ask_sizes = sizes
        self._still = still
        self._lock = threading.Lock()
        self._done = 0
        self._hidden = hidden or not sys.stderr.isatty()

    def __enter__(self) -> Bar:
        if self._hidden:
            return self
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.fields[done]}/{task.fields[files]}"),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[name]}", markup=False),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=not self._still,
            # Lines meant for the terminal appear above the bar; a file gets its own.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._bar.start()
        self._sizes = self._ask_sizes()
        # A file of no bytes is still a step.
        total = sum(self._sizes.values()) + len(self._sizes)
        self._task = self._bar.add_task("", total=total, files=len(self._sizes), done=0, name="")
        return self

    def __exit__(self, *_: object) -> None:
        if not self._hidden:
            self._bar.stop()

    def advance(self, name: str) -> None:
        """The file has been dealt with."""
        if self._hidden:
            return
        with self._lock:
            self._done += 1
            done = self._done
        shown = visible(os.path.basename(name))
        self._bar.update(
            self._task, advance=self._sizes[name] + 1, name=shown, done=done, refresh=self._still
        )
