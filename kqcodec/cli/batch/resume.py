"""A run over so many files that it is spread over processes or machines, is written down
as it goes, and can be gone on with."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.screen.failures import STREAM, display_name, writing
from kqcodec.storage.atomic_write import descriptor_of
from kqcodec.storage.urls import is_shared, is_url

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from kqcodec.cli.batch.discover import Found
    from kqcodec.cli.batch.file_tasks import Errand
    from kqcodec.cli.batch.manifest import Journal, Run
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.large.workers import Outcomes

# Below so many files, starting processes takes longer than they gain.
_ENOUGH_FOR_PROCESSES = 100
# An errand: files enough to be worth a journey, few enough that none waits for the last.
_MOST_NAMES, _MOST_BYTES, _ERRANDS_EACH = 64, 1 << 26, 16
# Files of at most so many bytes a worker takes in twos: they wait for the disk, until they
# are on it, as long as they take to encode.
_SMALL, _SMALL_AT_ONCE = 1 << 17, 2


def spread_options(command: Any) -> Any:
    """--manifest and --scheduler."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
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
class Spread:
    """How a run is spread and written down.

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
        """The manifest, if there is one, ready to be gone on with.

        Raises:
            Failure: it is another run's, or can't be written.
        """
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
        self, errand: Errand, jobs: int, sizes: Mapping[str, int]
    ) -> Generator[Outcomes, None, None] | None:
        """What becomes of the files in other processes, as ``kqcodec.large.workers`` has it; or
        None where this one does better itself."""
        from kqcodec.large import workers

        if self.scheduler is not None:
            return workers.on_dask(_parts(errand, sizes, _MOST_NAMES), self.scheduler)
        enough = len(errand.names) >= _ENOUGH_FOR_PROCESSES
        if jobs < 2 or not enough or not _seen_elsewhere(errand.names, errand.outputs):
            return None
        most = min(_MOST_NAMES, 1 + len(errand.names) // (_ERRANDS_EACH * jobs))
        return workers.in_processes(_parts(errand, sizes, most), jobs)


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


def _parts(errand: Errand, sizes: Mapping[str, int], most: int) -> Iterator[Errand]:
    """Errands of that many files at most, and not too many bytes."""
    names: list[str] = []
    held = 0
    for name in errand.names:
        if names and (len(names) == most or held + sizes[name] > _MOST_BYTES):
            yield _part(errand, names, sizes)
            names, held = [], 0
        names.append(name)
        held += sizes[name]
    if names:
        yield _part(errand, names, sizes)


def _part(errand: Errand, names: list[str], sizes: Mapping[str, int]) -> Errand:
    small = all(0 < sizes[name] <= _SMALL for name in names)
    return replace(errand.of(names), at_once=_SMALL_AT_ONCE if small else 1)


@dataclass(frozen=True)
class Notes:
    """What a journal says of the files of a run, and what is added to it."""

    journal: Journal
    outputs: Outputs
    found: Mapping[str, Found]
    sizes: Mapping[str, int]

    def divided(self, names: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """What to say of the files that are done, and those that aren't or have changed
        since."""
        done, rest = [], []
        for name in names:
            if self._holds(name, self.journal.records.get(whole_name(name), {})):
                target = self.outputs.targets[name]
                done.append({"input": name, "output": target, "skipped": "done before"})
            else:
                rest.append(name)
        return done, rest

    def _holds(self, name: str, record: dict[str, Any]) -> bool:
        return (
            "sha256" in record
            and record.get("input_bytes") == self.sizes[name]
            and record.get("input_mark") == self._mark(name)
            and record.get("output") == whole_name(self.outputs.targets[name])
            and record.get("output_bytes") == self.outputs.size(name)
        )

    def add(self, figures: dict[str, Any]) -> None:
        """Write down what has become of a file.

        Raises:
            Failure: it can't be written down.
        """
        with writing(display_name(self.journal.path)):
            self._add(figures)

    def _add(self, figures: dict[str, Any]) -> None:
        name = figures["input"]
        if "error" in figures:
            self.journal.add({**figures, "input": whole_name(name)})
        elif "sha256" in figures:
            self.journal.add(
                {
                    "input": whole_name(name),
                    "input_bytes": self.sizes[name],
                    "input_mark": self._mark(name),
                    "output": whole_name(figures["output"]),
                    "output_bytes": figures["file_bytes"],
                    "sha256": figures["sha256"],
                }
            )

    def _mark(self, name: str) -> str:
        found = self.found.get(name)
        return "" if found is None else found.mark


def whole_name(name: str) -> str:
    """A name that means the same in every folder."""
    return name if is_url(name) else os.path.abspath(name)
