"""`kq verify --manifest`: whether what a run has written is still there, and right."""

from __future__ import annotations

import hashlib
from typing import Any

from kqcodec.cli.batch.discover import FoundFile
from kqcodec.cli.batch.driver import Batch, BatchOptions, Tally
from kqcodec.cli.batch.manifest import Manifest
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.screen.failures import REFUSED, SYSTEM, Failure, display_name, failure_of
from kqcodec.errors import LimitError
from kqcodec.format.source import read_at_most
from kqcodec.storage.urls import is_url


def verify(path: str, options: BatchOptions, threads: int | None, max_pixels: int) -> int:
    """Check every file of a manifest, tell what is wrong at the end, and return the exit code.

    Raises:
        ManifestError: it isn't a manifest, or is damaged.
        Failure: it can't be read.
    """
    try:
        manifest = Manifest.read(path)
    except OSError as exc:
        raise failure_of(exc, display_name(path)) from exc
    records = {record.get("output", name): record for name, record in manifest.records.items()}
    # Their sizes are known: nobody needs to ask a server.
    found = {name: FoundFile(name, name, _size(record)) for name, record in records.items()}

    def work(name: str, _: Outputs, __: int) -> dict[str, Any]:
        return _checked(records[name], max_pixels)

    outputs = Outputs({}, None, force=False)
    batch = Batch(list(records), outputs, options, found=found, total=_total)
    return batch.run(work, threads)


def _size(record: dict[str, Any]) -> int | None:
    size = record.get("output_bytes")
    return size if isinstance(size, int) and size > 0 else None


def _total(tally: Tally) -> str:
    files = "1 file is" if tally.done == 1 else f"{tally.done:,} files are"
    total = f"{files} as the manifest says, {tally.bytes_out:,} bytes"
    return total + (f"; {tally.failed:,} failed" if tally.failed else "")


def _checked(record: dict[str, Any], max_pixels: int) -> dict[str, Any]:
    """The figures of a file that is as it should be; a Failure for any other."""
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
            REFUSED, f"{shown}: it has {count} bytes, but {size:,} were written; encode it anew"
        )
    if hashlib.sha256(data).hexdigest() != digest:
        raise Failure(REFUSED, f"{shown}: it has other bytes than were written; encode it anew")
    from kqcodec.coding.kq_file import KqFile

    with KqFile(data, threads=1, max_pixels=max_pixels) as file:
        report = file.size_report()
    if not report.proven:
        raise Failure(REFUSED, f"{shown}: its parts don't add up to its size")
    return {"input": name, "file_bytes": size, "sha256": digest, **report.to_dict()}


def _contents(name: str, most: int) -> bytes:
    if is_url(name):
        from kqcodec.storage import remote_files

        return remote_files.read(name, most)
    with open(name, "rb") as file:
        return read_at_most(file, most, name)
