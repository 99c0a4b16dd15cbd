"""Where a file is: a path, or a URL. What commands ask of either."""

from __future__ import annotations

import os

import click

from kqcodec.cli.failures import STREAM
from kqcodec.source import is_url


def holds(target: str, data: bytes) -> bool:
    """Whether the file there has those very bytes."""
    if is_url(target):
        from kqcodec import stores

        return stores.look(target) == len(data) and stores.read(target) == data
    try:
        if os.path.getsize(target) != len(data):
            return False
        with open(target, "rb") as file:
            return file.read() == data
    except OSError:
        return False


def inside(directory: str, relative: str) -> str:
    """The path of what lies in a directory, or the URL."""
    if not is_url(directory):
        return os.path.join(directory, relative)
    from kqcodec.stores import joined

    return joined(directory, relative.replace(os.sep, "/"))


def check_writable(target: str) -> None:
    """Raise click.UsageError for a URL where nothing can be put."""
    if is_url(target):
        from kqcodec import stores

        if not stores.writable(target):
            kind = stores.protocols(target)[0]
            raise click.UsageError(
                f"{kind}:// can only be read; give a folder or an object store with -o."
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
        from kqcodec.stores import base_name

        return os.path.splitext(base_name(name))[0]
    return "stdin" if name == STREAM else os.path.splitext(os.path.basename(name))[0]


def place_of(path: str) -> str:
    """What two names of one file have in common."""
    return path.rstrip("/") if is_url(path) else os.path.normcase(os.path.realpath(path))


def size_of(name: str) -> int:
    """Bytes of a file; 0 where they can't be told.

    Raises:
        ImportError: a URL needs what isn't installed.
    """
    try:
        if is_url(name):
            from kqcodec import stores

            return stores.look(name) or 0
        return os.path.getsize(name) if name != STREAM else 0
    except OSError:
        return 0
