"""Where results go: which input becomes which file, and writing it whole."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from kqcodec.cli.batch.paths import check_writable, holds, inside, lies_in, place_of, stem
from kqcodec.cli.screen.failures import (
    REFUSED,
    STANDARD_OUTPUT,
    STREAM,
    SYSTEM,
    Failure,
    failure_of,
    writing,
)
from kqcodec.cli.screen.text import visible
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from kqcodec.cli.batch.discover import FoundFile


@dataclass(frozen=True)
class Outputs:
    """The output of each input, settled before any work begins.

    Attributes:
        targets: by input; "-" is standard output. None of an input whose work writes
            nothing.
        directory: where the targets lie, to be made if missing; None where -o
            didn't name a directory.
        force: whether files may be replaced.
        adopts: whether a file that is there and equals the result counts as written.
        present: the files that are below ``directory`` and their bytes, where that is
            a URL and they were asked for.
    """

    targets: dict[str, str]
    directory: str | None
    force: bool
    adopts: bool = False
    present: dict[str, int] | None = None

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
        directory = _directory(inputs, output)
        targets: dict[str, str] = {}
        for name in inputs:
            if name in targets:
                raise click.UsageError(f"{visible(name)} is given twice.")
            if directory is not None:
                targets[name] = inside(directory, stem(name) + suffix)
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
        """Settle the one output of several inputs, named like the first of them; click.UsageError
        if it would replace one."""
        for name in inputs:
            if STREAM not in (name, output) and place_of(name) == place_of(output):
                raise click.UsageError(
                    f"the result would replace the input {visible(name)}; give "
                    "another name with -o."
                )
        return cls({inputs[0]: output}, None, force)

    @classmethod
    def plan_tree(
        cls,
        inputs: Sequence[str],
        files: Sequence[FoundFile],
        output: str | None,
        suffix: str,
        force: bool,
    ) -> tuple[Outputs, list[tuple[str, Failure]]]:
        """Settle the outputs of the files of folders, whose tree is kept below ``output``.

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
        alone = {file.path for file in files}
        folders = [n for n in inputs if os.path.isdir(n) or (is_url(n) and n not in alone)]
        if output == STREAM or STREAM in inputs or not folders:
            if folders:
                raise click.UsageError("folders can't be mixed with standard input or output.")
            return cls.plan(inputs, output, suffix, force), []
        if output is not None:
            _check_outside(folders, output)
        wanted: dict[str, str] = {}
        for file in files:
            beside = os.path.splitext(file.path)[0] + suffix
            below = os.path.splitext(file.relative)[0] + suffix
            wanted[file.path] = beside if output is None else inside(output, below)
        sharing: dict[str, list[str]] = {}
        for name, target in wanted.items():
            sharing.setdefault(place_of(target), []).append(name)
        targets: dict[str, str] = {}
        clashes: list[tuple[str, Failure]] = []
        for sharers in sharing.values():
            # One file under two names, by a link say, is no clash.
            names = list({place_of(name): name for name in reversed(sharers)}.values())
            for name in names:
                others = [visible(other) for other in names if other != name]
                if others:
                    target = visible(wanted[name])
                    why = f"{' and '.join(others)} would become {target} too; do one alone with -o"
                    failure = Failure(REFUSED, f"{visible(name)}: {why}")
                    clashes.append((name, failure))
                else:
                    targets[name] = wanted[name]
        for target in targets.values():
            check_writable(target)
        present = None
        if is_url(output):
            from kqcodec.storage import remote_files

            with writing(output):
                present = {entry.url: entry.size for entry in remote_files.list_files(output)}
        return cls(targets, output, force, present=present), clashes

    def of(self, names: Sequence[str]) -> Outputs:
        """The outputs of some of the inputs."""
        targets = {name: self.targets[name] for name in names if name in self.targets}
        present = self.present
        if present is not None:
            present = {t: present[t] for t in targets.values() if t in present}
        return replace(self, targets=targets, present=present)

    @property
    def use_stream(self) -> bool:
        """Whether the result goes to standard output, so that nothing else may."""
        return STREAM in self.targets.values()

    def check(self, name: str) -> None:
        """Fail where the target exists or is a directory, before minutes of work."""
        target = self.targets[name]
        shown = visible(target)
        if self._is_open(target):
            return
        if os.path.isdir(target):
            raise Failure(SYSTEM, f"{shown}: this is a directory; name a file with -o")
        if not self.force and not self.adopts and self.size(name) is not None:
            self.tidy(name)
            raise failure_of(FileExistsError(), shown)

    def exists(self, name: str) -> bool:
        """Whether there is something where the result of ``name`` would go."""
        target = self.targets[name]
        if self._is_open(target):
            return False
        return os.path.lexists(target) or self.size(name) is not None

    def size(self, name: str) -> int | None:
        """Bytes of the file where the result of ``name`` would go; None if there is none."""
        target = self.targets[name]
        if not is_url(target):
            is_file = os.path.isfile(target) and not self._is_open(target)
            return os.path.getsize(target) if is_file else None
        if self.present is not None:
            return self.present.get(target)
        from kqcodec.storage import remote_files

        with writing(target):
            return remote_files.file_size(target)

    def tidy(self, name: str) -> None:
        """Remove what a killed run has left beside the target, which won't be written."""
        from kqcodec.storage.temporary_files import remove_leftovers

        target = self.targets[name]
        if not self._is_open(target) and not is_url(target):
            remove_leftovers(target)

    @staticmethod
    def _is_open(target: str) -> bool:
        """Whether it is written to as it is, so that nothing can be there already."""
        from kqcodec.storage.atomic_write import is_stream

        return target == STREAM or is_stream(target)

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
            if holds(target, [data]) is not None:
                return len(data)
            parts = [data]
        with writing(visible(target)):
            if self.adopts and not self.force and self.size(name) is not None:
                size = holds(target, parts)
                if size is None:
                    raise FileExistsError(f"{target} exists already")
                self.tidy(name)  # its writer may have been killed just after it was in place
                return size
            return self._write(target, parts)

    def _write(self, target: str, parts: Iterable[Buffer]) -> int:
        if is_url(target):
            from kqcodec.storage import remote_files

            return remote_files.write(target, parts, self.force)
        from kqcodec.storage.atomic_write import make_folders, write_whole

        if self.directory is not None:
            make_folders(os.path.dirname(target) or ".")
        return write_whole(target, parts, self.force)


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
        raise click.UsageError(f"{visible(output)} is a file; several inputs need a directory.")
    return output


def _check_outside(folders: Sequence[str], output: str) -> None:
    """Refuse to write into what is being read."""
    if os.path.exists(output) and not os.path.isdir(output):
        raise click.UsageError(
            f"{visible(output)} is a file; the files of a folder need a directory."
        )
    place = place_of(output)
    for name in folders:
        holder = place_of(name)
        if place != holder and lies_in(place, holder):
            raise click.UsageError(
                f"the output {visible(output)} lies within the input "
                f"{visible(name)}; name a directory outside it."
            )


def _check_places(targets: dict[str, str]) -> None:
    """Refuse results that would replace each other or an input."""
    owners: dict[str, str] = {}
    for name, target in targets.items():
        if target == STREAM:
            continue
        check_writable(target)
        place = place_of(target)
        if place in owners:
            raise click.UsageError(
                f"{visible(owners[place])} and {visible(name)} would "
                f"both become {visible(target)}; give them one at a time, with -o."
            )
        owners[place] = name
    for name in targets:
        if name != STREAM and place_of(name) in owners:
            owner = owners[place_of(name)]
            raise click.UsageError(
                f"the result of {visible(owner)} would replace the input "
                f"{visible(name)}; give another name with -o."
            )


def _pour(parts: Iterable[Buffer]) -> int:
    with writing(STANDARD_OUTPUT):
        from kqcodec.storage.atomic_write import write_parts

        return write_parts(sys.stdout.buffer, _each_flushed(parts))


def _each_flushed(parts: Iterable[Buffer]) -> Iterator[Buffer]:
    """The parts, each of which leaves before the next is made: frames may be long in coming."""
    for part in parts:
        yield part
        sys.stdout.buffer.flush()
