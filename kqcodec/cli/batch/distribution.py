"""A run over so many files that processes or machines share it, and a manifest notes it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import STREAM, display_name, writing
from kqcodec.storage.atomic_write import descriptor_of
from kqcodec.storage.urls import is_shared, is_url

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from kqcodec.cli.batch.file_tasks import FileTask
    from kqcodec.cli.batch.manifest import Journal, Run
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.large.workers import Outcomes

# Below so many files, starting processes takes longer than they gain.
_ENOUGH_FOR_PROCESSES = 100
# A task: files enough to be worth a journey, few enough that none waits for the last.
_MOST_NAMES, _MOST_BYTES, _TASKS_EACH = 64, 1 << 26, 16
# Files of at most so many bytes a worker takes in twos: they wait for the disk, until they
# are on it, as long as they take to encode.
_SMALL, _SMALL_AT_ONCE = 1 << 17, 2


distribution_options = common.together(
    click.option(
        "--manifest",
        metavar="FILE",
        help="Note each file in FILE as it is done, a line of JSON each. The same command then "
        "goes on where it was stopped, and kq verify --manifest FILE checks the results.",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Have the workers of the Dask scheduler at ADDRESS (tcp://host:8786) do it.",
    ),
)


@dataclass(frozen=True)
class Distribution:
    """How a run is shared out and written down.

    Attributes:
        manifest: the file, or None.
        scheduler: of Dask, or None for this machine.
        run: what the manifest is about.
    """

    manifest: str | None
    scheduler: str | None
    run: Run

    def check(self, names: Sequence[str], outputs: Outputs) -> None:
        """Raise click.UsageError for files that only this process can see."""
        if self.manifest is not None and _has_streams(names, outputs):
            raise click.UsageError("--manifest is about files, not standard input or output.")
        if self.scheduler is not None and not _seen_elsewhere(names, outputs):
            raise click.UsageError(
                "--scheduler needs files that other processes see: not standard input or output, "
                "and no memory:// URL."
            )

    @contextlib.contextmanager
    def journal(self, dry_run: bool) -> Iterator[Journal | None]:
        """The manifest, if there is one, ready to be gone on with; a Failure if it is another
        run's, or can't be written."""
        if self.manifest is None or (dry_run and not os.path.exists(self.manifest)):
            yield None
            return
        from kqcodec.cli.batch.manifest import Journal

        with contextlib.ExitStack() as stack:
            with writing(display_name(self.manifest)):
                journal = stack.enter_context(Journal.opened(self.manifest, self.run))
            yield journal
            with writing(display_name(self.manifest)):
                stack.close()

    def outcomes(
        self, task: FileTask, jobs: int, sizes: Mapping[str, int]
    ) -> Generator[Outcomes, None, None] | None:
        """What becomes of the files in other processes, of some at a time; or None where
        this one does better itself."""
        from kqcodec.large import workers

        if self.scheduler is not None:
            return workers.on_dask(_parts(task, sizes, _MOST_NAMES), self.scheduler)
        enough = len(task.names) >= _ENOUGH_FOR_PROCESSES
        if jobs < 2 or not enough or not _seen_elsewhere(task.names, task.outputs):
            return None
        most = min(_MOST_NAMES, 1 + len(task.names) // (_TASKS_EACH * jobs))
        return workers.in_processes(_parts(task, sizes, most), jobs)


def _has_streams(names: Sequence[str], outputs: Outputs) -> bool:
    """Whether any of the files is only open in this process, and has no name for others."""
    return any(
        name == STREAM or descriptor_of(name) is not None
        for name in (*names, *outputs.targets.values())
    )


def _seen_elsewhere(names: Sequence[str], outputs: Outputs) -> bool:
    if _has_streams(names, outputs):
        return False
    return all(is_shared(n) for n in (*names, *outputs.targets.values()) if is_url(n))


def _parts(task: FileTask, sizes: Mapping[str, int], most: int) -> Iterator[FileTask]:
    """Tasks of that many files at most, and not too many bytes."""
    names: list[str] = []
    held = 0
    for name in task.names:
        if names and (len(names) == most or held + sizes[name] > _MOST_BYTES):
            yield _part(task, names, sizes)
            names, held = [], 0
        names.append(name)
        held += sizes[name]
    if names:
        yield _part(task, names, sizes)


def _part(task: FileTask, names: list[str], sizes: Mapping[str, int]) -> FileTask:
    small = all(0 < sizes[name] <= _SMALL for name in names)
    return replace(task.of(names), at_once=_SMALL_AT_ONCE if small else 1)
