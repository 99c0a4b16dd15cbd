"""Where a file is: a path, or a URL. What commands ask of either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from kqcodec.cli.screen.failures import STREAM
from kqcodec.errors import LimitError
from kqcodec.storage.urls import base_name, is_url, is_writable, joined, protocols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer


def digested(parts: Iterable[bytes], digest: Callable[[bytes], None]) -> Iterator[bytes]:
    """The parts, each told to ``digest`` as it is drawn."""
    for part in parts:
        digest(part)
        yield part


def holds(target: str, parts: Iterable[Buffer]) -> int | None:
    """Bytes of the file there, if those are all of the parts, one after the other; else None."""
    if is_url(target):
        from kqcodec.storage import remote_files

        data = b"".join(parts)
        if remote_files.file_size(target) != len(data):
            return None
        try:
            return len(data) if remote_files.read(target, len(data)) == data else None
        except LimitError:  # it has grown meanwhile
            return None
    try:
        with open(target, "rb") as file:
            if not all(file.read(memoryview(part).nbytes) == part for part in parts):
                return None
            return None if file.read(1) else file.tell()
    except OSError:
        return None


def inside(directory: str, relative: str) -> str:
    """The path of what lies in a directory, or the URL."""
    if not is_url(directory):
        return os.path.join(directory, relative)
    return joined(directory, relative.replace(os.sep, "/"))


def check_writable(target: str) -> None:
    """Raise click.UsageError for a URL where nothing can be put."""
    if is_url(target) and not is_writable(target):
        raise click.UsageError(
            f"{protocols(target)[0]}:// can only be read; give a folder or an object store with -o."
        )


def lies_in(place: str, folder: str) -> bool:
    """Whether a place, as ``place_of`` gives it, is within another."""
    if is_url(place) or is_url(folder):
        return place.startswith(folder.rstrip("/") + "/")
    try:
        return os.path.commonpath([place, folder]) == folder
    except ValueError:  # on another drive, where there are drives
        return False


def stem(name: str) -> str:
    """The name of a file without folder and extension."""
    if is_url(name):
        return os.path.splitext(base_name(name))[0]
    return "stdin" if name == STREAM else os.path.splitext(os.path.basename(name))[0]


def place_of(path: str) -> str:
    """What two names of one file have in common."""
    return path.rstrip("/") if is_url(path) else os.path.normcase(os.path.realpath(path))


def size_of(name: str) -> int:
    """Bytes of a file, 0 where they can't be told; ImportError where a URL needs an extra."""
    try:
        if is_url(name):
            from kqcodec.storage import remote_files

            return remote_files.file_size(name) or 0
        return os.path.getsize(name) if name != STREAM else 0
    except OSError:
        return 0
