"""Writing files whole: a temporary file beside the target, then a rename.

Whatever interrupts a write (an exception, a full disk, a killed process, a lost
machine), the target is either what it was or complete; and what a killed process
leaves behind goes with the next attempt to write the same file.

What can't be replaced (a pipe, a device, a file that is open already) is written to
as it is.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kqcodec.storage.temporary_files import check_is_there, remove_leftovers, temporary_beside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO, BinaryIO

    from typing_extensions import Buffer

# What fsync says of directories where it is only for files.
_NOT_FOR_DIRECTORIES = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES)

# The names of files that are open already. A shell's >(command) is one of them.
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")


def write_to(
    target: str | os.PathLike[str] | BinaryIO, parts: Iterable[Buffer], overwrite: bool
) -> int:
    """Write the parts to a path, where the file appears when it is complete, or to an open
    binary file.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the path exists and ``overwrite`` is false.
        OSError: it can't be written to.
        TypeError: it is something else.
    """
    if isinstance(target, (str, os.PathLike)):
        return write_whole(target, parts, overwrite)
    if not hasattr(target, "write"):
        kind = type(target).__name__
        raise TypeError(f"the target, which comes first, must be a path or a file, not {kind}")
    return write_parts(target, parts)


def write_parts(file: IO[bytes], parts: Iterable[Buffer]) -> int:
    """Write all of the parts, one after the other, to an open binary file.

    Raw files take as much as there is room for, and say how much; the rest is written
    until all is.

    Returns:
        The bytes written.

    Raises:
        BlockingIOError: it is in non-blocking mode, and there is no room in it.
        OSError: it can't be written to.
    """
    written = 0
    for part in parts:
        rest = memoryview(part).cast("B")
        written += len(rest)
        while rest:
            rest = rest[_taken(file, rest) :]
    return written


def _taken(file: IO[bytes], data: memoryview) -> int:
    """How many bytes of the data a file has taken at once, at least one."""
    count = cast("int | None", file.write(data))
    if count is None and not isinstance(file, io.RawIOBase):
        return len(data)  # an object like a file that doesn't tell, as many don't
    if count is None:
        raise BlockingIOError(errno.EAGAIN, "the file isn't ready for more bytes")
    if count < 1:
        raise OSError(f"the file took {count} of {len(data)} bytes")
    return count


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
    if is_stream(target):
        return _write_in_place(target, parts)
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise IsADirectoryError(f"{target} is a directory, not a file to write to")
    remove_leftovers(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already")
    replaced = path.stat() if path.exists() else None
    with temporary_beside(path, 0o666 if replaced is None else 0o600) as (handle, name):
        with os.fdopen(handle, "wb") as file:
            written = write_parts(file, parts)
            file.flush()
            if replaced is not None:
                _take_over(name, replaced)
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        check_is_there(name, status)
        _put_in_place(name, path, overwrite)
    _sync_directory(path.parent)
    return written


def make_folders(folder: str | os.PathLike[str]) -> None:
    """Make a folder and those that hold it, where they are missing, to stay there; OSError if
    one can't be made."""
    path = Path(os.path.realpath(folder))
    missing = [place for place in (path, *path.parents) if not place.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        _sync_directory(place.parent)


def descriptor_of(target: str | os.PathLike[str]) -> int | None:
    """The number of the open file that a name like /dev/stdout or /dev/fd/63 means; None
    for other names."""
    name = os.fspath(target)
    numbered = _NUMBERED.fullmatch(name)
    if os.name != "posix":
        return None
    return int(numbered[1]) if numbered else _STANDARD.get(name)


def is_stream(target: str | os.PathLike[str]) -> bool:
    """Whether the target is a pipe, a device or an open file, which is written to as it is:
    nothing there could be replaced."""
    if descriptor_of(target) is not None:
        return True
    try:
        mode = os.stat(target).st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _write_in_place(target: str | os.PathLike[str], parts: Iterable[Buffer]) -> int:
    number = descriptor_of(target)
    # A copy of an open one, rather than opened anew: that would begin at its start.
    with open(target if number is None else os.dup(number), "wb") as file:
        return write_parts(file, parts)


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
    """Make a new name in a directory durable, where directories can be synced; OSError if the
    disk fails."""
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:  # it may be written to, but not read; on Windows no folder is opened
        return
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno not in _NOT_FOR_DIRECTORIES:
            raise
    finally:
        os.close(handle)
