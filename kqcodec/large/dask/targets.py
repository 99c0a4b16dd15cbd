"""Files that hours of work go to: their targets are checked before the work begins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kqcodec.storage.atomic_write import is_stream, write_whole
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_target(target: str | os.PathLike[str], overwrite: bool) -> None:
    """Check that a file can be written there, so far as that can be told beforehand.

    Raises:
        FileExistsError: it exists and ``overwrite`` is false.
        OSError: it can't be written.
        ImportError: a URL needs what isn't installed.
    """
    if is_url(target):
        from kqcodec.storage import remote_files

        remote_files.check_writable(target)
        exists = remote_files.file_size(target) is not None
    elif is_stream(target):
        return
    else:
        path = os.path.realpath(target)
        if os.path.isdir(path):
            raise IsADirectoryError(f"{target} is a directory, not a file to write to")
        if not os.path.isdir(os.path.dirname(path)):
            raise FileNotFoundError(f"{target}: there is no folder {os.path.dirname(path)}")
        exists = os.path.isfile(path)
    if exists and not overwrite:
        raise FileExistsError(f"{target} exists already")


def write(target: str | os.PathLike[str], parts: Iterable[bytes], overwrite: bool) -> int:
    """Write a file that appears when it is complete.

    Returns:
        The bytes written.

    Raises:
        FileExistsError, OSError, ImportError: as ``check_target``.
    """
    if is_url(target):
        from kqcodec.storage.remote_files import write_large

        return write_large(target, parts, overwrite)
    return write_whole(target, parts, overwrite)
