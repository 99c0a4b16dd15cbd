"""One run over many files: what becomes of each, several at a time, and what is said.

A command gives the work on one file and its figures in words; here are the flags
that say which files are worked on, the bar, the lines, and the failures, which come
last, where they are seen.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch import discover
from kqcodec.cli.batch.file_tasks import Errand, failed
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.batch.paths import size_of
from kqcodec.cli.batch.resume import Notes
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name, worse
from kqcodec.cli.screen.progress import Bar
from kqcodec.cli.screen.text import complain, echo, echo_json, percent, visible, warn
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kqcodec.cli.batch.discover import Found
    from kqcodec.cli.batch.file_tasks import Work
    from kqcodec.cli.batch.resume import Spread


@dataclass(frozen=True)
class Flags:
    """What ``batch_options`` puts on a command line."""

    recursive: bool
    skip_existing: bool
    dry_run: bool
    jobs: int | None
    force: bool
    as_json: bool
    quiet: bool

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> Flags:
        """The flags, which leave the command's other options behind."""
        flags = cls(**{field.name: given.pop(field.name) for field in fields(cls)})
        if flags.force and flags.skip_existing:
            raise click.UsageError("--force and --skip-existing exclude each other.")
        return flags


def batch_options(command: Any) -> Any:
    """The options of ``Flags``, for a command that turns files into files."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


# Each holds a picture in memory; where there are more processors, each gets several.
_MOST_JOBS = 8

_OPTIONS = (
    click.option(
        "-r",
        "--recursive",
        is_flag=True,
        help="Take the files in folders, and in folders below; -o OUT then gets the same tree.",
    ),
    click.option(
        "--skip-existing", is_flag=True, help="Leave out files whose results are there already."
    ),
    click.option("--dry-run", is_flag=True, help="Say what would become what, and do nothing."),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        metavar="N",
        help="Work on N files at once.  [default: as many as there are processors, "
        f"at most {_MOST_JOBS}]",
    ),
    common.result_options,
)


@dataclass(frozen=True)
class Batch:
    """The files of a run, settled before any work begins.

    Attributes:
        names: the inputs.
        outputs: what each becomes.
        failures: (path, what is the matter), known beforehand.
        remarks: sentences about what is left out.
        passed_over: files that are left out, for JSON.
        flags: how to go on.
        found: what a search of folders has told of the inputs.
    """

    names: list[str]
    outputs: Outputs
    failures: list[tuple[str, Failure]]
    remarks: list[str]
    passed_over: list[str]
    flags: Flags
    found: dict[str, Found] = field(default_factory=dict)

    @classmethod
    def plan(
        cls,
        inputs: Sequence[str],
        output: str | None,
        suffix: str,
        flags: Flags,
        wanted: Callable[[str], bool],
    ) -> Batch:
        """Find the inputs and settle their outputs.

        Args:
            inputs: files, "-", and with --recursive folders.
            output: what -o said.
            suffix: of the results.
            flags: the run's.
            wanted: which files of a folder count, by their extension.

        Raises:
            click.UsageError: the command line makes no sense.
        """
        if not flags.recursive:
            outputs = Outputs.plan(inputs, output, suffix, flags.force)
            return cls(list(inputs), outputs, [], [], [], flags)
        found = discover.search(inputs, wanted)
        tree, clashes = Outputs.plan_tree(inputs, found.files, output, suffix, flags.force)
        failures = [*found.failures, *clashes]
        if not found.files and not failures:
            place = ", ".join(visible(name) for name in inputs)
            failures.append((inputs[0], Failure(REFUSED, f"{place}: there is nothing to do here")))
        return cls(
            list(tree.targets),
            tree,
            failures,
            found.remarks(),
            [*found.loops, *found.passed_over],
            flags,
            {file.path: file for file in found.files},
        )

    def run(
        self,
        work: Work,
        summary: Callable[[dict[str, Any]], str],
        threads: int | None,
        spread: Spread | None = None,
    ) -> int:
        """Work on each file; a failure is kept for the end, and the others go on.

        Args:
            work: see ``Work``; called on several threads, or portable where ``spread``
                is given.
            summary: a file's figures as a line, or "" for none. Those of a file that
                wasn't worked on are in words with ``planned``.
            threads: for all files together; None for as many as there are processors.
            spread: over what processes, and how it is written down.

        Returns:
            The exit code.

        Raises:
            KqError, OSError: with the manifest or the workers something is wrong.
        """
        flags = self.flags
        for remark in self.remarks:
            complain(remark)
        tally = _Tally()
        jobs = flags.jobs or min(thread_count(threads), _MOST_JOBS)
        jobs = min(jobs, max(1, len(self.names)))
        each = max(1, thread_count(threads) // jobs)

        def tell(figures: dict[str, Any]) -> None:
            for sentence in figures.pop("warnings", ()):
                warn(sentence)
            if flags.as_json:
                echo_json(figures, err=self.outputs.use_stream)
            elif (line := summary(figures)) and not flags.quiet:
                echo(line, err=self.outputs.use_stream)

        if flags.as_json:
            for path in self.passed_over:
                tell({"input": path, "skipped": "not a file that this command reads"})
        for name, failure in self.failures:
            tally.take(failed(name, failure), 0)
            tell(failed(name, failure))
        errand = Errand(self.names, self.outputs, work, each, flags.skip_existing, flags.dry_run)
        with ExitStack() as stack:
            notes = self._notes(spread, stack)
            try:
                self._do(errand, jobs, spread=spread, notes=notes, tally=tally, tell=tell)
            finally:  # after Ctrl-C too
                if not flags.quiet and not flags.as_json and self._has_total():
                    echo(tally.total(flags.dry_run), err=self.outputs.use_stream)
                for sentence in tally.sentences([name for name, _ in self.failures] + self.names):
                    complain(sentence)
        return tally.code

    def _do(
        self,
        errand: Errand,
        jobs: int,
        *,
        spread: Spread | None,
        notes: Notes | None,
        tally: _Tally,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        """Have the errand done by so many at once, and tell what becomes of each file."""
        flags = self.flags
        hidden = flags.quiet or flags.as_json or len(self.names) < 2 or flags.dry_run

        def settle(figures: dict[str, Any]) -> dict[str, Any]:
            tally.take(figures, self.sizes[figures["input"]])
            bar.advance(figures["input"])
            return figures

        with ExitStack() as stack:
            bar = stack.enter_context(Bar(list(self.sizes.items()), hidden=hidden))
            if notes is not None:
                done, rest = notes.divided(self.names)
                errand = errand.of(rest)
                for figures in done:
                    tell(settle(figures))
            elsewhere = None
            if spread is not None and not flags.dry_run:
                elsewhere = spread.outcomes(errand, jobs, self.sizes)
            results: Iterable[dict[str, Any]]
            if elsewhere is None:
                results = ordered_map(lambda n: settle(errand.outcome(n)), errand.names, jobs)
            else:
                stack.enter_context(closing(elsewhere))
                results = (settle(figures) for some in elsewhere for figures in some)
            for figures in results:
                if notes is not None:
                    notes.add(figures)
                tell(figures)

    def _notes(self, spread: Spread | None, stack: ExitStack) -> Notes | None:
        if spread is None:
            return None
        spread.check(self.names, self.outputs)
        journal = stack.enter_context(spread.journal(self.flags.dry_run))
        return None if journal is None else Notes(journal, self.outputs, self.found, self.sizes)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each input; 0 where they can't be told."""
        known = {name: self.found[name].size for name in self.names if name in self.found}
        return {name: known.get(name) or size_of(name) for name in self.names}

    def _has_total(self) -> bool:
        return self.flags.recursive or self.flags.skip_existing or self.flags.dry_run


def planned(figures: dict[str, Any]) -> str | None:
    """The line for a file that wasn't worked on: "" for one that was skipped or
    failed, and None for one that was worked on."""
    if "skipped" in figures or "error" in figures:
        return ""
    if "dry_run" in figures:
        source, target = display_name(figures["input"]), display_output(figures["output"])
        return f"{source} -> {target}"
    return None


def display_output(target: str) -> str:
    """A target as messages show it."""
    return "standard output" if target == STREAM else visible(target)


class _Tally:
    """What has become of the files so far, told by several threads."""

    def __init__(self) -> None:
        self.code = 0
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}
        self._done = self._skipped = 0
        self._bytes_in = self._bytes_out = 0

    def take(self, figures: dict[str, Any], size: int) -> None:
        """What has become of a file of that many bytes."""
        with self._lock:
            if "error" in figures:
                self.code = worse(self.code, figures["exit_code"])
                self._failures[figures["input"]] = figures["error"]
            elif "skipped" in figures:
                self._skipped += 1
            else:
                self._done += 1
                self._bytes_in += size
                self._bytes_out += figures.get("file_bytes", figures.get("output_bytes", 0))

    def sentences(self, order: Sequence[str]) -> list[str]:
        """What is the matter with those that failed, in that order of names."""
        return [self._failures[name] for name in order if name in self._failures]

    def total(self, dry_run: bool) -> str:
        """Everything in a line."""
        files = "1 file" if self._done == 1 else f"{self._done:,} files"
        if dry_run:
            parts = [f"{files} would be written"]
        else:
            parts = [f"{files} written"]
            if self._bytes_in and self._done:
                share = percent(self._bytes_out / self._bytes_in)
                parts[0] += f", {self._bytes_out:,} bytes, {share} of the inputs"
        if self._skipped:
            parts.append(f"{self._skipped:,} there already")
        if self._failures:
            parts.append(f"{len(self._failures):,} failed")
        return "; ".join(parts)
