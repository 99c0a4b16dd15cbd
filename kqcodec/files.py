"""Writing files whole: a temporary file beside the target, then a rename.

Whatever interrupts a write (an exception, a full disk, a killed process, a lost
machine), the target is either what it was or complete; and what a killed process
leaves behind goes with the next attempt to write the same file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from kqcodec.temporary import (
    check_is_there,
    remove_leftovers,
    remove_leftovers_in,
    temporary_beside,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

# What fsync says of directories where it is only for files.
_NOT_FOR_DIRECTORIES = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)


def write_whole(target: str | os.PathLike[str], parts: Iterable[Buffer], overwrite: bool) -> int:
    """Write the parts, one after the other, to a file that appears when complete.

    It is on the disk then, not in memory only, so far as the system tells.

    Args:
        target: the file's path; a symbolic link is followed.
        parts: bytes and the like, drawn as they are written.
        overwrite: whether an existing file may be replaced. The new one has its
            permissions and, where that is allowed, its owner and group.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: it can't be written. Nothing is left behind.
    """
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise IsADirectoryError(f"{target} is a directory, not a file to write to")
    remove_leftovers(path)
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):
            return _write_device(path, parts)
        if not overwrite:
            raise FileExistsError(f"{target} exists already")
    replaced = path.stat() if path.exists() else None
    with temporary_beside(path, 0o666 if replaced is None else 0o600) as (handle, name):
        with os.fdopen(handle, "wb") as file:
            written = _write_parts(file.write, parts)
            file.flush()
            if replaced is not None:
                _take_over(name, replaced)
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        check_is_there(name, status)
        _put_in_place(name, path, overwrite)
    _sync_directory(path.parent)
    return written


def clear_leftovers(target: str | os.PathLike[str]) -> None:
    """Remove what killed processes have left of their attempts to write the target; for
    callers that find it needn't be written again."""
    remove_leftovers(Path(os.path.realpath(target)))


def clear_folder(folder: str | os.PathLike[str]) -> None:
    """The same for everything in a folder."""
    remove_leftovers_in(Path(folder))


def make_folders(folder: str | os.PathLike[str]) -> None:
    """Make a folder and those that hold it, where they are missing, to stay there.

    Raises:
        OSError: one can't be made.
    """
    path = Path(os.path.realpath(folder))
    missing = [place for place in (path, *path.parents) if not place.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        _sync_directory(place.parent)


def _write_parts(write: Callable[[Buffer], int], parts: Iterable[Buffer]) -> int:
    written = 0
    for part in parts:
        write(part)
        written += memoryview(part).nbytes
    return written


def _write_device(path: Path, parts: Iterable[Buffer]) -> int:
    """A pipe or a device, /dev/null say, is written to, not replaced."""
    with path.open("wb") as file:
        return _write_parts(file.write, parts)


def _take_over(name: str, replaced: os.stat_result) -> None:
    """Give the new file the owner, group and permissions of the one that it replaces."""
    mode = stat.S_IMODE(replaced.st_mode)
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(name, replaced.st_uid, -1)
        try:
            os.chown(name, -1, replaced.st_gid)
        except OSError:  # what was for that group isn't for another
            mode = mode & ~0o070 | (mode & 0o007) << 3
    os.chmod(name, mode)


def _put_in_place(name: str, path: Path, overwrite: bool) -> None:
    if overwrite:
        os.replace(name, path)
        return
    # A link, unlike a rename, fails where the target has appeared meanwhile.
    try:
        os.link(name, path)
    except FileExistsError:
        raise FileExistsError(f"{path} exists already") from None
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(f"{path} exists already") from None
        os.replace(name, path)
        return
    os.unlink(name)


def _sync_directory(directory: Path) -> None:
    """Make a new name in a directory durable, where directories can be synced.

    Raises:
        OSError: the disk failed.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # it may be written to, but not read
        return
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in _NOT_FOR_DIRECTORIES:
            raise
    finally:
        os.close(handle)
