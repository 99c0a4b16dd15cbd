"""What is done with the files of a run, here or at a worker in another process.

A task is a few of the files. Whatever becomes of one is told as figures, ready for JSON, a
failure too, so that it can be sent back.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Protocol

from kqcodec.cli.screen.failures import (
    STREAM,
    SYSTEM,
    Failure,
    display_name,
    display_output,
    failure_of,
    unforeseen,
)
from kqcodec.errors import KqError
from kqcodec.storage.threads import ordered_map

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kqcodec.cli.batch.outputs import Outputs


class FileWork(Protocol):
    """What a command does with a file."""

    def __call__(self, name: str, outputs: Outputs, threads: int, /) -> dict[str, Any]:
        """Do it.

        Args:
            name: the file.
            outputs: where its result goes.
            threads: how many may work on it.

        Returns:
            What is known of the file and its result, ready for JSON, with its name as
            "input"; "output_bytes" or "file_bytes" is the result's size. Two of them
            aren't for JSON themselves: "text", lines to say instead, and "rows", objects
            to print instead of this one.

        Raises:
            Failure, KqError, OSError, MemoryError: it can't be done.
        """


class PortableWork(FileWork, Protocol):
    """Work that can be pickled, and so be done by another process."""

    def surroundings(self, warn: Callable[[str], None]) -> contextlib.AbstractContextManager[None]:
        """What the command sets up around all of it; warnings are told to ``warn``."""


@dataclass(frozen=True)
class FileTask:
    """Some files of a run, a ``kqcodec.large.workers.Task``.

    Attributes:
        names: the files.
        outputs: theirs, at least.
        work: what to do with each.
        threads: for one file.
        skip_existing, dry_run: the run's flags.
        at_once: on how many files a worker works: while one waits for the disk, another
            is encoded.
    """

    names: Sequence[str]
    outputs: Outputs
    work: FileWork
    threads: int
    skip_existing: bool = False
    dry_run: bool = False
    at_once: int = 1

    def of(self, names: Sequence[str]) -> FileTask:
        """The part of the task that is about some of its files."""
        return replace(self, names=names, outputs=self.outputs.of(names))

    def alone(self) -> list[FileTask]:
        """A task for each file."""
        return [self.of([name]) for name in self.names]

    def lost(self) -> list[dict[str, Any]]:
        """The figures of files whose worker has died."""
        reason = "the process that worked on it died, of too little memory perhaps"
        return [
            failed(name, Failure(SYSTEM, f"{display_name(name)}: {reason}")) for name in self.names
        ]

    def __call__(self) -> list[dict[str, Any]]:
        """Do all of it, in a worker; its work is portable. Warnings are among the figures."""
        from kqcodec.large.workers import stopping

        with _surroundings.entered(self.work):
            names = takewhile(lambda _: not stopping(), self.names)
            return list(ordered_map(self._told, names, self.at_once))

    def _told(self, name: str) -> dict[str, Any]:
        sentences: list[str] = []
        _surroundings.said.sentences = sentences
        figures = self.outcome(name)
        return {**figures, "warnings": sentences} if sentences else figures

    def outcome(self, name: str) -> dict[str, Any]:
        """Do it for one file; a failure is an outcome, but for a closed pipe."""
        try:
            return self._one(name)
        except BrokenPipeError:
            raise
        except (Failure, KqError, OSError, MemoryError, ImportError) as exc:
            failure = exc if isinstance(exc, Failure) else failure_of(exc, display_name(name))
            return failed(name, failure)
        except Exception as exc:  # noqa: BLE001 - it mustn't cost the other files
            return failed(name, unforeseen(exc, display_name(name)))

    def _one(self, name: str) -> dict[str, Any]:
        shown = display_name(name)
        if name != STREAM and os.path.isdir(name) and not name.lower().endswith(".zarr"):
            raise Failure(SYSTEM, f"{shown}: this is a directory; give a file, or -r for all in it")
        target = self.outputs.targets.get(name)
        if target is None:  # nothing is written
            if self.dry_run:
                return {"input": name, "dry_run": True, "text": shown}
            return self.work(name, self.outputs, self.threads)
        skipped = {"input": name, "output": target, "skipped": "the output exists"}
        if self.skip_existing and self.outputs.exists(name):
            if not self.dry_run:
                self.outputs.tidy(name)
            return skipped
        self.outputs.check(name)
        if self.dry_run:
            text = f"{shown} -> {display_output(target)}"
            return {"input": name, "output": target, "dry_run": True, "text": text}
        try:
            return self.work(name, self.outputs, self.threads)
        except Failure as exc:
            # Another run may have written it meanwhile.
            late = self.skip_existing and isinstance(exc.__cause__, FileExistsError)
            if late and self.outputs.exists(name):
                return skipped
            raise


def failed(name: str, failure: Failure) -> dict[str, Any]:
    """The figures of a file that couldn't be dealt with, and what it shows nevertheless."""
    figures: dict[str, Any] = {"input": name, "error": str(failure), "exit_code": failure.code}
    if not failure.text:
        return figures
    return {**figures, "text": failure.text, "rows": [*failure.rows, figures]}


class _Surroundings:
    """What portable work sets up in a worker. Limits and warnings are a whole process's, so the
    first of several threads enters, and the last one leaves."""

    def __init__(self) -> None:
        self.said = threading.local()
        self._lock = threading.Lock()
        self._inside = 0
        self._stack = contextlib.ExitStack()

    @contextlib.contextmanager
    def entered(self, work: Any) -> Iterator[None]:
        """Have them set up within the context."""
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._stack.enter_context(work.surroundings(self._warn))
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._stack.close()

    def _warn(self, sentence: str) -> None:
        sentences = getattr(self.said, "sentences", None)
        if sentences is not None:
            sentences.append(sentence)


_surroundings = _Surroundings()
