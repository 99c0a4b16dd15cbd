"""One run over many files: what becomes of each, several at a time, and what is said.

A command gives the work on one file and its figures in words; here are the flags
that say which files are worked on, the bar, the lines, and the failures, which come
last, where they are seen.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from kqcodec.cli import folders, options
from kqcodec.cli.failures import (
    REFUSED,
    STREAM,
    SYSTEM,
    Failure,
    display_name,
    failure_of,
    worse,
)
from kqcodec.cli.outputs import Outputs
from kqcodec.cli.progress import Bar
from kqcodec.cli.text import percent
from kqcodec.errors import KqError
from kqcodec.parallel import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # A file's name and the threads that may work on it, to what is known of the
    # result, ready for JSON; "output_bytes" or "file_bytes" is its size.
    Work: TypeAlias = "Callable[[str, int], dict[str, Any]]"


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
    options.result_options,
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
    """

    names: list[str]
    outputs: Outputs
    failures: list[tuple[str, Failure]]
    remarks: list[str]
    passed_over: list[str]
    flags: Flags

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
        found = folders.search(inputs, wanted)
        tree, clashes = Outputs.plan_tree(inputs, found.files, output, suffix, flags.force)
        failures = [*found.failures, *clashes]
        if not found.files and not failures:
            place = ", ".join(click.format_filename(name) for name in inputs)
            failures.append((inputs[0], Failure(REFUSED, f"{place}: there is nothing to do here")))
        return cls(
            list(tree.targets),
            tree,
            failures,
            found.remarks(),
            [*found.loops, *found.passed_over],
            flags,
        )

    def run(self, work: Work, summary: Callable[[dict[str, Any]], str], threads: int | None) -> int:
        """Work on each file; a failure is kept for the end, and the others go on.

        Args:
            work: see ``Work``; called on several threads, it raises Failure.
            summary: a file's figures as a line, or "" for none. Those of a file that
                wasn't worked on are in words with ``planned``.
            threads: for all files together; None for as many as there are processors.

        Returns:
            The exit code.
        """
        flags = self.flags
        for remark in self.remarks:
            click.echo(f"kq: {remark}", err=True)
        tally = _Tally()
        jobs = flags.jobs or min(thread_count(threads), _MOST_JOBS)
        jobs = min(jobs, max(1, len(self.names)))
        each = max(1, thread_count(threads) // jobs)

        def tell(figures: dict[str, Any]) -> None:
            line = json.dumps(figures) if flags.as_json else summary(figures)
            if line and (flags.as_json or not flags.quiet):
                click.echo(line, err=self.outputs.use_stream)

        def attempt(name: str) -> dict[str, Any]:
            try:
                figures = self._one(name, work, each)
                tally.add(figures, _size(name))
            except BrokenPipeError:
                raise
            except (Failure, KqError, OSError, MemoryError) as exc:
                failure = exc if isinstance(exc, Failure) else failure_of(exc, display_name(name))
                tally.fail(name, failure)
                figures = _failed(name, failure)
            bar.advance(name)
            return figures

        if flags.as_json:
            for path in self.passed_over:
                tell({"input": path, "skipped": "not a file that this command reads"})
        for name, failure in self.failures:
            tally.fail(name, failure)
            tell(_failed(name, failure))
        hidden = flags.quiet or flags.as_json or len(self.names) < 2 or flags.dry_run
        try:
            with Bar([(name, _size(name)) for name in self.names], hidden=hidden) as bar:
                for figures in ordered_map(attempt, self.names, jobs):
                    tell(figures)
        finally:  # after Ctrl-C too
            if not flags.quiet and not flags.as_json and self._has_total():
                click.echo(tally.total(flags.dry_run), err=self.outputs.use_stream)
            for sentence in tally.sentences([name for name, _ in self.failures] + self.names):
                click.echo(f"kq: {sentence}", err=True)
        return tally.code

    def _has_total(self) -> bool:
        return self.flags.recursive or self.flags.skip_existing or self.flags.dry_run

    def _one(self, name: str, work: Work, threads: int) -> dict[str, Any]:
        target = self.outputs.targets[name]
        if name != STREAM and os.path.isdir(name) and not name.lower().endswith(".zarr"):
            shown = display_name(name)
            raise Failure(SYSTEM, f"{shown}: this is a directory; give a file, or -r for all in it")
        if self.flags.skip_existing and target != STREAM and os.path.lexists(target):
            if not self.flags.dry_run:
                self.outputs.tidy(name)
            return {"input": name, "output": target, "skipped": "the output exists"}
        self.outputs.check(name)
        if self.flags.dry_run:
            return {"input": name, "output": target, "dry_run": True}
        return work(name, threads)


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
    return "standard output" if target == STREAM else click.format_filename(target)


def _failed(name: str, failure: Failure) -> dict[str, Any]:
    return {"input": name, "error": str(failure), "exit_code": failure.code}


class _Tally:
    """What has become of the files so far, told by several threads."""

    def __init__(self) -> None:
        self.code = 0
        self._lock = threading.Lock()
        self._failures: dict[str, str] = {}
        self._done = self._skipped = 0
        self._bytes_in = self._bytes_out = 0

    def add(self, figures: dict[str, Any], size: int) -> None:
        """A file that was worked on or skipped."""
        with self._lock:
            if "skipped" in figures:
                self._skipped += 1
                return
            self._done += 1
            self._bytes_in += size
            self._bytes_out += figures.get("file_bytes", figures.get("output_bytes", 0))

    def fail(self, name: str, failure: Failure) -> None:
        """A file that failed."""
        with self._lock:
            self.code = worse(self.code, failure.code)
            self._failures[name] = str(failure)

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


def _size(name: str) -> int:
    try:
        return os.path.getsize(name) if name != STREAM else 0
    except OSError:
        return 0
