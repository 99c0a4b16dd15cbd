"""Writing files whole: a temporary file beside the target, then a rename.

Whatever interrupts a write (an exception, a full disk, a lost machine), the
target is either what it was or complete.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer


def write_whole(target: str | os.PathLike[str], parts: Iterable[Buffer], overwrite: bool) -> int:
    """Write the parts, one after the other, to a file that appears when complete.

    Args:
        target: the file's path; a symbolic link is followed.
        parts: bytes and the like, drawn as they are written.
        overwrite: whether an existing file may be replaced.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: the target exists and ``overwrite`` is false.
        OSError: it can't be written. Nothing is left behind.
    """
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise IsADirectoryError(f"{target} is a directory, not a file to write to")
    if path.exists():
        if not stat.S_ISREG(path.stat().st_mode):
            return _write_device(path, parts)
        if not overwrite:
            raise FileExistsError(f"{target} exists already")
    replaced = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    handle, name = _temporary(path, 0o666 if replaced is None else 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            if replaced is not None:
                os.chmod(name, replaced)
            written = _write_parts(file.write, parts)
            file.flush()
            os.fsync(file.fileno())
        _put_in_place(name, path, overwrite)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_directory(path.parent)
    return written


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


def _temporary(path: Path, mode: int) -> tuple[int, str]:
    """A new file beside ``path``, open for writing: (handle, name).

    The system takes the umask off ``mode``. ``tempfile`` would have us ask for the
    umask, which means to set it for a moment, in all threads.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        name = str(path.parent / f".{path.name[:64]}.{secrets.token_hex(4)}.tmp")
        with contextlib.suppress(FileExistsError):
            return os.open(name, flags, mode), name


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
    """Make the rename itself durable, where directories can be synced."""
    with contextlib.suppress(OSError, AttributeError):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
