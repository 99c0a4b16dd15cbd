"""A bar over several inputs, on a terminal only."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@contextlib.contextmanager
def progress(
    inputs: Sequence[str], *, hidden: bool = False, still: bool = False
) -> Iterator[Iterable[str]]:
    """The inputs, with a bar on standard error that follows them.

    One input, a pipe or ``hidden`` means no bar, and rich isn't imported. A
    ``still`` bar moves between inputs only, so that no thread of its own takes
    processor time meanwhile.
    """
    if hidden or len(inputs) < 2 or not sys.stderr.isatty():
        yield inputs
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[name]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=not still,
        # Lines meant for the terminal appear above the bar; a file gets its own.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bar:
        task = bar.add_task("", total=len(inputs), name="")

        def advanced() -> Iterator[str]:
            for name in inputs:
                bar.update(task, name=os.path.basename(name), refresh=still)
                yield name
                bar.advance(task)

        yield advanced()
