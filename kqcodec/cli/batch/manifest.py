"""The manifest of a run over many files: a line of JSON for each, as it is done.

The first line says what run it is: where from, where to, and with what settings. A second
run with the same ones leaves out what is done, and any other is refused. A run that is
killed leaves a line that ends too early, at most; it is dropped.

    {"manifest": 1, "source": [...], "target": ..., "settings": {...}}
    {"input": ..., "input_bytes": ..., "input_mark": ..., "output": ..., "output_bytes": ...,
     "sha256": ...}
    {"input": ..., "error": ..., "exit_code": ...}
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from kqcodec.errors import ManifestError
from kqcodec.storage.atomic_write import write_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
# Bytes of a line: the first holds the names of all inputs, and perhaps a palette.
_LONGEST = 1 << 26


@dataclass(frozen=True)
class Run:
    """What makes two runs the same one: JSON values only."""

    source: list[str]
    target: str | None
    settings: dict[str, Any]

    def difference(self, other: Run) -> str | None:
        """In what another run differs, in words; None for the same."""
        if self.source != other.source:
            return f"it is of the inputs {', '.join(other.source)}"
        if self.target != other.target:
            return f"its results go to {other.target or 'where the inputs are'}"
        for name in {**self.settings, **other.settings}:
            mine, theirs = self.settings.get(name), other.settings.get(name)
            if mine != theirs:
                return f"its {name} is {json.dumps(theirs)}, not {json.dumps(mine)}"
        return None


@dataclass
class Manifest:
    """What a manifest says.

    Attributes:
        run: whose it is.
        records: the last line about each input, by its name.
        whole: bytes up to the end of the last whole line.
    """

    run: Run
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    whole: int = 0

    @classmethod
    def read(cls, path: str) -> Manifest:
        """Raises:
        ManifestError: it isn't one, or a line other than the last is damaged.
        OSError: it can't be read.
        """
        with open(path, "rb") as file:
            manifest = cls(_head(file.readline(_LONGEST), path))
            manifest.whole = file.tell()
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST), b""), 2):
                if not line.endswith(b"\n") and len(line) < _LONGEST:
                    break  # the run was killed as it wrote this
                record = _parsed(line)
                if not isinstance(record.get("input"), str):
                    raise ManifestError(f"line {number} of {path} is damaged; restore the file")
                manifest.records[record["input"]] = record
                manifest.whole += len(line)
        return manifest


def _head(line: bytes, path: str) -> Run:
    head = _parsed(line)
    if not line.endswith(b"\n") or "manifest" not in head:
        raise ManifestError(f"{path} is no manifest of kqcodec; name another file")
    if head["manifest"] != VERSION:
        raise ManifestError(f"{path} is a manifest of a newer version of kqcodec")
    try:
        return Run(list(head["source"]), head["target"], dict(head["settings"]))
    except (KeyError, TypeError, ValueError) as exc:
        raise ManifestError(f"the first line of {path} is damaged; restore the file") from exc


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Journal:
    """A manifest that is written to; no other run can meanwhile.

    Attributes:
        path: where it is.
        records: what it said at the start.
    """

    def __init__(self, path: str, file: IO[bytes], records: dict[str, dict[str, Any]]) -> None:
        self.path = path
        self.records = records
        self._file = file

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: str, run: Run) -> Iterator[Journal]:
        """The manifest of that run, made if it isn't there.

        Raises:
            ManifestError: another run's, one in use, or no manifest at all.
            OSError: it can't be read or written.
        """
        # Without a buffer, which would keep what the disk has refused and try again.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        with open(handle, "r+b", buffering=0) as file:
            _lock(file, path)
            records: dict[str, dict[str, Any]] = {}
            head = file.readline(_LONGEST)
            own = json.dumps({"manifest": VERSION, **vars(run)}).encode() + b"\n"
            # A part of our own first line is what is left of a run that was killed at once.
            if head.endswith(b"\n") or not own.startswith(head):
                manifest = Manifest.read(path)
                difference = run.difference(manifest.run)
                if difference is not None:
                    raise ManifestError(
                        f"{path} is the manifest of another run: {difference}; name another file"
                    )
                records = manifest.records
                file.seek(manifest.whole)
                file.truncate()
            else:
                file.seek(0)
                file.truncate()
                write_parts(file, [own])
            yield cls(path, file, records)
            os.fsync(file.fileno())

    def add(self, record: dict[str, Any]) -> None:
        """Another line; it is with the system when this returns."""
        write_parts(self._file, [json.dumps(record).encode() + b"\n"])


def _lock(file: IO[bytes], path: str) -> None:
    try:
        import fcntl
    except ImportError:  # where there are no such locks, two runs are the user's business
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise ManifestError(f"{path} is in use by another run; wait for it to end") from exc
    except OSError:  # a file system without locks
        return
