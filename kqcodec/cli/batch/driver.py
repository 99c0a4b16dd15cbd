"""One run over many files: what becomes of each, several at a time, and what is said.

A command gives the work on one file; here are the options that say which files are
worked on and how, the bar, the lines, and the failures, which come last, where they
are seen.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch import discover
from kqcodec.cli.batch.file_tasks import FileTask, failed
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.batch.paths import size_of
from kqcodec.cli.batch.resume import Resumption
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, Failure, worse
from kqcodec.cli.screen.progress import Bar
from kqcodec.cli.screen.text import complain, echo, echo_json, percent, visible, warn
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kqcodec.cli.batch.discover import FoundFile
    from kqcodec.cli.batch.distribution import Distribution
    from kqcodec.cli.batch.file_tasks import FileWork


@dataclass(frozen=True)
class BatchOptions:
    """What ``batch_options`` or ``read_options`` put on a command line; the latter have
    no --skip-existing, --dry-run and --force, for there are no results."""

    recursive: bool = False
    jobs: int | None = None
    as_json: bool = False
    quiet: bool = False
    skip_existing: bool = False
    dry_run: bool = False
    force: bool = False

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> BatchOptions:
        """The options, which leave the command's others behind."""
        names = [field.name for field in fields(cls) if field.name in given]
        options = cls(**{name: given.pop(name) for name in names})
        if options.force and options.skip_existing:
            raise click.UsageError("--force and --skip-existing exclude each other.")
        return options


# Each holds a picture in memory; where there are more processors, each gets several.
_MOST_JOBS = 8

_jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Work on N files at once.  [default: as many as there are processors, "
    f"at most {_MOST_JOBS}]",
)


# For a command that turns files into files: the options of ``BatchOptions``.
batch_options = common.together(
    common.recursive_option(
        "Take the files in folders, and in folders below; -o OUT then gets the same tree."
    ),
    click.option(
        "--skip-existing", is_flag=True, help="Leave out files whose results are there already."
    ),
    click.option("--dry-run", is_flag=True, help="Say what would become what, and do nothing."),
    _jobs_option,
    common.force_option,
    common.json_option,
    common.quiet_option,
)
# For a command that makes no file of each.
read_options = common.together(
    common.recursive_option("Take the files in folders, and in folders below."),
    _jobs_option,
    common.json_option,
    common.quiet_option,
)


@dataclass(frozen=True)
class Batch:
    """The files of a run, settled before any work begins.

    Attributes:
        names: the inputs.
        outputs: what each becomes, if anything.
        options: how to go on.
        failures: (path, what is the matter), known beforehand.
        remarks: sentences about what is left out.
        passed_over: files that are left out, for JSON.
        found: what a search of folders has told of the inputs.
        total: everything in a line, said at the end; None for nothing.
        on_stderr: whether what is said goes to standard error, since standard output
            carries a file.
        still: whether the bar moves between files only, so that no thread of its own
            takes processor time meanwhile.
    """

    names: list[str]
    outputs: Outputs
    options: BatchOptions
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    found: dict[str, FoundFile] = field(default_factory=dict)
    total: Callable[[Tally], str] | None = None
    on_stderr: bool = False
    still: bool = False

    @classmethod
    def plan(
        cls,
        inputs: Sequence[str],
        options: BatchOptions,
        wanted: Callable[[str], bool],
        suffix: str | None = None,
        output: str | None = None,
    ) -> Batch:
        """Find the inputs and settle their outputs.

        Args:
            inputs: files, "-", and with --recursive folders.
            options: the run's.
            wanted: which files of a folder count, by their extension.
            suffix: of the results; None where the files are only read.
            output: what -o said.

        Raises:
            click.UsageError: the command line makes no sense.
        """
        total = None
        outputs = Outputs({}, None, options.force)
        if suffix is not None and (options.recursive or options.skip_existing or options.dry_run):
            total = partial(_written, dry_run=options.dry_run)
        if not options.recursive:
            if suffix is not None:
                outputs = Outputs.plan(inputs, output, suffix, options.force)
            return cls(list(inputs), outputs, options, total=total, on_stderr=outputs.use_stream)
        found = discover.search(inputs, wanted)
        names = [file.path for file in found.files]
        failures = list(found.failures)
        if suffix is not None:
            outputs, clashes = Outputs.plan_tree(inputs, found.files, output, suffix, options.force)
            failures += clashes
            names = list(outputs.targets)
        if not found.files and not failures:
            place = ", ".join(visible(name) for name in inputs)
            failures.append((inputs[0], Failure(REFUSED, f"{place}: there is nothing to do here")))
        return cls(
            names,
            outputs,
            options,
            failures,
            found.remarks(),
            [*found.loops, *found.passed_over],
            {file.path: file for file in found.files},
            total,
            outputs.use_stream,
        )

    def run(
        self, work: FileWork, threads: int | None = None, distribution: Distribution | None = None
    ) -> int:
        """Work on each file; a failure is kept for the end, and the others go on.

        Args:
            work: what to do with a file; called on several threads, or ``PortableWork``
                where ``distribution`` is given.
            threads: for all files together; None for as many as there are processors.
            distribution: over what processes, and how it is written down.

        Returns:
            The exit code.

        Raises:
            KqError, OSError: with the manifest or the workers something is wrong.
        """
        options = self.options
        for remark in self.remarks:
            complain(remark)
        tally = Tally()
        jobs = options.jobs or min(thread_count(threads), _MOST_JOBS)
        jobs = min(jobs, max(1, len(self.names)))
        each = max(1, thread_count(threads) // jobs)
        if options.as_json:
            for path in self.passed_over:
                self._tell({"input": path, "skipped": "not a file that this command reads"})
        for name, failure in self.failures:
            tally.take(failed(name, failure), 0)
            self._tell(failed(name, failure))
        task = FileTask(
            self.names, self.outputs, work, each, options.skip_existing, options.dry_run
        )
        with ExitStack() as stack:
            resumption = self._resumption(distribution, stack)
            try:
                self._do(task, jobs, tally, distribution, resumption)
            finally:  # after Ctrl-C too
                if self.total is not None and not options.quiet and not options.as_json:
                    echo(self.total(tally), err=self.on_stderr)
                for sentence in tally.sentences([name for name, _ in self.failures] + self.names):
                    complain(sentence)
        return tally.code

    def _do(
        self,
        task: FileTask,
        jobs: int,
        tally: Tally,
        distribution: Distribution | None,
        resumption: Resumption | None,
    ) -> None:
        """Have the task done by so many at once, and tell what becomes of each file."""
        options = self.options
        hidden = options.quiet or options.as_json or len(self.names) < 2 or options.dry_run

        sizes = {} if self.total is None else self.sizes

        def settle(figures: dict[str, Any]) -> dict[str, Any]:
            tally.take(figures, sizes.get(figures["input"], 0))
            bar.advance(figures["input"])
            return figures

        with ExitStack() as stack:
            bar = stack.enter_context(Bar(lambda: self.sizes, hidden=hidden, still=self.still))
            if resumption is not None:
                done, rest = resumption.divided(self.names)
                task = task.of(rest)
                for figures in done:
                    self._tell(settle(figures))
            elsewhere = None
            if distribution is not None and not options.dry_run:
                elsewhere = distribution.outcomes(task, jobs, self.sizes)
            results: Iterable[dict[str, Any]]
            if elsewhere is None:
                results = ordered_map(lambda n: settle(task.outcome(n)), task.names, jobs)
            else:
                stack.enter_context(closing(elsewhere))
                results = (settle(figures) for some in elsewhere for figures in some)
            for figures in results:
                if resumption is not None:
                    resumption.add(figures)
                self._tell(figures)

    def _tell(self, figures: dict[str, Any]) -> None:
        """Say what has become of a file."""
        for sentence in figures.pop("warnings", ()):
            warn(sentence)
        text = figures.pop("text", "")
        rows = figures.pop("rows", [figures])
        if self.options.as_json:
            for row in rows:
                echo_json(row, err=self.on_stderr)
        elif text and not self.options.quiet:
            echo(text, err=self.on_stderr)

    def _resumption(self, distribution: Distribution | None, stack: ExitStack) -> Resumption | None:
        if distribution is None:
            return None
        distribution.check(self.names, self.outputs)
        journal = stack.enter_context(distribution.journal(self.options.dry_run))
        if journal is None:
            return None
        return Resumption(journal, self.outputs, self.found, self.sizes)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each input; 0 where they can't be told."""
        known = {name: self.found[name].size for name in self.names if name in self.found}
        return {name: known.get(name) or size_of(name) for name in self.names}


class Tally:
    """What has become of the files so far, told by several threads.

    Attributes:
        code: the exit code.
        done, skipped: how many files were worked on and left out.
        bytes_in, bytes_out: of those that were worked on and of their results.
    """

    def __init__(self) -> None:
        self.code = 0
        self.done = self.skipped = 0
        self.bytes_in = self.bytes_out = 0
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}

    @property
    def failed(self) -> int:
        """How many files failed."""
        return len(self._failures)

    def take(self, figures: dict[str, Any], size: int) -> None:
        """Count what has become of a file of that many bytes."""
        with self._lock:
            if "error" in figures:
                self.code = worse(self.code, figures["exit_code"])
                self._failures[figures["input"]] = figures["error"]
            elif "skipped" in figures:
                self.skipped += 1
            else:
                self.done += 1
                self.bytes_in += size
                self.bytes_out += figures.get("file_bytes", figures.get("output_bytes")) or 0

    def sentences(self, order: Sequence[str]) -> list[str]:
        """What is the matter with those that failed, in that order of names."""
        return [self._failures[name] for name in order if name in self._failures]


def _written(tally: Tally, dry_run: bool) -> str:
    """Everything in a line, of files that were, or would be, written."""
    files = "1 file" if tally.done == 1 else f"{tally.done:,} files"
    if dry_run:
        parts = [f"{files} would be written"]
    else:
        parts = [f"{files} written"]
        if tally.bytes_in and tally.done:
            share = percent(tally.bytes_out / tally.bytes_in)
            parts[0] += f", {tally.bytes_out:,} bytes, {share} of the inputs"
    if tally.skipped:
        parts.append(f"{tally.skipped:,} there already")
    if tally.failed:
        parts.append(f"{tally.failed:,} failed")
    return "; ".join(parts)
