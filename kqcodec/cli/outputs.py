"""Where results go: which input becomes which file, and writing it whole."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from kqcodec.cli.failures import (
    REFUSED,
    STANDARD_OUTPUT,
    STREAM,
    SYSTEM,
    Failure,
    failure_of,
    writing,
)
from kqcodec.source import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Buffer

    from kqcodec.cli.folders import Found


@dataclass(frozen=True)
class Outputs:
    """The output of each input, settled before any work begins.

    Attributes:
        targets: by input; "-" is standard output.
        directory: where the targets lie, to be made if missing; None where -o
            didn't name a directory.
        force: whether files may be replaced.
    """

    targets: dict[str, str]
    directory: str | None
    force: bool

    @classmethod
    def plan(cls, inputs: Sequence[str], output: str | None, suffix: str, force: bool) -> Outputs:
        """Settle the outputs.

        Without ``output`` each result lies beside its input, and standard input's
        goes to standard output. With one input, ``output`` is a file, unless it is
        a directory or ends like one; with several it is a directory.

        Args:
            inputs: file names; "-" is standard input.
            output: what -o said.
            suffix: of the results, where ``output`` doesn't name them.
            force: whether files may be replaced.

        Raises:
            click.UsageError: two results would share a name, one would replace
                an input, or ``output`` can't hold them.
        """
        if output is None and any(map(is_url, inputs)):
            raise click.UsageError("nothing is written beside a URL; say with -o where to.")
        if is_url(output):
            raise click.UsageError("this command writes files, not to a URL; kq encode does.")
        directory = _directory(inputs, output)
        targets: dict[str, str] = {}
        for name in inputs:
            if name in targets:
                raise click.UsageError(f"{click.format_filename(name)} is given twice.")
            if directory is not None:
                targets[name] = os.path.join(directory, _stem(name) + suffix)
            elif output is not None:
                targets[name] = output
            else:
                beside = os.path.splitext(name)[0] + suffix
                targets[name] = STREAM if name == STREAM else beside
        _check_places(targets)
        if STREAM in targets.values() and sys.stdout.buffer.isatty():
            raise click.UsageError(
                "standard output is a terminal; redirect it, or give a file with -o."
            )
        return cls(targets, directory, force)

    @classmethod
    def one(cls, inputs: Sequence[str], output: str, force: bool) -> Outputs:
        """Settle the one output of several inputs, named like the first of them.

        Raises:
            click.UsageError: it would replace an input, or can't be shown on a terminal.
        """
        for name in inputs:
            if STREAM not in (name, output) and _place(name) == _place(output):
                raise click.UsageError(
                    f"the result would replace the input {click.format_filename(name)}; give "
                    "another name with -o."
                )
        return cls({inputs[0]: output}, None, force)

    @classmethod
    def plan_tree(
        cls,
        inputs: Sequence[str],
        files: Sequence[Found],
        output: str | None,
        suffix: str,
        force: bool,
    ) -> tuple[Outputs, list[tuple[str, Failure]]]:
        """The same for the files of folders, whose tree is kept below ``output``.

        Args:
            inputs: the files and folders that were given.
            files: those found among and in them.
            output: what -o said: a directory, unless the only input is a file.
            suffix, force: as for ``plan``.

        Returns:
            The outputs, and a failure for each input that has none of its own,
            since another would become the same file.

        Raises:
            click.UsageError: as ``plan``; or the output lies in one of the folders.
        """
        if output == STREAM or STREAM in inputs or not any(map(os.path.isdir, inputs)):
            if any(map(os.path.isdir, inputs)):
                raise click.UsageError("folders can't be mixed with standard input or output.")
            return cls.plan(inputs, output, suffix, force), []
        if output is not None:
            _check_outside(inputs, output)
        wanted: dict[str, str] = {}
        for file in files:
            beside = os.path.splitext(file.path)[0] + suffix
            below = os.path.splitext(file.relative)[0] + suffix
            wanted[file.path] = beside if output is None else os.path.join(output, below)
        sharing: dict[str, list[str]] = {}
        for name, target in wanted.items():
            sharing.setdefault(_place(target), []).append(name)
        targets: dict[str, str] = {}
        clashes: list[tuple[str, Failure]] = []
        for sharers in sharing.values():
            # One file under two names, by a link say, is no clash.
            names = list({_place(name): name for name in reversed(sharers)}.values())
            for name in names:
                others = [click.format_filename(other) for other in names if other != name]
                if others:
                    target = click.format_filename(wanted[name])
                    why = f"{' and '.join(others)} would become {target} too; encode one with -o"
                    failure = Failure(REFUSED, f"{click.format_filename(name)}: {why}")
                    clashes.append((name, failure))
                else:
                    targets[name] = wanted[name]
        return cls(targets, output, force), clashes

    @property
    def use_stream(self) -> bool:
        """Whether the result goes to standard output, so that nothing else may."""
        return STREAM in self.targets.values()

    def check(self, name: str) -> None:
        """Fail where writing the result would fail anyway, before minutes of work.

        Raises:
            Failure: the target exists, or is a directory.
        """
        target = self.targets[name]
        shown = click.format_filename(target)
        if target == STREAM:
            return
        if os.path.isdir(target):
            raise Failure(SYSTEM, f"{shown}: this is a directory; name a file with -o")
        if os.path.isfile(target) and not self.force:
            self.tidy(name)
            raise failure_of(FileExistsError(), shown)

    def tidy(self, name: str) -> None:
        """Remove what a killed run has left beside the target, which won't be written."""
        from kqcodec.files import clear_leftovers

        if self.targets[name] != STREAM:
            clear_leftovers(self.targets[name])

    def write(self, name: str, parts: Iterable[Buffer], suffix: str | None = None) -> int:
        """Write the result of the input ``name``, a file whole or not at all.

        Args:
            name: the input.
            parts: the bytes of the result.
            suffix: for a second file beside the result, in place of its extension; one
                that is there with these very bytes is left as it is.

        Returns:
            The bytes written.

        Raises:
            Failure: it can't be written.
            BrokenPipeError: standard output was closed.
        """
        target = self.targets[name]
        if target == STREAM:
            return _pour(parts)
        if suffix is not None:
            target = os.path.splitext(target)[0] + suffix
            data = b"".join(parts)
            if _holds(target, data):
                return len(data)
            parts = [data]
        with writing(click.format_filename(target)):
            from kqcodec.files import make_folders, write_whole

            if self.directory is not None:
                make_folders(os.path.dirname(target) or ".")
            # A device, /dev/stdout say, is written to, not replaced.
            device = os.path.exists(target) and not os.path.isfile(target)
            return write_whole(target, parts, self.force or device)


def _directory(inputs: Sequence[str], output: str | None) -> str | None:
    """What ``output`` is, if it is a directory."""
    if len(inputs) > 1 and STREAM in inputs:
        raise click.UsageError("standard input can't be mixed with other inputs.")
    if output is None:
        return None
    if os.path.isdir(output) or output.endswith(("/", os.sep)):
        return output
    if len(inputs) == 1:
        return None
    if output == STREAM:
        raise click.UsageError("standard output takes one result; give a directory with -o.")
    if os.path.exists(output):
        raise click.UsageError(
            f"{click.format_filename(output)} is a file; several inputs need a directory."
        )
    return output


def _check_outside(inputs: Sequence[str], output: str) -> None:
    """Refuse to write into what is being read."""
    if os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(
            f"{click.format_filename(output)} is a file; the files of a folder need a directory."
        )
    place = _place(output)
    for name in filter(os.path.isdir, inputs):
        holder = _place(name)
        if place != holder and _lies_in(place, holder):
            raise click.UsageError(
                f"the output {click.format_filename(output)} lies within the input "
                f"{click.format_filename(name)}; name a directory outside it."
            )


def _lies_in(place: str, folder: str) -> bool:
    try:
        return os.path.commonpath([place, folder]) == folder
    except ValueError:  # on another drive, where there are drives
        return False


def _stem(name: str) -> str:
    return "stdin" if name == STREAM else os.path.splitext(os.path.basename(name))[0]


def _check_places(targets: dict[str, str]) -> None:
    """Refuse results that would replace each other or an input."""
    owners: dict[str, str] = {}
    for name, target in targets.items():
        if target == STREAM:
            continue
        place = _place(target)
        if place in owners:
            raise click.UsageError(
                f"{click.format_filename(owners[place])} and {click.format_filename(name)} would "
                f"both become {click.format_filename(target)}; give them one at a time, with -o."
            )
        owners[place] = name
    for name in targets:
        if name != STREAM and _place(name) in owners:
            owner = owners[_place(name)]
            raise click.UsageError(
                f"the result of {click.format_filename(owner)} would replace the input "
                f"{click.format_filename(name)}; give another name with -o."
            )


def _place(path: str) -> str:
    """What two names of one file have in common."""
    return os.path.normcase(os.path.realpath(path))


def _holds(path: str, data: bytes) -> bool:
    """Whether a file is there with just these bytes."""
    try:
        if os.path.getsize(path) != len(data):
            return False
        with open(path, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def _pour(parts: Iterable[Buffer]) -> int:
    written = 0
    stream = sys.stdout.buffer
    with writing(STANDARD_OUTPUT):
        for part in parts:
            stream.write(part)
            written += memoryview(part).nbytes
        stream.flush()
    return written
