"""`kq verify --manifest`: whether what a run has written is still there, and right."""

from __future__ import annotations

import hashlib
from typing import Any

import kqcodec
from kqcodec.cli.batch.manifest import Manifest
from kqcodec.cli.screen.failures import REFUSED, SYSTEM, Failure, display_name, failure_of, worse
from kqcodec.cli.screen.progress import progress
from kqcodec.cli.screen.text import complain, echo, echo_json
from kqcodec.errors import KqError, LimitError
from kqcodec.format.source import read_at_most
from kqcodec.storage.threads import ordered_map, thread_count
from kqcodec.storage.urls import is_url


def verify(path: str, threads: int | None, max_pixels: int, *, as_json: bool, quiet: bool) -> int:
    """Check every file of a manifest; what is wrong is told at the end.

    Returns:
        The exit code.

    Raises:
        ManifestError: it isn't a manifest, or is damaged.
        Failure: it can't be read.
    """
    try:
        manifest = Manifest.read(path)
    except OSError as exc:
        raise failure_of(exc, display_name(path)) from exc

    def check(name: str) -> dict[str, Any]:
        record = manifest.records[name]
        try:
            return _checked(record, max_pixels)
        except (Failure, KqError, OSError, MemoryError, ImportError) as exc:
            shown = display_name(record.get("output", name))
            failure = exc if isinstance(exc, Failure) else failure_of(exc, shown)
            code, sentence = failure.code, str(failure)
            return {"input": record.get("output", name), "error": sentence, "exit_code": code}

    code, failures, count, size = 0, [], 0, 0
    with progress(list(manifest.records), hidden=quiet or as_json) as names:
        for figures in ordered_map(check, names, thread_count(threads)):
            if "error" in figures:
                code = worse(code, figures["exit_code"])
                failures.append(figures["error"])
            else:
                count += 1
                size += figures["file_bytes"]
            if as_json:
                echo_json(figures)
    if not quiet and not as_json:
        files = "1 file is" if count == 1 else f"{count:,} files are"
        total = f"{files} as the manifest says, {size:,} bytes"
        echo(total + (f"; {len(failures):,} failed" if failures else ""))
    for sentence in failures:
        complain(sentence)
    return code


def _checked(record: dict[str, Any], max_pixels: int) -> dict[str, Any]:
    """The figures of a file that is as it should be.

    Raises:
        Failure: it isn't.
        KqError, OSError, ImportError: it can't be read.
    """
    if "error" in record:
        code = record.get("exit_code")
        raise Failure(code if isinstance(code, int) else SYSTEM, str(record["error"]))
    name, size, digest = (record.get(key) for key in ("output", "output_bytes", "sha256"))
    if not (isinstance(name, str) and isinstance(size, int) and isinstance(digest, str)):
        raise Failure(REFUSED, f"{record['input']}: the manifest doesn't say what became of it")
    shown = display_name(name)
    try:
        data = _contents(name, max(size, 0))
        count = f"{len(data):,}"
    except LimitError:
        data, count = b"", "more"
    if len(data) != size:
        raise Failure(
            REFUSED,
            f"{shown}: it has {count} bytes, but {size:,} were written; encode it anew",
        )
    if hashlib.sha256(data).hexdigest() != digest:
        raise Failure(REFUSED, f"{shown}: it has other bytes than were written; encode it anew")
    report = kqcodec.open(data, threads=1, max_pixels=max_pixels).size_report()
    if not report.proven:
        raise Failure(REFUSED, f"{shown}: its parts don't add up to its size")
    return {"input": name, "file_bytes": size, "sha256": digest, **report.to_dict()}


def _contents(name: str, most: int) -> bytes:
    if is_url(name):
        from kqcodec.storage import remote_files

        return remote_files.read(name, most)
    with open(name, "rb") as file:
        return read_at_most(file, most, name)
